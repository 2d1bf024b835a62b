"""Spans and metrics by OpenTelemetry, as its SDK's exporter and metric reader in memory get them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from ippanel_sms import IPPanel
from najva_sms import Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import RetryPolicy, SMSError
from smscore.contrib.opentelemetry import OpenTelemetryObserver, instrument
from smscore.sandbox import Sandbox

SEND = "https://api.sepahansms.com/api/Sms/Send"
TO = ["09121234567", "09121234568"]
QUICK = RetryPolicy(attempts=2, wait_initial=0, wait_max=0)


class Telemetry:
    """What was exported, and a tracer of the program's own."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        self.tracer = self.tracers.get_tracer("program")

    def spans(self, beginning: str = "") -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name.startswith(beginning)]

    def one(self, name: str) -> Any:
        (span,) = [span for span in self.exporter.get_finished_spans() if span.name == name]
        return span

    def points(self, name: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        metrics = [one for r in data.resource_metrics for scope in r.scope_metrics for one in scope.metrics]
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    telemetry = Telemetry()
    end = instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    yield telemetry
    end()
    telemetry.tracers.shutdown()
    telemetry.meters.shutdown()


def accepted(*ids: int) -> dict[str, Any]:
    return {"isSuccess": True, "value": {"ids": ids}, "error": None}


async def test_a_call_is_a_span_and_its_try_a_child_of_it(
    telemetry: Telemetry, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=accepted(1, 2))
    with telemetry.tracer.start_as_current_span("the caller's"):
        await sepahan.send(TO, "متن")
    outer, call, request = (telemetry.one(name) for name in ("the caller's", "send sepahan", "request sepahan"))
    assert call.parent.span_id == outer.context.span_id
    assert request.parent.span_id == call.context.span_id
    assert {span.context.trace_id for span in (outer, call, request)} == {outer.context.trace_id}
    assert (call.kind, request.kind) == (SpanKind.CLIENT, SpanKind.CLIENT)
    assert call.status.status_code is request.status.status_code is StatusCode.UNSET


async def test_a_calls_span_has_the_attributes_of_the_conventions(
    telemetry: Telemetry, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=accepted(1, 2))
    await sepahan.send(TO, "متن")
    assert dict(telemetry.one("send sepahan").attributes) == {
        "messaging.system": "sepahan",
        "messaging.destination.name": "sepahan",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.batch.message_count": 2,
        "payamak.tries": 1,
        "payamak.accepted": 2,
        "payamak.rejected": 0,
        "payamak.not_sent": 0,
        "payamak.unknown": 0,
    }
    assert dict(telemetry.one("request sepahan").attributes) == {
        "messaging.system": "sepahan",
        "messaging.destination.name": "sepahan",
        "messaging.batch.message_count": 2,
        "http.response.status_code": 200,
    }


async def test_a_second_instrument_counts_nothing_twice(
    telemetry: Telemetry, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=accepted(1, 2), repeat=True)
    end = instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    await sepahan.send(TO, "متن")
    end()
    end()
    assert len(telemetry.spans("send")) == 1
    await sepahan.send(TO, "متن")
    assert len(telemetry.spans("send")) == 2
    assert [point.value for point in telemetry.points("messaging.client.sent.messages")] == [4]


async def test_one_message_has_no_count(telemetry: Telemetry, sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.post(SEND, payload=accepted(1))
    await sepahan.send(TO[0], "متن")
    assert all("messaging.batch.message_count" not in span.attributes for span in telemetry.spans())


async def test_a_refusal_is_an_error_by_its_type_and_code(
    telemetry: Telemetry, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, payload={"isSuccess": False, "value": None, "error": {"code": -1, "message": "نشد"}})
    with pytest.raises(SMSError) as caught:
        await sepahan.send(TO, "متن")
    for span in telemetry.spans():
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description is None
        assert span.events == ()
        assert span.attributes["error.type"] == type(caught.value).__name__
        assert span.attributes["payamak.code"] == -1


async def test_each_try_is_a_span_of_its_own_time(
    telemetry: Telemetry, new_sepahan: Callable[..., Any], provider_http: Any
) -> None:
    provider_http.post(SEND, status=429)
    provider_http.post(SEND, payload=accepted(1))
    before = time.time_ns()
    await new_sepahan(retry=RetryPolicy(attempts=2, wait_initial=0.05, wait_max=0.05)).send(TO[:1], "متن")
    after = time.time_ns()
    first, second = telemetry.spans("request")
    call: Any = telemetry.one("send sepahan")
    assert before - 1_000_000 <= call.start_time <= first.start_time <= first.end_time
    assert first.end_time + 20_000_000 <= second.start_time <= second.end_time <= call.end_time <= after + 1_000_000
    assert first.attributes["error.type"] == "RateLimited"
    assert first.attributes["http.response.status_code"] == 429
    assert "http.request.resend_count" not in first.attributes
    assert second.attributes["http.request.resend_count"] == 1
    assert call.attributes["payamak.tries"] == 2


def test_a_frozen_time_is_the_spans_time(telemetry: Telemetry, opened: Callable[..., Any]) -> None:
    with time_machine.travel(1_600_000_000, tick=False):
        opened(Sepahan).send(TO, "متن")
    call = telemetry.one("send sepahan")
    assert call.start_time == 1_600_000_000 * 10**9
    assert call.end_time > call.start_time


async def test_metrics_are_those_of_the_conventions(
    telemetry: Telemetry, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=accepted(1, -4))  # the second number is refused
    await sepahan.send(TO, "متن")
    operation = {
        "messaging.system": "sepahan",
        "messaging.destination.name": "sepahan",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
    }
    (duration,) = telemetry.points("messaging.client.operation.duration")
    assert dict(duration.attributes) == operation
    assert duration.explicit_bounds == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    call: Any = telemetry.one("send sepahan")
    assert duration.sum == pytest.approx((call.end_time - call.start_time) / 1e9, abs=1e-5)
    sent = {point.attributes["payamak.outcome"]: point for point in telemetry.points("messaging.client.sent.messages")}
    assert {outcome: point.value for outcome, point in sent.items()} == {"accepted": 1, "rejected": 1}
    assert "error.type" not in sent["accepted"].attributes
    assert sent["rejected"].attributes["error.type"] == "rejected"
    (request,) = telemetry.points("payamak.client.request.duration")
    assert (request.count, request.attributes["http.response.status_code"]) == (1, 200)


async def test_messages_that_were_not_tried_are_not_counted_as_sent(
    telemetry: Telemetry, new_sepahan: Callable[..., Any], provider_http: Any
) -> None:
    provider_http.post(SEND, status=401)
    with pytest.raises(SMSError):
        await new_sepahan(batch_size=1, max_concurrency=1).send(TO, "متن")
    (sent,) = telemetry.points("messaging.client.sent.messages")
    assert (sent.value, sent.attributes["error.type"]) == (1, "AuthenticationError")
    assert telemetry.one("send sepahan").attributes["payamak.not_sent"] == 1


async def test_a_read_is_no_send(telemetry: Telemetry, sepahan: AsyncSepahan, provider_http: Any) -> None:
    url = "https://api.sepahansms.com/api/SmsReport/credit"
    provider_http.get(url, payload={"isSuccess": True, "value": 5, "error": None})
    await sepahan.credit()
    attributes = telemetry.one("credit sepahan").attributes
    assert not [name for name in attributes if name.startswith("payamak.") and name != "payamak.tries"]
    assert "messaging.operation.type" not in attributes


# Blocking clients, and the undo


@pytest.mark.parametrize("face", [Sepahan, IPPanel, Najva])
def test_a_blocking_clients_span_is_a_child_of_the_callers(
    face: type[Any], telemetry: Telemetry, opened: Callable[..., Any]
) -> None:
    with telemetry.tracer.start_as_current_span("the caller's"):
        opened(face).send(TO, "متن")
    name = face.__name__.lower()
    outer, call, request = (telemetry.one(one) for one in ("the caller's", f"send {name}", f"request {name}"))
    assert call.parent.span_id == outer.context.span_id
    assert request.parent.span_id == call.context.span_id


def test_a_blocking_streams_batches_are_children_of_one_call(telemetry: Telemetry, opened: Callable[..., Any]) -> None:
    client = opened(Sepahan, batch_size=1)
    with telemetry.tracer.start_as_current_span("the caller's"):
        assert len(list(client.send_stream(TO, "متن"))) == 2
    call = telemetry.one("send_stream sepahan")
    assert call.parent.span_id == telemetry.one("the caller's").context.span_id
    assert [span.parent.span_id for span in telemetry.spans("request")] == [call.context.span_id] * 2
    assert call.attributes["messaging.batch.message_count"] == 2


def test_a_cancelled_blocking_call_ends_its_span_under_the_caller(
    telemetry: Telemetry, opened: Callable[..., Any]
) -> None:
    class Interrupts:
        def start(self, _: object) -> None:
            raise KeyboardInterrupt

    client = opened(Sepahan, observers=[Interrupts(), OpenTelemetryObserver(tracer_provider=telemetry.tracers)])
    with telemetry.tracer.start_as_current_span("the caller's"), pytest.raises(KeyboardInterrupt):
        client.send(TO, "متن")
    client.close()
    deadline = time.monotonic() + 30
    while not telemetry.spans("send") and time.monotonic() < deadline:
        time.sleep(0.01)
    outer = telemetry.one("the caller's")
    for span in telemetry.spans("send"):
        assert span.parent is not None
        assert span.parent.span_id == outer.context.span_id


def test_after_the_undo_nothing_is_made(opened: Callable[..., Any]) -> None:
    telemetry = Telemetry()
    end = instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    end()
    opened(Sepahan).send(TO, "متن")
    assert telemetry.spans() == []


def test_it_needs_the_api_alone() -> None:
    with Sandbox() as box:
        script = f"""
import sys
sys.modules["opentelemetry.sdk"] = None
from sepahan_sms import Sepahan
from smscore.contrib.opentelemetry import instrument
end = instrument()
with Sepahan("any", sender="3000", base_url={box.url("sepahan")!r}) as client:
    print(client.send("09121234567", "x").ok)
end()
print([name for name in sys.modules if name.startswith("opentelemetry.sdk.")])
"""
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["True", "[]"]
