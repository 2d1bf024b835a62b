"""One request over the network, by aiohttp: an ``Answer`` comes back, or a ``NoAnswer`` that says why none did."""

from __future__ import annotations

import asyncio
import math
import ssl as ssl_module
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import aiohttp
from aiohttp import hdrs
from aiohttp.http_exceptions import LineTooLong

from smscore import clock
from smscore.calls.bodies import body_of
from smscore.calls.connections import HAS_POLL, RequestProgress, Spoiled, is_known, is_usable, keep_ready
from smscore.calls.guard import allowed_hosts, check_hosts
from smscore.calls.sessions import LoopSession, LoopSessions, borrowed_session
from smscore.calls.waits import ReadTimedOut, Wait, WaitInterrupted
from smscore.config import MAX_ANSWER_BYTES, MAX_CONNECTIONS, MAX_HEADER_BYTES, Timeouts, within
from smscore.dates import read_retry_after
from smscore.errors import ClientClosed, ConfigurationError
from smscore.loops.logs import logger_for_callers
from smscore.outcomes import Outcome
from smscore.wire.endpoint import Answer, NoAnswer, Request

_log: Final = logger_for_callers(__name__)


class Transport:
    """Sessions of one client, one for each event loop that it is used in."""

    def __init__(
        self,
        *,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | None = None,
        session: aiohttp.ClientSession | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        if session is not None and not isinstance(session, aiohttp.ClientSession):
            raise ConfigurationError("session= must be an aiohttp.ClientSession.")
        checked = checked_ssl(ssl)
        self._borrowed = None if session is None else borrowed_session(session, proxy, checked)
        self._sessions = LoopSessions(max_connections, proxy, checked)
        self._closed = False

    async def send(self, request: Request, timeouts: Timeouts, deadline: float | None) -> Answer | NoAnswer:
        """Send a request once and read the whole answer, before its call's deadline by ``clock.monotonic``.

        Raises only ``CancelledError``, ``ClientClosed`` for a closed client, and ``ConfigurationError`` for a host that
        a test run may not reach, or in an event loop that is not the session's.
        """
        session = self._here() or await self._open_here()
        slots = session.slots
        if not slots.take() and not await self._wait_for_slot(session, _before(deadline, timeouts)):
            return _NO_SLOT
        try:
            while (answer := await self._try(session, request, _before(deadline, timeouts))) is None:
                pass
            return answer
        finally:
            slots.give_back()

    async def _wait_for_slot(self, session: LoopSession, timeouts: Timeouts) -> bool:
        """Whether a slot became free within the time that a request may take; then it is taken.

        The time of the request itself begins only then: a request that waited long must not end as unknown for it.
        """
        slot = session.slots.ask()
        try:
            with Wait(session.waits, timeouts.total):
                await slot
        except BaseException as error:
            session.slots.withdraw(slot)
            if isinstance(error, TimeoutError):
                return False
            if isinstance(error, WaitInterrupted):
                raise self._interrupted() from None
            raise
        return True

    async def _try(self, session: LoopSession, request: Request, timeouts: Timeouts) -> Answer | NoAnswer | None:
        """What came; None if an idle connection was spoiled or too old, and nothing was written to it: try another."""
        if not HAS_POLL:
            await _closes_are_seen()
        wait = Wait(session.waits, timeouts.total, timeouts.read)
        progress = RequestProgress(wait, session.pool, timeouts.idle)
        try:
            with wait:
                response = await session.http.request(
                    request.method,
                    request.url,
                    data=body_of(request.body, progress),
                    headers=request.headers,
                    timeout=_client_timeout(timeouts.connect),
                    allow_redirects=False,
                    **_options(session, request),
                )
                return await _answer_to(progress, response)
        except ConfigurationError:
            raise
        # Whatever else goes wrong here, the caller must learn whether the request left, so nothing more may escape as
        # it is; and aiohttp's errors hold the URL and headers, so only the kind goes on.
        except Exception as error:
            _log.debug("%s in a request", type(error).__name__)
            if progress.spoiled and not self.is_closed:
                return None if progress.idle else _SPOKE_FIRST
            return _LONG_HEADERS if _is_of_long_headers(error) else self._no_answer(error, left=progress.left)
        finally:
            progress.drop_the_rest()

    async def connect(self, url: str, timeouts: Timeouts) -> NoAnswer | None:
        """Open a connection, unless one is open, and send nothing; None on success.

        Raises ``ConfigurationError`` as :meth:`send` does.
        """
        session = self._here() or await self._open_here()
        if not session.slots.take() and not await self._wait_for_slot(session, timeouts):
            return _NO_SLOT
        try:
            return await self._connect(session, url, timeouts)
        finally:
            session.slots.give_back()

    async def _connect(self, session: LoopSession, url: str, timeouts: Timeouts) -> NoAnswer | None:
        http = session.http
        await _closes_are_seen()
        timeout = _client_timeout(timeouts.connect)

        async def open_only(request: aiohttp.ClientRequest, _: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            _check_hosts(request)
            assert http.connector is not None  # noqa: S101  # an open session has one
            while True:
                connection = await http.connector.connect(request, [], timeout)
                transport = connection.transport
                was_open = is_known(transport)
                if transport is not None and is_usable(transport, session.pool, timeouts.idle):
                    keep_ready(transport, timeouts.idle)
                    connection.release()
                    raise _Opened
                connection.close()
                if not was_open:
                    raise Spoiled

        # A middleware runs when the request exists and nothing of it has left.
        try:
            with Wait(session.waits, timeouts.total) as wait, clock.backstop(timeouts.connect, wait.time_out):
                response = await http.get(url, timeout=timeout, middlewares=(open_only,), **session.options)
        except _Opened:
            return None
        except ConfigurationError:
            raise
        except TimeoutError:
            return NoAnswer(False, _reason(aiohttp.ConnectionTimeoutError()))
        except Exception as error:
            return _SPOKE_FIRST if isinstance(error, Spoiled) else self._no_answer(error, left=False)
        response.release()  # of a session that somebody's tests have mocked: no other gives one
        return None

    @asynccontextmanager
    async def waiting(self) -> AsyncGenerator[None, None]:
        """A context around a wait that is not a request; ``ClientClosed`` if the client is closed meanwhile."""
        session = self._here() or await self._open_here()
        try:
            with Wait(session.waits):
                yield
        except WaitInterrupted:
            raise self._interrupted() from None

    async def aclose(self) -> None:
        """End what is under way, and close the connections of every loop; a borrowed session stays open."""
        self._closed = True
        if self._borrowed is not None:
            self._borrowed.waits.end_all()
        await self._sessions.close()

    def close_unused(self) -> None:
        """Refuse any further request, where no connection was opened."""
        self._closed = True

    @property
    def is_closed(self) -> bool:
        """Whether no request can leave any more."""
        return self._closed or (self._borrowed is not None and self._borrowed.http.closed)

    def check_open(self) -> None:
        """Raise ``ClientClosed`` if no request can leave any more."""
        if self._closed:
            raise ClientClosed("This client is closed. Make a new one, or close this one after its last call.")
        if self._borrowed is not None and self._borrowed.http.closed:
            raise ClientClosed(
                "The session that this client was given is closed. Close it after the client's last call."
            )

    def _interrupted(self) -> ClientClosed:
        """Why a wait was interrupted. Raises ``ClientClosed`` itself if this client was closed."""
        self.check_open()
        return ClientClosed("The wait of this call was ended from outside. Try it again.")

    def _no_answer(self, error: Exception, *, left: bool) -> NoAnswer:
        if self.is_closed:
            what = "client" if self._closed else "session that the client was given"
            return NoAnswer(left, f"the {what} was closed meanwhile", closed=True)
        return NoAnswer(left, error.reason if isinstance(error, _Stopped) else _reason(error))

    def _here(self) -> LoopSession | None:
        """What this event loop's requests share, if there is any yet. Raises what :meth:`send` does."""
        self.check_open()
        if self._borrowed is None:
            return self._sessions.here()
        _check_loop(self._borrowed.http)
        return self._borrowed

    async def _open_here(self) -> LoopSession:
        session = await self._sessions.open()
        if self._closed:  # by another thread, just now
            await session.close()
            self.check_open()
        return session


def _before(deadline: float | None, timeouts: Timeouts) -> Timeouts:
    """The timeouts, no longer than what is left until the deadline."""
    return timeouts if deadline is None else within(timeouts, deadline - clock.monotonic())


def _check_loop(session: aiohttp.ClientSession) -> None:
    # aiohttp would write to another loop's connections from here, and what they answer would come there.
    here = asyncio.get_running_loop()
    if getattr(session, "_loop", here) is not here:
        refusal = ConfigurationError(
            "The session that this client was given belongs to another event loop. Make a session and a client in each."
        )
        refusal.outcome = Outcome.NOT_SENT
        raise refusal


async def _closes_are_seen() -> None:
    # Where an idle connection cannot be asked: one that the server has closed is known only after the loop has run.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


# aiohttp sends these again by itself when the connection breaks before an answer.
_SENT_AGAIN: Final = frozenset({"GET"})
_NO_CONTENT: Final = ("Content-Type",)
"""What says nothing of a request without a body."""


class _Opened(Exception):
    """A connection is there, and no request is to follow on it now."""


class _Stopped(Exception):
    """A broken connection, under a name that aiohttp does not take for a reason to send again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def _stop(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    # The empty body that shows when a GET leaves would give it a length, which browsers send with none.
    request.headers.pop("Content-Length", None)
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Stopped(_reason(error)) from None


async def _refuse(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    # The innermost middleware: here a connection would be opened, and a mocked session does not come so far.
    _check_hosts(request)
    return await handler(request)


def _check_hosts(request: aiohttp.ClientRequest) -> None:
    # Behind a proxy too the request is for the base URL's host, and the connection leads to the proxy.
    check_hosts(request.url.host, None if request.proxy is None else request.proxy.host)


def _options(session: LoopSession, request: Request) -> Mapping[str, Any]:
    """The arguments of this request alone. Each costs 800 instructions in aiohttp, so none repeats a default."""
    options = session.options
    if request.query:
        options = {**options, "params": request.query}
    if not request.body:
        options = {**options, "skip_auto_headers": _NO_CONTENT}
    ours = (_stop,) if request.method in _SENT_AGAIN else ()
    if allowed_hosts() is not None:
        ours = (*ours, _refuse)
    if ours:
        # Those given to a request take the place of the session's own, which a borrowed one may have.
        options = {**options, "middlewares": (*session.http._middlewares, *ours)}
    return options


def checked_ssl(ssl: object) -> ssl_module.SSLContext | bool:
    """An ``ssl.SSLContext``, or True for the usual checks; nothing turns them off."""
    if ssl is None or isinstance(ssl, ssl_module.SSLContext):
        return ssl or True
    raise ConfigurationError(
        "ssl= must be an ssl.SSLContext. Certificates are always verified: load your own CA into one."
    )


@lru_cache(16)
def _client_timeout(connect: float) -> aiohttp.ClientTimeout:
    # The other times are those of the ``Wait``: aiohttp would set three timers for each request.
    return aiohttp.ClientTimeout(
        sock_connect=connect,
        ceil_threshold=math.inf,  # aiohttp would round what is above 5 seconds up
    )


_LONG_HEADERS: Final = NoAnswer(
    True, f"the headers of the answer are larger than {MAX_HEADER_BYTES // 1024} KiB", too_large=True
)


def _is_of_long_headers(error: BaseException | None) -> bool:
    # aiohttp raises it as an HTTP 400 that no server sent, from the parser's error.
    while error is not None and not isinstance(error, LineTooLong):
        error = error.__cause__
    return error is not None


def _size_of_headers(response: aiohttp.ClientResponse) -> int:
    headers = response.raw_headers
    return sum(map(len, chain.from_iterable(headers))) + len(b": \r\n") * len(headers)


_NO_SLOT: Final = NoAnswer(False, "no connection became free in time: max_connections= are in use")
_SPOKE_FIRST: Final = NoAnswer(False, "the server closed the connection, or sent something, before it was asked")
_EARLY: Final = NoAnswer(True, "a success was answered before the request had been written, and cannot be of it")


async def _answer_to(progress: RequestProgress, response: aiohttp.ClientResponse) -> Answer | NoAnswer:
    """What came for an answer, if it is one to this request."""
    try:
        progress.take_answer(response.connection, response.headers.get(hdrs.KEEP_ALIVE))
        answer = await _read(response, progress)
    except BaseException:
        response.close()
        raise
    # One that was read to its end has released its connection, unless the request is still being written.
    if progress.transport is not None:
        response.close()
    # A refusal may come early, and then what it refuses is not written to its end.
    if progress.is_answered_early and isinstance(answer, Answer) and answer.is_success:
        return _EARLY
    return answer


async def _read(response: aiohttp.ClientResponse, progress: RequestProgress) -> Answer | NoAnswer:
    # Headers are part of what was received: they need no measuring where that is not larger.
    if not 0 < progress.received <= MAX_HEADER_BYTES and _size_of_headers(response) > MAX_HEADER_BYTES:
        response.close()
        return _LONG_HEADERS
    pieces: list[bytes] = []
    size = 0
    while not response.content.at_eof():
        piece = await response.content.readany()
        if not progress.received:
            progress.wait.note_progress()
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            response.close()
            return NoAnswer(True, "the answer is too large to be one", too_large=True)
        pieces.append(piece)
    content_type = response.headers.get(hdrs.CONTENT_TYPE, "")
    return Answer(response.status, b"".join(pieces), _retry_after(response), content_type)


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    header = response.headers.get(hdrs.RETRY_AFTER)
    return None if header is None else read_retry_after(header, clock.now())


# The first that fits names the reason; the order goes from the particular to the general.
_REASONS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (aiohttp.ConnectionTimeoutError, "opening the connection timed out"),
    (ReadTimedOut, "waiting for the answer timed out"),
    (TimeoutError, "the time for the request ran out"),
    (aiohttp.ClientConnectorDNSError, "the host name could not be resolved"),
    (aiohttp.ClientConnectorCertificateError, "the server's certificate is not trusted"),
    (aiohttp.ClientSSLError, "the TLS handshake failed"),
    (aiohttp.ClientProxyConnectionError, "the proxy could not be reached"),
    (aiohttp.ClientHttpProxyError, "the proxy refused the connection"),
    (aiohttp.ClientConnectorError, "the connection was refused or could not be opened"),
    (aiohttp.ServerDisconnectedError, "the connection was closed without an answer"),
    (aiohttp.ClientPayloadError, "the answer was cut off"),
    (aiohttp.ClientResponseError, "the answer is not HTTP"),
)


def _reason(error: BaseException) -> str:
    return next((words for kind, words in _REASONS if isinstance(error, kind)), "the connection broke")
