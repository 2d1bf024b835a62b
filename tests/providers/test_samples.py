"""Every recorded sample on disk: what the call sends is the recorded request, and what it reads is the recorded answer.

The classes of the errors are restated here from the providers' tables; the package's own tables are not used.
"""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import ippanel_sms
from ippanel_sms import (
    Account,
    AsyncIPPanel,
    BulkReceipt,
    BulkState,
    BulkStats,
    InboxMessage,
    Line,
    Place,
    Price,
    RecipientStatus,
    SegmentCount,
    TextCounts,
)
from najva_sms import AsyncNajva, DeliveryReport, OutboxMessage, OutboxPage, parse_webhook
from sepahan_sms import AsyncSepahan
from smscore import (
    AccountError,
    AuthenticationError,
    DeliveryStatus,
    DuplicateRequest,
    InboundMessage,
    InsufficientCredit,
    InvalidParameters,
    MessageStatus,
    NotFound,
    Outcome,
    OutsideServiceHours,
    SendReport,
    SMSError,
    registry,
)
from smscore.testing.runner import result_of
from smscore.testing.samples import load_samples

ROOT = Path(__file__).parents[1] / "samples"
SAMPLES = {f"{path.parent.name}/{path.stem}": json.loads(path.read_text("utf-8")) for path in ROOT.glob("*/*.json")}
COUNTS = {"ippanel": 36, "najva": 20, "sepahan": 37}

BASES = {
    "sepahan": "https://api.sepahansms.com",
    "ippanel": "https://edge.ippanel.com/v1",
    "najva": "https://sms.najva.com",
}
CLIENTS = {"sepahan": AsyncSepahan, "ippanel": AsyncIPPanel, "najva": AsyncNajva}
SENDS = {"send", "send_p2p", "send_country", "send_postal_code", "send_pattern", "send_votp"}
FILE_ID = "550e8400-e29b-41d4-a716-446655440000"
NAJVA_TEXT = "این پیامک از زیرساخت ارسال پیامک نجوا ارسال شده است."
OTHERS = ["+989120000000", "+989350000000"]


BULK_ID = 1123594301


def moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


SOURCES = {name: load_samples(ROOT / name) for name in registry.names()}
CALLS = {f"{provider}/{name}": call for provider, source in SOURCES.items() for name, call in source.calls.items()}

SEPAHAN_ERRORS = {
    **dict.fromkeys((-1, -2, -3), AuthenticationError),
    **dict.fromkeys((-4, -5, -6, -7, -12, -21), InvalidParameters),
    **dict.fromkeys((-8, -9, -10, -11, -13, -15, -16, -17, -18), AccountError),
    **dict.fromkeys((-14, -19), InsufficientCredit),
    -20: DuplicateRequest,
}
# Class and code of every recorded refusal.
ERRORS: dict[str, tuple[type[SMSError], int | str | None]] = {
    **{f"sepahan/send-error_minus_{-code:02}": (error, code) for code, error in SEPAHAN_ERRORS.items()},
    "sepahan/send-error_plain_string": (AuthenticationError, -1),
    "sepahan/status-error_invalid_input": (InvalidParameters, None),
    "sepahan/old_status-error_invalid_input": (InvalidParameters, None),
    "sepahan/old_status-error_minus_08": (OutsideServiceHours, -8),
    "sepahan/receive-error_406": (InvalidParameters, 406),
    "sepahan/receive-error_410": (AccountError, 410),
    "sepahan/receive-error_416": (InvalidParameters, 416),
    "sepahan/receive-error_423": (AccountError, 423),
    **{
        f"ippanel/{call}-error_401": (AuthenticationError, "400-1")
        for call in ("send", "send_country", "send_postal_code", "send_votp", "credit", "account")
    },
    **{f"ippanel/{call}-error_422": (InvalidParameters, "400-2") for call in SENDS - {"send_votp"}},
    "ippanel/outbox-error_422": (InvalidParameters, "400-31"),
    "ippanel/cancel-error_404": (NotFound, "400-1"),
    **{f"najva/{call}-error_400": (InvalidParameters, 400) for call in ("send", "send_p2p", "status", "outbox")},
    **{f"najva/{call}-error_414": (InvalidParameters, 414) for call in ("send", "send_p2p", "status")},
    **{f"najva/{call}-error_418": (InsufficientCredit, 418) for call in ("send", "send_p2p", "send_pattern")},
    "najva/upload_file-error_400": (InvalidParameters, 400),
    "najva/upload_file-error_413": (InvalidParameters, 413),
}


def inbound(text: str, day: str) -> InboundMessage:
    return InboundMessage("50003300", "09126900023", text, dt.date(2025, 7, 2), {"date": day})


def bulk_message(parts: int | None, cost: str) -> ippanel_sms.OutboxMessage:
    return ippanel_sms.OutboxMessage(
        message_id=BULK_ID,
        text="پیام یک",
        sender="+983000505",
        type="webservice",
        state=BulkState.SENT,
        recipient_count=2,
        exit_count=1,
        parts=parts,
        cost=Decimal(cost),
        created_at=moment(1744121300),
        send_at=moment(1744121368),
    )


def inbox_message(message_id: int) -> InboxMessage:
    received_at = moment(1747808000 + message_id)
    text = f"پاسخ {message_id}"
    return InboxMessage("+983000505", OTHERS[0], text, dt.date(2025, 5, 21), {}, message_id, received_at)


NONE_YET = {"irancell": TextCounts(), "mci": TextCounts()}


def outbox_message(message_id: int, recipient: str) -> OutboxMessage:
    sent_at = dt.datetime.fromtimestamp(1706619709, dt.UTC)
    text = "سرویس ارسال پیامک نجوا"
    return OutboxMessage(message_id, text, "10004346", recipient, 1, DeliveryStatus.QUEUED, sent_at, 100)


# What the call returns; of a report, (E.164, message id) of each recipient and the cost.
RESULTS: dict[str, Any] = {
    "sepahan/send-success": ([("+989121234567", 639027944154527200)], 2837),
    "sepahan/check_request_id-not_duplicate": False,
    "sepahan/status-success": [MessageStatus(0, 1, DeliveryStatus.DELIVERED)],
    "sepahan/old_status-message_result": [MessageStatus(0, 0, DeliveryStatus.QUEUED)],
    "sepahan/credit-success": 330874527,
    "sepahan/receive-success": [inbound("1", "2025/07/02"), inbound("تست", "2025/07/02")],
    "sepahan/receive-message_result": [inbound("1", "1404/04/11"), inbound("تست", "1404/04/11")],
    "ippanel/send-success": ([(number, 1123544244) for number in OTHERS], None),
    "ippanel/send_country-success": BulkReceipt([1123594208]),
    "ippanel/send_postal_code-success": BulkReceipt([1123594208]),
    "ippanel/send_p2p-success": (
        [(OTHERS[0], BULK_ID), ("+989360000000", BULK_ID + 1), (OTHERS[1], BULK_ID)],
        None,
    ),
    "ippanel/send_pattern-success": ([(OTHERS[0], 1123594303)], None),
    "najva/send_pattern-success": ([(OTHERS[0], 639027944154527203)], 1000),
    "ippanel/send_votp-success": ([(OTHERS[0], 1123594304)], None),
    "ippanel/cancel-success": None,
    "ippanel/price-success": Price(Decimal("1580.5"), Decimal(1670), 1),
    "ippanel/credit-success": Decimal("330874527.705052"),
    "ippanel/outbox-success": ippanel_sms.OutboxPage(1, 1, 1, [bulk_message(None, "3990.2")]),
    "ippanel/outbox_message-success": bulk_message(1, "1064"),
    "ippanel/recipients-success": [
        RecipientStatus(OTHERS[0], 2, DeliveryStatus.DELIVERED, 1),
        RecipientStatus(OTHERS[1], 4, DeliveryStatus.BLOCKED, 1),
    ],
    "ippanel/stats-success": BulkStats(
        sent=NONE_YET,
        pending=NONE_YET,
        failed=NONE_YET,
        blacklisted={**NONE_YET, "irancell": TextCounts(1, 0)},
        delivered={**NONE_YET, "mci": TextCounts(1, 0)},
    ),
    "ippanel/inbox-success": [inbox_message(122), inbox_message(123)],
    "ippanel/provinces-success": [Place(89, "تهران"), Place(90, "یزد")],
    "ippanel/counties-success": [Place(212, "شمیرانات")],
    "ippanel/cities-success": [Place(82, "تجریش")],
    "ippanel/count-success": SegmentCount(25617, 13438, 1042),
    "ippanel/lines-success": [Line(10001, "+983000505", 1, None)],
    "ippanel/account-success": Account(58745, "payamak", "پیامک", False, False, False),
    "najva/send-success": ([(f"+98912000000{n}", n + 1) for n in range(3)], 3000),
    "najva/send_p2p-success": ([(f"+98912000000{n}", n + 1) for n in range(3)], 3000),
    "najva/status-success": [
        MessageStatus(1, 10, DeliveryStatus.DELIVERED, "رسیده به گیرنده"),
        MessageStatus(2, 4, DeliveryStatus.SENT, "رسیده به مخابرات"),
        MessageStatus(3, 100, DeliveryStatus.NOT_FOUND, "شناسه پیامک نامعتبر است"),
    ],
    "najva/outbox-success": OutboxPage(
        1000, 0, [outbox_message(1234, "+989120000000"), outbox_message(4321, "+989120000001")]
    ),
    "najva/upload_file-success": FILE_ID,
}

WITH_REQUEST = sorted(
    name for name, sample in SAMPLES.items() if sample["request"] and sample["call"] != "parse_webhook"
)
WITH_ANSWER = sorted(name for name, sample in SAMPLES.items() if sample["answer"])


def same_json(value: Any) -> str:
    """JSON in one spelling, in which 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def expected_request(name: str) -> dict[str, Any]:
    """The recorded request, with what the SDK sends differently put in its place."""
    provider, _, sample = name.partition("/")
    return SOURCES[provider].with_request()[sample]


async def call(name: str, new_client: Callable[..., Any]) -> Any:
    provider = name.partition("/")[0]
    client = new_client(CLIENTS[provider])
    return await result_of(CALLS[f"{provider}/{SAMPLES[name]['call']}"](client))


def answer_with(provider_http: Any, status: int, body: Any) -> None:
    for method in ("GET", "POST"):
        provider_http.add(re.compile(""), method, status=status, body=json.dumps(body, ensure_ascii=False), repeat=True)


def test_no_sample_is_lost_or_new() -> None:
    assert Counter(name.partition("/")[0] for name in SAMPLES) == COUNTS
    assert set(ERRORS) | set(RESULTS) == set(WITH_ANSWER)
    assert {name for name, sample in SAMPLES.items() if sample["call"] == "parse_webhook"} == {
        "najva/parse_webhook-delivered"
    }


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_is_written_as_the_readme_says(name: str) -> None:
    sample = SAMPLES[name]
    assert list(sample) == ["source", "made_from", "mended", "call", "request", "answer"]
    assert name.partition("/")[2].startswith(sample["call"] + "-")
    assert sample["request"] or sample["answer"]


@pytest.mark.parametrize("name", WITH_REQUEST)
async def test_the_call_sends_the_recorded_request(name: str, new_client: Any, provider_http: Any) -> None:
    request = expected_request(name)
    answer_with(provider_http, 503, {})
    with pytest.raises(SMSError):
        await call(name, new_client)
    (sent,) = provider_http.sent
    url = BASES[name.partition("/")[0]] + request["path"].replace("{token}", "token-of-the-tests")
    assert (sent.method, str(sent.url.with_query(None)), sent.query) == (request["method"], url, request["query"])
    assert same_json(json.loads(sent.body or b"null")) == same_json(request["body"])


@pytest.mark.parametrize("name", WITH_REQUEST)
async def test_the_headers_are_those_of_the_document(name: str, new_client: Any, provider_http: Any) -> None:
    answer_with(provider_http, 503, {})
    with pytest.raises(SMSError):
        await call(name, new_client)
    (sent,) = provider_http.sent
    if "{token}" in expected_request(name)["path"]:
        assert "Authorization" not in sent.headers
        return
    scheme = "Bearer " if name.startswith("najva/") else ""
    assert sent.headers["Authorization"] == scheme + "token-of-the-tests"
    assert sent.headers.get("Content-Type") == ("application/json" if sent.body else None)
    assert "token-of-the-tests" not in str(sent.url)


@pytest.mark.parametrize("name", sorted(RESULTS))
async def test_the_recorded_answer_gives_the_right_result(name: str, new_client: Any, provider_http: Any) -> None:
    answer = SAMPLES[name]["answer"]
    answer_with(provider_http, answer["status"], answer["body"])
    result = await call(name, new_client)
    if isinstance(result, SendReport):
        assert result.ok
        result = ([(one.recipient, one.message_id) for one in result], result.cost)
    assert result == RESULTS[name]
    assert type(result) is type(RESULTS[name])


@pytest.mark.parametrize("name", [name for name in sorted(RESULTS) if "/receive-" in name])
async def test_a_received_message_keeps_its_row(name: str, new_client: Any, provider_http: Any) -> None:
    body = SAMPLES[name]["answer"]["body"]
    answer_with(provider_http, 200, body)
    messages = await call(name, new_client)
    assert [message.raw for message in messages] == (body["value"] if "value" in body else body["result"])


@pytest.mark.parametrize("name", sorted(ERRORS))
async def test_the_recorded_refusal_raises_the_right_error(name: str, new_client: Any, provider_http: Any) -> None:
    answer = SAMPLES[name]["answer"]
    answer_with(provider_http, answer["status"], answer["body"])
    with pytest.raises(SMSError) as caught:
        await call(name, new_client)
    error = caught.value
    assert (type(error), error.code) == ERRORS[name]
    assert error.http_status == answer["status"]
    assert error.provider == name.partition("/")[0]
    assert error.outcome is (Outcome.REJECTED if SAMPLES[name]["call"] in SENDS else None)


@pytest.mark.parametrize("name", sorted(ERRORS))
async def test_the_recorded_refusal_keeps_the_providers_words(name: str, new_client: Any, provider_http: Any) -> None:
    answer = SAMPLES[name]["answer"]
    body = answer["body"]
    answer_with(provider_http, answer["status"], body)
    with pytest.raises(SMSError) as caught:
        await call(name, new_client)
    words = body.get("error") or body.get("return") or body.get("meta")
    words = {"message": words} if isinstance(words, str) else words
    assert caught.value.message == words["message"]
    assert caught.value.details == words.get("details", [])
    assert getattr(caught.value, "fields", {}) == words.get("errors", {})


def test_the_recorded_webhook_call_is_read() -> None:
    request = SAMPLES["najva/parse_webhook-delivered"]["request"]
    report = parse_webhook(body=json.dumps(request["body"]).encode(), content_type="application/json")
    assert report == DeliveryReport(1234, 10, DeliveryStatus.DELIVERED)
