"""What IPPanel's calls send, and what they make of every answer."""

import datetime as dt
from collections.abc import Callable
from itertools import count
from typing import Any

import attrs
import pytest
from aioresponses import CallbackResult
from recipients import numbers

from ippanel_sms import AsyncIPPanel, BulkReceipt, CountrySegment, Gender, PostalCodeSegment, Slice
from smscore import (
    AuthenticationError,
    BatchEvent,
    InvalidNumber,
    InvalidParameters,
    InvalidRequest,
    MalformedResponse,
    NotAttempted,
    NotFound,
    Outcome,
    PartialSendError,
    ProviderError,
    RateLimited,
    ServerError,
    SMSError,
)

SEND = "https://edge.ippanel.com/v1/api/send"
TEHRAN = dt.timezone(dt.timedelta(hours=3, minutes=30))
HTML = "<html><body>پیدا نشد</body></html>"

COUNTRY = CountrySegment(938, 89, mci=Slice(0, 10))
POSTAL = PostalCodeSegment(131, other=Slice(0, 10))
BULK: dict[str, Callable[..., Any]] = {
    "send_country": lambda client, segment=COUNTRY, **options: client.send_country(segment, "سلام", **options),
    "send_postal_code": lambda client, segment=POSTAL, **options: client.send_postal_code(segment, "سلام", **options),
}
CALLS: dict[str, Callable[..., Any]] = {
    "send": lambda client, **options: client.send(["09121234567", "09351234567"], "سلام", **options),
    **BULK,
}
SEGMENTS = {"send_country": COUNTRY, "send_postal_code": POSTAL}


def ok(*ids: int) -> dict[str, Any]:
    return {"data": {"message_outbox_ids": list(ids)}, "meta": {"status": True, "message": "انجام شد"}}


def no(code: str | None = "400-1", **more: Any) -> dict[str, Any]:
    return {"data": None, "meta": {"status": False, "message": "نشد", "message_code": code, **more}}


def accept_all(http: Any) -> None:
    ids = count(1)
    http.post(SEND, callback=lambda *_, **__: CallbackResult(payload=ok(next(ids))), repeat=True)


# What each send puts into its body


async def test_send_goes_as_a_webservice_message(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    accept_all(provider_http)
    report = await ippanel.send(["09121234567", "۹۳۵ ۱۲۳ ۴۵۶۷", 989361234567], "سلام")
    assert provider_http.sent[0].json == {
        "sending_type": "webservice",
        "from_number": "+983000505",
        "message": "سلام",
        "params": {"recipients": ["+989121234567", "+989351234567", "+989361234567"]},
    }
    assert [(one.recipient, one.message_id) for one in report] == [
        ("+989121234567", 1),
        ("+989351234567", 1),
        ("+989361234567", 1),
    ]
    assert (report.message_ids, report.cost, report[0].request_id) == ([1], None, None)


async def test_the_token_goes_bare_and_no_request_id_goes_at_all(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    accept_all(provider_http)
    await ippanel.send("09121234567", "سلام", sender="+98BANK")
    headers = {name.lower(): value for name, value in provider_http.sent[0].headers.items()}
    assert headers["authorization"] == "token-of-the-tests"
    assert not {"requestid", "request-id"} & set(headers)
    assert provider_http.sent[0].json["from_number"] == "+98BANK"


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (dt.datetime(2025, 3, 12, 21, 20, 2, tzinfo=dt.UTC), "2025-03-12 21:20:02"),
        (dt.datetime(2025, 3, 13, 0, 50, 2, 999_999, tzinfo=TEHRAN), "2025-03-12 21:20:02"),
        (dt.datetime(2025, 1, 1, 1, 0, tzinfo=TEHRAN), "2024-12-31 21:30:00"),
    ],
)
async def test_a_send_time_goes_in_utc(
    name: str, moment: dt.datetime, text: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    accept_all(provider_http)
    await CALLS[name](ippanel, send_time=moment)
    assert provider_http.sent[0].json["send_time"] == text


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize("moment", [dt.datetime(2025, 3, 12, 21), dt.date(2025, 3, 12), "2025-03-12 21:20:02", 5])
async def test_a_send_time_without_a_time_zone_is_refused(
    name: str, moment: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await CALLS[name](ippanel, send_time=moment)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert provider_http.sent == []


async def test_a_stream_refuses_a_naive_send_time_too(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest):
        await anext(ippanel.send_stream("09121234567", "سلام", send_time=dt.datetime(2025, 3, 12, 21)))
    assert provider_http.sent == []


async def test_a_country_segment_goes_whole(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    accept_all(provider_http)
    segment = CountrySegment(
        938, 89, 212, 82, "white", Gender.MALE, 1350, 1360, Slice(10, 100), Slice(1, 2), Slice(3, 4)
    )
    receipt = await ippanel.send_country(segment, "سلام", sender="+98BANK")
    assert receipt == BulkReceipt([1])
    assert provider_http.sent[0].json == {
        "sending_type": "country",
        "from_number": "+98BANK",
        "message": "سلام",
        "params": [
            {
                "bank": "white",
                "pre": 938,
                "province_id": 89,
                "county_id": 212,
                "city_id": 82,
                "gender": 1,
                "age_from": 1350,
                "age_to": 1360,
                "mci": {"start": 10, "size": 100},
                "irancell": {"start": 1, "size": 2},
                "other": {"start": 3, "size": 4},
            }
        ],
    }


async def test_a_county_and_city_left_out_are_not_sent(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    accept_all(provider_http)
    await ippanel.send_country(COUNTRY, "سلام")
    assert provider_http.sent[0].json["params"] == [
        {
            "bank": "all",
            "pre": 938,
            "province_id": 89,
            "gender": 0,
            "age_from": 1300,
            "age_to": 1410,
            "mci": {"start": 0, "size": 10},
            "irancell": {"start": 0, "size": 0},
            "other": {"start": 0, "size": 0},
        }
    ]


async def test_postal_code_segments_go_whole(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    accept_all(provider_http)
    segments = (attrs.evolve(POSTAL, postal_code=code) for code in (13, 99999))
    await ippanel.send_postal_code(segments, "سلام")
    body = provider_http.sent[0].json
    assert (body["sending_type"], body["from_number"]) == ("postal_code", "+983000505")
    assert [segment.pop("postal_code") for segment in body["params"]] == [13, 99999]
    assert body["params"][0] == {
        "bank": "all",
        "gender": 0,
        "age_from": 1300,
        "age_to": 1410,
        "mci": {"start": 0, "size": 0},
        "irancell": {"start": 0, "size": 0},
        "other": {"start": 0, "size": 10},
    }


@pytest.mark.parametrize("name", sorted(BULK))
@pytest.mark.parametrize("gender", [0, 1, 2, *Gender])
async def test_a_gender_may_be_a_plain_number(
    name: str, gender: int, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    accept_all(provider_http)
    await BULK[name](ippanel, attrs.evolve(SEGMENTS[name], gender=gender))
    assert provider_http.sent[0].json["params"][0]["gender"] == int(gender)


@pytest.mark.parametrize("name", sorted(BULK))
@pytest.mark.parametrize(
    ("others", "sent"),
    [
        ("09121234567", ["+989121234567"]),
        (9121234567, ["+989121234567"]),
        (["+98 912 123 4567", "۰۹۳۵۱۲۳۴۵۶۷"], ["+989121234567", "+989351234567"]),
        ({"09121234567": "a dict's keys"}.keys(), ["+989121234567"]),
        ((), None),
        ([], None),
    ],
)
async def test_other_recipients_go_as_e164(
    name: str, others: Any, sent: list[str] | None, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    accept_all(provider_http)
    given = iter(others) if isinstance(others, list) else others  # lists go as iterators, which can be read once only
    await BULK[name](ippanel, other_recipients=given)
    assert provider_http.sent[0].json.get("other_recipients") == sent


@pytest.mark.parametrize("name", sorted(BULK))
async def test_a_bad_other_recipient_is_named_and_nothing_is_sent(
    name: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    with pytest.raises(InvalidNumber) as caught:
        await BULK[name](ippanel, other_recipients=["09121234567", "02112345678"])
    assert caught.value.numbers == [(1, "02112345678")]
    assert provider_http.sent == []


# Segments that cannot be sent to

SHARED_FIELDS = [
    *[("bank", value) for value in ("", "black", None, 1)],
    *[("gender", value) for value in (-1, 3, True, None, "0", 1.0)],
    *[(name, value) for name in ("age_from", "age_to") for value in (1299, 1411, None, "1350", 1350.0, True)],
    *[
        (name, value)
        for name in ("mci", "irancell", "other")
        for value in (Slice(-1, 5), Slice(0, -1), Slice(True, 5), Slice(0, 1.5), Slice("0", 5), (0, 5), None, 5)
    ],
]
COUNTRY_FIELDS = [
    *[("pre", value) for value in (9, 1_000_000, -938, "938", None, True, 938.0)],
    *[("province_id", value) for value in (0, -1, None, "89", True, 1.0)],
    *[(name, value) for name in ("county_id", "city_id") for value in (0, -1, "5", True, 1.0)],
]
POSTAL_FIELDS = [("postal_code", value) for value in (9, 100_000, -13, "13", None, True, 13.0)]
WRONG = [
    *[("send_country", *field) for field in SHARED_FIELDS + COUNTRY_FIELDS],
    *[("send_postal_code", *field) for field in SHARED_FIELDS + POSTAL_FIELDS],
]


@pytest.mark.parametrize(("name", "field", "value"), WRONG, ids=lambda value: str(value))
async def test_a_field_out_of_range_is_named_and_nothing_is_sent(
    name: str, field: str, value: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    # The segment reaches somebody in any case, so that only the one field is wrong.
    segment = attrs.evolve(SEGMENTS[name], mci=Slice(0, 5), other=Slice(0, 5))
    with pytest.raises(InvalidRequest, match=rf"segment 1.*\b{field}\b"):
        await BULK[name](ippanel, [SEGMENTS[name], attrs.evolve(segment, **{field: value})])
    assert provider_http.sent == []


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        *[("send_country", "pre", value) for value in (10, 999_999)],
        *[("send_postal_code", "postal_code", value) for value in (10, 99_999)],
        *[(name, "bank", "white") for name in BULK],
        *[(name, "age_from", value) for name in BULK for value in (1300, 1410)],
        *[(name, "age_to", value) for name in BULK for value in (1300, 1410)],
        ("send_country", "province_id", 1),
        ("send_country", "county_id", None),
    ],
)
async def test_the_ends_of_each_range_are_sent(
    name: str, field: str, value: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    accept_all(provider_http)
    await BULK[name](ippanel, attrs.evolve(SEGMENTS[name], **{field: value}))
    assert provider_http.sent[0].json["params"][0].get(field) == value


@pytest.mark.parametrize("name", sorted(BULK))
async def test_a_segment_that_reaches_nobody_is_refused(name: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    nobody = attrs.evolve(SEGMENTS[name], mci=Slice(7, 0), irancell=Slice(0, 0), other=Slice(0, 0))
    with pytest.raises(InvalidRequest):
        await BULK[name](ippanel, [SEGMENTS[name], nobody], other_recipients="09121234567")
    assert provider_http.sent == []


@pytest.mark.parametrize("field", ["mci", "irancell", "other"])
async def test_one_operator_is_enough(field: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    accept_all(provider_http)
    await ippanel.send_country(CountrySegment(938, 89, **{field: Slice(0, 1)}), "سلام")
    assert len(provider_http.sent) == 1


@pytest.mark.parametrize("name", sorted(BULK))
async def test_ages_the_wrong_way_round_are_refused(name: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest, match="age_from"):
        await BULK[name](ippanel, attrs.evolve(SEGMENTS[name], age_from=1361, age_to=1360))
    assert provider_http.sent == []


@pytest.mark.parametrize("segments", [[], None, 5, "938", ["938"], [None], {"pre": 938}, "other kind"])
@pytest.mark.parametrize("name", sorted(BULK))
async def test_an_invalid_segment_is_refused(
    name: str, segments: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    other_kind = next(segment for other, segment in SEGMENTS.items() if other != name)
    with pytest.raises(InvalidRequest):
        await BULK[name](ippanel, other_kind if segments == "other kind" else segments)
    assert provider_http.sent == []


@pytest.mark.parametrize("text", ["", "  ", None, b"x", "\ud800"])
@pytest.mark.parametrize("name", ["send_country", "send_postal_code", "send"])
async def test_a_text_that_cannot_be_sent_is_refused(
    name: str, text: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    with pytest.raises(InvalidRequest):
        await getattr(ippanel, name)(SEGMENTS.get(name, "09121234567"), text)
    assert provider_http.sent == []


@pytest.mark.parametrize("name", sorted(CALLS))
async def test_a_missing_sender_is_refused(name: str, new_ippanel: Any, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest):
        await CALLS[name](new_ippanel(sender=None))
    assert provider_http.sent == []


# Batches


async def test_one_request_takes_all_where_no_batch_size_is_set(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    accept_all(provider_http)
    report = await ippanel.send(numbers(25_000), "سلام")
    assert len(provider_http.sent) == 1
    assert (len(report.accepted), report.message_ids) == (25_000, [1])


async def test_a_batch_size_splits_and_each_batch_has_its_bulk_id(new_ippanel: Any, provider_http: Any) -> None:
    accept_all(provider_http)
    report = await new_ippanel(batch_size=2, max_concurrency=1).send(numbers(5), "سلام")
    assert [len(sent.json["params"]["recipients"]) for sent in provider_http.sent] == [2, 2, 1]
    assert [one.message_id for one in report] == [1, 1, 2, 2, 3]
    assert report.message_ids == [1, 2, 3]


@pytest.mark.parametrize("name", sorted(BULK))
async def test_a_bulk_send_gives_back_every_id(name: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(SEND, payload=ok(639027944154527201, 2))
    assert await BULK[name](ippanel) == BulkReceipt([639027944154527201, 2])


@pytest.mark.parametrize("name", sorted(BULK))
async def test_a_journal_hears_of_a_bulk_send_before_and_after(
    name: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    accept_all(provider_http)
    heard: list[tuple[BatchEvent, int]] = []
    await BULK[name](
        ippanel,
        other_recipients="09121234567",
        on_batch=lambda event: heard.append((event, len(provider_http.sent))),
    )
    assert [(event.state, requests) for event, requests in heard] == [("sending", 0), ("done", 1)]
    assert heard[0][0].recipients == ("+989121234567",)


@pytest.mark.parametrize("name", sorted(BULK))
async def test_a_journal_that_fails_stops_a_bulk_send(name: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    def fail(event: BatchEvent) -> None:
        raise OSError("disk full")

    with pytest.raises(NotAttempted) as caught:
        await BULK[name](ippanel, on_batch=fail)
    assert caught.value.outcome is Outcome.NOT_SENT
    assert provider_http.sent == []


# Refusals


@pytest.mark.parametrize(
    ("errors", "fields"),
    [
        ({"message": ["الزامی است"]}, {"message": ["الزامی است"]}),
        ({"message": ["یک", "دو"], "params.0": ["سه"]}, {"message": ["یک", "دو"], "params.0": ["سه"]}),
        ({"message": "الزامی است"}, {"message": ["الزامی است"]}),
        ({}, {}),
        ([], {}),
        (None, {}),
        ("missing", {}),
    ],
)
@pytest.mark.parametrize("name", sorted(CALLS))
async def test_a_422_tells_the_fields(
    name: str, errors: Any, fields: dict[str, list[str]], ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    more = {} if errors == "missing" else {"errors": errors}
    provider_http.post(SEND, status=422, payload=no("400-2", **more))
    with pytest.raises(InvalidParameters) as caught:
        await CALLS[name](ippanel)
    assert caught.value.fields == fields
    assert (caught.value.code, caught.value.http_status, caught.value.message) == ("400-2", 422, "نشد")
    assert caught.value.outcome is Outcome.REJECTED


@pytest.mark.parametrize("errors", [["الزامی است"], "الزامی است", 5])
async def test_fields_of_another_shape_do_not_hide_the_refusal(
    errors: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(SEND, status=422, payload=no("400-2", errors=errors))
    with pytest.raises(InvalidParameters) as caught:
        await ippanel.send("09121234567", "سلام")
    assert caught.value.outcome is Outcome.REJECTED


@pytest.mark.parametrize("status", [200, 422])
@pytest.mark.parametrize("message", [5, {"fa": "نشد"}, ["نشد"]])
async def test_odd_words_do_not_hide_the_code_and_the_fields(
    message: Any, status: int, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    body = no("400-2", errors={"message": ["الزامی است"]})
    body["meta"]["message"] = message
    provider_http.post(SEND, status=status, payload=body)
    with pytest.raises(InvalidParameters) as caught:
        await ippanel.send("09121234567", "سلام")
    assert (caught.value.code, caught.value.fields) == ("400-2", {"message": ["الزامی است"]})


BY_STATUS = [
    (401, AuthenticationError, Outcome.REJECTED),
    (403, AuthenticationError, Outcome.REJECTED),
    (404, NotFound, Outcome.REJECTED),
    (422, InvalidParameters, Outcome.REJECTED),
    (429, RateLimited, Outcome.REJECTED),
    (500, ServerError, Outcome.UNKNOWN),
    (503, ServerError, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(("status", "error", "outcome"), BY_STATUS)
@pytest.mark.parametrize("name", sorted(CALLS))
async def test_beside_an_unlisted_code_the_http_status_tells_the_class_and_the_code_is_kept(
    name: str, status: int, error: type[SMSError], outcome: Outcome, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(SEND, status=status, payload=no("400-7"), headers={"Retry-After": "3"})
    with pytest.raises(SMSError) as caught:
        await CALLS[name](ippanel)
    assert (type(caught.value), caught.value.outcome) == (error, outcome)
    assert (caught.value.code, caught.value.http_status, caught.value.message) == ("400-7", status, "نشد")
    assert getattr(caught.value, "retry_after", 3.0) == 3.0


@pytest.mark.parametrize("status", [200, 400, 401, 403, 422, 429, 500, 503])
@pytest.mark.parametrize("name", sorted(CALLS))
async def test_400_1_is_the_token_under_any_status_but_404(
    name: str, status: int, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(SEND, status=status, payload=no("400-1"))
    with pytest.raises(AuthenticationError) as caught:
        await CALLS[name](ippanel)
    assert (caught.value.code, caught.value.http_status, caught.value.outcome) == ("400-1", status, Outcome.REJECTED)


@pytest.mark.parametrize("code", ["400-1", "400-2", "400-7", None])
async def test_404_is_not_found_whatever_its_code(code: str | None, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(SEND, status=404, payload=no(code, errors={"credit": ["نشد"]}))
    with pytest.raises(NotFound) as caught:
        await ippanel.send("09121234567", "سلام")
    assert (caught.value.code, caught.value.http_status) == (code, 404)


@pytest.mark.parametrize(("status", "error", "outcome"), [*BY_STATUS, (200, MalformedResponse, Outcome.UNKNOWN)])
@pytest.mark.parametrize("name", sorted(CALLS))
async def test_html_is_read_by_its_http_status(
    name: str, status: int, error: type[SMSError], outcome: Outcome, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(SEND, status=status, body=HTML, content_type="text/html")
    with pytest.raises(SMSError) as caught:
        await CALLS[name](ippanel)
    assert (type(caught.value), caught.value.outcome) == (error, outcome)
    assert caught.value.code is None


@pytest.mark.parametrize(
    ("code", "error"),
    [("400-2", InvalidParameters), ("400-1", AuthenticationError), ("777-7", ProviderError), (None, ProviderError)],
)
@pytest.mark.parametrize("name", sorted(CALLS))
async def test_a_false_status_is_a_refusal_also_with_http_200(
    name: str, code: str | None, error: type[SMSError], ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=no(code) | {"data": {"message_outbox_ids": [1]}})
    with pytest.raises(ProviderError) as caught:
        await CALLS[name](ippanel)
    assert (type(caught.value), caught.value.code, caught.value.http_status) == (error, code, 200)


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"data":{"message_outbox_ids":[1]}}',
        b'{"data":{"message_outbox_ids":[1]},"meta":null}',
        b'{"data":{"message_outbox_ids":[1]},"meta":{"status":"true"}}',
        b'{"data":{"message_outbox_ids":[1]},"meta":{"status":1}}',
        b'{"data":null,"meta":{"status":true}}',
        b'{"meta":{"status":true}}',
        b'{"data":{},"meta":{"status":true}}',
        b'{"data":[1],"meta":{"status":true}}',
        b'{"data":{"message_outbox_ids":[]},"meta":{"status":true}}',
        b'{"data":{"message_outbox_ids":1},"meta":{"status":true}}',
        b'{"data":{"message_outbox_ids":["x"]},"meta":{"status":true}}',
        b'{"data":{"message_outbox_ids":[1.5]},"meta":{"status":true}}',
        b'{"data":{"message_outbox_ids":[true]},"meta":{"status":true}}',
        b'{"data":{"message_outbox_ids":[1]},"meta":{"status":true}',
    ],
)
async def test_an_answer_of_another_shape_leaves_the_send_unknown(
    body: bytes, name: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(SEND, body=body)
    with pytest.raises(MalformedResponse) as caught:
        await CALLS[name](ippanel)
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(("status", "code"), [(401, "400-1"), (422, "400-2")])
async def test_a_wrong_token_or_sender_stops_the_rest(
    status: int, code: str, new_ippanel: Any, provider_http: Any
) -> None:
    errors = {"from_number": ["شماره نامعتبر است"]} if status == 422 else {}
    provider_http.post(SEND, status=status, payload=no(code, errors=errors), repeat=True)
    with pytest.raises(ProviderError) as caught:
        await new_ippanel(batch_size=1, max_concurrency=1).send(numbers(3), "سلام")
    assert len(provider_http.sent) == 1
    assert [type(one.error) for one in caught.value.report.not_sent] == [NotAttempted] * 2


async def test_another_wrong_field_stops_nothing(new_ippanel: Any, provider_http: Any) -> None:
    provider_http.post(SEND, status=422, payload=no("400-2", errors={"params.recipients.0": ["نامعتبر"]}))
    accept_all(provider_http)
    with pytest.raises(PartialSendError) as caught:
        await new_ippanel(batch_size=1, max_concurrency=1).send(numbers(3), "سلام")
    assert len(provider_http.sent) == 3
    assert [one.outcome for one in caught.value.report] == [Outcome.REJECTED, Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert caught.value.outcome is None


# Base URLs


@pytest.mark.parametrize(
    "base_url",
    [
        "https://edge.ippanel.com/v1",
        "https://edge.ippanel.com/v1/",
        "https://edge.ippanel.com/v1/api",
        "https://edge.ippanel.com/v1/api/",
    ],
)
async def test_a_base_url_is_taken_with_and_without_api(
    base_url: str, new_ippanel: Any, provider_http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_all(provider_http)
    await new_ippanel(base_url=base_url).send("09121234567", "سلام")
    monkeypatch.setenv("IPPANEL_BASE_URL", base_url)
    await new_ippanel().send("09121234567", "سلام")
    assert [str(sent.url) for sent in provider_http.sent] == [SEND, SEND]
