"""Payamak beside the floor in instructions, which no other load on the machine changes: ``nox -s instructions``.

Each figure is a slope: the instructions of the client's process for more requests and for fewer, one taken off the
other, so that what a client costs once stays out of it. Kernel time is not in it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attrs import frozen
from results import HERE, compiled_once, machine, server, table, write_part

FLOOR, OURS, BLOCKING, FAILOVER = "floor", "ours", "ours_blocking", "ours_failover"
ROUNDS = 3
_TOTALS = re.compile(r"^totals: (\d+)", re.MULTILINE)


@frozen
class Counted:
    """A job, between two counts of messages or ids; ``batch`` of them are a request."""

    name: str
    title: str
    fewer: int
    more: int
    batch: int = 1
    contenders: tuple[str, ...] = (FLOOR, OURS, BLOCKING)


JOBS = (
    Counted("codes_one_by_one", "one-time code", 100, 300),
    # The second hundred waits for the connections that the first one opens.
    Counted("codes_at_once", "200 codes at once, 100 connections", 100, 200),
    # The second hundred opens a connection each, which the threads of the blocking contender never do.
    Counted("codes_on_new_connections", "200 codes at once, 200 connections", 100, 200, contenders=(FLOOR, OURS)),
    Counted("sepahan_bulk", "Sepahan bulk, 100 recipients a request", 4_000, 12_000, 100),
    Counted("najva_bulk", "Najva bulk, 10,000 recipients a request", 20_000, 60_000, 10_000),
    Counted("najva_status", "Najva status, 1,000 ids a request", 4_000, 12_000, 1_000),
)
# Of which row, by whom beside the floor: at least, and what we aim for.
BARS = {
    ("codes_one_by_one", OURS): (0.65, 0.75),
    ("codes_one_by_one", BLOCKING): (0.56, 0.65),
    ("codes_at_once", OURS): (0.80, 0.85),
    ("codes_on_new_connections", OURS): (0.80, 0.85),
    ("sepahan_bulk", OURS): (0.71, 0.80),
    ("najva_bulk", OURS): (0.73, 0.85),
    ("najva_status", OURS): (0.58, 0.70),
}
NAMES = {OURS: "async", BLOCKING: "blocking"}
# What a failover whose first provider works costs at most beside its bare client.
FAILOVER_JOBS = ("codes_one_by_one", "najva_bulk")
FAILOVER_BAR = 1.03
FIRST_CLIENT = "import sepahan_sms; sepahan_sms.AsyncSepahan('token', sender='50003300')"  # imports aiohttp
IMPORTS = (
    "import aiohttp",
    "import sepahan_sms",
    "import ippanel_sms",
    "import najva_sms",
    FIRST_CLIENT,
)
IMPORT_BARS = {"import sepahan_sms": (1.17, 1.10)}


def count(arguments: list[str], *, at_start: bool, environment: Mapping[str, str] = os.environ) -> int:
    """The instructions of a process of this Python."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "counts"
        instrumented = ["--instr-atstart=yes" if at_start else "--instr-atstart=no", f"--callgrind-out-file={out}"]
        command = ["valgrind", "--tool=callgrind", *instrumented, sys.executable, *arguments]
        seeded = {**environment, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, capture_output=True, text=True, env=seeded, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return sum(map(int, _TOTALS.findall(out.read_text())))


def slope(url: str, job: Counted, contender: str) -> float:
    """The instructions of one request."""
    counts = [
        count(
            [str(HERE / "counted.py"), job.name, contender, f"{url}/{job.batch}", str(number), str(job.batch)],
            at_start=False,
        )
        for number in (job.fewer, job.more)
    ]
    return (counts[1] - counts[0]) / ((job.more - job.fewer) / job.batch)


def job_rows(url: str, rounds: int, jobs: list[Counted]) -> list[list[str]]:
    # Counts do not depend on what else runs, so they run side by side.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        running = {
            (job, contender): [threads.submit(slope, url, job, contender) for _ in range(rounds)]
            for job in jobs
            for contender in job.contenders
        }
        found = {key: statistics.median(one.result() for one in slopes) for key, slopes in running.items()}
    return [
        row(job, contender, found[job, FLOOR], found[job, contender])
        for job in jobs
        for contender in job.contenders
        if contender != FLOOR
    ]


def row(job: Counted, contender: str, floor: float, own: float) -> list[str]:
    least, aim = BARS.get((job.name, contender), ("", ""))
    numbers = [f"{floor / 1e3:,.0f}", f"{own / 1e3:,.0f}", f"{floor / own:.3f}"]
    return [f"{job.title}, {NAMES[contender]}", *numbers, str(least), str(aim)]


def failover_rows(url: str, rounds: int) -> list[list[str]]:
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        running = {
            (job, contender): [threads.submit(slope, url, job, contender) for _ in range(rounds)]
            for job in JOBS
            if job.name in FAILOVER_JOBS
            for contender in (OURS, FAILOVER)
        }
        found = {key: statistics.median(one.result() for one in slopes) for key, slopes in running.items()}
    rows: list[list[str]] = []
    for job in JOBS:
        if job.name in FAILOVER_JOBS:
            bare, own = found[job, OURS], found[job, FAILOVER]
            rows.append([job.title, f"{bare / 1e3:,.0f}", f"{own / 1e3:,.0f}", f"{own / bare:.3f}", str(FAILOVER_BAR)])
    return rows


def import_rows() -> list[list[str]]:
    with compiled_once() as environment, ThreadPoolExecutor(os.cpu_count()) as threads:

        def cost(program: str) -> int:
            return count(["-c", program], at_start=True, environment=environment)

        for program in ("", *IMPORTS):
            subprocess.run([sys.executable, "-c", program], check=True, env=environment)  # compiles it
        bare, *costs = threads.map(cost, ("", *IMPORTS))
    own = [cost - bare for cost in costs]
    return [
        [f"`{program}`", f"{cost / 1e6:,.0f}", f"{cost / own[0]:.3f}", *map(str, IMPORT_BARS.get(program, ("", "")))]
        for program, cost in zip(IMPORTS, own, strict=True)
    ]


def main() -> None:
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not installed")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--job", help="one job alone; writes no results")
    parser.add_argument("--failover", action="store_true", help="the failover's overhead alone; writes no results")
    options = parser.parse_args()
    chosen = [job for job in JOBS if options.job in (None, job.name) and not options.failover]
    with server() as url:
        rows = job_rows(url, options.rounds, chosen)
        jobs = table(["", "floor, thousand a request", "Payamak", "floor = 1", "at least", "aim"], rows)
        print(jobs, flush=True)
        if options.job:
            return
        behind = ["first provider works", "bare, thousand a request", "failover", "bare = 1", "at most"]
        failover = table(behind, failover_rows(url, options.rounds))
        print(failover, flush=True)
    if options.failover:
        return
    imports = table(["", "million", "× aiohttp", "at most", "aim"], import_rows())
    print(imports)
    head = (
        f"Made by `nox -s instructions`: user-space instructions by callgrind, the median of {options.rounds} rounds. "
        "Higher is better beside the floor, lower beside `import aiohttp`."
    )
    write_part("Instructions", f"{head}\n\n{machine()}\n\n{jobs}\n\n{failover}\n\n{imports}")


if __name__ == "__main__":
    main()
