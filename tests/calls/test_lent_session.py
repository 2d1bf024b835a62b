"""A session that the client was lent is used in its own event loop alone: no other can wait on its connections."""

from __future__ import annotations

import asyncio

import aiohttp
import faultserver as fs
import pytest
from faultserver import FaultServer

from najva_sms import AsyncNajva
from smscore import ConfigurationError, Outcome

NUMBER = "09121234567"


def lent(server: FaultServer, session: aiohttp.ClientSession) -> AsyncNajva:
    return AsyncNajva("token", sender="90000123", base_url=server.url, session=session)


def refused(client: AsyncNajva) -> None:
    """Nothing is sent by a call in a loop of its own."""

    async def send() -> None:
        with pytest.raises(ConfigurationError, match="another event loop") as caught:
            await client.send(NUMBER, "سلام")
        assert caught.value.report is not None
        assert [row.outcome for row in caught.value.report] == [Outcome.NOT_SENT]
        with pytest.raises(ConfigurationError, match="another event loop"):
            await client.connect()

    asyncio.run(send())


async def test_in_another_threads_loop_nothing_is_sent_and_its_own_goes_on() -> None:
    with FaultServer([fs.GOOD, fs.GOOD]) as server:
        async with aiohttp.ClientSession() as session:
            client = lent(server, session)
            await client.send(NUMBER, "سلام")  # its connection waits for the next request
            await asyncio.to_thread(refused, client)
            assert server.count() == 1
            assert (await client.send(NUMBER, "سلام")).ok
        assert server.count() == 2


def test_once_its_own_has_ended_nothing_is_sent() -> None:
    made: list[aiohttp.ClientSession] = []

    async def make() -> AsyncNajva:
        made.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)))
        client = lent(server, made[0])
        await client.send(NUMBER, "سلام")
        return client

    with FaultServer([fs.GOOD]) as server:
        refused(asyncio.run(make()))
        assert server.count() == 1
    asyncio.run(made[0].close())
