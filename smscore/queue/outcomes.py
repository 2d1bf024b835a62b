"""The outcomes of a batch as columns: from what a client reported, and merged with what is already known. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Final, TypeVar

from attrs import define, field

from smscore.errors import SMSError
from smscore.outcomes import Outcome
from smscore.queue.stored_errors import StoredError, stored
from smscore.results import OUTCOMES, SendReport

T = TypeVar("T")

ACCEPTED: Final = Outcome.ACCEPTED.value
NOT_SENT: Final = Outcome.NOT_SENT.value
REJECTED: Final = Outcome.REJECTED.value
UNKNOWN: Final = Outcome.UNKNOWN.value

_WORDS: Final = [outcome.value for outcome in OUTCOMES]


@define
class Columns:
    """What became of each recipient of a batch, by place; ``errors`` are indexes of ``error_list``."""

    outcomes: list[str]
    message_ids: list[int | None]
    errors: list[int | None]
    error_list: list[StoredError] = field(factory=list[StoredError])
    hops: list[int | None] = field(factory=list["int | None"])
    """The hop by which each was sent; empty: the batch's last one."""
    sent_at: list[float | None] = field(factory=list["float | None"])
    """When each was sent, where it is not its hop's time; empty: nowhere."""
    cost: str | None = None
    parts: int | None = None

    def __len__(self) -> int:
        return len(self.outcomes)

    def count(self, outcome: Outcome) -> int:
        """How many recipients have this outcome."""
        return self.outcomes.count(outcome.value)


def same(outcome: Outcome, size: int, error: SMSError | StoredError | None = None) -> Columns:
    """The columns of recipients who all have this outcome, for this reason."""
    if error is None:
        return Columns([outcome.value] * size, [None] * size, [None] * size)
    one = error if isinstance(error, StoredError) else stored(error)
    return Columns([outcome.value] * size, [None] * size, [0] * size, [one])


def columns_of(report: SendReport, hops: Mapping[str | None, int]) -> Columns:
    """A report of one batch as columns; ``hops`` has the last hop of each provider by its name."""
    indexes, errors = _errors(report)
    return Columns(
        [_WORDS[code] for code in report._outcomes],
        [*report._message_ids],
        indexes,
        errors,
        _hops(report, hops),
        _sent_at(report),
        None if report.cost is None else str(report.cost),
        report.parts,
    )


def _hops(report: SendReport, hops: Mapping[str | None, int]) -> list[int | None]:
    if len(hops) <= 1:
        return []
    if report._providers is None:
        return [hops.get(report._provider)] * len(report)
    return [hops.get(report._providers[place]) for place in range(len(report))]


def _errors(report: SendReport) -> tuple[list[int | None], list[StoredError]]:
    """The index of each recipient's error, and the distinct errors, each with those of the providers before."""
    earlier: Iterable[tuple[SMSError, ...] | None]
    earlier = repeat(None) if report._earlier is None else report._earlier
    if report._errors.is_empty and (report._earlier is None or report._earlier.is_empty):
        return [None] * len(report), []
    numbers: dict[tuple[int, int], int] = {}
    kept: list[StoredError] = []
    indexes: list[int | None] = []
    for error, before in zip(report._errors, earlier, strict=False):
        if error is None and not before:
            indexes.append(None)
            continue
        key = id(error), id(before)
        if key not in numbers:
            numbers[key] = len(kept)
            kept.append(stored(error, before or ()))
        indexes.append(numbers[key])
    return indexes, kept


def _sent_at(report: SendReport) -> list[float | None]:
    column = report._sent_at
    if column is None or column.is_empty:
        return []
    seconds = column.packed()
    if len({*seconds}) == 1:
        return []
    return [None if moment != moment else moment for moment in seconds]  # NaN is none


def with_dropped(columns: Columns, dropped: Sequence[int], reason: StoredError) -> Columns:
    """The columns of the whole batch, where those at the places ``dropped`` were left out for this reason."""
    if not dropped:
        return columns
    out = set(dropped)
    size = len(columns) + len(dropped)
    places = [place for place in range(size) if place not in out]
    whole = same(Outcome.NOT_SENT, size)
    whole.error_list, whole.cost, whole.parts = [*columns.error_list, reason], columns.cost, columns.parts
    whole.errors = [len(columns.error_list)] * size
    ids: list[int | None] = [None] * size
    for index, place in enumerate(places):
        whole.outcomes[place] = columns.outcomes[index]
        whole.errors[place] = columns.errors[index]
        ids[place] = columns.message_ids[index]
    whole.message_ids = ids
    whole.hops = _spread(columns.hops, places, size)
    whole.sent_at = _spread(columns.sent_at, places, size)
    return whole


def _spread(column: list[T | None], places: Sequence[int], size: int) -> list[T | None]:
    if not column:
        return []
    whole: list[T | None] = [None] * size
    for index, place in enumerate(places):
        whole[place] = column[index]
    return whole


def is_better(outcome: str, message_id: int | None, than: str, its_id: int | None, *, has_ids: bool) -> bool:
    """Whether what a late answer says of a recipient replaces what is known; ``has_ids``: it has any message ids.

    A definite outcome replaces ``UNKNOWN``, and an acceptance with an id one whose id was lost. An answer with ids is
    the one that was lost, so it also knows who of those was refused alone. Nothing else changes: an id is never lost
    again, and what was accepted with one stays accepted.
    """
    if than == UNKNOWN:
        return outcome not in (UNKNOWN, NOT_SENT)
    if than != ACCEPTED or its_id is not None:
        return False
    return message_id is not None if outcome == ACCEPTED else outcome == REJECTED and has_ids
