"""A clock that jumps over every wait, and the event loop that lives by it.

Where the loop would wait, it moves its own clock forward instead; a fixture lets ``smscore.clock`` read the same one.
It starts above 0, and a test may let it wake late, or tick as coarsely as some machines' clocks do.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any

import attrs
import pytest

from smscore import clock

START = 1000.0
NOON = dt.datetime(2025, 10, 9, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=3, minutes=30)))


@attrs.define
class Clock:
    """Seconds of no real time; ``late`` says by how much a sleeper wakes late, ``tick`` how coarsely one reads it."""

    exact: float = START
    late: Callable[[], float] = lambda: 0.0
    tick: float | None = None

    @property
    def now(self) -> float:
        """What a program reads."""
        return math.floor(self.exact / self.tick) * self.tick if self.tick else self.exact

    @property
    def passed(self) -> float:
        return self.exact - START

    def moment(self, zone: dt.tzinfo | None = None) -> dt.datetime:
        return (NOON + dt.timedelta(seconds=self.passed)).astimezone(zone)


class Jumping(selectors.DefaultSelector):
    """A selector that moves the clock on in place of waiting."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if timeout is None and not ready:
            raise AssertionError("nothing is left that could end this wait")
        if timeout and not ready:
            self._clock.exact += timeout + self._clock.late()
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that lives by such a clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        super().__init__(Jumping(clock))
        self._clock_resolution = clock.tick or self._clock_resolution

    def time(self) -> float:
        return self._clock.now


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in a virtual loop; it takes the fixture ``clock``."""

    @wraps(test)
    def played(**fixtures: Any) -> None:
        with asyncio.Runner(loop_factory=partial(VirtualLoop, fixtures["clock"])) as runner:
            runner.run(test(**fixtures))

    return played


def replace_waits(monkeypatch: pytest.MonkeyPatch, wait: Callable[[float], Awaitable[None]]) -> None:
    """``wait`` in place of the waits of this test's calls, on either face; a loop in another thread waits as ever.

    A loop there may wait for its next turn again and again: without taking time it would never do anything else.
    """
    is_ours: ContextVar[bool] = ContextVar("is_ours", default=False)
    is_ours.set(True)
    real = clock.sleep

    async def sleep(seconds: float) -> None:
        await (wait if is_ours.get() else real)(seconds)

    monkeypatch.setattr(clock, "sleep", sleep)


def skip_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the waits of this test's calls would have been: they take no time."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    replace_waits(monkeypatch, wait)
    return waits
