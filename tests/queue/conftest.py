"""A queue for each test on both databases, and a sandbox that keeps count of what was sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from services import Postgres, postgres, rabbitmq, redis_url

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore.queue import AsyncSendQueue
from smscore.sandbox import Sandbox

__all__ = ["postgres", "rabbitmq", "redis_url"]

SENDERS = {AsyncSepahan: "50003300", AsyncIPPanel: "+983000505", AsyncNajva: "90000123"}
PROVIDERS = {AsyncSepahan: "sepahan", AsyncIPPanel: "ippanel", AsyncNajva: "najva"}
TEXT = "سلام"


@frozen
class Place:
    """A database of a test's own."""

    url: str
    schema: str | None = None


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(f"sqlite:///{tmp_path}/queue.db")
    found: Postgres = request.getfixturevalue("postgres")
    return Place(found.url, found.schema)


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Place:
    return Place(f"sqlite:///{tmp_path}/queue.db")


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox(port=0) as sandbox:
        yield sandbox


@pytest.fixture
async def new_queue() -> AsyncIterator[Callable[..., Any]]:
    """``await new_queue(place, shop=client)``: a queue with its tables, closed after the test."""
    made: list[AsyncSendQueue] = []

    async def make(place: Place, *, lease: float | None = None, **accounts: Any) -> AsyncSendQueue:
        queue = AsyncSendQueue(place.url, accounts, schema=place.schema, lease=lease)
        await queue.create()
        made.append(queue)
        return queue

    yield make
    for queue in made:
        await queue.aclose()


@pytest.fixture
def client(box: Sandbox) -> Iterator[Callable[..., Any]]:
    """``client(AsyncNajva)``: a client at the sandbox."""

    def make(kind: type[Any], **options: Any) -> Any:
        return kind("token", **{"sender": SENDERS[kind], "base_url": box.url(PROVIDERS[kind])} | options)

    return make


def sent_to(box: Sandbox) -> Counter[str]:
    """How often each number was sent to, by the sandbox's ledger."""
    return Counter(message.recipient for message in box.messages)


async def done(queue: Any, campaign: Any) -> None:
    """Wait for the end of a campaign, also while its account is held meanwhile."""
    async with asyncio.timeout(60):
        while True:
            if (await queue.wait(campaign)).state.has_ended:
                return
            await asyncio.sleep(0.05)
