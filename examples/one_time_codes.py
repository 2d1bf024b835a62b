"""One-time codes in an asyncio service: through the first provider that takes them, and the truth told to the user."""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import takewhile
from typing import TypeVar

from aiohttp import web
from attrs import define, field

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import (
    Approved,
    AsyncFailover,
    DeliveryStatus,
    InvalidNumber,
    Outcome,
    Pattern,
    Polling,
    RateLimited,
    SendReport,
    SMSError,
    Timeouts,
    normalize_number,
)

LIFETIME = 120.0  # seconds that a code is good for
TRIES = 5
PER_NUMBER = 3, 600.0  # so many codes for one number, in so many seconds: others would spend your credit
CALL = Timeouts(call=10)  # who waits for a code waits seconds: all tries through all providers end by then
POLLING = Polling(first=3)  # the page tells what became of a code: a first look after so many seconds

# The patterns as each provider has approved them (these are the sandbox's); Sepahan has none, and is sent a text.
LOGIN = Pattern(
    ippanel=Approved("otp"),
    najva=Approved("login", {"code": "token"}),
    sepahan="کد ورود شما: {code}",
)

T = TypeVar("T")

log = logging.getLogger("codes")


@define
class Code:
    """A code that was given out; its digits stay out of its repr, and so out of logs."""

    digits: str = field(repr=False)
    until: float
    tries_left: int = TRIES
    delivery: DeliveryStatus | None = None


def drop_first(kept: dict[str, T], is_over: Callable[[T], bool]) -> None:
    """Drop what is over, from the oldest on: else what nobody asks for again would be kept for ever."""
    for key in [key for key, _ in takewhile(lambda item: is_over(item[1]), kept.items())]:
        del kept[key]


class Codes:
    """The codes given out, by ticket. Several processes need a shared store in place of the dicts, such as Redis."""

    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}
        self._asked: defaultdict[str, list[float]] = defaultdict(list)

    def seconds_to_wait(self, number: str) -> float:
        """The seconds until this number may ask for a code; 0 if it may now, which is then counted."""
        most, seconds = PER_NUMBER
        now = time.monotonic()
        drop_first(self._asked, lambda moments: not moments or moments[-1] <= now - seconds)
        # Taken out and put in again, since the oldest come first.
        asked = self._asked[number] = [moment for moment in self._asked.pop(number, ()) if moment > now - seconds]
        if len(asked) >= most:
            return asked[0] + seconds - now
        asked.append(now)
        return 0

    def uncount(self, number: str) -> None:
        """Nothing was sent to this number, so that it may ask again."""
        del self._asked[number][-1:]

    def give_out(self) -> tuple[str, str]:
        """A ticket for the user's browser, and a code for the user's phone."""
        ticket, digits = secrets.token_urlsafe(), f"{secrets.randbelow(1_000_000):06}"
        now = time.monotonic()
        drop_first(self._codes, lambda code: code.until <= now)
        self._codes[ticket] = Code(digits, now + LIFETIME)
        return ticket, digits

    def take_back(self, ticket: str) -> None:
        self._codes.pop(ticket, None)

    def set_delivery(self, ticket: str, status: DeliveryStatus | None) -> None:
        if ticket in self._codes:
            self._codes[ticket].delivery = status

    def delivery(self, ticket: str) -> DeliveryStatus | None:
        """What is known of the message with this ticket's code."""
        code = self._codes.get(ticket)
        return None if code is None else code.delivery

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


@define
class Answer:
    """What the page shows; the ticket is None where no code can come."""

    status: int
    words: str
    ticket: str | None = None
    wait: float = 0
    report: SendReport | None = None


def try_again_in(seconds: float) -> Answer:
    return Answer(429, f"لطفاً {math.ceil(seconds)} ثانیهٔ دیگر دوباره تلاش کنید.", wait=seconds)


async def send_code(sms: AsyncFailover, codes: Codes, mobile: str) -> Answer:
    """Send a code, and what the page says then."""
    try:
        number = normalize_number(mobile)  # one person, however the number is typed
    except InvalidNumber:
        return Answer(400, "شماره موبایل درست نیست.")
    wait = codes.seconds_to_wait(number)
    if wait:
        return try_again_in(wait)
    ticket, code = codes.give_out()
    try:
        report = await sms.send_pattern(number, LOGIN, {"code": code})
    except SMSError as error:
        log.warning("%s: %s", type(error).__name__, error)  # neither the code nor the number is in it
        if error.outcome is Outcome.UNKNOWN:  # it may be on its way: the code stays good, and is not sent again
            return Answer(200, "اگر تا یک دقیقهٔ دیگر کدی نرسید، دوباره درخواست کنید.", ticket)
        codes.take_back(ticket)
        codes.uncount(number)
        if isinstance(error, RateLimited):  # every provider has too much to do
            return try_again_in(error.retry_after or 30)
        if error.outcome is Outcome.NOT_SENT:  # it never left: the user may ask again at once
            return Answer(503, "کد فرستاده نشد. دوباره تلاش کنید.")
        return Answer(502, "ارسال کد فعلاً ممکن نیست.")  # refused: error.message says why
    return Answer(200, "کد فرستاده شد.", ticket, report=report)


async def follow(sms: AsyncFailover, codes: Codes, ticket: str, report: SendReport) -> None:
    """Keep what becomes of a code, for the page. A busy service follows all its codes with one ``sms.tracker()``."""
    try:
        async for delivery in sms.track(report, timeout=LIFETIME, polling=POLLING):
            codes.set_delivery(ticket, delivery.status)
            log.info("%s: a code is %s", delivery.provider, delivery.status)
    except SMSError as error:
        log.warning("Deliveries cannot be followed: %s: %s", type(error).__name__, error)


def app_with(sms: AsyncFailover) -> web.Application:
    """A service: ``POST /codes`` (``mobile``), ``POST /codes/check`` (``ticket``, ``code``), ``GET /codes/TICKET``."""
    sms.check()  # a missing token stops the start, not the first user
    codes = Codes()
    following: set[asyncio.Task[None]] = set()

    async def ask(request: web.Request) -> web.Response:
        answer = await send_code(sms, codes, str((await request.post()).get("mobile", "")))
        headers = {"Retry-After": str(math.ceil(answer.wait))} if answer.wait else {}
        page = {"words": answer.words, "ticket": answer.ticket}
        if answer.ticket is not None and answer.report is not None:
            task = asyncio.create_task(follow(sms, codes, answer.ticket, answer.report))
            following.add(task)
            task.add_done_callback(following.discard)
        return web.json_response(page, status=answer.status, headers=headers)

    async def check(request: web.Request) -> web.Response:
        form = await request.post()
        is_right = codes.is_right(str(form.get("ticket", "")), str(form.get("code", "")))
        return web.json_response({"ok": is_right}, status=200 if is_right else 403)

    async def delivery(request: web.Request) -> web.Response:
        status = codes.delivery(request.match_info["ticket"])
        return web.json_response({"delivery": None if status is None else status.value})

    async def close(_: web.Application) -> None:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await sms.aclose()

    app = web.Application()
    app.add_routes([web.post("/codes", ask), web.post("/codes/check", check), web.get("/codes/{ticket}", delivery)])
    app.on_cleanup.append(close)
    return app


def failover() -> AsyncFailover:
    """The providers in the order to try them; each has its token and its line in the environment."""
    return AsyncFailover(AsyncIPPanel(timeout=CALL), AsyncNajva(timeout=CALL), AsyncSepahan(timeout=CALL))


if __name__ == "__main__":
    web.run_app(app_with(failover()))
