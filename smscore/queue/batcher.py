"""From what a caller gives to batches: checked, numbered, and split so that each fits one request. No database here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from attrs import define, field

from smscore.errors import InvalidNumber, InvalidRequest
from smscore.outcomes import Outcome
from smscore.queue.payloads import ContentHash, Payload, checked_ref
from smscore.queue.store.loading import NewBatch
from smscore.queue.stored_errors import StoredError
from smscore.sending.batching import Outgoing
from smscore.sending.outgoing import Payload as CheckedColumns
from smscore.sending.outgoing import invalid_number

PART_SIZE: Final = 20_000
"""Recipients that are checked, and written in one transaction, at a time."""

_BAD: Final = StoredError(InvalidNumber.__name__, "", Outcome.NOT_SENT.value)


@define
class Batcher:
    """Splits the items of a campaign into batches; ``size`` is the most recipients of one.

    ``columns`` checks them. ``skip_bad``: bad numbers become results of their own, and else loading fails at its end.
    """

    columns: CheckedColumns
    size: int
    has_texts: bool
    skip_bad: bool
    hash: ContentHash | None = None
    _position: int = field(default=0, init=False)
    _bad: list[tuple[int, Any]] = field(factory=list[tuple[int, Any]], init=False)

    @property
    def part_size(self) -> int:
        """How many items :meth:`batches` takes at a time."""
        return self.size * max(1, PART_SIZE // self.size)

    def batches(self, items: list[Any]) -> list[NewBatch]:
        """The batches of the next items: ``part_size`` of them, or the last ones. Raises ``InvalidRequest``."""
        outgoing = self.columns.columns(items, self._position)
        start, self._position = self._position, self._position + len(items)
        if outgoing.bad and not self.skip_bad:
            self._bad += [(start + place, given) for place, given in outgoing.bad.items()]
        if self._bad:
            return []  # read on for the other bad numbers: the error names them all
        refs = outgoing.refs and [checked_ref(ref, start + place) for place, ref in enumerate(outgoing.refs)]
        self._add_to_hash(outgoing)
        return [
            batch
            for low in range(0, len(items), self.size)
            for batch in _chunk(outgoing, refs, range(low, min(low + self.size, len(items))), start, self.size)
        ]

    def _add_to_hash(self, outgoing: Outgoing) -> None:
        if self.hash is None:
            return
        numbers = outgoing.recipients
        if outgoing.bad:
            numbers = [str(outgoing.bad.get(place, number)) for place, number in enumerate(numbers)]
        self.hash.add(numbers, _texts_and_lines(outgoing) if self.has_texts else None)

    def check(self) -> None:
        """Raise ``InvalidNumber`` with every bad number, or ``InvalidRequest`` if there were no recipients at all."""
        if not self._position:
            raise InvalidRequest("No recipient given. Give at least one.")
        if self._bad:
            raise invalid_number(self._bad)


def _texts_and_lines(outgoing: Outgoing) -> Iterator[str]:
    size = len(outgoing)
    texts, lines = _each(outgoing.texts, size), _each(outgoing.senders, size)
    return (text if line is None else f"{line}\n{text}" for text, line in zip(texts, lines, strict=True))


def _each(column: list[Any], size: int) -> Sequence[Any]:
    return column if len(column) == size else column * size


def _chunk(outgoing: Outgoing, refs: list[Any] | None, places: range, start: int, size: int) -> Iterator[NewBatch]:
    """The batches of consecutive items, one for each sender among them, and one of bad numbers."""
    first = start + places.start
    for sender, own in _groups(outgoing, places).items():
        yield NewBatch(first // size, first, _payload(outgoing, refs, own, places), sender)
    bad = [place for place in places if place in outgoing.bad]
    if bad:
        numbers = [str(outgoing.bad[place]) for place in bad]
        own_refs = None if refs is None else [refs[place] for place in bad]
        payload = Payload(numbers, None, own_refs, [place - places.start for place in bad])
        yield NewBatch(first // size, first, payload, error=_BAD)


def _groups(outgoing: Outgoing, places: range) -> dict[str | None, Sequence[int]]:
    senders = outgoing.senders
    if len(senders) == 1:
        good = places if not outgoing.bad else [place for place in places if place not in outgoing.bad]
        return {senders[0]: good} if good else {}
    groups: dict[str | None, Sequence[int]] = {}
    for place in places:
        if place not in outgoing.bad:
            found = groups.setdefault(senders[place], [])
            assert isinstance(found, list)  # noqa: S101  # they are made here
            found.append(place)
    return groups


def _payload(outgoing: Outgoing, refs: list[Any] | None, own: Sequence[int], places: range) -> Payload:
    if isinstance(own, range) or own == [*places]:
        low, high = places.start, places.stop
        return Payload(
            outgoing.recipients[low:high],
            _texts(outgoing, range(low, high)),
            None if refs is None else refs[low:high],
        )
    return Payload(
        [outgoing.recipients[place] for place in own],
        _texts(outgoing, own),
        None if refs is None else [refs[place] for place in own],
        [place - places.start for place in own],
    )


def _texts(outgoing: Outgoing, places: Sequence[int]) -> list[str] | None:
    texts = outgoing.texts
    if len(texts) == 1:
        return texts * len(places) if texts[0] else None
    return [texts[place] for place in places]
