"""Counters and histograms of every call, for Prometheus.

They are those of ``prometheus_client``, which a program that is scraped has: its text format, its processes that share
figures and its web handlers are not what Payamak exists for. Install ``prometheus-client`` to use this module.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from smscore.observing import BatchEnded, CallEnded, RequestEnded, observe_once

__all__ = ["PrometheusObserver", "instrument"]


def instrument(registry: CollectorRegistry = REGISTRY) -> Callable[[], None]:
    """A function that ends it and takes the metrics away: until then the calls of every client are counted.

    Call it when the program starts; a second call with the same registry counts nothing twice, and each must be ended.
    For one client alone, give it ``observers=[PrometheusObserver(registry)]``.
    """
    return observe_once(
        (PrometheusObserver, registry), lambda: PrometheusObserver(registry), PrometheusObserver.unregister
    )


class PrometheusObserver:
    """Counts what it is told, in metrics of this registry.

    - ``payamak_call_duration_seconds``: calls, by ``provider``, ``call`` (the client's method) and ``error`` (the name
      of the error's class, empty where there was none).
    - ``payamak_request_duration_seconds``: tries of requests, by ``provider``, ``error`` and ``status`` (of HTTP; empty
      where no answer came).
    - ``payamak_messages_total``: messages, by ``provider``, ``call`` and ``outcome``.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry: CollectorRegistry | None = registry
        self._calls = Histogram(
            "payamak_call_duration_seconds", "Duration of a call.", ["provider", "call", "error"], registry=registry
        )
        self._requests = Histogram(
            "payamak_request_duration_seconds",
            "Duration of one try of a request.",
            ["provider", "error", "status"],
            registry=registry,
        )
        self._messages = Counter(
            "payamak_messages", "Messages by outcome.", ["provider", "call", "outcome"], registry=registry
        )

    def request(self, event: RequestEnded) -> None:
        """Count a try and its duration."""
        status = "" if event.http_status is None else str(event.http_status)
        self._requests.labels(event.provider, event.error or "", status).observe(event.duration)

    def batch(self, event: BatchEnded) -> None:
        """Count messages by their outcomes."""
        for outcome, count in event.counts.items():
            if count:
                self._messages.labels(event.provider, event.call, outcome.value).inc(count)

    def call(self, event: CallEnded) -> None:
        """Count a call and its duration."""
        self._calls.labels(event.provider, event.call, event.error or "").observe(event.duration)

    def unregister(self) -> None:
        """Take the metrics out of the registry. Doing so twice is fine."""
        registry, self._registry = self._registry, None
        if registry is not None:
            for metric in (self._calls, self._requests, self._messages):
                registry.unregister(metric)
