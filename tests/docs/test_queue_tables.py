"""The tables about the queue, in both languages, say what its tests prove and its code decides."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from crash_matrix import MATRIX, PROVIDERS, End
from docs.pages import ROOT, table

import smscore
from smscore import InvalidParameters, Outcome, SMSError
from smscore.queue.decisions import Action, Stop, decide
from smscore.queue.schema import tables

ENGLISH, PERSIAN = ROOT / "docs/explanation/queue-promises.md", ROOT / "docs/fa/explanation/queue-promises.md"
LANGUAGES = pytest.mark.parametrize("page", [ENGLISH, PERSIAN], ids=["en", "fa"])

SENT = {"sent once": 1, "not sent": 0, "یک بار ارسال شد": 1, "ارسال نشد": 0}
WITHOUT_IDS = ("without ids", "بدون شناسه")
ACTIONS = {
    "finished": Action.FINISH,
    "finished as REJECTED": Action.FINISH,
    "finished as UNKNOWN": Action.UNKNOWN,
    "finished as ACCEPTED, ids lost": Action.ACCEPTED,
    "back to the queue": Action.BACK,
    "repeated": Action.REPEAT,
    "پایان": Action.FINISH,
    "پایان با REJECTED": Action.FINISH,
    "پایان با UNKNOWN": Action.UNKNOWN,
    "پایان با ACCEPTED، بدون شناسه": Action.ACCEPTED,
    "بازگشت به صف": Action.BACK,
    "تکرار": Action.REPEAT,
}
STOPS = {
    "account held": Stop.ACCOUNT,
    "campaign paused": Stop.CAMPAIGN,
    "توقف حساب": Stop.ACCOUNT,
    "توقف ارسال گروهی": Stop.CAMPAIGN,
}


def end(cell: str) -> End:
    outcome = Outcome[re.findall(r"`(\w+)`", cell)[0]]
    (sent,) = [SENT[words] for words in re.findall("|".join(SENT), cell)]
    return End(outcome, outcome is Outcome.ACCEPTED and not any(words in cell for words in WITHOUT_IDS), sent)


@LANGUAGES
def test_the_crash_matrix_is_the_one_that_killed_workers_prove(page: Path):
    written = [[end(cell) for cell in cells] for _, *cells in table(page, 1)]
    assert written == [[ends[provider] for provider in PROVIDERS] for ends in MATRIX.values()]


def failures(cell: str) -> list[SMSError | None]:
    """The failures that the first cell of a row means; a row without a name is of no failure, or of the sender."""
    names = re.findall(r"`(\w+)`", cell)
    if names:
        return [getattr(smscore, name)("") for name in names]
    if cell in ("a usable answer", "پاسخ قابل استفاده"):
        return [None]
    assert cell in ("a refusal of the sender", "رد شدن سرشماره")
    error = InvalidParameters("")
    error.meets_every_batch = True
    return [error]


def decision(cell: str) -> tuple[Action, Stop | None]:
    plain = cell.replace("`", "")
    stop = next((words for words in STOPS if plain.endswith(words)), "")
    action = plain if plain in ACTIONS else plain.removesuffix(stop).rstrip(" ,،")
    return ACTIONS[action], STOPS.get(stop)


@LANGUAGES
def test_the_table_of_decisions_is_that_of_the_code(page: Path):
    rows = table(page, 2)
    for what, first, later in rows:
        for failure in failures(what):
            decided = [decide(failure, may_have_arrived=arrived, can_repeat=True) for arrived in (False, True)]
            assert [(one.action, one.stop) for one in decided] == [decision(first), decision(later)], what
    named = {name for what, *_ in rows for name in re.findall(r"`(\w+)`", what)}
    # These stand for no answer of their own: what they are made of is in the table.
    groups = {"SMSError", "OutcomeUnknown", "InvalidNumber", "PartialSendError"}
    assert named == {*smscore.errors.__all__} - groups


@LANGUAGES
def test_the_table_of_personal_data_names_the_tables_that_hold_it(page: Path):
    without_people = {"payamak_account", "payamak_counter", "payamak_schema"}
    assert {row[0].strip("`") for row in table(page, 4)} == {*tables("sqlite")} - without_people
