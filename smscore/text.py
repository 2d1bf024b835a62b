"""The text of a message: whether it can be sent, and how many SMS parts it takes."""

from __future__ import annotations

from typing import Final

from smscore.errors import InvalidRequest

_GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED: Final = frozenset("^{}\\[~]|€\f")  # each takes two places

_BLANK: Final = (
    " \t\r\n\f\v\0\u00a0\u2000\u2001\u2002\u2003\u2009\u200b\u200c\u200d\u200e\u200f\u202f\u2060\u3000\ufeff"
)

_GSM_LIMITS: Final = (160, 153)
_UCS2_LIMITS: Final = (70, 67)


def count_parts(text: str) -> int:
    """How many SMS parts a text takes: Latin 160 in one and 153 in each of several, Persian 70 and 67.

    Persian is counted in UTF-16 units, as the operators do; a zero-width non-joiner counts one.
    A provider's own count, where it gives one, wins.
    """
    length, (single, several) = _length_and_limits(text)
    return 1 if length <= single else -(-length // several)


def _length_and_limits(text: str) -> tuple[int, tuple[int, int]]:
    characters = set(text)
    if characters <= _GSM_BASIC:
        return len(text), _GSM_LIMITS
    if characters <= _GSM_BASIC | _GSM_EXTENDED:
        return len(text) + sum(map(text.count, _GSM_EXTENDED)), _GSM_LIMITS
    return len(text.encode("utf-16-le", "surrogatepass")) // 2, _UCS2_LIMITS


def text_problem(text: object) -> str | None:
    """Why a text cannot be sent, or None where it can."""
    if not isinstance(text, str):
        return f"is {type(text).__name__}, not str"
    if not text.strip(_BLANK):
        return "is empty"
    if not can_be_encoded(text):
        return "holds half of a surrogate pair, which no encoding can carry"
    return None


def can_be_encoded(text: str) -> bool:
    """Whether a text is UTF-8 to be: half of a surrogate pair is not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_text(text: str) -> str:
    """The text, if it can be sent; ``InvalidRequest`` otherwise."""
    problem = text_problem(text)
    if problem is not None:
        raise InvalidRequest(f"The message text {problem}. Give the text to send as a str.")
    return text
