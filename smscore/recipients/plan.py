"""The plan of a send from a file: who gets which text, and which rows are invalid, before anything is sent."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import IO, Final

import msgspec
from attrs import define, field, frozen

from smscore.errors import InvalidRequest
from smscore.inputs import check_text, count_parts
from smscore.recipients.cells import Row, is_filled, short_name
from smscore.recipients.number_column import Layout, find_layout
from smscore.recipients.planned import DUPLICATE, Planned, RowPlanner
from smscore.recipients.sheet import Origin
from smscore.recipients.template import Template, bind, check_plain

__all__ = ["DUPLICATE", "BadRow", "Plan", "Planned", "make_plan"]

_SAMPLE: Final = 200  # rows from which the column is detected
_LISTED: Final = 10_000  # invalid rows and duplicates that are listed; all are counted
_BLOCK: Final = 500  # rows planned at a time
_ONE_PART: Final = 35  # characters that fit one part in every encoding: each takes at most two units of 70


@frozen
class BadRow:
    """A row that cannot be sent, by its number in the file."""

    row: int
    problem: str


@define
class Plan:
    """Everything that would be sent, kept on disk, so that exactly what was counted and shown is sent."""

    text: str | None = field(repr=False)
    """The text for all; None if each has its own."""
    layout: Layout
    origin: Origin = field(factory=Origin)
    messages: int = 0
    empty: int = 0
    headings: int = 0
    """Rows that repeat the header."""
    bad_count: int = 0
    duplicate_count: int = 0
    bad: list[BadRow] = field(factory=list[BadRow])
    duplicates: list[int] = field(factory=list[int])
    least_parts: int = 0
    most_parts: int = 0
    total_parts: int = 0
    last_row: int = 0
    sample: str | None = field(default=None, repr=False)
    """The first text, if each row has its own."""
    _file: IO[bytes] = field(factory=tempfile.TemporaryFile, alias="file", repr=False)
    _recipients: hashlib.blake2b = field(factory=hashlib.blake2b, init=False, repr=False)
    _texts: hashlib.blake2b = field(factory=hashlib.blake2b, init=False, repr=False)

    def __iter__(self) -> Iterator[Planned]:
        self._file.seek(0)
        return map(msgspec.json.Decoder(Planned).decode, self._file)

    def close(self) -> None:
        """Delete its file."""
        self._file.close()

    @property
    def rows(self) -> int:
        """The rows of the file that are neither its header nor empty."""
        return self.messages + self.bad_count + self.duplicate_count

    @property
    def notes(self) -> list[str]:
        """Notes for people about how the file was read, a line each."""
        found = self.origin.notes()
        if self.headings:
            found.append(f"Skipped: {self.headings:,} row{'s' if self.headings > 1 else ''} that repeat the header.")
        return found if self.messages else [*found, *self.origin.sheets_elsewhere()]

    @property
    def recipients_digest(self) -> str:
        """Equal for plans with the same recipients in the same rows."""
        return self._recipients.hexdigest()[:32]

    @property
    def texts_digest(self) -> str:
        """Equal for plans with the same texts in the same rows."""
        return self._texts.hexdigest()[:32]

    def add(self, rows: Sequence[Planned]) -> None:
        """Add rows."""
        if not rows:
            return
        self._file.write(_ENCODER.encode_lines(rows))
        self.last_row = rows[-1].row
        messages: list[Planned] = []
        for row in rows:
            if row.problem is None:
                messages.append(row)
            elif row.problem is DUPLICATE:
                self.duplicate_count += 1
                if len(self.duplicates) < _LISTED:
                    self.duplicates.append(row.row)
            else:
                self.bad_count += 1
                if len(self.bad) < _LISTED:
                    self.bad.append(BadRow(row.row, row.problem))
        if messages:
            self._count(messages)

    def _count(self, messages: Sequence[Planned]) -> None:
        self._recipients.update("".join(f"{row.row}:{row.recipient}\n" for row in messages).encode())
        if messages[0].text is None:
            texts = [] if self.messages else [(0, self.text or "")]
        else:
            texts = [(row.row, row.text or "") for row in messages]
            self.sample = self.sample or texts[0][1]
        self._texts.update("".join(f"{row}:{text}\n" for row, text in texts).encode())
        counts = [1 if len(text) <= _ONE_PART else count_parts(text).parts for _, text in texts] or [self.most_parts]
        self.least_parts = min(self.least_parts or counts[0], *counts)
        self.most_parts = max(self.most_parts, *counts)
        self.messages += len(messages)
        self.total_parts += sum(counts) if len(counts) == len(messages) else counts[0] * len(messages)


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

    ``origin`` says where the rows came from, once all were read. Raises ``InvalidRequest`` if no plan can be made.
    """
    if text is not None:
        check_text(text)
    rows, origin = iter(rows), Origin() if origin is None else origin
    sample = list(islice(rows, _SAMPLE))
    try:
        layout = find_layout(sample, column)
        if text is not None:
            check_plain(text, layout)
        filler = None if template is None else bind(template, layout, delimited=origin.is_text)
    except InvalidRequest as error:
        raise InvalidRequest(f"{_of_sheet(origin)}{error} {origin.elsewhere()}".rstrip()) from None
    plan = Plan(text, layout, origin)
    if filler is not None and any(filler.shows_system_dates(cells) for _, cells in sample):
        origin.remarks.append(_OWN_DATES)
    try:
        planner = RowPlanner(layout, filler)
        body = _body(chain(sample, rows), plan)
        while block := list(islice(body, _BLOCK)):
            plan.add(planner.plan(block))
            plan.headings = planner.headings
    except BaseException:
        plan.close()
        raise
    return plan


_OWN_DATES: Final = (
    "Some dates are in the computer's own format: they are written as in the United States, month/day/year. "
    "For another format, set one for those cells."
)


def _of_sheet(origin: Origin) -> str:
    return "" if origin.sheet is None else f"In the sheet {short_name(origin.sheet)!r}: "


def _body(rows: Iterable[Row], plan: Plan) -> Iterator[Row]:
    for number, cells in rows:
        if number <= plan.layout.header:
            continue
        if not any(map(is_filled, cells)):
            plan.empty += 1
        else:
            yield number, cells
