"""Signals on their way to the project's receivers: one after another, in a thread where Django may use its database."""

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

__all__ = ["Telling", "in_new_thread", "tell_deliveries", "tell_inbound", "telling", "with_connections"]

Event: TypeAlias = Callable[[], object]

_AWAY: Final = 2.0  # seconds until the next try, where the database is away
_LAST_TRIES: Final = 5  # of each signal, where the database is away while the worker ends

_log: Final = logger_for_callers(__name__)


@define(eq=False)
class Telling:
    """Sends signals in their order while other work goes on, until it is ended and has sent them all."""

    call: Callable[[Event], Awaitable[object]]
    """Calls receivers in a thread of Django's."""
    _events: asyncio.Queue[Event | None] = field(factory=asyncio.Queue)
    """Signals to send; None: there will be no more."""
    _is_ending: bool = False

    def add(self, event: Event) -> None:
        """Send this signal after those that wait."""
        self._events.put_nowait(event)

    def add_changes(self, changes: list[Change]) -> None:
        """Send the signals of messages whose delivery status has changed."""
        if changes:
            self.add(lambda: tell_deliveries(changes))

    def end(self) -> None:
        """Let :meth:`run` return once it has sent what waits."""
        self._is_ending = True
        self._events.put_nowait(None)

    async def run(self) -> None:
        """Send signals as they come."""
        while (event := await self._events.get()) is not None:
            await self._tell(event)

    async def _tell(self, event: Event) -> None:
        """Call receivers; where Django's connection is lost before they are, try again."""
        left = _LAST_TRIES
        while left:
            try:
                await self.call(event)
                return
            except (OperationalError, InterfaceError) as error:
                _log.warning("Django's database cannot be used (%s); signals wait for it", type(error).__name__)
                left -= self._is_ending
                await clock.sleep(_AWAY)
        _log.error("The worker has ended without its database: signals of the app were not sent")


@asynccontextmanager
async def telling() -> AsyncGenerator[Telling, None]:
    """What sends signals beside the block; at its end all are sent."""
    own = Telling(in_new_thread)
    running = asyncio.create_task(own.run())
    try:
        yield own
    finally:
        own.end()
        await running


async def in_new_thread(event: Event) -> None:
    """Call receivers in a thread of their own, which leaves no connection open: Django has one for each thread."""

    def call() -> None:
        try:
            event()
        finally:
            connections.close_all()

    await in_thread(call)


def with_connections(event: Event) -> None:
    """Call receivers with connections that answer, and leave none open that the project wants closed."""
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.is_usable():
            connection.close()
    try:
        event()
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()


def tell_deliveries(changes: list[Change]) -> None:
    """Send the signal of each message whose delivery status has changed."""
    keys = [one.key for one in changes if one.key is not None]
    messages = QueuedMessage.objects.select_related("batch__campaign").in_bulk(keys)
    for one in changes:
        provider = one.provider or _provider(one.account)
        delivery = Delivery(one.recipient, one.message_id, one.status, provider=provider)
        message = None if one.key is None else messages.get(one.key)
        signals.delivery_changed.send_robust(QueuedMessage, delivery=delivery, message=message)


def tell_inbound(account: str, ids: list[int]) -> None:
    """Send the signal of each of these inbound messages."""
    for message in InboundMessage.objects.filter(pk__in=ids).order_by("pk"):
        signals.message_received.send_robust(InboundMessage, message=message, account=account)


def _provider(account: str) -> str:
    found = conf.accounts().get(account)
    return "" if found is None else found.provider
