"""What became of a campaign's recipients as plain rows, page by page: for exports of any length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
from attrs import frozen

from smscore.dates import from_unix
from smscore.error_words import error_cells
from smscore.numbers import e164, e164_forms
from smscore.outcomes import Outcome
from smscore.queue.databases.base import Row, Transaction
from smscore.queue.payloads import Payload, unpack
from smscore.queue.store.batches import PLACE_BITS, Hop, hop_at, unpack_hops
from smscore.queue.store.reading import INVALID, last_chunk
from smscore.queue.stored_errors import restored, restored_or_none, unpack_errors
from smscore.sending.outgoing import invalid_number


class ExportRow(NamedTuple):
    """A recipient's result, with the names of an export's columns; ``sent_at`` is ISO 8601."""

    position: int
    recipient: str
    outcome: str
    message_id: int | None
    request_id: str | None
    code: int | str | None
    error: str | None
    words: str | None
    provider: str | None
    delivery: str | None
    sent_at: str | None
    ref: Any

    def __repr__(self) -> str:
        """Which row it is: its number, words and ref are for the export alone."""
        return f"ExportRow(position={self.position}, outcome={self.outcome!r})"


EXPORT_COLUMNS: Final = (
    *("recipient", "outcome", "message_id", "delivery", "provider", "request_id", "sent_at"),
    *("code", "error", "words", "ref"),
)
"""The columns of an export of the queue."""

export_cells: Final = attrgetter(*EXPORT_COLUMNS)
"""The cells of a row in these columns."""

ErrorCells: TypeAlias = tuple[int | str | None, str | None, str | None]
"""The cells that say why: ``code``, ``error`` and ``words``."""

NO_ERROR: Final[ErrorCells] = (None, None, None)


@frozen
class OpenBatch:
    """What an export says of the recipients of a batch that has not ended."""

    outcome: Outcome
    cells: ErrorCells = NO_ERROR


OpenFormat: TypeAlias = Callable[[Hop | None], OpenBatch]
"""For the hop by which a batch may have gone; None where it was not sent."""


@frozen
class RowPage:
    """Rows in order, and the chunk after which the next page begins (None: it was the last)."""

    rows: list[ExportRow]
    after: int | None


@frozen
class RowReader:
    """Reads the rows of campaigns; those of batches that have not ended only where ``open_as`` says what they are."""

    outcome: Outcome | None = None
    """Which ones; None: all."""
    open_as: OpenFormat | None = None

    def page(self, transaction: Transaction, campaign_id: int, after: int) -> RowPage:
        """The rows of the next chunks after this one (-1: from the beginning)."""
        last = last_chunk(transaction, campaign_id, after)
        if last is None:
            return RowPage([], None)
        which = "" if self.open_as is not None else " AND state = 'done'"
        batches = transaction.rows(
            "SELECT id, first, payload, hops, outcome, errors, long_ids, state FROM payamak_batch "
            f"WHERE campaign_id = %s AND chunk > %s AND chunk <= %s{which} ORDER BY chunk, first",
            campaign_id,
            after,
            last,
        )
        rows = [*chain.from_iterable(self._rows(transaction, batch) for batch in batches)]
        rows.sort()
        return RowPage(rows, last)

    def _rows(self, transaction: Transaction, batch: Row) -> Iterator[ExportRow]:
        batch_id, first, stored, hops, whole, errors, long_ids, state = batch
        payload = None if stored is None else unpack(stored)
        if state != "done":
            return iter(()) if payload is None else self._of_open(payload, first, unpack_hops(hops), state)
        if whole is not None:
            return iter(()) if payload is None else self._of_whole(payload, first, Outcome(whole), errors)
        found = transaction.rows(
            "SELECT position, recipient, outcome, message_id, error, hop, sent_at, delivery, id FROM payamak_message "
            "WHERE id >= %s AND id < %s ORDER BY id",
            batch_id << PLACE_BITS,
            (batch_id + 1) << PLACE_BITS,
        )
        return self._of_messages(found, payload, unpack_hops(hops), errors, long_ids)

    def _of_open(self, payload: Payload, first: int, hops: list[Hop], state: str) -> Iterator[ExportRow]:
        assert self.open_as is not None  # noqa: S101  # they are read only then
        hop = hops[-1] if hops and state == "sending" else None
        one = self.open_as(hop)
        if self.outcome not in (None, one.outcome):
            return
        by = (None, None, None) if hop is None else (hop.request_id, hop.provider, _iso(hop.at))
        request_id, provider, sent_at = by
        refs = payload.refs or [None] * len(payload)
        for position, recipient, ref in zip(payload.positions(first), e164_forms(payload.numbers), refs, strict=True):
            yield ExportRow(
                position, recipient, one.outcome.value, None, request_id, *one.cells, provider, None, sent_at, ref
            )

    def _of_whole(self, payload: Payload, first: int, outcome: Outcome, column: str | None) -> Iterator[ExportRow]:
        """Those of a batch that was never dispatched."""
        if self.outcome not in (None, outcome):
            return
        errors = unpack_errors(column)
        is_bad = bool(errors) and errors[0].kind == INVALID
        cells = NO_ERROR if is_bad or not errors else error_cells(restored(errors[0]))
        refs = payload.refs or [None] * len(payload)
        for position, number, ref in zip(payload.positions(first), payload.numbers, refs, strict=True):
            own = error_cells(invalid_number([(position, number)])) if is_bad else cells
            recipient = number if is_bad else e164(number)
            yield ExportRow(position, recipient, outcome.value, None, None, *own, None, None, None, ref)

    def _of_messages(
        self, rows: list[Row], payload: Payload | None, hops: list[Hop], column: str | None, long_ids: str | None
    ) -> Iterator[ExportRow]:
        errors = [restored_or_none(one) for one in unpack_errors(column)]
        cells = [NO_ERROR if one is None else error_cells(one) for one in errors]
        times = [_iso(hop.at) for hop in hops]
        refs = None if payload is None else payload.refs
        long: dict[str, int] = {} if long_ids is None else msgspec.json.decode(long_ids, type=dict[str, int])
        wanted = None if self.outcome is None else self.outcome.value
        for row in rows:
            position, recipient, outcome, message_id = row[:4]
            error: int | None = row[4]
            hop: int | None = row[5]
            sent_at, delivery, id_ = row[6:]
            if wanted not in (None, outcome):
                continue
            place = id_ & _PLACE
            if message_id is None and long:
                message_id = long.get(str(place))
            by = hop_at(hops, hop)
            left = by is not None and outcome != _NOT_SENT
            code, kind, words = NO_ERROR if error is None else cells[error]
            yield ExportRow(
                position,
                recipient or "",
                outcome,
                message_id,
                by.request_id if by is not None and left else None,
                code,
                kind,
                words,
                None if by is None else by.provider,
                delivery,
                None if hop is None or not left else times[hop] if sent_at is None else _iso(sent_at),
                None if refs is None else refs[place],
            )


_PLACE: Final = (1 << PLACE_BITS) - 1
_NOT_SENT: Final = Outcome.NOT_SENT.value


def _iso(seconds: float) -> str | None:
    moment = from_unix(seconds)
    return None if moment is None else moment.isoformat()
