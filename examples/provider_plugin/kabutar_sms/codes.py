"""Kabutar's codes: what each error and each state means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from smscore import (
    AccountError,
    AuthenticationError,
    DeliveryStatus,
    InsufficientCredit,
    InvalidParameters,
    RateLimited,
)
from smscore.wire import Refusal, RefusalTable

ERRORS: Final = RefusalTable(
    {
        1: Refusal(AuthenticationError, "the API key is not valid"),
        2: Refusal(AccountError, "the account is suspended"),
        3: Refusal(InsufficientCredit, "the credit is too low"),
        4: Refusal(InvalidParameters, "a field is missing or not valid"),
        5: Refusal(InvalidParameters, "there are over 200 recipients, or over 500 ids"),
        6: Refusal(InvalidParameters, "the line is not yours", meets_every_batch=True, of_sender=True),
        # "Try later" is what a 429 says elsewhere: nothing was carried out, and the same request may be tried again.
        7: Refusal(RateLimited, "it is too busy"),
    }
)

STATES: Final[Mapping[int, DeliveryStatus]] = {
    0: DeliveryStatus.NOT_FOUND,
    1: DeliveryStatus.QUEUED,
    2: DeliveryStatus.SENT,
    3: DeliveryStatus.DELIVERED,
    4: DeliveryStatus.UNDELIVERED,
    5: DeliveryStatus.BLOCKED,
}
