"""Counters for Prometheus, as its client library gives them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from example_files import example
from prometheus_client import CollectorRegistry, generate_latest

from sepahan_sms import AsyncSepahan, Sepahan
from smscore import SMSError
from smscore.contrib.prometheus import PrometheusObserver, instrument
from smscore.sandbox import Sandbox

SEND = "https://api.sepahansms.com/api/Sms/Send"
TO = ["09121234567", "09121234568"]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


async def test_messages_calls_and_requests_are_counted(
    registry: CollectorRegistry, new_sepahan: Callable[..., AsyncSepahan], provider_http: Any
) -> None:
    provider_http.post(SEND, payload={"isSuccess": True, "value": {"ids": [1, -4]}, "error": None})
    provider_http.post(SEND, status=401)
    client = new_sepahan(observers=[PrometheusObserver(registry)])
    await client.send(TO, "متن")
    with pytest.raises(SMSError):
        await client.send(TO, "متن")
    sent = {"provider": "sepahan", "call": "send"}

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    assert value("payamak_messages_total", **sent, outcome="accepted") == 1
    assert value("payamak_messages_total", **sent, outcome="rejected") == 3
    assert value("payamak_call_duration_seconds_count", **sent, error="") == 1
    assert value("payamak_call_duration_seconds_count", **sent, error="AuthenticationError") == 1
    assert value("payamak_request_duration_seconds_count", provider="sepahan", error="", status="200") == 1
    unauthorized = {"provider": "sepahan", "error": "AuthenticationError", "status": "401"}
    assert value("payamak_request_duration_seconds_count", **unauthorized) == 1


def test_the_undo_ends_counting_and_frees_the_names(registry: CollectorRegistry, opened: Callable[..., Any]) -> None:
    for _ in range(2):
        end = instrument(registry)
        opened(Sepahan).send(TO, "متن")
        assert b'outcome="accepted"' in generate_latest(registry)
        end()
        end()
    assert generate_latest(registry) == b""


def test_a_second_instrument_counts_nothing_twice(registry: CollectorRegistry, opened: Callable[..., Any]) -> None:
    ends = [instrument(registry) for _ in range(2)]
    sepahan = opened(Sepahan)
    accepted = {"provider": "sepahan", "call": "send", "outcome": "accepted"}
    for expected in (2, 4):
        sepahan.send(TO, "متن")
        assert registry.get_sample_value("payamak_messages_total", accepted) == expected
        ends.pop()()
    assert generate_latest(registry) == b""


async def test_the_example_serves_its_figures_as_text(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TOKEN": "any", "SENDER": "3000", "BASE_URL": box.url("sepahan")}.items():
        monkeypatch.setenv(f"SEPAHAN_{name}", value)
    async with TestClient(TestServer(example("prometheus_metrics").new_app())) as browser:
        assert (await browser.post("/welcome", data={"mobile": TO[0]})).status == 200
        assert (await browser.post("/welcome", data={"mobile": "021"})).status == 502
        text = await (await browser.get("/metrics")).text()
    assert 'payamak_messages_total{call="send",outcome="accepted",provider="sepahan"} 1.0' in text
    assert TO[0][1:] not in text
