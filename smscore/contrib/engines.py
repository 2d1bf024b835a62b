"""What engines that run tasks share: the queue that an import string names, and a drain that can be told to stop.

No engine holds any of the queue's promises: a task that is lost, repeated or late changes nothing.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import anyio

from smscore.errors import ConfigurationError
from smscore.profile import Capability
from smscore.queue import AsyncSendQueue, SendQueue
from smscore.queue.databases.base import Transaction
from smscore.queue.store import claims

__all__ = ["StopFlag", "async_queue", "drain", "load_queue", "receive", "track"]

_IDLE: Final = 0.05  # seconds of a drain that finds nothing to send


def load_queue(path: object, setting: str) -> AsyncSendQueue | SendQueue:
    """The queue that ``path`` names, e.g. ``"shop.sms:queue"``; ``setting`` is what named it, for the errors.

    Raises:
        ConfigurationError: ``path`` names no queue.
    """
    if not isinstance(path, str) or not all(path.partition(":")):
        raise ConfigurationError(f"{setting} must be the import string of a queue, e.g. 'shop.sms:queue'.")
    module, _, attribute = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{setting}: cannot import the queue: {error}.") from error
    if not isinstance(found, AsyncSendQueue | SendQueue):
        raise ConfigurationError(f"{setting} must name an AsyncSendQueue or a SendQueue.")
    return found


def async_queue(queue: AsyncSendQueue | SendQueue) -> AsyncSendQueue:
    """The async queue itself, which for a blocking one lives in this process's background loop."""
    return queue._queue if isinstance(queue, SendQueue) else queue


async def drain(queue: AsyncSendQueue, seconds: float, slots: int, stop: Callable[[], Awaitable[object]]) -> None:
    """Send for so many seconds, or until ``stop`` returns, or hardly at all if there is nothing to send.

    However it ends, also by a cancel, what is under way ends first.
    """
    if not await queue._calls.read(_has_work, [*queue._senders]):
        seconds = min(seconds, _IDLE)  # enough to remove what was left half loaded; the process is free for other tasks
    working = asyncio.create_task(queue.drain(seconds, slots=slots))
    stopping = asyncio.ensure_future(stop())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        working.cancel()  # a drain that is cancelled once claims nothing more, and ends what is under way
        await asyncio.wait({working})
    if not working.cancelled():
        working.result()


async def track(queue: AsyncSendQueue, account: str | None) -> None:
    """One round of asking for deliveries, of one account or of all whose provider reports them."""
    for name in _accounts(queue, account, Capability.REPORTS_DELIVERIES):
        await queue.track(name)


async def receive(queue: AsyncSendQueue, account: str | None) -> None:
    """One round of storing inbound messages, of one account or of all whose provider receives them."""
    for name in _accounts(queue, account, Capability.RECEIVES_MESSAGES):
        await queue.receive(name)


def _accounts(queue: AsyncSendQueue, account: str | None, capability: Capability) -> list[str]:
    if account is not None:
        return [account]
    return [name for name, sender in queue._senders.items() if capability in sender.client.capabilities]


def _has_work(transaction: Transaction, accounts: list[str]) -> bool:
    return any(claims.has_work(transaction, account) for account in accounts)


class StopFlag:
    """A flag that a process sets for itself and for the children that it has forked since ``clear``.

    It is a pipe with a byte in it: children inherit its reading end, also those that the parent forks later.
    """

    def __init__(self) -> None:
        self._ends: tuple[int, int] | None = None

    def clear(self) -> None:
        """Make the flag, or take it back."""
        if self._ends is None:
            self._ends = os.pipe()
            os.set_blocking(self._ends[0], False)
        with suppress(BlockingIOError):
            while os.read(self._ends[0], 64):
                pass

    def set(self) -> None:
        """Tell everyone who waits."""
        if self._ends is not None:
            os.write(self._ends[1], b".")

    async def wait(self) -> None:
        """Return when the flag is set; never where nobody has made it."""
        if self._ends is None:
            await anyio.sleep_forever()
        else:
            await anyio.wait_readable(self._ends[0])
