"""The shell: an aiohttp server that hands each request to a provider's emulation."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import BodyPartReader, web

from smscore.sandbox import page_files
from smscore.sandbox.api import add_rest_routes, guarded
from smscore.sandbox.emulation import Call, Emulation, Refusal, Refused, Reply, Route, Upload
from smscore.sandbox.events import Stream
from smscore.sandbox.exchange import exchange
from smscore.sandbox.state import State

__all__ = ["build_runner"]

# Room for 10,000 long Persian texts of their own, each character written as \uXXXX.
LARGEST_BODY: Final = 128 * 1024 * 1024
PIECE: Final = 64 * 1024
GRACE: Final = 1.0  # seconds for requests in flight when the server stops

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_runner(state: State, host: str) -> web.AppRunner:
    """A server for all emulations, each below ``/<its name>``, and for the sandbox's own; nothing listens yet."""
    app = web.Application(client_max_size=LARGEST_BODY)
    for emulation in state.emulations.values():
        _add_routes(app, emulation, state)
    _add_own_routes(app, state, host)
    return web.AppRunner(app, access_log=None, logger=_quiet_logger(), shutdown_timeout=GRACE)


def _add_own_routes(app: web.Application, state: State, host: str) -> None:
    stream = Stream(state)

    async def end(_: web.Application) -> None:
        stream.end()

    app.on_shutdown.append(end)
    app.router.add_get("/", guarded(page_files.index, host))
    app.router.add_get("/static/{name:.+}", guarded(page_files.static, host))
    app.router.add_get("/events", guarded(stream.answer, host))
    add_rest_routes(app, state, host)


def _add_routes(app: web.Application, emulation: Emulation, state: State) -> None:
    prefix = f"/{emulation.name}"
    for route in emulation.routes:
        app.router.add_route(route.method, prefix + route.path, _handler(emulation, route, state))

    async def unknown(_: web.Request) -> web.StreamResponse:
        return _response(emulation.refusals[Refusal.ROUTE])

    # Last, so that it gets the other paths, and the known ones with another method.
    app.router.add_route("*", prefix, unknown)
    app.router.add_route("*", prefix + r"/{rest:[\s\S]*}", unknown)


def _handler(emulation: Emulation, route: Route, state: State) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            response = _response(await _reply(emulation, route, state, request))
        except Refused as refused:
            response = _response(refused.reply)
        if request.content.exception() is not None:
            response.force_close()  # aiohttp closes a connection with a broken body: say so
        return response

    return handle


async def _reply(emulation: Emulation, route: Route, state: State, request: web.Request) -> Reply:
    token = emulation.token(request.headers.get("Authorization", ""))
    if token is None:
        return emulation.refusals[Refusal.UNAUTHORIZED]
    upload = None if route.upload_limit is None else await _read_upload(request, route.upload_limit)
    body = await _read_body(emulation, request) if route.upload_limit is None else b""
    asked = exchange(emulation.name, route.name, request.method, request.path_qs, request.headers, body)
    with state.lock:
        state.tick()
        call = Call(
            emulation=emulation,
            state=state,
            account=state.account(emulation.name, token),
            body=body,
            path=request.match_info,
            query=request.query,
            headers=request.headers,
            upload=upload,
            now=state.now(),
            exchange=asked,
        )
        reply = _answered(route, call)
        asked.answered(reply.status, msgspec.json.encode(reply.body))
        state.answered(asked)
        return reply


def _answered(route: Route, call: Call) -> Reply:
    try:
        return route.answer(call)
    except Refused as refused:
        return refused.reply


async def _read_body(emulation: Emulation, request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused(emulation.refusals[Refusal.SIZE]) from None
    except (web.RequestPayloadError, OSError):  # broken gzip, a client that hung up
        raise Refused(emulation.refusals[Refusal.BODY]) from None


async def _read_upload(request: web.Request, limit: int) -> Upload | None:
    """The multipart field ``file``, read in pieces and only counted; None where it is not there, or cut off."""
    found: Upload | None = None
    try:
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == "file":
                found = Upload(part.filename or "", await _size(part, limit))
                if found.size > limit:
                    break
    except Exception:  # aiohttp's reader has a dozen types for what is no multipart, AssertionError among them
        return None
    return found


async def _size(part: BodyPartReader, limit: int) -> int:
    size = 0
    while size <= limit and (piece := await part.read_chunk(PIECE)):
        size += len(piece)
    return min(size, limit + 1)


def _response(reply: Reply) -> web.Response:
    body = msgspec.json.encode(reply.body)
    return web.Response(body=body, status=reply.status, content_type="application/json", charset="utf-8")


def _quiet_logger() -> logging.Logger:
    logger = logging.getLogger("smscore.sandbox")
    if _without_secrets not in logger.filters:
        logger.addFilter(_without_secrets)
    return logger


def _without_secrets(record: logging.LogRecord) -> bool:
    """Reduce an exception in a log record to its type and place: its words can hold a header or a number."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, web.RequestPayloadError):
        return False  # met again after the answer that refused it
    if error is not None:
        places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-1:]]
        record.msg = f"{record.msg} ({type(error).__name__} in {''.join(places)})"
        record.exc_info = None
    return True
