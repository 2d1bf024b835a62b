"""Delivery reports: an inbox that takes them at once, and the fold that brings them to their messages.

A webhook may come before the answer that names its message's id. So a report is only added to the inbox; one whose id
is not known yet waits there, and is looked at again when a batch with that id ends.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import msgspec
from attrs import define, frozen

from smscore.queue.databases.base import Row, Transaction
from smscore.queue.store.batches import hop_at, pack_json, unpack_hops
from smscore.statuses import DeliveryStatus
from smscore.tracking.states import State, is_news

FOLD: Final = 10_000  # reports that are folded in one transaction
KEPT: Final = 7 * 24 * 3600.0  # seconds for which a report of an unknown id waits
_AGAIN: Final = 30.0  # seconds for which one is looked at again and again: its batch may be ending at this moment
_STATUSES: Final = {status.value: status for status in DeliveryStatus}


@frozen(repr=False)
class Report:
    """A status that was reported of a message; ``recipient`` (E.164) where the id belongs to several.

    ``provider`` is who reported it: an account may have several, each with message ids of its own. None: not known.
    """

    account: str
    message_id: int
    status: DeliveryStatus
    recipient: str | None = None
    provider: str | None = None


@frozen(repr=False)
class Change:
    """A message whose delivery status has changed: the key of its row, and what it is now.

    ``key`` is None for a report that waited for its message in vain; ``recipient`` then, where it names none.
    """

    key: int | None
    account: str
    message_id: int
    recipient: str | None
    status: DeliveryStatus
    provider: str | None
    """Who reported it, or by whom the message was sent."""


def add(transaction: Transaction, reports: Sequence[Report]) -> None:
    """Put reports into the inbox."""
    transaction.insert(
        "payamak_report",
        ("account", "message_id", "recipient", "status", "received_at", "provider"),
        [
            (one.account, one.message_id, one.recipient, one.status.value, transaction.now, one.provider)
            for one in reports
        ],
    )


@define(repr=False)
class _Message:
    """A message of the reports that are folded, and what it has come to."""

    key: int
    batch_id: int
    account: str
    message_id: int
    recipient: str
    provider: str | None
    before: str | None
    status: str | None

    def is_of(self, account: str, provider: str | None) -> bool:
        """Whether a report for this account may be about it; one that names no provider may be about any."""
        return self.account == account and (None in (provider, self.provider) or self.provider == provider)

    def see(self, status: str) -> None:
        old = None if self.status is None else State(_STATUSES[self.status])
        if is_news(old, State(_STATUSES[status])):
            self.status = status


def fold(transaction: Transaction) -> list[Change]:
    """Bring the next reports of the inbox to their messages, and return what has changed."""
    rows = transaction.rows(
        "SELECT id, account, message_id, recipient, status, provider FROM payamak_report WHERE tried = 0 "
        f"ORDER BY id LIMIT %s{transaction.dialect.lock_free}",
        FOLD,
    )
    if not rows:
        return []
    messages = _messages(transaction, {row[2] for row in rows})
    known: list[int] = []
    unknown: list[int] = []
    for id_, account, message_id, recipient, status, provider in rows:
        own = [one for one in messages.get(message_id, ()) if one.is_of(account, provider)]
        if recipient is not None:
            own = [one for one in own if one.recipient == recipient]
        elif len(own) > 1:
            own = []  # the id is of a whole bulk, and the report names no recipient
        for one in own:
            one.see(status)
        (known if own else unknown).append(id_)
    changes = _write(transaction, [one for group in messages.values() for one in group if one.status != one.before])
    among = transaction.dialect.among.format("id")
    transaction.run(f"DELETE FROM payamak_report WHERE {among}", transaction.listed(known))
    transaction.run(f"UPDATE payamak_report SET tried = 1 WHERE {among}", transaction.listed(unknown))
    return changes


def _messages(transaction: Transaction, ids: Iterable[int]) -> dict[int, list[_Message]]:
    found: defaultdict[int, list[_Message]] = defaultdict(list)
    provider_of = cache(_provider)  # most have the hops of their batch in common
    for key, batch_id, message_id, recipient, delivery, hop, account, hops in transaction.rows(
        "SELECT m.id, m.batch_id, m.message_id, m.recipient, m.delivery, m.hop, b.account, b.hops "
        "FROM payamak_message m JOIN payamak_batch b ON b.id = m.batch_id WHERE m.message_id IS NOT NULL AND "
        f"{transaction.dialect.among.format('m.message_id')} ORDER BY m.id",
        transaction.listed(sorted(ids)),
    ):
        provider = provider_of(hops, hop)
        found[message_id].append(_Message(key, batch_id, account, message_id, recipient, provider, delivery, delivery))
    return found


def _provider(hops: str | None, hop: int | None) -> str | None:
    by = hop_at(unpack_hops(hops), hop)
    return None if by is None else by.provider


def _write(transaction: Transaction, changed: list[_Message]) -> list[Change]:
    transaction.many(
        "UPDATE payamak_message SET delivery = %s, delivery_at = %s WHERE id = %s",
        [(one.status, transaction.now, one.key) for one in changed],
    )
    gains: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for one in changed:
        if one.status is not None:
            gains[one.batch_id][one.status] += 1
        if one.before is not None:
            gains[one.batch_id][one.before] -= 1
    for batch_id, gain in sorted(gains.items()):
        _count(transaction, batch_id, gain)
    return [_change(one) for one in changed]


def _change(one: _Message) -> Change:
    assert one.status is not None  # noqa: S101  # a status only ever comes
    return Change(one.key, one.account, one.message_id, one.recipient, _STATUSES[one.status], one.provider)


def _count(transaction: Transaction, batch_id: int, gain: Counter[str]) -> None:
    lock = transaction.dialect.lock
    row = transaction.row(f"SELECT deliveries FROM payamak_batch WHERE id = %s{lock}", batch_id)
    counts = Counter({} if row is None or row[0] is None else msgspec.json.decode(row[0], type=dict[str, int]))
    counts.update(gain)
    transaction.run(
        "UPDATE payamak_batch SET deliveries = %s WHERE id = %s",
        pack_json({status: count for status, count in sorted(counts.items()) if count}),
        batch_id,
    )


def look_again(transaction: Transaction, ids: Sequence[int | None]) -> None:
    """Let the reports that wait for these message ids be folded next."""
    if transaction.row("SELECT 1 FROM payamak_report WHERE tried = 1 LIMIT 1") is None:
        return
    known = [id_ for id_ in {*ids} if id_ is not None]
    among = transaction.dialect.among.format("message_id")
    transaction.run(f"UPDATE payamak_report SET tried = 0 WHERE {among}", transaction.listed(known))


def tidy(transaction: Transaction) -> list[Change]:
    """Look at reports of unknown ids again; drop those that waited long enough, and return them in their order."""
    transaction.run(
        "UPDATE payamak_report SET tried = 0 WHERE tried = 1 AND received_at > %s", transaction.now - _AGAIN
    )
    dropped = transaction.rows(
        "DELETE FROM payamak_report WHERE received_at < %s "
        "RETURNING id, account, message_id, recipient, status, provider",
        transaction.now - KEPT,
    )
    return [
        Change(None, account, message_id, recipient, _STATUSES[status], provider)
        for _, account, message_id, recipient, status, provider in sorted(dropped)
    ]


# Polling


def due(transaction: Transaction, account: str, most: int, lease: float) -> list[int]:
    """Batches of an account whose deliveries are to be asked for now; nobody else asks for them meanwhile."""
    rows = transaction.rows(
        "SELECT id FROM payamak_batch WHERE account = %s AND track_at IS NOT NULL AND track_at <= %s "
        f"ORDER BY track_at LIMIT %s{transaction.dialect.lock_free}",
        account,
        transaction.now,
        most,
    )
    ids = [row[0] for row in rows]
    transaction.many(
        "UPDATE payamak_batch SET track_at = %s WHERE id = %s", [(transaction.now + lease, id_) for id_ in ids]
    )
    return ids


def open_messages(transaction: Transaction, batch_id: int, low: int, high: int) -> tuple[list[Row], str | None]:
    """The accepted messages of a batch that have an id and no final status, and the batch's hops."""
    final = ", ".join(f"'{status.value}'" for status in DeliveryStatus if status.is_final)
    rows = transaction.rows(
        "SELECT recipient, message_id, hop, sent_at FROM payamak_message WHERE id >= %s AND id < %s "
        f"AND outcome = 'accepted' AND message_id IS NOT NULL AND (delivery IS NULL OR delivery NOT IN ({final})) "
        "ORDER BY id",
        low,
        high,
    )
    hops = transaction.row("SELECT hops FROM payamak_batch WHERE id = %s", batch_id)
    return rows, None if hops is None else hops[0]


def note_poll(transaction: Transaction, batch_id: int, wait: float | None) -> None:
    """Note that a batch's deliveries were asked for; ``wait``: the seconds until the next poll (None: none)."""
    transaction.run(
        "UPDATE payamak_batch SET polls = polls + 1, track_at = %s WHERE id = %s",
        None if wait is None else transaction.now + wait,
        batch_id,
    )
