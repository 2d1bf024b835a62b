"""Hours of the day, the breaker and holds: pure, with times as arguments."""

from __future__ import annotations

import datetime as dt

import pytest

from smscore import InvalidRequest
from smscore.queue.limits import (
    FIRST_REST,
    HOLD,
    LONGEST_REST,
    REST,
    AccountState,
    Permission,
    after_failure,
    after_success,
    interval,
)
from smscore.queue.windows import Window, window_from_json

DAY, NIGHT = Window(dt.time(8), dt.time(22)), Window(dt.time(22), dt.time(6))
ALWAYS = Window(dt.time(8), dt.time(8))


def tehran(hour: int, minute: int = 0, day: int = 26) -> float:
    zone = dt.timezone(dt.timedelta(hours=3, minutes=30))
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("window", "now", "opens_at"),
    [
        (DAY, tehran(8), tehran(8)),
        (DAY, tehran(7, 59), tehran(8)),
        (DAY, tehran(21, 59), tehran(21, 59)),
        (DAY, tehran(22), tehran(8, day=27)),
        (DAY, tehran(3, day=27), tehran(8, day=27)),
        (NIGHT, tehran(22), tehran(22)),
        (NIGHT, tehran(5, 59), tehran(5, 59)),
        (NIGHT, tehran(6), tehran(22)),
        (ALWAYS, tehran(3), tehran(3)),
    ],
)
def test_a_window_is_open_from_its_start_until_its_end(window: Window, now: float, opens_at: float):
    assert window.opens_at(now) == opens_at
    assert window.is_open(now) is (opens_at == now)


def test_an_opening_that_a_change_of_clocks_leaves_out_comes_as_soon_as_the_clock_is_past_it():
    window = Window(dt.time(2, 30), dt.time(3, 30), tz="Europe/Berlin")
    before = dt.datetime(2026, 3, 29, 0, 30, tzinfo=dt.UTC).timestamp()  # 01:30; 03:00 follows 01:59
    assert window.opens_at(before) == pytest.approx(before + 3600)


def test_a_window_comes_back_from_the_database_as_it_was():
    assert window_from_json(NIGHT.as_json()) == NIGHT
    assert window_from_json(None) is None


@pytest.mark.parametrize("given", ["08:00", dt.time(8, tzinfo=dt.UTC), None])
def test_what_is_no_time_of_day_is_refused(given: object):
    with pytest.raises(InvalidRequest, match=r"start= of a Window"):
        Window(given, dt.time(9))  # type: ignore[arg-type]


@pytest.mark.parametrize("tz", ["Asia/Nowhere", "", "../etc/passwd", 3])
def test_an_unknown_time_zone_is_refused(tz: object):
    with pytest.raises(InvalidRequest, match=r"time zone|tz="):
        Window(dt.time(8), dt.time(9), tz=tz)  # type: ignore[arg-type]


# Limits


def dead(state: AccountState, times: int, now: float = 0.0) -> AccountState:
    for _ in range(times):
        state = after_failure(state, now, wait=None)
    return state


def test_three_batches_in_a_row_without_a_usable_answer_make_an_account_rest():
    account = AccountState("shop")
    assert dead(account, 2).permission(0) is Permission.OPEN
    resting = dead(account, 3)
    assert resting.permission(FIRST_REST - 1) is Permission.HELD
    assert resting.permission(FIRST_REST) is Permission.PROBE


def test_a_usable_answer_starts_the_count_anew_and_ends_a_rest():
    assert dead(after_success(dead(AccountState("shop"), 2)), 2).permission(0) is Permission.OPEN
    assert after_success(dead(AccountState("shop"), 3)).permission(0) is Permission.OPEN


def test_each_rest_without_a_sign_of_life_is_longer_and_the_longest_is_bounded():
    account, now, rests = dead(AccountState("shop"), 3), 0.0, []
    for _ in range(6):
        assert account.hold_until is not None
        rests.append(account.hold_until - now)
        now = account.hold_until
        account = after_failure(account, now, wait=None)
    assert rests == [FIRST_REST, 60, 120, 240, LONGEST_REST, LONGEST_REST]


def test_what_was_under_way_when_a_rest_began_does_not_make_it_longer():
    resting = dead(AccountState("shop"), 3)
    assert dead(resting, 5, now=1.0).hold_until == resting.hold_until


def test_an_account_waits_a_little_after_each_batch_without_a_connection_or_for_as_long_as_it_is_asked_to():
    assert after_failure(AccountState("shop"), 100.0, wait=None).next_turn == 100.5
    assert after_failure(AccountState("shop"), 100.0, wait=9.0).next_turn == 109.0


def test_a_person_s_hold_is_not_ended_by_an_answer_and_ends_with_its_time():
    held = AccountState("shop", hold=HOLD, hold_until=50.0, reason="holiday")
    assert after_success(held).permission(49) is Permission.HELD
    assert held.permission(50) is Permission.OPEN
    assert dead(held, 5).hold == HOLD


def test_one_probe_goes_at_a_time_until_its_lease_ends():
    probed = AccountState("shop", hold=REST, hold_until=10.0, probe="token", probe_until=20.0)
    assert probed.permission(15) is Permission.HELD
    assert probed.permission(20) is Permission.PROBE


def test_a_rate_has_a_margin():
    assert interval(10) == pytest.approx(0.102)
    assert interval(None) == 0
