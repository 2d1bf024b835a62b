"""The pure table: what becomes of a batch, and of one whose worker did not come back."""

from __future__ import annotations

import datetime as dt

import pytest

from smscore import (
    AccountError,
    AuthenticationError,
    ClientClosed,
    ConfigurationError,
    ConnectionFailed,
    DuplicateRequest,
    InsufficientCredit,
    InvalidParameters,
    InvalidRequest,
    MalformedResponse,
    NotAttempted,
    NotFound,
    OutsideServiceHours,
    ProviderError,
    RateLimited,
    ResponseLost,
    ServerError,
    SMSError,
)
from smscore.queue.decisions import Action, Lost, Stop, after_lost, decide
from smscore.queue.windows import Window

FINISH, UNKNOWN, ACCEPTED, BACK, REPEAT = Action
ACCOUNT, CAMPAIGN = Stop


def of_the_sender() -> SMSError:
    error = InvalidParameters("")
    error.meets_every_batch = True
    return error


def of_one_recipient() -> SMSError:
    error = AccountError("")
    error.meets_every_batch = False
    return error


# What came back, then: nothing may have arrived before; an earlier try may have, and can be repeated; it cannot be.
TABLE: list[tuple[SMSError | None, Action, Action, Action, Stop | None, bool | None]] = [
    (None, FINISH, FINISH, FINISH, None, False),
    (NotAttempted(""), BACK, REPEAT, UNKNOWN, None, None),
    (ClientClosed(""), BACK, REPEAT, UNKNOWN, None, None),
    (ConnectionFailed(""), BACK, REPEAT, UNKNOWN, None, True),
    (RateLimited(""), BACK, REPEAT, UNKNOWN, None, True),
    (ResponseLost(""), REPEAT, REPEAT, UNKNOWN, None, True),
    (ServerError(""), REPEAT, REPEAT, UNKNOWN, None, True),
    (MalformedResponse(""), REPEAT, REPEAT, UNKNOWN, None, True),
    (DuplicateRequest(""), UNKNOWN, ACCEPTED, ACCEPTED, None, False),
    (AuthenticationError(""), BACK, UNKNOWN, UNKNOWN, ACCOUNT, False),
    (AccountError(""), BACK, UNKNOWN, UNKNOWN, ACCOUNT, False),
    (InsufficientCredit(""), BACK, UNKNOWN, UNKNOWN, ACCOUNT, False),
    (OutsideServiceHours(""), BACK, UNKNOWN, UNKNOWN, ACCOUNT, False),
    (of_the_sender(), BACK, UNKNOWN, UNKNOWN, CAMPAIGN, False),
    (ConfigurationError(""), BACK, REPEAT, UNKNOWN, ACCOUNT, None),
    (InvalidRequest(""), BACK, REPEAT, UNKNOWN, CAMPAIGN, None),
    (InvalidParameters(""), FINISH, UNKNOWN, UNKNOWN, None, False),
    (of_one_recipient(), FINISH, UNKNOWN, UNKNOWN, None, False),
    (NotFound(""), FINISH, UNKNOWN, UNKNOWN, None, False),
    (ProviderError(""), FINISH, UNKNOWN, UNKNOWN, None, False),
    (SMSError(""), FINISH, UNKNOWN, UNKNOWN, None, None),
]


@pytest.mark.parametrize(("failure", "first", "later", "last", "stop", "is_dead"), TABLE)
def test_what_becomes_of_a_batch(
    failure: SMSError | None, first: Action, later: Action, last: Action, stop: Stop | None, is_dead: bool | None
):
    decisions = [
        decide(failure, may_have_arrived=False, can_repeat=True),
        decide(failure, may_have_arrived=True, can_repeat=True),
        decide(failure, may_have_arrived=True, can_repeat=False),
    ]
    assert [decision.action for decision in decisions] == [first, later, last]
    assert {decision.stop for decision in decisions} == {stop}
    assert {decision.is_dead for decision in decisions} == {is_dead}


def test_without_a_request_id_what_may_have_arrived_is_never_repeated():
    assert decide(ResponseLost(""), may_have_arrived=False, can_repeat=False).action is UNKNOWN


def test_a_refusal_for_the_hour_holds_the_account_for_a_while_only():
    assert decide(OutsideServiceHours(""), may_have_arrived=False, can_repeat=False).hold_seconds == 900
    assert decide(AccountError(""), may_have_arrived=False, can_repeat=False).hold_seconds is None


@pytest.mark.parametrize("failure", [RateLimited("", retry_after=7.0), ServerError("", retry_after=7.0)])
def test_a_wait_that_the_provider_asks_for_is_kept(failure: SMSError):
    assert decide(failure, may_have_arrived=False, can_repeat=True).wait == 7.0


NOON = dt.datetime(2026, 11, 26, 8, 30, tzinfo=dt.UTC).timestamp()  # 12:00 in Tehran
OPEN, SHUT = Window(dt.time(8), dt.time(22)), Window(dt.time(13), dt.time(22))


@pytest.mark.parametrize(
    ("repeat_until", "expires", "state", "window", "becomes"),
    [
        (None, None, "running", None, Lost.UNKNOWN),
        (NOON, None, "running", None, Lost.UNKNOWN),
        (NOON + 1, None, "running", None, Lost.REPEAT),
        (NOON + 1, NOON, "running", None, Lost.UNKNOWN),
        (NOON + 1, NOON + 1, "running", OPEN, Lost.REPEAT),
        (NOON + 1, None, "running", SHUT, Lost.WAIT),
        (NOON + 1, None, "paused", None, Lost.WAIT),
        (NOON, None, "paused", None, Lost.UNKNOWN),
        (NOON + 1, None, "cancelled", None, Lost.UNKNOWN),
    ],
)
def test_what_becomes_of_a_batch_whose_worker_did_not_come_back(
    repeat_until: float | None, expires: float | None, state: str, window: Window | None, becomes: Lost
):
    found = after_lost(NOON, repeat_until=repeat_until, expires=expires, state=state, window=window)
    assert found is becomes
