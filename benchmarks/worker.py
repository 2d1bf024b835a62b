"""One measurement in a process of its own: ``python worker.py JOB CONTENDER URL COUNT`` prints it as JSON."""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

from server import FIRST_ID, TEXT, recipients

WARM_UP = 3  # batches


def given(job: str, count: int, batch: int) -> list[Any]:
    """What a job is given: the same batch over and over, since the server's answers are made beforehand."""
    if job.endswith("status"):
        one: list[Any] = list(range(FIRST_ID, FIRST_ID + batch))
    elif job.endswith("p2p"):
        one = [(recipient, TEXT) for recipient in recipients(batch)]
    else:
        one = recipients(batch)
    return one * (count // batch)


class Endless:
    """A source of any length that holds one batch."""

    def __init__(self, batch: list[Any], count: int) -> None:
        self.batch, self.count = batch, count

    def __iter__(self) -> Iterator[Any]:
        for _ in range(self.count // len(self.batch)):
            yield from self.batch


class Ticker:
    """How long the event loop stood still at most: in seconds on the wall, and of its own thread's CPU."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    async def run(self) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0)
            now_wall, now_cpu = time.perf_counter(), time.thread_time()
            self.wall, self.cpu = max(self.wall, now_wall - wall), max(self.cpu, now_cpu - cpu)
            wall, cpu = now_wall, now_cpu


def run(work: Any, *args: object, ticker: Ticker | None = None) -> int:
    if not inspect.iscoroutinefunction(work):
        return work(*args)

    async def main() -> int:
        ticking = asyncio.create_task(ticker.run()) if ticker else None
        count = await work(*args)
        if ticking:
            ticking.cancel()
        return count

    return asyncio.run(main())


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(job: str, contender: str, url: str, count: int, batch: int, *, stall: bool) -> dict[str, float]:
    work = getattr(importlib.import_module(contender), job)
    run(work, url, given(job, batch * WARM_UP, batch), TEXT)
    to = Endless(given(job, batch, batch), count) if job.endswith("stream") else given(job, count, batch)
    ticker = Ticker() if stall else None
    gc.collect()
    before = peak()
    wall, cpu = time.perf_counter(), time.process_time()
    done = run(work, url, to, TEXT, ticker=ticker)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if done != count:
        raise SystemExit(f"{contender} did {done} of {count} of {job}")
    found = {"wall": wall, "cpu": cpu, "peak": peak(), "grown": peak() - before}
    return found | ({"stall_wall": ticker.wall, "stall_cpu": ticker.cpu} if ticker else {})


if __name__ == "__main__":
    job, contender, url, count, batch, *rest = sys.argv[1:]
    print(json.dumps(measure(job, contender, url, int(count), int(batch), stall=bool(rest))))
