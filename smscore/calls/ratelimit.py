"""Limits requests per second: each request waits for its turn, first come, first served."""

from __future__ import annotations

import threading
from typing import Final

from smscore import clock

# Timers fire a few milliseconds late, by varying amounts: without a margin, one second could contain one request too
# many.
_MARGIN: Final = 1.02


class RateLimit:
    """Hands out turns ``1 / rate`` seconds apart. Safe to use from several threads and event loops."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._interval = _MARGIN / rate
        self._lock = threading.RLock()  # reentrant: a signal handler may send while it is held
        self._next = 0.0

    def reserve(self, now: float, max_wait: float | None = None) -> float:
        """Reserve the next free turn, unless it is more than ``max_wait`` away; return the seconds until it."""
        with self._lock:
            turn = max(now, self._next)
            if max_wait is None or turn - now <= max_wait:
                self._next = turn + self._interval
        return turn - now

    async def wait(self, max_wait: float | None = None) -> bool:
        """Wait for a turn and return True, or return False at once if it is more than ``max_wait`` seconds away."""
        delay = self.reserve(clock.monotonic(), max_wait)
        if max_wait is not None and delay > max_wait:
            return False
        if delay > 0:
            await clock.sleep(delay)
        return True
