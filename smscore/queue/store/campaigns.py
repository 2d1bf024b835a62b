"""Campaigns: what users ask about them, and do with them."""

from __future__ import annotations

from typing import Final

from smscore.outcomes import Outcome
from smscore.queue.databases.base import Transaction
from smscore.queue.model import CAMPAIGN_COLUMNS, Campaign, campaign_of
from smscore.queue.stored_errors import StoredError, pack_errors

ACTIVE: Final = "('queued', 'running')"
_OPEN: Final = "('queued', 'running', 'paused')"
_PAUSABLE: Final = "('loading', 'queued', 'running')"
_CANCELLABLE: Final = "('loading', 'queued', 'running', 'paused')"


def get(transaction: Transaction, campaign_id: int) -> Campaign | None:
    """The campaign with this id."""
    row = transaction.row(f"SELECT {CAMPAIGN_COLUMNS} FROM payamak_campaign WHERE id = %s", campaign_id)
    return None if row is None else campaign_of(row)


def by_key(transaction: Transaction, key: str) -> Campaign | None:
    """The campaign with this key."""
    row = transaction.row(f"SELECT {CAMPAIGN_COLUMNS} FROM payamak_campaign WHERE key = %s", key)
    return None if row is None else campaign_of(row)


def page(transaction: Transaction, state: str | None, after: int, limit: int) -> list[Campaign]:
    """The campaigns with ids above ``after``, at most ``limit``, in order."""
    condition, values = ("", ()) if state is None else (" AND state = %s", (state,))
    rows = transaction.rows(
        f"SELECT {CAMPAIGN_COLUMNS} FROM payamak_campaign WHERE id > %s{condition} ORDER BY id LIMIT %s",
        after,
        *values,
        limit,
    )
    return [*map(campaign_of, rows)]


# What users do; whether it changed anything, which it does not once a campaign has ended


def pause(transaction: Transaction, campaign_id: int, reason: str) -> bool:
    """Dispatch nothing of a campaign until it is resumed; one that is loading is paused once it is loaded."""
    transaction.exclude()
    return bool(
        transaction.run(
            "UPDATE payamak_campaign SET state = CASE WHEN state = 'loading' THEN state ELSE 'paused' END, "
            f"reason = %s, next_at = NULL WHERE id = %s AND state IN {_PAUSABLE}",
            reason,
            campaign_id,
        )
    )


def resume(transaction: Transaction, campaign_id: int) -> bool:
    """Let a paused campaign go on, or wait again for the time that it must not begin before, or for a first worker."""
    changed = transaction.run(
        "UPDATE payamak_campaign SET reason = NULL, state = CASE WHEN not_before > %s OR NOT EXISTS "
        "(SELECT 1 FROM payamak_batch WHERE campaign_id = payamak_campaign.id AND (tries > 0 OR claim IS NOT NULL)) "
        "THEN 'queued' ELSE 'running' END, "
        "next_at = CASE WHEN not_before > %s THEN not_before ELSE %s END WHERE id = %s AND state = 'paused'",
        *[transaction.now] * 3,
        campaign_id,
    )
    changed += transaction.run(
        "UPDATE payamak_campaign SET reason = NULL WHERE id = %s AND state = 'loading' AND reason IS NOT NULL",
        campaign_id,
    )
    settle(transaction, campaign_id)
    return bool(changed)


def cancel(transaction: Transaction, campaign_id: int, reason: str | None = None) -> bool:
    """Stop what has not begun; what is under way ends. One that is loading is loaded no further.

    A ``reason`` takes the place of the one that is there.
    """
    transaction.exclude()
    changed = transaction.run(
        "UPDATE payamak_campaign SET state = 'cancelled', next_at = NULL, loading_until = NULL, ended_at = %s, "
        f"reason = coalesce(%s, reason) WHERE id = %s AND state IN {_CANCELLABLE}",
        transaction.now,
        reason,
        campaign_id,
    )
    if changed:
        drop_waiting(transaction, campaign_id, "cancelled")
    return bool(changed)


def expire(transaction: Transaction, campaign_id: int) -> None:
    """End what has not begun of a campaign whose time is over."""
    transaction.exclude()
    drop_waiting(transaction, campaign_id, "expired")
    transaction.run("UPDATE payamak_campaign SET next_at = NULL WHERE id = %s", campaign_id)
    settle(transaction, campaign_id)


def expire_all(transaction: Transaction) -> None:
    """End what has not begun of all campaigns whose time is over."""
    for (id_,) in transaction.rows(
        "SELECT id FROM payamak_campaign c WHERE ended_at IS NULL AND expires IS NOT NULL AND expires <= %s "
        "AND state <> 'loading' AND EXISTS "
        "(SELECT 1 FROM payamak_batch WHERE campaign_id = c.id AND state <> 'done' AND state = 'new')",
        transaction.now,
    ):
        expire(transaction, id_)


def drop_waiting(transaction: Transaction, campaign_id: int, reason: str) -> None:
    """End a campaign's batches that were never dispatched, for this reason."""
    transaction.run(
        "UPDATE payamak_batch SET state = 'done', outcome = 'not_sent', not_sent = size, errors = %s, claim = NULL, "
        "lease_until = NULL, ended_at = %s "
        "WHERE campaign_id = %s AND state <> 'done' AND state IN ('new', 'claimed')",
        pack_errors([never_sent(reason)]),
        transaction.now,
        campaign_id,
    )


def drop_if_cancelled(transaction: Transaction, campaign_id: int) -> bool:
    """Whether a campaign was cancelled; then a batch that has come back to it ends."""
    row = transaction.row("SELECT state FROM payamak_campaign WHERE id = %s", campaign_id)
    if row is None or row[0] != "cancelled":
        return False
    drop_waiting(transaction, campaign_id, "cancelled")
    return True


def never_sent(reason: str) -> StoredError:
    """The error of recipients that were not sent to for this reason."""
    return StoredError(
        "NotAttempted",
        f"Not sent, since {_REASONS[reason]}. Nothing was sent to these recipients.",
        Outcome.NOT_SENT.value,
        reason=reason,
    )


_REASONS: Final = {
    "cancelled": "the campaign was cancelled",
    "expired": "the campaign expired before this batch started",
    "suppressed": "the number is on the suppression list",
}


def settle(transaction: Transaction, campaign_id: int) -> bool:
    """Whether the campaign is done now: no batch of it is left to end."""
    return bool(
        transaction.run(
            f"UPDATE payamak_campaign SET state = 'done', next_at = NULL, ended_at = %s WHERE id = %s "
            f"AND state IN {_OPEN} AND NOT EXISTS "
            "(SELECT 1 FROM payamak_batch WHERE campaign_id = payamak_campaign.id AND state <> 'done')",
            transaction.now,
            campaign_id,
        )
    )


def wake(transaction: Transaction, campaign_id: int) -> None:
    """Let workers look at a campaign again, if it has a batch to claim."""
    transaction.run(
        f"UPDATE payamak_campaign SET next_at = %s WHERE id = %s AND state IN {ACTIVE} AND next_at IS NULL AND EXISTS "
        "(SELECT 1 FROM payamak_batch WHERE campaign_id = payamak_campaign.id AND state <> 'done' AND state = 'new')",
        transaction.now,
        campaign_id,
    )
