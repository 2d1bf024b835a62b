"""A file of recipients as numbered rows of cells: CSV, a spreadsheet, one number a line, or the standard input."""

from __future__ import annotations

import csv
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, Final, TypeAlias

from smscore.errors import InvalidRequest

Cells: TypeAlias = Sequence[object]
Row: TypeAlias = tuple[int, Cells]
"""A row's number in the file, counted from 1 with the header and the empty ones, and its cells."""

STDIN: Final = "-"
_SPREADSHEETS: Final = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
_ZIP: Final = b"PK\x03\x04"
_DELIMITERS: Final = ",;\t"
_SAMPLE: Final = 200  # lines, from which the delimiter is told
_HEAD: Final = 4096
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_EXCEL_HINT: Final = re.compile(r'"?sep=(.)"?[\r\n]*')
_SAVE_AS: Final = "Save it as 'CSV UTF-8' (in Excel: Save As, then this type), or give the XLSX file itself."


@contextmanager
def rows_of(source: str, sheet: str | None = None) -> Generator[Iterator[Row]]:
    """The rows of a file, or of the standard input for ``-``, read while they are gone through.

    Raises ``InvalidRequest`` for a file that cannot be read, now or on the way.
    """
    with _opened(source) as file:
        head = file.read(_HEAD)
        file.seek(0)
        suffix = Path(source).suffix.lower()
        if suffix in _SPREADSHEETS or head.startswith(_ZIP):
            with closing(_spreadsheet(file, sheet)) as rows:
                yield rows
            return
        if sheet is not None:
            raise InvalidRequest("--sheet is for spreadsheets, and this is a text file. Leave it out.")
        if head.startswith(_WIDE_MARKS) or b"\0" in head:
            raise InvalidRequest(f"The file is UTF-16, or no text at all. {_SAVE_AS}")
        # Both are closed before the file is, even where not all of it was read.
        with closing(_lines(file)) as lines, closing(_one_a_line(lines) if suffix == ".txt" else _csv(lines)) as rows:
            yield rows


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
        raise InvalidRequest(f"The file of recipients cannot be opened: {error.strerror}.") from None


def _copied(stream: IO[bytes], copy: IO[bytes]) -> IO[bytes]:
    shutil.copyfileobj(stream, copy)
    copy.seek(0)
    return copy


# Text


def _lines(file: IO[bytes]) -> Generator[str]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        for line in text:  # noqa: UP028 (a generator that is closed in a "yield from" closes the file too)
            yield line
    except UnicodeDecodeError:
        raise InvalidRequest(f"The file is not UTF-8 (line {_undecodable(file)}). {_SAVE_AS}") from None
    finally:
        text.detach()  # what was opened elsewhere is closed there


def _undecodable(file: IO[bytes]) -> int:
    file.seek(0)
    return next((number for number, line in enumerate(file, 1) if not _is_utf8(line)), 0)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _one_a_line(lines: Iterable[str]) -> Generator[Row]:
    for number, line in enumerate(lines, 1):
        text = line.strip()
        yield number, [text] if text else []


def _csv(lines: Iterator[str]) -> Generator[Row]:
    sample = list(islice(lines, _SAMPLE))
    hint = _EXCEL_HINT.fullmatch(sample[0]) if sample else None
    delimiter = hint[1] if hint else sniffed_delimiter(sample)
    if hint:
        yield 1, []
        del sample[0]
    first = 2 if hint else 1
    number = first - 1
    try:
        for number, cells in enumerate(csv.reader(chain(sample, lines), delimiter=delimiter, strict=True), first):
            yield number, cells
    except csv.Error as error:
        raise InvalidRequest(
            f"Row {number + 1} of the file is no CSV: {error}. Look for a quotation mark that is not closed, or not "
            "doubled inside a quoted cell."
        ) from None


def sniffed_delimiter(sample: Sequence[str]) -> str:
    """The delimiter that cuts most of these lines into the same number of cells, at least two; a comma otherwise."""
    return max(_DELIMITERS, key=lambda delimiter: _agreement(sample, delimiter))


def _agreement(sample: Sequence[str], delimiter: str) -> tuple[float, int]:
    widths: list[int] = []
    try:
        widths.extend(len(cells) for cells in csv.reader(sample, delimiter=delimiter) if cells)
    except csv.Error:
        return 0, 0
    usual = max(widths, key=widths.count, default=1)
    return (widths.count(usual) / len(widths), usual) if usual > 1 else (0, 0)


# Spreadsheets


def _spreadsheet(file: IO[bytes], sheet: str | None) -> Generator[Row]:
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError
    except ModuleNotFoundError:
        raise InvalidRequest("Spreadsheets need python-calamine: python3 -m pip install 'payamak[cli]'.") from None

    try:
        with CalamineWorkbook.from_filelike(file) as book:
            name = _sheet_name(book.sheet_names, sheet)
            yield from enumerate(book.get_sheet_by_name(name).iter_rows(), 1)
    except PasswordError:
        raise InvalidRequest("The spreadsheet has a password. Save it without one.") from None
    except CalamineError as error:
        raise InvalidRequest(f"The file is no spreadsheet that can be read: {error}.") from None


def _sheet_name(names: Sequence[str], wanted: str | None) -> str:
    if wanted is None:
        return names[0]
    if wanted not in names:
        raise InvalidRequest(f"The spreadsheet has no sheet of this name. It has: {', '.join(names)}.")
    return wanted
