"""What goes to one recipient, such as a one-time code: the recipient, the code and a pattern's values, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, SupportsIndex, TypeAlias, cast

from smscore import InvalidRequest
from smscore.wire import Recipient, Text, as_int, can_be_encoded, plain_text, recipients_of, with_ascii_digits

PatternValue: TypeAlias = Text | SupportsIndex | Decimal
"""What a pattern's variable may be given as."""

_MOST_DIGITS: Final = 1_000  # of a number, before and after its point: more than any text holds
_MEANT: Final = f"a str, or an int or a Decimal of at most {_MOST_DIGITS:,} digits"
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)


def one_recipient(to: Recipient) -> Recipient:
    """The one recipient; ``InvalidRequest`` if there are more or none."""
    recipients = [*recipients_of(to)]
    if len(recipients) != 1:
        raise InvalidRequest(f"to= holds {len(recipients)} recipients. This call takes one.")
    return recipients[0]


def checked_code(code: Text) -> str:
    """A code to be read out, with ASCII digits; ``InvalidRequest`` if it is anything but digits."""
    text = plain_text(code)
    if text is None:
        raise InvalidRequest(f"The code is {type(code).__name__}. Give it as a str, since a number loses its zeros.")
    digits = with_ascii_digits(text)
    if not _DIGITS.fullmatch(digits):
        raise InvalidRequest("The code to be read out holds something else than digits. Give digits alone.")
    return digits


def checked_pattern(code: str) -> str:
    """A pattern's code; ``InvalidRequest`` if it is none."""
    if not isinstance(code, str) or not code.strip() or not can_be_encoded(code):
        raise InvalidRequest("The pattern's code is no text. Give the code that IPPanel's panel shows for the pattern.")
    return code.strip()


def pattern_texts(params: Mapping[str, PatternValue]) -> dict[str, str]:
    """The value of each of a pattern's variables as text; ``InvalidRequest`` names those that are none."""
    if not isinstance(params, Mapping):
        raise InvalidRequest("params= is no mapping. Give a dict of the pattern's variables and their values.")
    names = [plain_text(name) for name in params]
    if not all(name and can_be_encoded(name) for name in names):
        raise InvalidRequest("params= has a key that is no text. Give the names of the pattern's variables.")
    texts = dict(zip(cast("list[str]", names), map(_as_text, params.values()), strict=True))
    wrong = [name for name, text in texts.items() if text is None]
    if wrong:
        raise InvalidRequest(
            f"These values of the pattern are not {_MEANT}: {', '.join(wrong)}. Write them out as text."
        )
    return cast("dict[str, str]", texts)


def _as_text(value: object) -> str | None:
    # A float could be written in several ways, and a bool or a date is no text that a reader expects.
    text = plain_text(value)
    if text is not None:
        return text if can_be_encoded(text) else None
    number = value if isinstance(value, Decimal) else as_int(value)
    return f"{Decimal(number):f}" if number is not None and _can_be_written_out(Decimal(number)) else None


def _can_be_written_out(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    # It is no int where the number is infinite or none.
    return isinstance(exponent, int) and number.adjusted() < _MOST_DIGITS and exponent >= -_MOST_DIGITS
