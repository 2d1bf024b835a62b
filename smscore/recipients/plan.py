"""What a file of recipients comes to: who gets which text, and which rows are bad, before anything is sent."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import IO, Final

import msgspec
from attrs import define, field, frozen

from smscore.errors import InvalidRequest
from smscore.inputs import check_text, count_parts
from smscore.numbers import e164
from smscore.recipients.cells import Cells, Row, cell_at, is_filled
from smscore.recipients.number_column import Layout, find_layout, mobile_of, number_problem
from smscore.recipients.sheet import Origin
from smscore.recipients.template import Template, Unfilled, bind
from smscore.text import text_problem

_SAMPLE: Final = 200  # rows, from which the column is told
_LISTED: Final = 10_000  # bad rows and duplicates that are kept for showing; all are counted
DUPLICATE: Final = "its recipient and text are those of an earlier row"


class Planned(msgspec.Struct, array_like=True):
    """A row of the file that is no empty one: to be sent, or with the ``problem`` that keeps it from that."""

    row: int
    recipient: str
    """Local form; empty where the row holds no mobile number."""
    text: str | None = None
    """None where all get the same."""
    problem: str | None = None

    def __repr__(self) -> str:
        return f"<row {self.row}>"

    @property
    def e164(self) -> str:
        """The recipient as E.164, or empty."""
        return e164(self.recipient) if self.recipient else ""


@frozen
class BadRow:
    """A row that cannot be sent, by its number in the file."""

    row: int
    problem: str


@define
class Plan:
    """All that would be sent, kept on disk, so that what is sent is what was counted and shown."""

    text: str | None = field(repr=False)
    """The text for all; None where each has its own."""
    layout: Layout
    origin: Origin = field(factory=Origin)
    messages: int = 0
    empty: int = 0
    headings: int = 0
    """Rows that are the header once more."""
    bad_count: int = 0
    duplicate_count: int = 0
    bad: list[BadRow] = field(factory=list[BadRow])
    duplicates: list[int] = field(factory=list[int])
    least_parts: int = 0
    most_parts: int = 0
    total_parts: int = 0
    last_row: int = 0
    sample: str | None = field(default=None, repr=False)
    """The first text of those that differ."""
    _file: IO[bytes] = field(factory=tempfile.TemporaryFile, alias="file", repr=False)
    _recipients: hashlib.blake2b = field(factory=hashlib.blake2b, init=False, repr=False)
    _texts: hashlib.blake2b = field(factory=hashlib.blake2b, init=False, repr=False)

    def __iter__(self) -> Iterator[Planned]:
        self._file.seek(0)
        return map(msgspec.json.Decoder(Planned).decode, self._file)

    def close(self) -> None:
        """Forget it."""
        self._file.close()

    @property
    def rows(self) -> int:
        """The rows of the file that are neither its header nor empty."""
        return self.messages + self.bad_count + self.duplicate_count

    @property
    def notes(self) -> list[str]:
        """What people should know of how the file was read, a line each."""
        found = self.origin.notes()
        if self.headings:
            found.append(
                f"The header stands in {self.headings:,} more row{'s' if self.headings > 1 else ''}, left out."
            )
        return found if self.messages else [*found, *self.origin.sheets_elsewhere()]

    @property
    def recipients_digest(self) -> str:
        """The same for the same recipients in the same rows."""
        return self._recipients.hexdigest()[:32]

    @property
    def texts_digest(self) -> str:
        """The same for the same texts in the same rows."""
        return self._texts.hexdigest()[:32]

    def add(self, planned: Planned) -> None:
        """Take in a row."""
        self._file.write(_ENCODER.encode(planned) + b"\n")
        self.last_row = planned.row
        if planned.problem is None:
            self._count(planned)
        elif planned.problem is DUPLICATE:
            self.duplicate_count += 1
            if len(self.duplicates) < _LISTED:
                self.duplicates.append(planned.row)
        else:
            self.bad_count += 1
            if len(self.bad) < _LISTED:
                self.bad.append(BadRow(planned.row, planned.problem))

    def _count(self, planned: Planned) -> None:
        self._recipients.update(b"%d:%s\n" % (planned.row, planned.recipient.encode()))
        if planned.text is not None or not self.messages:
            text = planned.text or self.text or ""
            self.sample = self.sample or planned.text
            parts = count_parts(text).parts
            self._texts.update(b"%d:%s\n" % (planned.row if planned.text is not None else 0, text.encode()))
            self.least_parts = min(self.least_parts or parts, parts)
            self.most_parts = max(self.most_parts, parts)
        else:
            parts = self.most_parts
        self.messages += 1
        self.total_parts += parts


_ENCODER: Final = msgspec.json.Encoder()


def make_plan(
    rows: Iterable[Row],
    *,
    column: str | None,
    text: str | None = None,
    template: Template | None = None,
    origin: Origin | None = None,
) -> Plan:
    """The plan for these rows, with one ``text`` or a ``template``; to be closed.

    ``origin`` says where the rows came from, once all were read. Raises ``InvalidRequest`` where there can be no plan.
    """
    if text is not None:
        check_text(text)
    rows, origin = iter(rows), Origin() if origin is None else origin
    sample = list(islice(rows, _SAMPLE))
    try:
        layout = find_layout(sample, column)
        filler = None if template is None else bind(template, layout, delimited=origin.is_text)
    except InvalidRequest as error:
        raise InvalidRequest(f"{_of_sheet(origin)}{error} {origin.elsewhere()}".rstrip()) from None
    plan = Plan(text, layout, origin)
    if filler is not None and any(filler.shows_dates_of_the_computer(cells) for _, cells in sample):
        origin.remarks.append(_OWN_DATES)
    try:
        _add_all(plan, _body(chain(sample, rows), plan), _one_text if filler is None else filler.fill)
    except BaseException:
        plan.close()
        raise
    return plan


_OWN_DATES: Final = (
    "Some dates have no format but the computer's own: they are written as in the United States, month/day/year. "
    "Give those cells a date format for another."
)


def _of_sheet(origin: Origin) -> str:
    return "" if origin.sheet is None else f"In the sheet {origin.sheet!r}: "


def _one_text(_: Cells) -> None:
    return None


def _body(rows: Iterable[Row], plan: Plan) -> Iterator[Row]:
    for number, cells in rows:
        if number <= plan.layout.header:
            continue
        if not any(map(is_filled, cells)):
            plan.empty += 1
        else:
            yield number, cells


def _add_all(plan: Plan, rows: Iterable[Row], fill: Callable[[Cells], str | None]) -> None:
    seen: set[int | bytes] = set()
    for number, cells in rows:
        cell = cell_at(cells, plan.layout.column)
        recipient = mobile_of(cell)
        if recipient is not None:
            plan.add(_planned(number, recipient, cells, fill, seen))
        elif plan.layout.is_heading(cells):
            plan.headings += 1
        else:
            plan.add(Planned(number, "", problem=number_problem(cell)))


def _planned(
    number: int, recipient: str, cells: Cells, fill: Callable[[Cells], str | None], seen: set[int | bytes]
) -> Planned:
    try:
        text = fill(cells)
    except Unfilled as error:
        return Planned(number, recipient, problem=str(error))
    problem = None if text is None else text_problem(text)
    if problem is not None:
        return Planned(number, recipient, problem=f"its text {problem}")
    key = _key(recipient, text)
    if key in seen:
        return Planned(number, recipient, problem=DUPLICATE)
    seen.add(key)
    return Planned(number, recipient, text)


def _key(recipient: str, text: str | None) -> int | bytes:
    if text is None:
        return int(recipient)
    return hashlib.blake2b(f"{recipient}{text}".encode(), digest_size=16).digest()
