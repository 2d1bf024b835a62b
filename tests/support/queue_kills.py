"""Kills nodes, databases and brokers at random moments during campaigns, and judges what became of every recipient."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import attrs
from instances import Server
from ledger import Ledger
from queue_nodes import Nodes
from queue_verdict import Verdict, judge

from smscore.queue import AsyncSendQueue, Campaign

__all__ = ["Kills", "Report", "Watch"]

_HELD: Final = "SELECT id, claim, state, lease_until FROM payamak_batch WHERE state IN ('claimed', 'sending')"
_PLACES: Final = "SELECT id, campaign_id, first, size FROM payamak_batch WHERE unknown > 0"


class Watch:
    """Reads which batches are held, and how long those of a kill stay so."""

    def __init__(self, url: str, schema: str | None = None) -> None:
        self._url, self._schema = url, schema
        self._connection: Any = None

    def copy(self) -> Watch:
        """Another one, for another thread."""
        return Watch(self._url, self._schema)

    def rows(self, sql: str) -> list[tuple[Any, ...]] | None:
        """None while the database is away."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            return [tuple(row) for row in self._connection.execute(sql).fetchall()]
        except (sqlite3.OperationalError, self._errors()):
            self.close()
            return None

    def _errors(self) -> type[Exception]:
        if self._url.startswith("sqlite"):
            return sqlite3.OperationalError
        import psycopg

        return psycopg.OperationalError

    def _connect(self) -> Any:
        if self._url.startswith("sqlite"):
            return sqlite3.connect(
                self._url.removeprefix("sqlite:///"), timeout=30, isolation_level=None, check_same_thread=False
            )
        import psycopg

        options = f"-c search_path={self._schema or 'public'}"
        return psycopg.connect(self._url, autocommit=True, connect_timeout=2, options=options)

    def close(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None


@attrs.define
class Report:
    """What a run of kills came to.

    ``recoveries`` are the seconds from a kill, or from the last moment after it at which a server came back, until
    all that was held then had moved on.
    """

    kills: Counter[str] = attrs.field(factory=Counter)
    interrupted: int = 0
    """Kills that left batches in somebody's hands for longer than a request takes."""
    recoveries: list[tuple[float, str]] = attrs.field(factory=list)
    """With what was killed."""
    seconds: float = 0.0
    verdict: Verdict = attrs.field(factory=Verdict)

    def line(self, name: str) -> str:
        v, recoveries = self.verdict, sorted(self.recoveries) or [(0.0, "nothing")]
        ordered = [seconds for seconds, _ in recoveries]
        return (
            f"{name}: {self.kills.total()} kills ({', '.join(f'{n} {k}' for k, n in self.kills.items())}; "
            f"{self.interrupted} interrupted batches), "
            f"{v.recipients} recipients in {self.seconds:.0f} s: twice {v.twice}, lost {v.lost}, "
            f"false {v.false_outcome}, UNKNOWN {v.unknown_arrived} arrived / {v.unknown_not} did not "
            f"({v.unknown_unexplained} unexplained), accepted without ids {v.ids_lost}, "
            f"recovery median {ordered[len(ordered) // 2]:.1f} s, 95 % {ordered[len(ordered) * 95 // 100]:.1f} s, "
            f"longest {', '.join(f'{seconds:.1f} s ({victim})' for seconds, victim in recoveries[:-4:-1])}"
        )

    @property
    def longest(self) -> float:
        """Of all recoveries, in seconds."""
        return max(seconds for seconds, _ in self.recoveries)


@attrs.define(eq=False)
class Kills:
    """Kills ``count`` times while it keeps the queue busy, then waits until all is done.

    ``victims`` are weights of ``node``, ``child``, ``database`` and ``broker``; a database or broker is away for
    ``away`` seconds at most.
    """

    queue: AsyncSendQueue
    ledger: Ledger
    nodes: Nodes
    watch: Watch
    victims: Mapping[str, int]
    seed: int
    database: Server | None = None
    broker: Server | None = None
    away: float = 3.0
    pause: tuple[float, float] = (0.3, 1.5)
    batch: int = 100
    backlog: int = 40
    busy: int = 5  # batches that must be in hand before a kill, more than one node has: who is idle loses nothing
    lease: float = 4.0
    request: float = 1.0

    _counting: Watch = attrs.field(init=False)
    _holding: Watch = attrs.field(init=False)
    _asked: dict[int, list[str]] = attrs.field(factory=dict, init=False)
    _campaigns: dict[int, Campaign] = attrs.field(factory=dict, init=False)
    _next: int = attrs.field(default=0, init=False)
    _pending: list[tuple[float, str, set[tuple[int, str]]]] = attrs.field(factory=list, init=False)
    _gone: set[int] = attrs.field(factory=set, init=False)
    _back_at: float = attrs.field(default=0.0, init=False)
    _is_over: bool = attrs.field(default=False, init=False)
    _report: Report = attrs.field(factory=Report, init=False)

    @_counting.default
    @_holding.default
    def _watch_again(self) -> Watch:
        return self.watch.copy()

    async def run(self, count: int, within: float) -> Report:
        """The report; ``TimeoutError`` if it is not all done ``within`` seconds after the last kill."""
        begun = time.monotonic()
        chance = random.Random(self.seed)
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(self._feed())
            watching = group.create_task(self._watch_held())
            await asyncio.sleep(2)
            for _ in range(count):
                await self._until_busy()
                await asyncio.sleep(chance.uniform(*self.pause))
                await self._kill(chance)
                self.nodes.supervise()
            self._is_over = True
            await feeding
            try:
                async with asyncio.timeout(within):
                    await self._all_done()
            except TimeoutError:
                raise TimeoutError(self._standing()) from None
            watching.cancel()
        self._report.seconds = time.monotonic() - begun
        self._report.verdict = await judge(
            self.queue,
            [await self._found(one) for one in self._campaigns.values()],
            self._asked,
            await asyncio.to_thread(self.ledger.accepted),
            self._places(),
        )
        for watch in (self.watch, self._counting, self._holding):
            watch.close()
        return self._report

    # Keeping it busy

    async def _feed(self) -> None:
        while not self._is_over:
            open_ = await asyncio.to_thread(self._count_open)
            if open_ is not None and open_ < self.backlog:
                for account, batches in (("sepahan", 6), ("najva", 4)):
                    await self._enqueue(account, batches * self.batch)
            await asyncio.sleep(0.2)

    def _count_open(self) -> int | None:
        rows = self._counting.rows("SELECT count(*) FROM payamak_batch WHERE state <> 'done'")
        return None if rows is None else int(rows[0][0])

    async def _enqueue(self, account: str, size: int) -> None:
        numbers = [f"+98912{number:07}" for number in range(self._next, self._next + size)]
        key = f"{account}-{self._next}"
        self._next += size
        # The same key again: whether the first call was committed before the database died, nobody knows.
        campaign = await self._until_it_answers(lambda: self.queue.enqueue(account, numbers, "سلام", key=key))
        self._asked[campaign.id] = numbers
        self._campaigns[campaign.id] = campaign

    async def _found(self, campaign: Campaign) -> Campaign:
        found = await self.queue.campaign(str(campaign.key))
        assert found is not None, f"{campaign.key} is gone"
        return found

    async def _until_it_answers(self, call: Callable[[], Awaitable[Campaign]]) -> Campaign:
        deadline = time.monotonic() + 60
        while True:
            try:
                return await call()
            except Exception:  # whatever a lost database is told as: only its being there again matters
                if self.database is None or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.3)

    async def _all_done(self) -> None:
        while await asyncio.to_thread(self._count_open) != 0:
            self.nodes.supervise()
            await asyncio.sleep(0.3)

    def _standing(self) -> str:
        """What is left, where it does not end."""
        asked = {
            "batches": "SELECT account, state, count(*) FROM payamak_batch GROUP BY account, state",
            "accounts": "SELECT * FROM payamak_account",
            "campaigns": "SELECT account, state, reason, count(*), count(next_at) FROM payamak_campaign "
            "WHERE ended_at IS NULL GROUP BY account, state, reason",
        }
        alive = [node.is_alive() for node in self.nodes.all]
        return "; ".join([f"{name}: {self.watch.rows(sql)}" for name, sql in asked.items()]) + f"; alive: {alive}"

    # Killing

    async def _until_busy(self) -> None:
        """Until all nodes are back, so that one is left, and until batches are in hand."""
        async with asyncio.timeout(120):
            while not all(node.is_ready() for node in self.nodes.all):
                self.nodes.supervise()
                await asyncio.sleep(0.2)
        with suppress(TimeoutError):
            async with asyncio.timeout(8):
                while await self._count_in_hand() < self.busy:
                    self.nodes.supervise()
                    await asyncio.sleep(0.1)

    async def _count_in_hand(self) -> int:
        """How many batches living nodes hold: those that were held at a kill may be a dead one's."""
        rows = await asyncio.to_thread(self.watch.rows, _HELD) or ()
        old = set().union(*(pairs for _, _, pairs in self._pending))
        recent = time.time() + self.lease - 1
        return sum(until > recent and (id_, claim) not in old for id_, claim, _, until in rows)

    async def _kill(self, chance: random.Random) -> None:
        (victim,) = chance.choices([*self.victims], [*self.victims.values()])
        node = chance.choice(self.nodes.all)
        if victim == "child" and not await asyncio.to_thread(node.kill_child):
            victim = "node"
        if victim == "node":
            await asyncio.to_thread(node.kill)
        server = {"database": self.database, "broker": self.broker}.get(victim)
        if server is not None:
            # Of what is held now, anything may be dispatched before the database dies, and end by the time it answers.
            self._gone |= {id_ for id_, *_ in await asyncio.to_thread(self.watch.rows, _HELD) or ()}
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(chance.uniform(0.1, self.away))
            await asyncio.to_thread(server.start)
            self._back_at = time.monotonic()
        self._report.kills[victim] += 1
        await self._note_held(victim)

    async def _note_held(self, victim: str) -> None:
        while (rows := await asyncio.to_thread(self.watch.rows, _HELD)) is None:  # noqa: ASYNC110  # a server starts
            await asyncio.sleep(0.05)
        self._pending.append((time.monotonic(), victim, {(id_, claim) for id_, claim, _, _ in rows}))
        self._gone |= {id_ for id_, _, state, _ in rows if state == "sending"}

    async def _watch_held(self) -> None:
        while True:
            rows = await asyncio.to_thread(self._holding.rows, _HELD)
            if rows is not None:
                held, now, waiting = {(id_, claim) for id_, claim, _, _ in rows}, time.monotonic(), []
                for at, victim, pairs in self._pending:
                    pairs &= held
                    if pairs:
                        waiting.append((at, victim, pairs))
                    else:
                        took = now - max(at, self._back_at)
                        self._report.recoveries.append((took, victim))
                        self._report.interrupted += took > self.request
                self._pending = waiting
            await asyncio.sleep(0.1)

    def _places(self) -> frozenset[tuple[int, int]]:
        rows = self.watch.rows(_PLACES)
        assert rows is not None
        return frozenset(
            (campaign, position)
            for id_, campaign, first, size in rows
            if id_ in self._gone
            for position in range(first, first + size)
        )
