"""Splitting a batch that is too large to be sent at once: for a client with a lower limit, or for a probe."""

from __future__ import annotations

from smscore.queue.databases.base import Transaction
from smscore.queue.payloads import pack, unpack
from smscore.queue.store.batches import ClaimedBatch
from smscore.queue.store.campaigns import wake


def split(transaction: Transaction, claimed: ClaimedBatch, most: int) -> bytes | None:
    """Leave the first ``most`` recipients in a batch that was never dispatched, and put the others into a new one.

    Returns the first ones, packed; None if the batch is not this worker's any more. It may be called again where it is
    not known whether it was committed.
    """
    payload = unpack(claimed.stored)
    first, rest = payload.part(0, most), payload.part(most, len(payload))
    transaction.share()  # a cancel that does not see the new batch would leave it open for ever
    row = transaction.row(
        "SELECT chunk, sender, size FROM payamak_batch WHERE id = %s AND claim = %s AND state = 'claimed' "
        f"AND hops IS NULL{transaction.dialect.lock}",
        claimed.id,
        claimed.claim,
    )
    if row is None:
        return None
    chunk, sender, size = row
    kept = pack(first)
    if size == len(first):
        return kept  # as an earlier call has left it
    transaction.run("UPDATE payamak_batch SET payload = %s, size = %s WHERE id = %s", kept, len(first), claimed.id)
    transaction.insert(
        "payamak_batch",
        ("campaign_id", "account", "chunk", "first", "size", "payload", "sender"),
        [(claimed.campaign_id, claimed.account, chunk, claimed.first, len(rest), pack(rest), sender)],
    )
    wake(transaction, claimed.campaign_id)
    return kept
