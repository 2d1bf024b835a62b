"""IPPanel Edge's reports: bulk messages, their recipients and statistics, and the inbox."""

from typing import Any

import pytest

from ippanel_sms.sandbox import PRICE, outbox
from smscore.sandbox import Sandbox

NOON = 1_760_000_000
ONE = "/api/report/by_bulk"
LIST = "/api/report/new_list"
RECIPIENTS = "/api/report/recipients"
STATISTICS = "/api/report/bulk_stats"
INBOX = "/api/report/messages-inbox"
WEBSERVICE: dict[str, Any] = {
    "sending_type": "webservice",
    "from_number": "+983000505",
    "message": "متن پیام",
    "params": {"recipients": ["+989120000000", "+989350000000"]},
}
VOTP = {"sending_type": "votp", "message": "45852", "params": {"recipients": ["+989120000000"]}}
IN_TEN_MINUTES = {"send_time": "2025-10-09 09:03:20"}


async def send(ippanel: Any, **changes: Any) -> int:
    answer = await ippanel("POST", "/api/send", WEBSERVICE | changes)
    [only] = answer.body["data"]["message_outbox_ids"]
    return only


async def bulk(ippanel: Any, given: int) -> dict[str, Any]:
    answer = await ippanel("GET", f"{ONE}?messages_outbox_id={given}")
    assert (answer.status, answer.body["meta"]) == (
        200,
        {"status": True, "message": "انجام شد", "message_code": "200-1"},
    )
    return answer.body["data"]


async def listed(ippanel: Any, **filters: Any) -> list[int]:
    answer = await ippanel("POST", LIST, {"filters": filters})
    assert answer.status == 200, answer.body
    return [int(row["messages_outbox_id"]) for row in answer.body["data"]]


def errors(answer: Any, http_status: int = 422, code: str = "400-2") -> dict[str, list[str]]:
    meta = answer.body["meta"]
    assert (answer.status, answer.body["data"], meta["status"], meta["message_code"]) == (
        http_status,
        None,
        False,
        code,
    )
    return meta["errors"]


# One bulk message


async def test_a_sent_bulk_is_reported_with_its_numbers_as_texts(ippanel: Any, box: Sandbox) -> None:
    given = await send(ippanel)
    box.advance(5)
    assert await bulk(ippanel, given) == {
        "number": "+983000505",
        "messages_outbox_id": str(given),
        "state": "finish",
        "type": "webservice",
        "time_send": str(NOON),
        "time": str(NOON),
        "rcpts_count": "2",
        "exit_count": "2",
        "status": "پایان یافته",
        "message": "متن پیام",
        "part": "1",
        "cost": 2 * PRICE,
        "state_id": 6,
    }


async def test_a_voice_message_is_reported_as_in_the_sample(ippanel: Any) -> None:
    answer = await ippanel("POST", "/api/send", VOTP)
    row = await bulk(ippanel, answer.body["data"]["message_outbox_ids"][0])
    assert (row["number"], row["type"], row["message"]) == ("+98votp", "sendvoice", "45852")


async def test_a_bulk_goes_from_the_queue_over_sending_to_sent(ippanel: Any, box: Sandbox) -> None:
    given = await send(ippanel, **IN_TEN_MINUTES)
    states = []
    for seconds in (0, 600, 1):
        box.advance(seconds)
        row = await bulk(ippanel, given)
        states.append((row["state_id"], row["exit_count"], row["time_send"]))
    assert states == [(5, "0", str(NOON + 600)), (2, "0", str(NOON + 600)), (6, "2", str(NOON + 600))]


async def test_a_cancelled_bulk_is_in_state_7_for_good(ippanel: Any, box: Sandbox) -> None:
    given = await send(ippanel, **IN_TEN_MINUTES)
    await ippanel("POST", "/api/send/cancel", {"message_outbox_id": given})
    for _ in range(2):
        row = await bulk(ippanel, given)
        assert (row["state_id"], row["exit_count"], row["rcpts_count"]) == (7, "0", "2")
        box.advance(3600)


async def test_a_bulk_that_reached_nobody_has_a_report(ippanel: Any, box: Sandbox) -> None:
    nobody = {"start": 10**6, "size": 1}
    segment = {"bank": "all", "postal_code": 131, "gender": 0, "age_from": 1300, "age_to": 1410}
    segments = [segment | dict.fromkeys(("mci", "irancell", "other"), nobody)]
    given = await send(ippanel, sending_type="postal_code", params=segments)
    row = await bulk(ippanel, given)
    assert (row["state_id"], row["rcpts_count"], row["cost"]) == (6, "0", 0)


@pytest.mark.parametrize("path", [f"{ONE}?messages_outbox_id=1", f"{RECIPIENTS}?bulk_id=1", f"{STATISTICS}?bulk_id=1"])
async def test_an_unknown_bulk_is_404(ippanel: Any, path: str) -> None:
    assert errors(await ippanel("GET", path), 404, "400-1") == {}


@pytest.mark.parametrize(
    ("path", "name"), [(ONE, "messages_outbox_id"), (RECIPIENTS, "bulk_id"), (STATISTICS, "bulk_id")]
)
async def test_another_accounts_bulk_is_404(ippanel: Any, path: str, name: str) -> None:
    given = await send(ippanel)
    assert errors(await ippanel("GET", f"{path}?{name}={given}", authorization="other"), 404, "400-1") == {}


@pytest.mark.parametrize("value", ["", "=", "=a", "=-1", "=1.5", "=%D9%A1", "=" + "9" * 5000])
@pytest.mark.parametrize(
    ("path", "name"), [(ONE, "messages_outbox_id"), (RECIPIENTS, "bulk_id"), (STATISTICS, "bulk_id")]
)
async def test_an_invalid_bulk_id_is_refused(ippanel: Any, path: str, name: str, value: str) -> None:
    assert set(errors(await ippanel("GET", f"{path}?{name}{value}"))) == {name}


async def test_a_missing_bulk_id_is_refused_in_the_documents_words(ippanel: Any) -> None:
    answer = await ippanel("GET", RECIPIENTS)
    assert errors(answer) == {"bulk_id": ["تکمیل گزینه bulk_id الزامی است"]}
    assert answer.body["meta"]["message"] == "تکمیل گزینه bulk_id الزامی است"


async def test_the_oldest_bulks_are_forgotten_when_there_are_too_many(
    ippanel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "KEPT", 4)
    first, second, third = [await send(ippanel) for _ in range(3)]
    assert await listed(ippanel) == [third, second]
    assert (await ippanel("GET", f"{ONE}?messages_outbox_id={first}")).status == 404


async def test_the_newest_bulk_is_kept_however_large(ippanel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "KEPT", 1)
    sent = [await send(ippanel) for _ in range(2)]
    assert await listed(ippanel) == sent[1:]


# All of them


async def test_bulks_are_listed_newest_first(ippanel: Any) -> None:
    first, second = await send(ippanel), await send(ippanel)
    assert await listed(ippanel) == [second, first]


async def test_a_listed_bulk_is_as_it_is_alone(ippanel: Any) -> None:
    given = await send(ippanel)
    answer = await ippanel("POST", LIST, {})
    assert answer.body["data"] == [await bulk(ippanel, given)]


async def test_another_accounts_bulks_are_not_listed(ippanel: Any) -> None:
    await send(ippanel)
    assert (await ippanel("POST", LIST, {}, authorization="other")).body["data"] == []


async def test_bulks_come_by_pages(ippanel: Any) -> None:
    sent = [await send(ippanel) for _ in range(5)]
    answer = await ippanel("POST", LIST, {"page": 2, "limit": 2})
    assert [int(row["messages_outbox_id"]) for row in answer.body["data"]] == [sent[2], sent[1]]
    assert answer.body["meta"] == {
        "current_page": 2,
        "from": 3,
        "last_page": 3,
        "path": "/api/report/new_list",
        "per_page": 2,
        "to": 4,
        "total": 5,
        "status": True,
        "message": "انجام شد",
        "message_code": "200-1",
    }


@pytest.mark.parametrize("page", [2, 10**9])
async def test_a_page_past_the_end_is_empty(ippanel: Any, page: int) -> None:
    await send(ippanel)
    answer = await ippanel("POST", LIST, {"page": page, "limit": 10**9})
    meta = answer.body["meta"]
    assert (answer.body["data"], meta["from"], meta["to"], meta["total"], meta["last_page"]) == ([], None, None, 1, 1)


async def test_a_page_has_ten_unless_told(ippanel: Any) -> None:
    for _ in range(11):
        await send(ippanel)
    answer = await ippanel("POST", LIST, {"filters": {}})
    assert (len(answer.body["data"]), answer.body["meta"]["per_page"]) == (10, 10)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"number": "+98BANK"}, {"later"}),
        ({"number": "+98"}, set()),
        ({"message": "فردا"}, {"later"}),
        ({"message": "پیام"}, {"now"}),
        ({"message": ""}, {"now", "later"}),
        ({"state_id": "6"}, {"now"}),
        ({"state_id": "5"}, {"later"}),
        ({"state_id": "9"}, set()),
        ({"create_from_date": str(NOON)}, {"now", "later"}),
        ({"create_from_date": str(NOON + 1)}, {"later"}),
        ({"create_to_date": str(NOON)}, {"now"}),
        ({"create_to_date": str(NOON - 1)}, set()),
        ({"send_from_date": str(NOON + 600)}, {"later"}),
        ({"send_to_date": str(NOON + 599)}, {"now"}),
        ({"from_exit_count": 1}, {"now"}),
        ({"to_exit_count": 0}, {"later"}),
        ({"from_exit_count": 1, "to_exit_count": 1}, set()),
        ({"state_id": "6", "number": "+98BANK"}, set()),
        ({"username": "*"}, {"now", "later"}),
    ],
)
async def test_filters_narrow_the_list(ippanel: Any, box: Sandbox, filters: dict[str, Any], found: set[str]) -> None:
    ids = {await send(ippanel): "now"}
    box.advance(60)
    ids[await send(ippanel, from_number="+98BANK", message="تا فردا", **IN_TEN_MINUTES)] = "later"
    assert {ids[given] for given in await listed(ippanel, **filters)} == found


async def test_one_bulk_is_found_by_its_id(ippanel: Any) -> None:
    first, _ = await send(ippanel), await send(ippanel)
    assert await listed(ippanel, messages_outbox_id=str(first)) == [first]


async def test_an_unknown_state_is_refused_as_in_the_sample(ippanel: Any) -> None:
    answer = await ippanel("POST", LIST, {"filters": {"state_id": "10"}})
    assert errors(answer, 422, "400-31") == {}
    assert answer.body["meta"]["message"] == "invalid state"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"page": 0}, "page"),
        ({"page": "1"}, "page"),
        ({"page": 10**9 + 1}, "page"),
        ({"limit": -1}, "limit"),
        ({"limit": True}, "limit"),
        ({"filters": [1]}, "filters"),
        ({"filters": {"number": 983000505}}, "filters.number"),
        ({"filters": {"state_id": 6}}, "filters.state_id"),
        ({"filters": {"messages_outbox_id": 1}}, "filters.messages_outbox_id"),
        ({"filters": {"create_from_date": NOON}}, "filters.create_from_date"),
        ({"filters": {"send_to_date": "2025-10-09"}}, "filters.send_to_date"),
        ({"filters": {"from_exit_count": "1"}}, "filters.from_exit_count"),
    ],
)
async def test_a_wrong_field_of_a_list_is_named(ippanel: Any, body: dict[str, Any], wrong: str) -> None:
    assert set(errors(await ippanel("POST", LIST, body))) == {wrong}


# Recipients


async def test_recipients_have_their_status_as_a_text(ippanel: Any, box: Sandbox) -> None:
    given = await send(ippanel)
    box.advance(1)
    answer = await ippanel("GET", f"{RECIPIENTS}?bulk_id={given}")
    row = {"message": "متن پیام", "is_readable": True, "msg_parts": "1", "message_status": "1"}
    assert answer.body["data"] == [{"recipient": f"+989{rest}"} | row for rest in ("120000000", "350000000")]


@pytest.mark.parametrize("code", [2, 3, 4])
async def test_a_settled_status_is_the_recipients(ippanel: Any, box: Sandbox, code: int) -> None:
    given = await send(ippanel)
    box.settle("ippanel", given, code)
    answer = await ippanel("GET", f"{RECIPIENTS}?bulk_id={given}")
    assert {row["message_status"] for row in answer.body["data"]} == {str(code)}


async def test_the_recipients_of_a_long_text_have_its_parts(ippanel: Any) -> None:
    given = await send(ippanel, message="پ" * 71)
    answer = await ippanel("GET", f"{RECIPIENTS}?bulk_id={given}")
    assert {row["msg_parts"] for row in answer.body["data"]} == {"2"}


async def test_recipients_come_by_pages_in_the_order_given(ippanel: Any) -> None:
    numbers = [f"+98912000000{index}" for index in range(5)]
    given = await send(ippanel, params={"recipients": numbers})
    answer = await ippanel("GET", f"{RECIPIENTS}?bulk_id={given}&page=3&per_page=2")
    meta = answer.body["meta"]
    assert [row["recipient"] for row in answer.body["data"]] == numbers[4:]
    assert (meta["current_page"], meta["per_page"], meta["total"], meta["last_page"]) == (3, 2, 5, 3)
    assert (meta["from"], meta["to"], meta["path"]) == (5, 5, RECIPIENTS)


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=a", "per_page=0", "per_page=1.5", "per_page=%D9%A1"])
async def test_an_invalid_page_is_refused(ippanel: Any, query: str) -> None:
    given = await send(ippanel)
    assert set(errors(await ippanel("GET", f"{RECIPIENTS}?bulk_id={given}&{query}"))) == {query.split("=")[0]}


# Statistics

NUMBERS = ["+989120000000", "+989910000000", "+989350000000", "+989020000000", "+989410000000", "+989210000000"]


async def statistics(ippanel: Any, given: int) -> dict[str, Any]:
    answer = await ippanel("GET", f"{STATISTICS}?bulk_id={given}")
    assert answer.status == 200
    names = ("blacklist", "failed", "pending", "sent", "delivered")
    assert set(answer.body["data"]) == {f"operators_{name}" for name in names}
    return answer.body["data"]


NONE = {"mci": {"fa": 0, "en": 0}, "irancell": {"fa": 0, "en": 0}}


@pytest.mark.parametrize(
    ("seconds", "name"), [(0, "operators_pending"), (1, "operators_sent"), (2, "operators_delivered")]
)
async def test_recipients_are_counted_where_they_stand(ippanel: Any, box: Sandbox, seconds: float, name: str) -> None:
    given = await send(ippanel, params={"recipients": NUMBERS})
    box.advance(seconds)
    found = await statistics(ippanel, given)
    assert found.pop(name) == {"mci": {"fa": "2", "en": 0}, "irancell": {"fa": "3", "en": 0}}
    assert all(counts == NONE for counts in found.values())


@pytest.mark.parametrize(("code", "name"), [(3, "operators_failed"), (4, "operators_blacklist")])
async def test_settled_recipients_are_counted_as_such(ippanel: Any, box: Sandbox, code: int, name: str) -> None:
    given = await send(ippanel)
    box.settle("ippanel", given, code)
    found = await statistics(ippanel, given)
    assert found.pop(name) == {"mci": {"fa": "1", "en": 0}, "irancell": {"fa": "1", "en": 0}}
    assert all(counts == NONE for counts in found.values())


async def test_a_latin_text_is_counted_as_english(ippanel: Any) -> None:
    given = await send(ippanel, message="hello")
    found = await statistics(ippanel, given)
    assert found["operators_pending"] == {"mci": {"fa": 0, "en": "1"}, "irancell": {"fa": 0, "en": "1"}}


# Inbox


def feed(box: Sandbox, text: str, sender: str = "+989122222222", number: str = "+981000123") -> None:
    box.feed("ippanel", sender=sender, number=number, text=text)


async def received(ippanel: Any, body: object = None) -> list[dict[str, Any]]:
    answer = await ippanel("POST", INBOX, body)
    assert answer.status == 200, answer.body
    return answer.body["data"]


async def test_an_incoming_message_is_in_the_inbox(ippanel: Any, box: Sandbox) -> None:
    feed(box, "سلام")
    [row] = await received(ippanel, {})
    assert type(row.pop("messages_inbox_id")) is int
    assert row == {
        "from": "+989122222222",
        "number": "+981000123",
        "message": "سلام",
        "type": "normal",
        "time": NOON,
        "seen": "0",
    }


@pytest.mark.parametrize(
    ("given", "shown"),
    [("09122222222", "+989122222222"), ("1000123", "+981000123"), ("+98BANK", "+98BANK"), ("Bank", "Bank")],
)
async def test_a_number_is_shown_as_e164(ippanel: Any, box: Sandbox, given: str, shown: str) -> None:
    feed(box, "a", sender=given, number=given)
    [row] = await received(ippanel)
    assert (row["from"], row["number"]) == (shown, shown)


async def test_incoming_messages_are_listed_newest_first_and_again(ippanel: Any, box: Sandbox) -> None:
    for text in "abc":
        feed(box, text)
    for _ in range(2):
        assert [row["message"] for row in await received(ippanel)] == ["c", "b", "a"]


async def test_an_incoming_message_keeps_its_id(ippanel: Any, box: Sandbox) -> None:
    feed(box, "a")
    [first] = await received(ippanel)
    feed(box, "b")
    assert [row["messages_inbox_id"] for row in await received(ippanel)][1] == first["messages_inbox_id"]


async def test_from_an_id_on_there_are_only_newer_ones(ippanel: Any, box: Sandbox) -> None:
    feed(box, "a")
    [first] = await received(ippanel)
    after = {"filters": {"from_id": first["messages_inbox_id"]}}
    assert await received(ippanel, after) == []
    feed(box, "b")
    assert [row["message"] for row in await received(ippanel, after)] == ["b"]


async def test_an_id_stays_good_over_a_clear(ippanel: Any, box: Sandbox) -> None:
    feed(box, "a")
    [first] = await received(ippanel)
    box.clear()
    feed(box, "b")
    after = {"filters": {"from_id": first["messages_inbox_id"]}}
    assert [row["message"] for row in await received(ippanel, after)] == ["b"]


async def test_the_inbox_comes_by_pages(ippanel: Any, box: Sandbox) -> None:
    for text in "abcde":
        feed(box, text)
    answer = await ippanel("POST", INBOX, {"page": 2, "per_page": 2})
    assert [row["message"] for row in answer.body["data"]] == ["c", "b"]
    assert (answer.body["meta"]["path"], answer.body["meta"]["total"]) == (INBOX, 5)


async def test_another_providers_messages_are_not_in_the_inbox(ippanel: Any, box: Sandbox) -> None:
    box.feed("sepahan", sender="09123456789", number="50003300", text="a")
    assert await received(ippanel) == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"page": 0}, "page"),
        ({"per_page": "10"}, "per_page"),
        ({"filters": "a"}, "filters"),
        ({"filters": {"from_id": "125"}}, "filters.from_id"),
        ({"filters": {"from_id": -1}}, "filters.from_id"),
    ],
)
async def test_a_wrong_field_of_the_inbox_is_named(ippanel: Any, body: dict[str, Any], wrong: str) -> None:
    assert set(errors(await ippanel("POST", INBOX, body))) == {wrong}
