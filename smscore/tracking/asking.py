"""Asks a provider about messages: one poll of all of them, and the answers as changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, nullcontext
from itertools import chain, islice
from typing import Any

from attrs import field, frozen

from smscore import clock
from smscore.account import ResolvedAccount
from smscore.calls.caller import Caller
from smscore.calls.stop import StopRule
from smscore.config import ITEMS_PER_TURN
from smscore.errors import NotFound, OutsideServiceHours
from smscore.loops.concurrency import AsFinished, let_others_run
from smscore.statuses import Delivery, DeliveryStatus, MessageStatus
from smscore.tracking.bulk import BulkMatch
from smscore.tracking.followed import Changes, Followed
from smscore.tracking.given import Part, Results, parts_in_turns
from smscore.tracking.lookups import BulkLookup, Lookups
from smscore.tracking.schedule import Ask, Plan
from smscore.tracking.states import State, States
from smscore.wire.paging import pages


@frozen
class DeliverySource:
    """A provider's calls that tell deliveries, with the settings and connections of a client."""

    caller: Caller
    account: Callable[[], ResolvedAccount] = field(repr=False)
    lookups: Lookups

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.caller.provider.name


@frozen
class Asking:
    """The questions of one poll, all of which share what stops them: ``rule``."""

    source: DeliverySource
    rule: StopRule
    account: ResolvedAccount = field(repr=False)

    @classmethod
    def begin(cls, source: DeliverySource, deadline: float | None = None) -> Asking:
        """A poll that begins now; ``deadline`` bounds it besides ``Timeouts.call``.

        Raises ``ClientClosed`` or ``ConfigurationError``.
        """
        source.caller.transport.check_open()
        rule = source.caller.stop_rule()
        rule.deadline = min((one for one in (rule.deadline, deadline) if one is not None), default=None)
        return cls(source, rule, source.account())

    async def answer(self, ask: Ask) -> list[Changes]:
        """What the answer to a question changes."""
        try:
            return await (self._read_bulk(ask) if isinstance(ask.lookup, BulkLookup) else self._by_ids(ask))
        except (OutsideServiceHours, NotFound):  # nothing is known yet, and that is no failure
            return []

    async def _by_ids(self, ask: Ask) -> list[Changes]:
        lookup: Any = ask.lookup
        found: Iterator[MessageStatus] = iter(await self._call(lookup.endpoint, ask.ids))
        now = clock.callers_time()

        def state(followed: Followed, row: int, told: MessageStatus) -> State | None:
            # What a call has just forgotten is not lost: the next one knows it.
            if told.status is DeliveryStatus.NOT_FOUND and lookup.may_have_forgotten(now - followed.sent_at[row]):
                return None
            return State(told.status, told.code, told.words)

        return [
            followed.see(
                rows, [state(followed, row, told) for row, told in zip(rows, islice(found, len(rows)), strict=True)]
            )
            for followed, rows in ask.rows
        ]

    async def _read_bulk(self, ask: Ask) -> list[Changes]:
        matches = [BulkMatch(followed) for followed, _ in ask.rows]
        for match, (_, rows) in zip(matches, ask.rows, strict=True):
            for start in range(0, len(rows), ITEMS_PER_TURN):
                match.expect(rows[start : start + ITEMS_PER_TURN])
                await let_others_run()
        lookup: Any = ask.lookup
        listing = pages(lambda number: self._call(lookup.endpoint, lookup.page(ask.bulk_id, number)))
        changes: list[Changes] = []
        async with aclosing(listing):
            async for page in listing:
                changes += [match.take(page) for match in matches]
        return changes + [match.end() for match in matches]

    async def _call(self, endpoint: Any, params: Any) -> Any:
        caller = self.source.caller
        watch = caller.watch(endpoint.name)
        with watch or nullcontext():
            return await caller.call(endpoint, params, self.rule, self.account, watch=watch)


async def questions(plan: Plan) -> AsyncGenerator[Ask, None]:
    """The questions of a plan, while others run."""
    for ask in plan:
        if ask is None:
            await let_others_run()
        else:
            yield ask


async def look_once(sources: Mapping[str, DeliverySource], results: Results) -> list[Delivery]:
    """Where these messages are now, in the order given. Raises what keeps a provider from answering."""
    asking = {name: Asking.begin(source) for name, source in sources.items()}
    lookups = {name: source.lookups for name, source in sources.items()}
    parts = await parts_in_turns(results, lookups, States())

    async def answer(ask: Ask) -> None:
        await asking[ask.provider].answer(ask)

    plan = Plan([part.followed for part in parts], lookups, clock.callers_time())
    limit = max(source.caller.settings.max_concurrency for source in sources.values())
    async with aclosing(questions(plan)) as asks, aclosing(AsFinished(asks, answer, limit)) as answers:
        async for _ in answers:
            pass
    return await listed(parts)


async def listed(parts: Sequence[Part]) -> list[Delivery]:
    """What is known of all messages, in the order in which they were given."""
    found: list[Any] = [None] * sum(len(part.followed) for part in parts)
    rows: Iterable[tuple[int, Part, int]] = chain.from_iterable(
        ((position, part, row) for row, position in enumerate(part.positions)) for part in parts
    )
    rows = iter(rows)
    while piece := [*islice(rows, ITEMS_PER_TURN)]:
        for position, part, row in piece:
            found[position] = part.followed.delivery(row)
        await let_others_run()
    return found
