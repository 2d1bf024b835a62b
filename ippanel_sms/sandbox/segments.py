"""Sends to a place or a postal code, which reach synthetic numbers (documents: Send Country, Postal code SMS)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Final, cast

from ippanel_sms.sandbox.envelope import Json, Problem
from ippanel_sms.sandbox.fields import (
    RECIPIENT,
    Field,
    Fields,
    between,
    each_problem,
    is_list,
    is_natural,
    is_object,
    items,
    matching,
    members,
    problems,
)
from ippanel_sms.sandbox.outbox import Draft

__all__ = [
    "BIRTH_YEARS",
    "BULK_LIMIT",
    "COUNTRY",
    "OPERATORS",
    "POSTAL_CODE",
    "country_drafts",
    "people",
    "postal_code_drafts",
    "segment_problems",
]

BANK: Final = range(1000)  # the synthetic numbers that each operator has for one prefix or postal code
BIRTH_YEARS: Final = range(1300, 1411)
BULK_LIMIT: Final = 100_000  # synthetic numbers of one request, however many segments it has

# The digit that stands for an operator in its synthetic numbers.
OPERATORS: Final[Mapping[str, int]] = {"mci": 1, "irancell": 3, "other": 2}

EVERY_SEGMENT: Final[Fields] = {
    "bank": Field("بانک", matching("all|white")),
    "gender": Field("جنسیت", between(0, 2)),
    "age_from": Field("سال تولد از", between(BIRTH_YEARS[0], BIRTH_YEARS[-1])),
    "age_to": Field("سال تولد تا", between(BIRTH_YEARS[0], BIRTH_YEARS[-1])),
    "mci": Field("همراه اول", is_object),
    "irancell": Field("ایرانسل", is_object),
    "other": Field("سایر اپراتورها", is_object),
}
COUNTRY: Final[Fields] = EVERY_SEGMENT | {
    "pre": Field("پیش شماره", between(10, 999_999)),
    "province_id": Field("استان", is_natural),
    "county_id": Field("شهرستان", is_natural, required=False),
    "city_id": Field("شهر", is_natural, required=False),
}
POSTAL_CODE: Final[Fields] = EVERY_SEGMENT | {"postal_code": Field("کد پستی", between(10, 99_999))}
SEGMENT: Final = Field("پارامتر", is_object)
SLICE: Final[Fields] = {"start": Field("شروع", is_natural), "size": Field("تعداد", is_natural)}
OTHERS: Final[Fields] = {"other_recipients": Field("سایر گیرندگان", is_list, required=False)}


def segment_problems(body: Json, fields: Fields) -> Iterator[Problem]:
    """What is wrong with the segments, whose fields are these, and with the other recipients."""
    yield from problems(body, OTHERS)
    yield from each_problem(body.get("other_recipients"), RECIPIENT, "other_recipients")
    yield from each_problem(body.get("params"), SEGMENT, "params")
    for index, segment in enumerate(map(members, items(body.get("params")))):
        yield from problems(segment, fields, f"params.{index}.")
        for operator in OPERATORS:
            yield from problems(members(segment.get(operator)), SLICE, f"params.{index}.{operator}.")


def country_drafts(body: Json) -> Iterator[Draft]:
    """One bulk message to all segments by place."""
    yield Draft(str(body["from_number"]), str(body["message"]), recipients(body, country_number))


def postal_code_drafts(body: Json) -> Iterator[Draft]:
    """One bulk message to all segments by postal code."""
    yield Draft(str(body["from_number"]), str(body["message"]), recipients(body, postal_code_number))


def recipients(body: Json, number: Callable[[Json, int, int], str]) -> Iterator[str]:
    """The synthetic numbers of the segments, then the other recipients."""
    bank = (
        number(segment, digit, index)
        for segment in map(members, items(body["params"]))
        for operator, digit in OPERATORS.items()
        for index in of_slice(segment, operator)
    )
    yield from islice(bank, BULK_LIMIT)
    yield from cast("list[str]", body.get("other_recipients") or [])


def country_number(segment: Json, operator: int, index: int) -> str:
    head = f"{segment['pre']}{operator}"
    return f"+98{head}{index:0{10 - len(head)}}"


def postal_code_number(segment: Json, operator: int, index: int) -> str:
    return f"+989{operator}{segment['postal_code']:05}{index:03}"


def of_slice(segment: Json, operator: str) -> tuple[int, ...]:
    """The places in the bank that a slice covers: at most all of its people, whatever the slice's size."""
    wanted = members(segment[operator])
    start, size = cast("int", wanted["start"]), cast("int", wanted["size"])
    found = people(*(cast("int", segment[name]) for name in ("gender", "age_from", "age_to")))
    return found[start : start + size]


@lru_cache(maxsize=256)
def people(gender: int, born_from: int, born_to: int) -> tuple[int, ...]:
    """The places in every operator's bank that have a person of this gender (0: any), born in these years.

    The even places are men, the odd ones women, and the years come round in turn from 1350 on. So numbers of
    the bank differ with the gender and the years, but not with the place.
    """
    born = range(born_from, born_to + 1)
    return tuple(index for index in BANK if gender in (0, 1 + index % 2) and birth_year(index) in born)


def birth_year(index: int) -> int:
    return BIRTH_YEARS[(index + 50) % len(BIRTH_YEARS)]
