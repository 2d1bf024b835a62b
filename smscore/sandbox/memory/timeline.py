"""The messages that the sandbox keeps, by their place in the order they came."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

__all__ = ["Timeline"]

# What the texts of all kept messages may have together, in characters: memory has an end whatever is sent.
MOST_CHARACTERS = 64 * 1024 * 1024


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
        self.first: int = 1  # no entry stands before it
        self.last: int = 0  # the seq given last

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[E]:
        return iter(self._kept.values())

    def get(self, seq: int) -> E | None:
        """The entry of this place, or None where it is not kept."""
        return self._kept.get(seq)

    def add(self, entry: E) -> None:
        """Keep an entry at the next place."""
        self.last += 1
        entry.seq = self.last
        self._put(entry)

    def restore(self, entries: list[E], *, last: int) -> None:
        """Keep entries, in order, at the places that they have, where there are none yet; ``last`` was given last."""
        for entry in entries:
            self._put(entry)
            self.last = entry.seq
        self.last = max(self.last, last)
        self.first = entries[0].seq if entries else self.last + 1

    def _put(self, entry: E) -> None:
        self._kept[entry.seq] = entry
        self._characters += len(entry.text)

    def overflow(self) -> Iterator[E]:
        """Take out the oldest entries, one by one, until what is kept fits."""
        while self._kept and (len(self._kept) > self._keep or self._characters > MOST_CHARACTERS):
            entry = self._kept.get(self.first)
            if entry is not None:
                self._forget(entry)
                yield entry
            self.first += 1

    def drop(self, entries: list[E]) -> None:
        """Take these entries out."""
        for entry in entries:
            self._forget(entry)
        if not self._kept:
            self.first = self.last + 1

    def _forget(self, entry: E) -> None:
        del self._kept[entry.seq]
        self._characters -= len(entry.text)

    def newest_first(self, *, before: int | None = None, after: int = 0) -> Iterator[E]:
        """The entries between two places, both left out, from the newest on."""
        last = self.last if before is None else min(before - 1, self.last)
        if last == self.last and after < self.first:
            yield from reversed(self._kept.values())
        else:
            yield from self._at(reversed(self._seqs(after + 1, last)))

    def between(self, first: int, last: int) -> Iterator[E]:
        """The entries from one place to another, both included, from the oldest on."""
        yield from self._at(self._seqs(first, last))

    def _at(self, seqs: Iterable[int]) -> Iterator[E]:
        return (entry for seq in seqs if (entry := self._kept.get(seq)) is not None)

    def _seqs(self, first: int, last: int) -> Sequence[int]:
        first = max(first, self.first)
        if last - first < len(self._kept):
            return range(first, last + 1)
        seqs = list(self._kept)  # there are wide gaps: these are fewer than the places
        return seqs[bisect_left(seqs, first) : bisect_right(seqs, last)]
