"""Follows messages until they are final: polls them from time to time, and takes what webhooks say."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from itertools import islice
from typing import Final, Protocol, Self

from smscore import clock
from smscore.client import sends_nothing
from smscore.config import Polling
from smscore.errors import ClientClosed, InvalidRequest
from smscore.loops.concurrency import running_loop
from smscore.loops.logs import logger_for_callers
from smscore.statuses import Delivery, DeliveryStatus, is_id
from smscore.tracking.accounts import DeliverySource, accounts_of
from smscore.tracking.asking import warn_of_failure
from smscore.tracking.early import EarlyStates
from smscore.tracking.given import Part, Results, parts_in_turns, parts_of
from smscore.tracking.lookups import is_by_bulk
from smscore.tracking.poll import Poll
from smscore.tracking.states import State, States
from smscore.tracking.watches import Watches

_MAX_BATCH: Final = 1_000  # deliveries that are handed out at once
_LAST_POLL: Final = 10.0  # seconds that a poll may take after the time is over

_log: Final = logger_for_callers(__name__)


class WebhookReport(Protocol):
    """What a provider's ``parse_webhook`` returns."""

    @property
    def provider(self) -> str:
        """The provider's name."""
        ...

    @property
    def message_id(self) -> int:
        """The id of the message."""
        ...

    @property
    def code(self) -> int:
        """The provider's own code."""
        ...

    @property
    def status(self) -> DeliveryStatus:
        """What the code means."""
        ...


class AsyncTracker:
    """Follows any number of sends, and iterates over their delivery statuses.

    ::

        async with client.tracker() as tracker:
            tracker.follow(await client.send(numbers, text))
            async for delivery in tracker:
                print(delivery.recipient, delivery.status)

    It asks while somebody iterates, in one event loop. Each change is given once; the first status seen counts as one.
    Other threads may follow, record and close meanwhile.
    """

    def __init__(
        self,
        sources: Mapping[str, DeliverySource],
        polling: Polling,
        *,
        timeout: float | None = None,
        ends: bool = False,
    ) -> None:
        """What follows the messages of these providers. ``ends``: when all are final, or after ``timeout`` seconds."""
        self._sources = sources
        self._lookups = {name: source.lookups for name, source in sources.items()}
        self._states = States()
        self._watches = Watches(polling, keeps_rows=ends)
        self._early = EarlyStates(self._states)
        self._ready: deque[Iterator[Delivery]] = deque()
        self._poll: Poll | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._began = clock.monotonic()
        self._deadline = None if timeout is None else self._began + timeout
        self._ends = ends
        self._is_closed = self._had_last_poll = False
        self._warned: set[str] = set()

    def follow(self, results: Results) -> None:
        """Follow these messages too: a ``SendReport``, any of its results, or message ids; the first poll is later.

        Raises ``InvalidRequest`` for a result of another provider.
        """
        self._check_open()
        parts = parts_of(results, self._lookups, self._states)
        self._in_loop(lambda: self._add_all(parts))

    async def follow_in_turns(self, results: Results) -> list[Part]:
        """The same while others run; the messages as they are followed."""
        parts = await parts_in_turns(results, self._lookups, self._states)
        self._add_all(parts)
        return parts

    def _add_all(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self._ready.extend(map(iter, self._early.seen_of(part.followed)))
            self._watches.add(part.followed, self._began if self._ends else clock.monotonic())
        self._wake.set()

    def record(self, report: WebhookReport) -> None:
        """Take what a provider reported to your webhook, in any order and as often as it comes.

        The first final status of a message stays, and a repeated or late report changes nothing. One of an unknown id
        is kept until that is followed. Raises ``InvalidRequest`` for a report of another provider.
        """
        self._check_open()
        source = self._sources.get(report.provider)
        if source is None:
            raise InvalidRequest(
                f"Invalid report: {report.provider} is not followed here, only {' and '.join(self._sources)}."
            )
        if is_by_bulk(source.lookups) or not is_id(report.message_id):
            raise InvalidRequest("The report has no message id, and cannot be matched to a message.")
        self._in_loop(lambda: self._see(report))

    def _see(self, report: WebhookReport) -> None:
        state, is_known = State(report.status, report.code), False
        for followed in self._watches:
            rows = followed.rows_of(report.message_id) if followed.provider == report.provider else ()
            if rows:
                is_known = True
                self._ready.append(iter(followed.see(rows, [state] * len(rows))))
        if not is_known:
            self._early.keep(report.provider, report.message_id, state)
        self._wake.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        """The next change."""
        for delivery in await self.next_ones(1):
            return delivery
        raise StopAsyncIteration

    @sends_nothing
    async def next_ones(self, most: int = _MAX_BATCH) -> list[Delivery]:
        """The changes that are known, once there are any; an empty list at the end.

        Raises ``InvalidRequest`` in a second event loop.
        """
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise InvalidRequest("Another event loop reads this tracker. Make another with client.tracker().")
        async with self._turn:
            while not (found := self._take(most)) and await self._advance():
                pass
        return found

    async def lists(self) -> AsyncGenerator[list[Delivery], None]:
        """The changes in lists of those that are known at once."""
        async with self:
            while found := await self.next_ones():
                yield found

    async def aclose(self) -> None:
        """Stop, and cancel what is under way. Closing twice is fine."""
        self._is_closed = True
        if self._loop is not None and self._loop is not asyncio.get_running_loop():
            if self._loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.aclose(), self._loop))
            return
        self._ready.clear()
        self._wake.set()
        poll, self._poll = self._poll, None
        if poll is not None:
            await poll.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def _in_loop(self, change: Callable[[], object]) -> None:
        """Make a change in the loop that reads the tracker, from whatever thread."""
        if self._loop is None or self._loop is running_loop():
            change()
        elif self._loop.is_closed():
            raise ClientClosed("The event loop that read this tracker is closed. Make another with client.tracker().")
        else:
            self._loop.call_soon_threadsafe(change)

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClientClosed("The tracker is closed. Make another with client.tracker().")

    def _take(self, most: int) -> list[Delivery]:
        found: list[Delivery] = []
        while self._ready and len(found) < most:
            found += islice(self._ready[0], most - len(found))
            if len(found) < most:
                self._ready.popleft()
        return found

    async def _advance(self) -> bool:
        """Do the next thing: wait, begin a poll, or take its next answer. False at the end."""
        if self._is_closed:
            return False
        try:
            if self._poll is not None:
                await self._read_on(self._poll)
                return True
            return await self._wait_or_look()
        except Exception:
            await self.aclose()
            raise

    async def _wait_or_look(self) -> bool:
        now = clock.monotonic()
        left = math.inf if self._deadline is None else self._deadline - now
        wait = min(self._watches.wakes_in(now), left)
        if self._ends and (self._had_last_poll or not self._watches.left or wait == math.inf):
            return False
        if wait > 0:
            await self._wait(wait)
            return True
        self._had_last_poll = left <= 0
        whom = self._watches.begin_poll(now, everything=self._had_last_poll)
        self._poll = Poll(self._sources, whom, None if self._deadline is None else now + max(left, 0.0) + _LAST_POLL)
        return True

    async def _wait(self, seconds: float) -> None:
        self._wake.clear()
        async with AsyncExitStack() as stack:
            for account in accounts_of(self._sources):
                await stack.enter_async_context(account.caller.transport.waiting())
            if seconds == math.inf:
                await self._wake.wait()
                return
            with suppress(TimeoutError):
                async with clock.timeout(seconds):
                    await self._wake.wait()

    async def _read_on(self, poll: Poll) -> None:
        changes = await poll.next()
        if changes is not None:
            self._ready.extend(map(iter, changes))
        elif self._poll is poll:
            self._poll = None
            await poll.aclose()
            self._watches.end_poll(
                clock.monotonic(),
                poll.opens_in,
                failed=poll.failed,
                asked=poll.asked,
                refused=poll.refused,
                refusals=poll.refusals,
            )
            self._warn(poll)
            refusal = self._watches.refusal
            if refusal is not None:
                raise refusal

    def _warn(self, poll: Poll) -> None:
        if len(accounts_of(self._sources)) == 1 and poll.refused:
            return  # it is raised
        for provider, failure in poll.failures.items():
            if provider not in poll.failed:
                if provider not in self._warned:
                    self._warned.add(provider)
                    warn_of_failure(provider, failure)
            elif self._watches.failures_of(provider) == 1:
                _log.warning(
                    "%s: delivery statuses cannot be read (%s); retrying at growing intervals",
                    provider,
                    type(failure).__name__,
                )
