"""Tables: made once by whoever comes first, upgraded, refused if they are newer; and the ways to lose a connection."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from services import Postgres

from najva_sms import AsyncNajva
from smscore import ConfigurationError
from smscore.queue import AsyncSendQueue, schema
from smscore.queue.calls import StoreCalls
from smscore.queue.databases.base import Transaction
from smscore.queue.databases.postgresql import MAX_CONNECTIONS, PostgreSQLDatabase
from smscore.queue.databases.sqlite import RolledBack, SQLiteDatabase
from smscore.queue.databases.urls import database_of
from smscore.queue.errors import QueueUnavailable

from .conftest import TEXT, Place

New = Callable[..., Any]


def test_many_that_come_first_at_once_make_the_tables_once(place: Place):
    databases = [database_of(place.url, schema=place.schema, lease=60.0) for _ in range(6)]
    failures: list[BaseException] = []

    def make(database: Any) -> None:
        try:
            schema.create(database)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=make, args=[database]) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert databases[0].read(lambda store: store.rows("SELECT version FROM payamak_schema ORDER BY version")) == [
        (version,) for version in schema.migrations(databases[0].dialect.name)
    ]
    for database in databases:
        database.close()


def test_who_names_the_schema_and_who_finds_it_by_search_path_share_the_lock_against_stops(postgres: Postgres):
    named = PostgreSQLDatabase(postgres.url, schema=postgres.schema)
    found = PostgreSQLDatabase(make_conninfo(postgres.url, options=f"-c search_path={postgres.schema}"))
    other = PostgreSQLDatabase(postgres.url, schema=f"{postgres.schema}_other")
    for database in (named, other):
        schema.create(database)

    def share(transaction: Transaction) -> None:
        transaction.run("SET LOCAL lock_timeout = '200ms'")
        transaction.share()

    with named.writing() as stopping:
        stopping.exclude()
        with pytest.raises(QueueUnavailable, match="lock timeout"):
            found.write(share)
        other.write(share)  # another queue in the same database goes on
        other.write(lambda own: own.run(f'DROP SCHEMA "{postgres.schema}_other" CASCADE'))
    for database in (named, found, other):
        database.close()


def test_both_databases_have_the_same_tables_and_columns():
    def shape(name: str) -> list[list[str]]:
        script = "\n".join(schema.migrations(name).values())
        return [[line.split()[0] for line in one.splitlines() if line.split()] for one in schema.statements(script)]

    assert shape("sqlite") == shape("postgresql")


async def test_tables_of_a_newer_payamak_are_refused_with_what_to_do(place: Place, client: New, new_queue: New):
    queue = await new_queue(place, shop=client(AsyncNajva))
    await queue._calls.write(lambda store: store.run("INSERT INTO payamak_schema (version) VALUES (99)"))
    newer = AsyncSendQueue(place.url, {"shop": client(AsyncNajva)}, schema=place.schema)
    for call in (newer.create(), newer.enqueue("shop", "09120000001", TEXT), newer.drain(1)):
        with pytest.raises(ConfigurationError, match="Upgrade Payamak"):
            await call
    await newer.aclose()


async def test_missing_and_older_tables_in_postgresql_say_to_create_them(
    postgres: Any, client: New, monkeypatch: pytest.MonkeyPatch
):
    queue = AsyncSendQueue(postgres.url, {"shop": client(AsyncNajva)}, schema=postgres.schema)
    with pytest.raises(ConfigurationError, match=r"queue.create\(\)"):
        await queue.enqueue("shop", "09120000001", TEXT)
    await queue.create()
    known = schema.latest("postgresql")
    scripts = {**schema.migrations("postgresql"), known + 1: "ALTER TABLE payamak_report ADD COLUMN more integer"}
    monkeypatch.setattr(schema, "migrations", lambda _: scripts)
    with pytest.raises(ConfigurationError, match=f"have version {known}, and this Payamak needs {known + 1}"):
        await queue.enqueue("shop", "09120000001", TEXT)
    await queue.create()
    assert (await queue.enqueue("shop", "09120000001", TEXT)).size == 1
    await queue.aclose()


async def test_older_tables_in_sqlite_are_upgraded_by_themselves(
    sqlite_place: Place, client: New, new_queue: New, monkeypatch: pytest.MonkeyPatch
):
    await new_queue(sqlite_place, shop=client(AsyncNajva))
    newer = schema.latest("sqlite") + 1
    scripts = {**schema.migrations("sqlite"), newer: "ALTER TABLE payamak_report ADD COLUMN more integer"}
    monkeypatch.setattr(schema, "migrations", lambda _: scripts)
    queue = AsyncSendQueue(sqlite_place.url, {"shop": client(AsyncNajva)})
    assert (await queue.enqueue("shop", "09120000001", TEXT)).size == 1
    await queue.aclose()


async def test_connections_that_the_server_has_ended_are_replaced(postgres: Any, client: New, new_queue: New):
    queue = await new_queue(Place(postgres.url, postgres.schema), shop=client(AsyncNajva))
    (pid,) = await queue._calls.read(lambda store: store.row("SELECT pg_backend_pid()"))
    with psycopg.connect(postgres.url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    queue._database._pool.idle = [(connection, 0.0) for connection, _ in queue._database._pool.idle]
    assert (await queue.enqueue("shop", "09120000001", TEXT)).size == 1


NETWORK = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
OF_THE_SERVICE = {"keepalives_idle": "7", "tcp_user_timeout": "4000", "connect_timeout": "6"}


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("", {}, NETWORK),
        (
            "?connect_timeout=3&tcp_user_timeout=5000",
            {},
            {**NETWORK, "connect_timeout": "3", "tcp_user_timeout": "5000"},
        ),
        ("?keepalives=0", {}, {**NETWORK, "keepalives": "0"}),
        ("", {"PGCONNECT_TIMEOUT": "7"}, {**NETWORK, "connect_timeout": "7"}),
        ("?service=shop", {}, {**NETWORK, **OF_THE_SERVICE}),
        ("", {"PGSERVICE": "shop"}, {**NETWORK, **OF_THE_SERVICE}),
        ("?service=shop&keepalives_idle=9", {}, {**NETWORK, **OF_THE_SERVICE, "keepalives_idle": "9"}),
    ],
)
def test_a_dead_network_is_noticed_in_a_minute_unless_the_url_or_its_service_says_otherwise(
    tmp_path: Path,
    postgres: Postgres,
    url: str,
    environment: dict[str, str],
    expected: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
):
    services = tmp_path / "pg_service.conf"
    services.write_text("[shop]\n" + "".join(f"{name}={value}\n" for name, value in OF_THE_SERVICE.items()), "utf-8")
    for name, value in {"PGSERVICEFILE": str(services), **environment}.items():
        monkeypatch.setenv(name, value)
    database = PostgreSQLDatabase(postgres.url + url)
    with database.reading() as transaction:
        connection: Any = transaction._connection  # type: ignore[attr-defined]
        assert expected.items() <= connection.info.get_parameters().items()
    database.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has it")
def test_the_sockets_to_a_server_have_these_limits(postgres: Postgres):
    database = PostgreSQLDatabase(postgres.url)
    with database.reading() as transaction:
        number: int = transaction._connection.fileno()  # type: ignore[attr-defined]
        with socket.socket(fileno=os.dup(number)) as opened:
            if opened.family == socket.AF_UNIX:
                pytest.skip("a local socket has no network")
            limits = [
                opened.getsockopt(socket.IPPROTO_TCP, option)
                for option in (socket.TCP_USER_TIMEOUT, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            ]
    assert limits == [30_000, 30, 10, 3]
    database.close()


async def test_an_idle_transaction_is_given_up_after_the_lease(postgres: Any, client: New, new_queue: New):
    queue = await new_queue(Place(postgres.url, postgres.schema), lease=1.0, shop=client(AsyncNajva, timeout=1.0))

    def setting(store: Transaction) -> Any:
        return store.row("SELECT current_setting('idle_in_transaction_session_timeout')")

    assert await queue._calls.write(setting) == ("2s",)


@pytest.mark.parametrize("site", ["on", "off"])
def test_what_must_be_on_disk_is_flushed_and_claims_are_not_whatever_the_site_s_settings(postgres: Any, site: str):
    database = database_of(f"{postgres.url}?options=-csynchronous_commit%3D{site}", schema=postgres.schema, lease=60.0)
    asked = "SELECT current_setting('synchronous_commit')"
    with database.writing() as transaction:
        assert transaction.row(asked) == ("on",)
    with database.writing(flushed=False) as transaction:
        assert transaction.row(asked) == ("off",)
    database.close()


async def test_what_is_written_together_fails_apart(tmp_path: Path):
    database = SQLiteDatabase(tmp_path / "queue.db")
    calls = StoreCalls(database)

    def add(store: Transaction, name: str) -> None:
        store.run("INSERT INTO payamak_account (name) VALUES (%s)", name)
        if name == "bad":
            raise ValueError(name)

    found = await asyncio.gather(*(calls.write(add, name) for name in ("a", "bad", "b")), return_exceptions=True)
    assert [type(one) for one in found] == [type(None), ValueError, type(None)]
    assert await calls.read(lambda store: store.rows("SELECT name FROM payamak_account ORDER BY name")) == [
        ("a",),
        ("b",),
    ]
    database.close()


async def test_what_is_written_joined_is_one_statement_and_a_bad_item_fails_alone(place: Place):
    database = database_of(place.url, schema=place.schema, lease=60.0)
    calls = StoreCalls(database)
    sizes: list[int] = []

    def add(store: Transaction, names: list[str]) -> None:
        sizes.append(len(names))
        for name in names:
            store.run("INSERT INTO payamak_account (name) VALUES (%s)", name)
            if name == "bad":
                raise ValueError(name)

    await asyncio.to_thread(schema.create, database)
    await calls.write_joined(add, "first")
    names = [f"{number:03}" for number in range(200)] + ["bad"]
    found = await asyncio.gather(*(calls.write_joined(add, name) for name in names), return_exceptions=True)
    assert [type(one) for one in found] == [type(None)] * 200 + [ValueError]
    rows = await calls.read(lambda store: store.rows("SELECT name FROM payamak_account ORDER BY name"))
    assert [name for (name,) in rows] == [*names[:-1], "first"]
    assert max(sizes) > 100
    database.close()


async def test_a_process_has_few_connections_however_many_ask_at_once(postgres: Any):
    named = f"{postgres.url}?application_name={postgres.schema}"
    calls = StoreCalls(database_of(named, schema=postgres.schema, lease=60.0))

    def count(store: Transaction) -> int:
        row = store.row("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", postgres.schema)
        return 0 if row is None else int(row[0])

    await asyncio.to_thread(schema.create, calls.database)
    counts = await asyncio.gather(*(calls.read(count) for _ in range(200)))
    assert max(counts) <= MAX_CONNECTIONS
    calls.database.close()


def test_a_file_on_a_network_share_has_no_write_ahead_log(tmp_path: Path):
    database = SQLiteDatabase(tmp_path / "queue.db", wal=False, searchable=False)
    schema.prepare(database)
    assert database.read(lambda store: store.row("PRAGMA journal_mode")) == ("truncate",)
    names = database.read(lambda store: store.rows("SELECT name FROM sqlite_master WHERE type = 'index'"))
    assert ("ix_payamak_message_recipient",) not in names
    assert sorted(path.name for path in tmp_path.iterdir()) in (["queue.db"], ["queue.db", "queue.db-journal"])
    database.close()


def test_messages_are_found_by_number_through_an_index(tmp_path: Path):
    database = SQLiteDatabase(tmp_path / "queue.db")
    schema.prepare(database)
    plan = database.read(
        lambda store: store.rows("EXPLAIN QUERY PLAN SELECT id FROM payamak_message WHERE recipient = '+989120000001'")
    )
    assert "ix_payamak_message_recipient" in plan[0][-1]
    database.close()


@pytest.mark.skipif(os.name != "posix", reason="a folder's own rights decide on Windows")
async def test_the_file_of_a_queue_is_readable_by_its_owner_alone(tmp_path: Path, client: New, new_queue: New):
    queue = await new_queue(Place(f"sqlite:///{tmp_path}/queue.db"), shop=client(AsyncNajva))
    await queue.enqueue("shop", "09120000001", TEXT)
    modes = {path.name: path.stat().st_mode & 0o777 for path in await asyncio.to_thread(files_of, tmp_path)}
    assert modes == dict.fromkeys(("queue.db", "queue.db-wal", "queue.db-shm"), 0o600)


def files_of(folder: Path) -> list[Path]:
    return [*folder.iterdir()]


def test_a_url_that_the_driver_cannot_read_is_refused_without_its_password():
    with pytest.raises(ConfigurationError) as caught:
        AsyncSendQueue("postgresql://user:secret%zz@host/name", {})
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__  # a traceback shows none of the driver's words


@pytest.mark.parametrize("name", ["IdleInTransactionSessionTimeout", "ReadOnlySqlTransaction", "AdminShutdown"])
def test_a_server_that_gave_a_transaction_up_or_became_a_replica_is_an_outage(name: str):
    error = getattr(psycopg.errors, name)("")
    with pytest.raises(QueueUnavailable) as caught, PostgreSQLDatabase("postgresql://host/name").explaining():
        raise error
    assert caught.value.__cause__ is error


def test_once_sqlite_has_rolled_back_by_itself_no_later_part_is_written_alone(tmp_path: Path):
    database = SQLiteDatabase(tmp_path / "sms.db")
    schema.create(database)
    add = "INSERT INTO payamak_suppression (recipient, created_at) VALUES (%s, 0)"

    def written_in_parts() -> None:
        with database.writing() as transaction:
            with database.savepoint(transaction):
                transaction.run(add, "+989120000000")
            with suppress(RolledBack), database.savepoint(transaction):
                transaction._connection.rollback()  # type: ignore[attr-defined]  # as SQLite does on a full disk
                raise sqlite3.OperationalError("disk is full")
            with database.savepoint(transaction):
                transaction.run(add, "+989120000001")

    with pytest.raises(QueueUnavailable, match="disk is full") as caught:
        written_in_parts()
    assert isinstance(caught.value.__cause__, RolledBack)
    assert database.read(lambda transaction: transaction.rows("SELECT recipient FROM payamak_suppression")) == []
    database.close()
