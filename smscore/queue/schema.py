"""The queue's tables: numbered SQL files for each database, and a table that says which of them it has."""

from __future__ import annotations

import re
from functools import cache, partial
from importlib.resources import files
from typing import Final

from smscore.errors import ConfigurationError
from smscore.queue.databases.base import Database, Transaction

_VERSION_TABLE: Final = "CREATE TABLE IF NOT EXISTS payamak_schema (version INTEGER PRIMARY KEY, applied_at {})"
_SEARCH: Final = "CREATE INDEX IF NOT EXISTS ix_payamak_message_recipient ON payamak_message (recipient)"
_NO_QUEUE: Final = (
    "There is no queue here. Check the name of the database and its schema. `payamak queue add` and `work` make a new "
    "one; in a program, queue.create()."
)
_MOMENT: Final = {"sqlite": "REAL", "postgresql": "double precision"}


@cache
def migrations(dialect: str) -> dict[int, str]:
    """The migrations of a database by number, each a script of statements."""
    folder = files("smscore.queue") / "sql" / dialect
    numbered = sorted((file.name, file) for file in folder.iterdir() if file.name.endswith(".sql"))
    return {int(name[:4]): file.read_text(encoding="utf-8") for name, file in numbered}


def latest(dialect: str) -> int:
    """The version that this Payamak works with."""
    return max(migrations(dialect))


def statements(script: str) -> list[str]:
    """The statements of a script, without comments."""
    plain = re.sub(r"--[^\n]*", "", script)
    return [one.strip() for one in plain.split(";") if one.strip()]


def upgrade(transaction: Transaction, to: int | None = None, *, searchable: bool = True) -> None:
    """Make the tables, or bring them to this version (None: the latest).

    ``searchable``: with an index of the recipients' numbers, which costs as much as all else that is written of them.
    Raises ``ConfigurationError`` if they are newer than the latest.
    """
    name = transaction.dialect.name
    transaction.exclude()
    transaction.make_schema()
    transaction.run(_VERSION_TABLE.format(_MOMENT[name]))
    version = _version(transaction)
    _refuse_newer(version, name)
    for number, script in migrations(name).items():
        if version < number <= (to or number):
            for statement in statements(script):
                transaction.run(statement)
            transaction.run("INSERT INTO payamak_schema (version, applied_at) VALUES (%s, %s)", number, transaction.now)
    if searchable:
        transaction.run(_SEARCH)


def tables(dialect: str) -> list[str]:
    """The names of the queue's tables of the latest version, those that others refer to last."""
    made = re.findall(r"CREATE TABLE (payamak_\w+)", "\n".join(migrations(dialect).values()))
    return [*reversed(made), "payamak_schema"]


def create(database: Database) -> None:
    """Make the tables of a database, or bring them to this version."""
    database.write(partial(upgrade, searchable=database.searchable))


def prepare(database: Database) -> None:
    """Check the tables before they are first used; where the database upgrades itself, make or upgrade them."""
    with database.reading() as transaction:
        is_current = transaction.has_table("payamak_schema") and _version(transaction) == latest(database.dialect.name)
        if not is_current and not database.upgrades_itself:
            check(transaction, database.remedy)
    if not is_current:
        create(database)


def require(database: Database) -> None:
    """Raise ``ConfigurationError`` where there is no queue, and make none."""
    if not database.exists():
        raise ConfigurationError(_NO_QUEUE)
    with database.reading() as transaction:
        if not transaction.has_table("payamak_schema"):
            raise ConfigurationError(_NO_QUEUE)
        _refuse_newer(_version(transaction), database.dialect.name)


def check(transaction: Transaction, remedy: str) -> None:
    """Raise ``ConfigurationError`` unless the tables have this version; ``remedy`` says how they get it."""
    name = transaction.dialect.name
    if not transaction.has_table("payamak_schema"):
        raise ConfigurationError(f"The queue's tables are missing. {remedy}")
    version = _version(transaction)
    _refuse_newer(version, name)
    if version < latest(name):
        raise ConfigurationError(
            f"The queue's tables have version {version}, and this Payamak needs {latest(name)}. {remedy}"
        )


def refuse_newer(transaction: Transaction) -> None:
    """Raise ``ConfigurationError`` if the tables are of a newer Payamak; older ones and none are left to others."""
    if transaction.has_table("payamak_schema"):
        _refuse_newer(_version(transaction), transaction.dialect.name)


def _version(transaction: Transaction) -> int:
    row = transaction.row("SELECT max(version) FROM payamak_schema")
    return int(row[0] or 0) if row else 0


def _refuse_newer(version: int, dialect: str) -> None:
    if version > latest(dialect):
        raise ConfigurationError(
            f"The queue's tables have version {version}, and this Payamak knows only {latest(dialect)}. "
            "Upgrade Payamak on this machine."
        )
