"""A worker: claims batches for its free slots, dispatches and sends them, and writes their outcomes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from attrs import define, field

from smscore import clock
from smscore.calls.retry import asked_wait
from smscore.errors import ConfigurationError, SMSError
from smscore.loops.concurrency import cancel_all
from smscore.loops.logs import logger_for_callers
from smscore.queue import limits
from smscore.queue.calls import StoreCalls
from smscore.queue.errors import QueueUnavailable
from smscore.queue.senders import Sender
from smscore.queue.sending import BatchSend, Ending
from smscore.queue.store import accounts, claims, dispatch, sweeping
from smscore.queue.store.batches import ClaimedBatch
from smscore.queue.store.claims import Lane
from smscore.queue.store.reports import Change
from smscore.queue.tracking import fold
from smscore.wire.error_mapping import is_dead

POLL: Final = 1.0  # seconds between two claims from a queue with nothing to claim
SWEEP: Final = 5.0  # seconds between two sweeps

_log: Final = logger_for_callers(__name__)


@define(eq=False)
class Worker:
    """Sends from a queue until it is told to stop; then it claims nothing more, and ends what is under way."""

    calls: StoreCalls
    senders: Mapping[str, Sender]
    lease: float
    slots: int
    wake: asyncio.Event = field(factory=asyncio.Event)
    """Set when there may be something new to claim."""
    ahead: int = 0
    """How many batches more it claims, so that a slot need not wait for the next: where nobody else has to wait."""
    on_changes: Callable[[list[Change]], None] | None = None
    """Called with the deliveries that have changed, and reports given up as unknown, once that is committed."""
    ended: int = 0
    """How many batches it has ended."""
    _stopping: bool = False
    _under_way: dict[asyncio.Task[None], str] = field(factory=dict["asyncio.Task[None]", str])
    _swept_at: float = float("-inf")
    _folded_at: float = float("-inf")
    _loop: asyncio.AbstractEventLoop | None = None
    _turn: asyncio.Semaphore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._turn = asyncio.Semaphore(self.slots)

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self.wake.set()

    def notify(self) -> None:
        """Say, from any thread, that there may be something new to claim."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(self.wake.set)

    async def run(self, seconds: float | None = None) -> None:
        """Send until stopped, or for so long, and return when all that is under way has ended.

        A first cancel stops it in the same way; a second one ends it at once, and what is under way may be unknown.
        """
        self._loop = asyncio.get_running_loop()
        deadline = None if seconds is None else clock.monotonic() + seconds
        try:
            await self.calls.persist(accounts.register, [*self.senders])
            while not self._stopping and (deadline is None or clock.monotonic() < deadline):
                seconds = await self._claim()
                await self._rest(seconds, deadline)
        finally:
            self._stopping = True
            try:
                while self._under_way:
                    await asyncio.wait([*self._under_way])
            finally:
                await cancel_all(self._under_way)

    async def _claim(self) -> float:
        """Claim for the free slots and start sending; the seconds until there may be more."""
        free = self.slots + self.ahead - len(self._under_way)
        if free <= 0:
            return POLL
        await self._sweep()
        taken = await self.calls.persist(claims.claim, self._lanes(), free, self.lease, self._readers, flushed=False)
        for batch in taken.batches:
            self._start(self._send(batch), batch.account)
        for account in taken.probes:
            self._start(self._probe(account), account)
        return POLL if taken.wait is None else min(POLL, taken.wait)

    def _lanes(self) -> list[Lane]:
        """The accounts, those with the fewest batches under way first: none waits for another's campaign to end."""
        busy = Counter(self._under_way.values())
        names = sorted(self.senders, key=lambda name: (busy[name], name))
        return [Lane(name, limits.interval(self.senders[name].rate)) for name in names]

    @property
    def _readers(self) -> frozenset[str]:
        """The accounts whose providers are probed by a read."""
        return frozenset(name for name, sender in self.senders.items() if sender.can_read)

    async def _probe(self, account: str) -> None:
        """Find out by a read whether the provider of a resting account is back."""
        try:
            await self.senders[account].is_alive()
        except SMSError as error:
            if is_dead(error):
                await self.calls.persist(accounts.note_failure, account, asked_wait(error))
                return
        await self.calls.persist(accounts.note_success, account)

    async def _sweep(self) -> None:
        if clock.monotonic() - self._swept_at >= SWEEP:
            self._tell(await self.calls.persist(sweeping.sweep, [*self.senders], self.lease))
            self._swept_at = clock.monotonic()
        if clock.monotonic() - self._folded_at >= POLL:
            await self._fold()
            self._folded_at = clock.monotonic()

    async def _fold(self) -> None:
        """Bring reports of deliveries to their messages; what cannot be done now is done by the next."""
        try:
            changes = await fold(self.calls)
        except QueueUnavailable:
            return
        self._tell(changes)

    def _tell(self, changes: list[Change]) -> None:
        if changes and self.on_changes is not None:
            self.on_changes(changes)

    async def _rest(self, seconds: float, deadline: float | None) -> None:
        """Wait until something may have changed."""
        if deadline is not None:
            seconds = min(seconds, max(0.0, deadline - clock.monotonic()))
        if self._stopping:
            return
        try:
            async with clock.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            return
        self.wake.clear()

    def _start(self, work: Awaitable[None], account: str) -> None:
        async def run() -> None:
            try:
                await work
            finally:
                del self._under_way[task]
                self.wake.set()

        task = asyncio.create_task(run())
        self._under_way[task] = account

    async def _send(self, claimed: ClaimedBatch) -> None:
        async with self._turn:
            if self._stopping and self.ahead:
                await self.calls.persist(dispatch.requeue, claimed)
                return
            send = BatchSend(self.calls, self.senders[claimed.account], claimed, self.lease)
            try:
                ending = await send.run()
            except Exception as error:
                # A fault of ours: the batch is left to its lease, and the worker goes on with others.
                _log.exception("A batch of the queue could not be handled: %s", type(error).__name__)
                return
            if ending is Ending.CLIENT_CLOSED:
                self.stop()
            self.ended += ending is Ending.ENDED


@define(eq=False)
class RunningWorker:
    """A worker that runs beside other code."""

    _worker: Worker
    _task: asyncio.Task[int]

    async def stop(self) -> None:
        """Let it end what is under way, and wait for that. Raises what ended it, if that was an error."""
        self._worker.stop()
        await self._task

    def check(self) -> None:
        """Raise what ended it, if that was an error."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()

    async def ended(self) -> None:
        """Wait until it ends. Raises what ended it, if that was an error."""
        await asyncio.wait([self._task])
        self._task.result()


def usable(senders: Mapping[str, Sender]) -> Mapping[str, Sender]:
    """The accounts that can send from this process; the others are left to workers that have their settings."""
    problems: dict[str, ConfigurationError] = {}
    for name, sender in senders.items():
        try:
            sender.check()
        except ConfigurationError as error:
            problems[name] = error
            _log.warning("This worker does not send for account %s: %s", name, error)
    if problems and len(problems) == len(senders):
        raise next(iter(problems.values()))
    return {name: sender for name, sender in senders.items() if name not in problems}
