"""Messages that people sent to an account's lines: stored before the provider counts them as read."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Sequence

import msgspec

from smscore.dates import from_unix
from smscore.messages import InboundMessage
from smscore.queue.databases.base import Row, Transaction
from smscore.queue.model import StoredMessage

_COLUMNS = (
    *("account", "message_id", "digest", "marked", "line", "sender", "text", "day"),
    *("received_at", "raw", "stored_at"),
)


def add(transaction: Transaction, account: str, messages: Sequence[InboundMessage]) -> int:
    """Store messages that are not there yet, and return how many were new.

    A message with an id is known by it. One without is the same as one that is there only while the provider may still
    hand that out again: people do send the same word twice.
    """
    known_ids = _known_ids(transaction, account, [one.message_id for one in messages if one.message_id is not None])
    waiting = _unmarked(transaction, account)
    rows: list[tuple[object, ...]] = []
    for one in messages:
        digest = _digest(one)
        if one.message_id is not None:
            if one.message_id in known_ids:
                continue
            known_ids.add(one.message_id)
        elif waiting[digest]:
            waiting[digest] -= 1
            continue
        rows.append(_row(account, one, digest, transaction.now))
    transaction.insert("payamak_inbound", _COLUMNS, rows)
    return len(rows)


def mark(transaction: Transaction, account: str) -> None:
    """Note that the provider does not hand out again what is stored of this account."""
    transaction.run("UPDATE payamak_inbound SET marked = 1 WHERE account = %s AND marked = 0", account)


def last_id(transaction: Transaction, account: str) -> int | None:
    """The highest id of a provider's that is stored; None if there is none."""
    row = transaction.row(
        "SELECT max(message_id) FROM payamak_inbound WHERE account = %s AND message_id IS NOT NULL", account
    )
    return None if row is None else row[0]


def page(transaction: Transaction, account: str, after: int, limit: int) -> list[StoredMessage]:
    """The stored messages after this one, at most ``limit``, in the order in which they were stored."""
    rows = transaction.rows(
        "SELECT id, message_id, line, sender, text, day, received_at, raw FROM payamak_inbound "
        "WHERE account = %s AND id > %s ORDER BY id LIMIT %s",
        account,
        after,
        limit,
    )
    return [*map(_message, rows)]


def _known_ids(transaction: Transaction, account: str, ids: Sequence[int]) -> set[int]:
    if not ids:
        return set()
    rows = transaction.rows(
        "SELECT message_id FROM payamak_inbound WHERE account = %s AND message_id IS NOT NULL AND "
        f"{transaction.dialect.among.format('message_id')}",
        account,
        transaction.listed(ids),
    )
    return {row[0] for row in rows}


def _unmarked(transaction: Transaction, account: str) -> Counter[bytes]:
    rows = transaction.rows(
        "SELECT digest FROM payamak_inbound WHERE account = %s AND marked = 0 AND message_id IS NULL", account
    )
    return Counter(bytes(row[0]) for row in rows)


def _digest(message: InboundMessage) -> bytes:
    day = None if message.date is None else message.date.isoformat()
    parts = msgspec.json.encode([message.number, message.sender, message.text, day])
    return hashlib.blake2b(parts, digest_size=16).digest()


def _row(account: str, message: InboundMessage, digest: bytes, now: float) -> tuple[object, ...]:
    received_at = message.received_at
    return (
        account,
        message.message_id,
        digest,
        0,
        message.number,
        message.sender,
        message.text,
        None if message.date is None else message.date.isoformat(),
        None if received_at is None else received_at.timestamp(),
        msgspec.json.encode({**message.raw}, enc_hook=str).decode(),
        now,
    )


def _message(row: Row) -> StoredMessage:
    id_, message_id, line, sender, text, day, received_at, raw = row
    return StoredMessage(
        line,
        sender,
        text,
        None if day is None else dt.date.fromisoformat(day),
        msgspec.json.decode(raw),
        id=id_,
        message_id=message_id,
        received_at=from_unix(received_at),
    )
