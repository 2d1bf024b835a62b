"""The filters of the admin's lists: by what is known without asking the table for its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from django.contrib.admin import SimpleListFilter
from django.db.models import Max, Min
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from smscore.contrib.django import conf
from smscore.contrib.django.admin.display import DELIVERIES, OUTCOMES, STATES
from smscore.contrib.django.models import Batch, Campaign
from smscore.queue import CampaignState
from smscore.queue.store.batches import PLACE_BITS

__all__ = ["AccountFilter", "CampaignFilter", "ChoiceFilter", "DeliveryFilter", "OutcomeFilter", "StateFilter"]

_OPEN: Final = frozenset(state.value for state in CampaignState if not state.has_ended)


class ChoiceFilter(SimpleListFilter):
    """The rows whose column has one of some values."""

    column: str
    labels: ClassVar[dict[str, Any]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The values, and their words."""
        return [*self.labels.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The rows with the chosen value."""
        value = self.value()
        return queryset if value is None else queryset.filter(**{self.column: value})


class StateFilter(ChoiceFilter):
    """Campaigns in a state."""

    title: Any = _("state")
    parameter_name: Any = "state"
    column: str = "state"
    labels: ClassVar[dict[str, Any]] = STATES

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The campaigns in this state; what has not ended is in an index of its own."""
        found = super().queryset(request, queryset)
        return found.filter(ended_at__isnull=True) if self.value() in _OPEN else found


class AccountFilter(ChoiceFilter):
    """The rows of an account."""

    title: Any = _("account")
    parameter_name: Any = "account"
    column: str = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The accounts of ``PAYAMAK``."""
        return [(name, name) for name in conf.accounts()]


class OutcomeFilter(ChoiceFilter):
    """Messages with an outcome."""

    title: Any = _("outcome")
    parameter_name: Any = "outcome"
    column: str = "outcome"
    labels: ClassVar[dict[str, Any]] = OUTCOMES


class DeliveryFilter(ChoiceFilter):
    """Messages with a delivery status."""

    title: Any = _("delivery")
    parameter_name: Any = "delivery"
    column: str = "delivery"
    labels: ClassVar[dict[str, Any]] = DELIVERIES


class CampaignFilter(SimpleListFilter):
    """The messages of a campaign, which a campaign's page links to."""

    title: Any = _("campaign")
    parameter_name: Any = "campaign"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, str]]:
        """The campaign that is asked for."""
        found = None if self.number is None else Campaign.objects.filter(pk=self.number).first()
        if found is not None:
            yield str(found.pk), str(found)

    @property
    def number(self) -> int | None:
        """The campaign's number."""
        value = self.value()
        return int(value) if value is not None and value.isascii() and value.isdigit() else None

    @cached_property
    def ids(self) -> dict[str, int]:
        """A condition that the ids of its messages satisfy: they begin with those of its batches."""
        batches = Batch.objects.filter(campaign=self.number)
        ends = batches.aggregate(first=Min("pk"), last=Max("pk"))
        if ends["first"] is None:
            return {"pk__lt": 0}
        return {"pk__gte": ends["first"] << PLACE_BITS, "pk__lt": (ends["last"] + 1) << PLACE_BITS}

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Its messages."""
        return queryset if self.number is None else queryset.filter(**self.ids, batch__campaign=self.number)
