"""The thread behind every blocking client: one event loop a process, started when first needed."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import queue
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Final, Generic, NoReturn, TypeVar

from smscore import clock
from smscore.errors import ClientClosed, ConfigurationError
from smscore.loops.concurrency import SliceSource, cancelled
from smscore.loops.forks import leave_to_the_parent

T = TypeVar("T")
R = TypeVar("R")

_GRACE: Final = 1.0  # seconds that the end of the process waits for connections to close


class BackgroundLoop:
    """An event loop in a daemon thread, so that a script that forgets to close a client still ends."""

    def __init__(self) -> None:
        self._loop = clock.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="payamak", daemon=True)
        self._pid = os.getpid()
        self._awaited: set[_Call[Any]] = set()
        self._thread.start()
        leave_to_the_parent(self)
        atexit.register(self.stop)

    def _run(self) -> None:
        # asyncio.run would end the loop's executor by a thread, and at the end of a process none starts any more.
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(_end_tasks())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()

    def run(self, function: Callable[[], Coroutine[Any, Any, R]], desk: Desk) -> R:
        """Run this in the loop and wait for it at the desk; Ctrl-C and its like cancel it there."""
        if self.is_here():
            raise ConfigurationError(
                "A blocking client was called from its own thread, which would wait for itself. Use the async client."
            )
        call = _Call(function, desk)
        try:
            self._awaited.add(call)
            self._loop.call_soon_threadsafe(call.begin, self._loop)
            desk.serve(call)
        except BaseException:
            self._loop.call_soon_threadsafe(call.cancel)
            raise
        finally:
            self._awaited.discard(call)
        return call.result()

    def is_here(self) -> bool:
        """Whether this is the loop's own thread."""
        return threading.current_thread() is self._thread

    def is_alive(self) -> bool:
        """Whether it still runs what it is given."""
        return self._thread.is_alive()

    def begin(self, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Begin this in the loop, from any thread, and wait for nothing."""
        asyncio.run_coroutine_threadsafe(function(), self._loop)

    def stop(self) -> None:
        """End the loop, whose connections close with it; not in a forked child, whose loop it is not."""
        if os.getpid() != self._pid:
            return
        _process.forget(self)
        # What a daemon thread still waits for ends with the process; a cancel would only make it print an error.
        if not self._awaited:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_GRACE)


async def _end_tasks() -> None:
    await cancelled(task for task in asyncio.all_tasks() if task is not asyncio.current_task())


class _Process:
    """This process's background loop; a forked child starts one of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: BackgroundLoop | None = None

    def background(self) -> BackgroundLoop:
        with self._lock:
            if self._loop is None or not self._loop.is_alive():
                if sys.is_finalizing():
                    raise ClientClosed("The interpreter is ending, and no request can be made any more.")
                self._loop = BackgroundLoop()
            return self._loop

    @property
    def running(self) -> BackgroundLoop | None:
        return self._loop

    def forget(self, loop: BackgroundLoop) -> None:
        # What still sends in the last moments of the process gets a loop anew.
        if self._loop is loop:
            self._loop = None

    def begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._loop = None


_process: Final = _Process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process.begin_anew)


def running() -> BackgroundLoop | None:
    """This process's background loop: None before the first call, and at the very end."""
    return _process.running


def run(function: Callable[[], Coroutine[Any, Any, R]], desk: Desk | None = None) -> R:
    """Run this in the background loop and wait for it; Ctrl-C and its like cancel it there."""
    _warn_inside_a_loop()
    return _process.background().run(function, desk or Desk())


def finish(loop: BackgroundLoop, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Run this in the loop; the garbage collector may ask for it in the loop's own thread, and waits not."""
    if loop.is_here():
        loop.begin(function)
    else:
        loop.run(function, Desk())


class _Call(Generic[R]):
    """One coroutine in the loop, and what became of it.

    A ``concurrent.futures.Future`` would do, and crosses the threads more slowly: it wakes the loop once more, and
    its condition costs more than a queue.
    """

    def __init__(self, function: Callable[[], Coroutine[Any, Any, R]], desk: Desk) -> None:
        self._function = function
        self._desk = desk
        self._task: asyncio.Task[None] | None = None
        self._outcome: Callable[[], R] | None = None

    @property
    def has_ended(self) -> bool:
        return self._outcome is not None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._run())

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def result(self) -> R:
        """What the coroutine gave, or raise what it raised."""
        assert self._outcome is not None  # noqa: S101  # asked for once it has ended
        return self._outcome()

    async def _run(self) -> None:
        try:
            result = await self._function()
        # Even what would end the thread of all clients is for the waiting thread to raise.
        except BaseException as error:
            self._outcome = partial(_raise, error)
        else:
            self._outcome = lambda: result
        self._desk.wake()


class Desk:
    """Where the loop asks the waiting thread to do something: a caller's callbacks and iterables stay in its thread."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def serve(self, call: _Call[Any]) -> None:
        """Do what is asked until the call has ended."""
        while not call.has_ended:
            self._asked.get()()

    def wake(self) -> None:
        """Have the waiting thread look whether its call has ended."""
        self._asked.put(_nothing)

    async def ask(self, function: Callable[[], T]) -> T:
        """Have the waiting thread call this, and wait for what it gives."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Callable[[], T]] = loop.create_future()

        def work() -> None:
            loop.call_soon_threadsafe(_settle, answer, _called(function))

        self._asked.put(work)
        return (await answer)()

    def callback(self, function: Callable[[T], Any] | None) -> Callable[[T], Awaitable[Any]] | None:
        """The function, called in the waiting thread; a coroutine that it gives runs in the loop."""
        if function is None:
            return None

        async def asked(argument: T) -> Any:
            try:
                return await _finished(await self.ask(lambda: function(argument)))
            except (SystemExit, KeyboardInterrupt) as error:
                # In the loop it would end the thread of all clients. The caller's thread raises it, and cancels this.
                self._asked.put(partial(_raise, error))
                await asyncio.get_running_loop().create_future()

        return asked


class CallersIterable(SliceSource[T]):
    """A caller's iterable, gone through in the caller's thread, as an async one that hands out slices."""

    def __init__(self, items: Iterable[T], desk: Desk) -> None:
        self._items: Iterator[T] = iter(items)
        self._desk = desk

    async def take(self, size: int) -> list[T]:
        """The next items, at most so many; none at the end."""
        return await self._desk.ask(lambda: list(islice(self._items, size)))


async def _finished(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _called(function: Callable[[], T]) -> Callable[[], T]:
    """What gives the function's result, or raises as it did; a future would not take every exception."""
    try:
        result = function()
    except Exception as error:
        failure = error

        def fail() -> T:
            raise failure

        return fail
    return lambda: result


def _raise(error: BaseException) -> NoReturn:
    raise error


def _nothing() -> None:
    pass


def _settle(answer: asyncio.Future[T], result: T) -> None:
    if not answer.done():
        answer.set_result(result)


def _warn_inside_a_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    if "IPython" not in sys.modules:
        warnings.warn(
            "A blocking client was called inside a running event loop, which stands still until it returns. "
            "Use the async client there.",
            RuntimeWarning,
            stacklevel=_callers_level(),
        )


def _callers_level() -> int:
    """How far up the caller of the blocking client stands, counted as ``warnings`` does."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    return level


def _is_ours(module: str) -> bool:
    return module.startswith("smscore.") or module.endswith(".blocking")


def refuse_gevent() -> None:
    """Raise ``ConfigurationError`` where gevent has replaced threads by something that cannot run a loop."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        raise ConfigurationError("gevent has patched threading, and a blocking client cannot work so. Leave it out.")
