"""One count in a process of its own, which valgrind runs: ``python counted.py JOB CONTENDER URL COUNT BATCH``.

Counting is off until the job has run once on a small scale, so that imports and caches stay out of it.
"""

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys

from server import TEXT
from worker import WARM_UP, given, run


def switch_counting(state: str) -> None:
    subprocess.run(["callgrind_control", f"--instr={state}", str(os.getpid())], check=True, capture_output=True)


def main(job: str, contender: str, url: str, count: int, batch: int) -> None:
    work = getattr(importlib.import_module(contender), job)
    run(work, url, given(job, batch * WARM_UP, batch), TEXT)
    to = given(job, count, batch)
    gc.collect()
    switch_counting("on")
    done = run(work, url, to, TEXT)
    switch_counting("off")
    if done != count:
        raise SystemExit(f"{contender} did {done} of {count} of {job}")


if __name__ == "__main__":
    job, contender, url, count, batch = sys.argv[1:]
    main(job, contender, url, int(count), int(batch))
