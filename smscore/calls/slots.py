"""The connections that may be open at once: a request takes a slot for each, or waits until one is given back."""

from __future__ import annotations

import asyncio
import math
from collections import deque


class Slots:
    """``count`` slots in one event loop. Whoever waits for one is served in turn.

    ``asyncio.Semaphore`` does the same, but goes through all who wait before it says whether one is free.
    """

    def __init__(self, count: float = math.inf) -> None:
        self._free = count
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take a free slot; False if there is none. Nobody waits where one is free."""
        if not self._free:
            return False
        self._free -= 1
        return True

    def ask(self) -> asyncio.Future[None]:
        """Wait for a slot: the future is done once it is taken. Whoever stops waiting must call :meth:`withdraw`."""
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(slot)
        return slot

    def withdraw(self, slot: asyncio.Future[None]) -> None:
        """Stop waiting. If the slot has just been given, it is given back."""
        if not slot.cancel() and not slot.cancelled():
            self.give_back()
        while self._waiting and self._waiting[0].cancelled():
            self._waiting.popleft()

    def give_back(self) -> None:
        """Give a slot to whoever has waited longest; if nobody waits, it is free."""
        while self._waiting:
            slot = self._waiting.popleft()
            if not slot.done():
                slot.set_result(None)
                return
        self._free += 1
