"""The standard streams: UTF-8 whatever the locale, and no signal is held up by a reader that reads nothing."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TextIO

from smscore import clock
from smscore.cli.signals import SIGNALS

_STREAMS: Final = {"stdin": "r", "stdout": "w", "stderr": "w"}
_GLANCE: Final = 0.1  # seconds between two looks for a signal while nobody reads
_MOMENT: Final = 2.0  # seconds that a reader has after a first signal
_PIECE: Final = 512  # bytes; what POSIX promises to fit where a pipe takes anything


class PatientStream(io.RawIOBase):
    """A stream whose writes wait for the reader, until a signal comes: after that for a moment, then no more."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream  # which would close its descriptor if it were dropped
        self._descriptor = stream.fileno()
        self._given_up = False

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, data: Any, /) -> int:
        """Write all of it; ``BrokenPipeError`` where nobody reads and a signal wants an end."""
        with memoryview(data).cast("B") as whole:
            done = 0
            while done < len(whole):
                self._wait()
                with suppress(BlockingIOError):  # another process filled it in between
                    done += os.write(self._descriptor, whole[done : done + _PIECE])
            return done

    def _wait(self) -> None:
        began = clock.monotonic()
        while not select.select((), (self._descriptor,), (), _GLANCE)[1]:
            if self._given_up or _is_long(began):
                self._given_up = True
                raise BrokenPipeError(errno.EPIPE, "Nobody reads what is printed")


def _is_long(began: float) -> bool:
    if SIGNALS.count > 1:
        return True
    return SIGNALS.count == 1 and clock.monotonic() - max(began, SIGNALS.at) > _MOMENT


class DroppingStream(io.TextIOBase):
    """A stream for what need not be seen: what cannot be written is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Its descriptor."""
        return self._stream.fileno()

    def write(self, text: str, /) -> int:
        """Write the text if that is possible."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush it if that is possible."""
        with suppress(OSError):
            self._stream.flush()


def prepare_streams() -> None:
    """Put streams in the place of those that are closed, or that would not take every text or keep from an end."""
    for name, mode in _STREAMS.items():
        if getattr(sys, name) is None:  # closed by who started this; no file that is opened later may take its place
            nowhere = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 (it is for as long as we run)
            setattr(sys, name, nowhere)
    for name in ("stdout", "stderr"):
        if isinstance(getattr(sys, name), io.TextIOWrapper):
            setattr(sys, name, _prepared(name))


def _prepared(name: str) -> io.TextIOWrapper:
    stream: io.TextIOWrapper = getattr(sys, name)
    # Persian must come out whatever the locale; a message that was received cannot be received again.
    how: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace"}
    if sys.platform == "win32":  # where only sockets can be waited for
        stream.reconfigure(**how)
        return stream
    stream.flush()
    raw: Any = PatientStream(stream)  # unbuffered: nothing is left that a later flush would trip over
    return io.TextIOWrapper(raw, **how, newline="", write_through=True)
