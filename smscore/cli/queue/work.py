"""``payamak queue work``: a worker in a process of its own, until a signal ends it in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from smscore import clock, registry
from smscore.cli import exit_codes
from smscore.cli.output import Output
from smscore.cli.queue.connection import check_tokens, opened
from smscore.cli.queue.fields import account_words, release_words
from smscore.cli.queue.options import QueueConnection
from smscore.cli.signals import SIGNALS
from smscore.cli.stop import Stop
from smscore.errors import InvalidRequest, SMSError
from smscore.loops.concurrency import cancel_all
from smscore.loops.threads import in_thread
from smscore.profile import Capability
from smscore.queue.errors import QueueUnavailable
from smscore.queue.model import Account
from smscore.queue.queue import AsyncSendQueue
from smscore.stop_signals import STOP_SIGNALS

_HEALTH_SECONDS: Final = 5.0
_HOLD_SECONDS: Final = 5.0  # between two looks at whether an account is held
_FIRST_WORDS: Final = (
    "Stopping after the batches in progress. Press Ctrl-C again to abandon them: they may have been sent."
)
_LAST_WORDS: Final = "Stopped immediately. Another worker takes the batches in progress once their lease is over."


@frozen
class Duties:
    """What a worker does besides sending."""

    slots: int
    health: Path | None
    """A file that is touched while the worker and its database are well."""
    track: float | None
    """Seconds between two rounds of asking for delivery statuses."""
    receive: float | None
    """Seconds between two rounds of fetching inbound messages."""


def work(connection: QueueConnection, duties: Duties) -> int:
    """Send from the queue until Ctrl-C, SIGTERM or the terminal's end, and return the exit code."""
    check_tokens(connection.accounts)
    stop = Stop(connection.output, _FIRST_WORDS, _LAST_WORDS)
    with SIGNALS.listening(stop.on_signal, *STOP_SIGNALS):
        asyncio.run(_guarded(stop, connection, duties))
    return exit_codes.DONE


async def _guarded(stop: Stop, connection: QueueConnection, duties: Duties) -> None:
    loop, finish = asyncio.get_running_loop(), asyncio.Event()
    await stop.guard(lambda: loop.call_soon_threadsafe(finish.set), _work(connection, duties, finish))


async def _work(connection: QueueConnection, duties: Duties, finish: asyncio.Event) -> None:
    async with opened(connection, creates=True) as queue, queue.worker(duties.slots) as worker:
        names = ", ".join(account.name for account in connection.accounts)
        connection.output.note(f"Sending for {names}. Ctrl-C ends it after the batches in progress.")
        tasks = [
            asyncio.ensure_future(one) for one in (finish.wait(), worker.ended(), *_rounds(queue, connection, duties))
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await cancel_all(tasks)


def _rounds(queue: AsyncSendQueue, connection: QueueConnection, duties: Duties) -> list[Awaitable[None]]:
    """What is done beside sending, each for as long as the worker runs."""
    names = [account.name for account in connection.accounts]
    every = partial(_every, connection.output)
    holds = Holds(queue, connection.output)
    found: list[Awaitable[None]] = [every(_HOLD_SECONDS, partial(holds.look, name)) for name in names]
    if duties.health is not None:
        found.append(every(_HEALTH_SECONDS, partial(_touch, queue, names[0], duties.health)))
    if duties.track is not None:
        found += [
            every(duties.track, partial(queue.track, name))
            for name in _able(connection, Capability.REPORTS_DELIVERIES, "--track")
        ]
    if duties.receive is not None:
        found += [
            every(duties.receive, partial(queue.receive, name))
            for name in _able(connection, Capability.RECEIVES_MESSAGES, "--receive")
        ]
    return found


@define
class Holds:
    """Tells of the accounts that are held: the worker runs on, and sends nothing for them."""

    _queue: AsyncSendQueue
    _output: Output
    _held: dict[str, Account] = field(factory=dict[str, Account])

    async def look(self, name: str) -> None:
        """Tell that an account is held, or no longer, if that is news."""
        try:
            account = await self._queue.account(name)
        except QueueUnavailable:
            return  # the worker itself says so
        if account == self._held.get(name, Account(name)):
            return
        self._held[name] = account
        self._output.note(account_words(account))
        if account.held and account.until is None:
            self._output.note(release_words(account))


def _able(connection: QueueConnection, capability: Capability, flag: str) -> list[str]:
    """The accounts whose provider can do this; ``InvalidRequest`` where none can."""
    profiles = registry.profiles()
    found = [one.name for one in connection.accounts if capability in profiles[one.provider].capabilities]
    if not found:
        raise InvalidRequest(f"No provider of these accounts can do that. Leave {flag} out.")
    return found


async def _every(output: Output, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do this again and again. A provider or a database that is away ends nothing: it is asked in the next round."""
    while True:
        try:
            await work()
        except SMSError as error:
            output.note(f"WARNING: {error}")
        await clock.sleep(seconds)


async def _touch(queue: AsyncSendQueue, account: str, health: Path) -> None:
    await queue.account(account)  # raises where the database does not answer
    await in_thread(health.touch)
