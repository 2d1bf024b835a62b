"""Payamak beside the floor and beside what people use today, in one run: ``nox -s bench``.

Every measurement is a process of its own, against a server in another; the contenders take turns, round by round,
so that what else the machine does meets all alike. Ratios are of one round, and the table has their median and range.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys

from attrs import frozen
from results import HERE, compiled_once, machine, server, table, write_part

FLOOR = "floor"
EVERYBODY = (FLOOR, "ours", "ours_blocking", "httpx_pydantic", "requests_loop")
NAMES = {
    FLOOR: "floor (aiohttp, msgspec)",
    "ours": "Payamak, async",
    "ours_blocking": "Payamak, blocking",
    "published": "ippanel-python-sdk",
    "httpx_pydantic": "httpx, pydantic",
    "requests_loop": "requests in a loop",
}

Figures = dict[str, float]


@frozen
class Job:
    """What all contenders do: so many messages or ids, ``batch`` to a request."""

    name: str
    title: str
    count: int
    batch: int
    contenders: tuple[str, ...] = EVERYBODY


JOBS = (
    Job("najva_bulk", "Najva, 1,000,000 recipients in 10,000s", 1_000_000, 10_000),
    Job("sepahan_bulk", "Sepahan, 150,000 recipients in 100s, 8 in flight", 150_000, 100),
    Job("codes_one_by_one", "IPPanel, 2,000 one-time codes one after another", 2_000, 1, (*EVERYBODY, "published")),
    Job("codes_at_once", "IPPanel, 200 one-time codes at once", 200, 1, (*EVERYBODY, "published")),
    Job("najva_status", "Najva, the status of 100,000 ids in 1,000s", 100_000, 1_000),
)

# The bars: of whom, in which job, by what measure, beside whom; how often its speed at least, and what we aim for.
BARS = (
    ("Najva bulk, client CPU", "ours", "najva_bulk", "cpu", FLOOR, 0.6, 0.8),
    ("Sepahan bulk, client CPU", "ours", "sepahan_bulk", "cpu", FLOOR, 0.6, 0.8),
    ("blocking one-time code, wall", "ours_blocking", "codes_one_by_one", "wall", "published", 1.3, 2.0),
    *(
        (f"httpx + pydantic, {words}, client CPU", "ours", job, "cpu", "httpx_pydantic", 4.0, 4.0)
        for job, words in (
            ("najva_bulk", "Najva bulk"),
            ("sepahan_bulk", "Sepahan bulk"),
            ("najva_status", "status"),
            ("codes_at_once", "codes at once"),
            ("codes_one_by_one", "codes one after another"),
        )
    ),
)


def measure(url: str, job: str, contender: str, count: int, batch: int, *, stall: bool = False) -> Figures:
    command = [sys.executable, HERE / "worker.py", job, contender, f"{url}/{batch}", str(count), str(batch)]
    return json.loads(subprocess.check_output([*command, *(["stall"] if stall else [])]))


def median(rounds: list[Figures], key: str) -> float:
    return statistics.median(figures[key] for figures in rounds)


def ratios(ours: list[Figures], others: list[Figures], key: str) -> list[float]:
    """How often the others' speed, round by round."""
    return sorted(other[key] / own[key] for own, other in zip(ours, others, strict=True))


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({values[0]:.2f} to {values[-1]:.2f})"


def run_jobs(url: str, rounds: int, scale: float) -> dict[tuple[str, str], list[Figures]]:
    found: dict[tuple[str, str], list[Figures]] = {}
    for job in JOBS:
        count = max(job.batch * 8, int(job.count * scale) // job.batch * job.batch)
        for _ in range(rounds):
            for contender in job.contenders:
                figures = measure(url, job.name, contender, count, job.batch)
                found.setdefault((job.name, contender), []).append(figures | {"count": count})
        print(job_table(job, found), flush=True)
    return found


def job_table(job: Job, found: dict[tuple[str, str], list[Figures]]) -> str:
    floor = found[job.name, FLOOR]
    rows = [
        [
            NAMES[contender],
            f"{median(rounds, 'cpu') / rounds[0]['count'] * 1e6:.2f}",
            spread(ratios(rounds, floor, "cpu")),
            f"{median(rounds, 'wall') / rounds[0]['count'] * 1e6:.2f}",
            spread(ratios(rounds, floor, "wall")),
            f"{median(rounds, 'grown') / 2**20:.0f}",
        ]
        for contender in job.contenders
        for rounds in [found[job.name, contender]]
    ]
    headings = [
        "",
        "CPU µs each",
        "speed by CPU, floor = 1",
        "wall µs each",
        "speed by wall, floor = 1",
        "peak MiB more",
    ]
    return f"\n### {job.title}\n\n{table(headings, rows)}\n"


def run_stalls(url: str, rounds: int, scale: float) -> tuple[str, float]:
    """The longest time that the event loop stood still, in ms."""
    million = int(1_000_000 * scale) // 10_000 * 10_000
    cases = [
        (f"a list of {million:,} and answers of 10,000 entries (Najva)", "najva_bulk", million, 10_000),
        (f"a list of {million:,} and answers of 100 ids (Sepahan)", "sepahan_bulk", million, 100),
        (f"{million:,} messages of their own (Najva, p2p)", "najva_p2p", million, 10_000),
        ("answers of 10,000 entries alone (Najva)", "najva_bulk", 100_000, 10_000),
    ]
    rows: list[list[str]] = []
    longest = 0.0
    for title, job, count, batch in cases:
        ours = [measure(url, job, "ours", count, batch, stall=True) for _ in range(rounds)]
        longest = max(longest, median(ours, "stall_cpu"))
        floor = (
            "" if job == "najva_p2p" else f"{measure(url, job, FLOOR, count, batch, stall=True)['stall_cpu'] * 1e3:.1f}"
        )
        cpu, wall = sorted(one["stall_cpu"] * 1e3 for one in ours), sorted(one["stall_wall"] * 1e3 for one in ours)
        rows.append([title, spread(cpu), spread(wall), floor])
    headings = ["", "ours, ms of the loop's CPU", "ours, ms of wall", "floor, ms of CPU"]
    text = f"\n### The longest stall of the event loop\n\n{table(headings, rows)}\n"
    print(text, flush=True)
    return text, longest * 1e3


def run_growth(url: str, scale: float) -> tuple[str, float]:
    """Cost and memory from 10,000 recipients to 10 million."""
    rows: list[list[str]] = []
    peaks: dict[int, float] = {}
    for count in (10_000, 100_000, 1_000_000, int(10_000_000 * scale) // 10_000 * 10_000):
        whole = measure(url, "najva_bulk", "ours", count, 10_000)
        stream = measure(url, "najva_stream", "ours", count, 10_000)
        peaks[count] = stream["peak"]
        rows.append(
            [
                f"{count:,}",
                f"{whole['cpu'] / count * 1e6:.2f}",
                f"{whole['peak'] / 2**20:.0f}",
                f"{stream['cpu'] / count * 1e6:.2f}",
                f"{stream['peak'] / 2**20:.0f}",
            ]
        )
    headings = ["recipients", "send, CPU µs each", "send, peak MiB", "stream, CPU µs each", "stream, peak MiB"]
    text = f"\n### How cost grows (Najva)\n\n{table(headings, rows)}\n"
    print(text, flush=True)
    return text, max(peaks.values()) / peaks[100_000]


def import_cpu(module: str, environment: dict[str, str]) -> float:
    """Seconds of CPU that a fresh interpreter takes to import this."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def run_imports(rounds: int) -> tuple[str, float]:
    modules = ("sys", "aiohttp", "sepahan_sms", "ippanel_sms", "najva_sms", "httpx, pydantic", "ippanel")
    taken: dict[str, list[float]] = {module: [] for module in modules}
    with compiled_once() as environment:
        for module in modules:
            import_cpu(module, environment)
        for _ in range(rounds):
            for module in modules:
                taken[module].append(import_cpu(module, environment))
    bare = statistics.median(taken["sys"])
    compared = {
        module: sorted((own - bare) / (base - bare) for own, base in zip(times, taken["aiohttp"], strict=True))
        for module, times in taken.items()
    }
    rows = [
        [f"`import {module}`", f"{(statistics.median(taken[module]) - bare) * 1e3:.0f}", spread(compared[module])]
        for module in modules[1:]
    ]
    headings = ["", "ms of CPU, the bare interpreter taken off", "times `import aiohttp`"]
    text = f"\n### Import\n\n{table(headings, rows)}\n"
    print(text, flush=True)
    return text, statistics.median(compared["sepahan_sms"])


def bars_table(found: dict[tuple[str, str], list[Figures]], stall: float, imported: float, flat: float) -> str:
    rows = [
        [title, f"at least {bar}, aim {aim}", spread(speeds)]
        for title, contender, job, key, beside, bar, aim in BARS
        for speeds in [ratios(found[job, contender], found[job, beside], key)]
    ]
    rows += [
        ["longest stall of the loop, ms", "at most 10, aim 5", f"{stall:.1f}"],
        ["import of `sepahan_sms`, times `import aiohttp`", "at most 1.35, aim 1.12", f"{imported:.2f}"],
        ["peak memory of a stream, longest beside 100,000", "at most 1.15", f"{flat:.2f}"],
    ]
    return f"\n## The bars\n\n{table(['', 'bar', 'measured'], rows)}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="0.01 for a quick look; writes no results")
    options = parser.parse_args()
    with server() as url:
        found = run_jobs(url, options.rounds, options.scale)
        stalls, stall = run_stalls(url, options.rounds, options.scale)
        growth, flat = run_growth(url, options.scale)
    imports, imported = run_imports(3 * options.rounds)
    bars = bars_table(found, stall, imported, flat)
    print(bars)
    if options.scale == 1:
        jobs = "".join(job_table(job, found) for job in JOBS)
        head = f"Made by `nox -s bench`; the median of {options.rounds} rounds, and their range.\n\n"
        write_part("Time", f"{head}{machine()}\n{bars}\n## In full\n{jobs}{stalls}{growth}{imports}")


if __name__ == "__main__":
    main()
