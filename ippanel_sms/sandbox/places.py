"""Provinces, counties and cities, and how many people a segment has (documents: Send Country).

The provinces are all that the documents list, with their ids, and so are the counties of South Khorasan. The
other counties and cities are a sample: real places, with ids of the sandbox's own from 5001 on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ippanel_sms.sandbox.envelope import Json, Problem, check, done, plain
from ippanel_sms.sandbox.fields import Field, Fields, is_numeral, matching, problems, query_of
from ippanel_sms.sandbox.segments import BIRTH_YEARS, OPERATORS, people
from smscore.sandbox import Call, Reply

__all__ = ["cities", "counties", "counts", "provinces"]

Places = Mapping[int, str]

PROVINCES: Final[Places] = dict(
    enumerate(
        (
            *("تهران", "یزد", "کرمانشاه", "اصفهان", "قزوین", "آذربایجان شرقی", "گلستان", "همدان", "کرمان"),
            *("خراسان شمالی", "زنجان", "لرستان", "سیستان وبلوچستان", "البرز", "سمنان", "بوشهر", "کردستان"),
            *("هرمزگان", "گیلان", "کهگیلویه وبویراحمد", "مازندران", "فارس", "خوزستان", "چهارمحال وبختیاری"),
            *("آذربایجان غربی", "قم", "اردبیل", "مرکزی", "خراسان رضوی", "ایلام", "خراسان جنوبی"),
        ),
        start=89,
    )
)

# By the province's id. Send Country's sample has county 212 and city 82 of Tehran, without their names.
COUNTIES: Final[Mapping[int, Places]] = {
    89: {212: "تهران", 5001: "شمیرانات", 5002: "ری", 5003: "ورامین"},
    92: {5011: "اصفهان", 5012: "کاشان", 5013: "نجف آباد"},
    94: {5021: "تبریز", 5022: "مراغه"},
    102: {5031: "کرج", 5032: "ساوجبلاغ"},
    110: {5041: "شیراز", 5042: "مرودشت"},
    111: {5051: "اهواز", 5052: "آبادان"},
    117: {5061: "مشهد", 5062: "نیشابور"},
    119: {147: "بیرجند", 246: "نامشخص", 884: "طبس", 901: "قائنات", 990: "بشرویه", 1026: "خوسف"}
    | {1031: "درمیان", 1053: "زیرکوه", 1056: "سرایان", 1058: "سربیشه", 1080: "فردوس", 1110: "نهبندان"},
}

# By the county's id.
CITIES: Final[Mapping[int, Places]] = {
    147: {12: "بیرجند"},
    212: {82: "تهران"},
    5001: {5101: "تجریش", 5102: "لواسان"},
    5002: {5103: "شهر ری", 5104: "باقرشهر"},
    5011: {5111: "اصفهان", 5112: "خوراسگان"},
    5012: {5113: "کاشان", 5114: "قمصر"},
    5021: {5121: "تبریز", 5122: "باسمنج"},
    5031: {5131: "کرج", 5132: "کمال شهر"},
    5041: {5141: "شیراز", 5142: "زرقان"},
    5051: {5151: "اهواز"},
    5061: {5161: "مشهد", 5162: "رضویه"},
    5062: {5163: "نیشابور"},
}
EVERY_COUNTY: Final = frozenset(county for places in COUNTIES.values() for county in places)


def listed(places: Places) -> Reply:
    return plain([{"id": place, "name": name} for place, name in places.items()])


def provinces(_: Call) -> Reply:
    """All provinces (Get Provinces)."""
    return listed(PROVINCES)


def counties(call: Call) -> Reply:
    """The counties of a province that the sample has (Get Counties)."""
    return listed(COUNTIES.get(asked_for(call, "province_id", PROVINCES), {}))


def cities(call: Call) -> Reply:
    """The cities of a county that the sample has (Get Cities)."""
    return listed(CITIES.get(asked_for(call, "county_id", EVERY_COUNTY), {}))


def asked_for(call: Call, name: str, known: Mapping[int, str] | frozenset[int]) -> int:
    query = query_of(call)
    check(problems(query, {name: Field(name, is_numeral)}))
    place = int(str(query[name]))
    check([] if place in known else [not_chosen_well(name)])
    return place


def not_chosen_well(name: str) -> Problem:
    return name, f"گزینه انتخاب شده {name.replace('_', ' ')} صحیح نمی باشد"


# Counts

is_birth_year: Final = matching("|".join(map(str, BIRTH_YEARS)))
SEGMENT: Final[Fields] = {
    "province_id": Field("province_id", is_numeral),
    "county_id": Field("county_id", is_numeral, required=False),
    "city_id": Field("city_id", is_numeral, required=False),
    "birth_year_from": Field("birth_year_from", is_birth_year, required=False),
    "birth_year_to": Field("birth_year_to", is_birth_year, required=False),
    "gender_id": Field("gender_id", matching("[0-2]"), required=False),
    "number_prefix": Field("number_prefix", matching("[0-9]{2,6}"), required=False),
}


def counts(call: Call) -> Reply:
    """How many numbers of each operator a segment has: as many as a send to all of it reaches (Recipients Count)."""
    query = query_of(call)
    check(problems(query, SEGMENT))
    check(place_problems(query))
    gender, first, last = (
        int(str(query.get(name) or otherwise))
        for name, otherwise in (
            ("gender_id", 0),
            ("birth_year_from", BIRTH_YEARS[0]),
            ("birth_year_to", BIRTH_YEARS[-1]),
        )
    )
    count = len(people(gender, first, last))
    return done({f"{operator}_count": count for operator in OPERATORS}, "count")


def place_problems(query: Json) -> Iterator[Problem]:
    """A county or city is refused where the sample has it elsewhere: one that it lacks may be a real one."""
    province, county, city = (int(str(query.get(name) or 0)) for name in ("province_id", "county_id", "city_id"))
    if province not in PROVINCES:
        yield not_chosen_well("province_id")
    if elsewhere(county, province, COUNTIES):
        yield not_chosen_well("county_id")
    if elsewhere(city, county, CITIES):
        yield not_chosen_well("city_id")


def elsewhere(place: int, parent: int, known: Mapping[int, Places]) -> bool:
    return any(place in places for of, places in known.items() if of != parent)
