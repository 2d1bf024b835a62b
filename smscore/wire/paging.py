"""Listings, page by page and item by item."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final, Generic, TypeVar

from attrs import field, frozen

from smscore.errors import InvalidRequest, NotAttempted
from smscore.integers import as_int

T = TypeVar("T")
R = TypeVar("R")

_MAX_INT64: Final = 2**63 - 1


@frozen
class Page(Generic[T]):
    """One page of a listing, as its answer gives it: what the answer does not say is None. Pages count from 1."""

    items: list[T] = field(repr=lambda items: f"<{len(items)} items>")
    number: int | None = None
    last: int | None = None
    total: int | None = None

    def of(self, make: Callable[[T], R]) -> Page[R]:
        """The same page, with what is made of each item."""
        return Page([make(item) for item in self.items], self.number, self.last, self.total)


def checked_whole(name: str, value: int, least: int, most: int = _MAX_INT64) -> int:
    """The value of a parameter; ``InvalidRequest`` unless it is a whole number from ``least`` to ``most``."""
    number = as_int(value)
    if number is None or not least <= number <= most:
        raise InvalidRequest(
            f"{name}= must be a whole number " + (f"≥ {least}." if most == _MAX_INT64 else f"from {least} to {most}.")
        )
    return number


async def pages(
    read: Callable[[int], Awaitable[Page[T]]], first: int = 1, *, grows_in_front: bool = False
) -> AsyncGenerator[list[T], None]:
    """The items of every page from ``first`` on, a page at a time.

    They end with an empty page, with the last page that the answers name, or with one that repeats the page before: the
    same items, where the answer does not say that more pages follow, or has another page number than the one asked for.

    New items in a listing that ``grows_in_front`` may shift a whole page back meanwhile. Then page 1 has changed, and
    the page that repeats is read again.
    """
    before: list[T] | None = None
    front: list[T] | None = None  # page 1, as it was before the last two pages were read
    number = first
    while True:
        page = await read(number)
        front = page.items if number == 1 else front
        if not page.items:
            return
        if page.items != before or _is_vouched_for(page, number):
            yield page.items
            if page.last is not None and number >= page.last:
                return
            before = page.items
            number += 1
        else:
            now = (await read(1)).items if grows_in_front else front
            if now == front:
                return
            before, front = None, now


def not_read_on(error: NotAttempted) -> NotAttempted:
    """The error of a page that was not asked for, in the words of a listing."""
    return NotAttempted(
        f"The listing was not read to its end, since {error.reason}. The items so far are valid; to read it again, "
        "timeout=Timeouts(call=…) sets the time for all its pages.",
        provider=error.provider,
        reason=error.reason,
    )


def _is_vouched_for(page: Page[Any], number: int) -> bool:
    return page.last is not None and page.number == number


async def one_by_one(pages_: AsyncGenerator[list[T], None]) -> AsyncGenerator[T, None]:
    """The items of pages; closing it closes them."""
    async with aclosing(pages_):
        async for items in pages_:
            for item in items:
                yield item
