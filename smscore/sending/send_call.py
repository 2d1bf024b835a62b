"""One sending call: its batches, what stops them, its ``on_batch`` events, and its report or stream of reports."""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final, Literal, TypeAlias, TypeVar

from attrs import field, frozen
from msgspec.structs import replace

from smscore.account import ResolvedAccount
from smscore.calls.caller import Caller
from smscore.calls.stop import StopRule
from smscore.config import ITEMS_PER_TURN, STREAM_BATCH_SIZE
from smscore.errors import ClientClosed, ConfigurationError, InvalidRequest, NotAttempted, SMSError
from smscore.loops.concurrency import AsFinished, for_each, slices
from smscore.loops.logs import logger_for_callers
from smscore.masking import MaskedState
from smscore.numbers import e164_forms
from smscore.results import SendReport
from smscore.sending.batching import Batches, Outgoing, grouped, has_groups, split
from smscore.sending.outgoing import Payload, Source, columns_of
from smscore.sending.report_builder import add_result, batch_report, empty_report
from smscore.wire.batch import Batch, BatchResult, SendEndpoint, failed, may_have_left

T = TypeVar("T")

_log: Final = logger_for_callers(__name__)


@frozen
class BatchEvent:
    """What ``on_batch`` receives: a batch is about to be sent (``report`` is None), or it has ended.

    ``index`` counts the call's batches from 0, ``request_id`` is the id that it is sent with (None where the provider
    has none), ``recipients`` are E.164, ``provider`` is whom it is sent through.
    """

    state: Literal["sending", "done"]
    index: int
    request_id: str | None
    recipients: tuple[str, ...] = field(repr=lambda numbers: f"<{len(numbers)} numbers>")
    report: SendReport | None = None
    provider: str | None = None


class NotDispatched(Exception):
    """Raised by an ``on_batch`` of Payamak's own to stop a batch: it is no fault, and so is not logged as one."""


OnBatch: TypeAlias = Callable[[BatchEvent], object]
BatchCall: TypeAlias = "Callable[[Batch, StopRule], Awaitable[BatchResult]]"
"""One request of a call, with its tries."""
Turn: TypeAlias = "Callable[[float | None], Awaitable[None]]"
"""Waits for the rate limit; raises ``NotAttempted`` if that would take longer than the given seconds."""


def check_on_batch(on_batch: OnBatch | None) -> None:
    """Raise ``InvalidRequest`` unless it is a function or None."""
    if on_batch is not None and not callable(on_batch):
        raise InvalidRequest("on_batch= must be a function that takes one event.")


class BatchRunner:
    """Sends a call's batches one by one, through ``call``, until something stops the rest."""

    def __init__(
        self, provider: str, call: BatchCall, turn: Turn, rule: StopRule, on_batch: OnBatch | None = None
    ) -> None:
        check_on_batch(on_batch)
        self.provider = provider
        self.call = call
        self.turn = turn
        self.rule = rule
        self.on_batch = on_batch

    async def run(self, batch: Batch) -> BatchResult:
        """Send one batch and return its result. Errors are in the result; only a cancellation is raised.

        ``on_batch`` is called with "sending" and then "done", unless the call is cancelled or "sending" raised.
        """
        try:
            self.rule.check(self.provider)
            # on_batch is called after the wait: a batch that still waits for its turn was provably not sent.
            await self.turn(self.rule.time_left())
            self.rule.check(self.provider)
            if self.on_batch is not None and not await self._notify("sending", batch):
                self.rule.check(self.provider)  # raises, since on_batch stopped the call
        except (NotAttempted, ClientClosed) as error:
            return failed(batch, error)
        # Not smscore.clock: this is a date for users, so in a test that freezes the time it is the frozen one.
        began = time.time()
        try:
            result = await self.call(batch, self.rule)
        except SMSError as error:
            result = failed(batch, error)
        if result.sent_at is None and may_have_left(result):
            result = replace(result, sent_at=began)
        self.rule.note(result.failure)
        if self.on_batch is not None:
            await self._notify("done", batch, result)
        return result

    async def _notify(self, state: Literal["sending", "done"], batch: Batch, result: BatchResult | None = None) -> bool:
        """Whether ``on_batch`` returned; if it raised, no further batch starts, and results so far are kept."""
        if self.on_batch is None:
            return True
        report = None if result is None else batch_report(batch, result, provider=self.provider)
        numbers = tuple(e164_forms(batch.recipients))
        event = BatchEvent(state, batch.index, batch.request_id, numbers, report, self.provider)
        try:
            returned: Any = self.on_batch(event)
            if inspect.isawaitable(returned):
                await returned
        except Exception as error:
            if not isinstance(error, NotDispatched):
                _log.error("on_batch raised %s; the rest of the call is not sent", type(error).__name__)
            self.rule.stop(f"on_batch raised {type(error).__name__}", error)
            return False
        return True


class WatchedRunner(BatchRunner):
    """Tells the call's observers of each batch, too."""

    async def run(self, batch: Batch) -> BatchResult:
        """Send one batch and return its result."""
        assert self.rule.watch is not None  # noqa: S101  # such a runner is made only where there is one
        with self.rule.watch.batch(batch) as in_flight:
            in_flight.result = await super().run(batch)
        return in_flight.result


class SendCall(MaskedState):
    """One sending call of a client: its endpoint, its account, and the journal of its batches."""

    caller: Caller
    endpoint: SendEndpoint
    account: ResolvedAccount
    on_batch: OnBatch | None

    async def send(self, outgoing: Outgoing, request_id: str | None) -> SendReport:
        """The report of these messages. Raises where nobody was accepted, a batch failed or anybody is ``UNKNOWN``."""
        endpoint = self.endpoint
        batches = split(
            outgoing,
            self._batch_size(),
            one_sender=endpoint.one_sender,
            groups=await grouped(outgoing) if has_groups(outgoing, one_sender=endpoint.one_sender) else None,
            request_ids=endpoint.request_ids,
            request_id=request_id,
        )
        report = empty_report(outgoing, provider=self.caller.provider.name)
        runner = self._runner(endpoint.name, len(report))
        watch = runner.rule.watch
        # No ``with`` of the rule: where nobody observes, its two calls are a thousand instructions of a one-time code.
        if watch is not None:
            watch.begin()
        try:
            if len(batches.chunks) == 1:  # as most calls have, without a coroutine of its own
                batch = batches.batch(0)
                add_result(report, batch, await runner.run(batch))
            else:
                await self._run_all(batches, runner, report)
            if not report.ok and not report.refused_one_by_one:
                report.raise_for_failures()
        except BaseException as error:
            if watch is not None:
                watch.end(error)
            raise
        if watch is not None:
            watch.end(None)
        return report

    async def _run_all(self, batches: Batches, runner: BatchRunner, report: SendReport) -> None:
        async def send(number: int) -> None:
            batch = batches.batch(number)
            add_result(report, batch, await runner.run(batch))

        at_once, starts = self.caller.settings.max_concurrency, ITEMS_PER_TURN // len(batches.chunks[0])
        await for_each(range(len(batches)), send, at_once, starts_per_turn=starts)

    async def send_batch(self, batch: Batch) -> BatchResult:
        """The result of a call's only batch. An error that met the batch as a whole is raised."""
        runner = self._runner(self.endpoint.name, len(batch))
        with runner.rule:
            result = await runner.run(batch)
            if result.failure is not None:
                raise result.failure
        return result

    async def stream(self, items: Source, payload: Payload) -> AsyncGenerator[SendReport, None]:
        """A report for each window of a source of any length, as they end."""
        self.caller.transport.check_open()
        runner = self._runner(f"{self.endpoint.name}_stream", 0)

        async def send(window: tuple[SendReport, Batches]) -> SendReport:
            report, batches = window
            if runner.rule.watch is not None:
                runner.rule.watch.add_unsendable(len(batches.outgoing.bad))
            for batch in batches:
                add_result(report, batch, await runner.run(batch))
            return report

        with runner.rule:
            async with (
                aclosing(self._windows(items, payload)) as windows,
                aclosing(AsFinished(windows, send, self.caller.settings.max_concurrency)) as reports,
            ):
                has_left = False
                async for report in reports:
                    has_left = has_left or len(report.not_sent) < len(report)
                    if not has_left:
                        raise_refusal(report)
                    yield report

    async def _windows(self, items: Source, payload: Payload) -> AsyncGenerator[tuple[SendReport, Batches], None]:
        """A source in windows of one report each: one batch, or one for each sender in it."""
        size = self._batch_size() or STREAM_BATCH_SIZE
        offset = index = 0
        async with aclosing(slices(items, size)) as pieces:
            while piece := await self._next_piece(pieces):
                outgoing = await columns_of(piece, payload, offset)
                batches = split(
                    outgoing,
                    size,
                    one_sender=self.endpoint.one_sender,
                    request_ids=self.endpoint.request_ids,
                    first_index=index,
                )
                yield empty_report(outgoing, offset, provider=self.caller.provider.name), batches
                offset += len(piece)
                index += len(batches)

    async def _next_piece(self, pieces: AsyncGenerator[list[T], None]) -> list[T]:
        """The next piece of a source, empty at its end; the wait ends when the client is closed."""
        async with self.caller.transport.waiting():
            nothing: list[T] = []
            return await anext(pieces, nothing)

    def _runner(self, name: str, recipients: int) -> BatchRunner:
        # A closed client refuses each batch, so that a call during which it was closed has a report.
        caller = self.caller
        rule = caller.stop_rule(name, recipients)
        kind = BatchRunner if rule.watch is None else WatchedRunner
        return kind(caller.provider.name, self._call, caller.turn, rule, self.on_batch)

    def _call(self, batch: Batch, rule: StopRule) -> Awaitable[BatchResult]:
        return self.caller.call(self.endpoint, batch, rule, self.account, has_turn=True)

    def _batch_size(self) -> int | None:
        """The most recipients in one request, or None if neither settings nor provider limit it."""
        own, limit = self.caller.settings.batch_size, self.endpoint.limit or self.caller.provider.send_limit
        return limit if own is None else own if limit is None else min(own, limit)


def raise_refusal(report: SendReport) -> None:
    """Raise the error that every batch of the call will meet: a host that a test run may not reach."""
    for failure in report._failures:
        if isinstance(failure, ConfigurationError):
            failure.report = report
            raise failure
