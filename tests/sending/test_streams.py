"""Streams: sources of any length and kind, a report a batch, and what ends them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from attrs import define, field
from recipients import numbers

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import (
    ClientClosed,
    InvalidNumber,
    InvalidRequest,
    Message,
    NotAttempted,
    Outcome,
    PartialSendError,
    RetryPolicy,
    SendReport,
    ServerError,
    Timeouts,
)
from smscore.sandbox import Sandbox

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome
LINE = "50003300"


def e164(count: int) -> list[str]:
    return [f"+98912{place:07}" for place in range(count)]


async def collected(stream: AsyncIterator[SendReport]) -> list[SendReport]:
    """All reports, in the order of what the stream was given."""
    return sorted([report async for report in stream], key=lambda report: report.offset)


async def until_it_raises(stream: AsyncIterator[SendReport], kind: type[Exception]) -> list[SendReport]:
    """The reports that came before this error."""
    reports: list[SendReport] = []
    with pytest.raises(kind):  # noqa: PT012 (the loop is what raises)
        async for report in stream:
            reports.append(report)  # noqa: PERF401 (an error must not lose them)
    return sorted(reports, key=lambda report: report.offset)


def our_tasks() -> list[asyncio.Task[object]]:
    files = {task: Path(task.get_coro().cr_code.co_filename) for task in asyncio.all_tasks()}
    # The sandbox has tasks of its own for as long as it serves.
    return [task for task, file in files.items() if "smscore" in file.parts and "sandbox" not in file.parts]


# Providers: the sandbox, and a server that answers as it is told


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox() as box:
        yield box


@pytest.fixture
async def sepahan(box: Sandbox) -> AsyncIterator[AsyncSepahan]:
    async with AsyncSepahan("token", sender=LINE, base_url=box.url("sepahan")) as client:
        yield client


@pytest.fixture
async def najva(box: Sandbox) -> AsyncIterator[AsyncNajva]:
    async with AsyncNajva("token", base_url=box.url("najva"), batch_size=4) as client:
        yield client


@define
class Provider:
    """A server of Sepahan's Send that holds every answer back until it is told, and keeps what came."""

    url: str = ""
    sent: list[list[str]] = field(factory=list)
    codes: list[int] = field(factory=list)
    """Each request's answer in turn: 0 takes it, a negative code refuses it, any other is an HTTP status."""
    gates: dict[int, asyncio.Event] = field(factory=dict)
    """The requests, by number, that wait for their gate."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        number = len(self.sent)
        recipients = (await request.json())["reciverNumbers"]
        self.sent.append(recipients)
        if number in self.gates:
            await self.gates[number].wait()
        code = self.codes[number] if number < len(self.codes) else 0
        if code > 0:
            return web.Response(status=code)
        if code < 0:
            return web.json_response({"isSuccess": False, "error": {"code": code}}, status=401)
        return web.json_response({"isSuccess": True, "value": {"ids": [int(to[1:]) for to in recipients]}})

    def client(self, **options: object) -> AsyncSepahan:
        settings = {"sender": LINE, "base_url": self.url, "retry": RetryPolicy.none(), "batch_size": 10}
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
    for gate in found.gates.values():
        gate.set()
    await runner.cleanup()


def closed_gates(count: int) -> dict[int, asyncio.Event]:
    return {number: asyncio.Event() for number in range(count)}


@define
class Counted:
    """A source that counts how many of its items were taken; it may break off after some."""

    count: int
    breaks_after: int | None = None
    taken: int = 0

    def __iter__(self) -> Iterator[str]:
        for number in numbers(self.count):
            if self.taken == self.breaks_after:
                raise LookupError("the cursor is gone")
            self.taken += 1
            yield number


class CountedAsync(Counted):
    async def __aiter__(self) -> AsyncGenerator[str, None]:
        for number in Counted.__iter__(self):
            await asyncio.sleep(0)
            yield number

    __iter__ = None


# What a stream takes, and what it gives


async def in_turn(items: list[str]) -> AsyncGenerator[str, None]:
    for item in items:
        yield item


@pytest.mark.parametrize(
    "source",
    [list, tuple, iter, dict.fromkeys, lambda items: (item for item in items), in_turn],
    ids=["list", "tuple", "iterator", "dict", "generator", "async generator"],
)
async def test_a_stream_takes_any_source_and_reports_each_batch(
    sepahan: AsyncSepahan, box: Sandbox, source: Callable[[list[str]], object]
) -> None:
    reports = await collected(sepahan.send_stream(source(numbers(250)), "سلام"))
    assert [(report.offset, len(report)) for report in reports] == [(0, 100), (100, 100), (200, 50)]
    assert all(report.ok for report in reports)
    assert [result.recipient for report in reports for result in report] == e164(250)
    assert sorted(message.recipient for message in box.messages) == e164(250)


@pytest.mark.parametrize("one", ["09123456789", 9123456789])
async def test_a_stream_takes_one_recipient_too(sepahan: AsyncSepahan, one: str | int) -> None:
    (report,) = await collected(sepahan.send_stream(one, "سلام"))
    assert [result.recipient for result in report] == ["+989123456789"]


@pytest.mark.parametrize("source", [list, iter, in_turn])
async def test_an_empty_source_gives_no_report(
    sepahan: AsyncSepahan, box: Sandbox, source: Callable[[list[str]], object]
) -> None:
    assert await collected(sepahan.send_stream(source([]), "سلام")) == []
    assert await collected(sepahan.send_p2p_stream(source([]))) == []
    assert box.messages == []


async def test_a_p2p_stream_takes_messages_and_pairs_and_gives_refs_back(sepahan: AsyncSepahan, box: Sandbox) -> None:
    messages = [(number, f"متن {place}") for place, number in enumerate(numbers(120))]
    messages[110] = Message(*messages[110], ref="the 111th")
    reports = await collected(sepahan.send_p2p_stream(iter(messages)))
    assert [(report.offset, len(report)) for report in reports] == [(0, 100), (100, 20)]
    assert reports[1][10].ref == "the 111th"
    assert {message.recipient: message.text for message in box.messages} == {
        number: f"متن {place}" for place, number in enumerate(e164(120))
    }


async def test_a_stream_of_a_provider_without_a_limit_goes_in_batches_of_ten_thousand(box: Sandbox) -> None:
    async with AsyncIPPanel("token", sender="+983000505", base_url=box.url("ippanel")) as client:
        reports = await collected(client.send_stream(numbers(10_050), "سلام"))
    assert [(report.offset, len(report)) for report in reports] == [(0, 10_000), (10_000, 50)]
    assert [len(report.message_ids) for report in reports] == [1, 1]


async def test_reports_come_as_batches_finish(provider: Provider) -> None:
    provider.gates = {0: asyncio.Event()}
    async with provider.client() as client:
        offsets: list[int] = []
        async for report in client.send_stream(numbers(30), "سلام"):
            offsets.append(report.offset)
            if len(offsets) == 2:
                provider.gates[0].set()
    assert offsets[2] == 0
    assert sorted(offsets) == [0, 10, 20]


async def test_each_batch_of_a_stream_has_an_index_and_a_request_id_of_its_own(sepahan: AsyncSepahan) -> None:
    heard: list[tuple[str, int, str | None]] = []
    stream = sepahan.send_stream(
        numbers(250), "سلام", on_batch=lambda event: heard.append((event.state, event.index, event.request_id))
    )
    reports = await collected(stream)
    assert sorted((state, index) for state, index, _ in heard) == [
        (s, i) for s in ("done", "sending") for i in range(3)
    ]
    assert len({request_id for _, _, request_id in heard}) == 3
    assert {report[0].request_id for report in reports} == {request_id for _, _, request_id in heard}


# Bad input


async def test_a_bad_number_becomes_a_result_and_the_others_are_sent(sepahan: AsyncSepahan, box: Sandbox) -> None:
    source: list[object] = [*numbers(150)]
    source[3], source[120], source[121] = "0211234567", None, 5.5
    reports = await collected(sepahan.send_stream(source, "سلام"))
    results = [result for report in reports for result in report]
    assert [place for place, result in enumerate(results) if result.outcome is NOT_SENT] == [3, 120, 121]
    assert [result.error.numbers for result in results if result.error] == [
        [(3, "0211234567")],
        [(120, None)],
        [(121, 5.5)],
    ]
    assert all(type(result.error) is InvalidNumber for result in results if result.error)
    assert results[3].recipient == "0211234567"
    good = [number for place, number in enumerate(e164(150)) if place not in (3, 120, 121)]
    assert [result.recipient for result in results if result.outcome is ACCEPTED] == good
    assert sorted(message.recipient for message in box.messages) == good


async def test_a_batch_of_bad_numbers_alone_makes_no_request(sepahan: AsyncSepahan, box: Sandbox) -> None:
    (report,) = await collected(sepahan.send_stream(["1", "2"], "سلام"))
    assert [result.outcome for result in report] == [NOT_SENT, NOT_SENT]
    assert box.messages == []
    with pytest.raises(InvalidNumber):
        report.raise_for_failures()


@pytest.mark.parametrize(
    ("text", "options"), [("", {}), ("  ", {}), (None, {}), ("\ud800", {}), ("سلام", {"sender": 5.5})]
)
async def test_a_bad_text_or_sender_raises(sepahan: AsyncSepahan, box: Sandbox, text: object, options: dict) -> None:
    with pytest.raises(InvalidRequest):
        await collected(sepahan.send_stream(numbers(2), text, **options))
    assert box.messages == []


async def test_a_stream_without_a_sender_raises(box: Sandbox) -> None:
    async with AsyncSepahan("token", base_url=box.url("sepahan")) as client:
        with pytest.raises(InvalidRequest):
            await collected(client.send_stream(numbers(2), "سلام"))
        with pytest.raises(InvalidRequest):
            await collected(client.send_p2p_stream([("09123456789", "سلام")]))
    assert box.messages == []


@pytest.mark.parametrize("source", ["0211234567", 5.5, float("nan"), True])
async def test_one_bad_number_in_place_of_a_source_is_not_sent(
    sepahan: AsyncSepahan, box: Sandbox, source: object
) -> None:
    (report,) = await collected(sepahan.send_stream(source, "سلام"))
    assert [(result.outcome, type(result.error)) for result in report] == [(NOT_SENT, InvalidNumber)]
    assert box.messages == []


@pytest.mark.parametrize("source", [None, object(), b"09123456789"])
async def test_an_invalid_source_raises(sepahan: AsyncSepahan, source: object) -> None:
    with pytest.raises(InvalidRequest):
        await collected(sepahan.send_stream(source, "سلام"))


@pytest.mark.parametrize("bad", [("09123456789", ""), ("09123456789", None), "09123456789", None, ("a", "b", "c")])
async def test_a_bad_message_raises_after_what_is_in_flight_was_reported(provider: Provider, bad: object) -> None:
    messages: list[object] = [(number, "سلام") for number in numbers(40)]
    messages[25] = bad
    async with provider.client() as client:
        reports = await until_it_raises(client.send_p2p_stream(messages), InvalidRequest)
    assert [report.offset for report in reports] == [0, 10]
    assert all(report.ok for report in reports)
    assert len(provider.sent) == 2


async def test_a_stream_of_a_closed_client_raises(sepahan: AsyncSepahan, box: Sandbox) -> None:
    await sepahan.aclose()
    with pytest.raises(ClientClosed):
        await collected(sepahan.send_stream(numbers(2), "سلام"))
    assert box.messages == []


# How far ahead a source is read, and what becomes of one that fails


@pytest.mark.parametrize("kind", [Counted, CountedAsync])
@pytest.mark.parametrize("limit", [1, 3])
async def test_a_source_is_read_at_most_one_batch_further_than_what_is_in_flight(
    provider: Provider, kind: type[Counted], limit: int
) -> None:
    provider.gates = closed_gates(20)
    source = kind(200)
    async with provider.client(max_concurrency=limit) as client:
        stream = client.send_stream(source, "سلام")
        first = asyncio.create_task(anext(stream))
        async with asyncio.timeout(10):
            while len(provider.sent) < limit:  # noqa: ASYNC110  # the server tells by its list alone
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert len(provider.sent) == limit
        assert source.taken <= (limit + 1) * 10
        provider.gates[0].set()
        assert (await first).ok
        await asyncio.sleep(0.05)
        assert source.taken <= (limit + 2) * 10
        await stream.aclose()


@pytest.mark.parametrize("kind", [Counted, CountedAsync])
async def test_the_error_of_a_source_comes_after_the_reports_of_what_it_gave(
    provider: Provider, kind: type[Counted]
) -> None:
    async with provider.client() as client:
        reports = await until_it_raises(client.send_stream(kind(100, breaks_after=25), "سلام"), LookupError)
    assert [report.offset for report in reports] == [0, 10]
    assert len(provider.sent) == 2
    assert our_tasks() == []


# The end of a stream


async def test_closing_a_stream_early_cancels_what_is_in_flight(provider: Provider) -> None:
    provider.gates = {number: gate for number, gate in closed_gates(20).items() if number}
    async with provider.client(max_concurrency=3) as client:
        stream = client.send_stream(Counted(200), "سلام")
        assert (await anext(stream)).offset == 0
        start = time.monotonic()
        await stream.aclose()
        assert time.monotonic() - start < 30
        assert our_tasks() == []
        sent = len(provider.sent)
        await asyncio.sleep(0.05)
    assert len(provider.sent) == sent <= 4


def test_a_stream_left_open_ends_with_its_loop_and_quietly(caplog: pytest.LogCaptureFixture) -> None:
    async def look_at_one(url: str) -> SendReport:
        client = AsyncSepahan("token", sender=LINE, base_url=url, batch_size=10, max_concurrency=2)
        async for report in client.send_stream(numbers(500), "سلام"):
            return report
        raise AssertionError

    with Sandbox() as box:
        assert asyncio.run(look_at_one(box.url("sepahan"))).ok
        assert 10 <= len(box.messages) < 500
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_a_stream_that_is_never_begun_sends_nothing(sepahan: AsyncSepahan, box: Sandbox) -> None:
    stream = sepahan.send_stream(numbers(3), "سلام")
    await stream.aclose()
    assert box.messages == []


@pytest.mark.parametrize("kind", [Counted, CountedAsync])
async def test_a_cancel_ends_a_stream_at_once_and_leaves_no_task(provider: Provider, kind: type[Counted]) -> None:
    provider.gates = closed_gates(20)
    async with provider.client(max_concurrency=3) as client:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await collected(client.send_stream(kind(200), "سلام"))
        assert time.monotonic() - start < 30
        assert our_tasks() == []


async def test_a_cancel_while_the_source_is_slow_leaves_no_task(sepahan: AsyncSepahan) -> None:
    async def never() -> AsyncGenerator[str, None]:
        yield "09123456789"
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await collected(sepahan.send_stream(never(), "سلام"))
    assert our_tasks() == []


# Failures


async def test_a_failed_batch_is_in_its_report_and_raises_nothing(provider: Provider) -> None:
    provider.codes = [0, 500]
    async with provider.client(max_concurrency=1) as client:
        reports = await collected(client.send_stream(numbers(30), "سلام"))
    assert [report[0].outcome for report in reports] == [ACCEPTED, UNKNOWN, ACCEPTED]
    with pytest.raises(ServerError) as caught:
        reports[1].raise_for_failures()
    assert caught.value.report is reports[1]


async def test_a_fatal_refusal_leaves_the_rest_not_sent(provider: Provider) -> None:
    provider.codes = [0, -14]
    source = Counted(50)
    async with provider.client(max_concurrency=1) as client:
        reports = await collected(client.send_stream(source, "سلام"))
    assert [report[-1].outcome for report in reports] == [ACCEPTED, REJECTED, NOT_SENT, NOT_SENT, NOT_SENT]
    assert all(isinstance(result.error, NotAttempted) for report in reports[2:] for result in report)
    assert len(provider.sent) == 2
    assert sum(len(report) for report in reports) == source.taken == 50


async def test_three_dead_batches_in_a_row_leave_the_rest_not_sent(provider: Provider) -> None:
    provider.codes = [500] * 10
    async with provider.client(max_concurrency=1) as client:
        reports = await collected(client.send_stream(numbers(60), "سلام"))
    assert [report[0].outcome for report in reports] == [UNKNOWN] * 3 + [NOT_SENT] * 3
    assert len(provider.sent) == 3


async def test_the_calls_time_bounds_a_whole_stream(provider: Provider) -> None:
    provider.gates = {number: gate for number, gate in closed_gates(20).items() if number}
    async with provider.client(max_concurrency=1, timeout=Timeouts(call=1)) as client:
        start = time.monotonic()
        reports = await collected(client.send_stream(numbers(40), "سلام"))
    assert time.monotonic() - start < 30
    assert [report[0].outcome for report in reports] == [ACCEPTED, UNKNOWN, NOT_SENT, NOT_SENT]


async def test_a_journal_that_raises_leaves_the_rest_not_sent(provider: Provider) -> None:
    def full(event: object) -> None:
        if event.index == 1:
            raise OSError("disk full")

    async with provider.client(max_concurrency=1) as client:
        reports = await collected(client.send_stream(numbers(40), "سلام", on_batch=full))
    assert [report[0].outcome for report in reports] == [ACCEPTED, NOT_SENT, NOT_SENT, NOT_SENT]
    assert len(provider.sent) == 1


# Several senders


async def test_messages_of_several_senders_keep_their_positions(najva: AsyncNajva, box: Sandbox) -> None:
    senders = ["90001", "90002", None, "90001", "90002", "90001", "90001", None, "90002", "90001"]
    messages = [
        Message(number, f"متن {place}", sender=sender, ref=place)
        for place, (number, sender) in enumerate(zip(numbers(10), senders, strict=True))
    ]
    reports = await collected(najva.send_p2p_stream(messages))
    results = [result for report in reports for result in report]
    assert [(report.offset, len(report)) for report in reports] == [(0, 4), (4, 4), (8, 2)]
    assert [result.ref for result in results] == list(range(10))
    assert [result.recipient for result in results] == e164(10)
    kept = {message.message_id: message for message in box.messages}
    assert [kept[result.message_id].text for result in results] == [message.text for message in messages]
    named = [(kept[result.message_id].sender, sender) for result, sender in zip(results, senders, strict=True)]
    assert all(used == asked for used, asked in named if asked is not None)
    assert len({used for used, asked in named if asked is None}) == 1


async def test_a_bad_number_among_several_senders_keeps_the_positions(najva: AsyncNajva, box: Sandbox) -> None:
    messages = [Message(number, "سلام", sender=f"9000{place % 3}") for place, number in enumerate(numbers(9))]
    messages[4] = Message("021", "سلام", sender="90001")
    results = [result for report in await collected(najva.send_p2p_stream(messages)) for result in report]
    assert [place for place, result in enumerate(results) if result.outcome is not ACCEPTED] == [4]
    senders = {message.recipient: message.sender for message in box.messages}
    assert senders == {number: f"9000{place % 3}" for place, number in enumerate(e164(9)) if place != 4}


async def test_a_report_with_a_bad_number_alone_among_the_accepted_raises_a_partial_error(
    sepahan: AsyncSepahan,
) -> None:
    (report,) = await collected(sepahan.send_p2p_stream([("09123456789", "سلام"), ("021", "سلام")]))
    with pytest.raises(PartialSendError) as caught:
        report.raise_for_failures()
    assert caught.value.outcome is None
    assert [type(error) for error in caught.value.errors] == [InvalidNumber]
