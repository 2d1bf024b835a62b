"""Putting right what workers that died between two transactions have left."""

from __future__ import annotations

from collections.abc import Sequence

from smscore.queue.databases.base import Transaction
from smscore.queue.store.campaigns import ACTIVE, expire_all, settle
from smscore.queue.store.loads import remove_dead_loads


def sweep(transaction: Transaction, accounts: Sequence[str]) -> None:
    """Remove loads that died, end what has expired, and settle or wake campaigns of these accounts."""
    remove_dead_loads(transaction)
    expire_all(transaction)
    for account in accounts:
        for (id_,) in transaction.rows(
            f"SELECT id FROM payamak_campaign WHERE ended_at IS NULL AND account = %s AND state IN {ACTIVE} "
            "AND next_at IS NULL",
            account,
        ):
            if not settle(transaction, id_):
                wake(transaction, id_)


def wake(transaction: Transaction, campaign_id: int) -> None:
    """Let workers look at a campaign again, if it has a batch to claim."""
    transaction.run(
        f"UPDATE payamak_campaign SET next_at = %s WHERE id = %s AND state IN {ACTIVE} AND next_at IS NULL AND EXISTS "
        "(SELECT 1 FROM payamak_batch WHERE campaign_id = payamak_campaign.id AND state <> 'done' AND state = 'new')",
        transaction.now,
        campaign_id,
    )
