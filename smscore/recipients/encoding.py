"""Detects the encoding of a text file."""

from __future__ import annotations

import codecs
import re
from typing import IO, Final

from smscore.errors import InvalidRequest

UTF_8: Final = "utf-8-sig"
_PERSIAN_WINDOWS: Final = "windows-1256"
_PIECE: Final = 1 << 20
_HEAD: Final = 4096
_SAVE_AS: Final = "Save it as 'CSV UTF-8' (in Excel: File > Save As), or give the XLSX file itself."

# The longer ones first: the mark of UTF-32 begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF_8_SEQUENCE: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
_ARABIC_WORD: Final = re.compile("[\u0621-\u06cc\u200c]{2,}")
_MOSTLY: Final = 0.8  # of the bytes beyond ASCII, in a Persian text


def check_encoding(name: str) -> str:
    """Python's name of a text encoding. Raises ``InvalidRequest`` for an unknown one."""
    try:
        found = codecs.lookup(name)
        "".encode(name)
    except (LookupError, ValueError):
        raise InvalidRequest("--encoding must be a text encoding, e.g. utf-8, utf-16 or windows-1256.") from None
    return UTF_8 if found.name == "utf-8" else found.name


def find_encoding(file: IO[bytes]) -> str:
    """The encoding of a text file; the file is rewound.

    UTF-8, unless a byte order mark or NULs indicate UTF-16 or UTF-32, or it is Persian in windows-1256. Raises
    ``InvalidRequest`` for UTF-8 with an invalid byte, whose position it gives, and for a file that is not text.
    """
    head = file.read(_HEAD)
    file.seek(0)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        return _with_nuls(head)
    place = _first_bad_byte(file)
    if place is None:
        return UTF_8
    if _is_persian_windows(file):
        return _PERSIAN_WINDOWS
    raise InvalidRequest(
        f"The file is not UTF-8 ({_place_words(file, place)}). Correct that byte, or give --encoding. {_SAVE_AS}"
    )


def undecodable(encoding: str, error: UnicodeDecodeError) -> InvalidRequest:
    """The error for a file that is not in the requested encoding."""
    return InvalidRequest(f"The file is not {encoding.removesuffix('-sig')} ({error.reason}). {_SAVE_AS}")


def _with_nuls(head: bytes) -> str:
    """UTF-16 by the positions of the NULs: the parity of their offsets tells the byte order."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    most, least = max(even, odd), min(even, odd)
    if most * 8 < len(head) // 2 or least * 10 > most:
        if (even + odd) * 100 < len(head):
            return UTF_8  # a stray NUL or two: the rows that hold them are bad
        raise InvalidRequest(f"The file is not text. {_SAVE_AS}")
    return "utf-16-le" if odd > even else "utf-16-be"


def _first_bad_byte(file: IO[bytes]) -> int | None:
    """The offset of the first byte that is not valid UTF-8, or None."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    before = 0
    try:
        while piece := file.read(_PIECE):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                return before - pending + error.start
            before += len(piece)
        pending = len(decoder.getstate()[0])
        return before - pending if pending else None
    finally:
        file.seek(0)


def _is_persian_windows(file: IO[bytes]) -> bool:
    """Whether a file is Persian in windows-1256: mostly words of Arabic letters, and not mostly valid UTF-8."""
    beyond = in_words = utf_8 = 0
    for line in file:
        if _BEYOND_ASCII.search(line):
            text = line.decode(_PERSIAN_WINDOWS, "replace")
            beyond += len(_BEYOND_ASCII.findall(line))
            in_words += sum(map(len, _ARABIC_WORD.findall(text)))
            utf_8 += sum(map(len, _UTF_8_SEQUENCE.findall(line)))
    file.seek(0)
    return in_words >= _MOSTLY * beyond and utf_8 * 2 < beyond


def _place_words(file: IO[bytes], place: int) -> str:
    at = 0
    for number, line in enumerate(file, 1):
        if at + len(line) > place:
            file.seek(0)
            return f"line {number}, byte {place - at + 1}: 0x{line[place - at]:02X}"
        at += len(line)
    file.seek(0)
    return "truncated at its end"
