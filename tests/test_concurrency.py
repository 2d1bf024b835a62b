"""Work on several items at once, and what is left behind when it is stopped."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterable

import pytest

from smscore.concurrency import AsFinished


async def source(items: Iterable[int]) -> AsyncIterator[int]:
    for item in items:
        yield item


async def slow(item: int) -> int:
    await asyncio.sleep(60)
    return item


async def test_results_come_as_they_end():
    async def work(item: int) -> int:
        await asyncio.sleep(item / 100)
        return item

    assert [item async for item in AsFinished(source([3, 1, 2]), work, 3)] == [1, 2, 3]


async def test_no_more_are_under_way_than_allowed():
    under_way = most = 0

    async def work(item: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return item

    assert sorted([item async for item in AsFinished(source(range(50)), work, 4)]) == list(range(50))
    assert most == 4


def test_a_source_left_in_the_middle_leaves_nothing_for_the_end_of_the_loop(recwarn: pytest.WarningsRecorder):
    async def stopped() -> None:
        results = AsFinished(source(range(50)), slow, 2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(results)
        await results.aclose()

    for _ in range(5):
        asyncio.run(stopped())
        gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


async def test_closing_ends_what_is_under_way():
    results = AsFinished(source(range(50)), slow, 3)
    waiting = asyncio.create_task(anext(results))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await results.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
