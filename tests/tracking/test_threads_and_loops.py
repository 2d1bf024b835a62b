"""A tracker that other threads and other event loops follow, record and close while one reads it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest
from status_servers import StatusServer, client_of, result

from najva_sms import DeliveryReport, Najva
from smscore import ClientClosed, DeliveryStatus, InvalidRequest, Polling

DELIVERED = DeliveryStatus.DELIVERED
SOON, SELDOM = Polling(first=0.01), Polling(first=1_000, longest=1_000)
REPORT = DeliveryReport(1, 10, DELIVERED)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def blocking_client(server: StatusServer) -> Any:
    client: Any = Najva("any token")
    client._client._caller = attrs.evolve(client._client._caller, transport=server)
    return client


async def test_closing_in_the_middle_of_a_poll_ends_the_iteration() -> None:
    server = StatusServer(lambda _: 10, delay=1_000)
    tracker = client_of("najva", server, timeout=2_000).tracker(polling=SOON)
    tracker.follow([1])
    reading = asyncio.create_task(tracker.__anext__())
    await asyncio.to_thread(wait_for, lambda: bool(server.asked))
    await tracker.aclose()
    with pytest.raises(StopAsyncIteration):
        await reading
    assert len(asyncio.all_tasks()) == 1


def test_closing_a_blocking_tracker_in_the_middle_of_a_poll_ends_the_iteration_of_another_thread() -> None:
    server = StatusServer(lambda _: 10, delay=1_000)
    with blocking_client(server) as client, ThreadPoolExecutor() as threads:
        tracker = client.tracker(polling=SOON)
        tracker.follow([1])
        reading = threads.submit(lambda: [*tracker])
        wait_for(lambda: bool(server.asked))
        tracker.close()
        assert reading.result(30) == []


async def test_a_report_of_another_thread_is_given_at_once() -> None:
    async with client_of("najva", StatusServer(lambda _: 1)).tracker(polling=SELDOM) as tracker:
        tracker.follow([result("najva", 1)])
        reading = asyncio.create_task(tracker.__anext__())
        await asyncio.sleep(0)
        await asyncio.to_thread(tracker.record, REPORT)
        async with asyncio.timeout(30):
            assert (await reading).status is DELIVERED
            await asyncio.to_thread(tracker.record, attrs.evolve(REPORT, message_id=2))
            await asyncio.to_thread(tracker.follow, [result("najva", 2)])
            assert (await anext(tracker)).message_id == 2


async def test_another_event_loop_cannot_read_a_tracker_and_takes_nothing_from_who_does() -> None:
    async with client_of("najva", StatusServer(lambda _: 1)).tracker(polling=SELDOM) as tracker:
        tracker.follow([1])
        reading = asyncio.create_task(tracker.__anext__())
        await asyncio.sleep(0)
        with pytest.raises(InvalidRequest, match="Another event loop"):
            await asyncio.to_thread(lambda: asyncio.run(tracker.next_ones()))
        tracker.record(REPORT)
        assert (await reading).status is DELIVERED


async def test_another_event_loop_may_close_a_tracker() -> None:
    server = StatusServer(lambda _: 10, delay=1_000)
    tracker = client_of("najva", server, timeout=2_000).tracker(polling=SOON)
    tracker.follow([1])
    reading = asyncio.create_task(tracker.__anext__())
    await asyncio.to_thread(wait_for, lambda: bool(server.asked))
    await asyncio.to_thread(lambda: asyncio.run(tracker.aclose()))
    with pytest.raises(StopAsyncIteration):
        await reading
    assert len(asyncio.all_tasks()) == 1


def test_a_tracker_whose_event_loop_is_closed_says_so() -> None:
    tracker = client_of("najva", StatusServer(lambda _: 10)).tracker(polling=SOON)
    tracker.follow([1])
    assert asyncio.run(tracker.next_ones())
    with pytest.raises(ClientClosed, match="event loop"):
        tracker.follow([2])
    asyncio.run(tracker.aclose())
