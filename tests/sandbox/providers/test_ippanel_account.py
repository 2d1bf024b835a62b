"""IPPanel Edge's account: its credit, its lines, and whose token it is."""

from typing import Any

import pytest

from ippanel_sms.sandbox import PRICE
from smscore.sandbox import Sandbox

CREDIT = "/api/payment/credit/mine"
NUMBERS = "/api/number/numbers"
CHECK_TOKEN = "/api/acl/auth/check_token"
OPENING = 1_000_000_000
DAY = 86_400
SCHEDULED: dict[str, Any] = {
    "sending_type": "webservice",
    "from_number": "+983000505",
    "message": "متن پیام",
    "params": {"recipients": ["+989120000000"]},
    "send_time": "2025-10-10 12:00:00",  # the sandbox's time is 2025-10-09 08:53:20
}


async def credit(ippanel: Any) -> tuple[float, float]:
    data = (await ippanel("GET", CREDIT)).body["data"]
    return data["credit"], data["yesterday_credit"]


async def test_the_credit_is_as_in_the_sample(ippanel: Any) -> None:
    answer = await ippanel("GET", CREDIT)
    assert (answer.status, answer.body) == (
        200,
        {
            "data": {
                "credit": 1e9,
                "yesterday_credit": 1e9,
                "gift": 0,
                "gift_expires_at": None,
                "updated_at": "2025-10-09 08:53:20",
            },
            "meta": {"status": True, "message": "انجام شد", "message_code": "200-1"},
        },
    )
    assert type(answer.body["data"]["credit"]) is float


async def test_a_send_lowers_the_credit_and_not_that_of_yesterday(ippanel: Any) -> None:
    await ippanel("POST", "/api/send", SCHEDULED)
    assert await credit(ippanel) == (OPENING - PRICE, OPENING)


async def test_yesterdays_credit_is_what_the_day_before_left(ippanel: Any, box: Sandbox) -> None:
    await ippanel("POST", "/api/send", SCHEDULED)
    box.advance(DAY)
    await ippanel("POST", "/api/send", SCHEDULED)
    assert await credit(ippanel) == (OPENING - 2 * PRICE, OPENING - PRICE)


@pytest.mark.parametrize(("passed", "yesterday"), [(0, OPENING), (DAY, OPENING - PRICE)])
async def test_a_cancelled_bulk_is_in_the_credit_of_its_day(
    ippanel: Any, box: Sandbox, passed: float, yesterday: int
) -> None:
    answer = await ippanel("POST", "/api/send", SCHEDULED)
    [given] = answer.body["data"]["message_outbox_ids"]
    box.advance(passed)
    assert (await ippanel("POST", "/api/send/cancel", {"message_outbox_id": given})).status == 200
    assert await credit(ippanel) == (OPENING, yesterday)


async def test_a_credit_set_by_hand_is_given(ippanel: Any, box: Sandbox) -> None:
    box.set_credit("ippanel", "token", 5)
    assert (await credit(ippanel))[0] == 5.0


async def test_each_token_has_a_credit_of_its_own(ippanel: Any) -> None:
    await ippanel("POST", "/api/send", SCHEDULED, authorization="other")
    assert await credit(ippanel) == (OPENING, OPENING)


# Lines


async def test_the_documents_lines_are_the_accounts(ippanel: Any) -> None:
    answer = await ippanel("GET", NUMBERS)
    assert (answer.status, answer.body["data"]) == (
        200,
        [
            {"id": 10001, "number": "+983000505", "operator_id": 1},
            {"id": 10002, "number": "+981000123", "operator_id": 2},
            {"id": 10003, "number": "+98BANK", "operator_id": 3},
        ],
    )


async def test_lines_come_by_pages(ippanel: Any) -> None:
    answer = await ippanel("GET", NUMBERS + "?page=2&per_page=2")
    assert [row["id"] for row in answer.body["data"]] == [10003]
    assert (answer.body["meta"]["total"], answer.body["meta"]["path"]) == (3, NUMBERS)


@pytest.mark.parametrize("query", ["page=0", "per_page=a"])
async def test_an_invalid_page_of_lines_is_refused(ippanel: Any, query: str) -> None:
    answer = await ippanel("GET", f"{NUMBERS}?{query}")
    assert (answer.status, set(answer.body["meta"]["errors"])) == (422, {query.split("=")[0]})


# Whose token


async def test_a_token_has_a_user_who_may_send(ippanel: Any) -> None:
    answer = await ippanel("POST", CHECK_TOKEN)
    data = answer.body["data"]
    assert (answer.status, set(data)) == (200, {"user_name", "user_id", "send_block"})
    assert (type(data["user_name"]), type(data["user_id"]), data["send_block"]) == (str, int, False)


async def test_a_token_has_one_user_and_another_token_another(ippanel: Any) -> None:
    first, again, other = [
        (await ippanel("POST", CHECK_TOKEN, authorization=token)).body["data"] for token in ("token", "token", "other")
    ]
    assert first == again
    assert first["user_id"] != other["user_id"]
    assert first["user_name"] != other["user_name"]


@pytest.mark.parametrize(("method", "path"), [("GET", CREDIT), ("GET", NUMBERS), ("POST", CHECK_TOKEN)])
async def test_without_a_token_the_answer_is_401(ippanel: Any, method: str, path: str) -> None:
    answer = await ippanel(method, path, authorization="Bearer token")
    assert (answer.status, answer.body["meta"]["message_code"]) == (401, "400-1")
