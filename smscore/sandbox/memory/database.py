"""The store's file: its tables, its checks, and the statements that write to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from attrs import define, field
from msgspec import Meta

from smscore.loops.forks import MAKING
from smscore.sandbox.fault_kinds import FaultKind
from smscore.sandbox.memory.exchanges import Exchange
from smscore.sandbox.memory.messages import Inbound, Outbound, StoredMessage, TokenAccount
from smscore.sandbox.memory.rows import exchange_row, inbound_row, outbound_row
from smscore.sandbox.memory.store import AccountKey, Contents, StoreError

__all__ = [
    "VERSION",
    "Saved",
    "Statement",
    "UnsavedChanges",
    "clear_errors",
    "everything",
    "prepare",
    "read_all",
    "statements_of",
    "transaction",
    "write_facts",
]

APPLICATION: Final = 0x5041594D  # marks a file as ours ("PAYM")
VERSION: Final = 3
FIRST_SECOND: Final = -62_135_596_800  # of the calendar, year 1
LAST_SECOND: Final = 253_402_300_799  # and year 9999

TABLES: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value NUMERIC NOT NULL) WITHOUT ROWID;
CREATE TABLE accounts (
    provider TEXT, token_hash TEXT, credit TEXT NOT NULL, PRIMARY KEY (provider, token_hash)
) WITHOUT ROWID;
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY, provider TEXT NOT NULL, token_hash TEXT NOT NULL, message_id INTEGER NOT NULL,
    recipient TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL, cost INTEGER NOT NULL,
    received_at REAL NOT NULL, starts_at REAL NOT NULL, settled INTEGER, cancelled INTEGER NOT NULL,
    exchange INTEGER NOT NULL
);
CREATE TABLE inbound (
    seq INTEGER PRIMARY KEY, provider TEXT NOT NULL, sender TEXT NOT NULL, number TEXT NOT NULL,
    text TEXT NOT NULL, received_at REAL NOT NULL
);
CREATE TABLE exchanges (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, provider TEXT NOT NULL, call TEXT NOT NULL,
    method TEXT NOT NULL, path TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL, body_cut INTEGER NOT NULL,
    status INTEGER, answer BLOB NOT NULL, answer_cut INTEGER NOT NULL, fault TEXT
);
"""

Place = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=FIRST_SECOND, le=LAST_SECOND)]
# A text: a credit set through Python may be beyond SQLite's 64 bits.
CreditText = Annotated[str, Meta(pattern="^-?[0-9]{1,4000}$")]


@define(repr=False)
class Saved:
    """What a file holds: rows as its tables have them."""

    facts: dict[str, int | Seconds]  # SQLite returns 5.0 as 5
    accounts: list[tuple[str, str, CreditText]]
    messages: list[tuple[Place, str, str, int, str, str, str, int, Seconds, Seconds, int | None, int, Place]]
    inbound: list[tuple[Place, str, str, str, str, Seconds]]
    exchanges: list[tuple[Place, Place, str, str, str, str, str, bytes, int, int | None, bytes, int, FaultKind | None]]


@define(repr=False)
class UnsavedChanges:
    """What the next save writes."""

    entries: list[StoredMessage] = field(factory=list[StoredMessage])
    settled: dict[int, tuple[int | None, bool]] = field(factory=dict[int, tuple[int | None, bool]])
    exchanges: list[Exchange] = field(factory=list[Exchange])
    accounts: dict[AccountKey, TokenAccount] = field(factory=dict[AccountKey, TokenAccount])
    closed: set[AccountKey] = field(factory=set[AccountKey])
    cleared: set[str | None] = field(factory=set[str | None])


Statement = tuple[str, list[tuple[Any, ...]]]
"""An SQL statement, and the parameters of each of its executions."""


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables in a new file.

    Raises:
        StoreError: the file is another program's database, or of another version.
    """
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    application, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _PRAGMAS)
    if not is_empty and application != APPLICATION:
        raise StoreError(f"{path} is another program's database: name another file.")
    if version > VERSION:
        raise StoreError(f"{path} was written by a newer version of Payamak: use that one, or name another file.")
    if not is_empty and version < VERSION:
        raise StoreError(f"{path} was written by an older version of Payamak: name another file.")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if is_empty:
        connection.executescript(
            f"BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
        )


_PRAGMAS: Final = ("application_id", "user_version")


@contextmanager
def clear_errors(path: Path) -> Generator[None]:
    """Raise SQLite's errors as a ``StoreError`` that says what to do next."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(_description(error, path)) from None
    except msgspec.ValidationError:
        raise StoreError(f"{path} is damaged: name another file.") from None
    except OSError:
        raise StoreError(f"{path} {_UNOPENED}") from None


_UNOPENED: Final = "cannot be opened: name a file in a folder that exists and is writable."
# SQLite tells these apart by their text alone: most have the same error code.
_DESCRIPTIONS: Final = (
    ("locked", "is in use by another sandbox: stop that one, or name another file."),
    ("not a database", "is not a sandbox's store: name another file."),
    ("decode to UTF-8", "is damaged: name another file."),
    ("no such table", "is damaged: name another file."),
    ("malformed", "is damaged: name another file."),
    ("readonly", "is not writable: name another file, or change its rights."),
    ("unable to open", _UNOPENED),
    ("full", "is on a disk without free space: make room, or name another file."),
)


def _description(error: sqlite3.Error, path: Path) -> str:
    for sign, description in _DESCRIPTIONS:
        if sign in str(error):
            return f"{path} {description}"
    return f"{path} failed: {error}."


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Commit what is executed inside, or roll all of it back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.execute("COMMIT")


def read_all(connection: sqlite3.Connection) -> Saved:
    """All rows.

    Raises:
        msgspec.ValidationError: a row is not as this module writes it.
    """

    def rows(table: str, order: str) -> list[tuple[Any, ...]]:
        return connection.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()  # noqa: S608 (names of ours)

    found = {
        "facts": dict(rows("facts", "name")),
        "accounts": rows("accounts", "provider"),
        "messages": rows("messages", "seq"),
        "inbound": rows("inbound", "seq"),
        "exchanges": rows("exchanges", "first"),
    }
    with MAKING:  # two sandboxes that find out one shape at once would crash the process, in msgspec
        return msgspec.convert(found, Saved, builtin_types=(bytes,))


def everything(contents: Contents) -> UnsavedChanges:
    """All of a memory, to replace what the file holds."""
    entries = list(contents.timeline)
    exchanges = {id(entry.exchange): entry.exchange for entry in entries if isinstance(entry, Outbound)}
    return UnsavedChanges(
        entries=entries,
        exchanges=[exchange for exchange in exchanges.values() if exchange is not None],
        accounts=dict(contents.accounts),
        cleared={None},
    )


def statements_of(changes: UnsavedChanges, contents: Contents) -> Iterator[Statement]:
    """The statements that bring the file up to date, in order."""
    first = contents.timeline.first
    for provider in changes.cleared:
        where, parameters = ("", ()) if provider is None else (" WHERE provider = ?", (provider,))
        for table in ("messages", "inbound", "exchanges", "accounts"):
            yield f"DELETE FROM {table}{where}", [parameters]  # noqa: S608 (names of ours)
    kept = [entry for entry in changes.entries if entry.seq >= first]
    yield _insert("messages", 13), [outbound_row(entry) for entry in kept if isinstance(entry, Outbound)]
    yield _insert("inbound", 6), [inbound_row(entry) for entry in kept if isinstance(entry, Inbound)]
    yield _insert("exchanges", 13), [exchange_row(exchange) for exchange in changes.exchanges if exchange.last >= first]
    yield _insert("accounts", 3), [(*key, str(account.credit)) for key, account in changes.accounts.items()]
    yield "DELETE FROM accounts WHERE provider = ? AND token_hash = ?", list(changes.closed)
    settled = [(code, cancelled, seq) for seq, (code, cancelled) in changes.settled.items()]
    yield "UPDATE messages SET settled = ?, cancelled = ? WHERE seq = ?", settled
    for table, column in (("messages", "seq"), ("inbound", "seq"), ("exchanges", "last")):
        yield f"DELETE FROM {table} WHERE {column} < ?", [(first,)]  # noqa: S608 (names of ours)
    yield write_facts({"ahead": contents.ahead, "now": contents.ticked_at})


def write_facts(facts: dict[str, float]) -> Statement:
    """The statement that stores single numbers by name."""
    return _insert("facts", 2), list(facts.items())


def _insert(table: str, columns: int) -> str:
    return f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608 (names of ours)
