"""What Sepahan's document says in two ways, as options: how requests are written, and who takes what."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sepahan_sms import AsyncSepahan, Sepahan, Wire
from smscore import ConfigurationError, DuplicateRequest, InvalidParameters, Outcome, RetryPolicy
from smscore.sandbox import Sandbox

TO, TEXT = "09121234567", "سلام"
SEND = "https://api.sepahansms.com/api/Sms/Send"
P2P = "https://api.sepahansms.com/api/Sms/SendP2P"
RECEIVE = "https://api.sepahansms.com/api/SmsReport/Receive"
OK = {"isSuccess": True, "value": {"ids": [7]}, "error": None}


def client(**options: Any) -> AsyncSepahan:
    return AsyncSepahan("token", sender="50003300", retry=RetryPolicy.none(), **options)


def blocking(box: Sandbox, wire: Wire) -> Sepahan:
    return Sepahan("token", sender="50003300", base_url=box.url("sepahan"), wire=wire)


# What is sent


async def test_by_default_arrays_and_both_headers_are_sent(provider_http: Any) -> None:
    provider_http.post(SEND, payload=OK)
    await client().send(TO, TEXT, request_id="order-7")
    (sent,) = provider_http.sent
    assert sent.json == {"senderNumbers": ["50003300"], "reciverNumbers": [TO], "smsTexts": [TEXT]}
    assert (sent.headers["requestId"], sent.headers["Request-Id"]) == ("order-7", "order-7")


async def test_strings_are_the_form_of_the_table(provider_http: Any) -> None:
    provider_http.post(SEND, payload={**OK, "value": {"ids": [7, 8]}})
    await client(wire=Wire(send="strings")).send([TO, "09121234568"], TEXT)
    body = {"senderNumbers": "50003300", "reciverNumbers": [TO, "09121234568"], "smsTexts": TEXT}
    assert provider_http.sent[0].json == body


async def test_send_p2p_is_arrays_whatever_send_is(provider_http: Any) -> None:
    provider_http.post(P2P, payload=OK)
    await client(wire=Wire(send="strings")).send_p2p([(TO, TEXT)])
    assert provider_http.sent[0].json == {"senderNumbers": ["50003300"], "reciverNumbers": [TO], "smsTexts": [TEXT]}


@pytest.mark.parametrize(("name", "other"), [("requestId", "Request-Id"), ("Request-Id", "requestId")])
async def test_one_header_alone_can_carry_the_request_id(name: Any, other: str, provider_http: Any) -> None:
    provider_http.post(SEND, payload=OK)
    provider_http.post(P2P, payload=OK)
    chosen = client(wire=Wire(request_id=name))
    (result,) = await chosen.send(TO, TEXT)
    assert provider_http.sent[0].headers[name] == result.request_id
    await chosen.send_p2p([(TO, TEXT)])
    assert [other in sent.headers for sent in provider_http.sent] == [False, False]


@pytest.mark.parametrize(("since", "text"), [("jalali", "1404/10/10"), ("gregorian", "2025/12/31")])
async def test_a_date_is_written_in_the_calendar_that_is_set(since: Any, text: str, provider_http: Any) -> None:
    provider_http.post(RECEIVE, payload={"isSuccess": True, "value": [], "error": None}, repeat=True)
    chosen = client(wire=Wire(since=since))
    await chosen.receive(since=dt.date(2025, 12, 31))
    await chosen.receive(since=dt.datetime(2025, 12, 30, 21, tzinfo=dt.UTC))  # the 31st in Tehran
    assert [sent.json["startDate"] for sent in provider_http.sent] == [text, text]


# Where it is set


async def test_the_environment_is_read_at_each_call(provider_http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    provider_http.post(SEND, payload=OK, repeat=True)
    one = client()
    monkeypatch.setenv("SEPAHAN_WIRE", " send = strings , request_id=requestId,")
    await one.send(TO, TEXT)
    monkeypatch.delenv("SEPAHAN_WIRE")
    await one.send(TO, TEXT)
    assert [sent.json["smsTexts"] for sent in provider_http.sent] == [TEXT, [TEXT]]
    assert ["Request-Id" in sent.headers for sent in provider_http.sent] == [False, True]


async def test_what_is_given_goes_before_the_environment(provider_http: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPAHAN_WIRE", "nonsense")
    provider_http.post(SEND, payload=OK)
    await client(wire=Wire()).send(TO, TEXT)
    assert provider_http.sent[0].json["smsTexts"] == [TEXT]


def test_copies_keep_it() -> None:
    for kind in (AsyncSepahan, Sepahan):
        made = kind("token", wire=Wire(send="strings")).with_options(sender="5000")
        assert (made._client if isinstance(made, Sepahan) else made)._wire == Wire(send="strings")


@pytest.mark.parametrize(
    "wrong", ["nonsense", "send=lists", "send=", "form=arrays", "send=arrays,send=strings", "since=Jalali"]
)
async def test_a_wrong_variable_is_named_with_what_it_may_be(
    wrong: str, monkeypatch: pytest.MonkeyPatch, provider_http: Any
) -> None:
    monkeypatch.setenv("SEPAHAN_WIRE", wrong)
    with pytest.raises(ConfigurationError, match=r"SEPAHAN_WIRE.*`payamak doctor`") as caught:
        client().check()
    assert caught.value.outcome is None
    with pytest.raises(ConfigurationError, match="SEPAHAN_WIRE") as caught:
        await client().send(TO, TEXT)
    assert (caught.value.outcome, provider_http.sent) == (Outcome.NOT_SENT, [])
    assert "AsyncSepahan(" in repr(client())


@pytest.mark.parametrize("wrong", [{"send": "lists"}, {"request_id": "requestid"}, {"since": None}])
def test_a_wrong_option_is_refused_at_once(wrong: Any) -> None:
    (name,) = wrong
    with pytest.raises(ConfigurationError, match=f"{name}= must be"):
        Wire(**wrong)


@pytest.mark.parametrize("kind", [AsyncSepahan, Sepahan])
def test_what_is_no_wire_is_refused_at_once(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"wire= must be a sepahan_sms\.Wire"):
        kind("token", wire="send=strings")


# Who takes what: the sandbox in one reading alone


@pytest.mark.parametrize("taken", ["arrays", "strings"])
@pytest.mark.parametrize("sent", ["arrays", "strings"])
def test_a_strict_sandbox_takes_one_form_of_send(taken: Any, sent: Any) -> None:
    with Sandbox(strict={"sepahan": Wire(send=taken)}) as box, blocking(box, Wire(send=sent)) as one:
        if taken == sent:
            assert one.send(TO, TEXT).ok
        else:
            with pytest.raises(InvalidParameters) as caught:
                one.send(TO, TEXT)
            assert (caught.value.code, box.messages) == (-21, [])


READ = {"both": {"both", "requestId", "Request-Id"}, "requestId": {"both", "requestId"}, "none": set[str]()}


@pytest.mark.parametrize("sent", ["both", "requestId", "Request-Id"])
@pytest.mark.parametrize("read", READ)
def test_a_strict_sandbox_knows_a_repeat_by_the_header_that_it_reads(read: str, sent: Any) -> None:
    strict = {"sepahan": {"request_id": read}}
    with Sandbox(strict=strict) as box, blocking(box, Wire(request_id=sent)) as one:
        one.send(TO, TEXT, request_id="order-7")
        assert one.check_request_id("order-7") is (sent in READ[read])
        if sent in READ[read]:
            with pytest.raises(DuplicateRequest):
                one.send(TO, TEXT, request_id="order-7")
        else:
            assert one.send(TO, TEXT, request_id="order-7").ok


@pytest.mark.parametrize("taken", ["jalali", "gregorian"])
@pytest.mark.parametrize("sent", ["jalali", "gregorian"])
def test_a_strict_sandbox_takes_one_calendar(taken: Any, sent: Any) -> None:
    with Sandbox(strict={"sepahan": Wire(since=taken)}) as box:
        box.feed("sepahan", sender="+989121234567", number="50003300", text="a")
        with blocking(box, Wire(since=sent)) as one:
            day = dt.date.today() - dt.timedelta(days=2)
            if taken == sent:
                assert [row.text for row in one.receive(since=day)] == ["a"]
            else:
                with pytest.raises(InvalidParameters):
                    one.receive(since=day)


@pytest.mark.parametrize(
    ("strict", "words"),
    [
        ({"nobody": {}}, "Unknown provider"),
        ({"sepahan": {"form": "arrays"}}, "no reading form"),
        ({"sepahan": {"send": "lists"}}, "must be arrays or strings"),
        ({"sepahan": "send=strings"}, "must be the client's option or a mapping"),
        ({"najva": {"send": "strings"}}, "no reading send"),
    ],
)
def test_a_reading_that_no_document_has_is_refused(strict: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Sandbox(strict=strict)
