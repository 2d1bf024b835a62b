"""What Najva's calls send, and what they make of every answer."""

import datetime as dt
import io
import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aioresponses import CallbackResult
from recipients import numbers

from najva_sms import AsyncNajva, DeliveryReport, OutboxMessage, OutboxPage, parse_webhook
from smscore import (
    AuthenticationError,
    DeliveryStatus,
    InsufficientCredit,
    InvalidParameters,
    InvalidRequest,
    MalformedResponse,
    Message,
    MessageStatus,
    NotAttempted,
    NotFound,
    Outcome,
    PartialSendError,
    ProviderError,
    RateLimited,
    ServerError,
    SMSError,
)

BASE = "https://sms.najva.com"
SEND = f"{BASE}/v2/sms/send"
SEND_P2P = f"{BASE}/v2/sms/send-p2p"
STATUS = f"{BASE}/v2/sms/status"
OUTBOX = f"{BASE}/v2/sms/outbox?page=0&pageSize=200"
UPLOAD = f"{BASE}/upload-file/bale"
HTML = "<html><body>پیدا نشد</body></html>"
MOST = 15 * 1024 * 1024

CALLS = {
    "send": ("POST", SEND, lambda client: client.send("09121234567", "سلام")),
    "send_p2p": ("POST", SEND_P2P, lambda client: client.send_p2p([("09121234567", "سلام")])),
    "status": ("POST", STATUS, lambda client: client.status([1])),
    "outbox": ("GET", OUTBOX, lambda client: client.outbox()),
    "upload_file": ("POST", UPLOAD, lambda client: client.upload_file(b"x", filename="a.png")),
}
# The documented codes of each call, and the two that stand for a wrong token.
CODES = [
    *[(name, code, AuthenticationError) for name in CALLS for code in (401, 403)],
    *[(name, 400, InvalidParameters) for name in CALLS],
    *[(name, 414, InvalidParameters) for name in ("send", "send_p2p", "status")],
    *[(name, 418, InsufficientCredit) for name in ("send", "send_p2p")],
    ("upload_file", 413, InvalidParameters),
]


def ok(entries: Any) -> dict[str, Any]:
    return {"return": {"status": 200, "message": "تایید شد"}, "entries": entries}


def no(code: int, message: str = "نشد") -> dict[str, Any]:
    return {"return": {"status": code, "message": message}, "entries": None}


def entry(message_id: Any, receptor: Any, text: str = "سلام", status: Any = 1, cost: Any = 10) -> dict[str, Any]:
    return {
        "messageid": message_id,
        "message": text,
        "status": status,
        "statustext": "",
        "sender": "90000123",
        "receptor": receptor,
        "date": 1706619709,
        "cost": cost,
    }


def accept_all(http: Any) -> None:
    """Answer every send as the provider does, ids counting from 1."""
    ids = count(1)

    def answer(url: object, **_: object) -> CallbackResult:
        body = http.sent[-1].json
        rows = [(row["receiver"], row["message"]) for row in body.get("messages", ())] or [
            (number, body["message"]) for number in body["receivers"]
        ]
        return CallbackResult(payload=ok([entry(next(ids), *row) for row in rows]))

    http.post(SEND, callback=answer, repeat=True)
    http.post(SEND_P2P, callback=answer, repeat=True)


# Bodies


async def test_one_text_goes_once_for_all_receivers(najva: AsyncNajva, provider_http: Any) -> None:
    accept_all(provider_http)
    report = await najva.send(["+989121234567", "۰۹۳۵-۱۲۳ ۴۵۶۷", 9361234567], "سلام", file_id="f-1")
    assert provider_http.sent[0].json == {
        "message": "سلام",
        "sender": "90000123",
        "receivers": ["09121234567", "09351234567", "09361234567"],
        "file_id": "f-1",
    }
    assert [(one.recipient, one.message_id) for one in report] == [
        ("+989121234567", 1),
        ("+989351234567", 2),
        ("+989361234567", 3),
    ]
    assert (report.cost, report.ok, report[0].request_id) == (30, True, None)


@pytest.mark.parametrize("name", sorted(CALLS))
async def test_every_call_bears_the_token(name: str, najva: AsyncNajva, provider_http: Any) -> None:
    method, url, call = CALLS[name]
    provider_http.add(url, method, status=503)
    with pytest.raises(ServerError):
        await call(najva)
    (sent,) = provider_http.sent
    assert sent.headers["Authorization"] == "Bearer token-of-the-tests"
    assert not {"requestid", "request-id"} & {header.lower() for header in sent.headers}


async def test_what_is_not_given_is_not_sent(new_najva: Any, provider_http: Any) -> None:
    accept_all(provider_http)
    client = new_najva(sender=None)
    await client.send("09121234567", "سلام", sender="3000")
    await client.send_p2p([("09121234567", "سلام")])
    assert provider_http.sent[0].json == {"message": "سلام", "sender": "3000", "receivers": ["09121234567"]}
    assert provider_http.sent[1].json == {"messages": [{"message": "سلام", "receiver": "09121234567"}]}


async def test_send_needs_a_sender_and_p2p_does_not(new_najva: Any, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest):
        await new_najva(sender=None).send("09121234567", "سلام")
    assert provider_http.sent == []


async def test_p2p_goes_in_a_request_a_sender_and_keeps_positions(new_najva: Any, provider_http: Any) -> None:
    accept_all(provider_http)
    lines = ["3000", "4000", "3000", None, "۳۰۰۰", None]
    messages = [Message(n, f"متن {n}", line, ref=n) for n, line in zip(numbers(6), lines, strict=True)]
    report = await new_najva(sender=None, max_concurrency=1).send_p2p(messages, file_id="f-1")
    bodies = [sent.json for sent in provider_http.sent]
    assert [body.get("sender") for body in bodies] == ["3000", "4000", None]
    assert ["sender" in body for body in bodies] == [True, True, False]
    assert [[row["receiver"][-1] for row in body["messages"]] for body in bodies] == [
        ["0", "2", "4"],
        ["1"],
        ["3", "5"],
    ]
    assert {body["file_id"] for body in bodies} == {"f-1"}
    assert [one.message_id for one in report] == [1, 4, 2, 5, 3, 6]
    assert [one.ref for one in report] == numbers(6)


async def test_p2p_messages_without_a_sender_take_the_calls(najva: AsyncNajva, provider_http: Any) -> None:
    accept_all(provider_http)
    messages = [Message("09121234567", "یک", "4000"), Message("09121234568", "دو"), ("09121234569", "سه")]
    report = await najva.send_p2p(messages, sender="3000")
    assert {sent.json["sender"]: len(sent.json["messages"]) for sent in provider_http.sent} == {"4000": 1, "3000": 2}
    assert report.ok


async def test_a_failure_of_one_sender_leaves_the_others(new_najva: Any, provider_http: Any) -> None:
    provider_http.post(SEND_P2P, status=400, payload=no(400))
    accept_all(provider_http)
    messages = [Message(n, "متن", line) for n, line in zip(numbers(4), ["3", "4", "3", "4"], strict=True)]
    with pytest.raises(PartialSendError) as caught:
        await new_najva(max_concurrency=1).send_p2p(messages)
    assert [one.outcome for one in caught.value.report] == [Outcome.REJECTED, Outcome.ACCEPTED] * 2


@pytest.mark.parametrize("file_id", ["", "  ", 5, b"f"])
@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_an_odd_file_id_is_refused(name: str, file_id: Any, najva: AsyncNajva, provider_http: Any) -> None:
    args = ([("09121234567", "سلام")],) if name == "send_p2p" else ("09121234567", "سلام")
    with pytest.raises(InvalidRequest):
        await getattr(najva, name)(*args, file_id=file_id)
    assert provider_http.sent == []


async def test_a_request_takes_10000(new_najva: Any, provider_http: Any) -> None:
    accept_all(provider_http)
    report = await new_najva(max_concurrency=1).send(numbers(10_001), "سلام")
    assert [len(sent.json["receivers"]) for sent in provider_http.sent] == [10_000, 1]
    assert report.message_ids == list(range(1, 10_002))


# Entries and the recipients they belong to


@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_shuffled_entries_find_their_recipients(name: str, najva: AsyncNajva, provider_http: Any) -> None:
    entries = [entry(place, number) for place, number in enumerate(numbers(4), 1)]
    provider_http.post(CALLS[name][1], payload=ok([entries[place] for place in (2, 0, 3, 1)]))
    report = await sent_to(najva, name, numbers(4))
    assert [one.message_id for one in report] == [1, 2, 3, 4]


async def sent_to(najva: AsyncNajva, name: str, to: list[str]) -> Any:
    return await (najva.send(to, "سلام") if name == "send" else najva.send_p2p([(number, "سلام") for number in to]))


@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_a_recipient_without_an_entry_is_unknown(name: str, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(CALLS[name][1], payload=ok([entry(3, "09120000002"), entry(1, "09120000000")]))
    with pytest.raises(PartialSendError) as caught:
        await sent_to(najva, name, numbers(3))
    assert [one.message_id for one in caught.value.report] == [1, None, 3]
    (missing,) = caught.value.report.unknown
    assert (missing.recipient, type(missing.error)) == ("+989120000001", MalformedResponse)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert caught.value.report.cost == 20


@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_an_entry_of_somebody_else_changes_nothing(name: str, najva: AsyncNajva, provider_http: Any) -> None:
    entries = [entry(9, "09129999999"), entry(1, "09120000000"), entry(2, "09120000001"), entry(8, "")]
    provider_http.post(CALLS[name][1], payload=ok(entries))
    report = await sent_to(najva, name, numbers(2))
    assert [one.message_id for one in report] == [1, 2]


@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_an_entry_too_many_of_a_recipient_changes_nothing(
    name: str, najva: AsyncNajva, provider_http: Any
) -> None:
    provider_http.post(CALLS[name][1], payload=ok([entry(n, "0912000000" + str(n % 2)) for n in (2, 3, 4, 5)]))
    report = await sent_to(najva, name, numbers(2))
    assert [one.message_id for one in report] == [2, 3]


@pytest.mark.parametrize("statuses", [(6, 1), (1, 6)])
@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_a_recipient_who_is_taken_and_refused_at_once_may_have_been_sent_to(
    name: str, statuses: tuple[int, int], najva: AsyncNajva, provider_http: Any
) -> None:
    twice = [entry(n, "09120000000", status=status) for n, status in enumerate(statuses, 2)]
    provider_http.post(CALLS[name][1], payload=ok([*twice, entry(9, "09120000001")]))
    with pytest.raises(PartialSendError) as caught:
        await sent_to(najva, name, numbers(2))
    assert [one.outcome for one in caught.value.report] == [Outcome.UNKNOWN, Outcome.ACCEPTED]


@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_a_number_given_twice_gets_both_its_ids(name: str, najva: AsyncNajva, provider_http: Any) -> None:
    asked = ["09120000000", "09120000001", "09120000000"]
    entries = [entry(1, "09120000000"), entry(3, "09120000000"), entry(2, "09120000001")]
    provider_http.post(CALLS[name][1], payload=ok(entries))
    report = await sent_to(najva, name, asked)
    assert [one.message_id for one in report] == [1, 2, 3]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1), (2, 1, 0)])
@pytest.mark.parametrize("others", [["09120000001"], ["09120000000"]])
async def test_two_texts_to_one_number_keep_their_own_ids(
    order: tuple[int, ...], others: list[str], najva: AsyncNajva, provider_http: Any
) -> None:
    asked = list(zip(["09120000000", "09120000000", *others], ["یک", "دو", "سه"], strict=True))
    entries = [entry(place + 1, *asked[place]) for place in order]
    provider_http.post(SEND_P2P, payload=ok(entries))
    report = await najva.send_p2p(asked)
    assert [one.message_id for one in report] == [1, 2, 3]


async def test_of_two_texts_to_one_number_the_missing_one_is_unknown(najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(SEND_P2P, payload=ok([entry(2, "09120000000", "دو")]))
    with pytest.raises(PartialSendError) as caught:
        await najva.send_p2p([("09120000000", "یک"), ("09120000000", "دو")])
    assert [one.message_id for one in caught.value.report] == [None, 2]


async def test_a_text_that_comes_back_changed_still_belongs_to_its_number(
    najva: AsyncNajva, provider_http: Any
) -> None:
    entries = [entry(2, "09120000001", "دو…"), entry(1, "09120000000", "یک لغو11")]
    provider_http.post(SEND_P2P, payload=ok(entries))
    report = await najva.send_p2p([("09120000000", "یک"), ("09120000001", "دو")])
    assert [one.message_id for one in report] == [1, 2]


@pytest.mark.parametrize("receptor", ["+989120000000", "989120000000", "9120000000", "00989120000000", "0912 000 0000"])
@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_a_receptor_in_another_spelling_is_known(
    name: str, receptor: str, najva: AsyncNajva, provider_http: Any
) -> None:
    provider_http.post(CALLS[name][1], payload=ok([entry(2, "09120000001"), entry(1, receptor)]))
    report = await sent_to(najva, name, numbers(2))
    assert [one.message_id for one in report] == [1, 2]


@pytest.mark.parametrize("status", [6, 13, 14, 100])
@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_a_refused_entry_is_rejected_with_its_code_and_id(
    name: str, status: int, najva: AsyncNajva, provider_http: Any
) -> None:
    provider_http.post(CALLS[name][1], payload=ok([entry(1, "09120000000", status=status), entry(2, "09120000001")]))
    report = await sent_to(najva, name, numbers(2))
    refused, accepted = report
    assert (refused.outcome, refused.message_id) == (Outcome.REJECTED, 1)
    assert (type(refused.error), refused.error.code, refused.error.http_status) == (ProviderError, status, 200)
    assert (accepted.outcome, report.message_ids, report.ok) == (Outcome.ACCEPTED, [2], False)


@pytest.mark.parametrize("status", [0, 1, 2, 4, 10, 11, 77])
async def test_any_other_status_is_accepted(status: int, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok([entry(1, "09121234567", status=status)]))
    report = await najva.send("09121234567", "سلام")
    assert (report.ok, report.message_ids) == (True, [1])


async def test_all_refused_raise_the_first_ones_error(najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok([entry(1, "09120000000", status=14), entry(2, "09120000001", status=6)]))
    with pytest.raises(ProviderError) as caught:
        await najva.send(numbers(2), "سلام")
    assert (caught.value.code, caught.value.outcome) == (14, Outcome.REJECTED)
    assert [one.error.code for one in caught.value.report] == [14, 6]


async def test_a_refused_entry_needs_no_id(najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok([entry(0, "09120000000", status=6), entry(2, "09120000001")]))
    report = await najva.send(numbers(2), "سلام")
    assert [one.outcome for one in report] == [Outcome.REJECTED, Outcome.ACCEPTED]


async def test_a_refused_entry_stops_no_further_batch(new_najva: Any, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok([entry(1, "09120000000", status=6)]))
    accept_all(provider_http)
    report = await new_najva(batch_size=1, max_concurrency=1).send(numbers(3), "سلام")
    assert [len(report.rejected), len(report.accepted), len(provider_http.sent)] == [1, 2, 3]


@pytest.mark.parametrize(
    "odd",
    [
        entry("2x", "09120000001"),
        entry(None, "09120000001"),
        entry(2.5, "09120000001"),
        entry(True, "09120000001"),
        entry(0, "09120000001"),
        entry("-5", "09120000001"),
        entry(2, "09120000001", status="1x"),
        entry(2, None),
        {"messageid": 2, "receptor": "09120000001"},
        {},
        [],
        None,
        "what?",
    ],
)
@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_a_malformed_entry_affects_only_its_recipient(
    name: str, odd: Any, najva: AsyncNajva, provider_http: Any
) -> None:
    provider_http.post(CALLS[name][1], payload=ok([entry(1, "09120000000"), odd, entry(3, "09120000002")]))
    with pytest.raises(PartialSendError) as caught:
        await sent_to(najva, name, numbers(3))
    report = caught.value.report
    assert [one.outcome for one in report] == [Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.ACCEPTED]
    assert [one.message_id for one in report] == [1, None, 3]
    assert type(report[1].error) is MalformedResponse


@pytest.mark.parametrize(
    "entries", [None, {}, "x", 5, [], [None], [{}], [entry("x", "09121234567")], [entry(1, "09129999999")], True]
)
@pytest.mark.parametrize("name", ["send", "send_p2p"])
async def test_no_entry_at_all_leaves_everybody_unknown(
    name: str, entries: Any, najva: AsyncNajva, provider_http: Any
) -> None:
    provider_http.post(CALLS[name][1], payload=ok(entries))
    with pytest.raises(MalformedResponse) as caught:
        await CALLS[name][2](najva)
    assert caught.value.outcome is Outcome.UNKNOWN
    assert [one.outcome for one in caught.value.report] == [Outcome.UNKNOWN]


# Refusals

PLACES = {
    "both": lambda code: {"status": code, "payload": no(code)},
    "return.status": lambda code: {"status": 200, "payload": no(code)},
    "HTTP": lambda code: {"status": code, "payload": no(200)},
    "HTTP, HTML": lambda code: {"status": code, "body": HTML},
    "HTTP, no return": lambda code: {"status": code, "payload": {"entries": None}},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("name", "code", "error"), CODES)
async def test_a_code_counts_in_either_place(
    name: str, code: int, error: type[SMSError], place: str, najva: AsyncNajva, provider_http: Any
) -> None:
    method, url, call = CALLS[name]
    provider_http.add(url, method, **PLACES[place](code))
    with pytest.raises(SMSError) as caught:
        await call(najva)
    assert (type(caught.value), caught.value.code) == (error, code)
    assert caught.value.http_status == (200 if place == "return.status" else code)
    assert caught.value.outcome is (Outcome.REJECTED if name.startswith("send") else None)


@pytest.mark.parametrize("place", ["both", "return.status"])
async def test_a_refusal_keeps_the_providers_words(place: str, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(SEND, **PLACES[place](418))
    with pytest.raises(InsufficientCredit) as caught:
        await najva.send("09121234567", "سلام")
    assert caught.value.message == "نشد"


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize(("status", "code"), [(200, 499), (499, 499), (200, 201), (200, 0), (200, -5)])
async def test_an_unknown_code_is_a_plain_error_that_keeps_it(
    status: int, code: int, name: str, najva: AsyncNajva, provider_http: Any
) -> None:
    method, url, call = CALLS[name]
    provider_http.add(url, method, status=status, payload=no(code))
    with pytest.raises(ProviderError) as caught:
        await call(najva)
    assert (type(caught.value), caught.value.code, caught.value.message) == (ProviderError, code, "نشد")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, MalformedResponse),
        (302, ProviderError),
        (401, AuthenticationError),
        (404, NotFound),
        (429, RateLimited),
        (500, ServerError),
        (502, ServerError),
    ],
)
@pytest.mark.parametrize("name", sorted(CALLS))
async def test_html_is_read_by_its_http_status(
    name: str, status: int, error: type[SMSError], najva: AsyncNajva, provider_http: Any
) -> None:
    method, url, call = CALLS[name]
    provider_http.add(url, method, status=status, body=HTML, content_type="text/html", headers={"Retry-After": "9"})
    with pytest.raises(SMSError) as caught:
        await call(najva)
    assert (type(caught.value), caught.value.http_status) == (error, status)
    assert getattr(caught.value, "retry_after", 9.0) == 9.0


@pytest.mark.parametrize("place", ["both", "return.status", "HTTP"])
@pytest.mark.parametrize(("code", "error"), [(418, InsufficientCredit), (401, AuthenticationError)])
async def test_no_credit_and_a_wrong_token_stop_the_rest(
    code: int, error: type[SMSError], place: str, new_najva: Any, provider_http: Any
) -> None:
    provider_http.post(SEND, **PLACES[place](code), repeat=True)
    with pytest.raises(error) as caught:
        await new_najva(batch_size=1, max_concurrency=1).send(numbers(3), "سلام")
    assert len(provider_http.sent) == 1
    assert [type(one.error) for one in caught.value.report.not_sent] == [NotAttempted] * 2


@pytest.mark.parametrize("code", [400, 414, 499])
async def test_a_code_of_one_batch_alone_stops_nothing(code: int, new_najva: Any, provider_http: Any) -> None:
    provider_http.post(SEND, status=code, payload=no(code), repeat=True)
    with pytest.raises(ProviderError) as caught:
        await new_najva(batch_size=1, max_concurrency=1).send(numbers(3), "سلام")
    assert len(provider_http.sent) == 3
    assert len(caught.value.report.rejected) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"entries":[]}',
        b'{"return":200,"entries":[]}',
        b'{"return":{"status":"200"},"entries":[]}',
        b'{"return":{"status":true},"entries":[]}',
        b'{"return":{"message":"ok"},"entries":[]}',
        b'{"return":{"status":200},"entries":[]',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("name", sorted(CALLS))
async def test_an_answer_of_another_shape_is_malformed(
    name: str, body: bytes, najva: AsyncNajva, provider_http: Any
) -> None:
    method, url, call = CALLS[name]
    provider_http.add(url, method, body=body)
    with pytest.raises(MalformedResponse) as caught:
        await call(najva)
    assert caught.value.outcome is (Outcome.UNKNOWN if name.startswith("send") else None)


# Statuses


@pytest.mark.parametrize(
    ("code", "status", "final"),
    [
        (1, DeliveryStatus.QUEUED, False),
        (2, DeliveryStatus.SCHEDULED, False),
        (4, DeliveryStatus.SENT, False),
        (6, DeliveryStatus.FAILED, True),
        (10, DeliveryStatus.DELIVERED, True),
        (11, DeliveryStatus.UNDELIVERED, True),
        (13, DeliveryStatus.CANCELLED, True),
        (14, DeliveryStatus.BLOCKED, True),
        (100, DeliveryStatus.NOT_FOUND, True),
        (5, DeliveryStatus.UNRECOGNIZED, False),
    ],
)
async def test_a_status_code_has_its_meaning(
    code: int, status: DeliveryStatus, final: bool, najva: AsyncNajva, provider_http: Any
) -> None:
    provider_http.post(STATUS, payload=ok([{"messageid": 11, "status": code, "statustext": ""}]))
    assert await najva.status([11]) == [MessageStatus(11, code, status)]
    assert status.is_final is final
    assert parse_webhook(query=f"messageid=11&status={code}").status is status


async def test_statuses_are_matched_by_id(najva: AsyncNajva, provider_http: Any) -> None:
    rows = [{"messageid": id_, "status": code} for id_, code in ((3, 10), (9, 1), (1, 6), (2, 11))]
    provider_http.post(STATUS, payload=ok(rows))
    found = await najva.status([1, 2, 3, 1])
    assert [(one.message_id, one.code) for one in found] == [(1, 6), (2, 11), (3, 10), (1, 6)]


@pytest.mark.parametrize("entries", [[], [{"messageid": 1, "status": 10}], None, {}, [{"messageid": 2}], ["x"]])
async def test_an_id_without_a_status_is_malformed(entries: Any, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(STATUS, payload=ok(entries))
    with pytest.raises(MalformedResponse) as caught:
        await najva.status([1, 2])
    assert caught.value.outcome is None


async def test_over_1000_ids_are_split_and_stay_in_order(najva: AsyncNajva, provider_http: Any) -> None:
    def answer(url: object, **_: object) -> CallbackResult:
        ids = provider_http.sent[-1].json["messageids"]
        return CallbackResult(payload=ok([{"messageid": id_, "status": id_ % 5} for id_ in reversed(ids)]))

    provider_http.post(STATUS, callback=answer, repeat=True)
    found = await najva.status(iter(range(2_500)))
    assert [(one.message_id, one.code) for one in found] == [(id_, id_ % 5) for id_ in range(2_500)]
    assert sorted(len(sent.json["messageids"]) for sent in provider_http.sent) == [500, 1_000, 1_000]


@pytest.mark.parametrize("ids", ["12", ["12"], [1.0], [True], [None]])
async def test_an_id_that_is_not_a_whole_number_is_refused(ids: Any, najva: AsyncNajva, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest):
        await najva.status(ids)
    assert provider_http.sent == []


# Outbox


async def test_an_outbox_page_is_read(najva: AsyncNajva, provider_http: Any) -> None:
    rows = [{"totalMessages": 7, "page": 2}, entry(1, "09121234567", status=10), entry(2, "9351234567", status=55)]
    provider_http.get(f"{BASE}/v2/sms/outbox?page=2&pageSize=50", payload=ok(rows))
    sent_at = dt.datetime(2024, 1, 30, 13, 1, 49, tzinfo=dt.UTC)
    assert await najva.outbox(page=2, page_size=50) == OutboxPage(
        7,
        2,
        [
            OutboxMessage(1, "سلام", "90000123", "+989121234567", 10, DeliveryStatus.DELIVERED, sent_at, 10),
            OutboxMessage(2, "سلام", "90000123", "+989351234567", 55, DeliveryStatus.UNRECOGNIZED, sent_at, 10),
        ],
    )


async def test_an_outbox_message_may_lack_a_cost_and_a_readable_date(najva: AsyncNajva, provider_http: Any) -> None:
    odd = entry(1, "02112345678", cost=None) | {"date": 10**18}
    provider_http.get(OUTBOX, payload=ok([{"totalMessages": 1, "page": 0}, odd]))
    (message,) = (await najva.outbox()).messages
    assert (message.recipient, message.cost, message.sent_at) == ("02112345678", None, None)


@pytest.mark.parametrize(
    "entries", [None, {}, [], ["x"], [entry(1, "09121234567")], [{"page": 0}, {"messageid": 1}], {"totalMessages": "x"}]
)
async def test_an_outbox_of_another_shape_is_malformed(entries: Any, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.get(OUTBOX, payload=ok(entries))
    with pytest.raises(MalformedResponse):
        await najva.outbox()


@pytest.mark.parametrize(
    "options",
    [{"page": -1}, {"page": "0"}, {"page": True}, {"page": 1.0}, {"page_size": 0}, {"page_size": 201}, {"page": None}],
)
async def test_a_page_out_of_range_is_refused(options: Any, najva: AsyncNajva, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest):
        await najva.outbox(**options)
    assert provider_http.sent == []


# Uploads

PNG = b"\x89PNG\r\n\x1a\n--not-a-boundary\r\n"


class Pipe(io.BytesIO):
    """A source that cannot be rewound."""

    def seekable(self) -> bool:
        return False

    def seek(self, *args: int) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


def part(sent: Any) -> tuple[str, bytes]:
    """The headers and the content of the one part of a form."""
    boundary, _, rest = sent.body.partition(b"\r\n")
    head, _, tail = rest.partition(b"\r\n\r\n")
    content, _, end = tail.rpartition(b"\r\n" + boundary)
    assert end.strip() == b"--"
    return head.decode(), content


def take_uploads(http: Any) -> None:
    http.post(UPLOAD, payload=ok({"file_id": "f-1"}), repeat=True)


@pytest.mark.parametrize("source", ["path", "str", "bytes", "file", "pipe"])
async def test_a_file_goes_as_one_part_named_file(
    source: str, najva: AsyncNajva, provider_http: Any, tmp_path: Path
) -> None:
    path = tmp_path / "card.png"
    path.write_bytes(PNG)
    take_uploads(provider_http)
    sources = {"path": path, "str": str(path), "bytes": PNG, "file": io.BytesIO(PNG), "pipe": Pipe(PNG)}
    filename = None if source in {"path", "str"} else "card.png"
    assert await najva.upload_file(sources[source], filename=filename) == "f-1"
    head, content = part(provider_http.sent[0])
    assert 'name="file"' in head
    assert 'filename="card.png"' in head
    assert content == PNG


async def test_a_file_object_goes_from_where_it_stands_and_stays_open(
    najva: AsyncNajva, provider_http: Any, tmp_path: Path
) -> None:
    path = tmp_path / "card.bin"
    path.write_bytes(b"skipped" + PNG)
    take_uploads(provider_http)
    with path.open("rb") as file:
        file.seek(7)
        await najva.upload_file(file, filename="card.png")
        assert not file.closed
    assert part(provider_http.sent[0])[1] == PNG


@pytest.mark.parametrize("status", [400, 503])
async def test_a_file_object_stays_open_after_a_failure(status: int, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(UPLOAD, status=status, payload=no(status))
    file = io.BytesIO(PNG)
    with pytest.raises(SMSError) as caught:
        await najva.upload_file(file, filename="card.png")
    assert caught.value.outcome is None
    assert not file.closed


@pytest.mark.parametrize("name", ["a.jpeg", "a.jpg", "a.png", "a.gif", "a.opus", "a.ogg", "a.mp4", "A.PNG", "کارت.png"])
async def test_the_documented_extensions_are_taken(name: str, najva: AsyncNajva, provider_http: Any) -> None:
    take_uploads(provider_http)
    assert await najva.upload_file(PNG, filename=name) == "f-1"


@pytest.mark.parametrize(
    "name", ["a.pdf", "a", "png", ".png", "a.png.exe", "a.", "", "a.png ", 'a".png\r\nX: y.png', "a\x00.png"]
)
@pytest.mark.parametrize("source", ["bytes", "file", "path"])
async def test_another_name_is_refused_and_nothing_is_sent(
    source: str, name: str, najva: AsyncNajva, provider_http: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.pdf").write_bytes(PNG)
    sources = {"bytes": PNG, "file": io.BytesIO(PNG), "path": tmp_path / "a.pdf"}
    with pytest.raises(InvalidRequest):
        await najva.upload_file(sources[source], filename=name)
    assert provider_http.sent == []


@pytest.mark.parametrize("source", ["bytes", "file", "pipe"])
async def test_what_has_no_name_needs_one(source: str, najva: AsyncNajva, provider_http: Any) -> None:
    sources = {"bytes": PNG, "file": io.BytesIO(PNG), "pipe": Pipe(PNG)}
    with pytest.raises(InvalidRequest, match="filename"):
        await najva.upload_file(sources[source])
    assert provider_http.sent == []


@pytest.mark.parametrize("path", ["missing.png", "folder.png", "folder.png/missing.png", "nul\x00.png"])
async def test_a_path_that_cannot_be_opened_is_refused(
    path: str, najva: AsyncNajva, provider_http: Any, tmp_path: Path
) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InvalidRequest):
        await najva.upload_file(tmp_path / path)
    assert provider_http.sent == []


@pytest.mark.parametrize("file", [None, 5, object(), io.StringIO("text")], ids=lambda file: type(file).__name__)
async def test_an_invalid_file_is_refused(file: Any, najva: AsyncNajva, provider_http: Any) -> None:
    take_uploads(provider_http)
    with pytest.raises(InvalidRequest):
        await najva.upload_file(file, filename="a.png")
    assert provider_http.sent == []


@pytest.mark.parametrize("source", ["path", "bytes", "file", "pipe"])
async def test_a_file_over_15_mb_is_refused_before_a_byte_leaves(
    source: str, najva: AsyncNajva, provider_http: Any, tmp_path: Path
) -> None:
    path = tmp_path / "big.mp4"
    with path.open("wb") as file:
        file.truncate(MOST + 1)
    big = b"\x00" * (MOST + 1)
    sources = {"path": path, "bytes": big, "file": io.BytesIO(big), "pipe": Pipe(big)}
    with pytest.raises(InvalidRequest):
        await najva.upload_file(sources[source], filename="big.mp4")
    assert provider_http.sent == []
    assert source != "file" or not sources["file"].closed


async def test_a_file_of_15_mb_is_taken(najva: AsyncNajva, provider_http: Any) -> None:
    take_uploads(provider_http)
    await najva.upload_file(b"\x00" * MOST, filename="big.mp4")
    assert len(part(provider_http.sent[0])[1]) == MOST


@pytest.mark.parametrize("entries", [None, [], {}, {"file_id": [5]}, {"file_id": None}, "f-1", [{"file_id": "f-1"}]])
async def test_an_upload_without_a_file_id_is_malformed(entries: Any, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(UPLOAD, payload=ok(entries))
    with pytest.raises(MalformedResponse):
        await najva.upload_file(PNG, filename="a.png")


# Webhooks

DELIVERED = DeliveryReport(639027944154527201, 10, DeliveryStatus.DELIVERED)
JSON = b'{"messageid": 639027944154527201, "status": 10}'
FORM = "messageid=639027944154527201&status=10"


@pytest.mark.parametrize(
    "call",
    [
        {"body": JSON, "content_type": "application/json"},
        {"body": JSON, "content_type": "application/json; charset=utf-8"},
        {"body": JSON},
        {"body": b" \r\n" + JSON + b"\n", "content_type": "text/plain"},
        {"body": JSON.decode()},
        {"body": b'{"messageid": "639027944154527201", "status": "10"}'},
        {"body": b'{"messageid": 639027944154527201, "status": 10, "more": [null]}'},
        {"body": FORM.encode(), "content_type": "application/x-www-form-urlencoded"},
        {"body": FORM.encode(), "content_type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"},
        {"body": FORM.encode()},
        {"body": FORM},
        {"query": FORM},
        {"query": "?" + FORM},
        {"query": FORM.encode()},
        {"query": FORM + "&more=1&more=2"},
        {"query": FORM, "body": b"", "content_type": "application/json"},
        {"query": FORM, "body": b"{}", "content_type": "application/json"},
        {"query": "messageid=1&status=1", "body": JSON, "content_type": "application/json"},
        {"query": "status=10&messageid=6390279441545272%301"},
    ],
)
def test_a_delivery_report_is_read_wherever_it_stands(call: Any) -> None:
    assert parse_webhook(**call) == DELIVERED


def multipart(*parts: tuple[str, str], boundary: str = "----WebKit7MA4", line: str = "\r\n", end: str = "--") -> bytes:
    """A form as browsers and HTTP libraries send one."""
    lines: list[str] = []
    for head, value in parts:
        lines += [f"--{boundary}", f"Content-Disposition: form-data; {head}", "", value]
    return line.join([*lines, f"--{boundary}{end}", ""]).encode()


ID_PART, STATUS_PART = ('name="messageid"', "639027944154527201"), ('name="status"', "10")


@pytest.mark.parametrize(
    "body",
    [
        multipart(ID_PART, STATUS_PART),
        multipart(STATUS_PART, ID_PART),
        multipart(ID_PART, STATUS_PART, line="\n"),
        multipart(ID_PART, STATUS_PART, boundary="a'()+_,-./:=?b"),
        multipart(ID_PART, STATUS_PART, boundary="x" * 70),
        multipart(ID_PART, ('name=status; filename="s.txt"\r\nContent-Type: text/plain; charset=utf-8', "10")),
        multipart(('name="note"', "سلام\r\n--no boundary"), ID_PART, STATUS_PART),
        multipart((ID_PART[0], "639027944154527201.0"), (STATUS_PART[0], " 10 ")),
        b"preamble\r\n" + multipart(ID_PART, STATUS_PART) + b"epilogue",
        b"\r\n" + multipart(ID_PART, STATUS_PART),
        multipart(ID_PART, STATUS_PART, end=""),
        multipart(("name=messageid\r\nContent-Transfer-Encoding: base64", "NjM5MDI3OTQ0MTU0NTI3MjAx"), STATUS_PART),
    ],
)
@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=----WebKit7MA4", None, "application/json"])
def test_a_delivery_report_is_read_from_a_multipart_form(body: bytes, content_type: str | None) -> None:
    assert parse_webhook(body=body, content_type=content_type) == DELIVERED


@pytest.mark.parametrize(
    "body",
    [
        b"--",
        b"--\r\n",
        b"--x",
        b"--x--",
        b"--" + b"-" * 10_000,
        multipart(ID_PART),
        multipart(ID_PART, ID_PART, STATUS_PART),
        multipart(ID_PART, STATUS_PART, STATUS_PART),
        multipart((ID_PART[0], "x"), STATUS_PART),
        multipart(*[(f'name="a{n}"', "1") for n in range(5_000)], ID_PART, STATUS_PART),
        multipart(ID_PART, STATUS_PART, boundary="x" * 71),
        multipart(ID_PART, STATUS_PART).replace(b"form-data; name", b"form-data; nom"),
        b"--x\r\n" * 50_000,
        b"--x\r\n" + b"A: b\r\n" * 50_000,
        multipart(
            ("name=messageid\r\nContent-Type: multipart/mixed; boundary=y", "--y\r\n\r\n1\r\n--y--"), STATUS_PART
        ),
        multipart(
            ("name=messageid\r\nContent-Transfer-Encoding: base64", "\ud83d".encode("utf-8", "replace").decode()),
            STATUS_PART,
        ),
    ],
)
def test_a_multipart_form_that_is_not_a_report_is_an_invalid_request(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_webhook(body=body, content_type="multipart/form-data; boundary=x")


def test_an_unlisted_status_is_unrecognized() -> None:
    assert parse_webhook(body=b'{"messageid": 1, "status": 77}') == DeliveryReport(1, 77, DeliveryStatus.UNRECOGNIZED)


HUGE = str(10**30)
JUNK = {
    "nothing": {},
    "empty JSON": {"body": b"{}"},
    "JSON null": {"body": b"null"},
    "JSON list": {"body": b'[{"messageid": 1, "status": 10}]'},
    "JSON number": {"body": b"5"},
    "cut off": {"body": b'{"messageid": 1, "status": 10'},
    "two values": {"body": b'{"messageid": 1, "status": 10}{"messageid": 2, "status": 10}'},
    "no status": {"body": b'{"messageid": 1}'},
    "no id": {"body": b'{"status": 10}'},
    "bool": {"body": b'{"messageid": true, "status": 10}'},
    "bool status": {"body": b'{"messageid": 1, "status": false}'},
    "float": {"body": b'{"messageid": 1.5, "status": 10}'},
    "null": {"body": b'{"messageid": null, "status": 10}'},
    "list": {"body": b'{"messageid": [1], "status": 10}'},
    "object": {"body": b'{"messageid": {"a": 1}, "status": 10}'},
    "word": {"body": b'{"messageid": "abc", "status": 10}'},
    "empty word": {"body": b'{"messageid": "", "status": "10"}'},
    "spaced": {"body": b'{"messageid": "1 2", "status": "10"}'},
    "Persian digits": {"query": "messageid=%DB%B1&status=%DB%B1"},
    "hex": {"query": "messageid=0x10&status=10"},
    "underscored": {"query": "messageid=1_0&status=10"},
    "huge": {"body": f'{{"messageid": {HUGE}, "status": 10}}'.encode()},
    "huge status": {"body": f'{{"messageid": 1, "status": -{HUGE}}}'.encode()},
    "huge text": {"body": f'{{"messageid": "{HUGE}", "status": 10}}'.encode()},
    "huge in a query": {"query": f"messageid={HUGE}&status=10"},
    "5000 digits": {"body": b'{"messageid": ' + b"9" * 5000 + b', "status": 10}'},
    "5000 digits in a query": {"query": "messageid=" + "9" * 5000 + "&status=10"},
    "exponent": {"body": b'{"messageid": 1e400, "status": 10}'},
    "NaN": {"body": b'{"messageid": NaN, "status": 10}'},
    "nested brackets": {"body": b"[" * 200_000},
    "nested objects": {"body": b'{"messageid":' * 100_000},
    "no UTF-8": {"body": b'{"messageid": 1, "status": 10, "\xff": "\xfe"}'},
    "half a surrogate": {"body": "\ud800", "query": "\ud800"},
    "XML": {"body": b"<a>1</a>", "content_type": "text/xml"},
    "id twice in a query": {"query": "messageid=1&messageid=2&status=10"},
    "the same id twice": {"query": "messageid=1&messageid=1&status=10"},
    "status twice in a form": {
        "body": b"messageid=1&status=10&status=11",
        "content_type": "application/x-www-form-urlencoded",
    },
    "many fields": {"query": "&".join(f"a{n}=1" for n in range(5_000)) + "&messageid=1&status=10"},
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_an_invalid_request(name: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_webhook(**JUNK[name])
    assert HUGE not in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        {"body": json.dumps({"messageid": 2**64, "status": 10})},
        {"body": json.dumps({"messageid": str(2**64), "status": "10"})},
        {"query": f"messageid={2**64}&status=10"},
    ],
)
def test_an_id_over_64_bits_is_not_an_id(call: Any) -> None:
    with pytest.raises(InvalidRequest):
        parse_webhook(**call)
