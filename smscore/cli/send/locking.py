"""A lock on an open file, against other processes that write it."""

from __future__ import annotations

import sys
from typing import BinaryIO

from smscore.errors import InvalidRequest

if sys.platform == "win32":

    def lock(file: BinaryIO) -> None:
        """Lock this file; ``InvalidRequest`` where another process has."""
        import msvcrt

        try:
            file.seek(2**40)  # far beyond the end, since Windows keeps others from reading a locked range
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        except OSError:
            raise _locked() from None
else:

    def lock(file: BinaryIO) -> None:
        """Lock this file; ``InvalidRequest`` where another process has."""
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _locked() from None


def _locked() -> InvalidRequest:
    return InvalidRequest("Another payamak is writing to this results file. Wait until it ends.")
