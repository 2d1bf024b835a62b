"""What goes to one recipient, such as a one-time code: the recipient, the code and a pattern's values, checked."""

from __future__ import annotations

import re
from typing import Final

from smscore.errors import InvalidRequest
from smscore.numbers import with_ascii_digits
from smscore.outgoing import Recipient, listed

_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)


def one_recipient(to: Recipient) -> Recipient:
    """The one recipient; ``InvalidRequest`` if there are more or none."""
    recipients = listed(to)
    if len(recipients) != 1:
        raise InvalidRequest(f"to= holds {len(recipients)} recipients. This call takes one.")
    return recipients[0]


def checked_code(code: str) -> str:
    """A code to be read out, with ASCII digits; ``InvalidRequest`` if it is anything but digits."""
    if not isinstance(code, str):
        raise InvalidRequest(f"The code is {type(code).__name__}. Give it as a str, since a number loses its zeros.")
    digits = with_ascii_digits(code)
    if not _DIGITS.fullmatch(digits):
        raise InvalidRequest("The code to be read out holds something else than digits. Give digits alone.")
    return digits
