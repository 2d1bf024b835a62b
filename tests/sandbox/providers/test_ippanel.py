"""IPPanel Edge's sends to lists and segments, as its documents have them."""

import copy
from typing import Any

import pytest

from ippanel_sms.sandbox import BULK_LIMIT, ERROR_LIMIT, PRICE
from smscore.sandbox import Sandbox

SEND = "/api/send"
SLICE = {"start": 0, "size": 0}
WEBSERVICE: dict[str, Any] = {
    "sending_type": "webservice",
    "from_number": "+983000505",
    "message": "متن پیام",
    "params": {"recipients": ["+989120000000", "+989350000000"]},
    "send_time": "2025-03-12 21:20:02",
}
COUNTRY: dict[str, Any] = {
    "sending_type": "country",
    "from_number": "+98BANK",
    "message": "تست",
    "params": [
        {
            "bank": "all",
            "pre": 938,
            "province_id": 89,
            "county_id": 212,
            "city_id": 82,
            "gender": 0,
            "age_from": 1300,
            "age_to": 1401,
            "mci": {"start": 10, "size": 100},
            "irancell": {"start": 1, "size": 2},
            "other": {"start": 2, "size": 3},
        }
    ],
    "other_recipients": ["+989121111111", "+989351111111"],
}
POSTAL_SEGMENT: dict[str, Any] = {
    "bank": "all",
    "postal_code": 131,
    "gender": 0,
    "age_from": 1330,
    "age_to": 1402,
    "mci": {"start": 0, "size": 1},
    "irancell": SLICE,
    "other": SLICE,
}
POSTAL_CODE: dict[str, Any] = {
    "sending_type": "postal_code",
    "from_number": "+98BANK",
    "message": "متن پیام",
    "params": [POSTAL_SEGMENT, POSTAL_SEGMENT | {"postal_code": 141}],
    "other_recipients": ["+989120000000", "+989350000000"],
    "send_time": "2025-02-28 10:52:02",
}
SAMPLES = {"webservice": WEBSERVICE, "country": COUNTRY, "postal_code": POSTAL_CODE}
NOTHING = object()


def changed(sample: dict[str, Any], path: str, value: Any = NOTHING) -> dict[str, Any]:
    """A sample with one value, named by a dotted path, replaced or left out."""
    body = copy.deepcopy(sample)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = body
    for part in parents:
        place = place[part]
    if value is NOTHING:
        del place[last]
    else:
        place[last] = value
    return body


def bulk_id(answer: Any) -> int:
    meta = {"status": True, "message": "انجام شد", "message_parameters": [], "message_code": "200-1"}
    assert (answer.status, answer.body["meta"]) == (200, meta)
    [only] = answer.body["data"]["message_outbox_ids"]
    return only


def errors(answer: Any, http_status: int = 422, code: str = "400-2") -> dict[str, list[str]]:
    meta = answer.body["meta"]
    assert (answer.status, answer.body["data"], meta["status"]) == (http_status, None, False)
    assert (meta["message_code"], meta["message_parameters"]) == (code, [])
    assert all(isinstance(words, str) for field in meta["errors"].values() for words in field)
    return meta["errors"]


async def test_webservice_sends_one_bulk_to_every_recipient(ippanel: Any, box: Sandbox) -> None:
    before = ippanel.credit
    given = bulk_id(await ippanel("POST", SEND, WEBSERVICE))
    assert [(m.recipient, m.message_id) for m in box.messages] == [
        ("+989120000000", given),
        ("+989350000000", given),
    ]
    assert {(m.provider, m.sender, m.text) for m in box.messages} == {("ippanel", "+983000505", "متن پیام")}
    assert ippanel.credit == before - 2 * PRICE


async def test_bulk_ids_are_unique(ippanel: Any) -> None:
    assert bulk_id(await ippanel("POST", SEND, WEBSERVICE)) != bulk_id(await ippanel("POST", SEND, WEBSERVICE))


async def test_country_reaches_its_slices_and_the_other_recipients(ippanel: Any, box: Sandbox) -> None:
    before = ippanel.credit
    given = bulk_id(await ippanel("POST", SEND, COUNTRY))
    numbers = [message.recipient for message in box.messages]
    assert len(set(numbers)) == len(numbers) == 100 + 2 + 3 + 2
    assert numbers[:1] + numbers[-2:] == ["+989381000010", "+989121111111", "+989351111111"]
    assert all(number.startswith("+989") and len(number) == 13 for number in numbers)
    assert {message.message_id for message in box.messages} == {given}
    assert ippanel.credit == before - 107 * PRICE


async def test_postal_code_reaches_its_slices_and_the_other_recipients(ippanel: Any, box: Sandbox) -> None:
    bulk_id(await ippanel("POST", SEND, POSTAL_CODE))
    numbers = [message.recipient for message in box.messages]
    assert numbers == ["+989100131000", "+989100141000", "+989120000000", "+989350000000"]


async def test_the_same_segment_reaches_the_same_numbers(ippanel: Any, box: Sandbox) -> None:
    await ippanel("POST", SEND, COUNTRY)
    await ippanel("POST", SEND, COUNTRY)
    numbers = [message.recipient for message in box.messages]
    assert numbers[:107] == numbers[107:]


async def test_a_huge_slice_reaches_the_whole_bank_and_no_more(ippanel: Any, box: Sandbox) -> None:
    before = ippanel.credit
    everybody = POSTAL_SEGMENT | {"age_from": 1300, "age_to": 1410, "mci": {"start": 0, "size": 10**30}}
    bulk_id(await ippanel("POST", SEND, changed(POSTAL_CODE, "params.0", everybody)))
    assert len(box.messages) == 1000 + 1 + 2
    assert ippanel.credit == before - 1003 * PRICE


async def test_a_start_beyond_the_bank_reaches_nobody(ippanel: Any, box: Sandbox) -> None:
    body = changed(POSTAL_CODE, "params", [POSTAL_SEGMENT | {"mci": {"start": 10**30, "size": 5}}])
    bulk_id(await ippanel("POST", SEND, changed(body, "other_recipients")))
    assert box.messages == []


async def test_many_huge_segments_reach_a_bounded_number(ippanel: Any, box: Sandbox) -> None:
    everybody = {"start": 0, "size": 10**9}
    segment = POSTAL_SEGMENT | {"mci": everybody, "irancell": everybody, "other": everybody}
    bulk_id(await ippanel("POST", SEND, changed(POSTAL_CODE, "params", [segment] * 60)))
    assert len(box.messages) == BULK_LIMIT + 2


async def test_a_prefix_may_have_6_digits(ippanel: Any, box: Sandbox) -> None:
    bulk_id(await ippanel("POST", SEND, changed(COUNTRY, "params.0.pre", 938123)))
    assert box.messages[0].recipient == "+989381231010"


@pytest.mark.parametrize("sample", SAMPLES)
async def test_a_long_text_costs_its_parts(ippanel: Any, box: Sandbox, sample: str) -> None:
    before = ippanel.credit
    bulk_id(await ippanel("POST", SEND, SAMPLES[sample] | {"message": "پ" * 71}))
    assert before - ippanel.credit == 2 * PRICE * len(box.messages) > 0


@pytest.mark.parametrize("sample", SAMPLES)
async def test_too_little_credit_refuses_the_whole_request(ippanel: Any, box: Sandbox, sample: str) -> None:
    box.set_credit("ippanel", "token", 2 * PRICE - 1)
    found = errors(await ippanel("POST", SEND, SAMPLES[sample]))
    assert found == {"credit": ["اعتبار حساب شما کافی نیست"]}
    assert (box.messages, ippanel.credit) == ([], 2 * PRICE - 1)


# What is refused


async def test_a_missing_message_is_refused_in_the_documents_words(ippanel: Any, box: Sandbox) -> None:
    answer = await ippanel("POST", SEND, changed(WEBSERVICE, "message"))
    assert answer.status == 422
    assert answer.body == {
        "data": None,
        "meta": {
            "status": False,
            "message": "تکمیل گزینه پیام الزامی است",
            "message_parameters": [],
            "message_code": "400-2",
            "errors": {"message": ["تکمیل گزینه پیام الزامی است"]},
        },
    }
    assert box.messages == []


REQUIRED = [
    *(("webservice", path) for path in ("from_number", "message", "params.recipients")),
    *((kind, path) for kind in ("country", "postal_code") for path in ("from_number", "message", "params")),
    *(("country", f"params.0.{name}") for name in COUNTRY["params"][0] if name not in ("county_id", "city_id")),
    *(("postal_code", f"params.1.{name}") for name in POSTAL_SEGMENT),
    *(("country", f"params.0.{operator}.size") for operator in ("mci", "irancell", "other")),
]


@pytest.mark.parametrize(("kind", "path"), REQUIRED)
async def test_a_missing_field_is_named(ippanel: Any, box: Sandbox, kind: str, path: str) -> None:
    found = errors(await ippanel("POST", SEND, changed(SAMPLES[kind], path)))
    assert "الزامی است" in found[path][0]
    assert box.messages == []


WRONG = [
    *(("webservice", "from_number", value) for value in ("3000505", "+98 3000", "+98bank", "+12", 5, ["+983000505"])),
    *(("webservice", "message", value) for value in (5, {"a": 1}, True)),
    *(("webservice", "params", value) for value in ([1], "a", 5)),
    *(("webservice", "params.recipients", value) for value in ("+989120000000", 5, {"a": 1})),
    *(("webservice", "params.recipients.1", value) for value in ("09120000000", "+98912000000", 5, "+982112345678")),
    *(("webservice", "send_time", value) for value in ("2025-03-12", "2025-02-30 00:00:00", "2025-3-12 1:2:3", 5)),
    *(("country", "params", value) for value in ({"a": 1}, "a")),
    *(("country", "params.0", value) for value in (1, "a", [1])),
    *(("country", "params.0.pre", value) for value in (9, 1_000_000, "938", 93.8, True, -938)),
    *(("country", "params.0.bank", value) for value in ("black", "ALL", 1)),
    *(("country", "params.0.gender", value) for value in (3, -1, "0", False)),
    *(("country", "params.0.age_from", value) for value in (1299, 1411, "1330")),
    *(("country", "params.0.province_id", value) for value in (-1, "89")),
    *(("country", "params.0.city_id", value) for value in (-1, "82")),
    *(("country", "params.0.mci", value) for value in (5, [1])),
    *(("country", "params.0.mci.start", value) for value in (-1, "0", 0.5)),
    *(("country", "other_recipients", value) for value in ("+989120000000", 5)),
    *(("country", "other_recipients.0", value) for value in ("09120000000", 5)),
    *(("postal_code", "params.1.postal_code", value) for value in (9, 100_000, "131")),
    *(("postal_code", "params.1.age_to", value) for value in (1299, 1411)),
]


@pytest.mark.parametrize(("kind", "path", "value"), WRONG)
async def test_a_wrong_field_is_named(ippanel: Any, box: Sandbox, kind: str, path: str, value: Any) -> None:
    found = errors(await ippanel("POST", SEND, changed(SAMPLES[kind], path, value)))
    assert found[path][0].endswith("معتبر نیست")
    assert box.messages == []


RIGHT = [
    ("webservice", "send_time", None),
    ("webservice", "from_number", "+98BANK"),
    ("country", "params.0.bank", "white"),
    ("country", "params.0.pre", 99),
    ("country", "params.0.county_id", None),
    ("country", "params.0.gender", 2),
    ("country", "params.0.age_to", 1410),
    ("country", "other_recipients", None),
    ("country", "other_recipients", []),
    ("postal_code", "params.0.postal_code", 10),
    ("postal_code", "params.0.postal_code", 99_999),
]


@pytest.mark.parametrize(("kind", "path", "value"), RIGHT)
async def test_what_the_document_allows_is_accepted(ippanel: Any, kind: str, path: str, value: Any) -> None:
    bulk_id(await ippanel("POST", SEND, changed(SAMPLES[kind], path, value)))


OPTIONAL = [
    ("webservice", "send_time"),
    ("postal_code", "other_recipients"),
    ("country", "params.0.county_id"),
    ("country", "params.0.city_id"),
]


@pytest.mark.parametrize(("kind", "path"), OPTIONAL)
async def test_what_is_optional_may_be_left_out(ippanel: Any, kind: str, path: str) -> None:
    bulk_id(await ippanel("POST", SEND, changed(SAMPLES[kind], path)))


async def test_every_wrong_field_is_named_at_once(ippanel: Any) -> None:
    body = {
        "sending_type": "webservice",
        "from_number": "5",
        "params": {"recipients": ["a", "+989120000000", "b"]},
    }
    answer = await ippanel("POST", SEND, body)
    assert set(errors(answer)) == {"from_number", "message", "params.recipients.0", "params.recipients.2"}
    assert answer.body["meta"]["message"] == answer.body["meta"]["errors"]["from_number"][0]


async def test_the_errors_of_one_answer_are_bounded(ippanel: Any) -> None:
    body = changed(WEBSERVICE, "params.recipients", ["a"] * 5000)
    assert len(errors(await ippanel("POST", SEND, body))) == ERROR_LIMIT


@pytest.mark.parametrize("kind", ["keyword", 5, None, ["webservice"], ""])
async def test_an_unknown_sending_type_is_refused(ippanel: Any, kind: Any) -> None:
    assert set(errors(await ippanel("POST", SEND, WEBSERVICE | {"sending_type": kind}))) == {"sending_type"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"5", b'"a"', b"null"])
async def test_a_body_that_is_not_an_object_lacks_every_field(ippanel: Any, body: bytes) -> None:
    found = errors(await ippanel("POST", SEND, data=body))
    assert set(found) == {"sending_type", "from_number", "message", "params"}


@pytest.mark.parametrize("body", [b"{", b"\xff", b"NaN", b'"\\ud800"'])
async def test_a_body_that_is_not_json_is_refused(ippanel: Any, body: bytes) -> None:
    assert errors(await ippanel("POST", SEND, data=body))


@pytest.mark.parametrize("header", ["none", "Bearer token", "AccessKey token"])
async def test_without_a_bare_token_the_answer_is_401(ippanel: Any, header: str) -> None:
    api = type(ippanel)(ippanel.box, ippanel.session, "ippanel", "") if header == "none" else ippanel
    answer = await api("POST", SEND, WEBSERVICE, authorization="" if header == "none" else header)
    assert errors(answer, 401, "400-1") == {}
    assert answer.body["meta"]["message"] == "اطلاعات وارد شده صحیح نمی باشد"


async def test_an_unknown_path_or_method_is_404_in_the_envelope(ippanel: Any) -> None:
    assert errors(await ippanel("POST", "/api/sent", {}), 404, "400-1") == {}
    assert errors(await ippanel("GET", SEND), 404, "400-1") == {}


# Time


async def test_recipients_go_from_the_operator_to_the_handset(ippanel: Any, box: Sandbox) -> None:
    await ippanel("POST", SEND, changed(WEBSERVICE, "send_time"))
    codes = []
    for _ in range(3):
        codes.append({message.code for message in box.messages})
        box.advance(1)
    assert codes == [{0}, {1}, {2}]


async def test_a_scheduled_bulk_waits_for_its_time_in_utc(ippanel: Any, box: Sandbox) -> None:
    await ippanel("POST", SEND, WEBSERVICE | {"send_time": "2025-10-09 09:53:20"})  # in an hour
    box.advance(3599)
    assert {message.code for message in box.messages} == {0}
    box.advance(3)
    assert {message.code for message in box.messages} == {2}


async def test_a_bulk_is_settled_as_a_whole(ippanel: Any, box: Sandbox) -> None:
    given = bulk_id(await ippanel("POST", SEND, WEBSERVICE))
    box.settle("ippanel", given, 4)
    assert [message.code for message in box.messages] == [4, 4]
