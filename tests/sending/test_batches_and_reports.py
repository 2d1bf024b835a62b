"""From columns to batches and back: every recipient exactly once, and each with its own result."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from smscore import ConnectionFailed, InvalidNumber, InvalidParameters, Outcome, ResponseLost, SMSError
from smscore.results import OUTCOME_BYTES
from smscore.sending.batching import Outgoing, chunked, split, take
from smscore.sending.report_builder import add_result, batch_report, empty_report
from smscore.wire.batch import Batch, BatchResult, all_accepted, failed, with_errors
from smscore.wire.endpoint import RequestIds

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome
IDS = RequestIds(lifetime=60)


@pytest.mark.parametrize(
    ("errors", "of_one"),
    [
        ([InvalidParameters("x"), None], True),
        ([InvalidParameters("x"), ResponseLost("x")], True),  # it may have taken the other one
        ([InvalidParameters("x"), InvalidParameters("y")], False),
        ([InvalidParameters("x")], False),
    ],
)
def test_a_refusal_of_one_is_told_from_that_of_all(errors: list[SMSError | None], of_one: bool):
    batch = Batch(0, range(len(errors)), ["0912"] * len(errors), ["x"], [None])
    given = {place: error for place, error in enumerate(errors) if error is not None}
    result = with_errors(all_accepted(batch, None), given)
    assert [error.of_one for error in result.errors.values()] == [of_one] * len(given)


@frozen
class Call:
    """What a call was made of, and its batches."""

    outgoing: Outgoing
    batches: list[Batch]
    size: int | None
    one_sender: bool


def local(place: int) -> str:
    return f"0912{place:07}"


@st.composite
def calls(draw: st.DrawFn) -> Call:
    count = draw(st.integers(0, 25))
    several_texts, several_senders, with_refs = draw(st.tuples(*[st.booleans()] * 3))
    senders: list[str | None] = ["5000"]
    if several_senders and count:
        senders = draw(st.lists(st.sampled_from(["5000", "6000", None]), min_size=count, max_size=count))
    bad = draw(st.sets(st.integers(0, count - 1))) if count else set()
    outgoing = Outgoing(
        ["" if place in bad else local(place) for place in range(count)],
        [f"متن {place}" for place in range(count)] if several_texts and count else ["سلام"],
        senders,
        list(range(count)) if with_refs else None,
        {place: local(place) for place in sorted(bad)},
    )
    size, one_sender = draw(st.none() | st.integers(1, 30)), draw(st.booleans())
    return Call(outgoing, split(outgoing, size, one_sender=one_sender), size, one_sender)


def each(column: Sequence[object], count: int) -> Sequence[object]:
    """One entry for every recipient, also where one serves all."""
    return column if len(column) == count else list(column) * count


# Splitting


@given(calls())
def test_every_good_recipient_is_in_exactly_one_batch(call: Call) -> None:
    positions = [place for batch in call.batches for place in batch.positions]
    good = [place for place in range(len(call.outgoing)) if place not in call.outgoing.bad]
    assert sorted(positions) == good
    for batch in call.batches:
        assert list(batch.positions) == sorted(batch.positions)
        assert batch.recipients == [local(place) for place in batch.positions]


@given(calls())
def test_without_a_split_by_senders_all_stay_in_order(call: Call) -> None:
    positions = [place for batch in call.batches for place in batch.positions]
    if not call.one_sender or len(set(call.outgoing.senders)) == 1:
        assert positions == sorted(positions)


@given(calls())
def test_no_batch_is_empty_or_larger_than_the_limit(call: Call) -> None:
    for batch in call.batches:
        assert 1 <= len(batch) <= (call.size or len(call.outgoing))
    if not call.one_sender and call.size:
        good = len(call.outgoing) - len(call.outgoing.bad)
        assert len(call.batches) == -(-good // call.size)


@given(calls())
def test_each_message_keeps_its_text_sender_and_ref(call: Call) -> None:
    count = len(call.outgoing)
    texts, senders = each(call.outgoing.texts, count), each(call.outgoing.senders, count)
    for batch in call.batches:
        assert list(each(batch.texts, len(batch))) == [texts[place] for place in batch.positions]
        assert list(each(batch.senders, len(batch))) == [senders[place] for place in batch.positions]
        if call.one_sender:
            assert len(batch.senders) == 1
        if call.outgoing.refs is not None:
            assert batch.refs == list(batch.positions)


@given(calls(), st.integers(0, 1000))
def test_batches_are_numbered_and_named_in_order(call: Call, first: int) -> None:
    batches = split(
        call.outgoing, call.size, one_sender=call.one_sender, request_ids=IDS, request_id="call", first_index=first
    )
    count = len(batches)
    assert [batch.index for batch in batches] == list(range(first, first + count))
    names = ["call"] if count == 1 else [f"call-{number}" for number in range(1, count + 1)]
    assert [batch.request_id for batch in batches] == names


def test_each_message_has_an_id_where_the_provider_knows_messages_by_theirs() -> None:
    numbers = [local(place) for place in range(5)]
    ids = iter("abcde")
    request_ids = RequestIds(lifetime=60, each=True, make=lambda: next(ids))
    outgoing = Outgoing(numbers, ["سلام"], ["5000"])
    report = empty_report(outgoing)
    for batch in split(outgoing, 2, request_ids=request_ids):
        assert batch.request_id is None
        went = batch.index != 1
        add_result(report, batch, all_accepted(batch, None) if went else failed(batch, ConnectionFailed("x")))
    assert [result.request_id for result in report] == ["a", "b", None, None, "e"]


def test_extra_fields_go_with_every_batch() -> None:
    batches = split(Outgoing([local(0), local(1)], ["سلام"], ["5000"], extra={"file_id": "f"}), 1)
    assert [batch.extra for batch in batches] == [{"file_id": "f"}] * 2


def ranges(size: int) -> st.SearchStrategy[range]:
    return st.tuples(*[st.integers(0, size)] * 2).map(lambda ends: range(min(ends), max(ends)))


@given(st.lists(st.integers()), st.integers(1, 10))
def test_chunks_are_the_items_in_order(items: list[int], size: int) -> None:
    chunks = chunked(items, size)
    assert [item for chunk in chunks for item in chunk] == items
    assert all(len(chunk) == size for chunk in chunks[:-1])


@given(st.lists(st.integers(), min_size=1), st.data())
def test_taking_by_range_and_by_list_is_alike(column: list[int], data: st.DataObject) -> None:
    places = data.draw(ranges(len(column)))
    assert take(column, places) == take(column, list(places))


# Merging

ERRORS: dict[Outcome, type[SMSError]] = {
    REJECTED: InvalidParameters,
    NOT_SENT: ConnectionFailed,
    UNKNOWN: ResponseLost,
}


@st.composite
def results(draw: st.DrawFn, batch: Batch) -> BatchResult:
    """Any result that a batch can have."""
    cost = draw(st.none() | st.integers(0, 100))
    kind = draw(st.sampled_from(["accepted", "failed", "mixed"]))
    if kind == "failed":
        return failed(batch, draw(st.sampled_from(list(ERRORS.values())))("all of them"))
    if kind == "accepted":
        return all_accepted(batch, [1000 + place for place in batch.positions], cost)
    outcomes = draw(st.lists(st.sampled_from(list(Outcome)), min_size=len(batch), max_size=len(batch)))
    return BatchResult(
        b"".join(OUTCOME_BYTES[outcome] for outcome in outcomes),
        [1000 + place if o is ACCEPTED else None for place, o in zip(batch.positions, outcomes, strict=True)],
        {place: ERRORS[outcome]("one of them") for place, outcome in enumerate(outcomes) if outcome in ERRORS},
        cost,
    )


@given(calls(), st.data())
def test_each_recipient_gets_its_own_result_in_whatever_order_batches_end(call: Call, data: st.DataObject) -> None:
    batches = [*split(call.outgoing, call.size, one_sender=call.one_sender, request_ids=IDS)]
    given_results = [data.draw(results(batch)) for batch in batches]
    report = empty_report(call.outgoing, offset=7)
    for number in data.draw(st.permutations(range(len(batches)))):
        add_result(report, batches[number], given_results[number])
    assert len(report) == len(call.outgoing)
    assert report.offset == 7
    for batch, result in zip(batches, given_results, strict=True):
        for place, position in enumerate(batch.positions):
            row = report[position]
            assert row.recipient == "+98" + local(position)[1:]
            assert OUTCOME_BYTES[row.outcome] == result.outcomes[place : place + 1]
            assert row.message_id == (None if result.message_ids is None else result.message_ids[place])
            assert row.error is (result.failure or result.errors.get(place))
            never_out = result.failure is not None and result.failure.outcome is NOT_SENT
            assert row.request_id == (None if never_out else batch.request_id)
            assert row.ref == (None if call.outgoing.refs is None else position)
    for position in call.outgoing.bad:
        error = report[position].error
        assert isinstance(error, InvalidNumber)
        assert (report[position].outcome, error.numbers) == (NOT_SENT, [(report.offset + position, local(position))])
        assert report[position].recipient == local(position)
        assert report[position].request_id is None
    costs = [result.cost for result in given_results if result.cost is not None]
    assert report.cost == (sum(costs) if costs else None)


def test_a_batch_that_never_ended_counts_as_not_sent() -> None:
    outgoing = Outgoing([local(0), local(1)], ["سلام"], ["5000"])
    report = empty_report(outgoing)
    first, _ = split(outgoing, 1)
    add_result(report, first, all_accepted(first, [5]))
    assert [row.outcome for row in report] == [ACCEPTED, NOT_SENT]


@pytest.mark.parametrize(
    ("costs", "total"),
    [
        ([None, None], None),
        ([0, None], 0),
        ([5, 7], 12),
        ([Decimal("1.5"), 2], Decimal("3.5")),
        ([None, Decimal("0.1")], Decimal("0.1")),
    ],
)
def test_costs_are_summed_where_they_were_said(costs: list[int | None], total: int | None) -> None:
    outgoing = Outgoing([local(place) for place in range(len(costs))], ["سلام"], ["5000"])
    report = empty_report(outgoing)
    for batch, cost in zip(split(outgoing, 1), costs, strict=True):
        add_result(report, batch, all_accepted(batch, None, cost))
    assert report.cost == total


@pytest.mark.parametrize("outcome", [REJECTED, NOT_SENT, UNKNOWN])
def test_a_failed_batch_takes_its_errors_outcome(outcome: Outcome) -> None:
    (batch,) = split(Outgoing([local(0), local(1)], ["سلام"], ["5000"]), None)
    result = failed(batch, error := ERRORS[outcome]("why"))
    assert result.outcomes == OUTCOME_BYTES[outcome] * 2
    assert result.failure is error


@given(calls(), st.data())
def test_a_batchs_own_report_has_only_its_recipients(call: Call, data: st.DataObject) -> None:
    for batch in call.batches:
        result = data.draw(results(batch))
        report = batch_report(batch, result)
        assert [row.recipient for row in report] == ["+98" + local(place)[1:] for place in batch.positions]
        assert bytes(list(Outcome).index(row.outcome) for row in report) == result.outcomes
        assert [row.ref for row in report] == (batch.refs or [None] * len(batch))
        assert report.offset == 0
