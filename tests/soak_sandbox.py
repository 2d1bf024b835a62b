"""A soak of the sandbox: 1,000 messages a second, while it is watched, slowly watched, and listed.

``SOAK_SECONDS`` (60) is how long. Not collected unless named: ``pytest -s tests/soak_sandbox.py``.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from attrs import define, field

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
RATE = 1000  # messages a second, each a request of its own
KEEP = min(20_000, int(RATE * SECONDS / 6))  # full after a sixth of the time
SENDERS = 16
LISTING_UNDER = 1.0  # seconds, for the slowest 1 %
GROWTH = 30 * 1024 * 1024  # bytes between the first time the memory is full and the end

QUERIES = ("", "?number=09120000001", "?text=۴۸۲۱", "?status=delivered&limit=200", "?provider=sepahan", "?before=1000")

SERVER = """
import asyncio, sys
from smscore.sandbox import Sandbox

async def main():
    async with Sandbox(keep=int(sys.argv[1]), store=sys.argv[2] or None) as box:
        print(box.url("najva").removesuffix("/najva"), flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@define
class Tally:
    """What a soak did, for a human to read."""

    sent: int = 0
    listings: list[float] = field(factory=list)
    events: int = 0
    seen: int = 0
    memory: list[int] = field(factory=list)

    def lines(self) -> Iterator[str]:
        yield f"{self.sent:,} messages in {SECONDS:g} s; {self.events} batches of events told of {self.seen:,}"
        slowest = statistics.quantiles(self.listings, n=100)[-1]
        yield f"{len(self.listings)} listings: median {statistics.median(self.listings):.3f} s, p99 {slowest:.3f} s"
        full, end = self.when_full(), self.memory[-1]
        yield f"memory {full >> 20} MiB when full, {end >> 20} MiB at the end, {max(self.memory) >> 20} MiB at most"

    def when_full(self) -> int:
        """The memory a fifth into the soak, when as many messages are kept as ever will be."""
        return self.memory[len(self.memory) // 5]


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(params=["memory", "file"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    store = str(tmp_path / "store.db") if request.param == "file" else ""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(KEEP), store], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()
        assert process.wait(20) == 0


async def send(session: aiohttp.ClientSession, origin: str, tally: Tally, start: float, worker: int) -> None:
    """One of several senders, each at its share of the rate."""
    count = 0
    while (now := time.monotonic()) < start + SECONDS:
        due = start + (count * SENDERS + worker) / RATE
        if due > now:
            await asyncio.sleep(due - now)
        body = {"message": f"کد: {count % 10_000:04}", "sender": "90000123", "receivers": [f"0912{count:07}"]}
        async with session.post(f"{origin}/najva/v2/sms/send", json=body) as response:
            assert response.status == 200
            await response.read()
        tally.sent += 1
        count += 1


async def watch(session: aiohttp.ClientSession, origin: str, tally: Tally) -> None:
    async with session.get(f"{origin}/events") as response:
        async for line in response.content:
            if line.startswith(b'data: {"messages"') or b'"messages":' in line:
                tally.events += 1
                tally.seen += json.loads(line[6:])["count"]


def watch_without_reading(origin: str) -> socket.socket:
    """A reader that asks for the events and takes none."""
    where = urlsplit(origin)
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect((where.hostname, where.port))
    reader.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return reader


async def list_messages(session: aiohttp.ClientSession, origin: str, tally: Tally) -> None:
    for round_ in range(10**9):
        start = time.perf_counter()
        async with session.get(f"{origin}/api/messages{QUERIES[round_ % len(QUERIES)]}") as response:
            assert response.status == 200
            await response.read()
        tally.listings.append(time.perf_counter() - start)
        await asyncio.sleep(0.2)


async def weigh(pid: int, tally: Tally) -> None:
    while True:
        tally.memory.append(resident(pid))
        await asyncio.sleep(SECONDS / 100)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory of a process as Linux shows it")
async def test_it_stays_usable_and_its_memory_has_an_end(
    server: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    origin, tally = server.stdout.readline().strip(), Tally()
    slow = watch_without_reading(origin)
    async with aiohttp.ClientSession(
        headers={"Authorization": "Bearer token"}, timeout=aiohttp.ClientTimeout(total=None, sock_read=30)
    ) as session:
        beside = [
            asyncio.create_task(work)
            for work in (
                watch(session, origin, tally),
                list_messages(session, origin, tally),
                weigh(server.pid, tally),
            )
        ]
        start = time.monotonic()
        await asyncio.gather(*(send(session, origin, tally, start, worker) for worker in range(SENDERS)))
        for task in beside:
            assert not task.done(), task
            task.cancel()
        async with session.get(f"{origin}/api/messages?limit=1") as response:
            kept = (await response.json())["total"]
    slow.close()
    with capsys.disabled():
        print("\n" + "\n".join(tally.lines()))
    assert kept == min(KEEP, tally.sent)
    assert tally.sent > 0.8 * RATE * SECONDS  # the senders may be kept waiting by a busy machine
    assert tally.seen > 0.9 * tally.sent
    assert tally.events < 12 * SECONDS
    assert statistics.quantiles(tally.listings, n=100)[-1] < LISTING_UNDER
    assert tally.memory[-1] - tally.when_full() < GROWTH
