"""Providers that other distributions bring: found, named where they cannot be used, and never in anybody's way."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest

from smscore import ConfigurationError, InvalidRequest, registry
from smscore.cli import connection
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


# What stands behind a profile

FINISHED = """
    from smscore.sandbox import RefusalReason, Reply, Emulation
    class Box(Emulation):
        name = {name!r}
        first_id = 1
        routes = ()
        codes = statuses = stages = errors = {{}}
        refusals = {{refusal: Reply(400, {{}}) for refusal in RefusalReason}}
        lines = ("5000",)
"""
BOX = "payamak_nobody:Box"


def test_the_sandbox_speaks_for_a_provider_of_another_distribution(bring: Bring):
    bring("nobody", code=PROFILE + FINISHED, sandbox=BOX)
    assert Sandbox().providers == [*OWN, "nobody"]


UNFINISHED = """
    from smscore.sandbox import Emulation
    class Box(Emulation):
        name = {name!r}
"""
UNUSABLE = {
    "Box = 5": "not a subclass of Emulation",
    UNFINISHED: "has no first_id, routes",
    FINISHED.replace("{name!r}", "'sepahan'"): "calls itself sepahan",
    FINISHED + "        def __init__(self): raise KeyError('09123456789')\n": "raised KeyError",
}


@pytest.mark.parametrize(("code", "problem"), UNUSABLE.items())
def test_an_invalid_sandbox_is_named_and_the_others_run(bring: Bring, code: str, problem: str):
    bring("nobody", code=PROFILE + ("    " + code if code == "Box = 5" else code), sandbox=BOX)
    with pytest.warns(ProviderWarning, match=f"nobody of payamak-nobody.*{problem}") as seen:
        box = Sandbox()
    assert box.providers == OWN
    assert type(box._emulations["sepahan"]).__module__ == "sepahan_sms.sandbox"
    assert "09123456789" not in str(seen[0].message)


def test_a_module_that_exits_is_named_and_harms_nobody_else(bring: Bring):
    bring("nobody", code="import sys; sys.exit()")
    with pytest.warns(ProviderWarning, match="nobody of payamak-nobody"):
        assert Sandbox().providers == OWN


def test_where_warnings_are_errors_they_are_logged_and_nothing_breaks(bring: Bring, caplog: pytest.LogCaptureFixture):
    bring("nobody", code="raise KeyError")
    bring("sepahan", by="payamak-other")
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        assert Sandbox().providers == OWN
    assert "payamak-nobody" in caplog.text
    assert "payamak-other" in caplog.text


def test_entry_points_that_cannot_be_read_are_named(bring: Bring, tmp_path: Path):
    bring("nobody")
    (entries,) = tmp_path.rglob("entry_points.txt")
    entries.write_text("[payamak.providers]\nno equals sign\n")
    (warning,) = told()
    assert "payamak-nobody cannot be read" in warning
    assert usable() == OWN


MISSING_CLIENT = PROFILE.replace("najva_sms:AsyncNajva", "payamak_nobody.client:AsyncNobody")


def test_a_client_that_cannot_be_imported_says_whose_it_is(bring: Bring):
    bring("nobody", code=MISSING_CLIENT)
    with pytest.raises(ConfigurationError, match=r"nobody of payamak-nobody.*AsyncNobody raised ModuleNotFoundError"):
        connection.client_class("nobody")


def test_who_else_has_a_call_is_known_by_declaration_and_no_other_client_is_imported(bring: Bring):
    bring("nobody", code=MISSING_CLIENT)
    client = connection.client_class("najva")("token")
    with pytest.raises(InvalidRequest, match="have: sepahan"):  # and a warning would be an error
        connection.call_of(client, "check_request_id")


def environment(tmp_path: Path) -> dict[str, str]:
    folders = os.pathsep.join(str(folder) for folder in tmp_path.iterdir())
    return {**os.environ, "PYTHONPATH": folders, "NOBODY_TOKEN": "token"}


def test_a_command_names_what_is_ignored_in_plain_words(bring: Bring, tmp_path: Path):
    bring("sepahan", by="payamak-other")
    command = [sys.executable, "-c", "from smscore.cli import main; main()", "sandbox", "--port", "0"]
    process = subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    assert "_BASE_URL" in process.stdout.readline()
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert err.startswith("WARNING: payamak-other brings a provider named sepahan")
    assert "registry.py" not in err


def test_a_command_for_a_broken_provider_says_whose_it_is(bring: Bring, tmp_path: Path):
    bring("nobody", code=MISSING_CLIENT)
    command = [sys.executable, "-c", "from smscore.cli import main; main()", "credit", "-p", "nobody"]
    ran = subprocess.run(command, env=environment(tmp_path), capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 2
    assert "payamak-nobody" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_fixture_works_beside_a_broken_provider_where_warnings_are_errors(bring: Bring, tmp_path: Path):
    bring("nobody", code="raise KeyError")
    found = environment(tmp_path)
    test = tmp_path / "project" / "test_it.py"
    test.parent.mkdir()
    (test.parent / "pytest.ini").write_text("[pytest]\n")  # else it would go by this project's own settings
    test.write_text(
        "from najva_sms import Najva\n"
        "def test_it(sms_sandbox):\n"
        "    with Najva() as client:\n"
        "        assert client.send('09123456789', 'a').ok\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        str(test),
        "-p",
        "no:asyncio",
        "-p",
        "no:cacheprovider",
    ]
    ran = subprocess.run(command, env=found, cwd=test.parent, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
