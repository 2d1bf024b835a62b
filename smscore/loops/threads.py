"""Threads of our own for what would block an event loop, also at the end of the process."""

from __future__ import annotations

import _thread
import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """What the function gives, called in a thread; in this one where none can be started.

    ``asyncio.to_thread`` refuses once the main thread has ended, and its pool holds up the end of the process until
    the last call is through, a slow name server's too.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Callable[[], R]] = loop.create_future()
    bound = partial(function, *args, **kwargs)

    def work() -> None:
        outcome = called(bound)
        with suppress(RuntimeError):  # the loop has been closed, and nobody waits any more
            loop.call_soon_threadsafe(settle, answer, outcome)

    try:
        # No threading.Thread: its start takes locks that a signal handler may meet, and it cannot fail halfway.
        _thread.start_new_thread(work, ())
    except RuntimeError:
        return bound()
    return (await answer)()


def called(function: Callable[[], R]) -> Callable[[], R]:
    """What gives the function's result, or raises as it did; a future would not take every exception."""
    try:
        result = function()
    except Exception as error:
        return partial(raise_, error)
    return lambda: result


def settle(answer: asyncio.Future[R], result: R) -> None:
    """Set a future that may have been cancelled."""
    if not answer.done():
        answer.set_result(result)


def raise_(error: BaseException) -> NoReturn:
    """Raise this."""
    raise error
