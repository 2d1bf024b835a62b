"""A send's last seal, kept in another folder, which reveals older copies of its files.

A results file and a journal that were restored together match each other, yet the send may have continued after that
copy was made. So the last seal of each journal is also in a small file in the user's state folder.
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
    """The last seal of a send, in an open and locked file, or in none where there cannot be one."""

    known: str | None
    """The seal that an earlier run left, or None."""
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
            return cls(file.read().decode("ascii", "replace") or None, file)
        except BaseException:
            file.close()
            raise

    @property
    def is_kept(self) -> bool:
        """Whether there is a file."""
        return self._file is not None

    def note(self, seal: str) -> None:
        """Write this seal. It need not reach the disk: an older one only reveals less."""
        if self._file is not None:
            with suppress(OSError):  # a full disk; the journal was written first, and decides
                self._file.seek(0)
                self._file.write(seal.encode())

    def close(self) -> None:
        """Close the file and release the lock."""
        if self._file is not None:
            self._file.close()


def state_folder() -> Path:
    """Payamak's state folder: ``payamak`` in ``XDG_STATE_HOME`` or in the platform's default."""
    given = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(given) if given else Path.home() / ".local" / "state") / "payamak"
