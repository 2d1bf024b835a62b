"""The server's side of the emulations: each request to a provider becomes a call, and its reply goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import BodyPartReader, web

from smscore.auth import BodyToken, Received
from smscore.sandbox.bodies import BrokenBody, TooLargeBody, read_body
from smscore.sandbox.emulation import Call, Emulation, Route, Upload
from smscore.sandbox.memory.exchanges import MAX_BODY, Exchange, received
from smscore.sandbox.memory.masks import Mask, mask_of
from smscore.sandbox.memory.state import State
from smscore.sandbox.play import play
from smscore.sandbox.replies import CallRefused, PlannedResponse, RefusalReason, planned
from smscore.sandbox.responses import deliver, half

__all__ = ["Shell"]

PIECE: Final = 64 * 1024  # bytes of an upload

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Shell:
    """Serves emulations, to requests of at most ``largest_body`` bytes.

    ``over`` is set when the server ends, and releases responses that are held back.
    """

    def __init__(self, state: State, over: asyncio.Event, largest_body: int) -> None:
        self._state = state
        self._largest_body = largest_body
        self._over = over

    def add_routes(self, app: web.Application, emulation: Emulation) -> None:
        """Serve an emulation below ``/<its name>``."""
        prefix = f"/{emulation.name}"
        for route in emulation.routes:
            app.router.add_route(route.method, prefix + route.path, self._handler(emulation, route))

        async def unknown(request: web.Request) -> web.StreamResponse:
            return await deliver(request, planned(emulation.refusals[RefusalReason.ROUTE]), self._over)

        # Added last, so that it gets all other paths, and the known paths with another method.
        app.router.add_route("*", prefix, unknown)
        app.router.add_route("*", prefix + r"/{rest:[\s\S]*}", unknown)

    def _handler(self, emulation: Emulation, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                answer = await self._answer(emulation, route, request)
            except CallRefused as refused:
                answer = planned(refused.reply)
            response = await deliver(request, answer, self._over)
            if request.content.exception() is not None:
                response.force_close()  # aiohttp closes the connection after a broken body: announce it to the client
            return response

        return handle

    async def _answer(self, emulation: Emulation, route: Route, request: web.Request) -> PlannedResponse:
        # The token is looked for before the body is read, unless the body is where it is.
        in_body = isinstance(route.credentials or emulation.credentials, BodyToken)
        body = await self._read_body(emulation, request) if in_body else b""
        token = emulation.token(_parts(request, body), route)
        if token is None:
            return planned(emulation.refusals[RefusalReason.UNAUTHORIZED])
        upload = None if route.upload_limit is None else await _read_upload(request, route.upload_limit)
        if route.upload_limit is None and not in_body:
            body = await self._read_body(emulation, request)
        return self._play(emulation, route, request, body, token, upload)

    def _play(
        self, emulation: Emulation, route: Route, request: web.Request, body: bytes, token: str, upload: Upload | None
    ) -> PlannedResponse:
        mask = mask_of(token)
        exchange = received(emulation.name, route.name, request.method, request.path_qs, request.headers, body, mask)
        with self._state.lock:
            self._state.tick()
            call = Call(
                emulation=emulation,
                route=route,
                memory=self._state,
                account=self._state.account(emulation.name, token),
                body=body,
                path=request.match_info,
                query=request.query,
                headers=request.headers,
                upload=upload,
                now=self._state.now(),
                exchange=exchange,
            )
            response = play(call, self._state.faults)
            _note(exchange, response, mask)
            self._state.answered(exchange)
            return response

    async def _read_body(self, emulation: Emulation, request: web.Request) -> bytes:
        try:
            return await read_body(request, self._largest_body)
        except TooLargeBody:
            raise CallRefused(emulation.refusals[RefusalReason.SIZE]) from None
        except BrokenBody:
            raise CallRefused(emulation.refusals[RefusalReason.BODY]) from None


def _note(exchange: Exchange, response: PlannedResponse, mask: Mask) -> None:
    """Keep the part of a response that goes out."""
    if response.is_dropped:
        exchange.answered(None, b"", is_cut=False)
    else:
        body = mask.beginning(response.body, MAX_BODY)
        sent = half(body) if response.is_cut else body
        exchange.answered(response.status, sent, is_cut=len(response.body) > MAX_BODY)


def _parts(request: web.Request, body: bytes) -> Received:
    return Received(request.headers, request.query, request.match_info, _fields(body, request.content_type))


def _fields(body: bytes, content_type: str) -> Mapping[str, object]:
    """The fields of a form or a JSON object; none of anything else."""
    if content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (ValueError, RecursionError):  # not JSON, or not an object
        return {}


async def _read_upload(request: web.Request, limit: int) -> Upload | None:
    """The multipart field ``file``, read in pieces and only counted; None if it is missing or incomplete."""
    found: Upload | None = None
    try:
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == "file":
                found = Upload(part.filename or "", await _size(part, limit))
                if found.size > limit:
                    break
    except Exception:  # aiohttp's reader raises a dozen types for an invalid body, AssertionError among them
        return None
    return found


async def _size(part: BodyPartReader, limit: int) -> int:
    size = 0
    while size <= limit and (piece := await part.read_chunk(PIECE)):
        size += len(piece)
    return min(size, limit + 1)
