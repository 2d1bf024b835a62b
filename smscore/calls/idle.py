"""How long an idle connection may be used again: its server decides, and few servers say."""

from __future__ import annotations

import asyncio
import math
import re
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final, Protocol

from smscore import clock

UNKNOWN_LIMIT: Final = 3.0  # seconds until something is known: below the limits of nearly all servers
MAX_IDLE: Final = 600.0  # seconds; no connection is kept longer, and no server is watched longer
_MARGIN: Final = 0.1  # of a limit, and at least
_MIN_MARGIN: Final = 1.0  # seconds: servers look at their connections now and then, and a request travels meanwhile
_REMEMBERED: Final = 4  # closes of a server: enough to forget one that a restart brought about
_TOLD: Final = re.compile(r"(?:^|[,;\s])timeout=\"?([0-9]{1,6})", re.IGNORECASE | re.ASCII)


class IdleLimit:
    """What is known of the idle limit of one server: what it says, and after how long it closed connections."""

    def __init__(self) -> None:
        self._told: float | None = None
        self._closes: deque[float] = deque(maxlen=_REMEMBERED)
        self.is_watched = False
        """Whether a connection is left to it, or was for as long as any is."""

    def note_header(self, keep_alive: str) -> None:
        """Take the ``timeout`` of a ``Keep-Alive`` header."""
        told = _TOLD.search(keep_alive)
        self._told = float(told[1]) if told else self._told

    def note_close(self, age: float) -> None:
        """It has closed a connection that was idle for this many seconds."""
        self._closes.append(age)

    @property
    def is_known(self) -> bool:
        """Whether the server said or showed it."""
        return self._told is not None or bool(self._closes)

    @property
    def seconds(self) -> float:
        """For how long a connection may be used again: the shortest that is known, with a margin."""
        if not self.is_known:
            return UNKNOWN_LIMIT
        limit = min(self._closes, default=MAX_IDLE)
        limit = limit if self._told is None else min(limit, self._told)
        margin = min(max(_MIN_MARGIN, limit * _MARGIN), limit / 2)
        return min(limit - margin, MAX_IDLE)


class IdleConnection(Protocol):
    """A connection that a pool keeps an eye on."""

    server: IdleLimit
    transport: asyncio.Transport
    idle_since: float | None
    has_carried: bool

    def max_idle(self, given: float | None) -> float:
        """For how many seconds it may be used again."""
        ...

    def given_idle(self) -> float | None:
        """The limit that its last request was given, or None."""
        ...

    def give_up(self, protocol: asyncio.Protocol) -> None:
        """Leave the open connection to this protocol: no request will use it again."""
        ...


class IdlePool:
    """The idle connections of one event loop: closed when they are too old, but for one that is left to its server.

    That one tells when the server closes it. No request ever uses it again.
    """

    def __init__(self, servers: dict[str, IdleLimit]) -> None:
        self._servers = servers
        self._idle: set[IdleConnection] = set()
        self._watches: set[_Watch] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._next_sweep = math.inf

    def server(self, transport: asyncio.Transport) -> IdleLimit:
        """What is known of the server at the other end."""
        name = str(transport.get_extra_info("peername"))
        return self._servers.get(name) or self._servers.setdefault(name, IdleLimit())

    def add(self, connection: IdleConnection, too_old_at: float) -> None:
        """Note that a connection is idle now, and when it will be too old, by ``clock.monotonic``."""
        self._idle.add(connection)
        if too_old_at < self._next_sweep:
            self._sweep_in(too_old_at - clock.monotonic())

    def discard(self, connection: IdleConnection) -> None:
        """Forget a connection that is closed."""
        self._idle.discard(connection)

    def close(self) -> None:
        """Close what is left to servers. The session closes the others."""
        self._idle.clear()
        if self._timer is not None:
            self._timer.cancel()
        for watch in [*self._watches]:
            watch.end()

    def _sweep_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._sweep)
        self._next_sweep = clock.monotonic() + seconds

    def _sweep(self) -> None:
        self._next_sweep = math.inf
        left = min(self._ages_left(), default=None)
        if left is not None:
            self._sweep_in(left)

    def _ages_left(self) -> Iterator[float]:
        now = clock.monotonic()
        for connection in [*self._idle]:
            if connection.idle_since is None:  # in use, and comes back
                self._idle.discard(connection)
                continue
            left = connection.idle_since + connection.max_idle(connection.given_idle()) - now
            if left > 0:
                yield left
            else:
                self._retire(connection)

    def _retire(self, connection: IdleConnection) -> None:
        self._idle.discard(connection)
        server = connection.server
        if connection.given_idle() is None and connection.has_carried and not (server.is_known or server.is_watched):
            server.is_watched = True
            self._watches.add(_Watch(connection, self._watches))
        else:
            connection.transport.close()


class _Watch(asyncio.Protocol):
    """Waits until the server closes a connection that nobody uses any more."""

    def __init__(self, connection: IdleConnection, watches: set[_Watch]) -> None:
        assert connection.idle_since is not None  # noqa: S101  # it is idle
        self._since = connection.idle_since
        self._server = connection.server
        self._transport = connection.transport
        self._watches = watches
        connection.give_up(self)
        self._timer = asyncio.get_running_loop().call_later(MAX_IDLE, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        self._note()
        self._transport.abort()

    def eof_received(self) -> None:
        self._note()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._note()
        self._timer.cancel()
        self._watches.discard(self)

    def end(self) -> None:
        """Close the connection without having learnt anything."""
        self._server.is_watched = False
        self._timer.cancel()
        self._transport.abort()

    def _note(self) -> None:
        if not self._transport.is_closing():
            self._server.note_close(clock.monotonic() - self._since)


# As Linux and macOS call them: after 15 seconds, every 5, given up after 3.
_PROBES: Final = [
    (getattr(socket, name), value)
    for name, value in {"TCP_KEEPIDLE": 15, "TCP_KEEPALIVE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}.items()
    if hasattr(socket, name)
]


def keep_path_open(transport: asyncio.Transport) -> None:
    """Have the system send probes on an idle connection, so that no router between forgets it unseen."""
    sock: Any = transport.get_extra_info("socket")
    if sock is None:
        return
    with suppress(OSError, AttributeError):  # not a TCP socket
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _PROBES:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
