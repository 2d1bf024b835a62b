"""The connections that may be open at once: a request takes a slot for each, or waits until one is given back."""

from __future__ import annotations

import asyncio
import math
from collections import deque


class Slots:
    """So many slots in one event loop; those who wait get them first come, first served.

    An ``asyncio.Semaphore`` would do, but asks all who wait whether they still do before it says that one is free.
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
        """Wait for a slot: the future is done once it is taken. Whoever stops to wait must call :meth:`withdraw`."""
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(slot)
        return slot

    def withdraw(self, slot: asyncio.Future[None]) -> None:
        """Wait no more. A slot that was given at that very moment is given back."""
        if not slot.cancel() and not slot.cancelled():
            self.give_back()
        while self._waiting and self._waiting[0].cancelled():
            self._waiting.popleft()

    def give_back(self) -> None:
        """Give a slot to who has waited longest."""
        while self._waiting:
            slot = self._waiting.popleft()
            if not slot.done():
                slot.set_result(None)
                return
        self._free += 1
