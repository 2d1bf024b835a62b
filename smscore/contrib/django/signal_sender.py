"""Sends the app's signals: one after another, in a thread where receivers may use Django's database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from attrs import define, field
from django.db import InterfaceError, OperationalError, connections

from smscore import clock
from smscore.contrib.django import conf, signals
from smscore.contrib.django.models import InboundMessage, QueuedMessage
from smscore.loops.logs import logger_for_callers
from smscore.loops.threads import in_thread
from smscore.queue.store.reports import Change
from smscore.statuses import Delivery

__all__ = [
    "SignalSender",
    "in_new_thread",
    "send_delivery_signals",
    "send_inbound_signals",
    "sending_signals",
    "with_connections",
]

Send: TypeAlias = Callable[[], object]
"""Sends one or more signals, and so calls their receivers."""

_AWAY: Final = 2.0  # seconds until the next try, where the database is away
_LAST_TRIES: Final = 5  # of each signal, where the database is away while the worker ends

_log: Final = logger_for_callers(__name__)


@define(eq=False)
class SignalSender:
    """Sends signals in their order while other work goes on, until it is ended and has sent them all."""

    call: Callable[[Send], Awaitable[object]]
    """Runs a ``Send`` in a thread where Django's database may be used."""
    _waiting: asyncio.Queue[Send | None] = field(factory=asyncio.Queue)
    """What is to be sent; None: nothing more will be."""
    _is_ending: bool = False

    def add(self, send: Send) -> None:
        """Send this after all that waits."""
        self._waiting.put_nowait(send)

    def add_changes(self, changes: list[Change]) -> None:
        """Send the signals of messages whose delivery status has changed."""
        if changes:
            self.add(lambda: send_delivery_signals(changes))

    def end(self) -> None:
        """Let :meth:`run` return once it has sent what waits."""
        self._is_ending = True
        self._waiting.put_nowait(None)

    async def run(self) -> None:
        """Send signals as they come."""
        while (send := await self._waiting.get()) is not None:
            await self._call_with_retries(send)

    async def _call_with_retries(self, send: Send) -> None:
        """Send it; if Django's connection was lost before, try again."""
        left = _LAST_TRIES
        while left:
            try:
                await self.call(send)
                return
            except (OperationalError, InterfaceError) as error:
                _log.warning("Django's database cannot be used (%s); signals wait for it", type(error).__name__)
                left -= self._is_ending
                await clock.sleep(_AWAY)
        _log.error("The worker has ended without its database: signals of the app were not sent")


@asynccontextmanager
async def sending_signals() -> AsyncGenerator[SignalSender, None]:
    """A sender of signals while the block runs; at the end of the block all are sent."""
    own = SignalSender(in_new_thread)
    running = asyncio.create_task(own.run())
    try:
        yield own
    finally:
        own.end()
        await running


async def in_new_thread(send: Send) -> None:
    """Send in a new thread, and close its connections: Django opens one for each thread."""

    def call() -> None:
        try:
            send()
        finally:
            connections.close_all()

    await in_thread(call)


def with_connections(send: Send) -> None:
    """Send with connections that answer, and leave none open that the project wants closed."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.is_usable():
            connection.close()
    try:
        send()
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()


def send_delivery_signals(changes: list[Change]) -> None:
    """Send the signal of each message whose delivery status has changed."""
    keys = [one.key for one in changes if one.key is not None]
    messages = QueuedMessage.objects.select_related("batch__campaign").in_bulk(keys)
    for one in changes:
        provider = one.provider or _provider(one.account)
        delivery = Delivery(one.recipient, one.message_id, one.status, provider=provider)
        message = None if one.key is None else messages.get(one.key)
        signals.delivery_changed.send_robust(QueuedMessage, delivery=delivery, message=message)


def send_inbound_signals(account: str, ids: list[int]) -> None:
    """Send the signal of each of these inbound messages."""
    for message in InboundMessage.objects.filter(pk__in=ids).order_by("pk"):
        signals.message_received.send_robust(InboundMessage, message=message, account=account)


def _provider(account: str) -> str:
    found = conf.accounts().get(account)
    return "" if found is None else found.provider
