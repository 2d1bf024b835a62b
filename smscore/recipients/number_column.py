"""Which column of a file holds the numbers, and what a cell of it says. Nothing here reads a file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from attrs import field, frozen

from smscore.errors import InvalidRequest
from smscore.numbers import local_form, with_ascii_digits
from smscore.recipients.file import Cells, Row

# The surest first: a sheet with both "شماره" and "موبایل" often counts its rows in the former.
KNOWN_NAMES: Final = (
    *("mobile", "mobile number", "mobile no", "cell", "cellphone", "cell phone", "msisdn"),
    *("موبایل", "شماره موبایل", "تلفن همراه", "شماره تلفن همراه", "شماره همراه", "همراه"),
    *("recipient", "recipients", "receptor", "receiver", "to", "گیرنده", "شماره گیرنده", "مخاطب"),
    *("phone", "phone number", "phone no", "telephone", "tel", "تلفن", "شماره تلفن", "شماره تماس", "تماس"),
    *("number", "numbers", "شماره", "شماره ها"),
)

_FOLDED: Final = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ۀ": "ه", "ة": "ه", "أ": "ا"})
_IGNORED: Final = re.compile(r"[\s_\-\u200b-\u200f\u2060\ufeff.:*]+")

_EXCEL_TEXT: Final = re.compile(r'="(.*)"|\'(.*)', re.DOTALL)
_WHOLE_FLOAT: Final = re.compile(r"([0-9]+)\.0+", re.ASCII)
_SCIENTIFIC: Final = re.compile(r"([0-9](?:[.,/٫][0-9]*)?)e\+?([0-9]{1,2})", re.ASCII | re.IGNORECASE)
_MOBILE_DIGITS: Final = 10  # without a prefix


@frozen
class Layout:
    """Where things stand in a file: ``column`` counts from 0, ``header`` is its row's number, or 0 without one."""

    column: int = 0
    header: int = 0
    fields: Mapping[str, int] = field(factory=dict[str, int], repr=False)
    """The columns by their folded names; empty without a header."""
    repeated: frozenset[str] = frozenset()
    """Names that several columns have."""
    title: str = ""
    """The column's name as it stands in the header."""

    def position(self, name: str) -> int:
        """The column of this name; ``InvalidRequest`` where there is none, or more than one."""
        key = folded(name)
        if key in self.repeated:
            raise InvalidRequest(f"Several columns are named {name!r}. Rename all but one.")
        if key not in self.fields:
            known = ", ".join(self.fields) or "none, since it has no header"
            raise InvalidRequest(f"The file has no column {name!r}. Its columns: {known}.")
        return self.fields[key]


def folded(name: object) -> str:
    """A column's name without what people write in different ways: case, spaces, Arabic letters."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", str(name)).translate(_FOLDED).casefold())


_RANK: Final = {folded(name): rank for rank, name in reversed(list(enumerate(KNOWN_NAMES)))}


def find_layout(sample: Iterable[Row], wanted: str | None = None) -> Layout:
    """Where the numbers stand: in the column ``wanted`` (a name, or a place from 1), or in the likeliest one.

    ``sample`` are the file's first rows. Raises ``InvalidRequest`` where no column, or no single one, fits.
    """
    rows = [row for row in sample if any(map(shown, row[1]))]
    if not rows:
        raise InvalidRequest("The file holds no rows. Give a file with one recipient a row.")
    if wanted is not None:
        return _wanted_layout(rows, wanted)
    header = _header(rows, _RANK)
    if header is None:
        return _by_content(rows)
    names = [folded(cell) for cell in header[1]]
    best = min((name for name in names if name in _RANK), key=_RANK.__getitem__)
    return _with_header(header, _only([index for index, name in enumerate(names) if name == best], "numbers"))


def _header(rows: Sequence[Row], names: Container[str]) -> Row | None:
    """The first row with one of these names, of those above the first number: a report may begin with titles."""
    for row in rows:
        if any(map(is_mobile, row[1])):
            return None
        if any(folded(cell) in names for cell in row[1]):
            return row
    return None


def _wanted_layout(rows: Sequence[Row], wanted: str) -> Layout:
    name = folded(wanted)
    header = _header(rows, {name} - {""})
    if header is not None:
        found = [index for index, cell in enumerate(header[1]) if folded(cell) == name]
        return _with_header(header, _only(found, repr(wanted)))
    digits = with_ascii_digits(wanted.strip())
    if not digits.isdecimal():
        raise InvalidRequest(f"The file has no column {wanted!r}: name one of its header, or count from 1.")
    width = _width(rows)
    if not 1 <= int(digits) <= width:
        raise InvalidRequest(f"The file has {width} columns: --column counts from 1 to {width}.")
    return _layout(rows, int(digits) - 1)


def _by_content(rows: Sequence[Row]) -> Layout:
    width = _width(rows)
    holding = [index for index in range(width) if any(is_mobile(cell_at(cells, index)) for _, cells in rows)]
    if not holding and width > 1:
        raise InvalidRequest("No column holds mobile numbers, and none has a name that says so. Give --column.")
    return _layout(rows, _only(holding or [0], "mobile numbers"))


def _width(rows: Sequence[Row]) -> int:
    return max(len(cells) for _, cells in rows)


def _only(found: Sequence[int], what: str) -> int:
    if len(found) > 1:
        places = ", ".join(str(index + 1) for index in found)
        raise InvalidRequest(f"Several columns have {what}: {places}. Say by --column which one, counted from 1.")
    return found[0]


def _layout(rows: Sequence[Row], column: int) -> Layout:
    """Where nobody named the column: the first row is a header if it has a known name, or no digit in this column."""
    header = _header(rows, _RANK)
    title = shown(cell_at(rows[0][1], column))
    if header is None and title and not any(map(str.isdecimal, title)):
        header = rows[0]
    return Layout(column) if header is None else _with_header(header, column)


def _with_header(row: Row, column: int) -> Layout:
    names = [folded(cell) for cell in row[1]]
    fields = {name: index for index, name in reversed(list(enumerate(names))) if name}
    repeated = frozenset(name for name in fields if names.count(name) > 1)
    return Layout(column, row[0], fields, repeated, shown(cell_at(row[1], column)))


# Cells


def cell_at(cells: Cells, index: int) -> object:
    """The cell there; an empty text where the row ends before."""
    return cells[index] if index < len(cells) else ""


def shown(cell: object) -> str:
    """A cell as people see it: a whole float as a whole number, TRUE and FALSE, a text without the spaces around it."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def is_mobile(cell: object) -> bool:
    """Whether a cell holds a mobile number."""
    return mobile_of(cell) is not None


def mobile_of(cell: object) -> str | None:
    """A cell's mobile number in local form, in whatever way a spreadsheet wrote it; None where it holds none.

    ``9.12E+09`` in a text is none: the digits that it left out would be another person's.
    """
    form = local_form(cell)
    if form is not None:
        return form
    text = with_ascii_digits(shown(cell))
    quoted = _EXCEL_TEXT.fullmatch(text)
    if quoted:
        text = quoted[1] or quoted[2] or ""
    whole, scientific = _WHOLE_FLOAT.fullmatch(text), _SCIENTIFIC.fullmatch(text)
    if whole:
        text = whole[1]
    elif scientific and sum(map(str.isdigit, scientific[1])) >= _MOBILE_DIGITS:
        text = str(int(Decimal(re.sub(r"[,/٫]", ".", scientific[1])).scaleb(int(scientific[2]))))
    return local_form(text)


def number_problem(cell: object) -> str:
    """Why a cell that holds no mobile number holds none."""
    text = with_ascii_digits(shown(cell))
    if not text:
        return "it has no number"
    if _SCIENTIFIC.fullmatch(text):
        return (
            "the spreadsheet has shortened its number (as 9.12E+09): give that column the type Text, and export again"
        )
    return "it is no Iranian mobile number"
