"""At most so many requests a second: each waits for its turn, first come first served."""

from __future__ import annotations

import threading
from typing import Final

from smscore import clock

# Waking up is late by a few milliseconds, now more, now less: without a margin a second could hold one too many.
_MARGIN: Final = 1.02


class RateLimit:
    """Turns that lie ``1 / rate`` seconds apart; safe from several threads and event loops."""

    def __init__(self, rate: float) -> None:
        self._interval = _MARGIN / rate
        self._lock = threading.RLock()  # a signal handler may come back to it in the middle
        self._next = 0.0

    def reserve(self, now: float, most: float | None = None) -> float:
        """The seconds from ``now`` to the next free turn; it is taken, unless it is more than ``most`` away."""
        with self._lock:
            turn = max(now, self._next)
            if most is None or turn - now <= most:
                self._next = turn + self._interval
        return turn - now

    async def wait(self, most: float | None = None) -> bool:
        """Wait for a turn and say True; False at once where it would come only after ``most`` seconds."""
        delay = self.reserve(clock.monotonic(), most)
        if most is not None and delay > most:
            return False
        if delay > 0:
            await clock.sleep(delay)
        return True
