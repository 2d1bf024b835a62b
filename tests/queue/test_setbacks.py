"""A clock that is set back by hours: nothing waits for them to pass again, and nobody is sent to twice."""

from __future__ import annotations

import pytest

from smscore import ResponseLost
from smscore.contrib.django.rounds import take_turn
from smscore.queue.store import accounts, dispatch, sweeping
from smscore.queue.store.claims import Lane, claim
from smscore.queue.store.dispatch import Refusal, Refused

from .test_store import IDS, KNOWN, LEASE, UNKNOWN, Bench, bench

__all__ = ["bench"]

HOURS = 6 * 3600.0


def sweep(bench: Bench) -> None:
    bench(sweeping.sweep, ["shop"], LEASE)


def set_back(bench: Bench, seconds: float) -> None:
    """Set the clock back while a worker is at work, which notes the time before it and notices it after."""
    sweep(bench)
    bench.now -= seconds
    sweep(bench)


def test_what_waits_to_be_claimed_is_claimed_at_once(bench: Bench):
    set_back(bench, HOURS)
    bench.dispatch(batch := bench.claimed())
    bench.end(batch, IDS)
    assert bench.results == KNOWN


def test_a_killed_workers_batch_waits_no_longer_than_its_lease(bench: Bench):
    bench.claimed()
    set_back(bench, HOURS)
    bench.now += 2 * LEASE
    assert bench.claimed().hops == []


def test_what_may_have_gone_before_is_not_repeated_after_its_worker_was_killed(bench: Bench):
    bench.dispatch(bench.claimed())
    set_back(bench, HOURS)
    bench.now += 2 * LEASE
    assert bench.nothing_to_claim()
    assert bench.results == UNKNOWN


def test_what_may_have_gone_before_is_not_repeated_by_the_worker_that_got_no_answer(bench: Bench):
    batch = bench.claimed()
    bench.dispatch(batch)
    set_back(bench, 600)
    bench.end(batch, ResponseLost(""))
    bench.now += 700
    assert bench.nothing_to_claim()
    assert bench.results == UNKNOWN


def test_a_repeat_that_was_claimed_before_is_not_dispatched(bench: Bench):
    bench.dispatch(bench.claimed())
    bench.now += LEASE + 1
    again = bench.claimed()
    set_back(bench, 600)
    with pytest.raises(Refused) as caught:
        bench.dispatch(again)
    assert caught.value.why is Refusal.TOO_LATE


def test_a_repeat_is_not_dispatched_even_if_no_worker_has_noticed(bench: Bench):
    bench.dispatch(bench.claimed())
    bench.now += LEASE + 1
    again = bench.claimed()
    bench.now -= HOURS
    with pytest.raises(Refused) as caught:
        bench.dispatch(again)
    assert caught.value.why is Refusal.TOO_LATE


def test_an_answer_that_comes_afterwards_counts(bench: Bench):
    batch = bench.claimed()
    bench.dispatch(batch)
    set_back(bench, HOURS)
    bench.end(batch, IDS)
    assert bench.results == KNOWN


def test_what_goes_afterwards_is_repeated(bench: Bench):
    set_back(bench, HOURS)
    bench.dispatch(bench.claimed())
    bench.now += LEASE + 1
    again = bench.claimed()
    bench.dispatch(again)
    bench.end(again, IDS)
    assert bench.results == KNOWN


def test_rates_rests_and_turns_do_not_wait_for_the_hours(bench: Bench):
    assert bench(take_turn, "receive:shop", 60.0)
    (batch,) = bench(claim, [Lane("shop", 10.0)], 1, LEASE).batches
    bench(dispatch.requeue, batch)
    for _ in range(3):
        bench(accounts.note_failure, "shop", None)
    assert bench(accounts.read, "shop").held
    set_back(bench, HOURS)
    bench.now += 70  # the time was noted up to a minute before
    assert bench(take_turn, "receive:shop", 60.0)
    bench(accounts.note_success, "shop")
    assert len(bench(claim, [Lane("shop", 10.0)], 1, LEASE).batches) == 1


def test_a_time_that_the_user_gave_stays(bench: Bench):
    until = bench.now + 3600
    bench(accounts.hold, "shop", until, "by hand")
    not_before = bench.now + 1800
    bench(lambda own: own.run("UPDATE payamak_campaign SET not_before = %s, next_at = %s", not_before, not_before))
    set_back(bench, HOURS)
    found = bench(accounts.read, "shop")
    assert found.until is not None
    assert found.until.timestamp() == until
    assert bench(lambda own: own.row("SELECT next_at FROM payamak_campaign")) == (not_before,)


def test_a_correction_by_seconds_changes_nothing(bench: Bench):
    bench.dispatch(bench.claimed())
    set_back(bench, 3)
    bench.now += LEASE + 4
    assert bench.claimed().may_have_arrived
