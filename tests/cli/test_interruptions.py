"""Ctrl-C and SIGTERM at awkward moments: no traceback, and the summary or its absence is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from commandline import PAYAMAK, environment, json_lines, read_rows, run, write_mobiles
from faultserver import GOOD, STALL, FaultServer
from wide import one_of_each

from smscore.sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no such signals there")

STREAMS = ("stdout", "stderr")
MAIN = "from smscore.cli import main; main()"


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def ran_with(prelude: str, *arguments: str | Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The command after these lines of Python, in a process of its own."""
    command = [sys.executable, "-c", f"{prelude}\n{MAIN}", *map(str, arguments)]
    return subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)


# During the imports

IMPORTING = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            for _ in range({times}):
                os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    "name", ["click", "smscore.cli.commands", "smscore.cli.ask.answers", "smscore.calls.transport"]
)
def test_ctrl_c_during_the_imports_leaves_without_a_traceback(name: str, times: int):
    with FaultServer(GOOD) as server:
        env = environment(SEPAHAN_BASE_URL=server.url)
        ran = ran_with(IMPORTING.format(name=name, times=times), "credit", "-p", "sepahan", env=env)
    assert (ran.returncode, ran.stdout, ran.stderr.strip()) == (130, "", "Interrupted.")


@pytest.mark.parametrize("name", ["smscore", "smscore.wire", "aiohttp", "smscore.cli.signals"])
@pytest.mark.parametrize("arguments", [["-c", "from payamak import main; main()"], ["-m", "payamak"]], ids=" ".join)
def test_ctrl_c_before_anything_is_imported_leaves_without_a_traceback(arguments: list[str], name: str, tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text(IMPORTING.format(name=name, times=1))
    env = environment(PYTHONPATH=os.pathsep.join([os.fspath(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    command = [sys.executable, *arguments, "credit", "-p", "sepahan"]
    ran = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (130, "")
    assert ran.stderr.strip() in ("", "Interrupted.")


# While a send ends

ENDING = """
import os, signal
import {module}

real = {place}

def interrupted(*given, **options):
    for _ in range({times}):
        os.kill(os.getpid(), signal.SIGINT)
    return real(*given, **options)

{place} = interrupted
"""

PLACES = {
    "closing": ("najva_sms", "najva_sms.AsyncNajva.aclose"),
    "the end of the loop": ("asyncio.base_events", "asyncio.base_events.BaseEventLoop.shutdown_asyncgens"),
    "writing the rest": ("smscore.cli.send.sending", "smscore.cli.send.sending.Sending.finish"),
    "summing up": ("smscore.cli.send.ending", "smscore.cli.send.ending.summary_words"),
}


@pytest.mark.parametrize("times", one_of_each([1, 3, 2, 7], kind=lambda times: times >= 3))
@pytest.mark.parametrize(("module", "place"), PLACES.values(), ids=PLACES.keys())
def test_ctrl_c_while_a_send_ends_tells_the_summary_or_its_absence(module: str, place: str, times: int, tmp_path: Path):
    source, out = write_mobiles(tmp_path / "r.csv", 3), tmp_path / "results.csv"
    with Sandbox() as box:
        prelude = ENDING.format(module=module, place=place, times=times)
        ran = ran_with(prelude, "send", "-p", "najva", "--text", "سلام", "--out", out, source, env=environment(box))
        assert len(box.messages) == 3
        if times >= 3:
            assert not out.exists() or place != PLACES["closing"][1]
            resume = ["send", "-p", "najva", "--text", "سلام", "--resume", out, source]
            assert run(*resume, env=environment(box)).returncode == 0
            assert len(box.messages) == 3
    assert ran.returncode == 130, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Unclosed" not in ran.stderr
    if times < 3:
        assert "3 messages: 3 accepted." in ran.stdout
    else:
        assert "without a summary. results.csv.queue records every row; --resume results.csv" in ran.stderr
    assert [row["outcome"] for row in read_rows(out)] == ["accepted"] * 3


def test_an_end_without_a_summary_is_told_to_scripts_too(tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 3)
    with Sandbox() as box:
        prelude = ENDING.format(module=PLACES["closing"][0], place=PLACES["closing"][1], times=3)
        ran = ran_with(prelude, "send", "-p", "najva", "--json", "--text", "سلام", source, env=environment(box))
    assert (ran.returncode, json_lines(ran.stdout, "summary")) == (130, [])
    assert "Requests in progress may have been sent" in json_lines(ran.stderr)[-1]["text"]


def test_a_second_ctrl_c_in_a_call_that_sends_nothing_leaves_at_once(tmp_path: Path):
    with FaultServer(STALL) as server:
        env = environment(SEPAHAN_BASE_URL=server.url)
        prelude = ENDING.format(module="sepahan_sms", place="sepahan_sms.AsyncSepahan.credit", times=2)
        ran = ran_with(prelude, "credit", "-p", "sepahan", env=env)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "Interrupted.\n")


# With a reader that reads nothing


class FullPipe:
    """A pipe that is full, and that nobody reads."""

    def __init__(self) -> None:
        self._reading, self.end = os.pipe()
        os.set_blocking(self.end, False)
        for size in (4096, 1):
            with suppress(BlockingIOError):
                while True:
                    os.write(self.end, b"x" * size)
        os.set_blocking(self.end, True)

    def make_room(self) -> None:
        """Room for some 4 KiB: a pipe takes no more once something is in its last page."""
        os.read(self._reading, 8192)

    def close(self) -> None:
        os.close(self._reading)
        os.close(self.end)


@pytest.fixture
def full_pipe() -> Iterator[FullPipe]:
    with closing(FullPipe()) as pipe:
        yield pipe


def started(*arguments: str | Path, env: dict[str, str], **streams: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*PAYAMAK, *map(str, arguments)], env=env, stdin=subprocess.DEVNULL, **streams)


def ended(process: subprocess.Popen[bytes]) -> int:
    """The exit code; a process that does not end is killed."""
    try:
        return process.wait(60)
    finally:
        process.kill()
        process.wait()


ENDS = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


@ENDS
def test_one_signal_ends_a_send_whose_results_nobody_reads(
    number: signal.Signals, code: int, full_pipe: FullPipe, tmp_path: Path
):
    full_pipe.make_room()  # for the plan and a batch, and not for two
    source = write_mobiles(tmp_path / "r.csv", 60)
    options = ["--json", "--text", "سلام", "--batch-size", "10", "--concurrency", "1", source]
    with FaultServer() as server:
        streams = {"stdout": full_pipe.end, "stderr": full_pipe.end}
        process = started("send", "-p", "najva", *options, env=environment(NAJVA_BASE_URL=server.url), **streams)
        wait_for(lambda: server.count() >= 2)
        process.send_signal(number)
        assert ended(process) == code
        assert server.count() < 6


@ENDS
def test_one_signal_ends_a_send_whose_summary_nobody_reads(
    number: signal.Signals, code: int, full_pipe: FullPipe, tmp_path: Path
):
    source, out = write_mobiles(tmp_path / "r.csv", 60), tmp_path / "results.csv"
    with FaultServer() as server:
        env = environment(NAJVA_BASE_URL=server.url)
        arguments = ["send", "-p", "najva", "--text", "سلام", "--out", out, source]
        process = started(*arguments, env=env, stdout=full_pipe.end, stderr=subprocess.PIPE)
        wait_for(lambda: server.count() >= 1)
        process.send_signal(number)
        assert ended(process) == code
    assert b"60 messages: 60 accepted." in process.stderr.read()
    process.stderr.close()


WAITING = """
import pathlib
from smscore.cli.streams import PatientStream

real = PatientStream._wait

def wait(stream):
    pathlib.Path({marker!r}).touch()
    real(stream)

PatientStream._wait = wait
"""


@pytest.mark.parametrize(
    "arguments",
    [["credit", "-p", "sepahan"], ["credit"], ["--help"], ["demo"], ["sandbox", "--port", "0"], ["completion", "bash"]],
    ids=" ".join,
)
def test_ctrl_c_ends_every_command_whose_output_nobody_reads(arguments: list[str], full_pipe: FullPipe, tmp_path: Path):
    marker = tmp_path / "waiting"
    with FaultServer() as server:
        command = [sys.executable, "-c", f"{WAITING.format(marker=os.fspath(marker))}\n{MAIN}", *arguments]
        env = environment(SEPAHAN_BASE_URL=server.url)
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, **dict.fromkeys(STREAMS, full_pipe.end))
        wait_for(marker.exists)
        process.send_signal(signal.SIGINT)
        assert ended(process) == 130
