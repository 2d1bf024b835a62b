"""Run in the Django shop: campaigns for the admin's pictures, to numbers that belong to nobody.

Said twice: ``before`` a worker has run, and ``after`` it.
"""

import os
from functools import partial

from django.contrib.auth import get_user_model
from shop.models import Order, Subscriber
from shop.sms import confirm_order

from smscore.contrib.django import sms
from smscore.contrib.django.database import DjangoDatabase
from smscore.queue.store import accounts, campaigns, suppression

ODD = ("09990000001", "09990000002", "09990000003", "09990000004")
ORDERS = (
    ("مریم رضایی", "09120000001", "بوف کور"),
    ("Sara Ahmadi", "09010000056", "سووشون"),
    ("علی کریمی", "09330000045", "کلیدر، جلد ۱ و ۲"),
    ("نرگس محمدی", "09120000001", "شازده احتجاب"),
)


def numbers(prefix, count):
    return [f"{prefix}{n:06}" for n in range(count)]


def before():
    get_user_model().objects.create_superuser("maryam", password="maryam")
    for number in numbers("09120", 40):
        Subscriber.objects.create(phone="+98" + number[1:])
    sms["news"].enqueue([*numbers("09121", 2400), *ODD], "حراج نوروز کتاب سپید\nلغو۱۱", key="nowruz-1406")
    sms["news"].enqueue([*numbers("09351", 800), "09990000010"], "نمایشگاه کتاب: غرفه ۱۲\nلغو۱۱", key="book-fair")
    for name, phone, book in ORDERS:
        confirm_order(Order.objects.create(name=name, phone=phone, book=book))
    DjangoDatabase().write(partial(suppression.add, numbers=numbers("09121", 3)))


def after():
    paused = sms["news"].enqueue(numbers("09361", 1500), "شب یلدا: ۲۵٪ تخفیف\nلغو۱۱", key="yalda-sale")
    reason = "قیمت در متن اشتباه است"
    DjangoDatabase().write(partial(campaigns.pause, campaign_id=paused.id, reason=reason))
    dropped = sms["news"].enqueue(numbers("09371", 300), "کتاب‌های تازهٔ آذر\nلغو۱۱", key="new-books")
    DjangoDatabase().write(partial(campaigns.cancel, campaign_id=dropped.id, reason="تکراری"))
    sms["codes"].enqueue("09120000001", "یادآوری پرداخت سفارش ۱۰۲۴", key="reminder-1024")
    DjangoDatabase().write(partial(accounts.hold, name="codes", until=None, reason="شارژ حساب"))


{"before": before, "after": after}[os.environ["SCENE"]]()
