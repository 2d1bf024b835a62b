"""Where a message is on its way to the handset."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import frozen

from smscore.errors import InvalidRequest


class DeliveryStatus(Enum):
    """The providers' delivery statuses in one vocabulary; a code that no table lists is UNRECOGNIZED."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    SENT = "sent"
    DELIVERED = "delivered"
    PARTIALLY_DELIVERED = "partially_delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"
    NOT_FOUND = "not_found"
    UNRECOGNIZED = "unrecognized"

    @property
    def is_final(self) -> bool:
        """Whether the status will not change any more; an unrecognized one may."""
        return self not in _MOVING


_MOVING = frozenset({DeliveryStatus.QUEUED, DeliveryStatus.SCHEDULED, DeliveryStatus.SENT, DeliveryStatus.UNRECOGNIZED})


@frozen
class MessageStatus:
    """One message's delivery status: ``code`` is the provider's own number, ``status`` its meaning."""

    message_id: int
    code: int
    status: DeliveryStatus


def check_message_ids(message_ids: Iterable[int]) -> list[int]:
    """The ids as a list, if each is a whole number; ``InvalidRequest`` otherwise."""
    ids = list(message_ids) if not isinstance(message_ids, (str, bytes)) else [message_ids]
    for place, id_ in enumerate(ids):
        if isinstance(id_, bool) or not isinstance(id_, int):
            raise InvalidRequest(f"The message id at position {place} is {type(id_).__name__}, not int.")
    return [id_ for id_ in ids if isinstance(id_, int)]
