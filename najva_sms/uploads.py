"""A file for Bale, checked before a byte of it leaves."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from smscore.endpoint import FileContent
from smscore.errors import InvalidRequest

UploadFile: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO

EXTENSIONS: Final = frozenset({"jpeg", "jpg", "png", "gif", "opus", "ogg", "mp4"})
MOST_BYTES: Final = 15 * 1024 * 1024


def opened(file: UploadFile, filename: str | None) -> FileContent:
    """The file, open and checked: its extension, and at most 15 MB. A path is not read; what opens it closes it.

    Raises ``InvalidRequest`` for a file that Najva would refuse, that has no name, or that is not there.
    """
    if isinstance(file, (str, os.PathLike)):
        path = Path(file)
        name = _checked_name(filename or path.name)
        content = _open(path)
    elif filename is None:
        raise InvalidRequest("Bytes and file objects need filename=…, whose extension tells Najva what they are.")
    else:
        name = _checked_name(filename)
        content = io.BytesIO(file) if isinstance(file, (bytes, bytearray, memoryview)) else _rewindable(file)
    start = content.tell()
    size = content.seek(0, io.SEEK_END) - start
    if size > MOST_BYTES:
        if content is not file:
            content.close()
        raise InvalidRequest(f"The file has {size} bytes; Najva takes at most {MOST_BYTES} (15 MB).")
    return FileContent(content, name, start, size)


def _checked_name(name: str) -> str:
    if Path(name).suffix.lower().removeprefix(".") not in EXTENSIONS:
        raise InvalidRequest(f"Najva takes files that end in {', '.join(sorted(EXTENSIONS))} only.")
    if not name.isprintable():
        raise InvalidRequest("The file's name holds characters that no header can carry.")
    return Path(name).name


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidRequest(f"The file to upload cannot be opened: {error.strerror}.") from None


def _rewindable(file: BinaryIO) -> BinaryIO:
    """The file itself, or what a source that cannot be rewound holds, up to the limit and a byte."""
    if not hasattr(file, "read") or not isinstance(file.read(0), bytes):
        raise InvalidRequest(f"file is {type(file).__name__}. Give a path, bytes or a binary file object.")
    if file.seekable():
        return file
    return io.BytesIO(file.read(MOST_BYTES + 1))
