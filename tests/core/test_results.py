"""What a send gives back beside the ids: whom it went by, when, in how many parts, and the provider's words."""

import copy
import datetime as dt
import json
import pickle
import time
from typing import Any

import pytest

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import Outcome, PartialSendError, SMSError
from smscore.columns import TimeColumn

SEPAHAN = "https://api.sepahansms.com/api/Sms/Send"
NAJVA = "https://sms.najva.com/v2/sms/send"
TO = [f"0912123456{n}" for n in range(4)]
DATE = 1706619709
MOMENT = dt.datetime.fromtimestamp(DATE, dt.UTC)


def ids(*values: int, **more: Any) -> dict[str, Any]:
    return {"isSuccess": True, "value": {"ids": values, **more}, "error": None}


def entries(*rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "return": {"status": 200, "message": "تایید شد"},
        "entries": [{"messageid": n + 1, "status": 1, "receptor": TO[n], **row} for n, row in enumerate(rows)],
    }


async def report_of(sending: Any) -> Any:
    """The report of a send, also of one that raised."""
    try:
        return await sending
    except SMSError as error:
        return error.report


def is_now(moment: dt.datetime | None, began: float) -> bool:
    return moment is not None and moment.tzinfo is not None and began <= moment.timestamp() <= time.time()


# Whom it was for, and when it went out


async def test_every_result_has_its_provider_and_when_its_batch_went_out(
    sepahan: AsyncSepahan, ippanel: AsyncIPPanel, najva: AsyncNajva, provider_http: Any
) -> None:
    provider_http.post(SEPAHAN, payload=ids(1, -4))
    provider_http.post(
        "https://edge.ippanel.com/v1/api/send",
        payload={"data": {"message_outbox_ids": [1]}, "meta": {"status": True}},
    )
    provider_http.post(NAJVA, payload=entries({}, {"status": 14}))
    began = time.time()
    for client, name in ((sepahan, "sepahan"), (ippanel, "ippanel"), (najva, "najva")):
        for one in await report_of(client.send(TO[:2], "سلام")):
            assert (one.provider, one.earlier) == (name, ())
            assert is_now(one.sent_at, began)


async def test_a_code_is_on_the_result_that_it_refuses(
    sepahan: AsyncSepahan, najva: AsyncNajva, provider_http: Any
) -> None:
    provider_http.post(SEPAHAN, payload=ids(1, -4))
    assert [one.code for one in await sepahan.send(TO[:2], "سلام")] == [None, -4]
    provider_http.post(NAJVA, payload=entries({}, {"status": 14}))
    assert [one.code for one in await najva.send(TO[:2], "سلام")] == [None, 14]


@pytest.mark.parametrize(("status", "went_out"), [(401, True), (502, True)])
async def test_what_was_refused_or_is_unknown_went_out_and_the_rest_did_not(
    status: int, went_out: bool, new_sepahan: Any, provider_http: Any
) -> None:
    began = time.time()
    provider_http.post(SEPAHAN, status=status)
    provider_http.post(SEPAHAN, status=401)
    report = await report_of(new_sepahan(batch_size=1, max_concurrency=1).send(TO[:3], "سلام"))
    assert is_now(report[0].sent_at, began) is went_out
    assert report[2].outcome is Outcome.NOT_SENT
    assert (report[2].sent_at, report[2].provider) == (None, "sepahan")


async def test_who_was_never_reached_was_not_sent_at_any_time(new_client: Any) -> None:
    client = new_client(AsyncSepahan, base_url="http://127.0.0.1:9")
    assert [one.sent_at for one in await report_of(client.send(TO, "سلام"))] == [None] * 4


@pytest.mark.parametrize(
    ("dates", "wanted"),
    [
        ((DATE, DATE), (MOMENT, MOMENT)),
        ((DATE, DATE + 60), (MOMENT, MOMENT + dt.timedelta(minutes=1))),
        ((str(DATE), float(DATE)), (MOMENT, MOMENT)),
    ],
)
async def test_najvas_own_date_wins(dates: Any, wanted: Any, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(NAJVA, payload=entries(*({"date": date} for date in dates)))
    assert tuple(one.sent_at for one in await najva.send(TO[:2], "سلام")) == wanted


@pytest.mark.parametrize("odd", [None, "yesterday", [], -1.5, -1, 0, 10**30, DATE * 1000])
async def test_where_najva_says_no_date_it_is_when_the_batch_went_out(
    odd: Any, najva: AsyncNajva, provider_http: Any
) -> None:
    began = time.time()
    provider_http.post(NAJVA, payload=entries({"date": DATE}, {"date": odd}))
    first, second = await najva.send(TO[:2], "سلام")
    assert first.sent_at == MOMENT
    assert is_now(second.sent_at, began)


# What the provider counted, and the lines that it used


async def test_the_parts_are_what_sepahan_counted(new_sepahan: Any, provider_http: Any) -> None:
    provider_http.post(SEPAHAN, payload=ids(1, 2, smsCount=4, totalPrice=10))
    provider_http.post(SEPAHAN, payload=ids(3, -4, smsCount="2.0", totalPrice=5))
    report = await new_sepahan(batch_size=2, max_concurrency=1).send(TO, "سلام")
    assert (report.parts, report.cost, report.senders) == (6, 15, [])


@pytest.mark.parametrize("odd", [None, "many", [], 1.5])
async def test_an_odd_count_is_none_and_costs_no_id(odd: Any, sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(SEPAHAN, payload=ids(1, smsCount=odd, totalPrice=odd if odd != 1.5 else 5))
    report = await sepahan.send(TO[0], "سلام")
    assert (report.message_ids, report.parts) == ([1], None)


async def test_the_senders_are_the_lines_that_najva_says_it_used(new_najva: Any, provider_http: Any) -> None:
    for sender in ("90000123", "90000999"):
        rows = entries({"sender": "90000123"}, {"sender": sender}, {"sender": None}, {"sender": ""})
        provider_http.post(NAJVA, payload=rows)
        provider_http.post(NAJVA, payload=rows)
    report = await new_najva().send(TO, "سلام")
    assert (report.senders, report.parts) == (["90000123"], None)
    await new_najva().send(TO, "سلام")
    assert (await new_najva().send(TO, "سلام")).senders == ["90000123", "90000999"]


async def test_najvas_words_are_the_message_of_a_refused_entry(najva: AsyncNajva, provider_http: Any) -> None:
    rows = entries(
        {"statustext": "در صف ارسال"},
        {"status": 14, "statustext": "بلاک شده"},
        {"status": 14, "statustext": "لیست سیاه"},
        {"status": "14", "statustext": ""},
    )
    provider_http.post(NAJVA, payload=rows)
    report = await najva.send(TO, "سلام")
    errors = [one.error for one in report.rejected]
    assert [error and error.message for error in errors] == [
        "بلاک شده",
        "لیست سیاه",
        "گیرنده دریافت این پیامک را بلاک کرده است.",
    ]
    assert len({str(error) for error in errors}) == 3


# As data


async def test_all_of_it_is_in_as_dicts_and_in_a_pickle(najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(NAJVA, payload=entries({"date": DATE, "sender": "5"}, {"status": 6, "date": DATE + 1}))
    report = await najva.send(TO[:2], "سلام")
    first, second = json.loads(json.dumps(report.as_dicts()))
    assert (first["provider"], first["code"], first["earlier"]) == ("najva", None, [])
    assert first["sent_at"] == "2024-01-30T13:01:49+00:00"
    assert (second["provider"], second["code"], second["sent_at"]) == ("najva", 6, "2024-01-30T13:01:50+00:00")
    for again in (pickle.loads(pickle.dumps(report)), copy.deepcopy(report)):
        assert again.as_dicts() == report.as_dicts()
        assert (again.senders, again.parts) == (["5"], None)
        assert [one.sent_at for one in again] == [one.sent_at for one in report]


async def test_a_journal_and_a_stream_hear_it_too(najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(NAJVA, payload=entries({"date": DATE, "sender": "5"}), repeat=True)
    heard: list[Any] = []
    reports = [one async for one in najva.send_stream(TO[:1], "سلام", on_batch=heard.append)]
    for report in (reports[0], heard[1].report):
        assert (report.senders, report[0].provider, report[0].sent_at) == (["5"], "najva", MOMENT)


async def test_a_partial_error_has_the_report_with_it(najva: AsyncNajva, provider_http: Any) -> None:
    rows = entries({"sender": "5"}, {"messageid": "x"})
    provider_http.post(NAJVA, payload=rows)
    with pytest.raises(PartialSendError) as caught:
        await najva.send(TO[:2], "سلام")
    assert caught.value.report.senders == ["5"]
    assert all(one.sent_at for one in caught.value.report)


# The column


def test_moments_are_none_until_written() -> None:
    column = TimeColumn(4)
    assert [column[place] for place in range(4)] == [None] * 4
    column.put(range(1, 3), float(DATE))
    column.put([3], DATE + 1)
    assert [column[place] for place in range(4)] == [None, MOMENT, MOMENT, MOMENT + dt.timedelta(seconds=1)]
    column.put_each([0, 1], [DATE + 2, None])
    assert (column[0], column[1]) == (MOMENT + dt.timedelta(seconds=2), None)


@pytest.mark.parametrize("seconds", [float("inf"), 1e300, -1e300])
def test_a_moment_outside_the_calendar_is_none(seconds: float) -> None:
    column = TimeColumn(1)
    column.put(range(1), seconds)
    assert column[0] is None
