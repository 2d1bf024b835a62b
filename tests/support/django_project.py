"""Projects in child processes: Django has one set of settings a process, and this one has none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen
from services import Postgres

PROJECT = Path(__file__).parents[1] / "django" / "project"


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

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-W", "error", "manage.py", *words]

    def manage(self, *words: str, **environment: str) -> str:
        """What a command printed; the test fails with that if the command does."""
        done = subprocess.run(
            self.command(*words),
            cwd=PROJECT,
            env=self.environment(**environment),
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def _on_sqlite(folder: Path) -> Project:
    options = {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE", "timeout": 20}
    name = os.fspath(folder / "project.db")
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": options}
    return Project(database, f"sqlite:///{name}", None)


def _on_postgresql(found: Postgres) -> Project:
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
    return _on_sqlite(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    if request.param == "sqlite":
        return _on_sqlite(tmp_path)
    return _on_postgresql(request.getfixturevalue("postgres"))
