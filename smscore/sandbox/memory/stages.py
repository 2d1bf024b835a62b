"""How far a message has come on its way to the handset, by the clock."""

import enum
from typing import Final

__all__ = ["STAGES", "STARTS", "Stage", "stage_of", "steps_taken"]

# Seconds a message waits before each step, so that a demonstration can watch it move.
QUEUED_FOR: Final = 1.0
AT_OPERATOR_FOR: Final = 1.0


class Stage(enum.Enum):
    """How far a message has come; each provider has a code of its own for it."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENT = "sent to the operator"
    DELIVERED = "delivered"


STAGES: Final = tuple(Stage)
# Seconds from the start of a message's sending to each step, which takes it to the next stage.
STARTS: Final = (0.0, QUEUED_FOR, QUEUED_FOR + AT_OPERATOR_FOR)


def steps_taken(starts_at: float, now: float) -> int:
    """How many steps a message has taken at ``now`` whose sending starts at ``starts_at`` (seconds since the epoch)."""
    return sum(starts_at + seconds <= now for seconds in STARTS)


def stage_of(starts_at: float, now: float) -> Stage:
    """The stage that they have taken it to."""
    return STAGES[steps_taken(starts_at, now)]
