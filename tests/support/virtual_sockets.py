"""Virtual time with real sockets between a client and a server in one event loop: minutes pass in no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from virtual_time import Clock, Jumping, VirtualLoop

from smscore import clock

T = TypeVar("T")

_CROSSING = 0.000_3  # seconds in which the kernel may still be passing something on


class _Crossing(Jumping):
    """Waits a moment before it jumps: both ends are in this process, so what one has sent is there nearly at once."""

    def select(self, timeout: float | None = None) -> Any:
        ready = selectors.DefaultSelector.select(self, 0 if timeout == 0 else _CROSSING)
        return ready or super().select(timeout)


class SocketLoop(VirtualLoop):
    """A virtual loop for sockets."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        asyncio.SelectorEventLoop.__init__(self, _Crossing(clock))


def run(monkeypatch: pytest.MonkeyPatch, main: Coroutine[Any, Any, T]) -> T:
    """Run this in virtual time, by which Payamak's own clock goes too."""
    with asyncio.Runner(loop_factory=lambda: SocketLoop(Clock())) as runner:
        monkeypatch.setattr(clock, "monotonic", runner.get_loop().time)
        return runner.run(main)
