"""The REST call for requests to the providers that failed."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Final

from attrs import frozen
from msgspec import Meta

from smscore.sandbox.api.request_views import FailedRequest, failed_view
from smscore.sandbox.api.routing import Nothing, ProviderName, RestCall, RestRoute

__all__ = ["REQUESTS"]


@frozen
class FailuresQuery:
    """How many at most, and for which provider."""

    provider: ProviderName | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


def list_failed_requests(call: RestCall[Nothing, FailuresQuery, Nothing]) -> list[FailedRequest]:
    provider = call.query.provider
    failures = (exchange for exchange in reversed(call.state.failures) if provider in (None, exchange.provider))
    return [failed_view(exchange) for exchange in islice(failures, call.query.limit)]


REQUESTS: Final = (
    RestRoute(
        "GET",
        "/api/requests",
        list_failed_requests,
        "List the last 200 requests that were refused or met a fault, newest first",
        list[FailedRequest],
        query=FailuresQuery,
    ),
)
