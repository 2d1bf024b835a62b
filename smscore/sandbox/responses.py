"""Sending a planned response: whole, cut in half, late, or not at all."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from smscore import clock
from smscore.sandbox.replies import PlannedResponse

__all__ = ["deliver", "half"]


async def deliver(request: web.Request, planned: PlannedResponse, over: asyncio.Event) -> web.StreamResponse:
    """Send a response as planned. Once ``over`` is set, a late one is dropped, so that the server can end."""
    if planned.delay:
        with contextlib.suppress(TimeoutError):
            async with clock.timeout(planned.delay):
                await over.wait()
    if planned.is_dropped or (planned.delay and over.is_set()):
        _hang_up(request)
        return web.Response()
    return await _cut(request, planned) if planned.is_cut else _whole(planned)


def half(body: bytes) -> bytes:
    """The part of a body that is sent of a cut response."""
    return body[: len(body) // 2]


def _whole(planned: PlannedResponse) -> web.Response:
    return web.Response(
        body=planned.body,
        status=planned.status,
        content_type=planned.content_type,
        charset="utf-8",
        headers=planned.headers,
    )


async def _cut(request: web.Request, planned: PlannedResponse) -> web.StreamResponse:
    """Announce the whole body, send half of it, and close the connection."""
    response = web.StreamResponse(status=planned.status)
    response.content_type = planned.content_type
    response.content_length = len(planned.body)
    await response.prepare(request)
    await response.write(half(planned.body))
    _hang_up(request)
    return response


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
