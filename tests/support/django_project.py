"""Projects in child processes: Django has one set of settings a process, and this one has none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import frozen
from services import Postgres

PROJECT = Path(__file__).parents[1] / "django" / "project"
# What a project sends: two campaigns that are committed, and one that is rolled back.
SENDS = """
from django.db import transaction
from smscore.contrib.django import sms
with transaction.atomic():
    sms.enqueue([f"0912{n:07}" for n in range(250)], "سلام", key="many")
    sms["codes"].enqueue("09123456789", "سلام", key="code")
try:
    with transaction.atomic():
        sms.enqueue("09120000999", "rolled back", key="nothing")
        raise ZeroDivisionError
except ZeroDivisionError:
    pass
"""


def command(*words: str) -> list[str]:
    """The command line of a project's ``manage.py``."""
    return [sys.executable, "-W", "error", "manage.py", *words]


def managed(folder: Path, environment: dict[str, str], *words: str) -> str:
    """What a command of the project in this folder printed; the test fails with that if the command does."""
    done = subprocess.run(
        command(*words), cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@frozen
class Project:
    """The project in tests/django, with a database of the test's own."""

    database: dict[str, object]
    url: str
    schema: str | None

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PAYAMAK_TEST"))}
        project = {"PYTHONPATH": os.fspath(PROJECT), "PROJECT_DATABASE": json.dumps(self.database)}
        return {**kept, **project, **more}

    def manage(self, *words: str, **environment: str) -> str:
        """What a command printed; the test fails with that if the command does."""
        return managed(PROJECT, self.environment(**environment), *words)

    @contextmanager
    def worker(self, log: Path, *words: str, **environment: str) -> Iterator[Worker]:
        """``manage.py sms_worker`` as a process, once it works; it is killed at the end of the block."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                command("sms_worker", *words),
                cwd=PROJECT,
                env=self.environment(**environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        worker = Worker(process, log)
        try:
            worker.until(lambda: "Sending for" in worker.text)
            yield worker
        finally:
            process.kill()
            process.wait()


@frozen
class Worker:
    """A worker's process, and the file that it writes to."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, while the worker lives."""
        deadline = time.monotonic() + 100
        while not is_so():
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.05)

    def end(self, *signals: signal.Signals) -> int:
        """These signals (none: SIGTERM), and its exit code."""
        for number in signals or [signal.SIGTERM]:
            self.process.send_signal(number)
        return self.process.wait(100)


def on_sqlite(folder: Path) -> Project:
    options = {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE", "timeout": 20}
    name = os.fspath(folder / "project.db")
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": options}
    return Project(database, f"sqlite:///{name}", None)


def on_postgresql(found: Postgres) -> Project:
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(found.url)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname"),
        "USER": parts.get("user"),
        "PASSWORD": parts.get("password"),
        "HOST": parts.get("host"),
        "PORT": parts.get("port"),
        "OPTIONS": {"options": f"-c search_path={found.schema}"},
        "TEST": {"NAME": f"test_{found.schema}"},
    }
    return Project(database, found.url, found.schema)


@pytest.fixture
def sqlite_project(tmp_path: Path) -> Project:
    return on_sqlite(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    if request.param == "sqlite":
        return on_sqlite(tmp_path)
    return on_postgresql(request.getfixturevalue("postgres"))
