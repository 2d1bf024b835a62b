"""A clock that was set back: nothing waits for the hours that pass twice, and no request id seems younger than it is.

The latest time that a worker has seen is a counter in the database. If the time now is earlier, the clock was set back.
Then what workers wait for is moved back by as much, and what may have been sent before is not repeated, since nobody
knows how old its request id is. Times that users gave (``not_before``, ``expires``, hours, holds) stay.
"""

from __future__ import annotations

from typing import Final

from smscore.loops.logs import logger_for_callers
from smscore.queue.databases.base import Transaction
from smscore.queue.store.batches import Hop

_TOLERANCE: Final = 5.0  # seconds: a smaller step back is a correction, as NTP makes them
_EVERY: Final = 60.0  # seconds between two notes of the time: each costs a write
_LATEST: Final = "clock"  # the counters' names
_SETBACKS: Final = "setbacks"

COUNT: Final = f"coalesce((SELECT value FROM payamak_counter WHERE name = '{_SETBACKS}'), 0)"
"""How often the clock was set back, as an SQL expression."""

_log: Final = logger_for_callers(__name__)


def check_clock(transaction: Transaction, lease: float) -> None:
    """Note the time. If the clock was set back, move back what workers wait for; ``lease`` is that of their batches."""
    row = transaction.row("SELECT value FROM payamak_counter WHERE name = %s", _LATEST)
    now = transaction.now
    if row is None or now >= row[0] + _EVERY:
        transaction.run(
            "INSERT INTO payamak_counter (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE "
            "SET value = excluded.value WHERE payamak_counter.value < excluded.value",
            _LATEST,
            int(now),
        )
    elif now < row[0] - _TOLERANCE and _is_first(transaction, row[0]):
        back = row[0] - now
        _log.warning("The clock was set back by %.0f seconds; what may have gone before is not repeated", back)
        _move_back(transaction, back, lease)


def _is_first(transaction: Transaction, seen: int) -> bool:
    """Whether this worker is the first to notice it, and so the one that acts."""
    if not transaction.run(
        "UPDATE payamak_counter SET value = %s WHERE name = %s AND value = %s", int(transaction.now), _LATEST, seen
    ):
        return False
    transaction.run(
        "INSERT INTO payamak_counter (name, value) VALUES (%s, 1) ON CONFLICT (name) DO UPDATE "
        "SET value = payamak_counter.value + 1",
        _SETBACKS,
    )
    return True


def _move_back(transaction: Transaction, back: float, lease: float) -> None:
    now = transaction.now
    # The last number: a time that is at most so many seconds ahead may have been written since, and stays.
    for table, column, which, most in (
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


def can_repeat(hop: Hop, now: float) -> bool:
    """Whether what may have been sent by this hop can be sent again, since the provider still knows its request id.

    If the hop is later than now, the clock was set back, and the id may be older than it seems.
    """
    return hop.repeat_until is not None and hop.at - _TOLERANCE <= now < hop.repeat_until


def knows_id(transaction: Transaction, hop: Hop | None) -> bool:
    """Whether the hop can be repeated, and the clock was not set back since."""
    if hop is None or not can_repeat(hop, transaction.now):
        return False
    row = transaction.row(f"SELECT {COUNT}")
    return row is not None and int(row[0]) == hop.setbacks
