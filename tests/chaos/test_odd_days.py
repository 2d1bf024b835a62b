"""What else goes wrong: commits that are not flushed, frozen workers, full disks, wrong clocks, repeated jobs."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from instances import PostgresServer
from ledger import Ledger
from queue_engines import ENGINES, Setup, running
from queue_kills import Kills
from queue_nodes import Node, Nodes
from queue_verdict import Verdict, judge
from services import Postgres

from smscore.queue import Campaign

SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 2**32)
BOTH = pytest.mark.parametrize("engine", ["sqlite", "postgres"])
PATIENT = {"SHOP_LEASE": "30", "SHOP_TOTAL": "20"}  # a busy machine makes no request UNKNOWN
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


class Books:
    """Campaigns of both providers, and what became of them."""

    def __init__(self, setup: Setup, ledger: Ledger) -> None:
        self.setup, self.ledger = setup, ledger
        self.campaigns: list[Campaign] = []
        self.asked: dict[int, list[str]] = {}

    async def enqueue(self, sizes: dict[str, int]) -> None:
        for account, size in sizes.items():
            first = sum(map(len, self.asked.values()))
            numbers = [f"+98912{number:07}" for number in range(first, first + size)]
            campaign = await self.setup.queue.enqueue(account, numbers, "سلام")
            self.campaigns.append(campaign)
            self.asked[campaign.id] = numbers

    async def all_done(self, nodes: Iterable[Node], within: float = 180) -> Verdict:
        async with asyncio.timeout(within):
            for campaign in self.campaigns:
                while (
                    not (await self.setup.queue.counts(campaign)).total
                    or (await self.setup.queue.counts(campaign)).waiting
                ):
                    for node in nodes:
                        node.supervise()
                    await asyncio.sleep(0.2)
        return await self.verdict()

    async def verdict(self) -> Verdict:
        return await judge(self.setup.queue, self.campaigns, self.asked, self.ledger.accepted())


@asynccontextmanager
async def books(engine: str, ledger: Ledger, folder: Path, **options: Any) -> AsyncIterator[Books]:
    async with running(engine, ledger, folder, **options) as setup:
        yield Books(setup, ledger)


def told(name: str, verdict: Verdict) -> None:
    print(f"\n{name}: {verdict}")
    assert verdict.is_right, verdict.examples


async def in_hand(setup: Setup, least: int) -> None:
    """Wait until so many batches are being sent."""
    watch = setup.watch()
    async with asyncio.timeout(60):
        while len(watch.rows("SELECT id FROM payamak_batch WHERE state = 'sending'") or ()) < least:
            await asyncio.sleep(0.05)
    watch.close()


async def test_a_database_that_flushes_no_commit_sends_to_nobody_twice(ledger: Ledger, tmp_path: Path) -> None:
    ledger.fail("delay", seconds=0.4)
    async with running("postgres", ledger, tmp_path, settings={"synchronous_commit": "off"}) as setup:
        with setup.nodes(2) as nodes:
            kills = Kills(setup.queue, ledger, nodes, setup.watch(), {"database": 1}, SEED, setup.database)
            report = await kills.run(int(os.environ.get("CHAOS_KILLS", "100")) // 5, within=90)
    told(report.line("synchronous_commit=off"), report.verdict)


@BOTH
async def test_a_worker_that_is_frozen_over_its_lease(engine: str, ledger: Ledger, tmp_path: Path) -> None:
    ledger.fail("delay", seconds=0.4)
    async with books(engine, ledger, tmp_path, SHOP_LEASE="2", SHOP_TOTAL="1") as of:
        with of.setup.nodes(2) as nodes:
            chance = random.Random(SEED)
            for _ in range(5):
                await of.enqueue({"sepahan": 4000, "najva": 4000})
                await in_hand(of.setup, 5)
                await asyncio.sleep(chance.uniform(0, 0.5))
                frozen = chance.choice(nodes.all)
                frozen.signal(signal.SIGSTOP)
                await asyncio.sleep(4)
                frozen.signal(signal.SIGCONT)
            verdict = await of.all_done(nodes.all)
    told(f"frozen for two leases, {engine}", verdict)


async def test_a_disk_that_is_full_for_a_while(ledger: Ledger, tmp_path: Path) -> None:
    async with books("sqlite", ledger, tmp_path) as of:
        await of.enqueue({"sepahan": 20_000, "najva": 20_000})
        with of.setup.nodes(1) as nodes:
            await in_hand(of.setup, 1)
            full = (tmp_path / "queue.db").stat().st_size
            resource.prlimit(nodes.all[0].pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
            await asyncio.sleep(8)
            before = await of.setup.queue.counts(of.campaigns[1])
            resource.prlimit(nodes.all[0].pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            verdict = await of.all_done(nodes.all)
            assert nodes.all[0].starts == 1
            assert "cannot be used" in nodes.all[0].log
    assert before.waiting
    told("full disk", verdict)
    assert verdict.unknown_not == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
async def test_a_disk_of_postgresql_that_is_full_for_a_while(ledger: Ledger, tmp_path: Path) -> None:
    with PostgresServer() as server, small_disk(server) as disk:
        postgres = Postgres(server.url.removesuffix("postgres") + "small", "public")
        async with books("postgres", ledger, tmp_path, postgres=postgres, **PATIENT) as of:
            await of.enqueue({"sepahan": 20_000, "najva": 20_000})
            with of.setup.nodes(1) as nodes:
                await in_hand(of.setup, 1)
                filler = disk / "filler"
                fill(filler)
                await asyncio.sleep(8)
                fill(filler)  # what the server has freed meanwhile
                before = await of.setup.queue.counts(of.campaigns[1])
                filler.unlink()
                verdict = await of.all_done(nodes.all)
                assert nodes.all[0].starts == 1
                assert "cannot be used (DiskFull)" in nodes.all[0].log
        assert before.waiting
    told("full disk, postgres", verdict)
    assert (verdict.unknown_arrived, verdict.unknown_not) == (0, 0)


@contextmanager
def small_disk(server: PostgresServer) -> Iterator[Path]:
    """A disk of 32 MB that holds a database of its own, ``small``; the write-ahead log is elsewhere."""
    import psycopg

    disk = server.folder / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", disk], check=True)
    try:
        shutil.chown(disk, "postgres")
        disk.chmod(0o700)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(disk)))
            connection.execute("CREATE DATABASE small TABLESPACE small")
        yield disk
    finally:
        server.kill()
        subprocess.run(["umount", disk], check=True)


def fill(file: Path) -> None:
    """Let a file take all the room that is left on its disk."""
    with file.open("ab", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(bytes(4096))


@pytest.mark.skipif(FAKETIME is None, reason="needs libfaketime")
@pytest.mark.parametrize("hours", ["+6h", "-6h"])
@BOTH
async def test_a_worker_whose_clock_is_six_hours_off(engine: str, hours: str, ledger: Ledger, tmp_path: Path) -> None:
    ledger.fail("delay", seconds=0.4)
    fake = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": hours, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    async with books(engine, ledger, tmp_path, **PATIENT) as of:
        await of.enqueue({"sepahan": 3000, "najva": 3000})
        with of.setup.nodes(1), Nodes("embedded", 1, _folder(tmp_path), {**of.setup.environment, **fake}) as wrong:
            verdict = await of.all_done(wrong.all)
        watch = of.setup.watch()
        rows = watch.rows("SELECT hops FROM payamak_batch") or []
        watch.close()
    told(f"a clock {hours} off, {engine}", verdict)
    fast = [hops for (hops,) in rows if json.loads(hops)[-1]["at"] > time.time() + 3600]
    # The database's clock is the only one on a server; with SQLite a slow clock finds nothing that is due.
    assert bool(fast) == ((engine, hours) == ("sqlite", "+6h"))
    if engine == "postgres":
        assert (verdict.unknown_arrived, verdict.unknown_not) == (0, 0)


def _folder(tmp_path: Path) -> Path:
    (tmp_path / "wrong").mkdir()
    return tmp_path / "wrong"


@pytest.mark.parametrize("engine", [name for name, engine in ENGINES.items() if engine.nodes == "celery"])
async def test_jobs_that_a_broker_delivers_five_times(
    engine: str, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from celery import Celery

    ledger.fail("delay", seconds=0.2)
    async with books(engine, ledger, tmp_path, **PATIENT) as of:
        await of.enqueue({"sepahan": 4000, "najva": 4000})
        app = Celery(broker=of.setup.environment["SHOP_BROKER"], set_as_current=False)
        with of.setup.nodes(2) as nodes:
            for number in range(6):
                for _ in range(5):
                    app.send_task("payamak.drain", kwargs={"seconds": 2, "slots": 4}, task_id=f"job-{number}")
                await asyncio.sleep(1)
            verdict = await of.all_done(nodes.all)
        app.close()
    told(f"each job five times, {engine}", verdict)
    assert (verdict.unknown_arrived, verdict.unknown_not) == (0, 0)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_node_that_is_told_to_stop_leaves_nothing_unknown(engine: str, ledger: Ledger, tmp_path: Path) -> None:
    ledger.fail("delay", seconds=0.8)
    async with books(engine, ledger, tmp_path, **PATIENT) as of:
        await of.enqueue({"sepahan": 3000, "najva": 3000})
        with of.setup.nodes(2) as nodes:
            await in_hand(of.setup, 5)
            begun = time.monotonic()
            codes = await asyncio.gather(*(asyncio.to_thread(node.stop) for node in nodes.all))
            took = time.monotonic() - begun
            watch = of.setup.watch()
            assert watch.rows("SELECT id FROM payamak_batch WHERE state IN ('claimed', 'sending')") == []
            watch.close()
            verdict = await of.all_done(nodes.all)
    told(f"SIGTERM, {engine}: {took:.1f} s, exit codes {codes}", verdict)
    assert codes == [0, 0]
    assert (verdict.unknown_arrived, verdict.unknown_not, verdict.ids_lost) == (0, 0, 0)
