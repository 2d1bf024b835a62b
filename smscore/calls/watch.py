"""Tells observers of one call: its start, the tries of its requests, its batches, and its end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

from attrs import define, field, frozen

from smscore import clock
from smscore.errors import ClientClosed, ConfigurationError, NotAttempted, SMSError
from smscore.loops.logs import run_in_caller
from smscore.observing import BatchEnded, CallEnded, CallStarted, Event, Registered, RequestEnded
from smscore.outcomes import Outcome
from smscore.results import OUTCOMES
from smscore.wire.batch import Batch, BatchResult
from smscore.wire.endpoint import Answer, NoAnswer
from smscore.wire.error_mapping import shown_code

_NOTHING: Final[Mapping[Outcome, int]] = MappingProxyType(dict.fromkeys(Outcome, 0))
_call_ids: Final = itertools.count(1)
# Raised before a request is made.
_NO_TRY: Final = (NotAttempted, ClientClosed, ConfigurationError)


@define(eq=False)
class Watch:
    """Tells observers of one call, as a context around it."""

    observers: Sequence[Registered]
    provider: str
    name: str
    recipients: int | None
    """None for a call that sends nothing."""
    _id: int = field(factory=_call_ids.__next__, init=False)
    _stopwatch: _Stopwatch = field(factory=lambda: _Stopwatch(time.time(), clock.monotonic()), init=False)
    _tries: int = field(default=0, init=False)
    _tries_of: dict[int, int] = field(factory=dict[int, int], init=False)
    _counts: dict[Outcome, int] = field(factory=lambda: dict.fromkeys(Outcome, 0), init=False)

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self.end(error)

    def begin(self) -> None:
        """Tell of the call's start."""
        self._tell("start", CallStarted(**self._common(self.recipients or 0, self._stopwatch)))

    def end(self, error: BaseException | None) -> None:
        """Tell of the call's end, by this error or none."""
        begun = sum(self._counts.values())
        recipients = max(self.recipients or 0, begun)
        self._counts[Outcome.NOT_SENT] += recipients - begun
        self._tell("call", CallEnded(**self._ended(recipients, self._stopwatch, self._tries, error, self._counts)))

    def add_unsendable(self, count: int) -> None:
        """Count recipients that go into no batch."""
        self._counts[Outcome.NOT_SENT] += count

    def trying(self, params: object, tries: int) -> Trying:
        """A context around a try of a request, which counts it and tells how it ended."""
        batch = params if isinstance(params, Batch) else None
        self._tries += 1
        if batch is not None:
            self._tries_of[batch.index] = tries
        return Trying(self, batch, tries, self._stopwatch.begin())

    def end_try(self, trying: Trying, error: BaseException | None) -> None:
        """Tell how a try ended, unless nothing was tried."""
        if isinstance(error, _NO_TRY):
            self._tries -= 1
            if trying.batch is not None:
                self._tries_of[trying.batch.index] = trying.tries - 1
            return
        size = 0 if trying.batch is None else len(trying.batch)
        common = self._ended(size, trying.stopwatch, trying.tries, error, _NOTHING)
        self._tell("request", RequestEnded(**common, http_status=trying.http_status(error)))

    def batch(self, batch: Batch) -> BatchInFlight:
        """A context around a batch, which tells how it ended."""
        return BatchInFlight(self, batch, self._stopwatch.begin())

    def end_batch(self, batch: Batch, stopwatch: _Stopwatch, result: BatchResult | BaseException) -> None:
        """Tell how a batch ended: its result, or what ended it without one."""
        tries = self._tries_of.pop(batch.index, 0)
        counts = dict.fromkeys(Outcome, 0)
        if isinstance(result, BatchResult):
            error: BaseException | None = result.failure
            counts |= {outcome: result.outcomes.count(code) for code, outcome in enumerate(OUTCOMES)}
        else:  # cancelled: what is not known to have stayed may have left
            error = result
            counts[Outcome.UNKNOWN if tries else Outcome.NOT_SENT] = len(batch)
        for outcome, count in counts.items():
            self._counts[outcome] += count
        self._tell("batch", BatchEnded(**self._ended(len(batch), stopwatch, tries, error, counts)))

    def _common(self, recipients: int, stopwatch: _Stopwatch) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "call": self.name,
            "call_id": self._id,
            "is_send": self.recipients is not None,
            "recipients": recipients,
            "began": stopwatch.began,
        }

    def _ended(
        self,
        recipients: int,
        stopwatch: _Stopwatch,
        tries: int,
        error: BaseException | None,
        counts: Mapping[Outcome, int],
    ) -> dict[str, Any]:
        return {
            **self._common(recipients, stopwatch),
            "tries": tries,
            "duration": stopwatch.elapsed(),
            "counts": MappingProxyType(dict(counts)),
            "error": None if error is None else type(error).__name__,
            "code": shown_code(error.code) if isinstance(error, SMSError) else None,
        }

    def _tell(self, method: str, event: Event) -> None:
        # In the thread that waits, as for logs: an observer may log, or take a lock that this thread holds.
        put = run_in_caller.get()
        for observer in self.observers:
            if put is None:
                observer.tell(method, event)
            else:
                put(partial(observer.tell, method, event))


@frozen
class _Stopwatch:
    """When something began: by the time of day, which a test may freeze, and by the clock that waits go by."""

    began: float
    _moment: float

    def elapsed(self) -> float:
        return clock.monotonic() - self._moment

    def begin(self) -> _Stopwatch:
        # By one clock, so that what is part of a call never seems to lie outside it.
        now = clock.monotonic()
        return _Stopwatch(self.began + now - self._moment, now)


@define
class Trying:
    """A try under way; ``answer`` is set once there is one."""

    watch: Watch
    batch: Batch | None
    tries: int
    stopwatch: _Stopwatch
    answer: Answer | NoAnswer | None = None

    def http_status(self, error: BaseException | None) -> int | None:
        """The status of the answer, or of the one that an error tells of."""
        if isinstance(self.answer, Answer):
            return self.answer.status
        return error.http_status if isinstance(error, SMSError) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self.watch.end_try(self, error)


@define
class BatchInFlight:
    """A batch under way; ``result`` is set once there is one."""

    watch: Watch
    batch: Batch
    stopwatch: _Stopwatch
    result: BatchResult | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        ended = error if self.result is None else self.result
        if ended is not None:
            self.watch.end_batch(self.batch, self.stopwatch, ended)
