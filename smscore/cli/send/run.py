"""One run of a send: show the plan, ask, send the messages, and print a summary."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Final

from attrs import frozen

from smscore import registry
from smscore.account import from_environment
from smscore.cli import exit_codes
from smscore.cli.connection import accepted_options, check_can, client_class, connect
from smscore.cli.options import Connection
from smscore.cli.output import Output, counted
from smscore.cli.results_file import JsonLines
from smscore.cli.send.batches import PlannedSource, Sending, open_messages, record_skipped, send_planned
from smscore.cli.send.journal import remembered
from smscore.cli.send.options import SendOptions
from smscore.cli.send.progress import progress
from smscore.cli.send.questions import ask_about_changes, confirm, note_resumed
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
from smscore.cli.stop import Stop
from smscore.errors import InvalidRequest
from smscore.profile import Capability
from smscore.recipients.file import ReadOptions, rows_of
from smscore.recipients.plan import Plan, make_plan
from smscore.recipients.template import Template
from smscore.results import SendReport
from smscore.senders import check_sender


def run(connection: Connection, given: SendOptions, text: str | None, template: Template | None) -> int:
    """Send one ``text``, or a ``template``, and return the exit code."""
    if given.resuming and given.out is not None:
        given = given.with_remembered(remembered(real_path(given.out)))
    # A dry run refuses what a send would.
    kind = client_class(connection.provider)
    _options(given, _stream(kind, template))
    kind("only checked", **{name: value for name, value in given.settings.items() if value is not None})
    with rows_of(given.recipients, ReadOptions(given.sheet, given.encoding, given.hidden_too)) as rows:
        plan = make_plan(rows, column=given.column, text=text, template=template, origin=rows.origin)
    with closing(plan):
        return _show_only(connection, given, plan) if given.dry_run else _send(connection, given, plan, template)


def _stream(client: Any, template: Template | None) -> Any:
    if template is None:
        check_can(client, Capability.SENDS, "send_stream")
        return client.send_stream
    check_can(client, Capability.SENDS_P2P, "send_p2p_stream")
    return client.send_p2p_stream


def _options(given: SendOptions, stream: Callable[..., Any]) -> dict[str, Any]:
    """The options of the call; ``InvalidRequest`` for one that this provider's does not take."""
    return accepted_options(stream, {"sender": given.sender, **given.options})


def _show_only(connection: Connection, given: SendOptions, plan: Plan) -> int:
    states = None
    if given.resuming and given.out is not None:
        states = known_states(given.out, plan, connection.provider, rejected_too=given.rejected_too)
    words = dry_run_words(plan, states, _cost_hint(connection.provider))
    connection.output.record("plan", dry_run_fields(plan, states), words)
    return exit_codes.DONE if _problem(given, plan) is None else exit_codes.USAGE


def _cost_hint(provider: str) -> str:
    words = "Cost: a dry run does not ask the provider"
    if "price" in registry.profile(provider).own_calls:
        return f"{words}; `payamak price -p {provider}` does."
    return f"{words}, and {provider} reports it only after messages are sent."


def _problem(given: SendOptions, plan: Plan) -> str | None:
    """Why the plan cannot be sent, or None."""
    if plan.bad_count and not given.skip_bad:
        return f"Nothing was sent: {counted(plan.bad_count, 'invalid row')}. Correct the file, or give --skip-bad."
    return None if plan.messages else "Nothing to send: the file has no valid row."


def _send(connection: Connection, given: SendOptions, plan: Plan, template: Template | None) -> int:
    output = connection.output
    _show(output, plan)
    problem = _problem(given, plan)
    if problem is not None:
        raise InvalidRequest(problem)
    call = _call(connection, given, plan, template)
    if not given.resuming:
        if given.out is not None:
            check_free(given.out)
        confirm(given, plan.messages)
    stop = Stop(output, _FIRST_WORDS, _last_words(given))
    with (
        SIGNALS.listening(stop.on_signal, signal.SIGINT, signal.SIGTERM),
        _recording(connection, given, plan, call.used) as kept,
    ):
        to_send = kept.states.count_open(plan)
        if given.resuming:
            note_resumed(output, given, kept, to_send)
            with SIGNALS.raising():
                ask_about_changes(output, given, kept.changed, to_send)
                confirm(given, to_send)
        record_skipped(plan, kept, connection.provider)
        with progress(to_send, quiet=output.json) as advance:
            sending = Sending(kept, PlannedSource(open_messages(plan, kept)), connection.provider, advance)
            asyncio.run(stop.guard(sending.source.stop, call.run(sending)))
        return _sum_up(sending, plan, given, output)


def _show(output: Output, plan: Plan) -> None:
    if output.json:
        output.record("plan", plan_fields(plan, None), "")
    else:
        output.note(plan_words(plan, None))


@frozen(repr=False)
class _Call:
    """A call of the client's stream, checked before anything is written."""

    client: Any
    stream: Callable[..., AsyncGenerator[SendReport, None]]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    used: dict[str, object]
    """The same options with the line that is really used, in the provider's form."""

    async def run(self, sending: Sending) -> None:
        async with self.client:
            await send_planned(sending, self.stream, self.arguments, self.options)


def _call(connection: Connection, given: SendOptions, plan: Plan, template: Template | None) -> _Call:
    client = connect(connection, **given.settings)
    client.check()
    stream = _stream(client, template)
    options = _options(given, stream)
    # The line that the client reads from the environment counts too, however it is written.
    line = given.sender or from_environment(connection.provider, "sender")
    used: dict[str, object] = {**options, "sender": check_sender(line, client.provider, needed=False)}
    return _Call(client, stream, () if plan.text is None else (plan.text,), options, used)


@contextmanager
def _recording(
    connection: Connection, given: SendOptions, plan: Plan, options: Mapping[str, object]
) -> Generator[Recording]:
    if given.out is None:
        writer = JsonLines(connection.output) if connection.output.json else None
        yield Recording(States.none_known(plan.last_row), None, writer)
        return
    with recording(
        given.out,
        plan,
        connection.provider,
        resuming=given.resuming,
        rejected_too=given.rejected_too,
        options=options,
        remembered=given.to_remember,
    ) as kept:
        yield kept


_FIRST_WORDS: Final = (
    "Stopping after the requests in progress. Press Ctrl-C again to abandon them: they may have been sent."
)


def _last_words(given: SendOptions) -> str:
    words = "Stopped immediately, without a summary."
    if given.out is None:
        return f"{words} Requests in progress may have been sent."
    return f"{words} {given.out.name} and its journal record every row; continue with --resume {given.out.name}."


def _sum_up(sending: Sending, plan: Plan, given: SendOptions, output: Output) -> int:
    lost = sending.finish()
    if sending.defect is not None:
        raise sending.defect
    words = summary_words(sending, plan, given.out.name if given.out else None)
    fields = summary_fields(sending, plan) | {"results": str(given.out) if given.out else None}
    code = summary_code(sending, plan)
    if SIGNALS.number is not None or sending.abandoned:
        code = exit_codes.SIGNALLED + (SIGNALS.number or signal.SIGINT)
    try:
        output.record("summary", fields | {"unwritten": lost, "exit_code": code}, words)
    except OSError:
        output.note(words)  # standard output is closed, or its disk is full
        raise
    if sending.disk_error is not None:
        raise _disk_error(sending.disk_error, lost, str(given.out))
    return code


def _disk_error(error: OSError, lost: int, name: str) -> OSError:
    words = f"{error.strerror}, so the send was stopped"
    if lost:
        words += f". The file lacks the results of {lost:,} recipients: a resume treats them as unknown"
    return OSError(error.errno, words, name)
