"""Every setting of a client and every default, in one place."""

from __future__ import annotations

import math
import re
from numbers import Real
from typing import Final, TypeGuard

from attrs import Attribute, evolve, field, frozen
from attrs.validators import optional

from smscore.errors import ConfigurationError
from smscore.integers import as_int

__all__ = ["Polling", "RetryPolicy", "Timeouts"]

CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 60.0  # long: waiting costs less than an unknown outcome
TOTAL_TIMEOUT: Final = 120.0
MAX_CONCURRENCY: Final = 8
STREAM_BATCH_SIZE: Final = 10_000  # of a stream to a provider that sets no limit
ITEMS_PER_TURN: Final = 2_000  # messages or ids handled before yielding to the event loop
MAX_CONNECTIONS: Final = 100
_MIN_TOTAL: Final = 0.001  # seconds: aiohttp takes a total of 0 for no limit
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024  # bytes, after decompression
MAX_HEADER_BYTES: Final = 64 * 1024  # bytes of an answer's headers in all, however many they are
LARGE_ANSWER_BYTES: Final = 64 * 1024  # bytes; from this size, one answer is decoded per turn of the event loop
MAX_WAIT: Final = 60.0  # seconds; a longer Retry-After is raised as RateLimited, not waited for
FREE_REPEATS: Final = 10
MAX_REPEATS: Final = 100
SUCCESSES_PER_REPEAT: Final = 10
DEAD_BATCHES: Final = 3  # in a row with a 429, no connection or no usable answer: no further batch starts


def _seconds(_: object, attribute: Attribute[float], value: object) -> None:
    if not _is_number(value) or not value > 0:
        raise ConfigurationError(f"{attribute.name}= must be a number of seconds > 0.")


def _wait(_: object, attribute: Attribute[float], value: object) -> None:
    if not _is_number(value) or not value >= 0:
        raise ConfigurationError(f"{attribute.name}= must be a number of seconds ≥ 0.")


def _attempts(_: object, __: object, value: object) -> None:
    number = as_int(value)
    if number is None or number < 1:
        raise ConfigurationError("attempts= must be a whole number ≥ 1.")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


@frozen(kw_only=True)
class Timeouts:
    """How long to wait, in seconds.

    ``connect``, ``read`` and ``total`` bound one request: opening a connection, waiting between two pieces of the
    answer, and all of it. ``call`` bounds a whole call with its batches, repeats and waits; None sets no bound. For a
    listing that you iterate over, it bounds the requests for all pages, not your own time between them.

    ``idle`` is for how long an unused connection may be used again, less than the server keeps it. None learns that
    from the server's ``Keep-Alive`` header, or from when the server closes a connection that is left to it; until then
    it is 3 seconds.
    """

    connect: float = field(default=CONNECT_TIMEOUT, validator=_seconds)
    read: float = field(default=READ_TIMEOUT, validator=_seconds)
    total: float = field(default=TOTAL_TIMEOUT, validator=_seconds)
    call: float | None = field(default=None, validator=optional(_seconds))
    idle: float | None = field(default=None, validator=optional(_seconds))


@frozen
class RetryPolicy:
    """How often one request is tried, and the seconds between tries, which double up to ``wait_max``."""

    attempts: int = field(default=3, validator=_attempts)
    wait_initial: float = field(default=0.5, validator=_wait)
    wait_max: float = field(default=8.0, validator=_wait)

    @classmethod
    def none(cls) -> RetryPolicy:
        """The policy that repeats nothing."""
        return cls(attempts=1)


def _factor(_: object, __: object, value: object) -> None:
    if not _is_number(value) or not value >= 1:
        raise ConfigurationError("factor= must be a number ≥ 1.")


@frozen
class Polling:
    """How often delivery statuses are asked for: after ``first`` seconds, then after ``factor`` times as many.

    ``longest`` is the longest wait in seconds.
    """

    first: float = field(default=5.0, validator=_seconds)
    factor: float = field(default=1.6, validator=_factor)
    longest: float = field(default=300.0, validator=_seconds)


class Unset:
    """The type of ``UNSET``."""


UNSET: Final = Unset()
"""The default of an option for which None has a meaning."""

DEFAULT_TIMEOUTS: Final = Timeouts()
DEFAULT_RETRY: Final = RetryPolicy()
DEFAULT_POLLING: Final = Polling()


@frozen(kw_only=True)
class Settings:
    """A client's settings, checked; the account is in its ``AccountSettings``, the rate in its ``RateLimit``."""

    timeout: Timeouts
    retry: RetryPolicy
    max_concurrency: int
    batch_size: int | None
    waits_when_limited: bool = True
    """Whether a 429 is waited for and its request repeated, if no earlier try may have arrived."""


def checked_proxy(proxy: str | None, name: str = "proxy=") -> str | None:
    """The proxy's URL, http or https. It may hold a password, so it is never shown. Raises ``ConfigurationError``."""
    if proxy is None:
        return None
    if not isinstance(proxy, str) or not re.fullmatch(r"https?://[^\s/?#]+/?", proxy, re.ASCII | re.IGNORECASE):
        raise ConfigurationError(f"{name} must be a URL such as http://proxy.example.ir:3128.")
    return proxy


def within(timeouts: Timeouts, left: float | None) -> Timeouts:
    """The same, with no more time for a request than the seconds that are left, if there is a limit."""
    if left is None or left >= timeouts.total:
        return timeouts
    return evolve(timeouts, total=max(left, _MIN_TOTAL))


def checked_timeouts(timeout: Timeouts | float) -> Timeouts:
    """``Timeouts`` unchanged, or a number of seconds as their ``total``. Raises ``ConfigurationError``."""
    if isinstance(timeout, Timeouts):
        return timeout
    if not _is_number(timeout) or not timeout > 0:
        raise ConfigurationError("timeout= must be a number of seconds > 0, or smscore.Timeouts(…).")
    return Timeouts(total=float(timeout))


def checked_retry(retry: RetryPolicy) -> RetryPolicy:
    """The policy unchanged. Raises ``ConfigurationError`` unless it is a ``RetryPolicy``."""
    if not isinstance(retry, RetryPolicy):
        raise ConfigurationError("retry= must be smscore.RetryPolicy(…) or smscore.RetryPolicy.none().")
    return retry


def checked_polling(polling: Polling) -> Polling:
    """The pace unchanged. Raises ``ConfigurationError`` unless it is a ``Polling``."""
    if not isinstance(polling, Polling):
        raise ConfigurationError("polling= must be smscore.Polling(…).")
    return polling


def checked_seconds(name: str, value: float) -> float:
    """The value unchanged. Raises ``ConfigurationError`` unless it is a number of seconds above 0."""
    if not _is_number(value) or not value > 0:
        raise ConfigurationError(f"{name}= must be a number of seconds > 0.")
    return value


def checked_wait(name: str, seconds: float | None) -> float | None:
    """The seconds, or None for no limit. Raises ``ConfigurationError`` unless it is a number ≥ 0 or None."""
    if seconds is not None and (not _is_number(seconds) or not seconds >= 0):
        raise ConfigurationError(f"{name}= must be a number of seconds ≥ 0, or None.")
    return seconds


def checked_limit(name: str, value: int, maximum: int | None = None) -> int:
    """The value as an ``int``. Raises ``ConfigurationError`` unless it is from 1 to ``maximum`` (None: no maximum)."""
    number = as_int(value)
    if number is None or number < 1 or (maximum is not None and number > maximum):
        raise ConfigurationError(f"{name}= must be a whole number " + (f"from 1 to {maximum}." if maximum else "≥ 1."))
    return number


def checked_rate(rate: float | None) -> None:
    """Raise ``ConfigurationError`` unless the rate is None or a number above 0."""
    if rate is not None and (not _is_number(rate) or not rate > 0):
        raise ConfigurationError("rate_limit= must be a number of requests per second > 0.")
