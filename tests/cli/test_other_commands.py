"""The commands that send nothing, errors, tokens, completion, and the sandbox."""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import click
import pytest
from click.testing import CliRunner, Result
from commandline import (
    PAYAMAK,
    TOKEN,
    environment,
    json_lines,
    mobiles,
    read_rows,
    run,
    write_csv,
    write_mobiles,
)
from faultserver import ERROR_500_UNDONE, HTML_200, FaultServer, refusing_port, replies, sepahan_refusal

from ippanel_sms import IPPanel
from smscore import DeliveryStatus, registry
from smscore.cli import connection, exit_codes
from smscore.cli.ask import answers
from smscore.cli.commands import payamak
from smscore.cli.group import Commands
from smscore.cli.output import Output, money
from smscore.sandbox import Sandbox

Command = Callable[..., Result]


def send(command: Command, provider: str, tmp_path: Path, count: int = 3) -> None:
    source = write_mobiles(tmp_path / "r.csv", count)
    assert command("send", "-p", provider, "--text", "سلام", "--out", "o.csv", source).exit_code == 0


# Statuses


@pytest.mark.parametrize("provider", ["sepahan", "najva"])
def test_statuses_by_ids_by_lines_and_by_results(provider: str, command: Command, box: Sandbox, tmp_path: Path):
    send(command, provider, tmp_path)
    box.advance(3600)
    ids = [str(message.message_id) for message in box.messages]
    lines = [f"{one} delivered" for one in ids]
    assert command("status", "-p", provider, *ids).stdout.splitlines() == lines
    assert command("status", "-p", provider, "-", input="\n".join(ids)).stdout.splitlines() == lines
    told = [f"{m.message_id} {m.recipient} delivered, row {n}" for n, m in enumerate(box.messages, 2)]
    by_results = command("status", "-p", provider, "--results", "o.csv")
    assert by_results.stdout.splitlines() == told
    assert by_results.stderr == "3 messages: 3 delivered.\n"
    (first, *_) = json_lines(command("status", "-p", provider, ids[0], "--json").stdout)
    assert first == {
        "type": "status",
        "message_id": int(ids[0]),
        "status": "delivered",
        "code": box.messages[0].code,
        "is_final": True,
    }


def test_more_ids_than_one_request_takes(command: Command, box: Sandbox, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 2_500)
    assert command("send", "-p", "najva", "--text", "a", "--yes", "--out", "o.csv", source).exit_code == 0
    ran = command("status", "-p", "najva", "--results", "o.csv", "--json")
    assert [one["message_id"] for one in json_lines(ran.stdout)] == [message.message_id for message in box.messages]


def test_the_totals_of_a_results_file_count_every_row(command: Command, box: Sandbox, tmp_path: Path):
    good, refused = mobiles(2), "09990000005"
    source = write_csv(tmp_path / "r.csv", [["mobile"], *([one] for one in (*good, refused, "x"))])
    assert command("send", "-p", "sepahan", "--text", "سلام", "--skip-bad", "--out", "o.csv", source).exit_code == 1
    box.advance(3600)
    ran = command("status", "-p", "sepahan", "--results", "o.csv")
    totals = "2 messages: 2 delivered. 2 rows without a message id: 1 rejected, 1 skipped.\n"
    assert ran.stderr == totals
    shown = command("status", "-p", "sepahan", "--results", "o.csv", "--json")
    assert [(one["row"], one["recipient"]) for one in json_lines(shown.stdout)] == [
        (row, "+98" + number[1:]) for row, number in enumerate(good, 2)
    ]
    assert json_lines(shown.stderr) == [{"type": "note", "text": totals.strip()}]


@pytest.mark.parametrize("name", ["s.csv", "s.jsonl"])
def test_statuses_go_to_a_file(name: str, command: Command, box: Sandbox, tmp_path: Path):
    send(command, "ippanel", tmp_path)
    ran = command("status", "-p", "ippanel", "--results", "o.csv", "--out", name)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", "3 messages: 3 sent.\n")
    assert [(row["row"], row["recipient"], row["status"]) for row in read_rows(tmp_path / name)] == [
        (row, message.recipient, "sent") for row, message in enumerate(box.messages, 2)
    ]
    if os.name != "nt":
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    again = command("status", "-p", "ippanel", "--results", "o.csv", "--out", name)
    assert (again.exit_code, "already exists" in again.stderr) == (2, True)


def test_a_results_file_says_through_whom_it_was_sent(command: Command, box: Sandbox, tmp_path: Path):
    send(command, "najva", tmp_path)
    shown = command("status", "-p", "najva", "--results", "o.csv").stdout
    assert command("status", "--results", "o.csv").stdout == shown
    by_environment = environment(box, PAYAMAK_PROVIDER="sepahan")
    assert command("status", "--results", "o.csv", env=by_environment).stdout == shown
    ran = command("status", "-p", "sepahan", "--results", "o.csv", env=by_environment)
    assert (ran.exit_code, "Give --provider najva" in ran.stderr) == (2, True)
    ran = command("status", "1")
    assert (ran.exit_code, "--provider" in ran.stderr) == (2, True)


def test_statuses_that_end_in_an_error_leave_no_file(command: Command, box: Sandbox, tmp_path: Path):
    send(command, "najva", tmp_path)
    with refusing_port() as place:
        ran = command(
            "status", "-p", "najva", "--results", "o.csv", "--out", "s.csv", env=environment(NAJVA_BASE_URL=place.url)
        )
    assert (ran.exit_code, list(tmp_path.glob("s.*"))) == (exit_codes.NETWORK, [])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["1", "--out", "s.txt"], "must end in .csv or .jsonl"),
        ([], "Give either message ids"),
        (["1", "--results", "o.csv"], "Give either message ids"),
        (["1", "x"], "Invalid message id at position 2"),
        (["--results", "nowhere.csv"], "cannot be read"),
        (["--results", "r.csv"], "not a results file"),
        (["--results", "o.csv"], "Give --provider najva"),
    ],
)
def test_invalid_ids(arguments: list[str], words: str, command: Command, tmp_path: Path):
    send(command, "najva", tmp_path)
    ran = command("status", "-p", "sepahan", *arguments)
    assert (ran.exit_code, words in ran.stderr) == (2, True), ran.stderr


@attrs.frozen
class Bulk:
    """A client whose one call for statuses tells of a bulk message's recipients, as IPPanel's does."""

    async def recipients(self, message_id: int) -> Any:
        for number in range(2):
            yield attrs.make_class("Found", ["recipient", "code", "status", "parts"])(
                f"+98912000000{number}", None, DeliveryStatus.SENT, message_id
            )


def with_client(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    """Let every provider's client be this one."""

    class Client(type(client)):
        profile = registry.profile("ippanel")

        def __init__(self, *args: Any, **options: Any) -> None:
            pass

        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(self, *exc_info: object) -> None:
            pass

    monkeypatch.setattr(connection, "client_class", lambda provider: Client)


def test_a_bulk_id_shows_its_recipients(command: Command, monkeypatch: pytest.MonkeyPatch):
    with_client(monkeypatch, Bulk())
    ran = command("status", "-p", "ippanel", "7", "--json")
    assert json_lines(ran.stdout)[1] == {
        "type": "status",
        "message_id": 7,
        "status": "sent",
        "code": None,
        "is_final": False,
        "recipient": "+989120000001",
        "parts": 7,
    }
    assert command("status", "-p", "ippanel", "7").stdout == "7 +989120000000 sent\n7 +989120000001 sent\n"


# Credit, requests, uploads


def test_credit(command: Command, box: Sandbox):
    box.set_credit("sepahan", TOKEN, 1_234_567)
    assert command("credit", "-p", "sepahan").stdout == "1,234,567 Rials\n"
    assert json_lines(command("credit", "-p", "sepahan", "--json").stdout) == [
        {"type": "credit", "provider": "sepahan", "credit": 1_234_567, "unit": "IRR"}
    ]


def test_a_credit_that_is_not_a_whole_number_stays_exact(command: Command, monkeypatch: pytest.MonkeyPatch):
    class Account:
        async def credit(self) -> Decimal:
            return Decimal("12345678901234567.25")

    with_client(monkeypatch, Account())
    assert '"credit":12345678901234567.25' in command("credit", "-p", "ippanel", "--json").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["credit", "-p", "najva"], "najva has no call credit"),
        (["receive", "-p", "najva"], "najva has no call receive. These have:"),
        (["upload", "-p", "sepahan", "card.png"], "sepahan has no call upload_file. These have: najva."),
        (["check-request", "-p", "najva", "a"], "najva has no call check_request_id. These have: sepahan."),
        (["status", "-p", "najva", "--old", "1"], "najva has no call old_status. These have: sepahan."),
    ],
)
def test_a_call_that_a_provider_has_not(arguments: list[str], words: str, command: Command):
    ran = command(*arguments)
    assert (ran.exit_code, words in ran.stderr) == (2, True), ran.stderr


def test_a_price(command: Command):
    assert command("price", "-p", "ippanel", "--text", "سلام").stdout == "1,064 Rials to MCI, 1,064 to others; 1 part\n"
    (found,) = json_lines(command("price", "-p", "ippanel", "--text", "س" * 71, "--json").stdout)
    assert (found["type"], found["parts"], found["unit"]) == ("price", 2, "IRR")


def test_a_price_of_a_text_in_a_file(command: Command, tmp_path: Path):
    (tmp_path / "t.txt").write_text("سلام\n", "utf-8")
    arguments = ["price", "-p", "ippanel"]
    assert command(*arguments, "--text-file", "t.txt").stdout == command(*arguments, "--text", "سلام").stdout
    for more in ([], ["--text", "a", "--text-file", "t.txt"]):
        ran = command(*arguments, *more)
        assert (ran.exit_code, "Give either --text or --text-file." in ran.stderr) == (2, True)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (1_000_000_000, "1,000,000,000"),
        (Decimal("1E+9"), "1,000,000,000"),
        (Decimal("1000000000.00"), "1,000,000,000"),
        (Decimal("-1500.250"), "-1,500.25"),
        (Decimal(100), "100"),
        (0, "0"),
    ],
)
def test_money_is_printed_with_separators_however_it_came(amount: Decimal | int, words: str):
    assert money(amount) == words


def test_a_message_that_is_to_go_later_is_cancelled(command: Command, box: Sandbox):
    with IPPanel(TOKEN, sender="+983000505", base_url=box.url("ippanel")) as client:
        later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        (message_id,) = client.send("09123456789", "سلام", send_time=later).message_ids
    assert command("cancel", "-p", "ippanel", message_id).stdout == f"Cancelled {message_id}.\n"
    assert command("cancel", "-p", "ippanel", 5).exit_code == exit_codes.REFUSED


def test_inbound_messages_that_the_provider_keeps_are_gone_on_with(command: Command, box: Sandbox):
    for text in ("یک", "دو", "سه"):
        box.feed("ippanel", sender="+989123456789", number="+983000505", text=text)
    found = json_lines(command("receive", "-p", "ippanel", "--json").stdout)
    assert [message["text"] for message in found] == ["یک", "دو", "سه"]
    rest = command("receive", "-p", "ippanel", "--after-id", found[0]["message_id"], "--json")
    assert [message["text"] for message in json_lines(rest.stdout)] == ["دو", "سه"]
    assert "takes no --limit" in command("receive", "-p", "ippanel", "--limit", 1).output


def test_a_request_that_arrived_is_0_and_one_that_did_not_is_1(command: Command, tmp_path: Path):
    send(command, "sepahan", tmp_path, 1)
    request_id = (tmp_path / "o.csv").read_text("utf-8").splitlines()[1].split(",")[4]
    assert command("check-request", "-p", "sepahan", request_id).exit_code == 0
    ran = command("check-request", "-p", "sepahan", "never", "--json")
    assert (ran.exit_code, json_lines(ran.stdout)) == (1, [{"type": "request", "request_id": "never", "seen": False}])


def test_an_upload_prints_the_id(command: Command, tmp_path: Path):
    (tmp_path / "card.png").write_bytes(b"png")
    (record,) = json_lines(command("upload", "-p", "najva", "card.png", "--json").stdout)
    assert (record["type"], bool(record["file_id"])) == ("upload", True)
    assert command("upload", "-p", "najva", "nowhere.png").exit_code == 2


# Inbound messages


def test_inbound_messages_are_handed_out_once_unless_peeked_at(command: Command, box: Sandbox):
    box.feed("sepahan", sender="09121234567", number="50003300", text="سلام\nخوبی؟")
    for _ in range(2):
        ran = command("receive", "-p", "sepahan", "--peek", "--json")
        (record,) = json_lines(ran.stdout)
        assert (record["type"], record["text"], record["number"]) == ("inbound", "سلام\nخوبی؟", "50003300")
        assert ran.stderr == ""
    ran = command("receive", "-p", "sepahan", "--number", "50003300", "--since", "1404/01/01", "--limit", "5")
    assert "to 50003300: سلام" in ran.stdout
    assert "not returned again" in ran.stderr
    assert command("receive", "-p", "sepahan").stdout == ""


@pytest.mark.parametrize(
    ("more", "words"), [(["--since", "yesterday"], "--since must be a date"), (["--limit", "101"], "100")]
)
def test_a_receive_that_is_wrong_takes_nothing(more: list[str], words: str, command: Command, box: Sandbox):
    box.feed("sepahan", sender="09121234567", number="50003300", text="سلام")
    ran = command("receive", "-p", "sepahan", *more)
    assert (ran.exit_code, words in ran.stderr) == (2, True)
    assert command("receive", "-p", "sepahan").stdout.count("سلام") == 1


def test_messages_that_cannot_be_printed_are_not_lost(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    from smscore import InboundMessage

    messages = [InboundMessage("5000", "09121234567", f"متن {n}", None, {}) for n in range(3)]
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Full())
        with pytest.raises(OSError, match="No space"):
            answers._print_all(Output(json=False), messages)
    assert [record["text"] for record in json_lines(capsys.readouterr().err)] == ["متن 0", "متن 1", "متن 2"]


# Errors


@pytest.mark.parametrize(
    ("server", "code", "error"),
    [
        (replies("no", sepahan_refusal(-1)), exit_codes.REFUSED, "AuthenticationError"),
        (ERROR_500_UNDONE, exit_codes.NETWORK, "ServerError"),
        (HTML_200, exit_codes.NETWORK, "MalformedResponse"),
    ],
)
def test_an_error_has_its_code_in_words_and_as_json(server: Any, code: int, error: str, command: Command):
    with FaultServer(server) as place:
        env = environment(SEPAHAN_BASE_URL=place.url)
        words, record = (
            command("credit", "-p", "sepahan", env=env),
            command("credit", "-p", "sepahan", "--json", env=env),
        )
    assert (words.exit_code, record.exit_code) == (code, code)
    (fields,) = json_lines(record.stderr)
    keys = {"type", "error", "text", "exit_code", "provider", "code", "http_status", "message", "details", "fields"}
    assert (set(fields), fields["error"], fields["exit_code"]) == (keys, error, code)
    assert fields["text"] in words.stderr
    assert fields["message"] is None or f"sepahan says: {fields['message']}" in words.stderr
    assert (words.stdout, record.stdout) == ("", "")


def test_no_connection_is_4(command: Command):
    with refusing_port() as place:
        ran = command("credit", "-p", "sepahan", env=environment(SEPAHAN_BASE_URL=place.url))
    assert ran.exit_code == 4


def test_a_base_url_can_be_given(command: Command, box: Sandbox):
    env = environment(SEPAHAN_BASE_URL="https://nowhere.invalid")
    assert command("credit", "-p", "sepahan", "--base-url", box.url("sepahan"), env=env).exit_code == 0
    assert command("credit", "-p", "sepahan", "--base-url", "http://example.ir", env=env).exit_code == 2


# A proxy

PROXY_SECRETS = ("proxy-user", "proxy-passw0rd")


def through(port: int | str) -> str:
    return f"http://{':'.join(PROXY_SECRETS)}@127.0.0.1:{port}"


@pytest.mark.parametrize("given", ["option", "environment"])
def test_a_command_goes_by_the_proxy_that_is_given(given: str, command: Command, box: Sandbox):
    proxy = through(urlsplit(box.url("sepahan")).port or 0)  # the sandbox answers what is asked of it as a proxy
    arguments = ["credit", "-p", "sepahan", "--base-url", "http://localhost:9/sepahan"]
    assert command(*arguments).exit_code == exit_codes.NETWORK
    if given == "option":
        ran = command(*arguments, "--proxy", proxy)
    else:
        ran = command(*arguments, env=environment(box, PAYAMAK_PROXY=proxy))
    assert (ran.exit_code, "Rials" in ran.stdout) == (0, True), ran.stderr


def test_the_proxys_of_the_environment_are_left_alone(command: Command, box: Sandbox):
    with refusing_port() as place:
        env = environment(box, http_proxy=place.url, HTTP_PROXY=place.url, ALL_PROXY=place.url)
        assert command("credit", "-p", "sepahan", env=env).exit_code == 0


@pytest.mark.parametrize("more", [[], ["--json"], ["--debug"]])
@pytest.mark.parametrize("proxy", [through(1), through("x"), f"socks5://{':'.join(PROXY_SECRETS)}@127.0.0.1:1"])
@pytest.mark.parametrize(
    "arguments", [["credit", "-p", "sepahan"], ["send", "-p", "sepahan", "--text", "سلام", "--out", "o.csv", "r.csv"]]
)
def test_neither_user_nor_password_of_a_proxy_is_shown(
    arguments: list[str], proxy: str, more: list[str], command: Command, tmp_path: Path
):
    write_mobiles(tmp_path / "r.csv", 1)
    ran = command(*arguments, "--proxy", proxy, *more)
    assert ran.exit_code in (exit_codes.USAGE, exit_codes.NETWORK)
    written = "".join(path.read_text("utf-8", "replace") for path in tmp_path.glob("o.csv*"))
    assert not [secret for secret in PROXY_SECRETS if secret in ran.output + written + repr(ran.exception)]


@click.group(cls=Commands)
def broken() -> None:
    """A group with a defect."""


@broken.command()
@click.option("--json", is_flag=True)
@click.option("--debug", is_flag=True)
@click.option("--disk", is_flag=True)
def fail(json: bool, debug: bool, disk: bool) -> None:
    """Fail."""
    raise OSError(28, "No space left on device", "results.csv") if disk else KeyError("09121234567")


def test_an_unexpected_error_shows_its_class_and_how_to_report_it():
    ran = CliRunner().invoke(broken, ["fail"])
    assert ran.exit_code == exit_codes.DEFECT
    assert "KeyError. Please report it with the output of --debug" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "09121234567" not in ran.stderr
    assert "Traceback" in CliRunner().invoke(broken, ["fail", "--debug"]).stderr
    (fields,) = json_lines(CliRunner().invoke(broken, ["fail", "--json"]).stderr)
    assert (fields["error"], fields["exit_code"]) == ("KeyError", exit_codes.DEFECT)


def test_an_error_of_the_disk_names_the_file():
    ran = CliRunner().invoke(broken, ["fail", "--disk"])
    assert (ran.exit_code, ran.stderr) == (1, "Error: No space left on device: results.csv.\n")


def test_an_unknown_command_is_2_as_json_too(command: Command):
    ran = command("sned", "--json")
    assert (ran.exit_code, json_lines(ran.stderr)[0]["error"]) == (2, "NoSuchCommand")


# Tokens


@pytest.mark.parametrize("given", [["--token", "s3cret"], ["--token=s3cret"], ["--token"]])
def test_a_token_is_not_an_argument(given: list[str], command: Command):
    ran = command("credit", "-p", "sepahan", *given)
    assert (ran.exit_code, "--token-file" in ran.stderr) == (2, True)
    assert "s3cret" not in ran.output
    assert "--token " not in command("credit", "--help").stdout


@pytest.mark.parametrize(
    "data", [f"{TOKEN}\n".encode(), b"\xef\xbb\xbf" + TOKEN.encode() + b"\r\n", f'"Bearer {TOKEN}"\n'.encode()]
)
def test_a_token_comes_from_a_file(data: bytes, command: Command, box: Sandbox, tmp_path: Path):
    (tmp_path / "token").write_bytes(data)
    env = environment(box, SEPAHAN_TOKEN="")
    box.set_credit("sepahan", TOKEN, 5)
    assert command("credit", "-p", "sepahan", "--token-file", "token", env=env).stdout == "5 Rials\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "must contain one token"),
        (b"two words", "must contain one token"),
        (b"\xff\xfe", "it is not text"),
        (None, "No such"),
    ],
)
def test_a_token_file_that_holds_none(data: bytes | None, words: str, command: Command, tmp_path: Path):
    if data is not None:
        (tmp_path / "token").write_bytes(data)
    ran = command("credit", "-p", "sepahan", "--token-file", "token")
    assert (ran.exit_code, words in ran.stderr) == (2, True), ran.stderr


def test_no_token_says_where_to_put_it(command: Command, box: Sandbox):
    ran = command("credit", "-p", "najva", env=environment(box, NAJVA_TOKEN=""))
    assert (ran.exit_code, "Set NAJVA_TOKEN" in ran.stderr) == (2, True)


# Help and completion


@pytest.mark.parametrize("name", sorted(payamak.commands))
def test_every_command_has_an_example_in_its_help(name: str, command: Command):
    ran = command(name, "--help")
    assert f"Example:\n    payamak {name}" in ran.stdout or f"(payamak {name}" in ran.stdout.replace("$", "")
    assert "\\b" not in ran.stdout


@pytest.mark.parametrize("name", ["", *sorted(payamak.commands)])
def test_no_help_is_cut_or_wider_than_80_columns(name: str, command: Command):
    ran = command(*([name] if name else []), "--help", env=environment(COLUMNS="80"))
    lines = ran.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if "..." in line and not line.startswith("Usage:")]


def test_the_list_of_commands_has_each_ones_first_sentence(command: Command):
    listed = " ".join(command("--help", env=environment(COLUMNS="80")).stdout.split())
    for one in payamak.commands.values():
        assert " ".join((one.help or "").split("\n\n")[0].split()).partition(". ")[0].rstrip(".") in listed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str, command: Command):
    ran = command("completion", shell)
    assert (ran.exit_code, "_PAYAMAK_COMPLETE" in ran.stdout) == (0, True)


def test_completion_knows_commands_and_providers():
    def completed(words: str, place: int) -> set[str]:
        env = {**os.environ, "_PAYAMAK_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(place)}
        return {line.partition(",")[2] for line in run(env=env).stdout.splitlines()}

    assert {"send", "p2p", "status"} <= completed("payamak ", 1)
    assert completed("payamak credit --provider n", 3) == {"najva"}


def test_the_help_imports_neither_an_http_client_nor_a_reader_of_spreadsheets():
    code = (
        "import sys; sys.argv = ['payamak', '--help']\n"
        "from smscore.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'aiohttp', 'rich', 'python_calamine'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_output_is_utf_8_whatever_the_locale(box: Sandbox):
    box.feed("sepahan", sender="09121234567", number="50003300", text="سلام")
    env = environment(box, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert "سلام" in run("receive", "-p", "sepahan", env=env).stdout


# The sandbox


def test_a_host_that_lets_others_in_is_warned_of(box: Sandbox):
    process = subprocess.Popen(
        [*PAYAMAK, "sandbox", "--port", "0", "--host", "0.0.0.0", "--json"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    begun = json.loads(process.stdout.readline())
    assert set(begun["urls"]) == {"SEPAHAN_BASE_URL", "IPPANEL_BASE_URL", "NAJVA_BASE_URL"}
    assert begun["page"] == begun["urls"]["NAJVA_BASE_URL"].removesuffix("najva")
    process.terminate()
    out, err = process.communicate(timeout=20)
    assert (process.returncode, json_lines(out)) == (0, [{"type": "end", "messages": 0}])
    assert "Everybody who can reach this machine can read its messages" in err


@pytest.mark.parametrize(("option", "value"), [("keep", 5), ("store", Path("messages.db"))])
def test_what_the_sandbox_keeps_is_handed_on(
    option: str, value: object, command: Command, monkeypatch: pytest.MonkeyPatch
):
    asked: list[dict[str, object]] = []

    class Port:
        def __init__(self, port: int, **options: object) -> None:
            asked.append({"port": port, **options})

        async def __aenter__(self) -> None:
            raise OSError(98, "Address already in use")

        async def __aexit__(self, *exc_info: object) -> None:
            pass

    monkeypatch.setattr("smscore.sandbox.Sandbox", Port)
    ran = command("sandbox", "--port", "8099", f"--{option}", str(value))
    assert (ran.exit_code, "Try another --port" in ran.stderr) == (1, True)
    assert asked == [{"port": 8099, "host": "127.0.0.1", option: value}]


def test_a_file_that_is_not_a_store_is_reported_as_such(command: Command, tmp_path: Path):
    (tmp_path / "garbage.db").write_bytes(b"no database at all" * 100)
    (tmp_path / "folder").mkdir()
    for store in ("garbage.db", "folder", "nowhere/messages.db"):
        ran = command("sandbox", "--port", "0", "--store", store)
        assert (ran.exit_code, store in ran.stderr, "defect" in ran.stderr) == (2, True, False), ran.stderr
        (record,) = json_lines(command("sandbox", "--port", "0", "--store", store, "--json").stderr)
        assert (record["type"], record["exit_code"]) == ("error", 2)


@pytest.mark.parametrize(
    ("host", "words"),
    [("", "must be a host name"), ("no.such.name.invalid", "cannot be resolved"), ("192.0.2.1", "not an address of")],
)
def test_a_host_that_cannot_be_listened_on(host: str, words: str, command: Command):
    ran = command("sandbox", "--port", "0", "--host", host)
    assert (ran.exit_code, words in ran.stderr) == (2, True), ran.stderr


def test_the_sandbox_shows_its_own_warnings_and_errors(command: Command, monkeypatch: pytest.MonkeyPatch):
    class Full:
        def __init__(self, port: int, **options: object) -> None:
            pass

        async def __aenter__(self) -> None:
            logger = logging.getLogger("smscore.sandbox")
            logger.info("one came")
            logger.error("messages.db has no more room")
            raise OSError(98, "Address already in use")

        async def __aexit__(self, *exc_info: object) -> None:
            pass

    monkeypatch.setattr("smscore.sandbox.Sandbox", Full)
    assert command("sandbox").stderr.splitlines()[0] == "messages.db has no more room"
    assert json_lines(command("sandbox", "--json").stderr)[0] == {
        "type": "note",
        "text": "messages.db has no more room",
    }


def test_a_sandbox_of_one_reading_is_started_by_options(monkeypatch: pytest.MonkeyPatch):
    made: list[dict[str, Any]] = []

    def note(port: int, host: str, options: dict[str, Any]) -> None:
        made.append(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("smscore.cli.sandbox._sandbox", note)
    strict = ["--strict", "sepahan:send=strings", "--strict", "sepahan:since=gregorian"]
    CliRunner().invoke(payamak, ["sandbox", "--port", "0", *strict])
    assert [options["strict"] for options in made] == [{"sepahan": {"send": "strings", "since": "gregorian"}}]


@pytest.mark.parametrize("strict", ["", "sepahan", "nobody:send=strings", "sepahan:send=lists", "sepahan:form=strings"])
def test_a_reading_that_no_document_has_is_wrong_usage(strict: str):
    ran = CliRunner().invoke(payamak, ["sandbox", "--port", "0", "--strict", strict])
    assert (ran.exit_code, "--strict" in ran.stderr) == (2, True)
