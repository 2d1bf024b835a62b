"""Iranian mobile numbers: any usual spelling in, the local form ``09123456789`` out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

_INVISIBLE: Final = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
_SEPARATORS: Final = " \u00a0\u2007\u2009\u202f-\u2010\u2011\u2012\u2013\u2014\u2212()" + _INVISIBLE
_DIGITS: Final = ("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
_ASCII_DIGITS: Final = str.maketrans(*_DIGITS)
_CLEAN: Final = str.maketrans(*_DIGITS, _SEPARATORS)

_MOBILE: Final = re.compile(r"(?:\+98|0098|98|0)?(9[0-9]{9})", re.ASCII)

# The spellings that a whole list is usually in.
_USUAL: Final = ("0", "+98", "", "98", "0098")
_JUST_DIGITS: Final = b"0123456789"


_TOO_LONG: Final = 10**15  # for any spelling of a number; Python does not even write out the longest


def with_ascii_digits(text: str) -> str:
    """The same text with its Persian and Arabic digits as ASCII ones."""
    return text.translate(_ASCII_DIGITS)


def without_separators(text: str) -> str:
    """A number, or a piece of one, with ASCII digits and nothing between them."""
    return text.translate(_CLEAN)


def local_form(number: object) -> str | None:
    """One number as ``09123456789``, or None where it is no Iranian mobile number."""
    if type(number) is int and 0 < number < _TOO_LONG:
        number = str(number)
    if not isinstance(number, str):
        return None
    match = _MOBILE.fullmatch(number) or _MOBILE.fullmatch(without_separators(number.strip()))
    return "0" + match[1] if match else None


def local_forms(numbers: list[Any]) -> list[str | None]:
    """Every number as :func:`local_form` gives it, in order: the very list, where it needs no change."""
    return _in_one_spelling(numbers) or [local_form(number) for number in numbers]


def _in_one_spelling(numbers: list[Any]) -> list[str | None] | None:
    # A look at the columns of the joined list costs a twentieth of a regular expression on each number.
    try:
        joined = ("\n".join(numbers) + "\n").encode("ascii")
    except (TypeError, UnicodeEncodeError):
        return None
    for prefix in _USUAL:
        if _is_in_columns(joined, prefix + "9", len(numbers), len(prefix) + len("9123456789")):
            return numbers if prefix == "0" else ["0" + number[len(prefix) :] for number in numbers]
    return None


def _is_in_columns(joined: bytes, start: str, count: int, length: int) -> bool:
    """Whether these lines are ``count`` times ``start`` and then digits, each so long: no item has a line break."""
    width = length + 1
    return (
        len(joined) == width * count
        and joined[length::width] == b"\n" * count
        and all(joined[place::width] == sign.encode() * count for place, sign in enumerate(start))
        and joined.translate(None, _JUST_DIGITS) == (b"+\n" if start[0] == "+" else b"\n") * count
    )


def as_e164(number: object) -> str:
    """A number known to be good, in any spelling, as E.164."""
    return e164(local_form(number) or str(number))


def e164(local: str) -> str:
    """``09123456789`` as ``+989123456789``."""
    return "+98" + local[1:]


def e164_forms(locals_: Iterable[str]) -> list[str]:
    """Many local numbers as E.164, in order."""
    return ["+98" + local[1:] for local in locals_]
