"""Builds the report of a call from the results of its batches. No network here."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from smscore.columns import IdColumn, SpanColumn, SparseColumn, TimeColumn
from smscore.errors import SMSError
from smscore.outcomes import Outcome
from smscore.results import OUTCOME_BYTES, SendReport
from smscore.sending.batching import Outgoing
from smscore.sending.outgoing import invalid_number
from smscore.wire.batch import Batch, BatchResult, may_have_left

_NOT_SENT: Final = OUTCOME_BYTES[Outcome.NOT_SENT]


class ReportBuilder:
    """Fills in the report of a call as its batches end."""

    def __init__(self, outgoing: Outgoing, offset: int = 0, *, provider: str | None = None) -> None:
        size = len(outgoing.recipients)
        self._outcomes = bytearray(_NOT_SENT * size)
        self._sent_at = TimeColumn(size)
        self._report = SendReport(
            outgoing.recipients,
            b"",
            IdColumn(size),
            SparseColumn(size),
            SpanColumn(),
            outgoing.refs,
            offset=offset,
            provider=provider,
            sent_at=self._sent_at,
            bad=outgoing.bad,
        )
        for place, given in outgoing.bad.items():
            self._report._errors.put([place], invalid_number([(offset + place, given)]))

    def add(self, batch: Batch, result: BatchResult) -> None:
        """Write one batch's result at the positions of its recipients."""
        places, report = batch.positions, self._report
        if isinstance(places, range):
            self._outcomes[places.start : places.stop] = result.outcomes
        else:
            for place, outcome in zip(places, result.outcomes, strict=True):
                self._outcomes[place] = outcome
        report._bulk_ids += result.bulk_ids
        if may_have_left(result):
            self._note_ids(batch)
        if result.message_ids is not None:
            report._message_ids.put(places, result.message_ids)
        if result.failure is not None:
            report._errors.put(places, result.failure)
            report._failures.append(result.failure)
        for place, error in result.errors.items():
            report._errors.put([places[place]], error)
        if result.sent_at is not None:
            self._sent_at.put(places, result.sent_at)
        if result.dates is not None:
            given = [(places[place], date) for place, date in enumerate(result.dates) if date is not None]
            self._sent_at.put_each([place for place, _ in given], (date for _, date in given))
        if result.cost is not None:
            report.cost = result.cost + (report.cost or 0)
        if result.parts is not None:
            report.parts = result.parts + (report.parts or 0)
        if result.senders:
            report.senders += [sender for sender in dict.fromkeys(result.senders) if sender not in report.senders]

    def _note_ids(self, batch: Batch) -> None:
        request_ids = self._report._request_ids
        if batch.request_id is not None:
            request_ids.put(batch.positions, batch.request_id)
        if batch.request_ids is not None:
            for place, request_id in zip(batch.positions, batch.request_ids, strict=False):
                request_ids.put([place], request_id)

    def report(self) -> SendReport:
        """The report of all batches added so far."""
        self._report._outcomes = bytes(self._outcomes)
        return self._report


def batch_report(batch: Batch, result: BatchResult, *, provider: str | None = None) -> SendReport:
    """The report of one batch alone, its recipients counted from 0."""
    builder = ReportBuilder(Outgoing(batch.recipients, batch.texts, batch.senders, batch.refs), provider=provider)
    builder.add(replace(batch, positions=range(len(batch))), result)
    return builder.report()
