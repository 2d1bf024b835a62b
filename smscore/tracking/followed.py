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

    ``numbers`` are E.164 or, with ``are_local``, local forms; None where only an id was given. ``sent_at`` is in Unix
    time, NaN where it is not known. ``seen`` has the number of each one's state. ``left`` is how many rows are open:
    they have an id and no final status.
    """

    provider: str
    states: States = field(repr=False)
    ids: array[int] = field(repr=False)
    sent_at: array[float] = field(repr=False)
    numbers: Sequence[str | None] = field(repr=False)
    refs: Sequence[Any] | None = field(default=None, repr=False)
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


@frozen
class Changes:
    """Rows whose state has changed, and to what; each :class:`Delivery` is made when it is asked for."""

    of: Followed
    rows: array[int] = field(repr=False)
    seen: array[int] = field(repr=False)

    def __iter__(self) -> Iterator[Delivery]:
        return map(self.of.delivery, self.rows, self.seen)


def joined(parts: Sequence[Followed]) -> Followed:
    """The open rows of several of one provider, as one."""
    rows = [(part, row) for part in parts for row in part.open_rows()]
    has_refs = any(part.refs is not None for part in parts)
    places = [(place, part.repeats[row]) for place, (part, row) in enumerate(rows) if row in part.repeats]
    return Followed(
        parts[0].provider,
        parts[0].states,
        array("q", (part.ids[row] for part, row in rows)),
        array("d", (part.sent_at[row] for part, row in rows)),
        [part.number(row) for part, row in rows],
        [None if part.refs is None else part.refs[row] for part, row in rows] if has_refs else None,
        repeats=dict(places),
        seen=array("I", (part.seen[row] for part, row in rows)),
    )
