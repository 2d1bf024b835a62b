"""One blocking client that many threads share, each sending one-time codes one after another: ``nox -s threads_bench``.

Every measurement is a process of its own, against a server in another; the numbers of threads take turns, round by
round. A send's time is what its thread waits for it, with every other thread at work.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import threading
import time
from typing import Any

from ours_blocking import ippanel
from results import machine, server, table, write_part
from server import TEXT, recipients

THREADS = (1, 4, 16, 64)
COUNT = 6_000
ROUNDS = 7
COLUMNS = {
    "rate": ("sends a second", 0),
    "p50": ("p50 ms", 2),
    "p99": ("p99 ms", 1),
    "cpu": ("CPU µs each", 0),
    "switches": ("thread switches each", 1),
}


def measure(url: str, threads: int, count: int) -> dict[str, float]:
    """What this many threads make of this many sends on one client."""
    number = recipients(1)[0]
    ready, taken = threading.Barrier(threads + 1), list[float]()

    def work(client: Any) -> None:
        own = list[float]()
        client.send(number, TEXT)
        ready.wait()
        for _ in range(count // threads):
            began = time.perf_counter()
            client.send(number, TEXT)
            own.append(time.perf_counter() - began)
        taken.extend(own)

    with ippanel(url) as client:
        workers = [threading.Thread(target=work, args=(client,)) for _ in range(threads)]
        for worker in workers:
            worker.start()
        ready.wait()
        wall, cpu, switched = time.perf_counter(), time.process_time(), switches()
        for worker in workers:
            worker.join()
        wall, cpu, switched = time.perf_counter() - wall, time.process_time() - cpu, switches() - switched
    taken.sort()
    middle, late = (1e3 * taken[int(share * len(taken))] for share in (0.5, 0.99))
    each = 1 / len(taken)
    return {"rate": 1 / (wall * each), "p50": middle, "p99": late, "cpu": 1e6 * cpu * each, "switches": switched * each}


def switches() -> int:
    """How often the threads of this process were switched."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_nvcsw + used.ru_nivcsw


def in_process(url: str, threads: int, count: int, *options: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--url", url, "--threads", str(threads), "--count", str(count), *options]
    found: dict[str, float] = json.loads(subprocess.check_output(command))
    return found


def spread(values: list[float], digits: int) -> str:
    values = sorted(values)
    return f"{statistics.median(values):,.{digits}f} ({values[0]:,.{digits}f} to {values[-1]:,.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="measure once against this server, and print JSON")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--asyncio", action="store_true", help="leave uvloop out, where it is installed")
    options = parser.parse_args()
    if options.asyncio:
        sys.modules["uvloop"] = None  # type: ignore[assignment]  # an import of it fails then
    if options.url:
        print(json.dumps(measure(options.url, options.threads, options.count)))
        return
    loops = {"asyncio": ["--asyncio"], "uvloop": list[str]()}
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    with server() as url:
        for _ in range(options.rounds):
            for threads in THREADS:
                for loop, option in loops.items():
                    figures = in_process(f"{url}/1", threads, options.count, *option)
                    found.setdefault((loop, threads), []).append(figures)
    rows = [
        [f"{loop}, {threads}", *(spread([one[key] for one in rounds], digits) for key, (_, digits) in COLUMNS.items())]
        for (loop, threads), rounds in sorted(found.items())
    ]
    text = table(["loop, threads", *(heading for heading, _ in COLUMNS.values())], rows)
    print(text)
    if options.count == COUNT:
        write_part(
            "Blocking threads", f"The median of {options.rounds} rounds, and their range.\n\n{text}\n\n{machine()}"
        )


if __name__ == "__main__":
    main()
