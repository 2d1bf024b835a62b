"""Following messages until they are final, on a clock that jumps over every wait."""

import asyncio
import datetime as dt
import gc
import logging
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from status_servers import LOST, NO_CONNECTION, StatusServer, client_of, result
from virtual_time import Clock, virtual

from najva_sms import DeliveryReport
from smscore import (
    AccountError,
    AuthenticationError,
    ClientClosed,
    ConfigurationError,
    Delivery,
    DeliveryStatus,
    InvalidRequest,
    Polling,
)
from smscore import clock as clocks
from smscore.columns import IdColumn, SpanColumn, SparseColumn
from smscore.results import SendReport
from smscore.wire.endpoint import Answer

A, B = "+989121234567", "+989121234568"
QUEUED, SENT, DELIVERED = DeliveryStatus.QUEUED, DeliveryStatus.SENT, DeliveryStatus.DELIVERED
SLOW = Polling(first=10, factor=2, longest=60)


def later(*steps: tuple[float, int]) -> Callable[[int], int]:
    """A message's code by time: each step is a moment from the start and the code from then on."""
    began = clocks.monotonic()
    return lambda _: [code for moment, code in steps if clocks.monotonic() - began >= moment][-1]


def reported(message_id: int, code: int) -> DeliveryReport:
    status = {1: QUEUED, 4: SENT, 10: DELIVERED, 11: DeliveryStatus.UNDELIVERED}[code]
    return DeliveryReport(message_id, code, status)


async def seen(changes: AsyncIterator[Delivery]) -> list[tuple[int, DeliveryStatus | None]]:
    """The ids of the changes with what they became."""
    return [(delivery.message_id or 0, delivery.status) async for delivery in changes]


async def first(changes: AsyncIterator[Delivery], count: int) -> list[tuple[int | None, DeliveryStatus | None]]:
    return [(delivery.message_id, delivery.status) for delivery in [await anext(changes) for _ in range(count)]]


def moments(server: StatusServer) -> list[float]:
    return [round(asked.at, 3) for asked in server.asked]


# When it asks


@virtual
async def test_it_looks_after_the_first_wait_and_then_more_and_more_slowly(clock: Clock):
    server = StatusServer(later((0, 1), (40, 10)))
    changes = await seen(client_of("najva", server).track([result("najva", 1)], polling=SLOW))
    assert changes == [(1, QUEUED), (1, DELIVERED)]
    assert moments(server) == [10, 30, 70]  # waits of 10, 20 and 40 seconds


@virtual
async def test_no_wait_is_longer_than_the_longest(clock: Clock):
    server = StatusServer(later((0, 1), (300, 10)))
    await seen(client_of("najva", server).track([result("najva", 1)], polling=SLOW))
    assert moments(server) == [10, 30, 70, 130, 190, 250, 310]


@pytest.mark.parametrize(
    ("timeout", "looks"), [(0, [0]), (4, [4]), (10, [10, 10]), (31, [10, 30, 31]), (75.5, [10, 30, 70, 75.5])]
)
def test_a_last_look_is_made_when_the_time_is_over(timeout: float, looks: list[float], clock: Clock):
    @virtual
    async def run(clock: Clock) -> None:
        server = StatusServer(lambda _: 1)
        changes = await seen(client_of("najva", server).track([result("najva", 1)], timeout=timeout, polling=SLOW))
        assert changes == [(1, QUEUED)]
        assert moments(server) in (looks, looks[:1])  # at 10 both are one
        assert clock.passed == pytest.approx(timeout)

    run(clock=clock)


@virtual
async def test_only_what_is_not_final_is_asked_about_again(clock: Clock):
    server = StatusServer(lambda id_: 10 if id_ < 3 else 1)
    results = [result("najva", n) for n in range(1, 5)] + [result("najva", None)]
    found = await client_of("najva", server).wait_delivered(results, timeout=25, polling=SLOW)
    assert [asked.ids for asked in server.asked] == [[1, 2, 3, 4], [3, 4]]
    assert [delivery.status for delivery in found] == [DELIVERED, DELIVERED, QUEUED, QUEUED, None]


@virtual
async def test_all_pages_of_a_bulk_are_read_while_one_recipient_is_not_final(clock: Clock):
    began = clock.now
    rows = [(f"+98912000{n:04}", 2) for n in range(150)]
    server = StatusServer(lambda _: 0, lambda bulk: [*rows, (A, 2 if clock.now - began > 20 else 0)])
    results = [result("ippanel", 5, number) for number, _ in [*rows, (A, 0)]]
    found = await client_of("ippanel", server).wait_delivered(results, polling=SLOW)
    assert {delivery.status for delivery in found} == {DELIVERED}
    assert [(asked.at, asked.page) for asked in server.asked] == [(10, 1), (10, 2), (30, 1), (30, 2)]


@virtual
async def test_nothing_is_asked_where_nobody_has_an_id(clock: Clock):
    server = StatusServer(lambda _: 1)
    client, results = client_of("najva", server), [result("najva", None), result("najva", None, B)]
    assert await seen(client.track(results)) == []
    assert [(one.recipient, one.status) for one in await client.wait_delivered(results)] == [(A, None), (B, None)]
    assert (server.asked, clock.passed) == ([], 0)


@virtual
async def test_sepahan_is_waited_for_until_its_hours_begin(clock: Clock):
    server = StatusServer(lambda _: 1)  # it is noon in Tehran, 13 hours before
    old = result("sepahan", 7, sent_at=clock.moment().replace(year=2024))
    assert await seen(client_of("sepahan", server).track([old])) == [(7, DELIVERED)]
    assert [(asked.path.rpartition("/")[2], asked.at) for asked in server.asked] == [("oldStatus", 13 * 3600)]


@virtual
async def test_a_message_that_grows_old_goes_on_with_the_call_for_old_ones(clock: Clock):
    server = StatusServer(lambda _: 8)
    server.fail = lambda asked: None
    new = result("sepahan", 7, sent_at=clock.moment())
    polling = Polling(first=3600, factor=1, longest=3600)
    await seen(client_of("sepahan", server).track([new], timeout=42 * 3600, polling=polling))
    calls = [(asked.path.rpartition("/")[2], asked.at / 3600) for asked in server.asked]
    assert calls[:23] == [("status", hour) for hour in range(1, 24)]
    assert calls[23:] == [("oldStatus", hour) for hour in (37, 38, 39, 40)]  # 01:00 to 05:00 of the day after


@virtual
async def test_what_the_call_for_new_ones_has_just_forgotten_is_not_final(clock: Clock):
    server = StatusServer(lambda _: 1 if server.asked[-1].path.endswith("oldStatus") else -1)
    at_the_border = result("sepahan", 7, sent_at=clock.moment() - dt.timedelta(hours=23, minutes=59, seconds=30))
    sepahan = client_of("sepahan", server)
    assert [one.status for one in await sepahan.deliveries([at_the_border])] == [None]
    assert await seen(sepahan.track([at_the_border])) == [(7, DELIVERED)]
    young = result("sepahan", 8, sent_at=clock.moment() - dt.timedelta(hours=23))
    assert [one.status for one in await sepahan.deliveries([young])] == [DeliveryStatus.NOT_FOUND]


# Outages and refusals


@pytest.mark.parametrize("trouble", [LOST, NO_CONNECTION, Answer(500, b""), Answer(200, b"<html>"), Answer(429, b"")])
def test_an_outage_slows_it_down_never_ends_it_and_it_comes_back(trouble: Any, clock: Clock, caplog: Any):
    @virtual
    async def run(clock: Clock) -> None:
        server = StatusServer(later((0, 1), (700, 10)))
        server.fail = lambda asked: trouble if 15 < asked.at < 400 else None
        polling = Polling(first=10, factor=2, longest=100)
        changes = await seen(client_of("najva", server).track([result("najva", 1)], polling=polling))
        assert changes == [(1, QUEUED), (1, DELIVERED)]
        # Each failure doubles the wait once more; after it the waits are as if it had not been.
        assert moments(server) == [10, 30, 70, 150, 250, 350, 450, 490, 570, 670, 770]

    run(clock=clock)
    assert [record.levelno for record in caplog.records if record.name.startswith("smscore")] == [logging.WARNING]


@virtual
async def test_an_outage_is_told_by_a_few_requests_a_look(clock: Clock):
    server = StatusServer(lambda _: 1, fail=lambda asked: LOST)
    results = [result("sepahan", n) for n in range(1, 5_001)]  # 50 requests
    assert await seen(client_of("sepahan", server, max_concurrency=1).track(results, timeout=10, polling=SLOW)) == []
    assert len(server.asked) == 3


@virtual
async def test_a_provider_that_asks_to_wait_is_obeyed(clock: Clock):
    server = StatusServer(lambda _: 10)
    server.fail = lambda asked: Answer(429, b"", 500.0) if asked.at < 15 else None
    await seen(client_of("najva", server).track([result("najva", 1)], polling=SLOW))
    assert moments(server) == [10, 510]


@pytest.mark.parametrize(
    ("provider", "answer", "error"),
    [
        ("najva", Answer(401, b"{}"), AuthenticationError),
        (
            "sepahan",
            Answer(401, b'{"isSuccess": false, "value": null, "error": {"code": -10, "message": "", "details": []}}'),
            AccountError,
        ),
    ],
)
def test_an_accounts_refusal_ends_it_with_that_error(provider: str, answer: Answer, error: type, clock: Clock):
    @virtual
    async def run(clock: Clock) -> None:
        server = StatusServer(lambda _: 77)
        server.fail = lambda asked: answer if asked.at > 15 else None
        changes = client_of(provider, server).track([result(provider, 1)], polling=SLOW)
        await anext(changes)
        with pytest.raises(error) as caught:
            await anext(changes)
        assert caught.value.outcome is None
        assert len(asyncio.all_tasks()) == 1

    run(clock=clock)


@virtual
async def test_one_refused_request_costs_the_other_messages_nothing(clock: Clock):
    server = StatusServer(lambda id_: 10)
    bad = Answer(400, b'{"return": {"status": 400, "message": ""}}')
    server.fail = lambda asked: bad if 1 in asked.ids else None
    results = [result("najva", n) for n in range(1, 1_101)]
    changes = await seen(client_of("najva", server).track(results, timeout=60, polling=SLOW))
    assert sorted(changes) == [(n, DELIVERED) for n in range(1_001, 1_101)]


@virtual
async def test_the_pages_of_a_bulk_that_were_read_before_one_failed_are_not_lost(clock: Clock):
    rows = [(f"+98912000{n:04}", 2) for n in range(101)]
    server = StatusServer(lambda _: 0, lambda bulk: rows)
    server.fail = lambda asked: LOST if asked.page == 2 and asked.at < 15 else None
    results = [result("ippanel", 5, number) for number, _ in rows]
    changes = [one async for one in client_of("ippanel", server).track(results, polling=SLOW)]
    assert [one.recipient for one in changes] == [number for number, _ in rows]


@virtual
async def test_a_server_that_never_answers_ends_soon_after_the_time_is_over(clock: Clock):
    server = StatusServer(lambda _: 1, delay=1_000)
    assert await seen(client_of("najva", server).track([result("najva", 1)], timeout=60, polling=SLOW)) == []
    assert clock.passed <= 60 + 2 * 10 + 1


# Trackers


@virtual
async def test_a_tracker_follows_any_number_of_sends_until_it_is_closed(clock: Clock):
    server = StatusServer(lambda id_: 10)
    async with client_of("najva", server).tracker(polling=SLOW) as tracker:
        tracker.follow([result("najva", 1)])
        assert await first(tracker, 1) == [(1, DELIVERED)]
        tracker.follow([result("najva", 2), result("najva", 3)])
        assert await first(tracker, 2) == [(2, DELIVERED), (3, DELIVERED)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(tracker), 10_000)  # it waits for more
        tracker.follow([4])
        assert await first(tracker, 1) == [(4, DELIVERED)]
    assert await seen(tracker) == []
    with pytest.raises(ClientClosed):
        tracker.follow([5])


@virtual
async def test_what_is_followed_shortly_after_something_else_is_asked_about_with_it(clock: Clock):
    server = StatusServer(lambda id_: 1)
    async with client_of("najva", server).tracker(polling=SLOW) as tracker:
        for n in range(1, 1_001):
            tracker.follow([result("najva", n, ref=n)])
            await asyncio.sleep(0.01)
        refs = [(await anext(tracker)).ref for _ in range(1_000)]
    assert refs == [*range(1, 1_001)]
    assert len(server.asked) <= 11  # ten seconds of sends, and at most a look a second
    assert all(asked.at >= 10 for asked in server.asked)


@virtual
async def test_looks_grow_together_so_that_requests_stay_few(clock: Clock):
    server = StatusServer(lambda id_: 1)
    async with client_of("najva", server).tracker(polling=SLOW) as tracker:
        for n in range(1, 61):
            tracker.follow([n])
            await asyncio.sleep(2)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(seen(tracker), 600)
        before = len(server.asked)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(seen(tracker), 600)
        assert len(server.asked) - before <= 20  # each message is asked about ten times, and all in few requests
        assert sum(len(asked.ids) for asked in server.asked[before:]) >= 60 * 9


@virtual
async def test_a_wait_that_is_cancelled_loses_no_change(clock: Clock):
    server = StatusServer(lambda id_: 10, delay=5)
    async with client_of("najva", server).tracker(polling=SLOW) as tracker:
        tracker.follow([1])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(tracker), 12)
        assert await first(tracker, 1) == [(1, DELIVERED)]
        assert len(server.asked) == 1


@virtual
async def test_webhooks_and_polling_are_merged(clock: Clock):
    server = StatusServer(lambda id_: 4)
    async with client_of("najva", server).tracker(polling=SLOW) as tracker:
        tracker.follow([result("najva", 1), result("najva", 2, B)])
        tracker.record(reported(2, 10))
        tracker.record(reported(2, 10))
        tracker.record(reported(2, 4))
        tracker.record(reported(2, 11))
        assert await first(tracker, 2) == [(2, DELIVERED), (1, SENT)]
        assert [asked.ids for asked in server.asked] == [[1]]
        tracker.record(reported(1, 1))
        tracker.record(reported(1, 10))
        found = await anext(tracker)
        assert (found.recipient, found.status, found.code) == (A, DELIVERED, 10)


@virtual
async def test_a_webhook_that_comes_before_the_sends_answer_is_kept_until_the_id_is_known(clock: Clock):
    server = StatusServer(lambda id_: 4)
    async with client_of("najva", server).tracker(polling=SLOW) as tracker:
        for code in (4, 10, 1):
            tracker.record(reported(7, code))
        tracker.record(reported(8, 4))
        tracker.follow([result("najva", 7), result("najva", 8, B)])
        assert await first(tracker, 2) == [(7, DELIVERED), (8, SENT)]
        assert server.asked == []


@virtual
async def test_a_webhook_ends_a_wait_at_once(clock: Clock):
    async with client_of("najva", StatusServer(lambda id_: 1)).tracker(polling=SLOW) as tracker:
        tracker.follow([1])
        waiting = asyncio.create_task(tracker.__anext__())
        await asyncio.sleep(3)
        tracker.record(reported(1, 10))
        assert (await waiting).status is DELIVERED
        assert clock.passed == pytest.approx(3)


@pytest.mark.parametrize("provider", ["sepahan", "ippanel"])
def test_a_report_that_no_message_can_be_found_by_is_refused(provider: str, clock: Clock):
    @virtual
    async def run(clock: Clock) -> None:
        async with client_of(provider, StatusServer(lambda _: 1)).tracker() as tracker:
            with pytest.raises(InvalidRequest):
                tracker.record(reported(1, 10))

    run(clock=clock)


@virtual
async def test_webhooks_of_ids_that_are_never_followed_do_not_pile_up(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("smscore.tracking.early._MAX_KEPT", 100)
    async with client_of("najva", StatusServer(lambda _: 1)).tracker() as tracker:
        for n in range(1_000):
            tracker.record(reported(n, 10))
        assert len(tracker._early._kept) == 100
        tracker.follow([999, 0])
        assert await first(tracker, 1) == [(999, DELIVERED)]


@virtual
async def test_several_may_iterate_over_one_tracker(clock: Clock):
    async with client_of("najva", StatusServer(lambda id_: 10)).tracker(polling=SLOW) as tracker:
        tracker.follow([1, 2])
        found = await asyncio.gather(anext(tracker), anext(tracker))
        assert sorted(delivery.message_id or 0 for delivery in found) == [1, 2]


# Stopping


@virtual
async def test_stopping_leaves_no_task_and_no_timer(clock: Clock):
    loop: Any = asyncio.get_running_loop()
    for server in (StatusServer(lambda _: 1), StatusServer(lambda _: 1)):
        client = client_of("najva", server)
        tracker = client.tracker(polling=SLOW)
        tracker.follow([1])
        waiting = asyncio.create_task(tracker.__anext__())
        await asyncio.sleep(3)
        await tracker.aclose()
        with pytest.raises(StopAsyncIteration):
            await waiting
        changes = client.track([result("najva", 1)], polling=SLOW)
        assert (await anext(changes)).status is QUEUED
        await changes.aclose()
        server.delay = 100
        changes = client.track([result("najva", 1)], polling=SLOW)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(changes), 12)  # in the middle of a look
        await changes.aclose()
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
    assert [handle for handle in loop._scheduled if not handle.cancelled()] == []


@virtual
async def test_closing_the_client_ends_it_with_an_error(clock: Clock):
    server = StatusServer(lambda _: 1)
    changes = client_of("najva", server).track([result("najva", 1)], polling=SLOW)
    assert (await anext(changes)).status is QUEUED
    server.is_closed = True
    with pytest.raises(ClientClosed):
        await anext(changes)


@pytest.mark.parametrize("options", [{"timeout": -1}, {"timeout": "5"}, {"timeout": True}, {"polling": 5}])
async def test_wrong_settings_are_refused_at_once(options: dict[str, Any], clock: Clock):
    client = client_of("najva", StatusServer(lambda _: 1))
    with pytest.raises(ConfigurationError):
        client.track([1], **options)
    with pytest.raises(ConfigurationError):
        await client.wait_delivered([1], **options)


@pytest.mark.parametrize(
    "options", [{"first": 0}, {"factor": 0.9}, {"longest": -1}, {"first": "5"}, {"factor": float("nan")}]
)
def test_a_pace_that_is_none_is_refused(options: dict[str, Any]):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        Polling(**options)


async def test_results_of_another_provider_are_refused_before_any_request(clock: Clock):
    server = StatusServer(lambda _: 1)
    client = client_of("najva", server)
    with pytest.raises(InvalidRequest):
        await client.wait_delivered([result("sepahan", 1)])
    with pytest.raises(InvalidRequest):
        await anext(client.track([result("sepahan", 1)]))
    async with client.tracker() as tracker:
        with pytest.raises(InvalidRequest):
            tracker.follow([result("sepahan", 1)])
    assert server.asked == []


# Many at once

MANY = 100_000


def report_of(count: int, provider: str) -> SendReport:
    ids = IdColumn(count)
    ids.put(range(count), [5] * count if provider == "ippanel" else [*range(1, count + 1)])
    return SendReport(
        recipients=[f"09{n:09}" for n in range(count)],
        outcomes=b"\0" * count,
        message_ids=ids,
        errors=SparseColumn(count),
        request_ids=SpanColumn(),
        provider=provider,
    )


@pytest.mark.parametrize("provider", ["najva", "ippanel"])
def test_messages_cost_at_most_300_bytes_each(provider: str, clock: Clock):
    @virtual
    async def run(clock: Clock) -> None:
        # tracemalloc is slow; benchmarks/tracking.py measures a hundred thousand.
        count = 6_000
        report, began = report_of(count, provider), clock.now
        code = {"najva": (1, 10), "ippanel": (0, 2)}[provider]
        rows = [[(result.recipient, code[final]) for result in report] for final in (0, 1)]

        def is_late() -> bool:
            return clock.now - began > 20

        server = StatusServer(lambda _: code[is_late()], lambda _: rows[is_late()])
        # One answer at a time: what is on its way is no cost of a message.
        client = client_of(provider, server, max_concurrency=1)
        await client.deliveries(report)  # what is made once for all, such as decoders, is made
        gc.collect()
        tracemalloc.start()
        base = tracemalloc.get_traced_memory()[0]
        async with client.tracker(polling=SLOW) as tracker:
            tracker.follow(report)
            for _ in range(2 * count):
                await anext(tracker)
            peak = tracemalloc.get_traced_memory()[1] - base
        tracemalloc.stop()
        server.asked.clear()
        assert peak / count <= 300

    run(clock=clock)


@virtual
async def test_a_look_at_a_hundred_thousand_is_one_request_a_limits_worth(clock: Clock):
    server = StatusServer(lambda _: 10)
    found = await client_of("najva", server).wait_delivered(report_of(MANY, "najva"), polling=SLOW)
    assert len(found) == MANY
    assert [len(asked.ids) for asked in server.asked] == [1_000] * 100


def test_a_tracker_lets_go_of_what_is_final(clock: Clock):
    @virtual
    async def run(clock: Clock) -> None:
        server = StatusServer(lambda id_: 1 if id_ == 77 else 10)
        async with client_of("najva", server).tracker(polling=SLOW) as tracker:
            tracker.follow([*range(1, 1_001)])
            await first(tracker, 1_000)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(tracker), 100)
            assert [len(followed) for followed in tracker._watches] == [1]
            tracker.record(reported(77, 10))
            assert await first(tracker, 1) == [(77, DELIVERED)]

    run(clock=clock)
