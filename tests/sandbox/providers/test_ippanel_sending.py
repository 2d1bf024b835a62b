"""IPPanel Edge's sends of one text each, by pattern and by voice; cancelling and pricing."""

from typing import Any

import pytest

from ippanel_sms.sandbox import ERROR_LIMIT, PRICE, IPPanelSandbox
from smscore.sandbox import Sandbox

SEND = "/api/send"
CANCEL = "/api/send/cancel"
PEER_TO_PEER: dict[str, Any] = {
    "sending_type": "peer_to_peer",
    "from_number": "+983000505",
    "params": [
        {"recipients": ["+989120000000", "+989350000000"], "message": "پیام اول"},
        {"recipients": ["+989130000000"], "message": "پیام دوم"},
    ],
}
PATTERN: dict[str, Any] = {
    "sending_type": "pattern",
    "from_number": "+983000505",
    "code": "order",
    "recipients": ["+989120000000"],
    "params": {"name": "سارا", "number": 1404},
}
VOTP: dict[str, Any] = {
    "sending_type": "votp",
    "message": "45852",
    "params": {"recipients": ["+989120000000"]},
}
SCHEDULED: dict[str, Any] = {
    "sending_type": "webservice",
    "from_number": "+983000505",
    "message": "متن پیام",
    "params": {"recipients": ["+989120000000", "+989350000000"]},
    "send_time": "2025-10-09 09:03:20",  # ten minutes after the sandbox's time
}


def ids(answer: Any) -> list[int]:
    meta = {"status": True, "message": "انجام شد", "message_parameters": [], "message_code": "200-1"}
    assert (answer.status, answer.body["meta"], set(answer.body["data"])) == (200, meta, {"message_outbox_ids"})
    return answer.body["data"]["message_outbox_ids"]


def errors(answer: Any, http_status: int = 422, code: str = "400-2") -> dict[str, list[str]]:
    meta = answer.body["meta"]
    assert (answer.status, answer.body["data"], meta["status"], meta["message_code"]) == (
        http_status,
        None,
        False,
        code,
    )
    return meta["errors"]


# Peer to peer


async def test_each_entry_has_an_id_of_its_own_in_order(ippanel: Any, box: Sandbox) -> None:
    first, second = ids(await ippanel("POST", SEND, PEER_TO_PEER))
    assert [(m.recipient, m.text, m.message_id, m.sender) for m in box.messages] == [
        ("+989120000000", "پیام اول", first, "+983000505"),
        ("+989350000000", "پیام اول", first, "+983000505"),
        ("+989130000000", "پیام دوم", second, "+983000505"),
    ]
    assert first != second


async def test_each_entry_costs_its_own_parts(ippanel: Any) -> None:
    before = ippanel.credit
    entries = [{"recipients": ["+989120000000"], "message": "پ" * length} for length in (70, 71)]
    ids(await ippanel("POST", SEND, PEER_TO_PEER | {"params": entries}))
    assert before - ippanel.credit == 3 * PRICE


async def test_no_entry_is_sent_where_the_credit_is_too_low_for_all(ippanel: Any, box: Sandbox) -> None:
    box.set_credit("ippanel", "token", 3 * PRICE - 1)
    assert set(errors(await ippanel("POST", SEND, PEER_TO_PEER))) == {"credit"}
    assert (box.messages, ippanel.credit) == ([], 3 * PRICE - 1)


async def test_peer_to_peer_waits_for_its_time(ippanel: Any, box: Sandbox) -> None:
    ids(await ippanel("POST", SEND, PEER_TO_PEER | {"send_time": "2025-10-09 09:53:20"}))
    box.advance(3599)
    assert {message.code for message in box.messages} == {0}
    box.advance(3)
    assert {message.code for message in box.messages} == {2}


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        (None, "params"),
        ([], "params"),
        ({"recipients": ["+989120000000"], "message": "a"}, "params"),
        ([5], "params.0"),
        ([PEER_TO_PEER["params"][0], {"recipients": ["+989120000000"]}], "params.1.message"),
        ([{"recipients": [], "message": "a"}], "params.0.recipients"),
        ([{"recipients": "+989120000000", "message": "a"}], "params.0.recipients"),
        ([{"recipients": ["+989120000000", "0912"], "message": "a"}], "params.0.recipients.1"),
        ([{"recipients": ["+989120000000"], "message": 5}], "params.0.message"),
    ],
)
async def test_a_wrong_entry_is_named_and_nothing_is_sent(
    ippanel: Any, box: Sandbox, params: object, wrong: str
) -> None:
    assert wrong in errors(await ippanel("POST", SEND, PEER_TO_PEER | {"params": params}))
    assert box.messages == []


async def test_peer_to_peer_needs_a_line(ippanel: Any) -> None:
    assert set(errors(await ippanel("POST", SEND, PEER_TO_PEER | {"from_number": None}))) == {"from_number"}


# Pattern


@pytest.mark.parametrize(
    ("code", "params", "text"),
    [
        ("otp", {"code": "45852"}, "کد تأیید شما: 45852"),
        ("welcome", {"name": "سارا"}, "سارا عزیز، خوش آمدید."),
        ("order", {"name": "سارا", "number": 1404}, "سارا عزیز، سفارش 1404 ثبت شد."),
    ],
)
async def test_a_pattern_is_sent_with_its_values_filled_in(
    ippanel: Any, box: Sandbox, code: str, params: dict[str, Any], text: str
) -> None:
    before = ippanel.credit
    [given] = ids(await ippanel("POST", SEND, PATTERN | {"code": code, "params": params}))
    [message] = box.messages
    assert (message.recipient, message.sender, message.text, message.message_id) == (
        "+989120000000",
        "+983000505",
        text,
        given,
    )
    assert before - ippanel.credit == PRICE


async def test_a_pattern_costs_the_parts_of_its_filled_in_text(ippanel: Any) -> None:
    before = ippanel.credit
    ids(await ippanel("POST", SEND, PATTERN | {"params": {"name": "پ" * 70, "number": "1"}}))
    assert before - ippanel.credit == 2 * PRICE


async def test_an_own_pattern_can_be_added(ippanel: Any, box: Sandbox) -> None:
    box.set_pattern("ippanel", "aibg4dsfertj5ht", "%name%: %code%")
    body = PATTERN | {"code": "aibg4dsfertj5ht", "params": {"name": "%code%", "code": "1"}}
    ids(await ippanel("POST", SEND, body))
    assert box.messages[0].text == "%code%: 1"


async def test_a_pattern_without_placeholders_needs_no_params(ippanel: Any, box: Sandbox) -> None:
    box.set_pattern("ippanel", "plain", "از 10% تا 20% تخفیف")
    ids(await ippanel("POST", SEND, PATTERN | {"code": "plain", "params": {}}))
    assert box.messages[0].text == "از 10% تا 20% تخفیف"


async def test_an_added_pattern_belongs_to_one_sandbox(box: Sandbox) -> None:
    box.set_pattern("ippanel", "mine", "a")
    assert "mine" not in Sandbox().emulation(IPPanelSandbox).patterns


async def test_an_added_pattern_outlives_a_clear(box: Sandbox) -> None:
    box.set_pattern("ippanel", "mine", "a")
    box.clear()
    assert "mine" in box.emulation(IPPanelSandbox).patterns


async def test_a_reset_leaves_the_built_in_patterns(box: Sandbox) -> None:
    box.set_pattern("ippanel", "mine", "a")
    box.set_pattern("ippanel", "otp", "b")
    box.reset()
    assert box.emulation(IPPanelSandbox).patterns == Sandbox().emulation(IPPanelSandbox).patterns


async def test_a_sandbox_has_no_part_of_an_unknown_kind(box: Sandbox) -> None:
    class Unknown(IPPanelSandbox):
        """A kind that is not installed."""

    with pytest.raises(ValueError, match="ippanel"):
        box.emulation(Unknown)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"code": "no-such-code"}, "code"),
        ({"code": None}, "code"),
        ({"code": 5}, "code"),
        ({"code": ["order"]}, "code"),
        ({"params": {"name": "a"}}, "params.number"),
        ({"params": {"name": "a", "number": ""}}, "params.number"),
        ({"params": {"name": "a", "number": "1", "other": "b"}}, "params.other"),
        ({"params": {"name": ["a"], "number": "1"}}, "params.name"),
        ({"params": {"name": True, "number": "1"}}, "params.name"),
        ({"params": {"name": "a", "number": 10**4000}}, "params.number"),
        ({"params": None}, "params"),
        ({"params": ["a", "b"]}, "params"),
        ({"recipients": None}, "recipients"),
        ({"recipients": []}, "recipients"),
        ({"recipients": "+989120000000"}, "recipients"),
        ({"recipients": ["09120000000"]}, "recipients.0"),
        ({"recipients": ["+989120000000", "+989350000000"]}, "recipients"),
        ({"from_number": None}, "from_number"),
        ({"from_number": "3000505"}, "from_number"),
    ],
)
async def test_a_wrong_pattern_send_is_named(ippanel: Any, box: Sandbox, change: dict[str, Any], wrong: str) -> None:
    assert wrong in errors(await ippanel("POST", SEND, PATTERN | change))
    assert box.messages == []


async def test_the_errors_of_unknown_placeholders_are_bounded(ippanel: Any) -> None:
    params = PATTERN["params"] | {f"p{index}": "a" for index in range(5000)}
    assert len(errors(await ippanel("POST", SEND, PATTERN | {"params": params}))) == ERROR_LIMIT


# Voice


async def test_a_code_is_sent_by_voice_without_a_line(ippanel: Any, box: Sandbox) -> None:
    before = ippanel.credit
    [given] = ids(await ippanel("POST", SEND, VOTP))
    [message] = box.messages
    assert (message.recipient, message.sender, message.text, message.message_id) == (
        "+989120000000",
        "+98votp",
        "45852",
        given,
    )
    assert before - ippanel.credit == PRICE


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"message": None}, "message"),
        ({"message": "کد 45852"}, "message"),
        ({"message": "۴۵۸۵۲"}, "message"),
        ({"message": 45852}, "message"),
        ({"params": None}, "params"),
        ({"params": {}}, "params.recipients"),
        ({"params": {"recipients": ["0912"]}}, "params.recipients.0"),
        ({"params": {"recipients": ["+989120000000", "+989350000000"]}}, "params.recipients"),
    ],
)
async def test_a_wrong_voice_send_is_named(ippanel: Any, box: Sandbox, change: dict[str, Any], wrong: str) -> None:
    assert wrong in errors(await ippanel("POST", SEND, VOTP | change))
    assert box.messages == []


@pytest.mark.parametrize("body", [PATTERN, VOTP], ids=["pattern", "votp"])
async def test_what_has_no_send_time_goes_at_once(ippanel: Any, box: Sandbox, body: dict[str, Any]) -> None:
    ids(await ippanel("POST", SEND, body | {"send_time": "2025-10-09 09:53:20"}))
    box.advance(5)
    assert [message.code for message in box.messages] == [2]


# Cancel


async def test_a_scheduled_bulk_is_cancelled_and_paid_back(ippanel: Any, box: Sandbox) -> None:
    before = ippanel.credit
    [given] = ids(await ippanel("POST", SEND, SCHEDULED))
    assert ippanel.credit == before - 2 * PRICE
    answer = await ippanel("POST", CANCEL, {"message_outbox_id": given})
    assert (answer.status, answer.body) == (
        200,
        {
            "data": None,
            "meta": {"status": True, "message": "انجام شد", "message_parameters": [], "message_code": "200-1"},
        },
    )
    assert ippanel.credit == before


async def test_a_cancelled_bulk_never_goes_out(ippanel: Any, box: Sandbox) -> None:
    [given] = ids(await ippanel("POST", SEND, SCHEDULED))
    await ippanel("POST", CANCEL, {"message_outbox_id": given})
    box.advance(3600)
    assert [message.code for message in box.messages] == [0, 0]


async def test_one_entry_of_several_can_be_cancelled(ippanel: Any, box: Sandbox) -> None:
    first, second = ids(await ippanel("POST", SEND, PEER_TO_PEER | {"send_time": SCHEDULED["send_time"]}))
    await ippanel("POST", CANCEL, {"message_outbox_id": first})
    box.advance(3600)
    assert [(message.message_id, message.code) for message in box.messages] == [(first, 0), (first, 0), (second, 2)]


@pytest.mark.parametrize(("passed", "status"), [(300, 200), (301, 422), (600, 422), (700, 422)])
async def test_a_bulk_is_cancelled_up_to_five_minutes_before_its_time(
    ippanel: Any, box: Sandbox, passed: float, status: int
) -> None:
    [given] = ids(await ippanel("POST", SEND, SCHEDULED))
    box.advance(passed)
    assert (await ippanel("POST", CANCEL, {"message_outbox_id": given})).status == status


async def test_what_was_sent_at_once_is_not_cancelled(ippanel: Any, box: Sandbox) -> None:
    [given] = ids(await ippanel("POST", SEND, VOTP))
    left = ippanel.credit
    assert set(errors(await ippanel("POST", CANCEL, {"message_outbox_id": given}))) == {"message_outbox_id"}
    assert ippanel.credit == left


async def test_a_cancelled_bulk_is_not_paid_back_twice(ippanel: Any) -> None:
    before = ippanel.credit
    [given] = ids(await ippanel("POST", SEND, SCHEDULED))
    await ippanel("POST", CANCEL, {"message_outbox_id": given})
    assert set(errors(await ippanel("POST", CANCEL, {"message_outbox_id": given}))) == {"message_outbox_id"}
    assert ippanel.credit == before


async def test_an_unknown_bulk_is_404(ippanel: Any) -> None:
    answer = await ippanel("POST", CANCEL, {"message_outbox_id": 1})
    assert errors(answer, 404, "400-1") == {}
    assert answer.body["meta"]["message"] == "پیام مورد نظر یافت نشد"


async def test_another_accounts_bulk_is_404(ippanel: Any, box: Sandbox) -> None:
    [given] = ids(await ippanel("POST", SEND, SCHEDULED, authorization="other"))
    assert errors(await ippanel("POST", CANCEL, {"message_outbox_id": given}), 404, "400-1") == {}


@pytest.mark.parametrize("wrong", [None, "1123544245", -1, 1.5, True, [1]])
async def test_an_invalid_bulk_id_is_refused(ippanel: Any, wrong: object) -> None:
    assert set(errors(await ippanel("POST", CANCEL, {"message_outbox_id": wrong}))) == {"message_outbox_id"}


# Price


@pytest.mark.parametrize(("length", "parts"), [(70, 1), (71, 2), (135, 3)])
async def test_the_price_is_what_a_send_costs_each_recipient(ippanel: Any, length: int, parts: int) -> None:
    text = "پ" * length
    answer = await ippanel("POST", "/api/send/calculate-price", {"number": "+983000505", "message": text})
    assert (answer.status, answer.body["data"]) == (
        200,
        {"mci_price": parts * PRICE, "other_price": parts * PRICE, "parts": parts},
    )
    before = ippanel.credit
    await ippanel("POST", SEND, VOTP | {"sending_type": "webservice", "from_number": "+98BANK", "message": text})
    assert before - ippanel.credit == answer.body["data"]["mci_price"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"number", "message"}),
        ({"number": "+983000505", "message": ""}, {"message"}),
        ({"number": "3000505", "message": "a"}, {"number"}),
        ({"number": 983000505, "message": ["a"]}, {"number", "message"}),
    ],
)
async def test_a_wrong_price_request_is_named(ippanel: Any, body: dict[str, Any], wrong: set[str]) -> None:
    assert set(errors(await ippanel("POST", "/api/send/calculate-price", body))) == wrong
