"""Payamak's pytest plugin: in a test run nothing leaves the machine, and ``sms_sandbox`` receives what is sent.

In a Django project ``sms_outbox`` has what its accounts would have sent.

::

    def test_a_customer_gets_a_code(sms_sandbox):
        register("09123456789")                                   # your code, with any provider's client
        assert sms_sandbox.last_code("09123456789") == "12345"

Clients connect only to loopback and to the hosts of the ini option ``sms_allow_hosts``. A test with the marker
``@pytest.mark.sms_live`` may reach every host.

Only pytest is imported until a test requests the fixture.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from smscore.contrib.django.recording import Outbox
    from smscore.sandbox import Sandbox

_VARIABLE: Final = "PAYAMAK_TEST_RUN"  # tells child processes; smscore/calls/guard.py reads it
_EVERY_HOST: Final = frozenset({"*"})
_HOST: Final = re.compile(r"[A-Za-z0-9_.-]+|\[?[0-9A-Fa-f:.]+\]?", re.ASCII)


class _Run:
    """A test run: the hosts besides loopback that its clients may connect to."""

    def __init__(self) -> None:
        self._before = os.environ.get(_VARIABLE)
        self.is_live = False
        self._hosts = frozenset((self._before or "").replace(",", " ").lower().split())
        self.tell()

    @property
    def hosts(self) -> frozenset[str]:
        return _EVERY_HOST if self.is_live else self._hosts

    def allow(self, hosts: list[str]) -> None:
        self._hosts |= {host.strip("[]").lower() for host in hosts}
        self.tell()

    def tell(self) -> None:
        """Tell child processes, also after a test that cleared the environment."""
        os.environ[_VARIABLE] = ",".join(sorted(self.hosts)) or "localhost"

    def end(self) -> None:
        if self._before is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = self._before


# One run may start another in its process (pytester does): the innermost is the last.
_runs: Final[dict[pytest.PytestPluginManager, _Run]] = {}


def allowed_hosts() -> frozenset[str] | None:
    """The hosts that clients may connect to besides loopback; None where no tests run in this process."""
    return [*_runs.values()][-1].hosts if _runs else None


# The first of all hooks, called before any conftest is imported.
def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Let nothing leave from here on, and define the ini option."""
    _runs[pluginmanager] = _Run()
    parser.addini("sms_allow_hosts", "hosts that SMS clients may connect to in tests, besides loopback", type="args")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Allow the hosts of the ini option, until after the last hook and cleanup of the run."""
    early_config.add_cleanup(partial(_end, early_config))
    hosts = [host for entry in early_config.getini("sms_allow_hosts") for host in entry.split(",") if host]
    wrong = [host for host in hosts if not _HOST.fullmatch(host)]
    if wrong:
        raise pytest.UsageError(
            f"sms_allow_hosts takes host names, without scheme, port or path, such as sms-sandbox; not {wrong[0]!r}."
        )
    _runs[early_config.pluginmanager].allow(hosts)


def pytest_configure(config: pytest.Config) -> None:
    """Define the marker."""
    config.addinivalue_line(
        "markers", "sms_live: SMS clients may connect to every host in this test, which then sends for real."
    )


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Allow every host for a test with the marker; Django's outbox begins empty."""
    _empty_outbox()
    run = _runs[item.config.pluginmanager]
    run.is_live = item.get_closest_marker("sms_live") is not None
    run.tell()
    yield
    run.is_live = False
    run.tell()


def _empty_outbox() -> None:
    """Empty what a Django project's tests collect, where there is one: pytest-django keeps Django's own list."""
    recording: Any = sys.modules.get("smscore.contrib.django.recording")
    if recording is not None:
        recording.outbox.clear()


def _end(config: pytest.Config) -> None:
    # Where pytest is the program, what its exit starts (atexit, threads that outlive main) is a part of the run.
    is_outermost = config.pluginmanager is next(iter(_runs), None)
    if is_outermost and (hasattr(config, "workerinput") or _is_the_program()):
        return
    _runs.pop(config.pluginmanager).end()


def _is_the_program() -> bool:
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    return getattr(spec, "name", None) == "pytest.__main__" or Path(getattr(main, "__file__", None) or "").stem in {
        "pytest",
        "py.test",
    }


@pytest.fixture(scope="session")
def _sms_sandbox_of_the_session() -> Iterator[Sandbox]:
    from smscore.sandbox import Sandbox

    with Sandbox() as box:
        yield box


@pytest.fixture
def sms_sandbox(_sms_sandbox_of_the_session: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A running sandbox, reset for each test, which every client used in the test sends to.

    Each provider's ``<NAME>_BASE_URL``, ``<NAME>_TOKEN`` and ``<NAME>_SENDER`` are set for the test. The server runs
    once per session, in a thread and on a port of its own, so that sync and async tests can use it.
    """
    box = _sms_sandbox_of_the_session
    box.reset()
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)
    return box


@pytest.fixture
def sms_outbox() -> Outbox:
    """What this test would have sent by the accounts of a Django project: ``smscore.contrib.django.outbox``.

    It begins empty in each test, also without this fixture, and with or without pytest-django. What is enqueued
    reaches it when its transaction commits: with pytest-django's fixture ``django_capture_on_commit_callbacks``, when
    ``execute=True``.
    """
    from smscore.contrib.django.recording import outbox

    return outbox
