"""A call's messages as columns, split into batches of one request each. Nothing here knows a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import Factory, field, frozen

from smscore.errors import InvalidNumber

T = TypeVar("T")

Positions = Sequence[int]  # a range where they are next to one another, a list where they are not


@frozen
class Outgoing:
    """All the messages of one call, checked, as columns.

    ``recipients`` are local forms, ``given`` what they were given as, where that is something else. ``texts`` and
    ``senders`` have one entry for all, or one each. ``bad`` holds the errors of numbers that cannot be sent to; their
    ``recipients`` are empty. ``extra`` are fields in the provider's spelling that go along with every request.
    """

    recipients: list[str] = field(repr=False)
    texts: list[str] = field(repr=False)
    senders: list[str | None]
    refs: list[Any] | None = field(default=None, repr=False)
    bad: Mapping[int, InvalidNumber] = field(factory=dict[int, InvalidNumber], repr=False)
    extra: Mapping[str, Any] = field(factory=dict[str, Any], repr=False)
    given: Sequence[Any] = field(
        default=Factory(lambda self: self.recipients, takes_self=True), repr=False, kw_only=True
    )

    def __len__(self) -> int:
        return len(self.recipients)


@frozen
class Batch:
    """One request's worth of a call; ``positions`` says where its recipients stand in the call.

    ``recipients`` are local forms (``09123456789``); ``texts`` and ``senders`` have one entry for all, or one each.
    """

    index: int
    positions: Positions = field(repr=lambda places: f"<{len(places)} places>")
    recipients: list[str] = field(repr=False)
    texts: list[str] = field(repr=False)
    senders: list[str | None]
    refs: list[Any] | None = field(default=None, repr=False)
    request_id: str | None = None
    extra: Mapping[str, Any] = field(factory=dict[str, Any], repr=False)

    def __len__(self) -> int:
        return len(self.recipients)


def split(
    outgoing: Outgoing,
    size: int | None,
    *,
    one_sender: bool = False,
    name: Callable[[int, int], str | None] = lambda number, count: None,
    first_index: int = 0,
) -> list[Batch]:
    """The batches of a call, at most ``size`` recipients each, in order.

    ``one_sender``: messages with different senders go in different batches. ``name`` gives the request id of
    batch number n (from 1) of so many.
    """
    chunks = [chunk for group in _groups(outgoing, one_sender) for chunk in chunked(group, size or len(outgoing) or 1)]
    return [
        Batch(
            index=first_index + number,
            positions=chunk,
            recipients=take(outgoing.recipients, chunk),
            texts=_take_each(outgoing.texts, chunk),
            senders=_senders(outgoing.senders, chunk, one_sender),
            refs=None if outgoing.refs is None else take(outgoing.refs, chunk),
            request_id=name(number + 1, len(chunks)),
            extra=outgoing.extra,
        )
        for number, chunk in enumerate(chunks)
    ]


def chunked(items: Sequence[T], size: int) -> list[Sequence[T]]:
    """The items in pieces of at most ``size``, in order; slices, not copies, of a range."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def take(column: list[T], positions: Positions) -> list[T]:
    """The entries of a column at these positions."""
    if isinstance(positions, range):
        return column[positions.start : positions.stop]
    return [column[position] for position in positions]


def put(column: list[T], positions: Positions, values: Iterable[T]) -> None:
    """Write these values into a column at these positions."""
    if isinstance(positions, range):
        column[positions.start : positions.stop] = values
        return
    for position, value in zip(positions, values, strict=True):
        column[position] = value


def _senders(column: list[str | None], positions: Positions, one_sender: bool) -> list[str | None]:
    if one_sender and len(column) > 1:
        return [column[positions[0]]]
    return _take_each(column, positions)


def _take_each(column: list[T], positions: Positions) -> list[T]:
    return column if len(column) == 1 else take(column, positions)


def _groups(outgoing: Outgoing, one_sender: bool) -> list[Positions]:
    good: Positions = range(len(outgoing))
    if outgoing.bad:
        good = [position for position in good if position not in outgoing.bad]
    if not one_sender or len(outgoing.senders) == 1:
        return [good]
    groups: dict[str | None, list[int]] = {}
    for position in good:
        groups.setdefault(outgoing.senders[position], []).append(position)
    return [good] if len(groups) == 1 else list(groups.values())
