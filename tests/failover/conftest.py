"""A clock that the tests of failovers set."""

from __future__ import annotations

import pytest

from smscore import clock


class Clock:
    """A time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of waits and deadlines."""
    stopped = Clock()
    monkeypatch.setattr(clock, "monotonic", stopped)
    return stopped
