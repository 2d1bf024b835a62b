"""Claiming: which batch a worker takes next, and what becomes of batches whose worker did not come back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from attrs import field, frozen

from smscore.queue.databases.base import Transaction
from smscore.queue.decisions import Lost, after_lost
from smscore.queue.limits import MAX_WAIT_FOR_TURN, AccountState, Permission
from smscore.queue.payloads import unpack
from smscore.queue.store import accounts, campaigns, endings, setbacks, suppression
from smscore.queue.store.batches import CLAIMED_COLUMNS, ClaimedBatch, claimed_of, unpack_hops
from smscore.queue.windows import window_from_json


@frozen
class Lane:
    """An account that a worker sends for: its rate as the seconds between two batches (0: no rate)."""

    account: str
    interval: float = 0.0


@frozen
class Claims:
    """What a worker took: batches to send, accounts to probe, and the seconds until there is more (None: unknown)."""

    batches: list[ClaimedBatch] = field(factory=list[ClaimedBatch])
    probes: list[str] = field(factory=list[str])
    wait: float | None = None


def claim(
    transaction: Transaction,
    lanes: Sequence[Lane],
    most: int,
    lease: float,
    readers: frozenset[str] = frozenset(),
) -> Claims:
    """Claim at most ``most`` batches, in turn from each of these accounts.

    ``readers``: accounts whose providers this worker probes by a read rather than by a batch.
    """
    taken = Claims()
    look_at: list[float] = []
    open_lanes: list[tuple[Lane, AccountState, bool]] = []
    for lane in lanes:
        state = accounts.state(transaction, lane.account)
        permission = state.permission(transaction.now)
        has_lost = recover(transaction, lane.account, sends=permission is not Permission.HELD)
        if permission is Permission.PROBE and _probe(transaction, lane, lease, taken, by_read=lane.account in readers):
            continue
        if permission is Permission.OPEN:
            open_lanes.append((lane, state, has_lost))
        elif (moment := state.changes_at(transaction.now)) is not None:
            look_at.append(moment)
    while open_lanes and len(taken.batches) < most:
        lane, state, has_lost = open_lanes.pop(0)
        if state.next_turn - transaction.now > MAX_WAIT_FOR_TURN:
            look_at.append(state.next_turn - MAX_WAIT_FOR_TURN)
            continue
        batch = (has_lost and _repeat(transaction, lane.account, lease)) or _new(transaction, lane.account, lease)
        if batch is None:
            continue
        batch.wait = accounts.reserve_turn(transaction, state, lane.interval)
        taken.batches.append(batch)
        open_lanes.append((lane, accounts.state(transaction, lane.account) if lane.interval else state, has_lost))
    for batch in taken.batches:
        leave_out_suppressed(transaction, batch)
    return Claims(taken.batches, taken.probes, min((moment - transaction.now for moment in look_at), default=None))


def leave_out_suppressed(transaction: Transaction, batch: ClaimedBatch) -> None:
    """Note who of a batch is suppressed. Whoever was left out when it was first dispatched stays so."""
    if not batch.hops:
        numbers = unpack(batch.stored).numbers if suppression.is_used(transaction) else []
        batch.dropped, batch.suppression = suppression.places_of(transaction, numbers)


def _probe(transaction: Transaction, lane: Lane, lease: float, taken: Claims, *, by_read: bool) -> bool:
    """Whether this worker probes the account now."""
    if by_read or has_work(transaction, lane.account):
        token = secrets.token_hex(8)
        if accounts.take_probe(transaction, lane.account, token, lease):
            if by_read:
                taken.probes.append(lane.account)
                return True
            batch = _repeat(transaction, lane.account, lease) or _new(transaction, lane.account, lease)
            if batch is not None:
                batch.is_probe = True
                taken.batches.append(batch)
                return True
    return False


def has_work(transaction: Transaction, account: str) -> bool:
    """Whether an account has anything that could be claimed now."""
    row = transaction.row(
        "SELECT 1 FROM payamak_campaign WHERE account = %s AND next_at IS NOT NULL AND next_at <= %s LIMIT 1",
        account,
        transaction.now,
    )
    return row is not None or _is_due(transaction, account)


def _is_due(transaction: Transaction, account: str) -> bool:
    """Whether a batch's lease has run out."""
    row = transaction.row(
        "SELECT id FROM payamak_batch WHERE account = %s AND lease_until IS NOT NULL AND lease_until <= %s LIMIT 1",
        account,
        transaction.now,
    )
    return row is not None


# New batches


def _new(transaction: Transaction, account: str, lease: float) -> ClaimedBatch | None:
    """The first batch of the first campaign that has one; campaigns whose time has not come are put off."""
    skipped: list[int] = []
    while True:
        found = _next_campaign(transaction, account, skipped)
        if found is None:
            return None
        campaign_id, next_at, expires, hours, state = found
        if expires is not None and expires <= transaction.now:
            campaigns.expire(transaction, campaign_id)
            continue
        window = window_from_json(hours)
        if window is not None and not window.is_open(transaction.now):
            _put_off(transaction, campaign_id, next_at, window.opens_at(transaction.now))
            continue
        batch_id = _first_batch(transaction, campaign_id, lease)
        if batch_id is not None:
            if state == "queued":
                _begin(transaction, campaign_id)
            return get(transaction, batch_id)
        # Either all of its batches are in work, or other workers hold the rows of the last ones at this moment.
        _put_off(transaction, campaign_id, next_at, None)
        skipped.append(campaign_id)


def _next_campaign(
    transaction: Transaction, account: str, skipped: list[int]
) -> tuple[int, float, float | None, str | None, str] | None:
    marks = f" AND id NOT IN ({', '.join(['%s'] * len(skipped))})" if skipped else ""
    row = transaction.row(
        "SELECT id, next_at, expires, hours, state FROM payamak_campaign WHERE account = %s AND next_at IS NOT NULL "
        f"AND next_at <= %s{marks} ORDER BY priority DESC, id LIMIT 1",
        account,
        transaction.now,
        *skipped,
    )
    return None if row is None else (row[0], row[1], row[2], row[3], row[4])


def _put_off(transaction: Transaction, campaign_id: int, seen: float, until: float | None) -> None:
    # Only if nobody has put a batch back meanwhile, who would have written another time.
    transaction.run("UPDATE payamak_campaign SET next_at = %s WHERE id = %s AND next_at = %s", until, campaign_id, seen)


def _first_batch(transaction: Transaction, campaign_id: int, lease: float) -> int | None:
    row = transaction.row(
        "UPDATE payamak_batch SET state = 'claimed', claim = %s, lease_until = %s WHERE id = ("
        "SELECT id FROM payamak_batch WHERE campaign_id = %s AND state <> 'done' AND state = 'new' ORDER BY id LIMIT 1"
        f"{transaction.dialect.lock_free}) RETURNING id",
        secrets.token_hex(8),
        transaction.now + lease,
        campaign_id,
    )
    return None if row is None else int(row[0])


def _begin(transaction: Transaction, campaign_id: int) -> None:
    transaction.run("UPDATE payamak_campaign SET state = 'running' WHERE id = %s AND state = 'queued'", campaign_id)


def get(transaction: Transaction, batch_id: int) -> ClaimedBatch:
    """A batch that this worker has claimed."""
    row = transaction.row(
        f"SELECT {CLAIMED_COLUMNS} FROM payamak_batch b JOIN payamak_campaign c ON c.id = b.campaign_id "
        "WHERE b.id = %s",
        batch_id,
    )
    assert row is not None  # noqa: S101  # the caller has just written it
    return claimed_of(row)


# Batches whose lease ran out


_LOOK_AGAIN: Final = 5.0  # seconds after which a repeat that has to wait is looked at again


def recover(transaction: Transaction, account: str, *, sends: bool) -> bool:
    """Put back batches whose worker was lost before it dispatched them, and end those that cannot be repeated.

    Returns whether any lease had run out: then there may be batches to repeat.
    ``sends``: whether the account may send now, and so repeat.
    """
    lost = transaction.rows(
        "SELECT id, campaign_id, state FROM payamak_batch WHERE account = %s AND lease_until IS NOT NULL "
        f"AND lease_until <= %s ORDER BY state, lease_until LIMIT 100{transaction.dialect.lock_free}",
        account,
        transaction.now,
    )
    for batch_id, campaign_id, state in lost:
        if state == "claimed":
            put_back(transaction, batch_id, campaign_id)
            continue
        decision = _lost(transaction, batch_id)
        if decision is Lost.UNKNOWN:
            endings.end_unknown(transaction, batch_id)
        elif decision is Lost.WAIT or not sends:
            transaction.run(
                "UPDATE payamak_batch SET lease_until = %s WHERE id = %s", transaction.now + _LOOK_AGAIN, batch_id
            )
    return bool(lost)


def put_back(transaction: Transaction, batch_id: int, campaign_id: int) -> None:
    """Make a batch that was not dispatched claimable again."""
    transaction.run("UPDATE payamak_batch SET state = 'new', claim = NULL, lease_until = NULL WHERE id = %s", batch_id)
    transaction.run(
        "UPDATE payamak_campaign SET next_at = %s WHERE id = %s AND state IN ('queued', 'running')",
        transaction.now,
        campaign_id,
    )


def _lost(transaction: Transaction, batch_id: int) -> Lost:
    row = transaction.row(
        "SELECT b.hops, c.state, c.expires, c.hours FROM payamak_batch b "
        "JOIN payamak_campaign c ON c.id = b.campaign_id WHERE b.id = %s",
        batch_id,
    )
    assert row is not None  # noqa: S101  # the caller has just read it
    hops, state, expires, hours = row
    hop = unpack_hops(hops)[-1]
    return after_lost(
        transaction.now,
        repeat_until=hop.repeat_until if setbacks.knows_id(transaction, hop) else None,
        expires=expires,
        state=state,
        window=window_from_json(hours),
    )


def _repeat(transaction: Transaction, account: str, lease: float) -> ClaimedBatch | None:
    """A batch that may have gone, to be repeated with the same request id."""
    for (batch_id,) in transaction.rows(
        "SELECT id FROM payamak_batch WHERE account = %s AND lease_until IS NOT NULL AND lease_until <= %s "
        f"AND state = 'sending' ORDER BY lease_until LIMIT 20{transaction.dialect.lock_free}",
        account,
        transaction.now,
    ):
        if _lost(transaction, batch_id) is Lost.REPEAT:
            transaction.run(
                "UPDATE payamak_batch SET claim = %s, lease_until = %s WHERE id = %s",
                secrets.token_hex(8),
                transaction.now + lease,
                batch_id,
            )
            return get(transaction, batch_id)
    return None
