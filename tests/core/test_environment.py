"""A variable is read as ``os.environ`` has it, whatever stands in its place."""

from __future__ import annotations

import os
from collections import UserDict
from typing import ClassVar

import pytest

from smscore.environment import read_variable

NAME = "PAYAMAK_A_TEST_OF_VARIABLES"


class Odd(UserDict[str, str]):
    """A mapping whose attribute ``_data`` is not what it is in CPython's ``os.environ``."""

    _data: ClassVar[dict[str, str]] = {}


def test_a_variable_is_seen_once_it_is_set_and_no_longer_once_it_is_deleted(monkeypatch: pytest.MonkeyPatch):
    assert read_variable(NAME) is None
    monkeypatch.setenv(NAME, "متن")
    assert read_variable(NAME) == "متن"
    monkeypatch.setenv(NAME, "")
    assert read_variable(NAME) == ""
    monkeypatch.delenv(NAME)
    assert read_variable(NAME) is None


@pytest.mark.parametrize("kind", [dict, UserDict, Odd])
def test_a_mapping_in_place_of_os_environ_is_read_too(kind: type, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", kind({NAME: "1"}))
        assert read_variable(NAME) == "1"
        assert read_variable("HOME") is None
