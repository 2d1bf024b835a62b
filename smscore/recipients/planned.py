"""The planned rows of a file: the recipient and text of each, or why it cannot be sent."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from smscore.numbers import e164
from smscore.recipients.cells import Cells, Row, cell_at
from smscore.recipients.number_column import Layout, mobile_numbers, number_problem
from smscore.recipients.template import Filler, Unfilled
from smscore.text import text_problem

DUPLICATE: Final = "same recipient and text as in an earlier row"


class Planned(msgspec.Struct, array_like=True):
    """A non-empty row of the file: to be sent, or with the ``problem`` that prevents it."""

    row: int
    recipient: str
    """In local form; empty if the row has no mobile number."""
    text: str | None = None
    """None if all get the same."""
    problem: str | None = None

    def __repr__(self) -> str:
        return f"<row {self.row}>"

    @property
    def e164(self) -> str:
        """The recipient as E.164, or empty."""
        return e164(self.recipient) if self.recipient else ""


class RowPlanner:
    """Plans rows, many at a time; without a ``filler`` all get the same text."""

    def __init__(self, layout: Layout, filler: Filler | None) -> None:
        self.headings: int = 0
        """Rows that repeat the header."""
        self._layout = layout
        self._filler = filler
        self._seen: set[int | bytes] = set()

    def plan(self, rows: Sequence[Row]) -> list[Planned]:
        """These rows, none of them empty, without those that repeat the header."""
        recipients = mobile_numbers([cell_at(cells, self._layout.column) for _, cells in rows])
        texts = self._texts([cells for _, cells in rows])
        planned: list[Planned] = []
        for (number, cells), recipient, text in zip(rows, recipients, texts, strict=True):
            if recipient is not None:
                planned.append(self._message(number, recipient, text))
            elif self._layout.is_heading(cells):
                self.headings += 1
            else:
                problem = number_problem(cell_at(cells, self._layout.column))
                planned.append(Planned(number, "", problem=problem))
        return planned

    def _texts(self, table: Sequence[Cells]) -> Sequence[str | Unfilled | None]:
        return [None] * len(table) if self._filler is None else self._filler.fill_all(table)

    def _message(self, number: int, recipient: str, text: str | Unfilled | None) -> Planned:
        if isinstance(text, Unfilled):
            return Planned(number, recipient, problem=str(text))
        problem = None if text is None else text_problem(text)
        if problem is not None:
            return Planned(number, recipient, problem=f"its text {problem}")
        key = _key(recipient, text)
        if key in self._seen:
            return Planned(number, recipient, problem=DUPLICATE)
        self._seen.add(key)
        return Planned(number, recipient, text)


def _key(recipient: str, text: str | None) -> int | bytes:
    if text is None:
        return int(recipient)
    return hashlib.blake2b(f"{recipient}{text}".encode(), digest_size=16).digest()
