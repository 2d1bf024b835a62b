"""Closing a client, or its lent session, while calls are under way: each ends at once, with everybody's outcome."""

from __future__ import annotations

import asyncio
import io
import socket
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import faultserver as fs
import pytest
from attrs import define, field, frozen
from faultserver import Fault, FaultServer
from recipients import numbers

from ippanel_sms import AsyncIPPanel, IPPanel
from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import (
    BatchEvent,
    ClientClosed,
    Outcome,
    OutcomeUnknown,
    PartialSendError,
    ResponseLost,
    RetryPolicy,
    SendReport,
    SMSError,
    Timeouts,
)

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome

TEXT: Final = "سلام"
LARGE: Final = TEXT * 1_000_000  # 8 MB: more than the buffers between client and server take
LONG: Final = Timeouts(connect=120, read=120, total=120)
PATIENT: Final = RetryPolicy(attempts=3, wait_initial=120, wait_max=120)
SENDERS: Final = {AsyncSepahan: "50003300", AsyncIPPanel: "+983000505", AsyncNajva: "90000123"}
FACES: Final = {AsyncSepahan: Sepahan, AsyncIPPanel: IPPanel, AsyncNajva: Najva}

WAITS_LONG: Final = fs.says("429 and a long wait", fs.http(429, b"", "Retry-After: 50"), takes=False)


@frozen
class Situation:
    """A call of a kind, and where it is when the client is closed."""

    kind: type
    call: Callable[[Any], Awaitable[Any]]
    fault: Fault
    outcome: Outcome | None
    error: type[SMSError]
    options: dict[str, Any] = field(factory=dict)
    waits: bool = False
    """Whether it then waits without a request."""


def stalled(kind: type) -> Situation:
    return Situation(kind, lambda c: c.send(numbers(3), TEXT), fs.STALL, UNKNOWN, ResponseLost)


SITUATIONS: Final = {
    "a send in flight, Sepahan": stalled(AsyncSepahan),
    "a send in flight, IPPanel": stalled(AsyncIPPanel),
    "a send in flight, Najva": stalled(AsyncNajva),
    "a large send that is not read": Situation(
        AsyncIPPanel, lambda c: c.send(numbers(3), LARGE), fs.STALL_UNREAD, UNKNOWN, ResponseLost
    ),
    "an upload that is not read": Situation(
        AsyncNajva,
        lambda c: c.upload_file(io.BytesIO(b"x" * 8_000_000), filename="a.png"),
        fs.STALL_UNREAD,
        None,
        ResponseLost,
    ),
    "a read in flight": Situation(AsyncSepahan, lambda c: c.credit(), fs.STALL, None, ResponseLost),
    "statuses in several requests": Situation(
        AsyncSepahan, lambda c: c.status(range(1, 1000)), fs.STALL, None, ResponseLost
    ),
    "a receive that marks": Situation(AsyncSepahan, lambda c: c.receive(), fs.STALL, None, ResponseLost),
    "the first page of a listing": Situation(AsyncIPPanel, lambda c: anext(c.inbox()), fs.STALL, None, ResponseLost),
    "a wait that Retry-After asks for": Situation(
        AsyncIPPanel, lambda c: c.send(numbers(3), TEXT), WAITS_LONG, NOT_SENT, ClientClosed, waits=True
    ),
    "a wait before a repeat of a read": Situation(
        AsyncNajva, lambda c: c.outbox(), fs.ERROR_500, None, ClientClosed, waits=True
    ),
    "a wait before a repeat of a send that may have arrived": Situation(
        AsyncSepahan, lambda c: c.send(numbers(3), TEXT), fs.ERROR_500, UNKNOWN, OutcomeUnknown, waits=True
    ),
}


@define
class Scene:
    """A client of an async face at a server, and whom it was lent a session by."""

    client: Any
    session: aiohttp.ClientSession | None = None

    async def close_from_another_loop(self) -> None:
        await asyncio.to_thread(asyncio.run, self.client.aclose())

    async def close_the_session(self) -> None:
        assert self.session is not None
        await self.session.close()


# how: (whether the session is lent, what closes)
CLOSINGS: Final[dict[str, tuple[bool, Callable[[Scene], Awaitable[None]]]]] = {
    "the client": (False, lambda scene: scene.client.aclose()),
    "the client, from another loop": (False, Scene.close_from_another_loop),
    "a client with a lent session": (True, lambda scene: scene.client.aclose()),
    "the lent session": (True, Scene.close_the_session),
}
every_closing = pytest.mark.parametrize(("lent", "close"), CLOSINGS.values(), ids=CLOSINGS)
every_situation = pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS)


@asynccontextmanager
async def scene(kind: type, url: str, *, lent: bool, **options: Any) -> AsyncIterator[Scene]:
    options = {"sender": SENDERS[kind], "base_url": url, "timeout": LONG, "retry": PATIENT} | options
    async with (
        asyncio.timeout(60),
        aiohttp.ClientSession() as session,
        kind("token", session=session if lent else None, **options) as client,
    ):
        yield Scene(client, session if lent else None)


async def until(is_so: Callable[[], object]) -> None:
    while not is_so():  # noqa: ASYNC110  # a server in another thread tells by its counts alone
        await asyncio.sleep(0.005)


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were begun and are no request; each is as long as it says."""
    begun: list[float] = []

    async def sleep(seconds: float) -> None:
        begun.append(seconds)
        await asyncio.sleep(seconds)

    monkeypatch.setattr("smscore.clock.sleep", sleep)
    return begun


async def ended(task: asyncio.Task[Any]) -> SMSError:
    """The error that a call ended with; one that hangs, or was cancelled by nobody, fails the test."""
    with pytest.raises(SMSError) as caught:
        await task
    assert task.cancelling() == 0
    return caught.value


def outcomes(error: SMSError) -> list[Outcome]:
    assert error.report is not None
    return [row.outcome for row in error.report]


@every_closing
@every_situation
async def test_a_call_ends_at_once_with_what_became_of_it(
    situation: Situation, lent: bool, close: Callable[[Scene], Awaitable[None]], asleep: list[float]
) -> None:
    with FaultServer(situation.fault) as server:
        async with scene(situation.kind, server.url, lent=lent, **situation.options) as it:
            task = asyncio.create_task(situation.call(it.client))
            await until(lambda: asleep if situation.waits else server.begun)
            await close(it)
            error = await ended(task)
    assert isinstance(error, situation.error)
    assert error.outcome is situation.outcome
    if situation.outcome is not None:
        assert outcomes(error) == [situation.outcome] * 3


@every_closing
async def test_a_connection_that_is_being_opened_is_given_up(
    lent: bool, close: Callable[[Scene], Awaitable[None]]
) -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server((fs.HOST, 0)) as listening:
        listening.setblocking(False)
        port = listening.getsockname()[1]
        async with scene(AsyncNajva, f"https://{fs.HOST}:{port}", lent=lent) as it:
            task = asyncio.create_task(it.client.send(numbers(3), TEXT))
            connection, _ = await loop.sock_accept(listening)
            with connection:
                await loop.sock_recv(connection, 1)  # of a handshake that nobody answers
                await close(it)
                error = await ended(task)
    assert type(error) is ClientClosed
    assert outcomes(error) == [NOT_SENT] * 3


@every_closing
async def test_connecting_ahead_is_given_up(lent: bool, close: Callable[[Scene], Awaitable[None]]) -> None:
    with fs.silent_tls() as place:
        async with scene(AsyncSepahan, place.url, lent=lent) as it:
            task = asyncio.create_task(it.client.connect())
            await asyncio.sleep(0)
            await close(it)
            error = await ended(task)
    assert type(error) is ClientClosed
    assert error.outcome is None


@every_closing
async def test_a_turn_of_the_rate_limit_is_waited_for_no_longer(
    lent: bool, close: Callable[[Scene], Awaitable[None]], asleep: list[float]
) -> None:
    with FaultServer() as server:
        async with scene(AsyncSepahan, server.url, lent=lent, rate_limit=0.01, batch_size=1) as it:
            task = asyncio.create_task(it.client.send(numbers(3), TEXT))
            await until(lambda: server.count() and len(asleep) == 2)
            await close(it)
            error = await ended(task)
        assert server.count() == 1
        assert server.books.contradictions(error.report or []) == []
    assert isinstance(error, PartialSendError)
    assert len(error.report.not_sent) == 2
    assert {type(row.error) for row in error.report.not_sent} == {ClientClosed}


@every_closing
async def test_of_many_batches_each_recipient_has_an_outcome(
    lent: bool, close: Callable[[Scene], Awaitable[None]]
) -> None:
    journal: list[BatchEvent] = []
    with FaultServer([fs.GOOD, fs.GOOD, *[fs.STALL] * 50]) as server:
        async with scene(AsyncNajva, server.url, lent=lent, batch_size=2, max_concurrency=4) as it:
            task = asyncio.create_task(it.client.send(numbers(40), TEXT, on_batch=journal.append))
            await until(lambda: server.count() == 6)
            await close(it)
            error = await ended(task)
        assert server.books.contradictions(error.report or []) == []
    assert isinstance(error, PartialSendError)
    assert len(error.report.accepted) == 4
    assert len(error.report.unknown) == 8
    assert len(error.report.not_sent) == 28
    assert {type(row.error) for row in error.report.not_sent} == {ClientClosed}
    # The journal hears the end of whatever it heard the beginning of.
    told = {state: {event.index for event in journal if event.state == state} for state in ("sending", "done")}
    assert told["sending"] == told["done"] == set(range(6))


async def test_a_connection_of_a_full_lent_session_is_waited_for_no_longer() -> None:
    with FaultServer(fs.STALL) as server:
        async with (
            asyncio.timeout(60),
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session,
            AsyncNajva("token", sender="90000123", base_url=server.url, session=session, timeout=LONG) as client,
        ):
            tasks = [asyncio.create_task(client.send(number, TEXT)) for number in numbers(3)]
            await until(server.count)
            await session.close()
            errors = [await ended(task) for task in tasks]
        assert server.count() == 1
    assert [type(error) for error in errors] == [ResponseLost, ClientClosed, ClientClosed]
    assert [outcomes(error) for error in errors] == [[UNKNOWN], [NOT_SENT], [NOT_SENT]]


# Streams


async def read_out(stream: AsyncIterator[SendReport]) -> tuple[list[SendReport], SMSError | None]:
    reports: list[SendReport] = []
    try:
        async for report in stream:
            reports.append(report)  # noqa: PERF401  # an error must not lose them
    except SMSError as error:
        return reports, error
    return reports, None


@every_closing
async def test_a_stream_hands_on_what_was_in_flight_and_says_that_its_source_was_not_read_to_the_end(
    lent: bool, close: Callable[[Scene], Awaitable[None]]
) -> None:
    given = 0

    def without_end() -> Iterator[str]:
        nonlocal given
        while True:
            given += 1
            yield f"0912{given:07}"

    with FaultServer([fs.GOOD, *[fs.STALL] * 50]) as server:
        async with scene(AsyncNajva, server.url, lent=lent, batch_size=2, max_concurrency=3) as it:
            task = asyncio.create_task(read_out(it.client.send_stream(without_end(), TEXT)))
            await until(lambda: server.count() == 4)
            await close(it)
            reports, error = await task
    assert type(error) is ClientClosed
    told = [row for report in reports for row in report]
    assert server.books.contradictions(told) == []
    assert len(told) == given
    assert {row.outcome for row in told} >= {ACCEPTED, UNKNOWN}


@every_closing
@pytest.mark.parametrize("method", ["send_stream", "send_p2p_stream"])
async def test_a_stream_waits_no_longer_for_its_source(
    lent: bool, close: Callable[[Scene], Awaitable[None]], method: str
) -> None:
    waits, ends = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncGenerator[Any, None]:
        try:
            for number in numbers(2):
                yield number if method == "send_stream" else (number, TEXT)
            waits.set()
            await asyncio.Event().wait()
        finally:
            ends.set()

    with FaultServer() as server:
        async with scene(AsyncSepahan, server.url, lent=lent, batch_size=1) as it:
            given = (slow(), TEXT) if method == "send_stream" else (slow(),)
            task = asyncio.create_task(read_out(getattr(it.client, method)(*given)))
            await until(lambda: waits.is_set() and server.count() == 2)
            await close(it)
            reports, error = await task
    assert type(error) is ClientClosed
    assert sum(len(report) for report in reports) == 2
    assert ends.is_set()


async def test_a_stream_whose_source_was_read_to_the_end_ends_with_its_reports() -> None:
    with FaultServer(fs.STALL) as server:
        async with scene(AsyncNajva, server.url, lent=False, batch_size=2) as it:
            task = asyncio.create_task(read_out(it.client.send_stream(numbers(6), TEXT)))
            await until(lambda: server.count() == 3)
            await it.client.aclose()
            reports, error = await task
    assert error is None
    assert [row.outcome for report in reports for row in report] == [UNKNOWN] * 6


# Cancels


@every_situation
async def test_a_cancel_is_still_a_cancel(situation: Situation, asleep: list[float]) -> None:
    with FaultServer(situation.fault) as server:
        async with scene(situation.kind, server.url, lent=False, **situation.options) as it:
            task = asyncio.create_task(situation.call(it.client))
            await until(lambda: asleep if situation.waits else server.begun)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


@every_situation
async def test_a_cancel_and_a_closing_at_once_are_a_cancel(situation: Situation, asleep: list[float]) -> None:
    with FaultServer(situation.fault) as server:
        async with scene(situation.kind, server.url, lent=False, **situation.options) as it:
            task = asyncio.create_task(situation.call(it.client))
            await until(lambda: asleep if situation.waits else server.begun)
            closing = asyncio.create_task(it.client.aclose())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await closing


async def test_a_timeout_around_a_call_that_a_closing_ends_does_not_expire() -> None:
    with FaultServer(fs.STALL) as server:
        async with scene(AsyncNajva, server.url, lent=False) as it:

            async def bounded() -> None:
                async with asyncio.timeout(60):
                    await it.client.send(numbers(1), TEXT)

            task = asyncio.create_task(bounded())
            await until(server.count)
            await it.client.aclose()
            assert type(await ended(task)) is ResponseLost


def test_a_loop_that_ends_cancels_what_is_under_way() -> None:
    ends: list[BaseException] = []

    async def send(client: Any) -> None:
        try:
            await client.send(numbers(1), TEXT)
        except BaseException as error:
            ends.append(error)
            raise

    async def main(url: str) -> None:
        client = AsyncNajva("token", sender="90000123", base_url=url, timeout=LONG)
        main.task = asyncio.create_task(send(client))
        await until(server.count)

    with FaultServer(fs.STALL) as server:
        asyncio.run(main(server.url))
    assert [type(error) for error in ends] == [asyncio.CancelledError]


# The closing itself


async def test_closing_while_closing_is_fine() -> None:
    with FaultServer(fs.STALL_UNREAD) as server:
        async with scene(AsyncIPPanel, server.url, lent=False) as it:
            task = asyncio.create_task(it.client.send(numbers(1), LARGE))
            await until(lambda: server.begun)
            await asyncio.gather(*(it.client.aclose() for _ in range(5)))
            await it.client.aclose()
            await ended(task)


@pytest.fixture
def slow_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that takes its time to close, as one with TLS does."""
    close = aiohttp.ClientSession.close

    async def close_slowly(session: aiohttp.ClientSession) -> None:
        await close(session)
        await asyncio.sleep(0.05)

    monkeypatch.setattr(aiohttp.ClientSession, "close", close_slowly)


@pytest.mark.usefixtures("slow_closing")
async def test_whoever_closes_meanwhile_waits_for_the_first() -> None:
    with FaultServer() as server:
        client = AsyncNajva("token", sender=SENDERS[AsyncNajva], base_url=server.url)
        await client.send(numbers(1), TEXT)
        first = asyncio.create_task(client.aclose())
        await asyncio.sleep(0)
        await client.aclose()
        await first


@pytest.mark.usefixtures("slow_closing")
def test_a_loop_that_ends_while_its_client_is_being_closed_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def end_while_closing() -> None:
        closing = asyncio.create_task(client.aclose())
        await asyncio.sleep(0)
        await asyncio.get_running_loop().shutdown_asyncgens()
        await closing

    with FaultServer() as server, asyncio.Runner() as runner:
        client = AsyncNajva("token", sender=SENDERS[AsyncNajva], base_url=server.url)
        runner.run(client.send(numbers(1), TEXT))
        runner.run(end_while_closing())
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_a_client_may_be_closed_by_its_own_journal() -> None:
    with FaultServer() as server:
        async with scene(AsyncNajva, server.url, lent=False) as it:

            async def close(event: BatchEvent) -> None:
                if event.state == "sending":
                    await it.client.aclose()

            error = await ended(asyncio.create_task(it.client.send(numbers(2), TEXT, on_batch=close)))
        assert server.count() == 0
    assert type(error) is ClientClosed
    assert outcomes(error) == [NOT_SENT, NOT_SENT]


async def test_what_has_not_left_when_a_call_is_cancelled_never_arrives() -> None:
    resumed: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def wait_and_read(connection: fs.Connection) -> None:
        told = asyncio.Event()
        resumed.append((asyncio.get_running_loop(), told))
        await told.wait()
        await connection.read()

    with FaultServer(Fault("reads late", wait_and_read, reads=False)) as server:
        async with scene(AsyncIPPanel, server.url, lent=False) as it:
            task = asyncio.create_task(it.client.send(numbers(1), LARGE))
            await until(lambda: resumed)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            server_loop, told = resumed[0]
            server_loop.call_soon_threadsafe(told.set)
    assert server.count() == 0


# Threads


# (client, call, fault, outcome of three recipients, error)
BLOCKING: Final = {
    "a send in flight": (Sepahan, lambda c: c.send(numbers(3), TEXT), fs.STALL, UNKNOWN, ResponseLost),
    "a large send that is not read": (
        *(Najva, lambda c: c.send(numbers(3), LARGE), fs.STALL_UNREAD, UNKNOWN, ResponseLost),
    ),
    "a wait that Retry-After asks for": (
        *(IPPanel, lambda c: c.send(numbers(3), TEXT), WAITS_LONG, NOT_SENT, ClientClosed),
    ),
    "a read": (Sepahan, lambda c: c.credit(), fs.STALL, None, ResponseLost),
    "a stream": (Najva, lambda c: next(c.send_stream(numbers(3), TEXT)), fs.STALL, UNKNOWN, None),
}


@pytest.mark.parametrize(("kind", "call", "fault", "outcome", "error"), BLOCKING.values(), ids=BLOCKING)
def test_a_blocking_client_closed_by_another_thread_ends_the_calls_of_all(
    kind: type,
    call: Callable[[Any], Any],
    fault: Fault,
    outcome: Outcome | None,
    error: type[SMSError] | None,
    asleep: list[float],
) -> None:
    ends: list[tuple[SendReport | None, type[BaseException] | None]] = []

    def use(client: Any) -> None:
        try:
            ends.append((call(client), None))
        except SMSError as raised:
            ends.append((raised.report, type(raised)))

    with FaultServer(fault) as server:
        sender = next(SENDERS[a] for a, b in FACES.items() if b is kind)
        client = kind("token", sender=sender, base_url=server.url, timeout=LONG, retry=PATIENT)
        threads = [threading.Thread(target=use, args=[client], daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        while (len(asleep) if fault is WAITS_LONG else server.begun) < 3:
            time.sleep(0.005)
        client.close()
        for thread in threads:
            thread.join(60)
    assert [kind for _, kind in ends] == [error] * 3
    for report, _ in ends:
        assert outcome is None or [row.outcome for row in report or ()] == [outcome] * 3


def test_a_blocking_stream_is_ended_by_another_thread_while_its_source_is_read() -> None:
    def closing() -> Iterator[str]:
        yield "09123456789"
        closer = threading.Thread(target=client.close)
        closer.start()
        closer.join()
        yield "09123456780"

    with FaultServer() as server, Najva("token", sender="90000123", base_url=server.url, batch_size=1) as client:
        stream = client.send_stream(closing(), TEXT)
        with pytest.raises(ClientClosed):
            deque(stream)
        assert server.count() <= 1
