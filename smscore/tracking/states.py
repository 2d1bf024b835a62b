"""What has been seen of a message, and how a newer sight of it is merged with an older one. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from attrs import define, field

from smscore.statuses import DeliveryStatus

_ORDER: Final = {DeliveryStatus.SCHEDULED: 0, DeliveryStatus.QUEUED: 1}
_LATER: Final = 2  # sent, and an unlisted code, which may stand for anything on the way
_MAX_WORDS: Final = 10_000  # different ones; a provider has about one for each code


class State(NamedTuple):
    """A delivery status with the provider's own code and words."""

    status: DeliveryStatus
    code: int | None = None
    words: str | None = None


def is_news(old: State | None, new: State) -> bool:
    """Whether a sight of a message, by a webhook or by polling, tells more than what has been seen before.

    Webhooks may come late, twice and in any order: the first final status stays, and nothing goes back.
    """
    if old is None:
        return True
    if old.status.is_final or _place(new.status) < _place(old.status):
        return False
    if new.status is DeliveryStatus.UNRECOGNIZED:
        return new[:2] != old[:2]
    return new.status is not old.status


def _place(status: DeliveryStatus) -> int:
    return _ORDER.get(status, _LATER)


@define(eq=False)
class States:
    """The different states that have been seen, so that a message holds a small number; 0 stands for nothing yet."""

    _known: list[State | None] = field(factory=lambda: list[State | None]([None]), init=False)
    _places: dict[State, int] = field(factory=dict[State, int], init=False)

    def __getitem__(self, place: int) -> State | None:
        return self._known[place]

    def is_open(self, place: int) -> bool:
        """Whether the state with this number may still change."""
        state = self._known[place]
        return state is None or not state.status.is_final

    def merged(self, place: int, new: State) -> int | None:
        """The number of the state after a new sight of the message; None if that tells nothing more."""
        return self._place_of(new) if is_news(self._known[place], new) else None

    def _place_of(self, state: State) -> int:
        found = self._places.get(state)
        if found is not None:
            return found
        if state.words is not None and len(self._known) > _MAX_WORDS:
            return self._place_of(state._replace(words=None))
        self._known.append(state)
        return self._places.setdefault(state, len(self._known) - 1)
