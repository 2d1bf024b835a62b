"""Hiding a token wherever it appears in a request that is shown: by its value, in every encoding."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

__all__ = ["Mask", "mask_of"]

HIDDEN: Final = b"***"
SHORT: Final = 8  # bytes; a shorter token may be a common word, and is hidden only as a whole word
MIN_IN_BASE64: Final = 6  # bytes; what a shorter token leaves in Base64 would match by chance
MAX_ENCODED: Final = 12  # bytes of one character: four of UTF-8, each as %XX

# The edges of a whole word, also in a text with escapes: \n before it is no letter of it.
_BEFORE: Final = rb"(?:(?<![0-9A-Za-z_])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4}))"
_AFTER: Final = rb"(?![0-9A-Za-z_])"
_IN_BASE64: Final = rb"[0-9A-Za-z+/_-]?"  # a character of Base64 that holds bits of the token and of its neighbour


class Mask:
    """Hides one token in bytes: as it is, percent-encoded, escaped as in JSON, or anywhere within Base64."""

    def __init__(self, token: str) -> None:
        raw = _bytes(token)
        spelled = b"".join(map(_spellings, token))
        plain = max(raw.split(b" "), key=len)  # in a form a space is a +, so the longest word is looked for
        self._forms = [
            ((plain, b"%", b"\\"), re.compile(_BEFORE + spelled + _AFTER if len(raw) < SHORT else spelled)),
            *(((_longest_word(core),), pattern) for core, pattern in _in_base64(raw)),
        ]
        self.slack: int = MAX_ENCODED * len(token)

    def __call__(self, data: bytes) -> bytes:
        """The same bytes with ``***`` in place of the token."""
        for signs, pattern in self._forms:
            if any(sign in data for sign in signs):  # spares most bodies the pattern, which is far slower than `in`
                data = pattern.sub(HIDDEN, data)
        return data

    def text(self, text: str) -> str:
        """The same for a text; characters that UTF-8 cannot encode become question marks."""
        shown = self(_bytes(text)).decode("utf-8", "surrogateescape")
        return shown.encode("utf-8", "replace").decode()

    def beginning(self, data: bytes, size: int) -> bytes:
        """At most the first ``size`` bytes, with no part of the token at their end."""
        window = data[: size + self.slack]
        hidden = self(window)
        return hidden[: min(size, len(hidden) - self.slack)] if len(window) < len(data) else hidden[:size]


@lru_cache(maxsize=64)
def mask_of(token: str) -> Mask:
    """The mask of a token; the last 64 are cached, since a client sends the same token every time."""
    return Mask(token)


def _bytes(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")  # as aiohttp reads a header's bytes
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _spellings(character: str) -> bytes:
    """A pattern of every encoding of a character."""
    raw = _bytes(character)
    units = character.encode("utf-16-be", "surrogatepass")
    percent = b"".join(b"%%%s" % _hex(raw[place : place + 1]) for place in range(len(raw)))
    escaped = b"".join(rb"\\u" + _hex(units[place : place + 2]) for place in range(0, len(units), 2))
    also = [rb"\\" + re.escape(raw)] if character in '"\\/' else [rb"\+"] if character == " " else []
    return b"(?:%s)" % b"|".join([re.escape(raw), percent, escaped, *also])


def _hex(raw: bytes) -> bytes:
    """A pattern of hexadecimal digits, in either case."""
    digits = raw.hex()
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits).encode()


def _in_base64(token: bytes) -> Iterator[tuple[bytes, re.Pattern[bytes]]]:
    """What the token is in Base64 at each of its three alignments, whatever is around it; and a pattern for each.

    A short token is searched for alone, and as the name or the password of HTTP's Basic scheme.
    """
    if len(token) < MIN_IN_BASE64:
        for whole in (token, token + b":", b":" + token):
            core = b64encode(whole).rstrip(b"=")
            yield core, re.compile(_BEFORE + _either_alphabet(core) + _AFTER)
        return
    for before in range(3):
        encoded = b64encode(b"\0" * before + token)
        core = encoded[-(-8 * before // 6) : 8 * (before + len(token)) // 6]
        yield core, re.compile(_IN_BASE64 + _either_alphabet(core) + _IN_BASE64)


def _longest_word(encoded: bytes) -> bytes:
    """The longest part that is the same in both alphabets of Base64."""
    return max(re.split(rb"[+/]", encoded), key=len)


def _either_alphabet(encoded: bytes) -> bytes:
    """A pattern of Base64 in either alphabet, whose + and / may be encoded once more."""
    marks = {"+": b"(?:%s|-)" % _spellings("+"), "/": b"(?:%s|_)" % _spellings("/")}
    return b"".join(marks.get(character) or character.encode() for character in encoded.decode())
