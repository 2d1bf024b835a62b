"""Dates, times and durations in a number format, in the Gregorian calendar and in the Persian one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Final

from attrs import frozen
from persiantools.jdatetime import JalaliDate

from smscore.recipients.format_digits import rounded
from smscore.recipients.format_tokens import DATE, DIGIT, HALF, LITERAL, POINT, Locale, NotShown, Token

ELAPSED: Final = "elapsed"  # [h], [mm], [ss]
MINUTE: Final = "minute"
FRACTION: Final = "fraction"  # of a second

_DAY: Final = 86_400  # seconds
_LAST_DAY: Final = 2_958_465  # 9999-12-31, in workbooks that count from 1900
_DAYS_TO_1904: Final = 1_462
_NO_LEAP_DAY: Final = 60  # Excel treats 1900 as a leap year, and this day as its 29 February
_EPOCH: Final = dt.date(1899, 12, 31).toordinal()

_GREGORIAN: Final = frozenset({0, 1, 2, 9, 0xA, 0xB, 0xC})  # and in other languages
_PERSIAN: Final = 0x16  # CAL_PERSIAN of Windows

_SYSTEM: Final[dict[str, tuple[Token, ...]]] = {
    "date": (
        (DATE, "dddd"),
        (LITERAL, ", "),
        (DATE, "mmmm"),
        (LITERAL, " "),
        (DATE, "d"),
        (LITERAL, ", "),
        (DATE, "yyyy"),
    ),
    "time": (
        (DATE, "h"),
        (LITERAL, ":"),
        (MINUTE, "mm"),
        (LITERAL, ":"),
        (DATE, "ss"),
        (LITERAL, " "),
        (HALF, "AM/PM"),
    ),
}

_ENGLISH_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MONTHS_IN_PERSIAN: Final = (
    *("ژانویه", "فوریه", "مارس", "آوریل", "مه", "ژوئن"),
    *("ژوئیه", "اوت", "سپتامبر", "اکتبر", "نوامبر", "دسامبر"),
)
_PERSIAN_MONTHS: Final = (
    *("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور"),
    *("مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
)
_ENGLISH_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_PERSIAN_DAYS: Final = ("یکشنبه", "دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه", "شنبه")
_HALVES: Final = {"fa": ("ق.ظ", "ب.ظ")}
_SHORT: Final = 3  # letters of a short English name


def is_date_token(token: Token) -> bool:
    """Whether this token makes a section one for dates."""
    return token[0] in (DATE, ELAPSED, HALF)


def date_tokens(section: Sequence[Token], locale: Locale) -> tuple[Token, ...]:
    """The section, with months distinguished from minutes, and fractions of a second from literals."""
    if locale.system:
        return _SYSTEM[locale.system]
    found: list[Token] = []
    for kind, text in section:
        if kind == DIGIT and found and found[-1][0] in (POINT, FRACTION) and text == "0":
            found[-1] = (FRACTION, f"{found[-1][1]}0")
        elif kind in (DATE, ELAPSED, HALF, POINT):
            found.append((kind, text.lower() if kind == DATE else text))
        else:
            found.append((LITERAL, text))
    return tuple(_with_minutes(found))


def _with_minutes(section: list[Token]) -> list[Token]:
    """An m or mm right after hours, or right before seconds, is a minute."""
    units = [place for place, (kind, _) in enumerate(section) if kind in (DATE, ELAPSED)]
    for at, place in enumerate(units):
        kind, text = section[place]
        if kind == DATE and text in ("m", "mm"):
            before = section[units[at - 1]][1][0] if at else ""
            after = section[units[at + 1]][1][0] if at + 1 < len(units) else ""
            if before == "h" or after == "s":
                section[place] = MINUTE, text
    return section


@frozen
class _Moment:
    """A number as a date and a time: ``seconds`` of its day, ``elapsed`` since the first one."""

    year: int
    month: int
    day: int
    weekday: int
    """From 0, Sunday."""
    seconds: int
    fraction: str
    """The digits of a second's fraction, as many as are shown."""
    elapsed: int


@frozen
class DateSection:
    """A section for dates, times and durations."""

    tokens: tuple[Token, ...]
    locale: Locale

    def show(self, value: Decimal, *, date1904: bool) -> tuple[str, bool]:
        """The date in it, never all zeros. Raises ``NotShown`` for a number that is not a date."""
        moment = self._moment(value, date1904=date1904)
        half_day = any(kind == HALF for kind, _ in self.tokens)
        return "".join(self._piece(kind, text, moment, half_day) for kind, text in self.tokens), False

    def _moment(self, value: Decimal, *, date1904: bool) -> _Moment:
        places = next((len(text) - 1 for kind, text in self.tokens if kind == FRACTION), 0)
        days = int(value)
        seconds = rounded((value - days) * _DAY, places)
        if not any(kind in (MINUTE, ELAPSED, HALF) or text[0] in "hs" for kind, text in self.tokens if kind != LITERAL):
            seconds = seconds.min(Decimal(_DAY) - 1)  # a date without a time is not rounded up to the next day
        if seconds >= _DAY:
            days, seconds = days + 1, seconds - _DAY
        if days + _DAYS_TO_1904 * date1904 > _LAST_DAY:
            raise NotShown("shows ####: it has a date format, and its value is past the year 9999")
        whole = int(seconds.to_integral_value(ROUND_FLOOR))
        year, month, day = _civil(days, self.locale.calendar, date1904=date1904)
        weekday = (days + _DAYS_TO_1904 * date1904 - 1) % 7
        return _Moment(year, month, day, weekday, whole, f"{seconds - whole:f}"[2:], days * _DAY + whole)

    def _piece(self, kind: str, text: str, moment: _Moment, half_day: bool) -> str:
        if kind == LITERAL:
            return text
        if kind == HALF:
            return self._half(text, moment.seconds >= _DAY // 2)
        if kind in (POINT, FRACTION):
            return "." + self.locale.digits_of(moment.fraction) if kind == FRACTION else "."
        if kind == DATE and text[0] in "mda" and len(text) > 2:
            return self._name(text, moment)
        number, width = _number(kind, text, moment, half_day)
        return self.locale.digits_of(f"{number:0{width}}")

    def _half(self, text: str, after_noon: bool) -> str:
        if len(text) == len("A/P"):
            return text[-1] if after_noon else text[0]
        return _HALVES.get(self.locale.language, ("AM", "PM"))[after_noon]

    def _name(self, text: str, moment: _Moment) -> str:
        language = self.locale.language or "en"
        if self.locale.calendar == _PERSIAN:
            language = "fa" if language in ("en", "fa") else language
        if language not in ("en", "fa"):
            raise NotShown("shows the name of a month or day in an unsupported language")
        persian = language == "fa"
        if text[0] == "m":
            months = _PERSIAN_MONTHS if self.locale.calendar == _PERSIAN else _MONTHS_IN_PERSIAN
            name = (months if persian else _ENGLISH_MONTHS)[moment.month - 1]
        else:
            name = (_PERSIAN_DAYS if persian else _ENGLISH_DAYS)[moment.weekday]
        if text.startswith("mmmmm") and len(text) == len("mmmmm"):
            return name[0]
        return name if persian or len(text) > _SHORT else name[:_SHORT]


def _number(kind: str, text: str, moment: _Moment, half_day: bool) -> tuple[int, int]:
    """The value of a token, and its minimum number of digits."""
    hours, minutes = moment.seconds // 3600, moment.seconds // 60
    if kind == ELAPSED:
        return moment.elapsed // {"h": 3600, "m": 60, "s": 1}[text[0]], len(text)
    if kind == MINUTE:
        return minutes % 60, len(text)
    match text[0]:
        case "y" | "e":
            return (moment.year % 100, 2) if text in ("y", "yy") else (moment.year, 4)
        case "m":
            return moment.month, len(text)
        case "d":
            return moment.day, len(text)
        case "h":
            return ((hours - 1) % 12 + 1 if half_day else hours), min(len(text), 2)
        case "s":
            return moment.seconds % 60, min(len(text), 2)
        case _:
            raise NotShown("has a number format with an unsupported calendar")


@lru_cache(maxsize=4096)
def _civil(days: int, calendar: int, *, date1904: bool) -> tuple[int, int, int]:
    """The year, month and day of a workbook's day."""
    if date1904:
        days += _DAYS_TO_1904
    if calendar in _GREGORIAN:
        if days in (0, _NO_LEAP_DAY):
            return (1900, 1, 0) if days == 0 else (1900, 2, 29)
        date = dt.date.fromordinal(_EPOCH + days - (days > _NO_LEAP_DAY))
        return date.year, date.month, date.day
    if calendar != _PERSIAN:
        raise NotShown("has a number format with an unsupported calendar")
    jalali = JalaliDate(dt.date.fromordinal(_EPOCH + days - (days > _NO_LEAP_DAY)))
    return jalali.year, jalali.month, jalali.day
