"""What keeps an account's batches back: a hold, the breaker, and the rate. Pure: states and times in, decisions out."""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import evolve, frozen

from smscore.config import DEAD_BATCHES

RATE_MARGIN: Final = 1.02
"""Longer than the rate says, so that timers that fire late never put one batch too many into a second."""
FIRST_REST: Final = 30.0
LONGEST_REST: Final = 300.0
MAX_WAIT_FOR_TURN: Final = 1.0
"""Seconds that a claimed batch may wait for its turn; a slot does not stand still for longer."""
FIRST_DELAY: Final = 0.5
"""Seconds that an account waits after a batch that got no connection."""

HOLD: Final = "hold"
REST: Final = "rest"


class Permission(Enum):
    """Whether an account may send."""

    OPEN = "it may send"
    HELD = "it must not send"
    PROBE = "one probe may go, to find out whether the provider is back"


@frozen
class AccountState:
    """What the database says of an account."""

    name: str
    hold: str | None = None
    hold_until: float | None = None
    reason: str | None = None
    failures: int = 0
    rests: int = 0
    probe: str | None = None
    probe_until: float | None = None
    next_turn: float = 0.0
    next_go: float = 0.0

    def permission(self, now: float) -> Permission:
        """Whether it may send now."""
        if self.hold is None:
            return Permission.OPEN
        if self.hold_until is None or self.hold_until > now:
            return Permission.HELD
        if self.hold == HOLD:
            return Permission.OPEN
        is_probed = self.probe is not None and self.probe_until is not None and self.probe_until > now
        return Permission.HELD if is_probed else Permission.PROBE

    def changes_at(self, now: float) -> float | None:
        """When it may send again by itself, if it is held until a time."""
        times = [moment for moment in (self.hold_until, self.probe_until) if moment is not None and moment > now]
        return max(times) if times and self.hold is not None else None


def after_failure(state: AccountState, now: float, *, wait: float | None) -> AccountState:
    """The account after a batch without a usable answer; ``wait`` is the seconds that the provider asked for.

    After ``DEAD_BATCHES`` in a row it rests, and each rest without a usable answer is longer than the one before.
    """
    failures = state.failures + 1
    if state.hold == REST and state.hold_until is not None and state.hold_until > now:
        return evolve(state, failures=failures)  # it was under way when the account began to rest
    delay = max(wait or 0.0, FIRST_DELAY * 2.0 ** min(failures - 1, 6))
    if failures < DEAD_BATCHES or state.hold == HOLD:
        return evolve(state, failures=failures, next_turn=max(state.next_turn, now + delay))
    rest = max(wait or 0.0, min(LONGEST_REST, FIRST_REST * 2.0 ** min(state.rests, 10)))
    return evolve(
        state,
        failures=failures,
        rests=state.rests + 1,
        hold=REST,
        hold_until=now + rest,
        reason=f"{failures} batches in a row got no usable answer, no connection or a 429",
        probe=None,
        probe_until=None,
    )


def after_success(state: AccountState) -> AccountState:
    """The account after a usable answer: the count starts anew, and a rest is over."""
    if state.hold == REST:
        state = evolve(state, hold=None, hold_until=None, reason=None)
    return evolve(state, failures=0, rests=0, probe=None, probe_until=None)


def interval(rate: float | None) -> float:
    """The seconds between two batches of an account with this rate, in batches a second."""
    return RATE_MARGIN / rate if rate else 0.0
