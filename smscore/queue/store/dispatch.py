"""Dispatching a batch: the last commit before its request leaves, and on disk before it does."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec
from attrs import frozen

from smscore.queue.databases.base import Transaction
from smscore.queue.limits import HOLD
from smscore.queue.payloads import unpack
from smscore.queue.store import campaigns, setbacks, suppression
from smscore.queue.store.batches import ClaimedBatch, Hop, pack_json
from smscore.queue.windows import window_from_json
from smscore.sending.send_call import NotDispatched


class Refusal(Enum):
    """Why a batch may not go."""

    LOST = "its lease ran out, and another worker has it"
    STOPPED = "its campaign, or its account, stands still"
    CANCELLED = "its campaign was cancelled"
    EXPIRED = "its campaign's time is over"
    TOO_LATE = "the provider may no longer know its request id"
    OTHER_ID = "a repeat would have another request id"
    OTHER_ACCOUNT = "a repeat would go to another account, which does not know its request id"
    STALLED = "its worker stalled for longer than its lease"
    OUTSIDE_WINDOW = "it is outside the campaign's hours"
    SUPPRESSED = "numbers were suppressed since it was claimed"
    EARLY = "its account's rate has no turn yet"
    OUTAGE = "the database cannot be used at the moment"


UNREPEATABLE: Final = frozenset({Refusal.TOO_LATE, Refusal.OTHER_ID, Refusal.OTHER_ACCOUNT})
"""Why a batch that may have gone is not sent again, now or later."""


class Refused(NotDispatched):
    """A batch may not go: it was provably not sent. ``wait`` is the seconds until its turn comes."""

    def __init__(self, why: Refusal, wait: float = 0.0) -> None:
        super().__init__(f"A batch was not dispatched: {why.value}.")
        self.why = why
        self.wait = wait


@frozen
class Attempt:
    """What a batch is dispatched with; ``interval`` is the seconds between two batches of the account."""

    provider: str | None
    request_id: str | None
    lifetime: float | None
    sender: str | None
    interval: float
    lease: float
    is_probe: bool = False
    account: str | None = None
    """The mark of the provider's account that it goes to; None: it is not known."""


def dispatch(transaction: Transaction, claimed: ClaimedBatch, attempt: Attempt) -> Hop:
    """Write that a batch is about to leave; raises :class:`Refused` if it may not."""
    transaction.share()
    now = transaction.now
    row = transaction.row(
        f"SELECT b.state, b.claim, c.state, c.expires, c.hours, s.value, {setbacks.COUNT} FROM payamak_batch b "
        "JOIN payamak_campaign c ON c.id = b.campaign_id "
        "JOIN payamak_counter s ON s.name = 'suppression' WHERE b.id = %s",
        claimed.id,
    )
    if row is None or row[0] not in ("claimed", "sending") or row[1] != claimed.claim:
        raise Refused(Refusal.LOST)
    _, _, campaign, expires, hours, version, count = row
    if campaign == "cancelled":
        raise Refused(Refusal.CANCELLED)
    if campaign == "paused":
        raise Refused(Refusal.STOPPED)
    if expires is not None and expires <= now:
        raise Refused(Refusal.EXPIRED)
    if claimed.may_have_arrived:
        _check_repeat(transaction, claimed.hop, attempt)
    window = window_from_json(hours)
    if window is not None and not window.is_open(now):
        raise Refused(Refusal.OUTSIDE_WINDOW)
    if not claimed.may_have_arrived and version != claimed.suppression and _is_suppressed(transaction, claimed):
        raise Refused(Refusal.SUPPRESSED)
    _check_account(transaction, claimed.account, attempt)
    return _write(transaction, claimed, attempt, int(count))


def _check_repeat(transaction: Transaction, hop: Hop | None, attempt: Attempt) -> None:
    """Refuse what the provider would take for a new request."""
    # The id lived when the batch was claimed; a process may have stood still since, as a suspended machine does.
    if hop is None or not setbacks.knows_id(transaction, hop):
        raise Refused(Refusal.TOO_LATE)
    if hop.request_id != attempt.request_id:  # as it is where a client must cut the batch in two
        raise Refused(Refusal.OTHER_ID)
    if hop.account != attempt.account:
        raise Refused(Refusal.OTHER_ACCOUNT)


def _is_suppressed(transaction: Transaction, claimed: ClaimedBatch) -> bool:
    """Whether anybody of a batch was suppressed, or is no longer, since that was last looked up."""
    places, claimed.suppression = suppression.places_of(transaction, unpack(claimed.stored).numbers)
    return places != claimed.dropped


def _check_account(transaction: Transaction, name: str, attempt: Attempt) -> None:
    lock = transaction.dialect.lock if attempt.interval else ""
    row = transaction.row(f"SELECT hold, hold_until, next_go FROM payamak_account WHERE name = %s{lock}", name)
    if row is None:
        return
    hold, until, next_go = row
    holds = hold is not None and (until is None or until > transaction.now or hold != HOLD)
    if holds and not (attempt.is_probe and hold != HOLD):
        raise Refused(Refusal.STOPPED)
    if not attempt.interval:
        return
    if next_go > transaction.now:
        raise Refused(Refusal.EARLY, next_go - transaction.now)
    transaction.run("UPDATE payamak_account SET next_go = %s WHERE name = %s", transaction.now + attempt.interval, name)


def _write(transaction: Transaction, claimed: ClaimedBatch, attempt: Attempt, count: int) -> Hop:
    now = transaction.now
    again = claimed.hop
    if again is not None and again.request_id is not None and again.request_id == attempt.request_id:
        hop, hops = again, claimed.hops  # a repeat: the id lives from its first try on
    else:
        # Without an id nothing can be repeated, whatever the provider knows otherwise.
        ends = None if attempt.lifetime is None or attempt.request_id is None else now + attempt.lifetime
        hop = Hop(attempt.provider, now, attempt.request_id, ends, attempt.sender, attempt.account, count)
        hops = [*claimed.hops, hop]
    changed = transaction.run(
        "UPDATE payamak_batch SET state = 'sending', hops = %s, dropped = %s, tries = tries + 1, lease_until = %s "
        "WHERE id = %s AND claim = %s AND state IN ('claimed', 'sending')",
        msgspec.json.encode(hops).decode(),
        pack_json(claimed.dropped),
        now + attempt.lease,
        claimed.id,
        claimed.claim,
    )
    if not changed:
        raise Refused(Refusal.LOST)
    return hop


def requeue(transaction: Transaction, claimed: ClaimedBatch, *, delay: float = 0.0) -> None:
    """Give up a batch of which this claim sent nothing: to the queue, or to a repeat after an earlier dispatch.

    ``delay``: seconds until it may be repeated. Where the campaign was cancelled meanwhile, it ends.
    """
    transaction.share()
    if claimed.may_have_arrived:
        transaction.run(
            "UPDATE payamak_batch SET claim = NULL, lease_until = %s, hops = %s WHERE id = %s AND claim = %s",
            transaction.now + delay,
            pack_json(claimed.hops),
            claimed.id,
            claimed.claim,
        )
        return
    changed = transaction.run(
        "UPDATE payamak_batch SET state = 'new', claim = NULL, lease_until = NULL, hops = NULL, dropped = NULL "
        "WHERE id = %s AND claim = %s AND state IN ('claimed', 'sending')",
        claimed.id,
        claimed.claim,
    )
    if changed and not campaigns.drop_if_cancelled(transaction, claimed.campaign_id):
        transaction.run(
            "UPDATE payamak_campaign SET next_at = %s WHERE id = %s AND state IN ('queued', 'running')",
            transaction.now,
            claimed.campaign_id,
        )


def repeat_later(transaction: Transaction, claimed: ClaimedBatch, hops: list[Hop], delay: float) -> None:
    """Leave a batch that may have gone to be repeated with its request id after this many seconds."""
    transaction.run(
        "UPDATE payamak_batch SET claim = NULL, lease_until = %s, hops = %s WHERE id = %s AND claim = %s",
        transaction.now + delay,
        pack_json(hops),
        claimed.id,
        claimed.claim,
    )
