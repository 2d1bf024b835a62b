"""IPPanel's sends to one and to each: peer-to-peer, patterns and codes read out by a call."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from itertools import count
from typing import Any

import pytest
from aioresponses import CallbackResult
from django.utils.safestring import SafeString
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ippanel_sms import AsyncIPPanel, Gender, IPPanel
from smscore import (
    BatchEvent,
    InvalidNumber,
    InvalidParameters,
    InvalidRequest,
    MalformedResponse,
    Message,
    Outcome,
    PartialSendError,
    ResponseLost,
    RetryPolicy,
)

SEND = "https://edge.ippanel.com/v1/api/send"


def ok(*ids: int) -> dict[str, Any]:
    return {"data": {"message_outbox_ids": list(ids)}, "meta": {"status": True, "message": "انجام شد"}}


def accept_each_text(http: Any) -> None:
    """Answer every peer-to-peer send with an id for each of its entries, from 1 up."""
    ids = count(1)

    def answer(*_: Any, **__: Any) -> CallbackResult:
        return CallbackResult(payload=ok(*(next(ids) for _ in http.sent[-1].json["params"])))

    http.post(SEND, callback=answer, repeat=True)


def international(number: str) -> str:
    return "+98" + number[1:]


# Peer to peer


async def test_p2p_goes_with_an_entry_a_message(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    accept_each_text(provider_http)
    report = await ippanel.send_p2p([("09121234567", "سلام علی"), Message("۰۹۳۵۱۲۳۴۵۶۷", "سلام مریم", ref=7)])
    assert provider_http.sent[0].json == {
        "sending_type": "peer_to_peer",
        "from_number": "+983000505",
        "params": [
            {"recipients": ["+989121234567"], "message": "سلام علی"},
            {"recipients": ["+989351234567"], "message": "سلام مریم"},
        ],
    }
    assert [(one.recipient, one.message_id, one.ref) for one in report] == [
        ("+989121234567", 1, None),
        ("+989351234567", 2, 7),
    ]
    assert (report.ok, report.message_ids, report.cost) == (True, [1, 2], None)


async def test_those_with_the_same_text_share_an_entry_and_its_id(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    accept_each_text(provider_http)
    report = await ippanel.send_p2p(
        [("09120000000", "الف"), ("09120000001", "ب"), ("09120000002", "الف"), ("09120000000", "ب")]
    )
    assert provider_http.sent[0].json["params"] == [
        {"recipients": ["+989120000000", "+989120000002"], "message": "الف"},
        {"recipients": ["+989120000001", "+989120000000"], "message": "ب"},
    ]
    assert [one.message_id for one in report] == [1, 2, 1, 2]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    messages=st.lists(
        st.tuples(
            st.integers(0, 5), st.sampled_from(["الف", "ب", "پ"]), st.sampled_from([None, "+983000505", "+98BANK"])
        ),
        min_size=1,
        max_size=12,
    ),
    size=st.integers(1, 13),
)
async def test_every_recipient_gets_the_id_of_the_entry_that_holds_it(
    messages: list[tuple[int, str, str | None]], size: int, new_ippanel: Callable[..., AsyncIPPanel], provider_http: Any
) -> None:
    provider_http.clear()
    provider_http.sent.clear()
    accept_each_text(provider_http)
    report = await new_ippanel(batch_size=size).send_p2p(
        [Message(f"0912000000{n}", text, sender) for n, text, sender in messages]
    )
    ids = count(1)
    held = {
        next(ids): (sent.json["from_number"], entry["message"], entry["recipients"])
        for sent in provider_http.sent
        for entry in sent.json["params"]
    }
    assert sum(len(recipients) for _, _, recipients in held.values()) == len(messages)
    for (n, text, sender), result in zip(messages, report, strict=True):
        assert result.message_id is not None
        line, its_text, recipients = held[result.message_id]
        assert (line, its_text) == (sender or "+983000505", text)
        assert international(f"0912000000{n}") in recipients


async def test_messages_with_different_senders_go_in_different_requests(
    ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    accept_each_text(provider_http)
    report = await ippanel.send_p2p(
        [Message("09120000000", "الف", "+98BANK"), ("09120000001", "ب"), Message("09120000002", "پ", "+98BANK")]
    )
    assert sorted((sent.json["from_number"], len(sent.json["params"])) for sent in provider_http.sent) == [
        ("+983000505", 1),
        ("+98BANK", 2),
    ]
    assert report.ok


async def test_a_batch_size_counts_recipients_not_texts(new_ippanel: Any, provider_http: Any) -> None:
    accept_each_text(provider_http)
    await new_ippanel(batch_size=2, max_concurrency=1).send_p2p([(f"0912000000{n}", "سلام") for n in range(5)])
    assert [[len(entry["recipients"]) for entry in sent.json["params"]] for sent in provider_http.sent] == [
        [2],
        [2],
        [1],
    ]


@pytest.mark.parametrize("ids", [[1], [1, 2, 3]])
async def test_another_count_of_ids_than_of_texts_leaves_the_send_unknown(
    ids: list[int], ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=ok(*ids))
    with pytest.raises(MalformedResponse) as caught:
        await ippanel.send_p2p([("09120000000", "الف"), ("09120000001", "ب")])
    assert caught.value.outcome is Outcome.UNKNOWN
    assert [one.outcome for one in caught.value.report or ()] == [Outcome.UNKNOWN] * 2


async def test_a_p2p_without_any_sender_is_refused(new_ippanel: Any, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest):
        await new_ippanel(sender=None).send_p2p([("09120000000", "الف")])
    assert provider_http.sent == []


async def test_a_p2p_stream_keeps_to_the_batch_size(new_ippanel: Any, provider_http: Any) -> None:
    accept_each_text(provider_http)
    messages = ((f"0912000000{n}", "سلام") for n in range(5))
    client = new_ippanel(batch_size=2, max_concurrency=1)
    reports = [report async for report in client.send_p2p_stream(messages)]
    assert [(report.offset, len(report), report.message_ids) for report in reports] == [
        (0, 2, [1]),
        (2, 2, [2]),
        (4, 1, [3]),
    ]


def test_the_blocking_client_sends_peer_to_peer(provider_http: Any) -> None:
    accept_each_text(provider_http)
    with IPPanel("token-of-the-tests", sender="+983000505") as client:
        report = client.send_p2p(pair for pair in [("09120000000", "الف"), ("09120000001", "ب")])
        reports = list(client.send_p2p_stream(iter([("09120000000", "الف")])))
    assert [one.message_id for one in report] == [1, 2]
    assert [one.message_ids for one in reports] == [[3]]


async def test_a_failed_p2p_batch_leaves_the_others_sent(new_ippanel: Any, provider_http: Any) -> None:
    provider_http.post(SEND, status=500)
    accept_each_text(provider_http)
    with pytest.raises(PartialSendError) as caught:
        await new_ippanel(batch_size=1, max_concurrency=1).send_p2p([("09120000000", "الف"), ("09120000001", "ب")])
    assert [one.outcome for one in caught.value.report] == [Outcome.UNKNOWN, Outcome.ACCEPTED]


# Codes read out by a call


async def test_a_code_is_read_out_without_any_sender(new_ippanel: Any, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok(5))
    report = await new_ippanel(sender=None).send_votp("09121234567", "00452")
    assert provider_http.sent[0].json == {
        "sending_type": "votp",
        "message": "00452",
        "params": {"recipients": ["+989121234567"]},
    }
    assert [(one.recipient, one.outcome, one.message_id) for one in report] == [
        ("+989121234567", Outcome.ACCEPTED, 5),
    ]


@pytest.mark.parametrize("code", ["۰۰۴۵۲", "٠٠٤٥٢"])
async def test_persian_and_arabic_digits_of_a_code_become_ascii(
    code: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=ok(5))
    await ippanel.send_votp("09121234567", code)
    assert provider_http.sent[0].json["message"] == "00452"


@pytest.mark.parametrize("code", ["", " ", "12 34", "12a4", "1234\n", "-123", "1.5", "²³", 1234, None, True, b"1234"])
async def test_a_code_of_anything_but_digits_is_refused(code: Any, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await ippanel.send_votp("09121234567", code)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert provider_http.sent == []


@pytest.mark.parametrize("to", [[], ["09121234567", "09121234568"], None, 5.5, b"09121234567"])
async def test_a_call_takes_one_recipient(to: Any, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest):
        await ippanel.send_votp(to, "1234")
    assert provider_http.sent == []


async def test_a_bad_recipient_of_a_call_is_named(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    with pytest.raises(InvalidNumber) as caught:
        await ippanel.send_votp("02112345678", "1234")
    assert caught.value.numbers == [(0, "02112345678")]
    assert provider_http.sent == []


# Patterns


async def test_a_pattern_goes_with_its_values_as_text(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok(1123594208))
    report = await ippanel.send_pattern(
        "۰۹۱۲ ۱۲۳ ۴۵۶۷", "pattern-code", {"code": "00452", "order": 7, "price": Decimal("1250000.50"), "name": "علی"}
    )
    assert provider_http.sent[0].json == {
        "sending_type": "pattern",
        "from_number": "+983000505",
        "code": "pattern-code",
        "recipients": ["+989121234567"],
        "params": {"code": "00452", "order": "7", "price": "1250000.50", "name": "علی"},
    }
    assert [(one.recipient, one.outcome, one.message_id) for one in report] == [
        ("+989121234567", Outcome.ACCEPTED, 1123594208),
    ]
    assert (report.ok, report.message_ids) == (True, [1123594208])


class Fruit(StrEnum):
    APPLE = "سیب"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        ("۱۲۳۴", "۱۲۳۴"),
        (SafeString("<b>"), "<b>"),
        (Fruit.APPLE, "سیب"),
        (0, "0"),
        (-5, "-5"),
        (10**30, "1" + "0" * 30),
        (-(10**1000 - 1), "-" + "9" * 1000),
        (Decimal("1E-1000"), "0." + "0" * 999 + "1"),
        (Gender.MALE, "1"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
    ],
)
async def test_a_value_is_written_as_a_reader_expects(
    value: Any, text: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=ok(1))
    await ippanel.send_pattern("09121234567", "c", {"value": value})
    assert provider_http.sent[0].json["params"] == {"value": text}


@pytest.mark.parametrize(
    "value",
    [
        *[None, True, 0.1, b"x", ["a"], {"a": 1}, dt.date(2025, 1, 1), "\ud800"],
        *[Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1E+999999999"), Decimal("1E-999999999")],
        *[10**5000, -(10**5000), 10**1000, Decimal(10) ** 1000, Decimal("1E-1001")],
    ],
    ids=lambda value: repr(value)[:20] if type(value) is not int else f"an int of {value.bit_length()} bits",
)
async def test_a_value_of_another_kind_is_named_and_nothing_is_sent(
    value: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    with pytest.raises(InvalidRequest, match="price") as caught:
        await ippanel.send_pattern("09121234567", "c", {"name": "علی", "price": value})
    assert caught.value.outcome is Outcome.NOT_SENT
    assert "name" not in str(caught.value).partition(":")[2]
    assert provider_http.sent == []


@pytest.mark.parametrize("params", [None, "code", [("code", "1")], {1: "x"}, {"": "x"}, {"\ud800": "x"}, {None: "x"}])
async def test_params_must_be_a_mapping_of_names(params: Any, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest, match="params="):
        await ippanel.send_pattern("09121234567", "c", params)
    assert provider_http.sent == []


@pytest.mark.parametrize("code", ["", " ", None, 5, b"c", "\ud800"])
async def test_an_invalid_pattern_code_is_refused(code: Any, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest, match="pattern"):
        await ippanel.send_pattern("09121234567", code, {})
    assert provider_http.sent == []


async def test_a_pattern_without_variables_goes_with_none(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok(1))
    await ippanel.send_pattern("09121234567", " c ", {}, sender="+98BANK")
    body = provider_http.sent[0].json
    assert (body["params"], body["code"], body["from_number"]) == ({}, "c", "+98BANK")


async def test_a_pattern_needs_a_sender(new_ippanel: Any, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest, match="IPPANEL_SENDER"):
        await new_ippanel(sender=None).send_pattern("09121234567", "c", {})
    assert provider_http.sent == []


async def test_a_pattern_goes_to_one_recipient(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    two: Any = ["09121234567", "09121234568"]
    with pytest.raises(InvalidRequest, match="one"):
        await ippanel.send_pattern(two, "c", {})
    with pytest.raises(InvalidNumber) as caught:
        await ippanel.send_pattern("02112345678", "c", {})
    assert caught.value.numbers == [(0, "02112345678")]
    assert provider_http.sent == []


async def test_a_wrong_variable_is_told_by_its_field(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    errors = {"params.code": ["الزامی است"]}
    meta = {"status": False, "message": "نشد", "message_code": "400-2", "errors": errors}
    provider_http.post(SEND, status=422, payload={"data": None, "meta": meta})
    with pytest.raises(InvalidParameters) as caught:
        await ippanel.send_pattern("09121234567", "c", {"kode": "1"})
    assert caught.value.fields == errors
    assert [one.outcome for one in caught.value.report or ()] == [Outcome.REJECTED]


# What a send to one has in common

ONE: dict[str, Callable[..., Any]] = {
    "send_pattern": lambda client, **options: client.send_pattern("09121234567", "c", {"code": "1234"}, **options),
    "send_votp": lambda client, **options: client.send_votp("09121234567", "1234", **options),
}


@pytest.mark.parametrize("name", ONE)
async def test_a_journal_hears_of_it_before_and_after(name: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok(1))
    heard: list[tuple[BatchEvent, int]] = []
    await ONE[name](ippanel, on_batch=lambda event: heard.append((event, len(provider_http.sent))))
    assert [(event.state, event.recipients, sent) for event, sent in heard] == [
        ("sending", ("+989121234567",), 0),
        ("done", ("+989121234567",), 1),
    ]
    assert heard[1][0].report is not None
    assert heard[1][0].report.message_ids == [1]


@pytest.mark.parametrize("name", ONE)
async def test_it_is_never_sent_twice(name: str, new_ippanel: Any, provider_http: Any) -> None:
    provider_http.post(SEND, exception=ConnectionResetError(), repeat=True)
    with pytest.raises(ResponseLost) as caught:
        await ONE[name](new_ippanel(retry=RetryPolicy(attempts=3, wait_initial=0.001)))
    assert len(provider_http.sent) == 1
    assert [one.outcome for one in caught.value.report or ()] == [Outcome.UNKNOWN]


@pytest.mark.parametrize("name", ONE)
def test_the_blocking_client_sends_it_too(name: str, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok(1))
    heard: list[str] = []
    with IPPanel("token-of-the-tests", sender="+983000505") as client:
        report = ONE[name](client, on_batch=lambda event: heard.append(event.state))
    assert (report.message_ids, heard) == ([1], ["sending", "done"])


@pytest.mark.parametrize("name", ["send_p2p", *ONE])
@pytest.mark.parametrize("ids", [[], ["x"], None, [1.5], [0], ["-1"]])
async def test_an_answer_without_a_usable_id_leaves_it_unknown(
    name: str, ids: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(SEND, payload={"data": {"message_outbox_ids": ids}, "meta": {"status": True}})
    with pytest.raises(MalformedResponse) as caught:
        await {**ONE, "send_p2p": lambda client: client.send_p2p([("09121234567", "الف")])}[name](ippanel)
    assert caught.value.outcome is Outcome.UNKNOWN
