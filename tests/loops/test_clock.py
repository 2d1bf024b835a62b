"""Waits, on a clock that jumps over them: repeats, the call's time, requests a second, and how long an id is good.

The event loop here is a virtual one, of tests/support. The server is aioresponses' and answers on it too. The sandbox's
tests at the end serve for real, with only its clock a virtual one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import math
import random
import re
from collections.abc import Callable, Coroutine
from email.utils import format_datetime
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from aioresponses import CallbackResult
from recipients import numbers
from virtual_time import NOON, Clock, virtual

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import (
    DeliveryStatus,
    DuplicateRequest,
    NotAttempted,
    Outcome,
    OutcomeUnknown,
    PartialSendError,
    RateLimited,
    RetryPolicy,
    ServerError,
    SMSError,
    Timeouts,
)
from smscore.sandbox import Sandbox

LINE = "50003300"
HOUR = 3600.0
ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome


# The clock


@pytest.fixture
def clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock; as an indirect parameter, what it ticks by."""
    clock = Clock(tick=getattr(request, "param", None))

    monkeypatch.setattr("smscore.clock.monotonic", lambda: clock.now)
    monkeypatch.setattr("smscore.clock.now", lambda: clock.moment(dt.UTC))
    return clock


# The server


Reply = Callable[[Any], CallbackResult]


def take(body: Any) -> CallbackResult:
    """Take a send, or give a credit or statuses: whatever was asked."""
    if isinstance(body, dict):
        value: Any = {"ids": list(range(1, 1 + len(body["reciverNumbers"]))), "totalPrice": 10}
    else:
        value = 5000 if body is None else [1] * len(body)
    return CallbackResult(payload={"isSuccess": True, "value": value, "error": None})


def fail(_: Any) -> CallbackResult:
    return CallbackResult(status=503, body="<html>no</html>")


def too_many(retry_after: str | None) -> Reply:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return lambda _: CallbackResult(status=429, body="<html>no</html>", headers=headers)


async def _add(sent: bytearray, piece: bytes) -> None:
    sent += piece


@attrs.define
class Server:
    """Gives each request the reply whose turn it is, the last one for ever; ``latency`` seconds later."""

    clock: Clock
    replies: list[Reply] = attrs.field(factory=lambda: [take])
    latency: float = 0.0
    at: list[float] = attrs.field(factory=list)
    bodies: list[Any] = attrs.field(factory=list)
    ids: list[str] = attrs.field(factory=list)

    async def answer(self, _: Any, **request: Any) -> CallbackResult:
        reply = self.replies[min(len(self.at), len(self.replies) - 1)]
        self.at.append(self.clock.passed)
        sent = bytearray()
        await request["data"].write(SimpleNamespace(write=partial(_add, sent)))
        self.bodies.append(json.loads(sent) if sent else None)
        self.ids.append(request["headers"].get("requestId", ""))
        # In place of aiohttp's own timer, which a mocked request has not.
        async with asyncio.timeout(request["timeout"].total):
            await asyncio.sleep(self.latency)
        return reply(self.bodies[-1])

    @property
    def gaps(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.at)]

    @property
    def places(self) -> list[int]:
        """Of requests for one recipient each: which one it was."""
        return [int(body["reciverNumbers"][0][-7:]) for body in self.bodies]


@pytest.fixture
def server(clock: Clock, provider_http: Any) -> Server:
    server = Server(clock)
    for add in (provider_http.post, provider_http.get):
        add(re.compile(".*"), callback=server.answer, repeat=True)
    return server


def client(kind: type[Any] = AsyncSepahan, **options: Any) -> Any:
    return kind("token", **{"sender": LINE, "batch_size": 1, "retry": RetryPolicy.none()} | options)


async def failure(call: Coroutine[Any, Any, Any]) -> SMSError:
    with pytest.raises(SMSError) as caught:
        await call
    return caught.value


def about(seconds: float) -> Any:
    return pytest.approx(seconds, abs=1e-6)


# Waits between tries


@virtual
async def test_waits_double_up_to_the_most_and_are_spread_between_half_and_all(clock: Clock, server: Server) -> None:
    server.replies = [fail]
    gaps = []
    for _ in range(40):
        server.at.clear()
        async with client(retry=RetryPolicy(attempts=6, wait_initial=1.0, wait_max=5.0)) as sepahan:
            await failure(sepahan.credit())
        gaps.append(server.gaps)
    for waits, full in zip(zip(*gaps, strict=True), (1.0, 2.0, 4.0, 5.0, 5.0), strict=True):
        assert full / 2 - 1e-6 <= min(waits) <= max(waits) <= full + 1e-6
        assert max(waits) - min(waits) > full / 5


@virtual
async def test_by_default_a_request_is_tried_three_times_within_a_second_and_a_half(
    clock: Clock, server: Server
) -> None:
    server.replies = [fail]
    async with client(retry=RetryPolicy()) as sepahan:
        await failure(sepahan.credit())
    assert len(server.at) == 3
    assert 0.75 <= clock.passed <= 1.5


@virtual
async def test_a_success_is_not_waited_after(clock: Clock, server: Server) -> None:
    async with client() as sepahan:
        assert (await sepahan.send(numbers(20), "سلام")).ok
    assert clock.passed == 0


@pytest.mark.parametrize("kind", [AsyncSepahan, AsyncIPPanel, AsyncNajva])
@pytest.mark.parametrize(("header", "wait"), [("7", 7.0), ("60", 60.0), ("1.5", 1.5)])
@virtual
async def test_the_seconds_of_retry_after_are_waited(
    kind: type[Any], header: str, wait: float, clock: Clock, server: Server
) -> None:
    server.replies = [too_many(header)]
    async with client(kind, retry=RetryPolicy(attempts=2)) as sms:
        error = await failure(sms.send("09123456789", "سلام"))
    assert isinstance(error, RateLimited)
    assert server.gaps == [about(wait)]


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0330"])
@virtual
async def test_the_date_of_retry_after_is_waited_for(zone: str, clock: Clock, server: Server) -> None:
    zones = {"GMT": dt.UTC, "-0000": dt.UTC, "+0330": NOON.tzinfo}
    moment = (NOON + dt.timedelta(seconds=25)).astimezone(zones[zone])
    date = format_datetime(moment, usegmt=zone == "GMT")
    server.replies, server.latency = [too_many(date.replace("+0000", "-0000")), take], 5.0
    async with client(retry=RetryPolicy(attempts=2)) as sepahan:
        assert (await sepahan.send("09123456789", "سلام")).ok
    assert server.at == [0.0, about(25.0)]


@pytest.mark.parametrize("header", [None, "0", "0.1", "soon", "-5", "Thu, 09 Oct 2025 08:00:00 GMT"])
@virtual
async def test_a_retry_after_that_asks_for_less_or_is_none_leaves_the_usual_wait(
    header: str | None, clock: Clock, server: Server
) -> None:
    server.replies = [too_many(header), take]
    async with client(retry=RetryPolicy(attempts=2, wait_initial=4.0)) as sepahan:
        assert (await sepahan.send("09123456789", "سلام")).ok
    assert 2.0 - 1e-6 <= server.gaps[0] <= 4.0 + 1e-6


@pytest.mark.parametrize(
    "header", ["61", "86400", format_datetime((NOON + dt.timedelta(hours=1)).astimezone(dt.UTC), usegmt=True)]
)
@virtual
async def test_a_long_retry_after_is_raised_at_once(header: str, clock: Clock, server: Server) -> None:
    server.replies = [too_many(header)]
    async with client(retry=RetryPolicy()) as sepahan:
        error = await failure(sepahan.send("09123456789", "سلام"))
    assert isinstance(error, RateLimited)
    assert error.retry_after == (3600.0 if "GMT" in header else float(header))
    assert (len(server.at), clock.passed) == (1, 0)


@virtual
async def test_a_wait_of_the_policys_own_may_be_long(clock: Clock, server: Server) -> None:
    server.replies = [fail, take]
    async with client(retry=RetryPolicy(wait_initial=300.0, wait_max=300.0)) as sepahan:
        assert await sepahan.credit() == 5000
    assert 150.0 <= clock.passed <= 300.0


# The call's time


@virtual
async def test_repeats_end_before_the_calls_time(clock: Clock, server: Server) -> None:
    server.replies = [fail]
    retry = RetryPolicy(attempts=1000, wait_initial=2.0, wait_max=2.0)
    async with client(retry=retry, timeout=Timeouts(call=10.0)) as sepahan:
        error = await failure(sepahan.send("09123456789", "سلام"))
    assert isinstance(error, ServerError)
    assert error.outcome is UNKNOWN
    assert 6 <= len(server.at) <= 10
    assert server.at[-1] < 10.0
    assert 8.0 <= clock.passed < 10.0


@virtual
async def test_a_wait_that_the_call_has_no_time_for_is_not_begun(clock: Clock, server: Server) -> None:
    server.replies = [too_many("30")]
    async with client(retry=RetryPolicy(), timeout=Timeouts(call=20.0)) as sepahan:
        error = await failure(sepahan.send("09123456789", "سلام"))
    assert isinstance(error, RateLimited)
    assert (len(server.at), clock.passed) == (1, 0)


@pytest.mark.parametrize("kind", [AsyncSepahan, AsyncIPPanel, AsyncNajva])
@virtual
async def test_what_is_in_flight_when_the_calls_time_runs_out_is_unknown(
    kind: type[Any], clock: Clock, server: Server
) -> None:
    server.latency = 60.0
    async with client(kind, retry=RetryPolicy(), timeout=Timeouts(call=10.0)) as sms:
        error = await failure(sms.send("09123456789", "سلام"))
    assert isinstance(error, OutcomeUnknown)
    assert (len(server.at), clock.passed) == (1, about(10.0))


@virtual
async def test_a_repeat_gets_no_more_than_the_time_left(clock: Clock, server: Server) -> None:
    server.replies, server.latency = [fail, take], 6.0
    async with client(retry=RetryPolicy(), timeout=Timeouts(call=10.0)) as sepahan:
        error = await failure(sepahan.send("09123456789", "سلام"))
    assert error.outcome is UNKNOWN
    assert (len(server.at), clock.passed) == (2, about(10.0))


@virtual
async def test_each_try_has_the_whole_time_of_one_request(clock: Clock, server: Server) -> None:
    server.latency = 60.0
    async with client(retry=RetryPolicy(wait_initial=0.0), timeout=Timeouts(total=20.0)) as sepahan:
        await failure(sepahan.send("09123456789", "سلام"))
    assert (server.at, clock.passed) == ([0.0, about(20.0), about(40.0)], about(60.0))


@virtual
async def test_the_calls_time_leaves_the_rest_of_the_batches_unsent(clock: Clock, server: Server) -> None:
    server.latency = 4.0
    async with client(max_concurrency=2, timeout=Timeouts(call=10.0)) as sepahan:
        error = await failure(sepahan.send(numbers(8), "سلام"))
    assert isinstance(error, PartialSendError)
    assert [result.outcome for result in error.report] == [ACCEPTED] * 4 + [UNKNOWN] * 2 + [NOT_SENT] * 2
    assert isinstance(error.report[7].error, NotAttempted)
    assert "time" in error.report[7].error.reason
    assert (len(server.at), clock.passed) == (6, about(10.0))


@virtual
async def test_the_requests_of_one_read_share_the_calls_time(clock: Clock, server: Server) -> None:
    server.latency = 4.0
    async with client(max_concurrency=1, timeout=Timeouts(call=10.0)) as sepahan:
        error = await failure(sepahan.status(range(1, 501)))
    assert isinstance(error, OutcomeUnknown)
    assert error.outcome is None
    assert (len(server.at), clock.passed) == (3, about(10.0))


@virtual
async def test_a_stream_goes_on_to_its_end_after_the_calls_time_and_sends_no_more(clock: Clock, server: Server) -> None:
    server.latency = 4.0
    async with client(max_concurrency=1, timeout=Timeouts(call=10.0)) as sepahan:
        reports = [report async for report in sepahan.send_stream(numbers(6), "سلام")]
    assert [report[0].outcome for report in reports] == [ACCEPTED] * 2 + [UNKNOWN] + [NOT_SENT] * 3
    assert (len(server.at), clock.passed) == (3, about(10.0))


# What a client may repeat in all


@virtual
async def test_an_outage_gets_ten_repeats_and_then_one_request_a_call(clock: Clock, server: Server) -> None:
    server.replies = [fail]
    async with client(retry=RetryPolicy()) as sepahan:
        counts, ends = [], []
        for _ in range(8):
            before = len(server.at)
            await failure(sepahan.credit())
            counts.append(len(server.at) - before)
            ends.append(clock.passed)
    assert counts == [3] * 5 + [1] * 3
    assert ends[-1] == ends[4]  # who may not repeat need not wait


@virtual
async def test_ten_successes_are_worth_a_repeat(clock: Clock, server: Server) -> None:
    async with client(retry=RetryPolicy()) as sepahan:
        server.replies = [fail]
        for _ in range(8):
            await failure(sepahan.credit())
        server.replies = [take]
        for _ in range(35):
            await sepahan.credit()
        server.replies = [fail]
        before = len(server.at)
        for _ in range(5):
            await failure(sepahan.credit())
    assert len(server.at) - before == 5 + 3


@virtual
async def test_calls_at_once_and_clients_with_other_options_share_the_repeats(clock: Clock, server: Server) -> None:
    server.replies = [fail]
    async with client(retry=RetryPolicy()) as sepahan:
        other = sepahan.with_options(sender="5000777")
        calls = [one.send("09123456789", "سلام") for one in (sepahan, other) * 10]
        await asyncio.gather(*calls, return_exceptions=True)
    assert len(server.at) == 20 + 10


@virtual
async def test_another_client_has_repeats_of_its_own(clock: Clock, server: Server) -> None:
    server.replies = [fail]
    for _ in range(2):
        async with client(retry=RetryPolicy(attempts=100)) as sepahan:
            await failure(sepahan.credit())
    assert len(server.at) == 2 * 11


# Requests a second


def most_in_a_second(at: list[float]) -> int:
    return max(sum(first <= moment < first + 1.0 for moment in at) for first in at)


@pytest.mark.parametrize("rate", [0.5, 1, 3.7, 20, 50])
@virtual
async def test_no_second_holds_more_than_the_rate_though_sleepers_wake_late(
    rate: float, clock: Clock, server: Server
) -> None:
    lateness = random.Random(7)
    clock.late = lambda: lateness.uniform(0.0, 0.015)
    count = int(rate * 4) + 2
    async with client(rate_limit=rate, max_concurrency=count) as sepahan:
        assert (await sepahan.send(numbers(count), "سلام")).ok
        await asyncio.sleep(30)
        assert (await sepahan.send(numbers(count), "سلام")).ok
    assert len(server.at) == 2 * count
    assert most_in_a_second(server.at) <= math.ceil(rate)


@virtual
async def test_the_rate_is_made_use_of(clock: Clock, server: Server) -> None:
    async with client(rate_limit=20, max_concurrency=50) as sepahan:
        assert (await sepahan.send(numbers(201), "سلام")).ok
    assert 10.0 <= clock.passed <= 10.5


@virtual
async def test_turns_are_taken_first_come_first_served(clock: Clock, server: Server) -> None:
    async with client(rate_limit=5) as sepahan:
        tasks = []
        for number in numbers(12):
            tasks.append(asyncio.create_task(sepahan.send(number, "سلام")))
            await asyncio.sleep(0.05)
        await asyncio.gather(*tasks)
    assert server.places == list(range(12))
    assert all(0.2 <= gap <= 0.21 for gap in server.gaps)


@virtual
async def test_a_small_call_waits_for_what_is_in_flight_of_a_large_one_and_not_for_all_of_it(
    clock: Clock, server: Server
) -> None:
    async with client(rate_limit=10, max_concurrency=4) as sepahan:
        large = asyncio.create_task(sepahan.send(numbers(100), "سلام"))
        await asyncio.sleep(1.0)
        before = len(server.at)
        assert (await sepahan.send(numbers(1, start=500), "سلام")).ok
        assert len(server.at) - before <= 5
        assert not large.done()
        assert (await large).ok


@virtual
async def test_repeats_take_turns_too(clock: Clock, server: Server) -> None:
    server.replies = [fail, fail, fail, take]
    async with client(rate_limit=2, retry=RetryPolicy(attempts=4, wait_initial=0.0)) as sepahan:
        assert (await sepahan.send(numbers(3), "سلام")).ok
    assert len(server.at) == 6
    assert min(server.gaps) >= 0.5


@virtual
async def test_one_that_gives_up_waiting_lets_nobody_go_early_or_starve(clock: Clock, server: Server) -> None:
    async with client(rate_limit=2) as sepahan:
        tasks = [asyncio.create_task(sepahan.send(number, "سلام")) for number in numbers(8)]
        await asyncio.sleep(0.1)
        for task in tasks[1::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert server.places == [0, 2, 4, 6]
    assert min(server.gaps) >= 0.5
    assert clock.passed <= 8 * 0.52


@virtual
async def test_with_options_keeps_the_turns_unless_it_sets_a_rate(clock: Clock, server: Server) -> None:
    async with client(rate_limit=1) as sepahan:
        await sepahan.credit()
        await sepahan.with_options(sender="5000777").credit()
        assert clock.passed == pytest.approx(1.0, abs=0.05)
        own = sepahan.with_options(rate_limit=10)
        for _ in range(3):
            await own.credit()
        assert clock.passed == pytest.approx(1.2, abs=0.05)
        free = sepahan.with_options(rate_limit=None)
        for _ in range(30):
            await free.credit()
        assert clock.passed == pytest.approx(1.2, abs=0.05)


@pytest.mark.parametrize("clock", [None, 1 / 64], ids=["a fine clock", "64 ticks a second"], indirect=True)
@virtual
async def test_a_batch_whose_turn_comes_after_the_calls_time_never_leaves(clock: Clock, server: Server) -> None:
    for call in (place / 10 + 0.01 for place in range(30)):
        server.at.clear()
        began = clock.exact
        async with client(rate_limit=1, max_concurrency=20, timeout=Timeouts(call=call)) as sepahan:
            error = await failure(sepahan.send(numbers(10), "سلام"))
        assert isinstance(error, PartialSendError)
        assert {result.outcome for result in error.report} == {ACCEPTED, NOT_SENT}
        assert len(error.report.accepted) == len(server.at) == 1 + int(call / 1.02)
        assert clock.exact - began <= call + 0.05


@virtual
async def test_one_that_cannot_wait_for_its_turn_takes_nobodys(clock: Clock, server: Server) -> None:
    async with client(rate_limit=1) as sepahan:
        hasty = sepahan.with_options(timeout=Timeouts(call=0.5))
        calls = [one.send(number, "سلام") for one, number in zip([sepahan] + [hasty] * 9, numbers(10), strict=True)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results[1:]] == [NotAttempted] * 9
        assert (await sepahan.send("09123456789", "سلام")).ok
    assert server.at == [0.0, pytest.approx(1.02, abs=0.05)]


# How long a request id is good


@virtual
async def test_a_request_id_goes_out_again_for_three_and_a_half_hours(clock: Clock, server: Server) -> None:
    server.replies, server.latency = [fail], HOUR
    retry = RetryPolicy(attempts=50, wait_initial=1.0, wait_max=1.0)
    timeout = Timeouts(read=2 * HOUR, total=2 * HOUR)
    async with client(retry=retry, timeout=timeout) as sepahan:
        error = await failure(sepahan.send("09123456789", "سلام", request_id="order-7"))
    assert error.outcome is UNKNOWN
    assert server.ids == ["order-7"] * 4
    assert server.at[-1] < 3.5 * HOUR
    assert clock.passed < 4 * HOUR + 10


@virtual
async def test_what_needs_no_id_goes_out_again_for_longer(clock: Clock, server: Server) -> None:
    server.replies, server.latency = [fail] * 6 + [take], HOUR
    retry = RetryPolicy(attempts=50, wait_initial=1.0, wait_max=1.0)
    async with client(retry=retry, timeout=Timeouts(read=2 * HOUR, total=2 * HOUR)) as sepahan:
        assert await sepahan.credit() == 5000
    assert server.at[-1] > 6 * HOUR


@virtual
async def test_a_repeat_whose_turn_comes_when_the_id_is_forgotten_never_leaves(clock: Clock, server: Server) -> None:
    server.replies = [fail, take]
    async with client(retry=RetryPolicy(), rate_limit=1 / (5 * HOUR)) as sepahan:
        error = await failure(sepahan.send("09123456789", "سلام", request_id="order-7"))
    assert error.outcome is UNKNOWN
    assert server.at == [0.0]


# The sandbox's clock


@pytest.fixture
def time_of_day() -> list[float]:
    """The sandbox's time, to be moved by hand."""
    return [NOON.timestamp()]


@pytest.fixture
async def box(time_of_day: list[float]) -> Any:
    async with Sandbox(clock=lambda: time_of_day[0]) as box:
        yield box


@pytest.mark.parametrize("kind", [AsyncSepahan, AsyncNajva])
async def test_a_message_in_the_sandbox_moves_from_the_queue_to_the_handset(
    kind: type[Any], box: Sandbox, time_of_day: list[float]
) -> None:
    async with client(kind, base_url=box.url(kind.provider.name)) as sms:
        ids = (await sms.send(numbers(2), "سلام")).message_ids
        seen = []
        for step in (0.0, 0.9, 0.2, 0.8, 0.2, 12 * HOUR):
            time_of_day[0] += step
            statuses = await sms.status(ids)
            assert len({one.status for one in statuses}) == 1
            assert {one.code for one in statuses} == {message.code for message in box.messages}
            seen.append(statuses[0].status)
    queued, sent, delivered = DeliveryStatus.QUEUED, DeliveryStatus.SENT, DeliveryStatus.DELIVERED
    assert seen == [queued, queued, sent, sent, delivered, delivered]
    assert [status.is_final for status in seen] == [False] * 4 + [True] * 2


async def test_messages_of_different_moments_move_each_by_its_own(box: Sandbox, time_of_day: list[float]) -> None:
    async with client(base_url=box.url("sepahan")) as sepahan:
        first = (await sepahan.send("09123456789", "سلام")).message_ids
        time_of_day[0] += 1.5
        second = (await sepahan.send("09123456789", "سلام")).message_ids
        statuses = await sepahan.status(first + second)
    assert [one.status for one in statuses] == [DeliveryStatus.SENT, DeliveryStatus.QUEUED]
    received = [message.received_at for message in box.messages]
    assert received[1] - received[0] == dt.timedelta(seconds=1.5)


async def test_the_sandbox_remembers_an_id_for_four_hours(box: Sandbox, time_of_day: list[float]) -> None:
    async with client(base_url=box.url("sepahan")) as sepahan:
        assert not await sepahan.check_request_id("order-7")
        assert (await sepahan.send("09123456789", "سلام", request_id="order-7")).ok
        for step in (0.0, 3.5 * HOUR, 0.5 * HOUR - 1):
            time_of_day[0] += step
            assert await sepahan.check_request_id("order-7")
            assert isinstance(
                await failure(sepahan.send("09123456789", "سلام", request_id="order-7")), DuplicateRequest
            )
        time_of_day[0] += 2
        assert not await sepahan.check_request_id("order-7")
        assert (await sepahan.send("09123456789", "سلام", request_id="order-7")).ok
        assert await sepahan.check_request_id("order-7")
    assert len(box.messages) == 2


async def test_a_refusal_does_not_make_the_sandbox_remember_an_id_for_longer(
    box: Sandbox, time_of_day: list[float]
) -> None:
    async with client(base_url=box.url("sepahan")) as sepahan:
        await sepahan.send("09123456789", "سلام", request_id="order-7")
        time_of_day[0] += 3 * HOUR
        await failure(sepahan.send("09123456789", "سلام", request_id="order-7"))
        time_of_day[0] += 2 * HOUR
        assert not await sepahan.check_request_id("order-7")


async def test_the_status_of_a_message_is_asked_for_a_day_and_by_night_after_it(
    box: Sandbox, time_of_day: list[float]
) -> None:
    async with client(base_url=box.url("sepahan")) as sepahan:
        ids = (await sepahan.send("09123456789", "سلام")).message_ids
        time_of_day[0] += 24 * HOUR
        assert (await sepahan.status(ids))[0].status is DeliveryStatus.DELIVERED
        time_of_day[0] += 14 * HOUR
        assert (await sepahan.status(ids))[0].status is DeliveryStatus.NOT_FOUND
        assert (await sepahan.old_status(ids))[0].status is DeliveryStatus.DELIVERED
