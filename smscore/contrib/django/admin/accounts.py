"""Accounts: whether their sends stand still, and holding and releasing them."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from smscore.contrib.django import conf
from smscore.contrib.django.admin.actions import HoldForm, ask_first, do_to_each
from smscore.contrib.django.admin.display import EMPTY, isolated, shown_time
from smscore.contrib.django.admin.paging import PagedAdmin
from smscore.contrib.django.database import DjangoDatabase
from smscore.contrib.django.models import Account
from smscore.queue.store import accounts

__all__ = ["AccountAdmin"]


@admin.register(Account)
class AccountAdmin(PagedAdmin):
    """The accounts of ``PAYAMAK``, and those that other programs send from by the same database."""

    list_display: Any = ("name", "sends", "until", "why")
    list_display_links: Any = None
    actions: Any = ("hold", "release")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list, in which no account of the settings is missing: one can be held before it is first used."""
        missing = {*conf.accounts()} - {*Account.objects.values_list("name", flat=True)}
        if missing:
            DjangoDatabase().write(partial(accounts.register, names=missing))
        return super().changelist_view(request, extra_context)

    def add_to_page(self, rows: list[Any]) -> None:
        """Whether each may send now."""
        found = {one.name: one for one in DjangoDatabase().read(accounts.read_all)}
        for row in rows:
            row.now = found.get(row.name)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may see the list; an account has no page of its own."""
        return obj is None and bool(super().has_view_permission(request))

    @admin.display(description=_("sends"), boolean=True)
    def sends(self, account: Any) -> bool:
        """Whether it may send."""
        return not account.now.held

    @admin.display(description=_("held until"))
    def until(self, account: Any) -> Any:
        """When it sends again by itself."""
        if not account.now.held:
            return EMPTY
        return _("it is released") if account.now.until is None else shown_time(account.now.until)

    @admin.display(description=_("reason"))
    def why(self, account: Any) -> Any:
        """Why it is held."""
        return isolated(account.now.reason, "auto")

    @admin.action(description=_("Hold the selected accounts"), permissions=["control"])
    def hold(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Let nothing go from them."""
        form = ask_first(
            self,
            request,
            queryset,
            question=_("Hold accounts"),
            explanation=_("Nothing is sent from these accounts until they are released. What is under way ends."),
            form=HoldForm,
        )
        if isinstance(form, HttpResponse):
            return form
        reason, hours = form.cleaned_data["reason"], form.cleaned_data["hours"]

        def deed(transaction: Any, account: Any) -> bool:
            until = None if hours is None else transaction.now + hours * 3600
            accounts.hold(transaction, account.name, until, reason)
            return True

        do_to_each(self, request, queryset, deed, f"Held: {reason}")
        return None

    @admin.action(description=_("Release the selected accounts"), permissions=["control"])
    def release(self, request: HttpRequest, queryset: Any) -> None:
        """Let them send again."""

        def deed(transaction: Any, account: Any) -> bool:
            accounts.release(transaction, account.name)
            return True

        do_to_each(self, request, queryset, deed, "Released.")
