"""What stops a call, and what a batch alone reports."""

from __future__ import annotations

import asyncio
import time

import pytest
from msgspec.structs import replace

from smscore import (
    AuthenticationError,
    BatchEvent,
    ConfigurationError,
    ConnectionFailed,
    DuplicateRequest,
    InvalidParameters,
    InvalidRequest,
    MalformedResponse,
    NotAttempted,
    Outcome,
    ProviderError,
    RateLimited,
    ResponseLost,
    ServerError,
    SMSError,
)
from smscore.calls.stop import StopRule, not_attempted
from smscore.columns import IdColumn
from smscore.errors import AccountError, InsufficientCredit, OutcomeUnknown, OutsideServiceHours
from smscore.sending.batching import Outgoing, split
from smscore.sending.report_builder import add_result, batch_report, empty_report
from smscore.sending.send_call import BatchRunner
from smscore.wire.batch import Batch, BatchResult, all_accepted, failed, in_bulk

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
def test_an_answer_resets_the_count(answer: SMSError | None):
    dead = DEAD[0]
    assert rule_after(dead, dead, answer, dead, dead).reason is None
    assert rule_after(dead, dead, answer, dead, dead, dead).reason is not None


def test_a_batch_that_was_not_tried_neither_counts_nor_resets_the_count():
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


@pytest.mark.parametrize(
    ("failures", "by_provider"), [([FATAL[0]], True), ([DEAD[0]] * 3, True), ([ConfigurationError("x")], False)]
)
def test_a_stop_says_whether_the_provider_is_its_cause(failures: list[SMSError], by_provider: bool):
    with pytest.raises(NotAttempted) as caught:
        rule_after(*failures).check("sepahan")
    assert caught.value.by_provider is by_provider


def test_a_stop_of_the_callers_own_is_not_the_providers():
    rule = StopRule(deadline=time.monotonic())
    with pytest.raises(NotAttempted) as caught:
        rule.check("sepahan")
    assert not caught.value.by_provider
    rule.stop("on_batch raised OSError")
    with pytest.raises(NotAttempted) as caught:
        rule.check("sepahan")
    assert not caught.value.by_provider


def test_a_gate_hears_of_every_batch_that_was_tried_and_may_stop_the_rest():
    class Closed:
        def __init__(self) -> None:
            self.noted: list[SMSError | None] = []

        def check(self, rule: StopRule) -> None:
            if len(self.noted) > 1:
                rule.stop("the gate is closed", by_provider=True)

        def note(self, failure: SMSError | None) -> None:
            self.noted.append(failure)

    gate = Closed()
    rule = StopRule(gate=gate)
    for failure in (None, NotAttempted("x"), MILD[0]):
        rule.check("najva")
        rule.note(failure)
    assert gate.noted == [None, MILD[0]]
    with pytest.raises(NotAttempted, match="the gate is closed"):
        rule.check("najva")


def test_a_deadline_that_has_passed_stops_the_rest():
    assert StopRule().time_left() is None
    soon = StopRule(deadline=time.monotonic() + 100)
    soon.check("najva")
    assert 99 < (soon.time_left() or 0) <= 100
    with pytest.raises(NotAttempted) as caught:
        StopRule(deadline=time.monotonic()).check("najva")
    assert (caught.value.reason, caught.value.provider) == ("the time for the whole call ran out", "najva")


def test_not_attempted_says_what_to_do():
    error = not_attempted("of this", "najva")
    assert (error.reason, error.provider, error.outcome) == ("of this", "najva", Outcome.NOT_SENT)
    assert str(error) == "Not tried, since of this. Nothing was sent to these recipients, and it may be tried again."


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


def test_what_is_refused_one_by_one_is_not_a_failure_of_the_batch():
    result = BatchResult(bytes([0, 1]), [1, None], {1: InvalidParameters("x")})
    report = batch_report(BATCH, result)
    assert report.refused_one_by_one
    assert [r.outcome for r in report] == [Outcome.ACCEPTED, Outcome.REJECTED]


async def at_once(_: float | None) -> None:
    """No rate: it is everybody's turn."""


async def test_what_stops_a_call_keeps_the_rest_from_being_tried():
    tried: list[int] = []

    async def attempt(batch: Batch, _: StopRule) -> BatchResult:
        tried.append(batch.index)
        return failed(batch, AuthenticationError("x"))

    runner = BatchRunner("sepahan", attempt, at_once, StopRule())
    results = [await runner.run(Batch(n, [n], ["09120000001"], ["a"], ["1"])) for n in range(3)]
    assert tried == [0]
    assert [type(result.failure) for result in results] == [AuthenticationError, NotAttempted, NotAttempted]


class Journal:
    """Hears the events of a call, and raises at one of them if it is told to."""

    def __init__(self, fails_at: str = "") -> None:
        self.heard: list[BatchEvent] = []
        self.fails_at = fails_at

    def __call__(self, event: BatchEvent) -> None:
        self.heard.append(event)
        if event.state == self.fails_at:
            raise ValueError("the disk is full")


async def delivered(journal: object, count: int = 1) -> tuple[list[BatchResult], list[int]]:
    tried: list[int] = []

    async def attempt(batch: Batch, _: StopRule) -> BatchResult:
        tried.append(batch.index)
        return all_accepted(batch, [7, 8])

    runner = BatchRunner("sepahan", attempt, at_once, StopRule(), journal)  # type: ignore[arg-type]
    return [await runner.run(replace(BATCH, index=n)) for n in range(count)], tried


async def test_a_journal_hears_of_a_batch_before_and_after_it():
    journal = Journal()
    await delivered(journal)
    before, after = journal.heard
    assert before == BatchEvent("sending", 0, "id-5", ("+989120000001", "+989120000002"), provider="sepahan")
    assert (after.state, after.index, after.request_id, after.recipients) == ("done", 0, "id-5", before.recipients)
    assert after.report is not None
    assert [result.message_id for result in after.report] == [7, 8]


async def test_an_async_journal_is_waited_for():
    heard: list[str] = []

    async def journal(event: BatchEvent) -> None:
        await asyncio.sleep(0)
        heard.append(event.state)

    await delivered(journal)
    assert heard == ["sending", "done"]


async def test_a_journal_that_fails_before_a_send_keeps_it_and_the_rest_from_going(caplog: pytest.LogCaptureFixture):
    results, tried = await delivered(Journal("sending"), 2)
    assert tried == []
    failures = [result.failure for result in results]
    assert [(type(f), f.provider, f.reason) for f in failures if isinstance(f, NotAttempted)] == [
        (NotAttempted, "sepahan", "on_batch raised ValueError")
    ] * 2
    assert isinstance(failures[0].__cause__, ValueError)
    assert caplog.messages == ["on_batch raised ValueError; the rest of the call is not sent"]


async def test_a_journal_that_fails_after_a_send_keeps_its_result_and_stops_the_rest():
    results, tried = await delivered(Journal("done"), 2)
    assert tried == [0]
    assert [type(result.failure) for result in results] == [type(None), NotAttempted]


async def test_a_journal_must_be_callable():
    with pytest.raises(InvalidRequest, match=r"^on_batch= must be a function that takes one event\.$"):
        await delivered(5)


async def test_the_failures_and_bulk_ids_of_all_batches_are_in_the_report():
    outgoing = Outgoing(["09120000001", "09120000002", "09120000003"], ["a"], ["1"])
    one, two, three = split(outgoing, 1)
    report = empty_report(outgoing)
    add_result(report, one, in_bulk(one, [5, 6]))
    add_result(report, two, in_bulk(two, [7]))
    add_result(report, three, failed(three, ServerError("x")))
    assert report.message_ids == [5, 6, 7]
    assert (report.ok, report.refused_one_by_one) == (False, False)
    assert [result.message_id for result in report] == [5, 7, None]


async def test_a_bulk_send_that_names_nobody_still_reports_its_end():
    nobody = Batch(0, range(0), [], [], [])
    assert batch_report(nobody, in_bulk(nobody, [5])).message_ids == [5]
    assert batch_report(nobody, in_bulk(nobody, [5])).ok
    refused = batch_report(nobody, failed(nobody, InvalidParameters("x")))
    assert not refused.ok
    assert isinstance(refused.failure(), InvalidParameters)


def test_one_request_takes_messages_of_several_senders_unless_it_is_said_otherwise():
    outgoing = Outgoing(["09120000001", "09120000002"], ["a", "b"], ["1", "2"])
    assert [(batch.index, batch.senders) for batch in split(outgoing, None)] == [(0, ["1", "2"])]
    apart = split(outgoing, None, one_sender=True)
    assert [(batch.index, batch.senders) for batch in apart] == [(0, ["1"]), (1, ["2"])]


def test_a_call_of_bad_numbers_alone_has_no_batch():
    assert [*split(Outgoing([""], ["a"], ["1"], bad={0: "x"}), 10)] == []
    assert [*split(Outgoing([""], ["a"], ["1"], bad={0: "x"}), 10, one_sender=True)] == []


def test_a_column_takes_as_many_values_as_it_has_places():
    with pytest.raises(ValueError, match="zip"):
        IdColumn(3).put([0, 2], [5])
