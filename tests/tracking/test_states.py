"""How sights of one message are merged, by webhooks and by polling, in any order."""

from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscore import DeliveryStatus
from smscore.tracking.followed import Followed
from smscore.tracking.states import State, States, is_news

S = DeliveryStatus
FINAL = [status for status in S if status.is_final]
ON_THE_WAY = [S.SCHEDULED, S.QUEUED, S.SENT]
PLACES = {S.SCHEDULED: 0, S.QUEUED: 1, S.SENT: 2, S.UNRECOGNIZED: 2} | dict.fromkeys(FINAL, 3)

states = st.builds(State, st.sampled_from([*S]), st.integers(0, 3), st.sampled_from([None, "words"]))
known_states = st.builds(State, st.sampled_from([*ON_THE_WAY, *FINAL]), st.just(1))


@pytest.mark.parametrize(
    ("old", "new", "tells_more"),
    [
        (None, S.SCHEDULED, True),
        (None, S.UNRECOGNIZED, True),
        (None, S.NOT_FOUND, True),
        (S.SCHEDULED, S.QUEUED, True),
        (S.QUEUED, S.SENT, True),
        (S.SENT, S.DELIVERED, True),
        (S.SENT, S.SENT, False),
        (S.SENT, S.QUEUED, False),
        (S.QUEUED, S.SCHEDULED, False),
        (S.SENT, S.UNRECOGNIZED, True),
        (S.UNRECOGNIZED, S.SENT, True),
        (S.UNRECOGNIZED, S.QUEUED, False),
        (S.DELIVERED, S.UNDELIVERED, False),
        (S.DELIVERED, S.DELIVERED, False),
        (S.UNDELIVERED, S.DELIVERED, False),
        (S.FAILED, S.SENT, False),
    ],
)
def test_a_sight_tells_more_if_it_is_further_on_and_nothing_is_final_yet(
    old: DeliveryStatus | None, new: DeliveryStatus, tells_more: bool
):
    assert is_news(old and State(old, 1), State(new, 1)) is tells_more


def test_another_unlisted_code_is_news_and_another_code_of_the_same_status_is_not():
    assert is_news(State(S.UNRECOGNIZED, 50), State(S.UNRECOGNIZED, 51))
    assert not is_news(State(S.UNRECOGNIZED, 50), State(S.UNRECOGNIZED, 50, "other words"))
    assert not is_news(State(S.SENT, 0), State(S.SENT, 1))


def merged(sights: list[State]) -> list[State]:
    """The changes that these sights make, in their order."""
    followed = Followed("any", States(), array("q", [7]), array("d", [0.0]), [None])
    changes = [delivery for sight in sights for delivery in followed.see([0], [sight])]
    assert followed.left == (0 if changes and changes[-1].status in FINAL else 1)
    return [State(change.status or S.FAILED, change.code, change.words) for change in changes]


@given(st.lists(states, max_size=12))
def test_what_is_seen_never_goes_back_and_ends_with_the_first_final_status(sights: list[State]):
    changes = merged(sights)
    assert all(PLACES[one.status] <= PLACES[other.status] for one, other in pairwise(changes))
    assert all(one != other for one, other in pairwise(changes))
    finals = [sight for sight in sights if sight.status.is_final]
    assert [change for change in changes if change.status.is_final] == finals[:1]


@given(
    st.lists(known_states, min_size=1, max_size=8).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_)))
)
def test_the_order_in_which_webhooks_and_polling_come_changes_only_which_final_status_is_the_first(both):
    for sights in both:
        finals = [sight for sight in sights if sight.status.is_final]
        end = finals[0] if finals else max(sights, key=lambda sight: PLACES[sight.status])
        assert merged(sights)[-1] == end


@given(st.lists(states, max_size=8))
def test_telling_everything_twice_changes_nothing(sights: list[State]):
    once = merged(sights)
    assert merged([*sights, *[sight for sight in sights if sight.status.is_final]]) == once
    listed = [sight for sight in sights if sight.status is not S.UNRECOGNIZED]
    assert merged([*listed, *listed]) == merged(listed)


def test_equal_states_are_held_once():
    kept = States()
    places = {kept.merged(0, State(S.SENT, 4, f"word {n % 3}")) for n in range(100)}
    assert len(places) == 3


def test_words_without_end_are_not_kept():
    kept = States()
    for n in range(30_000):
        kept.merged(0, State(S.SENT, 4, f"word {n}"))
    place = kept.merged(0, State(S.SENT, 4, "one more"))
    assert place is not None
    assert kept[place] == State(S.SENT, 4, None)
    assert len(kept._known) < 10_010
