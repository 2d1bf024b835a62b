"""Reports: a sequence of truthful results, and when a send raises instead of giving one."""

from __future__ import annotations

import copy
import datetime as dt
import gc
import json
import pickle
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recipients import numbers

from sepahan_sms import AsyncSepahan
from smscore import (
    AuthenticationError,
    ConnectionFailed,
    InsufficientCredit,
    InvalidNumber,
    InvalidParameters,
    InvalidRequest,
    MalformedResponse,
    Message,
    NotAttempted,
    Outcome,
    PartialSendError,
    RecipientResult,
    ResponseLost,
    SendReport,
    ServerError,
    SMSError,
)
from smscore.results import OUTCOME_BYTES
from smscore.sending.batching import Outgoing, split
from smscore.sending.outgoing import OneText
from smscore.sending.report_builder import add_result, empty_report
from smscore.wire.batch import BatchResult, all_accepted
from smscore.wire.endpoint import RequestIds

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome
ERRORS: dict[Outcome, type[SMSError]] = {
    REJECTED: InvalidParameters,
    NOT_SENT: ConnectionFailed,
    UNKNOWN: ResponseLost,
}
SEND_URL = "https://api.sepahansms.com/api/Sms/Send"


def report_of(
    outcomes: Sequence[Outcome],
    *,
    ids: list[int | None] | None = None,
    refs: list[object] | None = None,
    cost: int | None = None,
) -> SendReport:
    """The report of one batch whose recipients fared like this."""
    outgoing = Outgoing(numbers(len(outcomes)), ["سلام"], ["5000"], refs)
    report = empty_report(outgoing)
    errors = {place: ERRORS[outcome]("why") for place, outcome in enumerate(outcomes) if outcome in ERRORS}
    column = b"".join(OUTCOME_BYTES[outcome] for outcome in outcomes)
    for batch in split(outgoing, None, request_ids=RequestIds(60, make=lambda: "request-1")):
        add_result(report, batch, BatchResult(column, ids or [*range(1, len(outcomes) + 1)], errors, cost))
    return report


any_outcomes = st.lists(st.sampled_from(list(Outcome)), max_size=12)
any_slice = st.slices(12)


# The sequence


@given(any_outcomes, any_slice)
def test_a_slice_of_a_report_is_a_slice_of_its_results(outcomes: list[Outcome], part: slice) -> None:
    report = report_of(outcomes)
    assert report[part] == list(report)[part]
    assert len(report) == len(outcomes)
    assert [result.outcome for result in report] == outcomes


def test_a_report_is_a_sequence() -> None:
    report = report_of([ACCEPTED, REJECTED, UNKNOWN])
    assert isinstance(report, Sequence)
    assert report[-1] == report[2] == list(report)[2]
    assert report[-1].outcome is UNKNOWN
    assert list(reversed(report)) == list(report)[::-1]
    assert report[1] in report
    assert report.index(report[1]) == 1
    for index in (3, -4):
        with pytest.raises(IndexError):
            report[index]


def test_a_result_tells_everything_of_its_recipient() -> None:
    report = report_of([ACCEPTED, REJECTED], ids=[7, None], refs=["a", None])
    assert report[0] == RecipientResult("+989120000000", ACCEPTED, 7, None, "request-1", "a")
    assert isinstance(report[1].error, InvalidParameters)
    assert (report[1].recipient, report[1].message_id, report[1].ref) == ("+989120000001", None, None)


@given(any_outcomes, any_slice)
def test_selections_are_sequences_of_the_results_of_one_outcome(outcomes: list[Outcome], part: slice) -> None:
    report = report_of(outcomes)
    for outcome in Outcome:
        selection = getattr(report, outcome.value)
        wanted = [result for result in report if result.outcome is outcome]
        assert len(selection) == len(wanted)
        assert list(selection) == wanted == selection[:]
        assert selection[part] == wanted[part]
        assert [selection[place] for place in range(-len(wanted), len(wanted))] == wanted * 2
        assert bool(selection) is bool(wanted)


def test_a_place_outside_a_selection_is_an_index_error() -> None:
    selection = report_of([ACCEPTED, REJECTED]).accepted
    for index in (1, -2):
        with pytest.raises(IndexError):
            selection[index]
    assert selection[0] in selection
    assert isinstance(selection, Sequence)


def test_message_ids_are_the_distinct_ones_of_the_accepted_in_order() -> None:
    report = report_of([ACCEPTED, REJECTED, ACCEPTED, ACCEPTED, ACCEPTED, UNKNOWN], ids=[9, 8, 3, None, 9, 5])
    assert report.message_ids == [9, 3]


@pytest.mark.parametrize("cost", [None, 0, 5, Decimal("1.5")])
def test_the_cost_is_what_the_provider_said(cost: int | None) -> None:
    assert report_of([ACCEPTED], cost=cost).cost == cost


def test_ok_means_that_all_were_accepted() -> None:
    assert report_of([ACCEPTED, ACCEPTED]).ok
    for outcome in (REJECTED, NOT_SENT, UNKNOWN):
        assert not report_of([ACCEPTED, outcome]).ok
    assert report_of([ACCEPTED]).offset == 0


def test_the_repr_counts_and_names_nobody() -> None:
    shown = repr(report_of([ACCEPTED, ACCEPTED, UNKNOWN]))
    assert "2 accepted" in shown
    assert "1 unknown" in shown
    assert "0912" not in shown
    assert "1 unknown" in repr(report_of([ACCEPTED, UNKNOWN]).unknown)


# JSON


def test_as_dicts_is_ready_for_json() -> None:
    report = report_of([ACCEPTED, REJECTED, NOT_SENT, UNKNOWN], ids=[2**62, None, None, None], refs=[1, "b", None, [2]])
    rows = json.loads(json.dumps(report.as_dicts()))
    assert [row["outcome"] for row in rows] == ["accepted", "rejected", "not_sent", "unknown"]
    assert rows[0] == {
        "recipient": "+989120000000",
        "outcome": "accepted",
        "message_id": 2**62,
        "error": None,
        "request_id": "request-1",
        "ref": 1,
        "provider": None,
        "code": None,
        "sent_at": None,
        "earlier": [],
    }
    assert rows[1]["error"] == {"type": "InvalidParameters", "code": None, "text": "why"}
    assert [row["ref"] for row in rows] == [1, "b", None, [2]]


@pytest.mark.parametrize(
    "ref",
    [object(), b"x", {1, 2}, Decimal("1.5"), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), ("a", object()), {(1, 2): 3}],
    ids=lambda ref: type(ref).__name__,
)
def test_as_dicts_is_ready_for_json_with_an_odd_ref_too(ref: object) -> None:
    rows = report_of([ACCEPTED], refs=[ref]).as_dicts()
    assert json.loads(json.dumps(rows))[0]["recipient"] == "+989120000000"


# Failures of a report


def test_raise_for_failures_says_nothing_of_a_whole_success() -> None:
    report = report_of([ACCEPTED, ACCEPTED])
    report.raise_for_failures()
    assert report.ok


@pytest.mark.parametrize("outcome", [REJECTED, NOT_SENT, UNKNOWN])
def test_raise_for_failures_raises_the_first_error_where_all_fared_alike(outcome: Outcome) -> None:
    report = report_of([outcome, outcome])
    with pytest.raises(ERRORS[outcome]) as caught:
        report.raise_for_failures()
    assert caught.value is report[0].error
    assert caught.value.report is report


@pytest.mark.parametrize(
    ("outcomes", "outcome"),
    [
        ([ACCEPTED, REJECTED], None),
        ([ACCEPTED, NOT_SENT], None),
        ([ACCEPTED, UNKNOWN], UNKNOWN),
        ([UNKNOWN, NOT_SENT], UNKNOWN),
        ([REJECTED, UNKNOWN], UNKNOWN),
    ],
)
def test_raise_for_failures_raises_a_partial_error_otherwise(outcomes: list[Outcome], outcome: Outcome | None) -> None:
    report = report_of(outcomes)
    with pytest.raises(PartialSendError) as caught:
        report.raise_for_failures()
    assert caught.value.report is report
    assert caught.value.outcome is outcome
    assert caught.value.errors == [result.error for result in report if result.error is not None]


# When a send raises


def ids_of(*ids: int) -> dict[str, object]:
    return {"isSuccess": True, "value": {"ids": ids, "smsCount": 1, "totalPrice": 10}, "error": None}


def refusal(code: int) -> dict[str, object]:
    return {"isSuccess": False, "value": None, "error": {"code": code, "message": "نه", "details": []}}


@pytest.fixture
def one_by_one(new_sepahan: Callable[..., AsyncSepahan]) -> AsyncSepahan:
    """A client whose batches hold one recipient each and go one after the other."""
    return new_sepahan(batch_size=1, max_concurrency=1)


def answer(http: object, *codes: int) -> None:
    """Each request's answer in turn: an id takes it, a code below 0 refuses it, one above 400 is an HTTP status."""
    for code in codes:
        if code < 0:
            http.post(SEND_URL, payload=refusal(code), status=401)
        elif code >= 400:
            http.post(SEND_URL, body="<html>", status=code)
        else:
            http.post(SEND_URL, payload=ids_of(code))


@pytest.mark.parametrize(("to", "error"), [("0211234567", InvalidNumber), ([], InvalidRequest)])
async def test_bad_input_raises_before_any_request(
    sepahan: AsyncSepahan, provider_http: object, to: object, error: type[SMSError]
) -> None:
    with pytest.raises(error) as caught:
        await sepahan.send(to, "سلام")
    assert caught.value.report is None
    assert caught.value.outcome is NOT_SENT
    assert isinstance(caught.value, ValueError)
    assert provider_http.sent == []


@pytest.mark.parametrize(
    ("codes", "error", "code"),
    [
        ((-4,), InvalidParameters, -4),
        ((-4, -5, -21), InvalidParameters, -4),
        ((-14,), InsufficientCredit, -14),
        ((403,), AuthenticationError, None),
    ],
)
async def test_nobody_accepted_and_nobody_unknown_raises_the_first_ones_error(
    one_by_one: AsyncSepahan, provider_http: object, codes: tuple[int, ...], error: type[SMSError], code: int | None
) -> None:
    answer(provider_http, *codes)
    with pytest.raises(error) as caught:
        await one_by_one.send(numbers(3) if len(codes) == 3 else numbers(1), "سلام")
    assert type(caught.value) is error
    assert caught.value.code == code
    assert caught.value is caught.value.report[0].error
    assert len(caught.value.report.rejected) == len(codes)


async def test_a_fatal_refusal_of_the_first_raises_it_with_the_rest_not_sent(
    one_by_one: AsyncSepahan, provider_http: object
) -> None:
    answer(provider_http, -14)
    with pytest.raises(InsufficientCredit) as caught:
        await one_by_one.send(numbers(3), "سلام")
    assert [type(result.error) for result in caught.value.report] == [InsufficientCredit, NotAttempted, NotAttempted]
    assert "InsufficientCredit" in caught.value.report[1].error.reason


async def test_all_refused_one_by_one_raises_the_first_ones_error(sepahan: AsyncSepahan, provider_http: object) -> None:
    provider_http.post(SEND_URL, payload=ids_of(-14, -4))
    with pytest.raises(InsufficientCredit) as caught:
        await sepahan.send(numbers(2), "سلام")
    assert [result.error.code for result in caught.value.report] == [-14, -4]


async def test_everybody_unknown_raises_the_first_ones_error(one_by_one: AsyncSepahan, provider_http: object) -> None:
    answer(provider_http, 500)
    provider_http.post(SEND_URL, body="<html>", status=200)
    with pytest.raises(ServerError) as caught:
        await one_by_one.send(numbers(2), "سلام")
    assert caught.value.outcome is UNKNOWN
    assert [type(result.error) for result in caught.value.report] == [ServerError, MalformedResponse]


@pytest.mark.parametrize(
    ("codes", "outcomes", "errors", "outcome"),
    [
        ((7, -4), [ACCEPTED, REJECTED], [InvalidParameters], None),
        ((-4, 7), [REJECTED, ACCEPTED], [InvalidParameters], None),
        ((7, 500), [ACCEPTED, UNKNOWN], [ServerError], UNKNOWN),
        ((500, -4), [UNKNOWN, REJECTED], [ServerError, InvalidParameters], UNKNOWN),
        ((500, -14), [UNKNOWN, REJECTED], [ServerError, InsufficientCredit], UNKNOWN),
    ],
)
async def test_a_failed_batch_among_others_is_a_partial_send(
    one_by_one: AsyncSepahan,
    provider_http: object,
    codes: tuple[int, ...],
    outcomes: list[Outcome],
    errors: list[type[SMSError]],
    outcome: Outcome | None,
) -> None:
    answer(provider_http, *codes)
    with pytest.raises(PartialSendError) as caught:
        await one_by_one.send(numbers(2), "سلام")
    assert [result.outcome for result in caught.value.report] == outcomes
    assert [type(error) for error in caught.value.errors] == errors
    assert caught.value.outcome is outcome
    assert caught.value.provider == "sepahan"


async def test_one_unknown_recipient_among_the_accepted_is_a_partial_send(
    sepahan: AsyncSepahan, provider_http: object
) -> None:
    provider_http.post(SEND_URL, payload=ids_of(5, 0, 6))
    with pytest.raises(PartialSendError) as caught:
        await sepahan.send(numbers(3), "سلام")
    assert caught.value.outcome is UNKNOWN
    assert [result.message_id for result in caught.value.report] == [5, None, 6]


async def test_a_partial_send_names_each_distinct_error_once(one_by_one: AsyncSepahan, provider_http: object) -> None:
    answer(provider_http, 7, -14)
    with pytest.raises(PartialSendError) as caught:
        await one_by_one.send(numbers(4), "سلام")
    assert isinstance(caught.value.errors[0], InsufficientCredit)
    assert len({id(error) for error in caught.value.errors}) == len(caught.value.errors)


async def test_singles_refused_among_the_accepted_raise_nothing(sepahan: AsyncSepahan, provider_http: object) -> None:
    provider_http.post(SEND_URL, payload=ids_of(5, -4, -4, 6))
    report = await sepahan.send(numbers(4), "سلام")
    assert not report.ok
    assert [result.outcome for result in report] == [ACCEPTED, REJECTED, REJECTED, ACCEPTED]
    assert report.cost == 10
    with pytest.raises(PartialSendError) as caught:
        report.raise_for_failures()
    assert caught.value.outcome is None
    assert [error.code for error in caught.value.errors] == [-4]


async def test_refs_come_back_on_the_results_and_go_nowhere_else(sepahan: AsyncSepahan, provider_http: object) -> None:
    provider_http.post(SEND_URL + "P2P", payload=ids_of(1, 2))
    mark = object()
    report = await sepahan.send_p2p([Message("09123456789", "یک", ref="row-1"), Message("09123456780", "دو", ref=mark)])
    assert [result.ref for result in report] == ["row-1", mark]
    assert "row-1" not in provider_http.sent[0].body.decode()


# Pickles and copies


def sameness(report: SendReport) -> list[tuple[object, ...]]:
    return [
        (row.recipient, row.outcome, row.message_id, type(row.error), str(row.error), row.request_id, row.ref)
        for row in report
    ]


@given(any_outcomes.filter(bool))
def test_reports_pickle_with_their_errors(outcomes: list[Outcome]) -> None:
    report = report_of(outcomes, refs=list(range(len(outcomes))), cost=7)
    for again in (pickle.loads(pickle.dumps(report)), copy.deepcopy(report)):
        assert sameness(again) == sameness(report)
        assert (again.cost, again.offset, again.ok) == (report.cost, report.offset, report.ok)


@pytest.mark.parametrize("outcomes", [[REJECTED, REJECTED], [UNKNOWN], [ACCEPTED, UNKNOWN]])
def test_errors_pickle_with_their_report(outcomes: list[Outcome]) -> None:
    error = report_of(outcomes).failure()
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.outcome is error.outcome
    assert sameness(again.report) == sameness(error.report)
    if isinstance(error, PartialSendError):
        assert [type(cause) for cause in again.errors] == [type(cause) for cause in error.errors]


# Memory


@pytest.mark.parametrize("prefix", ["0", "+98", ""])
def test_a_large_report_costs_at_most_120_bytes_a_recipient(prefix: str) -> None:
    count = 100_000
    given_numbers = [f"{prefix}912{place:07}" for place in range(count)]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    report = empty_report(outgoing := OneText("سلام", "5000", {}).columns(given_numbers, 0))
    for batch in split(outgoing, 100, request_ids=RequestIds(60)):
        add_result(
            report, batch, all_accepted(batch, [639_027_944_154_527_200 + place for place in batch.positions], 5)
        )
    del outgoing, batch
    gc.collect()
    cost = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(report) == count
    assert cost / count <= 120


def test_counting_the_results_of_one_outcome_makes_none_of_them() -> None:
    report = report_of([ACCEPTED, UNKNOWN] * 20_000)
    tracemalloc.start()
    counted = len(report.accepted), len(report.unknown), report.ok
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counted == (20_000, 20_000, False)
    assert peak < 10_000


def test_the_results_of_one_outcome_are_searched_once_however_often_they_are_looked_at() -> None:
    report = report_of([ACCEPTED, UNKNOWN] * 50)
    searched: list[Outcome] = []
    positions = SendReport._positions

    def counted(self: SendReport, outcome: Outcome) -> Iterator[int]:
        searched.append(outcome)
        return positions(self, outcome)

    with patch.object(SendReport, "_positions", counted):
        assert [report.unknown[place] for place in range(50)] == list(report)[1::2]
    assert searched == [UNKNOWN]
