"""One call of a blocking client, between the thread that waits for it and the event loop that does it."""

from __future__ import annotations

import asyncio
import inspect
import queue
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextvars import copy_context
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

from smscore.errors import ClientClosed
from smscore.loops.concurrency import SliceSource
from smscore.loops.logs import run_in_caller
from smscore.loops.threads import called, raise_, settle

T = TypeVar("T")
R = TypeVar("R")


class LoopCall(Generic[R]):
    """One coroutine run in the loop, and its result.

    A ``concurrent.futures.Future`` would do, and crosses the threads more slowly: it wakes the loop once more, and
    its condition costs more than a queue.
    """

    def __init__(self, function: Callable[[], Coroutine[Any, Any, R]], caller_thread: CallerThread) -> None:
        self._function = function
        self._caller_thread = caller_thread
        self._context = copy_context()  # the caller's; one thread may wake the loop for the calls of others
        self._task: asyncio.Task[None] | None = None
        self.is_abandoned = False
        """Nobody waits for it any more: it must not begin."""
        self._outcome: Callable[[], R] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether there is a result."""
        return self._outcome is not None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the coroutine. Call this in the loop."""
        if not self.is_abandoned:
            self._task = loop.create_task(self._run(), context=self._context)

    def cancel(self) -> None:
        """Cancel the coroutine. Call this in the loop."""
        if self._task is not None:
            self._task.cancel()

    def refuse(self) -> None:
        """End it with ``ClientClosed``, if its loop ended before it started."""
        if self._outcome is None:
            self._outcome = partial(raise_, ClientClosed("The process is ending, and nothing more is sent."))
            self._caller_thread.wake()

    def result(self) -> R:
        """Return the coroutine's result, or raise its error."""
        assert self._outcome is not None  # noqa: S101  # asked for once it has ended
        return self._outcome()

    async def _run(self) -> None:
        run_in_caller.set(self._caller_thread.tell)
        try:
            result = await self._function()
        # Even what would end the thread of all clients is for the waiting thread to raise.
        except BaseException as error:
            self._outcome = partial(raise_, error)
        else:
            self._outcome = lambda: result
        self._caller_thread.wake()


class CallerThread:
    """Runs functions in the thread that waits for a call: a caller's callbacks and iterables stay in its thread."""

    def __init__(self) -> None:
        # Of all queues this one alone may be put to from a signal handler and from the garbage collector.
        self._asked: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._has_left = False
        self._stop: Callable[[], None] | None = None

    def serve(self, call: LoopCall[Any]) -> None:
        """Run what the loop, in another thread, asks for, until the call has ended."""
        try:
            while not call.has_ended:
                self._asked.get()()
        finally:
            self._run_told()

    def serve_between(self, call: LoopCall[Any], loop: asyncio.AbstractEventLoop) -> None:
        """Run the loop in this thread until the call has ended, stopping it to run what is asked for."""
        self._stop = loop.stop
        try:
            while not call.has_ended:
                loop.run_forever()
                while not self._asked.empty():
                    self._asked.get()()
        finally:
            self._stop = None
            self._run_told()

    def wake(self) -> None:
        """Make the waiting thread check whether its call has ended."""
        self.put(_nothing)

    def put(self, work: Callable[[], object]) -> None:
        """Run this in the waiting thread, without waiting for it."""
        self._asked.put(work)
        if self._stop is not None:
            self._stop()

    def tell(self, work: Callable[[], object]) -> None:
        """Run this in the waiting thread, without waiting for it; in this one once :meth:`leave` was called."""
        self._told.put(work)
        if not self._has_left:
            self.put(self._run_told)
        # Only now: what is put while the other thread leaves is run by either, and by one alone.
        if self._has_left:
            try:
                self._run_told()
            except (SystemExit, KeyboardInterrupt) as error:
                self.put(partial(raise_, error))  # in the loop it would end the thread of all clients

    def leave(self) -> None:
        """Nobody waits here any more: what has been told is run now, and what is told later where it is told."""
        self._has_left = True
        self._run_told()

    async def leave_in_loop(self) -> None:
        """:meth:`leave`, in the loop's thread: for finalizers, which must not wait."""
        self.leave()

    def _run_told(self) -> None:
        while not self._told.empty():
            try:
                work = self._told.get_nowait()
            except queue.Empty:  # the other thread was quicker
                return
            work()

    async def ask(self, function: Callable[[], T]) -> T:
        """Call this in the waiting thread and return its result."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Callable[[], T]] = loop.create_future()

        def work() -> None:
            loop.call_soon_threadsafe(settle, answer, called(function))

        self.put(work)
        return (await answer)()

    def callback(self, function: Callable[[T], Any] | None) -> Callable[[T], Awaitable[Any]] | None:
        """The function, to be called in the waiting thread; a coroutine that it returns runs in the loop."""
        if function is None:
            return None

        async def asked(argument: T) -> Any:
            try:
                return await _finished(await self.ask(lambda: function(argument)))
            except (SystemExit, KeyboardInterrupt) as error:
                # In the loop it would end the thread of all clients. The caller's thread raises it, and cancels this.
                self.put(partial(raise_, error))
                await asyncio.get_running_loop().create_future()

        return asked


class CallersIterable(SliceSource[T]):
    """A caller's iterable, iterated in the caller's thread, as a source of slices."""

    def __init__(self, items: Iterable[T], caller_thread: CallerThread, prepared: Callable[[list[T]], list[T]]) -> None:
        """What hands out slices of the items, as ``prepared`` makes them in that thread too."""
        self._items: Iterator[T] = iter(items)
        self._caller_thread = caller_thread
        self._prepared = prepared

    async def take(self, size: int) -> list[T]:
        """The next items, at most ``size``; an empty list at the end."""
        return await self._caller_thread.ask(lambda: self._prepared(list(islice(self._items, size))))


async def _finished(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _nothing() -> None:
    pass
