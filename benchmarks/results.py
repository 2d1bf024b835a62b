"""RESULTS.md: one part for each session that measures, so that each writes its own and leaves the other's."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
LIBRARIES = ("payamak", "aiohttp", "msgspec", "attrs", "cattrs", "httpx", "pydantic", "requests", "ippanel-python-sdk")
QUEUE = (
    "Queue: putting",
    "Queue: workers",
    "Queue: campaigns",
    "Queue: results and webhooks",
    "Queue: kills and faults",
)
PARTS = ("Instructions", "Time", "Blocking threads", "Tracking", "Results files", *QUEUE, "Admin")
"""In the order of the file."""


@contextmanager
def server(program: str = "server.py", *arguments: str) -> Iterator[str]:
    process = subprocess.Popen([sys.executable, HERE / program, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def compiled_once() -> Iterator[dict[str, str]]:
    """An environment in which a module is compiled by its first import alone, as where packages are installed."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        yield environment


def table(headings: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [headings, rule, *rows])


def machine() -> str:
    with Path("/proc/cpuinfo").open() as lines:
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{model or platform.processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}\n\n{versions}"
    )


def write_part(title: str, text: str) -> None:
    """Put this in place of the part with this title; the other parts stay as they are."""
    parts = {**_parts(RESULTS.read_text() if RESULTS.exists() else ""), title: text.strip()}
    told = [f"# {one}\n\n{parts[one]}\n" for one in PARTS if one in parts]
    RESULTS.write_text("\n".join(told))


def _parts(text: str) -> dict[str, str]:
    pieces = ("\n" + text).split("\n# ")[1:]
    return {title.strip(): rest.strip() for title, _, rest in (piece.partition("\n") for piece in pieces)}
