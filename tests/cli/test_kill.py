"""A send that is killed in the middle: its files tell of every row, and a resume sends nobody twice."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from commandline import environment, mobiles, read_rows, run, start, write_mobiles

from smscore.sandbox import Sandbox

ROWS = 8_000

pytestmark = [pytest.mark.exhaustive, pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")]


def out_or_resume(results: Path) -> list[str | Path]:
    queue = results.with_name(results.name + ".queue")
    if queue.exists() and not holds_a_send(queue):  # killed while the queue was made
        queue.unlink()
    return ["--resume" if queue.exists() else "--out", results]


def holds_a_send(queue: Path) -> bool:
    with closing(sqlite3.connect(queue)) as database:
        return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'payamak_send'").fetchall())


def delivered(box: Sandbox) -> Counter[str]:
    return Counter(message.recipient for message in box.messages)


@pytest.mark.parametrize(("provider", "results"), [("sepahan", "results.csv"), ("najva", "results.jsonl")])
def test_killed_at_random_moments_it_sends_nobody_twice_and_loses_nobody(provider: str, results: str, tmp_path: Path):
    source = write_mobiles(tmp_path / "recipients.csv", ROWS)
    out = tmp_path / results
    chance = random.Random()
    kills = 0
    with Sandbox() as box:
        env = environment(box)
        options = ["--yes", "--concurrency", "4", "--batch-size", "50", "--text", "سلام", source]
        for _ in range(6):
            goal = len(box.messages) + chance.randrange(ROWS // 10)
            process = start("send", "-p", provider, *options, *out_or_resume(out), env=env)
            while process.poll() is None and len(box.messages) < goal:
                time.sleep(0.005)
            process.kill()
            process.communicate()
            kills += process.returncode < 0
            assert max(delivered(box).values(), default=0) <= 1
        ran = run("send", "-p", provider, *options, *out_or_resume(out), env=env)
        received = delivered(box)
    rows = {row["row"]: row for row in read_rows(out)}
    outcomes = Counter(row["outcome"] for row in rows.values())
    assert kills >= 2
    assert ran.returncode == (1 if outcomes["unknown"] else 0), ran.stderr
    assert sorted(rows) == list(range(2, ROWS + 2))
    assert len(read_rows(out)) == ROWS
    assert [rows[row]["recipient"] for row in sorted(rows)] == ["+98" + number[1:] for number in mobiles(ROWS)]
    assert outcomes["accepted"] + outcomes["unknown"] == ROWS
    assert set(received.values()) == {1}
    assert {row["recipient"] for row in rows.values() if row["outcome"] == "accepted"} <= received.keys()
    ids = Counter(row["message_id"] for row in rows.values() if row["message_id"])
    assert max(ids.values()) == 1
    if provider == "sepahan":  # a repeat with the same request id finds out
        assert outcomes == {"accepted": ROWS}
