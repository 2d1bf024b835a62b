"""``payamak queue``: campaigns from files, workers that signals end in order, and what is shown of them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from commandline import environment, json_lines, mobiles, start, write_csv, write_mobiles
from python_calamine import CalamineWorkbook

from smscore.cli.queue.options import duration, moment
from smscore.cli.queue.show import Pace, View, _lines
from smscore.queue.model import Account, Campaign, CampaignState, Counts
from smscore.queue.store.reading import InProgress
from smscore.sandbox import Sandbox

Queue = Callable[..., Result]
DB = ("--db", "sqlite:///sms.db")
SHOP = ("--account", "shop=najva")


@pytest.fixture
def queue(command: Callable[..., Result]) -> Queue:
    """``payamak queue`` on a file in the test's folder."""
    return lambda *arguments, **options: command("queue", *arguments, *DB, **options)


@pytest.fixture
def added(queue: Queue, tmp_path: Path) -> Queue:
    """The same, with a campaign of 30 in it."""
    write_mobiles(tmp_path / "n.csv", 30)
    ran = queue("add", "nowruz", "n.csv", *SHOP, "--text", "سلام")
    assert ran.exit_code == 0, ran.stderr
    return queue


@pytest.fixture
def working(box: Sandbox, tmp_path: Path) -> Iterator[Callable[..., object]]:
    """A worker in a process of its own, which is killed at the end."""
    processes = []

    def begin(*more: str, **options):
        process = start("queue", "work", *SHOP, *DB, *more, env=environment(box), cwd=tmp_path, **options)
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def shown(queue: Queue) -> dict[str, object]:
    (record,) = json_lines(queue("show", "nowruz", "--json").stdout)
    return record


def test_a_campaign_is_added_sent_shown_and_exported(added: Queue, working, box: Sandbox):
    again = added("add", "nowruz", "n.csv", *SHOP, "--text", "سلام")
    assert again.stdout == "nowruz was added before: 30 messages for shop, queued. Nothing new.\n"
    worker = working()
    until(lambda: shown(added)["state"] == "done")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert sorted(message.recipient for message in box.messages) == [f"+98{number[1:]}" for number in mobiles(30)]
    assert "30 of 30 messages" in added("show", "nowruz").stdout
    rows = [*csv.DictReader(io.StringIO(added("export", "nowruz").stdout))]
    assert [(row["recipient"], row["outcome"]) for row in rows] == [
        (f"+98{number[1:]}", "accepted") for number in mobiles(30)
    ]
    assert [row["message_id"] for row in rows] == [str(message.message_id) for message in box.messages]


def test_each_gets_a_text_of_their_own_by_a_template(queue: Queue, working, box: Sandbox, tmp_path: Path):
    write_csv(tmp_path / "n.csv", [("name", "mobile"), ("علی", "09121234567"), ("مریم", "09351234567")])
    assert queue("add", "k", "n.csv", *SHOP, "--template", "سلام {name}").exit_code == 0
    working()
    until(lambda: len(box.messages) == 2)
    assert sorted(message.text for message in box.messages) == ["سلام علی", "سلام مریم"]


def test_the_same_key_with_another_text_is_refused(added: Queue):
    ran = added("add", "nowruz", "n.csv", *SHOP, "--text", "پیام دیگر")
    assert ran.exit_code == 2
    assert "پیام دیگر" not in ran.stderr


def test_an_invalid_row_adds_nothing_unless_it_is_skipped(queue: Queue, tmp_path: Path):
    write_csv(tmp_path / "n.csv", [("mobile",), ("09121234567",), ("021",)])
    ran = queue("add", "k", "n.csv", *SHOP, "--text", "سلام")
    assert (ran.exit_code, queue("list", "--json").stdout) == (2, "")
    assert "--skip-bad" in ran.stderr
    assert "1 message for shop" in queue("add", "k", "n.csv", *SHOP, "--text", "سلام", "--skip-bad").stdout


def test_a_pause_a_resume_and_a_cancel_are_told_with_their_reason(added: Queue):
    assert added("pause", "nowruz", "--reason", "stock").stdout == "nowruz  shop  paused: stock  30 messages\n"
    assert added("list", "--state", "paused").stdout.startswith("nowruz  shop  paused")
    assert added("resume", "#1").stdout == "nowruz  shop  queued  30 messages\n"
    assert "cancelled" in added("cancel", "nowruz").stdout
    (row, *_) = csv.DictReader(io.StringIO(added("export", "nowruz").stdout))
    assert (row["outcome"], row["error"]) == ("not_sent", "NotAttempted")


@pytest.mark.parametrize("change", ["pause", "resume", "cancel"])
def test_a_change_of_a_finished_campaign_says_that_nothing_was_changed(change: str, added: Queue, working):
    working()
    until(lambda: shown(added)["state"] == "done")
    ran = added(change, "nowruz")
    assert (ran.exit_code, ran.stdout) == (1, "nowruz  shop  done  30 messages\n")
    assert ran.stderr == "nowruz has already finished: it is done. Nothing was changed.\n"


def test_a_cancelled_campaign_may_be_cancelled_again_but_not_resumed(added: Queue):
    assert [added("cancel", "nowruz").exit_code for _ in range(2)] == [0, 0]
    ran = added("resume", "nowruz", "--json")
    assert ran.exit_code == 1
    assert "it is cancelled. Nothing was changed." in ran.stderr


def test_the_list_says_why_the_account_of_a_campaign_is_held(added: Queue):
    added("hold", "shop", "--reason", "no credit")
    held = "nowruz  shop  queued, account held until it is released: no credit  30 messages\n"
    assert added("list").stdout == held
    (record,) = json_lines(added("list", "--json").stdout)
    assert (record["state"], record["account_state"]["held"]) == ("queued", True)
    assert added("pause", "nowruz").stdout == "nowruz  shop  paused: paused manually  30 messages\n"
    assert added("resume", "nowruz").stdout == held
    added("release", "shop")
    assert added("list").stdout == "nowruz  shop  queued  30 messages\n"


def test_a_held_account_says_until_when_and_why(added: Queue):
    assert "shop: held until it is released. no credit" in added("hold", "shop", "--reason", "no credit").stdout
    shown = added("show", "nowruz").stdout
    assert "Account shop: held" in shown
    assert "Once the cause is removed: payamak queue release shop" in shown
    assert added("release", "shop").stdout == "shop: not held.\n"


def test_a_misspelt_account_is_refused_with_the_accounts_that_are_there(added: Queue):
    ran = added("hold", "shap")  # no worker has registered shop yet
    assert ran.exit_code == 2
    assert "Unknown account. This queue has shop." in ran.stderr


def test_suppressed_numbers_are_left_out_until_that_is_undone(added: Queue, working, box: Sandbox):
    assert added("suppress", "-", input=mobiles(1)[0]).stdout == "1 number: sent nothing from now on.\n"
    working()
    until(lambda: shown(added)["state"] == "done")
    assert shown(added)["counts"]["not_sent"] == 1  # type: ignore[index]
    assert len(box.messages) == 29
    assert added("suppress", "--undo", "-", input=mobiles(1)[0]).stdout == "1 number: sent to again.\n"


@pytest.mark.parametrize("kind", [".jsonl", ".csv", ".xlsx"])
def test_results_go_into_a_new_file_readable_by_its_owner(kind: str, added: Queue, tmp_path: Path):
    added("cancel", "nowruz")
    out = tmp_path / f"r{kind}"
    ran = added("export", "nowruz", "--out", out, "--outcome", "not_sent")
    assert ran.stdout == f"r{kind}: 30 results.\n"
    assert out.stat().st_mode & 0o077 == 0
    read = {
        ".jsonl": lambda: [json.loads(line)["recipient"] for line in out.read_text("utf-8").splitlines()],
        ".csv": lambda: [row["recipient"] for row in csv.DictReader(io.StringIO(out.read_text("utf-8-sig")))],
        ".xlsx": lambda: [row[0] for row in CalamineWorkbook.from_path(out).get_sheet_by_index(0).to_python()[1:]],
    }
    assert read[kind]() == [f"+98{number[1:]}" for number in mobiles(30)]
    assert added("export", "nowruz", "--out", out).exit_code == 2


def test_old_campaigns_lose_their_numbers_and_keep_their_counts(added: Queue):
    added("cancel", "nowruz")
    pruned = added("prune", "--older-than", "0s")
    assert (pruned.exit_code, "1 campaign pruned" in pruned.stdout) == (0, True)
    assert shown(added)["counts"]["not_sent"] == 30  # type: ignore[index]
    assert mobiles(1)[0][1:] not in added("export", "nowruz").stdout


def test_a_worker_follows_deliveries_and_fetches_inbound_messages(added: Queue, working, box: Sandbox):
    box.feed("sepahan", sender="09121234567", number="50003300", text="لغو")
    worker = working("--track", "1s", "--receive", "1s", "--account", "lines=sepahan")
    until(lambda: shown(added)["state"] == "done")
    box.advance(3_600)
    until(lambda: sum(shown(added)["counts"]["deliveries"].values()) == 30)  # type: ignore[index]
    until(lambda: added("inbound", "lines").stdout != "")
    worker.send_signal(signal.SIGINT)
    assert worker.wait() == 0


def is_sending(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "sms.db")) as database:
        return database.execute("SELECT 1 FROM payamak_batch WHERE state = 'sending'").fetchone() is not None


@pytest.mark.skipif(os.name == "nt", reason="no terminals and no such signal there")
def test_a_closed_terminal_ends_a_worker_after_the_batches_in_progress(added: Queue, box: Sandbox, tmp_path: Path):
    box.fail("delay", provider="najva", seconds=3)
    master, slave = os.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"))
    worker = start(
        *("queue", "work", *SHOP, *DB, "--track", "1s"),
        env=environment(box),
        cwd=tmp_path,
        preexec_fn=lambda: os.login_tty(slave),
        **streams,
    )
    os.close(slave)
    until(lambda: is_sending(tmp_path))
    os.close(master)
    for _ in range(3):  # the shell's, and systemd's
        worker.send_signal(signal.SIGHUP)
        time.sleep(0.1)
    assert worker.wait(60) == 0
    counts = shown(added)["counts"]
    assert (counts["accepted"], counts["unknown"]) == (30, 0)  # type: ignore[index]


@pytest.mark.skipif(os.name == "nt", reason="no such signal there")
def test_a_worker_under_nohup_goes_on_when_the_terminal_is_closed(added: Queue, working, tmp_path: Path):
    worker = working(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert "Sending for" in worker.stderr.readline()
    worker.send_signal(signal.SIGHUP)
    until(lambda: shown(added)["state"] == "done")
    assert worker.poll() is None
    worker.send_signal(signal.SIGTERM)
    assert worker.wait() == 0


def test_a_worker_touches_its_health_file_and_says_for_whom_it_sends(working, tmp_path: Path):
    worker = working("--health", "health", "--account", "codes=ippanel")
    assert "Sending for shop, codes." in worker.stderr.readline()
    until((tmp_path / "health").exists)
    worker.send_signal(signal.SIGINT)
    assert worker.wait() == 0


def test_a_worker_says_that_an_account_is_held_and_that_it_is_released(added: Queue, working, box: Sandbox):
    box.fail("expired_token", provider="najva")
    worker = working()
    assert "Sending for" in worker.stderr.readline()
    assert "shop: held until it is released. AuthenticationError" in worker.stderr.readline()
    assert "payamak queue release shop" in worker.stderr.readline()
    box.clear_faults()
    added("release", "shop")
    assert worker.stderr.readline() == "shop: not held.\n"
    until(lambda: shown(added)["state"] == "done")


def test_a_worker_reads_its_tokens_by_the_accounts_name_first(queue: Queue, box: Sandbox):
    env = environment(box)
    del env["NAJVA_TOKEN"]
    ran = queue("work", *SHOP, env=env)
    assert ran.exit_code == 2
    assert "SHOP_TOKEN or NAJVA_TOKEN" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "nothing"), "payamak queue list"),
        (("work", "--account", "shop=nobody"), "unknown provider"),
        (("work", *SHOP, *SHOP), "given twice"),
        (("prune", "--older-than", "90"), "a number and a unit"),
        (("hold", "shop", "--until", "2026-03-21T09:30"), "offset from UTC"),
        (("add", "k", "-", *SHOP, "--text", "a", "--window", "8-25"), "08:00-22:00"),
        (("add", "k", "-", *SHOP), "--template"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_done(arguments: tuple[str, ...], words: str, added: Queue):
    ran = added(*arguments)
    assert ran.exit_code == 2
    assert words in ran.stderr


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("sqlite:////no/such/folder/sms.db", 2, "Make sure that its folder exists"),
        ("postgresql://127.0.0.1:1/none", 4, "The queue's database cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_said_in_words(
    url: str, code: int, words: str, command: Callable[..., Result], tmp_path: Path
):
    if url.startswith("postgresql"):
        pytest.importorskip("psycopg")
    (tmp_path / "numbers.csv").write_text("09120000001\n")
    ran = command("queue", "add", "k", str(tmp_path / "numbers.csv"), *SHOP, "--text", "a", "--db", url)
    assert ran.exit_code == code
    assert words in ran.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("show", "k"),
        ("pause", "k"),
        ("hold", "shop"),
        ("release", "shop"),
        ("export", "k"),
        ("inbound", "shop"),
        ("prune", "--older-than", "90d"),
    ],
)
def test_only_add_and_work_make_a_queue(arguments: tuple[str, ...], command: Callable[..., Result], tmp_path: Path):
    ran = command("queue", *arguments, "--db", f"sqlite:///{tmp_path}/typo.db")
    assert ran.exit_code == 2
    assert "There is no queue here" in ran.stderr
    assert [*tmp_path.iterdir()] == []


def test_times_are_spans_from_now_or_moments_with_an_offset():
    assert duration("90d").days == 90
    assert moment("2m") == 120.0
    assert str(moment("2026-03-21T09:30+03:30")) == "2026-03-21 09:30:00+03:30"


def test_the_rate_and_the_time_left_come_from_the_last_half_minute():
    pace = Pace()
    assert pace.rate(0.0, 0) is None
    assert pace.rate(10.0, 1_000) == 100.0
    assert pace.rate(40.0, 7_000) == 200.0
    campaign = Campaign(1, "k", "shop", CampaignState.RUNNING, None, moment("2026-03-21T09:30+03:30"), 20_000)
    lines = _lines(View(campaign, Counts(accepted=7_000, waiting=13_000), Account("shop"), 200.0))
    assert lines[1] == "7,000 of 20,000 messages, 200 a second, 1:05 left"


def test_what_a_worker_has_is_shown_with_its_lease():
    campaign = Campaign(1, "k", "shop", CampaignState.RUNNING, None, moment("2026-03-21T09:30+03:30"), 100)
    view = View(campaign, Counts(waiting=100), Account("shop"), None, InProgress(1, 30.0))
    (line,) = [line for line in _lines(view) if "progress" in line]
    assert re.fullmatch(r"In progress: 1 batch, lease until \d\d:\d\d:\d\d", line)
