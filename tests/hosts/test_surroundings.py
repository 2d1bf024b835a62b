"""What the tests are run in: a busy machine or a shell that ignores Ctrl-C makes none of them fail."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from hypothesis import settings

HEARS_CTRL_C = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
HEARS_HANGUP = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_DFL)"


def test_no_example_of_hypothesis_has_a_deadline():
    assert settings.default.deadline is None


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell ignores Ctrl-C for what it runs in the background")
def test_what_the_tests_start_hears_ctrl_c():
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    assert subprocess.check_output([sys.executable, "-c", HEARS_CTRL_C], text=True, timeout=60) == "True\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_what_the_tests_start_hears_a_hangup():
    assert subprocess.check_output([sys.executable, "-c", HEARS_HANGUP], text=True, timeout=60) == "True\n"
