"""A plan and the summary of its send, in words and as fields."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from attrs import asdict, frozen

from smscore.cli import exit_codes
from smscore.cli.output import counted, money, ranges, row_words
from smscore.cli.results_file import SKIPPED
from smscore.cli.send.sending import ErrorSummary, Sending
from smscore.cli.send.states import States
from smscore.error_words import provider_words
from smscore.inputs import count_parts
from smscore.outcomes import OUTCOME_WORDS, Outcome
from smscore.recipients.plan import Plan

_MAX_ROWS: Final = 20  # shown of the invalid ones, and of those of an error
_MAX_LISTED: Final = 1_000  # rows of an error, for scripts
_MAX_SAMPLES: Final = 3  # rows


def plan_fields(plan: Plan, states: States | None) -> dict[str, Any]:
    """The plan for scripts, with what is known of an earlier run, if there was one."""
    return {
        "column": plan.layout.column + 1,
        "column_title": plan.layout.title or None,
        "header_row": plan.layout.header or None,
        "sheet": plan.origin.sheet,
        "encoding": plan.origin.encoding,
        "hidden_rows": plan.origin.hidden_rows,
        "hidden_columns": [index + 1 for index in sorted(plan.origin.hidden_columns)],
        "notes": plan.notes,
        "rows": plan.rows,
        "messages": plan.messages,
        "to_send": plan.messages if states is None else states.count_open(),
        "empty_rows": plan.empty,
        "duplicates": plan.duplicate_count,
        "duplicate_rows": plan.duplicates,
        "bad": plan.bad_count,
        "bad_rows": [{"row": bad.row, "problem": bad.problem} for bad in plan.bad],
        "parts": {"least": plan.least_parts, "most": plan.most_parts, "total": plan.total_parts},
        "sample": plan.sample,
        "unknown_rows": [] if states is None else ranges(states.in_doubt),
    }


@frozen(repr=False)
class Sample:
    """A text that would be sent, its SMS parts, and the first rows that would get it."""

    rows: list[int]
    parts: int
    text: str


def samples(plan: Plan, states: States | None) -> list[Sample]:
    """What the first three rows would get, rows with the same text together."""
    open_ones = (one for one in plan if one.problem is None and (states is None or states.is_open(one.row)))
    texts: dict[str, list[int]] = {}
    for one in islice(open_ones, _MAX_SAMPLES):
        texts.setdefault(one.text or plan.text or "", []).append(one.row)
    return [Sample(rows, count_parts(text).parts, text) for text, rows in texts.items()]


def dry_run_fields(plan: Plan, states: States | None) -> dict[str, Any]:
    """A dry run for scripts. It asks no provider, and so has no cost."""
    return plan_fields(plan, states) | {"samples": list(map(asdict, samples(plan, states))), "cost": None}


def dry_run_words(plan: Plan, states: States | None, cost: str) -> str:
    """A dry run for people; ``cost`` says how to find out the cost."""
    return "\n".join([*_plan_lines(plan, states), *_sample_lines(plan, states), cost])


def _sample_lines(plan: Plan, states: States | None) -> Iterable[str]:
    for sample in samples(plan, states):
        rows = f"row{'s' * (len(sample.rows) > 1)} {', '.join(map(str, sample.rows))}"
        yield f"To {rows}, in {counted(sample.parts, 'part')}:"
        yield from (f"  {line}" for line in sample.text.splitlines())


def plan_words(plan: Plan, states: States | None) -> str:
    """The plan for people."""
    first = [] if plan.sample is None else [f"The first text: {plan.sample}"]
    return "\n".join([*_plan_lines(plan, states), *first])


def _plan_lines(plan: Plan, states: States | None) -> Iterable[str]:
    parts = f"{plan.least_parts}" if plan.least_parts == plan.most_parts else f"{plan.least_parts} to {plan.most_parts}"
    yield (
        f"{counted(plan.rows, 'row')}: {counted(plan.messages, 'message')}, parts per message: {parts}, "
        f"total parts: {plan.total_parts:,}."
    )
    title = f" ({plan.layout.title})" if plan.layout.title else ""
    sheet = f" of the sheet {plan.origin.sheet}" if plan.origin.sheet else ""
    yield f"The numbers are in column {plan.layout.column + 1}{title}{sheet}."
    yield from plan.notes
    if plan.duplicate_count:
        yield f"{counted(plan.duplicate_count, 'duplicate')} skipped: {row_words(plan.duplicates, _MAX_ROWS)}."
    if plan.bad_count:
        yield f"{counted(plan.bad_count, 'invalid row')}:"
        yield from (f"  row {bad.row}: {bad.problem}" for bad in plan.bad[:_MAX_ROWS])
        if plan.bad_count > _MAX_ROWS:
            yield f"  and {plan.bad_count - _MAX_ROWS:,} more"
    if states is not None:
        yield f"Earlier run: {states.count_open():,} still to send."
        doubtful = row_words(states.in_doubt)
        if doubtful:
            yield f"Unknown, not sent again: {doubtful}."


def summary_fields(sending: Sending, plan: Plan) -> dict[str, Any]:
    """The summary of a send for scripts."""
    counts = sending.queue.states.counts()
    return {
        "provider": sending.provider,
        "messages": plan.messages,
        **{outcome.value: counts[outcome.value] for outcome in Outcome},
        SKIPPED: _skipped(plan),
        "unknown_rows": ranges(sending.queue.states.in_doubt),
        "cost": sending.queue.cost,
        "problems": [_problem_fields(problem) for problem in sending.problems.values()],
    }


def _skipped(plan: Plan) -> int:
    return plan.bad_count + plan.duplicate_count


def _problem_fields(problem: ErrorSummary) -> dict[str, Any]:
    return {
        "outcome": problem.outcome.value,
        "count": problem.count,
        "rows": problem.rows[:_MAX_LISTED],
        "error": type(problem.error).__name__,
        "code": problem.error.code,
        "text": str(problem.error),
        "message": provider_words(problem.error),
    }


def summary_words(sending: Sending, plan: Plan, results: str | None) -> str:
    """The summary of a send for people."""
    return "\n".join(_summary_lines(sending, plan, results))


def _summary_lines(sending: Sending, plan: Plan, results: str | None) -> Iterable[str]:
    states = sending.queue.states
    counts = states.counts()
    said = [f"{counts[outcome.value]:,} {words}" for outcome, words in OUTCOME_WORDS.items() if counts[outcome.value]]
    skipped = [f"{_skipped(plan):,} skipped"] if _skipped(plan) else []
    yield f"{counted(plan.messages, 'message')}: {', '.join([*said, *skipped])}."
    if sending.queue.cost is not None:
        yield f"Cost: {money(sending.queue.cost)} Rials, according to the answers of {sending.provider}."
    for problem in sending.problems.values():
        yield f"  {problem.count:,} {OUTCOME_WORDS[problem.outcome]}: {problem.error}"
        yield f"    {row_words(problem.rows, _MAX_ROWS, whole=problem.is_whole)}"
        quoted = provider_words(problem.error)
        if quoted:
            yield f"    {sending.provider} says: {quoted}"
    unknown, in_progress = row_words(states.unknown), row_words(states.in_progress)
    if unknown:
        yield f"Unknown, never sent again automatically: {unknown}."
    if in_progress:
        yield f"In progress when the command ended, so they may have been sent: {in_progress}."
    if results and (in_progress or counts[Outcome.NOT_SENT.value]):
        yield f"To send the rest, run the same command with --resume {results} instead of --out."


def summary_code(sending: Sending, plan: Plan) -> int:
    """The exit code of a send: if none was accepted, the first error's code."""
    counts = sending.queue.states.counts()
    accepted = counts[Outcome.ACCEPTED.value]
    if accepted == plan.messages:
        return exit_codes.DONE
    if accepted or not sending.problems:
        return exit_codes.SOME_NOT
    return exit_codes.exit_code(next(iter(sending.problems.values())).error)
