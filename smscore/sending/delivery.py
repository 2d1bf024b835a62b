"""One sending call on its way: its batches, what stops them, and what the caller's journal hears."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, TypeAlias

from attrs import define, evolve, field, frozen

from smscore.calls.stop import StopRule
from smscore.errors import ClientClosed, InvalidRequest, NotAttempted, SMSError
from smscore.loops.logs import logger_for_callers
from smscore.numbers import e164_forms
from smscore.results import SendReport
from smscore.sending.merging import batch_report
from smscore.wire.batch import Batch, BatchResult, failed, may_have_left

_log: Final = logger_for_callers(__name__)


@frozen
class BatchEvent:
    """What a journal is told: a batch is about to be sent (``report`` None), or it is done.

    ``index`` counts the call's batches from 0, ``request_id`` is the id that it goes out with, ``recipients`` are
    E.164.
    """

    state: Literal["sending", "done"]
    index: int
    request_id: str | None
    recipients: tuple[str, ...] = field(repr=lambda numbers: f"<{len(numbers)} numbers>")
    report: SendReport | None = None


OnBatch: TypeAlias = Callable[[BatchEvent], object]
BatchCall: TypeAlias = "Callable[[Batch, StopRule], Awaitable[BatchResult]]"
"""One request of a call, with its tries."""
Turn: TypeAlias = "Callable[[float | None], Awaitable[None]]"
"""Waits until the rate lets a request out, or raises ``NotAttempted`` where that takes longer than so many seconds."""


def _function_or_none(_: object, __: object, value: OnBatch | None) -> None:
    if value is not None and not callable(value):
        raise InvalidRequest("on_batch= takes a function of one event.")


@define
class Delivery:
    """Delivers a call's batches one by one, through ``call``, until something stops the rest."""

    provider: str
    call: BatchCall
    turn: Turn
    rule: StopRule
    on_batch: OnBatch | None = field(default=None, validator=_function_or_none)

    async def deliver(self, batch: Batch) -> BatchResult:
        """What became of this batch; errors are in the result, and only a cancel is raised.

        After "sending" the journal hears "done", unless the call is cancelled, or it raised at "sending" itself.
        """
        try:
            self.rule.check(self.provider)
            # The journal hears of it once it goes: what still waits for its turn was provably not sent.
            await self.turn(self.rule.time_left())
            self.rule.check(self.provider)
            if not await self._tell("sending", batch):
                self.rule.check(self.provider)  # it has been stopped, and so raises
        except (NotAttempted, ClientClosed) as error:
            return failed(batch, error)
        began = time.time()
        try:
            result = await self.call(batch, self.rule)
        except SMSError as error:
            result = failed(batch, error)
        if result.sent_at is None and may_have_left(result):
            result = evolve(result, sent_at=began)
        self.rule.note(result.failure)
        await self._tell("done", batch, result)
        return result

    async def _tell(self, state: Literal["sending", "done"], batch: Batch, result: BatchResult | None = None) -> bool:
        """Whether ``on_batch`` returned; if it raised, no further batch starts, and results so far are kept."""
        if self.on_batch is None:
            return True
        report = None if result is None else batch_report(batch, result, provider=self.provider)
        event = BatchEvent(state, batch.index, batch.request_id, tuple(e164_forms(batch.recipients)), report)
        try:
            heard: Any = self.on_batch(event)
            if inspect.isawaitable(heard):
                await heard
        except Exception as error:
            _log.error("on_batch raised %s; the rest of the call is not sent", type(error).__name__)
            self.rule.stop(f"on_batch raised {type(error).__name__}", error)
            return False
        return True
