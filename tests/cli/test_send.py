"""``payamak send`` and ``payamak p2p`` against the sandbox and a server that fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import Result
from commandline import TOKEN, environment, json_lines, read_rows, run, start, write_csv, write_mobiles, write_xlsx
from faultserver import (
    ERROR_500_UNDONE,
    GOOD,
    Books,
    Fault,
    FaultServer,
    refusing_port,
    replies,
    sepahan_refusal,
)
from workbooks import number_xml, row_xml, text_xml, write_sheet

from smscore.cli import exit_codes
from smscore.cli.output import range_words, row_words
from smscore.cli.send import ending, questions
from smscore.cli.send.sending import ErrorSummary
from smscore.errors import NotAttempted
from smscore.outcomes import Outcome
from smscore.queue import attended
from smscore.queue.databases.base import Transaction
from smscore.queue.databases.sqlite import SQLiteDatabase
from smscore.sandbox import Sandbox

Command = Callable[..., Result]
TEXT = "پیام محرمانه ۷۳۱"


def at(url: str) -> dict[str, str]:
    return environment(SEPAHAN_BASE_URL=url, NAJVA_BASE_URL=url, IPPANEL_BASE_URL=url)


def sent(box: Sandbox) -> list[tuple[str, str, str]]:
    return [(message.provider, message.recipient, message.text) for message in box.messages]


CUSTOMERS: Sequence[Sequence[object]] = [
    ["نام", "موبایل", "بدهی"],
    ["علی", "09121234567", 1000],
    ["مریم", "۰۹۳۵۱۲۳۴۵۶۷", 2500],
]


# Sending


@pytest.mark.parametrize("provider", ["sepahan", "ippanel", "najva"])
def test_one_text_goes_to_a_file_through_each_provider(provider: str, command: Command, box: Sandbox, tmp_path: Path):
    source = write_csv(tmp_path / "c.csv", CUSTOMERS)
    ran = command("send", "--provider", provider, "--text", TEXT, "--out", "r.csv", source)
    assert ran.exit_code == 0, ran.stderr
    assert sent(box) == [(provider, "+989121234567", TEXT), (provider, "+989351234567", TEXT)]
    rows = read_rows(tmp_path / "r.csv")
    assert [(row["row"], row["recipient"], row["outcome"], row["provider"]) for row in rows] == [
        (2, "+989121234567", "accepted", provider),
        (3, "+989351234567", "accepted", provider),
    ]
    assert [row["message_id"] for row in rows] == [message.message_id for message in box.messages]
    assert "2 messages: 2 accepted." in ran.stdout


@pytest.mark.parametrize("provider", ["sepahan", "najva"])
def test_each_gets_a_text_of_their_own(provider: str, command: Command, box: Sandbox, tmp_path: Path):
    source = write_xlsx(tmp_path / "c.xlsx", a=[[str(cell) for cell in CUSTOMERS[0]], *CUSTOMERS[1:]])
    ran = command("p2p", "-p", provider, "--template", "سلام {نام}: {بدهی}", source)
    assert ran.exit_code == 0, ran.stderr
    assert sent(box) == [
        (provider, "+989121234567", "سلام علی: 1000"),
        (provider, "+989351234567", "سلام مریم: 2500"),
    ]


def test_the_provider_and_the_line_come_from_the_environment_or_the_options(
    command: Command, box: Sandbox, tmp_path: Path
):
    source = write_mobiles(tmp_path / "r.csv", 1)
    env = environment(box, PAYAMAK_PROVIDER="Najva")
    assert command("send", "--text", TEXT, source, env=env).exit_code == 0
    assert command("send", "--text", TEXT, "--from", "90000456", source, env=env).exit_code == 0
    assert [message.sender for message in box.messages] == ["90000123", "90000456"]


@pytest.mark.parametrize("arguments", [["send", "--text", "سلام"], ["p2p", "--template", "{nobody}", "--column", "a"]])
def test_a_long_file_that_is_refused_at_its_beginning_is_closed_without_a_word(arguments: list[str], tmp_path: Path):
    source = write_csv(tmp_path / "c.csv", [["a", "b"], *([f"0912{n:07}", f"0935{n:07}"] for n in range(2_000))])
    ran = run(*arguments, "-p", "najva", source, env=environment())
    assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1), ran.stderr


def test_texts_and_templates_come_from_files_too(command: Command, box: Sandbox, tmp_path: Path):
    source = write_csv(tmp_path / "c.csv", CUSTOMERS[:2])
    (tmp_path / "t.txt").write_bytes(b"\xef\xbb\xbf" + "سلام\r\nدنیا\r\n".encode())
    (tmp_path / "p.txt").write_text("سلام {نام}\n", "utf-8")
    assert command("send", "-p", "najva", "--text-file", "t.txt", source).exit_code == 0
    assert command("p2p", "-p", "najva", "--template-file", "p.txt", source).exit_code == 0
    assert [text for _, _, text in sent(box)] == ["سلام\nدنیا", "سلام علی"]


def test_the_standard_input_can_hold_the_recipients(command: Command, box: Sandbox):
    assert command("send", "-p", "sepahan", "--text", TEXT, "-", input="09121234567\n").exit_code == 0
    assert len(box.messages) == 1


def test_duplicates_are_left_out_and_reported(command: Command, box: Sandbox, tmp_path: Path):
    source = write_csv(tmp_path / "c.csv", [["mobile"], ["09121234567"], ["+989121234567"]])
    ran = command("send", "-p", "sepahan", "--text", TEXT, "--out", "r.csv", source)
    assert (ran.exit_code, len(box.messages)) == (0, 1)
    assert "1 duplicate skipped: row 3." in ran.stderr
    assert [(row["row"], row["outcome"]) for row in read_rows(tmp_path / "r.csv")] == [(2, "accepted"), (3, "skipped")]


# Bad rows and the dry run


@pytest.fixture
def bad_file(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "bad.csv", [["mobile"], ["09121234567"], ["02188776655"], ["9.12E+09"], [""], ["x"]])


def test_bad_rows_are_shown_and_nothing_is_sent(command: Command, box: Sandbox, bad_file: Path):
    ran = command("send", "-p", "najva", "--text", TEXT, "--out", "r.csv", bad_file)
    assert (ran.exit_code, len(box.messages), os.path.lexists("r.csv")) == (2, 0, False)
    assert "row 3: not an Iranian mobile number" in ran.stderr
    assert "row 4: its number was shortened by the spreadsheet" in ran.stderr
    assert "row 6: not an" in ran.stderr
    assert "--skip-bad" in ran.stderr
    assert "02188776655" not in ran.output


def test_bad_rows_can_be_left_out(command: Command, box: Sandbox, bad_file: Path):
    ran = command("send", "-p", "najva", "--text", TEXT, "--skip-bad", "--out", "r.jsonl", bad_file)
    assert (ran.exit_code, len(box.messages)) == (0, 1)
    rows = read_rows(Path("r.jsonl"))
    assert [(row["row"], row["outcome"], row["recipient"]) for row in rows] == [
        (2, "accepted", "+989121234567"),
        (3, "skipped", ""),
        (4, "skipped", ""),
        (6, "skipped", ""),
    ]


@pytest.mark.parametrize(("more", "code"), [([], 2), (["--skip-bad"], 0)])
def test_a_dry_run_shows_all_and_sends_nothing(
    more: list[str], code: int, command: Command, box: Sandbox, bad_file: Path
):
    ran = command("send", "-p", "najva", "--text", "ا" * 71, "--dry-run", "--json", *more, bad_file)
    assert (ran.exit_code, len(box.messages)) == (code, 0)
    (plan,) = json_lines(ran.stdout)
    assert plan == {
        "type": "plan",
        "column": 1,
        "column_title": "mobile",
        "header_row": 1,
        "sheet": None,
        "encoding": None,
        "hidden_rows": 0,
        "hidden_columns": [],
        "notes": [],
        "rows": 4,
        "messages": 1,
        "to_send": 1,
        "empty_rows": 1,
        "duplicates": 0,
        "duplicate_rows": [],
        "bad": 3,
        "bad_rows": [
            {"row": 3, "problem": "not an Iranian mobile number"},
            {"row": 4, "problem": plan["bad_rows"][1]["problem"]},
            {"row": 6, "problem": "not an Iranian mobile number"},
        ],
        "parts": {"least": 2, "most": 2, "total": 2},
        "sample": None,
        "unknown_rows": [],
        "samples": [{"rows": [2], "parts": 2, "text": "ا" * 71}],
        "cost": None,
    }


def test_a_dry_run_of_a_template_shows_the_texts_of_three_rows(command: Command, tmp_path: Path):
    rows = [["نام", "موبایل"], *([f"n{n}" + "x" * 160 * (n == 1), f"0912000000{n}"] for n in range(5))]
    source = write_csv(tmp_path / "c.csv", rows)
    ran = command("p2p", "-p", "najva", "--template", "Dear {نام}", "--dry-run", source)
    assert "To row 2, in 1 part:\n  Dear n0\n" in ran.stdout
    assert "To row 3, in 2 parts:\n  Dear n1x" in ran.stdout
    assert "To row 4, in 1 part:\n  Dear n2\n" in ran.stdout
    assert "n3" not in ran.stdout
    shown = json_lines(command("p2p", "-p", "najva", "--template", "Dear {نام}", "--dry-run", "--json", source).stdout)
    assert [sample["rows"] for sample in shown[0]["samples"]] == [[2], [3], [4]]


def test_a_dry_run_shows_a_text_of_several_lines_once(command: Command, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 5)
    ran = command("send", "-p", "najva", "--text", "یک\nدو", "--dry-run", source)
    assert "To rows 2, 3, 4, in 1 part:\n  یک\n  دو\n" in ran.stdout


@pytest.mark.parametrize(
    ("provider", "words"), [("ippanel", "`payamak price -p ippanel` does"), ("najva", "only after messages are sent")]
)
def test_a_dry_run_says_where_the_cost_is_to_be_had(provider: str, words: str, command: Command, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 5)
    ran = command("send", "-p", provider, "--text", TEXT, "--dry-run", source, env={})
    assert words in ran.stdout


def test_a_dry_run_of_a_resume_shows_what_is_still_to_be_sent(command: Command, tmp_path: Path):
    with FaultServer(books=Books(credit=20)) as server:
        fails(command, server, tmp_path)
        resume = ["send", "-p", "sepahan", "--text", TEXT, "--resume", "results.csv", "r.csv"]
        ran = command(*resume, "--dry-run", env=at(server.url))
    assert "To rows 32, 33, 34, in 1 part:" in ran.stdout


def test_a_plan_names_its_sheet_and_what_is_left_out(command: Command, tmp_path: Path):
    rows = [row_xml(1, text_xml("موبایل")), row_xml(2, number_xml(9121234567))]
    path = write_sheet(
        tmp_path / "r.xlsx", "".join([*rows, row_xml(3, number_xml(9121234568), attributes=' hidden="1"')])
    )
    ran = command("send", "-p", "najva", "--text", TEXT, "--dry-run", path)
    assert "1 row: 1 message" in ran.stdout
    assert "column 1 (موبایل) of the sheet Sheet1.\n1 hidden row is skipped; --hidden-too reads it.\n" in ran.stdout
    ran = command("send", "-p", "najva", "--text", TEXT, "--dry-run", "--hidden-too", path)
    assert "2 rows: 2 messages" in ran.stdout


def test_the_encoding_of_a_file_can_be_said(command: Command, tmp_path: Path):
    path = tmp_path / "r.csv"
    path.write_bytes(b"mobile\n09121234567\n\xff\xfe\n")
    ran = command("send", "-p", "najva", "--text", TEXT, "--dry-run", "--skip-bad", "--encoding", "latin-1", path)
    assert "The file is read as iso8859-1; --encoding reads it as another." in ran.stdout


def test_a_dry_run_needs_no_token(command: Command, tmp_path: Path):
    ran = command("send", "-p", "najva", "--text", TEXT, "--dry-run", write_mobiles(tmp_path / "r.csv", 3), env={})
    assert ran.exit_code == 0
    assert "3 rows: 3 messages, parts per message: 1, total parts: 3." in ran.stdout
    assert "column 2 (mobile)" in ran.stdout


def test_a_file_with_no_good_row(command: Command, box: Sandbox, tmp_path: Path):
    source = write_csv(tmp_path / "c.csv", [["mobile"], ["x"]])
    ran = command("send", "-p", "najva", "--text", TEXT, "--skip-bad", source)
    assert (ran.exit_code, "no valid row" in ran.stderr) == (2, True)


# What the provider and the network say, and the exit codes


def fails(command: Command, server: FaultServer, tmp_path: Path, *more: str | Path) -> tuple[Result, Counter[str]]:
    source = write_mobiles(tmp_path / "r.csv", 40)
    options = ["--batch-size", "10", "--concurrency", "1", "--out", tmp_path / "results.csv"]
    ran = command("send", "-p", "sepahan", "--text", TEXT, *options, *more, source, env=at(server.url))
    return ran, Counter(row["outcome"] for row in read_rows(tmp_path / "results.csv"))


def test_a_refusal_that_meets_all_is_3_and_the_rest_is_not_tried(command: Command, tmp_path: Path):
    with FaultServer(replies("wrong token", sepahan_refusal(-1))) as server:
        ran, outcomes = fails(command, server, tmp_path)
        assert server.count() == 1
    assert (ran.exit_code, outcomes) == (3, {"rejected": 10, "not_sent": 30})
    assert "sepahan says: نه" in ran.stdout
    assert "--resume results.csv" in ran.stdout


def test_a_refusal_in_the_middle_is_1(command: Command, tmp_path: Path):
    with FaultServer(books=Books(credit=20)) as server:
        ran, outcomes = fails(command, server, tmp_path)
    assert (ran.exit_code, outcomes) == (1, {"accepted": 20, "rejected": 10, "not_sent": 10})


def test_recipients_refused_one_by_one_are_1(command: Command, tmp_path: Path):
    with FaultServer(books=Books(refused=frozenset({"+989120000003"}))) as server:
        ran, outcomes = fails(command, server, tmp_path)
    assert (ran.exit_code, outcomes) == (1, {"accepted": 39, "rejected": 1})
    assert "row 5" in ran.stdout


def test_no_connection_is_4_and_nothing_was_sent(command: Command, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 2)
    with refusing_port() as place:
        ran = command("send", "-p", "najva", "--text", TEXT, "--out", "r.csv.jsonl", source, env=at(place.url))
    assert ran.exit_code == 4
    assert [row["outcome"] for row in read_rows(tmp_path / "r.csv.jsonl")] == ["not_sent"] * 2


def test_no_usable_answer_is_4_and_unknown(command: Command, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 2)
    with FaultServer(ERROR_500_UNDONE) as server:
        ran = command("send", "-p", "najva", "--text", TEXT, "--out", "o.csv", source, env=at(server.url))
    assert ran.exit_code == 4
    assert [row["outcome"] for row in read_rows(tmp_path / "o.csv")] == ["unknown"] * 2
    assert "Unknown, never sent again automatically: rows 2-3." in ran.stdout


def test_a_summary_for_scripts_has_its_keys(command: Command, tmp_path: Path):
    with FaultServer(books=Books(credit=20)) as server:
        ran, _ = fails(command, server, tmp_path, "--json")
    plan, summary = json_lines(ran.stdout)
    assert plan["type"] == "plan"
    assert {key: value for key, value in summary.items() if key != "problems"} == {
        "type": "summary",
        "provider": "sepahan",
        "messages": 40,
        "accepted": 20,
        "rejected": 10,
        "not_sent": 10,
        "unknown": 0,
        "skipped": 0,
        "unknown_rows": [],
        "cost": 20,
        "results": str(tmp_path / "results.csv"),
        "unwritten": 0,
        "exit_code": 1,
    }
    refused, untried = summary["problems"]
    assert (refused["error"], refused["code"], refused["message"], refused["count"]) == (
        "InsufficientCredit",
        -14,
        "نه",
        10,
    )
    assert refused["rows"] == list(range(22, 32))
    assert (untried["error"], untried["outcome"], untried["count"]) == ("NotAttempted", "not_sent", 10)


def test_all_rows_that_were_not_tried_are_named(command: Command, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 2_500)
    options = ["--batch-size", "100", "--concurrency", "1", "--yes", "--out", tmp_path / "results.csv"]
    with FaultServer(replies("wrong token", sepahan_refusal(-1))) as server:
        ran = command("send", "-p", "sepahan", "--text", TEXT, *options, source, env=at(server.url))
    assert "  2,400 not sent: " in ran.stdout
    assert "    rows 102-2501\n" in ran.stdout


def test_two_causes_of_one_class_and_code_are_two_problems(command: Command, tmp_path: Path):
    refusals = [replies(name, (422, {"errors": {name: ["no"]}})) for name in ("message", "receivers")]
    with FaultServer(refusals) as server:
        ran, outcomes = fails(command, server, tmp_path, "--json")
    assert outcomes == {"accepted": 20, "rejected": 20}
    told = [(problem["count"], problem["rows"][0]) for problem in json_lines(ran.stdout)[-1]["problems"]]
    assert told == [(10, 2), (10, 12)]


def test_dots_say_that_a_problem_has_more_rows_than_are_named():
    assert range_words([2, 3, 4, 7]) == "2-4, 7"
    assert range_words([2, 3, 4, 7, 9], 2) == "2-4, 7 …"
    assert range_words([2, 3], whole=False) == "2-3 …"


@pytest.mark.parametrize(("rows", "words"), [([], ""), ([2], "row 2"), ([2, 3], "rows 2-3"), ([2, 4], "rows 2, 4")])
def test_row_numbers_have_their_noun_in_the_right_number(rows: list[int], words: str):
    assert row_words(rows) == words


def test_one_row_of_several_is_not_said_to_be_the_only_one():
    assert row_words([2], whole=False) == "rows 2 …"


def test_rows_of_batches_that_end_out_of_order_are_in_order():
    problem = ErrorSummary(Outcome.NOT_SENT, NotAttempted("x", reason="y"))
    for row in (12, 13, 2, 3, 4):
        problem.add(row)
    assert (problem.rows, problem.is_whole) == ([2, 3, 4, 12, 13], True)


def test_without_a_results_file_scripts_get_every_result(command: Command, box: Sandbox, tmp_path: Path):
    ran = command("send", "-p", "sepahan", "--text", TEXT, "--json", write_mobiles(tmp_path / "r.csv", 3))
    results = json_lines(ran.stdout, "result")
    assert [result["message_id"] for result in results] == [message.message_id for message in box.messages]
    assert set(results[0]) == {
        *("type", "row", "recipient", "outcome", "message_id", "request_id", "code", "error", "words", "provider")
    }
    assert ran.stderr == ""


# Going on


def test_a_resume_sends_the_rest_and_then_nothing(command: Command, tmp_path: Path):
    books = Books(credit=20)
    with FaultServer(books=books) as server:
        fails(command, server, tmp_path)
        books.credit = None
        go_on = ["send", "-p", "sepahan", "--text", TEXT, "--resume", "results.csv", "r.csv"]
        shown = command(*go_on, "--dry-run", env=at(server.url))
        assert "10 still to send" in shown.stdout
        assert command(*go_on, env=at(server.url)).exit_code == 1  # the rejected ones stay so
        assert books.taken == 30
        assert command(*go_on, "--rejected-too", env=at(server.url)).exit_code == 0
        assert command(*go_on, env=at(server.url)).exit_code == 0
    assert (books.taken, max(books.charged.values())) == (40, 1)
    assert Counter(row["outcome"] for row in read_rows(tmp_path / "results.csv")) == {"accepted": 40}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["-p", "sepahan", "--text", "other", "r.csv"], "different text"),
        (["-p", "najva", "--text", TEXT, "r.csv"], "different provider"),
        (["-p", "sepahan", "--text", TEXT, "other.csv"], "different list of recipients"),
    ],
)
def test_a_resume_of_something_else_is_refused_with_words(
    change: list[str], words: str, command: Command, box: Sandbox, tmp_path: Path
):
    write_mobiles(tmp_path / "r.csv", 3)
    write_mobiles(tmp_path / "other.csv", 4)
    assert command("send", "-p", "sepahan", "--text", TEXT, "--out", "o.csv", "r.csv").exit_code == 0
    ran = command("send", *change, "--resume", "o.csv")
    assert (ran.exit_code, len(box.messages)) == (2, 3)
    assert words in ran.stderr


def test_a_results_file_that_is_there_is_not_written_over(command: Command, box: Sandbox, tmp_path: Path):
    write_mobiles(tmp_path / "r.csv", 1)
    again = ["send", "-p", "sepahan", "--text", TEXT, "--out", "o.csv", "r.csv"]
    assert [command(*again).exit_code for _ in range(2)] == [0, 2]
    assert len(box.messages) == 1
    assert command("send", "-p", "sepahan", "--text", TEXT, "--out", "r.csv", "r.csv").exit_code == 2


def test_a_send_that_cannot_begin_leaves_no_results_file(command: Command, box: Sandbox, tmp_path: Path):
    env = environment(box)
    del env["SEPAHAN_SENDER"]
    write_mobiles(tmp_path / "r.csv", 1)
    ran = command("send", "-p", "sepahan", "--text", TEXT, "--out", "o.csv", "r.csv", env=env)
    assert (ran.exit_code, "Missing sender" in ran.stderr) == (2, True)
    assert not Path("o.csv").exists()


# Questions, signals and disks, without a process of their own


@pytest.mark.parametrize(("answer", "code", "count"), [("y\n", 0, 101), ("n\n", 1, 0), ("", 130, 0)])
def test_the_question(
    answer: str,
    code: int,
    count: int,
    command: Command,
    box: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(questions, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    source = write_mobiles(tmp_path / "r.csv", 101)
    ran = command("send", "-p", "najva", "--text", TEXT, "--out", "o.csv", source, input=answer)
    assert (ran.exit_code, len(box.messages), Path("o.csv").exists()) == (code, count, bool(count))


@pytest.mark.skipif(os.name == "nt", reason="no signals there")
@pytest.mark.parametrize(
    ("times", "outcomes"), [(1, {"accepted": 10, "not_sent": 30}), (2, {"unknown": 10, "not_sent": 30})]
)
def test_ctrl_c_once_and_twice(times: int, outcomes: dict[str, int], command: Command, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 40)
    go_on = threading.Event()

    async def late(connection: Any) -> bool:
        answer = await connection.take()
        await asyncio.to_thread(go_on.wait)
        await connection.send(answer)
        return True

    def interrupt() -> None:
        while not server.requests:
            time.sleep(0.01)
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
        go_on.set()

    options = ["--batch-size", "10", "--concurrency", "1", "--out", "o.csv"]
    with FaultServer(Fault("late", late)) as server:
        thread = threading.Thread(target=interrupt)
        thread.start()
        ran = command("send", "-p", "najva", "--text", TEXT, *options, source, env=at(server.url))
        thread.join()
    assert (ran.exit_code, Counter(row["outcome"] for row in read_rows(tmp_path / "o.csv"))) == (130, outcomes)
    assert "30 not sent" in ran.stdout
    assert ("may have been sent: rows 2-11" in ran.stdout) is (times == 2)


@pytest.mark.parametrize(
    ("good", "accepted", "lost"),
    [
        (0, None, None),  # the queue cannot be made
        (1, 0, 0),  # no batch can be claimed
        (2, 0, 0),  # the first cannot be dispatched
        (3, 0, 10),  # its outcome cannot be written, nor the next be dispatched
        (4, 10, 10),
    ],  # ``good`` is how many transactions reach the disk
)
def test_a_disk_that_fills_up_stops_the_send(
    good: int,
    accepted: int | None,
    lost: int,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    source = write_mobiles(tmp_path / "r.csv", 40)
    left, real = iter(range(good)), SQLiteDatabase.writing

    @contextmanager
    def writing(database: SQLiteDatabase, **options: Any) -> Iterator[Transaction]:
        with real(database, **options) as transaction:
            yield transaction
            if next(left, None) is None:
                full = sqlite3.OperationalError("database or disk is full")
                full.sqlite_errorcode = sqlite3.SQLITE_FULL
                raise full

    monkeypatch.setattr(SQLiteDatabase, "writing", writing)
    monkeypatch.setattr(attended, "_LONGEST", 60.0)  # each outcome is written with the next dispatch
    options = ["--batch-size", "10", "--concurrency", "1", "--out", "o.csv", "--json"]
    with FaultServer() as server:
        ran = command("send", "-p", "najva", "--text", TEXT, *options, source, env=at(server.url))
    (error,) = json_lines(ran.stderr, "error")
    assert "database or disk is full" in error["text"]
    if accepted is None:
        assert (ran.exit_code, server.count(), list(tmp_path.glob("o.csv*"))) == (2, 0, [])
        return
    (summary,) = json_lines(ran.stdout, "summary")
    assert (ran.exit_code, error["exit_code"]) == (1, 1)
    assert (summary["accepted"], summary["unwritten"]) == (accepted + lost, lost)
    assert summary["not_sent"] == 40 - accepted - lost
    assert server.books.taken == accepted + lost
    if not accepted + lost:
        assert list(tmp_path.glob("o.csv*")) == []  # a run that began nothing leaves no files
        return
    outcomes = Counter(row["outcome"] for row in read_rows(tmp_path / "o.csv"))
    assert outcomes == Counter(accepted=accepted, unknown=lost, not_sent=40 - accepted - lost)


# Grammar


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["send", "r.csv"], "--provider"),
        (["send", "-p", "nobody", "--text", "a", "r.csv"], "The installed ones: ippanel, najva, sepahan"),
        (["send", "-p", "najva", "r.csv"], "--text or --text-file"),
        (["send", "-p", "najva", "--text", "a", "--text-file", "t", "r.csv"], "Give either --text or --text-file."),
        (["send", "-p", "najva", "--text", " ", "r.csv"], "is empty. Give a text that is not blank"),
        (["send", "-p", "ippanel", "--text", "a", "--send-time", "x", "r.csv"], "e.g. 2026-03-21T09:30+03:30."),
        (["send", "-p", "najva", "--text", "a", "--proxy", "nonsense", "r.csv"], "--proxy (PAYAMAK_PROXY) must be"),
        (["send", "-p", "najva", "--text", "a", "--base-url", "nonsense", "r.csv"], "--base-url"),
        (["send", "-p", "najva", "--text-file", "nowhere", "r.csv"], "cannot be read"),
        (["send", "-p", "najva", "--text", "a"], "RECIPIENTS"),
        (["send", "-p", "najva", "--text", "a", "r.csv", "09121234567"], "quotation marks"),
        (["send", "-p", "najva", "--text", "a", "--out", "a.csv", "--resume", "b.csv", "r.csv"], "Give either --out"),
        (["send", "-p", "najva", "--text", "a", "--out", "a.txt", "r.csv"], ".csv, .jsonl or .xlsx"),
        (["send", "-p", "najva", "--text", "a", "--out", "no/where.csv", "r.csv"], "cannot be created"),
        (["send", "-p", "najva", "--text", "a", "--resume", "none.csv", "r.csv"], "There is no none.csv.queue"),
        (["send", "-p", "najva", "--text", "a", "--rejected-too", "r.csv"], "requires --resume"),
        (
            ["send", "-p", "najva", "--text", "a", "--send-time", "2030-01-01T09:30+03:30", "r.csv"],
            "takes no --send-time",
        ),
        (["send", "-p", "sepahan", "--text", "a", "--file-id", "f", "r.csv"], "takes no --file-id"),
        (["send", "-p", "sepahan", "--text", "a", "--batch-size", "101", "r.csv"], "batch_size"),
        (["send", "-p", "sepahan", "--text", "a", "--batch-size", "101", "--dry-run", "r.csv"], "batch_size"),
        (["send", "-p", "najva", "--text", "a", "--column", "family", "r.csv"], "no column 'family'"),
        (["send", "-p", "najva", "--text", "a", "nowhere.csv"], "cannot be opened"),
        (["p2p", "-p", "najva", "--template", "{family}", "r.csv"], "no column 'family'"),
        (["p2p", "-p", "najva", "--template", "{", "r.csv"], "brace"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_wrong_use_is_2_with_words(
    arguments: list[str], words: str, as_json: bool, command: Command, box: Sandbox, tmp_path: Path
):
    write_mobiles(tmp_path / "r.csv", 1)
    ran = command(*arguments, *(["--json"] if as_json else []))
    assert (ran.exit_code, len(box.messages)) == (2, 0)
    assert words in (json.loads(ran.stderr.splitlines()[-1])["text"] if as_json else ran.stderr)
    assert "Traceback" not in ran.output
    assert "09121234567" not in ran.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv"]


@pytest.mark.parametrize(
    ("provider", "option"), [("najva", ["--send-time", "2030-01-01T09:30+03:30"]), ("sepahan", ["--file-id", "f"])]
)
def test_a_dry_run_refuses_an_option_that_the_send_would(
    provider: str, option: list[str], command: Command, tmp_path: Path
):
    source = write_mobiles(tmp_path / "r.csv", 1)
    ran = command("send", "-p", provider, "--text", TEXT, "--dry-run", *option, source)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert f"takes no {option[0]}" in ran.stderr


def test_ippanel_takes_a_time_and_najva_a_file(command: Command, box: Sandbox, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 1)
    (tmp_path / "card.png").write_bytes(b"png")
    file_id = command("upload", "-p", "najva", tmp_path / "card.png").stdout.strip()
    assert command("send", "-p", "najva", "--text", "a", "--file-id", file_id, source).exit_code == 0
    at_nine = ["--send-time", "2030-01-01T09:30+03:30"]
    assert command("send", "-p", "ippanel", "--text", "a", *at_nine, source).exit_code == 0
    assert len(box.messages) == 2


def test_neither_token_nor_text_nor_number_is_in_what_is_reported(command: Command, tmp_path: Path):
    for faults in (replies("no", sepahan_refusal(-1)), ERROR_500_UNDONE, GOOD):
        with FaultServer(faults) as server:
            source = write_mobiles(tmp_path / "r.csv", 3)
            ran = command("send", "-p", "sepahan", "--text", TEXT, source, env=at(server.url))
        for secret in (TOKEN, TEXT, "9120000001"):
            assert secret not in ran.output


# A number where a file is expected


@pytest.mark.parametrize("number", ["09121234567", "+989121234567", "۰۹۱۲۱۲۳۴۵۶۷", "0912 123 4567"])
@pytest.mark.parametrize("name", ["send", "p2p"])
def test_a_number_in_place_of_a_file_is_told_from_one(name: str, number: str, command: Command):
    texts = {"send": ["--text", "سلام"], "p2p": ["--template", "{name}"]}
    ran = command(name, "-p", "najva", *texts[name], number)
    assert (ran.exit_code, f"payamak {name}" in ran.stderr, "standard input" in ran.stderr) == (2, True, True)
    assert number not in ran.output


def test_a_file_may_be_called_like_a_number(command: Command, box: Sandbox, tmp_path: Path):
    write_mobiles(tmp_path / "09121234567", 1)
    assert command("send", "-p", "najva", "--text", "سلام", "09121234567").exit_code == 0


# What a resume remembers


def test_a_resume_remembers_what_the_send_was_begun_with(command: Command, box: Sandbox, tmp_path: Path):
    rows = [["a", "b"], *([f"0935000000{n}", f"0912000000{n}"] for n in range(6)), ["x", "x"]]
    source = write_csv(tmp_path / "c.csv", rows)
    box.fail("no_credit")
    begun = ["--column", "b", "--skip-bad", "--batch-size", "2", "--concurrency", "1", "--rate-limit", "50"]
    arguments = ["send", "-p", "najva", "--text", TEXT]
    assert command(*arguments, *begun, "--out", "o.csv", source).exit_code == exit_codes.REFUSED
    box.clear_faults()
    shown = command(*arguments, "--resume", "o.csv", source, "--dry-run")
    assert (shown.exit_code, "column 2 (b)" in shown.stdout) == (0, True)
    ran = command(*arguments, "--resume", "o.csv", "--rejected-too", "--rate-limit", "40", source)
    assert ran.exit_code == 0, ran.stderr
    assert "Options of the earlier run: --column b, --skip-bad, --batch-size 2, --concurrency 1." in ran.stderr
    assert {message.recipient for message in box.messages} == {f"+98912000000{n}" for n in range(6)}
    with closing(sqlite3.connect(tmp_path / "o.csv.queue")) as queue:
        sizes = [size for (size,) in queue.execute("SELECT size FROM payamak_batch WHERE tries > 0")]
    assert sizes == [2, 2, 2, 2]  # one was refused, and sent again


@pytest.mark.parametrize("size", ["7", "3"])
def test_a_resume_with_smaller_batches_sends_to_everybody_once(
    size: str, command: Command, box: Sandbox, tmp_path: Path
):
    source = write_mobiles(tmp_path / "r.csv", 60)
    box.fail("no_credit")
    arguments = ["send", "-p", "najva", "--text", TEXT, "--concurrency", "1", "--rate-limit", "1000"]
    begun = command(*arguments, "--batch-size", "20", "--out", "o.csv", source)
    assert begun.exit_code == exit_codes.REFUSED
    box.clear_faults()
    ran = command(*arguments, "--batch-size", size, "--resume", "o.csv", "--rejected-too", source)
    assert ran.exit_code == 0, ran.stderr
    assert Counter(Counter(message.recipient for message in box.messages).values()) == {1: 60}
    rows = read_rows(tmp_path / "o.csv")
    assert [row["row"] for row in rows] == [*range(2, 62)]
    assert {row["outcome"] for row in rows} == {"accepted"}
    assert len({row["message_id"] for row in rows}) == 60


IN_BATCHES = ["send", "-p", "sepahan", "--text", TEXT, "--concurrency", "1"]


def killed_with_20_of_40_in_progress(box: Sandbox, tmp_path: Path) -> Path:
    """The source of a send whose first batch has arrived, and was not answered when its process was killed."""
    source = write_mobiles(tmp_path / "r.csv", 40)
    box.fail("delay", seconds=60)
    out = ["--batch-size", "20", "--out", "o.csv", source]
    kill_when_sent(box, 20, start(*IN_BATCHES, *out, env=environment(box), cwd=tmp_path))
    return source


def kill_when_sent(box: Sandbox, count: int, process: subprocess.Popen[str]) -> None:
    """Kill a send once so many messages have arrived, none of which the sandbox answers before."""
    try:
        while len(box.messages) < count:
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.communicate()
    box.clear_faults()
    assert len(box.messages) == count


def test_what_was_in_progress_is_repeated_whole_where_a_resume_has_smaller_batches(
    command: Command, box: Sandbox, tmp_path: Path
):
    source = killed_with_20_of_40_in_progress(box, tmp_path)
    ran = command(*IN_BATCHES, "--batch-size", "7", "--resume", "o.csv", source)
    assert ran.exit_code == 0, ran.stderr
    assert Counter(Counter(message.recipient for message in box.messages).values()) == {1: 40}
    assert Counter(row["outcome"] for row in read_rows(tmp_path / "o.csv")) == {"accepted": 40}


def test_what_was_in_progress_is_not_repeated_by_another_account(command: Command, box: Sandbox, tmp_path: Path):
    source = killed_with_20_of_40_in_progress(box, tmp_path)
    other = environment(box, SEPAHAN_TOKEN="t0ken-of-another-account")
    resume = [*IN_BATCHES, "--resume", "o.csv", source]
    refused = command(*resume, env=other)
    assert (refused.exit_code, len(box.messages)) == (2, 20)
    assert "with a different account" in refused.stderr
    assert "20 unknown, not sent again: rows 2-21" in refused.stderr
    assert command(*resume, "--yes", env=other).exit_code == 1
    assert Counter(Counter(message.recipient for message in box.messages).values()) == {1: 40}
    assert Counter(row["outcome"] for row in read_rows(tmp_path / "o.csv")) == {"unknown": 20, "accepted": 20}
    assert TOKEN.encode() not in (tmp_path / "o.csv.queue").read_bytes()


def test_what_another_account_had_in_progress_is_not_repeated_by_the_first(
    command: Command, box: Sandbox, tmp_path: Path
):
    source = killed_with_20_of_40_in_progress(box, tmp_path)
    other = environment(box, SEPAHAN_TOKEN="t0ken-of-another-account")
    box.fail("delay", seconds=60)
    kill_when_sent(box, 40, start(*IN_BATCHES, "--yes", "--resume", "o.csv", source, env=other, cwd=tmp_path))
    ran = command(*IN_BATCHES, "--yes", "--resume", "o.csv", source)
    assert "with a different account" not in ran.stderr  # there is nothing left that could go out with it
    assert Counter(Counter(message.recipient for message in box.messages).values()) == {1: 40}
    assert Counter(row["outcome"] for row in read_rows(tmp_path / "o.csv")) == {"unknown": 40}


@pytest.mark.parametrize("rate", ["50", "0.5"])
def test_a_restored_rate_limit_is_shown_as_it_was_given(rate: str, command: Command, box: Sandbox, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 1)
    arguments = ["send", "-p", "najva", "--text", TEXT]
    assert command(*arguments, "--rate-limit", rate, "--out", "o.csv", source).exit_code == 0
    ran = command(*arguments, "--resume", "o.csv", source)
    assert f"Options of the earlier run: --rate-limit {rate}." in ran.stderr


def test_a_resume_of_what_was_begun_without_skip_bad_does_not_take_it(command: Command, box: Sandbox, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 3)
    arguments = ["send", "-p", "najva", "--text", TEXT]
    assert command(*arguments, "--out", "o.csv", source).exit_code == 0
    with source.open("a", encoding="utf-8") as file:
        file.write("n,x\n")
    ran = command(*arguments, "--resume", "o.csv", source)
    assert (ran.exit_code, "--skip-bad" in ran.stderr) == (2, True)


def test_the_cost_after_a_resume_is_that_of_all(command: Command, tmp_path: Path):
    books = Books(credit=20)
    with FaultServer(books=books) as server:
        fails(command, server, tmp_path)
        books.credit = None
        resume = ["send", "-p", "sepahan", "--text", TEXT, "--resume", "results.csv", "--rejected-too", "r.csv"]
        ran = command(*resume, "--json", env=at(server.url))
    (summary,) = json_lines(ran.stdout, "summary")
    assert (summary["accepted"], summary["cost"]) == (40, 40)


# A resume of an older copy, or with another line, file or time


def test_an_older_copy_of_the_results_changes_nothing(command: Command, box: Sandbox, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 3)
    box.fail("no_credit")
    command("send", "-p", "najva", "--text", TEXT, "--out", "o.csv", source)
    box.clear_faults()
    copy = (tmp_path / "o.csv").read_bytes()
    arguments = ["--text", TEXT, "--resume", "o.csv", "--rejected-too", source]
    assert command("send", "-p", "najva", *arguments).exit_code == 0
    (tmp_path / "o.csv").write_bytes(copy)
    ran = command("send", "-p", "najva", *arguments)
    assert (ran.exit_code, len(box.messages)) == (0, 3)
    assert {row["outcome"] for row in read_rows(tmp_path / "o.csv")} == {"accepted"}


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("together", [False, True])
def test_a_resume_with_an_older_queue_file_is_refused_and_says_what_to_do(
    together: bool, as_json: list[str], command: Command, box: Sandbox, tmp_path: Path
):
    source = write_mobiles(tmp_path / "r.csv", 3)
    box.fail("no_credit")
    command("send", "-p", "najva", "--text", TEXT, "--out", "o.csv", source)
    box.clear_faults()
    files = [tmp_path / "o.csv.queue", *([tmp_path / "o.csv"] if together else [])]
    copies = [(file, file.read_bytes()) for file in files]
    resume = ["send", "-p", "najva", "--text", TEXT, "--resume", "o.csv", "--rejected-too", source, *as_json]
    assert command(*resume).exit_code == 0
    for file, copy in copies:
        file.write_bytes(copy)
    ran = command(*resume)
    assert (ran.exit_code, len(box.messages)) == (2, 3)
    assert "o.csv.queue is an older copy" in ran.stderr
    assert "Restore the newest copy of it" in ran.stderr
    assert command(*resume, "--dry-run").exit_code == 2


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(28, "No space left on device"), 1, "No space left on device, so the results were not written"),
        (sqlite3.OperationalError("disk I/O error"), 1, "disk I/O error, so the results were not written"),
        (RuntimeError("a defect"), exit_codes.DEFECT, "Unexpected error: RuntimeError"),
    ],
)
def test_whatever_prevents_the_results_the_summary_is_told_and_a_resume_writes_them(
    error: Exception, code: int, words: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise error

    source = write_mobiles(tmp_path / "r.csv", 3)
    arguments = ["send", "-p", "najva", "--text", TEXT]
    with monkeypatch.context() as broken:
        broken.setattr(ending, "write_results", fail)
        ran = command(*arguments, "--out", "o.csv", source)
    assert ran.exit_code == code
    assert "3 accepted" in ran.stdout
    assert words in ran.stderr
    assert not Path("o.csv").exists()
    assert command(*arguments, "--resume", "o.csv", source).exit_code == 0
    assert Path("o.csv").exists()


def test_results_that_could_not_be_written_are_told_beside_what_stopped_the_send(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    source = write_mobiles(tmp_path / "r.csv", 3)
    monkeypatch.setattr(ending, "write_results", fail)
    monkeypatch.setattr(attended.endings, "finish", fail)
    ran = command("send", "-p", "najva", "--text", TEXT, "--out", "o.csv", source)
    assert ran.exit_code == 1
    assert "so the send was stopped" in ran.stderr
    assert "WARNING: No space left on device, so the results were not written" in ran.stderr


def test_a_resume_where_the_send_is_not_known_warns(
    command: Command, box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = write_mobiles(tmp_path / "r.csv", 3)
    arguments = ["send", "-p", "najva", "--text", TEXT]
    assert "no record of this send" not in command(*arguments, "--out", "o.csv", source).stderr
    assert "no record of this send" not in command(*arguments, "--resume", "o.csv", source).stderr
    other = environment(box, XDG_STATE_HOME=str(tmp_path / "elsewhere"))
    assert "no record of this send" in command(*arguments, "--resume", "o.csv", source, env=other).stderr


def test_a_resume_from_another_line_continues_only_with_yes(command: Command, box: Sandbox, tmp_path: Path):
    source = write_mobiles(tmp_path / "r.csv", 3)
    box.fail("no_credit")
    assert command("send", "-p", "najva", "--text", TEXT, "--out", "o.csv", source).exit_code == exit_codes.REFUSED
    box.clear_faults()
    arguments = ["send", "-p", "najva", "--text", TEXT, "--resume", "o.csv", "--rejected-too", source]
    other = environment(box, NAJVA_SENDER="90000456")
    refused = command(*arguments, env=other)
    assert (refused.exit_code, len(box.messages)) == (2, 0)
    assert "with a different line" in refused.stderr
    assert (
        "with a different line and a different attached file" in command(*arguments, "--file-id", "7", env=other).stderr
    )
    ran = command(*arguments, "--yes", env=other)
    assert (ran.exit_code, "with a different line" in ran.stderr) == (0, True)
    assert {message.sender for message in box.messages} == {"90000456"}


@pytest.mark.parametrize("line", ["90000123", "+98 90000123", "۹۰۰۰۰۱۲۳"])
def test_a_resume_from_the_same_line_is_not_asked_about_however_it_is_given(
    command: Command, box: Sandbox, tmp_path: Path, line: str
):
    source = write_mobiles(tmp_path / "r.csv", 3)
    box.fail("no_credit")
    command("send", "-p", "najva", "--text", TEXT, "--out", "o.csv", source)
    box.clear_faults()
    arguments = ["--from", line, "--text", TEXT, "--resume", "o.csv", "--rejected-too", source]
    assert command("send", "-p", "najva", *arguments).exit_code == 0
    assert TOKEN.encode() not in (tmp_path / "o.csv.queue").read_bytes()


def test_a_refusal_on_a_field_is_in_the_results_file_in_the_providers_words(
    command: Command, box: Sandbox, tmp_path: Path
):
    out = tmp_path / "r.csv"
    arguments = ["send", "-p", "ippanel", "--from", "abc", "--text", "سلام", "--out", str(out), "-"]
    ran = command(*arguments, env=environment(box), input="09121234567\n")
    assert ran.exit_code == 3
    [row] = read_rows(out)
    assert "شماره فرستنده معتبر نیست" in row["words"]
