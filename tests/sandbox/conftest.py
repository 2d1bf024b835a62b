"""A sandbox whose clock stands still, and raw HTTP to it: no client of ours is involved."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import attrs
import pytest

from smscore.sandbox import Sandbox

NOON = 1_760_000_000.0  # 2025-10-09 08:53:20 UTC, 12:23:20 in Tehran, 1404/07/17


@attrs.frozen
class Answer:
    """An HTTP status and the JSON that came with it."""

    status: int
    body: Any


@attrs.frozen
class Api:
    """One provider of a sandbox, spoken to in raw HTTP."""

    box: Sandbox
    session: aiohttp.ClientSession
    provider: str
    authorization: str

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        data: Any = None,
        authorization: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        given = self.authorization if authorization is None else authorization
        sent = {"Authorization": given, **(headers or {})} if given else dict(headers or {})
        raw = json.dumps(body).encode() if data is None and body is not None else data
        url = self.box.url(self.provider) + path
        async with self.session.request(method, url, data=raw, headers=sent) as response:
            assert response.content_type == "application/json"
            return Answer(response.status, json.loads(await response.read()))

    @property
    def credit(self) -> int:
        return self.box.credit(self.provider, "token")


@attrs.frozen
class Rest:
    """The sandbox's own REST interface."""

    origin: str
    session: aiohttp.ClientSession

    async def __call__(
        self, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        async with self.session.request(method, self.origin + path, json=body, headers=headers) as response:
            assert response.content_type == "application/json"
            return Answer(response.status, json.loads(await response.read()))

    async def get(self, path: str) -> Any:
        answer = await self("GET", path)
        assert answer.status == 200, answer
        return answer.body


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=lambda: NOON, keep=200_000) as box:
        yield box


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def rest(box: Sandbox, session: aiohttp.ClientSession) -> Rest:
    return Rest(box.url("najva").removesuffix("/najva"), session)


@pytest.fixture
def sepahan(box: Sandbox, session: aiohttp.ClientSession) -> Api:
    return Api(box, session, "sepahan", "token")


@pytest.fixture
def ippanel(box: Sandbox, session: aiohttp.ClientSession) -> Api:
    return Api(box, session, "ippanel", "token")


@pytest.fixture
def najva(box: Sandbox, session: aiohttp.ClientSession) -> Api:
    return Api(box, session, "najva", "Bearer token")
