"""An authority of one's own, and a proxy on the way."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import trustme

from sepahan_sms import AsyncSepahan
from smscore import ConnectionFailed, Outcome, RetryPolicy, SMSError

ANSWER = json.dumps({"isSuccess": True, "value": {"ids": [7], "smsCount": 1, "totalPrice": 5}, "error": None}).encode()


@asynccontextmanager
async def server(heads: list[str], tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that notes the head of each request and accepts every send."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(line for line in head.splitlines() if line.lower().startswith("content-length:"))
        await reader.readexactly(int(length.partition(":")[2]))
        heads.append(head)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


async def test_an_authority_of_ones_own_is_trusted_where_it_is_given(authority: trustme.CA, server_tls: ssl.SSLContext):
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    heads: list[str] = []
    async with (
        server(heads, server_tls) as port,
        AsyncSepahan("t", sender="5000", base_url=f"https://127.0.0.1:{port}", ssl=ours) as client,
    ):
        assert (await client.send("09123456789", "سلام")).message_ids == [7]
    assert len(heads) == 1


async def test_an_unknown_authority_is_refused_before_anything_leaves(server_tls: ssl.SSLContext):
    heads: list[str] = []
    async with server(heads, server_tls) as port:
        url = f"https://127.0.0.1:{port}"
        async with AsyncSepahan("t", sender="5000", base_url=url, retry=RetryPolicy.none()) as client:
            with pytest.raises(ConnectionFailed, match="certificate is not trusted") as caught:
                await client.send("09123456789", "سلام")
    assert caught.value.outcome is Outcome.NOT_SENT
    assert heads == []


async def test_a_request_goes_by_the_proxy_that_is_given():
    heads: list[str] = []
    async with server(heads) as port:
        proxy = f"http://user:pass@127.0.0.1:{port}"
        async with AsyncSepahan("t", sender="5000", base_url="http://localhost:9", proxy=proxy) as client:
            assert (await client.send("09123456789", "سلام")).ok
            assert "pass" not in repr(client)
    assert heads[0].startswith("POST http://localhost:9/api/Sms/Send HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic dXNlcjpwYXNz" in heads[0]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, variable: str):
    heads: list[str] = []
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    async with server(heads) as port, AsyncSepahan("t", sender="5000", base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.send("09123456789", "سلام")).ok
    assert heads[0].startswith("POST /api/Sms/Send HTTP/1.1\r\n")


async def test_a_proxy_that_is_not_there_means_that_nothing_was_sent(unused: Callable[[], int]):
    proxy = f"http://127.0.0.1:{unused()}"
    url = "http://localhost:9"
    async with AsyncSepahan("t", sender="5000", base_url=url, proxy=proxy, retry=RetryPolicy.none()) as client:
        with pytest.raises(SMSError) as caught:
            await client.send("09123456789", "سلام")
    assert (type(caught.value), caught.value.outcome) == (ConnectionFailed, Outcome.NOT_SENT)


@pytest.fixture
def unused() -> Callable[[], int]:
    """A port that nobody listens on."""
    import socket

    def port() -> int:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            return taken.getsockname()[1]

    return port
