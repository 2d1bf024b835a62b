"""Putting right what workers that died between two transactions have left."""

from __future__ import annotations

from collections.abc import Sequence

from smscore.queue.databases.base import Transaction
from smscore.queue.store import reports, setbacks
from smscore.queue.store.campaigns import ACTIVE, expire_all, settle, wake
from smscore.queue.store.loading import remove_abandoned
from smscore.queue.store.reports import Change


def sweep(transaction: Transaction, accounts: Sequence[str], lease: float | None = None) -> list[Change]:
    """Remove what was left half loaded, end what has expired, and settle or wake campaigns of these accounts.

    ``lease`` is that of a worker's batches: with it, a clock that was set back is noticed. None where no worker waits.
    Returns the delivery reports that were given up, since nobody knows their messages.
    """
    if lease is not None:
        setbacks.check_clock(transaction, lease)
    remove_abandoned(transaction)
    expire_all(transaction)
    # Only after expire_all, which excludes: an upgrade locks in that order too, and otherwise the two could deadlock.
    unknown = reports.tidy(transaction)
    for account in accounts:
        for (id_,) in transaction.rows(
            f"SELECT id FROM payamak_campaign WHERE ended_at IS NULL AND account = %s AND state IN {ACTIVE} "
            "AND next_at IS NULL",
            account,
        ):
            if not settle(transaction, id_):
                wake(transaction, id_)
    return unknown
