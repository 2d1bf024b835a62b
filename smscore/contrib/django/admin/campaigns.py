"""Campaigns: how far each is, its counts by outcome, and stopping it or letting it go on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, F, Sum, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from smscore.contrib.django.admin.actions import ask_first, do_to_each
from smscore.contrib.django.admin.display import (
    DELIVERIES,
    EMPTY,
    KINDS,
    OUTCOMES,
    STATES,
    in_digits,
    is_persian,
    isolated,
    label,
    shown_count,
    shown_time,
)
from smscore.contrib.django.admin.export import csv_response
from smscore.contrib.django.admin.filters import AccountFilter, StateFilter
from smscore.contrib.django.admin.paging import PagedAdmin
from smscore.contrib.django.database import DjangoDatabase
from smscore.contrib.django.models import Batch, Campaign
from smscore.queue.model import Counts
from smscore.queue.store import campaigns, reading

__all__ = ["CampaignAdmin"]


@admin.register(Campaign)
class CampaignAdmin(PagedAdmin):
    """Campaigns, newest first."""

    list_display: Any = (*("shown_key", "account", "shown_state", "progress", "counted", "shown_reason", "created"),)
    list_display_links: Any = ("shown_key",)
    list_filter: ClassVar[Any] = (StateFilter, AccountFilter)
    search_fields: ClassVar[Any] = ("key",)
    search_help_text: ClassVar[Any] = _("The whole key of a campaign")
    fields: ClassVar[Any] = (
        *("shown_key", "account", "shown_kind", "shown_state", "shown_reason", "shown_size", "outcomes", "deliveries"),
        *("shown_text", "shown_sender", "priority", "created", "starts", "ends_by", "ended"),
    )
    actions: Any = ("pause", "resume", "cancel")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """The campaign with this key, which is in an index as it is written."""
        term = search_term.strip()
        return (queryset.filter(key=term) if term else queryset), False

    def add_to_page(self, rows: list[Campaign]) -> None:
        """Count the recipients of these campaigns by outcome."""
        counted = counts_of([row.pk for row in rows])
        for row in rows:
            row.counts = counted.get(row.pk, Counts())  # type: ignore[attr-defined]  # for the columns below

    @admin.display(description=_("key"))
    def shown_key(self, campaign: Any) -> Any:
        """Its key, or its number where it has none."""
        return isolated(campaign.key or campaign.pk)

    @admin.display(description=_("state"))
    def shown_state(self, campaign: Any) -> Any:
        """Its state."""
        return label(STATES, campaign.state)

    @admin.display(description=_("progress"))
    def progress(self, campaign: Any) -> Any:
        """How many of its recipients have an outcome."""
        total = campaign.counts.total
        ended = total - campaign.counts.waiting
        percent = 100 * ended // total if total else 0
        return format_html(
            '<span class="progress"><progress max="{}" value="{}"></progress> {}</span>',
            total or 1,
            ended,
            in_digits(_("%(percent)d%%") % {"percent": percent}),
        )

    @admin.display(description=_("outcomes"))
    def counted(self, campaign: Any) -> Any:
        """How many recipients have which outcome, without those that none has."""
        rows = [(shown_count(count), words) for words, count in _by_outcome(campaign.counts) if count]
        return format_html_join("، " if is_persian() else ", ", "{} {}", rows) or EMPTY

    @admin.display(description=_("created"))
    def created(self, campaign: Any) -> str:
        """When it was enqueued."""
        return shown_time(campaign.created_at)

    @admin.display(description=_("reason"))
    def shown_reason(self, campaign: Any) -> Any:
        """Why it was paused or cancelled."""
        return isolated(campaign.reason, "auto")

    # Its own page

    @admin.display(description=_("kind"))
    def shown_kind(self, campaign: Any) -> Any:
        """What it sends."""
        return label(KINDS, campaign.kind)

    @admin.display(description=_("recipients"))
    def shown_size(self, campaign: Any) -> str:
        """How many recipients it has."""
        return shown_count(campaign.size)

    @admin.display(description=_("text"))
    def shown_text(self, campaign: Any) -> Any:
        """What it says, if all are sent the same."""
        return isolated(campaign.text, "auto")

    @admin.display(description=_("sender"))
    def shown_sender(self, campaign: Any) -> Any:
        """From which line, if it names one."""
        return isolated(campaign.sender)

    @admin.display(description=_("outcomes"))
    def outcomes(self, campaign: Any) -> Any:
        """How many recipients have which outcome."""
        return _table(_by_outcome(_counts(campaign)))

    @admin.display(description=_("deliveries"))
    def deliveries(self, campaign: Any) -> Any:
        """How many messages are where, as far as it is known."""
        rows = [(label(DELIVERIES, status.value), count) for status, count in _counts(campaign).deliveries.items()]
        return _table(rows) if rows else EMPTY

    @admin.display(description=_("not before"))
    def starts(self, campaign: Any) -> str:
        """When it may begin."""
        return shown_time(campaign.not_before)

    @admin.display(description=_("expires"))
    def ends_by(self, campaign: Any) -> str:
        """When nothing of it begins any more."""
        return shown_time(campaign.expires)

    @admin.display(description=_("ended"))
    def ended(self, campaign: Any) -> str:
        """When it was done or cancelled."""
        return shown_time(campaign.ended_at)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """A campaign's page, with what its user may do to it."""
        allowed = {
            "controls": self.has_control_permission(request),
            "export": self.has_export_permission(request),
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "allowed": allowed})

    # Stopping, and going on

    @admin.action(description=_("Pause the selected campaigns"), permissions=["control"])
    def pause(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Let nothing more of them begin until they are resumed."""
        form = ask_first(
            self,
            request,
            queryset,
            question=_("Pause campaigns"),
            explanation=_("Nothing more of these campaigns begins until they are resumed. What is under way ends."),
        )
        if isinstance(form, HttpResponse):
            return form
        reason: str = form.cleaned_data["reason"]
        deed = partial(_do, campaigns.pause, reason=reason)
        do_to_each(self, request, queryset, deed, f"Paused: {reason}")
        return None

    @admin.action(description=_("Resume the selected campaigns"), permissions=["control"])
    def resume(self, request: HttpRequest, queryset: Any) -> None:
        """Let them go on."""
        do_to_each(self, request, queryset, partial(_do, campaigns.resume), "Resumed.")

    @admin.action(description=_("Cancel the selected campaigns"), permissions=["control"])
    def cancel(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Stop for ever what has not begun of them."""
        form = ask_first(
            self,
            request,
            queryset,
            question=_("Cancel campaigns"),
            explanation=_("What has not begun of these campaigns is never sent. This cannot be undone."),
        )
        if isinstance(form, HttpResponse):
            return form
        reason: str = form.cleaned_data["reason"]
        do_to_each(self, request, queryset, partial(_do, campaigns.cancel, reason=reason), f"Cancelled: {reason}")
        return None

    # Export

    def get_urls(self) -> list[Any]:
        """The pages, and the export."""
        own = path("<int:number>/export/", self.admin_site.admin_view(self.export), name="payamak_campaign_export")
        return [own, *super().get_urls()]

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Who may have the numbers of a campaign: who may see campaigns and messages."""
        user: Any = request.user
        return self.has_view_permission(request) and bool(user.has_perm("payamak.view_queuedmessage"))

    def export(self, request: HttpRequest, number: int) -> Any:
        """The results that a campaign has so far, as CSV; who asked is kept in its history."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        campaign = self.get_object(request, str(number))
        if campaign is None:
            raise Http404
        self.log_change(request, campaign, "Exported.")
        return csv_response(request, campaign)


def _do(change: Callable[..., bool], transaction: Any, campaign: Any, **options: Any) -> bool:
    return change(transaction, campaign_id=campaign.pk, **options)


def _counts(campaign: Any) -> Counts:
    """The counts of a campaign with its deliveries, read once for a page."""
    if not hasattr(campaign, "all_counts"):
        campaign.all_counts = DjangoDatabase().read(partial(reading.counts, campaign_id=campaign.pk))
    found: Counts = campaign.all_counts
    return found


def _by_outcome(counts: Counts) -> list[tuple[Any, int]]:
    rows = [(words, getattr(counts, name)) for name, words in OUTCOMES.items()]
    return [*rows, (_("waiting"), counts.waiting)]


def _table(rows: list[tuple[Any, int]]) -> Any:
    cells = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", ((words, shown_count(n)) for words, n in rows))
    return format_html("<table>{}</table>", cells)


def counts_of(ids: list[int]) -> dict[int, Counts]:
    """How many recipients of each of these campaigns have which outcome, in one query."""
    waiting = Case(When(state="done", then=Value(0)), default=F("size"))
    rows = (
        Batch.objects.filter(campaign__in=ids)
        .values("campaign")
        .annotate(
            accepted_=Sum("accepted"),
            rejected_=Sum("rejected"),
            not_sent_=Sum("not_sent"),
            unknown_=Sum("unknown"),
            waiting_=Sum(waiting),
        )
        .order_by()
    )
    return {
        row["campaign"]: Counts(row["accepted_"], row["rejected_"], row["not_sent_"], row["unknown_"], row["waiting_"])
        for row in rows
    }
