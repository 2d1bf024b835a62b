"""The gates of ``nox -s house``: no import circle, and no provider named outside its folder but where it has to be."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.exhaustive

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def house() -> Any:
    spec = importlib.util.spec_from_file_location("house", ROOT / "benchmarks" / "house.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_modules_import_one_another_in_a_circle(house: Any):
    assert house.circles(house.Modules(ROOT).imports()) == []


def test_a_circle_is_found_also_through_several_modules(house: Any):
    assert house.circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_no_provider_is_named_outside_its_folder(house: Any):
    assert house.named_outside(ROOT) == []


@pytest.mark.parametrize("path", ["smscore/client.py", "tests/conformance/test_providers.py", "noxfile.py"])
def test_the_core_and_what_every_provider_must_keep_are_no_exception(path: str, house: Any):
    assert not house._is_exception(path)


def test_every_exception_is_there_and_has_its_reason(house: Any):
    assert [path for path in house.EXCEPTIONS if not (ROOT / path).exists()] == []
    assert all(house.EXCEPTIONS.values())
