"""Splitting a batch that is too large to be sent at once: for a client with a lower limit, or for a probe."""

from __future__ import annotations

from smscore.queue.databases.base import Transaction
from smscore.queue.payloads import pack, unpack
from smscore.queue.store.batches import Claimed
from smscore.queue.store.campaigns import wake


def split(transaction: Transaction, claimed: Claimed, most: int) -> bool:
    """Keep the first ``most`` recipients of a batch that was never dispatched, and put the others back as a new batch.

    False if it is not this worker's any more.
    """
    payload = unpack(claimed.stored)
    first, rest = payload.part(0, most), payload.part(most, len(payload))
    kept = pack(first)
    changed = transaction.run(
        "UPDATE payamak_batch SET payload = %s, size = %s WHERE id = %s AND claim = %s AND state = 'claimed' "
        "AND hops IS NULL",
        kept,
        len(first),
        claimed.id,
        claimed.claim,
    )
    if not changed:
        return False
    row = transaction.row("SELECT chunk, sender FROM payamak_batch WHERE id = %s", claimed.id)
    assert row is not None  # noqa: S101  # it was updated a moment ago
    transaction.insert(
        "payamak_batch",
        ("campaign_id", "account", "chunk", "first", "size", "payload", "sender"),
        [(claimed.campaign_id, claimed.account, row[0], claimed.first, len(rest), pack(rest), row[1])],
    )
    claimed.stored, claimed.size = kept, len(first)
    claimed.dropped = [place for place in claimed.dropped if place < most]
    wake(transaction, claimed.campaign_id)
    return True
