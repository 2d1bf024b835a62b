"""The arguments of one-time codes: the code that a call reads out, and the code of a pattern."""

from __future__ import annotations

import re
from typing import Final

from smscore import InvalidRequest
from smscore.wire import Text, can_be_encoded, plain_text, with_ascii_digits

_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)


def checked_code(code: Text) -> str:
    """A code to be read out, in ASCII digits. Raises ``InvalidRequest`` for anything but digits.

    Document: IPPanel Edge, Send VOTP.
    """
    text = plain_text(code)
    if text is None:
        raise InvalidRequest(f"code must be a str, not {type(code).__name__}: a number would lose its leading zeros.")
    digits = with_ascii_digits(text)
    if not _DIGITS.fullmatch(digits):
        raise InvalidRequest("code must contain digits only, since it is read out digit by digit.")
    return digits


def checked_pattern(code: str) -> str:
    """The code of a pattern, without surrounding blanks. Raises ``InvalidRequest`` for what is not a text.

    Document: IPPanel Edge, Send Pattern SMS.
    """
    if not isinstance(code, str) or not code.strip() or not can_be_encoded(code):
        raise InvalidRequest("code must be the code of a pattern. Copy it from the pattern in IPPanel's panel.")
    return code.strip()
