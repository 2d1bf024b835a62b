"""In a test run nothing leaves the machine: whether this process runs tests, and which hosts they may reach.

A test that forgets its sandbox would send to people, cost money and pass. Under pytest the plugin ``pytest_payamak``
says what is allowed; Django's test runner and ``unittest`` are noticed here. Their child processes inherit it.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

from smscore.base_url import is_loopback
from smscore.environment import read_variable
from smscore.errors import ConfigurationError
from smscore.outcomes import Outcome

VARIABLE: Final = "PAYAMAK_TEST_RUN"
"""Set in a test run: the hosts that are allowed besides loopback, divided by commas."""
EVERY_HOST: Final = "*"
_WHAT_TO_DO: Final = (
    "in a test run nothing leaves this machine. Use the fixture sms_sandbox (outside pytest: Sandbox() and its "
    "environment), and give the client no base_url=; or list the host of a service of yours in "
    f"pytest's ini option sms_allow_hosts (outside pytest: in {VARIABLE}); or mark a test that may send for real with "
    "@pytest.mark.sms_live, which allows every host."
)
_ONLY_LOOPBACK: Final = "localhost"  # an empty variable counts as unset


def _by_plugin() -> frozenset[str] | None:
    plugin: Any = sys.modules.get("pytest_payamak")
    hosts: frozenset[str] | None = None if plugin is None else plugin.allowed_hosts()
    return hosts


class _Kept:
    """The last hosts that were found: a test may clear the environment, which tells of pytest, for a while."""

    hosts: str | None = None


_kept: Final = _Kept()


def allowed_hosts() -> frozenset[str] | None:
    """The hosts besides loopback that clients may connect to in a test run; None outside one."""
    hosts = _by_plugin()
    if hosts is not None:
        return hosts
    # What the plugin said, before this, ends with its run.
    told = read_variable(VARIABLE) or _kept.hosts
    if told is None and _may_be_a_test_run() and (_pytest_runs() or _django_runs() or _unittest_runs()):
        told = os.environ[VARIABLE] = _ONLY_LOOPBACK  # for the child processes
    _kept.hosts = told
    return frozenset(told.lower().replace(",", " ").split()) if told else None


def check_hosts(*hosts: str | None) -> None:
    """Raise ``ConfigurationError`` if a test run is about to connect to a host that it may not reach."""
    allowed = allowed_hosts()
    if allowed is None or EVERY_HOST in allowed:
        return
    for host in hosts:
        if host and not is_loopback(host) and host.lower() not in allowed:
            refusal = ConfigurationError(f"Refused to connect to {host}: {_WHAT_TO_DO}")
            refusal.outcome = Outcome.NOT_SENT
            raise refusal


def _may_be_a_test_run() -> bool:
    """Whether a module is loaded that the functions below look at."""
    there = sys.modules  # asked one by one: each request asks, and any() takes five times as long
    return (
        "pytest" in there
        or "django.test.utils" in there
        or "django.core.management" in there
        or "unittest.signals" in there
    )


def _pytest_runs() -> bool:
    # Child processes inherit the variable, but are test runs only if they have imported pytest too.
    return "pytest" in sys.modules and "PYTEST_VERSION" in os.environ


def _django_runs() -> bool:
    """Whether its test environment is set up, or ``manage.py test`` is on its way there."""
    state = getattr(sys.modules.get("django.test.utils"), "_TestState", None)
    return hasattr(state, "saved_data") or ("django.core.management" in sys.modules and sys.argv[1:2] == ["test"])


def _unittest_runs() -> bool:
    """Whether ``python -m unittest`` is the program, or one of its text runners is at work."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    # The runner notes its results where Ctrl-C finds them.
    results = getattr(sys.modules.get("unittest.signals"), "_results", None)
    return getattr(spec, "name", None) == "unittest.__main__" or bool(results)


# The child processes of a test run may be started before its first call.
allowed_hosts()
