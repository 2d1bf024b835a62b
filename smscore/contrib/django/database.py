"""The queue's store over Django's own connection: what it writes is a part of the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from django.db import Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from smscore import clock
from smscore.contrib.django import conf
from smscore.errors import ConfigurationError
from smscore.queue import schema
from smscore.queue.databases import postgresql, sqlite
from smscore.queue.databases.base import Database, Dialect, Row, Transaction, Values
from smscore.queue.databases.urls import database_of
from smscore.queue.errors import QueueUnavailable
from smscore.results import SMSError

__all__ = ["DjangoDatabase", "DjangoTransaction", "worker_database"]

DIALECTS: Final[dict[str, Dialect]] = {"sqlite": sqlite.DIALECT, "postgresql": postgresql.DIALECT}
_REMEDY: Final = "Run manage.py migrate."
# What Django takes out of OPTIONS before psycopg sees the rest.
_OF_DJANGO: Final = {"isolation_level", "assume_role", "server_side_binding", "pool", "cursor_factory", "context"}
_LIBPQ: Final = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}


class DjangoTransaction(Transaction):
    """A transaction of one of Django's connections."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self.dialect: Dialect = dialect_of(connection.alias)
        self.now: float = self._time()

    def _time(self) -> float:
        if self.dialect.name == "sqlite":
            return clock.time()
        return float(self.rows("SELECT extract(epoch FROM clock_timestamp())::float8")[0][0])

    def run(self, sql: str, *values: Any) -> int:
        """Run a statement and return how many rows it changed."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return int(cursor.rowcount)

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query, or of a statement with ``RETURNING``."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def many(self, sql: str, rows: Iterable[Values]) -> None:
        """Run a statement once for each of these rows."""
        with self._connection.cursor() as cursor:
            cursor.executemany(sql, [*rows])

    def has_table(self, name: str) -> bool:
        """Whether there is a table of this name."""
        if self.dialect.name == "sqlite":
            return self.row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = %s", name) is not None
        row = self.row("SELECT to_regclass(%s)", name)
        return row is not None and row[0] is not None

    def listed(self, values: Sequence[Any]) -> Any:
        """A list as the one parameter that ``Dialect.among`` takes."""
        return json.dumps([*values]) if self.dialect.name == "sqlite" else [*values]


def dialect_of(alias: str) -> Dialect:
    """The dialect of a connection. Raises ``ConfigurationError`` for a database that cannot hold a queue."""
    vendor = connections[alias].vendor
    if vendor not in DIALECTS:
        raise ConfigurationError(
            f"DATABASES['{alias}'] is {vendor}, and a queue needs PostgreSQL or SQLite. "
            "Set PAYAMAK_DATABASE to the alias of one that is."
        )
    return DIALECTS[vendor]


class DjangoDatabase(Database):
    """The database of this alias, by the calling thread's own connection; ``create()`` is left to ``migrate``."""

    remedy = _REMEDY

    def __init__(self, alias: str | None = None) -> None:
        self.alias: str = conf.database_alias() if alias is None else alias
        self.dialect: Dialect = dialect_of(self.alias)

    @contextmanager
    def _reading(self) -> Generator[Transaction, None, None]:
        """A transaction that only reads; the caller's, if there is one."""
        with transaction.atomic(using=self.alias):
            yield DjangoTransaction(connections[self.alias])

    @contextmanager
    def _writing(self, *, flushed: bool) -> Generator[Transaction, None, None]:
        """A transaction, or a savepoint of the caller's; ``flushed`` is left to the site's settings."""
        with transaction.atomic(using=self.alias):
            yield DjangoTransaction(connections[self.alias])

    @contextmanager
    def savepoint(self, transaction: Transaction) -> Generator[None, None, None]:
        """A part of a transaction that is rolled back alone if it raises."""
        with _atomic(self.alias):
            yield

    def _explained(self, error: Exception) -> SMSError | None:
        if not isinstance(error, Error):
            return None
        found = self._of_driver(error.__cause__)
        return found if isinstance(found, QueueUnavailable) else self._of_tables() or found

    def _of_driver(self, error: BaseException | None) -> SMSError | None:
        if self.dialect.name == "sqlite":
            return sqlite.explained(error, Path(str(connections[self.alias].settings_dict["NAME"])))
        return postgresql.explained(error)

    def _of_tables(self) -> ConfigurationError | None:
        """What is wrong with the tables' version: a site that is deployed before ``migrate`` meets older ones."""
        try:
            with self._reading() as own:
                schema.check(own, self.remedy)
        except ConfigurationError as error:
            return ConfigurationError(f"DATABASES['{self.alias}']: {error}")
        except Error:  # it cannot be asked, either
            return None
        return None

    def close(self) -> None:
        """Do nothing: Django closes its connections."""


_atomic: Final = transaction.atomic


def worker_database(lease: float) -> Database:
    """The same database by connections of a worker's own, which it needs in threads that Django does not know.

    They wait out an outage, and are checked before they are used, whatever ``CONN_MAX_AGE`` and ``CONN_HEALTH_CHECKS``
    say. PostgreSQL needs psycopg 3. Raises ``ConfigurationError``.
    """
    connection = connections[conf.database_alias()]
    settings = connection.settings_dict
    if dialect_of(connection.alias).name == "sqlite":
        if connection.is_in_memory_db():  # type: ignore[attr-defined]  # SQLite's wrapper has it
            raise ConfigurationError("A worker cannot send from a database in memory. Name a file in DATABASES.")
        return database_of(f"sqlite:///{quote(str(settings['NAME']))}", schema=None, lease=lease)
    found = postgresql.PostgreSQLDatabase(_conninfo(settings), idle_timeout=lease)
    found.remedy = _REMEDY
    return found


def _conninfo(settings: dict[str, Any]) -> str:
    try:
        from psycopg.conninfo import make_conninfo
    except ImportError:
        raise ConfigurationError('A worker needs psycopg 3. Install it: pip install "payamak[postgres]".') from None
    given = {word: settings[name] for name, word in _LIBPQ.items() if settings.get(name)}
    options = {name: value for name, value in settings["OPTIONS"].items() if name not in _OF_DJANGO}
    role = settings["OPTIONS"].get("assume_role")
    if role:  # Django sets it by a statement once it has connected
        quoted = str(role).replace("\\", "\\\\").replace(" ", "\\ ")
        options["options"] = f"{options.get('options', '')} -c role={quoted}".strip()
    return make_conninfo("", **{**given, **options})
