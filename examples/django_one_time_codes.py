"""One-time codes in Django views: by a pattern of IPPanel's, and what to do on each outcome."""

from __future__ import annotations

import logging
import secrets

from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_POST

from ippanel_sms import IPPanel
from smscore import InvalidNumber, Outcome, SMSError, Timeouts

PATTERN = "your-pattern"  # the code of an approved pattern with a variable named "code"
LIFETIME = 120  # seconds
TRIES = 5

log = logging.getLogger("codes")

# One for the whole process. All tries of a call together end after 10 seconds, since a user waits for them.
ippanel = IPPanel(timeout=Timeouts(call=10))


@require_POST
def send_code(request: HttpRequest) -> JsonResponse:
    ticket, code = secrets.token_urlsafe(), f"{secrets.randbelow(1_000_000):06}"
    cache.set_many({f"code:{ticket}": code, f"tries:{ticket}": 0}, LIFETIME)  # a cache that all processes share
    try:
        ippanel.send_pattern(request.POST["mobile"], PATTERN, {"code": code})
    except InvalidNumber:
        forget(ticket)
        return JsonResponse({"error": "شماره موبایل درست نیست."}, status=400)
    except SMSError as error:
        log.warning("%s: %s", type(error).__name__, error)  # neither the code nor the number is in it
        if error.outcome is Outcome.UNKNOWN:  # it may be on its way: the code stays good, and is not sent again
            return JsonResponse({"ticket": ticket, "note": "اگر تا یک دقیقهٔ دیگر کدی نرسید، دوباره درخواست کنید."})
        forget(ticket)
        if error.outcome is Outcome.NOT_SENT:  # it never left: the user may ask again at once
            return JsonResponse({"error": "کد فرستاده نشد. دوباره تلاش کنید."}, status=503)
        return JsonResponse({"error": "ارسال کد فعلاً ممکن نیست."}, status=502)  # refused: error.message says why
    return JsonResponse({"ticket": ticket})


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


def forget(ticket: str) -> None:
    cache.delete_many([f"code:{ticket}", f"tries:{ticket}"])
