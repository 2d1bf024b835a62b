"""What is installed is what was built."""

from __future__ import annotations

import os
import re
from importlib.metadata import entry_points, requires
from importlib.resources import files
from pathlib import Path

import pytest

from smscore import registry

PACKAGES = ("smscore", "sepahan_sms", "ippanel_sms", "najva_sms")
PROVIDERS = ["ippanel", "najva", "sepahan"]


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_that_it_is_typed(package: str):
    assert files(package).joinpath("py.typed").is_file()


def test_the_sandbox_brings_every_file_that_its_page_asks_for():
    page = files("smscore.sandbox").joinpath("page")
    asked_for = re.findall(r'(?:href|src)="/static/([^"]+)"', page.joinpath("index.html").read_text("utf-8"))
    scripts = [file for file in page.iterdir() if file.name.endswith(".js")]
    imported = [name for file in scripts for name in re.findall(r'from "\./([^"]+)"', file.read_text("utf-8"))]
    assert {"style.css", "main.js"} < set(asked_for)
    assert "inbox.js" in imported
    assert [name for name in [*asked_for, *imported] if not page.joinpath(name).is_file()] == []


def test_each_provider_is_found_by_its_entry_point():
    assert sorted(entry_points(group="payamak.providers").names) == PROVIDERS
    assert sorted(registry.profiles()) == PROVIDERS


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_profile_names_what_there_is(name: str):
    assert registry.load(name, "async_client").provider.name == name
    assert registry.load(name, "client")._async_class is registry.load(name, "async_client")
    assert registry.load(name, "sandbox").name == name


def test_the_runtime_needs_six_libraries_and_the_rest_are_extras():
    needed = [line for line in requires("payamak") or [] if "extra ==" not in line]
    names = sorted(line.split(">")[0].split("<")[0] for line in needed)
    assert names == ["aiohttp", "anyio", "attrs", "cattrs", "msgspec", "persiantools"]


@pytest.mark.skipif("PAYAMAK_WHEEL" not in os.environ, reason="only where nox has installed the wheel")
@pytest.mark.parametrize("package", PACKAGES)
def test_the_tests_run_on_the_wheel_and_not_on_the_checkout(package: str):
    checkout = Path(__file__).parents[2]
    installed = Path(str(files(package)))
    assert checkout / package != installed


def test_every_name_for_authors_of_providers_is_there():
    from smscore import wire

    assert [name for name in wire.__all__ if getattr(wire, name, None) is None] == []
    assert wire.__all__ == sorted(wire.__all__, key=lambda name: (not name.isupper(), name))  # constants first
    with pytest.raises(AttributeError):
        wire.transport_of_nobody  # noqa: B018
