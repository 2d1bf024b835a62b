from django.db import transaction
from django.http import HttpResponse

from smscore.contrib.django import sms


def order(request):
    with transaction.atomic():
        sms.enqueue(request.GET["to"], "سفارش شما ثبت شد", key=f"order-{request.GET['number']}")
    if "fails" in request.GET:
        raise ZeroDivisionError
    return HttpResponse("ok")


async def code(request):
    await sms.aio["codes"].send_pattern(request.GET["to"], "login", {"code": "04521"})
    campaign = await sms.aenqueue(request.GET["to"], "خوش آمدید")
    return HttpResponse(str(campaign.id))
