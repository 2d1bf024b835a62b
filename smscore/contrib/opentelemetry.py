"""Spans and metrics of every call, by OpenTelemetry. It needs ``opentelemetry-api`` alone: ``payamak[otel]``.

They follow OpenTelemetry's semantic conventions for messaging, which are still in development. A provider is the
``messaging.system`` and the destination, of which nothing else has few values. What has no convention begins with
``payamak.``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from smscore.observing import BatchEnded, CallEnded, CallStarted, RequestEnded, observe_once
from smscore.outcomes import Outcome

__all__ = ["OpenTelemetryObserver", "instrument"]

Attributes = Mapping[str, str | int]

_SCOPE: Final = "payamak"
# As the conventions ask for, in seconds.
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_NANOSECONDS: Final = 1_000_000_000


def instrument(
    *, tracer_provider: trace.TracerProvider | None = None, meter_provider: metrics.MeterProvider | None = None
) -> Callable[[], None]:
    """A function that ends it: until then every call of every client makes spans and metrics.

    Left out, the providers are OpenTelemetry's global ones. Call it when the program starts; a second call with the
    same providers counts nothing twice, and each must be ended. In tests call what it returns. For one client alone,
    give it ``observers=[OpenTelemetryObserver()]``.
    """
    return observe_once(
        (OpenTelemetryObserver, tracer_provider, meter_provider),
        lambda: OpenTelemetryObserver(tracer_provider=tracer_provider, meter_provider=meter_provider),
    )


class OpenTelemetryObserver:
    """Makes spans and metrics of what it is told.

    A call is a span, a child of the caller's current one, and each try of its requests a child of that:

    - ``send PROVIDER`` (the client's method and the provider), with ``messaging.system``,
      ``messaging.operation.name``, ``messaging.operation.type``, ``messaging.batch.message_count``, ``error.type``,
      ``payamak.code``, ``payamak.tries``, and how many are ``payamak.accepted``, ``.rejected``, ``.not_sent`` and
      ``.unknown``.
    - ``request PROVIDER``, with ``http.response.status_code``, ``http.request.resend_count`` and ``error.type``.

    The metrics are ``messaging.client.operation.duration``, ``messaging.client.sent.messages`` by ``payamak.outcome``,
    and ``payamak.client.request.duration``; durations are histograms in seconds. ``error.type`` is the name of the
    error's class, or the outcome of a recipient whom the answer refused alone.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
        self._calls = meter.create_histogram(
            "messaging.client.operation.duration",
            unit="s",
            description="Duration of a call.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._requests = meter.create_histogram(
            "payamak.client.request.duration",
            unit="s",
            description="Duration of one try of a request.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._messages = meter.create_counter(
            "messaging.client.sent.messages", unit="{message}", description="Messages that a request was made for."
        )
        self._open: dict[int, Span] = {}

    def start(self, event: CallStarted) -> None:
        """Begin the call's span."""
        self._open[event.call_id] = self._tracer.start_span(
            f"{event.call} {event.provider}",
            kind=SpanKind.CLIENT,
            attributes={**_operation(event), **_size(event.recipients)},
            start_time=_ns(event.began),
        )

    def request(self, event: RequestEnded) -> None:
        """Make a span of the try, and measure it."""
        call = self._open.get(event.call_id)
        span = self._tracer.start_span(
            f"request {event.provider}",
            context=None if call is None else trace.set_span_in_context(call),
            kind=SpanKind.CLIENT,
            attributes={**_system(event), **_answer(event), **_size(event.recipients)},
            start_time=_ns(event.began),
        )
        if event.tries > 1:
            span.set_attribute("http.request.resend_count", event.tries - 1)
        _end(span, event)
        self._requests.record(event.duration, {**_system(event), **_answer(event)})

    def batch(self, event: BatchEnded) -> None:
        """Count the messages of a batch that a request was made for."""
        if not event.tries:
            return
        for outcome, count in event.counts.items():
            if count:
                failed = {} if outcome is Outcome.ACCEPTED else {"error.type": event.error or outcome.value}
                self._messages.add(count, {**_operation(event), **failed, "payamak.outcome": outcome.value})

    def call(self, event: CallEnded) -> None:
        """End the call's span, and measure the call."""
        self._calls.record(event.duration, {**_operation(event), **_error(event)})
        span = self._open.pop(event.call_id, None)
        if span is None:
            return
        span.set_attributes({**_size(event.recipients), "payamak.tries": event.tries})
        if event.is_send:
            span.set_attributes({f"payamak.{outcome.value}": count for outcome, count in event.counts.items()})
        _end(span, event)


def _end(span: Span, event: RequestEnded | CallEnded) -> None:
    if event.error is not None:
        span.set_attributes(_error(event))
        span.set_status(Status(StatusCode.ERROR))
    if event.code is not None:
        span.set_attribute("payamak.code", event.code)
    span.end(_ns(event.began + event.duration))


def _ns(seconds: float) -> int:
    return int(seconds * _NANOSECONDS)


def _system(event: CallStarted) -> Attributes:
    return {"messaging.system": event.provider, "messaging.destination.name": event.provider}


def _operation(event: CallStarted) -> Attributes:
    sends: Attributes = {"messaging.operation.type": "send"} if event.is_send else {}
    return {**_system(event), "messaging.operation.name": event.call, **sends}


def _size(recipients: int) -> Attributes:
    # The conventions want no count on what is about one message.
    return {"messaging.batch.message_count": recipients} if recipients > 1 else {}


def _error(event: RequestEnded | CallEnded) -> Attributes:
    return {} if event.error is None else {"error.type": event.error}


def _answer(event: RequestEnded) -> Attributes:
    status: Attributes = {} if event.http_status is None else {"http.response.status_code": event.http_status}
    return {**status, **_error(event)}
