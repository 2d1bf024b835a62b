"""What stops a call, and what a batch alone reports."""

from __future__ import annotations

import time

import pytest

from smscore import (
    AuthenticationError,
    ConnectionFailed,
    DuplicateRequest,
    InvalidParameters,
    MalformedResponse,
    NotAttempted,
    Outcome,
    ProviderError,
    RateLimited,
    ResponseLost,
    ServerError,
    SMSError,
)
from smscore.batching import Batch
from smscore.delivery import Delivery, StopRule, not_attempted
from smscore.errors import AccountError, InsufficientCredit, OutcomeUnknown, OutsideServiceHours
from smscore.merging import BatchResult, all_accepted, batch_report, failed

DEAD = [
    RateLimited("x"),
    ConnectionFailed("x"),
    ResponseLost("x"),
    MalformedResponse("x"),
    ServerError("x"),
    OutcomeUnknown("x"),
]
FATAL = [AuthenticationError("x"), AccountError("x"), InsufficientCredit("x"), OutsideServiceHours("x")]
MILD = [ProviderError("x"), InvalidParameters("x"), DuplicateRequest("x")]


def rule_after(*failures: SMSError | None) -> StopRule:
    rule = StopRule()
    for failure in failures:
        rule.note(failure)
    return rule


@pytest.mark.parametrize("error", FATAL)
def test_a_refusal_that_meets_every_batch_stops_the_rest_and_says_why(error: SMSError):
    rule = rule_after(None, error)
    assert rule.reason == (f"an earlier batch was refused with {type(error).__name__}, which the rest would meet too")


@pytest.mark.parametrize("error", MILD)
def test_another_refusal_stops_nothing(error: SMSError):
    assert rule_after(*[error] * 10).reason is None


def test_a_code_of_its_own_may_meet_every_batch():
    error = InvalidParameters("x")
    error.meets_every_batch = True
    assert rule_after(error).reason is not None


@pytest.mark.parametrize("error", DEAD)
def test_the_third_dead_batch_in_a_row_stops_the_rest(error: SMSError):
    assert rule_after(error, error).reason is None
    assert rule_after(error, error, error).reason == "3 batches in a row got no usable answer, no connection or a 429"


@pytest.mark.parametrize("answer", [None, *MILD])
def test_an_answer_begins_the_count_anew(answer: SMSError | None):
    dead = DEAD[0]
    assert rule_after(dead, dead, answer, dead, dead).reason is None
    assert rule_after(dead, dead, answer, dead, dead, dead).reason is not None


def test_a_batch_that_was_not_tried_neither_counts_nor_begins_anew():
    dead, not_tried = DEAD[0], NotAttempted("x")
    assert rule_after(dead, not_tried, dead, not_tried).reason is None
    assert rule_after(dead, not_tried, dead, not_tried, dead).reason is not None


def test_the_first_reason_stays_with_its_cause():
    rule, cause = StopRule(), ValueError("first")
    rule.stop("first", cause)
    rule.stop("second", ValueError("second"))
    assert (rule.reason, rule.cause) == ("first", cause)


def test_a_stopped_rule_raises_with_its_reason_and_cause():
    rule, cause = StopRule(), ValueError("first")
    rule.check("sepahan")
    rule.stop("it is late", cause)
    with pytest.raises(NotAttempted, match="it is late") as caught:
        rule.check("sepahan")
    assert (caught.value.reason, caught.value.provider, caught.value.__cause__) == ("it is late", "sepahan", cause)


def test_a_deadline_that_has_passed_stops_the_rest():
    assert StopRule().time_left() is None
    soon = StopRule(deadline=time.monotonic() + 100)
    soon.check("najva")
    assert 99 < (soon.time_left() or 0) <= 100
    with pytest.raises(NotAttempted, match="time for the whole call ran out"):
        StopRule(deadline=time.monotonic()).check("najva")


def test_not_attempted_says_what_to_do():
    error = not_attempted("of this", "najva")
    assert (error.reason, error.provider, error.outcome) == ("of this", "najva", Outcome.NOT_SENT)
    assert str(error) == "Not tried, since of this. Nothing was sent to this recipient, and it may be tried again."


BATCH = Batch(4, [7, 9], ["09120000001", "09120000002"], ["a"], ["1"], ["x", "y"], "id-5")


def test_a_batch_that_was_taken_reports_its_ids_and_cost():
    report = batch_report(BATCH, all_accepted(BATCH, [1, 2], 30))
    assert [(r.message_id, r.ref, r.request_id, r.outcome) for r in report] == [
        (1, "x", "id-5", Outcome.ACCEPTED),
        (2, "y", "id-5", Outcome.ACCEPTED),
    ]
    assert (report.cost, report.offset, report.ok) == (30, 0, True)


@pytest.mark.parametrize("error", [*DEAD, *FATAL, *MILD, NotAttempted("x")])
def test_a_batch_that_failed_reports_its_error_for_everybody(error: SMSError):
    report = batch_report(BATCH, failed(BATCH, error))
    went_out = "id-5" if error.outcome is not Outcome.NOT_SENT else None
    assert [(r.outcome, r.error, r.request_id) for r in report] == [(error.outcome, error, went_out)] * 2
    assert not report.refused_one_by_one


def test_a_failure_without_an_outcome_counts_as_unknown():
    error = ResponseLost("x")
    error.outcome = None
    assert len(batch_report(BATCH, failed(BATCH, error)).unknown) == 2


def test_what_is_refused_one_by_one_is_no_failure_of_the_batch():
    result = BatchResult(bytes([0, 1]), [1, None], {1: InvalidParameters("x")})
    report = batch_report(BATCH, result)
    assert report.refused_one_by_one
    assert [r.outcome for r in report] == [Outcome.ACCEPTED, Outcome.REJECTED]


async def test_what_stops_a_call_keeps_the_rest_from_being_tried():
    tried: list[int] = []

    async def attempt(batch: Batch) -> BatchResult:
        tried.append(batch.index)
        return failed(batch, AuthenticationError("x"))

    delivery = Delivery("sepahan", attempt, StopRule())
    results = [await delivery.deliver(Batch(n, [n], ["09120000001"], ["a"], ["1"])) for n in range(3)]
    assert tried == [0]
    assert [type(result.failure) for result in results] == [AuthenticationError, NotAttempted, NotAttempted]
