"""A server that closes idle connections, far away: bytes and closes take their time both ways."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field

BODY = b'{"isSuccess": true, "value": {"ids": [7], "smsCount": 1, "totalPrice": 5}, "error": null}'


@define
class IdleServer:
    """What it does, and what it counted."""

    limit: float
    """Seconds of idleness after which it closes a connection."""
    latency: float = 0.0
    """Seconds that a byte takes there and back."""
    says_so: bool = False
    """Whether its answers have a ``Keep-Alive`` header."""
    url: str = ""
    connections: int = 0
    requests: int = 0
    open: set["_Connection"] = field(factory=set)

    def head(self) -> bytes:
        told = b"Keep-Alive: timeout=%d\r\n" % self.limit if self.says_so else b""
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n" % (told, len(BODY))


class _Connection(asyncio.Protocol):
    """The server's end."""

    def __init__(self, server: IdleServer) -> None:
        self.server = server
        self.received = b""
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.open.add(self)

    def data_received(self, data: bytes) -> None:
        if self.timer:
            self.timer.cancel()
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        self.received = b""
        self.server.requests += 1
        self.transport.write(self.server.head() + BODY)
        self.timer = asyncio.get_running_loop().call_later(self.server.limit, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.open.discard(self)


class _Way(asyncio.Protocol):
    """One end of the way between; what comes in goes out at the other, half the latency later."""

    def __init__(self, server: IdleServer, other: "_Way | None" = None, port: int = 0) -> None:
        self.server = server
        self.other = other
        self.port = port
        self.transport: asyncio.Transport | None = None
        self.under_way: deque[bytes] = deque()
        self.waiting: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        for data in self.waiting:
            transport.write(data)
        if self.other is None:  # the client's end: opening a connection takes there and back
            self.server.connections += 1
            self.other = _Way(self.server, self)
            self._after(1.5 * self.server.latency, self._reach)  # and the first byte, half as long again

    def _reach(self) -> None:
        self.reaching = asyncio.ensure_future(
            asyncio.get_running_loop().create_connection(lambda: self.other, "127.0.0.1", self.port)
        )

    def _after(self, seconds: float, function: object, *args: object) -> None:
        asyncio.get_running_loop().call_later(seconds, function, *args)

    def data_received(self, data: bytes) -> None:
        # Timers of one moment fire in any order, but bytes must not overtake each other.
        self.under_way.append(data)
        self._after(self.server.latency / 2, self._arrive)

    def _arrive(self) -> None:
        self.other.deliver(self.under_way.popleft())

    def deliver(self, data: bytes) -> None:
        if self.transport is None:
            self.waiting.append(data)
        else:
            self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._after(self.server.latency / 2, self.other.end)

    def end(self) -> None:
        if self.transport is not None:
            self.transport.close()


@asynccontextmanager
async def idle_server(server: IdleServer, tls: ssl.SSLContext | None = None) -> AsyncIterator[IdleServer]:
    loop = asyncio.get_running_loop()
    there = await loop.create_server(lambda: _Connection(server), "127.0.0.1", 0, ssl=tls)
    port = there.sockets[0].getsockname()[1]
    here = await loop.create_server(lambda: _Way(server, port=port), "127.0.0.1", 0)
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{here.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        here.close()
        there.close()
        for connection in [*server.open]:
            connection.transport.abort()
        await asyncio.sleep(server.latency + 0.1)
