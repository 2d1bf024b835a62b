"""Payamak for Django: ``INSTALLED_APPS += ["smscore.contrib.django"]``, app label ``payamak``.

::

    from smscore.contrib.django import sms

    sms.send("09123456789", "…")                              # account "default", now
    sms["codes"].send_pattern("09123456789", "code", {"code": "04521"})
    await sms.aio["default"].send(numbers, "…")               # in an async view
    with transaction.atomic():
        order.save()
        sms.enqueue("09123456789", "…", key=f"order-{order.pk}")   # sent after the commit, rolled back with it

In a test run nothing is sent: ``outbox`` is a list of what would have been.

- ``conf`` reads the settings, ``checks`` says what is wrong with them, ``accounts`` makes the clients, ``facade`` is
  ``sms``.
- ``database`` is the queue's store over Django's connection, ``queueing`` loads campaigns by it, ``models`` reads them.
- ``recording`` is what a test run collects, ``testing`` the helpers for tests.
- ``queue`` and ``drain`` are for Celery and ``django.tasks``.
- ``work`` is what ``manage.py sms_worker`` runs, ``views`` the webhook.
- ``signals`` are what workers send, by ``signal_sender``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smscore.contrib.django.facade import sms
    from smscore.contrib.django.recording import SentMessage, outbox
    from smscore.contrib.django.work import drain
    from smscore.queue import AsyncSendQueue

    queue: AsyncSendQueue
    """For engines that run tasks: ``app.conf.payamak_queue = "smscore.contrib.django:queue"``."""

__all__ = ["SentMessage", "drain", "outbox", "queue", "sms"]

_MODULES = {"sms": "facade", "outbox": "recording", "SentMessage": "recording", "drain": "work"}


# Django imports this package before any setting may be read.
def __getattr__(name: str) -> object:
    if name == "queue":
        from smscore.contrib.django.work import shared_queue

        return shared_queue()
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
