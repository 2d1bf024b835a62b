"""The rows of an XLSX sheet in the spelling that Excel and most libraries have, read without an XML parser.

A parser calls Python four times a cell. Most rows of a sheet have the same cells in the same styles, and so a regular
expression made of one row takes the values out of the next ones in one call. It takes a row only if every byte of it
is as expected; from the first one that is otherwise, the parser reads all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

from attrs import frozen

Convert: TypeAlias = Callable[[str], object]

_MAX_HELD: Final = 1 << 20  # bytes that are kept until a row is whole
_MAX_SHAPES: Final = 200
_BEGINNING: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml(?:\s[^<>]*)?\?>)?\s*<worksheet[\s>](?:[^<]|<[^!?])*?<sheetData>", re.DOTALL
)
_OTHER_ENCODING: Final = re.compile(rb"""\sencoding\s*=\s*["'](?!utf-8["']|us-ascii["'])""", re.IGNORECASE)
_END_OF_ROW: Final = b"</row>"

_HEAD: Final = r'<row r="([0-9]{1,7})"((?: [A-Za-z0-9:]{1,40}="[^"<>&]*")*)>'
_CELL: Final = re.compile(
    r'<c r="(?P<letters>[A-Z]{1,3})[0-9]{1,7}"(?: s="(?P<style>[0-9]{1,5})")?(?: t="(?P<type>[a-zA-Z]{1,9})")?'
    r"(?:/>|>(?P<formula><f>[^<&]*</f>|<f [^<>&]*(?:/>|>[^<&]*</f>))?"
    r"(?:<v>(?P<value>[^<&]+)</v>|(?P<nothing><v></v>|<v/>)"
    r'|(?P<inline><is><t(?: xml:space="preserve")?>)[^<&]*</t></is>)?</c>)'
)
_ROW: Final = re.compile(f"{_HEAD}((?:{re.sub('[?]P<[a-z]+>', '?:', _CELL.pattern)})*)</row>")

_FORMULA: Final = "(?:<f>[^<&]*</f>|<f [^<>&]*(?:/>|>[^<&]*</f>))"
_VALUE: Final = "<v>([^<&]+)</v>"
_INTEGER: Final = "<v>([0-9]{1,9})</v>"
_INLINE: Final = '<is><t(?: xml:space="preserve")?>([^<&]*)</t></is>'


@frozen
class UsualCell:
    """A cell of a row, its value left out."""

    letters: str
    style: str
    type: str
    formula: bool
    valued: bool
    filled: bool
    """Whether its value is not an empty one."""


class RowTaker(Protocol):
    """What takes the rows."""

    def add_row(self, number: int, attributes: str, columns: Sequence[int], values: Sequence[object]) -> None:
        """Take in a row: its number, its other attributes as they stand, and its values with their columns."""

    def converter(self, cell: UsualCell) -> tuple[int, Convert]:
        """The column of such a cell, and what makes a value of its text."""
        ...


@frozen
class _Shape:
    """The cells that many rows have alike."""

    pattern: re.Pattern[str]
    columns: tuple[int, ...]
    converters: tuple[Convert, ...]


class UsualRows:
    """Takes the rows it can out of a sheet's bytes, and leaves the rest to the parser."""

    def __init__(self, taker: RowTaker) -> None:
        self._taker = taker
        self._held = b""
        self._in_rows = self._done = False
        self._shapes: dict[str, _Shape] = {}

    def divert(self, piece: bytes) -> bytes:
        """What of a piece, and of those before it, is left for the parser; an empty piece is the end."""
        if self._done:
            return piece
        data, self._held = self._held + piece, b""
        if not piece:
            return self._leave(data)
        if self._in_rows:
            return self._rows(data)
        beginning = _BEGINNING.match(data)
        if beginning is None:
            return self._hold(data)
        if _OTHER_ENCODING.search(beginning[0]):
            return self._leave(data)
        self._in_rows = True
        return beginning[0] + self._rows(data[beginning.end() :])

    def _leave(self, data: bytes) -> bytes:
        self._done = True
        return data

    def _hold(self, data: bytes) -> bytes:
        """Wait for more, but not for ever."""
        if len(data) > _MAX_HELD:
            return self._leave(data)
        self._held = data
        return b""

    def _rows(self, data: bytes) -> bytes:
        whole = data.rfind(_END_OF_ROW) + len(_END_OF_ROW)
        if whole < len(_END_OF_ROW):
            return self._hold(data)
        try:
            text = data[:whole].decode()
        except UnicodeDecodeError:
            return self._leave(data)
        end, shape = 0, next(reversed(self._shapes.values()), None)
        while end < len(text):
            row = shape.pattern.match(text, end) if shape else None
            if row is None:
                shape = self._shape_at(text, end)
                row = shape.pattern.match(text, end) if shape else None
            if row is None or shape is None:
                return self._leave(text[end:].encode() + data[whole:])
            number, attributes, *values = row.groups("")
            found = [convert(value) for convert, value in zip(shape.converters, values, strict=True)]
            self._taker.add_row(int(number), attributes, shape.columns, found)
            end = row.end()
        return self._hold(data[whole:])

    def _shape_at(self, text: str, place: int) -> _Shape | None:
        """The shape of the row there; None where the row is not as expected."""
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
            found = [self._taker.converter(_usual(cell)) for cell in filled]
            columns, converters = tuple(column for column, _ in found), tuple(convert for _, convert in found)
            if sorted(set(columns)) != list(columns):
                return None
            self._shapes[pattern] = _Shape(re.compile(pattern), columns, converters)
        return self._shapes[pattern]


def _usual(cell: re.Match[str]) -> UsualCell:
    valued = bool(cell["value"] or cell["nothing"] or cell["inline"])
    filled = bool(cell["value"])
    return UsualCell(cell["letters"], cell["style"] or "", cell["type"] or "n", bool(cell["formula"]), valued, filled)


def _pattern(cell: re.Match[str]) -> str:
    """What takes the text of such a cell: one group, or none where the cell is empty."""
    attributes = "".join(f' {key[0]}="{cell[key]}"' for key in ("style", "type") if cell[key])
    start = f'<c r="{cell["letters"]}[0-9]{{1,7}}"{attributes}'
    formula = _FORMULA if cell["formula"] else ""
    if cell["value"]:
        inner = _INTEGER if cell["type"] == "s" else _VALUE
    elif cell["inline"]:
        inner = _INLINE
    elif cell["nothing"]:
        inner = "(?:<v></v>|<v/>)()"
    else:
        inner = "()" if formula else ""
    return f"{start}>{formula}{inner}</c>" if formula or inner else f"{start}(?:/>|></c>)"
