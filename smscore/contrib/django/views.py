"""The webhook: takes a provider's delivery report, stores it, and answers."""

from __future__ import annotations

from functools import partial
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from smscore import registry
from smscore.contrib.django import conf
from smscore.contrib.django.database import DjangoDatabase
from smscore.errors import ConfigurationError, InvalidRequest
from smscore.loops.logs import logger_for_callers
from smscore.queue import QueueUnavailable
from smscore.queue.store import reports
from smscore.queue.store.reports import Report
from smscore.statuses import is_id

__all__ = ["webhook"]

_RETRY_AFTER: Final = 60  # seconds

_log: Final = logger_for_callers(__name__)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, account: str, secret: str) -> HttpResponse:
    """Store a delivery report in one insert, and answer 204; ``sms_worker`` brings it to its message.

    404 without the secret, for an unknown account, and for a provider that has no webhook; 400 for a body that is no
    report; 503 where it cannot be stored now, so that a provider that repeats its calls comes again.
    """
    known = conf.setting("PAYAMAK_WEBHOOK_SECRET")
    if not isinstance(known, str) or not known or not constant_time_compare(secret, known):
        raise Http404("There is no such page.")
    providers = _providers(account)
    if not providers:
        raise Http404("There is no such account, or its provider has no webhook.")
    for provider in providers:
        try:
            report = registry.load(provider, "webhook")(
                body=request.body, query=request.META.get("QUERY_STRING", ""), content_type=request.content_type
            )
        except InvalidRequest:
            continue
        if not is_id(report.message_id):
            continue
        new = Report(account, report.message_id, report.status, provider=provider)
        return _stored(new)
    return HttpResponse("This is not a delivery report.", status=400, content_type="text/plain")


def _stored(report: Report) -> HttpResponse:
    try:
        DjangoDatabase().write(partial(reports.add, reports=[report]))
    except (QueueUnavailable, ConfigurationError) as error:
        _log.error("A delivery report for account %s was not stored: %s", report.account, error)
        return HttpResponse(status=503, headers={"Retry-After": str(_RETRY_AFTER)})
    return HttpResponse(status=204)


def _providers(account: str) -> list[str]:
    """The providers of an account that have a webhook."""
    every = conf.accounts()
    found = every.get(account)
    if found is None:
        return []
    names = [found.provider] if not found.failover else [every[one].provider for one in found.failover if one in every]
    return [name for name in names if name in registry.names() and registry.profile(name).webhook]
