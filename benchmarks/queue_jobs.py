"""One measurement of the queue in a process of its own: ``python queue_jobs.py JOB DATABASE URL ACCOUNT …``.

It prints JSON. ``URL`` is that of ``queue_provider.py``. The process does one thing, so that its CPU and its memory are
that thing's.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from queue_databases import server_cpu
from server import TEXT, recipients

from najva_sms import AsyncNajva, DeliveryReport
from sepahan_sms import AsyncSepahan
from smscore import DeliveryStatus, Outcome
from smscore.queue import AsyncSendQueue
from smscore.queue.databases.base import Transaction
from smscore.queue.outcomes import same
from smscore.queue.payloads import Payload, pack, unpack
from smscore.queue.store import campaigns, endings
from smscore.queue.store.batches import ClaimedBatch
from smscore.queue.store.claims import Lane, claim

LIMITS = {"najva": 10_000, "sepahan": 100}
"""How many recipients a batch of each account has."""
SAMPLE = 1_000  # claims that are measured together

Figures = dict[str, float]


def make_queue(database: str, url: str, account: str) -> AsyncSendQueue:
    client = AsyncNajva if account == "najva" else AsyncSepahan
    address = f"{url}/{LIMITS[account]}"
    return AsyncSendQueue(database, {account: client("any token", sender="90000123", base_url=address)})


def different(count: int) -> Iterator[str]:
    """So many numbers, in no order."""
    return (f"091{place * 7_368_787 % 10**8:08}" for place in range(count))


def repeated(account: str, count: int) -> Iterator[str]:
    """The numbers that the provider's answers name, batch after batch."""
    batch = recipients(LIMITS[account])
    return (number for _ in range(count // len(batch)) for number in batch)


async def put(queue: AsyncSendQueue, account: str, count: str) -> None:
    await queue.enqueue(account, different(int(count)), TEXT)


async def put_p2p(queue: AsyncSendQueue, account: str, count: str) -> None:
    await queue.enqueue_p2p(account, ((to, f"{TEXT} {to}") for to in different(int(count))), key="p2p")


async def put_campaign(queue: AsyncSendQueue, account: str, count: str, key: str = "all") -> None:
    await queue.enqueue(account, repeated(account, int(count)), TEXT, key=key)


async def claims(queue: AsyncSendQueue, account: str, count: str, server: str) -> Figures:
    """What the first claims and the last ones of so many campaigns of one message cost; those between end in bulk.

    ``server`` is the pid of PostgreSQL's first process, or 0: its CPU is of all that it does, the ends too.
    """
    database, lanes = queue._database, [Lane(account)]
    ids, stored = range(1, int(count) + 1), pack(Payload(["09120000000"]))

    def load(transaction: Transaction) -> None:
        now = transaction.now
        columns = ("id", "account", "kind", "state", "text", "size", "next_at", "created_at")
        rows = [(id_, account, "text", "queued", TEXT, 1, now, now) for id_ in ids]
        transaction.insert("payamak_campaign", columns, rows)
        columns = ("id", "campaign_id", "account", "chunk", "first", "size", "payload")
        transaction.insert("payamak_batch", columns, [(id_, id_, account, 0, 0, 1, stored) for id_ in ids])

    def end(transaction: Transaction, claimed: ClaimedBatch) -> None:
        if endings.finish(transaction, claimed, unpack(claimed.stored), same(Outcome.ACCEPTED, 1)):
            campaigns.settle(transaction, claimed.campaign_id)

    def end_others(transaction: Transaction) -> None:
        last = ids[-SAMPLE]
        transaction.run("UPDATE payamak_batch SET state = 'done', accepted = 1 WHERE id < %s AND state = 'new'", last)
        transaction.run("UPDATE payamak_campaign SET state = 'done', next_at = NULL, ended_at = 1 WHERE id < %s", last)

    def claim_some(name: str) -> Figures:
        wall = cpu = 0.0
        served = server_cpu(int(server))
        for _ in range(SAMPLE):
            began, used = time.perf_counter(), time.process_time()
            taken = database.write(lambda one: claim(one, lanes, 1, 3600.0), flushed=False)
            wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - used
            database.write(partial(end, claimed=taken.batches[0]), flushed=False)
        costs = {"wall": wall, "cpu": cpu, "server": server_cpu(int(server)) - served}
        return {f"{key}_{name}": value / SAMPLE for key, value in costs.items()}

    database.write(load)
    first = claim_some("first")
    database.write(end_others)
    return first | claim_some("last")


async def work(queue: AsyncSendQueue, _: str, slots: str) -> None:
    """Send until standard input ends."""
    async with queue.worker(int(slots)):
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def results(queue: AsyncSendQueue, _: str, key: str) -> Figures:
    campaign = await queue.campaign(key)
    assert campaign is not None
    return {"count": sum([1 async for _ in queue.results(campaign)])}


async def webhooks(queue: AsyncSendQueue, account: str, key: str, rate: str, seconds: str) -> Figures:
    """Record a report each 1/rate seconds, whether the ones before have been stored or not."""
    campaign = await queue.campaign(key)
    assert campaign is not None
    ids: list[int] = []
    async for result in queue.results(campaign):
        if len(ids) == int(rate) * int(seconds):
            break
        assert result.message_id is not None
        ids.append(result.message_id)
    late: list[float] = []

    async def record(message_id: int, at: float) -> None:
        await queue.record(account, DeliveryReport(message_id, 10, DeliveryStatus.DELIVERED))
        late.append(time.perf_counter() - at)

    async with asyncio.TaskGroup() as group:
        begun, cpu = time.perf_counter(), time.process_time()
        for place, message_id in enumerate(ids):
            due = begun + place / int(rate)
            if due > time.perf_counter():
                await asyncio.sleep(due - time.perf_counter())
            group.create_task(record(message_id, due))
    took = time.perf_counter() - begun
    cpu = time.process_time() - cpu
    async with asyncio.timeout(120):
        while (counts := await queue.counts(campaign)).delivered < len(ids):  # noqa: ASYNC110  # a worker folds them
            await asyncio.sleep(0.2)
    return {
        "offered": len(ids),
        "delivered": counts.delivered,
        "took": took,
        "folded": time.perf_counter() - begun,
        "record_cpu": cpu,
        "median": statistics.median(late),
        "slow": sorted(late)[len(late) * 99 // 100],
    }


JOBS: dict[str, Callable[..., Awaitable[Figures | None]]] = {
    job.__name__: job for job in (put, put_p2p, put_campaign, claims, work, results, webhooks)
}


async def measure(job: str, database: str, url: str, account: str, *arguments: str) -> Figures:
    async with make_queue(database, url, account) as queue:
        await queue.create()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, cpu = time.perf_counter(), time.process_time()
        found = await JOBS[job](queue, account, *arguments)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        return {"wall": wall, "cpu": cpu, "grown": grown * 1024, **(found or {})}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(*sys.argv[1:]))))
