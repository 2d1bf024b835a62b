"""The queue on SQLite and on PostgreSQL, side by side: ``nox -s queue_bench``.

The provider and every worker are processes of their own; the provider's 50 ms are a sleep. CPU is of the workers, and
of all of PostgreSQL's processes; SQLite works in the workers' own. ``--only speed`` measures one part alone.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from attrs import define
from queue_databases import DATABASES, Database, cpu_of
from queue_jobs import Figures, make_queue
from results import HERE, machine, server, table, write_part

from smscore.queue import AsyncSendQueue, Campaign

MILLION = 1_000_000
ANSWER = "0.05"  # seconds
NODES = (1, 2, 4)


def job(name: str, database: Database, url: str, account: str, *arguments: object) -> Figures:
    command = [sys.executable, HERE / "queue_jobs.py", name, database.url, url, account, *map(str, arguments)]
    found: Figures = json.loads(subprocess.check_output(command))
    return found


class Node:
    """A worker of one slot in a process of its own."""

    def __init__(self, database: Database, url: str, account: str) -> None:
        command = [sys.executable, HERE / "queue_jobs.py", "work", database.url, url, account, "1"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    @property
    def cpu(self) -> float:
        return cpu_of(self._process.pid)

    def stop(self) -> None:
        self._process.communicate()


@define
class Speed:
    """Seconds of the clock, and of CPU, from a release until all is done."""

    wall: float
    cpu: float
    database_cpu: float


async def released(database: Database, url: str, account: str, key: str, nodes: int) -> Speed:
    """How it goes from the release of an account until all is done."""
    async with make_queue(database.url, url, account) as queue:
        workers = [Node(database, url, account) for _ in range(nodes)]
        begun, before = time.time(), (sum(worker.cpu for worker in workers), database.cpu)
        await queue.release(account)
        campaign = await queue.wait(await _found(queue, key))
        assert campaign.ended_at is not None
        after = sum(worker.cpu for worker in workers), database.cpu
        for worker in workers:
            worker.stop()
    return Speed(campaign.ended_at.timestamp() - begun, after[0] - before[0], after[1] - before[1])


async def _found(queue: AsyncSendQueue, key: str) -> Campaign:
    found = await queue.campaign(key)
    assert found is not None
    return found


async def _held(database: Database, url: str, account: str) -> None:
    async with make_queue(database.url, url, account) as queue:
        await queue.create()
        await queue.hold(account)


def put(url: str, scale: float) -> str:
    rows = []
    count = int(MILLION * scale)
    for name, database in DATABASES.items():
        for words, work in (("one text", "put"), ("a text each, with a key", "put_p2p")):
            with database() as empty:
                before = empty.cpu
                found = job(work, empty, url, "najva", count)
                rows.append([
                    f"{name}, {words}",
                    f"{found['wall']:.1f}",
                    f"{found['cpu']:.1f}",
                    f"{empty.cpu - before:.1f}",
                    f"{empty.size / 2**20:.1f}",
                    f"{found['grown'] / 2**20:.0f}",
                ])  # fmt: skip
    heads = ["", "s", "CPU s", "CPU s of PostgreSQL", "MiB of the database", "peak MiB more"]
    return f"## Putting {count:,} recipients\n\n{table(heads, rows)}"


def speed(url: str, scale: float) -> str:
    parts = []
    for account, size in (("sepahan", int(100_000 * scale)), ("najva", int(MILLION * scale))):
        rows = []
        for name, database in DATABASES.items():
            alone = 0.0
            for nodes in NODES:
                with database() as empty:
                    asyncio.run(_held(empty, url, account))
                    job("put_campaign", empty, url, account, size)
                    found = asyncio.run(released(empty, url, account, "all", nodes))
                    alone = alone or found.wall
                    rows.append([
                        f"{name}, {nodes} worker{'s' * (nodes > 1)}",
                        f"{found.wall:.1f}",
                        f"{size / found.wall:,.0f}",
                        f"{alone / found.wall:.2f}",
                        f"{1e6 * found.cpu / size:.1f}",
                        f"{1e6 * found.database_cpu / size:.1f}",
                        f"{empty.size / 2**20:.0f}",
                    ])  # fmt: skip
        heads = [
            "",
            "s",
            "recipients/s",
            "times one worker's",
            "CPU µs each",
            "CPU µs each, PostgreSQL",
            "MiB at the end",
        ]
        parts.append(
            f"## {account.title()}, {size:,} recipients, workers of one slot, 50 ms an answer\n\n{table(heads, rows)}"
        )
    return "\n\n".join(parts)


def campaigns(url: str, scale: float) -> str:
    rows, count = [], int(100_000 * scale)
    for name, database in DATABASES.items():
        with database() as empty:
            found = job("claims", empty, url, "sepahan", count, empty.server or 0)
        keys = [f"{key}_{end}" for key in ("wall", "cpu", "server") for end in ("first", "last")]
        rows.append([name, *(f"{1e6 * found[key]:,.0f}" for key in keys)])
    heads = ["", "µs each, first", "last", "CPU µs each, first", "last", "PostgreSQL's, with the end, first", "last"]
    title = f"## Claims of {count:,} campaigns of one message: the first thousand and the last"
    return f"{title}\n\n{table(heads, rows)}"


def afterwards(url: str, scale: float) -> str:
    """Results and webhooks of a million recipients."""
    streamed, stored, count, seconds = [], [], int(MILLION * scale), max(2, int(60 * scale))
    for name, database in DATABASES.items():
        with database() as empty:
            for key, size in (("few", count // 10 // 10_000 * 10_000), ("all", count)):
                asyncio.run(_held(empty, url, "najva"))
                job("put_campaign", empty, url, "najva", size, key)
                asyncio.run(released(empty, url, "najva", key, 2))
                cpu = empty.cpu
                found = job("results", empty, url, "najva", key)
                streamed.append([
                    f"{name}, {found['count']:,.0f}",
                    f"{found['wall']:.1f}",
                    f"{1e6 * found['cpu'] / found['count']:.1f}",
                    f"{1e6 * (empty.cpu - cpu) / found['count']:.1f}",
                    f"{found['grown'] / 2**20:.0f}",
                ])  # fmt: skip
            worker, cpu = Node(empty, url, "najva"), empty.cpu
            found = job("webhooks", empty, url, "najva", "all", 2000, seconds)
            cpus = worker.cpu, empty.cpu - cpu
            worker.stop()
        stored.append([
            name,
            f"{found['offered']:,.0f}",
            f"{found['offered'] - found['delivered']:,.0f}",
            f"{found['offered'] / found['took']:,.0f}",
            f"{1e3 * found['median']:.1f}",
            f"{1e3 * found['slow']:.0f}",
            *(f"{1e6 * one / found['offered']:.0f}" for one in (found["record_cpu"], *cpus)),
        ])  # fmt: skip
    heads = ["", "s", "CPU µs each", "CPU µs each, PostgreSQL", "peak MiB more"]
    part = f"## `results`, streamed\n\n{table(heads, streamed)}"
    heads = [
        "",
        "offered",
        "lost",
        "stored a second",
        "stored after ms, median",
        "99 %",
        "CPU µs each",
        "worker",
        "PostgreSQL",
    ]
    title = f"## Webhooks: `record` 2,000 times a second for {seconds} s, one process, a worker beside it"
    return f"{part}\n\n{title}\n\n{table(heads, stored)}"


PARTS: dict[str, tuple[str, Callable[[str, float], str]]] = {
    "put": ("Queue: putting", put),
    "speed": ("Queue: workers", speed),
    "campaigns": ("Queue: campaigns", campaigns),
    "afterwards": ("Queue: results and webhooks", afterwards),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--scale", type=float, default=1.0, help="a part of all recipients, for a quick look")
    options = parser.parse_args()
    for name in [options.only] if options.only else PARTS:
        title, part = PARTS[name]
        load = os.getloadavg()[0]
        with server("queue_provider.py", ANSWER) as url:
            found = part(url, options.scale)
        print(found, flush=True)
        if options.scale == 1.0:
            day = f"{dt.datetime.now(dt.UTC):%d %B %Y}"
            made = f"`nox -s queue_bench -- --only {name}`, {day}, commit {commit()}, other load {load:.0f}."
            write_part(title, f"{made}\n\n{found}\n\n{machine()}")


def commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
