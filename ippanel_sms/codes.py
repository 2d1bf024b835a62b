"""IPPanel's codes. The HTTP status tells an error's class; the code in the body is kept beside it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, Self

from smscore.errors import InvalidParameters
from smscore.statuses import DeliveryStatus
from smscore.wire.error_mapping import Codes, Refusal

# 400-1 comes with a wrong token and with an unknown path alike, so by itself it decides nothing.
ERRORS: Final[Codes] = {
    "400-2": Refusal(InvalidParameters, "fields of the request are wrong; .fields names them"),
}

SENDER_FIELD: Final = "from_number"  # a wrong one meets every batch of a call

# What became of one recipient of a bulk message.
STATUSES: Final[Mapping[int, DeliveryStatus]] = {
    0: DeliveryStatus.SENT,  # to the operator
    1: DeliveryStatus.SENT,  # the operator has it
    2: DeliveryStatus.DELIVERED,
    3: DeliveryStatus.UNDELIVERED,
    4: DeliveryStatus.BLOCKED,
}


class BulkState(IntEnum):
    """How far a bulk message is, by IPPanel's own numbers.

    A number that its document does not list is a state of its own too, named ``UNRECOGNIZED``.
    """

    CREATING = 0
    IN_REVIEW = 1
    SENDING = 2
    REFUSED_IN_REVIEW = 3
    WRONG_RECIPIENTS = 4
    QUEUED = 5
    SENT = 6
    CANCELLED = 7
    CREDIT_TOO_LOW = 8
    SYSTEM_ERROR = 9

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if type(value) is not int:
            return None
        member = int.__new__(cls, value)
        member._name_, member._value_ = "UNRECOGNIZED", value
        return member

    @property
    def is_final(self) -> bool:
        """Whether the state will not change any more; an unrecognized one may."""
        return self in _FINAL


_FINAL: Final = frozenset(
    {
        BulkState.REFUSED_IN_REVIEW,
        BulkState.WRONG_RECIPIENTS,
        BulkState.SENT,
        BulkState.CANCELLED,
        BulkState.CREDIT_TOO_LOW,
        BulkState.SYSTEM_ERROR,
    }
)
