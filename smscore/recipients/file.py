"""A recipient file of any supported kind, or standard input, as numbered rows of cells."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, Final

from attrs import frozen

from smscore.errors import InvalidRequest
from smscore.recipients.cells import Row
from smscore.recipients.encoding import check_encoding, find_encoding
from smscore.recipients.ods import OdsBook
from smscore.recipients.package import Package
from smscore.recipients.sheet import Book, Origin, visible_rows
from smscore.recipients.text_file import text_rows
from smscore.recipients.xls import XlsBook
from smscore.recipients.xlsb import XlsbBook
from smscore.recipients.xlsx import XlsxBook, main_part

STDIN: Final = "-"
_SPREADSHEETS: Final = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
_HEAD: Final = 4096
_ZIP: Final = b"PK\x03\x04"
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE_AS_XLSX: Final = "Open it in Excel or LibreOffice and save it as XLSX."

# Files that are named as spreadsheets and are not; web sites and old programs make them.
_DISGUISES: Final = (
    (
        re.compile(rb"<\?xml[^>]*>.*urn:schemas-microsoft-com:office:spreadsheet", re.DOTALL),
        "an XML spreadsheet of 2003",
    ),
    (re.compile(rb"MIME-Version:", re.IGNORECASE), "a web archive"),
    (re.compile(rb"<(?:!doctype|html|head|meta|style|body|table|div|\?xml|!--)", re.IGNORECASE), "a web page (HTML)"),
)
_BOM: Final = b"\xef\xbb\xbf"


@frozen
class ReadOptions:
    """How to read a file."""

    sheet: str | None = None
    encoding: str | None = None
    hidden_too: bool = False
    """Whether hidden rows and columns are read."""


@frozen
class Rows:
    """The rows of a file, read while they are iterated over, and where they came from."""

    rows: Iterator[Row]
    origin: Origin

    def __iter__(self) -> Iterator[Row]:
        return self.rows


_DEFAULTS: Final = ReadOptions()


@contextmanager
def rows_of(source: str, options: ReadOptions = _DEFAULTS) -> Generator[Rows]:
    """The rows of a file, or of standard input for ``-``.

    Raises ``InvalidRequest`` for an unreadable file, at once or while it is read.
    """
    suffix = Path(source).suffix.lower()
    with ExitStack() as opened:
        file = opened.enter_context(_opened(source))
        head = file.read(_HEAD)
        file.seek(0)
        origin = Origin()
        book = _book(file, head, suffix, opened)
        if book is not None:
            if options.encoding is not None:
                raise InvalidRequest("--encoding is for text files, and this is a spreadsheet. Omit it.")
            rows = visible_rows(book, options.sheet, origin, hidden_too=options.hidden_too)
        else:
            rows = _text(file, suffix, options, origin)
        # Closed before the file, even if not all of it was read.
        yield Rows(opened.enter_context(closing(rows)), origin)


@contextmanager
def _opened(source: str) -> Generator[IO[bytes]]:
    with ExitStack() as opened:
        file = sys.stdin.buffer if source == STDIN else opened.enter_context(_open(source))
        if source == STDIN or not file.seekable():
            file = _copied(file, opened.enter_context(tempfile.TemporaryFile()))
        yield file


def _open(source: str) -> IO[bytes]:
    try:
        return Path(source).open("rb")
    except OSError as error:
        raise InvalidRequest(f"The recipient file cannot be opened: {error.strerror}.") from None


def _copied(stream: IO[bytes], copy: IO[bytes]) -> IO[bytes]:
    shutil.copyfileobj(stream, copy)
    copy.seek(0)
    return copy


def _book(file: IO[bytes], head: bytes, suffix: str, opened: ExitStack) -> Book | None:
    """The spreadsheet in this file, detected by content rather than by name; None for a text file."""
    if head.startswith(_ZIP):
        return _zipped(opened.enter_context(Package.opened(file)))
    if head.startswith(_COMPOUND):
        return XlsBook(file)
    _refuse_disguises(head)
    if suffix not in _SPREADSHEETS:
        return None
    if not any(delimiter in head for delimiter in (b",", b";", b"\t", b"<")) or _looks_binary(head):
        raise InvalidRequest(f"The file is not a readable spreadsheet, despite its name. {_SAVE_AS_XLSX}")
    return None


def _refuse_disguises(head: bytes) -> None:
    beginning = head.removeprefix(_BOM).lstrip()
    for sign, name in _DISGUISES:
        if sign.match(beginning):
            raise InvalidRequest(f"The file is {name}, despite its name. {_SAVE_AS_XLSX}")


def _zipped(package: Package) -> Book:
    if "content.xml" in package:
        return OdsBook(package)
    return XlsbBook(package) if main_part(package).endswith(".bin") else XlsxBook(package)


def _looks_binary(head: bytes) -> bool:
    return head.count(0) * 50 > len(head) and not head.startswith((b"\xff\xfe", b"\xfe\xff"))


def _text(file: IO[bytes], suffix: str, options: ReadOptions, origin: Origin) -> Generator[Row]:
    if options.sheet is not None:
        raise InvalidRequest("--sheet is for spreadsheets, and this is a text file. Omit it.")
    if suffix in _SPREADSHEETS:
        origin.remarks.append(f"The file is named {suffix} but is text: it is read as CSV.")
    encoding = find_encoding(file) if options.encoding is None else check_encoding(options.encoding)
    if options.encoding is not None or not encoding.startswith("utf-8"):
        origin.encoding = encoding.removesuffix("-sig")
    return text_rows(file, encoding, one_a_line=suffix == ".txt")
