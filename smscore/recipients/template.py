"""A text with ``{fields}`` that each row fills in. The braces contain a column's name and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Final

from attrs import frozen

from smscore.errors import InvalidRequest
from smscore.recipients.cells import Cells, Formatted, cell_at, is_filled, shown, shown_or_empty
from smscore.recipients.format_tokens import NotShown
from smscore.recipients.number_column import Layout, folded

_PIECE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_ESCAPED: Final = {"{{": "{", "}}": "}"}
_BEYOND_NAMES: Final = re.compile(r"[.\[\]!:]")


@frozen
class Template:
    """A parsed template: texts and the fields between them, in order."""

    pieces: tuple[tuple[str, str | None], ...]
    """A text, and the field that follows it (None after the last)."""

    @property
    def fields(self) -> list[str]:
        """The names of the fields, each once."""
        return list(dict.fromkeys(name for _, name in self.pieces if name is not None))


def parse_template(text: str) -> Template:
    """Parse a template. Raises ``InvalidRequest`` for a single brace, or for anything but a name in braces."""
    pieces: list[tuple[str, str | None]] = []
    before, end = "", 0
    for match in _PIECE.finditer(text):
        before += text[end : match.start()]
        end = match.end()
        if match[0] in _ESCAPED:
            before += _ESCAPED[match[0]]
        else:
            pieces.append((before, _name(match)))
            before = ""
    return Template((*pieces, (before + text[end:], None)))


def _name(match: re.Match[str]) -> str:
    place = match.start() + 1
    if match[1] is None:
        raise InvalidRequest(f"The template has a single brace at character {place}. Write {{{{ or }}}} for a brace.")
    name = match[1].strip()
    if not name or _BEYOND_NAMES.search(name):
        raise InvalidRequest(
            f"The template's field at character {place} is not a column's name. Braces may contain plain names only; "
            "write {{ or }} for a brace."
        )
    return name


@frozen
class Filler:
    """A template bound to the columns of a file; ``width`` is how many its rows may have, None for any number."""

    pieces: tuple[tuple[str, str | None, int], ...]
    width: int | None

    def fill(self, cells: Cells) -> str:
        """The text for a row; ``Unfilled`` where a cell that it needs is empty, or the row has too many cells."""
        if self.width is not None and any(map(is_filled, cells[self.width :])):
            raise Unfilled("it has more cells than the header: quote the cell that contains a delimiter")
        return "".join(before + _value(cells, name, column) for before, name, column in self.pieces)

    def fill_all(self, table: Sequence[Cells]) -> list[str | Unfilled]:
        """As ``fill`` for each of these rows, column by column; an ``Unfilled`` is returned instead of raised."""
        pieces: list[Iterable[str]] = []
        unsure: set[int] = set()
        if self.width is not None:
            unsure.update(row for row, cells in enumerate(table) if len(cells) > self.width)
        for before, name, column in self.pieces:
            pieces.append(repeat(before, len(table)))
            if name is not None:
                values = shown_or_empty([cell_at(cells, column) for cells in table])
                pieces.append(values)
                if "" in values:
                    unsure.update(row for row, value in enumerate(values) if not value)
        texts: list[str | Unfilled] = list(map("".join, zip(*pieces, strict=True)))
        for row in unsure:
            texts[row] = self._text_or_error(table[row])
        return texts

    def _text_or_error(self, cells: Cells) -> str | Unfilled:
        try:
            return self.fill(cells)
        except Unfilled as error:
            return error

    def shows_system_dates(self, cells: Cells) -> bool:
        """Whether a row's text contains a date in the computer's own format."""
        found = (cell_at(cells, column) for _, name, column in self.pieces if name is not None)
        return any(isinstance(cell, Formatted) and cell.format.is_system_date for cell in found)


class Unfilled(Exception):
    """A row that cannot fill the template; the text says why."""


def bind(template: Template, layout: Layout, *, delimited: bool = True) -> Filler:
    """The template with its fields looked up in the header. Raises ``InvalidRequest`` for an unknown field.

    In a ``delimited`` file, a row with more cells than the header was split in the wrong places.
    """
    pieces = tuple((before, name, -1 if name is None else layout.position(name)) for before, name in template.pieces)
    return Filler(pieces, len(layout.headings) if delimited else None)


def check_plain(text: str, layout: Layout) -> None:
    """Raise ``InvalidRequest`` for a text with a column's name in braces: sent as it is, nobody could mean it."""
    for match in _PIECE.finditer(text):
        if match[1] is not None and folded(match[1]) in layout.fields:
            name = match[1].strip()
            raise InvalidRequest(
                f"The text would be sent with {{{name}}} as it is written, and {name!r} is a column of the file. To "
                "fill it in, give the text with --template or --template-file, to `payamak p2p` or `payamak queue add`."
            )


def _value(cells: Cells, name: str | None, column: int) -> str:
    if name is None:
        return ""
    try:
        value = shown(cell_at(cells, column))
    except NotShown as error:
        raise Unfilled(f"its {name!r} {error}") from None
    if not value:
        raise Unfilled(f"its {name!r} is empty")
    return value
