"""A server on this machine that notes what comes, and answers everything alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from attrs import frozen

__all__ = ["Recorded", "Recorder"]


@frozen
class Recorded:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    content: Any
    """The fields of a form, the value of a JSON body, or None where there is no body."""


class Recorder:
    """A server on this machine that answers everything alike and keeps what came."""

    def __init__(self, status: int, body: bytes) -> None:
        received = self.received = list[Recorded]()

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                given = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                received.append(_recorded(self.command, self.path, self.headers.get("Content-Type", ""), given))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _handle  # the names that http.server calls

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as http.server has it
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url: str = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _recorded(method: str, target: str, content_type: str, body: bytes) -> Recorded:
    parts = urlsplit(target)
    content: Any = None
    if body and content_type.startswith("application/x-www-form-urlencoded"):
        content = dict(parse_qsl(body.decode(), keep_blank_values=True))
    elif body:
        content = json.loads(body) if content_type.startswith("application/json") else body
    return Recorded(method, parts.path, dict(parse_qsl(parts.query)), content)
