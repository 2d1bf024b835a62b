"""Results files and their journals: what they tell after any crash, and what a resume makes of them."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from commandline import mobiles, read_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from smscore import DuplicateRequest, InsufficientCredit, InvalidRequest, Outcome, ProviderError
from smscore.cli import results_file
from smscore.cli.journal import Journal, journal_path, range_words, ranges
from smscore.cli.recording import Recording, known_states, recording
from smscore.cli.results_file import ResultRow, read_results, result_row
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
    assert list(read_results(tmp_path / name)) == [
        ResultRow(2, "+989120000002", "accepted", 2, "id-1", provider="sepahan"),
        ResultRow(3, "+989120000003", "rejected", 3, "id-1", "4 02", "ProviderError", words, "sepahan"),
    ]
    keys = ["row", "recipient", "outcome", "message_id", "request_id", "code", "error", "words", "provider"]
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
def test_a_resume_through_a_link_goes_on_with_the_file_that_it_leads_to(plan: Plan, tmp_path: Path):
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


@settings(deadline=None)
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
            cut(path, sizes[0], data, truth)
            if journal_path(path).stat().st_size > sizes[1] and data.draw(st.booleans()):
                # A mark that is not whole was never safe, and so its batch did not go out.
                for number in marked_last(path):
                    del truth[number]
                cut(journal_path(path), sizes[1], data, truth, torn=True)
        with resumed(path, plan) as kept:
            left = set(to_send(kept))
            told = {one.row: Outcome(one.outcome) for one in read_results(path)}
            assert left | told.keys() == set(range(FIRST, FIRST + COUNT))
            assert not left & told.keys()
            for number, outcome in told.items():
                assert outcome in (truth[number], Outcome.UNKNOWN)
            assert not [number for number in left if truth.get(number, Outcome.NOT_SENT) is not Outcome.NOT_SENT]


def cut(path: Path, safe: int, data: st.DataObject, truth: dict[int, Outcome | None], *, torn: bool = False) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(safe, len(whole) - torn))])


def marked_last(path: Path) -> list[int]:
    journal, marks = Journal.open(path)
    journal.close()
    return [number for first, last in marks[-1].sending for number in range(first, last + 1)]


# Files that do not fit


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"text": "خداحافظ"}, "another text"),
        ({"first": 1}, "another list of recipients"),
        ({"count": 11}, "another list of recipients"),
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
        pytest.raises(InvalidRequest, match="another provider"),
        recording(tmp_path / "r.csv", plan, "najva", resuming=True),
    ):
        pass
    assert (tmp_path / "r.csv").read_bytes() == before


@pytest.mark.parametrize("taken", ["r.csv", "r.csv.journal"])
def test_a_file_that_is_there_is_never_begun_anew(taken: str, plan: Plan, tmp_path: Path):
    (tmp_path / taken).write_text("mine")
    with pytest.raises(InvalidRequest, match=f"{taken} is there already"), begun(tmp_path / "r.csv", plan):
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
    with pytest.raises(InvalidRequest, match=r"r\.csv is gone"), resumed(tmp_path / "r.csv", plan):
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
    with pytest.raises(InvalidRequest, match="no results file"):
        list(read_results(tmp_path / "r.csv"))
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
