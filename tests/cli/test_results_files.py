"""Results files and their journals: what they tell after any crash, and what a resume makes of them."""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
from commandline import mobiles, read_rows
from hypothesis import given
from hypothesis import strategies as st

from smscore import DuplicateRequest, InsufficientCredit, InvalidRequest, Outcome, ProviderError
from smscore.cli import results_file
from smscore.cli.output import range_words, ranges
from smscore.cli.results_file import ResultRow, read_results, result_row
from smscore.cli.send import journal
from smscore.cli.send import recording as recording_module
from smscore.cli.send.journal import Journal, journal_path
from smscore.cli.send.recording import Recording, known_states, recording
from smscore.cli.send.witness import state_folder
from smscore.recipients.plan import Plan, make_plan
from smscore.results import RecipientResult

COUNT = 12
FIRST = 2  # below the header


def new_plan(count: int = COUNT, text: str = "سلام", first: int = 0) -> Plan:
    table: list[Sequence[object]] = [["mobile"], *([number] for number in mobiles(count, first))]
    return make_plan(iter(enumerate(table, 1)), column=None, text=text)


@pytest.fixture
def plan() -> Iterator[Plan]:
    with closing(new_plan()) as made:
        yield made


def row(number: int, outcome: Outcome = Outcome.ACCEPTED, error: Exception | None = None) -> ResultRow:
    return result_row(number, RecipientResult(f"+98912{number:07}", outcome, number, error, "id-1"), "sepahan")


def send(kept: Recording, *numbers: int, outcome: Outcome = Outcome.ACCEPTED, **more: Exception) -> None:
    kept.sending(numbers, "id-1")
    kept.write([row(number, outcome, **more) for number in numbers])


def to_send(kept: Recording) -> list[int]:
    return [number for number in range(FIRST, FIRST + COUNT) if kept.states.is_open(number)]


@contextmanager
def begun(path: Path, plan: Plan, **options: bool) -> Iterator[Recording]:
    with recording(path, plan, "sepahan", resuming=False, **options) as kept:
        yield kept


@contextmanager
def resumed(path: Path, plan: Plan, **options: bool) -> Iterator[Recording]:
    with recording(path, plan, "sepahan", resuming=True, **options) as kept:
        yield kept


LINKS = pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
ENDINGS = pytest.mark.parametrize("name", ["r.csv", "r.jsonl"])


@ENDINGS
def test_a_row_is_read_as_it_was_written(name: str, plan: Plan, tmp_path: Path):
    error = ProviderError('no, "never"\nand more', code="4\n02", message="نه", provider="sepahan")
    words = 'no, "never" and more sepahan says: نه'
    with begun(tmp_path / name, plan) as kept:
        send(kept, 2)
        send(kept, 3, outcome=Outcome.REJECTED, error=error)
    assert [attrs.evolve(found, mark=None) for found in read_results(tmp_path / name)] == [
        ResultRow(2, "+989120000002", "accepted", 2, "id-1", provider="sepahan"),
        ResultRow(3, "+989120000003", "rejected", 3, "id-1", "4 02", "ProviderError", words, "sepahan"),
    ]
    keys = ["row", "recipient", "outcome", "message_id", "request_id", "code", "error", "words", "provider", "mark"]
    assert [list(found) for found in read_rows(tmp_path / name)] == [keys, keys]


@ENDINGS
def test_a_resume_sends_what_never_went_and_keeps_the_rest(name: str, plan: Plan, tmp_path: Path):
    path = tmp_path / name
    with begun(path, plan) as kept:
        send(kept, 2, 3)
        send(kept, 4, outcome=Outcome.REJECTED)
        send(kept, 5, outcome=Outcome.UNKNOWN)
        send(kept, 6, 7, outcome=Outcome.NOT_SENT)
        kept.sending([8, 9], "id-2")
    with resumed(path, plan) as kept:
        assert to_send(kept) == [6, 7, 10, 11, 12, 13]
        found = {one.row: (one.outcome, one.request_id) for one in read_results(path)}
        assert found == {
            **dict.fromkeys((2, 3), ("accepted", "id-1")),
            4: ("rejected", "id-1"),
            5: ("unknown", "id-1"),
            **dict.fromkeys((8, 9), ("unknown", "id-2")),
        }


def test_what_a_resume_has_begun_and_not_ended_is_unknown_though_it_was_not_sent_before(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        send(kept, 2, 3, outcome=Outcome.NOT_SENT)
    with resumed(tmp_path / "r.csv", plan) as kept:
        kept.sending([2], None)
    with resumed(tmp_path / "r.csv", plan) as kept:
        assert to_send(kept) == list(range(3, FIRST + COUNT))


def test_a_resume_that_sent_nothing_changes_nothing(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        send(kept, 2, 3, outcome=Outcome.NOT_SENT)
    for _ in range(3):
        with resumed(tmp_path / "r.csv", plan) as kept:
            assert to_send(kept) == list(range(FIRST, FIRST + COUNT))


def test_rejected_ones_are_sent_again_if_asked_for_unless_their_request_may_have_gone(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        send(kept, 2, outcome=Outcome.REJECTED, error=InsufficientCredit("no"))
        send(kept, 3, outcome=Outcome.REJECTED, error=DuplicateRequest("twice"))
        send(kept, *range(4, FIRST + COUNT))
    assert known_states(tmp_path / "r.csv", plan, "sepahan").count_open(plan) == 0
    with resumed(tmp_path / "r.csv", plan, rejected_too=True) as kept:
        assert to_send(kept) == [2]


# Older copies, and links


@pytest.mark.parametrize("outcome", [Outcome.NOT_SENT, Outcome.REJECTED])
@pytest.mark.parametrize("after", [Outcome.ACCEPTED, Outcome.UNKNOWN])
def test_what_was_sent_after_an_older_copy_is_never_sent_again(
    outcome: Outcome, after: Outcome, plan: Plan, tmp_path: Path
):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        send(kept, *range(2, 8), outcome=outcome)
    copy = path.read_bytes()
    with resumed(path, plan, rejected_too=True) as kept:
        assert to_send(kept) == list(range(2, FIRST + COUNT))
        send(kept, *range(2, 7), outcome=after)
    path.write_bytes(copy)
    with resumed(path, plan, rejected_too=True) as kept:
        assert to_send(kept) == list(range(7, FIRST + COUNT))
        assert kept.states.outdated == 5
        assert [(one.row, one.outcome) for one in read_results(path)] == [(n, "unknown") for n in range(2, 7)]


def test_rows_that_were_refused_again_after_an_older_copy_may_still_go(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        send(kept, 2, 3, outcome=Outcome.NOT_SENT)
    copy = path.read_bytes()
    with resumed(path, plan) as kept:
        send(kept, 2, outcome=Outcome.NOT_SENT)
        send(kept, *range(3, FIRST + COUNT))
    path.write_bytes(copy)
    with resumed(path, plan) as kept:
        assert to_send(kept) == [2]


@LINKS
def test_a_resume_through_a_link_continues_the_file_that_it_leads_to(plan: Plan, tmp_path: Path):
    path, link = tmp_path / "r.csv", tmp_path / "link.csv"
    with begun(path, plan) as kept:
        send(kept, 2, 3, outcome=Outcome.NOT_SENT)
    link.symlink_to(path)
    journal_path(link).symlink_to(journal_path(path))
    with resumed(link, plan) as kept:
        send(kept, 2, 3)
    assert link.is_symlink()
    with resumed(path, plan) as kept:
        assert to_send(kept) == list(range(4, FIRST + COUNT))


@LINKS
def test_a_new_file_behind_a_link_is_made_where_the_link_leads(plan: Plan, tmp_path: Path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "there" / "r.csv")
    with begun(tmp_path / "link.csv", plan) as kept:
        send(kept, 2)
    assert (tmp_path / "link.csv").is_symlink()
    assert sorted(found.name for found in (tmp_path / "there").iterdir()) == ["r.csv", "r.csv.journal"]


# Crashes, at any byte


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


outcomes = st.sampled_from(list(Outcome))


@given(st.sampled_from(["r.csv", "r.jsonl"]), st.data())
def test_no_crash_makes_a_resume_send_twice_or_forget(name: str, data: st.DataObject):
    """Runs of random batches, each ended by a crash that cuts the last write of either file anywhere.

    What went out is known here; the files may say less of it than is true, and never something else.
    """
    truth: dict[int, Outcome | None] = {}  # of the rows that went out; None where the crash came before the result
    with folder() as place, closing(new_plan()) as plan:
        path = place / name
        for run in range(data.draw(st.integers(1, 4))):
            with recording(path, plan, "sepahan", resuming=run > 0) as kept:
                free = to_send(kept)
                assert not [number for number in free if truth.get(number, Outcome.NOT_SENT) is not Outcome.NOT_SENT]
                assert all(number in free for number in range(FIRST, FIRST + COUNT) if number not in truth)
                sizes = (path.stat().st_size, journal_path(path).stat().st_size)
                while free and data.draw(st.booleans()):
                    size = data.draw(st.integers(1, 3))
                    batch, free = free[:size], free[size:]
                    sizes = (path.stat().st_size, journal_path(path).stat().st_size)
                    kept.sending(batch, "id-1")
                    truth.update(dict.fromkeys(batch))
                    if data.draw(st.booleans()):
                        sizes = (path.stat().st_size, journal_path(path).stat().st_size)
                        results = [row(number, data.draw(outcomes)) for number in batch]
                        kept.write(results)
                        truth.update((one.row, Outcome(one.outcome)) for one in results)
            torn = journal_path(path).stat().st_size > sizes[1] and data.draw(st.booleans())
            cut(path, sizes[0], data, none=torn)  # results are written once their mark is safe
            if torn:
                # A mark that is not whole was never safe, and so its batch did not go out.
                for number in marked_last(path):
                    del truth[number]
                cut(journal_path(path), sizes[1], data, torn=True)
                witness_last_whole_line(path)
        with resumed(path, plan) as kept:
            left = set(to_send(kept))
            told = {one.row: Outcome(one.outcome) for one in read_results(path)}
            assert left | told.keys() == set(range(FIRST, FIRST + COUNT))
            assert not left & told.keys()
            for number, outcome in told.items():
                assert outcome in (truth[number], Outcome.UNKNOWN)
            assert not [number for number in left if truth.get(number, Outcome.NOT_SENT) is not Outcome.NOT_SENT]


def cut(path: Path, safe: int, data: st.DataObject, *, torn: bool = False, none: bool = False) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: safe if none else data.draw(st.integers(safe, len(whole) - torn))])


def marked_last(path: Path) -> list[int]:
    opened, marks = Journal.open(path)
    opened.close()
    return [number for first, last in marks[-1].sending for number in range(first, last + 1)]


def witness_last_whole_line(path: Path) -> None:
    header, *lines = journal_path(path).read_bytes().split(b"\n")
    last = [header, *lines[:-1]][-1]
    (state_folder() / "sends" / json.loads(header)["run"]).write_text(json.loads(last)["seal"])


# Copies of the pair from any moment of a send

Pair = tuple[bytes, bytes]


@pytest.fixture
def moments(plan: Plan, tmp_path: Path) -> list[Pair]:
    """The results and the journal as they stood after every write of a send and of its resume, in r.csv's folder."""
    path, found = tmp_path / "r.csv", list[Pair]()

    def snap() -> None:
        if path.exists():
            pair = path.read_bytes(), journal_path(path).read_bytes()
            found.extend([pair] if pair not in found[-1:] else [])

    def watch(module: ModuleType, name: str) -> None:
        real = getattr(module, name)

        def watched(*given: Any, **more: Any) -> None:
            real(*given, **more)
            snap()

        patched.setattr(module, name, watched)

    with pytest.MonkeyPatch.context() as patched:
        watch(journal, "put_on_disk")
        watch(results_file, "put_on_disk")
        watch(recording_module, "rewrite")
        with begun(path, plan) as kept:
            send(kept, 2, 3)
            send(kept, 4, 5, outcome=Outcome.NOT_SENT)
            send(kept, 6, outcome=Outcome.REJECTED)
            kept.sending([7, 8], None)
        with resumed(path, plan, rejected_too=True) as kept:
            send(kept, 4, 6)
            send(kept, 5, outcome=Outcome.UNKNOWN)
            kept.sending([9, 10], None)
            kept.write([row(9), row(10, Outcome.REJECTED)])
            kept.sending([11, 12], None)
    return found


WENT = {2, 3, 4, 5, 6, 7, 8, 9, 11, 12}  # or may have; 10 was rejected, and 13 never tried


def sent_by_a_resume(path: Path, plan: Plan, pair: Pair) -> set[int] | None:
    """The rows that a resume of this pair would send; None where it is refused."""
    path.write_bytes(pair[0])
    journal_path(path).write_bytes(pair[1])
    try:
        with resumed(path, plan, rejected_too=True) as kept:
            return set(to_send(kept))
    except InvalidRequest:
        return None


def test_no_mixture_of_two_moments_sends_to_anybody_twice(
    moments: list[Pair], plan: Plan, tmp_path: Path, state_folder: Path
):
    assert len(moments) > 15
    last = moments[-1][1]
    run = state_folder / "payamak" / "sends" / json.loads(last.splitlines()[0])["run"]
    known = run.read_bytes()
    for results, _ in moments:
        for _, marks in moments:
            sent = sent_by_a_resume(tmp_path / "r.csv", plan, (results, marks))
            assert sent is None if marks != last else (sent is not None and not sent & WENT and 13 in sent)
            run.write_bytes(known)


def test_on_another_machine_a_journal_that_is_older_than_its_results_is_refused(
    moments: list[Pair], plan: Plan, tmp_path: Path, state_folder: Path
):
    run = state_folder / "payamak" / "sends" / json.loads(moments[-1][1].splitlines()[0])["run"]
    refused = 0
    for late, (results, _) in enumerate(moments):
        for _, marks in moments[:late]:
            run.unlink(missing_ok=True)
            sent = sent_by_a_resume(tmp_path / "r.csv", plan, (results, marks))
            told = {line.rsplit(",", 1)[1] for line in results.decode().splitlines()[1:]}
            unknown_to_it = [seal for seal in told if seal.encode() not in marks]
            assert (sent is None) is bool(unknown_to_it)
            refused += sent is None
    assert refused > 40


def test_files_that_were_restored_together_are_refused_where_the_send_went_on(plan: Plan, tmp_path: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        send(kept, 2)
    pair = path.read_bytes(), journal_path(path).read_bytes()
    with resumed(path, plan) as kept:
        send(kept, 3)
    assert sent_by_a_resume(path, plan, pair) is None


def test_of_two_copies_of_a_send_only_the_one_that_went_on_can_be_resumed(plan: Plan, tmp_path: Path):
    first, second = tmp_path / "r.csv", tmp_path / "copy.csv"
    with begun(first, plan) as kept:
        send(kept, 2)
    second.write_bytes(first.read_bytes())
    journal_path(second).write_bytes(journal_path(first).read_bytes())
    with resumed(second, plan) as kept:
        with pytest.raises(InvalidRequest, match="Another payamak"), resumed(first, plan):
            pass
        send(kept, 3)
    with pytest.raises(InvalidRequest, match="older copy"), resumed(first, plan):
        pass
    with resumed(second, plan) as kept:
        assert to_send(kept) == list(range(4, FIRST + COUNT))


def test_the_journal_of_another_send_of_the_same_is_refused(plan: Plan, tmp_path: Path):
    for name in ("a.csv", "b.csv"):
        with begun(tmp_path / name, plan) as kept:
            send(kept, 2)
    journal_path(tmp_path / "a.csv").write_bytes(journal_path(tmp_path / "b.csv").read_bytes())
    with pytest.raises(InvalidRequest, match="belongs to another send"), resumed(tmp_path / "a.csv", plan):
        pass


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [*lines[:1], *lines[2:]],
        lambda lines: [lines[0], lines[1].replace(b"[2,3]", b"[2,2]"), *lines[2:]],
        lambda lines: [*lines[:2], lines[1], *lines[2:]],
        lambda lines: [lines[0].replace(b'"sepahan"', b'"najva"'), *lines[1:]],
        lambda lines: [*lines[:2], b"", *lines[2:]],
    ],
    ids=["a line is gone", "a row is gone", "a line stands twice", "the provider", "an empty line"],
)
def test_a_journal_that_was_edited_is_refused(change: Callable[[list[bytes]], list[bytes]], plan: Plan, tmp_path: Path):
    path = journal_path(tmp_path / "r.csv")
    with begun(tmp_path / "r.csv", plan) as kept:
        send(kept, 2, 3)
        send(kept, 4)
    edited = change(path.read_bytes().splitlines(keepends=True))
    path.write_bytes(b"".join(line if line.endswith(b"\n") else line + b"\n" for line in edited))
    with (
        pytest.raises(InvalidRequest, match=r"Line \d of r\.csv\.journal is damaged"),
        resumed(tmp_path / "r.csv", plan),
    ):
        pass


def test_a_journal_that_lost_its_end_is_refused(plan: Plan, tmp_path: Path):
    path = journal_path(tmp_path / "r.csv")
    with begun(tmp_path / "r.csv", plan) as kept:
        send(kept, 2)
        kept.sending([3, 4], None)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(InvalidRequest, match="older copy"), resumed(tmp_path / "r.csv", plan):
        pass


def test_without_a_folder_for_the_witness_a_send_continues_and_says_that_it_knows_less(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with begun(tmp_path / "r.csv", plan) as kept:
        send(kept, 2)
    with resumed(tmp_path / "r.csv", plan) as kept:
        assert not kept.is_witnessed
        assert to_send(kept) == list(range(3, FIRST + COUNT))


@pytest.mark.skipif(os.name == "nt", reason="no such modes there")
def test_only_its_owner_can_read_a_file_with_numbers(plan: Plan, tmp_path: Path, state_folder: Path):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        send(kept, 2)
    for file in (path, journal_path(path), *(state_folder / "payamak" / "sends").iterdir()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    path.chmod(0o640)
    with resumed(path, plan):
        pass
    assert stat.S_IMODE(path.stat().st_mode) == 0o640  # as its owner wants it


def test_costs_of_all_runs_are_added_up(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        kept.add_cost(20)
        send(kept, 2)
        kept.add_cost(Decimal("0.5"))
        kept.add_cost(None)
    with resumed(tmp_path / "r.csv", plan) as kept:
        assert kept.cost == Decimal("20.5")
        kept.add_cost(3)
        assert kept.cost == Decimal("23.5")


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
        send(kept, 2)
    before = (tmp_path / "r.csv").read_bytes()
    with (
        closing(new_plan(**other)) as another,  # type: ignore[arg-type]
        pytest.raises(InvalidRequest, match=words),
        resumed(tmp_path / "r.csv", another),
    ):
        pass
    with (
        pytest.raises(InvalidRequest, match="different provider"),
        recording(tmp_path / "r.csv", plan, "najva", resuming=True),
    ):
        pass
    assert (tmp_path / "r.csv").read_bytes() == before


@pytest.mark.parametrize("taken", ["r.csv", "r.csv.journal"])
def test_an_existing_file_is_never_overwritten(taken: str, plan: Plan, tmp_path: Path):
    (tmp_path / taken).write_text("mine")
    with pytest.raises(InvalidRequest, match=f"{taken} already exists"), begun(tmp_path / "r.csv", plan):
        pass
    assert (tmp_path / taken).read_text() == "mine"


def test_two_processes_do_not_write_one_results_file(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        kept.sending([2], None)
        with pytest.raises(InvalidRequest, match="Another payamak"), resumed(tmp_path / "r.csv", plan):
            pass
    with resumed(tmp_path / "r.csv", plan):
        pass


def test_without_its_journal_a_results_file_is_not_gone_on_with(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        send(kept, 2)
    journal_path(tmp_path / "r.csv").unlink()
    with pytest.raises(InvalidRequest, match=r"There is no r\.csv\.journal"), resumed(tmp_path / "r.csv", plan):
        pass


def test_without_the_results_a_journal_that_tells_of_batches_is_not_gone_on_with(plan: Plan, tmp_path: Path):
    with begun(tmp_path / "r.csv", plan) as kept:
        send(kept, 2)
    (tmp_path / "r.csv").unlink()
    with pytest.raises(InvalidRequest, match=r"r\.csv is missing"), resumed(tmp_path / "r.csv", plan):
        pass


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("r.csv", b"x,y\n"),
        ("r.csv", b"2,a,sent,,,,,,\n"),
        ("r.csv", b"-2,a,accepted,,,,,,\n"),
        ("r.jsonl", b'{"row":0,"recipient":"a","outcome":"accepted"}\n'),
        ("r.csv.journal", b'{"sending":[[-3,-2]]}\n'),
        ("r.csv", b"999,a,accepted,,,,,,\n"),
        ("r.jsonl", b"{}\n"),
        ("r.csv.journal", b"junk\n"),
        ("r.csv.journal", b'{"sending":[[1,999]]}\n'),
    ],
)
def test_a_damaged_file_is_not_trusted(name: str, damage: bytes, plan: Plan, tmp_path: Path):
    path = tmp_path / name.removesuffix(".journal")
    with begun(path, plan) as kept:
        send(kept, 2)
    with (tmp_path / name).open("ab") as file:
        file.write(damage)
    with pytest.raises(InvalidRequest), resumed(path, plan):
        pass


def test_a_file_of_somebody_else_is_not_taken_for_results(tmp_path: Path):
    (tmp_path / "r.csv").write_text("name,mobile\n")
    with pytest.raises(InvalidRequest, match="not a results file"):
        list(read_results(tmp_path / "r.csv"))
    with pytest.raises(InvalidRequest, match=r"must end in \.csv or \.jsonl"):
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
def test_a_results_file_that_a_spreadsheet_saved_is_told_from_another_file(
    save: Callable[[bytes], bytes], plan: Plan, tmp_path: Path
):
    path = tmp_path / "r.csv"
    with begun(path, plan) as kept:
        send(kept, 2)
    path.write_bytes(save(path.read_bytes()))
    with pytest.raises(InvalidRequest, match="saved by a spreadsheet"), resumed(path, plan):
        pass


def test_a_run_that_begins_nothing_leaves_no_files(plan: Plan, tmp_path: Path):
    with pytest.raises(ZeroDivisionError), begun(tmp_path / "r.csv", plan):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_began_something_leaves_its_files(plan: Plan, tmp_path: Path):
    with pytest.raises(IndexError), begun(tmp_path / "r.csv", plan) as kept:
        kept.sending([2, 999], None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv", "r.csv.journal"]


def test_rows_that_do_not_fit_on_the_disk_leave_no_half(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with begun(tmp_path / "r.csv", plan) as kept:
        send(kept, 2)
        before = (tmp_path / "r.csv").read_bytes()
        with monkeypatch.context() as patched:
            patched.setattr(results_file.os, "fsync", full)
            with pytest.raises(OSError, match="No space"):
                kept.write([row(3)])
        assert (tmp_path / "r.csv").read_bytes() == before


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
