"""One-time codes in FastAPI: the routes. What they do is in ``one_time_codes.py``; copy both.

Several processes need a shared store in place of the dicts of ``Codes``, such as Redis.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Body, FastAPI, Request
from fastapi.responses import JSONResponse
from one_time_codes import Codes, failover, follow, send_code


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep the clients for as long as the service runs; what follows codes ends with it."""
    following: set[asyncio.Task[None]] = set()
    async with failover() as sms:
        sms.check()  # a missing token stops the start, not the first user
        app.state.sms, app.state.codes, app.state.following = sms, Codes(), following
        try:
            yield
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)


app = FastAPI(lifespan=lifespan)


@app.post("/codes")
async def ask(request: Request, mobile: Annotated[str, Body(embed=True)]) -> JSONResponse:
    """Send a code, and give the browser its ticket."""
    state = request.app.state
    answer = await send_code(state.sms, state.codes, mobile)
    if answer.ticket is not None and answer.report is not None:
        task = asyncio.create_task(follow(state.sms, state.codes, answer.ticket, answer.report))
        state.following.add(task)  # asyncio keeps no task alive by itself
        task.add_done_callback(state.following.discard)
    headers = {"Retry-After": str(math.ceil(answer.wait))} if answer.wait else {}
    return JSONResponse({"words": answer.words, "ticket": answer.ticket}, answer.status, headers)


@app.post("/codes/check")
async def check(request: Request, ticket: Annotated[str, Body()], code: Annotated[str, Body()]) -> JSONResponse:
    """Whether the code is right."""
    is_right = request.app.state.codes.is_right(ticket, code)
    return JSONResponse({"ok": is_right}, 200 if is_right else 403)


@app.get("/codes/{ticket}")
async def delivery(request: Request, ticket: str) -> JSONResponse:
    """What became of the message, where that is known."""
    status = request.app.state.codes.delivery(ticket)
    return JSONResponse({"delivery": None if status is None else status.value})
