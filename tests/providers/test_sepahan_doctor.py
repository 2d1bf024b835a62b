"""What Sepahan's part of ``payamak doctor`` makes of what was seen: tables, and nobody is asked."""

from __future__ import annotations

import pytest

from sepahan_sms import Wire
from sepahan_sms.doctor import DOCTOR, MESSAGES, Dates, Ids, form_finding, id_finding, since_finding
from smscore.wire import Verdict

BOTH = frozenset({"jalali", "gregorian"})

CALENDARS = [
    (Dates(frozenset({"jalali"})), "jalali"),
    (Dates(frozenset({"gregorian"})), "gregorian"),
    (Dates(frozenset()), None),
    (Dates(BOTH), None),  # and no message to tell by
    (Dates(BOTH, has_messages=True), "jalali"),
    (Dates(BOTH, has_messages=True, by_tomorrow=True), "jalali"),
    (Dates(BOTH, has_messages=True, by_yesterday=True, by_tomorrow=True), "gregorian"),
    (Dates(BOTH, has_messages=True, by_yesterday=True), "both"),
]


@pytest.mark.parametrize(("dates", "calendar"), CALENDARS)
def test_the_calendar_is_told_by_what_is_refused_and_by_what_comes(dates: Dates, calendar: str | None) -> None:
    assert dates.calendar == calendar


@pytest.mark.parametrize(
    ("wire", "calendar", "verdict", "settings"),
    [
        (Wire(), "jalali", Verdict.GOOD, {}),
        (Wire(), "gregorian", Verdict.WARNING, {"SEPAHAN_WIRE": "since=gregorian"}),
        (Wire(since="gregorian"), "jalali", Verdict.WARNING, {"SEPAHAN_WIRE": ""}),
        (
            Wire(since="gregorian", send="strings"),
            "jalali",
            Verdict.WARNING,
            {"SEPAHAN_WIRE": "send=strings"},
        ),
        (Wire(since="gregorian"), "gregorian", Verdict.GOOD, {}),
    ],
)
def test_another_calendar_is_recommended_and_the_rest_stays(
    wire: Wire, calendar: str, verdict: Verdict, settings: dict[str, str]
) -> None:
    found, then = since_finding(Dates(frozenset({calendar})), wire)
    assert (found.verdict, dict(found.settings), then.since, then.send) == (verdict, settings, calendar, wire.send)


@pytest.mark.parametrize("dates", [Dates(frozenset()), Dates(BOTH)])
def test_where_nothing_tells_the_calendar_stays(dates: Dates) -> None:
    found, then = since_finding(dates, Wire(since="gregorian"))
    assert (found.verdict, then) == (Verdict.CANNOT_TELL, Wire(since="gregorian"))


@pytest.mark.parametrize(
    ("taken", "verdict", "settings"),
    [
        ("arrays", Verdict.GOOD, {}),
        ("strings", Verdict.BAD, {"SEPAHAN_WIRE": "send=strings"}),
        (None, Verdict.BAD, {}),
    ],
)
def test_the_form_that_was_taken_is_recommended(taken: str | None, verdict: Verdict, settings: dict[str, str]) -> None:
    found = form_finding(Wire(), taken, {"arrays": "refused (code -21)"})
    assert (found.verdict, dict(found.settings)) == (verdict, settings)
    assert found.advice or verdict is Verdict.GOOD


IDS = [
    (Wire(), Ids("both", repeat_refused=True), Verdict.GOOD, {}),
    (Wire(), Ids("both", repeat_refused=None), Verdict.CANNOT_TELL, {}),
    (Wire(), Ids("both", repeat_refused=False), Verdict.BAD, {}),
    (Wire(), Ids(None), Verdict.BAD, {}),
    (Wire(request_id="requestId"), Ids("both", repeat_refused=True), Verdict.BAD, {"SEPAHAN_WIRE": ""}),
    (Wire(), Ids("Request-Id", repeat_refused=True), Verdict.BAD, {"SEPAHAN_WIRE": "request_id=Request-Id"}),
    (Wire(), Ids("Request-Id", repeat_refused=None), Verdict.BAD, {"SEPAHAN_WIRE": "request_id=Request-Id"}),
]


@pytest.mark.parametrize(("wire", "ids", "verdict", "settings"), IDS)
def test_what_became_of_request_ids_says_what_to_do(
    wire: Wire, ids: Ids, verdict: Verdict, settings: dict[str, str]
) -> None:
    found = id_finding(wire, ids)
    assert (found.verdict, dict(found.settings)) == (verdict, settings)
    assert found.advice or verdict is not Verdict.BAD


def test_it_sends_three_messages_at_most() -> None:
    assert DOCTOR.messages == MESSAGES == 3
