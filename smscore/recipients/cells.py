"""The cells of a spreadsheet: what they hold, and what people see of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

import msgspec
from attrs import frozen

from smscore.recipients.format_digits import general
from smscore.recipients.format_tokens import NotShown
from smscore.recipients.number_format import parse_format

Cells: TypeAlias = Sequence[object]
"""The cells of a row: each a text, a number, a bool, None, or one of the classes below."""
Row: TypeAlias = tuple[int, Cells]
"""A row's number in the file, counted from 1 including the header and empty rows, and its cells."""


@frozen
class Format:
    """The number format of a cell style."""

    code: str
    date1904: bool = False
    is_system_date: bool = False
    """Whether its dates depend on the computer's language; here they are written as in the United States."""

    def show(self, value: float | str) -> str:
        """The text shown for a value. Raises ``NotShown`` if that is unknown, or ``####``."""
        if isinstance(value, str):
            return parse_format(self.code).show_text(value)
        return _shown_number(self.code, value, self.date1904)

    @property
    def is_general(self) -> bool:
        """Whether it shows values as a cell without a format does."""
        return self.code.lower() in ("", "general", "@")

    @property
    def changes_texts(self) -> bool:
        """Whether it may show something else for a text than the text itself."""
        return not self.is_general and ("@" in self.code or self.code.count(";") >= _TEXT_SECTION)


@lru_cache(maxsize=8192)  # the same dates recur
def _shown_number(code: str, value: float, date1904: bool) -> str:
    return parse_format(code).show(value, date1904=date1904)


_TEXT_SECTION: Final = 3  # semicolons before it


class Formatted(msgspec.Struct, frozen=True, gc=False):
    """A number or a text whose cell has a format."""

    value: float | str
    format: Format

    def __repr__(self) -> str:
        return "<formatted cell>"


class Shown(msgspec.Struct, frozen=True, gc=False):
    """A value with its shown text, which the file contains."""

    value: float | str
    text: str

    def __repr__(self) -> str:
        return "<shown cell>"


@frozen
class Fault:
    """A cell without a value: an error, or a formula without a result.

    ``problem`` continues a sentence that begins with "its 'name'".
    """

    problem: str


def cell_at(cells: Cells, index: int) -> object:
    """The cell at this index; an empty text beyond the end of the row."""
    return cells[index] if index < len(cells) else ""


def is_filled(cell: object) -> bool:
    """Whether a cell is not empty."""
    if isinstance(cell, str):
        return bool(cell) and not cell.isspace()
    if isinstance(cell, (Shown, Formatted)) and isinstance(cell.value, str):
        return is_filled(cell.value)
    return cell is not None


def value_of(cell: object) -> object:
    """The value of a cell, however it is shown; an empty text for a fault."""
    if isinstance(cell, (Formatted, Shown)):
        return cell.value
    return "" if isinstance(cell, Fault) else cell


def shown(cell: object) -> str:
    """A cell's shown text, stripped. Raises ``NotShown`` if it shows nothing that could be sent."""
    return _clean(_text_of(cell))


def _text_of(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Formatted):
        return cell.format.show(cell.value)
    if isinstance(cell, Shown):
        return cell.text
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return general(cell)
    if isinstance(cell, Fault):
        raise NotShown(cell.problem)
    return "" if cell is None else str(cell)


def heading(cell: object) -> str:
    """The shown text of a header cell; empty if that is unknown."""
    try:
        return shown(cell)
    except NotShown:
        return ""


def shown_or_empty(cells: Sequence[object]) -> list[str]:
    """The shown texts of many cells; empty where a cell shows nothing that could be sent."""
    try:
        texts = list(map(_text_of, cells))
    except NotShown:
        return list(map(heading, cells))
    return list(map(heading if _CONTROL.search("".join(texts)) else str.strip, texts))


_MAX_NAMES: Final = 20
_MAX_NAME: Final = 60  # characters; Excel allows 31 for a sheet, and any number for a heading


def name_list(names: Iterable[str]) -> str:
    """Names of sheets or columns for a message: at most 20, each of at most 60 characters."""
    found = list(islice(names, _MAX_NAMES + 1))
    more = ["…"] if len(found) > _MAX_NAMES else []
    return ", ".join([*map(short_name, found[:_MAX_NAMES]), *more])


def short_name(name: str) -> str:
    """A name for a message, truncated to 60 characters."""
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"


# Layout characters become a line break or a space; any other control character makes the row invalid.
_CONTROL: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_LAYOUT: Final = {**dict.fromkeys("\x0b\x0c\r\x85\u2028\u2029", "\n"), "\t": " "}


def _clean(text: str) -> str:
    if _CONTROL.search(text):
        text = _CONTROL.sub(_layout, text.replace("\r\n", "\n"))
    return text.strip()


def _layout(match: re.Match[str]) -> str:
    if match[0] not in _LAYOUT:
        raise NotShown(f"contains the control character U+{ord(match[0]):04X}")
    return _LAYOUT[match[0]]
