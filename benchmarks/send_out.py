"""``payamak send --out`` of long lists, against the sandbox in another process: CPU, time and memory of the command.

``python benchmarks/send_out.py [--checkout FOLDER]`` measures this checkout, or another one beside it with the same
environment, such as an earlier commit's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from results import table

HERE = Path(__file__).parents[1]
JOBS = (("najva", 1_000_000), ("sepahan", 200_000), ("najva", 3))
MEASURED = "--measured"  # a process of its own, since a process knows only the highest memory of all its children


def measured(command: list[str]) -> dict[str, float]:
    """What one command costs, as the only child of this process."""
    begun = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall": time.monotonic() - begun, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}


def payamak(*words: str) -> list[str]:
    return [sys.executable, "-c", "from smscore.cli import main; main()", *words]


def cost(checkout: Path, provider: str, count: int, folder: Path) -> dict[str, float]:
    """The cost of one send by the command of this checkout."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "XDG_STATE_HOME": str(folder / "state")}
    source = folder / "numbers.csv"
    source.write_text("mobile\n" + "".join(f"09{120_000_000 + n}\n" for n in range(count)), "utf-8")
    sandbox = subprocess.Popen(
        payamak("sandbox", "--port", "0", "--json", "--keep", "1000"), stdout=subprocess.PIPE, text=True, cwd=folder
    )
    assert sandbox.stdout is not None
    try:
        said: dict[str, Any] = json.loads(sandbox.stdout.readline())
        send = payamak("send", "-p", provider, "--yes", "--text", "سلام", "--out", "results.csv", source.name)
        ran = subprocess.run(
            [sys.executable, __file__, MEASURED, json.dumps(send)],
            cwd=folder,
            env=environment | said["environment"],
            stdout=subprocess.PIPE,
            check=True,
        )
        return dict(json.loads(ran.stdout))
    finally:
        sandbox.terminate()
        sandbox.wait()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--checkout", type=Path, default=HERE)
    checkout = options.parse_args().checkout.resolve()
    rows: list[list[str]] = []
    for provider, count in JOBS:
        with tempfile.TemporaryDirectory() as folder:
            found = cost(checkout, provider, count, Path(folder))
        rows.append([f"{provider}, {count:,}", f"{found['cpu']:.1f}", f"{found['wall']:.1f}", f"{found['mb']:.0f}"])
    print(table(["`payamak send --out`", "CPU, s", "time, s", "memory, MB"], rows))


if __name__ == "__main__":
    if sys.argv[1:2] == [MEASURED]:
        print(json.dumps(measured(json.loads(sys.argv[2]))))
    else:
        main()
