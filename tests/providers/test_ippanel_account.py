"""What IPPanel tells of an account: its money, what a message costs, its lines, and whose it is."""

import re
from decimal import Decimal
from typing import Any

import pytest

from ippanel_sms import (
    Account,
    AsyncIPPanel,
    CountrySegment,
    Gender,
    IPPanel,
    Line,
    Place,
    PostalCodeSegment,
    Price,
    SegmentCount,
    Slice,
)
from smscore import AuthenticationError, InvalidRequest, MalformedResponse

API = "https://edge.ippanel.com/v1/api"
CREDIT = f"{API}/payment/credit/mine"


def ok(data: str) -> str:
    return f'{{"data": {data}, "meta": {{"status": true, "message": "انجام شد", "message_code": "200-1"}}}}'


# Credit


@pytest.mark.parametrize(
    ("written", "credit"),
    [
        ("6084722932.705052", "6084722932.705052"),
        ("0.1", "0.1"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("12", "12"),
        ('"12.50"', "12.50"),
        ("-3", "-3"),
        ("9007199254740993", "9007199254740993"),
    ],
)
async def test_the_credit_is_exactly_what_is_written(
    written: str, credit: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.get(CREDIT, body=ok(f'{{"credit": {written}, "gift": 0, "gift_expires_at": null}}'))
    found = await ippanel.credit()
    assert (type(found), str(found)) == (Decimal, credit)
    assert (provider_http.sent[0].method, provider_http.sent[0].body) == ("GET", b"")


@pytest.mark.parametrize("data", ["null", "{}", "[]", "5", '{"credit": null}', '{"credit": true}', '{"credit": "x"}'])
async def test_a_credit_that_is_not_a_number_is_malformed(data: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(CREDIT, body=ok(data))
    with pytest.raises(MalformedResponse) as caught:
        await ippanel.credit()
    assert caught.value.outcome is None


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "sNaN"])
async def test_a_credit_of_no_size_is_malformed(word: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(CREDIT, body=ok(f'{{"credit": "{word}"}}'))
    with pytest.raises(MalformedResponse):
        await ippanel.credit()


def test_the_blocking_client_tells_the_credit(provider_http: Any) -> None:
    provider_http.get(CREDIT, body=ok('{"credit": 1.5}'))
    with IPPanel("token-of-the-tests") as client:
        assert client.credit() == Decimal("1.5")


# Prices

PRICE = f"{API}/send/calculate-price"


async def test_a_price_is_asked_for_and_read(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(PRICE, body=ok('{"mci_price": 2370.1, "other_price": "2503", "parts": "2"}'))
    price = await ippanel.price("تست")
    assert price == Price(mci=Decimal("2370.1"), other=Decimal(2503), parts=2)
    assert provider_http.sent[0].json == {"number": "+983000505", "message": "تست"}


async def test_the_parts_are_counted_where_the_answer_leaves_them_out(
    ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(PRICE, body=ok('{"mci_price": 1, "other_price": 1}'))
    assert (await ippanel.price("س" * 71)).parts == 2


@pytest.mark.parametrize(
    "data",
    ['{"mci_price": 1}', '{"mci_price": "NaN", "other_price": 1}', '{"mci_price": 1, "other_price": null}', "null"],
)
async def test_a_price_that_is_not_told_is_malformed(data: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(PRICE, body=ok(data))
    with pytest.raises(MalformedResponse) as caught:
        await ippanel.price("تست")
    assert caught.value.outcome is None


@pytest.mark.parametrize(("text", "sender"), [("", None), (None, None), ("\ud800", None), ("تست", ""), ("تست", 5.5)])
async def test_a_price_of_nothing_is_not_asked_for(
    text: Any, sender: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await ippanel.price(text, sender=sender)
    assert caught.value.outcome is None
    assert provider_http.sent == []


async def test_a_price_needs_a_line(new_ippanel: Any, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest, match="IPPANEL_SENDER"):
        await new_ippanel(sender=None).price("تست")
    assert provider_http.sent == []


# Lines


def lines_page(number: int) -> str:
    return f"{API}/number/numbers?page={number}&per_page=100"


LINE = '{"id": 10002, "number": "+981234567891", "operator_id": "2", "alias": "الف", "gets": 0, "is_66_char": 0}'


async def test_lines_are_read_until_an_empty_page(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(lines_page(1), body=ok(f"[{LINE}, {{}}]"))
    provider_http.get(lines_page(2), body=ok("[]"))
    assert await ippanel.lines() == [Line(10002, "+981234567891", 2, "الف"), Line(None, "", None, None)]


async def test_lines_end_with_a_page_that_repeats(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(lines_page(1), body=ok(f"[{LINE}]"))
    provider_http.get(lines_page(2), body=ok(f"[{LINE}]"))
    assert len(await ippanel.lines()) == 1


@pytest.mark.parametrize("data", ["null", "[]"])
async def test_an_account_may_have_no_line(data: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(lines_page(1), body=ok(data))
    assert await ippanel.lines() == []


# Whose it is

ACCOUNT = f"{API}/acl/auth/check_token"


async def test_the_account_is_read(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    data = '{"user_name": "ippanel", "user_id": "58745", "send_block": false, "is_reseller": "1", "document_block": 0}'
    provider_http.post(ACCOUNT, body=ok(data))
    assert await ippanel.account() == Account(
        user_id=58745, user_name="ippanel", name=None, send_block=False, document_block=False, is_reseller=True
    )
    assert (provider_http.sent[0].method, provider_http.sent[0].body) == ("POST", b"")


@pytest.mark.parametrize("odd", ['"yes"', "2", "null", "[]", "1.5", '""'])
async def test_a_yes_or_no_that_is_neither_is_none(odd: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(ACCOUNT, body=ok(f'{{"send_block": {odd}}}'))
    assert (await ippanel.account()).send_block is None


async def test_an_invalid_token_is_reported(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(ACCOUNT, status=401, payload={"data": None, "meta": {"status": False, "message_code": "400-1"}})
    with pytest.raises(AuthenticationError) as caught:
        await ippanel.account()
    assert caught.value.outcome is None


def test_whose_it_is_and_its_lines_are_not_shown() -> None:
    shown = repr(Account(1, "09121234567", "علی", False, False, False)) + repr(Line(1, "+983000505999", 1, None))
    assert not [needle for needle in ("9121234567", "علی", "3000505999") if needle in shown]


def test_what_an_account_does_not_say_is_shown_as_none() -> None:
    assert repr(Account(1, None, None, None, None, None)).count("None") == 5


# Places, and how many numbers there are

BANKS = f"{API}/send/banks"
PLACES: dict[str, tuple[Any, str]] = {
    "provinces": (lambda client: client.provinces(), f"{BANKS}/provinces"),
    "counties": (lambda client: client.counties(89), f"{BANKS}/counties?province_id=89"),
    "cities": (lambda client: client.cities(212), f"{BANKS}/cities?county_id=212"),
}


@pytest.mark.parametrize("name", PLACES)
async def test_places_are_read_with_their_ids(name: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    call, url = PLACES[name]
    provider_http.get(url, body=ok('[{"id": 89, "name": "تهران"}, {"id": "90", "name": "یزد"}, {"id": 91}]'))
    assert await call(ippanel) == [Place(89, "تهران"), Place(90, "یزد"), Place(91, "")]


@pytest.mark.parametrize("odd", ['{"name": "تهران"}', '{"id": "x", "name": "تهران"}', "5", "null", "[]"])
@pytest.mark.parametrize("name", PLACES)
async def test_a_place_without_an_id_is_left_out_and_costs_the_others_nothing(
    name: str, odd: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    call, url = PLACES[name]
    provider_http.get(url, body=ok(f'[{odd}, {{"id": 90, "name": "یزد"}}]'))
    assert await call(ippanel) == [Place(90, "یزد")]


@pytest.mark.parametrize("data", ["{}", "5", '"x"'])
@pytest.mark.parametrize("name", PLACES)
async def test_places_that_are_not_a_list_are_malformed(
    name: str, data: str, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    call, url = PLACES[name]
    provider_http.get(url, body=ok(data))
    with pytest.raises(MalformedResponse):
        await call(ippanel)


@pytest.mark.parametrize("place_id", [0, -1, "89", 1.0, True, None])
@pytest.mark.parametrize("name", ["counties", "cities"])
async def test_an_invalid_id_of_a_place_is_refused(
    name: str, place_id: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await getattr(ippanel, name)(place_id)
    assert caught.value.outcome is None
    assert provider_http.sent == []


def count_url(provider_http: Any) -> dict[str, str]:
    (sent,) = provider_http.sent
    assert (sent.method, sent.path) == ("GET", "/v1/api/send/banks/counts")
    return sent.query


async def test_the_segment_that_you_would_send_to_is_counted(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.get(re.compile(f"{BANKS}/counts"), body=ok('{"mci_count": 256171, "irancell_count": "134380"}'))
    segment = CountrySegment(938, 89, 212, 82, "white", Gender.FEMALE, 1350, 1360, mci=Slice(0, 5))
    assert await ippanel.count(segment) == SegmentCount(mci=256171, irancell=134380, other=None)
    assert count_url(provider_http) == {
        "birth_year_from": "1350",
        "birth_year_to": "1360",
        "province_id": "89",
        "county_id": "212",
        "city_id": "82",
        "gender_id": "2",
        "number_prefix": "938",
    }


async def test_a_segment_without_sizes_county_and_gender_is_counted_too(
    ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.get(re.compile(f"{BANKS}/counts"), body=ok('{"mci_count": 0, "irancell_count": 0, "other_count": 0}'))
    assert await ippanel.count(CountrySegment(938, 89)) == SegmentCount(0, 0, 0)
    assert count_url(provider_http) == {
        "birth_year_from": "1300",
        "birth_year_to": "1410",
        "province_id": "89",
        "number_prefix": "938",
    }


@pytest.mark.parametrize(
    "segment",
    [
        CountrySegment(9, 89),
        CountrySegment(938, 0),
        CountrySegment(938, 89, age_from=1360, age_to=1350),
        PostalCodeSegment(131),
        [CountrySegment(938, 89)],
        None,
    ],
)
async def test_what_cannot_be_counted_is_refused(segment: Any, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await ippanel.count(segment)
    assert caught.value.outcome is None
    assert provider_http.sent == []


# Both faces


def test_the_blocking_client_asks_all_of_it(provider_http: Any) -> None:
    provider_http.post(PRICE, body=ok('{"mci_price": 1, "other_price": 2, "parts": 1}'))
    provider_http.get(lines_page(1), body=ok("[]"))
    provider_http.post(ACCOUNT, body=ok("{}"))
    for _, url in PLACES.values():
        provider_http.get(url, body=ok("[]"))
    provider_http.get(re.compile(f"{BANKS}/counts"), body=ok("{}"))
    with IPPanel("token-of-the-tests", sender="+983000505") as client:
        assert client.price("تست").parts == 1
        assert client.lines() == []
        assert client.account().user_id is None
        assert [call(client) for call, _ in PLACES.values()] == [[], [], []]
        assert client.count(CountrySegment(938, 89)) == SegmentCount(None, None, None)
