"""What the workers of a project agree on in the database, so that only one of them sends each signal."""

from __future__ import annotations

from collections.abc import Iterable

from smscore.numbers import local_forms
from smscore.queue.databases.base import Transaction
from smscore.queue.store import suppression
from smscore.text import plain_text

__all__ = ["new_inbound", "note_change", "take_turn"]

_MAX_INBOUND = 100
_SET_BACK = 3600.0  # seconds: a turn that is due even later than that was noted before the clock was set back


def take_turn(transaction: Transaction, name: str, every: float) -> bool:
    """Claim a round that all workers together do once in ``every`` seconds. Returns whether it is this worker's."""
    return bool(
        transaction.rows(
            "INSERT INTO payamak_counter (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE "
            "SET value = excluded.value "
            "WHERE payamak_counter.value <= %s OR payamak_counter.value > %s RETURNING value",
            name,
            int(transaction.now + every),
            int(transaction.now),
            int(transaction.now + every + _SET_BACK),
        )
    )


def note_change(transaction: Transaction, name: str, value: int) -> bool:
    """Store a value, and return whether it differs from the stored one (0 if there was none)."""
    if value:
        return bool(
            transaction.rows(
                "INSERT INTO payamak_counter (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE "
                "SET value = excluded.value WHERE payamak_counter.value <> excluded.value RETURNING value",
                name,
                value,
            )
        )
    return bool(transaction.run("UPDATE payamak_counter SET value = 0 WHERE name = %s AND value <> 0", name))


def new_inbound(transaction: Transaction, account: str, words: Iterable[str]) -> list[int]:
    """The ids of the next inbound messages of an account that no receiver has got, now marked as sent to them.

    At most ``_MAX_INBOUND`` of them. A sender whose text is one of ``words`` is suppressed.
    """
    name = f"told:{account}"
    transaction.run("INSERT INTO payamak_counter (name, value) VALUES (%s, 0) ON CONFLICT (name) DO NOTHING", name)
    row = transaction.row(f"SELECT value FROM payamak_counter WHERE name = %s{transaction.dialect.lock}", name)
    rows = transaction.rows(
        "SELECT id, sender, text FROM payamak_inbound WHERE account = %s AND id > %s ORDER BY id LIMIT %s",
        account,
        0 if row is None else row[0],
        _MAX_INBOUND,
    )
    if not rows:
        return []
    transaction.run("UPDATE payamak_counter SET value = %s WHERE name = %s", rows[-1][0], name)
    wanted = {_plain(word) for word in words}
    leaving = local_forms([sender for _, sender, text in rows if _plain(text) in wanted])
    known = [number for number in leaving if number is not None]
    if known:
        suppression.add(transaction, known)
    return [row[0] for row in rows]


_LETTERS = str.maketrans(
    {"ي": "ی", "ك": "ک", "\u200c": None, **{digit: str(n % 10) for n, digit in enumerate("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩")}}
)


def _plain(text: str) -> str:
    """A word as people type it, in one form: Persian letters, Latin digits, no spaces, lower case."""
    return "".join((plain_text(text) or "").translate(_LETTERS).split()).casefold()
