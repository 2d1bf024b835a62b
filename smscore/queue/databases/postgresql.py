"""A queue in PostgreSQL, by psycopg 3: for many machines."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from attrs import define, field

from smscore import clock
from smscore.errors import ConfigurationError
from smscore.loops.forks import keep_alive_after_fork
from smscore.queue.databases.base import Database, Dialect, Rendering, Row, Transaction, Values, Work
from smscore.queue.errors import QueueUnavailable, misconfigured, unavailable
from smscore.results import SMSError

if TYPE_CHECKING:
    from psycopg import Connection

R = TypeVar("R")

_LOCK_CLASS: Final = 0x50_41_59  # of the advisory locks; any number that nobody else is likely to use
# The lock of its table, which is the same for those who name the queue's schema and those who find it by search_path.
_LOCK: Final = f"{_LOCK_CLASS}, coalesce(to_regclass('payamak_account')::oid::int, 0)"

DIALECT: Final = Dialect(
    "postgresql",
    lock=" FOR UPDATE",
    lock_free=" FOR UPDATE SKIP LOCKED",
    among="{} = ANY(%s)",
    share=f"SELECT pg_advisory_xact_lock_shared({_LOCK})",
    exclude=f"SELECT pg_advisory_xact_lock({_LOCK})",
)
MAX_CONNECTIONS: Final = 16
"""Of one process: more would not make a database quicker, and a server has 100 for all by default."""
_TRIES: Final = 5
_TRUSTED: Final = 1.0  # seconds for which a connection that was just used is taken to be alive
_MARGIN: Final = 1.0
_NETWORK: Final[Mapping[str, int]] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
"""Where nothing else says so: a network that swallows packets is noticed within a minute, and not after hours."""
_NOWHERE: Final = "-"  # an address that libpq refuses before it connects
_REFUSALS: Final[Mapping[str, str]] = {
    "28000": "Correct the user and the password in the database's URL.",
    "28P01": "Correct the user and the password in the database's URL.",
    "3D000": "Create the database, or correct its name in the URL.",
    "3F000": "Call queue.create() once, or correct schema=.",
    "42P01": "Call queue.create() once, or correct schema=.",
    "42501": "Give the database's user the rights to the queue's schema and tables.",
}
"""What to do about errors that waiting does not mend, by SQLSTATE."""
_REFUSED: Final[Mapping[str, str]] = {
    r'database ".*" does not exist|no such database': "3D000",
    r'password|authentication failed|role ".*" does not exist|no such user|not permitted to log in': "28P01",
    r"pg_hba\.conf|permission denied for database": "28000",
}
"""How a server says so when it refuses a connection, of which libpq does not tell the SQLSTATE."""
_OUTAGES: Final = {"25P03", "25006"}
"""An idle transaction was given up; the server is a replica. No ``OperationalError``, and yet outages."""


class PostgreSQLTransaction(Transaction):
    """A transaction of a psycopg connection."""

    def __init__(self, connection: Connection[Row], dialect: Dialect, render: Rendering, now: float) -> None:
        self._connection = connection
        self._render = render
        self.dialect = dialect
        self.now = now

    def run(self, sql: str, *values: Any) -> int:
        return self._connection.execute(cast("Any", self._render(sql)), values or None).rowcount

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self._connection.execute(cast("Any", self._render(sql)), values or None).fetchall()

    def many(self, sql: str, rows: Iterable[Values]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(cast("Any", self._render(sql)), rows)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
        statement = self._render(f"COPY {table} ({', '.join(columns)}) FROM STDIN")
        with self._connection.cursor() as cursor, cursor.copy(cast("Any", statement)) as copy:
            for row in rows:
                copy.write_row(row)

    def listed(self, values: Sequence[Any]) -> list[Any]:
        return [*values]

    def make_schema(self) -> None:
        if self._render.schema is not None:
            self.run(f'CREATE SCHEMA IF NOT EXISTS "{self._render.schema}"')

    def has_table(self, name: str) -> bool:
        row = self.row("SELECT to_regclass(%s)", self._render(name))
        return row is not None and row[0] is not None


@define(eq=False)
class _Pool:
    """The connections of one process that nobody uses at the moment, and the turns of those that are used."""

    pid: int = field(factory=os.getpid)
    turns: threading.Semaphore = field(factory=partial(threading.Semaphore, MAX_CONNECTIONS))
    idle: list[tuple[Connection[Row], float]] = field(factory=list)
    """With the time at which each was used."""


class PostgreSQLDatabase(Database):
    """A queue in a PostgreSQL database, where its tables have a schema of their own or the connection's first one."""

    dialect = DIALECT

    def __init__(
        self,
        url: str,
        *,
        schema: str | None = None,
        idle_timeout: float | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        """A queue at this URL. ``idle_timeout``: seconds until the server gives up an idle transaction.

        ``now``: a clock in the place of the server's, for tests.
        """
        try:
            import psycopg
            from psycopg.conninfo import conninfo_to_dict, make_conninfo
        except ImportError:
            raise ConfigurationError(
                'A queue in PostgreSQL needs psycopg 3. Install it: pip install "payamak[postgres]".'
            ) from None
        try:
            conninfo_to_dict(url)
        except psycopg.Error:
            # The driver's words may quote the URL, and so a password.
            raise ConfigurationError(
                "The database's URL cannot be read. Write it as postgresql://user@host:5432/name, with %XX for special "
                "characters in a password."
            ) from None
        self._psycopg = psycopg
        self._conflicts = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
        known = _settings(make_conninfo(url, hostaddr=_NOWHERE))
        self._url = make_conninfo(url, **{name: value for name, value in _NETWORK.items() if name not in known})
        self._schema = schema
        self._idle_timeout = idle_timeout
        self._now = now
        self._render = Rendering(schema=schema)
        self._pool = _Pool()

    @contextmanager
    def _reading(self) -> Generator[Transaction, None, None]:
        with self._connection() as connection:
            yield self._begun(connection, flushed=False)

    @contextmanager
    def _writing(self, *, flushed: bool) -> Generator[Transaction, None, None]:
        with self._connection() as connection:
            yield self._begun(connection, flushed=flushed)

    @contextmanager
    def savepoint(self, transaction: Transaction) -> Generator[None, None, None]:
        assert isinstance(transaction, PostgreSQLTransaction)  # noqa: S101  # one of this database
        with transaction._connection.transaction():
            yield

    def read(self, work: Work[R]) -> R:
        return self._again(self.reading, work)

    def write(self, work: Work[R], *, flushed: bool = True) -> R:
        return self._again(partial(self.writing, flushed=flushed), work)

    def _again(self, begin: Callable[[], AbstractContextManager[Transaction]], work: Work[R]) -> R:
        """Run work once more where it met another in a deadlock: nothing of it was written then."""
        for left in reversed(range(_TRIES)):
            try:
                with begin() as transaction:
                    return work(transaction)
            except QueueUnavailable as error:
                if not left or not isinstance(error.__cause__, self._conflicts):
                    raise
        raise AssertionError("the loop ends by return or raise")

    def _explained(self, error: Exception) -> SMSError | None:
        return explained(error)

    def close(self) -> None:
        pool, self._pool = self._own(), _Pool()
        while pool.idle:
            pool.idle.pop()[0].close()

    # Connections

    def _begun(self, connection: Connection[Row], *, flushed: bool) -> PostgreSQLTransaction:
        """The transaction, its settings and its time, in one question: a session's settings do not pass pgbouncer."""
        timeout = 0 if self._idle_timeout is None else round((self._idle_timeout + _MARGIN) * 1000)
        columns = "extract(epoch FROM clock_timestamp())::float8"
        columns += f", set_config('idle_in_transaction_session_timeout', '{timeout}', true)"
        columns += f", set_config('synchronous_commit', '{'on' if flushed else 'off'}', true)"
        row = connection.execute(cast("Any", f"SELECT {columns}")).fetchone()
        assert row is not None  # noqa: S101  # it always gives one
        now = float(row[0]) if self._now is None else self._now()
        return PostgreSQLTransaction(connection, self.dialect, self._render, now)

    @contextmanager
    def _connection(self) -> Generator[Connection[Row], None, None]:
        pool = self._own()
        with pool.turns:
            connection = self._usable(pool) or self._connect()
            try:
                with connection.transaction():
                    yield connection
            finally:
                if connection.broken or connection.closed:
                    connection.close()
                else:
                    pool.idle.append((connection, clock.monotonic()))

    def _usable(self, pool: _Pool) -> Connection[Row] | None:
        while pool.idle:
            try:
                connection, used_at = pool.idle.pop()
            except IndexError:  # another thread took it
                return None
            if clock.monotonic() - used_at < _TRUSTED or self._is_alive(connection):
                return connection
            connection.close()
        return None

    def _is_alive(self, connection: Connection[Row]) -> bool:
        """Whether the server still answers: it may have been restarted since the connection was used."""
        try:
            connection.execute("")
        except self._psycopg.Error:
            return False
        return True

    def _own(self) -> _Pool:
        pool = self._pool
        if pool.pid != os.getpid():
            pool = self._pool = _Pool()
        return pool

    def _connect(self) -> Connection[Row]:
        connection: Connection[Row] = self._psycopg.connect(
            self._url,
            autocommit=True,
            prepare_threshold=None,  # pgbouncer gives each transaction another connection
        )
        keep_alive_after_fork(connection)
        return connection


def _settings(conninfo: str) -> set[str]:
    """What is set for a connection, in this string, the service that it names, or libpq's environment variables.

    libpq tells it only of a connection that has begun; this one ends at its address, before anything is connected.
    """
    from psycopg.pq import PGconn

    begun = PGconn.connect_start(conninfo.encode())
    try:
        return {option.keyword.decode() for option in begun.info if option.val is not None}
    finally:
        begun.finish()


def explained(error: BaseException | None) -> SMSError | None:
    """What an error of psycopg's (2 or 3) means to the queue's users; None: it is a fault of ours."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if error is None or not kinds & {"DatabaseError", "InterfaceError"}:
        return None
    state: str = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or _refused(str(error)) or ""
    if state in _REFUSALS:
        return misconfigured(error, _REFUSALS[state])
    return unavailable(error) if kinds & {"OperationalError", "InterfaceError"} or state in _OUTAGES else None


def _refused(words: str) -> str | None:
    """The SQLSTATE of a refused connection; None where the server may take it later."""
    return next((state for pattern, state in _REFUSED.items() if re.search(f"(?i)({pattern})", words)), None)
