"""The standard streams: UTF-8 whatever the locale, and a reader that does not read never delays a signal."""

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
_POLL_INTERVAL: Final = 0.1  # seconds between two checks for a signal while nobody reads
_GRACE: Final = 2.0  # seconds that a reader has after the first signal
_NOBODY_READS: Final = frozenset({errno.EPIPE, errno.EIO})  # EIO: of a terminal that was closed
_CHUNK: Final = 512  # bytes; POSIX guarantees room for so many in a pipe that is writable


class OutputClosed(OSError):
    """Nobody reads a standard stream any more. It has no ``errno``: click would exit with 1 for a broken pipe."""


class PatientStream(io.RawIOBase):
    """A stream whose writes wait for the reader; after a signal, only for a short time."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream  # kept, since it closes its descriptor when it is collected
        self._descriptor = stream.fileno()
        self._given_up = False

    def writable(self) -> bool:
        """True."""
        return True

    def fileno(self) -> int:
        """The file descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, data: Any, /) -> int:
        """Write all of it. Raises ``OutputClosed`` if the reader has gone, or does not read after a signal."""
        with memoryview(data).cast("B") as whole:
            done = 0
            while done < len(whole):
                self._wait()
                try:
                    done += os.write(self._descriptor, whole[done : done + _CHUNK])
                except BlockingIOError:  # another process filled it in between
                    continue
                except OSError as error:
                    if error.errno in _NOBODY_READS:
                        raise OutputClosed from error
                    raise
            return done

    def _wait(self) -> None:
        began = clock.monotonic()
        while not select.select((), (self._descriptor,), (), _POLL_INTERVAL)[1]:
            if self._given_up or _is_long(began):
                self._given_up = True
                raise OutputClosed


def _is_long(began: float) -> bool:
    if SIGNALS.count > 1:
        return True
    return SIGNALS.count == 1 and clock.monotonic() - max(began, SIGNALS.at) > _GRACE


class DroppingStream(io.TextIOBase):
    """A stream for output that may be lost: what cannot be written is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The file descriptor."""
        return self._stream.fileno()

    def write(self, text: str, /) -> int:
        """Write the text if possible."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if possible."""
        with suppress(OSError):
            self._stream.flush()


def prepare_streams() -> None:
    """Replace standard streams that are closed, not UTF-8, or that would block a signal."""
    for name, mode in _STREAMS.items():
        if getattr(sys, name) is None:  # closed by the parent process; a file opened later must not take its descriptor
            nowhere = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 (open as long as the process)
            setattr(sys, name, nowhere)
    for name in ("stdout", "stderr"):
        if isinstance(getattr(sys, name), io.TextIOWrapper):
            setattr(sys, name, _prepared(name))


def _prepared(name: str) -> io.TextIOWrapper:
    stream: io.TextIOWrapper = getattr(sys, name)
    # Persian must be printed whatever the locale: an inbound message may not be returned again.
    how: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace"}
    if sys.platform == "win32":  # select works only with sockets there
        stream.reconfigure(**how)
        return stream
    stream.flush()
    raw: Any = PatientStream(stream)  # unbuffered: nothing is left for a later flush to fail on
    return io.TextIOWrapper(raw, **how, newline="", write_through=True)
