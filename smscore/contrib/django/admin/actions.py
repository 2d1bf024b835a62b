"""What staff do to rows that they have selected, where it needs a reason: a page that asks for it, then the deed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from smscore.contrib.django.admin.display import in_digits
from smscore.contrib.django.database import DjangoDatabase
from smscore.queue.databases.base import Transaction

__all__ = ["HoldForm", "ReasonForm", "ask_first", "do_to_each"]


class ReasonForm(forms.Form):
    """Why."""

    reason: Any = forms.CharField(label=_("Reason"), max_length=200)


class HoldForm(ReasonForm):
    """Why, and for how long."""

    hours: Any = forms.FloatField(
        label=_("Hours"), min_value=0.1, max_value=24 * 365, required=False, help_text=_("Empty: until it is released.")
    )


def ask_first(
    model_admin: Any,
    request: HttpRequest,
    rows: Iterable[Any],
    *,
    question: Any,
    explanation: Any,
    form: type[forms.Form] = ReasonForm,
) -> forms.Form | HttpResponse:
    """The form that was filled in, or the page that asks for it."""
    filled = form(request.POST if "confirmed" in request.POST else None)
    if filled.is_bound and filled.is_valid():
        return filled
    context = {
        **model_admin.admin_site.each_context(request),
        "title": question,
        "explanation": explanation,
        "opts": model_admin.opts,
        "rows": rows,
        "form": filled,
        "action": request.POST["action"],
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/payamak/ask_first.html", context)


def do_to_each(
    model_admin: Any, request: HttpRequest, rows: Iterable[Any], deed: Callable[[Transaction, Any], bool], note: str
) -> None:
    """Call ``deed`` on each row, in a transaction of its own, and write ``note`` into the history of those it changed.

    ``deed`` returns whether it changed anything; of those that it did not change, the message says so.
    """
    count = unchanged = 0
    for row in rows:
        if DjangoDatabase().write(partial(_done, deed=deed, row=row)):
            model_admin.log_change(request, row, note)
            count += 1
        else:
            unchanged += 1
    if count:
        words = ngettext("Done for %(count)s row.", "Done for %(count)s rows.", count)
        model_admin.message_user(request, words % {"count": in_digits(count)})
    if unchanged:
        words = ngettext(
            "%(count)s row was not changed: it has ended, or was so already.",
            "%(count)s rows were not changed: they have ended, or were so already.",
            unchanged,
        )
        model_admin.message_user(request, words % {"count": in_digits(unchanged)}, messages.WARNING)


def _done(transaction: Transaction, deed: Callable[[Transaction, Any], bool], row: Any) -> bool:
    return deed(transaction, row)
