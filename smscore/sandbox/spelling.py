"""One spelling for every number, so that numbers can be compared."""

from __future__ import annotations

from smscore.numbers import Recipient, e164, local_form, with_ascii_digits

__all__ = ["normalized"]


def normalized(number: Recipient) -> str:
    """A mobile number in E.164, from any spelling that clients accept; anything else, e.g. a line, in ASCII digits."""
    local = local_form(number)
    return e164(local) if local else with_ascii_digits(str(number)).strip()
