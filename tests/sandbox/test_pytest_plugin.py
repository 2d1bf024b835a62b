"""The fixture that installing Payamak brings along, as other people's tests use it."""

import subprocess
import sys
from pathlib import Path

import pytest

from smscore.sandbox.fault_kinds import FAULT_RULES
from smscore.sandbox.special_recipients import SPECIAL_RECIPIENTS

pytest_plugins = ("pytester",)

SYNC = """
import os
from sepahan_sms import Sepahan

def test_first(sms_sandbox):
    with Sepahan() as client:
        client.send("09123456789", "کد: ۴۸۲۱")
    assert sms_sandbox.last_code("09123456789") == "4821"
    assert sms_sandbox.messages[0].sender == os.environ["SEPAHAN_SENDER"]
    sms_sandbox.fail("server_error")
    sms_sandbox.advance(60)

def test_second(sms_sandbox):
    assert sms_sandbox.messages == []
    with Sepahan() as client:
        assert client.send("09123456789", "سلام").ok
"""
ASYNC = """
import asyncio
from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva

async def test_send(sms_sandbox):
    async with AsyncNajva() as client:
        waiting = asyncio.create_task(sms_sandbox.wait_for_async("09123456789"))
        await client.send("09123456789", "سلام")
        assert (await waiting).text == "سلام"

async def test_both(sms_sandbox):
    async with AsyncIPPanel() as client:
        await client.send("+989123456789", "سلام")
    assert sms_sandbox.wait_for("09123456789").provider == "ippanel"
"""
WITHOUT = """
import os, sys

def test_nothing_is_imported(request):
    assert not {"smscore", "aiohttp", "attrs"} & set(sys.modules)
    assert "SEPAHAN_BASE_URL" not in os.environ
"""
NOTHING_SET = "[pytest]\n"  # and none of this project's settings, whose folder may be one above


@pytest.mark.parametrize(("source", "count"), [(SYNC, 2), (ASYNC, 2)])
def test_sync_and_async_tests_send_to_a_sandbox_that_is_as_new(
    pytester: pytest.Pytester, source: str, count: int
) -> None:
    pytester.makepyfile(source)
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=count)


def test_the_documentation_names_every_kind_of_fault_and_every_special_recipient() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "sandbox.md").read_text("utf-8")
    assert all(f"`{kind}`" in page for kind in FAULT_RULES)
    assert len(SPECIAL_RECIPIENTS) == 14  # the table's last row


def test_who_never_asks_for_it_pays_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WITHOUT)
    pytester.makeini(NOTHING_SET)
    pytester.runpytest_subprocess("-p", "no:asyncio", "-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_it_is_listed_among_the_fixtures(pytester: pytest.Pytester) -> None:
    ran = pytester.runpytest_subprocess("--fixtures")
    ran.stdout.fnmatch_lines(["sms_sandbox*", "*A running sandbox, reset for each test*"])


def test_the_plugin_alone_imports_nothing_of_ours() -> None:
    script = "import pytest, sys; import pytest_payamak; print('smscore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"False\n"
