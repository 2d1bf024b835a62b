"""What is known of every row of the source: one byte each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import compress, count
from typing import Final

from attrs import define

from smscore.errors import DuplicateRequest
from smscore.outcomes import Outcome

_NO_MESSAGE: Final = 0
_UNTRIED: Final = 1
_IN_PROGRESS: Final = 2
_CODES: Final = {outcome.value: code for code, outcome in enumerate(Outcome, 3)}
_REJECTED_FOR_GOOD: Final = 3 + len(_CODES)  # the earlier request of a duplicate may have been sent
_NOT_SENT: Final = _CODES[Outcome.NOT_SENT.value]
_UNKNOWN: Final = _CODES[Outcome.UNKNOWN.value]
_REJECTED: Final = _CODES[Outcome.REJECTED.value]


@define
class States:
    """What is known of every row that has a message, by row number."""

    _codes: bytearray

    @classmethod
    def none_known(cls, last_row: int) -> States:
        """No row has a message, up to this last one."""
        return cls(bytearray(last_row + 1))

    @property
    def last_row(self) -> int:
        """The highest row number."""
        return len(self._codes) - 1

    def open(self, rows: Sequence[int]) -> None:
        """Note that these rows are still to be sent."""
        self._set(rows, bytes([_UNTRIED]) * len(rows))

    def begin(self, rows: Sequence[int]) -> None:
        """Note that these rows are being sent."""
        self._set(rows, bytes([_IN_PROGRESS]) * len(rows))

    def end(self, rows: Sequence[int], outcomes: Sequence[str]) -> None:
        """Note the outcomes of these rows."""
        self._set(rows, bytes([_CODES[outcome] for outcome in outcomes]))

    def _set(self, rows: Sequence[int], codes: bytes) -> None:
        if isinstance(rows, range):
            self._codes[rows.start : rows.stop] = codes
            return
        for row, code in zip(rows, codes, strict=True):
            self._codes[row] = code

    def note(self, row: int, outcome: str, error: str | None) -> None:
        """Note what an earlier run says of a row."""
        is_duplicate = outcome == Outcome.REJECTED.value and error == DuplicateRequest.__name__
        self._codes[row] = _REJECTED_FOR_GOOD if is_duplicate else _CODES[outcome]

    def is_open(self, row: int) -> bool:
        """Whether a row provably was not sent, and is still to be."""
        return self._codes[row] in (_UNTRIED, _NOT_SENT)

    def reopen_rejected(self) -> None:
        """Let rejected rows be sent again."""
        self._codes = self._codes.replace(bytes([_REJECTED]), bytes([_NOT_SENT]))

    def give_up_repeats(self) -> None:
        """Let rows in progress be unknown, since their requests are not repeated."""
        self._codes = self._codes.replace(bytes([_IN_PROGRESS]), bytes([_UNKNOWN]))

    def count_open(self) -> int:
        """How many messages are still to be sent, with those that are found out by a repeat."""
        return sum(map(self._codes.count, (_UNTRIED, _NOT_SENT, _IN_PROGRESS)))

    @property
    def untried(self) -> Iterator[int]:
        """The rows that are still to be sent and never were, in order."""
        return self._rows(_UNTRIED)

    @property
    def tried(self) -> Iterator[int]:
        """The rows that are still to be sent and were tried before, in order."""
        return self._rows(_NOT_SENT)

    @property
    def in_progress(self) -> Iterator[int]:
        """The rows that are being sent, or were when their run ended, in order."""
        return self._rows(_IN_PROGRESS)

    @property
    def unknown(self) -> Iterator[int]:
        """The rows that may or may not have been sent, and are never sent again, in order."""
        return self._rows(_UNKNOWN)

    @property
    def in_doubt(self) -> Iterator[int]:
        """Both, in order."""
        return self._rows(_UNKNOWN, _IN_PROGRESS)

    def _rows(self, *codes: int) -> Iterator[int]:
        wanted = bytes(code in codes for code in range(256))
        return compress(count(), self._codes.translate(wanted))

    def counts(self) -> Counter[str]:
        """How many messages have each outcome; those in progress are unknown, and those that are open not sent."""
        found = {outcome: self._codes.count(code) for outcome, code in _CODES.items()}
        found[Outcome.UNKNOWN.value] += self._codes.count(_IN_PROGRESS)
        found[Outcome.NOT_SENT.value] += self._codes.count(_UNTRIED)
        found[Outcome.REJECTED.value] += self._codes.count(_REJECTED_FOR_GOOD)
        return Counter(found)
