"""What a client can do, as types: by what its provider declares, on the right face."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from smscore import protocols, registry
from smscore.profile import AsyncCapable, Capability, Capable
from smscore.protocols import AsyncSends, AsyncTellsCredit, Sends, TellsCredit

FACES = {"async_client": "Async", "client": ""}


def clients(part: Any) -> Iterator[Any]:
    for name in registry.names():
        yield registry.load(name, part)("any token")


@pytest.mark.parametrize("capability", Capability)
@pytest.mark.parametrize("part", FACES)
def test_a_client_is_of_a_protocol_if_its_provider_declares_it_and_the_face_is_right(part: Any, capability: Capability):
    for client in clients(part):
        for other, prefix in FACES.items():
            protocol = getattr(protocols, prefix + capability)
            is_declared = capability in client.profile.capabilities
            assert isinstance(client, protocol) is (is_declared and other == part), (client, protocol)


@pytest.mark.parametrize("part", FACES)
@pytest.mark.parametrize("capability", Capability)
def test_a_client_has_the_methods_of_the_protocols_that_its_provider_declares(part: Any, capability: Capability):
    protocol = getattr(protocols, FACES[part] + capability)
    methods = {name for name in vars(protocol) if not name.startswith("_")}
    assert methods
    for client in clients(part):
        if capability in client.profile.capabilities:
            assert methods <= {*dir(client)}


def test_a_class_leads_to_its_profile():
    for name in registry.names():
        for part in FACES:
            assert registry.load(name, part).profile == registry.profile(name)


class Told(AsyncCapable):
    """Something that is no client and says what it can do."""

    def __init__(self, *can: Capability) -> None:
        self._can = frozenset(can)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._can


class Named:
    """Something with the method's name that declares nothing."""

    async def credit(self) -> int:
        return 5


def test_what_is_no_client_may_say_what_it_can_do():
    assert isinstance(Told(Capability.TELLS_CREDIT), AsyncTellsCredit)
    assert not isinstance(Told(), AsyncTellsCredit)
    assert not isinstance(Told(Capability.TELLS_CREDIT), TellsCredit)
    assert not isinstance(Told(Capability.TELLS_CREDIT), AsyncSends)


def test_a_methods_name_alone_is_no_declaration():
    assert not isinstance(Named(), AsyncTellsCredit)
    assert not isinstance(Named(), Sends)
    assert not issubclass(Named, Capable)


def test_asking_imports_no_provider():
    script = (
        "import sys; from smscore.protocols import *; isinstance(object(), Sends); "
        f"print([n for n in sys.modules if n.split('.')[0] in {[f'{name}_sms' for name in registry.names()]}])"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"
