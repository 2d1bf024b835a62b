"""The sandbox's own REST interface: what it lists, what it changes, whom it refuses."""

import asyncio
import http.client
import io
import json
import threading
import time
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from sandbox.bodies import E164, NUMBER, SENDS, ippanel_send, najva_send, sepahan_send

from smscore import DeliveryStatus
from smscore.sandbox import Sandbox
from smscore.sandbox.api.routes import ROUTES
from smscore.sandbox.memory import search
from smscore.sandbox.one_time_codes import code_in


async def seqs(rest: Any, query: str) -> list[int]:
    return [message["seq"] for message in (await rest.get(f"/api/messages{query}"))["messages"]]


# Listing


async def test_a_message_says_all_that_is_known(rest: Any, najva: Any) -> None:
    await najva(*najva_send(text="کد: ۴۸۲۱"))
    [message] = (await rest.get("/api/messages"))["messages"]
    assert message == {
        "fault": None,
        "seq": 1,
        "direction": "out",
        "provider": "najva",
        "recipient": E164,
        "sender": "90000123",
        "text": "کد: ۴۸۲۱",
        "message_id": "9007199254740993",
        "code": 1,
        "status": "queued",
        "status_words": "در صف ارسال",
        "is_final": False,
        "parts": 1,
        "characters": 8,
        "cost": 1000,
        "received_at": "2025-10-09T08:53:20Z",
        "scheduled_for": None,
        "call": "send",
    }


async def test_a_message_has_the_parts_that_a_handset_makes(rest: Any, najva: Any, box: Sandbox) -> None:
    text = "س" * 66 + "😀" + "س" * 66
    await najva(*najva_send(text=text))
    box.feed("sepahan", sender=NUMBER, number="50003300", text=text)
    found = (await rest.get("/api/messages"))["messages"]
    assert [(message["parts"], message["cost"]) for message in found] == [(3, None), (3, 3000)]


async def test_an_inbound_message_has_its_line_as_recipient(rest: Any, box: Sandbox) -> None:
    box.feed("sepahan", sender=NUMBER, number="50003300", text="لغو")
    [message] = (await rest.get("/api/messages"))["messages"]
    assert (message["direction"], message["recipient"], message["sender"]) == ("in", "50003300", E164)
    assert (message["message_id"], message["code"], message["cost"], message["status"]) == (None, None, None, None)


async def test_the_newest_are_first_and_pages_follow_by_before(rest: Any, najva: Any) -> None:
    await najva(*najva_send(*[NUMBER] * 5))
    assert await seqs(rest, "?limit=2") == [5, 4]
    assert await seqs(rest, "?limit=2&before=4") == [3, 2]
    assert await seqs(rest, "?after=3") == [5, 4]
    assert await seqs(rest, "?after=1&before=4") == [3, 2]


FILTERS = [
    ("?provider=najva", [1]),
    ("?provider=kavenegar", []),
    ("?direction=in", [3]),
    ("?direction=out", [2, 1]),
    ("?number=09123456789", [3, 2]),
    ("?number=+989123456789", [3, 2]),
    ("?number=۰۹۱۲۳۴۵۶۷۸۹", [3, 2]),
    ("?number=50003300", [3, 2]),
    ("?number=999", [1]),
    ("?text=SECOND", [2]),
    ("?status=delivered", [2, 1]),
    ("?status=queued", []),
    ("?status=delivered&provider=najva", [1]),
]


@pytest.mark.parametrize(("query", "found"), FILTERS)
async def test_the_list_can_be_narrowed(
    rest: Any, box: Sandbox, najva: Any, sepahan: Any, query: str, found: list[int]
) -> None:
    await najva(*najva_send("09999999999", text="the first"))
    await sepahan(*sepahan_send(text="the second"))
    box.feed("sepahan", sender=NUMBER, number="50003300", text="لغو")
    box.advance(5)
    page = await rest.get("/api/messages" + query.replace("+", "%2B"))
    assert [message["seq"] for message in page["messages"]] == found
    assert (page["total"], page["matching"]) == (3, len(found))


PIECES = [
    "0912",
    "0912345",
    "۰۹۱۲",
    "0912 345",
    "+98912",
    "98912",
    "0098912",
    "912",
    "0912-345-6789",
    "3456789",
    "0912–345",
    "0912\u2009345",
    "+98 (0) 912",
    "+98 (0912) 345 6789",
    "tel:+98-912-345",
    "0912.345.6789",
    "٠٩١٢\u2062٣٤٥٦",
    "०९१२३४५६",
]


@pytest.mark.parametrize("piece", PIECES)
async def test_a_piece_of_a_mobile_number_is_found_however_it_is_typed(rest: Any, najva: Any, piece: str) -> None:
    await najva(*najva_send(NUMBER, "09350912345"))
    found = await seqs(rest, f"?number={quote(piece)}")
    assert 1 in found
    assert (2 in found) == (piece in {"0912", "912", "0912345", "۰۹۱۲", "0912 345", "0912–345", "0912\u2009345"})


@pytest.mark.parametrize("piece", ["50003300", "5000 3300", "3300", "۵۰۰۰", "+985000"])
async def test_a_piece_of_a_short_line_is_found(rest: Any, sepahan: Any, box: Sandbox, piece: str) -> None:
    await sepahan(*sepahan_send())
    box.feed("sepahan", sender=NUMBER, number="۵۰۰۰۳۳۰۰", text="لغو")
    assert await seqs(rest, f"?number={quote(piece)}") == [2, 1]


@pytest.mark.parametrize("text", ["کد 4821 ی", "کد ۴۸۲۱ ي", "كد ٤٨٢١ ى"])
async def test_a_text_is_found_however_its_letters_and_digits_are_typed(rest: Any, najva: Any, text: str) -> None:
    await najva(*najva_send(text="سلام، كد ۴۸۲۱ ی"))
    assert await seqs(rest, f"?text={quote(text)}") == [1]


async def test_a_pattern_can_be_made_known(rest: Any, ippanel: Any, box: Sandbox) -> None:
    own = {"code": "abc123", "text": "کد شما: %code%"}
    assert (await rest("PUT", "/api/patterns", own | {"provider": "ippanel"})).body == own
    choices = {one["name"]: one["patterns"] for one in (await rest.get("/api/choices"))["providers"]}
    assert own in choices["ippanel"]
    assert choices["sepahan"] == []
    pattern = {"sending_type": "pattern", "from_number": "+983000505", "code": "abc123", "recipients": [E164]}
    await ippanel("POST", "/api/send", pattern | {"params": {"code": "4821"}})
    assert box.messages[0].text == "کد شما: 4821"


@pytest.mark.parametrize("provider", ["sepahan", "nobody"])
async def test_a_pattern_of_a_provider_without_any_is_refused(rest: Any, provider: str) -> None:
    refused = await rest("PUT", "/api/patterns", {"provider": provider, "code": "a", "text": "b"})
    assert refused.status == 422


SCHEDULED = {"send_time": "2025-10-09 09:03:20"}  # ten minutes after the sandbox's time


async def test_a_message_that_is_not_due_is_scheduled_whatever_its_provider_calls_it(
    rest: Any, ippanel: Any, box: Sandbox
) -> None:
    method, path, body = ippanel_send()
    await ippanel(method, path, body | SCHEDULED)
    [message] = (await rest.get("/api/messages?status=scheduled"))["messages"]
    assert (message["code"], message["status"], message["is_final"]) == (0, "scheduled", False)
    assert await seqs(rest, "?status=sent") == []
    box.advance(600)
    assert (await rest.get("/api/messages/1"))["status"] == "sent"
    assert (await rest("PUT", "/api/messages/1/status", {"code": 3})).body["status"] == "undelivered"


async def test_a_cancelled_message_is_cancelled_for_good_whatever_its_provider_calls_it(
    rest: Any, ippanel: Any, box: Sandbox
) -> None:
    method, path, body = ippanel_send()
    answer = await ippanel(method, path, body | SCHEDULED)
    [message] = (await rest.get("/api/messages"))["messages"]
    assert message["scheduled_for"] == "2025-10-09T09:03:20Z"
    [given] = answer.body["data"]["message_outbox_ids"]
    assert (await ippanel("POST", "/api/send/cancel", {"message_outbox_id": given})).status == 200
    for seconds in (0, 3600):
        box.advance(seconds)
        [message] = (await rest.get("/api/messages?status=cancelled"))["messages"]
        assert (message["code"], message["status"], message["is_final"]) == (0, "cancelled", True)


async def test_a_message_that_is_not_due_has_the_end_that_was_set_by_hand(rest: Any, ippanel: Any) -> None:
    method, path, body = ippanel_send()
    await ippanel(method, path, body | SCHEDULED)
    assert (await rest("PUT", "/api/messages/1/status", {"code": 2})).body["status"] == "delivered"


@pytest.mark.parametrize("provider", SENDS)
async def test_each_status_has_a_meaning_for_every_provider(rest: Any, request: Any, provider: str) -> None:
    await request.getfixturevalue(provider)(*SENDS[provider]())
    for choice in (await rest.get("/api/messages/1"))["statuses"]:
        message = (await rest("PUT", "/api/messages/1/status", {"code": choice["code"]})).body
        assert message["code"] == choice["code"]
        assert message["status"] == choice["status"]
        assert message["status_words"] == choice["status_words"]
        assert message["is_final"] == DeliveryStatus(choice["status"]).is_final


async def test_one_message_comes_with_its_request_and_answer_and_no_token(rest: Any, najva: Any) -> None:
    method, path, body = najva_send("09120000001", "09120000002")
    await najva(method, path + "?a=b", body, headers={"X-Trace": "seen", "X-Api-Key": "hidden", "Cookie": "hidden"})
    first, second = await rest.get("/api/messages/1"), await rest.get("/api/messages/2")
    assert first["request"] == second["request"]
    assert (first["request"]["method"], first["request"]["path"]) == ("POST", "/najva/v2/sms/send?a=b")
    assert json.loads(first["request"]["body"]) == body
    assert first["request"]["cut"] is False
    assert first["request"]["headers"]["X-Trace"] == "seen"
    assert "Bearer" not in json.dumps(first)
    assert "hidden" not in json.dumps(first)
    assert first["answer"]["status"] == 200
    assert len(json.loads(first["answer"]["body"])["entries"]) == 2


async def test_a_long_body_is_cut(rest: Any, najva: Any) -> None:
    await najva(*najva_send(text="a" * 70_000))
    message = await rest.get("/api/messages/1")
    assert (len(message["request"]["body"]), message["request"]["cut"]) == (65_536, True)
    assert (len(message["answer"]["body"].encode()), message["answer"]["cut"]) == (65_536, True)
    assert message["characters"] == 70_000


async def test_a_header_that_is_not_utf_8_is_shown_with_question_marks(rest: Any, najva: Any, box: Sandbox) -> None:
    where = urlsplit(box.url("najva"))
    connection = http.client.HTTPConnection(where.hostname or "", where.port)
    _, path, body = najva_send()
    await asyncio.to_thread(
        connection.request,
        "POST",
        f"/najva{path}",
        json.dumps(body),
        {"Authorization": "Bearer t", "X-Odd": b"\xff\xfe"},
    )
    assert (await asyncio.to_thread(connection.getresponse)).status == 200
    connection.close()
    assert (await rest.get("/api/messages/1"))["request"]["headers"]["X-Odd"] == "??"


# Waiting and codes


async def test_waiting_ends_with_the_message(rest: Any, najva: Any) -> None:
    waiting = asyncio.create_task(rest.get(f"/api/messages/wait?number={NUMBER}&timeout=60"))
    await asyncio.sleep(0.05)
    await najva(*najva_send("09120000001"))
    assert not waiting.done()
    await najva(*najva_send())
    assert (await asyncio.wait_for(waiting, 30))["message"]["recipient"] == E164


async def test_a_message_that_is_there_is_not_waited_for(rest: Any, najva: Any) -> None:
    for text in ("the first", "the second", "the third"):
        await najva(*najva_send(text=text))
    found = [
        (await rest.get(f"/api/messages/wait?number={NUMBER}{rest_of}"))["message"]["text"]
        for rest_of in ("", "&after=0", "&after=1", "&text=SECOND")
    ]
    assert found == ["the third", "the first", "the second", "the second"]


async def test_waiting_in_vain_is_null(rest: Any, box: Sandbox) -> None:
    box.feed("sepahan", sender=NUMBER, number="5000", text="not one that went out")
    assert await rest.get(f"/api/messages/wait?number={NUMBER}&timeout=0.05") == {"message": None}


async def test_the_last_code_of_a_number(rest: Any, najva: Any, box: Sandbox) -> None:
    await najva(*najva_send(text="کد شما: ۱۱۱۱"))
    await najva(*najva_send(text="کد شما: ۲۲۲۲"))
    await najva(*najva_send(text="متشکریم"))
    found = await rest.get(f"/api/codes/{NUMBER}")
    assert (found["code"], found["message"]["seq"]) == ("2222", 2)
    assert (box.last_code("+98 912 345 6789"), box.last_code("09120000000")) == ("2222", None)
    assert (await rest("GET", "/api/codes/09120000000")).status == 404


CODES = [
    ("کد تایید شما: ۱۲۳۴۵", "12345"),
    ("Your code is 4821.", "4821"),
    ("123456 is your OTP", "123456"),
    ("رمز یکبار مصرف 87654321 تا 14:30 معتبر است", "87654321"),
    ("سفارش 99887 ثبت شد. کد: 4512", "4512"),
    ("مبلغ 250000 ریال، کد 7731", "7731"),
    ("Call 021-88776655. Pin 9911", "9911"),
    ("ورود به سایت\n\n@example.com #556677", "556677"),
    ("تاریخ 1404/10/10 ساعت 12:30", None),
    ("مبلغ 250000 تومان", None),
    ("123", None),
    ("123456789", None),
    ("4821", "4821"),
    ("۱۲۳۴۵۶", "123456"),
    ("رمز:739204", "739204"),
    ("code:4821", "4821"),
    ("G-123456 is your Google verification code", "123456"),
    ("۱۲۳۴ کد ورود شماست", "1234"),
    ("کدتأیید ۱۲۳۴", "1234"),
    ("كد تائيد: ۱۲۳۴", "1234"),
    ("کد تایید سفارش شما: ۱۲۳۴", "1234"),
    ("کد تایید سفارش ۷۷۴۱۲: ۱۲۳۴", "1234"),
    ("رمز پویا برای خرید 1,250,000 ریال از فروشگاه: 739204", "739204"),
    ("پیک در راه است. کد تحویل: ۵۸۱۳", "5813"),
    ("کد سفارش ۷۷۴۱۲. کد تایید: ۱۲۳۴", "1234"),
    ("Order 77412 is placed. Your verification code: 1234", "1234"),
    ("سفارش ۷۷۴۱۲ ثبت شد", None),
    ("سفارش شماره ۷۷۴۱۲ ثبت شد", None),
    ("شماره سفارش: ۷۷۴۱۲", None),
    ("کد سفارش ۷۷۴۱۲", None),
    ("کد سفارش شما: ۷۷۴۱۲", None),
    ("کد تخفیف: 2024", None),
    ("با کد YALDA1404 تخفیف بگیرید", None),
    ("با کد تخفیف ۱۴۰۴ خرید کنید", None),
    ("کد پیگیری: 12345678", None),
    ("کدپیگیری: 12345678", None),
    ("کد‌ پیگیری 12345678", None),
    ("کد رهگیری مرسوله ۸۸۷۷۶۶", None),
    ("کد پستی ۱۲۳۴۵ ثبت شد", None),
    ("کد ملی 12345678", None),
    ("۷۷۴۱۲ کد سفارش شماست", None),
    ("کدام شعبه؟ ۱۲۳۴", None),
    ("قیمت رمزارز به ۹۸۷۶۵ رسید", None),
    ("فاکتور 4512 پرداخت شد", None),
    ("Order 77412 was placed", None),
    ("Your order code is 77412", None),
    ("Order code: 77412", None),
    ("discount code 2024", None),
    ("Tracking code 12345678", None),
    ("postal code 12345", None),
    ("decode 77412", None),
    ("Invoice #4512 is due", None),
    ("از سال 1390 در خدمت شما", None),
    ("سلام", None),
]


@pytest.mark.parametrize(("text", "code"), CODES)
def test_a_code_is_told_from_other_numbers(text: str, code: str | None) -> None:
    assert code_in(text) == code


# Conversations, inbound


@pytest.mark.parametrize(
    "text", ["@" * 60_000, "@" * 60_000 + " #", "کد" * 30_000, "1234" + " " * 60_000 + "x", "0:" * 30_000]
)
def test_a_text_made_to_be_slow_is_searched_as_fast_as_any(text: str) -> None:
    start = time.thread_time()
    code_in(text)
    assert time.thread_time() - start < 0.1


def test_a_code_is_looked_for_in_the_first_1000_characters() -> None:
    assert code_in("🙂" * 990 + " کد ۴۸۲۱") == "4821"
    assert code_in("a" * 1000 + " 4821") is None


async def test_looking_for_a_code_keeps_nobody_waiting(
    rest: Any, najva: Any, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, found = threading.Event(), threading.Event()

    def slow(_: str) -> str:
        looking.set()
        assert found.wait(60)
        return "4821"

    await najva(*najva_send())
    monkeypatch.setattr(search, "code_in", slow)
    answer = asyncio.create_task(rest.get(f"/api/codes/{NUMBER}"))
    assert await asyncio.to_thread(looking.wait, 5)
    await rest.get("/api/messages")
    found.set()
    assert (await answer)["code"] == "4821"


async def test_conversations_are_of_the_numbers_heard_of_last(rest: Any, najva: Any, box: Sandbox) -> None:
    await najva(*najva_send(NUMBER, "09120000001"))
    box.feed("sepahan", sender="9123456789", number="50003300", text="لغو")
    found = await rest.get("/api/conversations")
    assert [(one["number"], one["provider"], one["count"], one["last"]["seq"]) for one in found] == [
        (E164, "sepahan", 2, 3),
        ("+989120000001", "najva", 1, 2),
    ]
    assert len(await rest.get("/api/conversations?limit=1")) == 1
    assert [message["seq"] for message in await rest.get(f"/api/conversations/{quote(E164)}")] == [1, 3]
    assert await rest.get("/api/conversations/09120000009") == []


async def test_an_inbound_message_is_handed_out_by_the_provider(rest: Any, sepahan: Any) -> None:
    body = {"provider": "sepahan", "sender": NUMBER, "number": "50003300", "text": "لغو"}
    answer = await rest("POST", "/api/inbound", body)
    assert (answer.status, answer.body["direction"], answer.body["seq"]) == (200, "in", 1)
    [row] = (await sepahan("POST", "/api/SmsReport/Receive", {})).body["value"]
    assert (row["sendNumber"], row["messageText"]) == (NUMBER, "لغو")


# Changing


async def test_a_status_set_by_hand_is_what_the_provider_answers(rest: Any, najva: Any) -> None:
    await najva(*najva_send())
    assert (await rest("PUT", "/api/messages/1/status", {"code": 14})).body["status"] == "blocked"
    [row] = (await najva("POST", "/v2/sms/status", {"messageids": [2**53 + 1]})).body["entries"]
    assert row["status"] == 14
    assert najva.credit == 1_000_000_000


async def test_a_status_is_one_of_the_providers_and_of_a_message_that_went_out(
    rest: Any, najva: Any, box: Sandbox
) -> None:
    await najva(*najva_send())
    box.feed("sepahan", sender=NUMBER, number="5000", text="a")
    assert (await rest("PUT", "/api/messages/1/status", {"code": 99})).status == 422
    assert (await rest("PUT", "/api/messages/2/status", {"code": 1})).status == 409
    assert (await rest("PUT", "/api/messages/3/status", {"code": 1})).status == 404


async def test_messages_are_cleared_of_one_provider_or_of_all(rest: Any, najva: Any, sepahan: Any) -> None:
    for _ in range(2):
        await najva(*najva_send())
        await sepahan(*sepahan_send())
    assert (await rest("DELETE", "/api/messages?provider=najva")).body == {"cleared": 2}
    assert await seqs(rest, "") == [4, 2]
    assert najva.credit == 1_000_000_000
    assert (await rest("DELETE", "/api/messages?provider=none")).status == 422
    assert (await rest("DELETE", "/api/messages")).body == {"cleared": 2}
    await najva(*najva_send())
    assert await seqs(rest, "") == [5]


async def test_the_clock_only_moves_forward(rest: Any, najva: Any) -> None:
    await najva(*najva_send())
    assert (await rest("PUT", "/api/clock", {"advance": 5})).body == {"now": "2025-10-09T08:53:25Z", "ahead": 5.0}
    assert (await rest.get("/api/messages/1"))["status"] == "delivered"
    for seconds in (-1, 1e300):
        assert (await rest("PUT", "/api/clock", {"advance": seconds})).status == 422
    assert (await rest.get("/api/clock"))["ahead"] == 5.0


async def test_the_clock_goes_at_most_a_hundred_years_ahead(rest: Any) -> None:
    century = 100 * 365 * 86400
    assert (await rest("PUT", "/api/clock", {"advance": century})).status == 200
    assert "100 years" in (await rest("PUT", "/api/clock", {"advance": century})).body["error"]
    assert (await rest.get("/api/clock"))["now"].startswith("2125-")


async def test_the_credit_of_an_account(rest: Any, najva: Any) -> None:
    account = {"provider": "najva", "token": "token"}
    assert (await rest("PUT", "/api/credit", account | {"credit": 5})).body == {"credit": 5}
    assert (await rest("POST", "/api/credit", account)).body == {"credit": 5}
    assert (await najva(*najva_send())).status == 418


async def test_choices_are_the_providers_own(rest: Any, box: Sandbox) -> None:
    choices = await rest.get("/api/choices")
    providers = {provider["name"]: provider for provider in choices["providers"]}
    assert {name: provider["base_url"] for name, provider in providers.items()} == box_urls(box)
    assert providers["najva"]["calls"] == ["send", "send-p2p", "lookup", "bale", "status", "outbox"]
    assert {"code": -14, "words": "موجودی کاربر کافی نیست"} in providers["sepahan"]["error_codes"]
    assert [error["code"] for error in providers["najva"]["error_codes"]] == [400, 413, 414, 418]
    assert {"kind": "refuse", "needs": ["code"]}.items() <= choices["fault_kinds"][0].items()
    assert choices["special_recipients"][0]["recipient"] == "+989990000001"


def box_urls(box: Sandbox) -> dict[str, str]:
    return {name: box.url(name) for name in box.providers}


# Who may call

CHANGES = [
    ("DELETE", "/api/messages", None),
    ("POST", "/api/faults", {"kind": "html"}),
    ("PUT", "/api/clock", {"advance": 1}),
    ("PUT", "/api/webhook", {"url": None}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost", "http://["]
)
async def test_a_page_of_another_origin_changes_nothing(
    rest: Any, method: str, path: str, body: object, origin: str
) -> None:
    answer = await rest(method, path, body, headers={"Origin": origin})
    assert answer.status == 403
    assert "origin" in answer.body["error"]


async def test_the_sandboxs_own_page_may_change_it(rest: Any) -> None:
    answer = await rest("PUT", "/api/clock", {"advance": 1}, headers={"Origin": rest.origin})
    assert answer.status == 200


async def test_only_json_is_read(rest: Any) -> None:
    for content_type, body, status in (
        ("text/plain", b'{"advance": 1}', 415),
        ("application/json", b"{", 400),
        ("application/json", b"\xff", 400),
        ("application/json", b"[]", 422),
        ("application/json", b'{"advance": "1"}', 422),
        ("application/json", b'{"advance": 1, "more": 1}', 422),
        ("application/json", b" " * (1024 * 1024 + 1), 413),
        ("application/json", b'{"advance":' + b"[" * 200_000, 400),
    ):
        async with rest.session.put(
            f"{rest.origin}/api/clock", data=io.BytesIO(body), headers={"Content-Type": content_type}
        ) as response:
            assert (response.status, set(await response.json())) == (status, {"error"}), body[:20]


@pytest.mark.parametrize("query", ["?nope=1", "?limit=0", "?limit=1001", "?limit=x", "?before=null", "?status=none"])
async def test_a_query_that_does_not_fit_is_refused(rest: Any, query: str) -> None:
    assert (await rest("GET", f"/api/messages{query}")).status == 422


PLAIN = [
    ("GET", "/api/messages?text=" + "a" * 201, None, "text must have at most 200 characters."),
    ("GET", "/api/messages?number=", None, "number is empty: give a value, or leave it out."),
    ("GET", "/api/messages?limit=0", None, "limit must be 1 or more."),
    ("GET", "/api/messages/wait?timeout=61", None, "timeout must be 60.0 or less."),
    ("GET", "/api/messages/first", None, "seq must be a whole number."),
    ("POST", "/api/faults", {"kind": "html", "times": "2"}, "times must be a whole number or null."),
    ("POST", "/api/faults", {"kind": "a"}, "kind has no such value: /openapi.json lists the valid ones."),
    ("PUT", "/api/clock", {}, "advance is required."),
    ("PUT", "/api/clock", [], "The body must be an object."),
]


@pytest.mark.parametrize(("method", "path", "body", "words"), PLAIN)
async def test_what_does_not_fit_is_said_in_plain_words(
    rest: Any, method: str, path: str, body: object, words: str
) -> None:
    answer = await rest(method, path, body)
    assert (answer.status, answer.body) == (422, {"error": words})


async def test_a_parameter_is_there_once(rest: Any) -> None:
    assert "twice" in (await rest("GET", "/api/messages?limit=1&limit=2")).body["error"]


async def test_an_unknown_path_or_method_says_what_there_is(rest: Any) -> None:
    assert "/openapi.json" in (await rest("GET", "/api/nothing")).body["error"]
    async with rest.session.patch(f"{rest.origin}/api/messages/1/status") as response:
        assert (response.status, response.headers["Allow"]) == (405, "PUT")


async def test_the_page_and_its_files_may_run_nothing_but_their_own(rest: Any) -> None:
    for path, kind in (("/", "text/html"), ("/static/style.css", "text/css")):
        async with rest.session.get(rest.origin + path) as response:
            assert (response.status, response.content_type) == (200, kind)
            assert "default-src 'self'" in response.headers["Content-Security-Policy"]


OTHER_FILES = ["../box.py", "%2e%2e/box.py", "..%2fbox.py", "/etc/passwd", "none.js", "%00", "a" * 300]


@pytest.mark.parametrize("name", OTHER_FILES)
async def test_no_other_file_is_served(rest: Any, name: str) -> None:
    where = urlsplit(rest.origin)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(f"GET /static/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert b" 404 " in (await reader.read()).splitlines()[0]
    writer.close()
    await writer.wait_closed()


# Its description


async def test_the_description_has_every_route(rest: Any) -> None:
    description = await rest.get("/openapi.json")
    assert description["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, methods in description["paths"].items() for method in methods}
    assert described == {(route.method, route.url) for route in ROUTES}
    names = [operation["operationId"] for methods in description["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)
