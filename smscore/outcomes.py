"""The outcome of a message to one recipient."""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = ["OUTCOME_WORDS", "Outcome"]


class Outcome(Enum):
    """The outcome of one recipient's message; the value is the JSON form."""

    ACCEPTED = "accepted"
    """The provider took it."""
    REJECTED = "rejected"
    """The provider refused it."""
    NOT_SENT = "not_sent"
    """It provably never reached the provider."""
    UNKNOWN = "unknown"
    """It may or may not have reached the provider."""


OUTCOME_WORDS: Final = {outcome: outcome.value.replace("_", " ") for outcome in Outcome}
"""The outcomes as people read them: ``not sent``."""
