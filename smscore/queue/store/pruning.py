"""Forgetting people: numbers and texts go, counts and keys stay, so that a key that comes again still sends nothing."""

from __future__ import annotations

from typing import Final

from smscore.queue.databases.base import Transaction
from smscore.queue.store.batches import PLACE_BITS

_BATCHES: Final = 20  # in one transaction


def ended_before(transaction: Transaction, moment: float) -> list[int]:
    """The campaigns that ended before this time and still know their recipients."""
    return [
        row[0]
        for row in transaction.rows(
            "SELECT id FROM payamak_campaign WHERE ended_at < %s AND pruned_at IS NULL ORDER BY id", moment
        )
    ]


def prune_batches(transaction: Transaction, campaign_id: int) -> int:
    """Forget the recipients of some of a campaign's batches, and return of how many."""
    ids = [
        row[0]
        for row in transaction.rows(
            "SELECT id FROM payamak_batch WHERE campaign_id = %s AND state = 'done' AND payload IS NOT NULL "
            "ORDER BY id LIMIT %s",
            campaign_id,
            _BATCHES,
        )
    ]
    for id_ in ids:
        transaction.run(
            "DELETE FROM payamak_message WHERE id >= %s AND id < %s", id_ << PLACE_BITS, (id_ + 1) << PLACE_BITS
        )
    transaction.many(
        "UPDATE payamak_batch SET payload = NULL, errors = NULL, hops = NULL, long_ids = NULL, dropped = NULL, "
        "track_at = NULL WHERE id = %s",
        [(id_,) for id_ in ids],
    )
    return len(ids)


def prune_campaign(transaction: Transaction, campaign_id: int) -> None:
    """Forget a campaign's text, once its recipients are forgotten and none is under way."""
    transaction.run(
        "UPDATE payamak_campaign SET text = NULL, params = NULL, pruned_at = %s WHERE id = %s AND NOT EXISTS "
        "(SELECT 1 FROM payamak_batch WHERE campaign_id = payamak_campaign.id AND state <> 'done')",
        transaction.now,
        campaign_id,
    )


def prune_inbound(transaction: Transaction, moment: float) -> None:
    """Remove inbound messages that were stored before this time, and which the provider does not hand out again."""
    transaction.run("DELETE FROM payamak_inbound WHERE stored_at < %s AND marked = 1", moment)
