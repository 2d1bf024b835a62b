"""The clock that every wait and deadline goes by, replaceable in tests by setting the functions of this module.

freezegun and time-machine stop or shift the functions of the module ``time`` in a test, wherever a module holds one.
A wait measured by them would never end, so the functions here belong to a copy of that module, which is out of their
reach also when Payamak is imported in the middle of such a test. Only time-machine shifts the time of day here too:
nothing but a ``Retry-After`` with a date is read by it, and a long one is not waited for. Dates that callers see and
compare, such as ``sent_at``, are of their own clock, frozen or not: ``callers_time``.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
import importlib.util
import threading
import time as shared_time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from types import BuiltinFunctionType, ModuleType
from typing import Final

__all__ = ["backstop", "callers_time", "is_frozen", "monotonic", "new_event_loop", "now", "sleep", "time", "timeout"]


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


def callers_time() -> float:
    """Seconds since the epoch by the clock that callers read, frozen where a test freezes it: for what they compare."""
    return shared_time.time()


def now() -> dt.datetime:
    """This moment, in UTC."""
    return dt.datetime.fromtimestamp(time(), dt.UTC)


async def sleep(seconds: float) -> None:
    """Wait this many seconds, even in an event loop whose own clock a test has frozen."""
    if not is_frozen(asyncio.get_running_loop()):
        await asyncio.sleep(seconds)
        return
    over = asyncio.Event()
    with _alarm(seconds, over.set):
        await over.wait()


def timeout(seconds: float) -> AbstractAsyncContextManager[object]:
    """Raise ``TimeoutError`` in a block that takes longer than this many seconds, even in a frozen event loop."""
    return _frozen_timeout(seconds) if is_frozen(asyncio.get_running_loop()) else asyncio.timeout(seconds)


def backstop(seconds: float, ring: Callable[[], object]) -> AbstractContextManager[object]:
    """Call ``ring`` in a block that takes longer than this many seconds, in a frozen event loop alone.

    It is for code whose own timers do not fire there.
    """
    return _alarm(seconds, ring) if is_frozen(asyncio.get_running_loop()) else _NOTHING


_NOTHING: Final = nullcontext()


@asynccontextmanager
async def _frozen_timeout(seconds: float) -> AsyncGenerator[None, None]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:
        with _alarm(seconds, lambda: limit.reschedule(loop.time())):
            yield


@contextmanager
def _alarm(seconds: float, ring: Callable[[], object]) -> Generator[None, None, None]:
    """Call ``ring`` in the running loop after this many seconds, unless the block ends earlier."""
    is_set = True

    def ring_if_set() -> None:
        if is_set:
            ring()

    timer = threading.Timer(seconds, asyncio.get_running_loop().call_soon_threadsafe, (ring_if_set,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        is_set = False
        timer.cancel()


def new_event_loop(*, fast: bool = False) -> asyncio.AbstractEventLoop:
    """An event loop whose timers go by this clock, for a thread of ours; ``fast``: uvloop's where it is installed."""
    loop = (_uvloop() if fast else None) or asyncio.new_event_loop()
    if isinstance(loop, asyncio.BaseEventLoop):  # uvloop has a clock of its own
        # On the instance: the caller's own loops share the class.
        loop.time = monotonic  # type: ignore[method-assign]
    return loop


def _uvloop() -> asyncio.AbstractEventLoop | None:
    try:
        uvloop = importlib.import_module("uvloop")  # the extra "speed"
    except ImportError:
        return None
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def is_frozen(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this loop's timers do not fire, since a test has frozen its clock."""
    is_real = isinstance(shared_time.monotonic, BuiltinFunctionType)
    return not is_real and getattr(loop.time, "__func__", None) is asyncio.BaseEventLoop.time
