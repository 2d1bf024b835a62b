"""Following 100,000 messages until they are delivered, against the benchmarks' server: ``nox -s bench``.

CPU, requests and memory are measured in processes of their own; memory by tracemalloc, which slows everything down, and
so apart. A message counts with everything that its following needs: its columns, its questions, and what comes of them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from contextlib import aclosing
from typing import Any

from results import machine, server, table, write_part
from server import FIRST_ID, recipients

from najva_sms import AsyncNajva
from smscore import Polling
from smscore.columns import IdColumn, SpanColumn, SparseColumn
from smscore.results import SendReport

COUNT = 100_000
BATCH = 1_000
ROUNDS = 5


def report(count: int) -> SendReport:
    """A report of so many accepted messages, with the ids that the server knows."""
    ids = IdColumn(count)
    ids.put(range(count), [FIRST_ID + place % BATCH for place in range(count)])
    columns: dict[str, Any] = {"errors": SparseColumn(count), "request_ids": SpanColumn(), "provider": "najva"}
    return SendReport(recipients=recipients(count), outcomes=b"\0" * count, message_ids=ids, **columns)


async def followed(url: str, messages: SendReport, figures: dict[str, float]) -> None:
    requests = 0
    async with AsyncNajva("any token", base_url=f"{url}/{BATCH}") as client:
        send = client._caller.transport.send

        async def counted(*given: Any) -> Any:
            nonlocal requests
            requests += 1
            return await send(*given)

        client._caller.transport.send = counted  # type: ignore[method-assign]
        async with aclosing(client.track(messages, timeout=600, polling=Polling(first=0.01))) as changes:
            wall, cpu = time.perf_counter(), time.process_time()
            count = 0
            async for _ in changes:
                count += 1
            figures |= {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    if count != len(messages):
        raise SystemExit(f"{count} of {len(messages)} were seen")
    figures["requests"] = requests


def measure(url: str, count: int, *, memory: bool) -> dict[str, float]:
    """The figures of one process: CPU and requests, or the peak of memory."""
    asyncio.run(followed(url, report(3 * BATCH), {}))
    messages, figures = report(count), dict[str, float]()
    gc.collect()
    if memory:
        tracemalloc.start()
    asyncio.run(followed(url, messages, figures))
    return {"bytes": tracemalloc.get_traced_memory()[1]} if memory else figures


def in_process(url: str, count: int, *, memory: bool) -> dict[str, float]:
    command = [sys.executable, __file__, "--url", url, "--count", str(count), *(["--memory"] if memory else [])]
    found: dict[str, float] = json.loads(subprocess.check_output(command))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="measure once against this server, and print JSON")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    if options.url:
        print(json.dumps(measure(options.url, options.count, memory=options.memory)))
        return
    with server() as url:
        rounds = [in_process(url, options.count, memory=False) for _ in range(ROUNDS)]
        memory = in_process(url, options.count, memory=True)["bytes"]
    cpu = sorted(1e6 * one["cpu"] / options.count for one in rounds)
    rows = [
        ["CPU a message, µs", "", f"{statistics.median(cpu):.2f} ({cpu[0]:.2f} to {cpu[-1]:.2f})"],
        ["requests a look", f"{-(-options.count // BATCH):,}", f"{rounds[0]['requests']:,.0f}"],
        ["memory a message at its peak, bytes", "at most 300", f"{memory / options.count:.0f}"],
    ]
    text = f"`track` of {options.count:,} messages, until all are delivered.\n\n{table(['', 'bar', 'measured'], rows)}"
    print(text)
    if options.count == COUNT:
        write_part("Tracking", f"{text}\n\n{machine()}")


if __name__ == "__main__":
    main()
