"""Checks of what callers give: each function raises ``InvalidRequest``, or ``InvalidNumber`` for a number."""

from __future__ import annotations

import datetime as dt
import math
from typing import Final

from smscore.dates import TEHRAN
from smscore.errors import InvalidNumber, InvalidRequest
from smscore.numbers import Recipient, e164, local_form
from smscore.text import Parts, Text, not_a_text, parts_of, plain_text, text_problem

__all__ = ["aware", "check_text", "count_parts", "jalali_text", "normalize_number", "unix_text", "utc_text"]


def normalize_number(number: Recipient) -> str:
    """One mobile number, in any spelling, as E.164: ``+989123456789``.

    Raises ``InvalidNumber`` for anything else.
    """
    local = local_form(number)
    if local is None:
        raise InvalidNumber(
            "Not an Iranian mobile number. Give one such as 09123456789 or +989123456789.",
            numbers=[(0, number)],
        )
    return e164(local)


# Texts

_AS_A_STR: Final = "Give the text to send as a str."
_SENDABLE: Final = "Give a text that is not blank and can be encoded as UTF-8."


def check_text(text: Text) -> str:
    """The text as a ``str``, a lazy one made now. ``InvalidRequest`` if it cannot be sent."""
    plain = plain_text(text)
    problem = text_problem(text if plain is None else plain)
    if plain is None or problem is not None:
        advice = _AS_A_STR if plain is None else _SENDABLE
        raise InvalidRequest(f"The message text {problem}. {advice}")
    return plain


def count_parts(text: Text) -> Parts:
    """How many SMS parts a text takes: Latin 160 in one and 153 in each of several, Persian 70 and 67.

    Persian is counted in UTF-16 units, as the operators do; a zero-width non-joiner counts one. An emoji, or a Latin
    sign that takes two places such as €, stays whole: where it does not fit, it begins the next part, as on a handset.
    A provider's own count, where it gives one, wins. Raises ``InvalidRequest`` unless the text is a ``str`` or a lazy
    text.
    """
    plain = plain_text(text)
    if plain is None:
        raise InvalidRequest(f"The text {not_a_text(text)}. Give the text to count as a str.")
    return parts_of(plain)


# Dates


def gregorian_text(day: dt.date | dt.datetime, name: str) -> str:
    """A day as ``2025/12/31``; of an aware datetime, the day in Tehran. A naive one is ``InvalidRequest``."""
    return _day_in_tehran(day, name).isoformat().replace("-", "/")


def jalali_text(day: dt.date | dt.datetime, name: str) -> str:
    """A day as ``1404/10/10``; of an aware datetime, the day in Tehran. A naive one is ``InvalidRequest``."""
    from persiantools.jdatetime import JalaliDate

    try:
        jalali = JalaliDate(_day_in_tehran(day, name))
    except ValueError:
        raise InvalidRequest(f"{name}= is outside the Jalali calendar. Give a later date.") from None
    return f"{jalali.year:04}/{jalali.month:02}/{jalali.day:02}"


def _day_in_tehran(day: dt.date | dt.datetime, name: str) -> dt.date:
    if isinstance(day, dt.datetime):
        return aware(day, name, TEHRAN).date()
    if not isinstance(day, dt.date):
        raise InvalidRequest(f"{name}= must be a date or an aware datetime.")
    return day


def unix_text(moment: dt.datetime, name: str) -> str:
    """A moment as unix seconds, ``1744121368``. A naive one is ``InvalidRequest``."""
    return str(math.floor(aware(moment, name, dt.UTC).timestamp()))


def utc_text(moment: dt.datetime, name: str) -> str:
    """A moment as ``2025-03-12 21:20:02`` in UTC. A naive one is ``InvalidRequest``."""
    return aware(moment, name, dt.UTC).isoformat(" ", "seconds").partition("+")[0]


def aware(moment: dt.datetime, name: str, zone: dt.timezone) -> dt.datetime:
    """An aware datetime in this zone; ``InvalidRequest`` for a naive one."""
    if not isinstance(moment, dt.datetime) or moment.utcoffset() is None:
        raise InvalidRequest(f"{name}= must be a datetime with a time zone, e.g. datetime.now(timezone.utc).")
    try:
        return moment.astimezone(zone)
    except OverflowError:
        raise InvalidRequest(
            f"{name}= is outside the calendar in that time zone. Give a date between the years 1 and 9999."
        ) from None
