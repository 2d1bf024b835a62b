"""Threads of our own for what would block an event loop, also at the end of the process.

Not ``anyio.to_thread``: where the event loop is in the main thread, the end of the process waits for anyio's threads,
so that one read of a pipe that never ends would hang the program. And ``threading.Thread`` starts them (see below).
"""

from __future__ import annotations

import _thread
import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Final, NoReturn, ParamSpec, TypeVar

if TYPE_CHECKING:
    from anyio import CapacityLimiter
    from anyio.lowlevel import RunVar

P = ParamSpec("P")
R = TypeVar("R")

MAX_FILE_READERS: Final = 16  # a hundred uploads at once must not start a hundred threads


async def in_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a blocking function in a thread of its own, or in this thread if none can be started.

    ``asyncio.to_thread`` refuses once the main thread has ended, and its pool holds up the end of the process until
    the last call returns, even one to a slow name server.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Callable[[], R]] = loop.create_future()
    bound = partial(function, *args, **kwargs)

    def work() -> None:
        outcome = called(bound)
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(settle, answer, outcome)

    try:
        # No threading.Thread: its start takes locks that a signal handler may meet, and it cannot fail halfway.
        _thread.start_new_thread(work, ())
    except RuntimeError:
        return bound()
    return (await answer)()


def in_background(function: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
    """Call a blocking function in a thread of its own without waiting, or in this thread if none can be started."""
    bound = partial(function, *args, **kwargs)
    try:
        _thread.start_new_thread(bound, ())
    except RuntimeError:
        bound()


@cache
def _file_readers() -> RunVar[CapacityLimiter]:
    # Imported with the first upload: nobody else needs it.
    from anyio.lowlevel import RunVar

    return RunVar("file readers of payamak")


async def read_in_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """As ``in_thread``, for files: at most ``MAX_FILE_READERS`` at once in an event loop, first come first served."""
    async with _limiter():
        return await in_thread(function, *args, **kwargs)


def _limiter() -> CapacityLimiter:
    from anyio import CapacityLimiter

    readers = _file_readers()
    limiter = readers.get(None)
    if limiter is None:
        limiter = CapacityLimiter(MAX_FILE_READERS)
        readers.set(limiter)
    return limiter


def called(function: Callable[[], R]) -> Callable[[], R]:
    """A function that returns this function's result or raises its error; futures do not take a ``StopIteration``."""
    try:
        result = function()
    except Exception as error:
        return partial(raise_, error)
    return lambda: result


def settle(answer: asyncio.Future[R], result: R) -> None:
    """Set the result of a future, unless it was cancelled."""
    if not answer.done():
        answer.set_result(result)


def raise_(error: BaseException) -> NoReturn:
    """Raise the error, as an expression."""
    raise error
