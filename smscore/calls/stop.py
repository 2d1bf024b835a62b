"""What stops a call: its deadline, or a reason not to start the rest of its batches; and who is told of it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from smscore import clock
from smscore.config import DEAD_BATCHES
from smscore.errors import ConfigurationError, NotAttempted, SMSError
from smscore.masking import MaskedState
from smscore.wire.error_mapping import is_dead

if TYPE_CHECKING:
    from smscore.calls.watch import Watch

__all__ = ["Gate", "StopRule", "not_attempted"]


_EARLY: Final = 0.002  # seconds by which an event loop's timer may go off early; no time for a request either


class Gate(Protocol):
    """What else may stop a call: it is asked before each batch, and told how each ended."""

    def check(self, rule: StopRule) -> None:
        """Stop the rule if no further batch may start."""
        ...

    def note(self, failure: SMSError | None) -> None:
        """Record how a batch that was tried ended."""
        ...


class StopRule(MaskedState):
    """What stops a call: its ``deadline`` (by ``clock.monotonic``), or a ``reason`` not to start the rest.

    It is a context around the call, which tells observers of its start and its end.
    """

    deadline: float | None = None
    reason: str | None = None
    cause: Exception | None = None
    gate: Gate | None = None
    by_provider: bool = False
    """Whether it is the provider that stopped the call."""
    watch: Watch | None = None
    """What tells observers; None if nobody observes."""
    _reading: asyncio.Lock | None = None
    _dead_in_a_row: int = 0

    def __enter__(self) -> Self:
        if self.watch is not None:
            self.watch.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.watch is not None:
            self.watch.__exit__(kind, error, at)

    @property
    def reading(self) -> asyncio.Lock:
        """Held while one of the call's large answers is read."""
        if self._reading is None:
            self._reading = asyncio.Lock()
        return self._reading

    def time_left(self) -> float | None:
        """The seconds left for the call, or None if it has no deadline. Negative after the deadline."""
        return None if self.deadline is None else self.deadline - clock.monotonic()

    def note(self, failure: SMSError | None) -> None:
        """Record how a batch ended. One that was not tried is ignored."""
        if isinstance(failure, NotAttempted):
            return
        if self.gate is not None:
            self.gate.note(failure)
        self._dead_in_a_row = self._dead_in_a_row + 1 if failure is not None and is_dead(failure) else 0
        if failure is not None and failure.meets_every_batch:
            self.stop_for(failure)
        elif self._dead_in_a_row >= DEAD_BATCHES:
            self.stop(f"{DEAD_BATCHES} batches in a row got no usable answer, no connection or a 429", by_provider=True)

    def stop_for(self, refusal: SMSError) -> None:
        """Let no further batch start, since it would be refused like an earlier one."""
        self.stop(
            f"an earlier batch was refused with {type(refusal).__name__}, which the rest would meet too",
            by_provider=not isinstance(refusal, ConfigurationError),
        )

    def stop(self, reason: str, cause: Exception | None = None, *, by_provider: bool = False) -> None:
        """Let no further batch start. Only the first reason is kept."""
        if self.reason is None:
            self.reason, self.cause, self.by_provider = reason, cause, by_provider

    def check(self, provider: str) -> None:
        """Raise ``NotAttempted`` if the call was stopped or is out of time."""
        if self.gate is not None:
            self.gate.check(self)
        if self.reason is not None:
            raise not_attempted(self.reason, provider, by_provider=self.by_provider) from self.cause
        self.check_time(provider)

    def check_time(self, provider: str) -> None:
        """Raise ``NotAttempted`` if the call is out of time."""
        if self.deadline is not None and clock.monotonic() + _EARLY >= self.deadline:
            raise not_attempted("the time for the whole call ran out", provider)


def not_attempted(reason: str, provider: str, *, by_provider: bool = False) -> NotAttempted:
    """The error of recipients that were not tried."""
    return NotAttempted(
        f"Not tried, since {reason}. Nothing was sent to these recipients, and it may be tried again.",
        provider=provider,
        reason=reason,
        by_provider=by_provider,
    )
