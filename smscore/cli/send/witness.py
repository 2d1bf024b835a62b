"""What is known of a send outside its own folder: a copy of both its files that is older shows by it.

A results file and its journal that were restored together fit each other, and yet the send may have gone on after that
copy was made. So the last seal of each journal is also in a small file of the user's state folder.
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
    """The last seal of a send, open and locked; without a file where none can be kept."""

    known: str | None
    """The seal that an earlier run left; None where nothing is known."""
    _file: BinaryIO | None

    @classmethod
    def of(cls, run: str) -> Witness:
        """The witness of this send, new where there is none; ``InvalidRequest`` where another process has it."""
        try:
            folder = state_folder() / "sends"
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.fdopen(os.open(folder / run, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        except (OSError, RuntimeError):  # the latter where there is no home folder
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
        """Keep this seal. It need not reach the disk: an older one can only know less."""
        if self._file is not None:
            with suppress(OSError):  # a full disk; the journal, which was there first, goes on
                self._file.seek(0)
                self._file.write(seal.encode())

    def close(self) -> None:
        """Close it, and give up the lock."""
        if self._file is not None:
            self._file.close()


def state_folder() -> Path:
    """The folder for what Payamak keeps of its own: ``XDG_STATE_HOME`` or the platform's, and ``payamak`` in it."""
    given = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(given) if given else Path.home() / ".local" / "state") / "payamak"
