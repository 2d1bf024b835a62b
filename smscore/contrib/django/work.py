"""What ``manage.py sms_worker`` runs: sending, asking for deliveries, receiving, and the signals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import anyio
from asgiref.sync import sync_to_async
from attrs import define, field
from django.core.signals import setting_changed
from django.db import connections

from smscore import clock
from smscore.contrib import engines
from smscore.contrib.django import accounts, conf, recording, rounds, signals
from smscore.contrib.django.database import worker_database
from smscore.contrib.django.signal_sender import SignalSender, send_inbound_signals, sending_signals, with_connections
from smscore.errors import ConfigurationError, SMSError
from smscore.loops import background
from smscore.loops.concurrency import cancel_all
from smscore.loops.logs import logger_for_callers
from smscore.loops.threads import in_thread
from smscore.profile import Capability
from smscore.queue import AsyncSendQueue
from smscore.queue.accounts import checked_lease, senders_of
from smscore.queue.store import accounts as account_store
from smscore.queue.worker import Worker

__all__ = ["Work", "close_connections", "drain", "new_queue", "shared_queue"]

HELD_EVERY: Final = 5.0  # seconds between two looks at whether an account is held
CREDIT_EVERY: Final = 3600.0
HEALTH_EVERY: Final = 5.0
_GRACE: Final = 10.0  # seconds that a round under way has to end

_log: Final = logger_for_callers(__name__)


def new_queue(kind: type[AsyncSendQueue] = AsyncSendQueue) -> AsyncSendQueue:
    """A queue of all accounts of ``PAYAMAK``, over connections of its own. Raises ``ConfigurationError``."""
    clients = {name: accounts.new_async_client(name) for name in conf.accounts()}
    lease = checked_lease(None, senders_of(clients))
    return kind(worker_database(lease), clients, lease=lease)


class _SignallingQueue(AsyncSendQueue):
    """A queue whose drains and rounds send the signals of what they change."""

    async def _run(self, worker: Worker, seconds: float | None) -> int:
        async with sending_signals() as own:
            worker.on_changes = own.add_changes
            return await super()._run(worker, seconds)

    async def track(self, account: str) -> int:
        """Ask once for the deliveries of this account's messages that are due, and return how many have changed."""
        changes = await self._tracking(account).round()
        async with sending_signals() as own:
            own.add_changes(changes)
        return len(changes)


@cache
def shared_queue() -> AsyncSendQueue:
    """The queue of this process for engines that run tasks; it may be made before a fork."""
    return new_queue(_SignallingQueue)


def drain(seconds: float = 30.0, slots: int = 8) -> None:
    """Send what is enqueued for so many seconds, ``slots`` batches at a time: what a task of ``django.tasks`` calls.

    Returns sooner if there is nothing to send. It sends ``delivery_changed`` for what it changes; ``OPT_OUT`` and the
    other signals need ``sms_worker``. Raises ``ConfigurationError``, also in a test run that collects messages.
    """
    if recording.is_collecting():
        raise ConfigurationError(
            'In a test run nothing is sent, so nothing is drained. PAYAMAK_TEST_BACKEND = "sandbox" sends to a sandbox.'
        )
    background.run(partial(engines.drain, shared_queue(), seconds, slots, anyio.sleep_forever))


def _forget(*, setting: str, **_more: Any) -> None:
    if setting.startswith("PAYAMAK") or setting == "DATABASES":
        shared_queue.cache_clear()  # its connections are closed when they are dropped


setting_changed.connect(_forget, dispatch_uid="payamak.work")


@define(eq=False)
class Work:
    """A worker of a project, until it is stopped; then what is under way ends, and every signal is sent."""

    queue: AsyncSendQueue
    slots: int = 8
    track_every: float = 30.0
    receive_every: float = 60.0
    health: Path | None = None
    """A file that is touched while the worker and its database are well."""
    _stop: asyncio.Event = field(factory=asyncio.Event)
    _signals: SignalSender = field(factory=lambda: SignalSender(sync_to_async(with_connections)))
    """Sends in Django's own thread."""

    def stop(self) -> None:
        """Begin nothing more."""
        self._stop.set()

    async def run(self, seconds: float | None = None) -> int:
        """Work until stopped, or for so many seconds, and return how many batches ended."""
        worker = self.queue._worker(self.slots)
        worker.on_changes = self._signals.add_changes
        sending = asyncio.create_task(self.queue._run(worker, seconds))
        signalling = asyncio.create_task(self._signals.run())
        others = [asyncio.create_task(one) for one in self._rounds()]
        try:
            await self._until_the_end(worker, sending, [*others, signalling])
            self._stop.set()
            if others:
                await asyncio.wait(others, timeout=_GRACE)  # what a round has committed, it has yet to tell
            return sending.result()
        finally:
            await cancel_all([*others, sending])
            self._stop.set()
            self._signals.end()
            await signalling

    async def _until_the_end(self, worker: Worker, sending: asyncio.Task[int], others: Sequence[Any]) -> None:
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([sending, stopping, *others], return_when=asyncio.FIRST_COMPLETED)
        finally:
            worker.stop()
            stopping.cancel()
        for one in others:
            if one.done():
                one.result()  # a fault of ours ends the worker, which a supervisor starts again
        await asyncio.wait([sending])

    # Rounds

    def _rounds(self) -> list[Any]:
        """What is done again and again, for each account."""
        found: list[Any] = []
        if self.health is not None:
            found.append(self._again(HEALTH_EVERY, partial(self._touch, self.health)))
        for name, sender in self.queue._senders.items():
            account, able = conf.account(name), sender.client.capabilities
            found.append(self._again(HELD_EVERY, partial(self._look_at_hold, name)))
            if Capability.REPORTS_DELIVERIES in able:
                found.append(self._again(self.track_every, partial(self._track, name)))
            if Capability.RECEIVES_MESSAGES in able:
                found.append(self._again(self.receive_every, partial(self._receive, account)))
            if account.low_credit is not None and Capability.TELLS_CREDIT in able:
                found.append(self._again(HELD_EVERY, partial(self._ask_credit, account)))
        return found

    async def _again(self, every: float, work: Callable[[], Awaitable[None]]) -> None:
        while not self._stop.is_set():
            try:
                await work()
            except SMSError as error:
                _log.warning("A round failed and is done again later: %s", error)
            with suppress(TimeoutError):
                async with clock.timeout(every):
                    await self._stop.wait()

    async def _touch(self, health: Path) -> None:
        await self.queue._calls.read(account_store.read, conf.DEFAULT)  # raises where the database does not answer
        await in_thread(health.touch)

    async def _track(self, name: str) -> None:
        self._signals.add_changes(await self.queue._tracking(name).round())

    async def _receive(self, account: conf.Account) -> None:
        calls = self.queue._calls
        if await calls.write(rounds.take_turn, f"receive:{account.name}", self.receive_every):
            await self.queue.receive(account.name)
        while ids := await calls.write(rounds.new_inbound, account.name, account.opt_out):
            self._signals.add(partial(send_inbound_signals, account.name, ids))

    async def _look_at_hold(self, name: str) -> None:
        found = await self.queue.account(name)
        if await self.queue._calls.write(rounds.note_change, f"held:{name}", int(found.held)) and found.held:
            _log.warning("Account %s is held, and sends nothing: %s", name, found.reason)
            send = partial(signals.account_held.send_robust, conf.Account, account=name, reason=found.reason)
            self._signals.add(send)

    async def _ask_credit(self, account: conf.Account) -> None:
        if not await self.queue._calls.write(rounds.take_turn, f"credit:{account.name}", CREDIT_EVERY):
            return
        client: Any = self.queue._senders[account.name].client
        credit = await client.credit()
        if credit < account.low_credit:
            send = partial(signals.credit_low.send_robust, conf.Account, account=account.name, credit=credit)
            self._signals.add(send)


async def close_connections() -> None:
    """Close the connections that receivers have used."""
    await sync_to_async(connections.close_all)()
