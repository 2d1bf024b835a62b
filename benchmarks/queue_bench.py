"""The queue on SQLite and on PostgreSQL, side by side: ``nox -s queue_bench``.

The provider and every worker are processes of their own; the provider's 50 ms are a sleep. CPU is of the workers, and
of all of PostgreSQL's processes; SQLite works in the workers' own. ``--only speed`` measures one part alone.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Callable

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
    """A worker in a process of its own."""

    def __init__(self, database: Database, url: str, account: str, slots: int) -> None:
        command = [sys.executable, HERE / "queue_jobs.py", "work", database.url, url, account, str(slots)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()
        self.pid = self._process.pid

    def stop(self) -> None:
        self._process.communicate()


async def released(database: Database, url: str, account: str, keys: list[str], nodes: int, slots: int) -> Speed:
    """How it goes from the release of an account until all is done."""
    async with make_queue(database.url, url, account) as queue:
        workers = [Node(database, url, account, slots) for _ in range(nodes)]
        pids = [worker.pid for worker in workers]
        speed = Speed(time.time(), sum(map(cpu_of, pids)), database.cpu)
        await queue.release(account)
        for key in keys:
            while not (campaign := await _found(queue, key)).state.has_ended:
                await asyncio.sleep(0.5)
                speed.samples.append((time.time(), sum(map(cpu_of, pids)) + database.cpu))
            assert campaign.ended_at is not None
        speed.wall = campaign.ended_at.timestamp() - speed.begun
        speed.cpu, speed.database_cpu = sum(map(cpu_of, pids)) - speed.cpu, database.cpu - speed.database_cpu
        for worker in workers:
            worker.stop()
    return speed


class Speed:
    """Seconds of the clock and of CPU from a release on."""

    def __init__(self, begun: float, cpu: float, database_cpu: float) -> None:
        self.begun, self.cpu, self.database_cpu = begun, cpu, database_cpu
        self.wall = 0.0
        self.samples = [(begun, cpu + database_cpu)]

    def cpu_at(self, moment: float) -> float:
        """The CPU until then, between two samples."""
        place = min(max(bisect_left(self.samples, (moment, 0.0)), 1), len(self.samples) - 1)
        (before, low), (after, high) = self.samples[place - 1], self.samples[place]
        return low + (high - low) * (moment - before) / (after - before)


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
                    found = asyncio.run(released(empty, url, account, ["all"], nodes, 1))
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
            asyncio.run(_held(empty, url, "single"))
            loaded = job("put_campaigns", empty, url, "single", count)
            last = [f"order-{key}" for key in range(count)[-64:]]
            found = asyncio.run(released(empty, url, "single", last, 1, 8))
            times = asyncio.run(_ended(empty, url, "single"))
        tenth = count // 10
        begins, ends = (times[0], times[tenth]), (times[-tenth], times[-1])
        cpus = [1e6 * (found.cpu_at(high) - found.cpu_at(low)) / tenth for low, high in (begins, ends)]
        rows.append([
            name,
            f"{loaded['wall']:.0f}",
            f"{found.wall:.0f}",
            f"{tenth / (begins[1] - begins[0]):,.0f}",
            f"{tenth / (ends[1] - ends[0]):,.0f}",
            f"{cpus[0]:,.0f}",
            f"{cpus[1]:,.0f}",
        ])  # fmt: skip
    heads = [
        "",
        "s to put",
        "s to send",
        "a second, first tenth",
        "last tenth",
        "CPU µs each, first tenth",
        "last tenth",
    ]
    return f"## {count:,} campaigns of one message, one worker of 8 slots\n\n{table(heads, rows)}"


async def _ended(database: Database, url: str, account: str) -> list[float]:
    async with make_queue(database.url, url, account) as queue:
        rows = queue._database.read(lambda one: one.rows("SELECT ended_at FROM payamak_batch ORDER BY ended_at"))
        return [row[0] for row in rows]


def afterwards(url: str, scale: float) -> str:
    """Results and webhooks of a million recipients."""
    streamed, stored, count, seconds = [], [], int(MILLION * scale), max(2, int(60 * scale))
    for name, database in DATABASES.items():
        with database() as empty:
            for key, size in (("few", count // 10), ("all", count)):
                asyncio.run(_held(empty, url, "najva"))
                job("put_campaign", empty, url, "najva", size, key)
                asyncio.run(released(empty, url, "najva", [key], 2, 1))
                cpu = empty.cpu
                found = job("results", empty, url, "najva", key)
                streamed.append([
                    f"{name}, {found['count']:,.0f}",
                    f"{found['wall']:.1f}",
                    f"{1e6 * found['cpu'] / found['count']:.1f}",
                    f"{1e6 * (empty.cpu - cpu) / found['count']:.1f}",
                    f"{found['grown'] / 2**20:.0f}",
                ])  # fmt: skip
            worker, cpu = Node(empty, url, "najva", 1), empty.cpu
            found = job("webhooks", empty, url, "najva", "all", 2000, seconds)
            cpus = cpu_of(worker.pid), empty.cpu - cpu
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


PARTS: dict[str, Callable[[str, float], str]] = {
    "put": put,
    "speed": speed,
    "campaigns": campaigns,
    "afterwards": afterwards,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--scale", type=float, default=1.0, help="a part of all recipients, for a quick look")
    options = parser.parse_args()
    found = []
    for name in [options.only] if options.only else PARTS:
        with server("queue_provider.py", "0" if name == "campaigns" else ANSWER) as url:
            found.append(PARTS[name](url, options.scale))
            print(found[-1], flush=True)
    if options.scale == 1.0 and not options.only:
        write_part(
            "Queue", "\n\n".join([f"Made by `nox -s queue_bench`, {dt.date.today():%d %B %Y}.", *found, machine()])
        )


if __name__ == "__main__":
    main()
