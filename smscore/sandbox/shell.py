"""The shell around the emulations: each request to a provider becomes a call, and its reply goes out."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import BodyPartReader, web

from smscore import clock
from smscore.auth import BodyToken, Received
from smscore.sandbox.bodies import BrokenBody, TooLargeBody, read_body
from smscore.sandbox.emulation import Call, Emulation, Route, Upload
from smscore.sandbox.faults import FAULT_RULES, NO_ANSWER, StoppedByFault
from smscore.sandbox.memory.exchanges import CUT_AT, Exchange, exchange
from smscore.sandbox.memory.masks import Mask, mask_of
from smscore.sandbox.memory.state import State
from smscore.sandbox.replies import CallRefused, PlannedResponse, RefusalReason, planned

__all__ = ["Shell"]

PIECE: Final = 64 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Shell:
    """Serves emulations, to requests of ``largest_body`` bytes at most.

    ``over`` is set when the server ends, and lets go of answers that are held back.
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

        async def unknown(_: web.Request) -> web.StreamResponse:
            return whole_response(planned(emulation.refusals[RefusalReason.ROUTE]))

        # Last, so that it gets the other paths, and the known ones with another method.
        app.router.add_route("*", prefix, unknown)
        app.router.add_route("*", prefix + r"/{rest:[\s\S]*}", unknown)

    def _handler(self, emulation: Emulation, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                answer = await self._answer(emulation, route, request)
            except CallRefused as refused:
                answer = planned(refused.reply)
            response = await self._deliver(request, answer)
            if request.content.exception() is not None:
                response.force_close()  # aiohttp closes a connection with a broken body: say so
            return response

        return handle

    async def _answer(self, emulation: Emulation, route: Route, request: web.Request) -> PlannedResponse:
        in_body = isinstance(route.credentials or emulation.credentials, BodyToken)
        body = await self._read_body(emulation, request) if in_body else b""
        token = emulation.token(_received(request, body), route)
        if token is None:
            return planned(emulation.refusals[RefusalReason.UNAUTHORIZED])
        upload = None if route.upload_limit is None else await _read_upload(request, route.upload_limit)
        if route.upload_limit is None and not in_body:
            body = await self._read_body(emulation, request)
        mask = mask_of(token)
        asked = exchange(emulation.name, route.name, request.method, request.path_qs, request.headers, body, mask)
        with self._state.lock:
            self._state.tick()
            call = Call(
                emulation=emulation,
                route=route,
                state=self._state,
                account=self._state.account(emulation.name, token),
                body=body,
                path=request.match_info,
                query=request.query,
                headers=request.headers,
                upload=upload,
                now=self._state.now(),
                exchange=asked,
            )
            answer = played(call)
            note(asked, answer, mask)
            self._state.answered(asked)
            return answer

    async def _read_body(self, emulation: Emulation, request: web.Request) -> bytes:
        try:
            return await read_body(request, self._largest_body)
        except TooLargeBody:
            raise CallRefused(emulation.refusals[RefusalReason.SIZE]) from None
        except BrokenBody:
            raise CallRefused(emulation.refusals[RefusalReason.BODY]) from None

    async def _deliver(self, request: web.Request, answer: PlannedResponse) -> web.StreamResponse:
        if answer.delay:
            with contextlib.suppress(TimeoutError):
                async with clock.timeout(answer.delay):
                    await self._over.wait()
        if answer.is_dropped or (answer.delay and self._over.is_set()):
            hang_up(request)
            return web.Response()
        return await cut_response(request, answer) if answer.is_cut else whole_response(answer)


def played(call: Call) -> PlannedResponse:
    """What goes out for a call, the fault that it meets included. The state's lock is held."""
    call.exchange.fault = call.state.faults.meet(call.emulation, call.route)
    honest = honest_answer(call)
    fault = call.exchange.fault
    return honest if fault is None else FAULT_RULES[fault.kind].turns(fault, call.emulation, honest)


def honest_answer(call: Call) -> PlannedResponse:
    """What the provider answers; where a fault keeps it from being asked, no answer."""
    kind = call.exchange.fault and FAULT_RULES[call.exchange.fault.kind]
    if kind and not kind.is_accepted:
        return NO_ANSWER
    credit = call.account.credit
    if kind and kind.empties_account:
        call.account.credit = 0
    try:
        return planned(call.route.answer(call))
    except CallRefused as refused:
        return planned(refused.reply)
    except StoppedByFault:
        return NO_ANSWER
    finally:
        if kind and kind.empties_account:
            call.account.credit = credit


def note(exchange: Exchange, answer: PlannedResponse, mask: Mask) -> None:
    """Keep what goes out, as far as it does."""
    if answer.is_dropped:
        exchange.answered(None, b"", is_cut=False)
    else:
        body = mask.beginning(answer.body, CUT_AT)
        exchange.answered(answer.status, half(body) if answer.is_cut else body, is_cut=len(answer.body) > CUT_AT)


def half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()


def whole_response(answer: PlannedResponse) -> web.Response:
    return web.Response(
        body=answer.body,
        status=answer.status,
        content_type=answer.content_type,
        charset="utf-8",
        headers=answer.headers,
    )


async def cut_response(request: web.Request, answer: PlannedResponse) -> web.StreamResponse:
    """Promise the whole body, send half of it, and hang up."""
    response = web.StreamResponse(status=answer.status)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(half(answer.body))
    hang_up(request)
    return response


def _received(request: web.Request, body: bytes) -> Received:
    return Received(request.headers, request.query, request.match_info, _fields(body, request.content_type))


def _fields(body: bytes, content_type: str) -> Mapping[str, object]:
    """The fields of a form or of a JSON object; none of anything else."""
    if content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (ValueError, RecursionError):  # no JSON, or none that is an object
        return {}


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
