"""What the queue tells its users: campaigns, counts, accounts, and the result of each recipient."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import field, frozen

from smscore.dates import from_unix
from smscore.messages import InboundMessage
from smscore.outcomes import Outcome
from smscore.queue.databases.base import Row
from smscore.results import RecipientResult
from smscore.statuses import DeliveryStatus

__all__ = ["Account", "Campaign", "CampaignState", "Counts", "QueueResult", "StoredMessage"]


class CampaignState(StrEnum):
    """Where a campaign is."""

    LOADING = "loading"
    """Its recipients are still being read; nothing is sent yet."""
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Whether it can no longer change."""
        return self in _ENDED


_ENDED: Final = frozenset({CampaignState.DONE, CampaignState.CANCELLED})


@frozen
class Campaign:
    """A campaign as it stood when it was read; ``reason`` says why it was paused."""

    id: int
    key: str | None
    account: str
    state: CampaignState
    reason: str | None
    created_at: dt.datetime
    size: int
    """How many recipients it has, as far as they have been read."""
    priority: int = 0
    not_before: dt.datetime | None = None
    expires: dt.datetime | None = None
    ended_at: dt.datetime | None = None


CAMPAIGN_COLUMNS: Final = "id, key, account, state, reason, created_at, size, priority, not_before, expires, ended_at"


def campaign_of(row: Row) -> Campaign:
    """The campaign of a row of ``CAMPAIGN_COLUMNS``."""
    id_, key, account, state, reason, created_at, size, priority, not_before, expires, ended_at = row
    created = from_unix(created_at)
    assert created is not None  # noqa: S101  # a column that is never NULL
    return Campaign(
        id_,
        key,
        account,
        CampaignState(state),
        reason,
        created,
        size,
        priority,
        from_unix(not_before),
        from_unix(expires),
        from_unix(ended_at),
    )


@frozen
class Counts:
    """How many recipients of a campaign have which outcome; ``waiting`` have none yet.

    ``deliveries`` has how many are known to be where; each status is an attribute too, such as ``counts.delivered``.
    """

    accepted: int = 0
    rejected: int = 0
    not_sent: int = 0
    unknown: int = 0
    waiting: int = 0
    deliveries: Mapping[DeliveryStatus, int] = field(factory=lambda: MappingProxyType({}))

    @property
    def total(self) -> int:
        """All recipients."""
        return self.accepted + self.rejected + self.not_sent + self.unknown + self.waiting

    def __getattr__(self, name: str) -> int:
        try:
            status = DeliveryStatus(name)
        except ValueError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None
        return self.deliveries.get(status, 0)


@frozen
class Account:
    """Whether an account's sends stand still, ``until`` when (None: until it is released), and why."""

    name: str
    held: bool = False
    until: dt.datetime | None = None
    reason: str | None = None


@frozen
class QueueResult(RecipientResult):
    """The result of one recipient's message, and its delivery status (``delivery``, None if it is not known)."""

    delivery: DeliveryStatus | None = None


@frozen
class StoredMessage(InboundMessage):
    """An inbound message as the queue's database keeps it; ``id`` is its number there, in the order of storing."""

    id: int = 0
    message_id: int | None = None  # pyright: ignore[reportIncompatibleMethodOverride]  # a value in place of a property
    received_at: dt.datetime | None = None  # pyright: ignore[reportIncompatibleMethodOverride]


OUTCOME_COLUMNS: Final = {
    Outcome.ACCEPTED.value: "accepted",
    Outcome.REJECTED.value: "rejected",
    Outcome.NOT_SENT.value: "not_sent",
    Outcome.UNKNOWN.value: "unknown",
}
"""The columns of a batch that count its recipients, by outcome."""
