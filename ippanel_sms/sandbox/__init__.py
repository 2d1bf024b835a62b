"""IPPanel Edge as the sandbox plays it, written from the provider's documents alone."""

import re
from collections.abc import Mapping
from typing import ClassVar, Final

from ippanel_sms.sandbox import account, envelope, outbox, patterns, places, reports, segments, sending
from smscore.sandbox import Emulation, Refusal, Reply, Route, Stage

__all__ = ["BULK_LIMIT", "ERROR_LIMIT", "PRICE", "IPPanelSandbox"]

BULK_LIMIT: Final = segments.BULK_LIMIT
ERROR_LIMIT: Final = envelope.ERROR_LIMIT
PRICE: Final = outbox.PRICE

# Of a recipient. None of them says "queued", "scheduled" or "cancelled": until the operator has it, it is 0.
STATUSES: Final[Mapping[int, str]] = {
    0: "sent to the operator",
    1: "received by the operator",
    2: "delivered",
    3: "not delivered",
    4: "blacklisted",
}
STAGES: Final = {Stage.SCHEDULED: 0, Stage.QUEUED: 0, Stage.SENT: 1, Stage.DELIVERED: 2}


class IPPanelSandbox(Emulation):
    """IPPanel's sends in six forms, its reports, its places and its account.

    ``patterns`` holds the patterns that a send may name, from a code to a text with placeholders. These are
    there from the start: ``otp`` (``%code%``), ``welcome`` (``%name%``) and ``order`` (``%name%``,
    ``%number%``). Add those of your own panel::

        box.emulation(IPPanelSandbox).patterns["aibg4dsfertj5ht"] = "%name% عزیز، کد شما %code% است."

    The provinces are all there; their counties and cities are a small sample. A segment reaches synthetic
    numbers: for one prefix or postal code each operator has 1,000, whatever the place.
    """

    name: ClassVar[str] = "ippanel"
    first_id: ClassVar[int] = 1123544245
    token_form: ClassVar[re.Pattern[str]] = re.compile(r"(?!(?:AccessKey|Basic|Bearer) )(\S(?:.*\S)?)")
    codes: ClassVar[Mapping[int, str]] = STATUSES
    stages: ClassVar[Mapping[Stage, int]] = STAGES
    refusals: ClassVar[Mapping[Refusal, Reply]] = envelope.REFUSALS
    routes: ClassVar[tuple[Route, ...]] = (
        Route("POST", "/api/send", sending.send),
        Route("POST", "/api/send/cancel", sending.cancel),
        Route("POST", "/api/send/calculate-price", sending.calculate_price),
        Route("GET", "/api/send/banks/provinces", places.provinces),
        Route("GET", "/api/send/banks/counties", places.counties),
        Route("GET", "/api/send/banks/cities", places.cities),
        Route("GET", "/api/send/banks/counts", places.counts),
        Route("GET", reports.ONE, reports.by_bulk),
        Route("POST", reports.LIST, reports.new_list),
        Route("GET", reports.RECIPIENTS, reports.recipients),
        Route("GET", reports.STATISTICS, reports.bulk_stats),
        Route("POST", reports.INBOX, reports.inbox),
        Route("GET", "/api/payment/credit/mine", account.credit),
        Route("GET", account.NUMBERS, account.numbers),
        Route("POST", "/api/acl/auth/check_token", account.check_token),
    )

    def __init__(self) -> None:
        self.patterns: dict[str, str] = dict(patterns.BUILT_IN)
