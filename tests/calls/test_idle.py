"""How long idle connections are kept: learnt from each server, and never so long that a request meets a close.

The servers' limits are of minutes, and pass in virtual time.
"""

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import trustme
from idlegaps import send_with_gaps
from idleserver import IdleServer, idle_server
from virtual_sockets import run

from sepahan_sms import AsyncSepahan
from smscore import ConfigurationError, Timeouts
from smscore.calls.idle import UNKNOWN_LIMIT, IdleLimit

NUMBER = "09121234567"
LIMITS = [5.0, 15.0, 60.0, 300.0]
LATENCIES = [0.0, 0.1]

Virtually = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def virtually(monkeypatch: pytest.MonkeyPatch) -> Virtually:
    return lambda main: run(monkeypatch, main)


AUTHORITY = trustme.CA()


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's and the client's."""
    theirs, ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(theirs)
    AUTHORITY.configure_trust(ours)
    return theirs, ours


async def timed(client: AsyncSepahan) -> float:
    """The seconds that a send takes."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await client.send(NUMBER, "سلام")).ok
    return loop.time() - began


def new_client(server: IdleServer, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncSepahan:
    return AsyncSepahan("token", sender="5000", base_url=server.url, ssl=tls, **options)


# What is known of one server


def limit_of(*closes: float, told: str | None = None) -> float:
    limit = IdleLimit()
    for age in closes:
        limit.note_close(age)
    if told is not None:
        limit.note_header(told)
    return limit.seconds


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        (limit_of(), 3.0),
        (limit_of(told="timeout=5"), 4.0),
        (limit_of(told="timeout=60, max=100"), 54.0),
        (limit_of(told='max=100,Timeout="20"'), 18.0),
        (limit_of(told="timeout=2"), 1.0),
        (limit_of(told="timeout=1"), 0.5),
        (limit_of(told="timeout=0"), 0.0),
        (limit_of(told="timeout=999999"), 540.0),
        (limit_of(told="timeout=-5"), 3.0),
        (limit_of(told="timeout=soon"), 3.0),
        (limit_of(told="max=5"), 3.0),
        (limit_of(told="xtimeout=5"), 3.0),
        (limit_of(15.0), 13.5),
        (limit_of(300.0), 270.0),
        (limit_of(0.2), 0.1),
        (limit_of(15.0, 60.0), 13.5),
        (limit_of(60.0, told="timeout=5"), 4.0),
        (limit_of(5.0, told="timeout=60"), 4.0),
    ],
)
def test_the_shortest_limit_that_is_known_counts_with_a_margin(limit: float, seconds: float) -> None:
    assert limit == pytest.approx(seconds)


def test_closes_of_a_restart_are_forgotten() -> None:
    assert limit_of(0.3, 60.0, 60.0, 60.0) < 1
    assert limit_of(0.3, 60.0, 60.0, 60.0, 60.0) == pytest.approx(54.0)


def test_a_header_takes_the_place_of_the_last() -> None:
    limit = IdleLimit()
    limit.note_header("timeout=60")
    limit.note_header("timeout=5")
    assert limit.seconds == pytest.approx(4.0)
    limit.note_header("max=9")
    assert limit.seconds == pytest.approx(4.0)


# Servers that close


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("limit", LIMITS)
def test_a_code_after_a_pause_costs_one_round_trip_once_the_server_has_closed_one(
    limit: float, latency: float, secure: bool, virtually: Virtually
) -> None:
    async def main() -> None:
        theirs, ours = contexts() if secure else (None, None)
        async with idle_server(IdleServer(limit, latency), theirs) as server, new_client(server, ours) as client:
            first = await timed(client)
            assert first == pytest.approx((3 if secure else 2) * latency, abs=0.01)
            await asyncio.sleep(UNKNOWN_LIMIT + 0.5)
            assert await timed(client) == pytest.approx(first, abs=0.01)  # as nothing is known, on a new connection
            assert server.connections == 2
            await asyncio.sleep(limit + 1)
            await timed(client)
            for part in (0.1, 0.5, 0.75):
                await asyncio.sleep(part * limit)
                assert await timed(client) <= 1.2 * latency + 0.001
            assert (server.connections, server.requests) == (3, 6)

    virtually(main())


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("limit", LIMITS)
def test_a_server_that_says_its_limit_is_believed_at_once(limit: float, latency: float, virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(limit, latency, says_so=True)) as server, new_client(server) as client:
            await timed(client)
            for _ in range(3):
                await asyncio.sleep(0.79 * limit)
                assert await timed(client) <= 1.2 * latency + 0.001
            assert server.connections == 1

    virtually(main())


@pytest.mark.parametrize(("limit", "latency", "says_so"), [(5.0, 0.1, False), (60.0, 0.1, False), (15.0, 0.0, True)])
def test_no_request_meets_the_close_of_its_connection(
    limit: float, latency: float, says_so: bool, virtually: Virtually
) -> None:
    unknown, opened = virtually(send_with_gaps(IdleServer(limit, latency, says_so), 60))
    assert unknown == 0
    assert opened < 60  # some gaps are short enough


def test_the_seconds_that_are_given_are_obeyed(virtually: Virtually) -> None:
    async def main() -> None:
        async with (
            idle_server(IdleServer(60.0)) as server,
            new_client(server, timeout=Timeouts(idle=40)) as client,
        ):
            for pause in (0.0, 39.0, 39.0):
                await asyncio.sleep(pause)
                await timed(client)
            assert server.connections == 1
            await asyncio.sleep(41.0)
            assert not server.open
            await timed(client)
            assert server.connections == 2
            await client.with_options(timeout=Timeouts(idle=1)).send(NUMBER, "سلام")
            await asyncio.sleep(1.5)
            assert not server.open

    virtually(main())


@pytest.mark.parametrize("idle", [0, -1, float("nan"), float("inf"), "5", True])
def test_seconds_that_make_no_sense_are_refused(idle: Any) -> None:
    with pytest.raises(ConfigurationError, match="idle="):
        Timeouts(idle=idle)


def test_after_a_burst_one_connection_is_left_to_the_server(virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(15.0, 0.1)) as server, new_client(server) as client:
            await asyncio.gather(*(timed(client) for _ in range(20)))
            assert len(server.open) == 20
            await asyncio.sleep(UNKNOWN_LIMIT + 0.5)
            assert len(server.open) == 1
            await timed(client)
            assert server.connections == 21  # that one is used no more
            await asyncio.sleep(20.0)
            assert not server.open

    virtually(main())


def test_closing_the_client_closes_what_was_left_to_the_server(virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(300.0)) as server:
            async with new_client(server) as client:
                await timed(client)
                await asyncio.sleep(30.0)
                assert len(server.open) == 1
            await asyncio.sleep(0.1)
            assert not server.open

    virtually(main())


def test_a_server_without_a_limit_is_not_watched_for_ever(virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(10_000.0)) as server, new_client(server) as client:
            await timed(client)
            await asyncio.sleep(700.0)
            assert not server.open
            await timed(client)
            await asyncio.sleep(10.0)
            assert not server.open  # once is enough

    virtually(main())


def test_a_connection_opened_ahead_is_kept_three_seconds_whatever_the_server_says(virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(60.0, 0.1, says_so=True)) as server, new_client(server) as client:
            await timed(client)
            await asyncio.sleep(55.0)
            for pause, opened in ((2.5, 2), (3.5, 4)):
                await client.connect()
                await asyncio.sleep(pause)
                await timed(client)
                assert server.connections == opened
                await asyncio.sleep(60.0)

    virtually(main())
