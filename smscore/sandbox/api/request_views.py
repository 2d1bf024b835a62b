"""A request to a provider and its response, as the REST interface shows them."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import frozen

from smscore.sandbox.fault_kinds import FaultKind
from smscore.sandbox.memory.exchanges import Exchange

__all__ = [
    "AnswerView",
    "FailedRequest",
    "RequestView",
    "answer_view",
    "failed_view",
    "fault_of",
    "request_view",
    "utc",
]


@frozen(kw_only=True, repr=False)
class RequestView:
    """A request to a provider, without headers that could hold a secret; `cut` if not all of its body was kept."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    cut: bool


@frozen(kw_only=True, repr=False)
class AnswerView:
    """The response. `status` is null if none went out: the connection closed. `fault` is what the request met."""

    status: int | None
    body: str
    cut: bool
    fault: FaultKind | None


@frozen(kw_only=True, repr=False)
class FailedRequest:
    """A request that was refused or met a fault, and how many of its messages were accepted nevertheless."""

    number: int
    at: datetime
    provider: str
    call: str
    messages: int
    request: RequestView
    answer: AnswerView


def request_view(exchange: Exchange) -> RequestView:
    """The request of an exchange."""
    return RequestView(
        method=exchange.method,
        path=exchange.path,
        headers={name: value for name, _, value in (line.partition(": ") for line in exchange.headers.splitlines())},
        body=exchange.body.decode("utf-8", "replace"),
        cut=exchange.body_cut,
    )


def answer_view(exchange: Exchange) -> AnswerView:
    """The response of an exchange."""
    return AnswerView(
        status=exchange.status,
        body=exchange.answer.decode("utf-8", "replace"),
        cut=exchange.answer_cut,
        fault=fault_of(exchange),
    )


def fault_of(exchange: Exchange | None) -> FaultKind | None:
    """The kind of the fault that a request met, or None."""
    return exchange.fault.kind if exchange and exchange.fault else None


def failed_view(exchange: Exchange) -> FailedRequest:
    """A request that failed, with its response."""
    return FailedRequest(
        number=exchange.number,
        at=utc(exchange.at),
        provider=exchange.provider,
        call=exchange.call,
        messages=exchange.last - exchange.first + 1 if exchange.first else 0,
        request=request_view(exchange),
        answer=answer_view(exchange),
    )


def utc(seconds: float) -> datetime:
    """An aware time (UTC) from seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)
