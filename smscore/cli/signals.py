"""Ctrl-C, SIGTERM and the closing of the terminal, handled in one place.

Code that has work to finish registers a listener, which is called instead of raising. Without a listener the first
Ctrl-C raises ``KeyboardInterrupt``. When a listener wants no more, the process prints its last words and exits.
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
from smscore.stop_signals import without_ignored_hangup

T = TypeVar("T")
Listener: TypeAlias = Callable[[int], str | None]
"""Called in the signal handler with each signal; returns the last words where the process should exit immediately."""

INTERRUPTED_WORDS: Final = "Interrupted."
SIGNALLED: Final = 128  # plus the signal's number is the exit code
_SHOW_CURSOR: Final = b"\x1b[?25h"  # a progress bar hides it


@define
class Signals:
    """The signals since the command began, and who listens to them."""

    number: int | None = None
    """The first signal; None before it."""
    count: int = 0
    at: float = 0.0
    """When the last one came, on the monotonic clock."""
    last_words: str = INTERRUPTED_WORDS
    """Printed on an immediate exit where nobody listens."""
    _listeners: list[Listener | None] = field(factory=list[Listener | None], init=False)

    @contextmanager
    def handling(self, last_words: str) -> Generator[None]:
        """Handle Ctrl-C, unless the parent process had it ignored."""
        self.number, self.count, self.last_words = None, 0, last_words
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        with self._installed(() if ignored else (signal.SIGINT,)):
            yield

    @contextmanager
    def listening(self, listener: Listener, *numbers: int) -> Generator[None]:
        """Call this listener for Ctrl-C and for these signals; a hangup that ``nohup`` has ignored stays so."""
        with self._installed(without_ignored_hangup(numbers)):
            self._listeners.append(listener)
            try:
                yield
            finally:
                self._listeners.pop()

    @contextmanager
    def raising(self) -> Generator[None]:
        """Let Ctrl-C raise ``KeyboardInterrupt``, while a question waits for its answer."""
        self._listeners.append(None)
        try:
            yield
        finally:
            self._listeners.pop()

    @contextmanager
    def _installed(self, numbers: tuple[int, ...]) -> Generator[None]:
        if threading.current_thread() is not threading.main_thread():  # Python handles signals only there
            numbers = ()
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.number = self.number or number
        self.at = clock.monotonic()
        listener = self._listeners[-1] if self._listeners else None
        if listener is not None:
            words = listener(number)
            if words is not None:
                leave(words, number)
        elif self.count == 1:
            raise KeyboardInterrupt
        else:
            leave(self.last_words, number)


SIGNALS: Final = Signals()


def leave(words: str, number: int) -> None:
    """Exit immediately, and print these words if that is possible without waiting."""
    with suppress(OSError, ValueError):
        shown = (_SHOW_CURSOR if os.isatty(2) else b"") + words.encode() + b"\n"
        if sys.platform == "win32" or select.select([], [2], [], 0)[1]:
            os.write(2, shown)
    os._exit(SIGNALLED + number)


def leave_on_ctrl_c() -> None:
    """Let Ctrl-C exit without a traceback while there is nothing to finish, as during imports."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: leave(INTERRUPTED_WORDS, number))
        # While it finalizes, the interpreter has no handlers, and would die of the signal in place of its exit code.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def run_to_the_end(main: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run``; Ctrl-C cancels it and raises ``KeyboardInterrupt``, unless it had already ended."""
    to_cancel: list[Callable[[], object]] = []

    def stop(_: int) -> str | None:
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

    with SIGNALS.listening(stop):
        try:
            return asyncio.run(cancellable())
        except asyncio.CancelledError:
            if SIGNALS.number is None:
                raise
            raise KeyboardInterrupt from None
