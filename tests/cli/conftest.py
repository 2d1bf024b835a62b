"""The command, in the test's own process, with a sandbox for its providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from commandline import environment

from smscore.cli.commands import payamak
from smscore.sandbox import Sandbox


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture
def command(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command in a folder of its own, with the sandbox for its providers."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str | Path, env: dict[str, str] | None = None, **options: Any) -> Result:
        return CliRunner().invoke(payamak, [str(one) for one in arguments], env=env or environment(box), **options)

    return invoke
