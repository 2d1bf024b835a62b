"""The fixtures of these tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django_project import project, sqlite_project
from django_shop import shop
from services import postgres, redis_url

from smscore.sandbox import Sandbox

__all__ = ["postgres", "project", "redis_url", "shop", "sqlite_project"]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(port=0) as box:
        yield box


@pytest.fixture
def here(box: Sandbox, tmp_path: Path) -> dict[str, str]:
    """The environment of a project that sends to the sandbox and notes its signals."""
    root = box.url("najva").removesuffix("/najva")
    return {"PROJECT_SANDBOX": root, "PROJECT_SIGNALS": os.fspath(tmp_path / "signals")}
