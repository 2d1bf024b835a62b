"""Ending batches: writing outcomes once, and merging what a late worker brings."""

from __future__ import annotations

from typing import Final

import msgspec

from smscore.config import DEFAULT_POLLING
from smscore.errors import OutcomeUnknown
from smscore.outcomes import Outcome
from smscore.queue.databases.base import Row, Transaction
from smscore.queue.model import OUTCOME_COLUMNS
from smscore.queue.outcomes import UNKNOWN, Columns, is_better, same, with_dropped
from smscore.queue.payloads import Payload, unpack
from smscore.queue.store import campaigns, reports
from smscore.queue.store.batches import PLACE_BITS, ClaimedBatch, pack_json, unpack_hops, unpack_places
from smscore.queue.stored_errors import StoredError, pack_errors, unpack_errors

MESSAGE_COLUMNS: Final = (
    *("id", "batch_id", "position", "recipient", "outcome", "message_id", "error", "hop", "sent_at"),
)
_NO_ANSWER: Final = "The worker that sent it was lost before an answer was stored: it may have been sent."


def finish(transaction: Transaction, claimed: ClaimedBatch, payload: Payload, columns: Columns) -> bool:
    """Write the outcomes of a batch, or merge them with those that it has. Whether its campaign may be done now."""
    columns = with_dropped(columns, claimed.dropped, campaigns.never_sent("suppressed"))
    row = _locked(transaction, claimed.id)
    if row is None:
        return False  # pruned meanwhile
    state, claim, tries = row
    was_repeated = claim != claimed.claim and tries > claimed.tries + claimed.dispatches
    if was_repeated and not columns.count(Outcome.ACCEPTED):
        return False  # what this try did not do, the repeat may have done
    if state == "done":
        _merge(transaction, claimed, payload, columns)
        return False
    if claim != claimed.claim and columns.count(Outcome.UNKNOWN) + columns.count(Outcome.NOT_SENT) == len(columns):
        return False  # another worker repeats it, and this one knows nothing that helps
    _write(transaction, claimed.id, payload, claimed.first, columns, len(claimed.hops) - 1)
    return True


def _locked(transaction: Transaction, batch_id: int) -> Row | None:
    return transaction.row(
        f"SELECT state, claim, tries FROM payamak_batch WHERE id = %s{transaction.dialect.lock}", batch_id
    )


def _write(
    transaction: Transaction, batch_id: int, payload: Payload, first: int, columns: Columns, last_hop: int
) -> None:
    transaction.insert(
        "payamak_message", MESSAGE_COLUMNS, _message_rows(batch_id, payload, first, columns, max(last_hop, 0))
    )
    reports.look_again(transaction, columns.message_ids)
    _write_batch(transaction, batch_id, columns)


def _write_batch(transaction: Transaction, batch_id: int, columns: Columns) -> None:
    counts = ", ".join(f"{name} = %s" for name in OUTCOME_COLUMNS.values())
    transaction.run(
        f"UPDATE payamak_batch SET state = 'done', claim = NULL, lease_until = NULL, outcome = NULL, errors = %s, "
        f"long_ids = %s, cost = %s, parts = %s, ended_at = %s, track_at = %s, {counts} WHERE id = %s",
        pack_errors(columns.error_list),
        pack_json(_long_ids(columns)),
        columns.cost,
        columns.parts,
        transaction.now,
        transaction.now + DEFAULT_POLLING.first if any(columns.message_ids) else None,
        *(columns.outcomes.count(outcome) for outcome in OUTCOME_COLUMNS),
        batch_id,
    )


def _message_rows(batch_id: int, payload: Payload, first: int, columns: Columns, hop: int) -> list[Row]:
    base = batch_id << PLACE_BITS
    size = len(payload)
    return [
        (base + place, batch_id, position, "+98" + number[1:], outcome, id_, error, hop_, sent_at)
        for place, (position, number, outcome, id_, error, hop_, sent_at) in enumerate(
            zip(
                payload.positions(first),
                payload.numbers,
                columns.outcomes,
                _short_ids(columns),
                columns.errors,
                columns.hops or [hop] * size,
                columns.sent_at or [None] * size,
                strict=True,
            )
        )
    ]


_LIMIT: Final = 2**63


def _short_ids(columns: Columns) -> list[int | None]:
    ids = columns.message_ids
    return [None if id_ is None or not -_LIMIT <= id_ < _LIMIT else id_ for id_ in ids]


def _long_ids(columns: Columns) -> dict[str, int]:
    ids = columns.message_ids
    return {str(place): id_ for place, id_ in enumerate(ids) if id_ is not None and not -_LIMIT <= id_ < _LIMIT}


def end_unknown(transaction: Transaction, batch_id: int, error: StoredError | None = None) -> None:
    """End a batch that was dispatched and may have been sent; what a late worker brings is merged later."""
    row = transaction.row(
        "SELECT campaign_id, first, payload, hops, dropped FROM payamak_batch WHERE id = %s AND state <> 'done'"
        f"{transaction.dialect.lock}",
        batch_id,
    )
    if row is None:
        return  # a late answer came first, or this is called again after a commit that was lost
    campaign_id, first, stored, hops, dropped = row
    payload, places = unpack(stored), unpack_places(dropped)
    reason = error or StoredError(OutcomeUnknown.__name__, _NO_ANSWER, UNKNOWN)
    columns = same(Outcome.UNKNOWN, len(payload) - len(places), reason)
    columns = with_dropped(columns, places, campaigns.never_sent("suppressed"))
    _write(transaction, batch_id, payload, first, columns, len(unpack_hops(hops)) - 1)
    campaigns.settle(transaction, campaign_id)


def end_unsent(transaction: Transaction, claimed: ClaimedBatch, reason: str) -> None:
    """End a batch of which nothing was or will be sent, if it is still this worker's."""
    changed = transaction.run(
        "UPDATE payamak_batch SET state = 'done', outcome = 'not_sent', not_sent = size, errors = %s, claim = NULL, "
        "lease_until = NULL, hops = NULL, dropped = NULL, ended_at = %s "
        "WHERE id = %s AND state IN ('claimed', 'sending') AND claim = %s",
        pack_errors([campaigns.never_sent(reason)]),
        transaction.now,
        claimed.id,
        claimed.claim,
    )
    if changed:
        campaigns.settle(transaction, claimed.campaign_id)


def _merge(transaction: Transaction, claimed: ClaimedBatch, payload: Payload, late: Columns) -> None:
    """Write what a late answer knows better than the rows that are there."""
    low, high = claimed.id << PLACE_BITS, (claimed.id + 1) << PLACE_BITS
    rows = transaction.rows(
        "SELECT id - %s, outcome, message_id FROM payamak_message WHERE id >= %s AND id < %s ORDER BY id",
        low,
        low,
        high,
    )
    errors, long_ids = _errors_and_long_ids(transaction, claimed.id)
    has_ids = any(id_ is not None for id_ in late.message_ids)
    known: list[tuple[int, str, int | None]] = [(place, outcome, id_) for place, outcome, id_ in rows]
    places = [
        place
        for place, outcome, id_ in known
        if is_better(
            late.outcomes[place], late.message_ids[place], outcome, long_ids.get(str(place), id_), has_ids=has_ids
        )
    ]
    if not places:
        return
    answered = _message_rows(claimed.id, payload, claimed.first, late, len(claimed.hops) - 1)
    better = [answered[place] for place in places]
    late_ids = _long_ids(late)
    long_ids |= {key: late_ids[key] for key in map(str, places) if key in late_ids}
    reports.look_again(transaction, late.message_ids)
    offset = len(errors)
    transaction.many(
        "UPDATE payamak_message SET outcome = %s, message_id = %s, error = %s, hop = %s, sent_at = %s WHERE id = %s",
        [(row[4], row[5], None if row[6] is None else row[6] + offset, row[7], row[8], row[0]) for row in better],
    )
    found = transaction.rows(
        "SELECT outcome, count(*) FROM payamak_message WHERE id >= %s AND id < %s GROUP BY outcome", low, high
    )
    counted: dict[str, int] = {row[0]: row[1] for row in found}
    counts = ", ".join(f"{name} = %s" for name in OUTCOME_COLUMNS.values())
    transaction.run(
        "UPDATE payamak_batch SET errors = %s, long_ids = %s, cost = %s, parts = %s, track_at = %s, "
        f"{counts} WHERE id = %s",
        pack_errors([*errors, *late.error_list]),
        pack_json(long_ids),
        late.cost,
        late.parts,
        transaction.now + DEFAULT_POLLING.first,
        *(counted.get(outcome, 0) for outcome in OUTCOME_COLUMNS),
        claimed.id,
    )


def _errors_and_long_ids(transaction: Transaction, batch_id: int) -> tuple[list[StoredError], dict[str, int]]:
    row = transaction.row("SELECT errors, long_ids FROM payamak_batch WHERE id = %s", batch_id)
    errors, long_ids = row or (None, None)
    known: dict[str, int] = {} if long_ids is None else msgspec.json.decode(long_ids, type=dict[str, int])
    return unpack_errors(errors), known
