"""REST calls for the clock, the webhook and the credit of accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from attrs import frozen
from msgspec import Meta

from smscore.sandbox.api.errors import RestError
from smscore.sandbox.api.request_views import utc
from smscore.sandbox.api.routing import Nothing, ProviderName, RestCall, RestRoute, emulation_of
from smscore.sandbox.memory.state import State
from smscore.sandbox.webhook import LastReport, Method, Webhook

__all__ = ["SETTINGS", "CreditBody"]


# The clock


@frozen(kw_only=True)
class Clock:
    """The sandbox's time, and how many seconds it is ahead of this machine's."""

    now: datetime
    ahead: float


@frozen
class ClockBody:
    """How many seconds the clock moves forward."""

    advance: Annotated[float, Meta(ge=0)]


def get_clock(call: RestCall[Nothing, Nothing, Nothing]) -> Clock:
    return _clock(call.state)


def advance_clock(call: RestCall[Nothing, Nothing, ClockBody]) -> Clock:
    try:
        call.state.advance(call.body.advance)
    except ValueError as error:
        raise RestError(422, str(error)) from None
    return _clock(call.state)


def _clock(state: State) -> Clock:
    return Clock(now=utc(state.now()), ahead=state.ahead)


# The webhook


@frozen(kw_only=True)
class WebhookView:
    """Where delivery reports are sent, and how that went; `missed` reports were dropped from a full queue."""

    url: str | None
    method: Method
    last: LastReport | None
    called: int
    failed: int
    missed: int


@frozen(kw_only=True)
class WebhookBody:
    """Where delivery reports are to be sent; null means nowhere."""

    url: Annotated[str, Meta(max_length=2000)] | None
    method: Method = "POST"


def get_webhook(call: RestCall[Nothing, Nothing, Nothing]) -> WebhookView:
    return _webhook(call.state.webhook)


def set_webhook(call: RestCall[Nothing, Nothing, WebhookBody]) -> WebhookView:
    try:
        call.state.webhook.set(call.body.url, call.body.method)
    except ValueError as error:
        raise RestError(422, str(error)) from None
    return _webhook(call.state.webhook)


def _webhook(of: Webhook) -> WebhookView:
    return WebhookView(url=of.url, method=of.method, last=of.last, called=of.called, failed=of.failed, missed=of.missed)


# Credit


@frozen(kw_only=True, repr=False)
class AccountBody:
    """An account: a provider and a token."""

    provider: ProviderName
    token: Annotated[str, Meta(min_length=1, max_length=1000, description="A token, without its scheme.")]


@frozen(kw_only=True, repr=False)
class CreditBody(AccountBody):
    """An account, and the credit in Rials that it is to have."""

    credit: Annotated[int, Meta(ge=0, le=2**53)]


@frozen(kw_only=True)
class Credit:
    """An account's credit in Rials."""

    credit: int


def get_credit(call: RestCall[Nothing, Nothing, AccountBody]) -> Credit:
    body = call.body
    return Credit(credit=call.state.account(emulation_of(call.state, body.provider).name, body.token).credit)


def set_credit(call: RestCall[Nothing, Nothing, CreditBody]) -> Credit:
    body = call.body
    call.state.set_credit(emulation_of(call.state, body.provider).name, body.token, body.credit)
    return Credit(credit=body.credit)


SETTINGS: Final = (
    RestRoute("GET", "/api/clock", get_clock, "Get the sandbox's time", Clock),
    RestRoute("PUT", "/api/clock", advance_clock, "Move the clock forward", Clock, body=ClockBody),
    RestRoute("GET", "/api/webhook", get_webhook, "Get where delivery reports are sent", WebhookView),
    RestRoute("PUT", "/api/webhook", set_webhook, "Set where delivery reports are sent", WebhookView, body=WebhookBody),
    # POST, as a token does not belong in a URL, which ends up in logs.
    RestRoute("POST", "/api/credit", get_credit, "Get the credit of a token's account", Credit, body=AccountBody),
    RestRoute("PUT", "/api/credit", set_credit, "Set the credit of a token's account", Credit, body=CreditBody),
)
