"""Conformance: the document's recorded samples, in the form that they have and in the forms that servers give them."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import pytest
from attrs import field, frozen

from smscore.errors import MalformedResponse, ProviderError, SMSError
from smscore.results import SendReport
from smscore.statuses import DeliveryStatus, MessageStatus
from smscore.testing.odd_forms import FORMS, Form, with_unknown_fields
from smscore.testing.recorder import Canned, Recorder
from smscore.testing.runner import TOKEN, Runner, SampleCall, result_of
from smscore.wire.codec import is_array, is_object

__all__ = ["Samples", "SamplesConformance", "load_samples"]

AS_RECORDED: Final = Form()
UNLISTED: Final = 987_654  # a code that no document lists


@frozen
class Samples:
    """A folder of recorded samples by name, ``<call>-<case>``, with the calls that make their requests.

    They are in ``calls.py`` of that folder: ``CALLS`` has a :data:`SampleCall` by the sample's ``call``. ``DIFFERENT``
    says, by a sample's name, what goes out in place of a recorded request that the client cannot make: values by their
    dotted place in ``request``.
    """

    samples: Mapping[str, Any] = field(repr=False)
    calls: Mapping[str, SampleCall] = field(repr=False)
    different: Mapping[str, Mapping[str, Any]] = field(repr=False)

    def with_request(self) -> dict[str, Any]:
        """The expected requests, by sample, of those that have a request and a call."""
        named = self._with_call("request")
        return {name: _changed(sample["request"], self.different.get(name, {})) for name, sample in named.items()}

    def with_answer(self) -> dict[str, Any]:
        """The samples that have an answer and a call."""
        return self._with_call("answer")

    def call(self, name: str) -> SampleCall:
        """The call that makes a sample's request."""
        return self.calls[self.samples[name]["call"]]

    def _with_call(self, part: str) -> dict[str, Any]:
        return {name: one for name, one in self.samples.items() if one[part] and one["call"] in self.calls}


def load_samples(folder: Path, more_calls: Mapping[str, SampleCall] | None = None) -> Samples:
    """The samples of a folder, with the calls of its ``calls.py`` and these more."""
    samples = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}
    names: dict[str, Any] = {}
    if (folder / "calls.py").exists():
        spec = importlib.util.spec_from_file_location(f"sample_calls_of_{folder.name}", folder / "calls.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        names = vars(module)
    return Samples(samples, {**names.get("CALLS", {}), **(more_calls or {})}, names.get("DIFFERENT", {}))


def _changed(request: Any, changes: Mapping[str, Any]) -> Any:
    request = json.loads(json.dumps(request))
    for place, value in changes.items():
        *parents, key = place.split(".")
        target = request
        for parent in parents:
            target = target[parent]
        assert target[key] != value, "it is the same as recorded"
        target[key] = value
    return request


class SamplesConformance(Runner):
    """What a call sends is the recorded request; what it reads is the recorded answer, however that is written."""

    sample_calls: ClassVar[Mapping[str, SampleCall]] = {}

    @pytest.fixture
    def samples(self, pytestconfig: pytest.Config) -> Samples:
        """The provider's samples; ``profile.samples`` is their folder, from the root of the project."""
        return load_samples(pytestconfig.rootpath / self.profile.samples, self.sample_calls)

    def test_each_sample_is_written_as_all_are(self, samples: Samples) -> None:
        assert samples.samples
        for name, sample in samples.samples.items():
            assert {"source", "mended", "call", "request", "answer"} <= set(sample), name
            assert name.startswith(sample["call"] + "-"), name
            assert sample["request"] or sample["answer"], name

    def test_each_sample_of_a_method_has_its_call(self, samples: Samples) -> None:
        methods = {sample["call"] for sample in samples.samples.values() if hasattr(self._async(), sample["call"])}
        assert methods == set(samples.calls)
        assert set(samples.different) <= set(samples.samples)

    def test_a_call_sends_the_recorded_request(self, samples: Samples) -> None:
        with Recorder(Canned(500)) as server:
            for name, request in samples.with_request().items():
                server.received.clear()
                with pytest.raises(SMSError):
                    self._run(server.url, samples.call(name))
                (sent,) = server.received
                assert sent.method == request["method"], name
                assert sent.path == request["path"].replace("{token}", TOKEN), name
                query: Mapping[str, object] = request.get("query") or {}
                assert sent.query == {key: str(value) for key, value in query.items()}, name
                assert _with_any(sent.content, request.get("body")) == request.get("body"), name

    def test_a_recorded_answer_is_read_as_what_it_is(self, samples: Samples) -> None:
        for name, read in self._read(samples, AS_RECORDED).items():
            assert isinstance(read, SMSError) is ("-error" in name), (name, read)
            assert not isinstance(read, MalformedResponse), name

    def test_an_answer_is_what_it_is_in_any_form(self, samples: Samples) -> None:
        recorded = {name: _comparable(read) for name, read in self._read(samples, AS_RECORDED).items()}
        for form_name, form in FORMS.items():
            for name, read in self._read(samples, form).items():
                assert _comparable(read) == recorded[name], (name, form_name)

    def test_unknown_fields_change_nothing(self, samples: Samples) -> None:
        recorded = {name: _comparable(read) for name, read in self._read(samples, AS_RECORDED).items()}
        changed = {
            name: {**sample["answer"], "body": with_unknown_fields(sample["answer"]["body"])}
            for name, sample in samples.with_answer().items()
            if "-error" not in name  # there an unknown field may well be the cause
        }
        assert changed
        for name, read in self._read(samples, AS_RECORDED, changed).items():
            assert _comparable(read) == recorded[name], name

    def test_an_unknown_error_code_is_an_error_that_keeps_it(self, samples: Samples) -> None:
        changed: dict[str, Any] = {}
        unlisted: dict[str, int | str] = {}
        for name, read in self._read(samples, AS_RECORDED).items():
            answer = samples.samples[name]["answer"]
            code = getattr(read, "code", None)
            if code is not None and _count(answer["body"], code) == 1:
                unlisted[name] = _unlisted_like(code)
                changed[name] = {**answer, "body": _replaced(answer["body"], code, unlisted[name])}
        assert changed
        for name, read in self._read(samples, AS_RECORDED, changed).items():
            assert isinstance(read, ProviderError), (name, read)
            # Beside a code that is not listed, the HTTP status may decide; then it is the code where it is listed.
            assert read.code in (unlisted[name], changed[name]["status"]), name

    def test_an_unknown_delivery_status_is_unrecognized(self, samples: Samples) -> None:
        for name, read in self._read(samples, AS_RECORDED).items():
            statuses = cast("list[MessageStatus]", read)
            if not isinstance(read, list) or not statuses or not isinstance(statuses[0], MessageStatus):
                continue
            answer = samples.samples[name]["answer"]
            place, code = next((at, s.code) for at, s in enumerate(statuses) if _count(answer["body"], s.code) == 1)
            changed = {name: {**answer, "body": _replaced(answer["body"], code, UNLISTED)}}
            found = self._read(samples, AS_RECORDED, changed)[name][place]
            assert (found.code, found.status) == (UNLISTED, DeliveryStatus.UNRECOGNIZED), name

    def _read(self, samples: Samples, form: Form, answers: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What each sample's answer, or each of these, is read as when it comes in this form: a result or an error."""
        chosen = {name: one["answer"] for name, one in samples.with_answer().items()} if answers is None else answers

        async def read_all(server: Recorder) -> dict[str, Any]:
            kind: Any = self._async()
            found: dict[str, Any] = {}
            async with kind(TOKEN, **self._options(server.url, {})) as client:
                for name, answer in chosen.items():
                    server.answer = Canned(answer["status"], form.of(answer["body"]), form.content_type)
                    try:
                        found[name] = await result_of(samples.call(name)(client))
                    except SMSError as error:
                        found[name] = error
            return found

        with Recorder(Canned(500)) as server:
            return asyncio.run(read_all(server))


def _comparable(read: Any) -> Any:
    """What of a result or an error must be the same however it was written."""
    if isinstance(read, SMSError):
        return type(read), read.code, read.message, read.outcome
    if isinstance(read, SendReport):
        return [(one.recipient, one.outcome, one.message_id) for one in read], read.cost, read.parts
    return type(read), read


def _unlisted_like(code: int | str) -> int | str:
    """A code that no document lists, of the same kind and sign."""
    if isinstance(code, int):
        return UNLISTED if code > 0 else -UNLISTED
    return str(UNLISTED)


def _count(body: Any, value: object) -> int:
    """How often a value stands in JSON."""
    if is_object(body):
        return sum(_count(item, value) for item in body.values())
    if is_array(body):
        return sum(_count(item, value) for item in body)
    return int(type(body) is type(value) and body == value)


def _replaced(body: Any, value: object, new: object) -> Any:
    if is_object(body):
        return {name: _replaced(item, value, new) for name, item in body.items()}
    if is_array(body):
        return [_replaced(item, value, new) for item in body]
    return new if type(body) is type(value) and body == value else body


def _with_any(content: object, recorded: object) -> object:
    """The content with ``*`` where the recorded one has it: what a call makes anew each time, such as an id."""
    if not is_object(content) or not is_object(recorded):
        return content
    return {name: "*" if recorded.get(name) == "*" else value for name, value in content.items()}
