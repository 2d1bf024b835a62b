"""Segments: the people that a bulk message reaches by place, age and gender, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Any, Final, SupportsIndex, TypeAlias, TypeVar

import attrs
from attrs import field, frozen

from smscore import InvalidRequest
from smscore.wire import as_int, iterable


def _plain(value: SupportsIndex) -> int:
    """A whole number as an ``int``, numpy's too. Anything else stays as it is, and is reported before a send."""
    given: Any = value
    number = None if isinstance(given, int) else as_int(given)
    return given if number is None else number


def _plain_or_none(value: SupportsIndex | None) -> int | None:
    return None if value is None else _plain(value)


class Gender(IntEnum):
    """The gender of the people in a segment."""

    ALL = 0
    MALE = 1
    FEMALE = 2


@frozen
class Slice:
    """A slice of an operator's numbers in a segment: ``size`` of them, beginning with number ``start`` (from 0)."""

    start: int = field(converter=_plain)
    size: int = field(converter=_plain)


_NOBODY: Final = Slice(0, 0)


@frozen
class CountrySegment:
    """People by number prefix and place. The ids are IPPanel's, as ``provinces()``, ``counties()``, ``cities()`` list.

    ``pre`` has 2 to 6 digits. ``bank`` is ``"all"`` or ``"white"`` (not blacklisted). ``age_from`` and ``age_to`` are
    Jalali birth years from 1300 to 1410. Document: IPPanel Edge, Send Country SMS.
    """

    pre: int = field(converter=_plain)
    province_id: int = field(converter=_plain)
    county_id: int | None = field(default=None, converter=_plain_or_none)
    city_id: int | None = field(default=None, converter=_plain_or_none)
    bank: str = "all"
    gender: int = field(default=Gender.ALL, converter=_plain)
    age_from: int = field(default=1300, converter=_plain)
    age_to: int = field(default=1410, converter=_plain)
    mci: Slice = _NOBODY
    irancell: Slice = _NOBODY
    other: Slice = _NOBODY


@frozen
class PostalCodeSegment:
    """People by the first 2 to 5 digits of their postal code; the rest is as in :class:`CountrySegment`.

    Document: IPPanel Edge, Send Postal code SMS.
    """

    postal_code: int = field(converter=_plain)
    bank: str = "all"
    gender: int = field(default=Gender.ALL, converter=_plain)
    age_from: int = field(default=1300, converter=_plain)
    age_to: int = field(default=1410, converter=_plain)
    mci: Slice = _NOBODY
    irancell: Slice = _NOBODY
    other: Slice = _NOBODY


@frozen
class Place:
    """A province, county or city, by the id that segments take."""

    id: int
    name: str


@frozen
class SegmentCount:
    """How many numbers a segment has, by operator; None if the answer lacks it."""

    mci: int | None
    irancell: int | None
    other: int | None


Segment: TypeAlias = CountrySegment | PostalCodeSegment
S = TypeVar("S", CountrySegment, PostalCodeSegment)


def _whole(least: int, most: int | None = None) -> Callable[[object], bool]:
    def fits(value: object) -> bool:
        number = as_int(value)
        return number is not None and least <= number and (most is None or number <= most)

    return fits


def _is_slice(value: object) -> bool:
    return isinstance(value, Slice) and _whole(0)(value.start) and _whole(0)(value.size)


# For each field: whether a value is valid, and what an error says otherwise.
_FIELDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "pre": (_whole(10, 999_999), "must be a number of 2 to 6 digits"),
    "postal_code": (_whole(10, 99_999), "must be a number of 2 to 5 digits"),
    "province_id": (_whole(1), "must be IPPanel's id, a number ≥ 1"),
    "county_id": (lambda value: value is None or _whole(1)(value), "must be IPPanel's id, a number ≥ 1, or None"),
    "city_id": (lambda value: value is None or _whole(1)(value), "must be IPPanel's id, a number ≥ 1, or None"),
    "bank": (lambda value: value in ("all", "white"), 'must be "all" or "white"'),
    "gender": (_whole(0, 2), "must be 0, 1 or 2 (ippanel_sms.Gender)"),
    "age_from": (_whole(1300, 1410), "must be a Jalali year from 1300 to 1410"),
    "age_to": (_whole(1300, 1410), "must be a Jalali year from 1300 to 1410"),
    "mci": (_is_slice, "must be a Slice with start and size ≥ 0"),
    "irancell": (_is_slice, "must be a Slice with start and size ≥ 0"),
    "other": (_is_slice, "must be a Slice with start and size ≥ 0"),
}


def checked_segments(segments: S | Iterable[S], kind: type[S]) -> list[S]:
    """The segments as a list. Raises ``InvalidRequest``, which names every invalid field of each."""
    given: Any = segments  # callers may be untyped
    found: list[S] = [given] if isinstance(given, kind) else list(iterable(given, "segments"))
    if not found:
        raise InvalidRequest("segments= is empty. Give at least one.")
    problems = [
        f"segment {place}: {problem}" for place, segment in enumerate(found) for problem in _problems(segment, kind)
    ]
    if problems:
        raise InvalidRequest("Invalid segments. " + "; ".join(problems) + ".")
    return found


def counted_segment(segment: CountrySegment) -> CountrySegment:
    """The segment, whatever its sizes. Raises ``InvalidRequest``, which names every invalid field."""
    problems = [*_wrong_fields(segment, CountrySegment)]
    if problems:
        raise InvalidRequest("Invalid segment. " + "; ".join(problems) + ".")
    return segment


def _problems(segment: Segment, kind: type[Segment]) -> Iterator[str]:
    wrong = [*_wrong_fields(segment, kind)]
    yield from wrong
    if not wrong and not (segment.mci.size or segment.irancell.size or segment.other.size):
        yield "mci, irancell and other all have size 0, so that it reaches nobody"


def _wrong_fields(segment: Segment, kind: type[Segment]) -> Iterator[str]:
    if not isinstance(segment, kind):
        yield f"it is {type(segment).__name__}, not {kind.__name__}"
        return
    wrong = [field.name for field in attrs.fields(kind) if not _FIELDS[field.name][0](getattr(segment, field.name))]
    yield from (f"{name} {_FIELDS[name][1]}" for name in wrong)
    if not wrong and segment.age_from > segment.age_to:
        yield "age_from is after age_to"
