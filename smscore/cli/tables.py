"""Tables of any length as CSV, JSON lines or a spreadsheet, written as their rows come."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Final, TypeAlias, cast

import msgspec
from attrs import define, field, frozen

from smscore.errors import InvalidRequest

Cells: TypeAlias = Sequence[Any]
Sink: TypeAlias = Callable[[Sequence[Cells]], object]
"""Takes the next rows."""

ROWS_AT_A_TIME: Final = 5_000
_SHEET_ROWS: Final = 1_000_000  # a sheet of XLSX has room for 1,048,576
_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)
_PLAIN: Final = (str, int, float, type(None))


@frozen
class Table:
    """What a table is: its columns, and what is noted about it where its format has a place for that."""

    columns: Sequence[str]
    has_bom: bool = False
    """Whether CSV begins with a byte order mark, by which Excel knows UTF-8."""
    note: str = ""
    """For the properties of a spreadsheet."""

    @contextmanager
    def writing(self, file: BinaryIO, suffix: str) -> Generator[Sink]:
        """What takes the rows of a new file with this suffix."""
        with _FORMATS[suffix.lower()](self, file) as take:
            yield take

    @contextmanager
    def _as_csv(self, file: BinaryIO) -> Generator[Sink]:
        file.write((codecs.BOM_UTF8 if self.has_bom else b"") + csv_text([self.columns]).encode())
        yield lambda rows: file.write(csv_text(rows).encode())

    @contextmanager
    def _as_json_lines(self, file: BinaryIO) -> Generator[Sink]:
        yield lambda rows: file.write(
            _ENCODER.encode_lines([dict(zip(self.columns, row, strict=True)) for row in rows])
        )

    @contextmanager
    def _as_spreadsheet(self, file: BinaryIO) -> Generator[Sink]:
        # It streams: a row is written out once the next one begins, so that a million take no memory.
        from xlsxwriter import Workbook  # pyright: ignore[reportMissingTypeStubs]  # it has none
        from xlsxwriter.exceptions import FileCreateError  # pyright: ignore[reportMissingTypeStubs]

        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "use_zip64": True}
        try:
            with Workbook(cast("Any", _UntilError(file)), options) as book:
                untyped: Any = book
                untyped.set_properties({"comments": self.note})
                yield _Sheets(untyped, self.columns).take
        except FileCreateError as error:  # it wraps the OSError
            raise OSError(*getattr(error.__context__, "args", error.args)) from error


@define(eq=False)
class _UntilError:
    """A file that drops what is written after its first error: a ``ZipFile`` that failed still writes once deleted."""

    _file: BinaryIO
    _has_failed: bool = field(default=False, init=False)

    def write(self, data: bytes) -> int:
        return int(self._unless_failed(self._file.write, data))

    def seek(self, *place: int) -> int:
        return int(self._unless_failed(self._file.seek, *place))

    def tell(self) -> int:
        return int(self._unless_failed(self._file.tell))

    def flush(self) -> None:
        self._unless_failed(self._file.flush)

    def _unless_failed(self, call: Callable[..., Any], *arguments: Any) -> Any:
        if self._has_failed:
            return 0
        try:
            return call(*arguments)
        except OSError:
            self._has_failed = True
            raise


@define
class _Sheets:
    """The sheets of a workbook; a full one is followed by another."""

    _book: Any
    _columns: Sequence[str]
    _sheet: Any = field(default=None, init=False)
    _row: int = field(default=0, init=False)

    def take(self, rows: Sequence[Cells]) -> None:
        for row in rows:
            if self._sheet is None or self._row == _SHEET_ROWS:
                self._sheet, self._row = self._book.add_worksheet(), 0
                self._write(self._columns)
            self._write(row)

    def _write(self, cells: Cells) -> None:
        for column, cell in enumerate(cells):
            # Numbers as texts: a spreadsheet would round an id of more than 15 digits.
            self._sheet.write_string(self._row, column, "" if cell is None else str(_plain(cell)))
        self._row += 1


_FORMATS: Final = {".csv": Table._as_csv, ".jsonl": Table._as_json_lines, ".xlsx": Table._as_spreadsheet}


def check_suffix(suffix: str, what: str) -> None:
    """Raise ``InvalidRequest`` for a file whose suffix names no format."""
    if suffix.lower() not in _FORMATS:
        raise InvalidRequest(f"{what} must end in {', '.join([*_FORMATS][:-1])} or {[*_FORMATS][-1]}.")


def csv_text(rows: Iterable[Cells]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    # The last cell alone may be of any type: the ref of a user's.
    plain = (row if isinstance(row[-1], _PLAIN) else (*row[:-1], _plain(row[-1])) for row in rows)
    csv.writer(text, lineterminator="\n").writerows(plain)
    return text.getvalue()


def _plain(cell: Any) -> Any:
    return cell if isinstance(cell, _PLAIN) else _ENCODER.encode(cell).decode()
