"""One run of a send: what its worker does, and what became of each row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from attrs import define, field

from smscore.calls.stop import StopRule, not_attempted
from smscore.cli.send.queue_file import QueueFile
from smscore.error_words import error_cells
from smscore.errors import SMSError
from smscore.numbers import e164
from smscore.outcomes import Outcome
from smscore.queue.attended import AttendedSender, AttendedWorker, EndedBatch
from smscore.queue.calls import StoreCalls
from smscore.queue.payloads import Payload
from smscore.queue.store.batches import ClaimedBatch
from smscore.queue.store.rows import NO_ERROR
from smscore.queue.stored_errors import restored_or_none

RowRanges: TypeAlias = list[tuple[int, int]]
"""Row numbers as (first, last) pairs."""
Cells: TypeAlias = tuple[Any, ...]
"""A row of the results, without its mark: its number, and the cells of ``COLUMNS``."""
ResultSink: TypeAlias = Callable[[Iterator[Cells]], None]
"""Where results go as they come, besides the queue."""

_MAX_TEXTS: Final = 50  # by which errors are told apart
_MAX_RANGES: Final = 10_000  # of rows, kept of one error


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
    """One run of a send: is told of each batch by its worker."""

    queue: QueueFile
    provider: str
    on_progress: Callable[[Sequence[str]], None]
    """Takes the outcomes of a batch."""
    sink: ResultSink | None = None
    rule: StopRule = field(factory=StopRule)
    sink_error: OSError | None = None
    export_error: Exception | None = None
    """Why the results could not be written, or not all printed."""
    abandoned: bool = False
    failure: Exception | None = None
    """What ended the run before all was tried, other than what the provider answered."""
    unwritten: int = 0
    """How many results could not be written into the queue."""
    problems: dict[tuple[Outcome, str], ErrorSummary] = field(factory=dict[tuple[Outcome, str], ErrorSummary])
    """The errors by outcome and text, after many texts by outcome and class, in order of occurrence."""

    def stop(self) -> None:
        """Let no further batch begin."""
        self.rule.stop("the command was interrupted")

    async def run(self, account: str, sender: AttendedSender, slots: int) -> None:
        """Send what the queue holds; a cancel abandons what is in progress."""
        worker = AttendedWorker(
            StoreCalls(self.queue.database), account, sender, slots, self.rule, self._begin, self._end
        )
        try:
            await worker.run()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            self.abandoned = True
        self.failure = worker.failure
        self.unwritten = sum(len(batch.payload) for batch in worker.unwritten)

    def _begin(self, claimed: ClaimedBatch, payload: Payload) -> None:
        self.queue.note_dispatch()
        self.queue.states.begin(payload.positions(claimed.first))

    def _end(self, ended: EndedBatch) -> None:
        rows, columns = ended.payload.positions(ended.claimed.first), ended.columns
        self.queue.states.end(rows, columns.outcomes)
        if columns.error_list:
            errors = [*map(restored_or_none, columns.error_list)]
            for row, outcome, index in zip(rows, columns.outcomes, columns.errors, strict=True):
                error = None if index is None else errors[index]
                if error is not None:
                    self._note(row, Outcome(outcome), error)
        if columns.cost is not None:
            self.queue.add_cost(Decimal(columns.cost))
        self.on_progress(columns.outcomes)
        if self.sink is not None:
            self.show(_rows(ended, self.provider))

    def show(self, rows: Iterator[Cells]) -> None:
        """Hand rows to the sink; one that takes no more stops the send."""
        try:
            if self.sink is not None and self.sink_error is None:
                self.sink(rows)
        except OSError as error:
            self.sink_error = error
            self.rule.stop("the results could not be printed", error)

    def _note(self, row: int, outcome: Outcome, error: SMSError) -> None:
        key = outcome, str(error)
        if key not in self.problems and len(self.problems) >= _MAX_TEXTS:
            key = outcome, type(error).__name__
        self.problems.setdefault(key, ErrorSummary(outcome, error)).add(row)

    @property
    def reason(self) -> SMSError:
        """Why what was not tried was not."""
        rule = self.rule
        return not_attempted(rule.reason or "the command ended", self.provider, by_provider=rule.by_provider)

    def finish(self) -> None:
        """Count the rows that were not tried among the problems."""
        error = self.reason
        for row in self.queue.states.untried:
            self._note(row, Outcome.NOT_SENT, error)


def _rows(ended: EndedBatch, provider: str) -> Iterator[Cells]:
    columns, hop = ended.columns, ended.claimed.hop
    request_id = None if hop is None else hop.request_id
    cells = [NO_ERROR if error is None else error_cells(error) for error in map(restored_or_none, columns.error_list)]
    for row, number, outcome, message_id, error in zip(
        ended.payload.positions(ended.claimed.first),
        ended.payload.numbers,
        columns.outcomes,
        columns.message_ids,
        columns.errors,
        strict=True,
    ):
        own = NO_ERROR if error is None else cells[error]
        id_ = None if outcome == Outcome.NOT_SENT.value else request_id
        yield row, e164(number), outcome, message_id, id_, *own, provider
