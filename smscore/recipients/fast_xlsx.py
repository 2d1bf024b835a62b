"""The rows of an XLSX sheet in the spelling of Excel and of most libraries (ECMA-376, part 1, 18.3.1.73)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from attrs import frozen

from smscore.recipients.fast_rows import ATTRIBUTES, CHARACTERS, parse_attributes

Convert: TypeAlias = Callable[[str], object]

_MAX_SHAPES: Final = 200

_HEAD: Final = f'<row r="([0-9]{{1,7}})"{ATTRIBUTES}>'
_FORMULA: Final = (
    r'<f(?: t="[a-zA-Z]{1,9}")?(?: ref="[A-Z0-9:]{1,21}")?(?: ca="1")?(?: si="[0-9]{1,7}")?'
    f"(?:/>|>{CHARACTERS}*</f>)"
)
_INLINE: Final = '<is><t(?: xml:space="preserve")?>'
_CELL: Final = re.compile(
    r'<c r="(?P<letters>[A-Z]{1,3})[0-9]{1,7}"(?: s="(?P<style>[0-9]{1,5})")?(?: t="(?P<type>[a-zA-Z]{1,9})")?'
    f"(?:/>|>(?P<formula>{_FORMULA})?"
    f"(?:<v>(?P<value>{CHARACTERS}+)</v>|(?P<nothing><v></v>|<v/>)|(?P<inline>{_INLINE}){CHARACTERS}*</t></is>)?</c>)"
)
_ROW: Final = re.compile(f"{_HEAD}((?:{re.sub('[?]P<[a-z]+>', '?:', _CELL.pattern)})*)</row>")


@frozen
class CellShape:
    """The markup of a cell, without its value."""

    letters: str
    style: str
    type: str
    formula: bool
    valued: bool
    filled: bool
    """Whether its value is not empty."""


class SheetReader(Protocol):
    """Receives the rows."""

    def add_row(
        self, number: int, attributes: Mapping[str, str], columns: Sequence[int], values: Sequence[object]
    ) -> None:
        """Add a row: its number, its other attributes, and its values with their columns."""

    def converter(self, cell: CellShape) -> tuple[int, Convert]:
        """The column of such a cell, and the conversion of its text to a value."""
        ...


@frozen
class _XlsxRowShape:
    """The markup that many rows share."""

    pattern: re.Pattern[str]
    columns: tuple[int, ...]
    converters: tuple[Convert, ...]


class XlsxRows:
    """Reads rows by the markup that many of them share."""

    def __init__(self, sheet: SheetReader) -> None:
        self._sheet = sheet
        self._shapes: dict[str, _XlsxRowShape] = {}
        self._last: _XlsxRowShape | None = None

    def read_row(self, text: str, at: int) -> int:
        """Read the row at ``at`` and return where it ends; ``at`` itself if it is not as expected."""
        shape = self._last
        row = shape.pattern.match(text, at) if shape else None
        if row is None:
            shape = self._last = self._shape_at(text, at)
            row = shape.pattern.match(text, at) if shape else None
        if row is None or shape is None:
            return at
        number, attributes, *values = row.groups("")
        named = parse_attributes(attributes)
        if named is None or "r" in named:
            return at
        found = [convert(value) for convert, value in zip(shape.converters, values, strict=True)]
        self._sheet.add_row(int(number), named, shape.columns, found)
        return row.end()

    def _shape_at(self, text: str, place: int) -> _XlsxRowShape | None:
        """The shape of the row there; None if it is not as expected."""
        row = _ROW.match(text, place)
        if row is None:
            return None
        cells = list(_CELL.finditer(row[3]))
        if any((cell["type"] == "inlineStr") != bool(cell["inline"]) for cell in cells):
            return None
        pattern = f"{_HEAD}{''.join(map(_pattern, cells))}</row>"
        if pattern not in self._shapes:
            if len(self._shapes) == _MAX_SHAPES:
                return None
            filled = [cell for cell in cells if cell["value"] or cell["inline"] or cell["formula"] or cell["nothing"]]
            found = [self._sheet.converter(_cell_shape(cell)) for cell in filled]
            columns, converters = tuple(column for column, _ in found), tuple(convert for _, convert in found)
            if sorted(set(columns)) != list(columns):
                return None
            self._shapes[pattern] = _XlsxRowShape(re.compile(pattern), columns, converters)
        return self._shapes[pattern]


def _cell_shape(cell: re.Match[str]) -> CellShape:
    valued = bool(cell["value"] or cell["nothing"] or cell["inline"])
    filled = bool(cell["value"])
    return CellShape(cell["letters"], cell["style"] or "", cell["type"] or "n", bool(cell["formula"]), valued, filled)


def _pattern(cell: re.Match[str]) -> str:
    """A pattern that matches such a cell: one group for its text, or none if it is empty."""
    attributes = "".join(f' {key[0]}="{cell[key]}"' for key in ("style", "type") if cell[key])
    start = f'<c r="{cell["letters"]}[0-9]{{1,7}}"{attributes}'
    formula = _FORMULA if cell["formula"] else ""
    if cell["value"]:
        inner = "<v>([0-9]{1,9})</v>" if cell["type"] == "s" else f"<v>({CHARACTERS}+)</v>"
    elif cell["inline"]:
        inner = f"{_INLINE}({CHARACTERS}*)</t></is>"
    elif cell["nothing"]:
        inner = "(?:<v></v>|<v/>)()"
    else:
        inner = "()" if formula else ""
    return f"{start}>{formula}{inner}</c>" if formula or inner else f"{start}(?:/>|></c>)"
