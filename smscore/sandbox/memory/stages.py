"""How far a message has come on its way to the handset, by the clock."""

from __future__ import annotations

import enum
from typing import Final

__all__ = ["STAGES", "STARTS", "Stage", "stage_of", "steps_taken"]

# Seconds before each step: long enough to watch a message move on the page, short enough for a test to wait.
QUEUED_FOR: Final = 1.0
AT_OPERATOR_FOR: Final = 1.0


class Stage(enum.Enum):
    """How far a message has come; each provider has its own code for a stage."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENT = "sent to the operator"
    DELIVERED = "delivered"


STAGES: Final = tuple(Stage)
# Seconds from the time a message is to be sent to each step, which takes it to the next stage.
STARTS: Final = (0.0, QUEUED_FOR, QUEUED_FOR + AT_OPERATOR_FOR)


def steps_taken(starts_at: float, now: float) -> int:
    """How many steps a message that is sent at ``starts_at`` has taken at ``now``, both in seconds since the epoch."""
    return sum(starts_at + seconds <= now for seconds in STARTS)


def stage_of(starts_at: float, now: float) -> Stage:
    """The stage that a message sent at ``starts_at`` has reached at ``now``."""
    return STAGES[steps_taken(starts_at, now)]
