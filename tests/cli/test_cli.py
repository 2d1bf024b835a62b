"""The command as its users run it: in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from commandline import json_lines
from rich.console import Console

from sepahan_sms import Sepahan
from smscore.cli.commands import payamak
from smscore.cli.demo import run as demo
from smscore.cli.demo.display import Display
from smscore.cli.demo.outcomes import Told, problems_of
from smscore.outcomes import Outcome
from smscore.results import RecipientResult
from smscore.sandbox import Sandbox

PAYAMAK = [sys.executable, "-c", "from smscore.cli import main; main()"]


def run(*arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    command = PAYAMAK if code is None else [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
    return subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


@pytest.fixture(scope="module")
def ran() -> subprocess.CompletedProcess[str]:
    return run("demo")


def test_the_demo_adds_up_and_exits_with_0(ran: subprocess.CompletedProcess[str]):
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Every number adds up: the sandbox received 26,253 messages." in ran.stdout


@pytest.mark.parametrize(
    "row",
    [
        r"sepahan +4 +251 +0 +0 +0",
        r"ippanel +2 +1,001 +0 +0 +0",
        r"najva +4 +25,001 +0 +2 +0",
        r"sepahan +250 queued +250 delivered",
        r"ippanel +1,000 sent +1,000 delivered",
        r"najva +25,000 queued +25,000 delivered",
        r"najva +25,001,000 +25,001,000 +974,999,000",
        r"sepahan +\+989121112233 +accepted +yes",
        r"sepahan +\+989121112244 +rejected +no +sepahan refused the request",
        r"sepahan +\+989990000011 +accepted +yes +No answer came. Asked again with the same",
        r"ippanel +\+989121112244 +rejected +no",
        r"ippanel +\+989990000011 +unknown +yes +No answer came: it may have gone",
        r"najva +\+989990000011 +unknown +yes",
        r"payamak sandbox ",
        r"payamak send -p sepahan --text 'سلام' --out results.csv -",
        r"payamak status -p sepahan --results results.csv",
        r"02188776655 +not sent",
        r"0912345 +not sent",
        r"۰۹۱۲۰۰۲۵۰۰۰ +accepted as \+989120025000",
        r"09120000001 +left out by the demo: row 2 has the same number",
    ],
)
def test_the_demo_shows(ran: subprocess.CompletedProcess[str], row: str):
    assert re.search(row, ran.stdout)


def test_the_demo_tells_a_script_the_same():
    ran = run("demo", "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    first, *providers, last = json_lines(ran.stdout)
    assert (first["type"], set(first["urls"])) == ("sandbox", {"sepahan", "ippanel", "najva"})
    assert [(one["provider"], one["accepted"], one["not_sent"], one["unknown"]) for one in providers] == [
        ("sepahan", 251, 0, 0),
        ("ippanel", 1_001, 0, 0),
        ("najva", 25_001, 2, 0),
    ]
    assert providers[2]["last_statuses"] == {"delivered": 25_000}
    assert (last["type"], last["adds_up"], last["messages"], last["problems"]) == ("summary", True, 26_253, [])
    assert {(one["provider"], one["outcome"]) for one in last["told_apart"]} == {
        ("sepahan", "accepted"),
        ("sepahan", "rejected"),
        *((provider, one) for provider in ("ippanel", "najva") for one in ("accepted", "rejected", "unknown")),
    }
    assert [odd["number"] for odd in last["odd_rows"]] == ["09120000001", "02188776655", "0912345", "۰۹۱۲۰۰۲۵۰۰۰"]


def one_sent() -> demo.Sent:
    result = RecipientResult("+989123456789", Outcome.ACCEPTED, 1)
    plan = demo.Plan("sepahan", "50003300", 1)
    return demo.Sent(plan, credit_before=10, results=[result], cost=2837, credit_after=10 - 2837)


async def test_the_demo_finds_a_message_that_the_sandbox_never_received():
    async with Sandbox() as box:
        problems = demo.check([one_sent()], box)
    assert problems == ["sepahan: 1 accepted, and 0 received, are not the same"]


async def test_the_demo_finds_what_was_not_accepted_and_wrongly_charged():
    sent = one_sent()
    sent.results = [RecipientResult("+989123456789", Outcome.UNKNOWN)]
    sent.credit_after = 10
    async with Sandbox() as box:
        problems = demo.check([sent], box)
    assert [problem.partition(": ")[2] for problem in problems] == [
        "0 accepted of 1 good numbers",
        "some were rejected, or their outcome is unknown",
        "it said a cost of 2837, and charged 0",
    ]


async def test_the_demo_fails_when_a_number_does_not_add_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(demo, "PLANS", (demo.Plan("sepahan", "50003300", 10), demo.Plan("najva", "90000123", 600)))
    monkeypatch.setattr(demo, "MOMENT", 0)
    monkeypatch.setattr(demo, "_accepted", lambda results, text: Counter())
    console = Console(record=True, width=100, quiet=True)
    assert await demo.run_demo(Display(console)) is False


async def test_the_demo_has_no_statuses_of_a_client_that_cannot_tell():
    assert await demo._ask(object(), one_sent()) is None


def test_the_display_names_what_does_not_add_up():
    console = Console(record=True, width=100)
    Display(console).finished([one_sent()], [], [], ["sepahan: lost one"])
    assert "✗ sepahan: lost one" in console.export_text()


def test_the_demo_finds_what_was_told_and_is_not_so():
    told = [
        Told("sepahan", "+989121112233", Outcome.ACCEPTED, False, ""),
        Told("najva", "+989121112244", Outcome.REJECTED, True, ""),
        Told("najva", "+989990000011", Outcome.UNKNOWN, True, ""),
    ]
    assert problems_of(told) == [
        "sepahan: accepted was told, and that is not so",
        "najva: rejected was told, and that is not so",
    ]
    assert sorted(problems_of([])) == ["nobody was accepted", "nobody was rejected", "nobody was unknown"]


@pytest.mark.parametrize("width", [80, 120])
def test_the_demo_fits_the_terminal(width: int):
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": str(width)}
    shown = subprocess.run(
        [*PAYAMAK, "demo"], env=environment, capture_output=True, encoding="utf-8", timeout=120, check=True
    ).stdout
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown


def start_sandbox(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    process = subprocess.Popen(
        [*PAYAMAK, "sandbox", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(11)]
    assert lines[9].startswith("The page: ")
    exported = dict(line.removeprefix("export ").split("=", 1) for line in lines[:9])
    return process, exported | {"page": lines[9].removeprefix("The page: ")}


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to another process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_runs_until_it_is_told_to_end(number: signal.Signals):
    process, urls = start_sandbox("--port", "0")
    with Sepahan("any", sender="50003300", base_url=urls["SEPAHAN_BASE_URL"]) as client:
        assert client.send("09123456789", "سلام").ok
    with urllib.request.urlopen(urls["page"], timeout=20) as page:
        assert page.headers.get_content_type() == "text/html"
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "At its end the sandbox held 1 message.\n", "")


@pytest.mark.skipif(os.name == "nt", reason="there is no POSIX shell")
def test_what_the_sandbox_prints_can_be_pasted_into_a_shell():
    process = subprocess.Popen([*PAYAMAK, "sandbox", "--port", "0"], stdout=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(9)]
    script = f'{sys.executable} -c \'from ippanel_sms import IPPanel; IPPanel().send("09123456789", "a")\''
    subprocess.run(["sh", "-euc", "".join(lines) + script], check=True, timeout=60)
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert "held 1 message." in out


def test_the_sandbox_answers_to_a_name_that_is_allowed():
    process, urls = start_sandbox("--port", "0", "--allow-host", "sms-sandbox", "--allow-host", "other")
    for name in ("sms-sandbox", "other:8025"):
        request = urllib.request.Request(urls["page"], headers={"Host": name})
        with urllib.request.urlopen(request, timeout=20) as page:
            assert page.status == 200
    process.terminate()
    process.communicate(timeout=20)


def test_the_sandbox_says_where_other_containers_find_it():
    names = ["--allow-host", "sms-sandbox", "--allow-host", "other"]
    process = subprocess.Popen([*PAYAMAK, "sandbox", "--port", "0", *names], stdout=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    printed = [process.stdout.readline() for _ in range(13)]
    process.terminate()
    process.communicate(timeout=20)
    (port,) = {found[1] for line in printed if (found := re.search(r"127\.0\.0\.1:(\d+)", line))}
    assert printed[11:] == [
        f"Where {name} is this machine, use http://{name}:{port} in place of http://127.0.0.1:{port}.\n"
        for name in ("sms-sandbox", "other")
    ]


def test_a_host_to_allow_is_a_name_alone():
    ran = run("sandbox", "--port", "0", "--allow-host", "http://sms-sandbox:8025")
    assert ran.returncode == 2
    assert "without a scheme or a port" in ran.stderr


def test_the_sandbox_says_that_its_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run("sandbox", "--port", str(taken.getsockname()[1]))
    assert ran.returncode == 1
    assert "Try another --port" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_help_and_version():
    assert "demo" in run("--help").stdout
    assert "base_url" in CliRunner().invoke(payamak, ["sandbox", "--help"]).output.lower()
    assert run("--version").stdout.startswith("payamak, version 0.")


def test_without_the_extra_the_command_says_what_to_install():
    code = "import sys; sys.modules['click'] = None\nfrom smscore.cli import main; main()"
    ran = run(code=code)
    assert ran.returncode == 1
    assert "payamak[cli]" in ran.stderr


def test_an_import_error_of_our_own_is_not_taken_for_a_missing_extra():
    code = "import sys; sys.modules['smscore.cli.commands'] = None\nfrom smscore.cli import main; main()"
    assert "ModuleNotFoundError" in run(code=code).stderr


def test_the_demos_csv_holds_each_kind_of_row_once(tmp_path: Path):
    demo.write_recipients(tmp_path / "r.csv", 600)
    rows, repeats = demo.distinct(demo.read_rows(tmp_path / "r.csv"))
    assert len(rows) == 600 + 2
    assert [(fate.row.number, fate.words) for fate in repeats] == [
        ("09120000001", "left out by the demo: row 2 has the same number")
    ]
