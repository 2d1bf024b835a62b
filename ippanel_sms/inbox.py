"""Reading the whole inbox oldest first while new messages come in."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from operator import itemgetter
from typing import TypeAlias

from ippanel_sms.messages import InboxMessage
from smscore.wire import Page, codec, pages

ReadInbox: TypeAlias = Callable[[int | None, int], Awaitable[Page[InboxMessage]]]
"""Reads page n (from 1) of the messages after an id; None reads all."""


async def oldest_first(read: ReadInbox, after: int | None) -> AsyncGenerator[list[InboxMessage], None]:
    """The messages after an id, a list at a time, oldest first. Messages that come in meanwhile may be among them.

    A message without an id comes before the next one that has an id; if there is none yet, at the end, and again at the
    end of the next call.
    """
    # IPPanel lists the newest first, so that every new message pushes one from each page on to the next, and who went
    # from the last page back by number alone would miss what is pushed past the page that is asked for. So the oldest
    # are taken off the end: page n, and what lies behind it by then, are all messages up to the newest of page n.
    # `from_id` cuts those off, which leaves n-1 pages and what came in; so n falls, and page 1 and what lies behind it
    # are the rest. What is read twice has its id. An inbox that listed the oldest first would grow at its end, and
    # could be read as it comes. Where page 1 has too few ids to tell, all pages are read first.
    first = await read(after, 1)
    if not first.items or first.last == 1:
        parts = _given(first.items, after)
    elif _is_oldest_first(first.items):
        parts = _from_the_front(read, after)
    else:
        parts = _from_the_end(read, after, first.last or 1 if len(_ids(first.items)) > 1 else 1)
    async with aclosing(parts):
        async for items in parts:
            if items:
                yield items


async def _given(items: list[InboxMessage], after: int | None) -> AsyncGenerator[list[InboxMessage], None]:
    new, waiting = _sorted_after(after, items)
    yield new + waiting


async def _from_the_front(read: ReadInbox, after: int | None) -> AsyncGenerator[list[InboxMessage], None]:
    async with aclosing(pages(partial(read, after))) as found:
        async for items in found:
            new, waiting = _sorted_after(after, items)
            yield new + waiting
            after = _newest_id(new, after)


async def _from_the_end(read: ReadInbox, after: int | None, number: int) -> AsyncGenerator[list[InboxMessage], None]:
    while number > 0:
        async with aclosing(pages(partial(read, after), number, grows_in_front=True)) as found:
            items = [item async for part in found for item in part]
        new, waiting = _sorted_after(after, items)
        # What waits for an id comes again, with the next pages.
        yield new if number > 1 else new + waiting
        after = _newest_id(new, after)
        number = number - 1 if new else min(number - 1, 1)


def _is_oldest_first(items: Sequence[InboxMessage]) -> bool:
    ids = _ids(items)
    return bool(ids) and ids[0] < ids[-1]


def _ids(items: Sequence[InboxMessage]) -> list[int]:
    return [item.message_id for item in items if item.message_id is not None]


def _newest_id(items: Sequence[InboxMessage], otherwise: int | None) -> int | None:
    return max(_ids(items), default=otherwise)


def _sorted_after(after: int | None, items: Sequence[InboxMessage]) -> tuple[list[InboxMessage], list[InboxMessage]]:
    """Those after an id, each once, oldest first: up to the newest one that has an id, and those that follow it.

    One without an id has its place before the next newer one that has an id.
    """
    newest_first = reversed(items) if _is_oldest_first(items) else items
    each_once = {_identity(item): item for item in newest_first}
    placed: deque[tuple[int, InboxMessage]] = deque()
    waiting: deque[InboxMessage] = deque()
    place: int | None = None
    for item in each_once.values():
        place = place if item.message_id is None else item.message_id
        if place is None:
            waiting.appendleft(item)
        elif after is None or place > after:
            placed.appendleft((place, item))
    # Sorting leaves those of one place in their order, which is here the oldest first.
    return [item for _, item in sorted(placed, key=itemgetter(0))], [*waiting]


def _identity(item: InboxMessage) -> int | bytes:
    # All that IPPanel says of it, where it has no id: one that is the same in all of it is the same one.
    return codec.encode(item.raw) if item.message_id is None else item.message_id
