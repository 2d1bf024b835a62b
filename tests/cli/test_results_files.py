"""Results files and their queues: what they tell after any crash, and what a resume makes of them."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from attrs import define, evolve
from commandline import mobiles, read_rows
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from smscore import (
    ConfigurationError,
    DuplicateRequest,
    InsufficientCredit,
    InvalidRequest,
    NotAttempted,
    Outcome,
    ProviderError,
)
from smscore.cli.output import range_words, ranges
from smscore.cli.results_file import COLUMNS, ResultRow, read_results, write_results
from smscore.cli.send import opening
from smscore.cli.send.header import header_of
from smscore.cli.send.opening import new_queue, resumed_queue
from smscore.cli.send.queue_file import QueueFile, queue_path
from smscore.cli.send.results import result_rows
from smscore.cli.tables import Table
from smscore.queue.attended import FOREVER
from smscore.queue.databases.base import Transaction
from smscore.queue.databases.sqlite import SQLiteDatabase
from smscore.queue.outcomes import same
from smscore.queue.payloads import unpack
from smscore.queue.store import claims, dispatch, endings
from smscore.queue.store.batches import ClaimedBatch
from smscore.queue.store.claims import Lane
from smscore.queue.store.dispatch import Attempt
from smscore.queue.store.loading import NewCampaign
from smscore.recipients.plan import Plan, make_plan

COUNT = 12
FIRST = 2  # below the header
CAMPAIGN = NewCampaign("sepahan", "text", text="سلام")
REASON = NotAttempted("Not tried: the test ended.", reason="the test ended")


def new_plan(count: int = COUNT, text: str = "سلام", first: int = 0) -> Plan:
    table: list[Sequence[object]] = [["mobile"], *([number] for number in mobiles(count, first))]
    return make_plan(iter(enumerate(table, 1)), column=None, text=text)


@pytest.fixture
def plan() -> Iterator[Plan]:
    with closing(new_plan()) as made:
        yield made


@define
class Kept:
    """A send in the test's hands: each row is a batch of its own, and nothing goes anywhere."""

    queue: QueueFile
    plan: Plan
    lifetime: float | None = None
    """Of a request id; None: the provider knows none."""

    def begin(self, *rows: int) -> list[ClaimedBatch]:
        """Dispatch the next batches, which must be of these rows."""
        begun = [self.begin_next() for _ in rows]
        assert [batch.first for batch in begun] == [*rows]
        return begun

    def begin_next(self) -> ClaimedBatch:
        database = self.queue.database
        (batch,) = database.write(lambda transaction: _claim(transaction).batches)
        attempt = Attempt("sepahan", f"id-{batch.first}", self.lifetime, None, 0.0, FOREVER)
        batch.hops.append(database.write(lambda transaction: dispatch.dispatch(transaction, batch, attempt)))
        self.queue.note_dispatch()
        return batch

    def end(self, batch: ClaimedBatch, outcome: Outcome, error: Any = None, message_id: int | None = None) -> None:
        columns = same(outcome, 1, error)
        columns.message_ids = [message_id]
        columns.cost = "1"
        self.queue.database.write(lambda transaction: endings.finish(transaction, batch, unpack(batch.stored), columns))

    def send(self, *rows: int, outcome: Outcome = Outcome.ACCEPTED, error: Any = None) -> None:
        for batch in self.begin(*rows):
            self.end(batch, outcome, error, batch.first if outcome is Outcome.ACCEPTED else None)

    def export(self) -> None:
        queue = self.queue
        assert queue.results is not None
        write_results(queue.results, result_rows(queue, self.plan, REASON), queue.mark)


def _claim(transaction: Transaction) -> claims.Claims:
    return claims.claim(transaction, [Lane("sepahan")], 1, FOREVER)


def to_send(kept: Kept) -> list[int]:
    return [number for number in range(FIRST, FIRST + COUNT) if kept.queue.states.is_open(number)]


@contextmanager
def begun(path: Path, plan: Plan, lifetime: float | None = None) -> Iterator[Kept]:
    with new_queue(path, plan, header_of(plan, "sepahan"), CAMPAIGN, 1) as queue:
        kept = Kept(queue, plan, lifetime)
        yield kept
        kept.export()


@contextmanager
def resumed(
    path: Path, plan: Plan, *, rejected_too: bool = False, lifetime: float | None = None, provider: str = "sepahan"
) -> Iterator[Kept]:
    with resumed_queue(path, plan, header_of(plan, provider)) as queue:
        if rejected_too:
            queue.states.reopen_rejected()
        again = {*queue.states.tried}
        queue.recover("sepahan")
        if again:
            queue.load((one for one in plan if one.row in again), CAMPAIGN, 1)
        kept = Kept(queue, plan, lifetime)
        yield kept
        kept.export()


def outcomes_of(path: Path) -> dict[int, str]:
    return {row.row: row.outcome for row in read_results(path)}


LINKS = pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
ENDINGS = pytest.mark.parametrize("name", ["r.csv", "r.jsonl"])


@ENDINGS
def test_a_row_is_read_as_it_was_written(name: str, plan: Plan, tmp_path: Path):
    error = ProviderError('no, "never"\nand more', code="4\n02", message="نه", provider="sepahan")
    words = 'no, "never" and more sepahan says: نه'
    with begun(tmp_path / name, plan) as kept:
        kept.send(2)
        kept.send(3, outcome=Outcome.REJECTED, error=error)
    untried = ("NotAttempted", "Not tried: the test ended.")
    assert [evolve(found, mark=None) for found in read_results(tmp_path / name)] == [
        ResultRow(2, "+989120000000", "accepted", 2, "id-2", provider="sepahan"),
        ResultRow(3, "+989120000001", "rejected", None, "id-3", "4 02", "ProviderError", words, "sepahan"),
        *(
            ResultRow(row, f"+98912{row - 2:07}", "not_sent", None, None, None, *untried, "sepahan")
            for row in range(4, FIRST + COUNT)
        ),
    ]
    assert [list(found) for found in read_rows(tmp_path / name)] == [[*COLUMNS]] * COUNT


def test_a_spreadsheet_has_the_same_rows(plan: Plan, tmp_path: Path):
    for name in ("r.csv", "r.xlsx"):
        with begun(tmp_path / name, plan) as kept:
            kept.send(2, 3)
    head, *rows = CalamineWorkbook.from_path(tmp_path / "r.xlsx").get_sheet_by_index(0).to_python()
    assert head == [*COLUMNS]
    expected = [[str(cell or "") for cell in list(row.values())[:-1]] for row in read_rows(tmp_path / "r.csv")]
    assert [row[:-1] for row in rows] == expected
    with resumed(tmp_path / "r.xlsx", plan) as kept:
        assert to_send(kept) == list(range(4, FIRST + COUNT))


@ENDINGS
def test_a_resume_sends_what_never_went_and_keeps_the_rest(name: str, plan: Plan, tmp_path: Path):
    path = tmp_path / name
    with begun(path, plan) as kept:
        kept.send(2, 3)
        kept.send(4, outcome=Outcome.REJECTED)
        kept.send(5, outcome=Outcome.UNKNOWN)
        kept.send(6, 7, outcome=Outcome.NOT_SENT)
        kept.begin(8, 9)
    with resumed(path, plan) as kept:
        assert to_send(kept) == [6, 7, 10, 11, 12, 13]
    found = {one.row: (one.outcome, one.request_id) for one in read_results(path)}
    assert found == {
        2: ("accepted", "id-2"),
        3: ("accepted", "id-3"),
        4: ("rejected", "id-4"),
        5: ("unknown", "id-5"),
        8: ("unknown", "id-8"),
        9: ("unknown", "id-9"),
        **dict.fromkeys((6, 7, 10, 11, 12, 13), ("not_sent", None)),
    }


def test_what_is_sent_by_a_resume_replaces_what_was_not_sent_before(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        kept.send(2, 3, outcome=Outcome.NOT_SENT)
    with resumed(path, plan) as kept:
        kept.send(*range(4, FIRST + COUNT))  # the first campaign's come first
        kept.send(2, 3)
    assert outcomes_of(path) == dict.fromkeys(range(FIRST, FIRST + COUNT), "accepted")
    assert [row["row"] for row in read_rows(path)] == list(range(FIRST, FIRST + COUNT))


def test_what_was_in_progress_is_repeated_where_its_request_id_still_lives(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan, lifetime=3600.0) as kept:
        kept.begin(2, 3)
    assert "--resume finds out" in (read_rows(path)[0]["words"] or "")
    with resumed(path, plan, lifetime=3600.0) as kept:
        assert [*kept.queue.states.in_progress] == [2, 3]
        assert to_send(kept) == list(range(4, FIRST + COUNT))
        (again,) = kept.begin(2)
        assert (again.may_have_arrived, [hop.request_id for hop in again.hops][:1]) == (True, ["id-2"])
        kept.end(again, Outcome.ACCEPTED)
    with resumed(path, plan) as kept:
        assert outcomes_of(path)[2] == "accepted"
        assert [*kept.queue.states.in_progress] == [3]


def test_what_a_resume_has_begun_and_not_ended_is_unknown_though_it_was_not_sent_before(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        kept.send(*range(FIRST, FIRST + COUNT), outcome=Outcome.NOT_SENT)
    with resumed(tmp_path / "r.csv", plan) as kept:
        kept.begin(2)
    with resumed(tmp_path / "r.csv", plan) as kept:
        assert to_send(kept) == list(range(3, FIRST + COUNT))


def test_a_resume_that_sent_nothing_changes_nothing(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        kept.send(2, 3, outcome=Outcome.NOT_SENT)
    for _ in range(3):
        with resumed(tmp_path / "r.csv", plan) as kept:
            assert to_send(kept) == list(range(FIRST, FIRST + COUNT))


def test_a_look_at_an_earlier_run_changes_nothing(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        kept.begin(2)
    before = queue_path(path).read_bytes()
    with resumed_queue(path, plan, header_of(plan, "sepahan")) as queue:
        assert queue.states.count_open() == COUNT - 1
    assert queue_path(path).read_bytes() == before


def test_rejected_ones_are_sent_again_if_asked_for_unless_their_request_may_have_gone(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        kept.send(2, outcome=Outcome.REJECTED, error=InsufficientCredit("no"))
        kept.send(3, outcome=Outcome.REJECTED, error=DuplicateRequest("twice"))
        kept.send(*range(4, FIRST + COUNT))
    with resumed(tmp_path / "r.csv", plan) as kept:
        assert to_send(kept) == []
    with resumed(tmp_path / "r.csv", plan, rejected_too=True) as kept:
        assert to_send(kept) == [2]


# Links


@LINKS
def test_a_resume_through_a_link_continues_the_file_that_it_leads_to(plan: Plan, tmp_path: Path):
    path, link = tmp_path / "r.csv", tmp_path / "link.csv"
    with begun(path, plan) as kept:
        kept.send(2, 3)
    link.symlink_to(path)
    queue_path(link).symlink_to(queue_path(path))
    with resumed(link, plan) as kept:
        kept.send(4, 5)
    assert link.is_symlink()
    with resumed(path, plan) as kept:
        assert to_send(kept) == list(range(6, FIRST + COUNT))


@LINKS
def test_a_new_file_behind_a_link_is_made_where_the_link_leads(plan: Plan, tmp_path: Path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "there" / "r.csv")
    with begun(tmp_path / "link.csv", plan) as kept:
        kept.send(2)
    assert (tmp_path / "link.csv").is_symlink()
    assert sorted(found.name for found in (tmp_path / "there").iterdir()) == ["r.csv", "r.csv.queue"]


# Crashes, at any write


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


class Crash(Exception):
    """The process ends here."""


outcomes = st.sampled_from(list(Outcome))


@given(st.sampled_from(["r.csv", "r.jsonl"]), st.sampled_from([None, 3600.0]), st.data())
def test_no_crash_makes_a_resume_send_twice_or_forget(name: str, lifetime: float | None, data: st.DataObject):
    """Runs of random batches, each ended by a crash before or after any write.

    What went out is known here; the files may say less of it than is true, and never something else.
    """
    truth: dict[int, Outcome | None] = {}  # of the rows that went out; None where the crash came before the result
    with folder() as place, closing(new_plan()) as plan:
        path = place / name
        for run in range(data.draw(st.integers(1, 4))):
            opened = resumed(path, plan, lifetime=lifetime) if run else begun(path, plan, lifetime)
            with suppress(Crash), opened as kept:
                free = to_send(kept)
                assert not [number for number in free if truth.get(number, Outcome.NOT_SENT) is not Outcome.NOT_SENT]
                assert all(number in free for number in range(FIRST, FIRST + COUNT) if number not in truth)
                left_over = kept.queue.states.count_open()
                while left_over and data.draw(st.booleans()):
                    left_over -= 1
                    batch = kept.begin_next()
                    assert batch.first in free or batch.may_have_arrived
                    free = [number for number in free if number != batch.first]
                    truth[batch.first] = None
                    if data.draw(st.booleans()):
                        outcome = data.draw(outcomes)
                        kept.end(batch, outcome)
                        truth[batch.first] = outcome
                if truth and data.draw(st.booleans()):  # of a run that began nothing no file is left
                    raise Crash
            if not queue_path(path).exists():
                assert not truth
                return
        with resumed(path, plan, lifetime=lifetime) as kept:
            left = set(to_send(kept))
            doubtful = {*kept.queue.states.in_progress}
        told = {row: Outcome(outcome) for row, outcome in outcomes_of(path).items()}
        assert told.keys() == set(range(FIRST, FIRST + COUNT))
        for number, outcome in told.items():
            if number in left:
                assert outcome is Outcome.NOT_SENT
                assert truth.get(number, Outcome.NOT_SENT) is Outcome.NOT_SENT
            elif number in doubtful:
                assert (outcome, truth[number]) == (Outcome.UNKNOWN, None)
            else:
                assert outcome in (truth[number], Outcome.UNKNOWN)


def test_a_crash_in_the_middle_of_a_write_leaves_what_was_before_it(plan: Plan, tmp_path: Path):
    path, copy = tmp_path / "r.csv", tmp_path / "copy"
    copy.mkdir()
    with begun(path, plan) as kept:
        kept.send(2, 3)
        with suppress(Crash), kept.queue.database.writing() as transaction:
            transaction.run("PRAGMA cache_size = 1")  # what does not fit is written into the file at once
            transaction.run("UPDATE payamak_batch SET state = 'new', tries = 0, payload = zeroblob(9000)")
            for file in tmp_path.glob("r.csv.queue*"):
                shutil.copy(file, copy / file.name)
            raise Crash
    assert (copy / "r.csv.queue-journal").exists()
    assert b"\0" * 8_000 in (copy / "r.csv.queue").read_bytes()
    with resumed(copy / "r.csv", plan) as kept:
        assert to_send(kept) == list(range(4, FIRST + COUNT))


# Copies of the files from any moment of a send

Pair = tuple[bytes | None, bytes]


@pytest.fixture
def moments(plan: Plan, tmp_path: Path) -> list[Pair]:
    """The results and the queue as they stood after every write of a send and of its resume, in r.csv's folder."""
    path, found, real = tmp_path / "r.csv", list[Pair](), SQLiteDatabase.writing

    def snap() -> None:
        pair = path.read_bytes() if path.exists() else None, queue_path(path).read_bytes()
        found.extend([pair] if pair not in found[-1:] else [])

    @contextmanager
    def writing(database: SQLiteDatabase, **options: Any) -> Iterator[Transaction]:
        with real(database, **options) as transaction:
            yield transaction
        snap()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SQLiteDatabase, "writing", writing)
        with begun(path, plan) as kept:
            kept.send(2, 3)
            kept.send(4, 5, outcome=Outcome.NOT_SENT)
            kept.send(6, outcome=Outcome.REJECTED)
            kept.begin(7, 8)
        snap()
        with resumed(path, plan, rejected_too=True) as kept:
            kept.send(9)
            kept.send(10, outcome=Outcome.REJECTED)
            kept.begin(11, 12)
            kept.send(13, outcome=Outcome.NOT_SENT)
            kept.send(4)
            kept.send(5, outcome=Outcome.UNKNOWN)
            kept.send(6)
        snap()
    return found


WENT = {2, 3, 4, 5, 6, 7, 8, 9, 11, 12}  # or may have; 10 was rejected, and 13 not sent


def sent_by_a_resume(path: Path, plan: Plan, pair: Pair) -> set[int] | None:
    """The rows that a resume of these files would send; None where it is refused."""
    path.unlink(missing_ok=True)
    if pair[0] is not None:
        path.write_bytes(pair[0])
    queue_path(path).write_bytes(pair[1])
    try:
        with resumed_queue(path, plan, header_of(plan, "sepahan")) as queue:
            queue.states.reopen_rejected()
            return {row for row in range(FIRST, FIRST + COUNT) if queue.states.is_open(row)}
    except InvalidRequest:
        return None


def test_no_mixture_of_two_moments_sends_to_anybody_twice(moments: list[Pair], plan: Plan, tmp_path: Path):
    assert len(moments) > 15
    last = moments[-1][1]
    for results in {pair[0] for pair in moments}:
        for _, queue in moments:
            sent = sent_by_a_resume(tmp_path / "r.csv", plan, (results, queue))
            assert sent is None or not sent & WENT
            assert queue != last or (sent is not None and 13 in sent)


def test_on_another_machine_a_queue_that_is_older_than_its_results_is_refused(
    moments: list[Pair], plan: Plan, tmp_path: Path, state_folder: Path
):
    last = moments[-1][0]
    refused = 0
    for _, queue in moments:
        for file in (state_folder / "payamak" / "sends").iterdir():
            file.unlink()
        sent = sent_by_a_resume(tmp_path / "r.csv", plan, (last, queue))
        assert sent is None or not sent & WENT
        refused += sent is None
    assert refused > 10


def test_files_that_were_restored_together_are_refused_where_the_send_went_on(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        kept.send(2)
    pair = path.read_bytes(), queue_path(path).read_bytes()
    with resumed(path, plan) as kept:
        kept.send(3)
    assert sent_by_a_resume(path, plan, pair) is None


def test_of_two_copies_of_a_send_only_the_one_that_went_on_can_be_resumed(plan: Plan, tmp_path: Path):
    first, second = tmp_path / "r.csv", tmp_path / "copy.csv"
    with begun(first, plan) as kept:
        kept.send(2)
    second.write_bytes(first.read_bytes())
    queue_path(second).write_bytes(queue_path(first).read_bytes())
    with resumed(second, plan) as kept:
        with pytest.raises(InvalidRequest, match="Another payamak"), resumed(first, plan):
            pass
        kept.send(3)
    with pytest.raises(InvalidRequest, match="older copy"), resumed(first, plan):
        pass
    with resumed(second, plan) as kept:
        assert to_send(kept) == list(range(4, FIRST + COUNT))


@pytest.mark.parametrize("is_over", [False, True])
def test_of_two_that_begin_at_once_the_later_leaves_the_files_of_the_other(
    is_over: bool, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "r.csv"
    monkeypatch.setattr(opening, "check_free", lambda results: None)  # as it was before the other began
    with begun(path, plan) as kept:
        kept.send(2)
        if not is_over:
            with pytest.raises(InvalidRequest, match="already exists"), begun(path, plan):
                pass
            assert queue_path(path).exists()
            kept.send(3)
    if is_over:
        with pytest.raises(InvalidRequest, match="already exists"), begun(path, plan):
            pass
    assert path.exists()
    with resumed(path, plan) as kept:
        assert not {2} & {*to_send(kept)}


def test_the_queue_of_another_send_of_the_same_is_refused(plan: Plan, tmp_path: Path):
    for name in ("a.csv", "b.csv"):
        with begun(tmp_path / name, plan) as kept:
            kept.send(2)
    queue_path(tmp_path / "a.csv").write_bytes(queue_path(tmp_path / "b.csv").read_bytes())
    with pytest.raises(InvalidRequest, match="belongs to another send"), resumed(tmp_path / "a.csv", plan):
        pass


def test_without_a_folder_for_the_witness_a_send_continues_and_says_that_it_knows_less(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with begun(tmp_path / "r.csv", plan) as kept:
        kept.send(2)
    with resumed(tmp_path / "r.csv", plan) as kept:
        assert not kept.queue.is_witnessed
        assert to_send(kept) == list(range(3, FIRST + COUNT))


@pytest.mark.skipif(os.name == "nt", reason="no such modes there")
def test_only_its_owner_can_read_a_file_with_numbers(plan: Plan, tmp_path: Path, state_folder: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        kept.send(2)
        kept.export()
        for file in (*tmp_path.glob("r.csv*"), *(state_folder / "payamak" / "sends").iterdir()):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    path.chmod(0o640)
    with resumed(path, plan):
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o640  # as its owner wants it


def test_costs_of_all_runs_are_added_up(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        kept.send(2, 3)
    with resumed(tmp_path / "r.csv", plan) as kept:
        assert kept.queue.cost == 2
        kept.queue.add_cost(Decimal("0.5"))
        assert kept.queue.cost == Decimal("2.5")
        kept.queue.add_cost(Decimal("0.5"))
        assert repr(kept.queue.cost) == "3"


# Files that do not fit


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"text": "خداحافظ"}, "different text"),
        ({"first": 1}, "different list of recipients"),
        ({"count": 11}, "different list of recipients"),
    ],
)
def test_a_resume_of_something_else_is_refused(other: dict[str, object], words: str, plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        kept.send(2)
    before = (tmp_path / "r.csv").read_bytes()
    with (
        closing(new_plan(**other)) as another,  # type: ignore[arg-type]
        pytest.raises(InvalidRequest, match=words),
        resumed(tmp_path / "r.csv", another),
    ):
        pass
    with (
        pytest.raises(InvalidRequest, match="different provider"),
        resumed(tmp_path / "r.csv", plan, provider="najva"),
    ):
        pass
    assert (tmp_path / "r.csv").read_bytes() == before


@pytest.mark.parametrize("taken", ["r.csv", "r.csv.queue", "r.csv.journal"])
def test_an_existing_file_is_never_overwritten(taken: str, plan: Plan, tmp_path: Path):
    (tmp_path / taken).write_text("mine")
    with pytest.raises(InvalidRequest, match=f"{taken} already exists"), begun(tmp_path / "r.csv", plan):
        pass
    assert (tmp_path / taken).read_text() == "mine"


def other_names(path: Path, kind: str) -> Path:
    if kind == "itself":
        return path
    other = path.with_name("other.csv")
    make = {"a symbolic link": other.symlink_to, "a hard link": other.hardlink_to}[kind]
    make(path) if path.exists() else None
    queue = queue_path(other)
    (queue.symlink_to if kind == "a symbolic link" else queue.hardlink_to)(queue_path(path))
    return other


@LINKS
@pytest.mark.parametrize("kind", ["itself", "a symbolic link", "a hard link"])
def test_two_processes_do_not_write_one_results_file(kind: str, plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        kept.begin(2)
        other = other_names(tmp_path / "r.csv", kind)
        with pytest.raises(InvalidRequest, match="Another payamak"), resumed(other, plan):
            pass
    with resumed(tmp_path / "r.csv", plan):
        pass


def test_without_its_queue_a_results_file_is_not_gone_on_with(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        kept.send(2)
    queue_path(tmp_path / "r.csv").unlink()
    with pytest.raises(InvalidRequest, match=r"There is no r\.csv\.queue"), resumed(tmp_path / "r.csv", plan):
        pass


def test_a_send_of_an_earlier_payamak_is_refused_with_what_to_do(plan: Plan, tmp_path: Path):
    (tmp_path / "r.csv").write_text("row,recipient\n")
    (tmp_path / "r.csv.journal").write_text("{}\n")
    with (
        pytest.raises(InvalidRequest, match=r"Nothing was sent. Resume it with the Payamak that began it"),
        resumed(tmp_path / "r.csv", plan),
    ):
        pass


def test_without_the_results_a_send_goes_on_and_writes_them_anew(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        kept.send(2)
    before = read_rows(path)
    path.unlink()
    with resumed(path, plan):
        pass
    assert read_rows(path) == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"junk" + data[4:],
        lambda data: data[: len(data) // 2],
        lambda data: data[:20_000] + bytes(5_000) + data[25_000:],
        lambda data: b"",
    ],
    ids=["no database", "cut off", "a hole", "empty"],
)
def test_a_damaged_queue_is_not_trusted(damage: Callable[[bytes], bytes], plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        kept.send(2)
    queue_path(path).write_bytes(damage(queue_path(path).read_bytes()))
    with pytest.raises(InvalidRequest, match=r"r\.csv\.queue"), resumed(path, plan):
        pass


def test_a_queue_of_something_else_is_not_taken_for_a_sends(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with closing(sqlite3.connect(queue_path(path))) as database:
        database.execute("CREATE TABLE mine (a)")
    with pytest.raises(InvalidRequest, match="holds no send"), resumed(path, plan):
        pass


def test_no_other_worker_takes_the_file_of_a_send(plan: Plan, tmp_path: Path):
    path = tmp_path / "results.csv"
    with begun(path, plan):
        pass
    before = queue_path(path).read_bytes()
    with pytest.raises(ConfigurationError, match="--resume"), SQLiteDatabase(queue_path(path)).reading():
        pass
    assert queue_path(path).read_bytes() == before


def test_a_queue_of_another_version_is_refused(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        kept.send(2)
    with closing(sqlite3.connect(queue_path(path))) as database, database:
        database.execute("UPDATE payamak_send SET header = json_set(header, '$.version', 2)")
    with pytest.raises(InvalidRequest, match="another version"), resumed(path, plan):
        pass


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("r.csv", b"x,y\n"),
        ("r.csv", b"2,a,sent,,,,,,,\n"),
        ("r.csv", b"-2,a,accepted,,,,,,,\n"),
        ("r.jsonl", b'{"row":0,"recipient":"a","outcome":"accepted"}\n'),
        ("r.jsonl", b"{}\n"),
    ],
)
def test_damaged_results_are_not_read(name: str, damage: bytes, plan: Plan, tmp_path: Path):
    with begun(tmp_path / name, plan) as kept:
        kept.send(2)
    with (tmp_path / name).open("ab") as file:
        file.write(damage)
    with pytest.raises(InvalidRequest, match="Line"):
        list(read_results(tmp_path / name))


def test_a_file_of_somebody_else_is_not_taken_for_results(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        kept.send(2)
    path.write_text("name,mobile\n")
    with pytest.raises(InvalidRequest, match="not a results file"):
        list(read_results(path))
    with pytest.raises(InvalidRequest, match="not a results file"), resumed(path, plan):
        pass
    assert path.read_text() == "name,mobile\n"
    with pytest.raises(InvalidRequest, match=r"ends in \.csv or \.jsonl"):
        list(read_results(tmp_path / "r.txt"))


@pytest.mark.parametrize(
    "save",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b"\xef\xbb\xbf" + data.replace(b",", b";").replace(b"\n", b"\r\n"),
        lambda data: b'"' + data.replace(b",", b'"\t"').replace(b"\n", b'"\n'),
    ],
)
def test_a_results_file_that_a_spreadsheet_saved_is_not_written_over(
    save: Callable[[bytes], bytes], plan: Plan, tmp_path: Path
):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        kept.send(2)
    saved = save(path.read_bytes())
    path.write_bytes(saved)
    with pytest.raises(InvalidRequest, match="a spreadsheet or an editor"), resumed(path, plan):
        pass
    assert path.read_bytes() == saved


def test_a_run_that_begins_nothing_leaves_no_files(plan: Plan, tmp_path: Path):
    with pytest.raises(Crash), begun(tmp_path / "r.csv", plan):
        raise Crash
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_began_something_leaves_its_queue(plan: Plan, tmp_path: Path):
    with suppress(Crash), begun(tmp_path / "r.csv", plan) as kept:
        kept.begin(2)
        raise Crash
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv.queue"]


def test_results_that_do_not_fit_on_the_disk_leave_the_earlier_ones(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        kept.send(2)
        kept.export()
        before = path.read_bytes()

        def rows() -> Iterator[tuple[object, ...]]:
            yield from result_rows(kept.queue, plan, REASON)
            raise OSError("No space left on device")

        with pytest.raises(OSError, match="No space"):
            write_results(path, rows(), kept.queue.mark)
        assert path.read_bytes() == before
        assert not (tmp_path / "r.csv.draft").exists()


@pytest.mark.skipif(os.name == "nt", reason="no such limits there")
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_results_of_which_the_disk_takes_only_a_part_are_not_written(suffix: str, plan: Plan, tmp_path: Path):
    import resource

    path = tmp_path / f"r{suffix}"
    with begun(path, plan) as kept:
        kept.send(2)
        rows = [*result_rows(kept.queue, plan, REASON)]
        many = (rows[0] for _ in range(4_000))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        try:
            with pytest.raises(OSError, match="File too large"):
                write_results(path, many, kept.queue.mark)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert not path.exists()
        assert not path.with_name(path.name + ".draft").exists()


def test_a_spreadsheet_for_which_the_disk_is_full_raises_what_the_disk_says(tmp_path: Path):
    with (tmp_path / "r.xlsx").open("wb") as file:
        full = Mock(wraps=file, write=Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(OSError, match="No space left") as caught, Table(COLUMNS).writing(full, ".xlsx") as take:
            take([COLUMNS])
    assert (caught.value.errno, caught.value.strerror) == (errno.ENOSPC, "No space left on device")
    assert full.write.call_count == 1  # also a zip that is forgotten writes no more


# Row numbers


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_the_same_rows(numbers: set[int]):
    found = ranges(sorted(numbers))
    assert [number for first, last in found for number in range(first, last + 1)] == sorted(numbers)
    assert len(found) == sum(number - 1 not in numbers for number in numbers)


def test_ranges_in_words():
    assert range_words([2, 3, 4, 9]) == "2-4, 9"
    assert range_words([2, 4, 6], 2) == "2, 4 …"
    assert range_words([]) == ""
