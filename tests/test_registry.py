"""Providers that other distributions bring: found, named where they cannot be used, and never in anybody's way."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest

from smscore import ConfigurationError, registry
from smscore.registry import ProviderWarning
from smscore.sandbox import Sandbox

OWN = ["ippanel", "najva", "sepahan"]
PROFILE = """
    from smscore.profile import DemoPlan, Profile
    PROFILE = Profile(
        {name!r}, "Nobody SMS", async_client="najva_sms:AsyncNajva", client="najva_sms:Najva",
        sandbox={sandbox!r}, senders=("3000",), capabilities=frozenset(), samples="samples",
    )
"""
EMULATION = "najva_sms.sandbox:NajvaSandbox"

Bring = Callable[..., None]


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bring]:
    """``bring("nobody")`` installs a distribution that brings a provider of this name."""
    before = set(sys.modules)

    def install(name: str, *, by: str = "payamak-nobody", code: str = PROFILE, sandbox: str = EMULATION) -> None:
        module = by.replace("-", "_")
        folder = tmp_path / by
        (folder / f"{module}-1.dist-info").mkdir(parents=True)
        (folder / f"{module}-1.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {by}\nVersion: 1\n")
        entry = f"[payamak.providers]\n{name} = {module}:PROFILE\n"
        (folder / f"{module}-1.dist-info" / "entry_points.txt").write_text(entry)
        (folder / f"{module}.py").write_text(dedent(code).format(name=name, sandbox=sandbox))
        monkeypatch.syspath_prepend(folder)

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("payamak_"):
            del sys.modules[name]


def usable() -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ProviderWarning)
        return list(registry.profiles())


def told() -> list[str]:
    """What is warned of, when the providers are listed anew."""
    registry._found_on.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        registry.profiles()
    assert all(one.category is ProviderWarning for one in caught)
    return [str(one.message) for one in caught]


def test_our_own_are_listed_first():
    assert registry.names() == OWN


def test_a_provider_of_another_distribution_is_found(bring: Bring):
    bring("nobody")
    assert registry.names() == [*OWN, "nobody"]
    assert registry.profile("nobody").title == "Nobody SMS"
    assert told() == []


def test_listing_the_names_imports_no_provider():
    code = "import sys; from smscore import registry; registry.names(); print([m for m in sys.modules if '_sms' in m])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise RuntimeError('09123456789')", "importing it raised RuntimeError"),
        ("import there_is_no_such_module", "importing it raised ModuleNotFoundError"),
        ("PROFILE = 5", "is int, not smscore.profile.Profile"),
        ("other = 5", "importing it raised AttributeError"),
        (PROFILE.replace("{name!r}", "'somebody'"), "its profile is named somebody"),
    ],
)
def test_one_that_cannot_be_imported_is_named_and_harms_nobody_else(bring: Bring, code: str, problem: str):
    bring("nobody", code=code)
    assert usable() == OWN
    (warning,) = told()
    assert "nobody" in warning
    assert "payamak-nobody" in warning
    assert problem in warning
    assert "09123456789" not in warning
    with pytest.raises(ConfigurationError, match=problem):
        registry.profile("nobody")


def test_a_sandbox_that_cannot_be_imported_is_named_and_the_others_run(bring: Bring):
    bring("nobody", sandbox="payamak_nobody:Missing")
    with pytest.warns(ProviderWarning, match=r"nobody of payamak-nobody.*payamak_nobody:Missing"):
        box = Sandbox()
    with box:
        assert sorted(box.providers) == sorted(OWN)


@pytest.mark.parametrize("name", OWN)
def test_a_name_of_our_own_is_never_given_up(bring: Bring, name: str):
    ours = registry.profile(name)
    bring(name)
    (warning,) = told()
    assert "payamak-nobody" in warning
    assert name in warning
    assert registry.profile(name) is ours
    assert registry.names() == OWN


def test_of_two_others_with_one_name_both_are_named_and_neither_is_used(bring: Bring):
    bring("nobody", by="payamak-one")
    bring("nobody", by="payamak-two")
    (warning,) = told()
    assert "payamak-one and payamak-two" in warning
    assert registry.names() == OWN
    with pytest.raises(ConfigurationError, match="ippanel, najva, sepahan"):
        registry.profile("nobody")


@pytest.mark.parametrize("name", ["No Body", "no-body", "1nobody", "نجوا"])
def test_a_name_must_be_fit_for_a_setting(name: str):
    entry = EntryPoint(name, "a:b", registry.GROUP)
    chosen, problems = registry.choose([entry])
    assert chosen == {}
    assert len(problems) == 1
