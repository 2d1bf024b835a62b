"""A thread with an event loop that serves a sandbox, and runs there what other threads ask of it.

A signal handler may send to the sandbox in the middle of any of its methods, and the thread that it interrupts goes on
only after it. So that thread never holds a lock that the server needs: the server's thread, in which no signal handler
runs, does the work, and the caller's thread only waits for it.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeVar

from smscore import clock
from smscore.loops.logs import loop_threads
from smscore.loops.threads import called

__all__ = ["ServerThread"]

R = TypeVar("R")


class ServerThread:
    """A daemon thread that serves for as long as ``stop`` has not been called."""

    def __init__(self, serving: AbstractAsyncContextManager[object]) -> None:
        self._serving = serving
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._over = asyncio.Event()
        self._jobs: deque[Callable[[], object]] = deque()
        self._has_ended = False
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="payamak-sandbox", daemon=True)

    def start(self) -> None:
        """Return once it serves, or raise what kept it from serving."""
        self._thread.start()
        error = self._started.exception()
        if error is not None:
            self._thread.join()
            raise error

    def stop(self) -> None:
        """Stop serving, and wait for the thread to end."""
        self._wake(self._over.set)
        self._thread.join()

    def call(self, function: Callable[[], R]) -> R:
        """What the function returns in the server's thread; in this one after the end, and in a forked child."""
        if threading.get_ident() == self._thread.ident or os.getpid() != self._pid:
            return function()
        outcome: queue.SimpleQueue[Callable[[], R]] = queue.SimpleQueue()
        self._jobs.append(lambda: outcome.put(called(function)))
        self._wake(self._work)
        if self._has_ended:  # asked for after the job was added: either the thread's last look found it, or this one
            self._work()
        return outcome.get()()

    def _wake(self, function: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._started.result().call_soon_threadsafe(function)

    def _work(self) -> None:
        with suppress(IndexError):  # none is left
            while True:
                self._jobs.popleft()()

    def _run(self) -> None:
        ident = threading.get_ident()
        loop_threads.add(ident)
        try:
            with asyncio.Runner(loop_factory=clock.new_event_loop) as runner:
                runner.run(self._serve())
        finally:
            loop_threads.discard(ident)
            self._has_ended = True
            self._work()

    async def _serve(self) -> None:
        try:
            await self._serving.__aenter__()
        except BaseException as error:
            self._started.set_exception(error)
            return
        self._started.set_result(asyncio.get_running_loop())
        await self._over.wait()
        await self._serving.__aexit__(None, None, None)
