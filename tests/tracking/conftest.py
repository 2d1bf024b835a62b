"""What the tests of tracking share: a clock that jumps over every wait."""

import pytest
from virtual_time import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("smscore.clock.monotonic", lambda: clock.now)
    monkeypatch.setattr("smscore.clock.callers_time", lambda: clock.moment().timestamp())
    return clock
