"""IPPanel Edge's places, and how many numbers a segment has."""

from typing import Any

import pytest

from smscore.sandbox import Sandbox

BANKS = "/api/send/banks"
EVERYBODY = {"start": 0, "size": 10**9}
# The digit after the prefix of a synthetic number.
OPERATORS = {"1": "mci_count", "3": "irancell_count", "2": "other_count"}


async def names(ippanel: Any, path: str) -> dict[int, str]:
    answer = await ippanel("GET", BANKS + path)
    assert (answer.status, answer.body["meta"]) == (
        200,
        {"status": True, "message": "انجام شد", "message_code": "200-1"},
    )
    assert all(set(row) == {"id", "name"} for row in answer.body["data"])
    return {row["id"]: row["name"] for row in answer.body["data"]}


def errors(answer: Any) -> dict[str, list[str]]:
    meta = answer.body["meta"]
    assert (answer.status, answer.body["data"], meta["status"], meta["message_code"]) == (422, None, False, "400-2")
    return meta["errors"]


async def test_all_31_provinces_are_listed_with_the_documents_ids(ippanel: Any) -> None:
    provinces = await names(ippanel, "/provinces")
    assert list(provinces) == list(range(89, 120))
    assert [provinces[place] for place in (89, 90, 111, 119)] == ["تهران", "یزد", "خوزستان", "خراسان جنوبی"]


async def test_a_provinces_counties_are_listed(ippanel: Any) -> None:
    counties = await names(ippanel, "/counties?province_id=119")
    assert (len(counties), counties[147], counties[1110]) == (12, "بیرجند", "نهبندان")


async def test_a_countys_cities_are_listed(ippanel: Any) -> None:
    assert await names(ippanel, "/cities?county_id=147") == {12: "بیرجند"}


async def test_a_place_that_the_sample_leaves_out_has_none(ippanel: Any) -> None:
    assert await names(ippanel, "/counties?province_id=90") == {}
    assert await names(ippanel, "/cities?county_id=884") == {}


async def test_no_two_places_share_an_id(ippanel: Any) -> None:
    provinces = await names(ippanel, "/provinces")
    counties = [place for one in provinces for place in await names(ippanel, f"/counties?province_id={one}")]
    cities = [place for one in counties for place in await names(ippanel, f"/cities?county_id={one}")]
    assert (len(set(counties)), len(set(cities))) == (len(counties), len(cities))
    assert len(cities) > 10


@pytest.mark.parametrize(("path", "name"), [("/counties", "province_id"), ("/cities", "county_id")])
async def test_an_unknown_place_is_refused_in_the_documents_words(ippanel: Any, path: str, name: str) -> None:
    words = f"گزینه انتخاب شده {name.replace('_', ' ')} صحیح نمی باشد"
    assert errors(await ippanel("GET", f"{BANKS}{path}?{name}=1")) == {name: [words]}


@pytest.mark.parametrize(("path", "name"), [("/counties", "province_id"), ("/cities", "county_id")])
@pytest.mark.parametrize("query", ["", "={}", "=a", "=-1", "=%D8%AA%D9%87%D8%B1%D8%A7%D9%86"])
async def test_an_invalid_place_is_refused(ippanel: Any, path: str, name: str, query: str) -> None:
    assert set(errors(await ippanel("GET", f"{BANKS}{path}?{name}{query}"))) == {name}


# Counts


async def counted(ippanel: Any, **query: object) -> dict[str, int]:
    joined = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await ippanel("GET", f"{BANKS}/counts?{joined}")
    assert answer.status == 200, answer.body
    return answer.body["data"]


async def reached(ippanel: Any, box: Sandbox, **changes: object) -> dict[str, int]:
    """How many of each operator's synthetic numbers a send to a whole segment reaches."""
    segment = {"bank": "all", "pre": 938, "province_id": 89, "gender": 0, "age_from": 1300, "age_to": 1410}
    segment |= dict.fromkeys(("mci", "irancell", "other"), EVERYBODY) | changes
    body = {"sending_type": "country", "from_number": "+98BANK", "message": "تست", "params": [segment]}
    assert (await ippanel("POST", "/api/send", body)).status == 200
    heads = [message.recipient.removeprefix("+98938")[0] for message in box.messages]
    return {name: heads.count(digit) for digit, name in OPERATORS.items()}


async def test_a_whole_province_has_its_whole_bank(ippanel: Any) -> None:
    assert await counted(ippanel, province_id=89) == dict.fromkeys(OPERATORS.values(), 1000)


@pytest.mark.parametrize(
    ("query", "segment"),
    [
        ({}, {}),
        ({"gender_id": 1}, {"gender": 1}),
        ({"gender_id": 2}, {"gender": 2}),
        ({"birth_year_from": 1370}, {"age_from": 1370}),
        ({"birth_year_to": 1369}, {"age_to": 1369}),
        (
            {"gender_id": 2, "birth_year_from": 1380, "birth_year_to": 1380},
            {"gender": 2, "age_from": 1380, "age_to": 1380},
        ),
        ({"birth_year_from": 1400, "birth_year_to": 1390}, {"age_from": 1400, "age_to": 1390}),
        ({"county_id": 212, "city_id": 82}, {"county_id": 212, "city_id": 82}),
        ({"number_prefix": "938"}, {}),
    ],
)
async def test_a_segment_has_as_many_as_a_send_to_all_of_it_reaches(
    ippanel: Any, box: Sandbox, query: dict[str, Any], segment: dict[str, Any]
) -> None:
    assert await counted(ippanel, province_id=89, **query) == await reached(ippanel, box, **segment)


async def test_men_and_women_are_all_and_none_is_both(ippanel: Any, box: Sandbox) -> None:
    for gender in (1, 2):
        await reached(ippanel, box, gender=gender)
    numbers = {message.recipient for message in box.messages}
    assert len(numbers) == len(box.messages) == 3000


async def test_the_count_of_a_county_that_the_sample_lacks_is_given(ippanel: Any) -> None:
    assert (await counted(ippanel, province_id=90, county_id=333, city_id=444))["mci_count"] == 1000


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("", "province_id"),
        ("province_id=1", "province_id"),
        ("province_id=a", "province_id"),
        ("province_id=89&county_id=147", "county_id"),
        ("province_id=119&county_id=147&city_id=82", "city_id"),
        ("province_id=89&county_id=a", "county_id"),
        ("province_id=89&gender_id=3", "gender_id"),
        ("province_id=89&birth_year_from=1299", "birth_year_from"),
        ("province_id=89&birth_year_to=1411", "birth_year_to"),
        ("province_id=89&number_prefix=9", "number_prefix"),
        ("province_id=89&number_prefix=938a", "number_prefix"),
    ],
)
async def test_a_wrong_field_of_a_segment_is_named(ippanel: Any, query: str, wrong: str) -> None:
    assert set(errors(await ippanel("GET", f"{BANKS}/counts?{query}"))) == {wrong}
