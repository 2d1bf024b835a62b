"""A server on this machine that records the requests that come, and answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Self, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from attrs import field, frozen

__all__ = ["Canned", "Recorded", "Recorder"]


@frozen
class Recorded:
    """A request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    content: Any
    """The fields of a form, the value of a JSON body, or None where there is no body."""
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@frozen
class Canned:
    """An answer to give, whatever was asked."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(factory=dict[str, str])


Answers: TypeAlias = Callable[[Recorded], Canned]


class Recorder:
    """Gives ``answer`` to everything and keeps what came in ``received``; ``answer`` may be set anew meanwhile.

    ``arrived`` is set when a request is there; while ``released`` is cleared, answers wait for it.
    """

    def __init__(self, answer: Canned | Answers) -> None:
        self.answer: Canned | Answers = answer
        self.received: list[Recorded] = []
        self.arrived: Event = Event()
        self.released: Event = Event()
        self.released.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url: str = f"http://127.0.0.1:{self._server.server_port}"

    def answer_to(self, request: Recorded) -> Canned:
        """Record a request, and give its answer."""
        self.received.append(request)
        self.arrived.set()
        self.released.wait()
        return self.answer(request) if callable(self.answer) else self.answer

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(recorder.answer_to(_recorded(self.command, self.path, dict(self.headers.items()), body)))

        def _answer(self, answer: Canned) -> None:
            try:
                self.send_response(answer.status)
                if answer.content_type:
                    self.send_header("Content-Type", answer.content_type)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            except OSError:
                self.close_connection = True  # whoever asked has gone, as after a cancel

        do_GET = do_POST = _handle  # the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as http.server has it
            pass

    return Handler


def _recorded(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Recorded:
    parts, content_type = urlsplit(target), headers.get("Content-Type", "")
    content: Any = None
    if body and content_type.startswith("application/x-www-form-urlencoded"):
        content = dict(parse_qsl(body.decode(), keep_blank_values=True))
    elif body:
        content = json.loads(body) if content_type.startswith("application/json") else body
    return Recorded(method, parts.path, dict(parse_qsl(parts.query)), content, headers, body)
