"""Which provider is tried next: one that fails three times in a row rests, and is then tried with one batch. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import Enum, auto
from typing import Final

from attrs import define, field, frozen

from smscore.config import DEAD_BATCHES

__all__ = ["REST", "Choice", "Condition", "Health", "choose"]

REST: Final = 30.0  # seconds


class Condition(Enum):
    """Whether a provider may be tried."""

    WELL = auto()
    DUE = auto()  # its rest is over: one batch may find out whether it works again
    RESTING = auto()


@define(eq=False)
class Health:
    """What is known of one provider. ``now`` is in seconds by any clock that never goes back."""

    rest: float = REST
    rests_until: float | None = None
    """The end of its rest; None where it works."""
    _trial_of: int | None = field(default=None, init=False)
    """The process that has a batch under way to find out whether it works again."""
    _failures: int = field(default=0, init=False)

    @property
    def on_trial(self) -> bool:
        """Whether a batch is under way that finds out whether it works again."""
        # A fork in the middle of a trial leaves the child none that would end.
        return self._trial_of == os.getpid()

    @on_trial.setter
    def on_trial(self, begins: bool) -> None:
        self._trial_of = os.getpid() if begins else None

    @property
    def is_clear(self) -> bool:
        """Whether an answer would change nothing."""
        return not self._failures

    def note(self, *, failed: bool, now: float) -> None:
        """Record how a batch ended."""
        if not failed:
            self._failures, self.rests_until = 0, None
            return
        self._failures += 1
        # A batch that began before the rest does not prolong it.
        if self._failures >= DEAD_BATCHES and (self.rests_until is None or self.rests_until <= now):
            self.rests_until = now + self.rest

    def condition(self, now: float) -> Condition:
        """Whether it may be tried."""
        if self.rests_until is None:
            return Condition.WELL
        return Condition.RESTING if self.on_trial or now < self.rests_until else Condition.DUE


@frozen
class Choice:
    """A provider by its place; ``is_trial``: with one batch. ``is_last``: no other one is known to work."""

    place: int
    is_trial: bool
    is_last: bool


def choose(candidates: Iterable[tuple[int, Health]], now: float) -> Choice | None:
    """The first that does not rest; if all do, the one whose rest ends first. None where there is none."""
    known = [(place, health, health.condition(now)) for place, health in candidates]
    awake = [(place, condition) for place, _, condition in known if condition is not Condition.RESTING]
    if awake:
        place, condition = awake[0]
        return Choice(place, condition is Condition.DUE, len(awake) == 1)
    resting = [(health.rests_until or now, place) for place, health, _ in known]
    return Choice(min(resting)[1], is_trial=True, is_last=True) if resting else None
