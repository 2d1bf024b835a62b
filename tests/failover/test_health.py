"""When a provider rests, and who is tried meanwhile; by a clock that the tests set."""

from __future__ import annotations

import pytest

from smscore.failover.health import Choice, Condition, Health, choose

WELL, DUE, RESTING = Condition


def health(*ends: str, rest: float = 30, at: float = 100) -> Health:
    """A provider whose batches ended so at this time: ``x`` is a failure, ``.`` an answer."""
    one = Health(rest)
    for end in "".join(ends):
        one.note(failed=end == "x", now=at)
    return one


@pytest.mark.parametrize(
    ("ends", "condition"),
    [("", WELL), ("xx", WELL), ("xx.xx", WELL), ("xxx", RESTING), (".xxx", RESTING), ("xxx.", WELL), ("xxx.xx", WELL)],
)
def test_three_failures_in_a_row_make_a_provider_rest(ends: str, condition: Condition) -> None:
    assert health(ends).condition(100) is condition


@pytest.mark.parametrize(("now", "condition"), [(100, RESTING), (129.9, RESTING), (130, DUE), (1000, DUE)])
def test_a_rest_takes_its_seconds(now: float, condition: Condition) -> None:
    assert health("xxx").condition(now) is condition


def test_a_provider_on_trial_is_not_tried_by_others() -> None:
    one = health("xxx")
    one.on_trial = True
    assert one.condition(130) is RESTING


def test_a_trial_of_the_parent_process_does_not_bind_its_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    one = health("xxx")
    one.on_trial = True
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert one.condition(130) is DUE


def test_a_trial_that_fails_begins_another_rest_and_one_that_succeeds_ends_it() -> None:
    one = health("xxx")
    one.note(failed=True, now=130)
    assert (one.condition(159.9), one.condition(160)) == (RESTING, DUE)
    one.note(failed=False, now=160)
    assert one.condition(160) is WELL


def test_what_began_before_a_rest_does_not_prolong_it() -> None:
    one = health("xxx")
    one.note(failed=True, now=120)
    assert one.condition(130) is DUE


@pytest.mark.parametrize(
    ("healths", "now", "choice"),
    [
        ([], 0, None),
        ([Health()], 0, Choice(0, is_trial=False, is_last=True)),
        ([Health(), Health()], 0, Choice(0, is_trial=False, is_last=False)),
        ([health("xxx"), Health()], 110, Choice(1, is_trial=False, is_last=True)),
        ([Health(), health("xxx")], 110, Choice(0, is_trial=False, is_last=True)),
        ([health("xxx"), Health()], 130, Choice(0, is_trial=True, is_last=False)),
        ([Health(), health("xxx")], 130, Choice(0, is_trial=False, is_last=False)),
        ([health("xxx", at=105), health("xxx")], 110, Choice(1, is_trial=True, is_last=True)),
        ([health("xxx"), health("xxx")], 110, Choice(0, is_trial=True, is_last=True)),
        ([health("xxx"), health("xxx")], 131, Choice(0, is_trial=True, is_last=False)),
    ],
)
def test_the_first_that_does_not_rest_is_tried_or_else_the_one_whose_rest_ends_first(
    healths: list[Health], now: float, choice: Choice | None
) -> None:
    assert choose(enumerate(healths), now) == choice


def test_a_choice_keeps_the_places_of_its_candidates() -> None:
    assert choose([(2, health("xxx")), (5, Health())], 110) == Choice(5, is_trial=False, is_last=True)
