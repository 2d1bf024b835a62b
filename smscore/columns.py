"""Columns: one entry per recipient, in the order given, in as little memory as its type allows.

The garbage collector traverses a list of a million entries on every full collection, and blocks the event loop
meanwhile. So the columns that every large send fills are arrays and spans rather than lists.
"""

from __future__ import annotations

import datetime as dt
import math
import struct
from array import array
from bisect import bisect_right, insort_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast

from attrs import define, field

from smscore.dates import from_unix
from smscore.masking import MaskedState

T = TypeVar("T")

Positions: TypeAlias = Sequence[int]
"""A range where they are consecutive, a list otherwise."""

_MANY: Final = 20  # ids that are packed faster together than one by one
NO_ID: Final = -(2**63)  # in a column: there is none; no provider uses it as an id


class SparseColumn(MaskedState, Generic[T], eq=False):
    """Values that most recipients do not have (None). Takes no memory until the first is written."""

    size: int
    _entries: list[T | None] | None = None

    def __getitem__(self, position: int) -> T | None:
        return None if self._entries is None else self._entries[position]

    def __iter__(self) -> Iterator[T | None]:
        return repeat(None, self.size) if self._entries is None else iter(self._entries)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been written."""
        return self._entries is None

    def put(self, positions: Positions, value: T) -> None:
        """Write this value at these positions."""
        entries = self._written()
        for position in positions:
            entries[position] = value

    def _written(self) -> list[T | None]:
        if self._entries is None:
            empty: list[T | None] = [None] * self.size
            self._entries = empty
        return self._entries


class IdColumn(MaskedState, eq=False):
    """Message ids, or None, as 64-bit integers; larger ones are kept in a dict."""

    size: int
    _ids: array[int] | None = None
    _long: dict[int, int] | None = None

    def __getitem__(self, position: int) -> int | None:
        if self._ids is None or position >= len(self._ids):
            return None
        id_ = self._ids[position]
        if id_ != NO_ID:
            return id_
        return None if self._long is None else self._long.get(position)

    def __iter__(self) -> Iterator[int | None]:
        return map(self.__getitem__, range(self.size))

    def packed(self) -> array[int]:
        """The ids of 64 bits, ``NO_ID`` where there is none."""
        ids = array("q") if self._ids is None else self._ids[:]
        _extend_to(ids, self.size, NO_ID)
        return ids

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been written."""
        return self._ids is None

    def put(self, positions: Positions, values: Sequence[int | None]) -> None:
        """Write these values at these positions."""
        packed = self._packed(positions, values)
        if self._ids is None and isinstance(positions, range) and len(positions) == self.size:
            self._ids = packed
            return
        if self._ids is None:
            self._ids = array("q")
        if isinstance(positions, range):
            _extend_to(self._ids, positions.start, NO_ID)
            self._ids[positions.start : positions.stop] = packed
            return
        _extend_to(self._ids, max(positions, default=-1) + 1, NO_ID)
        for position, value in zip(positions, packed, strict=True):
            self._ids[position] = value

    def _packed(self, positions: Positions, values: Sequence[int | None]) -> array[int]:
        try:
            if len(values) < _MANY:
                return array("q", cast("Sequence[int]", values))
            return array("q", struct.pack(f"{len(values)}q", *values))  # half the time of array("q", values)
        except (TypeError, OverflowError, struct.error):  # a None is among them, or a longer one
            return array("q", map(self._packed_one, positions, values))

    def _packed_one(self, position: int, value: int | None) -> int:
        if value is None:
            return NO_ID
        if NO_ID < value < -NO_ID:
            return value
        if self._long is None:
            self._long = {}
        self._long[position] = value
        return NO_ID


class TimeColumn(MaskedState, eq=False):
    """Times, or None, as seconds since 1970."""

    size: int
    _seconds: array[float] | None = None

    def __getitem__(self, position: int) -> dt.datetime | None:
        seconds = self._seconds
        return None if seconds is None or position >= len(seconds) else _moment(seconds[position])

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been written."""
        return self._seconds is None

    def copy(self, positions: Positions, other: TimeColumn, others: Positions) -> None:
        """Write the times that another column has at ``others``."""
        if not other.is_empty:
            seconds = other.packed()
            self.put_each(positions, [seconds[position] for position in others])

    def put(self, positions: Positions, seconds: float | None) -> None:
        """Write this time at these positions."""
        if seconds is None or not isinstance(positions, range):
            self.put_each(positions, repeat(seconds, len(positions)))
            return
        written = array("d", [seconds]) * len(positions)
        if self._seconds is None and len(positions) == self.size:
            self._seconds = written
        else:
            self._extended(positions.start)[positions.start : positions.stop] = written

    def put_each(self, positions: Positions, seconds: Iterable[float | None]) -> None:
        """Write these times at these positions."""
        written = self._extended(max(positions, default=-1) + 1)
        for position, moment in zip(positions, seconds, strict=True):
            written[position] = math.nan if moment is None else moment

    def packed(self) -> array[float]:
        """The seconds, NaN where there is no time."""
        seconds = array("d") if self._seconds is None else self._seconds[:]
        _extend_to(seconds, self.size, math.nan)
        return seconds

    def _extended(self, size: int) -> array[float]:
        if self._seconds is None:
            self._seconds = array("d")
        _extend_to(self._seconds, size, math.nan)
        return self._seconds


@lru_cache(maxsize=64)  # a batch has one moment for all
def _moment(seconds: float) -> dt.datetime | None:
    return None if math.isnan(seconds) else from_unix(seconds)


class SpanColumn(MaskedState, Generic[T], eq=False):
    """Values shared by whole batches, or None, stored once for each span of positions."""

    _spans: list[tuple[range, T]] | None = None  # by their start

    def __getitem__(self, position: int) -> T | None:
        if self._spans is None:
            return None
        place = bisect_right(self._spans, position, key=_start) - 1
        span, value = self._spans[place] if place >= 0 else (range(0), None)
        return value if position in span else None

    def put(self, positions: Positions, value: T) -> None:
        """Write this value at these positions, once."""
        if self._spans is None:
            self._spans = []
        for span in spans(positions):
            # Batches mostly end in the order of their recipients.
            if not self._spans or span.start >= self._spans[-1][0].start:
                self._spans.append((span, value))
            else:
                insort_right(self._spans, (span, value), key=_start)


def _extend_to(column: array[Any], size: int, empty: float) -> None:
    """Make a column this long, if it is shorter.

    Of a million recipients, the memory for all of a column in one step would hold up the event loop for 5 ms.
    """
    missing = size - len(column)
    if missing > 0:
        column.extend(array(column.typecode, [empty]) * missing)


def spans(positions: Positions) -> list[range]:
    """The positions as ranges, consecutive ones in one."""
    if isinstance(positions, range):
        return [positions]
    found: list[range] = []
    for position in positions:
        if found and found[-1].stop == position:
            found[-1] = range(found[-1].start, position + 1)
        else:
            found.append(range(position, position + 1))
    return found


@define(eq=False)
class NameColumn:
    """One of few names for each recipient, such as its provider, in a byte; None before it is written."""

    size: int
    _names: list[str | None] = field(factory=lambda: [None], init=False, repr=False)
    _places: bytearray = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._places = bytearray(self.size)

    def __getitem__(self, position: int) -> str | None:
        return self._names[self._places[position]]

    def put(self, positions: Positions, name: str | None) -> None:
        """Write this name at these positions."""
        if name not in self._names:
            self._names.append(name)
        place = self._names.index(name)
        for span in spans(positions):
            self._places[span.start : span.stop] = bytes([place]) * len(span)


def _start(entry: tuple[range, object]) -> int:
    return entry[0].start
