"""The tests that every provider must pass, Payamak's own and those of other distributions.

::

    class TestNobody(ProviderConformance):
        profile = PROFILE

They need pytest alone, and run against the provider's own emulation in the sandbox, whose ledger is the truth.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, ClassVar, Final, cast
from urllib.parse import urlencode, urlsplit

import pytest

from smscore import registry
from smscore.blocking import BlockingClient
from smscore.client import AsyncClient
from smscore.config import RetryPolicy, Timeouts
from smscore.errors import MalformedResponse, SMSError
from smscore.outcomes import Outcome
from smscore.profile import Capability, Profile
from smscore.results import SendReport
from smscore.sandbox import Sandbox
from smscore.sandbox.emulation import Emulation, Route
from smscore.sandbox.fault_kinds import FAULT_RULES
from smscore.testing.recorder import Recorder
from smscore.testing.sources import imports_of, is_within, sources_of

__all__ = ["ProviderConformance", "SampleCall"]

SampleCall = Callable[[Any], Any]
"""Makes the call that a recorded sample stands for, on the async client that it is given."""

TOKEN: Final = "token-of-the-conformance-tests"  # noqa: S105
TEXT: Final = "سلام، این متن آزمون است."
NUMBERS: Final = ("09123456789", "09123456780")
TWICE: Final = RetryPolicy(attempts=2, wait_initial=0, wait_max=0)
PATIENT: Final = Timeouts(connect=10, read=20, total=30)
RUNS_OF_MONEY: Final = 60

# The calls that a capability promises, by the names that all providers share.
CALLS: Final[Mapping[Capability, tuple[str, ...]]] = {
    Capability.SENDS: ("send", "send_stream"),
    Capability.SENDS_P2P: ("send_p2p", "send_p2p_stream"),
    Capability.SENDS_PATTERNS: ("send_pattern",),
    Capability.TELLS_CREDIT: ("credit",),
}
# What the modules of a provider may import of Payamak, by the part of it that they are.
FOR_AUTHORS: Final = ("smscore", "smscore.wire", "smscore.profile", "smscore.sandbox")
FOR_EMULATIONS: Final = ("smscore", "smscore.sandbox")

ODD_BODIES: Final = (
    b"",
    b"{",
    b"{}",
    b"[]",
    b"null",
    b"0",
    b'"text"',
    b"[[[[[[]]]]]]",
    b'{"a":{}}',
    b"\xff\xfe\x00",
    b"[" * 5_000,
    b"1" * 5_000,
    b"=&=&=",
    b"ids=&receptors=,,,",
)


def faults(profile: Profile) -> list[tuple[str, dict[str, Any]]]:
    """Every fault of the sandbox, with what it needs."""
    codes = sorted(registry.load(profile.name, "sandbox").errors)
    needs = {"code": codes[0], "seconds": 0.01}
    return [(kind, {name: needs[name] for name in fault.needs}) for kind, fault in FAULT_RULES.items()]


class ProviderConformance:
    """Subclass it in a test module, name it ``Test…``, and set ``profile``.

    ``sample_calls`` names the call of each recorded sample that has a request, by the sample's ``call``: the request
    that it makes must be the recorded one.
    """

    profile: ClassVar[Profile]
    sample_calls: ClassVar[Mapping[str, SampleCall]] = {}

    # What it is made of

    def test_it_is_listed(self) -> None:
        assert registry.profile(self.profile.name) == self.profile

    def test_its_import_strings_name_what_they_should(self) -> None:
        profile = self.profile
        kind = registry.load(profile.name, "async_client")
        assert issubclass(kind, AsyncClient)
        assert issubclass(registry.load(profile.name, "client"), BlockingClient)
        assert issubclass(registry.load(profile.name, "sandbox"), Emulation)
        assert (kind.provider.name, registry.load(profile.name, "sandbox").name) == (profile.name, profile.name)
        assert registry.load(profile.name, "client")._kind is kind

    def test_its_clients_can_do_what_it_declares_and_no_more(self) -> None:
        kind = self._async()
        for capability, calls in CALLS.items():
            has = [call for call in calls if hasattr(kind, call)]
            assert has == (list(calls) if capability in self.profile.capabilities else []), capability

    def test_its_first_sender_is_the_sandboxs(self) -> None:
        assert registry.load(self.profile.name, "sandbox").lines[0] == self.profile.senders[0]

    def test_it_imports_only_what_is_for_authors(self) -> None:
        package, _, _ = self.profile.async_client.partition(".")
        strangers = {
            (path.name, name)
            for path in sources_of(package)
            for name in imports_of(path)
            if name.split(".")[0] == "smscore" and name not in FOR_AUTHORS
        }
        assert strangers == set()

    def test_its_emulation_and_its_wire_share_nothing(self) -> None:
        module = registry.load(self.profile.name, "sandbox").__module__
        package = module.split(".")[0]
        emulation = {path for path in sources_of(package) if is_within(path, package, module)}
        for path in sources_of(package):
            for name in imports_of(path):
                if path in emulation:
                    assert not name.startswith(package) or name.startswith(module), (path.name, name)
                    assert name.split(".")[0] != "smscore" or name in FOR_EMULATIONS, (path.name, name)
                else:
                    assert not name.startswith(module), (path.name, name)

    # Both faces

    def test_both_faces_have_the_same_calls(self) -> None:
        ours = _public(self._async()) - {"aclose"}
        assert ours == _public(self._blocking()) - {"close"}

    def test_both_faces_take_the_same_parameters_and_say_the_same(self) -> None:
        for name in _public(self._async()) - {"aclose"}:
            asynchronous, blocking = getattr(self._async(), name), getattr(self._blocking(), name)
            assert inspect.getdoc(asynchronous), name
            assert inspect.getdoc(blocking) == inspect.getdoc(asynchronous), name
            assert _parameters(blocking) == _parameters(asynchronous), name

    def test_every_call_is_typed(self) -> None:
        for face in (self._async(), self._blocking()):
            for name in _public(face):
                signature = inspect.signature(getattr(face, name))
                untyped = [one.name for one in [*signature.parameters.values()][1:] if one.annotation is one.empty]
                assert untyped == [], name
                assert signature.return_annotation is not signature.empty, name

    # Sending

    def test_a_send_arrives_and_its_report_says_so(self) -> None:
        for face in self._faces():
            with Sandbox() as box:
                report = face(box, _send(NUMBERS))
                assert isinstance(report, SendReport)
                assert report.ok
                assert [result.recipient for result in report] == ["+98" + number[1:] for number in NUMBERS]
                assert self._ledger(box) == Counter(result.recipient for result in report)
                assert {message.text for message in box.messages} == {TEXT}

    def test_a_list_over_the_limit_goes_in_several_requests_and_keeps_its_order(self) -> None:
        numbers = [f"0912{place:07}" for place in range(25)]
        with Sandbox() as box:
            report = self._call(box, _send(numbers), batch_size=10)
            assert report.ok
            assert [result.recipient for result in report] == ["+98" + number[1:] for number in numbers]
            assert self._ledger(box) == Counter(result.recipient for result in report)

    def test_a_bad_number_stops_a_send_before_anything_leaves(self) -> None:
        with Sandbox() as box:
            with pytest.raises(SMSError) as caught:
                self._call(box, _send([NUMBERS[0], "02188776655"]))
            assert caught.value.outcome is Outcome.NOT_SENT
            assert box.messages == []

    def test_a_stream_reports_everybody(self) -> None:
        numbers = [f"0912{place:07}" for place in range(25)]
        with Sandbox() as box:
            report = self._call(box, _stream(numbers), batch_size=10)
            assert sorted(result.recipient for part in report for result in part) == sorted(self._ledger(box))
            assert len(self._ledger(box)) == len(numbers)

    # Faults and money

    def test_no_fault_makes_a_false_outcome_or_sends_twice(self) -> None:
        for kind, needs in faults(self.profile):
            for retry in (RetryPolicy.none(), TWICE):
                for times in (1, None):
                    for face in self._faces():
                        with Sandbox() as box:
                            box.fail(kind, provider=self.profile.name, times=times, **needs)  # type: ignore[arg-type]  # a key of FAULT_RULES
                            report = _report_of(face, box, retry=retry)
                            assert self._contradictions(box, report) == [], (kind, retry, times)

    def test_the_money_adds_up_under_random_faults(self) -> None:
        chance = random.Random(self.profile.name)  # noqa: S311  # the same faults at every run
        kinds = faults(self.profile)
        for _ in range(RUNS_OF_MONEY):
            with Sandbox() as box:
                for kind, needs in chance.choices(kinds, k=chance.randint(0, 3)):
                    box.fail(kind, provider=self.profile.name, times=chance.randint(1, 3), **needs)  # type: ignore[arg-type]  # a key of FAULT_RULES
                numbers = [f"0912{place:07}" for place in range(chance.randint(1, 30))]
                report = _report_of(self._call, box, numbers, retry=TWICE, batch_size=chance.randint(1, 10))
                assert self._contradictions(box, report) == []

    # Secrets

    def test_no_token_number_or_text_shows_in_errors_logs_and_reprs(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        shown: list[str] = []
        for kind, needs in [("delay", {"seconds": 0}), *faults(self.profile)]:
            with Sandbox() as box:
                box.fail(kind, provider=self.profile.name, **needs)  # type: ignore[arg-type]  # a key of FAULT_RULES
                try:
                    self._call(box, _send(NUMBERS))
                except SMSError as error:
                    shown += [str(error), repr(error)]
        shown.append(repr(self._async()(TOKEN, sender=self.profile.senders[0])))
        shown += [record.getMessage() for record in caplog.records if record.name.startswith("smscore")]
        for secret in (TOKEN, TEXT, *NUMBERS, *(number[1:] for number in NUMBERS)):
            assert [words for words in shown if secret in words] == []

    def test_the_sandboxs_raw_view_hides_the_token(self) -> None:
        with Sandbox() as box:
            self._call(box, _send(NUMBERS))
            with box._state.lock:
                exchanges = [message.exchange for message in box._state.messages]
            assert exchanges
            for exchange in filter(None, exchanges):
                seen = f"{exchange.path}\n{exchange.headers}\n{exchange.body!r}\n{exchange.answer!r}"
                assert TOKEN not in seen

    # The emulation

    def test_its_emulation_answers_odd_bodies_with_a_refusal_of_its_own(self) -> None:
        emulation: type[Emulation] = registry.load(self.profile.name, "sandbox")
        with Sandbox() as box:
            for route in emulation.routes:
                for body in ODD_BODIES:
                    assert self._status(box, route, body) < 500, (route.path, body)

    def _status(self, box: Sandbox, route: Route, body: bytes) -> int:
        """The HTTP status of an answer to a request with a token and this body."""
        emulation: type[Emulation] = registry.load(self.profile.name, "sandbox")
        placement = (route.credentials or emulation.credentials).place(TOKEN)
        where = urlsplit(box.url(self.profile.name) + route.path.format_map(_Anything(placement.path)))
        query = f"?{urlencode(placement.query)}" if placement.query else ""
        with closing(HTTPConnection(where.hostname or "", where.port, timeout=60)) as connection:
            connection.request(route.method, where.path + query, body, {**placement.headers})
            return connection.getresponse().status

    # The document's samples

    def test_each_sample_is_written_as_all_are(self, pytestconfig: pytest.Config) -> None:
        samples = _samples(pytestconfig.rootpath / self.profile.samples)
        assert samples
        for name, sample in samples.items():
            assert {"source", "mended", "call", "request", "answer"} <= set(sample), name
            assert name.startswith(sample["call"] + "-"), name
            assert sample["request"] or sample["answer"], name

    def test_a_call_sends_the_recorded_request(self, pytestconfig: pytest.Config) -> None:
        for name, sample in _samples(pytestconfig.rootpath / self.profile.samples).items():
            call = self.sample_calls.get(sample["call"])
            if call is None or not sample["request"]:
                continue
            with Recorder(500, b"") as server:
                with pytest.raises(SMSError):
                    self._run(server.url, call)
                request = sample["request"]
                (sent,) = server.received
                assert sent.method == request["method"], name
                assert sent.path == request["path"].replace("{token}", TOKEN), name
                assert sent.query == {key: str(value) for key, value in request.get("query", {}).items()}, name
                assert _with_any(sent.content, request.get("body")) == request.get("body"), name

    def test_a_recorded_answer_is_read_as_what_it_is(self, pytestconfig: pytest.Config) -> None:
        for name, sample in _samples(pytestconfig.rootpath / self.profile.samples).items():
            call = self.sample_calls.get(sample["call"])
            if call is None or not sample["answer"]:
                continue
            answer = sample["answer"]
            is_refusal = "-error" in name
            with Recorder(answer["status"], json.dumps(answer["body"], ensure_ascii=False).encode()) as server:
                try:
                    self._run(server.url, call)
                except SMSError as error:
                    assert is_refusal, (name, error)
                    assert not isinstance(error, MalformedResponse), name
                else:
                    assert not is_refusal, name

    # How they are run

    def _async(self) -> type[AsyncClient]:
        kind: type[AsyncClient] = registry.load(self.profile.name, "async_client")
        return kind

    def _blocking(self) -> type[BlockingClient[Any]]:
        kind: type[BlockingClient[Any]] = registry.load(self.profile.name, "client")
        return kind

    def _faces(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        return self._call, self._call_blocking

    def _call(self, box: Sandbox, call: Callable[[Any], Any], **options: Any) -> Any:
        return self._run(box.url(self.profile.name), call, **options)

    def _run(self, url: str, call: Callable[[Any], Any], **options: Any) -> Any:
        async def run() -> Any:
            kind: Any = self._async()
            async with kind(TOKEN, **self._options(url, options)) as client:
                result = call(client)
                return await result if inspect.isawaitable(result) else result

        return asyncio.run(run())

    def _call_blocking(self, box: Sandbox, call: Callable[[Any], Any], **options: Any) -> Any:
        kind: Any = self._blocking()
        with kind(TOKEN, **self._options(box.url(self.profile.name), options)) as client:
            return call(client)

    def _options(self, url: str, options: Mapping[str, Any]) -> dict[str, Any]:
        settings = {"sender": self.profile.senders[0], "base_url": url, "timeout": PATIENT, "retry": RetryPolicy.none()}
        return {**settings, **options}

    def _ledger(self, box: Sandbox) -> Counter[str]:
        return Counter(message.recipient for message in box.messages if message.provider == self.profile.name)

    def _contradictions(self, box: Sandbox, report: SendReport) -> list[str]:
        """Where what the client says of its recipients cannot be true, by what the provider took."""
        ledger, problems = self._ledger(box), list[str]()
        for result in report:
            taken = ledger[result.recipient]
            possible = {Outcome.ACCEPTED: (1,), Outcome.UNKNOWN: (0, 1)}.get(result.outcome, (0,))
            if taken not in possible:
                problems.append(f"{result.outcome.name}, and taken {taken} times: {type(result.error).__name__}")
        if set(ledger) - {result.recipient for result in report}:
            problems.append("taken for somebody who was not asked for")
        return problems


def _report_of(face: Callable[..., Any], box: Sandbox, numbers: Sequence[str] = NUMBERS, **options: Any) -> SendReport:
    """The report of a send, whether it is returned or on the error."""
    try:
        report = face(box, _send(numbers), **options)
    except SMSError as error:
        report = error.report
    assert isinstance(report, SendReport)
    return report


def _send(numbers: Sequence[str]) -> SampleCall:
    def call(client: Any) -> Any:
        return client.send([*numbers], TEXT)

    return call


def _stream(numbers: Sequence[str]) -> SampleCall:
    async def call(client: Any) -> list[SendReport]:
        async with aclosing(client.send_stream([*numbers], TEXT)) as stream:
            return [report async for report in stream]

    return call


def _public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}


def _parameters(method: Any) -> list[tuple[str, Any, Any]]:
    return [(one.name, one.kind, one.default) for one in [*inspect.signature(method).parameters.values()][1:]]


def _with_any(content: object, recorded: object) -> object:
    """The content with ``*`` where the recorded one has it: what a call makes anew each time, such as an id."""
    if not isinstance(content, dict) or not isinstance(recorded, dict):
        return content
    made, said = cast("dict[str, Any]", content), cast("dict[str, Any]", recorded)
    return {name: "*" if said.get(name) == "*" else value for name, value in made.items()}


class _Anything(dict[str, str]):
    """Values for the placeholders of a path, the same for all that are not given."""

    def __missing__(self, key: str) -> str:
        return "1"


def _samples(folder: Path) -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}
