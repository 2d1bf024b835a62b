"""One-time codes in an asyncio service: by a pattern, or read out by a call, and what to do on each outcome."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import sys
import time

from attrs import define, field

from ippanel_sms import AsyncIPPanel
from smscore import InvalidNumber, Outcome, SMSError, Timeouts

PATTERN = "your-pattern"  # the code of an approved pattern with a variable named "code"
LIFETIME = 120.0  # seconds
TRIES = 5

log = logging.getLogger("codes")


@define
class Code:
    """A code that was given out; its digits stay out of its repr, and so out of logs."""

    digits: str = field(repr=False)
    until: float
    tries_left: int = TRIES


class Codes:
    """The codes given out, by ticket. Several processes need a shared store in place of the dict, such as Redis."""

    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}

    def give_out(self) -> tuple[str, str]:
        """A ticket for the user's browser, and a code for the user's phone."""
        ticket, digits = secrets.token_urlsafe(), f"{secrets.randbelow(1_000_000):06}"
        self._codes[ticket] = Code(digits, time.monotonic() + LIFETIME)
        return ticket, digits

    def take_back(self, ticket: str) -> None:
        self._codes.pop(ticket, None)

    def is_right(self, ticket: str, typed: str) -> bool:
        """Whether this is the ticket's code. It is good once, for a while, and for a few tries."""
        code = self._codes.get(ticket)
        if code is None:
            return False
        code.tries_left -= 1
        typed = "".join(str(int(letter)) for letter in typed if letter.isdecimal())  # also from a Persian keyboard
        is_right = time.monotonic() < code.until and hmac.compare_digest(code.digits.encode(), typed.encode())
        if is_right or not code.tries_left:
            self.take_back(ticket)
        return is_right


async def send_code(
    client: AsyncIPPanel, codes: Codes, mobile: str, *, by_call: bool = False
) -> tuple[str | None, str]:
    """A ticket, or None where no code went out, and what to tell the user."""
    ticket, code = codes.give_out()
    try:
        if by_call:
            await client.send_votp(mobile, code)
        else:
            await client.send_pattern(mobile, PATTERN, {"code": code})
    except InvalidNumber:
        codes.take_back(ticket)
        return None, "شماره موبایل درست نیست."
    except SMSError as error:
        log.warning("%s: %s", type(error).__name__, error)  # neither the code nor the number is in it
        if error.outcome is Outcome.UNKNOWN:  # it may be on its way: the code stays good, and is not sent again
            return ticket, "اگر تا یک دقیقهٔ دیگر کدی نرسید، دوباره درخواست کنید."
        codes.take_back(ticket)
        if error.outcome is Outcome.NOT_SENT:  # it never left: the user may ask again at once
            return None, "کد فرستاده نشد. دوباره تلاش کنید."
        return None, "ارسال کد فعلاً ممکن نیست."  # refused: error.message says why
    return ticket, "کد فرستاده شد."


async def main(mobile: str) -> None:
    # Who waits for a code waits seconds: all tries of a call together end by then.
    async with AsyncIPPanel(timeout=Timeouts(call=10)) as client:  # IPPANEL_TOKEN, IPPANEL_SENDER
        codes = Codes()
        ticket, answer = await send_code(client, codes, mobile)
        print(answer)
        if ticket is not None:
            print(codes.is_right(ticket, await asyncio.to_thread(input, "code: ")))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
