"""Delivery statuses, in one vocabulary for all providers."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any, Final, TypeGuard, cast

import msgspec
from attrs import field, frozen

from smscore.errors import InvalidRequest
from smscore.given import is_iterable
from smscore.integers import as_int
from smscore.masking import masked_number

__all__ = ["Delivery", "DeliveryStatus", "MessageStatus", "checked_ids", "is_id", "iterable_of_ids"]


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
        """Whether the status can no longer change; an unrecognized one may."""
        return self not in _NOT_FINAL


_NOT_FINAL = frozenset(
    {DeliveryStatus.QUEUED, DeliveryStatus.SCHEDULED, DeliveryStatus.SENT, DeliveryStatus.UNRECOGNIZED}
)


class MessageStatus(msgspec.Struct, frozen=True, gc=False):
    """One message's delivery status: ``code`` is the provider's own number, ``status`` its meaning.

    ``words`` are the provider's own, None where it gives none.
    """

    message_id: int
    code: int
    status: DeliveryStatus
    words: str | None = None

    def __repr__(self) -> str:
        # The words come from the server and may contain a number or a text.
        return f"MessageStatus(message_id={self.message_id}, code={self.code}, status={self.status!r})"


@frozen
class Delivery:
    """Where one recipient's message is: what ``deliveries`` and ``track`` give.

    ``recipient`` and ``ref`` are the result's (None where a bare message id was asked about). ``status`` is None if
    nothing is known yet: there is no message id, the provider has no row for the recipient, or it does not answer at
    this hour. ``code`` and ``words`` are the provider's own, or None.
    """

    recipient: str | None = field(repr=masked_number)
    message_id: int | None
    status: DeliveryStatus | None
    code: int | None = None
    words: str | None = field(default=None, repr=False)  # of the server, and may contain a number or a text
    ref: Any = field(default=None, repr=False)
    provider: str = ""


def iterable_of_ids(message_ids: Iterable[int]) -> Iterable[int]:
    """The ids unchanged. Raises ``InvalidRequest`` unless they are iterable."""
    if isinstance(message_ids, str) or not is_iterable(message_ids):
        raise InvalidRequest("message_ids must be iterable. Give a list of message ids, such as report.message_ids.")
    return message_ids


_IDS: Final = list[Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]]


def checked_ids(ids: list[Any], start: int = 0) -> list[int]:
    """The ids as ``int``, numpy integers converted. Raises ``InvalidRequest`` unless each is a 64-bit integer.

    ``start`` is the first one's position. A float is refused, since it has only 53 bits of precision.
    """
    try:
        return msgspec.convert(ids, _IDS)
    except msgspec.ValidationError:  # of other types, or too long
        pass
    found = [as_int(id_) for id_ in ids]
    for place, id_ in enumerate(found, start):
        if id_ is None or not is_id(id_):
            raise InvalidRequest(f"Invalid message id at position {place}: it must be a 64-bit integer.")
    return cast("list[int]", found)


def is_id(value: object) -> TypeGuard[int]:
    """Whether a value is an ``int`` of 64 bits."""
    return type(value) is int and -(2**63) <= value < 2**63
