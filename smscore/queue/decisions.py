"""What becomes of a batch: a pure table of what came back, what may have gone before, and what may still be repeated.

===================================  ==============================  ==============================================
what came back                       no earlier try may have arrived  an earlier try may have arrived
===================================  ==============================  ==============================================
a usable answer                      finish                          finish
not attempted, client closed         back                            repeat
no connection, 429                   back                            repeat
no usable answer                     repeat                          repeat
``DuplicateRequest``                 finish as ``UNKNOWN``           finish as ``ACCEPTED``, ids lost
refused, and every batch would be    back, and hold the account      finish as ``UNKNOWN``, and hold the account
refused, for the sender              back, and pause the campaign    finish as ``UNKNOWN``, and pause the campaign
wrong settings (found here)          back, and hold the account      repeat, and hold the account
wrong input (found here)             back, and pause the campaign    repeat, and pause the campaign
any other refusal                    finish as ``REJECTED``          finish as ``UNKNOWN``
===================================  ==============================  ==============================================

A repeat goes with the same request id and the same bytes. Where the provider knows no id, where its lifetime is over
or where the campaign has expired, there is none, and the batch is finished as ``UNKNOWN``.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import frozen

from smscore.calls.retry import asked_wait
from smscore.errors import (
    ClientClosed,
    ConfigurationError,
    ConnectionFailed,
    DuplicateRequest,
    InvalidParameters,
    InvalidRequest,
    NotAttempted,
    OutcomeUnknown,
    OutsideServiceHours,
    ProviderError,
    RateLimited,
    SMSError,
)
from smscore.queue.windows import Window
from smscore.wire.error_mapping import is_dead


class Action(Enum):
    """What is done with a batch."""

    FINISH = "it has its outcomes"
    UNKNOWN = "it is finished: it may have gone"
    ACCEPTED = "it is finished: an earlier try was accepted, and its ids are lost"
    BACK = "it goes back to the queue, provably unsent"
    REPEAT = "it is repeated later, with the same request id"


class Stop(Enum):
    """What stands still because of it."""

    ACCOUNT = "every batch of the account would be refused alike"
    CAMPAIGN = "every batch of the campaign would be refused alike"


@frozen
class Decision:
    """What is done with a batch, what stands still, and what it says of the provider's health.

    ``is_dead`` is None where it says nothing. ``wait`` is the seconds that the provider asks to wait.
    """

    action: Action
    stop: Stop | None = None
    is_dead: bool | None = None
    wait: float | None = None
    hold_seconds: float | None = None
    """How long the account is held; None: until it is released."""


@frozen
class _Rule:
    kinds: tuple[type[SMSError], ...]
    first: Action
    later: Action
    stop: Stop | None = None


_SERVICE_HOURS: Final = 900.0  # seconds until an account that is refused for the hour tries again

_MEETS_ALL: Final = (
    _Rule((InvalidParameters,), Action.BACK, Action.UNKNOWN, Stop.CAMPAIGN),
    _Rule((ConfigurationError,), Action.BACK, Action.REPEAT, Stop.ACCOUNT),
    _Rule((ProviderError,), Action.BACK, Action.UNKNOWN, Stop.ACCOUNT),
)
_RULES: Final = (
    _Rule((NotAttempted, ClientClosed, ConnectionFailed, RateLimited), Action.BACK, Action.REPEAT),
    _Rule((OutcomeUnknown,), Action.REPEAT, Action.REPEAT),
    _Rule((DuplicateRequest,), Action.UNKNOWN, Action.ACCEPTED),
    _Rule((ConfigurationError,), Action.BACK, Action.REPEAT, Stop.ACCOUNT),
    _Rule((InvalidRequest,), Action.BACK, Action.REPEAT, Stop.CAMPAIGN),
    _Rule((ProviderError,), Action.FINISH, Action.UNKNOWN),
    _Rule((SMSError,), Action.FINISH, Action.UNKNOWN),
)


def decide(failure: SMSError | None, *, may_have_arrived: bool, can_repeat: bool) -> Decision:
    """What becomes of a batch that ended with this failure of the whole batch, or with a usable answer (None).

    ``may_have_arrived``: a try before this one may have; ``can_repeat``: its request id, and its campaign, still live.
    """
    if failure is None:
        return Decision(Action.FINISH, is_dead=False)
    rules = (*_MEETS_ALL, *_RULES) if failure.meets_every_batch and not isinstance(failure, OutcomeUnknown) else _RULES
    rule = next(rule for rule in rules if isinstance(failure, rule.kinds))
    action = rule.later if may_have_arrived else rule.first
    if action is Action.REPEAT and not can_repeat:
        action = Action.UNKNOWN
    return Decision(
        action,
        rule.stop,
        _health(failure),
        asked_wait(failure),
        _SERVICE_HOURS if isinstance(failure, OutsideServiceHours) else None,
    )


def _health(failure: SMSError) -> bool | None:
    """Whether a failure says that the provider is dead; None where no answer of the provider's is behind it."""
    if is_dead(failure):
        return True
    return False if isinstance(failure, ProviderError) else None


class Lost(Enum):
    """What becomes of a batch that was dispatched and whose worker was lost."""

    REPEAT = "it may be repeated now"
    WAIT = "it may be repeated later"
    UNKNOWN = "it cannot be repeated"


def after_lost(
    now: float, *, repeat_until: float | None, expires: float | None, state: str, window: Window | None
) -> Lost:
    """What becomes of a batch whose lease expired after it was dispatched.

    ``repeat_until`` is the end of its request id's lifetime (None: it has none), ``state`` its campaign's.
    """
    if repeat_until is None or repeat_until <= now or state == "cancelled" or (expires is not None and expires <= now):
        return Lost.UNKNOWN
    if state == "paused" or (window is not None and not window.is_open(now)):
        return Lost.WAIT
    return Lost.REPEAT
