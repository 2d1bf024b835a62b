"""What other threads hand to an event loop: one wake-up for all that comes until the loop takes it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final


class Handover:
    """Runs functions in the loop, in the order in which they are put.

    ``call_soon_threadsafe`` alone would wake the loop for each: a write and a read, and with many threads a fight for
    the interpreter's lock at both. No flag says that a wake-up is under way, since one that an interrupted ``put``
    left set would hang every later call. The loop counts its rounds, each begun before it takes anything, and a thread
    notes the round that it woke the loop in once it has: as long as that round lasts, the next one is still to come.
    Whatever interrupts it, or comes late, costs a wake-up too many at most.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Final = loop
        self._waiting: Final[deque[Callable[[], object]]] = deque()
        self._round = 0
        self._woken_in = -1

    def put(self, function: Callable[[], object]) -> None:
        """Run this in the loop. For any thread, signal handler and finalizer; ``RuntimeError`` if the loop is closed.

        What is put while the loop closes may be neither run nor refused.
        """
        self._waiting.append(function)
        now = self._round  # read after the append: a round that begins later takes it
        if self._woken_in != now:
            self._loop.call_soon_threadsafe(self._take)
            self._woken_in = now

    def _take(self) -> None:
        self._round += 1
        try:
            while self._waiting:
                self._waiting.popleft()()
        finally:
            if self._waiting:  # one of them raised
                self._loop.call_soon(self._take)

    def closed(self) -> None:
        """The loop is closed: whoever puts something from now on meets its error."""
        self._round += 1
        self._waiting.clear()
