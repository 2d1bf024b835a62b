"""Requests that failed leave a trace, and messages whose answer was lost are told from the others."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sandbox.bodies import NUMBER, najva_send

from smscore.sandbox import Sandbox


async def send(najva: Any, number: str = NUMBER) -> None:
    """Send, whatever becomes of the answer."""
    method, path, body = najva_send(number)
    headers = {"Authorization": "Bearer very-secret"}
    url = najva.box.url("najva") + path
    try:
        async with najva.session.request(method, url, json=body, headers=headers) as response:
            await response.read()
    except aiohttp.ClientError:
        pass


NOT_ACCEPTED = {
    "server_error": 500,
    "rate_limit": 429,
    "html": 200,
    "expired_token": 401,
    "no_credit": 418,
    "drop_before": None,
}


@pytest.mark.parametrize(("kind", "status"), NOT_ACCEPTED.items())
async def test_a_fault_that_accepts_nothing_leaves_a_trace(
    najva: Any, rest: Any, box: Sandbox, kind: Any, status: int | None
) -> None:
    box.fail(kind, times=1)
    await send(najva)
    assert (await rest.get("/api/messages"))["messages"] == []
    (failed,) = await rest.get("/api/requests")
    assert (failed["provider"], failed["call"], failed["messages"]) == ("najva", "send", 0)
    assert (failed["answer"]["status"], failed["answer"]["fault"]) == (status, kind)
    assert NUMBER in failed["request"]["body"]
    assert "very-secret" not in str(failed)


@pytest.mark.parametrize("kind", ["drop_after", "cut", "delay"])
async def test_a_message_whose_answer_was_lost_says_so(najva: Any, rest: Any, box: Sandbox, kind: Any) -> None:
    box.fail(kind, times=1, seconds=0)
    for _ in range(2):
        await send(najva)
    plain, marked = (await rest.get("/api/messages"))["messages"]
    assert (marked["fault"], plain["fault"]) == (kind, None)
    detail = await rest.get(f"/api/messages/{marked['seq']}")
    assert detail["answer"]["fault"] == kind
    assert (detail["answer"]["status"] is None) == (kind == "drop_after")
    (failed,) = await rest.get("/api/requests")
    assert failed["messages"] == 1


async def test_a_special_recipients_fault_leaves_a_trace_too(najva: Any, rest: Any) -> None:
    await send(najva, "09990000008")
    (failed,) = await rest.get("/api/requests")
    assert (failed["answer"]["status"], failed["answer"]["fault"]) == (500, "server_error")


async def test_a_refusal_leaves_a_trace_and_a_success_none(najva: Any, rest: Any) -> None:
    await najva("POST", "/v2/sms/send", {"message": "a"})
    await najva("POST", "/v2/sms/status", {"messageids": [1]})
    (failed,) = await rest.get("/api/requests")
    assert (failed["answer"]["status"], failed["answer"]["fault"]) == (400, None)


async def test_the_last_ones_are_kept_newest_first(najva: Any, rest: Any) -> None:
    for _ in range(201):
        await najva("POST", "/v2/sms/send", {})
    failed = await rest.get("/api/requests?limit=200")
    assert [one["number"] for one in failed] == list(range(201, 1, -1))


async def test_they_are_of_a_provider_and_cleared_with_its_messages(sepahan: Any, najva: Any, rest: Any) -> None:
    await najva("POST", "/v2/sms/send", {})
    await sepahan("POST", "/api/Sms/Send", {})
    assert [one["provider"] for one in await rest.get("/api/requests?provider=najva")] == ["najva"]
    await rest("DELETE", "/api/messages?provider=najva")
    assert [one["provider"] for one in await rest.get("/api/requests")] == ["sepahan"]
    await rest("DELETE", "/api/messages")
    assert await rest.get("/api/requests") == []


async def test_the_mark_of_a_lost_answer_survives_a_restart(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    for start in (1, 2):
        async with Sandbox(store=tmp_path / "a.db") as box:
            if start == 1:
                box.fail("cut", times=1)
                method, path, body = najva_send()
                with pytest.raises(aiohttp.ClientError):
                    async with session.request(
                        method, box.url("najva") + path, json=body, headers={"Authorization": "Bearer t"}
                    ) as response:
                        await response.read()
            async with session.get(box.url("najva").replace("/najva", "/api/messages/1")) as response:
                message = await response.json()
            assert (message["fault"], message["answer"]["fault"]) == ("cut", "cut")


# What others could pile up has an end


async def test_patterns_have_an_end(rest: Any, box: Sandbox) -> None:
    for place in range(997):  # three are there from the start
        box.set_pattern("ippanel", f"code{place}", "%code%")
    refused = await rest("PUT", "/api/patterns", {"provider": "ippanel", "code": "more", "text": "a"})
    assert refused.status == 422
    assert "1000 patterns" in refused.body["error"]
    again = await rest("PUT", "/api/patterns", {"provider": "ippanel", "code": "code1", "text": "a"})
    assert again.status == 200


async def test_calls_that_wait_have_an_end(rest: Any, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smscore.sandbox.api.messages.MAX_WAITING", 1)
    with box._state.listening(lambda: None):
        refused = await rest("GET", "/api/messages/wait?timeout=0")
    assert refused.status == 503
    assert (await rest("GET", "/api/messages/wait?timeout=0")).status == 200
