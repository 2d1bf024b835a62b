"""The waits of a client's calls, and how closing the client ends them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final

_POLL_INTERVAL: Final = 0.1  # seconds between two checks whether a borrowed session has been closed


class WaitInterrupted(Exception):
    """A wait was ended by something other than a cancel of its caller."""


class Wait:
    """A context around a wait of a call: ``WaitInterrupted`` where closing the client ended it, or aiohttp by itself.

    Both come as a ``CancelledError``, as the caller's own cancel does. The task counts its cancels, which tells them
    apart; ``asyncio.timeout`` goes by the same.
    """

    __slots__ = ("_cancels", "_interrupted", "_open", "_task")

    def __init__(self, open_: set[Wait]) -> None:
        self._open = open_
        self._interrupted = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # coroutines run in tasks
        self._task = task
        self._cancels = task.cancelling()
        self._open.add(self)

    def interrupt(self) -> None:
        """End the wait, unless called by its own task, which may close the client in a callback."""
        if not self._interrupted and self._task is not asyncio.current_task():
            self._interrupted = True
            self._task.cancel()

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._open.discard(self)
        cancels = self._task.uncancel() if self._interrupted else self._task.cancelling()
        if isinstance(error, asyncio.CancelledError) and cancels <= self._cancels:
            raise WaitInterrupted from None


class Waits:
    """The waits of a client's calls in one event loop.

    ``is_closed`` is polled while there are any: nobody tells the client when a borrowed session is closed.
    """

    def __init__(self, is_closed: Callable[[], bool] | None = None) -> None:
        self._is_closed = is_closed
        self._open: set[Wait] = set()
        self._is_over = False
        self._is_polling = False

    def begin(self) -> Wait:
        """A context for a wait that begins now. Raises ``WaitInterrupted`` once all have been ended."""
        if self._is_over:
            raise WaitInterrupted
        if self._is_closed is not None and not self._is_polling:
            self._is_polling = True
            self._poll_later()
        return Wait(self._open)

    def end_all(self) -> None:
        """Interrupt every wait, and let no other begin. Call it in the waits' own event loop."""
        self._is_over = True
        for wait in list(self._open):
            wait.interrupt()

    def _poll_later(self) -> None:
        asyncio.get_running_loop().call_later(_POLL_INTERVAL, self._poll)

    def _poll(self) -> None:
        if self._is_closed is not None and self._is_closed():
            self.end_all()
        self._is_polling = bool(self._open)
        if self._is_polling:
            self._poll_later()
