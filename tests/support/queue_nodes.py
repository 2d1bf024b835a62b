"""Nodes that send from a queue, each a process group of its own, and the databases and brokers that they may lose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["COMMANDS", "Node", "Nodes", "children"]

_SUPPORT: Final = Path(__file__).parent
_CELERY: Final = (sys.executable, "-m", "celery", "-A", "queue_celery")
_DJANGO_CELERY: Final = (sys.executable, "-m", "celery", "-A", "queue_django_celery")

# How each engine's node is started; "beat" publishes Celery's jobs, and one is enough.
COMMANDS: Final[Mapping[str, Sequence[str]]] = {
    "embedded": (sys.executable, "-m", "queue_node"),
    "django": (sys.executable, "-m", "queue_django", "sms_worker"),
    "celery": (
        *_CELERY,
        "worker",
        "-c",
        "2",
        "--without-gossip",
        "--without-mingle",
        "-l",
        "INFO",
        "-n",
        "{name}@here",
    ),
    "django-celery": (*_DJANGO_CELERY, "worker", "-c", "1", "-l", "INFO", "-n", "{name}@here"),
    "beat": (*_CELERY, "beat", "-l", "WARNING", "-s", "{folder}/beat-{name}"),
    "procrastinate": (
        sys.executable,
        "-m",
        "procrastinate",
        "--app",
        "queue_procrastinate.app",
        "worker",
        "-n",
        "{name}",
        *("-q", "payamak", "--shutdown-graceful-timeout", "1"),
    ),
}


# What a node's log says once it has started.
_READY: Final = {
    "embedded": "ready\n",
    "django": "Sending for",
    "celery": " ready.\n",
    "django-celery": " ready.\n",
    "procrastinate": "Starting worker on",
    "beat": "starting",
}


class Node:
    """A process that is started anew whenever it has died, as by a supervisor."""

    def __init__(self, engine: str, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.engine = engine
        self._command = [part.format(name=name, folder=folder) for part in COMMANDS[engine]]
        self._log = folder / f"{name}.log"
        path = os.pathsep.join(filter(None, [str(_SUPPORT), os.environ.get("PYTHONPATH")]))
        self._environment = {**os.environ, **environment, "PYTHONPATH": path}
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self._begun = 0  # how long its log was when it was last started

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def is_ready(self) -> bool:
        """Whether it works, as far as its log says."""
        return self.is_alive() and _READY[self.engine].encode() in self._log.read_bytes()[self._begun :]

    def start(self, **more: str) -> None:
        self.starts += 1
        self._begun = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={**self._environment, **more},
                start_new_session=True,
            )

    def supervise(self) -> None:
        """Start it if it is not running."""
        if not self.is_alive():
            self.kill()
            self.start()

    def kill(self) -> None:
        """``kill -9`` of the process and all of its children."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def kill_child(self) -> bool:
        """``kill -9`` of one of its children; False if it has none."""
        pids = children(self.pid) if self.is_alive() else []
        if pids:
            os.kill(pids[0], signal.SIGKILL)
        return bool(pids)

    def stop(self, timeout: float = 60) -> int:
        """SIGTERM, and its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout)

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


class Nodes:
    """Several nodes; they are killed at the end of the ``with`` block."""

    def __init__(self, engine: str, count: int, folder: Path, environment: Mapping[str, str]) -> None:
        self.all = [Node(engine, f"node{number}", folder, environment) for number in range(count)]
        # One that publishes Celery's jobs.
        self.helpers = [Node("beat", "beat", folder, environment)] if engine == "celery" else []

    def __enter__(self) -> Self:
        self.supervise()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in (*self.all, *self.helpers):
            node.kill()

    def supervise(self) -> None:
        for node in (*self.all, *self.helpers):
            node.supervise()


def children(pid: int) -> list[int]:
    """The processes that a process has started, by /proc."""
    return [child for child, parent in _parents() if parent == pid]


def _parents() -> Iterable[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:  # it has ended meanwhile
                continue
            yield int(entry.name), int(stat.rpartition(")")[2].split()[1])
