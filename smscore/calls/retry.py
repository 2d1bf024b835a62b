"""Whether a request is tried again, after how long, and what its end then means. No network here."""

from __future__ import annotations

from attrs import define

from smscore.config import (
    FREE_REPEATS,
    MAX_REPEATS,
    MAX_WAIT,
    SUCCESSES_PER_REPEAT,
    RetryPolicy,
)
from smscore.errors import ConnectionFailed, OutcomeUnknown, ProviderError, RateLimited, ServerError, SMSError
from smscore.wire.endpoint import Repeat


def may_repeat(error: SMSError, repeat: Repeat) -> bool:
    """Whether a request that ended with this error may be repeated at all."""
    if isinstance(error, (ConnectionFailed, RateLimited)):
        return True
    return isinstance(error, OutcomeUnknown) and repeat is not Repeat.NEVER


def wait_before(error: SMSError, tries: int, policy: RetryPolicy, jitter: float) -> float:
    """The seconds to wait after ``tries`` tries: exponential, of which ``jitter`` (0 to 1) picks between half and all.

    A longer ``Retry-After`` is obeyed.
    """
    full = min(policy.wait_max, policy.wait_initial * 2.0 ** min(tries - 1, 60))
    return max(full * (1 + jitter) / 2, asked_wait(error) or 0.0)


def asked_wait(error: SMSError) -> float | None:
    """The seconds that a provider's ``Retry-After`` asks to wait, or None."""
    return error.retry_after if isinstance(error, (RateLimited, ServerError)) else None


def next_wait(
    error: SMSError,
    *,
    repeat: Repeat,
    tries: int,
    policy: RetryPolicy,
    jitter: float,
    left: float | None,
) -> float | None:
    """The seconds to wait before the next try, or None to stop.

    ``tries`` were made; ``left`` is the seconds left of the call's time, or of the request id's lifetime.
    """
    if tries >= policy.attempts or not may_repeat(error, repeat):
        return None
    wait = wait_before(error, tries, policy, jitter)
    if (asked_wait(error) or 0.0) > MAX_WAIT or (left is not None and wait >= left):
        return None
    return wait


def time_to_repeat(repeat: Repeat, elapsed: float, left: float | None, id_lifetime: float | None) -> float | None:
    """The seconds in which a request may still be repeated: the call's, and while its id is remembered."""
    if repeat is not Repeat.SAME_ID or id_lifetime is None:
        return left
    id_left = id_lifetime - elapsed
    return id_left if left is None else min(left, id_left)


def final_error(error: SMSError, earlier: OutcomeUnknown | None) -> SMSError:
    """What the last error means after ``earlier``, the last try that may have arrived (None if none may have).

    A refusal of a repeat, or a repeat that never left, says nothing of the earlier try.
    """
    if earlier is None or isinstance(error, OutcomeUnknown):
        return error
    if not isinstance(error, ProviderError):
        return earlier
    unknown = OutcomeUnknown(
        f"{error.provider} refused a repeat, after an earlier try that may have arrived. The outcome of that try is "
        "unknown; the refusal is in the error's details.",
        provider=error.provider,
        code=error.code,
        http_status=error.http_status,
        message=error.message,
        details=[str(error), *error.details],
        fields=error.fields,
        body=error.body,
    )
    unknown.meets_every_batch = error.meets_every_batch
    return unknown


@define
class RetryBudget:
    """How many repeats a client may still make: some free, then one for every ten successes.

    It keeps an outage from tripling the number of requests.
    """

    left: int = FREE_REPEATS * SUCCESSES_PER_REPEAT  # in successes: 0.1 added ten times is not 1

    def take(self) -> bool:
        """Spend one repeat; False if none is left."""
        if self.left < SUCCESSES_PER_REPEAT:
            return False
        self.left -= SUCCESSES_PER_REPEAT
        return True

    def succeed(self) -> None:
        """Record a request that was answered."""
        if self.left < MAX_REPEATS * SUCCESSES_PER_REPEAT:
            self.left += 1
