"""Finds the column with the mobile numbers, and reads numbers from cells. Does not read files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from attrs import field, frozen

from smscore.characters import PERSIAN_LETTERS
from smscore.errors import InvalidRequest
from smscore.numbers import local_form, local_forms, with_ascii_digits
from smscore.recipients.cells import Fault, Row, cell_at, heading, is_filled, name_list, value_of

# The surest first: a sheet with both "شماره" and "موبایل" often counts its rows in the former.
_SURE_NAMES: Final = (
    *("mobile", "mobile number", "mobile no", "mobile phone", "mobile phone number", "phone mobile"),
    *("cell", "cell number", "cell no", "cellphone", "cell phone", "cell phone number", "msisdn"),
    *("موبایل", "شماره موبایل", "تلفن موبایل", "شماره تلفن موبایل"),
    *("تلفن همراه", "شماره تلفن همراه", "شماره همراه", "همراه"),
    *("recipient", "recipients", "receptor", "receiver", "to", "گیرنده", "شماره گیرنده", "مخاطب"),
)
# Landlines and row counters have these names too: such columns are chosen by content.
_VAGUE_NAMES: Final = (
    *("phone", "phone number", "phone no", "telephone", "tel", "تلفن", "شماره تلفن", "شماره تماس", "تماس"),
    *("number", "numbers", "شماره", "شماره ها"),
)
KNOWN_NAMES: Final = (*_SURE_NAMES, *_VAGUE_NAMES)

_FOLDED: Final = str.maketrans({**PERSIAN_LETTERS})
_IGNORED: Final = re.compile(r"[\s_\-\u200b-\u200f\u2060\ufeff.:*]+")
_NUMBERED: Final = re.compile(
    r"(\D+)(\d{1,3})(?:value)?", re.ASCII
)  # "Phone 1 - Value" as Google writes it, "موبایل ۱"

_EXCEL_TEXT: Final = re.compile(r'="(.*)"|\'(.*)', re.DOTALL)
_WHOLE_FLOAT: Final = re.compile(r"([0-9]+)\.0+", re.ASCII)
_SCIENTIFIC: Final = re.compile(r"([0-9](?:[.,/٫][0-9]*)?)e\+?([0-9]{1,2})", re.ASCII | re.IGNORECASE)
_MOBILE_DIGITS: Final = 10  # without a prefix


@frozen
class Layout:
    """The layout of a file: ``column`` counts from 0, ``header`` is its row's number, or 0 without one."""

    column: int = 0
    header: int = 0
    fields: Mapping[str, int] = field(factory=dict[str, int], repr=False)
    """The columns by folded name; empty without a header."""
    repeated: frozenset[str] = frozenset()
    """Names that several columns have."""
    headings: tuple[str, ...] = ()
    """The header cells as written."""

    @property
    def title(self) -> str:
        """The column's name in the header."""
        return self.headings[self.column] if self.column < len(self.headings) else ""

    def position(self, name: str) -> int:
        """The column with this name. Raises ``InvalidRequest`` unless exactly one has it."""
        key = folded(name)
        if key in self.repeated:
            raise InvalidRequest(f"Several columns are named {name!r}. Rename all but one.")
        if key not in self.fields:
            raise InvalidRequest(f"The file has no column {name!r}. {_columns_words(self.headings)}")
        return self.fields[key]

    def is_heading(self, cells: Sequence[object]) -> bool:
        """Whether a row repeats the header, as at a page break or below a table."""
        return bool(self.headings) and tuple(map(heading, cells[: len(self.headings)])) == self.headings


def _columns_words(headings: Iterable[str]) -> str:
    known = name_list(filter(None, headings))
    return f"Its columns: {known}." if known else "It has no header."


def folded(name: object) -> str:
    """A column's name for comparison: without differences in case, spaces and Arabic letters."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", str(name)).translate(_FOLDED).casefold())


_RANK: Final = {folded(name): rank for rank, name in reversed(list(enumerate(KNOWN_NAMES)))}
_VAGUE: Final = len(_SURE_NAMES)  # ranks from here


class _Ranks(Container[str]):
    """The known names, also with a number after them."""

    def __contains__(self, name: object) -> bool:
        return _rank(str(name)) is not None


def _rank(name: str) -> tuple[int, int] | None:
    """The rank of a folded name, the surest first, and the number after it; None for an unknown name."""
    if name in _RANK:
        return _RANK[name], 0
    numbered = _NUMBERED.fullmatch(with_ascii_digits(name))
    if numbered and numbered[1] in _RANK:
        return _RANK[numbered[1]], int(numbered[2])
    return None


_KNOWN: Final = _Ranks()


def find_layout(sample: Iterable[Row], wanted: str | None = None) -> Layout:
    """The layout of a file with its numbers in the column ``wanted`` (a name or a position) or the likeliest one.

    ``sample`` contains the file's first rows. Raises ``InvalidRequest`` unless exactly one column fits.
    """
    rows = [row for row in sample if any(map(is_filled, row[1]))]
    if not rows:
        raise InvalidRequest("The file has no rows. Give a file with one recipient per row.")
    if wanted is not None:
        return _wanted_layout(rows, wanted)
    header = _header(rows, _KNOWN)
    counts = _mobiles(rows)
    if header is None:
        return _by_content(rows, counts)
    column = _likeliest([folded(heading(cell)) for cell in header[1]], counts)
    return _with_header(header, column)


def _header(rows: Sequence[Row], names: Container[str]) -> Row | None:
    """The last row above the first number that has one of these names: a report may begin with titles."""
    found = None
    for row in rows:
        if any(map(is_mobile, row[1])):
            break
        if any(folded(heading(cell)) in names for cell in row[1]):
            found = row
    return found


def _mobiles(rows: Sequence[Row]) -> list[int]:
    """How many mobile numbers each column contains."""
    counts = [0] * _width(rows)
    for _, cells in rows:
        for index, cell in enumerate(cells):
            counts[index] += is_mobile(cell)
    return counts


def _likeliest(names: Sequence[str], counts: Sequence[int]) -> int:
    """The column, chosen by name and content.

    The surest name with any mobile number in its column; a vague one only with half as many as the fullest column has.
    If no column holds any, only the name decides.
    """
    ranked = {index: rank for index, name in enumerate(names) if (rank := _rank(name)) is not None}
    most = max(counts)
    if most == 0:
        return _surest(ranked)
    sure = {index: rank for index, rank in ranked.items() if rank[0] < _VAGUE and counts[index]}
    vague = {index: rank for index, rank in ranked.items() if counts[index] * 2 >= most}
    if sure or vague:
        return _surest(sure or vague)
    return _only([index for index, count in enumerate(counts) if count], "mobile numbers")


def _surest(ranked: Mapping[int, tuple[int, int]]) -> int:
    best = min(ranked.values())
    return _only([index for index, rank in ranked.items() if rank == best], "numbers")


def _wanted_layout(rows: Sequence[Row], wanted: str) -> Layout:
    name = folded(wanted)
    header = _header(rows, {name} - {""})
    if header is not None:
        found = [index for index, cell in enumerate(header[1]) if folded(heading(cell)) == name]
        return _with_header(header, _only(found, repr(wanted)))
    digits = with_ascii_digits(wanted.strip())
    if not digits.isdecimal():
        known = _header(rows, _KNOWN) or _topmost(rows)
        columns = _columns_words(map(heading, known[1] if known else ()))
        raise InvalidRequest(
            f"The file has no column {wanted!r}. {columns} Give one of these names, or a position counted from 1."
        )
    width = _width(rows)
    if not 1 <= int(digits) <= width:
        raise InvalidRequest(f"The file has {width} columns: --column counts from 1 to {width}.")
    return _layout(rows, int(digits) - 1)


def _by_content(rows: Sequence[Row], counts: Sequence[int]) -> Layout:
    holding = [index for index, count in enumerate(counts) if count]
    if not holding and len(counts) > 1:
        raise InvalidRequest("No column contains mobile numbers or has a known name for them. Give --column.")
    return _layout(rows, _only(holding or [0], "mobile numbers"))


def _width(rows: Sequence[Row]) -> int:
    return max(len(cells) for _, cells in rows)


def _only(found: Sequence[int], what: str) -> int:
    if len(found) > 1:
        places = ", ".join(str(index + 1) for index in found)
        raise InvalidRequest(f"Several columns have {what}: {places}. Give one of them with --column.")
    return found[0]


def _layout(rows: Sequence[Row], column: int) -> Layout:
    """The layout without a column name: a row above the first number is a header by a known name, or without digits."""
    header = _header(rows, _KNOWN)
    if header is None:
        topmost = _topmost(rows)
        title = heading(cell_at(topmost[1], column)) if topmost else ""
        if title and not any(map(str.isdecimal, title)):
            header = topmost
    return Layout(column) if header is None else _with_header(header, column)


def _topmost(rows: Sequence[Row]) -> Row | None:
    """The first of the fullest rows above the first number: titles have fewer cells than a header."""
    above: list[Row] = []
    for row in rows:
        if any(map(is_mobile, row[1])):
            break
        above.append(row)
    return max(above, key=lambda row: sum(map(is_filled, row[1])), default=None)


def _with_header(row: Row, column: int) -> Layout:
    headings = [heading(cell) for cell in row[1]]
    while headings and not headings[-1]:
        headings.pop()
    names = list(map(folded, headings))
    fields = {name: index for index, name in reversed(list(enumerate(names))) if name}
    repeated = frozenset(name for name in fields if names.count(name) > 1)
    return Layout(column, row[0], fields, repeated, tuple(headings))


# Cells


def is_mobile(cell: object) -> bool:
    """Whether a cell holds a mobile number."""
    return mobile_of(cell) is not None


def mobile_of(cell: object) -> str | None:
    """A cell's mobile number in local form, in any spelling of a spreadsheet; None if it has none.

    What counts is what the cell holds, not how it is shown. ``9.12E+09`` in a text is not one: guessed digits would be
    another person's number.
    """
    value = value_of(cell)
    if type(value) is float and value.is_integer():
        value = int(value)
    form = local_form(value)
    if form is not None:
        return form
    text = with_ascii_digits(_plain(value))
    quoted = _EXCEL_TEXT.fullmatch(text)
    if quoted:
        text = quoted[1] or quoted[2] or ""
    whole, scientific = _WHOLE_FLOAT.fullmatch(text), _SCIENTIFIC.fullmatch(text)
    if whole:
        text = whole[1]
    elif scientific and sum(map(str.isdigit, scientific[1])) >= _MOBILE_DIGITS:
        text = str(int(Decimal(re.sub(r"[,/٫]", ".", scientific[1])).scaleb(int(scientific[2]))))
    return local_form(text)


def mobile_numbers(cells: Sequence[object]) -> list[str | None]:
    """``mobile_of`` for each of these cells; faster for a column with one spelling."""
    forms = local_forms([_digits_of_whole(value_of(cell)) for cell in cells])
    return [mobile_of(cell) if form is None else form for form, cell in zip(forms, cells, strict=True)]


def _digits_of_whole(value: object) -> object:
    return str(int(value)) if type(value) is float and value > 0 and value.is_integer() else value


def _plain(value: object) -> str:
    """A value as text, without its format."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def number_problem(cell: object) -> str:
    """Why a cell has no mobile number."""
    if isinstance(cell, Fault):
        return f"its number {cell.problem}"
    text = with_ascii_digits(_plain(value_of(cell)))
    if not text:
        return "it has no number"
    if _SCIENTIFIC.fullmatch(text):
        return (
            "its number was shortened by the spreadsheet (as in 9.12E+09): format its column as Text and export again"
        )
    return "not an Iranian mobile number"
