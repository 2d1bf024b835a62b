"""How a provider is asked for delivery statuses: what it declares, and which call fits a message at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from attrs import frozen

from smscore.dates import TEHRAN, from_unix
from smscore.statuses import DeliveryStatus, MessageStatus
from smscore.wire.endpoint import Endpoint
from smscore.wire.paging import Page

P = TypeVar("P")
R = TypeVar("R", bound="BulkRow")

_DAY: Final = 24 * 3600.0
_CLOCKS_APART: Final = 60.0  # seconds by which the provider may count a message's age in another way


@frozen
class ServiceHours:
    """The part of a day, Tehran time, in which a call answers: from ``start`` until just before ``end``."""

    start: dt.time
    end: dt.time

    def opens_in(self, now: float) -> float:
        """The seconds until the call answers, counted from ``now`` (Unix time); 0 if it does."""
        moment = from_unix(now)
        assert moment is not None  # noqa: S101  # it is the time of a clock
        local = moment.astimezone(TEHRAN)
        second = (local - local.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
        if (second - _second_of(self.start)) % _DAY < (_second_of(self.end) - _second_of(self.start)) % _DAY:
            return 0.0
        return (_second_of(self.start) - second) % _DAY


def _second_of(time: dt.time) -> float:
    return time.hour * 3600.0 + time.minute * 60 + time.second


@frozen(eq=False)
class IdLookup:
    """A call that gives the statuses of messages by their ids, at most the endpoint's ``limit`` a request.

    ``max_age``: the seconds after its send for which the call knows a message; None if it always does. ``hours``: when
    the call answers; None if it always does.
    """

    endpoint: Endpoint[Sequence[int], list[MessageStatus]]
    max_age: float | None = None
    hours: ServiceHours | None = None

    def covers(self, age: float) -> bool:
        """Whether it knows a message that was sent this many seconds ago."""
        return self.max_age is None or age < self.max_age

    def may_have_forgotten(self, age: float) -> bool:
        """Whether it may not know a message any more when it answers, this many seconds after the send."""
        return self.max_age is not None and age > self.max_age - _CLOCKS_APART

    def opens_in(self, now: float) -> float:
        """The seconds until it answers, counted from ``now`` (Unix time)."""
        return 0.0 if self.hours is None else self.hours.opens_in(now)


class BulkRow(Protocol):
    """One recipient of a bulk message; ``recipient`` is E.164."""

    @property
    def recipient(self) -> str:
        """Whom it was sent to."""
        ...

    @property
    def code(self) -> int | None:
        """The provider's own code."""
        ...

    @property
    def status(self) -> DeliveryStatus:
        """What the code means."""
        ...


@frozen(eq=False)
class BulkLookup(Generic[P, R]):
    """A listing of the recipients of a bulk message: ``page`` makes the parameters of page n (from 1) of an id."""

    endpoint: Endpoint[P, Page[R]]
    page: Callable[[int, int], P]

    def covers(self, age: float) -> bool:
        """It knows messages of any age."""
        return True

    def opens_in(self, now: float) -> float:
        """It answers at any hour."""
        return 0.0


Lookup: TypeAlias = IdLookup | BulkLookup[Any, Any]
Lookups: TypeAlias = tuple[Lookup, ...]
"""In the order in which they are tried: the first that covers a message is asked about it."""


def lookup_for(lookups: Lookups, sent_at: float | None, now: float) -> Lookup | None:
    """The call to ask about a message that was sent at this moment, or None.

    Where that moment is not known it is the first call.
    """
    age = 0.0 if sent_at is None else now - sent_at
    return next((lookup for lookup in lookups if lookup.covers(age)), None)


def is_by_bulk(lookups: Lookups) -> bool:
    """Whether the provider's ids are those of whole bulk messages."""
    return any(isinstance(lookup, BulkLookup) for lookup in lookups)
