"""The run of a send: the plan is shown, a question asked, the messages sent, and what became of them summed up."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

import click
from attrs import define, field

from smscore.account import from_environment
from smscore.cli import exit_codes
from smscore.cli.connection import accepted_options, call_of, client_class, connect
from smscore.cli.options import Connection
from smscore.cli.output import Output, as_json, counted
from smscore.cli.results_file import JsonLines
from smscore.cli.send.batches import PlannedSource, Sending, open_messages, record_skipped, send_planned
from smscore.cli.send.journal import range_words, remembered
from smscore.cli.send.options import Order
from smscore.cli.send.progress import progress
from smscore.cli.send.recording import Recording, States, check_free, known_states, real_path, recording
from smscore.cli.send.summary import (
    dry_run_fields,
    dry_run_words,
    plan_fields,
    plan_words,
    summary_code,
    summary_fields,
    summary_words,
)
from smscore.cli.signals import SIGNALS
from smscore.errors import InvalidRequest
from smscore.outcomes import Outcome
from smscore.recipients.file import ReadOptions, rows_of
from smscore.recipients.plan import Plan, make_plan
from smscore.recipients.template import Template
from smscore.senders import check_sender

_ASK_ABOVE: Final = 100  # messages


def run(connection: Connection, order: Order, text: str | None, template: Template | None) -> int:
    """The exit code of a send of one ``text``, or of a ``template``."""
    if order.resuming and order.out is not None:
        order = order.with_remembered(remembered(real_path(order.out)))
    _options(order, _stream(client_class(connection.provider), template))  # so that a dry run refuses what a send would
    options = ReadOptions(order.sheet, order.encoding, order.hidden_too)
    with rows_of(order.recipients, options) as rows:
        plan = make_plan(rows, column=order.column, text=text, template=template, origin=rows.origin)
    with closing(plan):
        return _show_only(connection, order, plan) if order.dry_run else _send(connection, order, plan, template)


def _stream(client: Any, template: Template | None) -> Any:
    return call_of(client, "send_stream" if template is None else "send_p2p_stream")


def _options(order: Order, stream: Callable[..., Any]) -> dict[str, Any]:
    """What the call is given; ``InvalidRequest`` for what this provider's does not take."""
    return accepted_options(stream, {"sender": order.sender, **order.options})


def _show_only(connection: Connection, order: Order, plan: Plan) -> int:
    states = None
    if order.resuming and order.out is not None:
        states = known_states(order.out, plan, connection.provider, rejected_too=order.rejected_too)
    words = dry_run_words(plan, states, _where_the_cost_is(connection.provider))
    connection.output.record("plan", dry_run_fields(plan, states), words)
    return exit_codes.DONE if _problem(order, plan) is None else exit_codes.USAGE


def _where_the_cost_is(provider: str) -> str:
    words = "Cost: a dry run asks nobody, and "
    if hasattr(client_class(provider), "price"):
        return f"{words}`payamak price -p {provider}` asks what a text costs."
    return f"{words}{provider} tells it only once messages are sent."


def _problem(order: Order, plan: Plan) -> str | None:
    """Why the plan cannot be sent, or None."""
    if plan.bad_count and not order.skip_bad:
        return f"Nothing was sent: {counted(plan.bad_count, 'bad row')}. Correct the file, or give --skip-bad."
    return None if plan.messages else "No row of the file can be sent to."


def _send(connection: Connection, order: Order, plan: Plan, template: Template | None) -> int:
    output = connection.output
    if output.json:
        output.record("plan", plan_fields(plan, None), "")
    else:
        output.note(plan_words(plan, None))
    problem = _problem(order, plan)
    if problem is not None:
        raise InvalidRequest(problem)
    client = connect(connection, **order.settings)
    client.check()  # before anything is written
    stream = _stream(client, template)
    options = _options(order, stream)
    if not order.resuming:
        if order.out is not None:
            check_free(order.out)
        _ask(order, plan.messages)
    # The line that the client takes from the environment counts too, and in one spelling.
    line = order.sender or from_environment(connection.provider, "sender")
    used = {**options, "sender": check_sender(line, client.provider, needed=False)}
    stop = _Stop(output, _last_words(order))
    with (
        SIGNALS.told_to(stop.hear, signal.SIGINT, signal.SIGTERM),
        _recording(connection, order, plan, used) as kept,
    ):
        to_send = kept.states.count_open(plan)
        if order.resuming:
            _tell_resumed(output, order, kept, to_send)
            with SIGNALS.raising():
                _ask_about_changes(output, order, kept.changed, to_send)
                _ask(order, to_send)
        record_skipped(plan, kept, connection.provider)
        with progress(to_send, quiet=output.json) as advance:
            sending = Sending(kept, PlannedSource(open_messages(plan, kept)), connection.provider, advance)
            arguments = () if plan.text is None else (plan.text,)
            asyncio.run(stop.guard(sending.source, _send_all(client, sending, stream, arguments, options)))
        return _sum_up(sending, plan, order, output)


async def _send_all(
    client: Any, sending: Sending, stream: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    async with client:
        await send_planned(sending, stream, arguments, options)


@contextmanager
def _recording(connection: Connection, order: Order, plan: Plan, options: Mapping[str, object]) -> Generator[Recording]:
    if order.out is None:
        writer = JsonLines(connection.output) if connection.output.json else None
        yield Recording(States.none_known(plan.last_row), None, writer)
        return
    with recording(
        order.out,
        plan,
        connection.provider,
        resuming=order.resuming,
        rejected_too=order.rejected_too,
        options=options,
        remembered=order.to_remember,
    ) as kept:
        yield kept


def _tell_resumed(output: Output, order: Order, kept: Recording, to_send: int) -> None:
    states = kept.states
    counts = states.counts()
    unknown = counts[Outcome.UNKNOWN.value]
    output.note(f"Resuming: {counts[Outcome.ACCEPTED.value]:,} were accepted before, {to_send:,} are to be sent.")
    if order.recalled:
        output.note(f"As it was begun: {', '.join(order.recalled)}.")
    if not kept.is_witnessed:
        output.note(
            "WARNING: this send is not known here. If it went on elsewhere after these files were copied, stop now and "
            "resume the newest files: with these, whoever was sent to since gets it twice."
        )
    if states.outdated:
        output.note(
            f"The results file is an older copy: its journal tells of {counted(states.outdated, 'row')} that were sent "
            "after it was made. They are unknown; if you have the newest copy, stop here and go on with that."
        )
    if unknown:
        name = order.out.name if order.out else ""
        output.note(
            f"{unknown:,} are unknown, and are not sent again: rows {range_words(states.rows_with(Outcome.UNKNOWN))}. "
            f"They may have gone; {name} lists them."
        )


def _ask_about_changes(output: Output, order: Order, changed: Sequence[str], count: int) -> None:
    if not changed or not count:
        return
    words = f"What is left would go out with another {' and another '.join(changed)} than what was begun."
    if order.yes:
        output.note(words)
    elif not sys.stdin.isatty():
        raise InvalidRequest(f"{words} Give the same as then, or --yes if that is wanted.")
    elif not click.confirm(f"{words} Go on?", err=True):
        raise Declined


def _ask(order: Order, count: int) -> None:
    if count <= _ASK_ABOVE or order.yes:
        return
    if not sys.stdin.isatty():
        raise InvalidRequest(
            f"{count:,} messages are more than {_ASK_ABOVE}, and nobody is asked without a terminal. Give --yes."
        )
    if not click.confirm(f"Send {counted(count, 'message')}?", err=True):
        raise Declined


class Declined(click.ClickException):
    """The answer to the question was no."""

    def __init__(self) -> None:
        super().__init__("Nothing was sent.")


def _last_words(order: Order) -> str:
    words = "Ended at once, without a summary."
    if order.out is None:
        return f"{words} What was under way may have gone."
    return f"{words} {order.out.name} and its journal tell of every row; go on with --resume {order.out.name}."


@define
class _Stop:
    """What ends a send: a first signal after what is under way, a second one without it, a third one at once."""

    output: Output
    last_words: str
    _count: int = field(default=0, init=False)
    _source: PlannedSource | None = field(default=None, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def guard(self, source: PlannedSource, sending: Coroutine[Any, Any, None]) -> None:
        """Run this, which takes from ``source``, under the signals."""
        self._source, self._task = source, asyncio.ensure_future(sending)
        if self._count:
            source.stop()
        try:
            await self._task
        except asyncio.CancelledError:
            if self._count < 2:
                raise
            # It came while the client was being closed: by then every result is known.

    def hear(self) -> str | None:
        """Take a signal, at any point of the main thread; it gives the last words for the third."""
        self._count += 1
        if self._source is not None:
            self._source.stop()
        if self._task is not None and not self._task.done():
            act = self._tell if self._count == 1 else self._task.cancel
            self._task.get_loop().call_soon_threadsafe(act)
        if self._count < 3:
            return None
        return as_json("note", {"text": self.last_words}) if self.output.json else self.last_words

    def _tell(self) -> None:
        self.output.note("Stopping after what is under way. Ctrl-C again abandons that: it may have gone.")


def _sum_up(sending: Sending, plan: Plan, order: Order, output: Output) -> int:
    lost = sending.finish()
    if sending.defect is not None:
        raise sending.defect
    words = summary_words(sending, plan, order.out.name if order.out else None)
    fields = summary_fields(sending, plan) | {"results": str(order.out) if order.out else None}
    code = summary_code(sending, plan)
    if SIGNALS.number is not None or sending.abandoned:
        code = exit_codes.SIGNALLED + (SIGNALS.number or signal.SIGINT)
    try:
        output.record("summary", fields | {"unwritten": lost, "exit_code": code}, words)
    except OSError:
        output.note(words)  # whoever read the standard output is gone, or its disk is full
        raise
    if sending.disk_error is not None:
        raise _stopped(sending.disk_error, lost, str(order.out))
    return code


def _stopped(error: OSError, lost: int, name: str) -> OSError:
    words = f"{error.strerror}, and so the sending was stopped"
    if lost:
        words += f". The results of {lost:,} recipients are not in the file: a resume takes them for unknown"
    return OSError(error.errno, words, name)
