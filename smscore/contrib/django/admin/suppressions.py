"""The numbers that nothing is sent to: adding them and taking them off the list."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from smscore.contrib.django.admin.display import in_digits, isolated, shown_time
from smscore.contrib.django.admin.paging import PagedAdmin
from smscore.contrib.django.database import DjangoDatabase
from smscore.contrib.django.models import Suppression
from smscore.errors import InvalidNumber
from smscore.inputs import normalize_number
from smscore.numbers import local_form
from smscore.queue.store import suppression

__all__ = ["NumbersForm", "SuppressionAdmin"]


if TYPE_CHECKING:  # Django's own class takes no parameters when it runs
    _ModelForm: TypeAlias = forms.ModelForm[Suppression]
else:
    _ModelForm = forms.ModelForm


class NumbersForm(_ModelForm):
    """Numbers to suppress, a line each."""

    numbers: Any = forms.CharField(
        label=_("Numbers"),
        widget=forms.Textarea(attrs={"rows": 10, "dir": "ltr"}),
        help_text=_("One number a line, written in any way."),
    )

    class Meta:
        """None of the model's own fields."""

        model = Suppression
        fields: Any = ()

    def clean_numbers(self) -> list[str]:
        """The numbers, as they are written within the country."""
        lines = [line for line in self.cleaned_data["numbers"].splitlines() if line.strip()]
        found = [local_form(line) for line in lines]
        wrong = [position for position, number in enumerate(found, 1) if number is None]
        if wrong:
            places = in_digits(", ".join(map(str, wrong[:10])))
            raise ValidationError(_("Not a mobile number: line %(places)s."), params={"places": places})
        return [number for number in found if number is not None]


@admin.register(Suppression)
class SuppressionAdmin(PagedAdmin):
    """Suppressed numbers."""

    list_display: Any = ("shown_recipient", "created")
    list_display_links: Any = None
    search_fields: ClassVar[Any] = ("recipient",)
    search_help_text: ClassVar[Any] = _("A number, written in any way")
    form: Any = NumbersForm
    fields: ClassVar[Any] = ("numbers",)
    actions: Any = ("send_again",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Who may suppress numbers."""
        return bool(super(PagedAdmin, self).has_add_permission(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may see the list; a number has no page of its own, whose address would tell it."""
        return obj is None and bool(super().has_view_permission(request))

    def has_remove_permission(self, request: HttpRequest) -> bool:
        """Who may take numbers off the list."""
        return bool(super(PagedAdmin, self).has_delete_permission(request))

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """The number, if it is suppressed."""
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(recipient=normalize_number(search_term)), False
        except InvalidNumber:
            return queryset.none(), False

    @admin.display(description=_("recipient"))
    def shown_recipient(self, row: Suppression) -> Any:
        """The number."""
        return isolated(row.recipient)

    @admin.display(description=_("since"))
    def created(self, row: Suppression) -> str:
        """Since when."""
        return shown_time(row.created_at)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Suppress the numbers of the form."""
        numbers = form.cleaned_data["numbers"]
        DjangoDatabase().write(partial(suppression.add, numbers=numbers))
        obj.recipient = normalize_number(numbers[0])

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Keep that somebody did it, without the number."""
        obj.recipient = ""
        return super().log_addition(request, obj, message)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Back to the list."""
        words = _("Nothing is sent to these numbers from now on.")
        self.message_user(request, words)
        return HttpResponseRedirect(reverse("admin:payamak_suppression_changelist"))

    @admin.action(description=_("Send to the selected numbers again"), permissions=["remove"])
    def send_again(self, request: HttpRequest, queryset: Any) -> None:
        """Take them off the list."""
        numbers = [local_form(row.recipient) for row in queryset]
        known = [number for number in numbers if number is not None]
        DjangoDatabase().write(partial(suppression.remove, numbers=known))
        words = ngettext("%(count)s number is sent to again.", "%(count)s numbers are sent to again.", len(known))
        self.message_user(request, words % {"count": in_digits(len(known))})
