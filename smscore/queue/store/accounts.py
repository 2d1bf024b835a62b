"""Accounts: holds, the breaker, and the rate that all workers share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from smscore.dates import from_unix
from smscore.errors import InvalidRequest
from smscore.queue.databases.base import Transaction
from smscore.queue.limits import HOLD, AccountState, Permission, after_failure, after_success
from smscore.queue.model import Account

_COLUMNS: Final = "name, hold, hold_until, reason, failures, rests, probe, probe_until, next_turn, next_go"


def register(transaction: Transaction, names: Iterable[str]) -> None:
    """Make the rows of these accounts where there are none."""
    for name in sorted(names):
        transaction.run("INSERT INTO payamak_account (name) VALUES (%s) ON CONFLICT (name) DO NOTHING", name)


def state(transaction: Transaction, name: str, *, locked: bool = False) -> AccountState:
    """What is known of an account; of an unknown one, that nothing keeps it back."""
    lock = transaction.dialect.lock if locked else ""
    row = transaction.row(f"SELECT {_COLUMNS} FROM payamak_account WHERE name = %s{lock}", name)
    return AccountState(name) if row is None else AccountState(*row)


def save(transaction: Transaction, account: AccountState) -> None:
    """Write an account's state."""
    transaction.run(
        "UPDATE payamak_account SET hold = %s, hold_until = %s, reason = %s, failures = %s, rests = %s, probe = %s, "
        "probe_until = %s, next_turn = %s WHERE name = %s",
        account.hold,
        account.hold_until,
        account.reason,
        account.failures,
        account.rests,
        account.probe,
        account.probe_until,
        account.next_turn,
        account.name,
    )


def read(transaction: Transaction, name: str) -> Account:
    """An account as users see it."""
    return _shown(state(transaction, name), transaction.now)


def read_known(transaction: Transaction, name: str, known: Iterable[str]) -> Account:
    """An account as users see it. Raises ``InvalidRequest`` if no worker, no campaign and none of ``known`` has it."""
    registered = [row[0] for row in transaction.rows("SELECT name FROM payamak_account")]
    used = "SELECT DISTINCT account FROM payamak_campaign"
    if name not in (*known, *registered) and not transaction.rows(f"{used} WHERE account = %s", name):
        names = {*known, *registered, *(row[0] for row in transaction.rows(used))}
        raise InvalidRequest(f"Unknown account. This queue has {', '.join(sorted(names)) or 'none yet'}.")
    return read(transaction, name)


def read_all(transaction: Transaction) -> list[Account]:
    """All accounts that have been used, by their names."""
    rows = transaction.rows(f"SELECT {_COLUMNS} FROM payamak_account ORDER BY name")
    return [_shown(AccountState(*row), transaction.now) for row in rows]


def _shown(found: AccountState, now: float) -> Account:
    if found.permission(now) is Permission.OPEN:
        return Account(found.name)
    return Account(found.name, held=True, until=from_unix(found.hold_until), reason=found.reason)


def hold(transaction: Transaction, name: str, until: float | None, reason: str) -> None:
    """Let no batch of an account go, ``until`` a time or until it is released."""
    register(transaction, [name])
    transaction.exclude()
    transaction.run(
        "UPDATE payamak_account SET hold = %s, hold_until = %s, reason = %s, probe = NULL, probe_until = NULL "
        "WHERE name = %s",
        HOLD,
        until,
        reason,
        name,
    )


def hold_at_least(transaction: Transaction, name: str, until: float | None, reason: str) -> None:
    """The same for a refusal of the provider's, which cuts no longer hold short."""
    found = state(transaction, name, locked=True)
    if found.hold == HOLD and (found.hold_until is None or (until is not None and found.hold_until >= until)):
        return
    hold(transaction, name, until, reason)


def release(transaction: Transaction, name: str) -> None:
    """Let an account send again; its breaker starts anew."""
    transaction.run(
        "UPDATE payamak_account SET hold = NULL, hold_until = NULL, reason = NULL, failures = 0, rests = 0, "
        "probe = NULL, probe_until = NULL WHERE name = %s",
        name,
    )


def note_failure(transaction: Transaction, name: str, wait: float | None) -> None:
    """Count a batch without a usable answer."""
    save(transaction, after_failure(state(transaction, name, locked=True), transaction.now, wait=wait))


def note_success(transaction: Transaction, name: str) -> None:
    """Note that an account's provider gave a usable answer; writes only where that changes anything."""
    found = state(transaction, name)
    if after_success(found) != found:
        save(transaction, after_success(state(transaction, name, locked=True)))


def take_probe(transaction: Transaction, name: str, token: str, lease: float) -> bool:
    """Whether this worker may probe the account: one at a time, for as long as its lease."""
    found = state(transaction, name, locked=True)
    if found.permission(transaction.now) is not Permission.PROBE:
        return False
    transaction.run(
        "UPDATE payamak_account SET probe = %s, probe_until = %s WHERE name = %s",
        token,
        transaction.now + lease,
        name,
    )
    return True


def reserve_turn(transaction: Transaction, account: AccountState, interval: float) -> float:
    """The seconds until the account's next batch may go by its rate; that turn is taken."""
    turn = max(transaction.now, account.next_turn)
    if interval:
        transaction.run("UPDATE payamak_account SET next_turn = %s WHERE name = %s", turn + interval, account.name)
    return turn - transaction.now
