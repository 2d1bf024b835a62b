"""What is asked about which message at which moment, as tables."""

import datetime as dt
from array import array
from typing import Any

import pytest

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import Polling
from smscore.dates import TEHRAN
from smscore.tracking.followed import Followed
from smscore.tracking.lookups import IdLookup, ServiceHours, lookup_for
from smscore.tracking.schedule import Plan, wait_after
from smscore.tracking.states import States

DAY, HOUR = 24 * 3600.0, 3600.0
CLIENTS: dict[str, Any] = {"sepahan": AsyncSepahan, "najva": AsyncNajva, "ippanel": AsyncIPPanel}
LOOKUPS = {name: kind.lookups for name, kind in CLIENTS.items()}


def tehran(text: str, day: int = 9) -> float:
    return dt.datetime.combine(dt.date(2025, 10, day), dt.time.fromisoformat(text), TEHRAN).timestamp()


def followed(provider: str, ids: list[int], sent_at: list[float]) -> Followed:
    return Followed(provider, States(), array("q", ids), array("d", sent_at), ["+989121234567"] * len(ids))


def asked(provider: str, ids: list[int], sent_at: list[float], now: float) -> list[tuple[str, list[int]]]:
    plan = Plan([followed(provider, ids, sent_at)], LOOKUPS, now)
    return [(ask.lookup.endpoint.name, ask.ids) for ask in plan if ask is not None]


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        ("00:00:00", HOUR),
        ("00:59:59", 1.0),
        ("01:00:00", 0.0),
        ("03:00:00", 0.0),
        ("04:59:59.999999", 0.0),
        ("05:00:00", 20 * HOUR),
        ("12:00:00", 13 * HOUR),
        ("23:59:59", HOUR + 1),
    ],
)
def test_service_hours_open_at_their_start_and_close_at_their_end_in_tehran(now: str, seconds: float):
    hours = ServiceHours(dt.time(1), dt.time(5))
    assert hours.opens_in(tehran(now)) == pytest.approx(seconds, abs=1e-5)


@pytest.mark.parametrize(
    ("now", "is_open"), [("21:59:59", False), ("22:00", True), ("23:59", True), ("00:00", True), ("02:00", False)]
)
def test_service_hours_may_pass_midnight(now: str, is_open: bool):
    assert (ServiceHours(dt.time(22), dt.time(2)).opens_in(tehran(now)) == 0) is is_open


@pytest.mark.parametrize(
    ("age", "now", "call"),
    [
        (0.0, "12:00", "status"),
        (DAY - 1, "12:00", "status"),
        (DAY - 1, "03:00", "status"),
        (DAY, "12:00", None),
        (DAY, "00:59:59", None),
        (DAY, "01:00", "old_status"),
        (DAY, "04:59:59", "old_status"),
        (DAY, "05:00", None),
        (10 * DAY, "02:00", "old_status"),
        (float("nan"), "12:00", "status"),
    ],
)
def test_sepahan_is_asked_by_status_for_a_day_and_by_old_status_in_its_hours(age: float, now: str, call: str | None):
    moment = tehran(now)
    assert asked("sepahan", [7], [moment - age], moment) == ([(call, [7])] if call else [])


def test_messages_of_both_ages_go_in_the_requests_of_each_call():
    now = tehran("02:00")
    found = asked("sepahan", [1, 2, 3, 4], [now, now - 2 * DAY, now - HOUR, now - 3 * DAY], now)
    assert sorted(found) == [("old_status", [2, 4]), ("status", [1, 3])]


@pytest.mark.parametrize(("provider", "limit"), [("sepahan", 100), ("najva", 1_000)])
def test_a_request_takes_as_many_ids_as_the_call_does(provider: str, limit: int):
    ids = [*range(1, 2 * limit + 8)]
    sizes = [len(ids) for _, ids in asked(provider, ids, [tehran("12:00")] * len(ids), tehran("12:00"))]
    assert sizes == [limit, limit, 7]


def test_messages_of_several_sends_share_requests():
    parts = [followed("najva", [n], [tehran("12:00")]) for n in range(1, 11)]
    asks = [ask for ask in Plan(parts, LOOKUPS, tehran("12:00")) if ask]
    assert [ask.ids for ask in asks] == [[*range(1, 11)]]


def test_a_bulk_message_is_read_once_for_all_its_recipients():
    assert asked("ippanel", [5, 5, 9, 5], [0.0] * 4, tehran("12:00")) == [
        ("recipients", [5, 5, 5]),
        ("recipients", [9]),
    ]


def test_a_message_without_an_id_is_never_asked_about():
    assert asked("najva", [-(2**63), 4], [0.0, 0.0], tehran("12:00")) == [("status", [4])]


def test_a_plan_says_when_what_cannot_be_asked_now_can_be():
    now = tehran("23:00")
    old, new = followed("sepahan", [1], [now - 2 * DAY]), followed("sepahan", [2], [now])
    plan = Plan([old, new], LOOKUPS, now)
    assert [ask.ids for ask in plan if ask] == [[2]]
    assert plan.opens_in == {old: 2 * HOUR, new: 0.0}


def test_what_no_call_covers_is_never_asked_about():
    lookups = (IdLookup(AsyncNajva.lookups[0].endpoint, max_age=DAY),)  # type: ignore[arg-type]
    assert lookup_for(lookups, 0.0, DAY) is None
    plan = Plan([followed("najva", [1], [0.0])], {"najva": lookups}, DAY)
    assert [*plan] == []
    assert plan.opens_in == {}


def test_others_run_while_many_messages_are_planned():
    plan = Plan([followed("ippanel", [5] * 10_000, [0.0] * 10_000)], LOOKUPS, tehran("12:00"))
    assert [*plan].count(None) == 5


@pytest.mark.parametrize(
    ("polls", "failures", "asked", "wait"),
    [
        (0, 0, 0.0, 5.0),
        (1, 0, 0.0, 8.0),
        (2, 0, 0.0, 12.8),
        (1, 1, 0.0, 12.8),
        (0, 2, 0.0, 12.8),
        (9, 0, 0.0, 300.0),
        (10_000, 10_000, 0.0, 300.0),
        (0, 0, 40.0, 40.0),
        (20, 0, 900.0, 900.0),
    ],
)
def test_waits_grow_with_looks_and_failures_up_to_the_longest_and_obey_the_provider(
    polls: int, failures: int, asked: float, wait: float
):
    assert wait_after(Polling(), polls, failures, asked) == pytest.approx(wait)


def test_a_factor_beyond_all_numbers_waits_the_longest():
    assert wait_after(Polling(factor=1e300, longest=60), 50) == 60
