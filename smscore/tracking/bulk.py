"""Matches the rows of a bulk message, which have no ids, to the messages that were sent with it. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from attrs import define, field

from smscore.tracking.followed import Changes, Followed
from smscore.tracking.lookups import BulkRow
from smscore.tracking.states import State


@define
class _Repeated:
    """A number that may stand more than once: the rows that are asked about, by how many came before each."""

    rows: dict[int, int] = field(factory=dict[int, int])
    count: int = 0
    last: State | None = None


@define(eq=False, repr=False)
class BulkMatch:
    """The k-th message to a number takes the number's k-th row, or its last one if there are fewer."""

    followed: Followed
    _several: set[str | None] = field(init=False)  # the numbers that have more than one message
    _single: dict[str, int] = field(factory=dict[str, int], init=False)
    _repeated: dict[str, _Repeated] = field(factory=dict[str, _Repeated], init=False)

    def __attrs_post_init__(self) -> None:
        self._several = set(map(self.followed.number, self.followed.repeats))

    def expect(self, rows: Sequence[int]) -> None:
        """Ask about these rows of the followed messages too."""
        for row in rows:
            number = self.followed.number(row)
            if number is None:
                continue
            if number in self._several:
                self._repeated.setdefault(number, _Repeated()).rows[self.followed.repeats.get(row, 0)] = row
            else:
                self._single[number] = row

    def take(self, page: Iterable[BulkRow]) -> Changes:
        """What the rows of the next page change."""
        rows, sights = array("I"), list[State]()
        for one in page:
            sight = State(one.status, one.code)
            row = self._single.pop(one.recipient, None)
            if row is None:
                row = self._of_repeated(one.recipient, sight)
            if row is not None:
                rows.append(row)
                sights.append(sight)
        return self.followed.see(rows, sights)

    def _of_repeated(self, number: str, sight: State) -> int | None:
        repeated = self._repeated.get(number)
        if repeated is None:
            return None
        repeated.count, repeated.last = repeated.count + 1, sight
        return repeated.rows.pop(repeated.count - 1, None)

    def end(self) -> Changes:
        """What follows for the messages that have no row of their own, when all pages were taken."""
        left = [(row, one.last) for one in self._repeated.values() for row in one.rows.values()]
        return self.followed.see([row for row, _ in left], [last for _, last in left])
