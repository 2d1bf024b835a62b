"""IPPanel's reports on what was sent: the outbox, a bulk message's recipients and its counts."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from aioresponses import CallbackResult

from ippanel_sms import AsyncIPPanel, BulkState, BulkStats, IPPanel, OutboxMessage, RecipientStatus, TextCounts
from ippanel_sms.wire_reports import inbox_page
from smscore import (
    AuthenticationError,
    DeliveryStatus,
    InvalidRequest,
    MalformedResponse,
    NotFound,
    OutcomeUnknown,
    ResponseLost,
    RetryPolicy,
    SMSError,
)
from smscore.wire import codec

REPORT = "https://edge.ippanel.com/v1/api/report"
NEW_LIST, BY_BULK = f"{REPORT}/new_list", f"{REPORT}/by_bulk?messages_outbox_id=12545856"
RECIPIENTS = f"{REPORT}/recipients?bulk_id=7&page=1&per_page=100"
STATS = f"{REPORT}/bulk_stats?bulk_id=7"
TEHRAN = dt.timezone(dt.timedelta(hours=3, minutes=30))
HTML = "<html><body>482177</body></html>"

ROW: dict[str, Any] = {
    "username": "*****",
    "number": "+981000",
    "messages_outbox_id": "12545856",
    "state": "finish",
    "type": "pattern_transactional",
    "time_send": "1745409418",
    "time": "1745409400",
    "rcpts_count": "2",
    "exit_count": "1",
    "status": "پایان یافته",
    "message": "متن پیام",
    "part": None,
    "summary": "رمز 482177",
    "state_id": 6,
}


def ok(data: Any, **meta: Any) -> dict[str, Any]:
    return {"data": data, "meta": {"status": True, "message": "انجام شد", "message_code": "200-1", **meta}}


def moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


# The outbox


async def test_a_page_of_the_outbox_is_asked_for_and_read(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(NEW_LIST, payload=ok([ROW], current_page=1, last_page=9, total=81))
    page = await ippanel.outbox()
    assert provider_http.sent[0].json == {"page": 1, "limit": 10}
    assert (page.total, page.page, page.last_page) == (81, 1, 9)
    assert page.messages == [
        OutboxMessage(
            message_id=12545856,
            text="متن پیام",
            sender="+981000",
            type="pattern_transactional",
            state=BulkState.SENT,
            recipient_count=2,
            exit_count=1,
            parts=None,
            cost=None,
            created_at=moment(1745409400),
            send_at=moment(1745409418),
        )
    ]


async def test_every_filter_goes_in_the_providers_spelling(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(NEW_LIST, payload=ok([]))
    evening = dt.datetime(2025, 4, 8, 17, 39, 28, 900_000, TEHRAN)
    page = await ippanel.outbox(
        page=3,
        page_size=50,
        message_id=1100972179,
        sender="+۹۸BANK",
        text="تست",
        state=BulkState.SENT,
        created_since=evening,
        created_until=evening + dt.timedelta(seconds=1),
        send_since=evening + dt.timedelta(seconds=2),
        send_until=evening + dt.timedelta(seconds=3),
    )
    assert provider_http.sent[0].json == {
        "page": 3,
        "limit": 50,
        "filters": {
            "number": "+98BANK",
            "messages_outbox_id": "1100972179",
            "create_from_date": "1744121368",
            "create_to_date": "1744121369",
            "send_from_date": "1744121370",
            "send_to_date": "1744121371",
            "message": "تست",
            "state_id": "6",
        },
    }
    assert (page.total, page.page, page.last_page, page.messages) == (None, 3, None, [])


@pytest.mark.parametrize(("state", "sent"), [(0, "0"), (BulkState.CREATING, "0"), (9, "9"), (BulkState(42), "42")])
async def test_a_state_may_be_a_number_too(state: int, sent: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(NEW_LIST, payload=ok([]))
    await ippanel.outbox(state=state)
    assert provider_http.sent[0].json["filters"] == {"state_id": sent}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("page", "page_size") for value in (0, -1, True, 1.0, "1", None, 2**63)],
        *[("message_id", value) for value in ("5", 5.0, True, 2**63)],
        *[("sender", value) for value in ("", " ", 5.5, b"x", "\ud800")],
        *[("text", value) for value in ("", " ", 5, "\ud800")],
        *[("state", value) for value in ("6", 6.0, True)],
        *[
            (name, value)
            for name in ("created_since", "created_until", "send_since", "send_until")
            for value in (dt.datetime(2025, 4, 8), dt.date(2025, 4, 8), "1744121368", 1744121368)
        ],
    ],
)
async def test_a_filter_that_means_nothing_is_named_and_nothing_is_asked(
    name: str, value: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    with pytest.raises(InvalidRequest, match=name) as caught:
        await ippanel.outbox(**{name: value})
    assert caught.value.outcome is None
    assert provider_http.sent == []


@pytest.mark.parametrize(
    ("written", "cost"),
    [("3990.2", "3990.2"), ("1064", "1064"), ('"6144.90"', "6144.90"), ("0.1", "0.1"), ("null", None), ('""', None)],
)
async def test_a_cost_is_exactly_what_is_written(
    written: str, cost: str | None, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    body = f'{{"data": {{"messages_outbox_id": "1", "cost": {written}}}, "meta": {{"status": true}}}}'
    provider_http.get(BY_BULK, body=body)
    found = (await ippanel.outbox_message(12545856)).cost
    assert (None if found is None else str(found)) == cost
    assert found is None or type(found) is Decimal


async def test_one_message_is_asked_for_by_its_id(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(BY_BULK, payload=ok(ROW))
    message = await ippanel.outbox_message(12545856)
    assert (message.message_id, message.state) == (12545856, BulkState.SENT)
    assert provider_http.sent[0].query == {"messages_outbox_id": "12545856"}


async def test_a_message_of_which_little_is_said_is_read(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(BY_BULK, payload=ok({}))
    message = await ippanel.outbox_message(12545856)
    assert message == OutboxMessage(12545856, *[None] * 10)


@pytest.mark.parametrize(
    "odd",
    [
        {"state_id": "x", "rcpts_count": "", "exit_count": [], "part": {}, "time": "", "time_send": 10**17},
        {"state_id": None, "rcpts_count": 1.5, "exit_count": True, "part": "1.5", "time": "now", "time_send": []},
    ],
)
async def test_an_odd_field_costs_only_that_field(odd: Any, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(BY_BULK, payload=ok({**ROW, **odd}))
    found = await ippanel.outbox_message(12545856)
    assert (found.state, found.recipient_count, found.exit_count, found.parts) == (None, None, None, None)
    assert (found.created_at, found.send_at) == (None, None)
    assert (found.text, found.sender) == ("متن پیام", "+981000")


@pytest.mark.parametrize("row", [{}, {"messages_outbox_id": None}, {"messages_outbox_id": "x"}])
async def test_a_row_of_the_outbox_without_an_id_is_read(row: Any, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(NEW_LIST, payload=ok([{**row, "state_id": 6}, ROW]))
    first, second = (await ippanel.outbox()).messages
    assert (first.message_id, first.state) == (None, BulkState.SENT)
    assert second.message_id == 12545856


# States


@pytest.mark.parametrize(
    ("code", "name", "is_final"),
    [
        (0, "CREATING", False),
        (1, "IN_REVIEW", False),
        (2, "SENDING", False),
        (3, "REFUSED_IN_REVIEW", True),
        (4, "WRONG_RECIPIENTS", True),
        (5, "QUEUED", False),
        (6, "SENT", True),
        (7, "CANCELLED", True),
        (8, "CREDIT_TOO_LOW", True),
        (9, "SYSTEM_ERROR", True),
        (10, "UNRECOGNIZED", False),
        (-1, "UNRECOGNIZED", False),
    ],
)
@pytest.mark.parametrize("kind", [int, str])
async def test_a_state_is_read_by_its_number(
    kind: Any, code: int, name: str, is_final: bool, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.get(BY_BULK, payload=ok({**ROW, "state_id": kind(code)}))
    state = (await ippanel.outbox_message(12545856)).state
    assert state is not None
    assert (state.name, state.value, state == code, state.is_final) == (name, code, True, is_final)


def test_an_unrecognized_state_can_be_copied_and_kept() -> None:
    state = BulkState(42)
    assert {pickle.loads(pickle.dumps(state)), copy.deepcopy(state)} == {BulkState(42)}
    assert state not in list(BulkState)
    with pytest.raises(ValueError, match="is not a valid BulkState"):
        BulkState("sent")


# The recipients of a bulk message


async def test_recipients_are_asked_for_page_by_page(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    def page(number: int) -> str:
        return f"{REPORT}/recipients?bulk_id=7&page={number}&per_page=100"

    rows = [{"recipient": f"+98912000000{n}", "msg_parts": "1", "message_status": str(n)} for n in range(6)]
    provider_http.get(page(1), payload=ok(rows[:4], current_page=1, last_page=2))
    provider_http.get(page(2), payload=ok(rows[4:], current_page=2, last_page=2))
    assert [one async for one in ippanel.recipients(7)] == [
        RecipientStatus("+989120000000", 0, DeliveryStatus.SENT, 1),
        RecipientStatus("+989120000001", 1, DeliveryStatus.SENT, 1),
        RecipientStatus("+989120000002", 2, DeliveryStatus.DELIVERED, 1),
        RecipientStatus("+989120000003", 3, DeliveryStatus.UNDELIVERED, 1),
        RecipientStatus("+989120000004", 4, DeliveryStatus.BLOCKED, 1),
        RecipientStatus("+989120000005", 5, DeliveryStatus.UNRECOGNIZED, 1),
    ]
    assert [sent.method for sent in provider_http.sent] == ["GET", "GET"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, RecipientStatus("", None, DeliveryStatus.UNRECOGNIZED, None)),
        (
            {"recipient": 989120000000, "message_status": 2, "msg_parts": 3},
            RecipientStatus("+989120000000", 2, DeliveryStatus.DELIVERED, 3),
        ),
        (
            {"recipient": "09120000000", "message_status": None, "msg_parts": ""},
            RecipientStatus("+989120000000", None, DeliveryStatus.UNRECOGNIZED, None),
        ),
        (
            {"recipient": "+14155550100", "message_status": "x"},
            RecipientStatus("+14155550100", None, DeliveryStatus.UNRECOGNIZED, None),
        ),
        ({"recipient": "021", "message": ["odd"]}, RecipientStatus("021", None, DeliveryStatus.UNRECOGNIZED, None)),
    ],
)
async def test_a_recipient_is_read_whatever_is_missing(
    row: Any, expected: RecipientStatus, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.get(RECIPIENTS, payload=ok([row], last_page=1))
    assert [one async for one in ippanel.recipients(7)] == [expected]


def test_the_blocking_client_goes_through_the_recipients_too(provider_http: Any) -> None:
    row = {"recipient": "+989120000000", "message_status": "2", "msg_parts": "1"}
    provider_http.get(RECIPIENTS, payload=ok([row, row], last_page=1))
    with IPPanel("token-of-the-tests") as client:
        assert [one.status for one in client.recipients(7)] == [DeliveryStatus.DELIVERED] * 2


async def test_nothing_is_asked_before_the_first_recipient_is(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    await ippanel.recipients(7).aclose()
    assert provider_http.sent == []


async def test_an_error_of_a_listing_has_no_outcome(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(RECIPIENTS, status=401, payload={"data": None, "meta": {"status": False}})
    with pytest.raises(AuthenticationError) as caught:
        await anext(ippanel.recipients(7))
    assert caught.value.outcome is None


# Counts


async def test_counts_are_read_by_operator_and_status(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    data = {
        "operators_sent": {"mci": {"fa": 1, "en": 2}, "irancell": {"fa": "3", "en": "4"}},
        "operators_pending": {"rightel": {"fa": 5}},
        "operators_failed": [],
        "operators_blacklist": {"mci": [], "shatel": None},
        "operators_new": {"mci": {"fa": 9, "en": 9}},
    }
    provider_http.get(STATS, payload=ok(data))
    stats = await ippanel.stats(7)
    assert stats == BulkStats(
        sent={"mci": TextCounts(1, 2), "irancell": TextCounts(3, 4)},
        pending={"rightel": TextCounts(5, 0)},
        failed={},
        blacklisted={"mci": TextCounts(), "shatel": TextCounts()},
        delivered={},
    )
    assert stats.sent["irancell"].total == 7


async def test_counts_of_which_nothing_is_said_are_empty(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(STATS, payload=ok([]))
    assert await ippanel.stats(7) == BulkStats({}, {}, {}, {}, {})


@pytest.mark.parametrize("data", [[5], [[]], None, "x"])
async def test_counts_that_are_something_else_are_malformed(
    data: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.get(STATS, payload=ok(data))
    with pytest.raises(MalformedResponse):
        await ippanel.stats(7)


# What all of them share

CALLS: dict[str, tuple[Any, str, str]] = {
    "outbox": (lambda client: client.outbox(), "POST", NEW_LIST),
    "outbox_message": (lambda client: client.outbox_message(12545856), "GET", BY_BULK),
    "recipients": (lambda client: anext(client.recipients(7)), "GET", RECIPIENTS),
    "stats": (lambda client: client.stats(7), "GET", STATS),
}


@pytest.mark.parametrize("name", ["outbox_message", "recipients", "stats", "cancel"])
@pytest.mark.parametrize("message_id", ["7", 7.0, None, True, 2**63])
async def test_an_invalid_id_is_refused(name: str, message_id: Any, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest, match="message_id") as caught:
        await getattr(ippanel, name)(message_id)
    assert caught.value.outcome is None
    assert provider_http.sent == []


@pytest.mark.parametrize("body", [HTML, "", "[]", '{"meta": {"status": true}, "data": "482177"}', '{"data": []}'])
@pytest.mark.parametrize("name", CALLS)
async def test_an_answer_of_another_shape_is_malformed(
    name: str, body: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    call, method, url = CALLS[name]
    provider_http.add(url, method, body=body)
    with pytest.raises(MalformedResponse) as caught:
        await call(ippanel)
    assert caught.value.outcome is None
    assert "482177" not in str(caught.value)


@pytest.mark.parametrize(("status", "error"), [(401, AuthenticationError), (404, NotFound)])
@pytest.mark.parametrize("name", CALLS)
async def test_a_refusal_is_told_by_its_http_status(
    name: str, status: int, error: type[SMSError], ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    call, method, url = CALLS[name]
    refusal = {"data": None, "meta": {"status": False, "message": "نشد", "message_code": "400-1", "errors": {}}}
    provider_http.add(url, method, status=status, payload=refusal)
    with pytest.raises(error) as caught:
        await call(ippanel)
    assert (caught.value.code, caught.value.message, caught.value.outcome) == ("400-1", "نشد", None)


@pytest.mark.parametrize("name", CALLS)
async def test_a_report_that_got_no_answer_is_asked_for_again(name: str, new_ippanel: Any, provider_http: Any) -> None:
    call, method, url = CALLS[name]
    provider_http.add(url, method, status=503)
    provider_http.add(url, method, callback=lambda *_, **__: CallbackResult(status=401, payload={"data": None}))
    with pytest.raises(AuthenticationError):
        await call(new_ippanel(retry=RetryPolicy(attempts=2, wait_initial=0.001)))
    assert len(provider_http.sent) == 2


def test_what_is_read_shows_neither_text_nor_whole_number() -> None:
    message = OutboxMessage(1, "رمز 482177", "+983000505999", None, BulkState.SENT, 1, 1, 1, None, None, None)
    recipient = RecipientStatus("+989121234567", 2, DeliveryStatus.DELIVERED, 1)
    shown = f"{message!r} {recipient!r}"
    assert not [needle for needle in ("482177", "3000505999", "9121234567") if needle in shown]


def test_what_the_outbox_does_not_say_is_shown_as_none() -> None:
    assert repr(OutboxMessage(1, *[None] * 10)).count("None") == 10


# Cancelling

CANCEL = "https://edge.ippanel.com/v1/api/send/cancel"


async def test_a_message_is_cancelled_by_its_id(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(CANCEL, payload=ok(None))
    await ippanel.cancel(1148303263)
    assert provider_http.sent[0].json == {"message_outbox_id": 1148303263}


async def test_an_unknown_id_cannot_be_cancelled(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(CANCEL, status=404, payload={"data": None, "meta": {"status": False, "message": "یافت نشد"}})
    with pytest.raises(NotFound) as caught:
        await ippanel.cancel(1)
    assert (caught.value.message, caught.value.outcome) == ("یافت نشد", None)


async def test_a_cancel_that_got_no_answer_is_tried_again(new_ippanel: Any, provider_http: Any) -> None:
    provider_http.post(CANCEL, exception=ConnectionResetError())
    provider_http.post(CANCEL, payload=ok(None))
    await new_ippanel(retry=RetryPolicy(attempts=2, wait_initial=0.001)).cancel(1)
    assert len(provider_http.sent) == 2


async def test_the_refusal_of_a_second_try_does_not_say_that_the_first_one_failed(
    new_ippanel: Any, provider_http: Any
) -> None:
    provider_http.post(CANCEL, exception=ConnectionResetError())
    provider_http.post(CANCEL, status=404, payload={"data": None, "meta": {"status": False, "message": "یافت نشد"}})
    with pytest.raises(SMSError) as caught:
        await new_ippanel(retry=RetryPolicy(attempts=2, wait_initial=0.001)).cancel(1)
    assert type(caught.value) is OutcomeUnknown
    assert (caught.value.http_status, caught.value.outcome) == (404, None)


async def test_a_cancel_without_any_answer_says_so(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(CANCEL, exception=ConnectionResetError())
    with pytest.raises(ResponseLost) as caught:
        await ippanel.cancel(1)
    assert caught.value.outcome is None


def test_reports_need_no_cattrs() -> None:
    # Its import takes longer than a whole call.
    script = "import sys, ippanel_sms; from ippanel_sms.wire_reports import *; "
    script += "OUTBOX.build(OutboxBody(1, 2)), INBOX.build(inbox_page(None, 1)); print('cattrs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "False"


def test_filters_that_are_not_set_are_left_out() -> None:
    assert codec.encode(inbox_page(None, 1)) == b'{"page":1,"per_page":100}'
    assert codec.encode(inbox_page(7, 1)) == b'{"page":1,"per_page":100,"filters":{"from_id":7}}'
