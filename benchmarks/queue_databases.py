"""SQLite and PostgreSQL for the queue's benchmarks, each empty, with its size and its CPU time."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen
from results import HERE

sys.path.append(str(HERE.parent / "tests" / "support"))
from instances import PostgresServer
from queue_nodes import children

TICK = os.sysconf("SC_CLK_TCK")


@frozen
class Database:
    """An empty database; ``server`` is the pid of its first process, None for SQLite."""

    url: str
    folder: Path
    server: int | None = None

    @property
    def size(self) -> int:
        """In bytes, with its log and its indexes."""
        if self.server is None:
            return sum(path.stat().st_size for path in self.folder.iterdir())
        import psycopg

        with psycopg.connect(self.url) as connection:
            row = connection.execute(
                "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'payamak%'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    @property
    def cpu(self) -> float:
        """Seconds of CPU of its server so far."""
        return server_cpu(self.server or 0)


def server_cpu(pid: int) -> float:
    """Seconds of CPU of all processes of a server so far, also of those that have ended; of no server (0): none."""
    return sum(map(cpu_of, [pid, *children(pid)])) if pid else 0.0


def cpu_of(pid: int) -> float:
    """Seconds of CPU of a process, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended, and its parent counts it
        return 0.0
    return sum(map(int, fields[11:15])) / TICK


@contextmanager
def sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="payamak-bench-") as folder:
        yield Database(f"sqlite:///{folder}/queue.db", Path(folder))


@contextmanager
def postgresql() -> Iterator[Database]:
    with PostgresServer(shared_buffers="128MB") as server:
        assert server._process is not None
        yield Database(server.url, server.folder, server._process.pid)


DATABASES = {"SQLite": sqlite, "PostgreSQL": postgresql}
