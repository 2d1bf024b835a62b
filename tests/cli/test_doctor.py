"""``payamak doctor``: each finding is provoked once, and what it recommends is what then works."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import faultserver as fs
import pytest
from click.testing import Result
from commandline import environment, json_lines
from faultserver import HTML_200, FaultServer, refusing_port

from ippanel_sms import IPPanel
from najva_sms import Najva
from sepahan_sms import Sepahan
from smscore import ResponseLost, RetryPolicy
from smscore.sandbox import Sandbox

Command = Callable[..., Result]
TO = "09123456789"
FACES: dict[str, Any] = {"sepahan": Sepahan, "ippanel": IPPanel, "najva": Najva}


def diagnosed(ran: Result) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The findings by their checks, and what to set."""
    findings = {found["check"]: found for found in json_lines(ran.stdout, "finding")}
    (end,) = json_lines(ran.stdout, "diagnosis")
    assert (ran.exit_code == 0) is end["good"], ran.output
    assert end["good"] is all(found["verdict"] != "bad" for found in findings.values())
    return findings, end["settings"]


def examine(command: Command, provider: str, *more: str, **options: Any) -> tuple[dict[str, Any], dict[str, str]]:
    ran = command("doctor", "-p", provider, "--json", *more, **options)
    assert ran.exit_code in (0, 1), ran.output
    assert "Traceback" not in ran.output
    return diagnosed(ran)


def verdicts(findings: Mapping[str, Any]) -> dict[str, str]:
    return {check: found["verdict"] for check, found in findings.items()}


# Nothing is wrong

READS: dict[str, dict[str, str]] = {
    "sepahan": {"credit": "good", "since": "cannot tell", "line": "cannot tell", "inbound": "good"},
    "ippanel": {"credit": "good", "account": "good", "line": "good", "inbound": "good"},
    "najva": {"credit": "cannot tell", "line": "cannot tell"},
}
SENDS: dict[str, dict[str, str]] = {
    "sepahan": {"form of Send": "good", "request id": "good", "status": "good"},
    "ippanel": {"send": "good", "status": "good"},
    "najva": {"send": "good", "status": "good"},
}
BEFORE = {"host": "good", "certificate": "cannot tell", "token": "good"}


@pytest.mark.parametrize("provider", READS)
def test_without_a_number_nothing_is_sent(provider: str, command: Command, box: Sandbox):
    findings, settings = examine(command, provider)
    assert (verdicts(findings), settings, box.messages) == (BEFORE | READS[provider], {}, [])


@pytest.mark.parametrize("provider", READS)
def test_with_a_number_one_message_is_enough_where_nothing_is_wrong(provider: str, command: Command, box: Sandbox):
    findings, settings = examine(command, provider, "--to", TO, "--yes")
    assert (verdicts(findings), settings) == (BEFORE | READS[provider] | SENDS[provider], {})
    assert [message.recipient for message in box.messages] == ["+989123456789"]


def test_people_read_a_line_for_each_finding(command: Command, box: Sandbox):
    ran = command("doctor", "-p", "najva", "--to", TO, "--yes")
    assert "At most 1 message of one part will be sent to +98912***789." in ran.stderr
    assert "good         token: The token is accepted, from this machine's IP.\n" in ran.stdout
    assert ran.stdout.endswith("No problem found.\n")
    assert [number for number in (TO, TO[1:]) if number in ran.output] == []


@pytest.mark.parametrize("provider", ["sepahan", "ippanel"])
def test_inbound_messages_are_looked_at_and_stay_unread(provider: str, command: Command, box: Sandbox):
    line = environment(box)[f"{provider.upper()}_SENDER"]
    box.feed(provider, sender="+989123456780", number=line, text="سلام")
    findings, _ = examine(command, provider, "--to", TO, "--yes")
    assert "at least one" in findings["inbound"]["saw"]
    with FACES[provider]("t0ken-of-the-command", base_url=box.url(provider)) as client:
        assert [message.text for message in client.incoming()] == ["سلام"]


# Before it sends it asks


def test_where_nobody_can_be_asked_nothing_is_sent(command: Command, box: Sandbox):
    ran = command("doctor", "-p", "sepahan", "--to", TO)
    assert (ran.exit_code, box.messages) == (2, [])
    assert "At most 3 messages" in ran.stderr
    assert "Give --yes." in ran.stderr


@pytest.mark.parametrize(("answer", "sent"), [("y\n", 1), ("n\n", 0), ("\n", 0)])
def test_the_question_decides_whether_test_messages_go(
    answer: str, sent: int, command: Command, box: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("smscore.cli.doctor.run._can_be_asked", lambda: True)
    ran = command("doctor", "-p", "najva", "--to", TO, input=answer)
    assert (ran.exit_code, len(box.messages)) == (0, sent)
    assert "token: The token is accepted" in ran.stdout


@pytest.mark.parametrize("to", ["02188776655", "x", ""])
def test_a_number_that_is_none_is_wrong_usage(to: str, command: Command, box: Sandbox):
    assert command("doctor", "-p", "najva", "--to", to, "--yes").exit_code == 2


# Host and settings


def test_a_host_that_refuses_connections_ends_it(command: Command):
    with refusing_port() as place:
        findings, _ = examine(command, "sepahan", "--base-url", place.url, "--to", TO, "--yes")
    assert {check: found["verdict"] for check, found in findings.items()} == {"host": "bad", "send": "cannot tell"}
    assert "SEPAHAN_BASE_URL" in findings["host"]["advice"]


def test_a_host_name_that_does_not_exist_is_named(command: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("smscore.cli.doctor.reaching.check_hosts", lambda host: None)
    findings, _ = examine(command, "najva", "--base-url", "https://sms.invalid")
    assert "sms.invalid cannot be resolved" in findings["host"]["saw"]


def test_a_proxy_that_is_not_there_is_told_of(command: Command):
    with refusing_port() as place:
        findings, _ = examine(command, "najva", "--proxy", place.url)
    assert (verdicts(findings), "PAYAMAK_PROXY" in findings["host"]["advice"]) == ({"host": "bad"}, True)


def test_a_page_of_a_cdn_is_told_from_a_wrong_token(command: Command):
    with FaultServer(HTML_200) as server:
        findings, _ = examine(command, "sepahan", "--base-url", server.url)
    assert verdicts(findings)["answer"] == "bad"
    assert "token" not in findings


def test_a_wrong_variable_is_wrong_usage(command: Command, box: Sandbox):
    ran = command("doctor", "-p", "sepahan", env=environment(box, SEPAHAN_WIRE="send=lists"))
    assert (ran.exit_code, "SEPAHAN_WIRE" in ran.stderr) == (2, True)


def test_a_missing_token_is_wrong_usage(command: Command, box: Sandbox):
    assert command("doctor", "-p", "najva", env=environment(box, NAJVA_TOKEN="")).exit_code == 2


# The account

ACCOUNT: list[tuple[str, dict[str, Any], str, str]] = [
    *((provider, {"kind": "expired_token"}, "token", f"{provider.upper()}_TOKEN") for provider in READS),
    ("sepahan", {"kind": "refuse", "code": -1}, "token", "SEPAHAN_TOKEN"),
    ("sepahan", {"kind": "refuse", "code": -2}, "token", "approve"),
    ("sepahan", {"kind": "refuse", "code": -3}, "IP", "public IP"),
    ("sepahan", {"kind": "refuse", "code": -10}, "account", "Ask Sepahan"),
    ("sepahan", {"kind": "server_error"}, "answer", "later"),
    ("ippanel", {"kind": "html"}, "answer", "IPPANEL_BASE_URL"),
    ("najva", {"kind": "drop_after"}, "answer", "later"),
    ("sepahan", {"kind": "no_credit", "call": "credit"}, "credit", "Top up"),
    ("ippanel", {"kind": "no_credit", "call": "mine"}, "credit", "Top up"),
]


@pytest.mark.parametrize(("provider", "fault", "check", "advice"), ACCOUNT, ids=str)
def test_what_is_wrong_with_the_account_is_found_and_no_message_is_tried(
    provider: str, fault: dict[str, Any], check: str, advice: str, command: Command, box: Sandbox
):
    box.fail(fault.pop("kind"), provider=provider, **fault)
    findings, _ = examine(command, provider, "--to", TO, "--yes")
    assert (findings[check]["verdict"], advice in findings[check]["advice"]) == ("bad", True), findings
    assert findings["send"]["verdict"] == "cannot tell"
    assert box.messages == []


def test_a_429_says_nothing_of_the_account(command: Command, box: Sandbox):
    box.fail("rate_limit", provider="sepahan", seconds=600)
    findings, _ = examine(command, "sepahan")
    assert findings["answer"]["verdict"] == "cannot tell"


@pytest.mark.parametrize(
    ("provider", "fault", "check"),
    [
        ("sepahan", {"kind": "refuse", "code": -12, "call": "Send"}, "line"),
        ("sepahan", {"kind": "refuse", "code": -14, "call": "Send"}, "credit"),
        ("sepahan", {"kind": "drop_after", "call": "Send"}, "answer"),
        ("najva", {"kind": "refuse", "code": 400, "call": "send"}, "line"),
        ("najva", {"kind": "no_credit", "call": "send"}, "credit"),
        ("najva", {"kind": "html", "call": "send"}, "answer"),
    ],
    ids=str,
)
def test_what_only_a_send_shows_is_found_by_one(
    provider: str, fault: dict[str, Any], check: str, command: Command, box: Sandbox
):
    box.fail(fault.pop("kind"), provider=provider, **fault)
    findings, _ = examine(command, provider, "--to", TO, "--yes")
    assert findings[check]["verdict"] == "bad", findings
    assert len(box.messages) <= 1


def test_a_status_that_cannot_be_asked_for_speaks_against_no_send(command: Command, box: Sandbox):
    box.fail("server_error", provider="sepahan", call="status")
    findings, _ = examine(command, "sepahan", "--to", TO, "--yes")
    assert findings["status"]["verdict"] == "warning"


def test_inbound_messages_that_cannot_be_read_speak_against_no_send(command: Command, box: Sandbox):
    box.fail("refuse", code=423, provider="sepahan", call="Receive")
    ran = command("doctor", "-p", "sepahan", "--json")
    assert ran.exit_code == 0
    assert diagnosed(ran)[0]["inbound"]["verdict"] == "warning"


@pytest.mark.parametrize("sender", ["+983000506", ""], ids=["somebody else's", "none"])
def test_a_line_of_somebody_else_is_found_and_one_of_the_accounts_recommended(
    sender: str, command: Command, box: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    findings, settings = examine(command, "ippanel", env=environment(box, IPPANEL_SENDER=sender))
    assert findings["line"]["verdict"] == "bad"
    assert sends_with(settings, "ippanel", box, monkeypatch)


def test_a_line_is_known_in_any_spelling(command: Command, box: Sandbox):
    findings, _ = examine(command, "ippanel", "--from", "۳۰۰۰۵۰۵")
    assert findings["line"]["verdict"] == "good"


def test_a_send_without_a_line_says_what_to_set(command: Command, box: Sandbox):
    findings, _ = examine(command, "sepahan", "--to", TO, "--yes", env=environment(box, SEPAHAN_SENDER=""))
    assert (findings["line"]["verdict"], "SEPAHAN_SENDER" in findings["line"]["advice"]) == ("bad", True)


# What Sepahan's document leaves open


def sends_with(settings: Mapping[str, str], provider: str, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a program with these settings sends."""
    for name, value in (environment(box) | settings).items():
        monkeypatch.setenv(name, value)
    with FACES[provider]() as client:
        return bool(client.send("09351234567", "سلام").ok)


@pytest.mark.parametrize("reading", ["arrays", "strings"])
@pytest.mark.parametrize("configured", ["", "send=arrays", "send=strings"])
def test_the_form_of_send_is_found(reading: str, configured: str, command: Command, monkeypatch: pytest.MonkeyPatch):
    with Sandbox(strict={"sepahan": {"send": reading}}) as box:
        env = environment(box, SEPAHAN_WIRE=configured)
        findings, settings = examine(command, "sepahan", "--to", TO, "--yes", env=env)
        is_right = reading in (configured or "send=arrays")
        assert findings["form of Send"]["verdict"] == ("good" if is_right else "bad")
        assert len(box.messages) == 1
        assert sends_with({"SEPAHAN_WIRE": configured, **settings}, "sepahan", box, monkeypatch)


def test_a_send_that_is_refused_in_either_form_is_told_of(command: Command, box: Sandbox):
    box.fail("refuse", code=-21, provider="sepahan", call="Send")
    findings, settings = examine(command, "sepahan", "--to", TO, "--yes")
    assert (findings["form of Send"]["verdict"], settings) == ("bad", {})


def test_a_header_that_the_server_does_not_read_is_found(command: Command, monkeypatch: pytest.MonkeyPatch):
    with Sandbox(strict={"sepahan": {"request_id": "requestId"}}) as box:
        env = environment(box, SEPAHAN_WIRE="request_id=Request-Id")
        findings, settings = examine(command, "sepahan", "--to", TO, "--yes", env=env)
        assert (findings["request id"]["verdict"], len(box.messages)) == ("bad", 2)
        for name, value in (env | settings).items():
            monkeypatch.setenv(name, value)
        box.fail("drop_after", provider="sepahan", call="Send", times=1)
        with Sepahan(retry=RetryPolicy(attempts=2, wait_initial=0, wait_max=0)) as client:
            assert client.send("09351234567", "سلام").ok
        assert [message.recipient for message in box.messages].count("+989351234567") == 1


def test_a_server_that_ignores_request_ids_is_found_with_three_messages(
    command: Command, monkeypatch: pytest.MonkeyPatch
):
    with Sandbox(strict={"sepahan": {"request_id": "none"}}) as box:
        env = environment(box)
        findings, _ = examine(command, "sepahan", "--to", TO, "--yes", env=env)
        assert (findings["request id"]["verdict"], len(box.messages)) == ("bad", 3)
        assert "retry=smscore.RetryPolicy.none()" in findings["request id"]["advice"]
        box.fail("drop_after", provider="sepahan", call="Send", times=1)
        once = Sepahan("t", sender="50003300", base_url=box.url("sepahan"), retry=RetryPolicy.none())
        with once, pytest.raises(ResponseLost):
            once.send("09351234567", "سلام")
        assert [message.recipient for message in box.messages].count("+989351234567") == 1


@pytest.mark.parametrize("reading", ["jalali", "gregorian"])
@pytest.mark.parametrize("configured", ["", "since=gregorian"])
def test_the_calendar_of_receive_is_found(
    reading: str, configured: str, command: Command, monkeypatch: pytest.MonkeyPatch
):
    with Sandbox(strict={"sepahan": {"since": reading}}) as box:
        box.feed("sepahan", sender="+989123456780", number="50003300", text="سلام")
        ran = command("doctor", "-p", "sepahan", "--json", env=environment(box, SEPAHAN_WIRE=configured))
        findings, settings = diagnosed(ran)
        is_right = reading == (configured.partition("=")[2] or "jalali")
        assert findings["since"]["verdict"] == ("good" if is_right else "warning")
        assert (ran.exit_code, findings["inbound"]["verdict"]) == (0, "good")
        monkeypatch.setenv("SEPAHAN_WIRE", settings.get("SEPAHAN_WIRE", configured))
        with Sepahan("t", base_url=box.url("sepahan")) as client:
            assert [message.text for message in client.incoming()] == ["سلام"]


def test_all_that_is_found_is_set_together(command: Command, monkeypatch: pytest.MonkeyPatch):
    reading = {"send": "strings", "since": "gregorian", "request_id": "requestId"}
    with Sandbox(strict={"sepahan": reading}) as box:
        findings, settings = examine(command, "sepahan", "--to", TO, "--yes", env=environment(box))
        assert settings == {"SEPAHAN_WIRE": "send=strings,since=gregorian"}
        assert findings["request id"]["verdict"] == "good"
        assert sends_with(settings, "sepahan", box, monkeypatch)


def test_what_is_to_be_set_is_printed_for_a_shell(command: Command):
    with Sandbox(strict={"sepahan": {"send": "strings"}}) as box:
        ran = command("doctor", "-p", "sepahan", "--to", TO, "--yes", env=environment(box))
    assert ran.exit_code == 1
    assert ran.stdout.endswith("A send would fail: correct what is bad above.\nSet: SEPAHAN_WIRE=send=strings\n")


# Secrets


@pytest.mark.parametrize("provider", READS)
def test_no_token_and_no_number_shows(provider: str, command: Command, box: Sandbox):
    for kind in ("refuse", "expired_token", "html", "server_error"):
        box.clear_faults()
        code = {"code": {"sepahan": -21, "ippanel": 422, "najva": 400}[provider]} if kind == "refuse" else {}
        if kind != "refuse" or provider != "ippanel":
            box.fail(kind, provider=provider, **code)  # type: ignore[arg-type]  # a kind of its
        for more in ([], ["--json"]):
            ran = command("doctor", "-p", provider, "--to", TO, "--yes", *more)
            assert [secret for secret in ("t0ken", TO, TO[1:]) if secret in ran.output + json.dumps(ran.stderr)] == []


def test_a_number_that_the_providers_words_repeat_is_masked(command: Command):
    words = {"isSuccess": False, "value": None, "error": {"code": -4, "message": f"{TO} و +98{TO[1:]}", "details": []}}
    with Sandbox() as box, FaultServer([*[fs.GOOD] * 6, *[fs.replies("quoted", (401, words))] * 2]) as server:
        env = environment(box, SEPAHAN_BASE_URL=server.url)
        ran = command("doctor", "-p", "sepahan", "--to", TO, "--yes", env=env)
    assert (ran.exit_code, TO[1:] in ran.output) == (1, False), ran.output


def test_the_sandboxs_words_on_a_host_that_it_does_not_answer_to_are_shown(command: Command, box: Sandbox):
    words = b'{"error": "The sandbox does not answer to this host name."}'
    with FaultServer(fs.says("refused host", fs.http(403, words, fs.JSON), takes=False)) as server:
        findings, _ = examine(command, "najva", "--base-url", server.url)
    assert "does not answer to this host name" in findings["token"]["saw"]
