"""The thread behind every blocking client: one event loop a process, started when first needed.

A signal handler, a finalizer or a logging handler may make a call in the middle of another one, at any instruction of
this module, and the thread that it interrupts goes on only after it. So nothing here holds a lock, and whoever finds
something half done does it anew: the first one counts.

A loop in the thread of a single caller was tried and not kept, though it spares a call two switches of threads: in
three noisy rounds, a tenth to half of a one-time code's time. What a signal handler raises (Ctrl-C, Celery's time
limit) would come up in the middle of asyncio and aiohttp and not where a call waits: at one line of ``run_forever`` it
left a loop that refused every later call, at others tasks that nothing ran any more, the writing of a request among
them. A signal or logging handler that calls in the middle of a call would need a second loop and connections of its
own, and while a stream's caller works on a report its other requests would run into their time limits, their answers
unread.
"""

from __future__ import annotations

import _thread
import asyncio
import atexit
import os
import sys
import threading
import warnings
from collections.abc import Callable, Coroutine
from contextlib import closing
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from smscore import clock
from smscore.errors import ClientClosed, ConfigurationError
from smscore.loops.caller_thread import CallerThread, LoopCall
from smscore.loops.concurrency import cancel_all, running_loop
from smscore.loops.forks import keep_alive_after_fork
from smscore.loops.handover import Handover
from smscore.loops.logs import loop_threads

R = TypeVar("R")

_GEVENT_REPLACES: Final = ("threading", "queue", "select")
_GRACE: Final = 1.0  # seconds that the end of the process waits for connections to close


class LoopRunner(Protocol):
    """An event loop that runs what a blocking client gives it."""

    def run(self, function: Callable[[], Coroutine[Any, Any, R]], caller_thread: CallerThread) -> R:
        """Run this in the loop and wait for its result in this thread. Ctrl-C here cancels it there."""
        ...

    def begin(self, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Start this in the loop without waiting. Safe from any thread and from finalizers."""
        ...

    def is_open(self) -> bool:
        """Whether it still runs what it is given, in this process."""
        ...

    def is_here(self) -> bool:
        """Whether this is the loop's own thread."""
        ...

    def close(self) -> None:
        """Close what only this caller has used."""
        ...


class BackgroundLoop:
    """An event loop in a daemon thread, so that a script that forgets to close a client still ends."""

    def __init__(self) -> None:
        self._loop = clock.new_event_loop(fast=True)
        self._handover = Handover(self._loop)
        self._thread = threading.Thread(target=self._run, name="payamak", daemon=True)
        self._firsts: dict[str, object] = {}
        self._ident: int | None = None
        self._is_started = self._is_stopped = False
        self._ended = threading.Event()
        self._awaited: set[LoopCall[Any]] = set()
        keep_alive_after_fork(self)

    def start(self) -> None:
        """Start a thread that runs the loop. Raises ``RuntimeError`` if none can be started."""
        if self._is_started:
            return
        if self._is_first("start"):
            self._thread.start()
        else:
            # Begun by the very frame, perhaps, that this signal handler has interrupted, in the middle of the locks
            # that starting a Thread takes. Whichever of the two comes second ends at once.
            _thread.start_new_thread(self._run, ())
        self._is_started = True

    def _run(self) -> None:
        if not self._is_first("run"):
            return
        self._ident = ident = _thread.get_ident()
        loop_threads.add(ident)
        try:
            self._loop.run_forever()
        finally:
            self._is_stopped = True
            try:
                end(self._loop)
            finally:
                self._ident = None
                loop_threads.discard(ident)
                self._handover.closed()
                self._ended.set()
                self._refuse_all()

    def _is_first(self, step: str) -> bool:
        # Nobody, not even a signal handler, comes in the middle of setdefault.
        me = object()
        return self._firsts.setdefault(step, me) is me

    def _refuse_all(self) -> None:
        for call in self._awaited.copy():
            call.refuse()

    def run(self, function: Callable[[], Coroutine[Any, Any, R]], caller_thread: CallerThread) -> R:
        """Run this in the loop and return its result. An exception here, such as Ctrl-C, cancels it there."""
        refuse_gevent()
        if self.is_here():
            raise ConfigurationError(
                "A blocking client was called from its own thread, which would wait for itself. Use the async client."
            )
        call = LoopCall(function, caller_thread)
        try:
            self._awaited.add(call)
            self._soon(partial(call.begin, self._loop), otherwise=call.refuse)
            caller_thread.serve(call)
        except BaseException:
            call.is_abandoned = True  # no call of a function: a second Ctrl-C comes after it
            self._soon(call.cancel)
            raise
        finally:
            self._awaited.discard(call)
        return call.result()

    def _soon(self, function: Callable[[], object], otherwise: Callable[[], object] | None = None) -> None:
        try:
            self._handover.put(function)
        except RuntimeError:  # the loop is closed
            if otherwise is not None:
                otherwise()

    def is_here(self) -> bool:
        """Whether this is the loop's own thread."""
        return _thread.get_ident() == self._ident

    def begin(self, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Start this in the loop without waiting. Safe from any thread and from finalizers."""
        nobody = CallerThread()
        nobody.leave()
        self._soon(partial(LoopCall(function, nobody).begin, self._loop))

    def is_open(self) -> bool:
        """Whether it still runs what it is given; never in a forked child, whose loop it is not."""
        return not self._is_stopped and self is _process.loop

    def close(self) -> None:
        """Do nothing: other callers use this loop too."""

    def stop(self) -> None:
        """End the loop, whose connections close with it."""
        # What a daemon thread still waits for ends with the process; a cancel would only make it print an error.
        if self._is_started and not self._awaited:
            self._is_stopped = True
            self._soon(self._loop.stop)
            self._ended.wait(_GRACE)

    def discard(self) -> None:
        """Close a loop that was never started."""
        self._is_stopped = True
        if self._is_first("run"):
            self._loop.close()
            self._handover.closed()
            self._refuse_all()


class ForegroundLoop:
    """An event loop in the caller's own thread, where no other can be started: from Python 3.12 on as a process ends.

    It runs only while somebody waits for it.
    """

    def __init__(self) -> None:
        _refuse_a_running_loop()
        self._loop = clock.new_event_loop()
        self._pid = os.getpid()

    def run(self, function: Callable[[], Coroutine[Any, Any, R]], caller_thread: CallerThread) -> R:
        """Run this in the loop and wait for it; Ctrl-C and its like cancel it."""
        refuse_gevent()
        _refuse_a_running_loop()
        call = LoopCall(function, caller_thread)
        call.begin(self._loop)
        try:
            caller_thread.serve_between(call, self._loop)
        except BaseException:
            call.cancel()
            raise
        return call.result()

    def begin(self, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Do nothing: tasks of this loop end when it closes."""

    def is_open(self) -> bool:
        """Whether it is of this process, and has not been closed."""
        return self._pid == os.getpid() and not self._loop.is_closed()

    def is_here(self) -> bool:
        """Whether this is the loop's own thread: it has none."""
        return False

    def close(self) -> None:
        """End what it runs, and close its connections."""
        if running_loop() is None:
            end(self._loop)


def _refuse_a_running_loop() -> None:
    if running_loop() is not None:
        raise ClientClosed(
            "The process is ending, and a blocking client cannot work inside a running event loop any more. "
            "Use the async client there."
        )


def end(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what a loop runs, and close it and its connections.

    ``asyncio.run`` would end the loop's pool of threads by another thread, and as a process ends none starts any more.
    """
    try:
        loop.run_until_complete(_end_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


async def _end_tasks() -> None:
    await cancel_all(task for task in asyncio.all_tasks() if task is not asyncio.current_task())


class _Process:
    """This process's background loop; a forked child starts one of its own."""

    def __init__(self) -> None:
        self.loop: BackgroundLoop | None = None
        self._after: dict[BackgroundLoop | None, BackgroundLoop] = {}

    def runner(self) -> LoopRunner:
        """The background loop, or one for this caller alone where no thread can be started."""
        loop = self.loop
        if loop is None or not loop.is_open():
            if sys.is_finalizing():
                raise ClientClosed("The interpreter is ending, and no request can be made any more.")
            loop = self._follow(loop)
        try:
            loop.start()
        except RuntimeError:
            loop.discard()
            return ForegroundLoop()
        return loop

    def _follow(self, last: BackgroundLoop | None) -> BackgroundLoop:
        made = BackgroundLoop()
        kept = self._after.setdefault(last, made)
        if kept is not made:
            made.discard()
        self.loop = kept
        return kept

    def stop(self) -> None:
        if self.loop is not None:
            self.loop.stop()

    def reset(self) -> None:
        self.loop = None
        self._after = {}
        loop_threads.clear()


_process: Final = _Process()
# Registered with the import, it comes after whatever else is registered later, and sends as the process ends.
atexit.register(_process.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_process.reset)


def running() -> BackgroundLoop | None:
    """This process's background loop: None before the first call, and at the very end."""
    loop = _process.loop
    return loop if loop is not None and loop.is_open() else None


def runner() -> LoopRunner:
    """A runner for calls that belong together, such as those of a stream. Close it at the end."""
    refuse_gevent()
    return _process.runner()


def run(function: Callable[[], Coroutine[Any, Any, R]], caller_thread: CallerThread | None = None) -> R:
    """Run this in the background loop and wait for it; Ctrl-C and its like cancel it there."""
    caller_thread = caller_thread or CallerThread()
    try:
        with closing(runner()) as place:
            return run_at(place, function, caller_thread)
    finally:
        caller_thread.leave()


def run_at(place: LoopRunner, function: Callable[[], Coroutine[Any, Any, R]], caller_thread: CallerThread) -> R:
    """Like ``run``, on a runner from :func:`runner`."""
    _warn_inside_a_loop()
    return place.run(function, caller_thread)


def _warn_inside_a_loop() -> None:
    if running_loop() is not None and "IPython" not in sys.modules:
        warnings.warn(
            "A blocking client was called inside a running event loop, which stands still until it returns. "
            "Use the async client there.",
            RuntimeWarning,
            stacklevel=_callers_level(),
        )


def _callers_level() -> int:
    """The ``stacklevel`` of the code that called the blocking client."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    return level


def _is_ours(module: str) -> bool:
    return module.startswith("smscore.") or module.endswith(".blocking")


def refuse_gevent() -> None:
    """Raise ``ConfigurationError`` where gevent has replaced what a thread with an event loop needs."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return
    patched = [name for name in _GEVENT_REPLACES if monkey.is_module_patched(name)]
    if patched:
        raise ConfigurationError(
            f"gevent has patched {', '.join(patched)}, and a blocking client cannot work so: it needs real threads. "
            "Leave gevent's patches out of this process."
        )
