"""The hours of the day in which a campaign may begin batches. Pure: times come in and go out as arguments."""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from attrs import Attribute, field, frozen

from smscore.errors import InvalidRequest

__all__ = ["Window", "window_from_json"]

_TEHRAN: Final = "Asia/Tehran"
_TEHRAN_OFFSET: Final = dt.timezone(dt.timedelta(hours=3, minutes=30), _TEHRAN)  # where the machine has no time zones
_MAX_DAYS: Final = 3  # a gap of a clock change may hide an opening, but not several


def _time_of_day(_: object, attribute: Attribute[dt.time], value: object) -> None:
    if not isinstance(value, dt.time) or value.tzinfo is not None:
        raise InvalidRequest(f"{attribute.name}= of a Window must be a datetime.time without a time zone.")


def _zone(_: object, __: object, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidRequest("tz= of a Window must be the name of a time zone, such as Asia/Tehran.")
    zone_named(value)


def zone_named(name: str) -> dt.tzinfo:
    """The time zone of this name. Raises ``InvalidRequest`` for one that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if name == _TEHRAN:
            return _TEHRAN_OFFSET
        raise InvalidRequest(f"Unknown time zone: tz={name!r}. Install the package tzdata if it is missing.") from None


@frozen
class Window:
    """The hours in which a campaign may begin batches: from ``start`` until ``end``, every day.

    An ``end`` before the ``start`` passes midnight; equal ones are the whole day. ``tz`` is the name of a time zone.
    """

    start: dt.time = field(validator=_time_of_day)
    end: dt.time = field(validator=_time_of_day)
    tz: str = field(default=_TEHRAN, validator=_zone)

    def is_open(self, now: float) -> bool:
        """Whether a batch may begin now (seconds since 1970)."""
        moment = dt.datetime.fromtimestamp(now, zone_named(self.tz)).time()
        if self.start == self.end:
            return True
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end

    def opens_at(self, now: float) -> float:
        """When a batch may begin next, in seconds since 1970: now, if it is open."""
        if self.is_open(now):
            return now
        zone = zone_named(self.tz)
        today = dt.datetime.fromtimestamp(now, zone).date()
        openings = (
            dt.datetime.combine(today + dt.timedelta(days=days), self.start, zone).timestamp()
            for days in range(_MAX_DAYS)
        )
        return next(opening for opening in openings if opening > now)

    def as_json(self) -> str:
        """The window as the database keeps it."""
        return msgspec.json.encode([self.start, self.end, self.tz]).decode()


def window_from_json(text: str | None) -> Window | None:
    """The window that the database keeps, or None."""
    if text is None:
        return None
    start, end, tz = msgspec.json.decode(text, type=tuple[dt.time, dt.time, str])
    return Window(start, end, tz)
