"""Formatting never changes an outcome: every recorded answer, written in every odd form, gives what it gave.

The forms are made from the samples, so that a new call is tried in all of them by recording its sample.
"""

import datetime as dt
import json
import re
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from attrs import frozen
from providers.test_samples import ERRORS, RESULTS, SAMPLES, call
from wide import one_of_each

from najva_sms import AsyncNajva, DeliveryReport, parse_webhook
from sepahan_sms import AsyncSepahan
from smscore import (
    DeliveryStatus,
    MalformedResponse,
    MessageStatus,
    Outcome,
    PartialSendError,
    SendReport,
    SMSError,
)
from smscore.testing.odd_forms import FORMS, Form
from smscore.wire import codec
from smscore.wire.codec import DecodeError

LARGE = 639027944154527200  # through a float it is another id


def answer(http: Any, name: str, form: Form) -> None:
    recorded = SAMPLES[name]["answer"]
    for method in ("GET", "POST"):
        http.add(
            re.compile(""),
            method,
            status=recorded["status"],
            body=form.of(recorded["body"]),
            content_type=form.content_type,
            repeat=True,
        )


@pytest.mark.parametrize(("name", "form"), one_of_each(product(sorted(RESULTS), FORMS), lambda row: row[1]))
async def test_an_accepted_answer_is_what_it_is_in_any_form(
    name: str, form: str, new_client: Any, provider_http: Any
) -> None:
    answer(provider_http, name, FORMS[form])
    result = await call(name, new_client)
    if isinstance(result, SendReport):
        assert result.ok
        result = ([(one.recipient, one.message_id) for one in result], result.cost)
    assert result == RESULTS[name]
    assert type(result) is type(RESULTS[name])


@pytest.mark.parametrize(("name", "form"), one_of_each(product(sorted(ERRORS), FORMS), lambda row: row[1]))
async def test_a_refusal_is_what_it_is_in_any_form(name: str, form: str, new_client: Any, provider_http: Any) -> None:
    answer(provider_http, name, FORMS[form])
    with pytest.raises(SMSError) as caught:
        await call(name, new_client)
    error = caught.value
    assert (type(error), error.code) == ERRORS[name]
    said = SAMPLES[name]["answer"]["body"]
    words = said.get("error") or said.get("return") or said.get("meta")
    assert error.message == (words if isinstance(words, str) else words["message"])


@pytest.mark.parametrize("form", FORMS)
def test_a_webhook_is_read_in_any_form(form: str) -> None:
    body = FORMS[form].of({"messageid": LARGE, "status": 10})
    assert parse_webhook(body=body) == DeliveryReport(LARGE, 10, DeliveryStatus.DELIVERED)


# Large ids


@pytest.mark.parametrize("written", [f"{LARGE}", f"{LARGE}.0", f'"{LARGE}"', f'"{LARGE}.0"', f"{LARGE + 1}.00"])
async def test_a_large_id_keeps_every_digit(
    written: str, sepahan: AsyncSepahan, najva: AsyncNajva, provider_http: Any
) -> None:
    wanted = int(written.strip('"').split(".")[0])
    url = "https://api.sepahansms.com/api/Sms/Send"
    provider_http.post(url, body=f'{{"isSuccess": true, "value": {{"ids": [{written}]}}, "error": null}}')
    assert (await sepahan.send("09121234567", "سلام")).message_ids == [wanted]
    entry = f'{{"messageid": {written}, "receptor": "09121234567", "status": 1}}'
    provider_http.post(
        "https://sms.najva.com/v2/sms/send", body=f'{{"return": {{"status": 200}}, "entries": [{entry}]}}'
    )
    assert (await najva.send("09121234567", "سلام")).message_ids == [wanted]
    provider_http.post(
        "https://sms.najva.com/v2/sms/status",
        body=f'{{"return": {{"status": 200}}, "entries": [{{"messageid": {written}, "status": "10"}}]}}',
    )
    assert await najva.status([wanted]) == [MessageStatus(wanted, 10, DeliveryStatus.DELIVERED)]


@pytest.mark.parametrize(
    "written", ["6.39e17", '"6.39e17"', "1.5", '"1.5"', '""', '"x"', "true", "null", "[1]", '"1,000"', '"۱"', '"0x1"']
)
async def test_what_could_be_another_number_is_none(written: str, sepahan: AsyncSepahan, provider_http: Any) -> None:
    url = "https://api.sepahansms.com/api/Sms/Send"
    provider_http.post(url, body=f'{{"isSuccess": true, "value": {{"ids": [{written}]}}, "error": null}}')
    with pytest.raises(MalformedResponse) as caught:
        await sepahan.send("09121234567", "سلام")
    assert caught.value.outcome is Outcome.UNKNOWN


# Najva's entries

SEND = "https://sms.najva.com/v2/sms/send"


def entry(message_id: Any, receiver: str, key: str = "receptor", **more: Any) -> dict[str, Any]:
    return {"messageid": message_id, "status": 1, "message": "سلام", "cost": 10, key: receiver, **more}


def entries(*rows: Any) -> dict[str, Any]:
    return {"return": {"status": 200, "message": "تایید شد"}, "entries": rows[0] if len(rows) == 1 else [*rows]}


@pytest.mark.parametrize("url", [SEND, SEND + "-p2p"])
async def test_receiver_is_read_as_receptor(url: str, najva: AsyncNajva, provider_http: Any) -> None:
    rows = [entry(n, f"0912123456{n}", "receiver" if n % 2 else "receptor") for n in (1, 2, 3)]
    provider_http.post(url, payload=entries(*reversed(rows)))
    to = [f"0912123456{n}" for n in (1, 2, 3)]
    p2p = najva.send_p2p([(number, "سلام") for number in to])
    report = await (p2p if "p2p" in url else _closed(p2p, najva.send(to, "سلام")))
    assert [one.message_id for one in report] == [1, 2, 3]
    assert report.ok


def _closed(unused: Any, used: Any) -> Any:
    unused.close()
    return used


async def test_one_entry_may_be_an_object_in_place_of_a_list(najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(SEND, payload=entries(entry("7", "09121234567", "receiver")))
    report = await najva.send("09121234567", "سلام")
    assert (report.ok, report.message_ids, report.cost) == (True, [7], 10)
    provider_http.post("https://sms.najva.com/v2/sms/status", payload=entries({"messageid": 7, "status": 10}))
    assert [one.message_id for one in await najva.status([7])] == [7]


async def test_an_emoji_cut_in_two_costs_nothing(najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(SEND + "-p2p", body=json.dumps(entries(entry(7, "09121234567", message="سلام \ud83d"))))
    assert (await najva.send_p2p([("09121234567", "سلام 😀")])).message_ids == [7]


async def test_an_odd_cost_costs_no_id(najva: AsyncNajva, provider_http: Any) -> None:
    rows = [entry(1, "09121234561", cost="12.5"), entry(2, "09121234562", cost="free"), entry(3, "09121234563", cost=1)]
    provider_http.post(SEND, payload=entries(*rows))
    report = await najva.send([f"0912123456{n}" for n in (1, 2, 3)], "سلام")
    assert (report.message_ids, report.cost) == ([1, 2, 3], Decimal("13.5"))


# Listings: an odd row never costs the others


async def test_an_odd_row_of_najvas_outbox_costs_the_others_nothing(najva: AsyncNajva, provider_http: Any) -> None:
    good = entry(1, "09121234567", date=1706619709, sender="5")
    odd = [{"messageid": "x", "status": None, "cost": []}, {"messageid": 2}, "what?", None, []]
    provider_http.get(
        "https://sms.najva.com/v2/sms/outbox?page=0&pageSize=200",
        payload=entries({"totalMessages": "7", "page": 0}, *odd, good),
    )
    page = await najva.outbox()
    assert (page.total, len(page.messages)) == (7, 6)
    assert [one.message_id for one in page.messages] == [None, 2, None, None, None, 1]
    assert page.messages[0].status is DeliveryStatus.UNRECOGNIZED
    assert page.messages[-1].sent_at == dt.datetime.fromtimestamp(1706619709, dt.UTC)


@pytest.mark.parametrize("odd", ["5", '"x"', "null", "[]", "{}", '{"recipient": [], "message_status": {}}'])
async def test_an_odd_row_of_ippanels_listings_costs_the_others_nothing(
    odd: str, ippanel: Any, provider_http: Any
) -> None:
    good = (
        '{"recipient": "+989121234567", "message_status": 2, "messages_inbox_id": 7, "messages_outbox_id": 7, "id": 7}'
    )
    for method in ("GET", "POST"):
        body = f'{{"data": [{odd}, {good}], "meta": {{"status": true, "last_page": 1}}}}'
        provider_http.add(re.compile(""), method, body=body, repeat=True)
    assert [one.code async for one in ippanel.recipients(1)] == [None, 2]
    assert {one.message_id async for one in ippanel.inbox()} == {None, 7}
    assert [one.message_id for one in (await ippanel.outbox()).messages] == [None, 7]
    assert [one.id for one in await ippanel.lines()] == [None, 7]
    assert [one.id for one in await ippanel.provinces()] == [7]


async def test_a_broken_character_costs_no_listing(ippanel: Any, najva: AsyncNajva, provider_http: Any) -> None:
    row = b'{"messages_inbox_id": 7, "message": "\xff!"}'
    url = "https://edge.ippanel.com/v1/api/report/messages-inbox"
    provider_http.post(url, body=b'{"data": [' + row + b'], "meta": {"status": true, "last_page": 1}}')
    assert [one.text async for one in ippanel.inbox()] == ["\ufffd!"]
    rows = b'[{"totalMessages": 1, "page": 0}, {"messageid": 7, "message": "\xff"}]'
    body = b'{"return": {"status": 200}, "entries": ' + rows + b"}"
    provider_http.get("https://sms.najva.com/v2/sms/outbox?page=0&pageSize=200", body=body)
    assert [one.message_id for one in (await najva.outbox()).messages] == [7]


async def test_an_inbox_row_that_is_not_an_object_is_kept_raw(ippanel: Any, provider_http: Any) -> None:
    url = "https://edge.ippanel.com/v1/api/report/messages-inbox"
    provider_http.post(url, body='{"data": ["what?"], "meta": {"status": true, "last_page": 1}}')
    assert [one.raw async for one in ippanel.inbox()] == [{"": "what?"}]


# The reader by itself


@frozen
class Model:
    """What is read."""

    id: int
    name: str | None = None
    price: Decimal | None = None
    ids: list[int] | None = None


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ('{"id": "7"}', Model(7)),
        ('{"id": -7.0}', Model(-7)),
        ('{"ID": 7, "Name": "x"}', Model(7, "x")),
        ('{"id": "7", "name": 5, "price": "1.50"}', Model(7, "5", Decimal("1.50"))),
        ('{"id": 7, "name": [], "price": "much", "ids": ["x"]}', Model(7)),
        ('{"id": 7, "price": 1.10}', Model(7, None, Decimal("1.10"))),
        ('{"id": 7.0, "price": NaN}', Model(7)),
        ('{"id": 7, "ids": ["1", 2.0, 3,],}', Model(7, None, None, [1, 2, 3])),
        ('{"id": 7, "name": ",}",}', Model(7, ",}")),
        ('{"id": 7, "name": "\\\\",}', Model(7, "\\")),
        ('{"id": 7, "name": "\\",]",}', Model(7, '",]')),
    ],
)
def test_a_value_is_read_however_it_is_written(body: str, wanted: Model) -> None:
    if 'x"]' in body:
        with pytest.raises(DecodeError):
            codec.read(body.encode(), Model)
        return
    assert codec.read(body.encode(), Model) == wanted


@pytest.mark.parametrize(
    "body",
    ["", "{", '{"id": 7', '{"id": 7,', '{"id": 7}}', '{"id": 7} {"id": 8}', '{"id": 1,, "name": ""}', '{,"id": 7}',
     "<html>", '{"id": 7, "name": "', '{"id": 7, "name": "\\', "[" * 100_000, '"' * 100_000, "[,,]", '{"id": 9e9}'],
    ids=lambda body: body[:20],
)  # fmt: skip
def test_what_cannot_be_told_is_an_error(body: str) -> None:
    with pytest.raises(DecodeError):
        codec.read(body.encode(), Model)


def test_a_missing_entry_between_commas_is_not_a_form() -> None:
    with pytest.raises(DecodeError):
        codec.read(b'{"id": 7, "ids": [1,,2]}', Model)


async def test_a_part_of_a_usual_answer_is_read_in_one_pass(
    sepahan: AsyncSepahan, provider_http: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError("the forgiving way was taken")

    monkeypatch.setattr(codec, "_tree", fail)
    provider_http.post(
        "https://api.sepahansms.com/api/Sms/Send",
        payload={"isSuccess": True, "value": {"ids": [1], "smsCount": 1, "totalPrice": 10}, "error": None},
    )
    assert (await sepahan.send("09121234567", "سلام")).ok


async def test_one_unreadable_entry_leaves_its_recipient_alone_unknown(najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.post(SEND, payload=entries(entry("1", "09121234561"), entry("x", "09121234562")))
    with pytest.raises(PartialSendError) as caught:
        await najva.send(["09121234561", "09121234562"], "سلام")
    assert [one.outcome for one in caught.value.report] == [Outcome.ACCEPTED, Outcome.UNKNOWN]
