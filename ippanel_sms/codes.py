"""IPPanel's error codes, delivery statuses and states of bulk messages, as its reference lists them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, Self

from smscore import AuthenticationError, DeliveryStatus, InsufficientCredit, InvalidParameters, NotFound
from smscore.wire import Refusal, RefusalTable

ERRORS: Final = RefusalTable(
    {
        "400-1": Refusal(AuthenticationError, "the token is wrong or has expired"),
        "400-2": Refusal(InvalidParameters, "fields of the request are wrong"),
    },
    # 400-1 also comes with a 404, for an unknown path or id.
    whatever_the_code={404: Refusal(NotFound, "what was asked for does not exist")},
    fields={
        "credit": Refusal(InsufficientCredit, "the credit is too low"),
        "from_number": Refusal(
            InvalidParameters, "the sender line is not valid", meets_every_batch=True, of_sender=True
        ),
    },
    leaves_unknown_to_status=True,  # the reference has many codes without an explanation; their HTTP status has one
)

# What became of one recipient of a bulk message.
STATUSES: Final[Mapping[int, DeliveryStatus]] = {
    0: DeliveryStatus.SENT,  # to the operator
    1: DeliveryStatus.SENT,  # the operator has it
    2: DeliveryStatus.DELIVERED,
    3: DeliveryStatus.UNDELIVERED,
    4: DeliveryStatus.BLOCKED,
}


class BulkState(IntEnum):
    """The state of a bulk message, by IPPanel's own numbers.

    An unlisted number becomes a member named ``UNRECOGNIZED`` with that value.
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
