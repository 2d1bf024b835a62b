"""Builds the report of a call from the results of its batches. No network here."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from smscore.columns import IdColumn, SpanColumn, SparseColumn, TimeColumn
from smscore.outcomes import Outcome
from smscore.results import OUTCOME_BYTES, SendReport
from smscore.sending.batching import Outgoing
from smscore.sending.outgoing import invalid_number
from smscore.wire.batch import Batch, BatchResult, may_have_left

_NOT_SENT: Final = OUTCOME_BYTES[Outcome.NOT_SENT]


def empty_report(outgoing: Outgoing, offset: int = 0, *, provider: str | None = None) -> SendReport:
    """The report of a call of which no batch has ended: nobody was sent to yet."""
    size = len(outgoing.recipients)
    report = SendReport(
        outgoing.recipients,
        bytearray(_NOT_SENT * size),
        IdColumn(size),
        SparseColumn(size),
        SpanColumn(),
        outgoing.refs,
        offset=offset,
        provider=provider,
        bad=outgoing.bad,
    )
    for place, given in outgoing.bad.items():
        report._errors.put([place], invalid_number([(offset + place, given)]))
    return report


def add_result(report: SendReport, batch: Batch, result: BatchResult) -> None:
    """Write one batch's result at the positions of its recipients."""
    places = batch.positions
    if isinstance(places, range):
        report._outcomes[places.start : places.stop] = result.outcomes
    else:
        for place, outcome in zip(places, result.outcomes, strict=True):
            report._outcomes[place] = outcome
    report._bulk_ids += result.bulk_ids
    if may_have_left(result):
        _note_request_ids(report, batch)
    if result.message_ids is not None:
        report._message_ids.put(places, result.message_ids)
    if result.failure is not None:
        report._errors.put(places, result.failure)
        report._failures.append(result.failure)
    for place, error in result.errors.items():
        report._errors.put([places[place]], error)
    if result.sent_at is not None:
        _times_of(report).put(places, result.sent_at)
    if result.dates is not None:
        given = [(places[place], date) for place, date in enumerate(result.dates) if date is not None]
        _times_of(report).put_each([place for place, _ in given], (date for _, date in given))
    if result.cost is not None:
        report.cost = result.cost + (report.cost or 0)
    if result.parts is not None:
        report.parts = result.parts + (report.parts or 0)
    if result.senders:
        report.senders += [sender for sender in dict.fromkeys(result.senders) if sender not in report.senders]


def _note_request_ids(report: SendReport, batch: Batch) -> None:
    if batch.request_id is not None:
        report._request_ids.put(batch.positions, batch.request_id)
    if batch.request_ids is not None:
        for place, request_id in zip(batch.positions, batch.request_ids, strict=False):
            report._request_ids.put([place], request_id)


def _times_of(report: SendReport) -> TimeColumn:
    if report._sent_at is None:
        report._sent_at = TimeColumn(len(report._recipients))
    return report._sent_at


def batch_report(batch: Batch, result: BatchResult, *, provider: str | None = None) -> SendReport:
    """The report of one batch alone, its recipients counted from 0."""
    report = empty_report(Outgoing(batch.recipients, batch.texts, batch.senders, batch.refs), provider=provider)
    add_result(report, replace(batch, positions=range(len(batch))), result)
    return report
