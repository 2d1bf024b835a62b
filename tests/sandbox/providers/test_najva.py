"""Najva, call by call, as its document has it."""

import io
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import aiohttp
import pytest

from najva_sms.sandbox import FILE_LIMIT, PRICE, WRONG
from smscore.sandbox import Sandbox

SEND, P2P, UPLOAD = "/v2/sms/send", "/v2/sms/send-p2p", "/upload-file/bale"
STATUS, OUTBOX = "/v2/sms/status", "/v2/sms/outbox"
SAMPLE_TEXT = ". این پیامک از زیرساخت ارسال پیامک نجوا ارسال شده است"
FILE_ID = "550e8400-e29b-41d4-a716-446655440000"


def send_body(*to: str, text: Any = SAMPLE_TEXT, sender: Any = "90000123") -> dict[str, Any]:
    return {"message": text, "sender": sender, "receivers": to or ("09120000000",)}


def p2p_body(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {"messages": [{"message": text, "receiver": to} for to, text in pairs], **more}


def failed(answer: Any, code: int, words: str | None = None) -> None:
    given = answer.body["return"]
    assert (answer.status, given["status"], answer.body["entries"]) == (code, code, None)
    assert given["message"] == words if words else given["message"]


def entries(answer: Any) -> Any:
    assert answer.status == 200, answer
    assert answer.body["return"] == {"status": 200, "message": "تایید شد"}
    return answer.body["entries"]


async def test_send_answers_an_entry_a_recipient_as_in_the_sample(najva: Any, box: Sandbox) -> None:
    before = najva.credit
    rows = entries(await najva("POST", SEND, send_body("09120000000", "09120000001", "09120000002")))
    assert [row.pop("messageid") for row in rows] == [message.message_id for message in box.messages]
    assert rows[0] == {
        "message": SAMPLE_TEXT,
        "status": 1,
        "statustext": "در صف ارسال",
        "sender": "90000123",
        "receptor": "09120000000",
        "date": 1_760_000_000,
        "cost": PRICE,
    }
    assert [row["receptor"] for row in rows] == ["09120000000", "09120000001", "09120000002"]
    assert [message.recipient for message in box.messages][2] == "+989120000002"
    assert najva.credit == before - sum(row["cost"] for row in rows)


async def test_the_tables_name_of_the_list_is_taken_too(najva: Any) -> None:
    body = {"message": "a", "sender": "9000", "receptor": ["09120000000"]}
    assert len(entries(await najva("POST", SEND, body))) == 1


async def test_p2p_sends_each_its_text_and_charges_its_parts(najva: Any, box: Sandbox) -> None:
    body = p2p_body(("09120000000", "پیامک 1"), ("09120000001", "پ" * 71), sender="90000123")
    rows = entries(await najva("POST", P2P, body))
    assert [(row["receptor"], row["cost"]) for row in rows] == [
        ("09120000000", PRICE),
        ("09120000001", 2 * PRICE),
    ]
    assert [message.text for message in box.messages] == ["پیامک 1", "پ" * 71]


@pytest.mark.parametrize("more", [{}, {"sender": None}, {"sender": ""}])
async def test_p2p_without_a_sender_takes_the_default_line(najva: Any, more: dict[str, Any]) -> None:
    [row] = entries(await najva("POST", P2P, p2p_body(("09120000000", "a"), **more)))
    assert row["sender"] == "90000123"


REFUSED: Mapping[str, tuple[str, Any]] = {
    "no text": (SEND, send_body(text="")),
    "no sender": (SEND, send_body(sender="")),
    "a sender with letters": (SEND, send_body(sender="+98a")),
    "nobody": (SEND, send_body() | {"receivers": []}),
    "no list": (SEND, {"message": "a", "sender": "9"}),
    "a string for the list": (SEND, send_body() | {"receivers": "09120000000"}),
    "a number for the text": (SEND, send_body(text=5)),
    "one malformed recipient": (SEND, send_body("09120000000", "9120000000")),
    "an unknown file": (SEND, send_body() | {"file_id": FILE_ID}),
    "an empty file id": (SEND, send_body() | {"file_id": ""}),
    "no messages": (P2P, p2p_body()),
    "one empty text": (P2P, p2p_body(("09120000000", "a"), ("09120000000", ""))),
    "a receiver missing": (P2P, {"messages": [{"message": "a"}]}),
    "a malformed receiver": (P2P, p2p_body(("+989120000000", "a"))),
    "an unknown file for p2p": (P2P, p2p_body(("09120000000", "a"), file_id=FILE_ID)),
    "an array": (P2P, []),
    "no ids": (STATUS, {}),
    "a bare array": (STATUS, [1]),
    "an id that is text": (STATUS, {"messageids": ["1"]}),
    "an id above 64 bits": (STATUS, {"messageids": [2**63]}),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_wrong_parameters_are_400_and_leave_no_trace(najva: Any, box: Sandbox, case: str) -> None:
    before = najva.credit
    failed(await najva("POST", *REFUSED[case]), 400, WRONG)
    assert (box.messages, najva.credit) == ([], before)


async def test_10_000_recipients_are_allowed_and_not_one_more(najva: Any, box: Sandbox) -> None:
    numbers = [f"0912{index:07}" for index in range(10_001)]
    assert len(entries(await najva("POST", SEND, send_body(*numbers[1:], text="a")))) == 10_000
    failed(await najva("POST", SEND, send_body(*numbers)), 414)
    failed(await najva("POST", P2P, p2p_body(*((number, "a") for number in numbers))), 414)
    assert len(box.messages) == 10_000


async def test_too_little_credit_refuses_the_whole_request(najva: Any, box: Sandbox) -> None:
    box.set_credit("najva", "token", 2 * PRICE - 1)
    failed(await najva("POST", SEND, send_body("09120000000", "09120000001")), 418, "اعتبار حساب شما کافی نیست.")
    assert (box.messages, najva.credit) == ([], 2 * PRICE - 1)


@pytest.mark.parametrize("header", ["none", "token", "Bearer", "Bearer ", "Basic token"])
async def test_without_a_bearer_token_the_answer_is_401(najva: Any, header: str) -> None:
    api = type(najva)(najva.box, najva.session, "najva", "") if header == "none" else najva
    authorization = "" if header == "none" else header
    failed(await api("POST", SEND, send_body(), authorization=authorization), 401)
    failed(await api("GET", OUTBOX, authorization=authorization), 401)
    failed(await api("POST", UPLOAD, authorization=authorization), 401)


# Statuses


async def test_a_message_is_queued_then_with_the_operator_then_delivered(najva: Any, box: Sandbox) -> None:
    [row] = entries(await najva("POST", SEND, send_body()))
    seen = []
    for seconds in (0, 1, 1):
        box.advance(seconds)
        [now] = entries(await najva("POST", STATUS, {"messageids": [row["messageid"]]}))
        seen.append((now["messageid"] == row["messageid"], now["status"], now["statustext"]))
    assert seen == [(True, 1, "در صف ارسال"), (True, 4, "رسیده به مخابرات"), (True, 10, "رسیده به گیرنده")]


async def test_an_unknown_id_has_status_100(najva: Any) -> None:
    [row] = entries(await najva("POST", STATUS, {"messageids": [3]}))
    assert row == {"messageid": 3, "status": 100, "statustext": "شناسه پیامک نامعتبر است"}


async def test_another_accounts_id_has_status_100(najva: Any) -> None:
    [row] = entries(await najva("POST", SEND, send_body()))
    body = {"messageids": [row["messageid"]]}
    assert entries(await najva("POST", STATUS, body, authorization="Bearer other"))[0]["status"] == 100


async def test_status_takes_1_000_ids(najva: Any) -> None:
    assert len(entries(await najva("POST", STATUS, {"messageids": [1] * 1000}))) == 1000
    failed(await najva("POST", STATUS, {"messageids": [1] * 1001}), 414)


async def test_a_blocked_message_is_paid_back_once(najva: Any, box: Sandbox) -> None:
    before = najva.credit
    [row] = entries(await najva("POST", SEND, send_body()))
    for code, spent in ((11, PRICE), (14, 0), (14, 0), (10, PRICE)):
        box.settle("najva", row["messageid"], code)
        assert najva.credit == before - spent
        assert box.messages[0].code == code


# Outbox


async def outbox(api: Any, page: Any = 0, size: Any = 200) -> Any:
    return await api("GET", f"{OUTBOX}?page={page}&pageSize={size}")


async def test_outbox_hands_out_pages_newest_first(najva: Any, box: Sandbox) -> None:
    sent = entries(await najva("POST", SEND, send_body(*(f"0912000000{digit}" for digit in range(5)))))
    newest = [row["messageid"] for row in reversed(sent)]
    pages = [entries(await outbox(najva, page, 2)) for page in range(4)]
    assert [page[0] for page in pages] == [{"totalMessages": 5, "page": page} for page in range(4)]
    assert [[row["messageid"] for row in page[1:]] for page in pages] == [
        newest[:2],
        newest[2:4],
        newest[4:],
        [],
    ]
    assert pages[0][1] == sent[4]


async def test_outbox_shows_the_status_of_now(najva: Any, box: Sandbox) -> None:
    await najva("POST", SEND, send_body())
    box.advance(2)
    assert entries(await outbox(najva))[1]["status"] == 10


@pytest.mark.parametrize(
    ("page", "size"), [("", 1), (-1, 1), ("a", 1), ("۱", 1), (0, ""), (0, 0), (0, 201), (0, "9" * 5000)]
)
async def test_outbox_wants_a_page_and_a_size_up_to_200(najva: Any, page: Any, size: Any) -> None:
    failed(await outbox(najva, page, size), 400)


# Files


def form(size: int = 3, name: str | None = "a.png", field: str = "file") -> aiohttp.FormData:
    data = aiohttp.FormData()
    data.add_field("other", "something")
    data.add_field(field, io.BytesIO(b"x" * size), filename=name)
    return data


async def upload(api: Any, *arguments: Any, **keywords: Any) -> Any:
    return await api("POST", UPLOAD, data=form(*arguments, **keywords))


@pytest.mark.parametrize("name", ["a.png", "عکس.JPG", "a.b.mp4", "a.jpeg", "a.gif", "a.opus", "a.ogg"])
async def test_a_file_gets_an_id_that_a_send_can_name(najva: Any, name: str) -> None:
    file_id = entries(await upload(najva, name=name))["file_id"]
    assert str(UUID(file_id)) == file_id
    assert entries(await najva("POST", SEND, send_body() | {"file_id": file_id}))
    assert entries(await najva("POST", P2P, p2p_body(("09120000000", "a"), file_id=file_id)))
    failed(await najva("POST", SEND, send_body() | {"file_id": file_id}, authorization="Bearer other"), 400)


@pytest.mark.parametrize("name", ["a.exe", "png", ".png", "a.png.exe", "a.", ""])
async def test_another_extension_is_400(najva: Any, name: str) -> None:
    failed(
        await upload(najva, name=name),
        400,
        "پسوند مجاز نیست. پسوندهای مجاز: jpeg, jpg, png, gif, opus, ogg, mp4",
    )


async def test_a_file_may_have_15_mib(najva: Any) -> None:
    assert entries(await upload(najva, FILE_LIMIT))
    failed(await upload(najva, FILE_LIMIT + 1), 413, "حجم فایل بیش از حد مجاز است. بیشینه مقدار مجاز: ۱۵ مگابایت")
    failed(await upload(najva, 3 * FILE_LIMIT), 413)


PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
NESTED = b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nabc\r\n--c--\r\n--b--\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"--b--\r\n",
        PART,
        PART + b"\r\nabc",
        NESTED,
    ],
)
async def test_an_incomplete_multipart_is_400(najva: Any, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    failed(await najva("POST", UPLOAD, data=body, headers=headers), 400, WRONG)


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=" + "b" * 99]
)
async def test_another_content_type_is_400(najva: Any, kind: str) -> None:
    failed(await najva("POST", UPLOAD, data=b"{}", headers={"Content-Type": kind}), 400, WRONG)


async def test_a_file_under_another_name_is_400(najva: Any) -> None:
    failed(await upload(najva, field="document"), 400, WRONG)


# Everything else


async def test_an_unknown_path_or_method_is_404_in_the_envelope(najva: Any) -> None:
    failed(await najva("POST", "/v2/token/sms/outbox"), 404)
    failed(await najva("PUT", SEND), 404)


async def test_25_000_messages_take_no_more_steps_each_than_a_few(najva: Any, box: Sandbox) -> None:
    numbers = [f"0912{index:07}" for index in range(10_000)]
    before = najva.credit
    start = time.thread_time()  # what others do on the machine meanwhile does not count
    costs = [
        row["cost"]
        for count in (10_000, 10_000, 5_000)
        for row in entries(await najva("POST", P2P, p2p_body(*((number, number) for number in numbers[:count]))))
    ]
    assert time.thread_time() - start < 5  # about 0.3; a step for each message of before would make it minutes
    assert (len(costs), before - najva.credit) == (25_000, sum(costs))
    assert len({message.message_id for message in box.messages}) == 25_000


# Sends by a template, as public clients make them


def lookup(key: str = "token-of-the-path", **fields: str) -> str:
    given = {"receptor": "09120000000", "template": "login", "token": "45852"} | fields
    return f"/v1/{key}/verify/lookup.json?{urlencode({name: value for name, value in given.items() if value})}"


async def test_a_template_is_sent_with_its_values_filled_in(najva: Any, box: Sandbox) -> None:
    (row,) = entries(await najva("GET", lookup(template="order", token="7", token2="سارا"), authorization=""))
    (message,) = box.messages
    assert (message.text, message.sender) == ("سارا عزیز، سفارش 7 ثبت شد.", "90000123")
    assert (row["messageid"], row["receptor"]) == (message.message_id, "09120000000")
    assert row["cost"] == PRICE


async def test_the_key_in_the_path_is_the_accounts(najva: Any, box: Sandbox) -> None:
    before = box.credit("najva", "token-of-the-path")
    await najva("GET", lookup(), authorization="Bearer another")
    assert box.credit("najva", "token-of-the-path") == before - PRICE


@pytest.mark.parametrize(
    "fields",
    [
        *({"receptor": ""}, {"receptor": "9120000000"}, {"receptor": "09120000000,09120000001"}, {"template": ""}),
        *({"template": "nope"}, {"token": ""}, {"token2": "x"}, {"sender": "x"}),
    ],
    ids=repr,
)
async def test_a_wrong_send_by_a_template_is_refused(fields: dict[str, str], najva: Any, box: Sandbox) -> None:
    failed(await najva("GET", lookup(**fields), authorization=""), 400)
    assert box.messages == []


async def test_a_template_without_credit_is_418(najva: Any, box: Sandbox) -> None:
    box.set_credit("najva", "token-of-the-path", 0)
    failed(await najva("GET", lookup(), authorization=""), 418)


async def test_an_own_template_can_be_added(najva: Any, box: Sandbox) -> None:
    box.set_pattern("najva", "mine", "%token%-%token3%")
    entries(await najva("GET", lookup(template="mine", token3="b"), authorization=""))
    assert box.messages[0].text == "45852-b"


async def test_the_key_in_the_path_shows_on_no_page(najva: Any, rest: Any, box: Sandbox) -> None:
    key = "a key/with+marks"
    quoted = quote(key, safe="")
    entries(await najva("GET", lookup(quoted), authorization=""))
    box.fail("server_error")
    await najva.session.get(box.url("najva") + lookup(quoted))
    failed(await najva("GET", lookup(quoted, template="x").replace("lookup", "other"), authorization=""), 404)
    seen = [await rest.get("/api/requests"), await rest.get("/api/messages"), await rest.get("/api/messages/1")]
    assert "/najva/v1/***/verify/lookup.json" in json.dumps(seen)
    assert [spelling for spelling in (key, quoted, "with+marks", "with%2Bmarks") if spelling in json.dumps(seen)] == []
