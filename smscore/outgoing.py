"""What a caller gives to a send, checked and turned into columns before anything leaves."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from smscore.batching import Outgoing
from smscore.concurrency import SliceSource
from smscore.errors import InvalidNumber, InvalidRequest
from smscore.messages import Message
from smscore.numbers import local_forms, with_ascii_digits
from smscore.text import can_be_encoded, check_text, text_problem

Recipient: TypeAlias = str | int
Recipients: TypeAlias = Recipient | Iterable[Recipient]
AnyMessage: TypeAlias = Message | tuple[Recipient, str]
Messages: TypeAlias = Iterable[AnyMessage]

_NAMED: Final = 10  # how many positions an error's text lists; .numbers has them all


def listed(to: Recipients) -> list[Recipient]:
    """One recipient or an iterable of them as a list."""
    if isinstance(to, (str, int)):
        return [to]
    return list(iterable(to, "to"))


Source: TypeAlias = Iterable[Any] | AsyncIterable[Any] | SliceSource[Any]


def stream_of(items: Any, name: str) -> Source:
    """One recipient, or any source of what is to be sent."""
    if isinstance(items, (str, int)):
        return [items]
    return cast("Source", items) if isinstance(items, (AsyncIterable, SliceSource)) else iterable(items, name)


def iterable(items: Iterable[Any], name: str) -> Iterable[Any]:
    """The items, if they can be gone through one by one; ``InvalidRequest`` otherwise."""
    if isinstance(items, (bytes, bytearray)) or not isinstance(items, Iterable):
        raise InvalidRequest(f"{name} is {type(items).__name__}. Give one recipient as a str, or an iterable.")
    return items


def check_sender(sender: object, provider: str = "", *, needed: bool) -> str | None:
    """The sender line with ASCII digits, or None where there is none and none is needed."""
    if isinstance(sender, int) and not isinstance(sender, bool):
        sender = str(sender)
    if sender is not None and not isinstance(sender, str):
        raise InvalidRequest(f"The sender is {type(sender).__name__}. Give your line as a str.")
    line = with_ascii_digits(sender).strip() if sender else ""
    if sender is not None and not line:
        raise InvalidRequest("The sender is empty. Give your line, or leave it out where one is set already.")
    if not can_be_encoded(line):
        raise InvalidRequest("The sender holds half of a surrogate pair, which no encoding can carry.")
    if needed and not line:
        variable = f"{provider.upper()}_SENDER" if provider else "the sender in the environment"
        raise InvalidRequest(f"There is no sender. Give sender=… to the call or the client, or set {variable}.")
    return line or None


def checked_numbers(to: Recipients) -> list[str]:
    """The recipients, which may be none, in local form; ``InvalidNumber`` names every bad one."""
    numbers = listed(to)
    return _recipients(numbers, keep_bad=False)[0] if numbers else []


def one_text(
    to: Sequence[Any],
    text: str,
    sender: str | None,
    extra: Mapping[str, str],
    *,
    keep_bad: bool = False,
    start: int = 0,
) -> Outgoing:
    """One text to many recipients; ``start`` is the first one's position in a stream."""
    recipients, bad = _recipients(to, keep_bad, start)
    return Outgoing(recipients, [check_text(text)], [sender], bad=bad, extra=extra, given=to)


def peer_to_peer(
    messages: Sequence[Any],
    sender: str | None,
    extra: Mapping[str, str],
    needs_sender: bool,
    *,
    keep_bad: bool = False,
    start: int = 0,
) -> Outgoing:
    """A text of its own to each recipient; ``start`` is the first one's position in a stream."""
    rows = [_message(entry, start + place) for place, entry in enumerate(messages)]
    texts = [row.text for row in rows]
    for place, text in enumerate(texts):
        problem = text_problem(text)
        if problem:
            raise InvalidRequest(f"The text of message {start + place} {problem}.")
    to = [row.to for row in rows]
    recipients, bad = _recipients(to, keep_bad, start)
    return Outgoing(
        recipients,
        texts,
        _senders(rows, sender, needs_sender),
        [row.ref for row in rows] if any(row.ref is not None for row in rows) else None,
        bad,
        extra,
        given=to,
    )


def _message(entry: object, position: int) -> Message:
    kind = type(entry).__name__
    if isinstance(entry, Message):
        return entry
    if isinstance(entry, (tuple, list)) and len(pair := cast("Sequence[Any]", entry)) == 2:
        return Message(*pair)
    raise InvalidRequest(f"Message {position} is {kind}. Give a smscore.Message or a (recipient, text) pair.")


def _senders(rows: list[Message], sender: str | None, needed: bool) -> list[str | None]:
    if all(row.sender is None for row in rows):
        return [check_sender(sender, needed=needed)]
    return [check_sender(sender if row.sender is None else row.sender, needed=needed) for row in rows]


def _recipients(to: Sequence[Any], keep_bad: bool, start: int = 0) -> tuple[list[str], dict[int, InvalidNumber]]:
    if not to:
        raise InvalidRequest("There is no recipient. Give at least one.")
    forms = local_forms(to)
    if None not in forms:
        return cast("list[str]", forms), {}
    wrong = [(place, given) for place, (given, form) in enumerate(zip(to, forms, strict=True)) if form is None]
    if not keep_bad:
        raise _invalid_number(wrong, start)
    bad = {place: _invalid_number([(place, given)], start) for place, given in wrong}
    return [form or "" for form in forms], bad


def _invalid_number(wrong: list[tuple[int, object]], start: int) -> InvalidNumber:
    places = ", ".join(str(start + place) for place, _ in wrong[:_NAMED])
    more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return InvalidNumber(
        f"What stands at position {places}{more} (counted from 0) is no Iranian mobile number. "
        "Correct or leave out what .numbers lists.",
        numbers=[(start + place, given) for place, given in wrong],
    )
