"""A file for Bale, checked before anything is sent."""

from __future__ import annotations

import io
import os
import unicodedata
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from attrs import evolve

from smscore import InvalidRequest
from smscore.wire import FileContent

UploadFile: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO

EXTENSIONS: Final = frozenset({"jpeg", "jpg", "png", "gif", "opus", "ogg", "mp4"})
MAX_BYTES: Final = 15 * 1024 * 1024
_NOT_IN_NAMES: Final = frozenset({"Cc", "Cs"})  # control characters, and what UTF-8 does not have


def opened(file: UploadFile, filename: str | None) -> FileContent:
    """The file, opened, with its extension and size (15 MB) checked. The caller closes what was opened here.

    Raises ``InvalidRequest`` for a file that Najva would refuse, that has no name, or that cannot be opened.
    """
    if isinstance(file, (str, os.PathLike)):
        path = Path(file)
        content = _open(path, _checked_name(path.name if filename is None else filename))
        try:
            return _sized(content)
        except InvalidRequest:
            content.file.close()
            raise
    if filename is None:
        raise InvalidRequest("Bytes and file objects need filename=, whose extension tells Najva the type.")
    name = _checked_name(filename)
    if isinstance(file, (bytes, bytearray, memoryview)):
        return _sized(FileContent(io.BytesIO(file), name))
    try:
        return _sized(_file_object(file, name))
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidRequest(
            f"The file object cannot be read ({type(error).__name__}). Give one that is open in binary mode."
        ) from None


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or Path(name).suffix.lower().removeprefix(".") not in EXTENSIONS:
        raise InvalidRequest(f"Najva takes files that end in {', '.join(sorted(EXTENSIONS))} only.")
    if any(unicodedata.category(sign) in _NOT_IN_NAMES for sign in name):
        raise InvalidRequest("filename must not contain control characters.")
    return Path(name).name


def _open(path: Path, name: str) -> FileContent:
    try:
        return FileContent(path.open("rb"), name)
    except OSError as error:
        raise InvalidRequest(f"The file to upload cannot be opened: {error.strerror}.") from None


def _file_object(file: BinaryIO, name: str) -> FileContent:
    """The file itself; of a source that cannot be rewound, its content, up to one byte over the limit."""
    if not isinstance(file.read(0), bytes):
        raise InvalidRequest("The file object is open in text mode. Open it in binary mode.")
    if file.seekable():
        return FileContent(file, name)
    held = bytearray()
    while len(held) <= MAX_BYTES and (piece := file.read(MAX_BYTES + 1 - len(held))):
        held += piece
    return FileContent(io.BytesIO(held), name, can_be_rewound=False)


def _sized(content: FileContent) -> FileContent:
    """The content with its start and its size in bytes. Raises ``InvalidRequest`` if it is too large."""
    start = content.file.tell()
    size = content.file.seek(0, io.SEEK_END) - start
    if size > MAX_BYTES:
        raise InvalidRequest(f"The file has {size} bytes; Najva takes at most {MAX_BYTES} (15 MB).")
    return evolve(content, start=start, size=size)
