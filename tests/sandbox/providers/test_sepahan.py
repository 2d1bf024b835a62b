"""Sepahan Gostar, call by call, as its document has it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from sepahan_sms.sandbox import ERRORS, PRICE
from smscore.sandbox import Sandbox

SEND, P2P = "/api/Sms/Send", "/api/Sms/SendP2P"
STATUS, OLD_STATUS = "/api/SmsReport/status", "/api/SmsReport/oldStatus"
CREDIT, RECEIVE, CHECK = "/api/SmsReport/credit", "/api/SmsReport/Receive", "/api/Requests/checkRequestId"
POSTS = (SEND, P2P, STATUS, OLD_STATUS, RECEIVE)
HOUR, DAY = 3600, 86_400
TO_NIGHT = 13 * HOUR  # from 12:23 to 01:23 in Tehran


def send_body(*to: str, text: Any = ("سلام",), sender: Any = ("50003300",)) -> dict[str, Any]:
    return {"senderNumbers": sender, "reciverNumbers": to or ("09123456789",), "smsTexts": text}


def p2p_body(*messages: tuple[str, str, str]) -> dict[str, Any]:
    senders, recipients, texts = zip(*messages, strict=True)
    return {"senderNumbers": senders, "reciverNumbers": recipients, "smsTexts": texts}


def failed(answer: Any, code: int, http_status: int = 401, details: tuple[str, ...] = ()) -> None:
    error = {"code": code, "message": ERRORS[code], "details": list(details)}
    assert (answer.status, answer.body) == (http_status, {"isSuccess": False, "value": None, "error": error})


def value(answer: Any) -> Any:
    assert answer.status == 200, answer
    assert (answer.body["isSuccess"], answer.body["error"]) == (True, None)
    return answer.body["value"]


async def test_send_answers_an_id_a_recipient_and_what_it_charged(sepahan: Any, box: Sandbox) -> None:
    before = sepahan.credit
    answer = value(await sepahan("POST", SEND, send_body("09123456789", "09350000000")))
    assert (answer["smsCount"], answer["totalPrice"]) == (2, 2 * PRICE)
    assert answer["ids"] == [message.message_id for message in box.messages]
    assert sepahan.credit == before - 2 * PRICE


async def test_an_accepted_message_is_remembered(sepahan: Any, box: Sandbox) -> None:
    await sepahan("POST", SEND, send_body())
    [message] = box.messages
    assert (message.provider, message.recipient, message.sender) == ("sepahan", "+989123456789", "50003300")
    assert (message.text, message.code) == ("سلام", 0)
    assert message.received_at == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)


async def test_ids_are_beyond_what_a_float_can_hold(sepahan: Any) -> None:
    ids = value(await sepahan("POST", SEND, send_body("09123456789", "09123456780")))["ids"]
    assert len(set(ids)) == 2
    assert all(2**53 < given < 2**63 for given in ids)
    assert [int(float(given)) for given in ids] != ids


@pytest.mark.parametrize("text", ["سلام", ["سلام"]])
@pytest.mark.parametrize("sender", ["50003300", ["50003300"]])
async def test_text_and_sender_come_plain_as_in_the_table_or_in_arrays_as_in_the_sample(
    sepahan: Any, text: Any, sender: Any
) -> None:
    assert value(await sepahan("POST", SEND, send_body(text=text, sender=sender)))["smsCount"] == 1


async def test_a_long_text_costs_its_parts(sepahan: Any) -> None:
    answer = value(await sepahan("POST", SEND, send_body(text="س" * 71)))
    assert (answer["smsCount"], answer["totalPrice"]) == (1, 2 * PRICE)


async def test_a_malformed_recipient_among_good_ones_gets_its_code_and_costs_nothing(
    sepahan: Any, box: Sandbox
) -> None:
    answer = value(await sepahan("POST", SEND, send_body("09123456789", "9123456789", "09123456780")))
    assert [given > 0 for given in answer["ids"]] == [True, False, True]
    assert answer["ids"][1] == -4
    assert (answer["smsCount"], answer["totalPrice"]) == (2, 2 * PRICE)
    assert len(box.messages) == 2


@pytest.mark.parametrize(
    "recipient",
    [
        "9123456789",
        "+989123456789",
        "0912345678",
        "091234567890",
        "08123456789",
        "",
        "۰۹۱۲۳۴۵۶۷۸۹",
        "09123456789\n",
    ],
)
async def test_recipients_that_are_all_malformed_refuse_the_request(sepahan: Any, recipient: str) -> None:
    failed(await sepahan("POST", SEND, send_body(recipient, recipient)), -4)


REFUSED: Mapping[str, tuple[str, Any, int]] = {
    "an empty text": (SEND, send_body(text=""), -5),
    "one empty text of two": (P2P, p2p_body(("5", "09123456789", "a"), ("5", "09123456789", "")), -5),
    "two texts for one recipient": (SEND, send_body(text=("a", "b")), -6),
    "as many texts as recipients": (SEND, send_body("09123456789", "09123456780", text=("a", "b")), -6),
    "two senders": (SEND, send_body(sender=("5", "6")), -6),
    "no text": (SEND, send_body(text=()), -6),
    "arrays that differ": (P2P, p2p_body(("5", "09123456789", "a")) | {"smsTexts": ["a", "b"]}, -6),
    "101 recipients": (SEND, send_body(*["09123456789"] * 101), -7),
    "101 messages": (P2P, p2p_body(*[("5", "09123456789", "a")] * 101), -7),
    "an empty sender": (SEND, send_body(sender=""), -12),
    "a sender with letters": (SEND, send_body(sender="5000a"), -12),
    "one bad sender of two": (P2P, p2p_body(("5", "09123456789", "a"), ("+5", "09123456789", "a")), -12),
    "nobody": (SEND, send_body() | {"reciverNumbers": []}, -21),
    "no messages": (P2P, {"senderNumbers": [], "reciverNumbers": [], "smsTexts": []}, -21),
    "a missing key": (SEND, {"senderNumbers": "5", "smsTexts": "a"}, -21),
    "a number for a text": (SEND, send_body(text=5), -21),
    "null for the recipients": (SEND, send_body() | {"reciverNumbers": None}, -21),
    "plain strings to SendP2P": (P2P, send_body(text="a", sender="5"), -21),
    "an array": (SEND, [], -21),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_wrong_send_is_refused_and_leaves_no_trace(sepahan: Any, box: Sandbox, case: str) -> None:
    before = sepahan.credit
    path, body, code = REFUSED[case]
    failed(await sepahan("POST", path, body), code)
    assert (box.messages, sepahan.credit) == ([], before)


async def test_a_hundred_recipients_are_allowed(sepahan: Any) -> None:
    answer = value(await sepahan("POST", SEND, send_body(*["09123456789"] * 100)))
    assert (len(set(answer["ids"])), answer["smsCount"]) == (100, 100)


async def test_p2p_sends_entry_by_entry(sepahan: Any, box: Sandbox) -> None:
    body = p2p_body(("5000", "09123456789", "یک"), ("6000", "0912", "دو"), ("7000", "09350000000", "س" * 71))
    answer = value(await sepahan("POST", P2P, body))
    assert (answer["smsCount"], answer["totalPrice"], answer["ids"][1]) == (2, 3 * PRICE, -4)
    seen = [(message.sender, message.recipient, message.text) for message in box.messages]
    assert seen == [("5000", "+989123456789", "یک"), ("7000", "+989350000000", "س" * 71)]


async def test_too_little_credit_refuses_the_whole_request(sepahan: Any, box: Sandbox) -> None:
    box.set_credit("sepahan", "token", 2 * PRICE - 1)
    failed(await sepahan("POST", SEND, send_body("09123456789", "09123456780")), -14)
    assert (box.messages, sepahan.credit) == ([], 2 * PRICE - 1)


async def test_the_last_rial_can_be_spent(sepahan: Any, box: Sandbox) -> None:
    box.set_credit("sepahan", "token", PRICE)
    assert value(await sepahan("POST", SEND, send_body()))["totalPrice"] == PRICE
    assert value(await sepahan("GET", CREDIT)) == 0


# Tokens


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("header", ["", "Bearer token"])
async def test_without_a_bare_token_the_answer_is_minus_1(sepahan: Any, path: str, header: str) -> None:
    api = sepahan if header else type(sepahan)(sepahan.box, sepahan.session, "sepahan", "")
    failed(await api("POST", path, send_body(), authorization=header), -1)


async def test_accounts_are_apart(sepahan: Any, box: Sandbox) -> None:
    ids = value(await sepahan("POST", SEND, send_body()))["ids"]
    assert box.credit("sepahan", "other") == box.credit("najva", "token") == sepahan.credit + PRICE
    assert value(await sepahan("POST", STATUS, ids, authorization="other")) == [-1]


# Request ids


@pytest.mark.parametrize("first", ["requestId", "Request-Id"])
@pytest.mark.parametrize("second", ["requestId", "Request-Id"])
async def test_a_repeated_request_id_is_refused_under_either_name(
    sepahan: Any, box: Sandbox, first: str, second: str
) -> None:
    value(await sepahan("POST", SEND, send_body(), headers={first: "r1"}))
    failed(await sepahan("POST", P2P, p2p_body(("5", "09123456789", "a")), headers={second: "r1"}), -20)
    assert len(box.messages) == 1


async def test_a_repeat_is_told_so_also_where_the_credit_is_spent(sepahan: Any, box: Sandbox) -> None:
    """The first one was accepted, and -14 in its place would say that it was not."""
    box.set_credit("sepahan", "token", PRICE)
    value(await sepahan("POST", SEND, send_body(), headers={"Request-Id": "r1"}))
    failed(await sepahan("POST", SEND, send_body(), headers={"Request-Id": "r1"}), -20)


async def test_a_refused_request_may_be_tried_again_with_its_id(sepahan: Any, box: Sandbox) -> None:
    box.set_credit("sepahan", "token", 0)
    failed(await sepahan("POST", SEND, send_body(), headers={"Request-Id": "r1"}), -14)
    assert value(await sepahan("GET", f"{CHECK}/r1")) == {"isDuplicate": False}
    box.set_credit("sepahan", "token", PRICE)
    value(await sepahan("POST", SEND, send_body(), headers={"Request-Id": "r1"}))


async def test_a_request_id_is_remembered_for_4_hours(sepahan: Any, box: Sandbox) -> None:
    value(await sepahan("POST", SEND, send_body(), headers={"requestId": "a", "Request-Id": "b"}))
    box.advance(4 * HOUR)
    assert [value(await sepahan("GET", f"{CHECK}/{name}"))["isDuplicate"] for name in "abc"] == [
        True,
        True,
        False,
    ]
    box.advance(1)
    assert value(await sepahan("GET", f"{CHECK}/a")) == {"isDuplicate": False}
    value(await sepahan("POST", SEND, send_body(), headers={"Request-Id": "a"}))


async def test_request_ids_belong_to_an_account(sepahan: Any) -> None:
    value(await sepahan("POST", SEND, send_body(), headers={"Request-Id": "r1"}))
    assert value(await sepahan("GET", f"{CHECK}/r1", authorization="other")) == {"isDuplicate": False}
    value(await sepahan("POST", SEND, send_body(), authorization="other", headers={"Request-Id": "r1"}))


# Statuses


async def test_a_message_is_queued_then_with_the_operator_then_delivered(sepahan: Any, box: Sandbox) -> None:
    ids = value(await sepahan("POST", SEND, send_body()))["ids"]
    codes = []
    for seconds in (0, 0.9, 0.2, 0.8, 0.2, 1000):
        box.advance(seconds)
        codes += value(await sepahan("POST", STATUS, ids))
    assert codes == [0, 0, 8, 8, 1, 1]
    assert box.messages[0].code == 1


async def test_status_answers_in_order_and_minus_1_for_what_it_does_not_know(sepahan: Any) -> None:
    a, b = value(await sepahan("POST", SEND, send_body("09123456789", "09123456780")))["ids"]
    assert value(await sepahan("POST", STATUS, [b, 5, a, -4, 0, a])) == [0, -1, 0, -1, -1, 0]


async def test_status_covers_24_hours(sepahan: Any, box: Sandbox) -> None:
    ids = value(await sepahan("POST", SEND, send_body()))["ids"]
    box.advance(DAY)
    assert value(await sepahan("POST", STATUS, ids)) == [1]
    box.advance(1)
    assert value(await sepahan("POST", STATUS, ids)) == [-1]


@pytest.mark.parametrize("body", [{"ids": [1]}, ["1"], [1.5], [True], [2**63], None, "1"])
async def test_status_wants_a_bare_array_of_64_bit_ids(sepahan: Any, body: Any) -> None:
    failed(await sepahan("POST", STATUS, body, data=None if body is not None else b"null"), -21)


async def test_status_takes_a_hundred_ids(sepahan: Any) -> None:
    assert value(await sepahan("POST", STATUS, list(range(100)))) == [-1] * 100
    failed(await sepahan("POST", STATUS, list(range(101))), -7)


async def test_old_status_is_closed_by_day(sepahan: Any) -> None:
    details = ("این سرویس فقط بین ساعت ۱ تا ۵ بامداد قابل استفاده است.",)
    failed(await sepahan("POST", OLD_STATUS, [1]), -8, details=details)


@pytest.mark.parametrize(("at", "is_open"), [("00:59", False), ("01:00", True), ("04:59", True), ("05:00", False)])
async def test_old_status_is_open_from_1_to_5_in_tehran(sepahan: Any, box: Sandbox, at: str, is_open: bool) -> None:
    wanted = datetime.fromisoformat(f"2025-10-10T{at}:00+03:30").timestamp()
    box.advance(wanted - 1_760_000_000)
    assert (await sepahan("POST", OLD_STATUS, [1])).status == (200 if is_open else 401)


async def test_old_status_answers_as_its_sample_and_leaves_today_out(sepahan: Any, box: Sandbox) -> None:
    old = value(await sepahan("POST", SEND, send_body()))["ids"]
    box.advance(TO_NIGHT)
    new = value(await sepahan("POST", SEND, send_body()))["ids"]
    box.advance(10)
    answer = await sepahan("POST", OLD_STATUS, [*old, *new, 7])
    assert (answer.status, answer.body) == (200, {"message": "عملیات موفق", "result": [1, -1, -1]})


async def test_old_status_covers_30_days(sepahan: Any, box: Sandbox) -> None:
    ids = value(await sepahan("POST", SEND, send_body()))["ids"]
    box.advance(TO_NIGHT + 29 * DAY)
    assert (await sepahan("POST", OLD_STATUS, ids)).body["result"] == [1]
    box.advance(DAY)
    assert (await sepahan("POST", OLD_STATUS, ids)).body["result"] == [-1]


async def test_old_status_takes_a_hundred_ids(sepahan: Any, box: Sandbox) -> None:
    box.advance(TO_NIGHT)
    assert len((await sepahan("POST", OLD_STATUS, list(range(100)))).body["result"]) == 100
    failed(await sepahan("POST", OLD_STATUS, list(range(101))), -7)
    failed(await sepahan("POST", OLD_STATUS, ["a"]), -21)


# Receive


def feed(box: Sandbox, *texts: str, number: str = "50003300") -> None:
    for text in texts:
        box.feed("sepahan", sender="09126900023", number=number, text=text)


async def received(api: Any, **body: Any) -> list[str]:
    return [row["messageText"] for row in value(await api("POST", RECEIVE, body))]


async def test_receive_hands_out_rows_as_in_the_sample(sepahan: Any, box: Sandbox) -> None:
    feed(box, "1")
    body = {"privateNumber": "50003300", "startDate": "1404/07/10", "numberOfMessages": 2, "markAsRead": True}
    row = {"privateNumber": "50003300", "date": "2025/10/09", "sendNumber": "09126900023", "messageText": "1"}
    assert value(await sepahan("POST", RECEIVE, body)) == [row]


async def test_a_message_is_received_once(sepahan: Any, box: Sandbox) -> None:
    feed(box, "a", "b", "c")
    assert await received(sepahan, numberOfMessages=2) == ["a", "b"]
    assert await received(sepahan) == ["c"]
    assert await received(sepahan) == []


async def test_unmarked_messages_are_received_again(sepahan: Any, box: Sandbox) -> None:
    feed(box, "a")
    assert await received(sepahan, markAsRead=False) == await received(sepahan, markAsRead=False) == ["a"]


async def test_an_account_reads_on_its_own(sepahan: Any, box: Sandbox) -> None:
    feed(box, "a")
    assert await received(sepahan) == ["a"]
    assert len(value(await sepahan("POST", RECEIVE, {}, authorization="other"))) == 1


async def test_receive_can_ask_for_one_line(sepahan: Any, box: Sandbox) -> None:
    feed(box, "a", number="5001")
    feed(box, "b", number="5002")
    box.feed("najva", sender="09126900023", number="5002", text="of another provider")
    assert await received(sepahan, privateNumber="5002") == ["b"]
    assert await received(sepahan) == ["a"]


async def test_a_line_is_known_once_something_was_sent_or_received_on_it(sepahan: Any, box: Sandbox) -> None:
    failed(await sepahan("POST", RECEIVE, {"privateNumber": "50003300"}), 406, 406)
    await sepahan("POST", SEND, send_body())
    assert await received(sepahan, privateNumber="50003300") == []


@pytest.mark.parametrize("count", [0, -1, 101, 2**70])
async def test_receive_hands_out_1_to_100(sepahan: Any, count: int) -> None:
    failed(await sepahan("POST", RECEIVE, {"numberOfMessages": count}), 416, 416)


async def test_receive_hands_out_100_unless_told(sepahan: Any, box: Sandbox) -> None:
    feed(box, *map(str, range(101)))
    assert len(await received(sepahan)) == 100
    assert await received(sepahan) == ["100"]


async def test_receive_covers_24_hours_unless_told(sepahan: Any, box: Sandbox) -> None:
    feed(box, "old")
    box.advance(DAY + 1)
    feed(box, "new")
    assert await received(sepahan) == ["new"]
    assert await received(sepahan, startDate="1404/07/17") == ["old"]


@pytest.mark.parametrize(
    ("date", "covered"),
    [
        ("1404/07/17", True),
        ("1404-7-17 12:23", True),
        ("1404/07/17 12:23:21", False),
        ("1404/07/18", False),
        ("2025/10/09", True),
        ("2025-10-09T12:23:20", True),
        ("2025-10-10", False),
    ],
)
async def test_start_dates_are_jalali_or_gregorian_in_tehran(
    sepahan: Any, box: Sandbox, date: str, covered: bool
) -> None:
    feed(box, "a")
    assert await received(sepahan, startDate=date) == ["a"] * covered


@pytest.mark.parametrize(
    "date", ["", "yesterday", "1404/13/01", "0000/00/00", "2025/02/30", "1404/7/17 25:00", "۱۴۰۴/۰۷/۱۷"]
)
async def test_an_invalid_start_date_is_refused(sepahan: Any, date: str) -> None:
    failed(await sepahan("POST", RECEIVE, {"startDate": date}), -21)


async def test_every_key_of_receive_is_optional(sepahan: Any, box: Sandbox) -> None:
    feed(box, "a")
    assert len(value(await sepahan("POST", RECEIVE, data=b""))) == 1
    assert await received(sepahan, privateNumber=None, startDate=None, numberOfMessages=None, markAsRead=None) == []


# Everything else


async def test_an_unknown_path_or_method_is_404_in_the_envelope(sepahan: Any) -> None:
    failed(await sepahan("POST", "/api/Sms/Nothing", {}), 404, 404)
    failed(await sepahan("GET", SEND), 404, 404)
    failed(await sepahan("GET", ""), 404, 404)


async def test_blacklisted_by_hand(sepahan: Any, box: Sandbox) -> None:
    [given] = value(await sepahan("POST", SEND, send_body()))["ids"]
    before = sepahan.credit
    box.settle("sepahan", given, 5)
    assert value(await sepahan("POST", STATUS, [given])) == [5]
    assert sepahan.credit == before
