"""Searching the messages that are kept."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from attrs import frozen

from smscore.characters import PERSIAN_LETTERS
from smscore.numbers import Recipient, with_ascii_digits, without_separators
from smscore.sandbox.memory.messages import Inbound, Outbound, StoredMessage
from smscore.sandbox.memory.state import State
from smscore.sandbox.memory.status import status_of
from smscore.sandbox.one_time_codes import code_in
from smscore.sandbox.spelling import normalized
from smscore.statuses import DeliveryStatus

__all__ = ["MessageFilter", "conversations", "is_of", "last_code", "newest_code", "next_message", "search", "sent_to"]

Check = Callable[[StoredMessage], bool]


@frozen(kw_only=True, repr=False)
class MessageFilter:
    """Which messages are searched for; filters that are None match everything."""

    provider: str | None = None
    status: DeliveryStatus | None = None
    number: str | None = None
    text: str | None = None
    direction: str | None = None


def checks_of(wanted: MessageFilter, state: State) -> Iterator[Check]:
    """What a message must satisfy, the fastest check first."""
    if wanted.provider:
        yield lambda entry: entry.provider == wanted.provider
    if wanted.direction:
        kind = Outbound if wanted.direction == "out" else Inbound
        yield lambda entry: isinstance(entry, kind)
    if wanted.number:
        yield has_number(wanted.number)
    if wanted.text:
        words = folded(wanted.text)
        yield lambda entry: words in folded(entry.text)
    if wanted.status:
        yield has_status(wanted.status, state)


def folded(text: str) -> str:
    """A text as it is compared: case, Arabic letters and the script of digits make no difference."""
    return with_ascii_digits(text).translate(_PERSIAN).casefold()


_PERSIAN: Final = str.maketrans({**PERSIAN_LETTERS})


def has_number(given: str) -> Check:
    """Whether a message has this number, or a part of it, as its sender or recipient.

    A part may begin as any spelling of a whole number does: with 0, 0098, 98, +98 or +98 (0), with spaces and dashes.
    """
    piece = without_separators(given)
    begins = _PREFIX.match(piece)
    starts = tuple(prefix + piece[begins.end() :] for prefix in _PREFIXES) if begins else ()
    return lambda entry: any(piece in part or part.startswith(starts) for part in numbers(entry))


_PREFIX: Final = re.compile(r"\+98|0098|0")
_PREFIXES: Final = ("+98", "0098", "98", "0", "")


def has_status(status: DeliveryStatus, state: State) -> Check:
    now = state.now()

    def test(entry: StoredMessage) -> bool:
        if isinstance(entry, Inbound):
            return False
        return status_of(entry, state.emulations[entry.provider], now).meaning is status

    return test


def numbers(entry: StoredMessage) -> tuple[str, ...]:
    if isinstance(entry, Outbound):
        return entry.recipient, entry.sender
    return normalized(entry.sender), normalized(entry.number)


def person(entry: StoredMessage) -> str:
    """The number of the person: the recipient of a message, or the sender of an inbound one."""
    return entry.recipient if isinstance(entry, Outbound) else normalized(entry.sender)


def is_of(number: Recipient) -> Check:
    """A check for messages to and from this number."""
    wanted = normalized(number)
    return lambda entry: person(entry) == wanted


def search(
    state: State, wanted: MessageFilter, entries: Iterable[StoredMessage], limit: int
) -> tuple[list[StoredMessage], int]:
    """The first ``limit`` entries that match, and how many match in all."""
    checks = list(checks_of(wanted, state))
    found = (entry for entry in entries if all(check(entry) for check in checks))
    page = list(islice(found, limit))
    return page, len(page) + sum(1 for _ in found)


def sent_to(state: State, number: Recipient | None, text: str | None, after: int = 0) -> Iterator[Outbound]:
    """The messages to a number that contain a text, newest first; only those after a place."""
    checks = [*([is_of(number)] if number is not None else []), *checks_of(MessageFilter(text=text), state)]
    for entry in state.timeline.newest_first(after=after):
        if isinstance(entry, Outbound) and all(check(entry) for check in checks):
            yield entry


def next_message(state: State, number: Recipient | None, text: str | None, after: int | None = None) -> Outbound | None:
    """The first message after a place, to a number, that contains a text; without a place, the newest of all."""
    if after is None:
        return next(sent_to(state, number, text), None)
    return next(iter(deque(sent_to(state, number, text, after), maxlen=1)), None)


def last_code(state: State, number: Recipient) -> tuple[str, Outbound] | None:
    """The last one-time code sent to a number, and its message.

    The texts are searched without the lock, so that requests go on meanwhile.
    """
    with state.lock:
        messages = list(sent_to(state, number, None))
    return newest_code(messages)


def newest_code(messages: Iterable[Outbound]) -> tuple[str, Outbound] | None:
    """The first one-time code in the texts of messages, newest first, and its message."""
    for message in messages:
        code = code_in(message.text)
        if code is not None:
            return code, message
    return None


def conversations(state: State, limit: int) -> list[tuple[str, StoredMessage, int]]:
    """The numbers with the latest messages: each with its last message, and how many of its messages are kept."""
    counts = Counter(map(person, state.timeline))
    last: dict[str, StoredMessage] = {}
    for entry in state.timeline.newest_first():
        if len(last) == min(limit, len(counts)):
            break
        last.setdefault(person(entry), entry)
    return [(number, entry, counts[number]) for number, entry in last.items()]
