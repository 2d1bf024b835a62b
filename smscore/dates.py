"""Dates as providers write them, read: Jalali or Gregorian, Tehran or UTC. Nothing here raises."""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime
from typing import Final

from smscore.numbers import with_ascii_digits

TEHRAN: Final = dt.timezone(dt.timedelta(hours=3, minutes=30), "Tehran")  # all year, since 2022

_DATE: Final = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?!\d)", re.ASCII)
_FIRST_GREGORIAN_YEAR: Final = 1700


def from_unix(seconds: float | None) -> dt.datetime | None:
    """A Unix timestamp as an aware datetime in UTC; None for None, or out of the calendar's range."""
    try:
        return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (OverflowError, ValueError, OSError):
        return None


def tehran_day(moment: dt.datetime | None) -> dt.date | None:
    """The day in Tehran of an aware datetime; None for None."""
    return None if moment is None else moment.astimezone(TEHRAN).date()


def read_day(text: object) -> dt.date | None:
    """The day that a text starts with, Jalali or Gregorian (a year below 1700 is Jalali); None if there is none."""
    match = _DATE.match(with_ascii_digits(text).strip()) if isinstance(text, str) else None
    if match is None:
        return None
    year, month, day = map(int, match.groups())
    try:
        if year < _FIRST_GREGORIAN_YEAR:
            from persiantools.jdatetime import JalaliDate

            return JalaliDate(year, month, day).to_gregorian()
        return dt.date(year, month, day)
    except ValueError:
        return None


def read_retry_after(header: str | None, now: dt.datetime) -> float | None:
    """The seconds that a ``Retry-After`` header asks to wait, given as a number or as a date; None if neither."""
    if header is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", header, re.ASCII):
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or dt.UTC) - now).total_seconds())
    except (ValueError, OverflowError):
        return None
