"""Opening the queue of a send: a new one, or an earlier run's, which must be whole, the newest, and about the same."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from smscore.cli.results_file import check_results_suffix, read_mark
from smscore.cli.send.header import Header, check_same, other_options, read_header
from smscore.cli.send.queue_file import QueueFile, campaigns_of, queue_path, states_of
from smscore.cli.send.states import States
from smscore.cli.send.witness import Witness
from smscore.errors import ConfigurationError, InvalidRequest
from smscore.private_files import private_opener
from smscore.queue import schema
from smscore.queue.databases.base import Transaction
from smscore.queue.databases.sqlite import SQLiteDatabase
from smscore.queue.store import reading
from smscore.queue.store.loading import NewCampaign
from smscore.recipients.plan import Plan


def real_path(path: Path) -> Path:
    """The file that a path leads to, following links: a results file and its queue stay together."""
    return Path(os.path.realpath(path))


def check_free(results: Path) -> None:
    """Raise ``InvalidRequest`` where a new results file cannot be begun."""
    results = real_path(results)
    check_results_suffix(results)
    for taken in (results, queue_path(results), _old_journal(results)):
        if taken.exists():
            raise _taken(taken, results)


def _taken(taken: Path, results: Path) -> InvalidRequest:
    return InvalidRequest(f"{taken.name} already exists. Continue with --resume {results.name}, or name another file.")


def _create(path: Path, results: Path) -> None:
    """Make the file of a new queue: of two that begin at once, one alone has it, and the other leaves it as it is."""
    try:
        with open(path, "xb", opener=private_opener):
            return
    except FileExistsError:
        raise _taken(path, results) from None
    except OSError as error:
        raise _unusable(path.name, error.strerror) from None


def _old_journal(results: Path) -> Path:
    return results.with_name(results.name + ".journal")


@contextmanager
def new_queue(
    results: Path | None, plan: Plan, header: Header, new: NewCampaign, size: int
) -> Generator[QueueFile, None, None]:
    """The queue of a new send, in a file beside its ``results``, or in one without a name; closed at the end.

    Raises ``InvalidRequest`` where it cannot be made. Of a run that dispatched nothing and raises, no file is left.
    """
    if results is not None:
        results = real_path(results)
        check_free(results)
    path = None if results is None else queue_path(results)
    states = States.none_known(plan.last_row)
    with ExitStack() as opened:
        if path is not None and results is not None:
            _create(path, results)
        made = QueueFile(results, SQLiteDatabase(path, exclusive=True, searchable=False), header, states)
        opened.callback(made.close)
        try:
            with _explaining(path), made.database.writing() as transaction:
                schema.upgrade(transaction, searchable=False)
                header.write(transaction)
                made.load_in(transaction, plan, new, size)
            if results is not None:
                made.witness = Witness.of(header.run)
            yield made
        except BaseException:  # Ctrl-C too
            if not made.dispatched:
                opened.pop_all().close()
                made.remove()
            raise


@contextmanager
def resumed_queue(results: Path, plan: Plan, wanted: Header) -> Generator[QueueFile, None, None]:
    """The queue of an earlier run, unchanged so far; closed at the end.

    Raises ``InvalidRequest`` where there is none, where it is of another send or an older copy, and where another
    process has it.
    """
    results = real_path(results)
    check_results_suffix(results)
    path = _existing(results)
    with ExitStack() as opened:
        database = SQLiteDatabase(path, exclusive=True, searchable=False)
        opened.callback(database.close)
        with _explaining(path):
            database.read(lambda transaction: _check_whole(transaction, path.name))
            header = database.read(lambda transaction: read_header(transaction, path.name))
            check_same(header, wanted, results.name)
            try:
                schema.prepare(database)
            except ConfigurationError as error:
                raise InvalidRequest(str(error)) from None
            dispatched = database.read(_dispatched)
            witness = Witness.of(header.run)
            opened.callback(witness.close)
            _check_newest(results, header, dispatched, witness)
            found = QueueFile(
                results,
                database,
                header,
                database.read(lambda transaction: states_of(transaction, plan.last_row)),
                witness,
                is_new=False,
                is_witnessed=witness.known is not None,
                changed=other_options(header, wanted),
                cost=database.read(_cost),
                dispatched=dispatched,
            )
        yield found


def remembered(results: Path) -> Mapping[str, Any]:
    """The options that a resume takes over; ``InvalidRequest`` where there is no queue."""
    path = _existing(real_path(results))
    database = SQLiteDatabase(path, exclusive=True, searchable=False)
    try:
        with _explaining(path):
            return database.read(lambda transaction: read_header(transaction, path.name)).remembered
    finally:
        database.close()


def _existing(results: Path) -> Path:
    path, old = queue_path(results), _old_journal(results)
    if path.exists():
        return path
    if old.exists():
        raise InvalidRequest(
            f"{results.name} was begun by an earlier Payamak, which kept {old.name}; this one keeps {path.name}, and "
            "cannot tell from the other what was sent. Nothing was sent. Resume it with the Payamak that began it."
        )
    raise InvalidRequest(
        f"There is no {path.name} beside {results.name}. Without it, what was being sent is unknown: restore it, "
        "or begin a new results file with --out."
    )


@contextmanager
def _explaining(path: Path | None) -> Generator[None, None, None]:
    """Raise ``InvalidRequest``, which says what to do, in place of an error of SQLite's about the file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = "The queue file" if path is None else path.name
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise InvalidRequest("Another payamak is writing to this results file. Wait until it ends.") from None
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise _damaged(name) from None
        raise _unusable(name, _reason(path) or str(error)) from None


def _unusable(name: str, why: str | None) -> InvalidRequest:
    return InvalidRequest(f"{name} cannot be created or read: {why}. Nothing was sent.")


def _reason(path: Path | None) -> str | None:
    """What the system says of a file that SQLite cannot open."""
    try:
        if path is not None:
            with path.open("ab"):
                return None
    except OSError as error:
        return error.strerror
    return None


def _damaged(name: str) -> InvalidRequest:
    return InvalidRequest(
        f"{name} is damaged, or is no queue of Payamak. Nothing was sent. Restore the original file, with the "
        f"{name}-journal that may be beside it, or begin a new results file with --out."
    )


def _check_whole(transaction: Transaction, name: str) -> None:
    if transaction.rows("PRAGMA quick_check(1)") != [("ok",)]:
        raise _damaged(name)


def _dispatched(transaction: Transaction) -> int:
    row = transaction.row("SELECT coalesce(sum(tries), 0) FROM payamak_batch")
    return 0 if row is None else int(row[0])


def _cost(transaction: Transaction) -> int | Decimal | None:
    costs = [reading.cost(transaction, campaign) for campaign in campaigns_of(transaction)]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None


def _check_newest(results: Path, header: Header, dispatched: int, witness: Witness) -> None:
    if witness.known is not None and witness.known > dispatched:
        raise _older(results, "the send continued after that copy was made")
    mark = read_mark(results) if results.exists() else None
    if mark is not None and mark.run != header.run:
        raise _older(results, f"{results.name} has the results of another queue")
    if mark is not None and mark.dispatched > dispatched:
        raise _older(results, f"{results.name} has results that it does not know of")


def _older(results: Path, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"{queue_path(results).name} is an older copy, or belongs to another send: {why}. Nothing was sent, since a "
        "resume could send to somebody twice. Restore the newest copy of it."
    )
