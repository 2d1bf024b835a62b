"""What the tests are run in: a busy machine or a shell that ignores Ctrl-C makes none of them fail."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from hypothesis import settings

SAY = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"


def test_no_example_of_hypothesis_has_a_deadline():
    assert settings.default.deadline is None


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell ignores Ctrl-C for what it runs in the background")
def test_what_the_tests_start_hears_ctrl_c():
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    assert subprocess.check_output([sys.executable, "-c", SAY], text=True, timeout=60) == "True\n"
