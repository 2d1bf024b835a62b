"""What is tried again, and what the end of it means: the table of the public face, row by row."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepahan_sms.wire import REQUEST_IDS
from smscore import (
    AuthenticationError,
    ConnectionFailed,
    DuplicateRequest,
    InsufficientCredit,
    InvalidNumber,
    MalformedResponse,
    NotAttempted,
    Outcome,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    ResponseLost,
    RetryPolicy,
    ServerError,
    SMSError,
)
from smscore.calls.retry import RetryBudget, final_error, may_repeat, next_wait, time_to_repeat, wait_before
from smscore.wire.endpoint import Repeat

NEVER_LEFT = ConnectionFailed("x")
TOO_MANY = RateLimited("x")
NO_ANSWER = [ResponseLost("x"), MalformedResponse("x"), OutcomeUnknown("x")]
FAILED = ServerError("x")
REFUSED = [ProviderError("x"), AuthenticationError("x"), InsufficientCredit("x"), DuplicateRequest("x")]
POLICY = RetryPolicy(attempts=4, wait_initial=1.0, wait_max=5.0)


@pytest.mark.parametrize("repeat", Repeat)
@pytest.mark.parametrize("error", [NEVER_LEFT, TOO_MANY])
def test_what_never_left_and_a_429_are_tried_again_whatever_the_call(error: SMSError, repeat: Repeat):
    assert may_repeat(error, repeat)


@pytest.mark.parametrize("error", [*NO_ANSWER, FAILED])
def test_what_may_have_been_done_is_tried_again_only_where_that_does_no_harm(error: SMSError):
    assert [repeat for repeat in Repeat if not may_repeat(error, repeat)] == [Repeat.NEVER]


@pytest.mark.parametrize("repeat", Repeat)
@pytest.mark.parametrize("error", [*REFUSED, InvalidNumber("x"), NotAttempted("x")])
def test_a_refusal_is_never_tried_again(error: SMSError, repeat: Repeat):
    assert not may_repeat(error, repeat)


@pytest.mark.parametrize(("tries", "least", "most"), [(1, 0.5, 1), (2, 1, 2), (3, 2, 4), (4, 2.5, 5), (2000, 2.5, 5)])
def test_waits_double_between_half_and_all_of_it(tries: int, least: float, most: float):
    assert wait_before(NEVER_LEFT, tries, POLICY, 0.0) == least
    assert wait_before(NEVER_LEFT, tries, POLICY, 1.0) == most


@pytest.mark.parametrize(("asked", "wait"), [(None, 1.0), (0.0, 1.0), (0.4, 1.0), (30.0, 30.0)])
def test_retry_after_is_obeyed_where_it_asks_for_more(asked: float | None, wait: float):
    assert wait_before(RateLimited("x", retry_after=asked), 1, POLICY, 1.0) == wait


def decide(error: SMSError = NEVER_LEFT, **changes: Any) -> float | None:
    given: dict[str, Any] = {
        "repeat": Repeat.FREELY, "tries": 1, "policy": POLICY, "jitter": 1.0, "left": None
    }  # fmt: skip
    return next_wait(error, **{**given, **changes})


def test_it_stops_after_the_allowed_tries():
    assert [decide(tries=tries) for tries in (1, 2, 3, 4, 5)] == [1.0, 2.0, 4.0, None, None]


def test_it_stops_where_a_repeat_could_do_harm():
    assert decide(ResponseLost("x"), repeat=Repeat.NEVER) is None
    assert decide(ResponseLost("x"), repeat=Repeat.SAME_ID) == 1.0


def test_the_policy_of_none_repeats_nothing():
    assert decide(policy=RetryPolicy.none()) is None


@pytest.mark.parametrize(("left", "wait"), [(1.01, 1.0), (1.0, None), (0.0, None), (-1.0, None)])
def test_it_never_waits_past_the_calls_time(left: float, wait: float | None):
    assert decide(left=left) == wait


@pytest.mark.parametrize(("asked", "wait"), [(60.0, 60.0), (60.1, None), (86_400.0, None)])
def test_a_long_retry_after_is_raised_instead_of_waited_for(asked: float, wait: float | None):
    assert decide(RateLimited("x", retry_after=asked)) == wait


def test_a_wait_of_the_policys_own_may_be_as_long_as_it_says():
    assert decide(policy=RetryPolicy(wait_initial=300, wait_max=300)) == 300


def test_a_failure_may_ask_to_wait_too():
    assert wait_before(ServerError("x", retry_after=30.0), 1, POLICY, 1.0) == 30


@pytest.mark.parametrize(
    ("repeat", "elapsed", "left", "time"),
    [
        (Repeat.SAME_ID, 0.0, None, 12_600.0),
        (Repeat.SAME_ID, 12_000.0, None, 600.0),
        (Repeat.SAME_ID, 12_000.0, 599.0, 599.0),
        (Repeat.SAME_ID, 12_000.0, 601.0, 600.0),
        (Repeat.SAME_ID, 13_000.0, None, -400.0),
        (Repeat.FREELY, 13_000.0, None, None),
        (Repeat.AT_MOST_ONCE, 13_000.0, None, None),
        (Repeat.NEVER, 13_000.0, 5.0, 5.0),
    ],
)
def test_sepahans_request_id_is_not_used_again_after_three_and_a_half_hours(
    repeat: Repeat, elapsed: float, left: float | None, time: float | None
):
    assert time_to_repeat(repeat, elapsed, left, REQUEST_IDS.lifetime) == time


def test_where_no_id_is_sent_only_the_calls_time_bounds_the_repeats():
    assert time_to_repeat(Repeat.SAME_ID, 13_000.0, 5.0, None) == 5.0


@pytest.mark.parametrize("error", [NEVER_LEFT, TOO_MANY, *NO_ANSWER, FAILED, *REFUSED])
def test_without_an_earlier_try_that_may_have_arrived_the_error_stands(error: SMSError):
    assert final_error(error, None) is error


@pytest.mark.parametrize("error", [*NO_ANSWER, FAILED])
def test_no_usable_answer_stays_what_it_is(error: SMSError):
    assert final_error(error, ResponseLost("earlier")) is error


@pytest.mark.parametrize("error", [NEVER_LEFT, NotAttempted("x")])
def test_a_repeat_that_never_left_says_nothing_of_the_try_before(error: SMSError):
    earlier = ResponseLost("earlier")
    assert final_error(error, earlier) is earlier


@pytest.mark.parametrize("error", [*REFUSED, TOO_MANY])
def test_a_refusal_of_a_repeat_leaves_it_unknown_and_is_kept(error: ProviderError):
    refusal = type(error)("no", provider="sepahan", code=-14, http_status=401, message="نه", details=["چرا"])
    unknown = final_error(refusal, ResponseLost("earlier"))
    assert type(unknown) is OutcomeUnknown
    assert unknown.outcome is Outcome.UNKNOWN
    assert str(unknown) == (
        "sepahan refused a repeat, after an earlier try that may have arrived. The outcome of that try is unknown; "
        "the refusal is in the error's details."
    )
    assert unknown.details == ["no", "چرا"]
    assert (unknown.provider, unknown.code, unknown.http_status, unknown.message) == ("sepahan", -14, 401, "نه")
    assert unknown.meets_every_batch is refusal.meets_every_batch


@pytest.mark.parametrize(("successes", "repeats"), [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (25, 2)])
def test_the_budget_gives_ten_and_then_one_for_every_ten_successes(successes: int, repeats: int):
    budget = RetryBudget()
    assert [budget.take() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(successes):
        budget.succeed()
    assert [budget.take() for _ in range(repeats + 1)] == [True] * repeats + [False]


def test_the_budget_does_not_grow_without_end():
    budget = RetryBudget()
    for _ in range(10_000):
        budget.succeed()
    assert sum(itertools.takewhile(bool, iter(budget.take, None))) == 100


@given(
    st.integers(1, 50),
    st.floats(0, 1),
    st.floats(0, 100),
    st.floats(0, 100),
    st.none() | st.floats(0, 100_000),
)
def test_a_wait_lies_between_half_of_what_is_due_and_what_is_asked(
    tries: int, jitter: float, initial: float, most: float, asked: float | None
):
    policy = RetryPolicy(attempts=99, wait_initial=initial, wait_max=most)
    wait = wait_before(RateLimited("x", retry_after=asked), tries, policy, jitter)
    assert wait >= (asked or 0)
    assert wait <= max(most, asked or 0)
