"""Where the sandbox's memory is kept beyond its end: nowhere, or in an SQLite file."""

import sqlite3
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import attrs
import msgspec
from msgspec import Meta

from smscore.private_files import create_private
from smscore.sandbox.faults import ActiveFault, FaultKind
from smscore.sandbox.memory.exchanges import Exchange
from smscore.sandbox.memory.messages import Inbound, Outbound, TokenAccount

if TYPE_CHECKING:
    from smscore.sandbox.memory.state import State

__all__ = ["FileStore", "Saved", "Store", "StoreError", "exchange_of", "inbound_of", "message_of"]

APPLICATION: Final = 0x5041594D  # marks a file as ours ("PAYM")
VERSION: Final = 3
FIRST_SECOND: Final = -62_135_596_800  # of the calendar
LAST_SECOND: Final = 253_402_300_799

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


class StoreError(Exception):
    """The file cannot keep the sandbox's memory; the words say why, and what to do next."""


class Store:
    """What is told of every change, and keeps nothing of it: the memory ends with the sandbox.

    One that keeps more is a subclass. Whoever calls holds the state's lock, but for the last three.
    """

    def added(self, entries: Iterable[Outbound | Inbound]) -> None:
        """These were kept."""

    def settled(self, message: Outbound) -> None:
        """This one's status was set by hand."""

    def answered(self, exchange: Exchange) -> None:
        """This request, which sent messages, was answered."""

    def used(self, account: TokenAccount) -> None:
        """This account may have changed."""

    def closed(self, account: TokenAccount) -> None:
        """This account was forgotten."""

    def cleared(self, provider: str | None) -> None:
        """All of a provider, or of every one, was forgotten."""

    def reserved(self, numbers: Mapping[str, int]) -> None:
        """Below these, numbers may have been given already: told before the first of them is, and kept at once."""

    def open(self) -> None:
        """Be ready to save."""

    def save(self, state: "State") -> None:
        """Keep what was told since the last time."""

    def close(self) -> None:
        """Let go of the file."""


@attrs.define(repr=False)
class UnsavedChanges:
    """What is to be saved next."""

    entries: list[Outbound | Inbound] = attrs.field(factory=list[Outbound | Inbound])
    settled: dict[int, tuple[int | None, bool]] = attrs.field(factory=dict[int, "tuple[int | None, bool]"])
    exchanges: list[Exchange] = attrs.field(factory=list[Exchange])
    accounts: dict[tuple[str, str], TokenAccount] = attrs.field(factory=dict[tuple[str, str], TokenAccount])
    closed: set[tuple[str, str]] = attrs.field(factory=set[tuple[str, str]])
    cleared: set[str | None] = attrs.field(factory=set[str | None])


Place = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=FIRST_SECOND, le=LAST_SECOND)]
Credit = Annotated[str, Meta(pattern="^-?[0-9]{1,4000}$")]


@attrs.define(repr=False)
class Saved:
    """What a file holds: rows as its tables have them."""

    facts: dict[str, int | Seconds]  # SQLite gives back 5.0 as 5
    accounts: list[tuple[str, str, Credit]]
    messages: list[tuple[Place, str, str, int, str, str, str, int, Seconds, Seconds, int | None, int, Place]]
    inbound: list[tuple[Place, str, str, str, str, Seconds]]
    exchanges: list[tuple[Place, Place, str, str, str, str, str, bytes, int, int | None, bytes, int, FaultKind | None]]


Statement = tuple[str, list[tuple[Any, ...]]]


class FileStore(Store):
    """Keeps the memory in an SQLite file, which belongs to one sandbox at a time.

    A ``StoreError`` where the file is no store, in use, of a newer version, or not to be written.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._saving = threading.Lock()  # never taken while the state's lock is held
        # Guards the connection; no other lock is taken while it is held. A signal handler may come back to it where the
        # sandbox serves in its thread's own loop: then SQLite refuses the second transaction, and no thread hangs.
        self._writing = threading.RLock()
        self._batch = UnsavedChanges()
        self._connection: sqlite3.Connection | None = None
        self._turn = 0  # how often the file was opened, which tells of another sandbox

    def load(self) -> Saved:
        """What the file holds; a new file is made a store."""
        with closing(self._connect()) as connection, self._words():
            saved = read(connection)
        self._turn = int(saved.facts.get("turn", 0))
        return saved

    # What is told

    def added(self, entries: Iterable[Outbound | Inbound]) -> None:
        """See ``Store``, as for all of these."""
        self._batch.entries.extend(entries)

    def settled(self, message: Outbound) -> None:
        """As above."""
        self._batch.settled[message.seq] = message.settled, message.cancelled

    def answered(self, exchange: Exchange) -> None:
        """As above."""
        self._batch.exchanges.append(exchange)

    def used(self, account: TokenAccount) -> None:
        """As above."""
        self._batch.accounts[account.key] = account
        self._batch.closed.discard(account.key)

    def closed(self, account: TokenAccount) -> None:
        """As above."""
        self._batch.accounts.pop(account.key, None)
        self._batch.closed.add(account.key)

    def cleared(self, provider: str | None) -> None:
        """As above; what waits to be saved is forgotten with it."""
        batch, self._batch = self._batch, UnsavedChanges()
        self._batch.cleared = batch.cleared | {provider}
        if provider is not None:
            self._batch.entries = [entry for entry in batch.entries if entry.provider != provider]
            self._batch.settled = batch.settled
            self._batch.exchanges = [exchange for exchange in batch.exchanges if exchange.provider != provider]
            self._batch.accounts = {key: account for key, account in batch.accounts.items() if key[0] != provider}

    # The file

    def open(self) -> None:
        """Take the file. A ``StoreError`` where another sandbox has it, or has had it since this one read it."""
        connection = self._connect()
        try:
            with self._words():
                if dict(connection.execute("SELECT name, value FROM facts")).get("turn", 0) != self._turn:
                    raise StoreError(f"Another sandbox used {self._path} meanwhile: make a new Sandbox to read it.")
                self._turn += 1
                connection.execute("INSERT OR REPLACE INTO facts VALUES ('turn', ?)", (self._turn,))
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def reserved(self, numbers: Mapping[str, int]) -> None:
        """As above, into the file itself."""
        self._write([(insert("facts", 2), list(numbers.items()))])

    def save(self, state: "State") -> None:
        """Write what was told since the last time, in one transaction."""
        with self._saving:
            if self._connection is None:
                return
            with state.lock:
                state.tick()
                statements = list(statements_of(self._batch, state))
                self._batch = UnsavedChanges()
            try:
                self._write(statements)
            except StoreError:
                with state.lock:
                    self._batch = everything(state)  # nothing is lost: the next time writes all of it anew
                raise

    def _write(self, statements: Iterable[Statement]) -> None:
        with self._writing:
            if self._connection is not None:
                with self._words(), transaction(self._connection):
                    for statement, rows in statements:
                        self._connection.executemany(statement, rows)

    def close(self) -> None:
        """Let go of the file; twice is fine."""
        with self._saving, self._writing:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        with self._words():
            create_private(self._path)  # the files that SQLite puts beside it take its rights
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            with self._words():
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                prepare(connection, self._path)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _words(self) -> Generator[None]:
        """SQLite's errors in words that say what to do next."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(words_of(error, self._path)) from None
        except msgspec.ValidationError:
            raise StoreError(f"{self._path} is damaged: name another file.") from None
        except OSError:
            raise StoreError(f"{self._path} {_UNOPENED}") from None


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make a new file a store, and refuse any other that is none."""
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    application, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS)
    if not is_empty and application != APPLICATION:
        raise StoreError(f"{path} is a database, but no sandbox's: name another file.")
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


PRAGMAS: Final = ("application_id", "user_version")

_UNOPENED: Final = "cannot be opened: name a file in a folder that exists and can be written to."
_WORDS: Final = (
    ("locked", "is in use by another sandbox: stop that one, or name another file."),
    ("not a database", "is no sandbox's store: name another file."),
    ("decode to UTF-8", "is damaged: name another file."),
    ("no such table", "is damaged: name another file."),
    ("malformed", "is damaged: name another file."),
    ("readonly", "cannot be written: name a file that can."),
    ("unable to open", _UNOPENED),
    ("full", "has no more room on its disk."),
)


def words_of(error: sqlite3.Error, path: Path) -> str:
    for sign, words in _WORDS:
        if sign in str(error):
            return f"{path} {words}"
    return f"{path} failed: {error}."


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.execute("COMMIT")


def read(connection: sqlite3.Connection) -> Saved:
    """All rows. A ``ValidationError`` where one is not as this module writes it."""

    def rows(table: str, order: str) -> list[tuple[Any, ...]]:
        return connection.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()  # noqa: S608 (names of ours)

    found = {
        "facts": dict(rows("facts", "name")),
        "accounts": rows("accounts", "provider"),
        "messages": rows("messages", "seq"),
        "inbound": rows("inbound", "seq"),
        "exchanges": rows("exchanges", "first"),
    }
    return msgspec.convert(found, Saved, builtin_types=(bytes,))


def everything(state: "State") -> UnsavedChanges:
    """All of a state, to be written in place of what the file holds."""
    entries = list(state.timeline)
    exchanges = {id(entry.exchange): entry.exchange for entry in entries if isinstance(entry, Outbound)}
    return UnsavedChanges(
        entries=entries,
        exchanges=[exchange for exchange in exchanges.values() if exchange is not None],
        accounts=dict(state.accounts),
        cleared={None},
    )


def statements_of(batch: UnsavedChanges, state: "State") -> Iterator[Statement]:
    """What brings the file from the last save to this moment."""
    first = state.timeline.first
    for provider in batch.cleared:
        where, parameters = ("", ()) if provider is None else (" WHERE provider = ?", (provider,))
        for table in ("messages", "inbound", "exchanges", "accounts"):
            yield f"DELETE FROM {table}{where}", [parameters]  # noqa: S608 (names of ours)
    kept = [entry for entry in batch.entries if entry.seq >= first]
    yield insert("messages", 13), [message_row(entry) for entry in kept if isinstance(entry, Outbound)]
    yield insert("inbound", 6), [inbound_row(entry) for entry in kept if isinstance(entry, Inbound)]
    yield insert("exchanges", 13), [exchange_row(exchange) for exchange in batch.exchanges if exchange.last >= first]
    yield insert("accounts", 3), [(*key, str(account.credit)) for key, account in batch.accounts.items()]
    yield "DELETE FROM accounts WHERE provider = ? AND token_hash = ?", list(batch.closed)
    settled = [(code, cancelled, seq) for seq, (code, cancelled) in batch.settled.items()]
    yield "UPDATE messages SET settled = ?, cancelled = ? WHERE seq = ?", settled
    for table, column in (("messages", "seq"), ("inbound", "seq"), ("exchanges", "last")):
        yield f"DELETE FROM {table} WHERE {column} < ?", [(first,)]  # noqa: S608 (names of ours)
    yield insert("facts", 2), list(facts(state))


def insert(table: str, columns: int) -> str:
    return f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608 (names of ours)


def facts(state: "State") -> Iterator[tuple[str, float]]:
    yield "ahead", state.ahead
    yield "now", state.ticked_at


def message_row(message: Outbound) -> tuple[Any, ...]:
    exchange = message.exchange.first if message.exchange else 0
    return (
        *(message.seq, message.provider, message.account.key[1], message.message_id, message.recipient),
        *(message.sender, message.text, message.cost, message.received_at, message.starts_at),
        *(message.settled, message.cancelled, exchange),
    )


def message_of(row: tuple[Any, ...], account: TokenAccount, exchanges: Mapping[int, Exchange]) -> Outbound:
    """The message that a row holds."""
    (
        seq,
        provider,
        _,
        message_id,
        recipient,
        sender,
        text,
        cost,
        received_at,
        starts_at,
        settled,
        cancelled,
        exchange,
    ) = row
    return Outbound(
        provider=provider,
        account=account,
        message_id=message_id,
        recipient=recipient,
        sender=sender,
        text=text,
        cost=cost,
        received_at=received_at,
        starts_at=starts_at,
        settled=settled,
        cancelled=bool(cancelled),
        exchange=exchanges.get(exchange),
        seq=seq,
    )


def inbound_row(inbound: Inbound) -> tuple[Any, ...]:
    return inbound.seq, inbound.provider, inbound.sender, inbound.number, inbound.text, inbound.received_at


def inbound_of(row: tuple[Any, ...]) -> Inbound:
    """The inbound message that a row holds."""
    seq, provider, sender, number, text, received_at = row
    return Inbound(provider, sender, number, text, received_at, seq)


def exchange_row(exchange: Exchange) -> tuple[Any, ...]:
    return (
        *(exchange.first, exchange.last, exchange.provider, exchange.call, exchange.method, exchange.path),
        *(exchange.headers, exchange.body, exchange.body_cut, exchange.status, exchange.answer, exchange.answer_cut),
        exchange.fault and exchange.fault.kind,
    )


def exchange_of(row: tuple[Any, ...]) -> Exchange:
    """The exchange that a row holds."""
    first, last, provider, call, method, path, headers, body, body_cut, status, answer, answer_cut, fault = row
    return Exchange(
        provider=provider,
        call=call,
        method=method,
        path=path,
        headers=headers,
        body=body,
        body_cut=bool(body_cut),
        status=status,
        answer=answer,
        answer_cut=bool(answer_cut),
        first=first,
        last=last,
        fault=None if fault is None else ActiveFault(id=0, kind=fault),
    )
