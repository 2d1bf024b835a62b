"""Sends a plan through a client in batches, and records the result of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Any, Final, TypeAlias

from attrs import define, field

from smscore.cli.results_file import ResultRow, interrupted_row, result_row, skipped_row, untried_row
from smscore.cli.send.journal import RowRanges
from smscore.cli.send.recording import Recording
from smscore.errors import NotAttempted, SMSError
from smscore.loops.concurrency import SliceSource
from smscore.numbers import e164
from smscore.outcomes import Outcome
from smscore.recipients.plan import Plan, Planned
from smscore.results import SendReport
from smscore.sending.send_call import BatchEvent

_ROWS_AT_A_TIME: Final = 10_000  # written where nothing is sent
_MAX_TEXTS: Final = 50  # by which errors are told apart
_MAX_RANGES: Final = 10_000  # of rows, kept of one error

Stream: TypeAlias = Callable[..., AsyncGenerator[SendReport, None]]


@define
class PlannedBatch:
    """Messages that a client took together, and so sends in one batch."""

    messages: list[Planned]
    begun: bool = False
    request_id: str | None = None


class PlannedSource(SliceSource[Any]):
    """What a client's stream takes its messages from, a batch at a time."""

    def __init__(self, messages: Iterator[Planned]) -> None:
        self._messages = messages
        self._taken = 0
        self._stopped = False
        self.in_progress: dict[int, PlannedBatch] = {}
        """The batches without a result, by index."""
        self._offsets: dict[int, int] = {}
        self._offset = 0

    async def take(self, size: int) -> list[Any]:
        """The next recipients, or (recipient, text) pairs; none once it is stopped."""
        piece = [] if self._stopped else list(islice(self._messages, size))
        if piece:
            self.in_progress[self._taken] = PlannedBatch(piece)
            self._offsets[self._offset] = self._taken
            self._taken += 1
            self._offset += len(piece)
        return [one.recipient if one.text is None else (one.recipient, one.text) for one in piece]

    def stop(self) -> None:
        """Yield no more messages."""
        self._stopped = True

    def index_at(self, offset: int) -> int:
        """The index of the batch whose first message was the one at this offset."""
        return self._offsets.pop(offset)

    def rest(self) -> Iterator[Planned]:
        """The messages that were never taken."""
        return self._messages


@define
class ErrorSummary:
    """An error that recipients have in common, and how many they are."""

    outcome: Outcome
    error: SMSError
    count: int = 0
    ranges: RowRanges = field(factory=list[tuple[int, int]])
    """The rows in the order in which their batches ended; only the first of very many ranges."""

    @property
    def rows(self) -> list[int]:
        """The rows in ascending order; fewer than ``count`` if not all were kept."""
        return sorted(row for first, last in self.ranges for row in range(first, last + 1))

    @property
    def is_whole(self) -> bool:
        """Whether all rows were kept."""
        return sum(last - first + 1 for first, last in self.ranges) == self.count

    def add(self, row: int) -> None:
        """Count one more row."""
        self.count += 1
        if self.ranges and row == self.ranges[-1][1] + 1:
            self.ranges[-1] = self.ranges[-1][0], row
        elif len(self.ranges) < _MAX_RANGES:
            self.ranges.append((row, row))


@define
class Sending:
    """One run of a send: is called for each batch, and records it."""

    recording: Recording
    source: PlannedSource
    provider: str
    on_progress: Callable[[Sequence[ResultRow]], None]
    reason: SMSError | None = None
    """Why the remaining messages were not tried."""
    disk_error: OSError | None = None
    defect: Exception | None = None
    abandoned: bool = False
    problems: dict[tuple[Outcome, str], ErrorSummary] = field(factory=dict[tuple[Outcome, str], ErrorSummary])
    """The errors by outcome and text, after many texts by outcome and class, in order of occurrence."""
    _unwritten: list[ResultRow] = field(factory=list[ResultRow], init=False)

    def on_batch(self, event: BatchEvent) -> None:
        """Record that a batch is about to be sent, or its results; an error in that stops the send."""
        try:
            if event.report is None:
                self._begin(event)
            else:
                self._end(self.source.in_progress.pop(event.index).messages, event.report)
        except OSError as error:
            self.disk_error = error
            raise
        except Exception as error:
            self.defect = error
            raise

    def _begin(self, event: BatchEvent) -> None:
        piece = self.source.in_progress[event.index]
        if [e164(one.recipient) for one in piece.messages] != list(event.recipients):
            raise RuntimeError("a batch has other recipients than the messages that it was made of")
        self.recording.sending([one.row for one in piece.messages], event.request_id)
        piece.begun, piece.request_id = True, event.request_id

    def _end(self, piece: Sequence[Planned], report: SendReport) -> None:
        rows = self._rows(piece, report)
        self.on_progress(rows)
        try:
            self.recording.add_cost(report.cost)
            self.recording.write(rows)
        except OSError:
            self._unwritten.extend(rows)
            raise

    def _rows(self, piece: Sequence[Planned], report: SendReport) -> list[ResultRow]:
        for one, result in zip(piece, report, strict=True):
            if result.error is not None:
                self._note(one.row, result.outcome, result.error)
        return [result_row(one.row, result, self.provider) for one, result in zip(piece, report, strict=True)]

    def _note(self, row: int, outcome: Outcome, error: SMSError) -> None:
        key = outcome, str(error)
        if key not in self.problems and len(self.problems) >= _MAX_TEXTS:
            key = outcome, type(error).__name__
        self.problems.setdefault(key, ErrorSummary(outcome, error)).add(row)

    def take_report(self, report: SendReport) -> None:
        """Process a report of the stream; that of a batch never begun says why the rest is not tried."""
        piece = self.source.in_progress.pop(self.source.index_at(report.offset), None)
        if piece is None:
            return
        self.source.stop()
        if self.disk_error is None:
            self.reason = report[0].error
            self._write_where_possible(self._rows(piece.messages, report))

    def abandon(self) -> None:
        """Record what a cancel left: batches in progress are unknown."""
        self.abandoned = True
        for piece in self.source.in_progress.values():
            if piece.begun:
                self._write_where_possible(
                    [interrupted_row(one, piece.request_id, self.provider) for one in piece.messages]
                )

    def finish(self) -> int:
        """Record what could not be before, and the rest as not tried; how many results could not be recorded."""
        if self._unwritten and self._write_where_possible(self._unwritten):
            self._unwritten = []
        if not self.abandoned and self.disk_error is None:
            self._write_rest(self.reason or NotAttempted("Not tried: the command was interrupted."))
        return len(self._unwritten)

    def _write_rest(self, error: SMSError) -> None:
        rest = self.source.rest()
        while piece := list(islice(rest, _ROWS_AT_A_TIME)):
            for one in piece:
                self._note(one.row, Outcome.NOT_SENT, error)
            if not self._write_where_possible([untried_row(one, error, self.provider) for one in piece]):
                return

    def _write_where_possible(self, rows: Sequence[ResultRow]) -> bool:
        # A row that was in no batch may go without a result: a resume knows that it was never tried.
        try:
            self.recording.write(rows)
        except OSError as error:
            self.disk_error = error
            return False
        return True


def open_messages(plan: Plan, recording: Recording) -> Iterator[Planned]:
    """The messages to send: no invalid row, and none that is done or unknown."""
    return (one for one in plan if one.problem is None and recording.states.is_open(one.row))


def record_skipped(plan: Plan, recording: Recording, provider: str) -> None:
    """Record the rows that are skipped, once."""
    if plan.bad_count + plan.duplicate_count == 0:
        return
    rows = (skipped_row(one, provider) for one in plan if one.problem and recording.states.is_open(one.row))
    while piece := list(islice(rows, _ROWS_AT_A_TIME)):
        recording.write(piece)


async def send_planned(sending: Sending, stream: Stream, arguments: Sequence[Any], options: dict[str, Any]) -> None:
    """Send all messages of the source; a cancel abandons the batches in progress, and records that."""
    try:
        async with aclosing(stream(sending.source, *arguments, **options, on_batch=sending.on_batch)) as reports:
            async for report in reports:
                sending.take_report(report)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        sending.abandon()
