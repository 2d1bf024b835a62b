"""What the live view of a campaign says while it moves, and where it stands still."""

import datetime as dt

import attrs
import pytest

from smscore.cli.queue.show import Pace, View, _lines
from smscore.queue import Account, Campaign, CampaignState, Counts
from smscore.queue.store.reading import InProgress

CAMPAIGN = Campaign(1, "nowruz", "shop", CampaignState.RUNNING, None, dt.datetime.now(dt.UTC), 300)
STILL = View(CAMPAIGN, Counts(accepted=200, waiting=100), Account("shop"), is_still=True)


def test_the_rate_is_of_the_last_seconds_and_gone_once_nothing_changes() -> None:
    pace = Pace()
    looks = [(second, min(second, 10) * 100) for second in range(16)]
    rates = [pace.rate(float(second), ended) for second, ended in looks]
    assert rates[0] is None
    assert rates[10] == 100.0
    assert rates[14] == pytest.approx(1000 / 14)
    assert rates[15] is None
    assert pace.is_still


def test_the_rate_forgets_what_was_long_ago() -> None:
    pace = Pace()
    for second in range(40):
        pace.rate(float(second), 0)
    assert pace.rate(40.0, 3000) == 100.0


def test_it_says_when_the_batches_of_a_killed_worker_are_taken_over() -> None:
    *_, still, when = _lines(attrs.evolve(STILL, in_progress=InProgress(1, 72.0)))
    assert still == "Nothing has changed lately; 1 batch is in progress."
    assert when == "What a killed worker had is taken over by another within 1:12."


def test_it_asks_for_a_worker_where_none_takes_what_is_due() -> None:
    *_, asked, command = _lines(attrs.evolve(STILL, in_progress=InProgress(is_due=True)))
    assert asked == "No batch is in progress. Is a worker running?"
    assert command == "payamak queue work --account shop=PROVIDER"


@pytest.mark.parametrize(
    "view",
    [
        attrs.evolve(STILL, is_still=False, in_progress=InProgress(2, 72.0)),
        STILL,  # outside its hours
        attrs.evolve(STILL, account=Account("shop", held=True), in_progress=InProgress(is_due=True)),
        attrs.evolve(STILL, campaign=attrs.evolve(CAMPAIGN, state=CampaignState.PAUSED)),
    ],
)
def test_it_says_nothing_of_workers_where_they_are_not_why(view: View) -> None:
    assert not any("worker" in line for line in _lines(view))
