"""What Sepahan's calls send, and what they make of every answer."""

import asyncio
import datetime as dt
import json
import re
from itertools import count
from typing import Any

import pytest
from aioresponses import CallbackResult
from recipients import numbers

from sepahan_sms import RESELLERS_BASE_URL, AsyncSepahan
from smscore import (
    AccountError,
    AuthenticationError,
    DeliveryStatus,
    DuplicateRequest,
    InsufficientCredit,
    InvalidParameters,
    InvalidRequest,
    MalformedResponse,
    Message,
    MessageStatus,
    NotAttempted,
    NotFound,
    Outcome,
    OutsideServiceHours,
    PartialSendError,
    ProviderError,
    RateLimited,
    ServerError,
    SMSError,
)

BASE = "https://api.sepahansms.com"
SEND = f"{BASE}/api/Sms/Send"
SEND_P2P = f"{BASE}/api/Sms/SendP2P"
CHECK = f"{BASE}/api/Requests/checkRequestId/order-7"
STATUS = f"{BASE}/api/SmsReport/status"
OLD_STATUS = f"{BASE}/api/SmsReport/oldStatus"
CREDIT = f"{BASE}/api/SmsReport/credit"
RECEIVE = f"{BASE}/api/SmsReport/Receive"

CALLS = {
    "send": ("POST", SEND, lambda client: client.send("09121234567", "سلام")),
    "send_p2p": ("POST", SEND_P2P, lambda client: client.send_p2p([("09121234567", "سلام")])),
    "check_request_id": ("GET", CHECK, lambda client: client.check_request_id("order-7")),
    "status": ("POST", STATUS, lambda client: client.status([1])),
    "old_status": ("POST", OLD_STATUS, lambda client: client.old_status([1])),
    "credit": ("GET", CREDIT, lambda client: client.credit()),
    "receive": ("POST", RECEIVE, lambda client: client.receive()),
}

STOPS = {
    **dict.fromkeys((-1, -2, -3), AuthenticationError),
    **dict.fromkeys((-8, -9, -10, -11, -13, -15, -16, -17, -18), AccountError),
    **dict.fromkeys((-14, -19), InsufficientCredit),
    -12: InvalidParameters,
}
GOES_ON = {**dict.fromkeys((-4, -5, -6, -7, -21), InvalidParameters), -20: DuplicateRequest}
CODES = sorted({**STOPS, **GOES_ON}.items())


def ok(value: Any) -> dict[str, Any]:
    return {"isSuccess": True, "value": value, "error": None}


def no(code: int | None, message: str | None = "نشد", details: Any = ()) -> dict[str, Any]:
    return {"isSuccess": False, "value": None, "error": {"code": code, "message": message, "details": list(details)}}


def accept_all(http: Any) -> None:
    """Answer every send as the provider does, ids counting from 1, 10 Rials a message."""
    ids = count(1)

    def answer(url: object, **_: object) -> CallbackResult:
        found = [next(ids) for _ in http.sent[-1].json["reciverNumbers"]]
        return CallbackResult(payload=ok({"ids": found, "smsCount": len(found), "totalPrice": 10 * len(found)}))

    http.post(SEND, callback=answer, repeat=True)
    http.post(SEND_P2P, callback=answer, repeat=True)


def sent_ids(http: Any) -> list[str]:
    return [sent.headers["Request-Id"] for sent in http.sent]


# Bodies and request ids


async def test_one_text_goes_once_for_all_recipients(sepahan: AsyncSepahan, provider_http: Any) -> None:
    accept_all(provider_http)
    report = await sepahan.send(["+989121234567", "۰۹۳۵-۱۲۳ ۴۵۶۷", 9361234567], "سلام")
    assert provider_http.sent[0].json == {
        "senderNumbers": ["50003300"],
        "reciverNumbers": ["09121234567", "09351234567", "09361234567"],
        "smsTexts": ["سلام"],
    }
    assert [one.recipient for one in report] == ["+989121234567", "+989351234567", "+989361234567"]
    assert (report.message_ids, report.cost, report.ok) == ([1, 2, 3], 30, True)


async def test_p2p_sends_three_arrays_of_equal_length(sepahan: AsyncSepahan, provider_http: Any) -> None:
    accept_all(provider_http)
    messages = [Message("09121234567", "یک", ref=7), ("09351234567", "دو"), Message("09121234567", "سه", "5000۱")]
    report = await sepahan.send_p2p(messages, sender="3000")
    assert provider_http.sent[0].json == {
        "senderNumbers": ["3000", "3000", "50001"],
        "reciverNumbers": ["09121234567", "09351234567", "09121234567"],
        "smsTexts": ["یک", "دو", "سه"],
    }
    assert [(one.message_id, one.ref) for one in report] == [(1, 7), (2, None), (3, None)]


@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_one_sender_and_text_still_fill_the_arrays(name: str, sepahan: AsyncSepahan, provider_http: Any) -> None:
    accept_all(provider_http)
    await (sepahan.send_p2p([(n, "سلام") for n in numbers(2)]) if name == "send_p2p" else sepahan.send(numbers(2), "س"))
    body = provider_http.sent[0].json
    expected = (2, 2) if name == "send_p2p" else (1, 1)
    assert (len(body["senderNumbers"]), len(body["smsTexts"])) == expected


@pytest.mark.parametrize("request_id", [None, "order-7"])
@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_both_request_id_headers_hold_the_same_value(
    name: str, request_id: str | None, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    accept_all(provider_http)
    what = [("09121234567", "سلام")] if name == "send_p2p" else "09121234567"
    text = () if name == "send_p2p" else ("سلام",)
    report = await getattr(sepahan, name)(what, *text, request_id=request_id)
    headers = provider_http.sent[0].headers
    assert headers["Request-Id"] == headers["requestId"] == report[0].request_id
    assert headers["Request-Id"] == (request_id or report[0].request_id) != ""


async def test_batches_carry_the_id_and_their_number(new_sepahan: Any, provider_http: Any) -> None:
    accept_all(provider_http)
    report = await new_sepahan(max_concurrency=1).send(numbers(250), "سلام", request_id="order-7")
    assert sent_ids(provider_http) == ["order-7-1", "order-7-2", "order-7-3"]
    assert [len(sent.json["reciverNumbers"]) for sent in provider_http.sent] == [100, 100, 50]
    assert [report[n].request_id for n in (0, 99, 100, 199, 200, 249)] == [
        *["order-7-1"] * 2,
        *["order-7-2"] * 2,
        *["order-7-3"] * 2,
    ]
    assert report.message_ids == list(range(1, 251))


async def test_a_single_batch_carries_the_bare_id(sepahan: AsyncSepahan, provider_http: Any) -> None:
    accept_all(provider_http)
    await sepahan.send(numbers(100), "سلام", request_id="order-7")
    assert sent_ids(provider_http) == ["order-7"]


async def test_without_an_id_every_batch_gets_a_unique_one(new_sepahan: Any, provider_http: Any) -> None:
    accept_all(provider_http)
    client = new_sepahan(batch_size=2)
    for _ in range(2):
        report = await client.send(numbers(6), "سلام")
        assert {one.request_id for one in report} == set(sent_ids(provider_http)[-3:])
    assert len(set(sent_ids(provider_http))) == 6
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{15,}", id_) for id_ in sent_ids(provider_http))


async def test_a_stream_gives_every_batch_an_id_of_its_own(new_sepahan: Any, provider_http: Any) -> None:
    accept_all(provider_http)
    reports = [report async for report in new_sepahan(batch_size=2).send_stream(numbers(6), "سلام")]
    assert {report[0].request_id for report in reports} == set(sent_ids(provider_http))
    assert len(set(sent_ids(provider_http))) == 3


@pytest.mark.parametrize("request_id", ["", "-a", ".a", "a b", "a\n", "a/b", "سفارش", "a" * 57, "۷", 7, b"a"])
@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_an_odd_request_id_is_refused_before_anything_is_sent(
    name: str, request_id: Any, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    args = ([("09121234567", "سلام")],) if name == "send_p2p" else ("09121234567", "سلام")
    with pytest.raises(InvalidRequest):
        await getattr(sepahan, name)(*args, request_id=request_id)
    assert provider_http.sent == []


@pytest.mark.parametrize("request_id", ["a", "7", "A.b_c-9", "a" * 56])
async def test_a_request_id_of_the_documented_form_is_sent(
    request_id: str, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    accept_all(provider_http)
    await sepahan.send("09121234567", "سلام", request_id=request_id)
    assert sent_ids(provider_http) == [request_id]


# Ids inside a success


async def test_a_negative_id_refuses_only_that_recipient(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok({"ids": [11, -4, 13], "smsCount": 2, "totalPrice": 20}))
    report = await sepahan.send(numbers(3), "سلام")
    assert [one.outcome for one in report] == [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.ACCEPTED]
    assert [one.message_id for one in report] == [11, None, 13]
    assert (report.message_ids, report.cost, report.ok) == ([11, 13], 20, False)
    error = report[1].error
    assert (type(error), error.code, error.http_status) == (InvalidParameters, -4, 200)


@pytest.mark.parametrize(("code", "error"), CODES)
async def test_every_code_can_be_an_id(
    code: int, error: type[SMSError], sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=ok({"ids": [11, code]}))
    report = await sepahan.send(numbers(2), "سلام")
    assert (type(report[1].error), report[1].error.code) == (error, code)
    assert report[1].outcome is Outcome.REJECTED


async def test_an_unlisted_negative_id_is_a_plain_refusal(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok({"ids": [11, -99]}))
    report = await sepahan.send(numbers(2), "سلام")
    assert (type(report[1].error), report[1].error.code, report[1].outcome) == (ProviderError, -99, Outcome.REJECTED)


@pytest.mark.parametrize("code", sorted([*STOPS, *GOES_ON]))
async def test_a_negative_id_stops_no_further_batch(code: int, new_sepahan: Any, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok({"ids": [code]}))
    accept_all(provider_http)
    report = await new_sepahan(max_concurrency=1, batch_size=1).send(numbers(3), "سلام")
    assert len(provider_http.sent) == 3
    assert [one.outcome for one in report] == [Outcome.REJECTED, Outcome.ACCEPTED, Outcome.ACCEPTED]


async def test_all_negative_ids_raise_the_first_ones_error(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok({"ids": [-14, -4]}))
    with pytest.raises(InsufficientCredit) as caught:
        await sepahan.send(numbers(2), "سلام")
    assert caught.value.outcome is Outcome.REJECTED
    assert [one.error.code for one in caught.value.report] == [-14, -4]


async def test_a_zero_id_is_neither_id_nor_code(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok({"ids": [11, 0]}))
    with pytest.raises(PartialSendError) as caught:
        await sepahan.send(numbers(2), "سلام")
    accepted, odd = caught.value.report
    assert (accepted.outcome, accepted.message_id) == (Outcome.ACCEPTED, 11)
    assert (odd.outcome, odd.message_id, type(odd.error)) == (Outcome.UNKNOWN, None, MalformedResponse)
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_only_zero_ids_leave_everybody_unknown(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok({"ids": [0, 0]}))
    with pytest.raises(MalformedResponse) as caught:
        await sepahan.send(numbers(2), "سلام")
    assert len(caught.value.report.unknown) == 2


async def test_a_64_bit_id_stays_exact(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(SEND, body='{"isSuccess":true,"value":{"ids":[639027944154527201,9223372036854775807]}}')
    report = await sepahan.send(numbers(2), "سلام")
    assert report.message_ids == [639027944154527201, 9223372036854775807]
    assert report.cost is None


# Refusals of a whole request


@pytest.mark.parametrize("status", [200, 401, 502])
@pytest.mark.parametrize(("code", "error"), CODES)
async def test_the_code_decides_whatever_the_http_status(
    code: int, error: type[SMSError], status: int, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, status=status, payload=no(code, details=["یک", "دو"]))
    with pytest.raises(SMSError) as caught:
        await sepahan.send("09121234567", "سلام")
    seen = caught.value
    assert (type(seen), seen.code, seen.http_status) == (error, code, status)
    assert (seen.message, seen.details, seen.outcome) == ("نشد", ["یک", "دو"], Outcome.REJECTED)


@pytest.mark.parametrize(("code", "error"), sorted(STOPS.items()))
async def test_a_code_that_meets_every_batch_stops_the_rest(
    code: int, error: type[SMSError], new_sepahan: Any, provider_http: Any
) -> None:
    provider_http.post(SEND, status=401, payload=no(code), repeat=True)
    with pytest.raises(error) as caught:
        await new_sepahan(max_concurrency=1, batch_size=1).send(numbers(3), "سلام")
    assert len(provider_http.sent) == 1
    first, *rest = caught.value.report
    assert first.outcome is Outcome.REJECTED
    assert [(one.outcome, type(one.error)) for one in rest] == [(Outcome.NOT_SENT, NotAttempted)] * 2
    assert all(one.error.reason for one in rest)


@pytest.mark.parametrize(("code", "error"), [*sorted(GOES_ON.items()), (-99, ProviderError)])
async def test_a_code_of_one_batch_alone_stops_nothing(
    code: int, error: type[SMSError], new_sepahan: Any, provider_http: Any
) -> None:
    provider_http.post(SEND, status=401, payload=no(code), repeat=True)
    with pytest.raises(error) as caught:
        await new_sepahan(max_concurrency=1, batch_size=1).send(numbers(3), "سلام")
    assert len(provider_http.sent) == 3
    assert len(caught.value.report.rejected) == 3


async def test_a_stop_after_a_success_is_a_partial_send(new_sepahan: Any, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok({"ids": [11], "totalPrice": 10}))
    provider_http.post(SEND, status=401, payload=no(-14))
    with pytest.raises(PartialSendError) as caught:
        await new_sepahan(max_concurrency=1, batch_size=1).send(numbers(3), "سلام")
    assert [one.outcome for one in caught.value.report] == [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.NOT_SENT]
    assert [type(error) for error in caught.value.errors] == [InsufficientCredit, NotAttempted]
    assert caught.value.outcome is None


@pytest.mark.parametrize("name", sorted(CALLS))
async def test_minus_8_means_the_hours_only_on_old_status(name: str, sepahan: AsyncSepahan, provider_http: Any) -> None:
    method, url, call = CALLS[name]
    provider_http.add(url, method, status=401, payload=no(-8, details=["فقط ۱ تا ۵ بامداد"]))
    with pytest.raises(ProviderError) as caught:
        await call(sepahan)
    assert type(caught.value) is (OutsideServiceHours if name == "old_status" else AccountError)
    assert (caught.value.code, caught.value.details) == (-8, ["فقط ۱ تا ۵ بامداد"])


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize(("code", "error"), [pair for pair in CODES if pair[0] != -8])
async def test_every_call_knows_the_codes(
    code: int, error: type[SMSError], name: str, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    method, url, call = CALLS[name]
    provider_http.add(url, method, status=401, payload=no(code))
    with pytest.raises(SMSError) as caught:
        await call(sepahan)
    assert (type(caught.value), caught.value.code) == (error, code)
    assert caught.value.outcome is (Outcome.REJECTED if name.startswith("send") else None)


@pytest.mark.parametrize("status", [200, 401, 404])
@pytest.mark.parametrize("name", sorted(CALLS))
async def test_an_unknown_code_is_a_plain_error_that_keeps_it(
    name: str, status: int, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    method, url, call = CALLS[name]
    provider_http.add(url, method, status=status, payload=no(-99))
    with pytest.raises(ProviderError) as caught:
        await call(sepahan)
    assert (type(caught.value), caught.value.code, caught.value.message) == (ProviderError, -99, "نشد")


@pytest.mark.parametrize("status", [200, 401, 404, 429])
async def test_an_error_that_is_a_sentence_of_the_table_has_its_code(
    status: int, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, status=status, payload={"isSuccess": False, "value": None, "error": "توکن نامعتبر است."})
    with pytest.raises(SMSError) as caught:
        await sepahan.send("09121234567", "سلام")
    assert (type(caught.value), caught.value.code) == (AuthenticationError, -1)
    assert (caught.value.message, caught.value.details) == ("توکن نامعتبر است.", [])


@pytest.mark.parametrize(
    ("status", "error"), [(200, ProviderError), (401, AuthenticationError), (404, NotFound), (429, RateLimited)]
)
async def test_an_error_that_is_another_text_has_no_code(
    status: int, error: type[SMSError], sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, status=status, payload={"isSuccess": False, "value": None, "error": "نشد"})
    with pytest.raises(SMSError) as caught:
        await sepahan.send("09121234567", "سلام")
    assert (type(caught.value), caught.value.code) == (error, None)
    assert (caught.value.message, caught.value.details) == ("نشد", [])


@pytest.mark.parametrize("error", [None, {}, {"code": None, "message": None, "details": None}, {"message": "نشد"}, ""])
async def test_an_error_that_says_little_is_still_a_refusal(
    error: Any, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, status=401, payload={"isSuccess": False, "value": None, "error": error})
    with pytest.raises(AuthenticationError) as caught:
        await sepahan.send("09121234567", "سلام")
    assert caught.value.code is None


@pytest.mark.parametrize("status", [200, 401])
@pytest.mark.parametrize(
    "odd", [{"details": "یک"}, {"details": [{"field": "یک"}]}, {"details": {}}, {"message": 5}, {"message": ["نشد"]}]
)
async def test_odd_words_do_not_hide_the_code(
    odd: dict[str, Any], status: int, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    body = no(-14)
    body["error"] |= odd
    provider_http.post(SEND, status=status, payload=body)
    with pytest.raises(InsufficientCredit) as caught:
        await sepahan.send("09121234567", "سلام")
    assert caught.value.code == -14


# Answers that are not the documented ones

HTML = "<html><body>پیدا نشد</body></html>"


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        (200, MalformedResponse, Outcome.UNKNOWN),
        (302, ProviderError, Outcome.REJECTED),
        (400, InvalidParameters, Outcome.REJECTED),
        (401, AuthenticationError, Outcome.REJECTED),
        (402, InsufficientCredit, Outcome.REJECTED),
        (403, AuthenticationError, Outcome.REJECTED),
        (404, NotFound, Outcome.REJECTED),
        (405, ProviderError, Outcome.REJECTED),
        (413, InvalidParameters, Outcome.REJECTED),
        (415, InvalidParameters, Outcome.REJECTED),
        (422, InvalidParameters, Outcome.REJECTED),
        (429, RateLimited, Outcome.REJECTED),
        (500, ServerError, Outcome.UNKNOWN),
        (502, ServerError, Outcome.UNKNOWN),
    ],
)
async def test_html_is_read_by_its_http_status(
    status: int, error: type[SMSError], outcome: Outcome, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, status=status, body=HTML, content_type="text/html", headers={"Retry-After": "7"})
    with pytest.raises(SMSError) as caught:
        await sepahan.send("09121234567", "سلام")
    assert (type(caught.value), caught.value.outcome) == (error, outcome)
    assert (caught.value.http_status, caught.value.code) == (status, None)
    assert caught.value.report[0].outcome is outcome
    assert getattr(caught.value, "retry_after", 7.0) == 7.0


@pytest.mark.parametrize("status", [200, 401, 502])
@pytest.mark.parametrize("name", [name for name in sorted(CALLS) if not name.startswith("send")])
async def test_html_to_a_read_says_nothing_of_messages(
    name: str, status: int, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    method, url, call = CALLS[name]
    provider_http.add(url, method, status=status, body=HTML, content_type="text/html")
    with pytest.raises(SMSError) as caught:
        await call(sepahan)
    refused = InvalidParameters if "status" in name else AuthenticationError
    assert type(caught.value) is {200: MalformedResponse, 401: refused, 502: ServerError}[status]
    assert caught.value.outcome is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"isSuccess":true',
        b'{"isSuccess":"true","value":{"ids":[1]}}',
        b'{"isSuccess":1,"value":{"ids":[1]}}',
        b'{"isSuccess":null,"value":{"ids":[1]}}',
        b'{"value":{"ids":[1]}}',
        b'{"isSuccess":true}',
        b'{"isSuccess":true,"value":null}',
        b'{"isSuccess":true,"value":[1]}',
        b'{"isSuccess":true,"value":{}}',
        b'{"isSuccess":true,"value":{"ids":null}}',
        b'{"isSuccess":true,"value":{"ids":1}}',
        b'{"isSuccess":true,"value":{"ids":["x"]}}',
        b'{"isSuccess":true,"value":{"ids":[1.5]}}',
        b'{"isSuccess":true,"value":{"ids":[true]}}',
        b'{"isSuccess":true,"value":{"ids":[null]}}',
        b'{"isSuccess":true,"value":{"ids":[]}}',
        b'{"isSuccess":true,"value":{"ids":[1,2]}}',
        b'{"isSuccess":true,"value":{"ids":[NaN]}}',
        b'{"isSuccess":true,"value":{"ids":[1]},"\xff":1}',
        b"[" * 100_000,
    ],
)
async def test_an_answer_of_another_shape_leaves_the_send_unknown(
    body: bytes, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, body=body)
    with pytest.raises(MalformedResponse) as caught:
        await sepahan.send("09121234567", "سلام")
    assert (caught.value.outcome, caught.value.http_status) == (Outcome.UNKNOWN, 200)
    assert [one.outcome for one in caught.value.report] == [Outcome.UNKNOWN]


async def test_a_success_with_a_5xx_is_unknown(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(SEND, status=500, payload=ok({"ids": [1]}))
    with pytest.raises(ServerError) as caught:
        await sepahan.send("09121234567", "سلام")
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_wrong_number_of_ids_affects_only_its_batch(new_sepahan: Any, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok({"ids": [1, 2]}))
    provider_http.post(SEND, payload=ok({"ids": [3]}))
    provider_http.post(SEND, payload=ok({"ids": [5]}))
    with pytest.raises(PartialSendError) as caught:
        await new_sepahan(max_concurrency=1, batch_size=2).send(numbers(5), "سلام")
    assert [one.message_id for one in caught.value.report] == [1, 2, None, None, 5]
    assert [type(error) for error in caught.value.errors] == [MalformedResponse]
    assert [one.recipient for one in caught.value.report.unknown] == ["+989120000002", "+989120000003"]


# Statuses


@pytest.mark.parametrize(
    ("code", "status", "final"),
    [
        (-1, DeliveryStatus.NOT_FOUND, True),
        (0, DeliveryStatus.QUEUED, False),
        (1, DeliveryStatus.DELIVERED, True),
        (2, DeliveryStatus.UNDELIVERED, True),
        (3, DeliveryStatus.CANCELLED, True),
        (5, DeliveryStatus.BLOCKED, True),
        (7, DeliveryStatus.PARTIALLY_DELIVERED, True),
        (8, DeliveryStatus.SENT, False),
        (16, DeliveryStatus.FAILED, True),
        (4, DeliveryStatus.UNRECOGNIZED, False),
        (-99, DeliveryStatus.UNRECOGNIZED, False),
    ],
)
async def test_a_status_code_has_its_meaning(
    code: int, status: DeliveryStatus, final: bool, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(STATUS, payload=ok([code]))
    assert await sepahan.status([11]) == [MessageStatus(11, code, status)]
    assert status.is_final is final


@pytest.mark.parametrize("name", ["status", "old_status"])
async def test_over_100_ids_are_split_and_stay_in_order(name: str, sepahan: AsyncSepahan, provider_http: Any) -> None:
    async def answer(url: object, **_: object) -> CallbackResult:
        ids = provider_http.sent[-1].json
        await asyncio.sleep(0.03 if ids[0] == 0 else 0)  # the first chunk's answer comes last
        return CallbackResult(payload=ok([id_ % 4 for id_ in ids]))

    provider_http.post(CALLS[name][1], callback=answer, repeat=True)
    found = await getattr(sepahan, name)(range(250))
    assert [(one.message_id, one.code) for one in found] == [(id_, id_ % 4) for id_ in range(250)]
    assert sorted(len(sent.json) for sent in provider_http.sent) == [50, 100, 100]


@pytest.mark.parametrize("name", ["status", "old_status"])
async def test_no_ids_ask_nothing(name: str, sepahan: AsyncSepahan, provider_http: Any) -> None:
    assert await getattr(sepahan, name)([]) == []
    assert provider_http.sent == []


@pytest.mark.parametrize("ids", ["12", ["12"], [1.0], [True], [None], b"12"])
@pytest.mark.parametrize("name", ["status", "old_status"])
async def test_an_id_that_is_not_a_whole_number_is_refused(
    name: str, ids: Any, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    with pytest.raises(InvalidRequest):
        await getattr(sepahan, name)(ids)
    assert provider_http.sent == []


@pytest.mark.parametrize("value", [None, {}, [1], [1, 2, 3], ["x", 2], [1.5, 2], [True, 2], {"ids": [1, 2]}, "12"])
@pytest.mark.parametrize("name", ["status", "old_status"])
async def test_statuses_of_another_shape_are_malformed(
    name: str, value: Any, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(CALLS[name][1], payload=ok(value))
    with pytest.raises(MalformedResponse) as caught:
        await getattr(sepahan, name)([11, 12])
    assert caught.value.outcome is None


@pytest.mark.parametrize("body", [ok([1, 16]), {"message": "ok", "result": [1, 16]}, {"result": [1, 16]}])
async def test_old_status_takes_both_shapes(body: Any, sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(OLD_STATUS, payload=body)
    found = await sepahan.old_status([11, 12])
    assert [one.status for one in found] == [DeliveryStatus.DELIVERED, DeliveryStatus.FAILED]


@pytest.mark.parametrize("result", [[1], None, ["1", "y"], "x"])
async def test_old_status_checks_its_second_shape_too(result: Any, sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(OLD_STATUS, payload={"message": "ok", "result": result})
    with pytest.raises(MalformedResponse):
        await sepahan.old_status([11, 12])


# Received messages


def row(day: Any, text: Any = "سلام") -> dict[str, Any]:
    return {"privateNumber": "50003300", "date": day, "sendNumber": "09126900023", "messageText": text}


async def received_on(sepahan: AsyncSepahan, http: Any, day: Any) -> dt.date | None:
    http.post(RECEIVE, payload=ok([row(day)]))
    (message,) = await sepahan.receive()
    assert (message.number, message.sender, message.text) == ("50003300", "09126900023", "سلام")
    assert message.raw == row(day)
    return message.date


@pytest.mark.parametrize(
    "day",
    ["1404/04/11", "1404/4/11", "2025/07/02", "2025-07-02", "۱۴۰۴/۰۴/۱۱", "1404/04/11 10:22:05", "2025-07-02T10:22:05"],
)
async def test_a_date_is_read_jalali_and_gregorian(day: str, sepahan: AsyncSepahan, provider_http: Any) -> None:
    assert await received_on(sepahan, provider_http, day) == dt.date(2025, 7, 2)


@pytest.mark.parametrize("day", ["", "دیروز", "1404/13/01", "1404/12/45", "2025/02/30", "0000/00/00", None, 20250702])
async def test_a_row_with_an_odd_date_still_counts(day: Any, sepahan: AsyncSepahan, provider_http: Any) -> None:
    assert await received_on(sepahan, provider_http, day) is None


@pytest.mark.parametrize("rows", [[], [row("2025/07/02")], [row("1404/04/11"), row("x", "دو")]])
async def test_receive_takes_both_shapes(rows: list[Any], sepahan: AsyncSepahan, provider_http: Any) -> None:
    for body in (ok(rows), {"message": "عملیات موفق", "result": rows}):
        provider_http.post(RECEIVE, payload=body)
        assert [message.raw for message in await sepahan.receive()] == rows


async def test_an_odd_row_is_not_lost(sepahan: AsyncSepahan, provider_http: Any) -> None:
    rows = [row("2025/07/02"), {"messageText": 5, "date": {}}, "what?", None]
    provider_http.post(RECEIVE, payload=ok(rows))
    messages = await sepahan.receive()
    assert len(messages) == 4
    assert messages[0].text == "سلام"
    assert messages[1].raw == rows[1]
    assert "what?" in json.dumps(dict(messages[2].raw))


async def test_rows_that_are_not_a_list_are_malformed(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(RECEIVE, payload=ok({"rows": []}))
    with pytest.raises(MalformedResponse) as caught:
        await sepahan.receive()
    assert caught.value.outcome is None


RECEIVE_CODES = [(406, InvalidParameters), (410, AccountError), (416, InvalidParameters), (423, AccountError)]


@pytest.mark.parametrize(("code", "error"), RECEIVE_CODES)
@pytest.mark.parametrize(
    ("place", "make"),
    [
        ("both", lambda code: {"status": code, "payload": no(code)}),
        ("error.code, 401", lambda code: {"status": 401, "payload": no(code)}),
        ("error.code, 200", lambda code: {"status": 200, "payload": no(code)}),
        ("HTTP, no code", lambda code: {"status": code, "payload": no(None)}),
        ("HTTP, text", lambda code: {"status": code, "payload": {"isSuccess": False, "error": "نشد"}}),
        ("HTTP, HTML", lambda code: {"status": code, "body": HTML}),
        ("HTTP, message", lambda code: {"status": code, "payload": {"message": "نشد", "result": None}}),
    ],
)
async def test_receives_own_codes_count_in_either_place(
    code: int, error: type[SMSError], place: str, make: Any, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(RECEIVE, **make(code))
    with pytest.raises(SMSError) as caught:
        await sepahan.receive()
    assert (type(caught.value), caught.value.code) == (error, code), place
    assert caught.value.outcome is None


async def test_receives_codes_are_its_own(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.get(CREDIT, status=401, payload=no(410))
    with pytest.raises(ProviderError) as caught:
        await sepahan.credit()
    assert (type(caught.value), caught.value.code) == (ProviderError, 410)


TEHRAN = dt.timezone(dt.timedelta(hours=3, minutes=30))


@pytest.mark.parametrize(
    ("since", "text"),
    [
        (dt.date(2025, 12, 31), "1404/10/10"),
        (dt.date(2026, 3, 20), "1404/12/29"),
        (dt.datetime(2025, 12, 31, 12, tzinfo=dt.UTC), "1404/10/10"),
        (dt.datetime(2025, 12, 31, 20, 29, 59, tzinfo=dt.UTC), "1404/10/10"),
        (dt.datetime(2025, 12, 31, 20, 30, tzinfo=dt.UTC), "1404/10/11"),
        (dt.datetime(2026, 1, 1, 0, 10, tzinfo=TEHRAN), "1404/10/11"),
        (dt.datetime(2026, 1, 1, 0, 10, tzinfo=dt.timezone(dt.timedelta(hours=9))), "1404/10/10"),
    ],
)
async def test_since_is_the_day_in_tehran(since: dt.date, text: str, sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(RECEIVE, payload=ok([]))
    await sepahan.receive(since=since)
    assert provider_http.sent[0].json["startDate"] == text


@pytest.mark.parametrize("since", [dt.datetime(2025, 12, 31, 12), "1404/10/10", 20251231])  # the first is naive
async def test_a_since_without_a_time_zone_is_refused(since: Any, sepahan: AsyncSepahan, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest):
        await sepahan.receive(since=since)
    assert provider_http.sent == []


@pytest.mark.parametrize("limit", [0, -1, 101, True, "5", 5.0, None])
async def test_a_limit_out_of_range_is_refused(limit: Any, sepahan: AsyncSepahan, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest):
        await sepahan.receive(limit=limit)
    assert provider_http.sent == []


async def test_receive_sends_what_it_was_given(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(RECEIVE, payload=ok([]))
    await sepahan.receive(number="۵۰۰۰۳۳۰۰", limit=1, mark_as_read=False)
    assert provider_http.sent[0].json == {"privateNumber": "50003300", "numberOfMessages": 1, "markAsRead": False}


async def test_receive_leaves_out_what_it_was_not_given(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(RECEIVE, payload=ok([]))
    await sepahan.receive()
    body = provider_http.sent[0].json
    assert "privateNumber" not in body
    assert "startDate" not in body
    assert (body.get("numberOfMessages", 100), body.get("markAsRead", True)) == (100, True)


# Credit and request ids


async def test_credit_is_the_whole_number_it_says(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.get(CREDIT, payload=ok(-330874527))
    assert await sepahan.credit() == -330874527
    assert provider_http.sent[0].body == b""


@pytest.mark.parametrize("value", ["x", 330.5, True, None, {}, [330]])
async def test_a_credit_of_another_type_is_malformed(value: Any, sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.get(CREDIT, payload=ok(value))
    with pytest.raises(MalformedResponse) as caught:
        await sepahan.credit()
    assert caught.value.outcome is None


@pytest.mark.parametrize("seen", [True, False])
async def test_check_request_id_says_whether_it_was_seen(seen: bool, sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.get(CHECK, payload=ok({"isDuplicate": seen}))
    assert await sepahan.check_request_id("order-7") is seen


@pytest.mark.parametrize("value", [None, {}, {"isDuplicate": "true"}, {"isDuplicate": 1}, True])
async def test_a_check_of_another_shape_is_malformed(value: Any, sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.get(CHECK, payload=ok(value))
    with pytest.raises(MalformedResponse):
        await sepahan.check_request_id("order-7")


async def test_the_id_of_a_long_calls_batch_can_be_checked(sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.get(re.compile(""), payload=ok({"isDuplicate": True}))
    assert await sepahan.check_request_id("a" * 56 + "-12")
    assert provider_http.sent[0].path == "/api/Requests/checkRequestId/" + "a" * 56 + "-12"


@pytest.mark.parametrize("request_id", ["", "..", "../x", "a/b", "a?b", "a b", "a\n", "آ", "a" * 57, None, 7])
async def test_an_invalid_request_id_is_not_looked_up(
    request_id: Any, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    with pytest.raises(InvalidRequest):
        await sepahan.check_request_id(request_id)
    assert provider_http.sent == []


# Base URLs


async def test_resellers_customers_have_a_base_url_of_their_own(new_sepahan: Any, provider_http: Any) -> None:
    assert RESELLERS_BASE_URL == "https://api.flashsms.ir"
    provider_http.get("https://api.flashsms.ir/api/SmsReport/credit", payload=ok(5))
    assert await new_sepahan(base_url=RESELLERS_BASE_URL).credit() == 5


async def test_a_missing_sender_is_refused_before_anything_is_sent(new_sepahan: Any, provider_http: Any) -> None:
    client = new_sepahan(sender=None)
    with pytest.raises(InvalidRequest):
        await client.send("09121234567", "سلام")
    with pytest.raises(InvalidRequest):
        await client.send_p2p([Message("09121234567", "سلام", sender="3000"), ("09121234568", "سلام")])
    assert provider_http.sent == []
