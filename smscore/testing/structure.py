"""Conformance: what a provider is made of, that its faces are alike, and that its emulation holds."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from smscore import registry
from smscore.blocking import BlockingClient
from smscore.client import AsyncClient
from smscore.profile import Capability
from smscore.sandbox import Sandbox
from smscore.sandbox.emulation import Emulation, Route
from smscore.testing.runner import TOKEN, Runner
from smscore.testing.sources import imports_of, is_within, sources_of

__all__ = ["StructureConformance"]

# The calls that a capability promises, by the names that all providers share.
CALLS: Final[Mapping[Capability, tuple[str, ...]]] = {
    Capability.SENDS: ("send", "send_stream"),
    Capability.SENDS_P2P: ("send_p2p", "send_p2p_stream"),
    Capability.SENDS_PATTERNS: ("send_pattern",),
    Capability.REPORTS_DELIVERIES: ("deliveries", "track", "wait_delivered", "tracker"),
    Capability.RECEIVES_MESSAGES: ("incoming",),
    Capability.TELLS_CREDIT: ("credit",),
}
# The calls that a command of the command line has a use for, where a provider declares them.
OWN_CALLS: Final = frozenset(
    {"cancel", "check_request_id", "inbox", "old_status", "price", "receive", "recipients", "upload_file"}
)
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


class StructureConformance(Runner):
    """The provider's folder."""

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
        assert registry.load(profile.name, "client")._async_class is kind

    def test_its_clients_lead_to_its_profile(self) -> None:
        assert self._async().profile == self._blocking().profile == self.profile

    def test_its_clients_can_do_what_it_declares_and_no_more(self) -> None:
        kind = self._async()
        for capability, calls in CALLS.items():
            has = [call for call in calls if hasattr(kind, call)]
            assert has == (list(calls) if capability in self.profile.capabilities else []), capability

    def test_its_own_calls_are_those_that_its_clients_have(self) -> None:
        assert {call for call in OWN_CALLS if hasattr(self._async(), call)} == self.profile.own_calls

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


def _public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}


def _parameters(method: Any) -> list[tuple[str, Any, Any]]:
    return [(one.name, one.kind, one.default) for one in [*inspect.signature(method).parameters.values()][1:]]


class _Anything(dict[str, str]):
    """Values for the placeholders of a path, the same for all that are not given."""

    def __missing__(self, key: str) -> str:
        return "1"
