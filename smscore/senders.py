"""The line that a message is sent from: any usual spelling in, the provider's own spelling out."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from smscore.errors import InvalidRequest
from smscore.numbers import with_ascii_digits, without_separators
from smscore.text import can_be_encoded
from smscore.wire.endpoint import Provider

_NUMBER: Final = re.compile(r"(?:\+98|0098|98)?(0?[1-9][0-9]{3,19})", re.ASCII)


@lru_cache(4096)  # a call may name a line for each of a million messages
def line_form(line: str, prefix: str) -> str:
    """A line as ``prefix`` and its digits; a named line, such as ``+98BANK``, unchanged."""
    number = _NUMBER.fullmatch(without_separators(line.strip()))
    if number is None:
        return with_ascii_digits(line).strip()
    # The 0 before an area code belongs to the national form alone.
    return prefix + number[1].lstrip("0") if prefix else number[1]


def check_sender(sender: object, provider: Provider, *, needed: bool) -> str | None:
    """The sender in the provider's form; None if there is none and none is needed. Raises ``InvalidRequest``."""
    if isinstance(sender, int) and not isinstance(sender, bool):
        sender = str(sender)
    if sender is None:
        if needed:
            raise InvalidRequest(
                f"Missing sender. Give sender= to the call or the client, or set {provider.name.upper()}_SENDER."
            )
        return None
    if not isinstance(sender, str):
        raise InvalidRequest(f"The sender must be a str, not {type(sender).__name__}.")
    if not can_be_encoded(sender):
        raise InvalidRequest("The sender contains half of a surrogate pair, which cannot be encoded.")
    line = line_form(sender, provider.line_prefix)
    if not line:
        raise InvalidRequest("The sender is empty. Give your line, or omit it to use the client's.")
    return line
