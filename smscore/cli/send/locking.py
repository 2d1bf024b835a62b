"""A lock on an open file, which another process that writes it meets."""

from __future__ import annotations

import sys
from typing import BinaryIO

from smscore.errors import InvalidRequest

if sys.platform == "win32":

    def lock(file: BinaryIO) -> None:
        """Keep other processes from this file; ``InvalidRequest`` where one has it."""
        import msvcrt

        try:
            file.seek(2**40)  # far behind the end, since Windows keeps others from reading what is locked
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        except OSError:
            raise _taken() from None
else:

    def lock(file: BinaryIO) -> None:
        """Keep other processes from this file; ``InvalidRequest`` where one has it."""
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken() from None


def _taken() -> InvalidRequest:
    return InvalidRequest("Another payamak is writing to this results file. Wait until it has ended.")
