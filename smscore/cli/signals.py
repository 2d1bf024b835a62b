"""Ctrl-C and SIGTERM, heard in one place.

Whoever has something to bring to an end listens, and is told; nothing is raised then. Without a listener a first Ctrl-C
raises ``KeyboardInterrupt``. Who gives another one than the listener has an answer to wants out: the process ends at
once, and says so.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final, TypeAlias, TypeVar

from attrs import define, field

from smscore import clock

T = TypeVar("T")
Listener: TypeAlias = Callable[[], str | None]
"""Called in a signal handler, for each signal; gives the last words where the process is to end at once."""

INTERRUPTED: Final = "Interrupted."
SIGNALLED: Final = 128  # plus the signal's number is the exit code
_SHOW_CURSOR: Final = b"\x1b[?25h"  # a progress bar hides it


@define
class Signals:
    """What has been heard since the command began."""

    number: int | None = None
    """The first signal; None before it."""
    count: int = 0
    at: float = 0.0
    """When the last one came, by the monotonic clock."""
    last_words: str = INTERRUPTED
    """For the end at once where nobody listens."""
    _listeners: list[Listener | None] = field(factory=list[Listener | None], init=False)

    @contextmanager
    def heard(self, last_words: str) -> Generator[None]:
        """Hear Ctrl-C, unless whoever started this has it ignored."""
        self.number, self.count, self.last_words = None, 0, last_words
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        with self._handling(() if ignored else (signal.SIGINT,)):
            yield

    @contextmanager
    def told_to(self, listener: Listener, *numbers: int) -> Generator[None]:
        """Tell this listener of Ctrl-C, and of these signals too."""
        with self._handling(numbers):
            self._listeners.append(listener)
            try:
                yield
            finally:
                self._listeners.pop()

    @contextmanager
    def raising(self) -> Generator[None]:
        """Let Ctrl-C raise again, while a question waits for its answer."""
        self._listeners.append(None)
        try:
            yield
        finally:
            self._listeners.pop()

    @contextmanager
    def _handling(self, numbers: tuple[int, ...]) -> Generator[None]:
        if threading.current_thread() is not threading.main_thread():  # only there can they be handled
            numbers = ()
        before = {number: signal.signal(number, self._hear) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.number = self.number or number
        self.at = clock.monotonic()
        listener = self._listeners[-1] if self._listeners else None
        if listener is not None:
            words = listener()
            if words is not None:
                leave(words, number)
        elif self.count == 1:
            raise KeyboardInterrupt
        else:
            leave(self.last_words, number)


SIGNALS: Final = Signals()


def leave(words: str, number: int) -> None:
    """End the process at once, with these words where they can be written without waiting."""
    with suppress(OSError, ValueError):
        shown = (_SHOW_CURSOR if os.isatty(2) else b"") + words.encode() + b"\n"
        if sys.platform == "win32" or select.select([], [2], [], 0)[1]:
            os.write(2, shown)
    os._exit(SIGNALLED + number)


def leave_on_ctrl_c() -> None:
    """Let Ctrl-C end the process without a traceback while there is nothing to bring to an end, as during imports."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: leave(INTERRUPTED, number))
        # The interpreter's own last steps take no handlers along, and would end by the signal in place of the code.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def run_to_the_end(main: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run``; a Ctrl-C cancels it and is a ``KeyboardInterrupt``, unless it had come to its end."""
    to_cancel: list[Callable[[], object]] = []

    def stop() -> str | None:
        for cancel in to_cancel:
            cancel()
        return None if SIGNALS.count == 1 else SIGNALS.last_words

    async def cancellable() -> T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if task is not None:
            to_cancel.append(lambda: loop.call_soon_threadsafe(task.cancel))
        try:
            return await main
        finally:
            to_cancel.clear()

    with SIGNALS.told_to(stop):
        try:
            return asyncio.run(cancellable())
        except asyncio.CancelledError:
            if SIGNALS.number is None:
                raise
            raise KeyboardInterrupt from None
