"""A client's aiohttp session in each event loop, with what the requests there share. Its own close with their loop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from functools import partial
from ssl import SSLContext
from types import AsyncGeneratorType
from typing import Any, Final, cast
from weakref import WeakKeyDictionary, finalize, ref

import aiohttp

from smscore import clock
from smscore.calls.idle import MAX_IDLE, IdleLimit, IdlePool
from smscore.calls.slots import Slots
from smscore.calls.waits import Waits
from smscore.config import MAX_HEADER_BYTES
from smscore.loops.forks import keep_alive_after_fork
from smscore.loops.threads import in_thread

_CLOSING: Final = 2.0  # seconds


_ANSWER_OPTIONS: Final[Mapping[str, Any]] = {
    "raise_for_status": False,
    "max_line_size": MAX_HEADER_BYTES,
    "max_field_size": MAX_HEADER_BYTES,
    "max_headers": MAX_HEADER_BYTES,
}
"""How aiohttp must treat answers, in a borrowed session too."""


class LoopSession:
    """What the requests of a client in one event loop share."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        waits: Waits,
        slots: Slots,
        pool: IdlePool | None,
        options: Mapping[str, Any],
    ) -> None:
        self.http = http
        self.waits = waits
        self.slots = slots
        """One for each connection that may be open; a request takes one before its own time begins."""
        self.pool = pool
        self.options = options
        """Arguments of each request to a borrowed session, which may have other defaults; none for one of our own."""


def borrowed_session(http: aiohttp.ClientSession, proxy: str | None, ssl: SSLContext | bool) -> LoopSession:
    """Around an aiohttp session of the user's, whose own connector decides on connections and limits."""
    waits = Waits(lambda: http.closed)
    return LoopSession(http, waits, Slots(), None, {**_ANSWER_OPTIONS, "proxy": proxy, "ssl": ssl})


class OwnedLoopSession(LoopSession):
    """One with an aiohttp session of our own, which closes itself when its loop ends."""

    def __init__(
        self,
        forget: Callable[[], object],
        max_connections: int,
        servers: dict[str, IdleLimit],
        proxy: str | None,
        ssl: SSLContext | bool,
    ) -> None:
        http = aiohttp.ClientSession(
            # The pool decides how long a connection is kept, and the slots how many there are.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=MAX_IDLE, resolver=_new_resolver(), ssl=ssl),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            proxy=proxy,
            **_ANSWER_OPTIONS,
        )
        pool = IdlePool(servers)
        super().__init__(http, Waits(), Slots(max_connections), pool, {})
        self.pid: int = os.getpid()
        self._forget = forget
        self._pool = pool
        self._closing = asyncio.Lock()
        self.guard: AsyncGeneratorType[None, None] = cast("AsyncGeneratorType[None, None]", self._close_at_the_end())
        keep_alive_after_fork(http)
        keep_alive_after_fork(pool)

    def close_from_outside(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close it in its loop, from anywhere; a loop that has ended has closed it."""
        # After a fork the parent's loop only looks as if it ran here.
        if self.pid == os.getpid() and loop.is_running():
            closing = self.close()
            try:
                asyncio.run_coroutine_threadsafe(closing, loop)
            except RuntimeError:  # it has ended just now
                closing.close()

    async def close(self) -> None:
        """End what is under way and close the connections, in this loop."""
        self.waits.end_all()
        await self._close_once()
        if not self.guard.ag_running:  # else the loop is ending, and closes it at this moment
            await self.guard.aclose()

    async def _close_at_the_end(self) -> AsyncGenerator[None, None]:
        # A loop that ends closes its async generators: the one hook that asyncio gives.
        try:
            yield
        finally:
            await self._close_once()

    async def _close_once(self) -> None:
        # The client's owner, its garbage collection and the end of the loop may come at once: all wait for the first.
        async with self._closing:
            if self.http.closed:
                return
            self._forget()
            self._pool.close()
            # What a server does with a connection must not hold up its closing.
            with suppress(TimeoutError):
                async with clock.timeout(_CLOSING):
                    await self.http.close()
                    await asyncio.sleep(0)  # in which the pool's connections close


class LoopSessions:
    """The sessions of a client with none borrowed: one for each event loop that it is used in."""

    def __init__(self, max_connections: int, proxy: str | None, ssl: SSLContext | bool) -> None:
        self._max_connections = max_connections
        self._proxy = proxy
        self._ssl = ssl
        self._servers: dict[str, IdleLimit] = {}
        self._by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, OwnedLoopSession] = WeakKeyDictionary()
        finalize(self, _close_forgotten, self._by_loop).atexit = False

    def here(self) -> OwnedLoopSession | None:
        """The session of this event loop, if it was opened."""
        return self._by_loop.get(asyncio.get_running_loop())

    async def open(self) -> OwnedLoopSession:
        """A new session for this event loop."""
        loop = asyncio.get_running_loop()
        forget = partial(_forget, self._by_loop, ref(loop))
        session = self._by_loop[loop] = OwnedLoopSession(
            forget, self._max_connections, self._servers, self._proxy, self._ssl
        )
        await session.guard.asend(None)
        return session

    async def close(self) -> None:
        """End what is under way, and close the connections of every loop."""
        here = asyncio.get_running_loop()
        everywhere = _snapshot(self._by_loop)
        for loop, session in everywhere:
            if loop is not here:
                session.close_from_outside(loop)
        for loop, session in everywhere:
            if loop is here:
                await session.close()


def _forget(
    by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, OwnedLoopSession], loop: ref[asyncio.AbstractEventLoop]
) -> None:
    here = loop()
    if here is not None:  # the garbage collector may have been there first
        by_loop.pop(here, None)


def _close_forgotten(by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, OwnedLoopSession]) -> None:
    # For a client that nobody closed: aiohttp would only warn of its unclosed connections.
    for loop, session in _snapshot(by_loop):
        session.close_from_outside(loop)


def _snapshot(
    by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, OwnedLoopSession],
) -> list[tuple[asyncio.AbstractEventLoop, OwnedLoopSession]]:
    while True:
        try:
            return list(by_loop.items())
        except RuntimeError:  # another thread's loop came or went meanwhile
            continue


def _new_resolver() -> aiohttp.ThreadedResolver:
    """Aiohttp's resolver in threads of our own: the event loop's pool is shut once the main thread has ended."""
    return aiohttp.ThreadedResolver(loop=cast("asyncio.AbstractEventLoop", _Names()))


class _Names:
    """The two methods of an event loop that the resolver calls."""

    async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
        return await in_thread(socket.getaddrinfo, *args, **kwargs)

    async def getnameinfo(self, *args: Any) -> Any:
        return await in_thread(socket.getnameinfo, *args)
