"""A queue in one SQLite file: the embedded default."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from smscore import clock
from smscore.errors import ConfigurationError
from smscore.loops.forks import keep_alive_after_fork
from smscore.private_files import create_private
from smscore.queue.databases.base import Database, Dialect, Rendering, Row, Transaction, Values
from smscore.queue.errors import misconfigured, unavailable
from smscore.results import SMSError

DIALECT: Final = Dialect("sqlite")
BUSY_SECONDS: Final = 30.0
MAX_IDLE: Final = 4  # connections that are kept for reading
_OUTAGES: Final = {
    *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR),
    *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY),
}
_OTHER_FILE: Final = "The file is no queue. Give another file, or remove this one."
_OF_A_SEND: Final = (
    "This file belongs to `payamak send --out`, which works on it alone. Finish it with `payamak send --resume`, and "
    "give the queue a file of its own."
)
_DAMAGED: Final = "The file is damaged. Stop all workers, copy it, and restore a backup or try sqlite3's .recover."
_NO_TABLES: Final = "The file lost its tables while it was in use. Put back the file that the queue had."
_ACCESS: Final = "Make sure that its folder exists, and that this user may read and write the file and the folder."
_CACHE_KIB: Final = 16_384
_OWN_CACHE_KIB: Final = 4_096  # of a file that one process reads and writes from its beginning to its end
_PAUSE: Final = 0.02


class RolledBack(sqlite3.OperationalError):
    """SQLite rolled a whole transaction back, since the disk refused a part of it: none of it is written."""


class SQLiteTransaction(Transaction):
    """A transaction of an SQLite connection."""

    dialect = DIALECT
    _render = Rendering("?")

    def __init__(self, connection: sqlite3.Connection, now: float) -> None:
        self._connection = connection
        self._cause: BaseException | None = None
        self.now = now

    def check(self) -> None:
        """Raise :class:`RolledBack` where SQLite has ended the transaction by itself, as it may on a full disk."""
        if not self._connection.in_transaction:
            raise RolledBack(str(self._cause or "the transaction was rolled back")) from self._cause

    def note(self, error: BaseException) -> None:
        """Keep an error, which may be why the transaction has ended."""
        self._cause = error

    def run(self, sql: str, *values: Any) -> int:
        return self._connection.execute(self._render(sql), values).rowcount

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self._connection.execute(self._render(sql), values).fetchall()

    def many(self, sql: str, rows: Iterable[Values]) -> None:
        self._connection.executemany(self._render(sql), rows)

    def has_table(self, name: str) -> bool:
        return self.row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = %s", name) is not None

    def listed(self, values: Sequence[Any]) -> str:
        return json.dumps([*values])


@define(eq=False)
class _Pool:
    """The connections of one process."""

    pid: int = field(factory=os.getpid)
    writer: sqlite3.Connection | None = None
    turn: threading.Lock = field(factory=threading.Lock)
    """Held by who writes: SQLite has one writer at a time, and threads of one process need not poll for it."""
    idle: list[sqlite3.Connection] = field(factory=list[sqlite3.Connection])
    mode: str | None = None


class SQLiteDatabase(Database):
    """A queue in this file; any number of processes of one machine may use it."""

    dialect = DIALECT
    upgrades_itself = True
    shares_commits = True

    def __init__(
        self,
        path: Path | None,
        *,
        wal: bool = True,
        searchable: bool = True,
        exclusive: bool = False,
        now: Callable[[], float] | None = None,
    ) -> None:
        """A queue in the file at ``path``, which is made when it is first used.

        None: in a file without a name, which is gone once it is closed.

        ``wal``: with a write-ahead log, which is quicker, and which no network share can hold. ``searchable``: with an
        index of the recipients' numbers. ``exclusive``: without that log, and locked against every other process from
        its first use until it is closed; where another process has it, its use fails at once. ``now`` is the clock.
        """
        self.searchable = searchable
        self.path = path
        self._exclusive = exclusive or path is None
        self._wal = wal and not self._exclusive
        self._now = now
        self._pool = _Pool()

    @contextmanager
    def _reading(self) -> Generator[Transaction, None, None]:
        pool = self._own()
        if self._exclusive:  # it locks this process's other connections out too
            with pool.turn:
                yield from self._read_by_writer(pool)
            return
        try:
            connection = pool.idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            connection.execute("BEGIN")
            yield SQLiteTransaction(connection, self._time())
        finally:
            connection.rollback()
            if len(pool.idle) < MAX_IDLE:
                pool.idle.append(connection)
            else:
                connection.close()

    def _read_by_writer(self, pool: _Pool) -> Generator[Transaction, None, None]:
        connection = pool.writer = pool.writer or self._connect()
        connection.execute("BEGIN")
        try:
            yield SQLiteTransaction(connection, self._time())
        finally:
            connection.rollback()

    @contextmanager
    def _writing(self, *, flushed: bool) -> Generator[Transaction, None, None]:
        pool = self._own()
        with pool.turn:
            connection = pool.writer = pool.writer or self._connect()
            mode = "FULL" if flushed or not self._wal else "NORMAL"
            if mode != pool.mode:
                connection.execute(f"PRAGMA synchronous = {mode}")
                pool.mode = mode
            connection.execute("BEGIN IMMEDIATE")
            try:
                transaction = SQLiteTransaction(connection, self._time())
                yield transaction
                transaction.check()
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def savepoint(self, transaction: Transaction) -> Generator[None, None, None]:
        assert isinstance(transaction, SQLiteTransaction)  # noqa: S101  # it is one of this database
        transaction.check()
        transaction.run("SAVEPOINT part")
        try:
            yield
        except BaseException as error:
            transaction.note(error)
            transaction.check()
            transaction.run("ROLLBACK TO part")
            transaction.run("RELEASE part")
            raise
        transaction.run("RELEASE part")

    def _explained(self, error: Exception) -> SMSError | None:
        # Whoever has a file of their own says in words of that file what became of it.
        return None if self._exclusive or self.path is None else explained(error, self.path)

    def exists(self) -> bool:
        return self.path is None or self.path.exists()

    def close(self) -> None:
        pool = self._own()
        self._pool = _Pool()
        with pool.turn:
            for connection in [*pool.idle, *filter(None, [pool.writer])]:
                connection.close()
            pool.idle.clear()
            pool.writer = None

    def _time(self) -> float:
        return (self._now or clock.time)()

    def _own(self) -> _Pool:
        """This process's connections: a forked child must not touch its parent's, not even to close them."""
        pool = self._pool
        if pool.pid != os.getpid():
            pool = self._pool = _Pool()
        return pool

    def _connect(self) -> sqlite3.Connection:
        self._create()
        connection = sqlite3.connect(
            self.path or "",
            timeout=0 if self._exclusive else BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=_Connection,
        )
        keep_alive_after_fork(connection)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA cache_size = -{_OWN_CACHE_KIB if self._exclusive else _CACHE_KIB}")
        if self._exclusive:
            _lock(connection)
        else:
            _check_shared(connection)
            self._set_journal(connection)

    def _create(self) -> None:
        """Make a new file for its owner alone, since it has numbers and texts; an older one stays as it is."""
        if self.path is None:
            return
        with suppress(OSError):  # SQLite says in its own words why a file cannot be opened
            create_private(self.path)  # SQLite gives the files beside it (-wal, -shm) the same rights

    def _set_journal(self, connection: sqlite3.Connection) -> None:
        wanted = "wal" if self._wal else "truncate"
        deadline = clock.monotonic() + BUSY_SECONDS
        while connection.execute("PRAGMA journal_mode").fetchone()[0] != wanted:
            try:
                connection.execute(f"PRAGMA journal_mode = {wanted}")
            except sqlite3.OperationalError:
                # Here SQLite does not wait for other connections by itself.
                if clock.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)


def explained(error: BaseException | None, path: Path) -> SMSError | None:
    """What an error of SQLite's means to the users of the queue in this file; None: it is a fault of ours."""
    if isinstance(error, RolledBack):
        return unavailable(error)
    if not isinstance(error, sqlite3.Error):
        return None
    code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return misconfigured(error, _OTHER_FILE)
    if code == sqlite3.SQLITE_CORRUPT:
        return misconfigured(error, _DAMAGED)
    if code == sqlite3.SQLITE_ERROR and str(error).startswith("no such table: payamak_"):
        return misconfigured(error, _NO_TABLES)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) and not _is_accessible(path):
        return misconfigured(error, _ACCESS)
    return unavailable(error) if code in _OUTAGES else None


def _is_accessible(path: Path) -> bool:
    """Whether SQLite can write the file, and its log beside it."""
    may_write_folder = os.access(path.parent, os.W_OK | os.X_OK)
    return may_write_folder and (not path.exists() or (path.is_file() and os.access(path, os.R_OK | os.W_OK)))


def _check_shared(connection: sqlite3.Connection) -> None:
    """Refuse the file of one send: another worker would spoil what it remembers, and a log beside it its lock."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'payamak_send'").fetchone():
        raise ConfigurationError(_OF_A_SEND)


def _lock(connection: sqlite3.Connection) -> None:
    """Lock the file until the connection is closed, which also removes the rollback journal beside it."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")


class _Connection(sqlite3.Connection):
    """One that can be referenced weakly."""
