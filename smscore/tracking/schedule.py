"""What to ask about which messages at a moment, and when to ask again. Pure: no network, no clock."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import define, field, frozen

from smscore.config import ITEMS_PER_TURN, Polling
from smscore.tracking.followed import Followed
from smscore.tracking.lookups import BulkLookup, Lookup, Lookups, lookup_for

_MAX_STEPS: Final = 1_000  # a factor to a higher power may be no number any more


def wait_after(polling: Polling, polls: int, failures: int = 0, asked: float = 0.0) -> float:
    """The seconds until the next poll, after so many ``polls`` that were answered.

    Each of the ``failures`` in a row since then slows it down by another step; ``asked`` is what the provider asks to
    wait.
    """
    steps = min(polls + failures, _MAX_STEPS)
    try:
        wait = polling.first * polling.factor**steps
    except OverflowError:
        wait = polling.longest
    return max(min(polling.longest, wait), asked)


@frozen(eq=False)
class Ask:
    """One question: by which call, about which rows of whom. ``bulk_id`` is the bulk message whose pages are read."""

    provider: str
    lookup: Lookup
    bulk_id: int | None = None
    rows: list[tuple[Followed, array[int]]] = field(factory=list["tuple[Followed, array[int]]"], repr=False)

    @property
    def ids(self) -> list[int]:
        """The message ids that are asked about, in order."""
        return [followed.ids[row] for followed, rows in self.rows for row in rows]

    def add(self, followed: Followed, row: int) -> None:
        """Ask about one more."""
        if not self.rows or self.rows[-1][0] is not followed:
            self.rows.append((followed, array("I")))
        self.rows[-1][1].append(row)

    @property
    def is_full(self) -> bool:
        """Whether its call takes no more; the pages of a bulk message have all of its recipients."""
        if isinstance(self.lookup, BulkLookup):
            return False
        return sum(len(rows) for _, rows in self.rows) >= (self.lookup.endpoint.limit or ITEMS_PER_TURN)


@define(eq=False)
class Plan:
    """The questions about all open messages of ``whom`` that can be asked ``now`` (Unix time), as few as possible.

    Iterate over it once. Between the questions there is a None for every turn's worth of messages, to let others run.
    """

    whom: Iterable[Followed]
    lookups: Mapping[str, Lookups]
    now: float
    opens_in: dict[Followed, float] = field(factory=dict[Followed, float], init=False)
    """By whom, once all is planned: the seconds until something of it can be asked; missing if nothing ever can."""
    _begun: dict[tuple[Lookup, int | None], Ask] = field(factory=dict["tuple[Lookup, int | None]", Ask], init=False)

    def __iter__(self) -> Iterator[Ask | None]:
        count = 0
        opens_in = {lookup: lookup.opens_in(self.now) for lookups in self.lookups.values() for lookup in lookups}
        for followed in self.whom:
            lookups = self.lookups[followed.provider]
            for row in followed.open_rows():
                count += 1
                if count % ITEMS_PER_TURN == 0:
                    yield None
                lookup = lookup_for(lookups, followed.moment(row), self.now)
                if lookup is None:
                    continue
                wait = opens_in[lookup]
                if wait < self.opens_in.setdefault(followed, wait):
                    self.opens_in[followed] = wait
                ask = None if wait else self._with(lookup, followed, row)
                if ask is not None:
                    yield ask
        yield from self._begun.values()

    def _with(self, lookup: Lookup, followed: Followed, row: int) -> Ask | None:
        """Ask about a row too; the question, if it is complete with that."""
        key = lookup, followed.ids[row] if isinstance(lookup, BulkLookup) else None
        ask = self._begun.get(key)
        if ask is None:
            ask = self._begun[key] = Ask(followed.provider, lookup, key[1])
        ask.add(followed, row)
        return self._begun.pop(key) if ask.is_full else None
