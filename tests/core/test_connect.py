"""A connection opened ahead, for the call that must be quick."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator

import pytest
import trustme

from ippanel_sms import IPPanel
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import ClientClosed, ConnectionFailed, Timeouts
from smscore.sandbox import Sandbox


class Counted:
    """A relay to a sandbox that counts the connections, and the bytes that came in before the first answer."""

    def __init__(self, target: int) -> None:
        self.connections = 0
        self.received = b""
        self._target = target

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(self._pass(reader, back, note=True), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, note: bool = False) -> None:
        while piece := await reader.read(65_536):
            if note:
                self.received += piece
            writer.write(piece)
            await writer.drain()
        writer.close()


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def relay(authority: trustme.CA) -> AsyncIterator[tuple[Counted, str]]:
    """The relay, by TLS, and its base URL for Sepahan."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    async with Sandbox() as box:
        counted = Counted(int(box.url("sepahan").split(":")[2].split("/")[0]))
        async with await asyncio.start_server(counted.serve, "localhost", 0, ssl=tls) as server:
            yield counted, f"https://localhost:{server.sockets[0].getsockname()[1]}/sepahan"


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_the_next_call_finds_the_connection_and_nothing_was_sent_before(
    relay: tuple[Counted, str], trusting: ssl.SSLContext
):
    counted, url = relay
    async with AsyncSepahan("t", sender="5000", base_url=url, ssl=trusting) as client:
        await client.connect()
        assert counted.received == b""
        assert (await client.send("09123456789", "سلام")).ok
    assert counted.connections == 1


async def test_connecting_twice_opens_one_connection(relay: tuple[Counted, str], trusting: ssl.SSLContext):
    counted, url = relay
    async with AsyncSepahan("t", sender="5000", base_url=url, ssl=trusting) as client:
        await client.connect()
        await client.connect()
        await client.credit()
    assert counted.connections == 1


async def test_a_provider_that_is_not_there_is_told_and_no_message_is_concerned(unused_tcp_port: int):
    async with AsyncSepahan("t", base_url=f"http://127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(ConnectionFailed, match="could not be opened") as caught:
            await client.connect()
    assert (caught.value.outcome, caught.value.provider) == (None, "sepahan")


async def test_a_closed_client_opens_no_connection():
    client = AsyncSepahan("t")
    await client.aclose()
    with pytest.raises(ClientClosed) as caught:
        await client.connect()
    assert caught.value.outcome is None


def test_a_blocking_client_connects_too():
    with Sandbox() as box, Sepahan("t", sender="5000", base_url=box.url("sepahan")) as client:
        client.connect()
        assert client.send("09123456789", "سلام").ok


def test_a_base_url_with_api_at_its_end_is_connected_to():
    with Sandbox() as box, IPPanel("t", base_url=f"{box.url('ippanel')}/api") as client:
        client.connect()
        assert client.credit() > 0


async def test_the_calls_time_bounds_connecting_too():
    accepted: list[asyncio.StreamWriter] = []

    async def mute(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)

    async with await asyncio.start_server(mute, "localhost", 0) as server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        async with AsyncSepahan("t", base_url=url, timeout=Timeouts(call=0.2, connect=60)) as client:
            start = time.monotonic()
            with pytest.raises(ConnectionFailed, match="opening the connection timed out"):
                await client.connect()
            assert time.monotonic() - start < 30
        for writer in accepted:
            writer.close()


async def test_a_connection_that_the_server_has_closed_is_opened_again():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with AsyncSepahan("t", base_url=f"http://127.0.0.1:{listening.getsockname()[1]}") as client:
            await client.connect()
            first, _ = await asyncio.to_thread(listening.accept)
            first.close()
            await client.connect()
            second, _ = await asyncio.wait_for(asyncio.to_thread(listening.accept), 30)
            second.close()
