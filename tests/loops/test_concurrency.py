"""Work on several items at once, and what is left behind when it is stopped."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterable

import pytest

from smscore.loops.concurrency import AsFinished, for_each


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


async def test_one_item_needs_no_task():
    tasks: list[asyncio.Task[None] | None] = []

    async def work(item: int) -> None:
        tasks.append(asyncio.current_task())

    await for_each([1], work, 8, starts_per_turn=8)
    assert tasks == [asyncio.current_task()]


async def test_each_item_is_worked_on_once_and_no_more_at_a_time_than_allowed():
    under_way = most = 0
    done: list[int] = []

    async def work(item: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        done.append(item)

    await for_each(range(50), work, 4, starts_per_turn=1)
    assert (sorted(done), most) == (list(range(50)), 4)


@pytest.mark.parametrize(("starts_per_turn", "begun"), [(0, [1, 2, 3, 4]), (1, [1, 2, 3, 4]), (3, [3, 4]), (9, [4])])
async def test_no_more_begin_in_one_turn_of_the_loop_than_allowed(starts_per_turn: int, begun: list[int]):
    seen: list[int] = []
    under_way = 0

    async def look() -> None:
        while True:
            await asyncio.sleep(0)
            seen.append(under_way)

    async def work(_: int) -> None:
        nonlocal under_way
        under_way += 1
        await asyncio.sleep(0.02)

    looking = asyncio.create_task(look())
    await for_each(range(4), work, 4, starts_per_turn=starts_per_turn)
    looking.cancel()
    assert sorted(set(seen) - {0}) == begun


async def test_the_first_error_ends_the_rest_and_is_raised():
    begun: list[int] = []

    async def work(item: int) -> None:
        begun.append(item)
        if item == 1:
            raise ValueError(item)
        await asyncio.sleep(60)

    with pytest.raises(ValueError, match="1"):
        await for_each(range(50), work, 3, starts_per_turn=1)
    assert begun == [0, 1, 2]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_cancel_that_comes_out_of_the_work_is_raised() -> None:
    async def work(item: int) -> None:
        if item == 1:
            raise asyncio.CancelledError
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        await for_each(range(10), work, 3, starts_per_turn=1)


async def test_a_source_that_fails_raises_after_what_was_under_way():
    async def failing() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise ValueError("no more")

    async def work(item: int) -> int:
        await asyncio.sleep(0.01)
        return item

    results = AsFinished(failing(), work, 4)
    assert sorted([await anext(results), await anext(results)]) == [1, 2]
    with pytest.raises(ValueError, match="no more"):
        await anext(results)
    with pytest.raises(StopAsyncIteration):
        await anext(results)


async def test_work_that_fails_raises_after_what_was_under_way():
    async def work(item: int) -> int:
        if item == 2:
            raise ValueError(item)
        await asyncio.sleep(0.01)
        return item

    results = AsFinished(source(range(50)), work, 3)
    assert {await anext(results), await anext(results)} == {0, 1}
    with pytest.raises(ValueError, match="2"):
        await anext(results)
    await results.aclose()


async def test_after_closing_there_is_nothing_more():
    results = AsFinished(source(range(50)), slow, 3)
    await results.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(results)


async def test_at_most_one_more_than_allowed_waits_to_be_taken():
    asked = 0

    async def counted() -> AsyncIterator[int]:
        nonlocal asked
        for item in range(50):
            asked += 1
            yield item

    async def work(item: int) -> int:
        return item

    results = AsFinished(counted(), work, 3)
    for taken in range(1, 20):
        await anext(results)
        for _ in range(20):
            await asyncio.sleep(0)
        assert asked <= taken + 4
    await results.aclose()


@pytest.mark.parametrize("error", [asyncio.CancelledError, SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["source", "work"])
async def test_a_cancel_or_an_exit_out_of_source_or_work_reaches_whoever_waits(error: type[BaseException], where: str):
    async def failing() -> AsyncIterator[int]:
        yield 1
        if where == "source":
            raise error
        yield 2

    async def work(item: int) -> int:
        await asyncio.sleep(0.01)
        if item == 2:
            raise error
        return item

    results = AsFinished(failing(), work, 4)
    assert await anext(results) == 1
    with pytest.raises(error):
        await anext(results)
    await results.aclose()


async def test_workers_cancelled_from_outside_leave_nobody_waiting():
    results = AsFinished(source(range(50)), slow, 3)
    waiting = asyncio.create_task(anext(results))
    await asyncio.sleep(0.01)
    for task in asyncio.all_tasks() - {asyncio.current_task(), waiting}:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 30)
