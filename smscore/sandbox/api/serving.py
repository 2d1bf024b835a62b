"""The shell of the REST interface: what a call says, and how it is answered."""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

import attrs
import msgspec
from aiohttp import web

from smscore.sandbox.api.errors import ErrorBody, RestError, plain_words
from smscore.sandbox.api.openapi import description
from smscore.sandbox.api.rest import ROUTES, Ask, Nothing, RestRoute
from smscore.sandbox.bodies import BrokenBody, TooLargeBody, read_body
from smscore.sandbox.callers import Callers
from smscore.sandbox.memory.state import State

__all__ = ["add_rest_routes", "guarding"]

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LARGEST_BODY: Final = 1024 * 1024


def add_rest_routes(app: web.Application, state: State, over: asyncio.Event) -> None:
    """Serve every route of the table; ``over`` lets go of those that wait."""
    for route in ROUTES:
        app.router.add_route(route.method, route.url, _handler(route, state, over))

    async def describe(_: web.Request) -> web.StreamResponse:
        return json_response(description())

    app.router.add_get("/openapi.json", describe)

    async def unknown(request: web.Request) -> web.StreamResponse:
        allowed = [route.method for route in ROUTES if pattern(route.url).fullmatch(request.path)]
        if not allowed:
            raise RestError(404, "No such call: /openapi.json lists them.")
        words = ErrorBody(f"This call takes {' and '.join(allowed)}.")
        return json_response(words, 405, Allow=", ".join(allowed))

    app.router.add_route("*", r"/api{rest:[\s\S]*}", unknown)


def pattern(url: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{\w+}", "[^/]+", url))


class Middleware(Protocol):
    """What stands before every handler."""

    def __call__(self, request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
        """What the handler answers, or an answer in its place."""
        ...


def guarding(callers: Callers) -> Middleware:
    """What stands before every route, those of the providers too: callers that may call, and refusals in JSON."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            callers.check(request)
            return await handler(request)
        except RestError as error:
            return json_response(ErrorBody(error.words), error.status)

    return guarded


def _handler(route: RestRoute, state: State, over: asyncio.Event) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        ask: Ask[Any, Any, Any] = Ask(
            state,
            over,
            f"{request.scheme}://{request.host}",
            converted(dict(request.match_info), route.path),
            converted(_query(request), route.query),
            await _body(request, route.body),
        )
        answer = route.answer(ask) if inspect.iscoroutinefunction(route.answer) else _locked(route, ask)
        return json_response(await answer if inspect.isawaitable(answer) else answer)

    return handle


def _locked(route: RestRoute, ask: Ask[Any, Any, Any]) -> object:
    with ask.state.lock:
        ask.state.tick()
        return route.answer(ask)


def _query(request: web.Request) -> dict[str, str]:
    if len(request.query) != len(set(request.query)):
        raise RestError(422, "A parameter of the query stands twice: give each once.")
    return dict(request.query)


def converted(given: Mapping[str, str], shape: type[T]) -> T:
    """Texts of a path or a query as ``shape``, or a refusal that names what does not fit."""
    if set(given) - set(names(shape)):
        raise RestError(422, f"This call has no such parameter; it has {', '.join(names(shape)) or 'none'}.")
    try:
        taken = msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        raise RestError(422, plain_words(error)) from None
    if any(getattr(taken, name) is None for name in given):
        raise RestError(422, "null is no value: leave out what is not asked for.")
    return taken


def names(shape: Any) -> list[str]:
    return [field.name for field in attrs.fields(shape)]


async def _body(request: web.Request, shape: type[T]) -> T:
    if shape is Nothing:
        return shape()
    if request.content_type != "application/json":
        raise RestError(415, "Send JSON, with Content-Type: application/json.")
    body = await _bytes(request)
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        if set(fields) - set(names(shape)):
            raise RestError(
                422, f"The body has a field that this call does not know; it has {', '.join(names(shape))}."
            )
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise RestError(422, plain_words(error)) from None
    except (ValueError, RecursionError):
        raise RestError(400, "The body is not JSON.") from None


async def _bytes(request: web.Request) -> bytes:
    try:
        return await read_body(request, LARGEST_BODY)
    except TooLargeBody:
        raise RestError(413, f"The body is larger than {LARGEST_BODY} bytes.") from None
    except BrokenBody:
        raise RestError(400, "The body did not arrive whole, or is not in its Content-Encoding.") from None


def json_response(body: object, status: int = 200, **headers: str) -> web.Response:
    """An answer in JSON, which no cache keeps."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"Cache-Control": "no-store", **headers},
    )
