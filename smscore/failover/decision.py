"""Whether a recipient may go on to the next provider. Pure."""

from __future__ import annotations

from typing import Final

from smscore.errors import (
    AccountError,
    AuthenticationError,
    ConnectionFailed,
    InsufficientCredit,
    InvalidParameters,
    NotAttempted,
    OutsideServiceHours,
    RateLimited,
    SMSError,
)
from smscore.outcomes import Outcome

__all__ = ["may_go_on"]

_OF_THE_PROVIDER: Final = (
    ConnectionFailed,
    AuthenticationError,
    AccountError,
    InsufficientCredit,
    RateLimited,
    OutsideServiceHours,
)


def may_go_on(outcome: Outcome, error: SMSError | None) -> bool:
    """Whether a recipient is provably unsent, and another provider may do better."""
    if outcome not in (Outcome.NOT_SENT, Outcome.REJECTED) or error is None or error.of_one:
        return False
    if isinstance(error, NotAttempted):
        return error.by_provider
    if isinstance(error, InvalidParameters):
        return error.of_sender
    return isinstance(error, _OF_THE_PROVIDER)
