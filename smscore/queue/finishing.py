"""What came of a batch, written in one transaction: its outcomes, or its way back, and what it holds or pauses."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final

from smscore.calls.retry import final_error, wait_before
from smscore.config import RetryPolicy
from smscore.errors import OutcomeUnknown, SMSError
from smscore.outcomes import Outcome
from smscore.queue.databases.base import Transaction
from smscore.queue.decisions import Action, Decision, Stop
from smscore.queue.outcomes import Columns, columns_of, same
from smscore.queue.payloads import Payload
from smscore.queue.senders import Answered
from smscore.queue.store import accounts, campaigns, dispatch, endings
from smscore.queue.store.batches import ClaimedBatch

_REPEATS: Final = RetryPolicy(wait_initial=1.0, wait_max=300.0)


def finish(
    transaction: Transaction,
    *,
    claimed: ClaimedBatch,
    whole: Payload,
    answered: Answered,
    decision: Decision,
    hops: Mapping[str | None, int],
) -> bool:
    """Write what came of a batch, and what is held or paused because of it. Whether its campaign is done with it."""
    failure, is_done = answered.failure, False
    if decision.stop is not None:
        transaction.exclude()  # first of all: who dispatches a batch holds its share before any row
    match decision.action:
        case Action.FINISH | Action.UNKNOWN | Action.ACCEPTED:
            columns = outcomes_of(answered, decision.action, len(whole) - len(claimed.dropped), hops)
            if endings.finish(transaction, claimed, whole, columns):
                is_done = campaigns.settle(transaction, claimed.campaign_id)
        case Action.BACK:
            dispatch.requeue(transaction, claimed)
        case Action.REPEAT:
            dispatch.repeat_later(transaction, claimed, claimed.hops, _wait_before_repeat(failure, claimed.tries))
    if decision.is_dead:
        accounts.note_failure(transaction, claimed.account, decision.wait)
    elif decision.is_dead is False:
        accounts.note_success(transaction, claimed.account)
    if decision.stop is Stop.ACCOUNT:
        until = None if decision.hold_seconds is None else transaction.now + decision.hold_seconds
        accounts.hold_at_least(transaction, claimed.account, until, _reason(failure))
    elif decision.stop is Stop.CAMPAIGN:
        campaigns.pause(transaction, claimed.campaign_id, _reason(failure))
    return is_done


def outcomes_of(answered: Answered, action: Action, size: int, hops: Mapping[str | None, int]) -> Columns:
    """The outcomes of a batch that is finished by this action; ``hops`` as :func:`columns_of` takes them."""
    if action is Action.FINISH and answered.report is not None:
        return columns_of(answered.report, hops)
    if action is Action.ACCEPTED:
        return same(Outcome.ACCEPTED, size)
    error = answered.failure
    if action is Action.FINISH and error is not None:
        return same(error.outcome or Outcome.UNKNOWN, size, error)
    unknown = OutcomeUnknown("It may have been sent.")
    return same(Outcome.UNKNOWN, size, unknown if error is None else final_error(error, unknown))


def _wait_before_repeat(failure: SMSError | None, tries: int) -> float:
    """The seconds until a repeat, after so many tries before this one."""
    assert failure is not None  # noqa: S101  # nothing is repeated after a usable answer
    return wait_before(failure, tries + 1, _REPEATS, random.random())  # noqa: S311  # it spreads requests


def _reason(failure: SMSError | None) -> str:
    return f"{type(failure).__name__}: {failure}"
