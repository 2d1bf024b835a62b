"""The command as its users run it: in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from click.testing import CliRunner

from sepahan_sms import Sepahan
from smscore.cli.commands import payamak

PAYAMAK = [sys.executable, "-c", "from smscore.cli import main; main()"]


def run(*arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    command = PAYAMAK if code is None else [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}
    return subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


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
    assert (process.returncode, out, err) == (0, "The sandbox held 1 message when it stopped.\n", "")


@pytest.mark.skipif(os.name == "nt", reason="there is no POSIX shell")
def test_what_the_sandbox_prints_can_be_pasted_into_a_shell():
    process = subprocess.Popen([*PAYAMAK, "sandbox", "--port", "0"], stdout=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(9)]
    script = f'{sys.executable} -c \'from ippanel_sms import IPPanel; IPPanel().send("09123456789", "a")\''
    subprocess.run(["sh", "-euc", "".join(lines) + script], check=True, timeout=60)
    process.terminate()
    out, _ = process.communicate(timeout=20)
    assert "held 1 message when it stopped." in out


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
        f"Clients that reach this machine as {name}: use http://{name}:{port}, not http://127.0.0.1:{port}.\n"
        for name in ("sms-sandbox", "other")
    ]


def test_a_host_to_allow_is_only_a_name():
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
