"""``payamak pattern``: one message by an approved pattern."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from commandline import json_lines

from smscore.sandbox import Sandbox

Command = Callable[..., Result]
SENDS = [("ippanel", "otp", "code=04521"), ("najva", "login", "token=04521")]


@pytest.mark.parametrize("given", SENDS, ids=lambda given: given[0])
def test_a_code_is_sent_by_a_pattern(given: tuple[str, str, str], command: Command, box: Sandbox):
    provider, code, value = given
    ran = command("pattern", "-p", provider, "09123456789", code, value)
    assert (ran.exit_code, ran.stdout) == (0, f"accepted  {box.messages[0].message_id}\n"), ran.output
    assert box.last_code("09123456789") == "04521"


def test_a_code_is_sent_from_the_given_line(command: Command, box: Sandbox):
    ran = command("pattern", "-p", "najva", "09123456789", "login", "token=1", "--from", "3000 505", "--json")
    (found,) = json_lines(ran.stdout)
    assert (found["type"], found["outcome"], found["message_id"]) == ("result", "accepted", box.messages[0].message_id)
    assert box.messages[0].sender == "3000505"


@pytest.mark.parametrize("values", [["98712"], ["=98712"], ["token=1", "token=2"]])
def test_a_value_without_its_name_is_wrong_usage_and_shown_nowhere(values: list[str], command: Command, box: Sandbox):
    ran = command("pattern", "-p", "najva", "09123456789", "login", *values)
    assert (ran.exit_code, "NAME=VALUE" in ran.stderr, box.messages) == (2, True, [])
    assert "98712" not in ran.stderr


@pytest.mark.parametrize(("fault", "exit_code"), [("no_credit", 3), ("drop_after", 4), ("drop_before", 4), ("html", 4)])
def test_a_failed_send_has_its_exit_code(fault: str, exit_code: int, command: Command, box: Sandbox):
    box.fail(fault, provider="najva")  # type: ignore[arg-type]  # one of its kinds
    assert command("pattern", "-p", "najva", "09123456789", "login", "token=1").exit_code == exit_code


def test_a_provider_without_patterns_says_so(command: Command):
    ran = command("pattern", "-p", "sepahan", "09123456789", "login")
    assert (ran.exit_code, "sepahan has no call send_pattern. These have:" in ran.stderr) == (2, True)
