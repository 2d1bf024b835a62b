"""The rows of an ODS table in the spelling of LibreOffice and of most libraries (OpenDocument 1.3, part 3, 9.1.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from attrs import frozen

from smscore.recipients.cells import Shown
from smscore.recipients.fast_rows import ATTRIBUTES, CHARACTERS, parse_attributes
from smscore.recipients.sheet import MAX_COLUMNS

_MAX_SHAPES: Final = 200
_MAX_REPEATED: Final = 64  # columns with one value

_CELL: Final = re.compile(
    f"<table:(?P<name>(?:covered-)?table-cell){ATTRIBUTES}"
    f"(?:/>|>(?P<paragraph><text:p>(?P<text>{CHARACTERS}+)</text:p>|<text:p/>|<text:p></text:p>)?</table:(?P=name)>)"
)
_ROW: Final = re.compile(
    f"<table:table-row{ATTRIBUTES}>((?:<table:(?:covered-)?table-cell[^<>]*"
    "(?:/>|>(?:<text:p>[^<>]*</text:p>|<text:p/>)?</table:(?:covered-)?table-cell>))*)</table:table-row>"
)
# Short enough to be finite with any digits.
_NUMBER: Final = r"-?[0-9]{1,17}(?:\.[0-9]{1,20})?(?:E[+-]?[0-9]{1,2})?"
# Attributes that differ between rows and do not change the shown text.
_VARYING: Final = frozenset({"office:date-value", "office:time-value", "office:boolean-value", "table:formula"})
_ANY_VALUE: Final = '[^"<>&\x00-\x1f\ufffe\uffff]{0,1000}'
_NUMBERS: Final = ("float", "percentage", "currency")
_TEXTS: Final = ("string", "date", "time", "boolean")


class TableReader(Protocol):
    """Receives the rows."""

    def add_row(self, attributes: Mapping[str, str], cells: Sequence[object]) -> None:
        """Add a row: its attributes and its cells."""


@frozen
class _OdsRowShape:
    """The markup that many rows share."""

    attributes: Mapping[str, str]
    pattern: re.Pattern[str]
    """Two groups for a filled cell: its number (empty for a text), and the text that it shows."""
    columns: tuple[int, ...]
    """The index of each column's filled cell; -1 for an empty column."""


class OdsRows:
    """Reads rows by the markup that many of them share."""

    def __init__(self, table: TableReader) -> None:
        self._table = table
        self._shapes: dict[str, _OdsRowShape] = {}
        self._last: _OdsRowShape | None = None

    def read_row(self, text: str, at: int) -> int:
        """Read the row at ``at`` and return where it ends; ``at`` itself if it is not as expected."""
        shape = self._last
        row = shape.pattern.match(text, at) if shape else None
        if row is None:
            shape = self._last = self._shape_at(text, at)
            row = shape.pattern.match(text, at) if shape else None
        if row is None or shape is None:
            return at
        found = row.groups()
        values: list[object] = [
            Shown(float(number), text) if number else text for number, text in zip(found[::2], found[1::2], strict=True)
        ]
        if len(shape.columns) != len(values):
            values.append("")
            values = [values[place] for place in shape.columns]
        self._table.add_row(shape.attributes, values)
        return row.end()

    def _shape_at(self, text: str, at: int) -> _OdsRowShape | None:
        """The shape of the row there; None if it is not as expected."""
        row = _ROW.match(text, at)
        if row is None:
            return None
        cells = list(_CELL.finditer(row[2]))
        patterns = [_pattern(cell) for cell in cells]
        attributes = parse_attributes(row[1])
        if attributes is None or None in patterns or "".join(cell[0] for cell in cells) != row[2]:
            return None
        columns = _columns(cells)
        if columns is None:
            return None
        pattern = f"{re.escape(f'<table:table-row{row[1]}>')}{''.join(map(str, patterns))}</table:table-row>"
        shape = self._shapes.get(pattern)
        if shape is None and len(self._shapes) < _MAX_SHAPES:
            shape = self._shapes[pattern] = _OdsRowShape(attributes, re.compile(pattern), columns)
        return shape


def _columns(cells: Sequence[re.Match[str]]) -> tuple[int, ...] | None:
    """The index of each column's filled cell, without empty columns at the end; None if there are too many columns."""
    columns: list[int] = []
    width = filled = 0
    for cell in cells:
        count = _repeated(cell)
        if cell["text"]:
            if width + count > MAX_COLUMNS:
                return None
            columns += [-1] * (width - len(columns)) + [filled] * count
            filled += 1
        width += count
    return tuple(columns)


def _repeated(cell: re.Match[str]) -> int:
    return int((parse_attributes(cell[2]) or {}).get("table:number-columns-repeated", "1"))


def _pattern(cell: re.Match[str]) -> str | None:
    """A pattern that matches such a cell and captures its value; None if it needs the parser."""
    attributes = parse_attributes(cell[2])
    if attributes is None or not _is_usual(cell, attributes):
        return None
    named = "".join(f' {name}="{_value_pattern(name, value)}"' for name, value in attributes.items())
    start = re.escape(f"<table:{cell['name']}") + named
    if not cell["text"]:
        return f"{start}{re.escape(cell[0][cell.end(2) - cell.start() :])}"
    # Every filled cell has two groups.
    number = "" if "office:value" in attributes else "()"
    return f"{start}>{number}<text:p>({CHARACTERS}+)</text:p></table:{cell['name']}>"


def _value_pattern(name: str, value: str) -> str:
    if name == "office:value":
        return f"({_NUMBER})"
    return _ANY_VALUE if name in _VARYING else re.escape(value)


def _is_usual(cell: re.Match[str], attributes: Mapping[str, str]) -> bool:
    """Whether the cell is empty, or a value with its shown text."""
    repeated = attributes.get("table:number-columns-repeated", "1")
    if not (repeated.isdecimal() and repeated.isascii() and int(repeated[:6]) >= 1 and len(repeated) <= 6):
        return False
    if not cell["text"]:
        return not any(name in attributes for name in ("office:value-type", "calcext:value-type", "table:formula"))
    kind, own = attributes.get("office:value-type"), attributes.get("calcext:value-type")
    if cell["name"] != "table-cell" or int(repeated) > _MAX_REPEATED or own not in (None, kind):
        return False
    return kind in (_NUMBERS if "office:value" in attributes else _TEXTS)
