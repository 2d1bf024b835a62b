"""Messages whose delivery is asked about, as columns: a hundred thousand of them must cost little."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import Factory, define, field, frozen

from smscore.columns import NO_ID
from smscore.numbers import e164
from smscore.statuses import Delivery
from smscore.tracking.states import State, States


def _nothing_seen(self: Followed) -> array[int]:
    return array("I", [0]) * len(self.ids)


@define(eq=False)
class Followed:
    """Messages of one provider in the order given, and what has been seen of each.

    ``numbers`` are E.164, or with ``are_local`` a report's own local forms; None where only an id was given.
    ``sent_at`` is in Unix time, NaN where it is not known. ``seen`` has the number of each one's state. ``left`` is
    how many rows are open: they have an id and no final status.
    """

    provider: str
    states: States = field(repr=False)
    ids: array[int] = field(repr=False)
    sent_at: array[float] = field(repr=False)
    numbers: list[str | None] = field(repr=False)
    refs: list[Any] | None = field(default=None, repr=False)
    are_local: bool = False
    repeats: Mapping[int, int] = field(factory=dict[int, int], repr=False)
    """By row: how many rows before it have the same number and id, where there are any; of bulk messages only."""
    seen: array[int] = field(default=Factory(_nothing_seen, takes_self=True), repr=False)
    left: int = field(init=False)
    _open: array[int] = field(init=False, repr=False)  # the open rows, and some that have become final since
    _by_id: dict[int, int | list[int]] | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.left = len(self.ids) - self.ids.count(NO_ID)
        self._open = array("I", range(len(self.ids)))

    def __len__(self) -> int:
        return len(self.ids)

    def number(self, row: int) -> str | None:
        """The recipient's number as E.164."""
        number = self.numbers[row]
        return e164(number) if self.are_local and number is not None else number

    def moment(self, row: int) -> float | None:
        """When the message was sent, in Unix time."""
        seconds = self.sent_at[row]
        return None if math.isnan(seconds) else seconds

    def open_rows(self) -> Iterator[int]:
        """The open rows, in order."""
        kept = array("I")
        for row in self._open:
            if self.ids[row] != NO_ID and self.states.is_open(self.seen[row]):
                kept.append(row)
                yield row
        self._open = kept

    def rows_of(self, message_id: int) -> Sequence[int]:
        """The rows that have this id."""
        if self._by_id is None:
            self._by_id = {}
            for row, id_ in enumerate(self.ids):
                self._index(self._by_id, id_, row)
        found = self._by_id.get(message_id, ())
        return [found] if isinstance(found, int) else found

    def _index(self, by_id: dict[int, int | list[int]], id_: int, row: int) -> None:
        before = by_id.setdefault(id_, row)
        if isinstance(before, list):
            before.append(row)
        elif before != row:
            by_id[id_] = [before, row]

    def absorb(self, other: Followed) -> None:
        """Append the open rows of another of the same provider."""
        rows, start = [*other.open_rows()], len(self)
        self._own_columns()
        self.numbers.extend(map(other.number, rows))
        if self.refs is None and other.refs is not None:
            self.refs = [None] * start
        if self.refs is not None:
            self.refs.extend(None if other.refs is None else other.refs[row] for row in rows)
        self.repeats = {**self.repeats, **_moved(other.repeats, rows, start)} if other.repeats else self.repeats
        self.ids.extend(other.ids[row] for row in rows)
        self.sent_at.extend(other.sent_at[row] for row in rows)
        self.seen.extend(other.seen[row] for row in rows)
        self._open.extend(range(start, len(self)))
        self.left += len(rows)
        if self._by_id is not None:
            for row in range(start, len(self)):
                self._index(self._by_id, self.ids[row], row)

    def _own_columns(self) -> None:
        """Copy columns that are a report's own."""
        if self.are_local:
            self.numbers = [self.number(row) for row in range(len(self))]
            self.refs = None if self.refs is None else [*self.refs]
            self.are_local = False

    def compacted(self) -> Followed:
        """The open rows alone."""
        empty = Followed(self.provider, self.states, array("q"), array("d"), [])
        empty.absorb(self)
        return empty

    def see(self, rows: Iterable[int], sights: Iterable[State | None]) -> Changes:
        """Take new sights of these rows, None where there is none. Gives what has changed."""
        changed, seen = array("I"), array("I")
        for row, sight in zip(rows, sights, strict=True):
            place = None if sight is None else self.states.merged(self.seen[row], sight)
            if place is not None:
                self.seen[row] = place
                self.left -= not self.states.is_open(place)
                changed.append(row)
                seen.append(place)
        return Changes(self, changed, seen)

    def delivery(self, row: int, seen: int | None = None) -> Delivery:
        """What is known of a message, or what it was with this state."""
        id_, state = self.ids[row], self.states[self.seen[row] if seen is None else seen]
        status, code, words = state or (None, None, None)
        ref = None if self.refs is None else self.refs[row]
        return Delivery(self.number(row), None if id_ == NO_ID else id_, status, code, words, ref, self.provider)


def _moved(repeats: Mapping[int, int], rows: Sequence[int], start: int) -> dict[int, int]:
    return {place: repeats[row] for place, row in enumerate(rows, start) if row in repeats}


@frozen
class Changes:
    """Rows whose state has changed, and to what; each :class:`Delivery` is made when it is asked for."""

    of: Followed
    rows: array[int] = field(repr=False)
    seen: array[int] = field(repr=False)

    def __iter__(self) -> Iterator[Delivery]:
        return map(self.of.delivery, self.rows, self.seen)
