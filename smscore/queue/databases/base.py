"""A database that holds a queue, as the store sees it: transactions, and the few differences between dialects.

The store's SQL is written once: parameters as ``%s``, table names as ``payamak_…``. A database gives its functions a
:class:`Transaction`; nothing in the store opens, commits or waits.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, TypeAlias, TypeVar

from attrs import field, frozen

from smscore.errors import InvalidRequest
from smscore.results import SMSError

R = TypeVar("R")

Row: TypeAlias = tuple[Any, ...]
Values: TypeAlias = Sequence[Any]

TABLE: Final = re.compile(
    r"(?<!\")\bpayamak_(?=(?:account|batch|campaign|counter|inbound|message|report|schema|suppression)\b)"
)


@frozen
class Dialect:
    """What differs between the SQL of the databases."""

    name: str
    """Also the folder of its migrations."""
    lock: str = ""
    """Ends a ``SELECT`` whose rows nobody else may change meanwhile."""
    lock_free: str = ""
    """Ends a ``SELECT`` that takes rows which nobody else works on."""
    among: str = "{} IN (SELECT value FROM json_each(%s))"
    """A condition that a column is one of a list, given as one parameter."""
    share: str = ""
    """Lets sends go on side by side, and keeps off whoever stops them, until the transaction ends."""
    exclude: str = ""
    """Waits for all that hold ``share``, and keeps them off until the transaction ends."""


class Transaction(ABC):
    """A transaction under way."""

    dialect: Dialect
    now: float
    """The time by the clock that all workers of this database share, in seconds since 1970."""

    @abstractmethod
    def run(self, sql: str, *values: Any) -> int:
        """Run a statement and return how many rows it changed."""

    @abstractmethod
    def rows(self, sql: str, *values: Any) -> list[Row]:
        """All rows of a query, or of a statement with ``RETURNING``."""

    @abstractmethod
    def many(self, sql: str, rows: Iterable[Values]) -> None:
        """Run a statement once for each of these rows."""

    def row(self, sql: str, *values: Any) -> Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
        """Add rows, by the quickest way that the database has."""
        marks = ", ".join(["%s"] * len(columns))
        self.many(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608  # names of ours

    def make_schema(self) -> None:
        """Make the schema of the tables, where they have one of their own."""
        return

    @abstractmethod
    def has_table(self, name: str) -> bool:
        """Whether there is a table of this name."""

    @abstractmethod
    def listed(self, values: Sequence[Any]) -> Any:
        """A list as the one parameter that ``Dialect.among`` takes."""

    def share(self) -> None:
        """Keep off whoever holds, pauses, cancels or suppresses, until this transaction ends."""
        if self.dialect.share:
            self.rows(self.dialect.share)

    def exclude(self) -> None:
        """Wait until no batch is being dispatched, and let none be until this transaction ends."""
        if self.dialect.exclude:
            self.rows(self.dialect.exclude)


Work: TypeAlias = Callable[[Transaction], R]


class Database(ABC):
    """Where a queue lives. Safe to use from any thread, and after a fork."""

    dialect: Dialect
    upgrades_itself: bool = False
    """Whether its tables are made and upgraded when they are first used."""
    searchable: bool = True
    """Whether messages can be looked for by number."""
    remedy: str = "Call queue.create() once, before any worker starts."
    """What to do where its tables are missing or older, as errors say it."""
    shares_commits: bool = False
    """Whether one transaction had better hold what several callers write at the same time."""

    @contextmanager
    def reading(self) -> Generator[Transaction, None, None]:
        """A transaction that only reads. Raises ``QueueUnavailable`` and ``ConfigurationError``."""
        with self.explaining(), self._reading() as transaction:
            yield transaction

    @contextmanager
    def writing(self, *, flushed: bool = True) -> Generator[Transaction, None, None]:
        """A transaction that is committed at the end of the block, or rolled back if that raises.

        ``flushed``: it is on disk when it has been committed, whatever the site's settings. Raises
        ``QueueUnavailable`` and ``ConfigurationError``.
        """
        with self.explaining(), self._writing(flushed=flushed) as transaction:
            yield transaction

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Transaction]:
        """The same, with the driver's own errors."""

    @abstractmethod
    def _writing(self, *, flushed: bool) -> AbstractContextManager[Transaction]:
        """The same, with the driver's own errors."""

    @contextmanager
    def explaining(self) -> Generator[None, None, None]:
        """Raise ``QueueUnavailable`` or ``ConfigurationError`` in the place of a driver's error that means it.

        What cannot be stored, such as a reason with half of an emoji, is an ``InvalidRequest``.
        """
        try:
            yield
        except SMSError:
            raise
        except UnicodeEncodeError:  # which holds the text
            raise InvalidRequest(
                "A text for the queue contains half of a surrogate pair, which cannot be stored."
            ) from None
        except Exception as error:
            explained = self._explained(error)
            if explained is None:
                raise
            raise explained from error

    def _explained(self, error: Exception) -> SMSError | None:
        """What an error means to the queue's users; None: it is not the driver's, or it is a defect of ours."""
        return None

    def exists(self) -> bool:
        """Whether there is a database, as far as that can be told without opening it."""
        return True

    def savepoint(self, transaction: Transaction) -> AbstractContextManager[None]:
        """A part of a transaction that is rolled back alone if it raises."""
        raise NotImplementedError

    def read(self, work: Work[R]) -> R:
        """The result of this work in a transaction that only reads."""
        with self.reading() as transaction:
            return work(transaction)

    def write(self, work: Work[R], *, flushed: bool = True) -> R:
        """The result of this work in a transaction, which is committed."""
        with self.writing(flushed=flushed) as transaction:
            return work(transaction)

    @abstractmethod
    def close(self) -> None:
        """Close all connections that are not in use; closing twice is fine."""


@frozen
class Rendering:
    """Writes the store's SQL as a database takes it."""

    mark: str = "%s"
    schema: str | None = None
    _known: dict[str, str] = field(factory=dict[str, str], init=False, repr=False, eq=False)

    def __call__(self, sql: str) -> str:
        """The statement with this database's marks and schema."""
        found = self._known.get(sql)
        if found is None:
            found = self._known[sql] = self._rendered(sql)
        return found

    def _rendered(self, sql: str) -> str:
        if self.mark != "%s":
            sql = sql.replace("%s", self.mark)
        return sql if self.schema is None else TABLE.sub(f'"{self.schema}".payamak_', sql)
