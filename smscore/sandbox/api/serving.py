"""Serving the REST interface: its calls are read, checked and answered here."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

import msgspec
from aiohttp import web
from attrs import fields

from smscore.loops.forks import MAKING
from smscore.sandbox.api.errors import ErrorBody, RestError, plain_text
from smscore.sandbox.api.openapi import description
from smscore.sandbox.api.routes import ROUTES
from smscore.sandbox.api.routing import Nothing, RestCall, RestRoute
from smscore.sandbox.bodies import BrokenBody, TooLargeBody, read_body
from smscore.sandbox.callers import Callers
from smscore.sandbox.memory.state import State

__all__ = ["add_rest_routes", "guarding"]

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MAX_BODY: Final = 1024 * 1024


def add_rest_routes(app: web.Application, state: State, over: asyncio.Event) -> None:
    """Serve every route of the table; once ``over`` is set, calls that wait are answered."""
    for route in ROUTES:
        app.router.add_route(route.method, route.url, _handler(route, state, over))

    async def describe(_: web.Request) -> web.StreamResponse:
        return json_response(description())

    app.router.add_get("/openapi.json", describe)

    async def unknown(request: web.Request) -> web.StreamResponse:
        allowed = [route.method for route in ROUTES if pattern(route.url).fullmatch(request.path)]
        if not allowed:
            raise RestError(404, "Unknown call: /openapi.json lists them.")
        text = ErrorBody(f"This call takes {' and '.join(allowed)}.")
        return json_response(text, 405, Allow=", ".join(allowed))

    app.router.add_route("*", r"/api{rest:[\s\S]*}", unknown)


def pattern(url: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{\w+}", "[^/]+", url))


class Middleware(Protocol):
    """A function that is called in place of every handler."""

    def __call__(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """The handler's response, or another in its place."""
        ...


def guarding(callers: Callers) -> Middleware:
    """A middleware for all routes, those of the providers too: it checks the caller, and makes refusals JSON."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            callers.check(request)
            return await handler(request)
        except RestError as error:
            return json_response(ErrorBody(error.text), error.status)

    return guarded


def _handler(route: RestRoute, state: State, over: asyncio.Event) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        call: RestCall[Any, Any, Any] = RestCall(
            state,
            over,
            f"{request.scheme}://{request.host}",
            converted(dict(request.match_info), route.path),
            converted(_query(request), route.query),
            await _body(request, route.body),
        )
        answer = route.answer(call) if inspect.iscoroutinefunction(route.answer) else _locked(route, call)
        return json_response(await answer if inspect.isawaitable(answer) else answer)

    return handle


def _locked(route: RestRoute, call: RestCall[Any, Any, Any]) -> object:
    with call.state.lock:
        call.state.tick()
        return route.answer(call)


def _query(request: web.Request) -> dict[str, str]:
    if len(request.query) != len(set(request.query)):
        raise RestError(422, "A query parameter is given twice: give each once.")
    return dict(request.query)


def converted(given: Mapping[str, str], shape: type[T]) -> T:
    """The values of a path or a query as ``shape``, or a refusal that names the invalid one."""
    if set(given) - set(names(shape)):
        raise RestError(422, f"Unknown parameter; this call has {', '.join(names(shape)) or 'none'}.")
    try:
        with MAKING:  # two sandboxes that find out one shape at once would crash the process, in msgspec
            taken = msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise RestError(422, plain_text(error)) from None
    if any(getattr(taken, name) is None for name in given):
        raise RestError(422, "null is not a value: leave the parameter out.")
    return taken


def names(shape: Any) -> list[str]:
    return [field.name for field in fields(shape)]


async def _body(request: web.Request, shape: type[T]) -> T:
    if shape is Nothing:
        return shape()
    if request.content_type != "application/json":
        raise RestError(415, "The body must be JSON, with Content-Type: application/json.")
    body = await _bytes(request)
    try:
        given = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if set(given) - set(names(shape)):
            raise RestError(422, f"Unknown field in the body; this call has {', '.join(names(shape))}.")
        with MAKING:
            return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise RestError(422, plain_text(error)) from None
    except (ValueError, RecursionError):
        raise RestError(400, "The body is not valid JSON.") from None


async def _bytes(request: web.Request) -> bytes:
    try:
        return await read_body(request, MAX_BODY)
    except TooLargeBody:
        raise RestError(413, f"The body must be at most {MAX_BODY} bytes.") from None
    except BrokenBody:
        raise RestError(400, "The body did not arrive whole, or is not in its Content-Encoding.") from None


def json_response(body: object, status: int = 200, **headers: str) -> web.Response:
    """A response in JSON, which no cache keeps."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"Cache-Control": "no-store", **headers},
    )
