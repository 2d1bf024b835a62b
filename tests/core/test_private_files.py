"""Files of numbers and texts are their owner's alone from the moment that they exist."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from smscore.private_files import create_private, private_opener

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o002, 0o022, 0o077])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_umask")
@pytest.mark.parametrize("mode", ["w", "x", "a"])
def test_a_file_is_created_only_for_its_owner(tmp_path: Path, mode: str):
    with open(tmp_path / "a", mode, opener=private_opener) as file:
        assert rights(tmp_path / "a") == 0o600
        file.write("a")


@pytest.mark.usefixtures("_umask")
def test_an_empty_file_is_created_only_for_its_owner(tmp_path: Path):
    create_private(tmp_path / "a")
    assert rights(tmp_path / "a") == 0o600


def test_a_file_that_exists_keeps_its_contents_and_rights(tmp_path: Path):
    (tmp_path / "a").write_text("a")
    (tmp_path / "a").chmod(0o640)
    create_private(tmp_path / "a")
    assert ((tmp_path / "a").read_text(), rights(tmp_path / "a")) == ("a", 0o640)


@pytest.mark.usefixtures("_umask")
def test_a_dangling_link_leads_to_a_new_file_only_for_its_owner(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "a")
    create_private(tmp_path / "link")
    assert rights(tmp_path / "a") == 0o600


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        create_private(tmp_path / "none" / "a")
