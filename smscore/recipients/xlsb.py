"""XLSB, read record by record ([MS-XLSB]): values with their formats, and what is hidden."""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from attrs import define, field

from smscore.recipients.cells import Fault, Formatted
from smscore.recipients.excel import ERROR, Styles, styles_of
from smscore.recipients.package import Package
from smscore.recipients.sheet import MAX_COLUMNS, MAX_ROWS, Sheet, SheetRow, choose_sheet, damaged
from smscore.recipients.xlsx import main_part

# Records, [MS-XLSB] 2.3.2.
_ROW, _BLANK, _RK, _ERROR, _BOOL, _REAL, _STRING, _SHARED = range(8)
_F_STRING, _F_NUMBER, _F_BOOL, _F_ERROR = range(8, 12)
_SHARED_ITEM: Final = 19
_FORMAT: Final = 44
_XF: Final = 47
_COLUMN: Final = 60
_RICH_STRING: Final = 62
_BEGIN_DATA: Final = 145
_END_DATA: Final = 146
_WORKBOOK: Final = 153
_SHEET: Final = 156
_FILTER_COLUMN: Final = 163
_BEGIN_XFS: Final = 617
_END_XFS: Final = 618
_CELLS: Final = frozenset({*range(_BLANK, _F_ERROR + 1), _RICH_STRING})

_ERRORS: Final = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_MAX_RECORD: Final = 1 << 24
_ROW_IS_HIDDEN: Final = 0x10
_COLUMN_IS_HIDDEN: Final = 0x01
_CELL_HEAD: Final = 8  # bytes: the column, the style, flags
_HUNDREDTHS: Final = 1
_INTEGER: Final = 2


@define
class XlsbBook:
    """An open XLSB file."""

    _package: Package
    sheets: dict[str, bool] = field(factory=dict[str, bool], init=False)
    remarks: tuple[str, ...] = field(default=(), init=False)
    name: str | None = field(default=None, init=False)
    _parts: dict[str, str] = field(factory=dict[str, str], init=False)
    _date1904: bool = field(default=False, init=False)
    _main: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self._main = main_part(self._package)
        relations = self._package.relations(self._main)
        with _readable(self._main):
            for kind, data in _records(self._package, self._main):
                if kind == _WORKBOOK:
                    self._date1904 = bool(data[0] & 1)
                elif kind == _SHEET:
                    id_, end = _wide(data, 8)
                    name, _ = _wide(data, end)
                    found, part = relations.get(id_, ("", ""))
                    if found == "worksheet":
                        self._parts[name], self.sheets[name] = part, data[:4] == b"\0\0\0\0"

    def rows(self, name: str | None, about: Sheet) -> Iterator[SheetRow]:
        """The rows of this sheet, or of the first visible one."""
        self.name = choose_sheet(self.sheets, name)
        part = self._parts[self.name]
        strings, styles = self._strings(), self._styles()
        row: SheetRow | None = None
        cells: list[object] = []
        inside = False
        with _readable(part):
            for kind, data in _records(self._package, part):
                if inside and kind in _CELLS:
                    if kind != _BLANK and row is not None:
                        _put(cells, _column(data), _value(kind, data, strings, styles), row.number)
                elif inside and kind == _ROW:
                    if row is not None:
                        yield row
                    cells = []
                    row = SheetRow(_row_number(data, row), cells, bool(data[11] & _ROW_IS_HIDDEN))
                elif kind in (_BEGIN_DATA, _END_DATA):
                    inside = kind == _BEGIN_DATA
                else:
                    _note(kind, data, about)
            if row is not None:
                yield row

    def _related(self, kind: str) -> str | None:
        return next((part for found, part in self._package.relations(self._main).values() if found == kind), None)

    def _strings(self) -> list[str]:
        part = self._related("sharedStrings")
        with _readable(part):
            # The first byte says whether runs of fonts, or a pronunciation, follow the text.
            return [_wide(data, 1)[0] for kind, data in _records(self._package, part) if kind == _SHARED_ITEM]

    def _styles(self) -> Styles:
        part = self._related("styles")
        codes: dict[int, str] = {}
        ids: list[int] = []
        inside = False
        with _readable(part):
            for kind, data in _records(self._package, part):
                if kind == _FORMAT:
                    codes[int.from_bytes(data[:2], "little")] = _wide(data, 2)[0]
                elif kind in (_BEGIN_XFS, _END_XFS):
                    inside = kind == _BEGIN_XFS
                elif kind == _XF and inside:
                    ids.append(int.from_bytes(data[2:4], "little"))
        return styles_of(ids, codes, date1904=self._date1904)


def _note(kind: int, data: bytes, about: Sheet) -> None:
    """Apply a record outside the rows to the sheet's properties."""
    if kind == _COLUMN:
        first, last, _, _, flags = struct.unpack_from("<IIIIH", data)
        if flags & _COLUMN_IS_HIDDEN:
            about.hidden_columns.update(range(first, min(last + 1, MAX_COLUMNS)))
    elif kind == _FILTER_COLUMN:
        about.filtered = True


@contextmanager
def _readable(part: str | None) -> Generator[None]:
    try:
        yield
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise damaged(f"its part {part} has a record that cannot be read ({error})") from None


def _records(package: Package, part: str | None) -> Iterator[tuple[int, bytes]]:
    """The records of a part: kind and data."""
    return iter(()) if part is None else _cut(package.pieces(part))


def _cut(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    rest = b""
    for piece in pieces:
        data, at, size = rest + piece, 0, len(rest) + len(piece)
        while True:
            kind, place = _variable(data, at, size, 2)
            length, place = _variable(data, place, size, 4) if place else (0, 0)
            if length > _MAX_RECORD:
                raise damaged("one of its records is too long")
            if not place or place + length > size:
                break
            at = place + length
            yield kind, data[place:at]
        rest = data[at:]
    if rest:
        raise damaged("its last record is truncated")


def _variable(data: bytes, at: int, size: int, most: int) -> tuple[int, int]:
    """A number of at most ``most`` bytes, seven bits in each, and where it ends; 0 if it is cut off."""
    value = 0
    for place in range(most):
        if at + place >= size:
            return 0, 0
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80 or place == most - 1:
            return value, at + place + 1
    return 0, 0


def _wide(data: bytes, at: int) -> tuple[str, int]:
    """A length-prefixed text, and where it ends."""
    (count,) = struct.unpack_from("<I", data, at)
    end = at + 4 + 2 * count
    if end > len(data):
        raise damaged("one of its texts is truncated")
    return data[at + 4 : end].decode("utf-16-le", "surrogatepass"), end


def _row_number(data: bytes, before: SheetRow | None) -> int:
    number = int.from_bytes(data[:4], "little") + 1
    if not (before.number if before else 0) < number <= MAX_ROWS:
        raise damaged("its rows are out of order")
    return number


def _column(data: bytes) -> int:
    index = int.from_bytes(data[:4], "little")
    if index >= MAX_COLUMNS or len(data) < _CELL_HEAD:
        raise damaged("one of its cells is beyond the last column")
    return index


def _put(cells: list[object], index: int, value: object, row: int) -> None:
    if index < len(cells):
        raise damaged(f"the cells of row {row} are out of order")
    cells.extend([""] * (index - len(cells)))
    cells.append(value)


def _value(kind: int, data: bytes, strings: list[str], styles: Styles) -> object:
    style = str(int.from_bytes(data[4:7], "little"))
    match kind:
        case 2 | 5 | 9:  # a short number, a number, a formula's number
            value = _rk(data) if kind == _RK else struct.unpack_from("<d", data, _CELL_HEAD)[0]
            if value - value != 0:
                raise damaged("one of its numbers is invalid")
            format_ = styles.numbers.get(style)
            return value if format_ is None else Formatted(value, format_)
        case 3 | 11:
            return Fault(f"{ERROR} ({_ERRORS.get(data[_CELL_HEAD], '#?')})")
        case 4 | 10:
            return bool(data[_CELL_HEAD])
        case _:
            text = _string(kind, data, strings)
            text_format = styles.texts.get(style)
            return text if text_format is None else Formatted(text, text_format)


def _string(kind: int, data: bytes, strings: list[str]) -> str:
    if kind == _SHARED:
        return strings[int.from_bytes(data[_CELL_HEAD : _CELL_HEAD + 4], "little")]
    return _wide(data, _CELL_HEAD + (kind == _RICH_STRING))[0]


def _rk(data: bytes) -> float:
    """A number in 30 bits ([MS-XLSB] 2.5.122): whole, or the upper part of a double; in hundredths if so marked."""
    (bits,) = struct.unpack_from("<i", data, _CELL_HEAD)
    if bits & _INTEGER:
        value = float(bits >> 2)
    else:
        (value,) = struct.unpack("<d", b"\0\0\0\0" + struct.pack("<I", bits & 0xFFFFFFFC))
    return value / 100 if bits & _HUNDREDTHS else value
