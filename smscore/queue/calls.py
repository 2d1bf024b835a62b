"""The store's functions as awaitables: each runs in a thread, in a transaction of its own or one shared with others.

SQLite has one writer at a time and flushes a file for each commit. So what the slots of a worker write at the same
time goes into one transaction, each part rolled back alone if it raises.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from functools import partial
from itertools import chain, repeat
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from attrs import define, field, frozen

from smscore import clock
from smscore.loops.logs import logger_for_callers
from smscore.loops.threads import called, in_background, in_thread, raise_, settle
from smscore.queue import schema
from smscore.queue.databases.base import Database, Transaction
from smscore.queue.errors import QueueUnavailable

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

MAX_JOINED: Final = 1_000  # items in one statement
MAX_TOGETHER: Final = 64  # pieces of work in one transaction
_OUTAGE_WAITS: Final = (0.1, 0.5, 1.0, 2.0)  # seconds; the last of them again and again

_log: Final = logger_for_callers(__name__)


@frozen(eq=False)
class _Work:
    """A piece of work that may share a transaction with others."""

    run: Callable[[Transaction], Any]
    flushed: bool


@frozen(eq=False)
class _Piece:
    """What waits to be written, a piece of work or an item, and who waits for it."""

    what: Any
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Callable[[], Any]]

    def tell(self, outcome: Callable[[], Any]) -> None:
        """Hand the result to who waits, unless their loop has ended."""
        try:
            self.loop.call_soon_threadsafe(settle, self.answer, outcome)
        except RuntimeError:  # the loop is closed, and nobody waits
            return


@define(eq=False)
class _Group:
    """What waits for the transaction under way to end."""

    most: int
    waiting: list[_Piece] = field(factory=list[_Piece])
    later: list[_Piece] = field(factory=list[_Piece])
    """What is written with the next of those."""
    is_running: bool = False
    lock: threading.Lock = field(factory=threading.Lock)

    def add(self, piece: _Piece) -> bool:
        """Whether the caller has to start writing, since nobody does."""
        with self.lock:
            self.waiting.append(piece)
            starts, self.is_running = not self.is_running, True
        return starts

    def take(self) -> list[_Piece]:
        """What is written next; with nothing left, whoever comes next starts."""
        with self.lock:
            pieces, self.waiting = self.waiting[: self.most], self.waiting[self.most :]
            self.is_running = bool(pieces)
            if pieces:
                pieces, self.later = [*self.later, *pieces], []
        return pieces


class StoreCalls:
    """Calls the store's functions on a database, from any event loop."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._groups: dict[tuple[int, object], _Group] = {}
        self._is_prepared = False

    async def read(self, work: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of a function that only reads."""
        await self._prepare()
        return await in_thread(self.database.read, lambda transaction: work(transaction, *args, **kwargs))

    async def write(self, work: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of a function whose transaction is committed, and on disk."""
        return await self._write(lambda transaction: work(transaction, *args, **kwargs), flushed=True)

    async def write_soon(self, work: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The same, where a power cut may lose the commit, and costs no more than a known outcome."""
        return await self._write(lambda transaction: work(transaction, *args, **kwargs), flushed=False)

    async def persist(self, work: Callable[..., R], *args: Any, flushed: bool = True) -> R:
        """The same as :meth:`write` or :meth:`write_soon`, which waits out outages: what a worker knows is not lost."""
        write = self.write if flushed else self.write_soon
        for wait in chain(_OUTAGE_WAITS, repeat(_OUTAGE_WAITS[-1])):
            try:
                return await write(work, *args)
            except QueueUnavailable as error:
                _log.warning("The queue's database cannot be used (%s); retrying", type(error.__cause__).__name__)
            await clock.sleep(wait)
        raise AssertionError("the waits are endless")

    def write_with_next(
        self, work: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[Callable[[], R]]:
        """Let a function be written in the transaction of whatever is written next, before that, and on disk with it.

        Where commits are shared, and after a first write. Calling the future's result gives the function's, or raises.
        """
        loop = asyncio.get_running_loop()
        what = _Work(lambda transaction: work(transaction, *args, **kwargs), flushed=True)
        piece = _Piece(what, loop, loop.create_future())
        group = self._group(None, MAX_TOGETHER)
        with group.lock:
            group.later.append(piece)
        return piece.answer

    async def _write(self, work: Callable[[Transaction], R], *, flushed: bool) -> R:
        await self._prepare()
        if not self.database.shares_commits:
            return await in_thread(self.database.write, work, flushed=flushed)
        found: R = await self._wait(None, MAX_TOGETHER, partial(_together, self.database), _Work(work, flushed))
        return found

    async def write_joined(self, work: Callable[[Transaction, list[T]], None], item: T) -> None:
        """Write an item, in one statement and one flush with all others of this work that wait at the same time."""
        await self._prepare()
        await self._wait(work, MAX_JOINED, partial(_joined, self.database, work), item)

    async def _wait(
        self, key: object, most: int, write: Callable[[list[Any]], list[Callable[[], Any]]], what: Any
    ) -> Any:
        """What comes of this once it is written with others of its group."""
        loop = asyncio.get_running_loop()
        piece = _Piece(what, loop, loop.create_future())
        group = self._group(key, most)
        if group.add(piece):
            in_background(_write_all, write, group)
        return (await piece.answer)()

    def _group(self, key: object, most: int) -> _Group:
        # A forked child finds its parent's work here, which is the parent's to do.
        return self._groups.setdefault((os.getpid(), key), _Group(most))

    async def _prepare(self) -> None:
        if not self._is_prepared:
            await in_thread(schema.prepare, self.database)
            self._is_prepared = True


def _write_all(write: Callable[[list[Any]], list[Callable[[], Any]]], group: _Group) -> None:
    while pieces := group.take():
        try:
            outcomes = write([piece.what for piece in pieces])
        except BaseException as error:
            outcomes = [partial(raise_, error)] * len(pieces)
        for piece, outcome in zip(pieces, outcomes, strict=True):
            piece.tell(outcome)


def _together(database: Database, pieces: list[_Work]) -> list[Callable[[], Any]]:
    """What came of each piece of work, once all are committed."""
    outcomes: list[Callable[[], Any]] = []
    with database.writing(flushed=any(piece.flushed for piece in pieces)) as transaction:
        outcomes += [called(partial(_part, database, transaction, piece)) for piece in pieces]
    return outcomes


def _part(database: Database, transaction: Transaction, piece: _Work) -> Any:
    with database.explaining(), database.savepoint(transaction):
        return piece.run(transaction)


def _joined(
    database: Database, work: Callable[[Transaction, list[T]], None], items: list[T]
) -> list[Callable[[], None]]:
    """What came of each item: all are written, or where one of them is refused, each alone."""

    def write(some: list[T]) -> None:
        database.write(lambda transaction: work(transaction, some))

    together = called(partial(write, items))
    try:
        together()
    except QueueUnavailable:
        return [together] * len(items)
    except Exception:
        return [called(partial(write, [item])) for item in items]
    return [together] * len(items)
