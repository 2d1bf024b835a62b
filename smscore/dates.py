"""Dates as the providers write them: Jalali or Gregorian, Tehran or UTC."""

from __future__ import annotations

import datetime as dt
import math
import re
from email.utils import parsedate_to_datetime
from typing import Final

from smscore.errors import InvalidRequest
from smscore.numbers import with_ascii_digits

TEHRAN: Final = dt.timezone(dt.timedelta(hours=3, minutes=30), "Tehran")  # all year, since 2022

_DATE: Final = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?!\d)", re.ASCII)
_FIRST_GREGORIAN_YEAR: Final = 1700


def jalali_text(day: dt.date | dt.datetime, name: str) -> str:
    """A day as ``1404/10/10``; of an aware datetime, the day in Tehran. A naive one is ``InvalidRequest``."""
    if isinstance(day, dt.datetime):
        day = aware(day, name, TEHRAN).date()
    elif not isinstance(day, dt.date):
        raise InvalidRequest(f"{name}= takes a date or an aware datetime.")
    from persiantools.jdatetime import JalaliDate

    try:
        jalali = JalaliDate(day)
    except ValueError:
        raise InvalidRequest(f"{name}= is a day outside the Jalali calendar.") from None
    return f"{jalali.year:04}/{jalali.month:02}/{jalali.day:02}"


def utc_text(moment: dt.datetime, name: str) -> str:
    """A moment as ``2025-03-12 21:20:02`` in UTC. A naive one is ``InvalidRequest``."""
    return aware(moment, name, dt.UTC).isoformat(" ", "seconds").partition("+")[0]


def aware(moment: dt.datetime, name: str, zone: dt.timezone) -> dt.datetime:
    """The moment in this zone, if it says which one it is in itself; ``InvalidRequest`` otherwise."""
    if not isinstance(moment, dt.datetime) or moment.utcoffset() is None:
        raise InvalidRequest(f"{name}= takes a datetime with a time zone, such as datetime.now(timezone.utc).")
    try:
        return moment.astimezone(zone)
    except OverflowError:
        raise InvalidRequest(f"{name}= is a moment outside the calendar.") from None


def from_unix(seconds: float | None) -> dt.datetime | None:
    """The moment so many seconds after 1970, in UTC; None if there is none in the calendar."""
    try:
        return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (OverflowError, ValueError, OSError):
        return None


def tehran_day(moment: dt.datetime | None) -> dt.date | None:
    """The day in Tehran of an aware moment; None of None."""
    return None if moment is None else moment.astimezone(TEHRAN).date()


def unix_text(moment: dt.datetime, name: str) -> str:
    """A moment as unix seconds, ``1744121368``. A naive one is ``InvalidRequest``."""
    return str(math.floor(aware(moment, name, dt.UTC).timestamp()))


def read_day(text: object) -> dt.date | None:
    """The day that a text starts with, Jalali or Gregorian (a year below 1700 is Jalali); None if it is none."""
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
