"""Messages: looked up by number, and what became of each."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from smscore.contrib.django.admin.display import DELIVERIES, EMPTY, OUTCOMES, isolated, label, shown_time
from smscore.contrib.django.admin.filters import CampaignFilter, DeliveryFilter, OutcomeFilter
from smscore.contrib.django.admin.paging import PagedAdmin, PagedChangeList
from smscore.contrib.django.database import DjangoDatabase
from smscore.contrib.django.models import QueuedMessage
from smscore.errors import InvalidNumber
from smscore.inputs import normalize_number
from smscore.numbers import with_ascii_digits
from smscore.outcomes import Outcome
from smscore.queue.model import QueueResult
from smscore.queue.store import reading

__all__ = ["QueuedMessageAdmin"]

_LONGEST_ID: Final = 18  # digits, of what a column of 64 bits holds


@admin.register(QueuedMessage)
class QueuedMessageAdmin(PagedAdmin):
    """The messages of batches that were sent, newest first."""

    list_display: Any = (
        *("shown_recipient", "shown_outcome", "shown_delivery", "campaign", "account", "ended", "shown_message_id"),
    )
    list_select_related: ClassVar[Any] = ("batch__campaign",)
    list_filter: ClassVar[Any] = (CampaignFilter, OutcomeFilter, DeliveryFilter)
    search_fields: ClassVar[Any] = ("recipient",)
    search_help_text: ClassVar[Any] = _("A number, written in any way, or the id that the provider gave")

    fields: ClassVar[Any] = (
        *("shown_recipient", "shown_outcome", "shown_delivery", "seen", "campaign", "account", "provider"),
        *("sent", "ended", "shown_message_id", "request_id", "code", "error"),
    )

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """The messages to a number, or with a provider's id; each is in an index."""
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(recipient=normalize_number(search_term)), False
        except InvalidNumber:
            pass
        digits = with_ascii_digits(search_term.strip())
        is_id = digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_ID
        return (queryset.filter(message_id=int(digits)) if is_id else queryset.none()), False

    def narrowed(self, changes: PagedChangeList, keys: Any) -> Any:
        """The keys of the campaign's messages, where one is asked for."""
        chosen = [one for one in changes.filter_specs if isinstance(one, CampaignFilter) and one.number is not None]
        return keys.filter(**chosen[0].ids) if chosen else keys

    @admin.display(description=_("recipient"))
    def shown_recipient(self, message: QueuedMessage) -> Any:
        """Its number."""
        return isolated(message.recipient)

    @admin.display(description=_("outcome"))
    def shown_outcome(self, message: QueuedMessage) -> Any:
        """What became of the send."""
        return label(OUTCOMES, message.outcome)

    @admin.display(description=_("delivery"))
    def shown_delivery(self, message: QueuedMessage) -> Any:
        """Where it is."""
        return label(DELIVERIES, message.delivery)

    @admin.display(description=_("delivery seen"))
    def seen(self, message: QueuedMessage) -> str:
        """When that was seen."""
        return shown_time(message.delivery_at)

    @admin.display(description=_("campaign"))
    def campaign(self, message: QueuedMessage) -> Any:
        """Its campaign."""
        return isolated(message.batch.campaign)

    @admin.display(description=_("account"))
    def account(self, message: QueuedMessage) -> str:
        """Whose it is."""
        return message.batch.account

    @admin.display(description=_("ended"))
    def ended(self, message: QueuedMessage) -> str:
        """When its batch ended."""
        return shown_time(message.batch.ended_at)

    @admin.display(description=_("message id"))
    def shown_message_id(self, message: QueuedMessage) -> Any:
        """The id that the provider gave."""
        return isolated(message.message_id)

    # Its own page

    @admin.display(description=_("provider"))
    def provider(self, message: QueuedMessage) -> str:
        """Who was asked to send it."""
        return _result(message).provider or EMPTY

    @admin.display(description=_("sent"))
    def sent(self, message: QueuedMessage) -> str:
        """When it was sent."""
        return shown_time(_result(message).sent_at)

    @admin.display(description=_("request id"))
    def request_id(self, message: QueuedMessage) -> Any:
        """The id by which the provider knows the request again."""
        return isolated(_result(message).request_id)

    @admin.display(description=_("code"))
    def code(self, message: QueuedMessage) -> Any:
        """The provider's code of the refusal."""
        return isolated(_result(message).code)

    @admin.display(description=_("error"))
    def error(self, message: QueuedMessage) -> Any:
        """Why it was not accepted."""
        return isolated(_result(message).error, "auto")


def _result(message: Any) -> QueueResult:
    """All that is stored of a message, read once for a page."""
    if not hasattr(message, "result"):
        found = DjangoDatabase().read(partial(reading.result, message_id=message.pk))
        message.result = found or QueueResult(message.recipient or "", Outcome(message.outcome))  # pruned just now
    result: QueueResult = message.result
    return result
