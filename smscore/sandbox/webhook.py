"""Delivery reports: the webhook calls that a provider makes, one for each change of a message's status."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import aiohttp
import anyio
import msgspec
from attrs import define, field, frozen
from yarl import URL

__all__ = ["LastReport", "Method", "Reporter", "Webhook"]

Method = Literal["GET", "POST"]

MAX_WAITING: Final = 10_000  # reports
AT_ONCE: Final = 4  # calls
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


@frozen(kw_only=True, repr=False)
class LastReport:
    """The last call: its HTTP status, or the error without one."""

    at: datetime
    message_id: str
    status: int
    http_status: int | None
    error: str | None


@frozen(repr=False)
class Report:
    """A report whose call is still to be made; ``body`` is the provider's JSON."""

    message_id: int
    status: int
    body: Mapping[str, int]


@define(repr=False)
class Webhook:
    """Where reports go, the result of the last one, and counts; ``missed`` ones were dropped from a full queue."""

    url: str | None = None
    method: Method = "POST"
    last: LastReport | None = None
    called: int = 0
    failed: int = 0
    missed: int = 0
    _waiting: deque[Report] = field(factory=deque[Report], init=False)

    def set(self, url: str | None, method: Method) -> None:
        """Send reports to ``url`` from now on, or to nobody. Those that wait are dropped, and the counts are reset.

        Raises:
            ValueError: ``url`` is not an http or https address, or ``method`` is neither GET nor POST.
        """
        if url is not None and not _is_address(url):
            raise ValueError("url must be an http or https address, e.g. http://127.0.0.1:8000/report.")
        if method not in ("GET", "POST"):
            raise ValueError("method must be GET or POST.")
        self.url, self.method, self.last = url, method, None
        self.called = self.failed = self.missed = 0
        self._waiting.clear()

    def add(self, report: Report) -> None:
        """Queue a report, if there is a webhook."""
        if self.url is None:
            return
        if len(self._waiting) >= MAX_WAITING:
            self.missed += 1
            return
        self._waiting.append(report)

    def next_ones(self) -> list[Report]:
        """The next reports, at most ``AT_ONCE``, and never two of one message: those keep their order."""
        taken: dict[int, Report] = {}
        while self._waiting and len(taken) < AT_ONCE and self._waiting[0].message_id not in taken:
            report = self._waiting.popleft()
            taken[report.message_id] = report
        return list(taken.values())


def _is_address(url: str) -> bool:
    try:
        parts = URL(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.host)


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request once: aiohttp itself repeats a GET if a kept connection turns out to be closed."""
    try:
        return await handler(request)
    except aiohttp.ServerDisconnectedError:
        raise _Dropped from None


class _Dropped(Exception):
    """The connection closed without an answer."""


class Reporter:
    """Calls a webhook."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), middlewares=(_once,)
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._session.close()

    async def call(self, webhook: Webhook, reports: list[Report], now: float) -> None:
        """Send each of the reports once, all at the same time; a call that fails is noted, and not repeated."""
        async with anyio.create_task_group() as calls:
            for report in reports:
                calls.start_soon(self._call, webhook, report, now)

    async def _call(self, webhook: Webhook, report: Report, now: float) -> None:
        url, status, error = webhook.url, None, None
        if url is None:
            return
        try:
            status = await self._status(webhook.method, url, report)
        # The user's own server may do anything: it is shown on the page, and the sandbox keeps running.
        except Exception as failure:
            error = _description(failure)
        if webhook.url != url:  # another one was set meanwhile, and its counts are not this call's
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
        """The status of the response. The JSON is in the body with GET too, as the document that knows GET has it."""
        body = msgspec.json.encode(report.body)
        async with self._session.request(
            method, url, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False
        ) as response:
            return response.status


def _description(failure: Exception) -> str:
    for kind, description in _FAILURES:
        if isinstance(failure, kind):
            return description
    return type(failure).__name__


_FAILURES: Final = (
    (TimeoutError, "no answer within 10 seconds"),
    (_Dropped, "the connection closed without an answer"),
    (aiohttp.ClientConnectorError, "connection refused, or unknown host"),
)
