"""People who do not want messages."""

from __future__ import annotations

from collections.abc import Sequence

from smscore.numbers import e164_forms
from smscore.queue.databases.base import Transaction


def add(transaction: Transaction, numbers: Sequence[str]) -> None:
    """Suppress these numbers (local forms); no batch that has one of them begins from now on."""
    transaction.exclude()
    transaction.many(
        "INSERT INTO payamak_suppression (recipient, created_at) VALUES (%s, %s) ON CONFLICT (recipient) DO NOTHING",
        [(number, transaction.now) for number in sorted({*e164_forms(numbers)})],
    )
    _count(transaction)


def remove(transaction: Transaction, numbers: Sequence[str]) -> None:
    """Let messages go to these numbers again."""
    transaction.many("DELETE FROM payamak_suppression WHERE recipient = %s", [(one,) for one in e164_forms(numbers)])
    _count(transaction)


def _count(transaction: Transaction) -> None:
    transaction.run("UPDATE payamak_counter SET value = value + 1 WHERE name = 'suppression'")


def page(transaction: Transaction, after: str, limit: int) -> list[str]:
    """The suppressed numbers after this one, at most ``limit``, in order."""
    rows = transaction.rows(
        "SELECT recipient FROM payamak_suppression WHERE recipient > %s ORDER BY recipient LIMIT %s", after, limit
    )
    return [row[0] for row in rows]


def is_used(transaction: Transaction) -> bool:
    """Whether anybody is suppressed."""
    return transaction.row("SELECT 1 FROM payamak_suppression LIMIT 1") is not None


def version(transaction: Transaction) -> int:
    """A number that changes with the list."""
    row = transaction.row("SELECT value FROM payamak_counter WHERE name = 'suppression'")
    return 0 if row is None else int(row[0])


def places_of(transaction: Transaction, numbers: Sequence[str]) -> tuple[list[int], int]:
    """The places of the numbers (local forms) that are suppressed, and the list's version."""
    found = version(transaction)
    if not numbers:
        return [], found
    forms = e164_forms(numbers)
    rows = transaction.rows(
        f"SELECT recipient FROM payamak_suppression WHERE {transaction.dialect.among.format('recipient')}",
        transaction.listed(forms),
    )
    suppressed = {row[0] for row in rows}
    return [place for place, form in enumerate(forms) if form in suppressed], found
