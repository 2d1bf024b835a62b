"""Faults on demand, and the recipients that always end the same way."""

import asyncio
import time
from typing import Any, get_args

import aiohttp
import pytest
from sandbox.bodies import E164, NUMBER, SENDS, najva_send, sepahan_send

from smscore import DeliveryStatus
from smscore.sandbox import Sandbox, server
from smscore.sandbox.fault_kinds import FAULT_RULES, FaultKind
from smscore.sandbox.faults import SPECIAL_FAULTS
from smscore.sandbox.special_recipients import SPECIAL_RECIPIENTS, Scenario

AUTHORIZATION = {"sepahan": "token", "ippanel": "token", "najva": "Bearer token"}


class Raw:
    """A provider, spoken to where its answer need not be whole."""

    def __init__(self, box: Sandbox, session: aiohttp.ClientSession, provider: str) -> None:
        self.url = box.url(provider)
        self.session = session
        self.provider = provider

    async def send(self, *numbers: str) -> tuple[int, str, str]:
        """The status, content type and body of the answer to a send."""
        method, path, body = SENDS[self.provider](*numbers)
        headers = {"Authorization": AUTHORIZATION[self.provider]}
        async with self.session.request(method, self.url + path, json=body, headers=headers) as response:
            return response.status, response.content_type, await response.text()


@pytest.fixture(params=SENDS)
def raw(request: pytest.FixtureRequest, box: Sandbox, session: aiohttp.ClientSession) -> Raw:
    return Raw(box, session, request.param)


# The table


def test_every_kind_has_its_row() -> None:
    assert list(FAULT_RULES) == list(get_args(FaultKind))
    assert all(rule.description for rule in FAULT_RULES.values())


async def test_each_documented_code_is_answered_as_documented(box: Sandbox, raw: Raw) -> None:
    codes = box._state.emulations[raw.provider].errors
    assert len(codes) >= 3
    for code, error in codes.items():
        box.fail("refuse", code=code, times=1)
        status, _, body = await raw.send()
        assert status == error.reply.status
        assert error.description in body
    assert box.messages == []


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [("server_error", 500, "text/html"), ("html", 200, "text/html"), ("rate_limit", 429, "text/html")],
)
async def test_what_stands_before_a_provider_accepts_nothing(
    box: Sandbox, raw: Raw, kind: FaultKind, status: int, content_type: str
) -> None:
    box.fail(kind, times=1)
    assert (await raw.send())[:2] == (status, content_type)
    assert box.messages == []
    assert (await raw.send())[0] == 200


async def test_429_says_when_to_come_back(box: Sandbox, najva: Any, session: aiohttp.ClientSession) -> None:
    box.fail("rate_limit", seconds=2.5)
    method, path, body = najva_send()
    headers = {"Authorization": "Bearer token"}
    async with session.request(method, box.url("najva") + path, json=body, headers=headers) as response:
        assert response.headers["Retry-After"] == "3"


async def test_an_expired_token_is_answered_as_a_wrong_one(box: Sandbox, raw: Raw) -> None:
    box.fail("expired_token", times=1)
    assert (await raw.send())[0] == 401
    assert box.messages == []


async def test_no_credit_is_the_providers_own_refusal_and_takes_nothing(box: Sandbox, raw: Raw) -> None:
    before = box.credit(raw.provider, "token")
    box.fail("no_credit", times=1)
    status, _, body = await raw.send()
    assert status in (401, 418, 422)
    assert any(words in body for words in ("موجودی", "اعتبار"))
    assert (box.messages, box.credit(raw.provider, "token")) == ([], before)


async def test_an_answer_cut_in_the_middle_leaves_the_message_accepted(box: Sandbox, raw: Raw) -> None:
    box.fail("cut", times=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await raw.send()
    assert [message.recipient for message in box.messages] == [E164]


@pytest.mark.parametrize(("kind", "accepted"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_connection_drops_before_or_after_the_message_is_accepted(
    box: Sandbox, raw: Raw, kind: FaultKind, accepted: int
) -> None:
    before = box.credit(raw.provider, "token")
    box.fail(kind, times=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await raw.send()
    assert len(box.messages) == accepted
    assert (box.credit(raw.provider, "token") < before) == bool(accepted)


async def test_a_delayed_answer_is_of_a_message_accepted_at_once(box: Sandbox, raw: Raw) -> None:
    box.fail("delay", seconds=0.3, times=1)
    start = time.perf_counter()
    sending = asyncio.create_task(raw.send())
    assert await box.wait_for_async(NUMBER, timeout=30)
    assert not sending.done()
    assert (await sending)[0] == 200
    assert time.perf_counter() - start > 0.29


async def test_the_sandbox_stops_at_once_though_an_answer_is_delayed(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "GRACE", 60)
    async with Sandbox() as box:
        box.fail("delay", seconds=60)
        sending = asyncio.create_task(Raw(box, session, "najva").send())
        await box.wait_for_async(NUMBER)
        start = time.perf_counter()
    assert time.perf_counter() - start < 30  # of the minute that other requests would have
    with pytest.raises(aiohttp.ClientConnectionError):
        await sending


# Whom it meets


async def test_a_fault_meets_only_its_provider_its_call_and_its_number(box: Sandbox, najva: Any, sepahan: Any) -> None:
    box.fail("refuse", code=418, provider="najva", call="send", number="0912 345 6789")
    assert (await najva(*najva_send("09120000001"))).status == 200
    assert (await sepahan(*sepahan_send())).status == 200
    _, _, body = najva_send()
    p2p = {"messages": [{"message": "a", "receiver": NUMBER}]}
    assert (await najva("POST", "/v2/sms/send-p2p", p2p)).status == 200
    assert (await najva("POST", "/v2/sms/send", body)).status == 418
    assert (await najva(*najva_send("09120000001", NUMBER))).status == 418


async def test_a_call_may_be_named_by_its_path(box: Sandbox, najva: Any) -> None:
    box.fail("refuse", code=400, call="/v2/sms/outbox")
    assert (await najva("GET", "/v2/sms/outbox?page=0&pageSize=1")).status == 400
    assert (await najva(*najva_send())).status == 200


async def test_a_code_meets_the_providers_that_have_it(box: Sandbox, najva: Any, sepahan: Any) -> None:
    box.fail("refuse", code=418)
    assert (await sepahan(*sepahan_send())).status == 200
    assert (await najva(*najva_send())).status == 418


async def test_faults_strike_in_the_order_they_were_set_as_often_as_said(box: Sandbox, najva: Any) -> None:
    box.fail("refuse", code=400, times=2)
    box.fail("refuse", code=418, times=1)
    assert [(await najva(*najva_send())).status for _ in range(4)] == [400, 400, 418, 200]


async def test_who_has_no_token_meets_no_fault(box: Sandbox, najva: Any) -> None:
    box.fail("refuse", code=418, times=1)
    assert (await najva(*najva_send(), authorization="")).status == 401
    assert (await najva(*najva_send())).status == 418


async def test_a_fault_without_an_end_is_cleared_by_hand(box: Sandbox, najva: Any) -> None:
    box.fail("refuse", code=418)
    assert [(await najva(*najva_send())).status for _ in range(3)] == [418] * 3
    box.clear_faults()
    assert (await najva(*najva_send())).status == 200


WRONG = [
    ({"kind": "none"}, "kind"),
    ({"kind": "refuse"}, "code"),
    ({"kind": "refuse", "code": -14, "provider": "najva"}, "code"),
    ({"kind": "html", "provider": "kavenegar"}, "provider"),
    ({"kind": "html", "provider": "najva", "call": "Send"}, "call"),
    ({"kind": "html", "provider": "najva", "call": "status", "number": NUMBER}, "no recipients"),
    ({"kind": "html", "call": "/api/send/calculate-price", "number": NUMBER}, "no recipients"),
    ({"kind": "refuse", "code": -14, "call": "/v2/sms/send"}, "code"),
    ({"kind": "html", "times": 0}, "times"),
    ({"kind": "delay", "seconds": -1}, "seconds"),
    ({"kind": "delay", "seconds": 601}, "seconds"),
]


@pytest.mark.parametrize(("fault", "word"), WRONG)
async def test_a_fault_that_could_never_strike_is_refused(rest: Any, box: Sandbox, fault: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        box.fail(**fault)
    assert (await rest("POST", "/api/faults", fault)).status == 422
    assert await rest.get("/api/faults") == []


async def test_a_call_that_sends_meets_the_faults_of_its_recipients(box: Sandbox, raw: Raw) -> None:
    _, path, _ = SENDS[raw.provider]()
    box.fail("server_error", provider=raw.provider, call=path, number=NUMBER)
    assert (await raw.send())[0] == 500


async def test_the_calls_with_recipients_are_those_of_the_documents(box: Sandbox) -> None:
    senders = {route.path for of in box._state.emulations.values() for route in of.routes if route.sends}
    assert senders == {
        "/api/Sms/Send",
        "/api/Sms/SendP2P",
        "/api/send",
        "/v2/sms/send",
        "/v2/sms/send-p2p",
        "/v1/{token}/verify/lookup.json",
    }


async def test_faults_are_set_listed_and_cleared_by_rest(rest: Any, najva: Any) -> None:
    fault = {"kind": "refuse", "provider": "najva", "call": "send", "number": NUMBER, "times": 2, "code": 418}
    set_ = (await rest("POST", "/api/faults", fault)).body
    assert set_ == fault | {"id": 1, "number": E164, "seconds": None, "left": 2}
    await rest("POST", "/api/faults", {"kind": "html", "call": "status"})
    await najva(*najva_send())
    assert [(one["id"], one["left"]) for one in await rest.get("/api/faults")] == [(1, 1), (2, None)]
    assert (await rest("DELETE", "/api/faults/1")).status == 200
    assert (await rest("DELETE", "/api/faults/1")).status == 404
    assert (await rest("DELETE", "/api/faults")).body == {"cleared": 1}


async def test_what_went_out_is_shown_with_the_message(rest: Any, box: Sandbox, raw: Raw) -> None:
    box.fail("drop_after", times=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await raw.send()
    box.fail("cut", times=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await raw.send()
    _, _, whole = await raw.send()
    lost = {"status": None, "body": "", "cut": False, "fault": "drop_after"}
    assert (await rest.get("/api/messages/1"))["answer"] == lost
    cut, answered = [(await rest.get(f"/api/messages/{seq}"))["answer"]["body"] for seq in (2, 3)]
    assert answered == whole
    assert 0 < len(cut) < len(answered)


# Magic recipients


def local(number: str) -> str:
    return "0" + number[3:]


ENDINGS = [
    (number, scenario)
    for number, scenario in SPECIAL_RECIPIENTS.items()
    if scenario.fault is None and not scenario.is_refused
]


@pytest.mark.parametrize(("number", "scenario"), ENDINGS)
async def test_a_special_recipient_always_ends_the_same_way(
    box: Sandbox, raw: Raw, rest: Any, number: str, scenario: Scenario
) -> None:
    await raw.send(local(number))
    emulation = box._state.emulations[raw.provider]
    for _ in range(2):
        box.advance(3600)
        [message] = (await rest.get("/api/messages"))["messages"]
        if scenario.last.value == "delivered":
            assert DeliveryStatus(message["status"]) in scenario.ends
        else:
            assert message["code"] == emulation.stages[scenario.last]


async def test_one_is_refused_singly_where_the_provider_refuses_single_recipients(
    box: Sandbox, sepahan: Any, najva: Any, ippanel: Any
) -> None:
    [refused] = [local(number) for number, scenario in SPECIAL_RECIPIENTS.items() if scenario.is_refused]
    first, second = (await sepahan(*sepahan_send(NUMBER, refused))).body["value"]["ids"]
    assert (first > 0, second) == (True, -4)
    rows = (await najva(*najva_send(NUMBER, refused))).body["entries"]
    assert [row["status"] for row in rows] == [1, 6]
    await ippanel(*SENDS["ippanel"](NUMBER, refused))
    assert [message.code for message in box.messages] == [0, 1, 6, 0, 3]


async def test_a_special_recipients_block_is_paid_back_when_it_comes(box: Sandbox, najva: Any) -> None:
    await najva(*najva_send("09990000003"))
    assert najva.credit == 999_999_000
    box.advance(5)
    assert (box.messages[0].code, najva.credit) == (14, 1_000_000_000)


@pytest.mark.parametrize("number", [number for number, fault in SPECIAL_FAULTS.items() if fault.kind != "delay"])
async def test_a_request_to_a_special_recipient_meets_its_fault_every_time(box: Sandbox, raw: Raw, number: str) -> None:
    kind = FAULT_RULES[SPECIAL_FAULTS[number].kind]
    for count in (1, 2):
        try:
            status, content_type, _ = await raw.send(NUMBER, local(number))
            assert (status, content_type) != (200, "application/json")
        except aiohttp.ClientError:
            pass
        assert len(box.messages) == (2 * count if kind.is_accepted else 0)


async def test_a_fault_set_by_hand_goes_before_that_of_a_special_recipient(box: Sandbox, najva: Any) -> None:
    box.fail("refuse", code=418, number="09990000008", times=1)
    assert (await najva(*najva_send("09990000008"))).status == 418


@pytest.mark.parametrize("number", ["abc", "5000", ""])
def test_a_fault_of_a_number_that_nothing_is_sent_to_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="must be a mobile number"):
        Sandbox().fail("html", number=number)
