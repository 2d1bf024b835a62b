"""A clock that was set back: nothing waits for the hours that come again, and no request id is taken for younger.

The latest time that a worker has seen is a counter of the database. A time before it says that the clock was set back:
then what workers wait for moves by as much, and what may have gone before is not repeated any more, since nobody knows
for how long the provider has known its id. Times that users gave (``not_before``, ``expires``, hours, holds) stay.
"""

from __future__ import annotations

from typing import Final

from smscore.loops.logs import logger_for_callers
from smscore.queue.databases.base import Transaction
from smscore.queue.store.batches import Hop

TOLERANCE: Final = 5.0  # seconds that a clock may be put right without being set back
_EVERY: Final = 60.0  # seconds between two notes of the time: each costs a write
_SEEN: Final = "clock"
_COUNT: Final = "setbacks"

COUNT: Final = f"coalesce((SELECT value FROM payamak_counter WHERE name = '{_COUNT}'), 0)"
"""How often the clock was set back, as an expression of SQL."""

_log: Final = logger_for_callers(__name__)


def keep_up(transaction: Transaction, lease: float) -> None:
    """Note the time, and where it is before the noted one, move what workers wait for; ``lease`` is a worker's."""
    row = transaction.row("SELECT value FROM payamak_counter WHERE name = %s", _SEEN)
    now = transaction.now
    if row is None or now >= row[0] + _EVERY:
        transaction.run(
            "INSERT INTO payamak_counter (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE "
            "SET value = excluded.value WHERE payamak_counter.value < excluded.value",
            _SEEN,
            int(now),
        )
    elif now < row[0] - TOLERANCE and _is_first(transaction, row[0]):
        back = row[0] - now
        _log.warning("The clock was set back by %.0f seconds; what may have gone before is not repeated", back)
        _move(transaction, back, lease)


def _is_first(transaction: Transaction, seen: int) -> bool:
    """Whether this worker is the first to see it."""
    if not transaction.run(
        "UPDATE payamak_counter SET value = %s WHERE name = %s AND value = %s", int(transaction.now), _SEEN, seen
    ):
        return False
    transaction.run(
        "INSERT INTO payamak_counter (name, value) VALUES (%s, 1) ON CONFLICT (name) DO UPDATE "
        "SET value = payamak_counter.value + 1",
        _COUNT,
    )
    return True


def _move(transaction: Transaction, back: float, lease: float) -> None:
    now = transaction.now
    for table, column, which, most in (  # what was written since is at most so far ahead, and stays
        ("payamak_batch", "lease_until", "", lease),
        ("payamak_batch", "track_at", "", 0.0),
        ("payamak_campaign", "loading_until", "", lease),
        ("payamak_account", "next_turn", "", 0.0),
        ("payamak_account", "next_go", "", 0.0),
        ("payamak_account", "probe_until", "", lease),
        ("payamak_account", "hold_until", " AND hold = 'rest'", 0.0),
    ):
        moved = f"CASE WHEN {column} - %s > %s THEN {column} - %s ELSE %s END"
        sql = f"UPDATE {table} SET {column} = {moved} WHERE {column} > %s{which}"  # names of ours
        transaction.run(sql, *(back, now, back, now, now + most))
    transaction.run(
        "UPDATE payamak_campaign SET next_at = CASE WHEN not_before > %s THEN not_before ELSE %s END "
        "WHERE ended_at IS NULL AND next_at > %s",
        *(now, now, now),
    )


def knows_id(transaction: Transaction, hop: Hop | None) -> bool:
    """Whether the provider still knows this hop's request id, as far as the clock can tell."""
    now = transaction.now
    if hop is None or hop.repeat_until is None or hop.repeat_until <= now or hop.at > now + TOLERANCE:
        return False
    row = transaction.row(f"SELECT {COUNT}")
    return row is not None and int(row[0]) == hop.setbacks
