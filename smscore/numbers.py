"""Iranian mobile numbers: any usual spelling in, the local form ``09123456789`` out, or None. Nothing here raises."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from numbers import Number
from typing import Any, Final, Protocol, SupportsIndex, TypeAlias, TypeGuard, cast
from urllib.parse import unquote

from smscore.characters import CharacterTable, ascii_digit, is_divider, is_plus
from smscore.integers import as_int, as_whole
from smscore.text import LazyText, plain_text


class PhoneNumber(Protocol):
    """A ``phonenumbers.PhoneNumber``, as Django's fields hold it too."""

    @property
    def country_code(self) -> int | None:
        """98 for Iran."""
        ...

    @property
    def national_number(self) -> int | None:
        """The number without its prefix, 9123456789."""
        ...


Recipient: TypeAlias = str | int | float | Decimal | SupportsIndex | LazyText | PhoneNumber
"""One mobile number, in any type that a person, a spreadsheet or a framework gives."""

_MOBILE: Final = re.compile(r"(?:\+98|0098|98|0)?(9[0-9]{9})", re.ASCII)

# The spellings that a whole list is usually in.
_COMMON_PREFIXES: Final = ("0", "+98", "", "98", "0098")
_DIGITS: Final = b"0123456789"
_MANY: Final = 12  # numbers that are compared faster as columns than one by one


_TOO_LONG: Final = 10**15  # for any spelling of a number; Python does not even write out the longest


def _plain(character: str) -> str | None:
    if is_divider(character):
        return None
    return "+" if is_plus(character) else ascii_digit(character)


def _plain_with_brackets(character: str) -> str | None:
    return _BRACKETS.get(unicodedata.category(character)) or _plain(character)


_BRACKETS: Final = {"Ps": "(", "Pe": ")"}
_ASCII_DIGITS: Final = CharacterTable(ascii_digit)
_PLAIN: Final = CharacterTable(_plain)
_PLAIN_LINES: Final = CharacterTable(lambda character: "\n" if character == "\n" else _plain(character))
_PLAIN_WITH_BRACKETS: Final = CharacterTable(_plain_with_brackets)


def with_ascii_digits(text: str) -> str:
    """The same text with the decimal digits of any script as ASCII ones."""
    return text.translate(_ASCII_DIGITS)


def without_separators(text: str) -> str:
    """A number, or a piece of one, with ASCII digits and nothing between them, and without ``tel:``."""
    plain = text.translate(_PLAIN_WITH_BRACKETS)
    return _digits(plain) or plain


def is_one_recipient(value: object) -> TypeGuard[Recipient]:
    """Whether a value is one recipient, valid or not, rather than several."""
    if type(value) in (str, int):
        return True
    if type(value) in (list, tuple, set, frozenset, dict):
        return False
    return isinstance(value, Number) or as_int(value) is not None or plain_text(value) is not None or _is_phone(value)


def local_form(number: object) -> str | None:
    """One number as ``09123456789``, or None if it is not an Iranian mobile number."""
    text = number if type(number) is str else _as_text(number)
    if text is None:
        return None
    match = _MOBILE.fullmatch(text)
    if match is None:
        plain = text.translate(_PLAIN)
        match = _MOBILE.fullmatch(plain) or (_written_with_more(text) if _MAYBE_MORE.fullmatch(plain) else None)
    return "0" + match[1] if match else None


def _as_text(number: object) -> str | None:
    if type(number) is int:
        return str(number) if 0 < number < _TOO_LONG else None
    text = plain_text(number)
    if text is not None:
        return text
    whole = as_whole(number)
    return _of_phone(number) if whole is None else _as_text(whole)


# Objects of frameworks, recognised by their attributes: nothing of theirs is imported.


def _is_phone(value: object) -> bool:
    return hasattr(value, "country_code") and hasattr(value, "national_number")


def _of_phone(phone: object) -> str | None:
    parts = [getattr(phone, name, None) for name in ("country_code", "national_number")]
    country, national = map(as_int, parts)
    # An extension leads behind a switchboard, not to a mobile.
    if country != _IRAN or national is None or getattr(phone, "extension", None):
        return None
    return None if getattr(phone, "italian_leading_zero", None) else f"+{_IRAN}{national}"


_IRAN: Final = 98


# Spellings with more than digits, a plus and separators


# Their shape once separators are removed; a quick check, since most bad numbers do not match.
_MAYBE_MORE: Final = re.compile(
    r"(?:\+|00)?9809[0-9]{9}|[+0][0-9]+[^0-9+a-z].*|tel:.*", re.ASCII | re.IGNORECASE | re.DOTALL
)
_TRUNK_ZERO: Final = re.compile(r"\A\(*(\+98|0098|98)\)*\(0", re.ASCII)
_TEL: Final = re.compile(r"tel:([^;]*)((?:;.*)?)", re.ASCII | re.IGNORECASE | re.DOTALL)
_GROUPS: Final = re.compile(r"[+0][0-9]+([^0-9+])[0-9]{2,}(?:\1[0-9]{2,})+", re.ASCII)
_GROUP_MARKS: Final = frozenset({"Po", "Pc"})


def _written_with_more(text: str) -> re.Match[str] | None:
    digits = _digits(text.translate(_PLAIN_WITH_BRACKETS))
    return None if digits is None else _MOBILE.fullmatch(digits)


def _digits(plain: str) -> str | None:
    uri = _TEL.fullmatch(plain)
    digits = _digits_of_uri(uri[1], uri[2]) if uri else plain
    return None if digits is None else _without_marks(_without_trunk_zero(digits))


def _without_trunk_zero(text: str) -> str:
    """``+98(0)912…`` without brackets, and without the zero, which is for calls inside the country."""
    return _TRUNK_ZERO.sub(r"\1", text).replace("(", "").replace(")", "")


def _without_marks(text: str) -> str:
    """``0912.345.6789`` without its dots; at least two equal ones, since a single one may be a decimal point."""
    groups = _GROUPS.fullmatch(text)
    return text.replace(groups[1], "") if groups and unicodedata.category(groups[1]) in _GROUP_MARKS else text


def _digits_of_uri(number: str, parameters: str) -> str | None:
    """The number of a ``tel:`` URI (RFC 3966), its dashes gone; None where an extension or another place is meant."""
    given = dict(_parameter(one) for one in parameters.split(";") if one)
    if any(given.get(name) for name in ("ext", "isub", "postd")):
        return None
    number = unquote(number).translate(_PLAIN_WITH_BRACKETS).replace(".", "")
    context = unquote(given.get("phonecontext", ""))
    if context in ("", f"+{_IRAN}"):
        return number
    # A longer prefix is the number's beginning. With another country's, or a host name, nothing matches.
    return None if number.startswith("+") else context + number


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.lower(), value


# Many numbers


def local_forms(numbers: list[Any]) -> list[str | None]:
    """Every number as :func:`local_form` gives it, in order; the same list if nothing changes."""
    usual = forms_of_one_spelling(numbers)
    if usual is not None:
        return cast("list[str | None]", usual)
    forms = [local_form(number) for number in numbers]
    return numbers if forms == numbers else forms


def forms_of_one_spelling(numbers: list[Any]) -> list[str] | None:
    """The local forms of a long list in which all are mobile numbers in one usual spelling; None of any other list."""
    if len(numbers) < _MANY:
        return None
    # Comparing columns of the joined list takes a twentieth of the time of a regular expression on each number.
    try:
        joined = "\n".join(numbers) + "\n"
    except TypeError:
        return None
    usual = _common_prefix(joined, len(numbers))
    if usual is not None:
        return numbers if usual == "0" else ["0" + number[len(usual) :] for number in numbers]
    plain = joined.translate(_PLAIN_LINES)
    usual = None if plain == joined else _common_prefix(plain, len(numbers))
    return None if usual is None else ["0" + line[len(usual) :] for line in plain.splitlines()]


def _common_prefix(joined: str, count: int) -> str | None:
    """The prefix of all these lines, if each is that prefix and a mobile number; None otherwise."""
    if not joined.isascii():
        return None
    lines = joined.encode()
    return next(
        (
            prefix
            for prefix in _COMMON_PREFIXES
            if _is_in_columns(lines, prefix + "9", count, len(prefix) + len("9123456789"))
        ),
        None,
    )


def _is_in_columns(joined: bytes, start: str, count: int, length: int) -> bool:
    """Whether there are ``count`` lines of this length, each ``start`` and then digits: no item has a line break."""
    width = length + 1
    return (
        len(joined) == width * count
        and joined[length::width] == b"\n" * count
        and all(joined[place::width] == sign.encode() * count for place, sign in enumerate(start))
        and joined.translate(None, _DIGITS) == (b"+\n" if start[0] == "+" else b"\n") * count
    )


def e164(local: str) -> str:
    """``09123456789`` as ``+989123456789``."""
    return "+98" + local[1:]


def e164_forms(locals_: Iterable[str]) -> list[str]:
    """Many local numbers as E.164, in order."""
    return ["+98" + local[1:] for local in locals_]
