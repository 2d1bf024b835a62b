"""Inbound messages so that none is lost: each page is looked at first, and handed out when the caller asks for more."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from typing import TypeAlias

from attrs import define, field

from smscore import InboundMessage

__all__ = ["Handed", "looked_at_first"]

Receive: TypeAlias = Callable[[int, bool], Awaitable[list[InboundMessage]]]
"""At most so many messages; with True they are handed out, and not again."""

PAGE: int = 100


@define
class Handed:
    """Messages that were handed out and not yet yielded: those of a listing that was stopped are the next one's."""

    waiting: deque[InboundMessage] = field(factory=deque[InboundMessage], repr=lambda waiting: f"<{len(waiting)}>")

    def each(self) -> Iterator[InboundMessage]:
        """Take them one by one."""
        while self.waiting:
            yield self.waiting.popleft()


async def looked_at_first(receive: Receive, handed: Handed) -> AsyncGenerator[list[InboundMessage], None]:
    """Every message that was not handed out yet, a list at a time, oldest first.

    It ends with an empty page, or with one that repeats the page before: that one stays for the next listing.
    """
    before: list[InboundMessage] | None = None
    while True:
        for message in handed.each():
            yield [message]
        page = await receive(PAGE, False)
        if not page or page == before:
            return
        yield _oldest_first(page)
        # Receive has no ids: it hands out as many as were looked at, which are others if it lists the newest first and
        # more came in meanwhile, or if somebody else reads too.
        handed.waiting.extend(_besides(page, await receive(len(page), True)))
        before = page


def _oldest_first(page: Sequence[InboundMessage]) -> list[InboundMessage]:
    # The document does not say which come first; within a day the order is all that tells.
    days = [message.date for message in page if message.date is not None]
    return [*reversed(page)] if days and days[0] > days[-1] else [*page]


def _besides(page: Sequence[InboundMessage], handed_out: Sequence[InboundMessage]) -> Iterator[InboundMessage]:
    yielded = Counter(map(_key, page))
    for message in _oldest_first(handed_out):
        key = _key(message)
        if yielded[key]:
            yielded[key] -= 1
        else:
            yield message


def _key(message: InboundMessage) -> tuple[object, ...]:
    return message.number, message.sender, message.text, message.date
