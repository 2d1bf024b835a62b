"""Delivery reports: the calls that a provider makes to its customer, one for each change of a message's status."""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import aiohttp
import attrs
import msgspec
from yarl import URL

__all__ = ["LastReport", "Method", "Reporter", "Webhook"]

Method = Literal["GET", "POST"]

MOST_WAITING: Final = 10_000
AT_ONCE: Final = 4
PATIENCE: Final = aiohttp.ClientTimeout(total=10)


@attrs.frozen(kw_only=True, repr=False)
class LastReport:
    """What became of the report called last: an HTTP status, or the error that kept it from one."""

    at: datetime
    message_id: str
    status: int
    http_status: int | None
    error: str | None


@attrs.frozen(repr=False)
class Report:
    """One report that waits to be called."""

    message_id: int
    status: int
    body: Mapping[str, int]


@attrs.define(repr=False)
class Webhook:
    """Where reports go, how the last one went, and how many there were; ``missed`` were too many to wait."""

    url: str | None = None
    method: Method = "POST"
    last: LastReport | None = None
    called: int = 0
    failed: int = 0
    missed: int = 0
    _waiting: deque[Report] = attrs.field(factory=deque[Report], init=False)

    def set(self, url: str | None, method: Method) -> None:
        """Call ``url`` from now on, or nobody; what waits is forgotten. A ``ValueError`` where it is no address."""
        if url is not None and not is_address(url):
            raise ValueError("A webhook is an http or https address, such as http://127.0.0.1:8000/report.")
        if method not in ("GET", "POST"):
            raise ValueError("A webhook is called with GET or with POST.")
        self.url, self.method, self.last = url, method, None
        self.called = self.failed = self.missed = 0
        self._waiting.clear()

    def add(self, report: Report) -> None:
        """Let a report wait for its call, if anybody is to be called."""
        if self.url is None:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.missed += 1
            return
        self._waiting.append(report)

    def next_ones(self) -> list[Report]:
        """The next few reports, no two of them of one message: those keep their order."""
        taken: dict[int, Report] = {}
        while self._waiting and len(taken) < AT_ONCE and self._waiting[0].message_id not in taken:
            report = self._waiting.popleft()
            taken[report.message_id] = report
        return list(taken.values())


def is_address(url: str) -> bool:
    try:
        parts = URL(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.host)


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request once: aiohttp by itself sends a GET again where the connection drops."""
    try:
        return await handler(request)
    except aiohttp.ServerDisconnectedError:
        raise _Dropped from None


class _Dropped(Exception):
    """The connection closed without an answer."""


class Reporter:
    """Calls a webhook. ``call`` makes one round of calls, at most a few at once."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=PATIENCE, cookie_jar=aiohttp.DummyCookieJar(), middlewares=(_once,)
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()

    async def call(self, webhook: Webhook, reports: list[Report], now: float) -> None:
        """Call each of the reports once, whatever becomes of it."""
        await asyncio.gather(*(self._call(webhook, report, now) for report in reports))

    async def _call(self, webhook: Webhook, report: Report, now: float) -> None:
        url, status, error = webhook.url, None, None
        if url is None:
            return
        try:
            status = await self._status(webhook.method, url, report)
        except Exception as failure:  # whatever keeps a call from its answer is shown, and ends nothing
            error = words_of(failure)
        if webhook.url != url:
            return
        webhook.called += 1
        webhook.failed += status is None or not 200 <= status < 300
        webhook.last = LastReport(
            at=datetime.fromtimestamp(now, UTC),
            message_id=str(report.message_id),
            status=report.status,
            http_status=status,
            error=error,
        )

    async def _status(self, method: str, url: str, report: Report) -> int:
        """The two parameters stand in the body, with GET too: so says the document."""
        body = msgspec.json.encode(report.body)
        async with self._session.request(
            method, url, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False
        ) as response:
            return response.status


def words_of(failure: Exception) -> str:
    for kind, words in _FAILURES:
        if isinstance(failure, kind):
            return words
    return type(failure).__name__


_FAILURES: Final = (
    (TimeoutError, "no answer within 10 seconds"),
    (_Dropped, "the connection closed without an answer"),
    (aiohttp.ClientConnectorError, "nobody listens there"),
)
