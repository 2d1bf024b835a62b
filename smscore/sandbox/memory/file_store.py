"""The sandbox's memory in an SQLite file."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from smscore.private_files import create_private
from smscore.sandbox.memory.database import (
    Saved,
    Statement,
    UnsavedChanges,
    clear_errors,
    everything,
    prepare,
    read_all,
    statements_of,
    transaction,
    write_facts,
)
from smscore.sandbox.memory.exchanges import Exchange
from smscore.sandbox.memory.messages import Outbound, StoredMessage, TokenAccount
from smscore.sandbox.memory.store import Contents, Store, StoreError

__all__ = ["FileStore"]

logger: Final = logging.getLogger("smscore.sandbox")


class FileStore(Store):
    """Keeps the memory in an SQLite file, which one sandbox uses at a time.

    Every call may raise a ``StoreError``: the file is no store, in use, of another version, or not writable.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._saving = threading.Lock()  # never acquired while the memory's lock is held
        # Guards the connection; no other lock is acquired while it is held. A signal handler may come back to it if the
        # sandbox serves in its thread's own loop: SQLite refuses the second transaction then, and no thread hangs.
        self._writing = threading.RLock()
        self._unsaved = UnsavedChanges()
        self._connection: sqlite3.Connection | None = None
        self._turn = 0  # how often the file was opened: it gives away another sandbox that used it meanwhile

    def load(self) -> Saved:
        """What the file holds; a file that does not exist is created, for its owner alone."""
        with closing(self._connect()) as connection, clear_errors(self._path):
            saved = read_all(connection)
        self._turn = int(saved.facts.get("turn", 0))
        _warn_of_readers(self._path)
        return saved

    # What it is told

    def added(self, entries: Iterable[StoredMessage]) -> None:
        """See ``Store``, as for all of these."""
        self._unsaved.entries.extend(entries)

    def settled(self, message: Outbound) -> None:
        """As above."""
        self._unsaved.settled[message.seq] = message.settled, message.cancelled

    def answered(self, exchange: Exchange) -> None:
        """As above."""
        self._unsaved.exchanges.append(exchange)

    def used(self, account: TokenAccount) -> None:
        """As above."""
        self._unsaved.accounts[account.key] = account
        self._unsaved.closed.discard(account.key)

    def closed(self, account: TokenAccount) -> None:
        """As above."""
        self._unsaved.accounts.pop(account.key, None)
        self._unsaved.closed.add(account.key)

    def cleared(self, provider: str | None) -> None:
        """As above; unsaved changes of the provider are dropped."""
        before, self._unsaved = self._unsaved, UnsavedChanges()
        self._unsaved.cleared = before.cleared | {provider}
        if provider is not None:
            self._unsaved.entries = [entry for entry in before.entries if entry.provider != provider]
            self._unsaved.settled = before.settled
            self._unsaved.exchanges = [exchange for exchange in before.exchanges if exchange.provider != provider]
            self._unsaved.accounts = {key: account for key, account in before.accounts.items() if key[0] != provider}

    def reserved(self, numbers: Mapping[str, int]) -> None:
        """As above, written to the file at once."""
        self._write([write_facts(dict(numbers))])

    # The file

    def open(self) -> None:
        """Take the file; a ``StoreError`` if another sandbox has it, or used it since this one read it."""
        connection = self._connect()
        try:
            with clear_errors(self._path):
                if dict(connection.execute("SELECT name, value FROM facts")).get("turn", 0) != self._turn:
                    raise StoreError(f"Another sandbox used {self._path} meanwhile: make a new Sandbox to read it.")
                self._turn += 1
                connection.execute("INSERT OR REPLACE INTO facts VALUES ('turn', ?)", (self._turn,))
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def save(self, contents: Contents) -> None:
        """Write what changed since the last time, in one transaction."""
        with self._saving:
            if self._connection is None:
                return
            with contents.lock:
                contents.tick()
                statements = list(statements_of(self._unsaved, contents))
                self._unsaved = UnsavedChanges()
            try:
                self._write(statements)
            except StoreError:
                with contents.lock:
                    # Changes since then may build on those that failed: the next save writes everything anew.
                    self._unsaved = everything(contents)
                raise

    def _write(self, statements: Iterable[Statement]) -> None:
        with self._writing:
            if self._connection is not None:
                with clear_errors(self._path), transaction(self._connection):
                    for statement, rows in statements:
                        self._connection.executemany(statement, rows)

    def close(self) -> None:
        """Close the file; calling this twice is fine."""
        with self._saving, self._writing:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        with clear_errors(self._path):
            create_private(self._path)  # SQLite gives the files beside it (-wal, -shm) the same rights
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            with clear_errors(self._path):
                # One sandbox a file: two would give the same ids. The lock lasts as long as the connection.
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                prepare(connection, self._path)
        except BaseException:
            connection.close()
            raise
        return connection


def _warn_of_readers(path: Path) -> None:
    """Warn if the file, which holds numbers and texts, is open to others; its owner may have meant it, so it stays."""
    if os.name == "nt":  # a folder's own rights decide there
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        logger.warning("%s is open to other users of this machine (mode %03o): run chmod 600 on it.", path, mode)
