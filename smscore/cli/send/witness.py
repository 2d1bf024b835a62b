"""How many batches a send has dispatched, kept in another folder, which reveals older copies of its queue file.

A results file and a queue file that were restored together match each other, yet the send may have continued after that
copy was made. So the number is also in a small file in the user's state folder.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from attrs import define

from smscore.cli.send.locking import lock


@define
class Witness:
    """How many batches a send has dispatched, in an open and locked file, or in none where there cannot be one."""

    known: int | None
    """The number that an earlier run left, or None."""
    _file: BinaryIO | None

    @classmethod
    def of(cls, run: str) -> Witness:
        """The witness of this send, created if needed; ``InvalidRequest`` where another process has it."""
        try:
            folder = state_folder() / "sends"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.fdopen(os.open(folder / run, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        except (OSError, RuntimeError):  # RuntimeError: there is no home folder
            return cls(None, None)
        try:
            lock(file)
            found = file.read()
            return cls(int(found) if found.isdigit() else None, file)
        except BaseException:
            file.close()
            raise

    def note(self, dispatched: int) -> None:
        """Write this number. It need not reach the disk: an older one only reveals less."""
        if self._file is not None:
            with suppress(OSError):  # a full disk; the queue was written first, and decides
                self._file.seek(0)
                self._file.write(b"%d" % dispatched)

    def close(self) -> None:
        """Close the file and release the lock."""
        if self._file is not None:
            self._file.close()


def state_folder() -> Path:
    """Payamak's state folder: ``payamak`` in ``XDG_STATE_HOME`` or in the platform's default."""
    given = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(given) if given else Path.home() / ".local" / "state") / "payamak"
