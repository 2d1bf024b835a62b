"""The clock that every wait and deadline goes by, replaceable in tests by setting the functions of this module.

freezegun and time-machine stop or shift the functions of the module ``time`` in a test, wherever a module holds one.
A wait measured by them would never end, so the functions here belong to a copy of that module, which is out of their
reach also when Payamak is imported in the middle of such a test. time-machine alone shifts the time of day here too;
no wait is measured by that.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib.util
import threading
import time as shared_time
from collections.abc import Callable
from types import BuiltinFunctionType, ModuleType

__all__ = ["monotonic", "new_event_loop", "now", "sleep", "time"]


def _private_copy(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    assert spec is not None  # noqa: S101  # a built-in module has one
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_time = _private_copy("time")

monotonic: Callable[[], float] = _time.monotonic
"""Seconds since some moment; they never go back."""

time: Callable[[], float] = _time.time
"""Seconds since the epoch."""


def now() -> dt.datetime:
    """This moment, in UTC."""
    return dt.datetime.fromtimestamp(time(), dt.UTC)


async def sleep(seconds: float) -> None:
    """Wait so many seconds, also in an event loop whose own clock a test has frozen."""
    loop = asyncio.get_running_loop()
    if not _is_frozen(loop):
        await asyncio.sleep(seconds)
        return
    over = asyncio.Event()
    timer = threading.Timer(seconds, loop.call_soon_threadsafe, (over.set,))
    timer.daemon = True
    timer.start()
    try:
        await over.wait()
    finally:
        timer.cancel()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """An event loop whose timers go by this clock, for a thread of ours."""
    loop = asyncio.new_event_loop()
    if isinstance(loop, asyncio.BaseEventLoop):  # uvloop has a clock of its own
        # The class is left alone: the caller's own loops are of it too.
        loop.time = monotonic  # type: ignore[method-assign]
    return loop


def _is_frozen(loop: asyncio.AbstractEventLoop) -> bool:
    is_real = isinstance(shared_time.monotonic, BuiltinFunctionType)
    return not is_real and getattr(loop.time, "__func__", None) is asyncio.BaseEventLoop.time
