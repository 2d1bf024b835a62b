"""All messages of the shop."""

from datetime import time

from django.dispatch import receiver

from shop.models import Order, Subscriber
from smscore import Approved, Pattern
from smscore.contrib.django import sms
from smscore.contrib.django.signals import delivery_changed
from smscore.queue import Window

LOGIN = Pattern(ippanel=Approved("otp"), najva="کد ورود شما به کتاب سپید: {code}")
DAYTIME = Window(time(9), time(21), tz="Asia/Tehran")


def confirm_order(order):
    """Inside the order's transaction: sent if that commits, and never if it does not."""
    text = f"کتاب سپید: سفارش {order.pk} ثبت شد.\n{order.book}"
    sms.enqueue(order.phone, text, key=f"order-{order.pk}")


async def send_login_code(phone, code):
    """Now, over the second provider if the first does not take it; raises SMSError."""
    await sms.aio["login"].send_pattern(phone, LOGIN, {"code": code})


def send_newsletter(newsletter):
    """By day only. Whoever answers «لغو۱۱» is left out from then on: the account's OPT_OUT does that."""
    text = f"{newsletter.text}\nلغو۱۱"
    phones = Subscriber.objects.values_list("phone", flat=True).iterator()
    sms["news"].enqueue(phones, text, key=f"newsletter-{newsletter.pk}", window=DAYTIME)


@receiver(delivery_changed)
def note_delivery(delivery, message, **kwargs):
    key = (message and message.batch.campaign.key) or ""
    if key.startswith("order-"):
        Order.objects.filter(pk=key.removeprefix("order-")).update(delivery=delivery.status.value)
