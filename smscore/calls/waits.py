"""The waits of a client's calls, and what ends one from outside: closing the client, or the time that it may take."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Self

from smscore import clock

_POLL_INTERVAL: Final = 0.1  # seconds between two checks whether a borrowed session has been closed
_RESOLUTION: Final = 0.01  # seconds: waits that run out at about the same time are ended together


class WaitInterrupted(Exception):
    """A wait was ended by something other than a cancel of its caller."""


class ReadTimedOut(TimeoutError):
    """Nothing more of an answer came in time."""


class Wait:
    """A context around a wait of a call, which may take ``total`` seconds: ``TimeoutError`` where it takes longer.

    ``read`` is for how many seconds nothing may come once :meth:`note_progress` was called: ``ReadTimedOut``.
    ``WaitInterrupted`` where closing the client ended it, or aiohttp by itself.

    All come as a ``CancelledError``, as the caller's own cancel does. The task counts its cancels, which tells them
    apart; ``asyncio.timeout`` goes by the same.
    """

    __slots__ = (
        "_backstop",
        "_began",
        "_cancels",
        "_error",
        "_last_progress",
        "_loop",
        "_read",
        "_task",
        "_total",
        "_waits",
    )

    def __init__(self, waits: Waits, total: float = math.inf, read: float = math.inf) -> None:
        self._waits = waits
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._total = total
        self._read = read
        self._last_progress: float | None = None
        self._error: Exception | None = None
        self._backstop: AbstractContextManager[object] | None = None

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # coroutines run in tasks
        self._task = task
        self._cancels = task.cancelling()
        self._waits.add(self, self._began + min(self._total, self._read))
        if clock.is_frozen(self._loop) and self._total < math.inf:  # else no request pays for the backstop's context
            self._set_backstop()
        return self

    def _set_backstop(self) -> None:
        try:
            self._backstop = clock.backstop(self._total, self.time_out)
            self._backstop.__enter__()
        except BaseException:  # it is a thread, and there may be none to be had
            self._waits.discard(self)
            raise

    def note_progress(self) -> None:
        """The request has been written, or some of its answer came."""
        self._last_progress = self._loop.time()

    def ends_at(self) -> float:
        """When it runs out, by the loop's clock; later if there is progress."""
        if self._error is not None:
            return math.inf
        since = self._loop.time() if self._last_progress is None else self._last_progress
        return min(self._began + self._total, since + self._read)

    def time_out(self) -> None:
        """End the wait as one that has run out."""
        self.interrupt(TimeoutError())

    def end_if_over(self) -> None:
        """End the wait if it has run out."""
        now = self._loop.time()
        if self._began + self._total <= now:
            self.time_out()
        elif self.ends_at() <= now:
            self.interrupt(ReadTimedOut())

    def interrupt(self, error: Exception) -> None:
        """End the wait with this error, unless called by its own task, which may close the client in a callback."""
        if self._error is None and self._task is not asyncio.current_task():
            self._error = error
            self._task.cancel()

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if self._backstop is not None:
            self._backstop.__exit__(None, None, None)
        self._waits.discard(self)
        cancels = self._task.cancelling() if self._error is None else self._task.uncancel()
        if isinstance(error, asyncio.CancelledError) and cancels <= self._cancels:
            raise self._error or WaitInterrupted from None


class Waits:
    """The waits of a client's calls in one event loop, with one timer for all of them.

    A timer of its own for each request would be set, and cancelled, some thousands of times for each that goes off.
    ``is_closed`` is polled while there are any: nobody tells the client when a borrowed session is closed.
    """

    def __init__(self, is_closed: Callable[[], bool] | None = None) -> None:
        self._is_closed = is_closed
        self._open: set[Wait] = set()
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None
        self._checks_at = math.inf

    def add(self, wait: Wait, earliest_end: float) -> None:
        """Note a wait that begins now and cannot run out before ``earliest_end``, by the loop's clock.

        Raises ``WaitInterrupted`` once all have been ended.
        """
        if self._is_over:
            raise WaitInterrupted
        self._open.add(wait)
        if earliest_end < self._checks_at or self._is_closed is not None:  # nearly always there is an earlier check
            self._check_by(earliest_end)

    def discard(self, wait: Wait) -> None:
        """Forget a wait that has ended."""
        self._open.discard(wait)

    def end_all(self) -> None:
        """Interrupt every wait, and let no other begin. Call it in the waits' own event loop."""
        self._is_over = True
        for wait in [*self._open]:
            wait.interrupt(WaitInterrupted())
        if self._timer is not None:
            self._timer.cancel()
        self._check_again()

    def _check_by(self, moment: float) -> None:
        """Check the waits at this moment of the loop's clock, or earlier."""
        if self._is_closed is not None:
            moment = min(moment, asyncio.get_running_loop().time() + _POLL_INTERVAL)
        if moment < self._checks_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(moment, self._check)
            self._checks_at = moment

    def _check(self) -> None:
        if self._is_closed is not None and self._is_closed():
            self.end_all()
            return
        for wait in [*self._open]:
            wait.end_if_over()
        self._check_again()

    def _check_again(self) -> None:
        self._checks_at = math.inf
        if self._open:
            soon = asyncio.get_running_loop().time() + _RESOLUTION
            self._check_by(max(soon, min(wait.ends_at() for wait in self._open)))
