"""One spelling for every number, so that they can be compared."""

from smscore.numbers import Recipient, e164, local_form, with_ascii_digits

__all__ = ["normal"]


def normal(number: Recipient) -> str:
    """A mobile number, as clients take it, as E.164; anything else, such as a line, in ASCII digits."""
    local = local_form(number)
    return e164(local) if local else with_ascii_digits(str(number)).strip()
