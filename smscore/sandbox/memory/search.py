"""Finding messages among those that are kept."""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

import attrs

from smscore.numbers import Recipient, with_ascii_digits, without_separators
from smscore.sandbox.api.views import StoredMessage, status_of
from smscore.sandbox.memory.messages import Inbound, Outbound
from smscore.sandbox.memory.state import State
from smscore.sandbox.one_time_codes import code_in
from smscore.sandbox.spelling import normal
from smscore.statuses import DeliveryStatus

__all__ = ["Wanted", "conversations", "is_of", "last_code", "newest_code", "next_message", "search", "sent_to"]

Test = Callable[[StoredMessage], bool]


@attrs.frozen(kw_only=True)
class Wanted:
    """What messages are looked for; None leaves a thing open."""

    provider: str | None = None
    status: DeliveryStatus | None = None
    number: str | None = None
    text: str | None = None
    direction: str | None = None


def tests(wanted: Wanted, state: State) -> Iterator[Test]:
    """What a message must pass, the quickest first."""
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
    """A text as it is searched: however its letters and digits were typed."""
    return with_ascii_digits(text).translate(_PERSIAN).casefold()


_PERSIAN: Final = str.maketrans("يكى", "یکی")


def has_number(given: str) -> Test:
    """Whether the number, or a piece of one, is whom a message went to or came from.

    A piece may begin as any spelling of a whole number does: with 0, 0098, 98, +98 or +98 (0), with spaces and dashes.
    """
    piece = without_separators(given)
    begins = _PREFIX.match(piece)
    starts = tuple(prefix + piece[begins.end() :] for prefix in _PREFIXES) if begins else ()
    return lambda entry: any(piece in part or part.startswith(starts) for part in numbers(entry))


_PREFIX: Final = re.compile(r"\+98|0098|0")
_PREFIXES: Final = ("+98", "0098", "98", "0", "")


def has_status(status: DeliveryStatus, state: State) -> Test:
    now = state.now()

    def test(entry: StoredMessage) -> bool:
        if isinstance(entry, Inbound):
            return False
        return status_of(entry, state.emulations[entry.provider], now).meaning is status

    return test


def numbers(entry: StoredMessage) -> tuple[str, ...]:
    if isinstance(entry, Outbound):
        return entry.recipient, entry.sender
    return normal(entry.sender), normal(entry.number)


def person(entry: StoredMessage) -> str:
    """The number at the other end: whoever a message is to, or came from."""
    return entry.recipient if isinstance(entry, Outbound) else normal(entry.sender)


def is_of(number: Recipient) -> Test:
    """Whether a message went to this number or came from it."""
    wanted = normal(number)
    return lambda entry: person(entry) == wanted


def search(
    state: State, wanted: Wanted, entries: Iterable[StoredMessage], limit: int
) -> tuple[list[StoredMessage], int]:
    """The first of the entries that are wanted, and how many there are in all."""
    checks = list(tests(wanted, state))
    found = (entry for entry in entries if all(check(entry) for check in checks))
    page = list(islice(found, limit))
    return page, len(page) + sum(1 for _ in found)


def sent_to(state: State, number: Recipient | None, text: str | None, after: int = 0) -> Iterator[Outbound]:
    """The messages to a number with a text in them, those after a place, newest first."""
    checks = [*([is_of(number)] if number is not None else []), *tests(Wanted(text=text), state)]
    for entry in state.timeline.newest_first(after=after):
        if isinstance(entry, Outbound) and all(check(entry) for check in checks):
            yield entry


def next_message(state: State, number: Recipient | None, text: str | None, after: int | None = None) -> Outbound | None:
    """The first message after a place to a number with a text in it; without a place, the newest one of all."""
    if after is None:
        return next(sent_to(state, number, text), None)
    return next(iter(deque(sent_to(state, number, text, after), maxlen=1)), None)


def last_code(state: State, number: Recipient) -> tuple[str, Outbound] | None:
    """The last one-time code sent to a number, and its message. The texts are read without the state's lock."""
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
    """The numbers heard of last: each with its last message and how many of its are kept."""
    counts = Counter(map(person, state.timeline))
    last: dict[str, StoredMessage] = {}
    for entry in state.timeline.newest_first():
        if len(last) == min(limit, len(counts)):
            break
        last.setdefault(person(entry), entry)
    return [(number, entry, counts[number]) for number, entry in last.items()]
