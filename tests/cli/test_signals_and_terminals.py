"""The command at a terminal and between signals: Ctrl-C, the question, the progress."""

from __future__ import annotations

import os
import re
import select
import signal
import struct
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from commandline import TOKEN, environment, json_lines, read_rows, run, start, write_mobiles
from faultserver import GOOD, STALL, FaultServer
from freezegun import freeze_time

from smscore.cli import output, streams
from smscore.cli.signals import SIGNALS
from smscore.sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no signals and no pty there")


def at(server: FaultServer) -> dict[str, str]:
    return environment(NAJVA_BASE_URL=server.url, SEPAHAN_BASE_URL=server.url)


def outcomes(path: Path) -> Counter[str]:
    return Counter(row["outcome"] for row in read_rows(path))


def wait_for(condition: Any) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


# Signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_send_after_what_is_under_way(number: signal.Signals, code: int, tmp_path: Path):
    source, out = write_mobiles(tmp_path / "r.csv", 600), tmp_path / "results.csv"
    options = ["--yes", "--batch-size", "10", "--rate-limit", "10", "--text", "سلام", "--out", out, source]
    with Sandbox() as box:
        env = environment(box)
        process = start("send", "-p", "najva", *options, env=env)
        wait_for(lambda: len(box.messages) >= 20)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        arrived = len(box.messages)
        assert process.returncode == code
        assert "Traceback" not in err
        assert 20 <= arrived < 600
        assert outcomes(out) == {"accepted": arrived, "not_sent": 600 - arrived}
        resumed = run("send", "-p", "najva", "--yes", "--text", "سلام", "--resume", out, source, env=env)
        assert resumed.returncode == 0
        assert Counter(message.recipient for message in box.messages).most_common(1)[0][1] == 1
    assert outcomes(out) == {"accepted": 600}


@pytest.mark.skipif(os.name == "nt", reason="no terminals and no such signal there")
def test_a_send_whose_terminal_is_closed_ends_as_by_that_signal(tmp_path: Path):
    source, out = write_mobiles(tmp_path / "r.csv", 600), tmp_path / "results.csv"
    options = ["--yes", "--batch-size", "10", "--rate-limit", "10", "--text", "سلام", "--out", out, source]
    master, slave = os.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"))
    with Sandbox() as box:
        process = start(
            *("send", "-p", "najva", *options), env=environment(box), preexec_fn=lambda: os.login_tty(slave), **streams
        )
        os.close(slave)
        wait_for(lambda: len(box.messages) >= 20)
        os.close(master)
        assert process.wait(30) == 129  # nothing was refused, though there is nobody to be told the summary
        arrived = len(box.messages)
    assert outcomes(out) == {"accepted": arrived, "not_sent": 600 - arrived}


def test_a_second_ctrl_c_abandons_what_is_under_way(tmp_path: Path):
    source, out = write_mobiles(tmp_path / "r.csv", 100), tmp_path / "results.csv"
    options = ["--batch-size", "10", "--concurrency", "2", "--text", "سلام", "--out", out, source]
    with FaultServer([GOOD]) as server:
        server._always = STALL
        process = start("send", "-p", "najva", *options, env=at(server))
        wait_for(lambda: server.count() == 3)
        process.send_signal(signal.SIGINT)
        assert any("Ctrl-C again" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert outcomes(out) == {"accepted": 10, "unknown": 20, "not_sent": 70}


@pytest.mark.parametrize("provider", ["najva", "sepahan"])
def test_after_a_kill_what_was_under_way_is_sent_to_nobody_twice(provider: str, tmp_path: Path):
    source, out = write_mobiles(tmp_path / "r.csv", 100), tmp_path / "results.csv"
    options = ["--batch-size", "10", "--concurrency", "2", "--text", "سلام", source]
    with FaultServer([GOOD]) as server:
        server._always = STALL
        process = start("send", "-p", provider, *options, "--out", out, env=at(server))
        wait_for(lambda: server.count() == 3)
        process.kill()
        process.communicate()
        assert not out.exists()
        server._always = GOOD
        ran = run("send", "-p", provider, *options, "--resume", out, env=at(server))
        assert server.books.taken == 100
        assert max(Counter(number for _, number in server.books.charged.elements()).values()) == 1
    # Sepahan says of a request id whether it has had it; of another's, what was under way stays unknown.
    known = provider == "sepahan"
    assert ran.returncode == (0 if known else 1), ran.stderr
    words = (
        "In progress when the earlier run ended: rows 12-31." if known else "20 unknown, not sent again: rows 12-31."
    )
    assert words in ran.stderr
    assert outcomes(out) == ({"accepted": 100} if known else {"accepted": 80, "unknown": 20})


def test_ctrl_c_in_another_command_exits_with_130():
    with FaultServer(STALL) as server:
        process = start("credit", "-p", "sepahan", env=at(server))
        wait_for(lambda: server.count() == 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in err) == (130, False)


def test_nobody_is_waited_for_after_a_signal_in_frozen_time_either(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streams, "_GRACE", 0.1)
    monkeypatch.setattr(SIGNALS, "count", 0)
    reading, writing = os.pipe()
    watchdog = threading.Timer(30, setattr, (SIGNALS, "count", 2))  # so that a failure does not hang
    with os.fdopen(reading), os.fdopen(writing, "w", encoding="utf-8") as stream, freeze_time("2012-01-14"):
        SIGNALS.count = 1
        watchdog.start()
        with pytest.raises(streams.OutputClosed):
            streams.PatientStream(stream).write(b"x" * 1_000_000)
    watchdog.cancel()
    assert SIGNALS.count == 1


# Terminals


@contextmanager
def terminal(*arguments: str | Path, env: dict[str, str]):
    """The command with a terminal for its standard input and error, and what reads the latter until a text comes."""
    import fcntl
    import pty
    import termios

    def take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    ours, theirs = pty.openpty()
    options = {"stdin": theirs, "stderr": theirs, "start_new_session": True, "preexec_fn": take_terminal}
    process = start(*arguments, env={**env, "TERM": "xterm"}, **options)
    os.close(theirs)
    seen = ""

    def read_until(pattern: str) -> str:
        nonlocal seen
        end = time.monotonic() + 30
        while not re.search(pattern, seen):
            ready, _, _ = select.select([ours], [], [], max(0, end - time.monotonic()))
            assert ready, seen
            seen += os.read(ours, 4096).decode(errors="replace")
        return seen

    try:
        yield process, read_until, lambda text: os.write(ours, text.encode())
    finally:
        process.kill()
        process.communicate()
        os.close(ours)


@pytest.mark.parametrize(("answer", "code", "sent"), [("y\n", 0, 101), ("n\n", 1, 0), ("\n", 1, 0), ("\x03", 130, 0)])
def test_more_than_100_are_asked_about(answer: str, code: int, sent: int, tmp_path: Path):
    source, out = write_mobiles(tmp_path / "r.csv", 101), tmp_path / "results.csv"
    with Sandbox() as box:
        arguments = ["send", "-p", "najva", "--text", "سلام", "--out", out, source]
        with terminal(*arguments, env=environment(box)) as (process, read_until, write):
            read_until(r"Send 101 messages\? \[y/N\]")
            write(answer)
            while answer == "\x03" and process.poll() is None:  # one that comes just before the reading is not seen
                time.sleep(0.2)
                write(answer)
            assert process.wait(30) == code
        assert len(box.messages) == sent
    assert out.exists() == bool(sent)


NARROW = 40


def on_narrow_terminal(*arguments: str | Path) -> tuple[int, list[str]]:
    """The exit code, and the lines that a terminal of few columns gets."""
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, NARROW, 0, 0))
    process = start(*arguments, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    with suppress(OSError):  # EIO: it has ended
        while more := os.read(ours, 4096):
            seen += more
    os.close(ours)
    return process.wait(30), seen.decode().replace("\r", "").splitlines()


def test_lines_are_wrapped_between_words_on_a_narrow_terminal(tmp_path: Path):
    source = tmp_path / "r.csv"
    source.write_text("mobile,name\n09123456789,\u200cبهار\n0912,x\n", encoding="utf-8")
    code, lines = on_narrow_terminal("send", "-p", "najva", "--dry-run", "--text", "سلام", source)
    assert code == 2
    assert max(map(len, lines)) < NARROW
    assert lines[:2] == ["2 rows: 1 message, parts per message:", "  1, total parts: 1."]
    start = lines.index("Cost: a dry run does not ask the")
    assert lines[start + 1] == "  provider, and najva reports it only"
    code, lines = on_narrow_terminal("send", "-p", "najva", "--text", "سلام", "--text-file", source, source)
    assert code == 2
    assert max(map(len, lines)) < NARROW


def test_a_question_is_wrapped_and_its_answers_follow_on_its_last_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(output, "_terminal_width", lambda stream: NARROW)
    asked: list[str] = []
    monkeypatch.setattr(output.click, "confirm", lambda question, err: asked.append(question))
    output.ask(f"{'word ' * 6}Continue?")
    output.ask(f"{'word ' * 5}Continue?")
    assert asked == ["word word word word word word\n  Continue?", "word word word word word\n  Continue?"]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  of a list that has an indentation of its own", "  of a list that has an indentation of\n    its own"),
        (f"see https://example.ir/{'a' * 40}", f"see\n  https://example.ir/{'a' * 40}"),
        ("it-is-not-broken-at-hyphens as some would", "it-is-not-broken-at-hyphens as some\n  would"),
        ("short", "short"),
        ("", ""),
    ],
)
def test_continuation_lines_are_indented_by_two_more_columns(line: str, shown: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(output, "_terminal_width", lambda stream: NARROW)
    assert output.wrapped(line, sys.stdout) == shown


def test_a_terminal_shows_a_bar(tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 100)
    with Sandbox() as box:
        arguments = ["send", "-p", "sepahan", "--text", "سلام", "--batch-size", "10", source]
        with terminal(*arguments, env=environment(box)) as (process, read_until, _):
            shown = read_until("100/100")
            assert process.wait(30) == 0
    assert "\x1b[" in shown
    assert TOKEN not in shown


def test_a_terminal_shows_no_bar_of_nothing(tmp_path: Path):
    source, out = write_mobiles(tmp_path / "r.csv", 1), tmp_path / "results.csv"
    with Sandbox() as box:
        command = ["send", "-p", "sepahan", "--text", "سلام"]
        assert run(*command, "--out", out, source, env=environment(box)).returncode == 0
        with terminal(*command, "--resume", out, source, env=environment(box)) as (process, read_until, _):
            assert process.wait(30) == 0
            assert "sending" not in read_until("Resuming: 1 accepted earlier, 0 to send.")


@pytest.mark.parametrize("more", [[], ["--out", "results.csv"]])
def test_without_a_terminal_more_than_100_need_yes(more: list[str], tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 101)
    with Sandbox() as box:
        env = environment(box)
        refused = run("send", "-p", "najva", "--text", "سلام", *more, source, env=env, cwd=tmp_path)
        assert (refused.returncode, len(box.messages)) == (2, 0)
        assert "--yes" in refused.stderr
        assert not (tmp_path / "results.csv").exists()
        assert run("send", "-p", "najva", "--text", "سلام", "--yes", source, env=env).returncode == 0
        assert len(box.messages) == 101


def test_elsewhere_progress_is_plain_lines(tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 30)
    with Sandbox() as box:
        ran = run("send", "-p", "sepahan", "--text", "سلام", "--batch-size", "10", source, env=environment(box))
    assert "30 of 30 done, 30 accepted\n" in ran.stderr
    assert "\x1b" not in ran.stderr + ran.stdout


def test_a_reader_that_goes_away_stops_the_send_and_what_went_is_reported(tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 2_000)
    with Sandbox() as box:
        options = ["--yes", "--json", "--text", "سلام", "--rate-limit", "20", "--concurrency", "1"]
        process = start("send", "-p", "sepahan", *options, source, env=environment(box))
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 141
        (note,) = json_lines(process.stderr.read())
        assert note["text"].startswith(f"2,000 messages: {len(box.messages):,} accepted, ")
        process.stderr.close()
        process.stdin.close()
        assert len(box.messages) < 2_000


@pytest.mark.parametrize("more", [[], ["--json"]])
@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_streams_that_are_closed_do_not_spoil_a_send(closed: list[int], more: list[str], tmp_path: Path):
    source, out = write_mobiles(tmp_path / "r.csv", 3), tmp_path / "results.csv"

    def close():
        for number in closed:
            os.close(number)

    with Sandbox() as box:
        arguments = ["send", "-p", "najva", "--text", "سلام", *more, "--out", out, source]
        ran = run(*arguments, env=environment(box), preexec_fn=close)
    assert (ran.returncode, outcomes(out)) == (0, {"accepted": 3})


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_results_file_may_have_a_name_that_is_not_unicode(more: list[str], tmp_path: Path):
    source, out = write_mobiles(tmp_path / "r.csv", 3), Path(os.fsdecode(os.fsencode(tmp_path) + b"/res\xe9.csv"))
    try:
        out.touch()
    except OSError:
        pytest.skip("no such names on this disk")
    out.unlink()
    with Sandbox() as box:
        ran = run("send", "-p", "najva", "--text", "سلام", *more, "--out", out, source, env=environment(box))
    assert (ran.returncode, outcomes(out)) == (0, {"accepted": 3})
    if more:
        assert json_lines(ran.stdout, "summary")[0]["results"].endswith(r"res\udce9.csv")


# The disk


@pytest.mark.parametrize("size", [2_000, 100_000, 140_000, 150_000])
def test_a_full_disk_stops_the_send_and_is_reported(size: int, tmp_path: Path):
    import resource

    source, out = write_mobiles(tmp_path / "r.csv", 400), tmp_path / "results.csv"
    options = ["--yes", "--text", "سلام", "--batch-size", "20", "--concurrency", "1", source]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    with Sandbox() as box:
        env = environment(box, TMPDIR=os.fspath(tmp_path))
        ran = run("send", "-p", "sepahan", *options, "--out", out, env=env, preexec_fn=limit)
        sent = len(box.messages)
        assert "Traceback" not in ran.stderr
        assert "on_batch" not in ran.stderr
        if size <= 100_000:  # the plan itself does not fit, or the queue of all
            assert (ran.returncode, sent, [*tmp_path.glob("results*")]) == (1 if size == 2_000 else 2, 0, [])
            return
        assert ran.returncode == 1
        assert "so the send was stopped" in ran.stderr
        assert 0 < sent < 400
        written = outcomes(out)
        assert written["accepted"] + written["unknown"] == sent
        assert written["unknown"] <= 20
        assert written.total() == 400
        resumed = run("send", "-p", "sepahan", *options, "--resume", out, env=env)
        assert resumed.returncode == 0, resumed.stderr
        assert Counter(message.recipient for message in box.messages).most_common(1)[0][1] == 1
        assert len(box.messages) == 400
    assert outcomes(out) == {"accepted": 400}
