"""The messages that the sandbox keeps, by their place in the order they came."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

__all__ = ["Timeline"]

# What the texts of all kept messages may have together, in characters: memory has an end whatever is sent.
MOST_CHARACTERS = 64 * 1024 * 1024


class Entry(Protocol):
    """What a timeline keeps: something with a place and a text."""

    seq: int

    @property
    def text(self) -> str: ...


E = TypeVar("E", bound=Entry)


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
        self.put(entry)

    def put(self, entry: E) -> None:
        """Keep an entry at the place that it has, after every other."""
        self.last = entry.seq
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
        start = self.last if before is None else min(before - 1, self.last)
        if start == self.last and after < self.first:
            yield from reversed(self._kept.values())
            return
        for seq in range(start, max(after, self.first - 1), -1):
            entry = self._kept.get(seq)
            if entry is not None:
                yield entry
