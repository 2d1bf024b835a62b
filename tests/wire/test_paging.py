"""Listings: where their pages end, and how both faces go through them."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from smscore.blocking import BlockingClient
from smscore.client import AsyncClient, sends_nothing
from smscore.errors import ClientClosed, InvalidRequest, SMSError
from smscore.outcomes import Outcome
from smscore.wire.paging import Page, one_by_one, pages


class Server:
    """Answers with these pages, the last of them ever after; what was asked for is in ``asked``."""

    def __init__(self, *answers: Page[int]) -> None:
        self.answers = answers
        self.asked: list[int] = []

    async def read(self, number: int) -> Page[int]:
        self.asked.append(number)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


async def read_all(server: Server, first: int = 1) -> list[list[int]]:
    return [items async for items in pages(server.read, first)]


# Where the pages end


async def test_pages_end_with_an_empty_one() -> None:
    server = Server(Page([1, 2]), Page([3]), Page([]))
    assert await read_all(server) == [[1, 2], [3]]
    assert server.asked == [1, 2, 3]


async def test_pages_end_with_the_last_by_what_the_answers_say() -> None:
    server = Server(Page([1, 2], 1, 2), Page([3], 2, 2))
    assert await read_all(server) == [[1, 2], [3]]
    assert server.asked == [1, 2]


async def test_the_newest_word_of_the_last_page_counts() -> None:
    server = Server(Page([1], 1, 2), Page([2], 2, 3), Page([3], 3, 3))
    assert await read_all(server) == [[1], [2], [3]]


@pytest.mark.parametrize("last", [0, 1])
async def test_a_single_page_is_read_once(last: int) -> None:
    server = Server(Page([1], 1, last))
    assert await read_all(server) == [[1]]
    assert server.asked == [1]


@pytest.mark.parametrize(("number", "last"), [(None, None), (1, None), (1, 9), (None, 9)])
async def test_pages_end_with_one_that_repeats(number: int | None, last: int | None) -> None:
    server = Server(Page([1, 2], number, last))
    assert await read_all(server) == [[1, 2]]
    assert server.asked == [1, 2]


async def test_a_page_that_repeats_without_any_word_of_a_last_one_ends_them_though_it_counts() -> None:
    server = Server(Page([1, 2], 1), Page([1, 2], 2))
    assert await read_all(server) == [[1, 2]]


async def test_equal_items_of_pages_that_the_answers_tell_apart_are_all_given() -> None:
    server = Server(Page([7, 7], 1, 3), Page([7, 7], 2, 3), Page([7], 3, 3))
    assert await read_all(server) == [[7, 7], [7, 7], [7]]


async def test_a_page_that_repeats_since_the_listing_grew_in_front_is_read_again() -> None:
    server = Server(Page([3, 4]), Page([3, 4]), Page([1, 2]), Page([3, 4]), Page([5]), Page([]))
    found = [items async for items in pages(server.read, grows_in_front=True)]
    assert found == [[3, 4], [3, 4], [5]]
    assert server.asked == [1, 2, 1, 2, 3, 4]


@pytest.mark.parametrize("front", [[1, 2], [5, 6]])
async def test_pages_of_a_listing_that_grows_in_front_end_with_one_that_repeats_while_page_1_stays(
    front: list[int],
) -> None:
    answers = {1: front}
    asked: list[int] = []

    async def read(number: int) -> Page[int]:
        asked.append(number)
        return Page(answers.get(number, [5, 6]))

    found = [items async for items in pages(read, grows_in_front=True)]
    assert found == [front] + [[5, 6]] * (front == [1, 2])
    assert asked == ([1, 2, 3, 1] if front == [1, 2] else [1, 2, 1])


async def test_an_empty_listing_has_no_page() -> None:
    server = Server(Page([], 1, 5))
    assert await read_all(server) == []
    assert server.asked == [1]


async def test_pages_may_begin_later() -> None:
    server = Server(Page([5], 3, 4), Page([6], 4, 4))
    assert await read_all(server, 3) == [[5], [6]]
    assert server.asked == [3, 4]


async def test_a_page_is_asked_for_when_the_one_before_is_used_up() -> None:
    server = Server(Page([1, 2], 1, 2), Page([3], 2, 2))
    items = one_by_one(pages(server.read))
    assert [await anext(items), await anext(items), server.asked] == [1, 2, [1]]
    assert [await anext(items), server.asked] == [3, [1, 2]]
    await items.aclose()


async def test_closing_the_items_closes_their_pages() -> None:
    closed: list[bool] = []

    async def endless() -> AsyncGenerator[list[int], None]:
        try:
            while True:
                yield [1, 2]
        finally:
            closed.append(True)

    items = one_by_one(endless())
    assert await anext(items) == 1
    await items.aclose()
    assert closed == [True]


def test_items_left_in_the_middle_end_quietly_with_the_loop() -> None:
    async def leave() -> None:
        items = one_by_one(pages(Server(Page([1]), Page([2])).read))
        assert await anext(items) == 1
        kept.append(items)

    kept: list[object] = []
    asyncio.run(leave())
    gc.collect()


def test_a_page_shows_no_item() -> None:
    assert repr(Page(["09121234567"], 1, 2)) == "Page(items=<1 items>, number=1, last=2, total=None)"


# What sends nothing has no outcome


async def test_an_error_of_a_method_or_a_coroutine_that_sends_nothing_has_no_outcome() -> None:
    @sends_nothing
    def refuse() -> int:
        raise InvalidRequest("no")

    @sends_nothing
    async def refuse_later() -> int:
        raise ClientClosed("no")

    with pytest.raises(InvalidRequest) as at_once:
        refuse()
    with pytest.raises(ClientClosed) as later:
        await refuse_later()
    assert (at_once.value.outcome, later.value.outcome) == (None, None)
    assert InvalidRequest("no").outcome is Outcome.NOT_SENT


# The blocking face


class Lister(BlockingClient[Any]):
    """A blocking client without a provider."""

    _async_class = AsyncClient

    def __init__(self) -> None:
        pass


def test_a_blocking_listing_gives_the_items_one_by_one() -> None:
    server = Server(Page([1, 2], 1, 2), Page([3], 2, 2))
    assert list(Lister()._list(pages, server.read)) == [1, 2, 3]


def test_a_blocking_listing_reads_in_the_background_and_a_page_a_time() -> None:
    threads: list[threading.Thread] = []

    async def read(number: int) -> Page[int]:
        threads.append(threading.current_thread())
        return Page([number, number], number, 3)

    items = Lister()._list(pages, read)
    assert (next(items), next(items), len(threads)) == (1, 1, 1)
    assert (next(items), len(threads)) == (2, 2)
    items.close()
    assert threading.current_thread() not in threads


@pytest.mark.parametrize("leave", ["close", "forget"])
def test_a_blocking_listing_left_in_the_middle_closes_its_pages(leave: str) -> None:
    closed = threading.Event()

    async def endless() -> AsyncGenerator[list[int], None]:
        try:
            while True:
                yield [1]
        finally:
            closed.set()

    items = Lister()._list(endless)
    assert next(items) == 1
    if leave == "close":
        items.close()
    else:
        del items
        gc.collect()
    assert closed.wait(60)


def test_an_error_of_a_page_comes_out_of_the_blocking_listing() -> None:
    async def read(number: int) -> Page[int]:
        if number == 2:
            raise SMSError("no")
        return Page([1])

    items = Lister()._list(pages, read)
    assert next(items) == 1
    with pytest.raises(SMSError):
        next(items)


def test_what_is_wrong_with_the_call_is_told_at_once() -> None:
    def refuse(number: int) -> AsyncGenerator[list[int], None]:
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        Lister()._list(refuse, 1)
