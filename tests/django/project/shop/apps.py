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


def _note(*words):
    if "PROJECT_SIGNALS" in os.environ:
        with Path(os.environ["PROJECT_SIGNALS"]).open("a", encoding="utf-8") as file:
            print(*words, file=file)


def _delivery_changed(delivery, message, **_):
    _note("delivery", message.batch.campaign.key, message.recipient, delivery.status.value)


def _message_received(message, account, **_):
    _note("received", account, message.text)


def _account_held(account, reason, **_):
    _note("held", account, reason.partition(":")[0])
