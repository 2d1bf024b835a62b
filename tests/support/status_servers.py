"""Providers in memory that are asked for delivery statuses, in the place of a client's connections.

Each tells what it was asked and when; what it answers is a function of the id, or of the bulk's rows, and of the time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import attrs
from attrs import define, field, frozen

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import ClientClosed, RetryPolicy, clock
from smscore.config import Timeouts
from smscore.outcomes import Outcome
from smscore.results import RecipientResult
from smscore.wire.endpoint import Answer, NoAnswer, Request

PROVIDERS = {"sepahan": AsyncSepahan, "najva": AsyncNajva, "ippanel": AsyncIPPanel}
LOST = NoAnswer(left=True, reason="the connection was closed without an answer")
NO_CONNECTION = NoAnswer(left=False, reason="the connection was refused or could not be opened")


@frozen
class Asked:
    """One request: when, by which path, about which ids, or which page of which bulk message."""

    at: float
    path: str
    ids: list[int]
    page: int = 1


@define
class StatusServer:
    """A transport behind which statuses are told. ``fail`` gives what comes in place of an answer, or None."""

    status_of: Callable[[int], int]
    rows_of: Callable[[int], Sequence[tuple[str, int]]] = lambda bulk_id: ()
    fail: Callable[[Asked], Answer | NoAnswer | None] = lambda asked: None
    delay: float = 0.0
    """The seconds that an answer takes."""
    asked: list[Asked] = field(factory=list[Asked])
    began: float = field(factory=lambda: clock.monotonic())
    is_closed: bool = False
    PAGE: ClassVar[int] = 100

    def check_open(self) -> None:
        if self.is_closed:
            raise ClientClosed("closed")

    async def aclose(self) -> None:
        self.is_closed = True

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        self.check_open()
        yield

    async def send(self, request: Request, timeouts: Timeouts, deadline: float | None) -> Answer | NoAnswer:
        self.check_open()
        path = request.url.partition(".com")[2].partition(".ir")[0]
        asked = Asked(clock.monotonic() - self.began, path, _ids(request), int(request.query.get("page", 1)))
        self.asked.append(asked)
        total = timeouts.total if deadline is None else min(timeouts.total, deadline - clock.monotonic())
        await asyncio.sleep(min(self.delay, total))
        if self.delay > total:
            return LOST
        return self.fail(asked) or Answer(200, json.dumps(self._answer(asked)).encode())

    def _answer(self, asked: Asked) -> Any:
        if asked.path.endswith("/recipients"):
            rows = self.rows_of(asked.ids[0])
            page = rows[(asked.page - 1) * self.PAGE : asked.page * self.PAGE]
            found = [{"recipient": number, "message_status": str(status)} for number, status in page]
            last = -(-len(rows) // self.PAGE)
            return {"data": found, "meta": {"status": True, "current_page": asked.page, "last_page": last}}
        statuses = [self.status_of(id_) for id_ in asked.ids]
        if "SmsReport" in asked.path:
            return {"isSuccess": True, "value": statuses, "error": None}
        entries = [
            {"messageid": id_, "status": status, "statustext": f"words of {status}"}
            for id_, status in zip(asked.ids, statuses, strict=True)
        ]
        return {"return": {"status": 200, "message": "ok"}, "entries": entries}


def _ids(request: Request) -> list[int]:
    if "bulk_id" in request.query:
        return [int(request.query["bulk_id"])]
    assert isinstance(request.body, bytes)
    body = json.loads(request.body)
    return body if isinstance(body, list) else body["messageids"]


def client_of(provider: str, server: StatusServer, **options: Any) -> Any:
    """A client that asks this server and repeats nothing."""
    client = PROVIDERS[provider]("any token", **{"retry": RetryPolicy.none()} | options)
    client._caller = attrs.evolve(client._caller, transport=server)
    return client


def result(provider: str, message_id: int | None, number: str = "+989121234567", **more: Any) -> RecipientResult:
    """What a send gave of one recipient."""
    return RecipientResult(number, Outcome.ACCEPTED, message_id, provider=provider, **more)
