"""The interface of the spreadsheet readers, and the visible rows of a sheet."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Final, Protocol

from attrs import define, field, frozen

from smscore.errors import InvalidRequest
from smscore.recipients.cells import Cells, Row, is_filled, name_list

MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
_LISTED: Final = 20  # columns listed in a note

DAMAGED: Final = "The spreadsheet is damaged: {}. Open it in Excel or LibreOffice and save it again."


def damaged(what: str) -> InvalidRequest:
    """The error for a damaged file; ``what`` is a clause."""
    return InvalidRequest(DAMAGED.format(what))


@frozen
class SheetRow:
    """A row as in its file; empty rows may be omitted."""

    number: int
    cells: Cells = field(repr=False)
    hidden: bool = False


@define
class Sheet:
    """Properties of a sheet, known as far as it was read."""

    hidden_columns: set[int] = field(factory=set[int])
    """Counted from 0."""
    filtered: bool = False
    """Whether its rows are hidden by a filter."""


class Book(Protocol):
    """An open spreadsheet file."""

    @property
    def sheets(self) -> Mapping[str, bool]:
        """The names of the sheets in order, and whether they are visible; complete once ``rows`` has ended."""
        ...

    @property
    def name(self) -> str | None:
        """The name of the sheet that is read, once ``rows`` has begun."""
        ...

    @property
    def remarks(self) -> Sequence[str]:
        """Notes for people about how this kind of file is read."""
        ...

    def rows(self, name: str | None, about: Sheet) -> Iterator[SheetRow]:
        """The rows of this sheet, or of the first visible one; fills in ``about`` on the way."""
        ...


@define
class Origin:
    """Where rows came from, and what was skipped; complete when all rows were read."""

    sheet: str | None = None
    other_sheets: list[str] = field(factory=list[str])
    hidden_sheets: list[str] = field(factory=list[str])
    encoding: str | None = None
    """The encoding of a text file, if it is not UTF-8 or was given."""
    hidden_rows: int = 0
    filtered: bool = False
    hidden_columns: set[int] = field(factory=set[int])
    """The non-empty ones that were skipped, counted from 0."""
    remarks: list[str] = field(factory=list[str])

    @property
    def is_text(self) -> bool:
        """Whether the file has delimiters rather than cells."""
        return self.sheet is None

    def notes(self) -> list[str]:
        """Notes for people, a line each."""
        return [*self._left_out(), *self.remarks, *self._encoding_note()]

    def _left_out(self) -> Iterator[str]:
        if self.hidden_rows:
            count, one = f"{self.hidden_rows:,}", self.hidden_rows == 1
            what = f"row{'' if one else 's'} hidden by a filter" if self.filtered else f"hidden row{'' if one else 's'}"
            yield f"{count} {what} {'is' if one else 'are'} skipped; --hidden-too reads {'it' if one else 'them'}."
        if self.hidden_columns:
            yield f"Hidden columns are skipped ({self.column_letters()}); --hidden-too reads them."

    def _encoding_note(self) -> Iterator[str]:
        if self.encoding is not None:
            yield f"The file is read as {self.encoding}; --encoding reads it as another."

    def column_letters(self) -> str:
        """The hidden columns as a spreadsheet names them."""
        return ", ".join(map(column_letters, sorted(self.hidden_columns)[:_LISTED]))

    def sheets_elsewhere(self) -> Iterator[str]:
        """Sentences about the other sheets and the hidden ones."""
        if self.other_sheets:
            yield f"Other sheets: {name_list(self.other_sheets)}. Choose one with --sheet."
        if self.hidden_sheets:
            yield f"Hidden sheets: {name_list(self.hidden_sheets)}. --sheet reads them too."

    def elsewhere(self) -> str:
        """Sentences about everything in the file that was not read; empty if nothing was skipped."""
        return " ".join([*self.sheets_elsewhere(), *self._left_out()])


def column_letters(index: int) -> str:
    """A column as a spreadsheet names it: A, B, …, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def visible_rows(book: Book, wanted: str | None, origin: Origin, *, hidden_too: bool) -> Generator[Row]:
    """The visible rows of a sheet, with empty ones between others; fills in ``origin`` on the way."""
    about = Sheet()
    last = 0
    for row in book.rows(wanted, about):
        origin.sheet = book.name
        cells = row.cells
        if not hidden_too:
            if row.hidden:
                origin.hidden_rows += any(map(is_filled, cells))
                last = max(last, row.number)
                continue
            if about.hidden_columns:
                cells = _without(cells, about.hidden_columns, origin)
        for number in range(last + 1, row.number):
            yield number, []
        last = row.number
        yield row.number, cells
    origin.sheet = book.name
    origin.filtered = about.filtered
    origin.other_sheets = [name for name, visible in book.sheets.items() if visible and name != book.name]
    origin.hidden_sheets = [name for name, visible in book.sheets.items() if not visible and name != book.name]
    origin.remarks.extend(book.remarks)


def _without(cells: Cells, hidden: set[int], origin: Origin) -> Cells:
    kept = list(cells)
    for index in hidden:
        if index < len(kept) and is_filled(kept[index]):
            origin.hidden_columns.add(index)
            kept[index] = ""
    return kept


def choose_sheet(sheets: Mapping[str, bool], wanted: str | None) -> str:
    """The sheet with this name, or the first visible one."""
    if not sheets:
        raise InvalidRequest("The file is not a readable spreadsheet: it has no sheets.")
    if wanted is None:
        visible = [name for name, visible in sheets.items() if visible]
        if not visible:
            raise InvalidRequest("The spreadsheet has no visible sheet. Choose one with --sheet.")
        return visible[0]
    if wanted not in sheets:
        raise InvalidRequest(f"The spreadsheet has no sheet with this name. It has: {name_list(sheets)}.")
    return wanted
