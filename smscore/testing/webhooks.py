"""Conformance: what a provider's ``parse_webhook`` reads, for providers that call a webhook."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from attrs import frozen

from smscore import registry
from smscore.sandbox import Sandbox
from smscore.statuses import DeliveryStatus
from smscore.testing.runner import Runner, report_of

__all__ = ["WebhookConformance"]

LATER: Final = 3600.0  # seconds, after which the sandbox has delivered everything
WAIT: Final = 30.0  # seconds for a call of the sandbox's


class WebhookConformance(Runner):
    """What the provider reports to its customers; nothing where the profile names no ``webhook``."""

    def test_a_report_names_its_provider_and_its_message(self) -> None:
        if self.profile.webhook is None:
            pytest.skip("it calls no webhook")
        parse = registry.load(self.profile.name, "webhook")
        with Sandbox() as box, _listening() as (url, calls):
            box.set_webhook(url)
            ids = {result.message_id for result in report_of(self._call, box)}
            box.advance(LATER)
            call = calls.get(timeout=WAIT)
        report = parse(body=call.body, query=call.query, content_type=call.content_type)
        named = getattr(report, "provider", None)
        assert named == self.profile.name, (
            f"parse_webhook gives a report of {named}, which the queue takes for a report about messages of {named}. "
            f"Return a class of your own with provider = {self.profile.name!r}."
        )
        assert report.message_id in ids
        assert isinstance(report.status, DeliveryStatus)
        assert isinstance(report.code, int)


@frozen
class _Call:
    """A call of the webhook, as a web framework gives it."""

    body: bytes
    query: str
    content_type: str | None


@contextmanager
def _listening() -> Generator[tuple[str, queue.Queue[_Call]], None, None]:
    """The URL of a server that answers every call with 200, and the calls that it got."""
    calls: queue.Queue[_Call] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # as http.server calls it
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            calls.put(_Call(body, urlsplit(self.path).query, self.headers.get("Content-Type")))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as http.server calls it
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", calls
        finally:
            server.shutdown()
            thread.join()
