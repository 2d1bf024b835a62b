"""A connection between requests and under one: an answer belongs to a request only if it came after it was written."""

from __future__ import annotations

import asyncio
import re
import select
from typing import Any, Final

from aiohttp.connector import Connection

from smscore import clock
from smscore.calls.idle import UNKNOWN_LIMIT, IdleLimit, IdlePool, keep_path_open
from smscore.calls.waits import Wait
from smscore.masking import MaskedState

HAS_POLL: Final = hasattr(select, "poll")
_MAX_EARLY_BYTES: Final = 64 * 1024  # bytes: more than any answers before the final one


class Spoiled(Exception):
    """The connection was closed, or something came on it, before the request was written."""


class _Listener(asyncio.Protocol):
    """A protocol between the transport and aiohttp's protocol, which notes when data arrives.

    aiohttp forgets an answer's beginning that came while the connection was idle, and takes a whole one for the
    next request's.
    """

    def __init__(self, transport: asyncio.Transport, protocol: Any, pool: IdlePool | None) -> None:
        self.transport = transport
        self.protocol = protocol
        self._pool = pool
        self.server = IdleLimit() if pool is None else pool.server(transport)
        self.idle_since: float | None = None
        """When its last answer was read, by ``clock.monotonic``; None under a request."""
        self.heard = False
        """Whether anything came since the last answer was read whole."""
        self.has_carried = False
        """Whether a request has gone out here."""
        self._given_idle: float | None = None
        self._poll = _poll_of(transport)
        # A server of TLS 1.3 sends tickets by itself when a connection opens.
        self._may_have_tickets = transport.get_extra_info("ssl_object") is not None
        self.progress: RequestProgress | None = None

    def settle(self) -> None:
        """The answer has been read whole: what comes now, nobody has asked for."""
        self.heard = False
        self.rest(None if self.progress is None else self.progress.given_idle)
        self.progress = None

    def rest(self, given_idle: float | None) -> None:
        """It is idle now: the next request may use it for ``given_idle`` seconds, or as long as its server allows."""
        if self._pool is not None and not self.transport.is_closing():
            self._given_idle = given_idle
            self.idle_since = now = clock.monotonic()
            self._pool.add(self, now + self.max_idle(given_idle))

    def carry(self, progress: RequestProgress) -> None:
        """A request goes out here."""
        self.idle_since = None
        self.progress = progress
        self.has_carried = True

    def given_idle(self) -> float | None:
        return self._given_idle

    def max_idle(self, given: float | None) -> float:
        if given is not None:
            return given
        # How long a server waits for the first request of a connection is another limit of its.
        return self.server.seconds if self.has_carried else min(UNKNOWN_LIMIT, self.server.seconds)

    def is_too_old(self, given_idle: float | None) -> bool:
        """Whether it was idle for too long to be used again."""
        return self.idle_since is not None and clock.monotonic() - self.idle_since > self.max_idle(given_idle)

    def is_usable(self, given_idle: float | None) -> bool:
        """Whether the connection is not too old, and nothing has come on it since the last answer."""
        return not (
            self.heard
            or self.is_too_old(given_idle)
            or getattr(self.protocol, "should_close", False)
            or self.has_unread()
        )

    def has_unread(self) -> bool:
        """Whether something has come, a close among it, that the event loop has not seen yet."""
        if self._poll is None or (self._may_have_tickets and not self.has_carried):
            return False
        return bool(self._poll.poll(0))

    def give_up(self, protocol: asyncio.Protocol) -> None:
        self.transport.set_protocol(protocol)
        self.protocol.connection_lost(None)  # aiohttp drops it as one that was closed

    def _note_close(self) -> None:
        if self.idle_since is not None and self.has_carried and not self.transport.is_closing():
            self.server.note_close(clock.monotonic() - self.idle_since)

    def data_received(self, data: bytes) -> None:
        self.heard = True
        progress = self.progress
        if progress is not None:
            progress.wait.note_progress()
            progress.received += len(data)
            if progress.transport is not None and len(progress.early) < _MAX_EARLY_BYTES:
                progress.early += data
        self.protocol.data_received(data)

    def eof_received(self) -> bool | None:
        self._note_close()
        keep_open: bool | None = self.protocol.eof_received()
        return keep_open

    def connection_lost(self, exc: Exception | None) -> None:
        if self._pool is not None:
            self._pool.discard(self)
        self.protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()


# Answers before the final one, which may come at any time.
_INTERIM: Final = re.compile(rb"(?:HTTP/1\.[01] 1(?!01)\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)*")


class RequestProgress(MaskedState):
    """How far a request has come on its connection."""

    wait: Wait
    pool: IdlePool | None = None
    """Where the connection waits afterwards; None in a borrowed session, whose owner decides."""
    given_idle: float | None = None
    """For how many seconds an idle connection may be used; None where its server decides."""
    left: bool = False
    """Whether any of it may have left this machine."""
    transport: asyncio.WriteTransport | None = None
    """Where it is being written to: None before, and after its last byte."""
    early: bytes = b""
    """What came before its last byte was written."""
    received: int = 0
    """How many bytes have come since it began; 0 where nothing listens between the connection and aiohttp."""
    spoiled: bool = False
    """Whether something lay on its connection before it, so that nothing of it was written."""
    idle: bool = False
    """Whether the connection existed before this request, so that it may take another instead."""
    _listener: _Listener | None = None

    def begin(self, transport: asyncio.Transport | None) -> None:
        """Take the connection, on which nothing has been written; ``Spoiled`` unless it is open and silent."""
        self.idle = is_known(transport)
        if transport is None or not is_usable(transport, self.pool, self.given_idle):
            self.spoiled = True
            raise Spoiled
        self.left = True
        self.transport = transport
        self._listener = _listener_at(transport, self.pool)
        if self._listener is not None:
            self._listener.carry(self)

    def finish(self) -> None:
        """Note that all of it has been written, and the answer is waited for."""
        self.transport = None
        self.wait.note_progress()

    def take_answer(self, connection: object, keep_alive: str | None) -> None:
        """Take what came for an answer; ``Spoiled`` if it lay on the connection before the request.

        ``keep_alive`` is its header of that name.
        """
        if not self.left and isinstance(connection, Connection):  # a mocked one need not write the request
            self.idle = is_known(connection.transport)
            self.spoiled = True
        if self.spoiled:
            raise Spoiled
        self.left = True
        if self._listener is None:
            return
        if keep_alive is not None:
            self._listener.server.note_header(keep_alive)
        if isinstance(connection, Connection):
            connection.add_callback(self._listener.settle)
        else:  # the whole answer is here, and the connection waits for the next request
            self._listener.settle()

    @property
    def is_answered_early(self) -> bool:
        """Whether an answer began before the request was written."""
        return bool(self.early) and _INTERIM.fullmatch(self.early) is None

    def drop_the_rest(self) -> None:
        """Drop what has not left yet, of a request that ended before it was written.

        Otherwise it would still be sent when the server reads on, and delay closing the connection.
        """
        if self.transport is not None and self.transport.get_write_buffer_size():
            self.transport.abort()


def is_usable(transport: asyncio.Transport, pool: IdlePool | None, given_idle: float | None) -> bool:
    """Whether a connection is open, not too old, and nothing has come on it since the last answer."""
    if transport.is_closing():
        return False
    listener = _listener_at(transport, pool)
    return not has_unread(transport) if listener is None else listener.is_usable(given_idle)


def keep_ready(transport: asyncio.Transport, given_idle: float | None) -> None:
    """Note that a connection which was opened ahead waits for its request."""
    listener = transport.get_protocol()
    if isinstance(listener, _Listener) and listener.idle_since is None:
        listener.rest(given_idle)


def is_known(transport: asyncio.Transport | None) -> bool:
    """Whether the connection was opened ahead, or has carried a request."""
    return transport is not None and isinstance(transport.get_protocol(), _Listener)


def _listener_at(transport: asyncio.Transport, pool: IdlePool | None) -> _Listener | None:
    protocol = transport.get_protocol()
    if isinstance(protocol, _Listener):
        return protocol
    listener = _Listener(transport, protocol, pool)
    try:
        transport.set_protocol(listener)
    except NotImplementedError:  # an event loop whose transports cannot change it: aiohttp's own checks must do
        return None
    if pool is not None:
        keep_path_open(transport)
    return listener


def has_unread(transport: asyncio.Transport) -> bool:
    """Whether something has come, a close among it, that the event loop has not seen yet."""
    listener = transport.get_protocol()
    if isinstance(listener, _Listener):
        return listener.has_unread()
    poll = _poll_of(transport)
    return poll is not None and transport.get_extra_info("ssl_object") is None and bool(poll.poll(0))


def _poll_of(transport: asyncio.Transport) -> select.poll | None:
    sock = transport.get_extra_info("socket")
    if sock is None or not HAS_POLL:
        return None
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return poll
