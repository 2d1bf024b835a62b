"""Najva's delivery reports: one call a change, to whoever asked for them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
from aiohttp import web
from sandbox.bodies import ippanel_send, najva_send, sepahan_send

from najva_sms import parse_webhook
from smscore.sandbox import Sandbox, webhook


@attrs.define
class Endpoint:
    """Somebody's own server: what it was called with, and what it does."""

    url: str = ""
    calls: list[tuple[str, str, bytes]] = attrs.field(factory=list)
    status: int = 200
    hold: float = 0.0
    drop: bool = False
    at_once: int = 0
    most_at_once: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.calls.append((request.method, request.query_string, await request.read()))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.hold)
        self.at_once -= 1
        if self.drop and request.transport is not None:
            request.transport.close()
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})

    def statuses(self) -> list[int]:
        return [json.loads(body)["status"] for _, _, body in self.calls]

    async def called(self, times: int) -> None:
        """Wait for so many calls, and a little for one too many."""
        async with asyncio.timeout(60):
            while len(self.calls) < times:  # noqa: ASYNC110 (an event could not tell of one call too many)
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.25)
        assert len(self.calls) == times


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    endpoint, app = Endpoint(), web.Application()
    app.router.add_route("*", "/report", endpoint.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/report"
    yield endpoint
    await runner.cleanup()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_each_change_by_the_clock_is_one_call_in_order(
    box: Sandbox, najva: Any, endpoint: Endpoint, method: webhook.Method
) -> None:
    box.set_webhook(endpoint.url, method)
    await najva(*najva_send())
    box.advance(5)
    await endpoint.called(2)
    assert [(method_, query) for method_, query, _ in endpoint.calls] == [(method, "")] * 2
    reports = [parse_webhook(body=body) for _, _, body in endpoint.calls]
    assert [report.code for report in reports] == [4, 10]
    assert {report.message_id for report in reports} == {box.messages[0].message_id}


async def test_a_change_by_hand_is_a_call_and_no_change_is_none(box: Sandbox, najva: Any, endpoint: Endpoint) -> None:
    box.set_webhook(endpoint.url)
    await najva(*najva_send())
    for code in (11, 11, 14):
        box.settle("najva", box.messages[0].message_id, code)
    box.advance(60)
    await endpoint.called(2)
    assert endpoint.statuses() == [11, 14]


async def test_other_providers_report_nothing(box: Sandbox, sepahan: Any, ippanel: Any, endpoint: Endpoint) -> None:
    box.set_webhook(endpoint.url)
    await sepahan(*sepahan_send())
    await ippanel(*ippanel_send())
    box.advance(60)
    await endpoint.called(0)


async def test_how_the_last_call_went_is_shown(box: Sandbox, rest: Any, najva: Any, endpoint: Endpoint) -> None:
    assert (await rest("PUT", "/api/webhook", {"url": endpoint.url, "method": "GET"})).body["last"] is None
    await najva(*najva_send())
    box.settle("najva", box.messages[0].message_id, 11)
    await endpoint.called(1)
    shown = await rest.get("/api/webhook")
    assert shown["last"] | {"at": None} == {
        "at": None,
        "message_id": str(box.messages[0].message_id),
        "status": 11,
        "http_status": 200,
        "error": None,
    }
    assert (shown["called"], shown["failed"], shown["missed"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("trouble", "http_status", "error"),
    [
        ({"status": 500}, 500, None),
        ({"status": 302}, 302, None),
        ({"drop": True}, None, "the connection closed without an answer"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_failed_call_is_shown_and_not_repeated(
    box: Sandbox, rest: Any, najva: Any, endpoint: Endpoint, method: str, trouble: Any, http_status: Any, error: Any
) -> None:
    for name, value in trouble.items():
        setattr(endpoint, name, value)
    await rest("PUT", "/api/webhook", {"url": endpoint.url, "method": method})
    await najva(*najva_send())
    box.settle("najva", box.messages[0].message_id, 11)
    await endpoint.called(1)
    shown = await rest.get("/api/webhook")
    assert (shown["last"]["http_status"], shown["last"]["error"]) == (http_status, error)
    assert (shown["called"], shown["failed"]) == (1, 1)


async def test_nobody_listening_is_shown(box: Sandbox, rest: Any, najva: Any) -> None:
    box.set_webhook("http://127.0.0.1:1/report")
    await najva(*najva_send())
    box.settle("najva", box.messages[0].message_id, 11)
    async with asyncio.timeout(60):
        while (last := (await rest.get("/api/webhook"))["last"]) is None:  # noqa: ASYNC110 (it is asked over HTTP)
            await asyncio.sleep(0.01)
    assert last["error"] == "connection refused, or unknown host"


async def test_never_more_than_a_few_at_once(box: Sandbox, najva: Any, endpoint: Endpoint) -> None:
    endpoint.hold = 0.02
    box.set_webhook(endpoint.url)
    await najva(*najva_send(*["09120000000"] * 20))
    box.advance(5)
    await endpoint.called(40)
    assert endpoint.most_at_once == webhook.AT_ONCE
    by_message: dict[int, list[int]] = {}
    for _, _, body in endpoint.calls:
        by_message.setdefault(json.loads(body)["messageid"], []).append(json.loads(body)["status"])
    assert list(by_message.values()) == [[4, 10]] * 20


async def test_what_cannot_wait_is_counted(box: Sandbox, rest: Any, najva: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(webhook, "MAX_WAITING", 3)
    box.set_webhook("http://127.0.0.1:1/report")
    with box._state.lock:
        messages = [f"0912{place:07}" for place in range(5)]
    await najva(*najva_send(*messages))
    box.advance(1)
    assert (await rest.get("/api/webhook"))["missed"] == 2


@pytest.mark.parametrize(
    "url", ["", "report", "ftp://host/", "http://", "//host", "javascript:alert(1)", "http://[::1"]
)
async def test_a_webhook_is_an_address(box: Sandbox, rest: Any, url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        box.set_webhook(url)
    assert (await rest("PUT", "/api/webhook", {"url": url})).status == 422


async def test_without_an_address_nobody_is_called(box: Sandbox, najva: Any, endpoint: Endpoint) -> None:
    box.set_webhook(endpoint.url)
    box.set_webhook(None)
    await najva(*najva_send())
    box.advance(60)
    await endpoint.called(0)
