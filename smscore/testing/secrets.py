"""Conformance: no token, text or number shows in an error, a log, a repr or the sandbox's view of requests."""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, Final

import pytest
from attrs import asdict

from smscore.errors import SMSError
from smscore.sandbox import Sandbox
from smscore.testing.faults import faults_of
from smscore.testing.recorder import Canned, Recorded, Recorder
from smscore.testing.runner import NUMBERS, PATTERN_VALUE, TEXT, TOKEN, Keeping, other_sends, send
from smscore.testing.samples import Samples, SamplesConformance

__all__ = ["SecretsConformance"]

STATUSES: Final = (200, 302, 401, 406, 422, 429, 502)
_NUMBER: Final = re.compile(r"9[0-9]{9}", re.ASCII)
_PERSIAN: Final = re.compile(r"[\u0600-\u06ff]{2,}(?: [\u0600-\u06ff]+)+")


class SecretsConformance(SamplesConformance):
    """What users send is theirs: it is on the wire and in reports, and nowhere else."""

    def test_no_token_number_or_text_shows_in_errors_logs_and_reprs(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        shown: list[str] = []
        for kind, needs in [("delay", {"seconds": 0}), *faults_of(self.profile)]:
            with Sandbox() as box:
                box.fail(kind, provider=self.profile.name, **needs)  # type: ignore[arg-type]  # a key of FAULT_RULES
                for call in (send(NUMBERS), *other_sends(self.profile).values()):
                    try:
                        self._call(box, call)
                    except SMSError as error:
                        shown += [str(error), repr(error)]
        shown.append(repr(self._async()(TOKEN, sender=self.profile.senders[0])))
        shown += [record.getMessage() for record in caplog.records if record.name.startswith("smscore")]
        for secret in (TOKEN, TEXT, PATTERN_VALUE, *NUMBERS, *(number[1:] for number in NUMBERS)):
            assert [words for words in shown if secret in words] == []

    @pytest.mark.parametrize("echo", ["html", "fields", "json", "whole"])
    def test_an_answer_that_echoes_a_call_shows_nothing(
        self, echo: str, samples: Samples, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for name, call in samples.calls.items():
            for status in STATUSES:
                caplog.clear()
                with Recorder(_echoing(status, _ECHOES[echo])) as server:
                    shown = self._shown_of(server, call)
                    shown += [record.getMessage() for record in caplog.records if record.name.startswith("smscore")]
                    secrets = {secret for request in server.received for secret in _secrets_in(request)}
                leaks = [secret for secret in secrets for words in shown if secret in words]
                assert leaks == [], (name, status)

    def test_the_sandboxs_raw_view_hides_the_token(self) -> None:
        with Sandbox() as box:
            for call in (send(NUMBERS), *other_sends(self.profile).values()):
                self._call(box, call)
            with box._state.lock:
                exchanges = [message.exchange for message in box._state.messages]
            assert exchanges
            for exchange in filter(None, exchanges):
                seen = f"{exchange.path}\n{exchange.headers}\n{exchange.body!r}\n{exchange.answer!r}"
                assert TOKEN not in seen

    def _shown_of(self, server: Recorder, call: Any) -> list[str]:
        """All that a program prints of a call's error or result, and of what observers are told."""
        told: list[Any] = []
        shown = self._printed_of(server, call, Keeping(told))
        assert told
        return [*shown, *(f"{event} {asdict(event, recurse=False)}" for event in told)]

    def _printed_of(self, server: Recorder, call: Any, observer: Keeping) -> list[str]:
        try:
            result = self._run(server.url, call, observers=[observer])
        except SMSError as error:
            if any(TOKEN in f"{request.path} {request.query}" for request in server.received):
                # A server may well quote the URL, and a program may well print what the server said.
                kept = [error.message, error.body, *error.details, *error.fields, *chain(*error.fields.values())]
                assert [words for words in kept if words and TOKEN in words] == []
            return [str(error), repr(error), repr(error.report), *traceback.format_exception(error)]
        return [repr(result)]


def _echoing(status: int, echo: Callable[[Recorded], bytes]) -> Callable[[Recorded], Canned]:
    return lambda request: Canned(status, echo(request))


def _said(request: Recorded) -> str:
    return f"{TOKEN} {request.path} {request.query} {request.body.decode('utf-8', 'replace')} {request.content}"


_ECHOES: Final[Mapping[str, Callable[[Recorded], bytes]]] = {
    "html": lambda request: f"<html>{_said(request)}</html>".encode(),
    "fields": lambda request: json.dumps(
        {"errors": {TOKEN: [_said(request)], _said(request): TOKEN}, "detail": _said(request)}
    ).encode(),
    "json": lambda request: json.dumps(_said(request), ensure_ascii=False).encode(),
    "whole": lambda request: request.body or TOKEN.encode(),
}


def _secrets_in(request: Recorded) -> set[str]:
    """What of a request must show nowhere: its token, numbers to send to, and sentences."""
    content = request.content
    said = content.decode("utf-8", "replace") if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False)
    said += " ".join(request.query.values())
    return {TOKEN, *_NUMBER.findall(said), *_PERSIAN.findall(said)}
