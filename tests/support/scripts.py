"""Scripts of users, each in a Python of its own, with every warning an error and asyncio's debug mode on."""

import os
import re
import subprocess
import sys
import textwrap

import pytest

LINE = "50003300"


def started(script: str, url: str, *options: str, first: str = "", **settings: str) -> subprocess.Popen[str]:
    """A Python of its own that runs this script: ``first``, the import of ``Sepahan``, and the rest.

    ``settings`` are more variables of its environment.
    """
    preamble = first + "import sys, time\nfrom sepahan_sms import Sepahan\n"
    known = {
        name: os.environ[name]
        for name in ("PATH", "SYSTEMROOT", "HOME", "COVERAGE_PROCESS_START")
        if name in os.environ
    }
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-X", "dev", *options, "-c", preamble + textwrap.dedent(script)],
        env=known | {"SEPAHAN_TOKEN": "token", "SEPAHAN_SENDER": LINE, "SEPAHAN_BASE_URL": url} | settings,
        stdin=subprocess.PIPE,  # which a script can wait for: it ends as ``ended`` begins
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def ended(process: subprocess.Popen[str], within: float = 60) -> tuple[int, str, str]:
    """Its exit code, what it printed and what it complained of; one that hangs is killed and fails the test."""
    try:
        out, err = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail("the process hangs")
    return process.returncode, out.strip(), without_slow_steps(err)


def without_slow_steps(complaints: str) -> str:
    """Without what asyncio's debug mode says of steps above 0.1 seconds, which any busy machine has."""
    return re.sub(r"^Executing <.*> took [0-9.]+ seconds\n", "", complaints, flags=re.MULTILINE)
