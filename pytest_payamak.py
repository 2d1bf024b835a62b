"""The pytest fixture ``sms_sandbox``, which installing Payamak brings along.

::

    def test_a_customer_gets_a_code(sms_sandbox):
        register("09123456789")                                   # your code, with Sepahan() or any other client
        assert sms_sandbox.last_code("09123456789") == "12345"

Nothing is imported but pytest until a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from smscore.sandbox import Sandbox


@pytest.fixture(scope="session")
def _sms_sandbox_of_the_session() -> Iterator[Sandbox]:
    from smscore.sandbox import Sandbox

    with Sandbox() as box:
        yield box


@pytest.fixture
def sms_sandbox(_sms_sandbox_of_the_session: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A running sandbox, as new for each test, which every client made in the test sends to.

    ``SEPAHAN_BASE_URL``, ``SEPAHAN_TOKEN``, ``SEPAHAN_SENDER`` and the other providers' are set for the test. The
    server has a thread and a port of its own, once for the session, so that sync and async tests alike may use it.
    """
    box = _sms_sandbox_of_the_session
    box.reset()
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    return box
