"""One-time codes in Django views: through the first provider that takes them, and the truth told to the user."""

from __future__ import annotations

import logging
import math
import secrets
import time

from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_GET, require_POST

from ippanel_sms import IPPanel
from najva_sms import Najva
from sepahan_sms import Sepahan
from smscore import (
    Approved,
    Failover,
    InvalidNumber,
    Outcome,
    Pattern,
    RateLimited,
    SMSError,
    Timeouts,
    normalize_number,
)

LIFETIME = 120  # seconds
TRIES = 5
EACH_NUMBER = 60  # seconds between two codes for one number: others would spend your credit
CALL = Timeouts(call=10)  # a user waits for it: all tries through all providers end by then

# The patterns as each provider has approved them (these are the sandbox's); Sepahan has none, and is sent a text.
LOGIN = Pattern(
    ippanel=Approved("otp"),
    najva=Approved("login", {"code": "token"}),
    sepahan="کد ورود شما: {code}",
)

log = logging.getLogger("codes")

# One for the whole process, in the order to try them; tokens and lines are read from the environment at each call.
sms = Failover(IPPanel(timeout=CALL), Najva(timeout=CALL), Sepahan(timeout=CALL))


@require_POST
def send_code(request: HttpRequest) -> JsonResponse:
    try:
        number = normalize_number(request.POST["mobile"])  # one person, however the number is typed
    except InvalidNumber:
        return JsonResponse({"error": "شماره موبایل درست نیست."}, status=400)
    if not cache.add(f"asked:{number}", time.time() + EACH_NUMBER, EACH_NUMBER):
        return try_again_in(cache.get(f"asked:{number}", time.time() + 1) - time.time())
    ticket, code = secrets.token_urlsafe(), f"{secrets.randbelow(1_000_000):06}"
    cache.set_many({f"code:{ticket}": code, f"tries:{ticket}": 0}, LIFETIME)  # a cache that all processes share
    try:
        report = sms.send_pattern(number, LOGIN, {"code": code})
    except SMSError as error:
        log.warning("%s: %s", type(error).__name__, error)  # neither the code nor the number is in it
        if error.outcome is Outcome.UNKNOWN:  # it may be on its way: the code stays good, and is not sent again
            return JsonResponse({"ticket": ticket, "note": "اگر تا یک دقیقهٔ دیگر کدی نرسید، دوباره درخواست کنید."})
        forget(ticket)
        cache.delete(f"asked:{number}")  # nothing was sent to it
        if isinstance(error, RateLimited):  # every provider has too much to do
            return try_again_in(error.retry_after or 30)
        if error.outcome is Outcome.NOT_SENT:  # it never left: the user may ask again at once
            return JsonResponse({"error": "کد فرستاده نشد. دوباره تلاش کنید."}, status=503)
        return JsonResponse({"error": "ارسال کد فعلاً ممکن نیست."}, status=502)  # refused: error.message says why
    cache.set(f"sent:{ticket}", report[0], LIFETIME)
    return JsonResponse({"ticket": ticket})


@require_GET
def delivery(request: HttpRequest) -> JsonResponse:
    """What became of a code's message, for a page that asks every few seconds while its user waits."""
    sent = cache.get(f"sent:{request.GET['ticket']}")
    try:
        status = sms.deliveries([sent])[0].status if sent is not None else None
    except SMSError as error:
        log.warning("%s: %s", type(error).__name__, error)
        status = None
    return JsonResponse({"delivery": None if status is None else status.value})


@require_POST
def check_code(request: HttpRequest) -> JsonResponse:
    ticket = request.POST["ticket"]
    try:
        tries = cache.incr(f"tries:{ticket}")
    except ValueError:  # no such ticket, or its time is over
        return JsonResponse({"ok": False}, status=403)
    typed = "".join(str(int(letter)) for letter in request.POST["code"] if letter.isdecimal())  # Persian digits too
    is_right = tries <= TRIES and constant_time_compare(cache.get(f"code:{ticket}", ""), typed) and bool(typed)
    if is_right or tries >= TRIES:
        forget(ticket)
    return JsonResponse({"ok": is_right}, status=200 if is_right else 403)


def try_again_in(seconds: float) -> JsonResponse:
    wait = max(1, math.ceil(seconds))
    words = f"لطفاً {wait} ثانیهٔ دیگر دوباره تلاش کنید."
    return JsonResponse({"error": words}, status=429, headers={"Retry-After": str(wait)})


def forget(ticket: str) -> None:
    cache.delete_many([f"code:{ticket}", f"tries:{ticket}"])
