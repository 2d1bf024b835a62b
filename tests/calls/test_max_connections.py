"""A client opens at most ``max_connections``: the next request waits for one, and was provably not sent meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from idleserver import IdleServer, idle_server
from recipients import numbers
from virtual_sockets import run

from ippanel_sms import AsyncIPPanel, IPPanel
from sepahan_sms import AsyncSepahan
from smscore import ClientClosed, ConfigurationError, ConnectionFailed, Outcome, ResponseLost, RetryPolicy, Timeouts

NUMBER = "09121234567"

Virtually = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def virtually(monkeypatch: pytest.MonkeyPatch) -> Virtually:
    return lambda main: run(monkeypatch, main)


def new_client(server: IdleServer, **options: Any) -> AsyncSepahan:
    options = {"retry": RetryPolicy.none()} | options
    return AsyncSepahan("token", sender="5000", base_url=server.url, **options)


async def outcome_of(client: AsyncSepahan) -> Any:
    """What became of one send: the type of its error, or the seconds that it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        await client.send(NUMBER, "سلام")
    except (ConnectionFailed, ResponseLost, ClientClosed) as error:
        return type(error), error.outcome
    return loop.time() - began


@pytest.mark.parametrize(("options", "expected"), [({}, 100), ({"max_connections": 7}, 7)])
def test_many_codes_at_once_share_the_connections(options: Any, expected: int, virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(60.0, 0.1)) as server, new_client(server, **options) as client:
            reports = await asyncio.gather(*(client.send(NUMBER, "سلام") for _ in range(200)))
            assert all(report.ok for report in reports)
            assert (server.connections, server.requests) == (expected, 200)

    virtually(main())


def test_a_wait_that_is_too_long_was_never_sent(virtually: Virtually) -> None:
    async def main() -> None:
        async with (
            idle_server(IdleServer(60.0, 10.0)) as server,
            new_client(server, max_connections=2, timeout=5.0) as client,
        ):
            found = await asyncio.gather(*(outcome_of(client) for _ in range(5)))
        never = (ConnectionFailed, Outcome.NOT_SENT)
        assert sorted(found, key=str) == sorted([(ResponseLost, Outcome.UNKNOWN)] * 2 + [never] * 3, key=str)

    virtually(main())


def test_a_request_has_its_whole_time_after_the_wait(virtually: Virtually) -> None:
    async def main() -> None:
        async with (
            idle_server(IdleServer(60.0, 1.0)) as server,
            new_client(server, max_connections=1, timeout=2.2) as client,
        ):
            found = await asyncio.gather(*(outcome_of(client) for _ in range(3)))
        assert found[:2] == [pytest.approx(2.0), pytest.approx(3.0)]
        # Its wait ended in time too, as one that was begun does not take from the next.
        assert found[2] == (ConnectionFailed, Outcome.NOT_SENT)

    virtually(main())


def test_the_time_of_the_call_bounds_the_wait_and_the_request_together(virtually: Virtually) -> None:
    async def main() -> None:
        async with (
            idle_server(IdleServer(60.0, 1.0)) as server,
            new_client(server, max_connections=1) as client,
        ):
            hurried = client.with_options(timeout=Timeouts(call=2.5))
            loop = asyncio.get_running_loop()
            began = loop.time()
            first, second = await asyncio.gather(outcome_of(client), outcome_of(hurried))
            assert first == pytest.approx(2.0)
            assert second == (ResponseLost, Outcome.UNKNOWN)
            assert loop.time() - began == pytest.approx(2.5)

    virtually(main())


def test_a_wait_is_tried_again_as_any_request_that_never_left(virtually: Virtually) -> None:
    async def main() -> None:
        async with (
            idle_server(IdleServer(60.0, 2.0)) as server,
            new_client(server, max_connections=1, timeout=4.5, retry=RetryPolicy(3, 0.5, 0.5)) as client,
        ):
            found = await asyncio.gather(*(outcome_of(client) for _ in range(3)))
        assert all(isinstance(taken, float) for taken in found)

    virtually(main())


def test_a_cancelled_wait_takes_no_connection_with_it(virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(60.0, 1.0)) as server, new_client(server, max_connections=1) as client:
            first, waiting, last = (asyncio.create_task(client.send(NUMBER, "سلام")) for _ in range(3))
            await asyncio.sleep(0.5)
            waiting.cancel()
            await asyncio.wait([first, waiting, last])
            assert waiting.cancelled()
            assert first.result().ok
            assert last.result().ok
            assert (server.connections, server.requests) == (1, 2)

    virtually(main())


def test_a_cancelled_request_gives_its_connection_to_the_next(virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(60.0, 1.0)) as server, new_client(server, max_connections=1) as client:
            first, second = (asyncio.create_task(client.send(NUMBER, "سلام")) for _ in range(2))
            await asyncio.sleep(0.5)
            first.cancel()
            assert (await second).ok

    virtually(main())


def test_closing_the_client_ends_the_waits_as_not_sent(virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(60.0, 10.0)) as server:
            client = new_client(server, max_connections=1)
            sends = [asyncio.create_task(outcome_of(client)) for _ in range(3)]
            await asyncio.sleep(18.0)  # the first request has left
            await client.aclose()
            unknown, *waited = [await send for send in sends]
            assert unknown == (ResponseLost, Outcome.UNKNOWN)
            assert waited == [(ClientClosed, Outcome.NOT_SENT)] * 2

    virtually(main())


def test_a_stream_and_a_long_send_share_them_too(virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(60.0, 0.1)) as server:
            async with new_client(server, max_connections=2, batch_size=1) as client:

                async def streamed() -> int:
                    return sum([len(report.accepted) async for report in client.send_stream(numbers(20), "سلام")])

                report, count = await asyncio.gather(client.send(numbers(20), "سلام"), streamed())
            assert len(report.accepted) + count == 40
            assert server.connections == 2

    virtually(main())


def test_opening_ahead_waits_for_one_as_well(virtually: Virtually) -> None:
    async def main() -> None:
        async with idle_server(IdleServer(60.0, 1.0)) as server, new_client(server, max_connections=1) as client:
            await asyncio.gather(client.send(NUMBER, "سلام"), client.connect())
            assert server.connections == 1

    virtually(main())


@pytest.mark.parametrize("value", [0, -1, 1.5, "7", None, True])
@pytest.mark.parametrize("face", [AsyncIPPanel, IPPanel])
def test_a_number_of_connections_that_makes_no_sense_is_refused(face: Any, value: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_connections="):
        face("token", max_connections=value)
