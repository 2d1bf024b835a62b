"""What people sent to the accounts' lines."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.utils.translation import gettext_lazy as _

from smscore.contrib.django.admin.display import isolated, shown_time
from smscore.contrib.django.admin.filters import AccountFilter
from smscore.contrib.django.admin.paging import PagedAdmin
from smscore.contrib.django.models import InboundMessage
from smscore.numbers import local_form

__all__ = ["InboundMessageAdmin"]


@admin.register(InboundMessage)
class InboundMessageAdmin(PagedAdmin):
    """Inbound messages, those that were stored last first."""

    list_display: Any = ("shown_sender", "shown_line", "account", "shown_text", "received", "stored")
    list_filter: ClassVar[Any] = (AccountFilter,)
    search_fields: ClassVar[Any] = ("sender",)
    search_help_text: ClassVar[Any] = _("The number of who wrote, written in any way")
    search_is_indexed: ClassVar[bool] = False
    fields: ClassVar[Any] = ("shown_sender", "shown_line", "account", "whole_text", "received", "stored")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """The messages of a number, in whichever spelling its provider gave it."""
        term = search_term.strip()
        local = local_form(term)
        spellings = [term] if local is None else [local, local[1:], f"98{local[1:]}", f"+98{local[1:]}"]
        return (queryset.filter(sender__in=spellings) if term else queryset), False

    @admin.display(description=_("sender"))
    def shown_sender(self, message: InboundMessage) -> Any:
        """Who wrote."""
        return isolated(message.sender)

    @admin.display(description=_("line"))
    def shown_line(self, message: InboundMessage) -> Any:
        """To which line."""
        return isolated(message.line)

    @admin.display(description=_("text"))
    def shown_text(self, message: InboundMessage) -> Any:
        """The beginning of what it says."""
        return isolated(truncatechars(message.text, 80), "auto")

    @admin.display(description=_("text"))
    def whole_text(self, message: InboundMessage) -> Any:
        """What it says."""
        return isolated(message.text, "auto")

    @admin.display(description=_("received"))
    def received(self, message: InboundMessage) -> str:
        """When the provider had it."""
        return shown_time(message.received_at)

    @admin.display(description=_("stored"))
    def stored(self, message: InboundMessage) -> str:
        """When a worker fetched it."""
        return shown_time(message.stored_at)
