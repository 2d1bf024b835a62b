"""The whole inbox, oldest first, while new messages come in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import TypeAlias

from ippanel_sms.messages import InboxMessage
from smscore.paging import Page, pages

ReadInbox: TypeAlias = Callable[[int | None, int], Awaitable[Page[InboxMessage]]]
"""Reads page n of the messages after an id (None: of all)."""


async def oldest_first(read: ReadInbox, after: int | None) -> AsyncGenerator[list[InboxMessage], None]:
    """The messages after this id, in lists, the oldest first; what comes in meanwhile may be among them."""
    # IPPanel lists the newest first, so that every new message pushes one from each page on to the next, and who went
    # from the last page back by number alone would miss what is pushed past the page that is asked for. So the oldest
    # are taken off the end: page n, and what lies behind it by then, are all messages up to the newest of page n.
    # `from_id` cuts those off, which leaves n-1 pages and what came in; so n falls, and page 1 and what lies behind it
    # are the rest. What is read twice has its id. An inbox that listed the oldest first would grow at its end, and
    # could be read as it comes.
    first = await read(after, 1)
    if not first.items or first.last == 1:
        parts = _given(first.items)
    elif first.items[0].message_id < first.items[-1].message_id:
        parts = pages(partial(read, after))
    else:
        parts = _from_the_end(read, after, first.last or 1)
    async with aclosing(parts):
        async for items in parts:
            if new := _sorted_after(after, items):
                after = new[-1].message_id
                yield new


async def _from_the_end(read: ReadInbox, after: int | None, number: int) -> AsyncGenerator[list[InboxMessage], None]:
    while number > 0:
        async with aclosing(pages(partial(read, after), number, grows_in_front=True)) as found:
            items = [item async for part in found for item in part]
        new = _sorted_after(after, items)
        yield new
        if new:
            after = new[-1].message_id
        number = number - 1 if new else min(number - 1, 1)


async def _given(items: list[InboxMessage]) -> AsyncGenerator[list[InboxMessage], None]:
    yield items


def _sorted_after(after: int | None, items: Iterable[InboxMessage]) -> list[InboxMessage]:
    """Those after an id, each once, oldest first."""
    by_id = {item.message_id: item for item in items if after is None or item.message_id > after}
    return [by_id[id_] for id_ in sorted(by_id)]
