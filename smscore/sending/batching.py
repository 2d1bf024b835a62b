"""A call's messages as columns, and how they are split into batches of one request each. No network here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from smscore.auth import NOTHING
from smscore.columns import Positions
from smscore.config import ITEMS_PER_TURN
from smscore.loops.concurrency import let_others_run
from smscore.masking import MaskedState
from smscore.wire.batch import Batch
from smscore.wire.endpoint import RequestIds

T = TypeVar("T")


class Outgoing(MaskedState):
    """All the messages of one call, checked, as columns.

    ``recipients`` are local forms (``09123456789``). ``texts`` and ``senders`` have one entry for all, or one each.
    ``bad`` maps the positions of invalid numbers to the values given; their ``recipients`` are empty.
    ``extra`` are fields in the provider's spelling that are added to every request.
    """

    recipients: list[str]
    texts: list[str]
    senders: list[str | None]
    refs: list[Any] | None = None
    bad: dict[int, Any] = msgspec.field(default_factory=dict)
    extra: Mapping[str, Any] = NOTHING

    def __len__(self) -> int:
        return len(self.recipients)

    def extend(self, more: Outgoing) -> None:
        """Append the messages that follow in the same call."""
        size, size_of_more = len(self), len(more)
        self.recipients += more.recipients
        self.bad |= {size + place: given for place, given in more.bad.items()}
        self.texts = _joined(self.texts, size, more.texts, size_of_more)
        self.senders = _joined(self.senders, size, more.senders, size_of_more)
        if self.refs is None and more.refs is not None:
            self.refs = [None] * size
        if self.refs is not None:
            self.refs += more.refs or [None] * size_of_more


def _joined(column: list[T], size: int, more: list[T], size_of_more: int) -> list[T]:
    if len(column) == len(more) == 1 and column == more:
        return column
    whole = column if len(column) == size else column * size
    whole += more if len(more) == size_of_more else more * size_of_more
    return whole


class Batches(MaskedState):
    """The batches of a call, each made on access: making a million at once would block the event loop."""

    outgoing: Outgoing
    chunks: Sequence[Positions]
    one_sender: bool
    first_index: int
    request_ids: RequestIds | None
    request_id: str | None

    def __len__(self) -> int:
        return len(self.chunks)

    def __iter__(self) -> Iterator[Batch]:
        return map(self.batch, range(len(self)))

    def batch(self, number: int) -> Batch:
        """The batch of this number, counted from 0."""
        outgoing, chunk, ids = self.outgoing, self.chunks[number], self.request_ids
        return Batch(
            index=self.first_index + number,
            positions=chunk,
            recipients=take(outgoing.recipients, chunk),
            texts=_take_each(outgoing.texts, chunk),
            senders=_senders(outgoing.senders, chunk, self.one_sender),
            refs=None if outgoing.refs is None else take(outgoing.refs, chunk),
            request_id=None if ids is None else ids.of_batch(self.request_id, number + 1, len(self)),
            request_ids=[ids.make() for _ in chunk] if ids and ids.each else None,
            extra=outgoing.extra,
        )


Groups: TypeAlias = dict[str | None, list[int]]
"""The positions of each sender's messages."""


def split(
    outgoing: Outgoing,
    size: int | None,
    *,
    one_sender: bool = False,
    groups: Groups | None = None,
    first_index: int = 0,
    request_ids: RequestIds | None = None,
    request_id: str | None = None,
) -> Batches:
    """The batches of a call, at most ``size`` recipients each, in order.

    ``one_sender``: messages with different senders go in different batches, by ``groups`` where they are known.
    ``request_id`` is the caller's own for the whole call; ``request_ids`` makes those of the batches from it.
    """
    if groups is None and has_groups(outgoing, one_sender=one_sender):
        groups = add_to_groups({}, outgoing, range(len(outgoing)))
    size = size or len(outgoing.recipients) or 1
    chunks: Sequence[Positions]
    if groups and len(groups) > 1:
        chunks = [chunk for group in groups.values() for chunk in chunked(group, size)]
    else:
        chunks = chunked(good_positions(outgoing), size)
    return Batches(outgoing, chunks, one_sender, first_index, request_ids, request_id)


def has_groups(outgoing: Outgoing, *, one_sender: bool) -> bool:
    """Whether messages with different senders must go in different batches."""
    return one_sender and len(outgoing.senders) > 1


def add_to_groups(groups: Groups, outgoing: Outgoing, positions: range) -> Groups:
    """The groups with the good messages of these positions."""
    for position in positions:
        if outgoing.recipients[position]:
            groups.setdefault(outgoing.senders[position], []).append(position)
    return groups


async def grouped(outgoing: Outgoing) -> Groups:
    """The messages by sender, a slice in a turn of the event loop."""
    groups: Groups = {}
    for start in range(0, len(outgoing), ITEMS_PER_TURN):
        add_to_groups(groups, outgoing, range(start, min(start + ITEMS_PER_TURN, len(outgoing))))
        await let_others_run()
    return groups


def chunked(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """The items in order, in pieces of at most ``size``. A range gives ranges, without copying."""
    if 0 < len(items) <= size:
        return [items]
    return [items[start : start + size] for start in range(0, len(items), size)]


def take(column: list[T], positions: Positions) -> list[T]:
    """The entries of a column at these positions."""
    if isinstance(positions, range):
        return column if len(positions) == len(column) else column[positions.start : positions.stop]
    return [column[position] for position in positions]


def _senders(column: list[str | None], positions: Positions, one_sender: bool) -> list[str | None]:
    if one_sender and len(column) > 1:
        return [column[positions[0]]]
    return _take_each(column, positions)


def _take_each(column: list[T], positions: Positions) -> list[T]:
    return column if len(column) == 1 else take(column, positions)


def good_positions(outgoing: Outgoing) -> Positions:
    """The positions of the valid numbers."""
    if not outgoing.bad:
        return range(len(outgoing.recipients))
    return [position for position, recipient in enumerate(outgoing.recipients) if recipient]
