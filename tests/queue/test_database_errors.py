"""A database that cannot be used: an outage is told from what only a person can put right, and both say what to do."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from services import Postgres

from najva_sms import AsyncNajva
from smscore import ConfigurationError, SMSError
from smscore.queue import AsyncSendQueue, QueueUnavailable, SendQueue, schema
from smscore.queue.databases import postgresql, sqlite
from smscore.queue.databases.sqlite import SQLiteDatabase

from .conftest import TEXT

NUMBER = "09120000001"


def not_a_database(folder: Path) -> Path:
    (folder / "notes.txt").write_text("notes of mine, and no database\n" * 100)
    return folder / "notes.txt"


def a_damaged_one(folder: Path) -> Path:
    path = folder / "queue.db"
    database = SQLiteDatabase(path)
    schema.create(database)
    database.close()
    pages = path.read_bytes()
    path.write_bytes(pages[:4096] + os.urandom(len(pages) - 4096))
    return path


def a_folder(folder: Path) -> Path:
    return folder


def in_no_folder(folder: Path) -> Path:
    return folder / "missing" / "queue.db"


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (not_a_database, "not a database. The file is no queue"),
        (a_damaged_one, "The file is damaged"),
        (a_folder, "may read and write"),
        (in_no_folder, "Make sure that its folder exists"),
    ],
)
async def test_a_file_that_is_no_queue_is_no_outage(make: Callable[[Path], Path], advice: str, tmp_path: Path):
    queue = AsyncSendQueue(f"sqlite:///{make(tmp_path)}", {"shop": AsyncNajva("token", sender="90000123")})
    async with queue:
        for call in (queue.enqueue("shop", NUMBER, TEXT, key="k"), queue.run()):
            with pytest.raises(ConfigurationError, match=advice) as caught:
                await call
            assert isinstance(caught.value.__cause__, sqlite3.Error)
            assert NUMBER[1:] not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, QueueUnavailable),
        (sqlite3.SQLITE_IOERR, QueueUnavailable),
        (sqlite3.SQLITE_BUSY, QueueUnavailable),
        (sqlite3.SQLITE_READONLY, ConfigurationError),
        (sqlite3.SQLITE_CANTOPEN, ConfigurationError),
        (sqlite3.SQLITE_MISUSE, type(None)),
    ],
)
def test_sqlite_s_codes(code: int, kind: type[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # root may write everywhere
    error = sqlite3.OperationalError("words of SQLite's")
    error.sqlite_errorcode = code
    assert type(sqlite.explained(error, tmp_path / "queue.db")) is kind


async def test_a_file_that_another_program_has_locked_is_an_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    async with AsyncSendQueue(SQLiteDatabase(tmp_path / "queue.db"), {"shop": AsyncNajva("t", sender="9")}) as queue:
        await queue.create()
        await queue.aclose()
        other = sqlite3.connect(tmp_path / "queue.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(QueueUnavailable, match="same key="):
                await queue.enqueue("shop", NUMBER, TEXT, key="k")
        finally:
            other.close()
        assert (await queue.enqueue("shop", NUMBER, TEXT, key="k")).size == 1


def test_the_blocking_queue_says_the_same(tmp_path: Path):
    with SendQueue(f"sqlite:///{tmp_path}/missing/queue.db", {}) as queue, pytest.raises(ConfigurationError):
        queue.campaign("k")


def test_a_server_that_is_not_there_is_an_outage():
    with SendQueue("postgresql://127.0.0.1:1/none", {}) as queue, pytest.raises(QueueUnavailable) as caught:
        queue.campaign("k")
    assert isinstance(caught.value.__cause__, psycopg.OperationalError)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"dbname": "payamak_missing"}, "Create the database"),
        ({"user": "payamak_missing"}, "Correct the user and the password"),
    ],
)
async def test_a_server_that_refuses_a_connection_is_no_outage(change: dict[str, str], advice: str, postgres: Postgres):
    url = f"postgresql:///?{psycopg.conninfo.make_conninfo(postgres.url, **change).replace(' ', '&')}"
    async with AsyncSendQueue(url, {"shop": AsyncNajva("token", sender="90000123")}) as queue:
        for call in (queue.campaign("k"), queue.run()):
            with pytest.raises(ConfigurationError, match=advice):
                await call


async def test_a_user_without_rights_is_no_outage(postgres: Postgres):
    role = f"payamak_{uuid4().hex}"
    async with AsyncSendQueue(postgres.url, {}, schema=postgres.schema) as queue:
        await queue.create()
    with psycopg.connect(postgres.url, autocommit=True) as owner:
        owner.execute(f'CREATE ROLE "{role}" LOGIN')  # type: ignore[arg-type]
        try:
            conninfo = psycopg.conninfo.make_conninfo(postgres.url, user=role).replace(" ", "&")
            async with AsyncSendQueue(f"postgresql:///?{conninfo}", {}, schema=postgres.schema) as queue:
                with pytest.raises(ConfigurationError, match="Give the database's user the rights"):
                    await queue.campaign("k")
        finally:
            owner.execute(f'DROP ROLE "{role}"')  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ('FATAL:  password authentication failed for user "shop"', ConfigurationError),
        ("fe_sendauth: no password supplied", ConfigurationError),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "shop", no encryption', ConfigurationError),
        ('FATAL:  permission denied for database "shop"', ConfigurationError),
        ("FATAL:  the database system is starting up", QueueUnavailable),
        ("FATAL:  sorry, too many clients already", QueueUnavailable),
        ("server closed the connection unexpectedly", QueueUnavailable),
    ],
)
def test_what_a_server_says_as_it_refuses_a_connection(words: str, kind: type[SMSError]):
    found = postgresql.explained(psycopg.OperationalError(f"connection failed: {words}"))
    assert type(found) is kind


def test_an_error_of_the_queue_s_own_is_left_as_it_is():
    assert postgresql.explained(psycopg.errors.UniqueViolation("")) is None
    assert postgresql.explained(ValueError("password")) is None
    assert sqlite.explained(ValueError(""), Path("queue.db")) is None
