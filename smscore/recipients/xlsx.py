"""XLSX and XLSM, read row by row: values with their formats, and what is hidden."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import define, field

from smscore.recipients.cells import Fault, Format, Formatted
from smscore.recipients.excel import ERROR, NO_RESULT, NameCache, Styles, styles_of, unescaped
from smscore.recipients.fast_rows import FastRows
from smscore.recipients.fast_xlsx import CellShape, Convert, XlsxRows
from smscore.recipients.package import Package, local
from smscore.recipients.sheet import MAX_COLUMNS, MAX_ROWS, Sheet, SheetRow, choose_sheet, damaged

_LETTERS: Final = re.compile(r"[A-Z]{1,3}")
_DIGITS: Final = "0123456789"
_TRUE: Final = ("1", "true", "on")
_EPOCH: Final = dt.datetime(1899, 12, 30)
_DAYS_TO_1904: Final = 1_462


@define
class XlsxBook:
    """An open XLSX file."""

    _package: Package
    sheets: dict[str, bool] = field(factory=dict[str, bool], init=False)
    remarks: tuple[str, ...] = field(default=(), init=False)
    name: str | None = field(default=None, init=False)
    _parts: dict[str, str] = field(factory=dict[str, str], init=False)
    _date1904: bool = field(default=False, init=False)
    _uncalculated: bool = field(default=False, init=False)
    _main: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self._main = main_part(self._package)
        relations = self._package.relations(self._main)

        def start(name: str, attributes: dict[str, str]) -> None:
            match local(name):
                case "sheet":
                    id_ = next((value for key, value in attributes.items() if local(key) == "id"), "")
                    kind, part = relations.get(id_, ("", ""))
                    if kind == "worksheet":
                        self._parts[attributes["name"]] = part
                        self.sheets[attributes["name"]] = attributes.get("state", "visible") == "visible"
                case "workbookPr":
                    self._date1904 = attributes.get("date1904") in _TRUE
                case "calcPr":
                    self._uncalculated = attributes.get("fullCalcOnLoad") in _TRUE
                case _:
                    pass

        for _ in self._package.parsed(self._main, start=start):
            pass

    def rows(self, name: str | None, about: Sheet) -> Iterator[SheetRow]:
        """The rows of this sheet, or of the first visible one."""
        self.name = choose_sheet(self.sheets, name)
        part = self._parts[self.name]
        reader = _SheetReader(about, self._strings(), self._styles(), self._uncalculated, self._date1904)
        fast = FastRows(reader, "<row", "</row>")
        handlers: dict[str, Any] = {"start": reader.start, "end": reader.end, "text": reader.text.append}
        for _ in self._package.parsed(part, **handlers, divert=fast.divert):
            yield from reader.taken()
        about.filtered = about.filtered or any(self._is_filtered(table) for table in self._tables(part))

    def _related(self, kind: str) -> str | None:
        return next((part for found, part in self._package.relations(self._main).values() if found == kind), None)

    def _strings(self) -> list[str]:
        part = self._related("sharedStrings")
        if part is None:
            return []
        reader = _StringsReader()
        for _ in self._package.parsed(part, start=reader.start, end=reader.end, text=reader.text.append):
            pass
        return reader.strings

    def _styles(self) -> Styles:
        part = self._related("styles")
        codes: dict[int, str] = {}
        ids: list[int] = []
        inside: list[str] = []

        def start(name: str, attributes: dict[str, str]) -> None:
            inside.append(local(name))
            if inside[-1] == "numFmt" and inside[-2:-1] == ["numFmts"]:
                codes[int(attributes["numFmtId"])] = unescaped(attributes["formatCode"])
            elif inside[-1] == "xf" and inside[-2:-1] == ["cellXfs"]:
                ids.append(int(attributes.get("numFmtId", "0")))

        for _ in self._package.parsed(part, start=start, end=lambda _: inside.pop()) if part else ():
            pass
        return styles_of(ids, codes, date1904=self._date1904)

    def _tables(self, sheet: str) -> list[str]:
        return [part for kind, part in self._package.relations(sheet).values() if kind == "table"]

    def _is_filtered(self, table: str) -> bool:
        found: list[str] = []
        for _ in self._package.parsed(table, start=lambda name, _: found.append(local(name))):
            pass
        return "filterColumn" in found


def main_part(package: Package) -> str:
    """The name of the workbook part."""
    found = [part for kind, part in package.relations("").values() if kind == "officeDocument"]
    if not found:
        raise damaged("none of its parts is named as the workbook")
    return found[0]


class _StringsReader:
    """Reads the shared strings: all runs of each, without phonetic hints."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self.text: list[str] = []
        self._pieces: list[str] = []
        self._phonetic = False
        self._names = NameCache(local)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = self._names[name]
        if kind == "t":
            self.text.clear()
        elif kind == "rPh":
            self._phonetic = True

    def end(self, name: str) -> None:
        kind = self._names[name]
        if kind == "t":
            if not self._phonetic:
                self._pieces += self.text
        elif kind == "si":
            self.strings.append(unescaped("".join(self._pieces)))
            self._pieces.clear()
        elif kind == "rPh":
            self._phonetic = False


class _SheetReader:
    """Builds the rows of a sheet from the parser's events; optimized, as every cell passes here."""

    def __init__(self, about: Sheet, strings: list[str], styles: Styles, uncalculated: bool, date1904: bool) -> None:
        self.text: list[str] = []
        self._about = about
        self._strings = strings
        self._numbers: Mapping[str, Format] = styles.numbers
        self._texts: Mapping[str, Format] = styles.texts
        self._uncalculated = uncalculated
        self._date1904 = date1904
        self._names = NameCache(local)
        self.columns = _Columns()
        self._rows: list[SheetRow] = []
        self._number = 0
        self._hidden = False
        self._cells: list[object] = []
        self._cell: dict[str, str] = {}
        self._valued = self._formula = self._phonetic = False
        self._inline: list[str] = []
        self._in_data = self._after_data = self._in_row = False
        self.read_row = XlsxRows(self).read_row
        self._result = ""

    @property
    def is_between_rows(self) -> bool:
        """Whether the parser is between the sheet's rows."""
        return self._in_data and not self._in_row

    def taken(self) -> list[SheetRow]:
        """The rows that were read since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = self._names[name]
        if not self._in_data:
            self._outside(kind, attributes)
        elif kind == "c":
            self._cell = attributes
            self._valued = self._formula = False
            self._result = ""
            if self._inline:
                self._inline.clear()
        elif kind == "v":
            self._valued = True
            self.text.clear()
        elif kind == "row":
            self._begin_row(attributes)
        elif kind == "t":
            self.text.clear()
        elif kind == "f":
            self._formula = True
        elif kind == "is":
            self._valued = True
        elif kind == "rPh":
            self._phonetic = True

    def end(self, name: str) -> None:
        kind = self._names[name]
        if not self._in_data:
            return
        if kind == "c":
            self._end_cell()
        elif kind == "row":
            self._in_row = False
            self._rows.append(SheetRow(self._number, self._cells, self._hidden))
        elif kind == "t":
            if not self._phonetic:
                self._inline += self.text
        elif kind == "rPh":
            self._phonetic = False
        elif kind == "v":
            self._result = "".join(self.text)
        elif kind == "sheetData":
            self._in_data, self._after_data = False, True

    def _end_cell(self) -> None:
        if not (self._valued or self._formula):
            return
        kind, text = self._cell.get("t", "n"), self._result
        if kind == "inlineStr":
            text = "".join(self._inline)
        style = self._cell.get("s", "")
        self._put(self._value(kind, style, text, valued=self._valued, formula=self._formula))

    def _outside(self, kind: str, attributes: dict[str, str]) -> None:
        if kind == "sheetData" and not self._after_data:
            self._in_data = True
        elif kind == "col" and (attributes.get("hidden") in _TRUE or attributes.get("width") == "0"):
            last = min(int(attributes["max"]), MAX_COLUMNS)
            self._about.hidden_columns.update(range(int(attributes["min"]) - 1, last))
        elif kind == "filterColumn" or (kind == "sheetPr" and attributes.get("filterMode") in _TRUE):
            self._about.filtered = True

    def _begin_row(self, attributes: dict[str, str]) -> None:
        number = int(attributes["r"]) if "r" in attributes else self._number + 1
        self._in_row = True
        self._hidden = _is_hidden(attributes)
        self._cells = self._next_row(number)

    def _next_row(self, number: int) -> list[object]:
        if not self._number < number <= MAX_ROWS:
            raise damaged("its rows are out of order")
        self._number = number
        return []

    def _put(self, value: object) -> None:
        place = self._cell.get("r")
        index = len(self._cells) if place is None else self.columns[place.rstrip(_DIGITS)]
        self._place(self._cells, index, value)

    def _place(self, cells: list[object], index: int, value: object) -> None:
        if index < len(cells):
            raise damaged(f"the cells of row {self._number} are out of order")
        if index > len(cells):
            cells.extend([""] * (index - len(cells)))
        cells.append(value)

    def add_row(
        self, number: int, attributes: Mapping[str, str], columns: Sequence[int], values: Sequence[object]
    ) -> None:
        """Add a row that was read without the parser."""
        row = self._next_row(number)
        if columns and columns[-1] == len(columns) - 1:
            row.extend(values)
        else:
            for index, value in zip(columns, values, strict=True):
                self._place(row, index, value)
        self._rows.append(SheetRow(number, row, _is_hidden(attributes)))

    def converter(self, cell: CellShape) -> tuple[int, Convert]:
        """The column of such a cell, and the conversion of its text to a value."""
        column = self.columns[cell.letters]
        if cell.type == "s" and cell.style not in self._texts:
            strings = self._strings
            return column, lambda text: strings[int(text)]
        if cell.type == "n" and cell.filled and not cell.formula:
            format_ = self._numbers.get(cell.style)
            finite = self._finite
            return column, finite if format_ is None else lambda text: Formatted(finite(text), format_)
        kind, style, valued, formula = cell.type, cell.style, cell.valued, cell.formula
        return column, lambda text: self._value(kind, style, text, valued=valued, formula=formula)

    def _value(self, kind: str, style: str, text: str, *, valued: bool, formula: bool) -> object:
        if kind == "s":
            return self._text(self._strings[self._index(text)], style)
        if kind == "inlineStr":
            return self._text(unescaped(text), style)
        if kind == "str":
            return self._text(unescaped(text), style) if valued else Fault(NO_RESULT)
        if kind == "e":
            return Fault(f"{ERROR} ({text})")
        if not text:
            return Fault(NO_RESULT) if formula else ""
        if kind == "b":
            return text in _TRUE
        value = _serial(text, date1904=self._date1904) if kind == "d" else self._finite(text)
        return self._numeric(value, style, formula=formula)

    def _index(self, text: str) -> int:
        if not text.isdecimal():
            raise damaged(f"row {self._number} refers to a missing text")
        return int(text)

    def _text(self, text: str, style: str) -> object:
        format_ = self._texts.get(style)
        return text if format_ is None else Formatted(text, format_)

    def _finite(self, text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise damaged(f"row {self._number} contains an invalid number")
        return value

    def _numeric(self, value: float, style: str, *, formula: bool) -> object:
        if not value and formula and self._uncalculated:
            # Libraries write 0 for what Excel calculates when it opens the file.
            return Fault(NO_RESULT)
        format_ = self._numbers.get(style)
        return value if format_ is None else Formatted(value, format_)


def _is_hidden(row: Mapping[str, str]) -> bool:
    """Whether a row with these attributes is hidden."""
    return row.get("hidden") in _TRUE or row.get("ht") == "0"


class _Columns(dict[str, int]):
    """Column indexes by letters."""

    def __missing__(self, letters: str) -> int:
        if not _LETTERS.fullmatch(letters):
            raise damaged("one of its cells has no valid position")
        index = 0
        for letter in letters:
            index = index * 26 + ord(letter) - ord("A") + 1
        if index > MAX_COLUMNS:
            raise damaged("one of its cells is beyond the last column")
        found = self[letters] = index - 1
        return found


def _serial(text: str, *, date1904: bool) -> float:
    """An ISO 8601 date as a serial number of days."""
    moment = dt.datetime.fromisoformat(text.removesuffix("Z"))
    return (moment.replace(tzinfo=None) - _EPOCH) / dt.timedelta(days=1) - _DAYS_TO_1904 * date1904
