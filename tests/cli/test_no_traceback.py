"""Whatever a command is given, and wherever its output goes, it ends in words and an exit code, in no traceback."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from commandline import PAYAMAK, environment, write_mobiles, write_xlsx

from smscore.cli.commands import payamak
from smscore.sandbox import Sandbox

pytestmark = [pytest.mark.exhaustive, pytest.mark.skipif(os.name == "nt", reason="pipes and modes of POSIX")]

SEND = ["send", "-p", "najva", "--text", "سلام"]
P2P = ["p2p", "-p", "najva", "--template", "{name}"]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files as people have them, and as they should not be."""
    folder = tmp_path_factory.mktemp("odd")
    write_mobiles(folder / "good.csv", 2)
    write_mobiles(folder / "taken.csv", 2)
    write_xlsx(folder / "good.xlsx", a=[["mobile"], ["09121234567"]])
    (folder / "folder").mkdir()
    (folder / "folder.csv").mkdir()
    (folder / "empty").touch()
    (folder / "empty.xlsx").touch()
    (folder / "noise.csv").write_bytes(bytes(range(256)) * 50)
    (folder / "noise.xlsx").write_bytes(b"PK\x03\x04" + bytes(range(256)) * 50)
    (folder / "cut.xlsx").write_bytes((folder / "good.xlsx").read_bytes()[:-200])
    (folder / "windows.csv").write_bytes("name,mobile\r\nعلی,09121234567\r\n".encode())
    (folder / "windows.txt").write_bytes("سلام\r\n".encode())
    (folder / "noise.txt").write_bytes(b"\xff\xfe\x00\xd8")
    (folder / "locked.csv").write_bytes((folder / "good.csv").read_bytes())
    (folder / "locked.csv").chmod(0)
    (folder / "token").write_text("two words")
    (folder / "loop.csv").symlink_to("loop.csv")
    (folder / "file.db").write_bytes(b"no database" * 100)
    return folder


NO_TEXT = "\udcff"  # a byte of the command line that is no UTF-8
LONG = "a" * 300
NO_FILES = ["folder", "nowhere", "empty", "locked.csv", "loop.csv", "noise.txt", "", NO_TEXT]
NO_SOURCES = [
    *("folder.csv", "empty.xlsx", "noise.csv", "noise.xlsx", "cut.xlsx", "windows.csv", "good.csv/x", "x\ny.csv"),
    *("/dev/null", "-", "09121234567", LONG, *NO_FILES),
]
NO_RESULTS = ["folder.csv", "nowhere/o.csv", "taken.csv", "o.txt", f"{LONG}.csv", "loop.csv", *NO_FILES]
NO_URLS = ["", "x", "http://[", "https://a b", "ftp://x", "socks5://x", "http://x:99999", NO_TEXT]

# Arguments, and what one more argument may be
ODD_LAST: list[tuple[list[str], list[str]]] = [
    (SEND, NO_SOURCES),
    (P2P, NO_SOURCES),
    ([*SEND, "good.csv", "--out"], [*NO_RESULTS, "/dev/full"]),
    ([*SEND, "good.csv", "--resume"], NO_RESULTS),
    ([*SEND, "good.csv", "--column"], ["0", "-1", "99", "", "نام", NO_TEXT]),
    ([*SEND, "good.csv", "--sheet"], ["x", ""]),
    ([*SEND, "good.xlsx", "--sheet"], ["x", "", NO_TEXT]),
    ([*SEND, "good.csv", "--encoding"], ["klingon", "", NO_TEXT]),
    ([*SEND, "good.csv", "--rate-limit"], ["0", "-1", "nan", "inf", "x"]),
    ([*SEND, "good.csv", "--batch-size"], ["0", "9" * 30, "x"]),
    ([*SEND, "good.csv", "--from"], ["", "x", NO_TEXT]),
    ([*SEND, "good.csv", "--file-id"], ["", NO_TEXT]),
    (["send", "-p", "ippanel", "--text", "a", "good.csv", "--send-time"], ["x", "", "2026-01-01T00:00"]),
    (["send", "-p", "najva", "good.csv", "--text"], ["", NO_TEXT]),
    (["send", "--text", "a", "good.csv", "-p"], ["", "x", NO_TEXT]),
    (["send", "-p", "najva", "good.csv", "--text-file"], [*NO_FILES, "windows.txt"]),
    (["p2p", "-p", "najva", "good.csv", "--template-file"], NO_FILES),
    (["p2p", "-p", "najva", "good.csv", "--template"], ["{", "{x}", "{0}", "", NO_TEXT]),
    (["price", "-p", "ippanel", "--text-file"], NO_FILES),
    (["credit", "-p", "sepahan", "--token-file"], [*NO_FILES, "token"]),
    (["credit", "-p", "sepahan", "--base-url"], NO_URLS),
    (["credit", "-p", "sepahan", "--proxy"], NO_URLS),
    (["status", "-p", "najva"], ["x", "-", "", "9" * 30, "۱۲", NO_TEXT]),
    (["status", "-p", "najva", "--results"], [*NO_RESULTS, "noise.csv"]),
    (["status", "-p", "najva", "1", "--out"], NO_RESULTS),
    (["pattern", "-p", "najva"], ["x", NO_TEXT]),
    (["pattern", "-p", "najva", "09123456789"], ["", "x", NO_TEXT]),
    (
        ["pattern", "-p", "najva", "09123456789", "login"],
        ["", "x", "=x", "code=1", "token=", "token=" + NO_TEXT, NO_TEXT],
    ),
    (["pattern", "-p", "ippanel", "09123456789"], ["", "x", NO_TEXT]),
    (["cancel", "-p", "ippanel"], ["x", "9" * 40, "0"]),
    (["check-request", "-p", "sepahan"], ["", "a b", LONG, NO_TEXT]),
    (["receive", "-p", "sepahan", "--since"], ["x", "", "9999-99-99"]),
    (["receive", "-p", "sepahan", "--number"], ["", NO_TEXT]),
    (["receive", "-p", "ippanel", "--after-id"], ["x", "-1", "9" * 40]),
    (["upload", "-p", "najva"], NO_FILES),
    (["sandbox", "--port"], ["x", "-1", "70000"]),
    (["sandbox", "--port", "0", "--store"], ["folder", "file.db", "nowhere/x.db", "loop.csv"]),
    (["sandbox", "--host"], ["", "x y", NO_TEXT]),
    (["completion"], ["x", ""]),
    ([], ["x", "", "--x"]),
]
ODD = [[*before, last] for before, lasts in ODD_LAST for last in lasts]


def is_told(text: str) -> bool:
    return not [word for word in ("Traceback", "Exception ignored", "Unexpected error", "Fatal") if word in text]


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["words", "json"])
def test_odd_input_ends_in_words(more: list[str], folder: Path, box: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    failed = list[tuple[list[str], int, str]]()
    for arguments in ODD:
        ran = CliRunner().invoke(payamak, [*arguments, *more], env=environment(box), input="")
        ended = ran.exception is None or isinstance(ran.exception, SystemExit)
        if not ended or not is_told(ran.output) or ran.exit_code not in range(5):
            failed.append((arguments, ran.exit_code, ran.output))
    assert failed == []


# Where the output goes

COMMANDS = [
    [*SEND, "good.csv"],
    [*SEND, "good.csv", "--dry-run"],
    [*SEND, "nowhere.csv"],
    ["credit", "-p", "sepahan"],
    ["status", "-p", "najva", "1"],
    ["receive", "-p", "sepahan"],
    ["pattern", "-p", "najva", "09121234567", "login", "token=1"],
    ["doctor", "-p", "sepahan"],
    ["demo"],
    ["completion", "bash"],
    ["--help"],
    ["--version"],
    ["x"],
]


def broken_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


PLACES: dict[str, tuple[Callable[[], int], int]] = {
    "a pipe that nobody reads": (broken_pipe, 141),
    "a full disk": (lambda: os.open("/dev/full", os.O_WRONLY), 1),
}
WITHOUT_OUTPUT = {"nowhere.csv": 2, "x": 2, "receive": 0}
"""What a command exits with that has nothing to print on standard output, by one of its arguments."""


@pytest.mark.parametrize("both", [False, True], ids=["out", "out and err"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_output_that_goes_nowhere_ends_in_an_exit_code(
    arguments: list[str], place: str, both: bool, folder: Path, box: Sandbox
):
    open_place, code = PLACES[place]
    descriptor = open_place()
    try:
        ran = subprocess.run(
            [*PAYAMAK, *arguments],
            cwd=folder,
            env=environment(box),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor if both else subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(descriptor)
    assert ran.returncode == next((WITHOUT_OUTPUT[one] for one in arguments if one in WITHOUT_OUTPUT), code)
    assert both or is_told(ran.stderr.decode())


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["words", "json"])
def test_a_locale_without_persian_is_not_a_hindrance(more: list[str], folder: Path, box: Sandbox):
    env = environment(box, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    command = [*PAYAMAK, *P2P, *more, "--dry-run", "windows.csv"]
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert (ran.returncode, "علی" in ran.stdout, ran.stderr) == (0, True, "")
