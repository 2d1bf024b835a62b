"""What a send keeps on disk while it runs, and how a resume reads it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Final, Protocol

from attrs import define, field

from smscore.cli.results_file import (
    OUTCOMES,
    SKIPPED,
    ResultRow,
    ResultsWriter,
    format_of,
    interrupted_row,
    read_results,
    rewrite,
)
from smscore.cli.send.journal import (
    Header,
    Journal,
    JournalEntry,
    Standing,
    check_same,
    check_seals,
    entry_rows,
    journal_path,
    option_digests,
    other_options,
)
from smscore.errors import DuplicateRequest, InvalidRequest
from smscore.outcomes import Outcome
from smscore.recipients.plan import Plan

NO_OPTIONS: Final[Mapping[str, object]] = {}

_UNTRIED: Final = 0
_MARKED: Final = 1  # about to be sent, without a result
_REFUSED: Final = 2  # according to the journal, without a result
_FIRST_OUTCOME: Final = 3
_CODES: Final = {outcome: code for code, outcome in enumerate(OUTCOMES, _FIRST_OUTCOME)}
_NOT_SENT: Final = _CODES[Outcome.NOT_SENT.value]
_BY_STANDING: Final = {Standing.SENDING: _MARKED, Standing.AGAIN: _UNTRIED, Standing.REFUSED: _REFUSED}


@define
class States:
    """What is known of every row: one byte each."""

    _codes: bytearray
    outdated: int = 0
    """How many results predate a later send of their rows, according to the journal."""

    @classmethod
    def none_known(cls, last_row: int) -> States:
        """No row is known, up to this last one."""
        return cls(bytearray(last_row + 1))

    @property
    def nothing_known(self) -> bool:
        """Whether no row was ever about to be sent."""
        return not any(code and code != _CODES[SKIPPED] for code in self._codes)

    def is_open(self, row: int) -> bool:
        """Whether a row provably was not sent, and is still to be."""
        return self._codes[row] in (_UNTRIED, _NOT_SENT)

    def is_done(self, row: int, outcome: str) -> bool:
        """Whether this outcome of a row is final."""
        return not self.is_open(row) and self._codes[row] == _CODES[outcome]

    def count_open(self, plan: Plan) -> int:
        """How many of the plan's messages are still to be sent."""
        if not any(self._codes):
            return plan.messages
        return sum(one.problem is None and self.is_open(one.row) for one in plan)

    def is_interrupted(self, row: int) -> bool:
        """Whether a row was being sent when an earlier run ended."""
        return self._codes[row] in (_MARKED, _REFUSED)

    def mark(self, rows: Iterable[int], standing: Standing) -> None:
        """Set what the journal says of these rows."""
        for row in rows:
            self._codes[row] = _BY_STANDING[standing]

    def note(self, row: int, outcome: str) -> None:
        """Set a row's outcome."""
        self._codes[row] = _CODES[outcome]

    def take(self, row: ResultRow, *, rejected_too: bool) -> None:
        """Set what a results file says of a row, unless its journal, already read in full, contradicts it.

        Only the journal can allow a row to be sent again: a result that does so against it predates that send.
        """
        may_go = self.is_open(row.row) or (self._codes[row.row] == _REFUSED and _is_refusal(row))
        if not may_go and (row.outcome == Outcome.NOT_SENT.value or _is_refusal(row)):
            self.outdated += 1
        else:
            self.note(row.row, Outcome.NOT_SENT.value if rejected_too and _is_refusal(row) else row.outcome)

    def rows_with(self, outcome: Outcome) -> Iterator[int]:
        """The rows with this outcome, in order."""
        code = _CODES[outcome.value]
        return (row for row, found in enumerate(self._codes) if found == code)

    def rows_in_doubt(self) -> Iterator[int]:
        """The rows that may or may not have been sent, in order."""
        doubtful = {_MARKED, _REFUSED, _CODES[Outcome.UNKNOWN.value]}
        return (row for row, code in enumerate(self._codes) if code in doubtful)

    def counts(self) -> Counter[str]:
        """How many rows have each outcome."""
        return Counter({outcome: self._codes.count(code) for outcome, code in _CODES.items()})


def _is_refusal(row: ResultRow) -> bool:
    # The earlier request of a duplicate may have been sent.
    return row.outcome == Outcome.REJECTED.value and row.error != DuplicateRequest.__name__


class RowWriter(Protocol):
    """Where results go."""

    def write(self, rows: Sequence[ResultRow], mark: str | None = None) -> None:
        """Write these rows, with the journal's last seal, and return when they are safe."""


@define
class Recording:
    """What is known of every row, and where it is recorded: in a results file with a journal, or nowhere."""

    states: States
    _journal: Journal | None = None
    _writer: RowWriter | None = None
    changed: list[str] = field(factory=list[str])
    """Which options of a resume differ from those of the first run, in words."""
    cost: int | Decimal | None = None
    """The cost that the provider reported, with that of earlier runs; None if it reported none."""

    @property
    def is_witnessed(self) -> bool:
        """Whether the files are known to be the newest of their send."""
        return self._journal is None or self._journal.witness.known is not None

    def add_cost(self, cost: int | Decimal | None) -> None:
        """Record what a batch cost."""
        if cost is None:
            return
        self.cost = cost + (self.cost or 0)
        if self._journal is not None:
            self._journal.add_cost(cost)

    def sending(self, rows: Sequence[int], request_id: str | None) -> None:
        """Record that these rows are about to be sent."""
        if self._journal is not None:
            self._journal.sending(rows, request_id)
        self.states.mark(rows, Standing.SENDING)

    def write(self, rows: Sequence[ResultRow]) -> None:
        """Record results, after recording which rows may be sent again."""
        for row in rows:
            self.states.note(row.row, row.outcome)
        if self._journal is not None:
            unsent = [row.row for row in rows if row.outcome == Outcome.NOT_SENT.value]
            self._journal.free(unsent, refused=[row.row for row in rows if _is_refusal(row)])
        if self._writer is not None:
            self._writer.write(rows, None if self._journal is None else self._journal.safe_seal)


@contextmanager
def recording(
    path: Path,
    plan: Plan,
    provider: str,
    *,
    resuming: bool,
    rejected_too: bool = False,
    options: Mapping[str, object] = NO_OPTIONS,
    remembered: Mapping[str, object] = NO_OPTIONS,
) -> Generator[Recording]:
    """A recording of this plan, new or resumed; closed at the end.

    A resume sets rows that were being sent to unknown. Rows that provably were not sent lose their result and are to be
    sent, and so are rejected ones with ``rejected_too``. Raises ``InvalidRequest`` where a new recording's files exist,
    and where those of a resume do not belong to this plan or cannot be trusted.
    """
    path = real_path(path)
    format_of(path)
    header = header_of(plan, provider, options, remembered)
    with ExitStack() as opened:
        if resuming:
            journal, entries = Journal.open(path)
            opened.callback(journal.close)
            states = _states(path, plan, provider, journal, entries, rejected_too)
            _make_ready(path, plan, provider, journal, entries, states)
        else:
            states = States.none_known(plan.last_row)
            journal, entries = _begin(path, header), []
            opened.callback(journal.close)
        writer = ResultsWriter.append(path)
        opened.callback(writer.close)
        try:
            yield Recording(states, journal, writer, other_options(journal.header, header), _cost_of(entries))
        except BaseException:  # Ctrl-C too
            if not resuming and states.nothing_known:
                path.unlink()
                journal_path(path).unlink()
            raise


def header_of(
    plan: Plan,
    provider: str,
    options: Mapping[str, object] = NO_OPTIONS,
    remembered: Mapping[str, object] = NO_OPTIONS,
) -> Header:
    """What a results file of this plan is about."""
    digests = option_digests(options)
    return Header(provider, plan.messages, plan.recipients_digest, plan.texts_digest, digests, dict(remembered))


def real_path(path: Path) -> Path:
    """The file that a path leads to, following links: a results file and its journal stay together."""
    return Path(os.path.realpath(path))


def check_free(path: Path) -> None:
    """Raise ``InvalidRequest`` where a new results file cannot be begun."""
    path = real_path(path)
    format_of(path)
    for taken in (path, journal_path(path)):
        if taken.exists():
            raise InvalidRequest(
                f"{taken.name} already exists. Continue with --resume {path.name}, or name another file."
            )


def _begin(path: Path, header: Header) -> Journal:
    check_free(path)
    try:
        # The journal comes first: a results file without one cannot be resumed.
        journal = Journal.create(path, header)
        try:
            rewrite(path, ())
        except OSError:
            journal.close()
            journal_path(path).unlink()
            raise
    except OSError as error:
        raise InvalidRequest(f"The results file cannot be created: {error.strerror}. Nothing was sent.") from None
    return journal


def known_states(path: Path, plan: Plan, provider: str, *, rejected_too: bool = False) -> States:
    """What an earlier run left, without changing it."""
    path = real_path(path)
    journal, entries = Journal.open(path)
    try:
        return _states(path, plan, provider, journal, entries, rejected_too)
    finally:
        journal.close()


def _states(
    path: Path, plan: Plan, provider: str, journal: Journal, entries: Sequence[JournalEntry], rejected_too: bool
) -> States:
    check_same(journal.header, header_of(plan, provider), path.name)
    if not path.exists() and entries:
        raise InvalidRequest(f"{path.name} is missing, and its journal records sent batches. Restore it.")
    states = States.none_known(plan.last_row)
    try:
        for rows, standing, _ in entry_rows(entries):
            states.mark(rows, standing)
        check_seals((row.mark for row in _results(path)), journal, path.name)
        for row in _results(path):
            states.take(row, rejected_too=rejected_too)
    except IndexError:
        raise InvalidRequest(f"{path.name} has rows that the file of recipients does not have.") from None
    return states


def _make_ready(
    path: Path, plan: Plan, provider: str, journal: Journal, entries: Sequence[JournalEntry], states: States
) -> None:
    # First the journal allows the rows to be sent again, then their results are removed: in the other order, a crash
    # in between would make them unknown.
    journal.free(list(states.rows_with(Outcome.NOT_SENT)))
    rewrite(path, chain(_kept(path, states), _interrupted(plan, states, entries, provider)), journal.safe_seal)


def _cost_of(entries: Iterable[JournalEntry]) -> int | Decimal | None:
    costs = [entry.cost for entry in entries if entry.cost is not None]
    return sum(costs) if costs else None


def _results(path: Path) -> Iterator[ResultRow]:
    return read_results(path) if path.exists() else iter(())


def _kept(path: Path, states: States) -> Iterator[ResultRow]:
    return (row for row in _results(path) if states.is_done(row.row, row.outcome))


def _interrupted(plan: Plan, states: States, entries: Sequence[JournalEntry], provider: str) -> Iterator[ResultRow]:
    sent = ((rows, id_) for rows, standing, id_ in entry_rows(entries) if standing is Standing.SENDING)
    ids = {row: id_ for rows, id_ in sent for row in rows if states.is_interrupted(row)}
    for one in plan if ids else ():
        if states.is_interrupted(one.row):
            states.note(one.row, Outcome.UNKNOWN.value)
            yield interrupted_row(one, ids[one.row], provider)
