"""Standard output that nobody reads: the exit code says so, and what a command did is not lost with it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commandline import PAYAMAK, environment, write_mobiles

from smscore.sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")

PATTERN = ["pattern", "-p", "najva", "09121234567", "login", "token=1"]


@contextmanager
def unread_pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


def run_unread(box: Sandbox, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*PAYAMAK, *map(str, arguments)]
    with unread_pipe() as out:
        return subprocess.run(
            command, env=environment(box), stdout=out, stderr=subprocess.PIPE, encoding="utf-8", timeout=60, check=False
        )


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["words", "json"])
@pytest.mark.parametrize("command", ["doctor", "credit"])
def test_a_command_whose_output_nobody_reads_says_nothing_and_exits_with_141(command: str, more: list[str]):
    with Sandbox() as box:
        ran = run_unread(box, command, "-p", "sepahan", *more)
    assert (ran.returncode, ran.stderr) == (141, "")


def test_a_reader_that_has_enough_ends_the_command_with_141():
    with Sandbox() as box:
        ids = ["1"] * 20_000  # more than a pipe holds
        process = subprocess.Popen(
            [*PAYAMAK, "status", "-p", "najva", "-"],
            env=environment(box),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write("\n".join(ids))
        process.stdin.close()
        assert process.stdout.readline()
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (141, "")
        process.stderr.close()


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["words", "json"])
def test_what_was_sent_is_told_on_standard_error_if_nobody_reads_the_output(more: list[str]):
    with Sandbox() as box:
        ran = run_unread(box, *PATTERN, *more)
        (message,) = box.messages
    assert ran.returncode == 141
    assert "accepted" in ran.stderr
    assert str(message.message_id) in ran.stderr


def test_a_send_whose_output_nobody_reads_tells_its_summary_on_standard_error(tmp_path: Path):
    with Sandbox() as box:
        ran = run_unread(box, "send", "-p", "najva", "--text", "سلام", write_mobiles(tmp_path / "r.csv", 3))
        assert len(box.messages) == 3
    assert ran.returncode == 141
    assert "3 messages: 3 accepted." in ran.stderr


@pytest.mark.parametrize("descriptors", [">&-", ">&- 2>&- <&-"], ids=["output", "all"])
def test_closed_standard_streams_change_no_exit_code(descriptors: str):
    with Sandbox() as box:
        shell = f'exec "$@" {descriptors}'
        command = ["sh", "-c", shell, "sh", *PAYAMAK, "doctor", "-p", "sepahan"]
        assert subprocess.run(command, env=environment(box), timeout=60, check=False).returncode == 0
