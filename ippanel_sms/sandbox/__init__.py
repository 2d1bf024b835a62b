"""IPPanel Edge as the sandbox plays it, written from the provider's documents alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from ippanel_sms.sandbox.account import LINES, NUMBERS, check_token, credit, numbers
from ippanel_sms.sandbox.envelope import ERROR_CODES, ERROR_LIMIT, REFUSALS
from ippanel_sms.sandbox.outbox import PRICE
from ippanel_sms.sandbox.patterns import BUILT_IN
from ippanel_sms.sandbox.places import cities, counties, counts, provinces
from ippanel_sms.sandbox.reports import (
    INBOX,
    LIST,
    ONE,
    RECIPIENTS,
    STATISTICS,
    bulk_stats,
    by_bulk,
    inbox,
    new_list,
    recipients,
)
from ippanel_sms.sandbox.segments import BULK_LIMIT
from ippanel_sms.sandbox.sending import calculate_price, cancel, send
from smscore import DeliveryStatus
from smscore.sandbox import Credentials, Emulation, ErrorCode, HeaderToken, RefusalReason, Reply, Route, Stage

__all__ = ["BULK_LIMIT", "ERROR_LIMIT", "PRICE", "IPPanelSandbox"]

# Of a recipient. None of them says "queued", "scheduled" or "cancelled": until the operator has it, it is 0.
STATUSES: Final[Mapping[int, str]] = {
    0: "sent to the operator",
    1: "received by the operator",
    2: "delivered",
    3: "not delivered",
    4: "blacklisted",
}
MEANINGS: Final[Mapping[int, DeliveryStatus]] = {
    0: DeliveryStatus.SENT,
    1: DeliveryStatus.SENT,
    2: DeliveryStatus.DELIVERED,
    3: DeliveryStatus.UNDELIVERED,
    4: DeliveryStatus.BLOCKED,
}
STAGES: Final = {Stage.SCHEDULED: 0, Stage.QUEUED: 0, Stage.SENT: 1, Stage.DELIVERED: 2}


class IPPanelSandbox(Emulation):
    """IPPanel's sends in six forms, its reports, its places and its account.

    A send may name a pattern, which is a text with placeholders, by its code. These are there from the start:
    ``otp`` (``%code%``), ``welcome`` (``%name%``) and ``order`` (``%name%``, ``%number%``). Add those of your panel::

        box.set_pattern("ippanel", "aibg4dsfertj5ht", "%name% عزیز، کد شما %code% است.")

    The provinces are all there; their counties and cities are a small sample. A segment reaches synthetic
    numbers: for one prefix or postal code each operator has 1,000, whatever the place.
    """

    name: ClassVar[str] = "ippanel"
    first_id: ClassVar[int] = 1123544245
    credentials: ClassVar[Credentials] = HeaderToken()
    codes: ClassVar[Mapping[int, str]] = STATUSES
    statuses: ClassVar[Mapping[int, DeliveryStatus]] = MEANINGS
    stages: ClassVar[Mapping[Stage, int]] = STAGES
    refusals: ClassVar[Mapping[RefusalReason, Reply]] = REFUSALS
    errors: ClassVar[Mapping[int, ErrorCode]] = ERROR_CODES
    lines: ClassVar[tuple[str, ...]] = LINES
    built_in_patterns: ClassVar[Mapping[str, str]] = BUILT_IN
    routes: ClassVar[tuple[Route, ...]] = (
        Route("POST", "/api/send", send, sends=True),
        Route("POST", "/api/send/cancel", cancel),
        Route("POST", "/api/send/calculate-price", calculate_price),
        Route("GET", "/api/send/banks/provinces", provinces),
        Route("GET", "/api/send/banks/counties", counties),
        Route("GET", "/api/send/banks/cities", cities),
        Route("GET", "/api/send/banks/counts", counts),
        Route("GET", ONE, by_bulk),
        Route("POST", LIST, new_list),
        Route("GET", RECIPIENTS, recipients),
        Route("GET", STATISTICS, bulk_stats),
        Route("POST", INBOX, inbox),
        Route("GET", "/api/payment/credit/mine", credit),
        Route("GET", NUMBERS, numbers),
        Route("POST", "/api/acl/auth/check_token", check_token),
    )
