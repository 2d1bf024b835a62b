"""Calls that send to one recipient, such as a one-time code by a template: the recipient and the template's values."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, SupportsIndex, TypeAlias, cast

from smscore.errors import InvalidRequest
from smscore.integers import as_int
from smscore.numbers import Recipient
from smscore.sending.batching import Outgoing
from smscore.sending.outgoing import checked_numbers, recipients_of
from smscore.text import Text, can_be_encoded, plain_text

__all__ = ["PatternValue", "one_recipient", "outgoing_to_one", "pattern_texts"]

PatternValue: TypeAlias = Text | SupportsIndex | Decimal
"""What the value of a pattern's variable may be given as."""

MAX_DIGITS: Final = 1_000  # of a number, before and after its point: more than any text holds
_ALLOWED: Final = f"a str, or an int or a Decimal of at most {MAX_DIGITS:,} digits"


def one_recipient(to: Recipient) -> Recipient:
    """The only recipient, also of a list of one. Raises ``InvalidRequest`` for more or none."""
    recipients = [*recipients_of(to)]
    if len(recipients) != 1:
        raise InvalidRequest(f"to= has {len(recipients)} recipients. This call takes exactly one.")
    return recipients[0]


def outgoing_to_one(to: Recipient, sender: str | None, extra: Mapping[str, Any]) -> Outgoing:
    """A send to one recipient whose text the provider makes, such as a pattern's.

    ``sender`` is in the provider's form, ``extra`` the further fields of the request. Raises ``InvalidNumber`` or
    ``InvalidRequest``.
    """
    return Outgoing(checked_numbers([one_recipient(to)]), [], [sender], extra=extra)


def pattern_texts(params: Mapping[str, PatternValue]) -> dict[str, str]:
    """The value of each of a pattern's variables as text. Raises ``InvalidRequest``, which names invalid ones."""
    if not isinstance(params, Mapping):
        raise InvalidRequest("params= must be a mapping. Give a dict of the pattern's variables and their values.")
    names = [plain_text(name) for name in params]
    if not all(name and can_be_encoded(name) for name in names):
        raise InvalidRequest("params= has a key that is not a text. Give the names of the pattern's variables.")
    texts = dict(zip(cast("list[str]", names), map(_as_text, params.values()), strict=True))
    invalid = [name for name, text in texts.items() if text is None]
    if invalid:
        raise InvalidRequest(f"Invalid values of the pattern: {', '.join(invalid)}. Each must be {_ALLOWED}.")
    return cast("dict[str, str]", texts)


def _as_text(value: object) -> str | None:
    # Not a float, which could be written in several ways; nor a bool or a date, whose text no reader expects.
    text = plain_text(value)
    if text is not None:
        return text if can_be_encoded(text) else None
    number = value if isinstance(value, Decimal) else as_int(value)
    return f"{Decimal(number):f}" if number is not None and _can_be_written_out(Decimal(number)) else None


def _can_be_written_out(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent  # a str where the number is infinite or NaN
    return isinstance(exponent, int) and number.adjusted() < MAX_DIGITS and exponent >= -MAX_DIGITS
