"""Campaigns: how far each is, its counts by outcome, and stopping it or letting it go on."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Case, F, Sum, Value, When
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from smscore.contrib.django.admin.display import STATES, in_digits, isolated, label, shown_count, shown_time
from smscore.contrib.django.admin.filters import AccountFilter, StateFilter
from smscore.contrib.django.admin.paging import PagedAdmin
from smscore.contrib.django.models import Batch, Campaign
from smscore.queue.model import Counts

__all__ = ["CampaignAdmin"]


@admin.register(Campaign)
class CampaignAdmin(PagedAdmin):
    """Campaigns, newest first."""

    list_display: Any = (
        *("shown_key", "account", "shown_state", "progress", "accepted", "rejected", "not_sent", "unknown", "waiting"),
        *("reason", "created"),
    )
    list_display_links: Any = ("shown_key",)
    list_filter: ClassVar[Any] = (StateFilter, AccountFilter)
    search_fields: ClassVar[Any] = ("=key",)
    search_help_text: ClassVar[Any] = _("The whole key of a campaign")

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
            '<progress max="{}" value="{}"></progress> {}',
            total or 1,
            ended,
            in_digits(_("%(percent)d%%") % {"percent": percent}),
        )

    @admin.display(description=_("accepted"))
    def accepted(self, campaign: Any) -> str:
        """How many the provider accepted."""
        return shown_count(campaign.counts.accepted)

    @admin.display(description=_("rejected"))
    def rejected(self, campaign: Any) -> str:
        """How many it refused."""
        return shown_count(campaign.counts.rejected)

    @admin.display(description=_("not sent"))
    def not_sent(self, campaign: Any) -> str:
        """How many were not sent to."""
        return shown_count(campaign.counts.not_sent)

    @admin.display(description=_("unknown"))
    def unknown(self, campaign: Any) -> str:
        """How many may have been sent to."""
        return shown_count(campaign.counts.unknown)

    @admin.display(description=_("waiting"))
    def waiting(self, campaign: Any) -> str:
        """How many have no outcome yet."""
        return shown_count(campaign.counts.waiting)

    @admin.display(description=_("created"))
    def created(self, campaign: Any) -> str | None:
        """When it was enqueued."""
        return shown_time(campaign.created_at)


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
