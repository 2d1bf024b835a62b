"""How the admin shows times, counts, numbers and statuses, in the language of who looks."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from smscore.outcomes import Outcome
from smscore.queue import CampaignState
from smscore.statuses import DeliveryStatus

__all__ = [
    "DELIVERIES",
    "EMPTY",
    "KINDS",
    "OUTCOMES",
    "STATES",
    "in_digits",
    "is_persian",
    "isolated",
    "label",
    "shown_count",
    "shown_time",
]

STATES: Final[dict[str, Any]] = {
    CampaignState.LOADING.value: _("loading"),
    CampaignState.QUEUED.value: _("queued"),
    CampaignState.RUNNING.value: _("running"),
    CampaignState.PAUSED.value: _("paused"),
    CampaignState.DONE.value: _("done"),
    CampaignState.CANCELLED.value: _("cancelled"),
}
OUTCOMES: Final[dict[str, Any]] = {
    Outcome.ACCEPTED.value: _("accepted"),
    Outcome.REJECTED.value: _("rejected"),
    Outcome.NOT_SENT.value: _("not sent"),
    Outcome.UNKNOWN.value: _("unknown"),
}
DELIVERIES: Final[dict[str, Any]] = {
    DeliveryStatus.QUEUED.value: _("waiting at the provider"),
    DeliveryStatus.SCHEDULED.value: _("scheduled"),
    DeliveryStatus.SENT.value: _("on its way"),
    DeliveryStatus.DELIVERED.value: _("delivered"),
    DeliveryStatus.PARTIALLY_DELIVERED.value: _("partially delivered"),
    DeliveryStatus.UNDELIVERED.value: _("undelivered"),
    DeliveryStatus.FAILED.value: _("failed"),
    DeliveryStatus.CANCELLED.value: _("cancelled"),
    DeliveryStatus.BLOCKED.value: _("blocked"),
    DeliveryStatus.NOT_FOUND.value: _("not found"),
    DeliveryStatus.UNRECOGNIZED.value: _("unrecognized"),
}
KINDS: Final[dict[str, Any]] = {"text": _("one text"), "p2p": _("a text each"), "pattern": _("pattern")}

EMPTY: Final = "-"
"""What stands where there is nothing to show."""
_PERSIAN: Final = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def is_persian() -> bool:
    """Whether who looks reads Persian."""
    return (get_language() or "").split("-")[0] == "fa"


def in_digits(text: object) -> str:
    """A text with the digits of the reader's language."""
    return str(text).translate(_PERSIAN) if is_persian() else str(text)


def shown_count(count: int) -> str:
    """A count, its thousands apart."""
    return in_digits(f"{count:,}".replace(",", "٬")) if is_persian() else f"{count:,}"


def shown_time(moment: dt.datetime | None) -> str:
    """A time in the site's time zone, on one line; in Persian by the Jalali calendar."""
    return EMPTY if moment is None else format_html('<span class="moment">{}</span>', _time(timezone.localtime(moment)))


def _time(local: dt.datetime) -> str:
    if not is_persian():
        return formats.date_format(local, "j M Y, H:i")
    from persiantools.jdatetime import JalaliDateTime

    jalali: Any = JalaliDateTime(local)
    return str(jalali.strftime("%d %B %Y، %H:%M", locale="fa")).removeprefix("۰")


def isolated(text: object, direction: str = "ltr") -> SafeString | str:
    """A number, a key or an id, which reads from left to right in any language; ``auto``: a text of whichever."""
    return EMPTY if text in (None, "") else format_html('<bdi dir="{}">{}</bdi>', direction, text)


def label(labels: dict[str, Any], value: str | None) -> Any:
    """The words for a state or status; a value that is not listed as it is."""
    return EMPTY if value is None else labels.get(value, value)
