"""IPPanel's account and its bank of numbers: what each call sends, and how its answer is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from attrs import field, frozen

from ippanel_sms.account import Account, Line
from ippanel_sms.envelope import data, page, wrong
from ippanel_sms.segments import CountrySegment, Place, SegmentCount
from smscore.wire import Answer, Content, Endpoint, Page, codec, masked_number, masked_text

_PAGE_SIZE: Final = 100


@frozen
class CreditData:
    """The data of My Credit."""

    credit: Decimal


@frozen
class LineRow:
    """One line."""

    id: int | None = None
    number: str | None = field(default=None, repr=masked_number)
    operator_id: int | None = None
    alias: str | None = None


@frozen
class AccountData:
    """The data of Check Token."""

    user_id: int | None = None
    user_name: str | None = field(default=None, repr=masked_text)
    name: str | None = field(default=None, repr=masked_text)
    send_block: Any = None
    document_block: Any = None
    is_reseller: Any = None


@frozen
class PlaceRow:
    """A province, county or city."""

    id: int | None = None
    name: str | None = None


@frozen
class CountData:
    """How many numbers each operator has in a segment."""

    mci_count: int | None = None
    irancell_count: int | None = None
    other_count: int | None = None


def _read_credit(answer: Answer, _: None) -> Decimal:
    credit = data(answer, CreditData).credit
    if not credit.is_finite():
        raise wrong(answer, "a credit that is not a number")
    return credit


def _read_lines(answer: Answer, _: int) -> Page[Line]:
    return page(answer, LineRow).of(_line)


def _line(row: LineRow) -> Line:
    return Line(row.id, row.number or "", row.operator_id, row.alias)


def _read_account(answer: Answer, _: None) -> Account:
    found = data(answer, AccountData)
    return Account(
        user_id=found.user_id,
        user_name=found.user_name,
        name=found.name,
        send_block=codec.flag(found.send_block),
        document_block=codec.flag(found.document_block),
        is_reseller=codec.flag(found.is_reseller),
    )


def _read_places(answer: Answer, _: object) -> list[Place]:
    # A place without an id cannot be used in a segment: it is dropped.
    return [Place(row.id, row.name or "") for row in page(answer, PlaceRow).items if row.id is not None]


def _build_count(segment: CountrySegment) -> Content:
    fields = {
        "birth_year_from": segment.age_from,
        "birth_year_to": segment.age_to,
        "province_id": segment.province_id,
        "county_id": segment.county_id,
        "city_id": segment.city_id,
        "gender_id": segment.gender or None,  # only 1 and 2 are documented; without it all are counted
        "number_prefix": segment.pre,
    }
    return Content(query={name: str(int(value)) for name, value in fields.items() if value is not None})


def _read_count(answer: Answer, _: CountrySegment) -> SegmentCount:
    found = data(answer, CountData)
    return SegmentCount(found.mci_count, found.irancell_count, found.other_count)


CREDIT: Final = Endpoint[None, Decimal]("credit", "GET", "/api/payment/credit/mine", lambda _: Content(), _read_credit)
LINES: Final = Endpoint[int, Page[Line]](
    "lines",
    "GET",
    "/api/number/numbers",
    lambda number: Content(query={"page": str(number), "per_page": str(_PAGE_SIZE)}),
    _read_lines,
)
ACCOUNT: Final = Endpoint[None, Account](
    "account", "POST", "/api/acl/auth/check_token", lambda _: Content(), _read_account
)
PROVINCES: Final = Endpoint[None, list[Place]](
    "provinces", "GET", "/api/send/banks/provinces", lambda _: Content(), _read_places
)
COUNTIES: Final = Endpoint[int, list[Place]](
    "counties",
    "GET",
    "/api/send/banks/counties",
    lambda province_id: Content(query={"province_id": str(province_id)}),
    _read_places,
)
CITIES: Final = Endpoint[int, list[Place]](
    "cities",
    "GET",
    "/api/send/banks/cities",
    lambda county_id: Content(query={"county_id": str(county_id)}),
    _read_places,
)
COUNT: Final = Endpoint[CountrySegment, SegmentCount](
    "count", "GET", "/api/send/banks/counts", _build_count, _read_count
)
