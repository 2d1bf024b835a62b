"""A sending call on a real loopback server: what stops it, what is told of it, and what each fault makes of it."""

from __future__ import annotations

import asyncio
import gc
import gzip
import time
import weakref
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from recipients import numbers
from virtual_time import skip_waits

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import (
    AuthenticationError,
    BatchEvent,
    ClientClosed,
    ConnectionFailed,
    InsufficientCredit,
    MalformedResponse,
    Message,
    NotAttempted,
    Outcome,
    OutcomeUnknown,
    PartialSendError,
    ProviderError,
    ResponseLost,
    RetryPolicy,
    SendReport,
    ServerError,
    SMSError,
    Timeouts,
)
from smscore.calls.ratelimit import RateLimit
from smscore.sandbox import Sandbox

Answer = Callable[[list[str], int], Awaitable[web.StreamResponse]]

LINE = "50003300"
ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome


def id_of(recipient: str) -> int:
    return int(recipient[-10:])


def taken(recipients: list[str]) -> web.Response:
    value = {"ids": [id_of(recipient) for recipient in recipients], "smsCount": 1, "totalPrice": 10 * len(recipients)}
    return web.json_response({"isSuccess": True, "value": value, "error": None})


def refused(code: int) -> web.Response:
    error = {"code": code, "message": "نه", "details": []}
    return web.json_response({"isSuccess": False, "value": None, "error": error}, status=401)


async def accept(recipients: list[str], _: int) -> web.StreamResponse:
    return taken(recipients)


def answers(*codes: int) -> Answer:
    """Each request's answer in turn: 0 takes it, a negative code refuses it, any other is an HTTP status."""

    async def answer(recipients: list[str], number: int) -> web.StreamResponse:
        code = codes[number] if number < len(codes) else 0
        if code > 0:
            return web.Response(status=code, text="<html>no</html>")
        return refused(code) if code else taken(recipients)

    return answer


@define
class Provider:
    """A server that counts what Sepahan's Send brings, and answers as it is told."""

    url: str = ""
    answer: Answer = accept
    requests: list[web.Request] = field(factory=list)
    recipients: list[list[str]] = field(factory=list)
    arrivals: list[float] = field(factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    opened: asyncio.Event = field(factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.arrivals.append(time.monotonic())
        number = len(self.requests)
        self.requests.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            body = await request.json() if request.body_exists else None
            self.recipients.append(body["reciverNumbers"] if isinstance(body, dict) else [])
            return await self.answer(self.recipients[-1], number)
        finally:
            self.in_flight -= 1

    async def hang(self, recipients: list[str], _: int) -> web.StreamResponse:
        await self.opened.wait()
        return taken(recipients)

    def client(self, **options: object) -> AsyncSepahan:
        settings = {"sender": LINE, "base_url": self.url, "retry": RetryPolicy.none(), "batch_size": 1}
        return AsyncSepahan("token", **(settings | options))


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    found = Provider()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    found.opened.set()
    await runner.cleanup()


@asynccontextmanager
async def raw_server(reply: bytes | None, *, reads: bool = True) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that takes whole requests and gives each ``reply``, None for not a byte; then it hangs up."""
    taken_whole: list[bytes] = []
    serving: set[asyncio.Task[None] | None] = set()
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        try:
            if not reads:
                await over.wait()
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            taken_whole.append(head + await reader.readexactly(int(length or 0)))
            if reply is not None:
                writer.write(reply)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], taken_whole
    finally:
        server.close()
        over.set()
        await asyncio.gather(*filter(None, serving))


async def free_port() -> int:
    async with raw_server(None) as (port, _):
        return port


async def failure(sending: Awaitable[SendReport]) -> SMSError:
    with pytest.raises(SMSError) as caught:
        await sending
    assert caught.value.report is not None
    return caught.value


async def outcome_of(sending: Awaitable[SendReport]) -> SendReport:
    """The report, whether it was given or came with an error."""
    try:
        return await sending
    except SMSError as error:
        if error.report is None:
            raise
        return error.report


def outcomes(report: SendReport) -> list[Outcome]:
    return [result.outcome for result in report]


def our_tasks() -> list[asyncio.Task[object]]:
    files = {task: Path(task.get_coro().cr_code.co_filename) for task in asyncio.all_tasks()}
    # The sandbox has tasks of its own for as long as it serves.
    return [task for task, file in files.items() if "smscore" in file.parts and "sandbox" not in file.parts]


@asynccontextmanager
async def time_until(provider: Provider, requests: int) -> AsyncIterator[None]:
    """A timeout that runs out as soon as so many requests have come."""
    async with asyncio.timeout(None) as limit:

        async def end() -> None:
            while len(provider.requests) < requests:  # noqa: ASYNC110  # the server tells by its list alone
                await asyncio.sleep(0.005)
            limit.reschedule(asyncio.get_running_loop().time())

        ending = asyncio.create_task(end())
        try:
            yield
        finally:
            ending.cancel()


# Order and concurrency


async def test_results_keep_the_order_given_when_batches_end_in_another(provider: Provider) -> None:
    ended = defaultdict(asyncio.Event)

    async def last_first(recipients: list[str], _: int) -> web.StreamResponse:
        place = id_of(recipients[0]) % 1000
        if place < 4:
            await ended[place + 1].wait()
        ended[place].set()
        return taken(recipients)

    provider.answer = last_first
    async with provider.client(max_concurrency=5) as client:
        report = await client.send(numbers(5), "سلام")
    assert [result.message_id for result in report] == [id_of(number) for number in numbers(5)]
    assert report.cost == 50


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_no_more_batches_are_in_flight_than_max_concurrency(provider: Provider, limit: int) -> None:
    async def slowly(recipients: list[str], _: int) -> web.StreamResponse:
        await asyncio.sleep(0.02)
        return taken(recipients)

    provider.answer = slowly
    async with provider.client(max_concurrency=limit) as client:
        assert (await client.send(numbers(10), "سلام")).ok
    assert provider.most_in_flight == limit


async def test_batches_hold_the_recipients_once_each(provider: Provider) -> None:
    async with provider.client(batch_size=3, max_concurrency=2) as client:
        await client.send(numbers(10), "سلام")
    assert [len(batch) for batch in provider.recipients] == [3, 3, 3, 1]
    assert sorted(number for batch in provider.recipients for number in batch) == numbers(10)


# The time for a whole call


async def test_the_end_of_the_calls_time_leaves_unknown_what_is_in_flight_and_not_sent_the_rest(
    provider: Provider,
) -> None:
    provider.answer = provider.hang
    async with provider.client(max_concurrency=2, timeout=Timeouts(call=1)) as client:
        start = time.monotonic()
        error = await failure(client.send(numbers(6), "سلام"))
    assert time.monotonic() - start < 30
    assert isinstance(error, PartialSendError)
    assert error.outcome is UNKNOWN
    assert outcomes(error.report) == [UNKNOWN] * 2 + [NOT_SENT] * 4
    assert all(isinstance(result.error, ResponseLost) for result in error.report.unknown)
    assert all(isinstance(result.error, NotAttempted) and result.error.reason for result in error.report.not_sent)
    assert len(provider.requests) == 2


async def test_the_end_of_the_calls_time_keeps_what_was_accepted_before(provider: Provider) -> None:
    async def two_then_hang(recipients: list[str], number: int) -> web.StreamResponse:
        return taken(recipients) if number < 2 else await provider.hang(recipients, number)

    provider.answer = two_then_hang
    async with provider.client(max_concurrency=1, timeout=Timeouts(call=1)) as client:
        error = await failure(client.send(numbers(5), "سلام"))
    assert outcomes(error.report) == [ACCEPTED, ACCEPTED, UNKNOWN, NOT_SENT, NOT_SENT]


async def test_one_batch_whose_time_runs_out_is_a_lost_response(provider: Provider) -> None:
    provider.answer = provider.hang
    async with provider.client(timeout=Timeouts(call=1)) as client:
        error = await failure(client.send("09123456789", "سلام"))
    assert type(error) is ResponseLost
    assert outcomes(error.report) == [UNKNOWN]


async def test_the_calls_time_bounds_a_read_of_several_requests(provider: Provider) -> None:
    async def slowly(_: list[str], __: int) -> web.StreamResponse:
        await asyncio.sleep(0.15)
        return web.json_response({"isSuccess": True, "value": [1] * 100, "error": None})

    provider.answer = slowly
    async with provider.client(max_concurrency=1, timeout=Timeouts(call=0.25)) as client:
        with pytest.raises(SMSError) as caught:
            await client.status(range(1, 501))
    assert caught.value.outcome is None
    assert len(provider.requests) <= 2


async def test_waiting_for_a_turn_counts_to_the_calls_time(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = skip_waits(monkeypatch)
    monkeypatch.setattr("smscore.clock.monotonic", lambda: sum(waits))
    async with provider.client(rate_limit=0.1, timeout=Timeouts(call=16)) as client:
        error = await failure(client.send(numbers(5), "سلام"))
    assert waits == [pytest.approx(10.2)]
    assert outcomes(error.report) == [ACCEPTED, ACCEPTED, NOT_SENT, NOT_SENT, NOT_SENT]
    assert error.outcome is None


async def test_a_slow_answer_is_a_lost_response_and_sent_once(provider: Provider) -> None:
    provider.answer = provider.hang
    async with provider.client(timeout=Timeouts(read=0.1)) as client:
        error = await failure(client.send("09123456789", "سلام"))
    assert type(error) is ResponseLost
    assert len(provider.requests) == 1


# What stops the rest


@pytest.mark.parametrize("code", [-1, -2, -3, -8, -9, -10, -11, -12, -13, -14, -15, -16, -17, -18, -19])
async def test_an_answer_that_meets_every_batch_starts_no_further_one(provider: Provider, code: int) -> None:
    provider.answer = answers(0, code)
    async with provider.client(max_concurrency=1) as client:
        error = await failure(client.send(numbers(5), "سلام"))
    assert len(provider.requests) == 2
    assert outcomes(error.report) == [ACCEPTED, REJECTED, NOT_SENT, NOT_SENT, NOT_SENT]
    assert all(isinstance(result.error, NotAttempted) and result.error.reason for result in error.report.not_sent)


@pytest.mark.parametrize("code", [-4, -5, -6, -7, -20, -21, -99])
async def test_an_answer_to_one_batch_alone_lets_the_rest_go(provider: Provider, code: int) -> None:
    provider.answer = answers(0, code)
    async with provider.client(max_concurrency=1) as client:
        error = await failure(client.send(numbers(4), "سلام"))
    assert isinstance(error, PartialSendError)
    assert outcomes(error.report) == [ACCEPTED, REJECTED, ACCEPTED, ACCEPTED]


async def test_what_was_in_flight_at_a_fatal_answer_keeps_its_own_result(provider: Provider) -> None:
    async def second_is_slow(recipients: list[str], number: int) -> web.StreamResponse:
        if recipients == [numbers(2)[0]]:
            return refused(-14)
        await asyncio.sleep(0.1)
        return taken(recipients)

    provider.answer = second_is_slow
    async with provider.client(max_concurrency=2) as client:
        error = await failure(client.send(numbers(5), "سلام"))
    assert outcomes(error.report) == [REJECTED, ACCEPTED, NOT_SENT, NOT_SENT, NOT_SENT]
    assert isinstance(error.errors[0], InsufficientCredit)


async def test_a_single_recipients_own_code_stops_nothing(provider: Provider) -> None:
    async def first_refused_alone(recipients: list[str], number: int) -> web.StreamResponse:
        ids = [-14] if number == 0 else [id_of(recipients[0])]
        return web.json_response({"isSuccess": True, "value": {"ids": ids}, "error": None})

    provider.answer = first_refused_alone
    async with provider.client(max_concurrency=1) as client:
        report = await client.send(numbers(4), "سلام")
    assert outcomes(report) == [REJECTED, ACCEPTED, ACCEPTED, ACCEPTED]
    assert not report.ok


async def test_a_refusal_in_html_stops_the_rest_by_its_http_status(provider: Provider) -> None:
    provider.answer = answers(*[403] * 5)
    async with provider.client(max_concurrency=1) as client:
        error = await failure(client.send(numbers(5), "سلام"))
    assert type(error) is AuthenticationError
    assert error.http_status == 403
    assert len(provider.requests) == 1


@pytest.mark.parametrize("status", [200, 500, 502])
async def test_three_batches_in_a_row_without_a_usable_answer_stop_the_rest(provider: Provider, status: int) -> None:
    provider.answer = answers(*[status] * 10)
    async with provider.client(max_concurrency=1) as client:
        error = await failure(client.send(numbers(10), "سلام"))
    assert len(provider.requests) == 3
    assert outcomes(error.report) == [UNKNOWN] * 3 + [NOT_SENT] * 7
    assert isinstance(error, PartialSendError)
    assert isinstance(error.errors[0], MalformedResponse if status == 200 else ServerError)


@pytest.mark.parametrize("between", [0, -4])
async def test_a_usable_answer_resets_the_count_of_dead_batches(provider: Provider, between: int) -> None:
    provider.answer = answers(500, 500, between, 500, 500, between)
    async with provider.client(max_concurrency=1) as client:
        error = await failure(client.send(numbers(7), "سلام"))
    assert len(provider.requests) == 7
    assert len(error.report.unknown) == 4


async def test_three_batches_without_a_connection_stop_the_rest() -> None:
    client = Provider(url=f"http://127.0.0.1:{await free_port()}").client(max_concurrency=1)
    async with client:
        error = await failure(client.send(numbers(6), "سلام"))
    assert type(error) is ConnectionFailed
    assert outcomes(error.report) == [NOT_SENT] * 6
    assert [type(result.error) for result in error.report] == [ConnectionFailed] * 3 + [NotAttempted] * 3


async def test_everybody_unknown_raises_the_first_ones_error(provider: Provider) -> None:
    provider.answer = answers(500, 500)
    async with provider.client() as client:
        error = await failure(client.send(numbers(2), "سلام"))
    assert type(error) is ServerError
    assert outcomes(error.report) == [UNKNOWN, UNKNOWN]


# The journal


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_journal_hears_of_each_batch_before_its_request_and_after_its_end(
    provider: Provider, kind: str
) -> None:
    heard: list[tuple[str, int, int]] = []
    events: list[BatchEvent] = []

    def note(event: BatchEvent) -> None:
        heard.append((event.state, event.index, len(provider.requests)))
        events.append(event)

    async def note_later(event: BatchEvent) -> None:
        await asyncio.sleep(0)
        note(event)

    async with provider.client(max_concurrency=1, batch_size=2) as client:
        report = await client.send(numbers(4), "سلام", on_batch=note if kind == "sync" else note_later)
    assert heard == [("sending", 0, 0), ("done", 0, 1), ("sending", 1, 1), ("done", 1, 2)]
    assert [event.recipients for event in events[::2]] == [
        tuple(result.recipient for result in report[start : start + 2]) for start in (0, 2)
    ]
    sent_ids = [request.headers["Request-Id"] for request in provider.requests]
    assert [event.request_id for event in events] == [sent_ids[0]] * 2 + [sent_ids[1]] * 2
    assert [event.report and list(event.report) for event in events] == [None, report[:2], None, report[2:]]


async def test_a_journal_hears_of_failed_batches_too(provider: Provider) -> None:
    provider.answer = answers(500)
    done: list[SendReport] = []
    async with provider.client() as client:
        await failure(client.send("09123456789", "سلام", on_batch=lambda event: done.append(event.report)))
    assert done[0] is None
    assert outcomes(done[1]) == [UNKNOWN]


async def test_a_journal_of_messages_gets_their_refs_back(provider: Provider) -> None:
    reports: list[SendReport] = []
    async with provider.client() as client:
        await client.send_p2p(
            [Message("09123456789", "سلام", ref="row 7")], on_batch=lambda e: reports.append(e.report)
        )
    assert [result.ref for result in reports[1]] == ["row 7"]


async def test_a_journal_that_raises_before_a_send_stops_that_batch_and_all_after_it(provider: Provider) -> None:
    def full(event: BatchEvent) -> None:
        if event.index == 1:
            raise OSError("disk full")

    async with provider.client(max_concurrency=1) as client:
        error = await failure(client.send(numbers(4), "سلام", on_batch=full))
    assert len(provider.requests) == 1
    assert outcomes(error.report) == [ACCEPTED, NOT_SENT, NOT_SENT, NOT_SENT]
    assert all(isinstance(result.error, NotAttempted) and result.error.reason for result in error.report.not_sent)


async def test_a_journal_that_raises_at_first_sends_nothing(provider: Provider) -> None:
    async def full(_: BatchEvent) -> None:
        raise OSError("disk full")

    async with provider.client() as client:
        error = await failure(client.send(numbers(3), "سلام", on_batch=full))
    assert type(error) is NotAttempted
    assert provider.requests == []


async def test_a_journal_that_raises_after_a_send_keeps_the_result_and_stops_the_rest(provider: Provider) -> None:
    def full(event: BatchEvent) -> None:
        if event.state == "done":
            raise OSError("disk full")

    async with provider.client(max_concurrency=1) as client:
        error = await failure(client.send(numbers(3), "سلام", on_batch=full))
    assert len(provider.requests) == 1
    assert outcomes(error.report) == [ACCEPTED, NOT_SENT, NOT_SENT]
    assert error.report[0].message_id == id_of(numbers(1)[0])


async def test_every_batch_that_a_journal_heard_of_gets_an_end(provider: Provider) -> None:
    heard: list[tuple[str, int]] = []
    first_is_done = asyncio.Event()

    async def note(event: BatchEvent) -> None:
        heard.append((event.state, event.index))
        if event.state == "done":
            first_is_done.set()
        elif event.index == 1:
            await first_is_done.wait()

    provider.answer = answers(-1)
    async with provider.client(max_concurrency=2) as client:
        error = await failure(client.send(numbers(2), "سلام", on_batch=note))
    assert outcomes(error.report) == [REJECTED, NOT_SENT]
    assert len(provider.requests) == 1
    assert heard[-1] == ("done", 1)


async def test_the_request_id_given_is_numbered_by_batch_and_stands_on_the_results(provider: Provider) -> None:
    async with provider.client(max_concurrency=1) as client:
        report = await client.send(numbers(2), "سلام", request_id="order-7")
        single = await client.send("09123456789", "سلام", request_id="order-8")
    assert [result.request_id for result in report] == ["order-7-1", "order-7-2"]
    assert single[0].request_id == "order-8"
    assert [r.headers["Request-Id"] for r in provider.requests] == ["order-7-1", "order-7-2", "order-8"]
    assert [r.headers["requestId"] for r in provider.requests] == ["order-7-1", "order-7-2", "order-8"]


# Requests a second


async def most_lateness(over: asyncio.Event) -> float:
    """By how much a busy machine made this loop late, at worst."""
    worst = 0.0
    while not over.is_set():
        before = time.monotonic()
        await asyncio.sleep(0.005)
        worst = max(worst, time.monotonic() - before - 0.005)
    return worst


async def test_the_journal_hears_of_a_batch_when_its_turn_has_come(provider: Provider) -> None:
    journal: list[BatchEvent] = []
    arrived = asyncio.Event()

    async def answer(recipients: list[str], _: int) -> web.StreamResponse:
        arrived.set()
        return taken(recipients)

    provider.answer = answer
    async with provider.client(rate_limit=0.5, max_concurrency=5) as client:
        sending = asyncio.create_task(client.send(numbers(50), "سلام", on_batch=journal.append))
        await arrived.wait()
        assert [event.index for event in journal if event.state == "sending"] == [0]
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending


async def test_the_rate_holds_in_every_second_by_the_servers_clock(provider: Provider) -> None:
    rate, over = 20, asyncio.Event()
    late = asyncio.create_task(most_lateness(over))
    async with provider.client(rate_limit=rate) as client:
        assert (await client.send(numbers(rate + 5), "سلام")).ok
    over.set()
    spans = [later - earlier for earlier, later in zip(provider.arrivals, provider.arrivals[rate:], strict=False)]
    assert len(spans) == 5
    assert min(spans) >= 1.0 - 2 * await late


@given(
    rate=st.floats(min_value=0.1, max_value=1000),
    waits=st.lists(st.floats(min_value=0, max_value=3), min_size=1, max_size=60),
)
def test_turns_never_come_faster_than_the_rate(rate: float, waits: list[float]) -> None:
    limit, now, turns = RateLimit(rate), 100.0, []
    for wait in waits:
        now += wait
        delay = limit.reserve(now)
        assert delay is not None
        assert delay >= 0
        turns.append(now + delay)
    assert all(later - earlier >= 1 / rate for earlier, later in pairwise(turns))


def test_a_turn_that_would_come_too_late_is_not_taken() -> None:
    limit = RateLimit(1)
    assert limit.reserve(10.0) == 0
    assert limit.reserve(10.0, max_wait=0.5) > 0.5
    assert limit.reserve(10.0) == pytest.approx(1.02, abs=0.05)


# Cancelling


@pytest.mark.parametrize("count", [1, 6])
async def test_a_cancel_ends_a_send_at_once_and_leaves_no_task(provider: Provider, count: int) -> None:
    provider.answer = provider.hang
    async with provider.client(max_concurrency=3) as client:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            async with time_until(provider, min(count, 3)):
                await client.send(numbers(count), "سلام")
        assert time.monotonic() - start < 30
        assert our_tasks() == []
        sent = len(provider.requests)
        await asyncio.sleep(0.05)
        assert len(provider.requests) == sent == min(count, 3)


async def test_a_client_works_on_after_a_cancelled_send(provider: Provider) -> None:
    provider.answer = provider.hang
    async with provider.client() as client:
        with pytest.raises(TimeoutError):
            async with time_until(provider, 1):
                await client.send(numbers(3), "سلام")
        provider.answer = accept
        assert (await client.send(numbers(3), "سلام")).ok


async def test_a_cancelled_send_leaves_a_journal_that_says_what_was_under_way(provider: Provider) -> None:
    provider.answer = provider.hang
    heard: list[str] = []
    async with provider.client() as client:
        with pytest.raises(TimeoutError):
            async with time_until(provider, 1):
                await client.send("09123456789", "سلام", on_batch=lambda event: heard.append(event.state))
    assert heard == ["sending"]


# What each fault makes of a request


async def test_a_refused_connection_is_not_sent() -> None:
    async with Provider(url=f"http://127.0.0.1:{await free_port()}").client() as client:
        error = await failure(client.send("09123456789", "سلام"))
        with pytest.raises(ConnectionFailed) as read:
            await client.credit()
    assert type(error) is ConnectionFailed
    assert error.outcome is NOT_SENT
    assert read.value.outcome is None


async def test_a_handshake_that_never_ends_is_not_sent() -> None:
    async with raw_server(None, reads=False) as (port, _):
        client = Provider(url=f"https://127.0.0.1:{port}").client(timeout=Timeouts(connect=0.2, total=5))
        async with client:
            error = await failure(client.send("09123456789", "سلام"))
    assert type(error) is ConnectionFailed


@pytest.mark.parametrize("kind", [AsyncSepahan, AsyncNajva, AsyncIPPanel])
async def test_a_send_that_was_read_and_dropped_is_unknown_and_went_once(kind: type) -> None:
    async with raw_server(None) as (port, requests):
        options = {"sender": LINE, "base_url": f"http://127.0.0.1:{port}", "retry": RetryPolicy.none()}
        async with kind("token", **options) as client:
            error = await failure(client.send(["09123456789", "09123456780"], "سلام"))
    assert type(error) is ResponseLost
    assert error.outcome is UNKNOWN
    assert outcomes(error.report) == [UNKNOWN, UNKNOWN]
    assert len(requests) == 1


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        (AsyncSepahan, lambda client: client.credit()),
        (AsyncSepahan, lambda client: client.check_request_id("a")),
        (AsyncSepahan, lambda client: client.status([1])),
        (AsyncNajva, lambda client: client.outbox()),
        (AsyncNajva, lambda client: client.upload_file(b"x" * 1000, filename="a.png")),
    ],
)
async def test_a_read_that_was_taken_and_dropped_is_a_lost_response_and_tried_once(
    kind: type, read: Callable[[object], Awaitable[object]]
) -> None:
    async with raw_server(None) as (port, requests):
        client = kind("token", base_url=f"http://127.0.0.1:{port}", retry=RetryPolicy.none())
        with pytest.raises(ResponseLost) as caught:
            await read(client)
        await client.aclose()
    assert caught.value.outcome is None
    assert len(requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"bonjour\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 20_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
    ids=["cut off", "cut off in chunks", "no gzip", "no HTTP", "endless header", "TLS"],
)
async def test_a_broken_answer_leaves_a_send_unknown(reply: bytes) -> None:
    async with raw_server(reply) as (port, requests), Provider(url=f"http://127.0.0.1:{port}").client() as client:
        error = await failure(client.send("09123456789", "سلام"))
    assert isinstance(error, OutcomeUnknown)
    assert outcomes(error.report) == [UNKNOWN]
    assert len(requests) == 1


@pytest.mark.parametrize(
    "retry_after",
    ["Mon, 01 Jan 2030 00:00:00 +99999999999999999999", "Mon, 01 Jan 99999999999999 00:00:00 GMT", "soon"],
)
async def test_an_odd_retry_after_does_not_spoil_a_good_answer(provider: Provider, retry_after: str) -> None:
    async def with_header(recipients: list[str], _: int) -> web.StreamResponse:
        response = taken(recipients)
        response.headers["Retry-After"] = retry_after
        return response

    provider.answer = with_header
    async with provider.client() as client:
        assert (await outcome_of(client.send("09123456789", "سلام"))).ok


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(provider: Provider, status: int) -> None:
    async def elsewhere(_: list[str], __: int) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": provider.url + "/elsewhere"})

    provider.answer = elsewhere
    async with provider.client() as client:
        error = await failure(client.send("09123456789", "سلام"))
    assert type(error) is ProviderError
    assert error.http_status == status
    assert [request.path for request in provider.requests] == ["/api/Sms/Send"]


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "a gzip bomb"])
async def test_an_answer_too_large_to_be_one_is_malformed(provider: Provider, zipped: bool) -> None:
    piece = b" " * (1024 * 1024)
    headers = {"Content-Encoding": "gzip"} if zipped else {}
    body = gzip.compress(piece * 80, 1) if zipped else piece * 80

    async def large(_: list[str], __: int) -> web.StreamResponse:
        return web.Response(body=body, headers=headers)

    provider.answer = large
    async with provider.client() as client:
        error = await failure(client.send("09123456789", "سلام"))
    assert type(error) is MalformedResponse
    assert outcomes(error.report) == [UNKNOWN]


async def test_cookies_are_not_kept(provider: Provider) -> None:
    async def with_cookie(recipients: list[str], _: int) -> web.StreamResponse:
        response = taken(recipients)
        response.set_cookie("session", "1")
        return response

    provider.answer = with_cookie
    async with provider.client(max_concurrency=1) as client:
        await client.send(numbers(2), "سلام")
    assert [request.headers.get("Cookie") for request in provider.requests] == [None, None]


async def test_proxies_of_the_environment_are_not_used(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with provider.client() as client:
        assert (await client.send("09123456789", "سلام")).ok


async def test_requests_one_after_the_other_share_a_connection(provider: Provider) -> None:
    async with provider.client(max_concurrency=1) as client:
        await client.send(numbers(3), "سلام")
    assert len({id(request.transport) for request in provider.requests}) == 1


# A session of the caller's


async def test_a_borrowed_session_is_used_and_never_closed(provider: Provider) -> None:
    async with aiohttp.ClientSession(headers={"X-Mine": "yes"}) as session:
        async with provider.client(session=session) as client:
            assert (await client.send(numbers(2), "سلام")).ok
        assert not session.closed
    assert [request.headers["X-Mine"] for request in provider.requests] == ["yes", "yes"]


async def test_a_borrowed_session_tells_as_well_whether_a_request_left() -> None:
    async with aiohttp.ClientSession() as session, raw_server(None) as (port, requests):
        dropped = Provider(url=f"http://127.0.0.1:{port}").client(session=session)
        gone = Provider(url=f"http://127.0.0.1:{await free_port()}").client(session=session)
        assert type(await failure(dropped.send("09123456789", "سلام"))) is ResponseLost
        assert type(await failure(gone.send("09123456789", "سلام"))) is ConnectionFailed
        with pytest.raises(ResponseLost):
            await dropped.credit()
    assert len(requests) == 2


async def test_a_borrowed_session_that_raises_for_status_hides_no_refusal(provider: Provider) -> None:
    provider.answer = answers(-14)
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        error = await failure(provider.client(session=session).send("09123456789", "سلام"))
    assert type(error) is InsufficientCredit
    assert error.code == -14


async def test_a_borrowed_session_that_is_closed_sends_nothing(provider: Provider) -> None:
    session = aiohttp.ClientSession()
    await session.close()
    with pytest.raises(ClientClosed):
        await provider.client(session=session).send("09123456789", "سلام")
    assert provider.requests == []


# Several loops


def client_of(box: Sandbox) -> AsyncSepahan:
    return AsyncSepahan("token", sender=LINE, base_url=box.url("sepahan"))


def test_one_client_works_in_one_loop_after_another() -> None:
    with Sandbox() as box:
        client = client_of(box)
        reports = [asyncio.run(client.send("09123456789", "سلام")) for _ in range(3)]
        asyncio.run(client.aclose())
        with pytest.raises(ClientClosed):
            asyncio.run(client.send("09123456789", "سلام"))
    assert [report.ok for report in reports] == [True] * 3
    assert len(box.messages) == 3


async def test_one_client_works_in_two_loops_at_once() -> None:
    with Sandbox() as box:
        async with client_of(box) as client:
            here, there = await asyncio.gather(
                client.send(numbers(300), "سلام"),
                asyncio.to_thread(lambda: asyncio.run(client.send(numbers(300), "سلام"))),
            )
    assert here.ok
    assert there.ok
    assert len(box.messages) == 600


def test_a_client_releases_a_loop_that_ended() -> None:
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def send(client: AsyncSepahan) -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await client.send("09123456789", "سلام")

    with Sandbox() as box:
        client = client_of(box)
        for _ in range(3):
            asyncio.run(send(client))
        gc.collect()
        alive = [loop() for loop in loops if loop() is not None]
        asyncio.run(client.aclose())
    assert alive == []
