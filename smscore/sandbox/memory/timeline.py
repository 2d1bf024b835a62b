"""The messages that the sandbox keeps, by their place in the order in which they came."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

__all__ = ["Timeline"]

# Characters of all texts together: a limit on messages alone would let long texts fill the machine's memory.
MAX_CHARACTERS: Final = 64 * 1024 * 1024


class TimelineEntry(Protocol):
    """What a timeline keeps: something with a place and a text."""

    seq: int

    @property
    def text(self) -> str: ...


E = TypeVar("E", bound=TimelineEntry)


class Timeline(Generic[E]):
    """At most ``keep`` entries, each under its ``seq``, which grows by one and is never given twice."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._kept: dict[int, E] = {}
        self._characters = 0
        self.first: int = 1  # no kept entry is before this place
        self.last: int = 0  # the place that was given last

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[E]:
        return iter(self._kept.values())

    def get(self, seq: int) -> E | None:
        """The entry at this place, or None if it is not kept."""
        return self._kept.get(seq)

    def add(self, entry: E) -> None:
        """Keep an entry, at the next place."""
        self.last += 1
        entry.seq = self.last
        self._put(entry)

    def restore(self, entries: list[E], *, last: int) -> None:
        """Fill an empty timeline with entries, in order, at the places that they have; ``last`` was given last."""
        for entry in entries:
            self._put(entry)
            self.last = entry.seq
        self.last = max(self.last, last)
        self.first = entries[0].seq if entries else self.last + 1

    def _put(self, entry: E) -> None:
        self._kept[entry.seq] = entry
        self._characters += len(entry.text)

    def overflow(self) -> Iterator[E]:
        """Remove the oldest entries, one by one, until the others fit."""
        while self._kept and (len(self._kept) > self._keep or self._characters > MAX_CHARACTERS):
            entry = self._kept.get(self.first)
            if entry is not None:
                self._forget(entry)
                yield entry
            self.first += 1

    def drop(self, entries: list[E]) -> None:
        """Remove these entries."""
        for entry in entries:
            self._forget(entry)
        if not self._kept:
            self.first = self.last + 1

    def _forget(self, entry: E) -> None:
        del self._kept[entry.seq]
        self._characters -= len(entry.text)

    def newest_first(self, *, before: int | None = None, after: int = 0) -> Iterator[E]:
        """The entries between two places, neither of them included, newest first."""
        last = self.last if before is None else min(before - 1, self.last)
        if last == self.last and after < self.first:
            yield from reversed(self._kept.values())
        else:
            yield from self._at(reversed(self._seqs(after + 1, last)))

    def between(self, first: int, last: int) -> Iterator[E]:
        """The entries from one place to another, both included, oldest first."""
        yield from self._at(self._seqs(first, last))

    def _at(self, seqs: Iterable[int]) -> Iterator[E]:
        return (entry for seq in seqs if (entry := self._kept.get(seq)) is not None)

    def _seqs(self, first: int, last: int) -> Sequence[int]:
        first = max(first, self.first)
        if last - first < len(self._kept):
            return range(first, last + 1)
        seqs = list(self._kept)  # wide gaps, as after one provider was cleared: the entries are fewer than the places
        return seqs[bisect_left(seqs, first) : bisect_right(seqs, last)]
