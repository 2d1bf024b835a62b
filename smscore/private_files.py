"""Files that hold numbers, texts or tokens: created for their owner alone, whatever the umask allows to others."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["create_private", "private_opener"]

_OWNER_ALONE: Final = 0o600


def private_opener(path: str, flags: int) -> int:
    """An ``opener`` of ``open``: a file that it creates is its owner's alone from the start, one that exists stays so.

    ``open(path, "x", encoding="utf-8", opener=private_opener)``. On Windows a folder's own rights decide.
    """
    return os.open(path, flags, _OWNER_ALONE)


def create_private(path: Path) -> None:
    """Create an empty file for its owner alone, unless it exists: for a library that opens it by its name.

    A file that exists is not opened: SQLite's locks on it would be lost with the first descriptor that is closed.
    An ``OSError`` where it cannot be created.
    """
    with suppress(FileExistsError):
        # Resolved, as O_EXCL takes a link for a file, also where the file that it leads to is still to be created.
        os.close(os.open(path.resolve(), os.O_RDWR | os.O_CREAT | os.O_EXCL, _OWNER_ALONE))
