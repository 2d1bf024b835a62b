"""The kinds of fault that the sandbox can inject, and a fault that is set: plain values, known to every layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from attrs import define, frozen

__all__ = ["FAULT_RULES", "ActiveFault", "FaultKind", "FaultRule"]

FaultKind = Literal[
    "refuse",
    "no_credit",
    "expired_token",
    "rate_limit",
    "server_error",
    "html",
    "cut",
    "drop_before",
    "drop_after",
    "delay",
]


@define(kw_only=True, repr=False)
class ActiveFault:
    """A fault that is set. A filter that is null matches everything; `left` counts down, and is null until cleared."""

    id: int
    kind: FaultKind
    provider: str | None = None
    call: str | None = None
    number: str | None = None
    times: int | None = None
    code: int | None = None
    seconds: float | None = None
    left: int | None = None


@frozen(repr=False)
class FaultRule:
    """What a kind of fault means for the request that meets it.

    ``needs`` names the settings that it requires. Where ``is_accepted``, the provider's function still runs, so the
    messages are accepted and charged. Where ``empties_account``, it runs with a credit of 0.
    """

    description: str
    needs: tuple[str, ...] = ()
    is_accepted: bool = False
    empties_account: bool = False


# In the order in which the page and the documentation list them.
FAULT_RULES: Final[Mapping[FaultKind, FaultRule]] = {
    "refuse": FaultRule("The provider refuses the request with one of its error codes.", needs=("code",)),
    "no_credit": FaultRule("The account has no credit.", is_accepted=True, empties_account=True),
    "expired_token": FaultRule("The token is no longer valid."),
    "rate_limit": FaultRule("HTTP 429 with a Retry-After header of that many seconds.", needs=("seconds",)),
    "server_error": FaultRule("HTTP 500. Nothing is accepted."),
    "html": FaultRule("An HTML page with HTTP 200, as a CDN may serve. Nothing is accepted."),
    "cut": FaultRule("The request is accepted, but only half of the response arrives.", is_accepted=True),
    "drop_before": FaultRule("The connection closes. Nothing is accepted."),
    "drop_after": FaultRule("The request is accepted, but the connection closes without a response.", is_accepted=True),
    "delay": FaultRule(
        "The request is accepted at once, and answered that many seconds later.", needs=("seconds",), is_accepted=True
    ),
}
