"""ODS, read row by row: values with their shown text, which the file contains, and what is hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import define, field

from smscore.errors import InvalidRequest
from smscore.recipients.cells import Fault, Shown
from smscore.recipients.excel import ERROR, NO_RESULT, NameCache
from smscore.recipients.fast_ods import OdsRows
from smscore.recipients.fast_rows import FastRows
from smscore.recipients.package import Package, local
from smscore.recipients.sheet import MAX_COLUMNS, MAX_ROWS, Sheet, SheetRow, choose_sheet, damaged

_CONTENT: Final = "content.xml"
_MANIFEST: Final = "META-INF/manifest.xml"
_NUMBERS: Final = frozenset({"float", "percentage", "currency"})
# Elements inside a cell that are not part of what it shows.
_ASIDE: Final = frozenset({"annotation", "ruby-text", "note", "table", "shapes", "tracked-changes"})
_CELLS: Final = frozenset({"table-cell", "covered-table-cell"})
_REPEATED: Final = {what: f"table:number-{what}-repeated" for what in ("rows", "columns")}
_MAX_SPACES: Final = 32_767


@define
class OdsBook:
    """An open ODS file; its sheets are known as far as it was read."""

    _package: Package
    sheets: dict[str, bool] = field(factory=dict[str, bool], init=False)
    remarks: tuple[str, ...] = field(default=(), init=False)
    name: str | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        found: list[str] = []
        if _MANIFEST in self._package:
            for _ in self._package.parsed(_MANIFEST, start=lambda name, _: found.append(name.rpartition(":")[2])):
                pass
        if "encryption-data" in found:
            raise InvalidRequest("The spreadsheet has a password. Save it without one.")

    def rows(self, name: str | None, about: Sheet) -> Iterator[SheetRow]:
        """The rows of this sheet, or of the first visible one."""
        reader = _ContentReader(self, name, about)
        fast = FastRows(reader, "<table:table-row", "</table:table-row>")
        handlers: dict[str, Any] = {"start": reader.start, "end": reader.end, "text": reader.text.append}
        for _ in self._package.parsed(_CONTENT, **handlers, divert=fast.divert):
            yield from reader.taken()
        if self.name is None:
            choose_sheet(self.sheets, name)  # raises the fitting error


class _ContentReader:
    """Builds the rows of one sheet, and the names of all sheets, from the parser's events."""

    def __init__(self, book: OdsBook, wanted: str | None, about: Sheet) -> None:
        self.text: list[str] = []
        """Text of the parser is appended here."""
        self._kept = 0
        """How many of its pieces belong to the cell's finished paragraphs."""
        self._paragraphs = 0
        self._book = book
        self._wanted = wanted
        self._about = about
        self._names = NameCache(local)
        self._hidden_styles: set[str] = set()
        self._style = ""
        self._rows: list[tuple[SheetRow, int]] = []
        self._reading = False
        self._aside: list[str] = []
        self._before_aside = 0
        self._column = 0
        self._number = 1
        self._row: dict[str, str] = {}
        self._cells: list[object] = []
        self._width = 0
        self._cell: dict[str, str] = {}
        self._in_cell = self._in_row = False
        self.read_row = OdsRows(self).read_row

    @property
    def is_between_rows(self) -> bool:
        """Whether the parser is between rows of the sheet that is read."""
        return self._reading and not (self._in_row or self._in_cell or self._aside)

    def taken(self) -> Iterator[SheetRow]:
        """The rows that were read since the last call, each as often as it is repeated."""
        rows, self._rows = self._rows, []
        for row, count in rows:
            for number in range(row.number, row.number + count):
                yield row if number == row.number else SheetRow(number, row.cells, row.hidden)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        kind = self._names[name]
        if self._aside:
            if kind == self._aside[-1]:
                self._aside.append(kind)
        elif kind in _ASIDE and (self._in_cell or kind != "table"):
            self._aside.append(kind)
            self._before_aside = len(self.text)
        elif self._in_cell:
            self._start_in_cell(kind, attributes)
        elif kind in _CELLS:
            self._cell, self._in_cell = attributes, True
            self._paragraphs = self._kept = 0
        elif kind == "table-row":
            self._row, self._cells, self._width = attributes, [], 0
            self._in_row = True
        elif kind == "table-column":
            self._hide_column(attributes)
        elif kind == "table":
            self._start_table(attributes)
        elif kind == "style":
            self._style = attributes.get("style:name", "")
        elif kind == "table-properties" and attributes.get("table:display") == "false":
            self._hidden_styles.add(self._style)

    def _start_in_cell(self, kind: str, attributes: dict[str, str]) -> None:
        if kind == "p":
            del self.text[self._kept :]  # text between the paragraphs
            if self._paragraphs:
                self.text.append("\n")
            self._paragraphs += 1
        elif kind == "s":
            self.text.append(" " * min(int(attributes.get("text:c", "1")), _MAX_SPACES))
        elif kind in ("tab", "line-break"):
            self.text.append("\t" if kind == "tab" else "\n")

    def end(self, name: str) -> None:
        kind = self._names[name]
        if self._aside:
            if kind == self._aside[-1]:
                self._aside.pop()
                del self.text[self._before_aside :]
        elif self._in_cell:
            if kind == "p":
                self._kept = len(self.text)
            elif kind in _CELLS:
                self._in_cell = False
                self._end_cell(covered=kind == "covered-table-cell")
        elif kind == "table-row":
            self._in_row = False
            self.add_row(self._row, self._cells)
        elif kind == "table":
            self._reading = False

    def _start_table(self, attributes: dict[str, str]) -> None:
        name = attributes.get("table:name", "")
        visible = attributes.get("table:style-name") not in self._hidden_styles
        self._book.sheets[name] = visible
        if self._book.name is None and (visible if self._wanted is None else name == self._wanted):
            self._book.name, self._reading = name, True
            self._column, self._number = 0, 1

    def _hide_column(self, attributes: dict[str, str]) -> None:
        count = min(_repeated(attributes, "columns"), MAX_COLUMNS - self._column)
        if self._reading and attributes.get("table:visibility", "visible") != "visible":
            self._about.hidden_columns.update(range(self._column, self._column + count))
        self._column += count

    def _end_cell(self, *, covered: bool) -> None:
        if not self._reading:
            self.text.clear()
            return
        count = _repeated(self._cell, "columns")
        value = "" if covered else self._value()
        self.text.clear()
        if value != "":
            if self._width + count > MAX_COLUMNS:
                raise damaged("one of its cells is beyond the last column")
            if self._width > len(self._cells):
                self._cells.extend([""] * (self._width - len(self._cells)))
            self._cells.extend([value] * count)
        self._width += count

    def _value(self) -> object:
        cell = self._cell
        text = "".join(self.text[: self._kept])
        kind = cell.get("calcext:value-type") or cell.get("office:value-type", "")
        if kind == "error":
            return Fault(f"{ERROR} ({text})")
        if kind in _NUMBERS:
            value = float(cell["office:value"])
            if value - value != 0:
                raise damaged("one of its numbers is invalid")
            return Shown(value, text)
        if kind == "boolean":
            return text or cell.get("office:boolean-value") == "true"
        if kind == "string" and not text:
            return cell.get("office:string-value", "")
        if not kind and "table:formula" in cell and not text:
            return Fault(NO_RESULT)
        return text

    def add_row(self, attributes: Mapping[str, str], cells: Sequence[object]) -> None:
        """Add a row: its attributes and its cells."""
        count = _repeated(attributes, "rows")
        if self._reading and cells:
            if self._number + count - 1 > MAX_ROWS:
                raise damaged("it has too many rows")
            visibility = attributes.get("table:visibility", "visible")
            self._about.filtered = self._about.filtered or visibility == "filter"
            self._rows.append((SheetRow(self._number, cells, visibility != "visible"), count))
        self._number += count


def _repeated(attributes: Mapping[str, str], what: str) -> int:
    given = attributes.get(_REPEATED[what])
    if given is None:
        return 1
    count = int(given)
    if count < 1:
        raise damaged("one of its repeat counts is below 1")
    return count
