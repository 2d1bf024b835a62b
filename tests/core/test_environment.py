"""A variable is read as ``os.environ`` has it, whatever stands in its place."""

from __future__ import annotations

import os
from collections import UserDict
from typing import ClassVar

import pytest

from smscore.environment import read_variable

NAME = "PAYAMAK_A_TEST_OF_VARIABLES"


class Odd(UserDict[str, str]):
    """Variables that hold something else under the name that CPython's own have theirs under."""

    _data: ClassVar[dict[str, str]] = {}


def test_one_that_is_set_is_seen_at_once_and_one_that_is_deleted_no_more(monkeypatch: pytest.MonkeyPatch):
    assert read_variable(NAME) is None
    monkeypatch.setenv(NAME, "متن")
    assert read_variable(NAME) == "متن"
    monkeypatch.setenv(NAME, "")
    assert read_variable(NAME) == ""
    monkeypatch.delenv(NAME)
    assert read_variable(NAME) is None


@pytest.mark.parametrize("kind", [dict, UserDict, Odd])
def test_what_a_test_puts_in_its_place_is_read_too(kind: type, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", kind({NAME: "1"}))
        assert read_variable(NAME) == "1"
        assert read_variable("HOME") is None
