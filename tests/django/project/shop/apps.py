import os
from pathlib import Path

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self):
        from smscore.contrib.django import signals

        signals.delivery_changed.connect(_delivery_changed)
        signals.message_received.connect(_message_received)
        signals.account_held.connect(_account_held)
        signals.credit_low.connect(_credit_low)


def _note(*words):
    if "PROJECT_SIGNALS" in os.environ:
        with Path(os.environ["PROJECT_SIGNALS"]).open("a", encoding="utf-8") as file:
            print(*words, file=file)
    if os.environ.get("PROJECT_RAISES"):
        raise ZeroDivisionError


def _delivery_changed(delivery, message, **_):
    what = f"{message.batch.campaign.key} {message.recipient}" if message else f"None {delivery.message_id}"
    _note("delivery", what, delivery.status.value, delivery.provider)


def _message_received(message, account, **_):
    _note("received", account, message.text)


def _account_held(account, reason, **_):
    _note("held", account, reason.partition(":")[0])


def _credit_low(account, credit, **_):
    _note("credit", account, credit)
