"""The tokens of a number format: placeholders for digits and dates, and literals."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from attrs import frozen

Token: TypeAlias = tuple[str, str]
"""A kind, and its text."""

LITERAL: Final = "literal"
DIGIT: Final = "digit"  # 0, # or ?
POINT: Final = "."
COMMA: Final = ","
PERCENT: Final = "%"
EXPONENT: Final = "E"  # E+ or E-
SLASH: Final = "/"
AT: Final = "@"
GENERAL: Final = "General"
DATE: Final = "date"  # yyyy, m, dd and so on
HALF: Final = "half"  # AM/PM, A/P


class NotShown(Exception):
    """A cell that shows nothing that could be sent; the text continues a sentence beginning "its 'name'"."""


_TOKEN: Final = re.compile(
    r"""(?P<general>general)
    |"(?P<quoted>[^"]*)(?:"|$)
    |\\(?P<escaped>.)
    |(?P<space>_.)
    |(?P<fill>\*.)
    |\[(?P<bracket>[^\]]*)\]
    |(?P<half>am/pm|a/p)
    |(?P<exponent>e[+-])
    |(?P<date>y+|m+|d+|h+|s+|e+|b[12]?|g+|a{3,})
    |(?P<digit>[0#?])
    |(?P<mark>[.,%/@;])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def tokens(code: str) -> list[Token]:
    """The tokens of a format, in order; every character is in one."""
    return [_token(str(match.lastgroup), match[str(match.lastgroup)]) for match in _TOKEN.finditer(code)]


_KINDS: Final = {"general": GENERAL, "bracket": "[", "half": HALF, "exponent": EXPONENT, "date": DATE, "digit": DIGIT}


def _token(group: str, text: str) -> Token:
    if group == "mark":
        return text, text
    if group == "space":
        return LITERAL, " "  # as wide as the character that follows
    if group == "fill":
        return LITERAL, ""  # repeated over the rest of the cell's width
    return _KINDS.get(group, LITERAL), text


# Languages, calendars and digits


@frozen
class Locale:
    """The language, calendar and digits of a section, from ``[$-…]``."""

    language: str = ""
    """``en``, ``fa``, another language's tag or number, or empty."""
    calendar: int = 0
    """The calendar's number in Windows (CALID); 0 for none."""
    numerals: int = 0
    """Excel's number of the digit shapes; 0 for none."""
    system: str = ""
    """``date`` or ``time`` if the computer's own format is used."""

    def digits_of(self, text: str) -> str:
        """A text with its ASCII digits in this locale's."""
        if self.numerals < _OTHER_NUMERALS:
            return text
        zero = _ZEROS.get(self.numerals)
        if zero is None:
            raise NotShown("has a number format with unsupported digits")
        return text.translate({ord("0") + digit: zero + digit for digit in range(10)})


_OTHER_NUMERALS: Final = 2
_ZEROS: Final = {2: 0x660, 3: 0x6F0, 4: 0x966, 5: 0x9E6, 6: 0xA66, 7: 0xAE6, 8: 0xB66, 9: 0xBE6, 0xA: 0xC66, 0xB: 0xCE6}
_LOCALE: Final = re.compile(
    r"\$(?P<symbol>.*?)(?:-(?P<tag>[0-9a-f]{1,8}|[a-z]{1,3}(?:-[a-z0-9]+)*)?(?:,(?P<more>[0-9a-f]{1,8}))?)?",
    re.IGNORECASE | re.DOTALL,
)
_LANGUAGES: Final = {0x09: "en", 0x29: "fa"}  # the lower ten bits of an LCID
_SYSTEM: Final = {"f800": "date", "f400": "time", "x-sysdate": "date", "x-systime": "time"}
_CALENDAR: Final = 0x7F  # without the bit of "Input dates according to selected calendar"
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]+", re.IGNORECASE)


def parse_locale(text: str) -> tuple[str, Locale | None]:
    """The symbol of ``$symbol-locale``, e.g. a currency's, and the locale, or None.

    A locale is ``NNCCLLLL`` in hexadecimal digits (the digits' shape, the calendar, Windows' number of the language),
    or a tag and then ``NNCC``, as ``fa-IR,16`` for the Persian calendar. Excel adds 80 to a calendar in which dates are
    also typed in, which changes nothing of how they are shown: ``fa-IR,96``.
    """
    match = _LOCALE.fullmatch(text)
    if match is None:
        raise NotShown("has a number format with an invalid language")
    tag, more = (match["tag"] or "").lower(), int(match["more"] or "0", 16)
    if tag in _SYSTEM:
        return match["symbol"], Locale(system=_SYSTEM[tag])
    if not tag and not more:
        return match["symbol"], None
    if _HEXADECIMAL.fullmatch(tag):
        number = int(tag, 16)
        code = number & 0xFFFF
        language = _LANGUAGES.get(code & 0x3FF, hex(code) if code else "")
        return match["symbol"], Locale(language, number >> 16 & _CALENDAR, number >> 24 & 0xFF)
    return match["symbol"], Locale(tag.partition("-")[0], more & _CALENDAR, more >> 8 & 0xFF)
