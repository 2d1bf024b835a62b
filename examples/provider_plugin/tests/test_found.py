"""Installed beside Payamak, Kabutar is found by its command line, its sandbox, the page and the pytest fixture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from kabutar_sms import Kabutar

from smscore.sandbox import Sandbox


def payamak(*words: str, **environment: str) -> str:
    command = Path(sys.executable).with_name("payamak")
    ran = subprocess.run(
        [command, *words], capture_output=True, text=True, env={**os.environ, **environment}, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_fixture_sets_its_settings(sms_sandbox: Sandbox):
    with Kabutar() as client:
        assert client.send("09123456789", "سلام").ok
    assert [message.provider for message in sms_sandbox.messages] == ["kabutar"]


def test_the_command_line_sends_through_it(sms_sandbox: Sandbox, tmp_path: Path):
    people = tmp_path / "people.csv"
    people.write_text("mobile\n09123456789\n09123456780\n", encoding="utf-8")
    told = payamak("send", "-p", "kabutar", "--text", "سلام", "--json", str(people))
    assert "accepted" in told
    assert {message.recipient for message in sms_sandbox.messages} == {"+989123456789", "+989123456780"}
    sms_sandbox.advance(60)
    ids = [str(message.message_id) for message in sms_sandbox.messages]
    assert payamak("status", "-p", "kabutar", *ids, "--json").count("delivered") == 2


def test_the_command_line_shows_its_credit(sms_sandbox: Sandbox):
    assert json.loads(payamak("credit", "-p", "kabutar", "--json"))["credit"] > 0


def test_the_doctor_examines_it(sms_sandbox: Sandbox):
    lines = payamak("doctor", "-p", "kabutar", "--to", "09123456789", "--yes", "--json").splitlines()
    found = {line["check"]: line["verdict"] for line in map(json.loads, lines) if line["type"] == "finding"}
    assert {found[check] for check in ("host", "token", "credit", "send", "status")} == {"good"}
    sms_sandbox.fail("no_credit", provider="kabutar", call="send")
    told = subprocess.run(
        [Path(sys.executable).with_name("payamak"), "doctor", "-p", "kabutar", "--to", "09123456789", "--yes"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (told.returncode, "Top up the account at kabutar.example." in told.stdout) == (1, True)


@pytest.mark.parametrize("command", ["send", "credit"])
def test_the_help_names_it(command: str):
    assert "kabutar" in payamak(command, "--help")


def test_the_page_lists_it_and_shows_its_messages(sms_sandbox: Sandbox):
    with Kabutar() as client:
        client.send("09123456789", "سلام")
    origin = sms_sandbox.url("kabutar").rpartition("/")[0]
    with urlopen(f"{origin}/api/choices", timeout=30) as answer:
        assert "kabutar" in [provider["name"] for provider in json.load(answer)["providers"]]
    with urlopen(f"{origin}/api/messages", timeout=30) as answer:
        assert [message["provider"] for message in json.load(answer)["messages"]] == ["kabutar"]


def test_the_demo_sends_through_it():
    assert "kabutar" in payamak("demo").lower()
