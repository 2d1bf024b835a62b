"""Checks what a caller gives to a send and turns it into columns, before any request."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Protocol, TypeAlias, TypeVar, cast

from attrs import field, frozen

from smscore.config import ITEMS_PER_TURN
from smscore.errors import InvalidNumber, InvalidRequest
from smscore.given import is_iterable
from smscore.loops.concurrency import SliceSource, let_others_run
from smscore.masking import Masked
from smscore.messages import Message
from smscore.numbers import Recipient, forms_of_one_spelling, is_one_recipient, local_form
from smscore.senders import check_sender
from smscore.sending.batching import Outgoing
from smscore.text import Text, can_all_be_sent, plain_text, text_problem
from smscore.wire.endpoint import Provider

T = TypeVar("T")

Recipients: TypeAlias = Recipient | Iterable[Recipient]
AnyMessage: TypeAlias = Message | tuple[Recipient, Text]
Messages: TypeAlias = Iterable[AnyMessage]

_MAX_LISTED: Final = 10  # how many positions an error's text lists; .numbers has them all


def recipients_of(to: Recipients) -> Iterable[Recipient]:
    """One recipient or an iterable of them as an iterable."""
    return [to] if is_one_recipient(to) else iterable(cast("Iterable[Recipient]", to), "to")


Source: TypeAlias = Iterable[Any] | AsyncIterable[Any] | SliceSource[Any]


def stream_of(items: Any, name: str) -> Source:
    """One recipient, or any source of recipients or messages, as a source."""
    if isinstance(items, (AsyncIterable, SliceSource)):
        return cast("Source", items)
    return [items] if is_one_recipient(items) else iterable(items, name)


def iterable(items: Iterable[Any], name: str) -> Iterable[Any]:
    """The items unchanged. Raises ``InvalidRequest``, which calls them ``name``, unless they are iterable."""
    if not is_iterable(items):
        raise InvalidRequest(
            f"{name}= must be iterable, not {type(items).__name__}. Give one recipient as a str, or an iterable."
        )
    return items


def checked_numbers(to: Recipients) -> list[str]:
    """The recipients in local form, ``09123456789``; may be empty. Raises ``InvalidNumber`` with every bad one."""
    numbers = [*recipients_of(to)]
    recipients, bad = _recipients(numbers)
    if bad:
        raise invalid_number([*bad.items()])
    return recipients


class Payload(Protocol):
    """What a call sends besides its items."""

    def columns(self, items: list[Any], start: int) -> Outgoing:
        """The items, checked; ``start`` is the first one's position in the call."""
        ...


class OneText(Masked, frozen=True):
    """One text to many recipients."""

    text: str
    sender: str | None
    extra: Mapping[str, str]

    def columns(self, items: list[Any], start: int) -> Outgoing:
        """The recipients, checked; the bad ones are among ``bad``."""
        recipients, bad = _recipients(items)
        return Outgoing(recipients, [self.text], [self.sender], bad=bad, extra=self.extra)


@frozen
class PeerToPeer:
    """One text per recipient; ``sender`` is for messages that name none."""

    provider: Provider
    sender: str | None
    needs_sender: bool
    extra: Mapping[str, str] = field(repr=False)

    def columns(self, items: list[Any], start: int) -> Outgoing:
        """The messages, checked; those with bad numbers are among ``bad``, and anything else invalid raises."""
        to: list[Any] = []
        texts: list[Any] = []
        senders: list[str | None] = []
        refs: list[Any] = []
        for place, entry in enumerate(items):
            recipient, text, sender, ref = _parts(entry, start + place)
            to.append(recipient)
            texts.append(text)
            senders.append(sender)
            refs.append(ref)
        recipients, bad = _recipients(to)
        return Outgoing(
            recipients,
            _checked_texts(texts, start),
            self._senders(senders),
            refs if any(ref is not None for ref in refs) else None,
            bad,
            self.extra,
        )

    def _senders(self, own: list[str | None]) -> list[str | None]:
        if not any(sender is not None for sender in own):
            return [check_sender(self.sender, self.provider, needed=self.needs_sender)]
        return [
            check_sender(self.sender if sender is None else sender, self.provider, needed=self.needs_sender)
            for sender in own
        ]


def _parts(entry: object, position: int) -> tuple[Any, Any, str | None, Any]:
    """Recipient, text, sender and ref of one message."""
    if isinstance(entry, Message):
        return entry.to, entry.text, entry.sender, entry.ref
    kind = type(entry)
    if isinstance(entry, (tuple, list)) and len(pair := cast("Sequence[Any]", entry)) == 2:
        return pair[0], pair[1], None, None
    raise InvalidRequest(
        f"Message {position} has type {kind.__name__}. Give a smscore.Message or a (recipient, text) pair."
    )


def _checked_texts(texts: list[Any], start: int) -> list[str]:
    """The texts, lazy ones evaluated; ``InvalidRequest`` names the first that cannot be sent."""
    plain = texts if set(map(type, texts)) <= {str} else [plain_text(text) for text in texts]
    if None in plain or not can_all_be_sent(cast("list[str]", plain)):
        for place, (text, given) in enumerate(zip(plain, texts, strict=True), start):
            problem = text_problem(given if text is None else text)
            if problem:
                raise InvalidRequest(f"The text of message {place} {problem}.")
    return cast("list[str]", plain)


async def checked_outgoing(items: Iterable[Any], payload: Payload) -> Outgoing:
    """All that a call sends. Raises ``InvalidNumber``, which names every bad number, or ``InvalidRequest``."""
    if isinstance(items, list) and len(items) <= ITEMS_PER_TURN:
        return check_sendable(payload.columns([*items], 0))
    return check_sendable(await columns_of(copied(items), payload))


async def columns_of(items: Iterable[Any], payload: Payload, start: int = 0) -> Outgoing:
    """The items as columns; ``start`` is the first one's position.

    They are checked a slice at a time, so that a list of a million does not hold up the event loop.
    """
    pieces, nothing = in_pieces(items), list[Any]()
    columns = payload.columns(next(pieces, nothing), start)
    for piece in pieces:
        await let_others_run()
        columns.extend(payload.columns(piece, start + len(columns)))
    return columns


def in_pieces(items: Iterable[T]) -> Iterator[list[T]]:
    """The items in lists, each for one turn of the event loop."""
    if isinstance(items, (list, tuple)):  # a slice is copied in one step
        known = cast("Sequence[T]", items)
        for start in range(0, len(known), ITEMS_PER_TURN):
            yield [*known[start : start + ITEMS_PER_TURN]]
        return
    source = iter(items)
    while piece := [*islice(source, ITEMS_PER_TURN)]:
        yield piece


def copied(items: Iterable[T]) -> Iterable[T]:
    """The items of a collection as they are now, since its owner may change it while others run; or an iterator."""
    return items if isinstance(items, Iterator) else tuple(items)  # the garbage collector untracks a tuple of str


def check_sendable(outgoing: Outgoing) -> Outgoing:
    """The messages unchanged. Raises ``InvalidRequest`` if there are none, ``InvalidNumber`` for bad numbers."""
    if not outgoing:
        raise InvalidRequest("No recipient given. Give at least one.")
    if outgoing.bad:
        raise invalid_number([*outgoing.bad.items()])
    return outgoing


def _recipients(to: list[Any]) -> tuple[list[str], dict[int, Any]]:
    """The numbers in local form, and the invalid ones by position."""
    usual = forms_of_one_spelling(to)
    if usual is not None:
        return usual, {}
    forms = [local_form(number) for number in to]
    if all(forms):  # a tenth of the time of a look for None
        return cast("list[str]", forms), {}
    return [form or "" for form in forms], {place: to[place] for place, form in enumerate(forms) if form is None}


def invalid_number(wrong: list[tuple[int, object]]) -> InvalidNumber:
    """The error for invalid numbers, given as (position, as given) pairs."""
    places = ", ".join(str(place) for place, _ in wrong[:_MAX_LISTED])
    more = f" and {len(wrong) - _MAX_LISTED} more" if len(wrong) > _MAX_LISTED else ""
    return InvalidNumber(
        f"Invalid Iranian mobile number at position {places}{more} (counted from 0). "
        "Correct or remove the numbers that .numbers lists.",
        numbers=wrong,
    )
