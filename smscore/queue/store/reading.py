"""Reading what became of a campaign: its counts, and each recipient's result in order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec
from attrs import frozen

from smscore.dates import from_unix
from smscore.errors import SMSError
from smscore.numbers import e164
from smscore.outcomes import Outcome
from smscore.queue.databases.base import Row, Transaction
from smscore.queue.model import Counts, QueueResult
from smscore.queue.payloads import Payload, unpack
from smscore.queue.store.batches import PLACE_BITS, Hop, hop_at, unpack_hops
from smscore.queue.stored_errors import StoredError, restored, restored_or_none, unpack_errors
from smscore.sending.outgoing import invalid_number
from smscore.statuses import DeliveryStatus

_AT_ONCE: Final = 10_000  # recipients that are read in one transaction
_OUTCOMES: Final = {outcome.value: outcome for outcome in Outcome}
_STATUSES: Final = {status.value: status for status in DeliveryStatus}
INVALID: Final = "InvalidNumber"


def counts(transaction: Transaction, campaign_id: int) -> Counts:
    """How many recipients of a campaign have which outcome."""
    row = transaction.row(
        "SELECT coalesce(sum(accepted), 0), coalesce(sum(rejected), 0), coalesce(sum(not_sent), 0), "
        "coalesce(sum(unknown), 0), coalesce(sum(CASE WHEN state = 'done' THEN 0 ELSE size END), 0) "
        "FROM payamak_batch WHERE campaign_id = %s",
        campaign_id,
    )
    assert row is not None  # noqa: S101  # an aggregate always gives one
    deliveries: dict[DeliveryStatus, int] = {}
    for (column,) in transaction.rows(
        "SELECT deliveries FROM payamak_batch WHERE campaign_id = %s AND deliveries IS NOT NULL", campaign_id
    ):
        for word, count in msgspec.json.decode(column, type=dict[str, int]).items():
            status = _STATUSES[word]
            deliveries[status] = deliveries.get(status, 0) + count
    accepted, rejected, not_sent, unknown, waiting = map(int, row)
    return Counts(accepted, rejected, not_sent, unknown, waiting, deliveries)


@frozen
class InProgress:
    """How many batches of a campaign workers have, and the seconds until the last of their leases runs out."""

    batches: int = 0
    seconds: float = 0.0
    is_due: bool = False
    """Whether it has more, which could begin now."""


def in_progress(transaction: Transaction, campaign_id: int) -> InProgress:
    """What workers do with a campaign at the moment, as far as they say; one that was killed says nothing."""
    row = transaction.row(
        "SELECT count(*), max(lease_until) FROM payamak_batch "
        "WHERE campaign_id = %s AND state <> 'done' AND state IN ('claimed', 'sending')",
        campaign_id,
    )
    due = transaction.row(
        "SELECT 1 FROM payamak_campaign WHERE id = %s AND next_at IS NOT NULL AND next_at <= %s",
        campaign_id,
        transaction.now,
    )
    batches, until = row or (0, None)
    return InProgress(batches, max(0.0, (until or 0.0) - transaction.now), due is not None)


def cost(transaction: Transaction, campaign_id: int) -> int | Decimal | None:
    """What the provider said that a campaign cost, in its own unit; None if it said nothing."""
    found = [
        Decimal(row[0])
        for row in transaction.rows(
            "SELECT cost FROM payamak_batch WHERE campaign_id = %s AND cost IS NOT NULL", campaign_id
        )
    ]
    whole = sum(found, Decimal(0))
    if not found:
        return None
    return int(whole) if whole == whole.to_integral_value() else whole


@frozen
class ResultPage:
    """Results in order, and the chunk after which the next page begins (None: it was the last)."""

    results: list[QueueResult]
    after: int | None


def results(transaction: Transaction, campaign_id: int, after: int, outcome: str | None) -> ResultPage:
    """The results of the batches that have ended, in order, of the next chunks after this one."""
    last = last_chunk(transaction, campaign_id, after)
    if last is None:
        return ResultPage([], None)
    rows = transaction.rows(
        "SELECT id, first, size, payload, hops, outcome, errors, long_ids FROM payamak_batch "
        "WHERE campaign_id = %s AND chunk > %s AND chunk <= %s AND state = 'done' ORDER BY chunk, first",
        campaign_id,
        after,
        last,
    )
    found = [item for row in rows for item in _batch_results(transaction, row, outcome)]
    found.sort(key=_position)
    return ResultPage([result for _, result in found], last)


def result(transaction: Transaction, message_id: int) -> QueueResult | None:
    """The result of one recipient of a batch that was sent, by its row's id; None if it was pruned."""
    rows = transaction.rows(
        "SELECT b.hops, b.errors, b.payload, b.long_ids, m.id, m.position, m.recipient, m.outcome, m.message_id, "
        "m.error, m.hop, m.sent_at, m.delivery "
        "FROM payamak_message m JOIN payamak_batch b ON b.id = m.batch_id WHERE m.id = %s",
        message_id,
    )
    for hops, errors, stored, long_ids, *row in rows:
        payload = None if stored is None else unpack(stored)
        ids: dict[str, int] = {} if long_ids is None else msgspec.json.decode(long_ids)
        return _Maker(unpack_hops(hops), unpack_errors(errors), payload, ids).result(tuple(row))[1]
    return None


def _position(item: tuple[int, QueueResult]) -> int:
    return item[0]


def last_chunk(transaction: Transaction, campaign_id: int, after: int) -> int | None:
    """The last of the next chunks that are read together."""
    total, last = 0, None
    for chunk, size in transaction.rows(
        "SELECT chunk, size FROM payamak_batch WHERE campaign_id = %s AND chunk > %s ORDER BY chunk LIMIT 1000",
        campaign_id,
        after,
    ):
        if last is not None and chunk != last and total >= _AT_ONCE:
            break
        total, last = total + size, chunk
    return last


def _batch_results(transaction: Transaction, row: Row, outcome: str | None) -> Iterator[tuple[int, QueueResult]]:
    batch_id, first, _, stored, hops, whole, errors, long_ids = row
    kept = unpack_errors(errors)
    payload = None if stored is None else unpack(stored)
    if whole is not None:
        return _of_all(payload, first, whole, kept) if payload and outcome in (None, whole) else iter(())
    made = _Maker(unpack_hops(hops), kept, payload, {} if long_ids is None else msgspec.json.decode(long_ids))
    condition, values = ("", ()) if outcome is None else (" AND outcome = %s", (outcome,))
    return map(
        made.result,
        transaction.rows(
            "SELECT id, position, recipient, outcome, message_id, error, hop, sent_at, delivery FROM payamak_message "
            f"WHERE id >= %s AND id < %s{condition} ORDER BY id",
            batch_id << PLACE_BITS,
            (batch_id + 1) << PLACE_BITS,
            *values,
        ),
    )


def _of_all(payload: Payload, first: int, outcome: str, errors: list[StoredError]) -> Iterator[tuple[int, QueueResult]]:
    """The results of a batch that was never dispatched."""
    refs = payload.refs or [None] * len(payload)
    common = restored(errors[0]) if errors else None
    bad = bool(errors) and errors[0].kind == INVALID
    for position, number, ref in zip(payload.positions(first), payload.numbers, refs, strict=True):
        error: SMSError | None = invalid_number([(position, number)]) if bad else common
        recipient = number if bad else e164(number)
        yield position, QueueResult(recipient, _OUTCOMES[outcome], error=error, ref=ref)


class _Maker:
    """Makes the results of one batch's rows; its errors and hops are restored once."""

    def __init__(
        self, hops: list[Hop], errors: list[StoredError], payload: Payload | None, long_ids: dict[str, int]
    ) -> None:
        self._hops: list[Hop] = hops
        self._times: list[dt.datetime | None] = [from_unix(hop.at) for hop in hops]
        self._errors = [restored_or_none(one) for one in errors]
        self._earlier: list[tuple[SMSError, ...]] = [tuple(restored(other) for other in one.earlier) for one in errors]
        self._refs: list[Any] | None = None if payload is None else payload.refs
        self._long_ids = long_ids

    def result(self, row: Row) -> tuple[int, QueueResult]:
        """The result of a row, and its position."""
        id_, position, recipient, outcome, message_id = row[:5]
        error: int | None = row[5]
        hop: int | None = row[6]
        sent_at, delivery = row[7:]
        place = id_ & ((1 << PLACE_BITS) - 1)
        if message_id is None and self._long_ids:
            message_id = self._long_ids.get(str(place))
        by = hop_at(self._hops, hop)
        found: SMSError | None = None if error is None else self._errors[error]
        may_have_left = outcome != Outcome.NOT_SENT.value
        return position, QueueResult(
            recipient or "",
            _OUTCOMES[outcome],
            message_id,
            found,
            by.request_id if by and may_have_left else None,
            None if self._refs is None else self._refs[place],
            by.provider if by else None,
            None if found is None else found.code,
            self._sent_at(sent_at, hop) if may_have_left else None,
            () if error is None else self._earlier[error],
            None if delivery is None else _STATUSES[delivery],
        )

    def _sent_at(self, own: float | None, hop: int | None) -> dt.datetime | None:
        if own is not None:
            return from_unix(own)
        return self._times[hop] if hop is not None and hop < len(self._times) else None
