"""Django views: a welcome message by IPPanel, and Najva's delivery reports coming in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from ippanel_sms import IPPanel
from najva_sms import parse_webhook
from smscore import InvalidNumber, InvalidRequest, SMSError, Timeouts

# One for the whole process: threads share it and its connections, and it works after a fork.
ippanel = IPPanel(timeout=Timeouts(call=20))


@require_POST
def welcome(request: HttpRequest) -> JsonResponse:
    try:
        report = ippanel.send(request.POST["mobile"], "خوش آمدید!")
    except InvalidNumber:
        return JsonResponse({"error": "شماره موبایل درست نیست."}, status=400)
    except SMSError as error:
        return JsonResponse({"error": str(error), "outcome": error.outcome and error.outcome.value}, status=502)
    return JsonResponse({"message_ids": report.message_ids})


@csrf_exempt
def delivery_report(request: HttpRequest) -> HttpResponse:
    try:
        report = parse_webhook(body=request.body, query=request.META["QUERY_STRING"], content_type=request.content_type)
    except InvalidRequest as error:
        return HttpResponse(str(error), status=400)
    return JsonResponse({"message_id": report.message_id, "status": report.status.value})
