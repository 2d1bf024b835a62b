"""One run of a send: show the plan, ask, send the messages, and sum up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

from attrs import frozen

from smscore import registry
from smscore.account import from_environment
from smscore.cli import exit_codes
from smscore.cli.connection import accepted_options, check_can, client_class, connect
from smscore.cli.options import Connection
from smscore.cli.output import Output, counted
from smscore.cli.results_file import COLUMNS
from smscore.cli.send.ending import sum_up
from smscore.cli.send.header import header_of
from smscore.cli.send.opening import check_free, new_queue, remembered, resumed_queue
from smscore.cli.send.options import SendOptions
from smscore.cli.send.progress import progress
from smscore.cli.send.questions import ask_about_changes, confirm, note_resumed
from smscore.cli.send.queue_file import QueueFile
from smscore.cli.send.results import skipped_rows
from smscore.cli.send.sending import Cells, Sending
from smscore.cli.send.states import States
from smscore.cli.send.summary import (
    dry_run_fields,
    dry_run_words,
    plan_fields,
    plan_words,
)
from smscore.cli.signals import SIGNALS
from smscore.cli.stop import Stop
from smscore.errors import InvalidRequest
from smscore.profile import Capability
from smscore.queue.attended import AttendedSender
from smscore.queue.payloads import pack_options
from smscore.queue.senders import P2P, TEXT
from smscore.queue.store.loading import NewCampaign
from smscore.recipients.file import ReadOptions, rows_of
from smscore.recipients.plan import Plan, make_plan
from smscore.recipients.template import Template
from smscore.senders import check_sender
from smscore.stop_signals import STOP_SIGNALS


def run(connection: Connection, given: SendOptions, text: str | None, template: Template | None) -> int:
    """Send one ``text``, or a ``template``, and return the exit code."""
    if given.resuming and given.out is not None:
        given = given.with_remembered(remembered(given.out))
    # A dry run refuses what a send would.
    kind = client_class(connection.provider)
    _options(given, _call(kind, template))
    kind("only checked", **{name: value for name, value in given.settings.items() if value is not None})
    with rows_of(given.recipients, ReadOptions(given.sheet, given.encoding, given.hidden_too)) as rows:
        plan = make_plan(rows, column=given.column, text=text, template=template, origin=rows.origin)
    with closing(plan):
        return _show_only(connection, given, plan) if given.dry_run else _send(connection, given, plan, template)


def _call(client: Any, template: Template | None) -> Any:
    if template is None:
        check_can(client, Capability.SENDS, "send")
        return client.send
    check_can(client, Capability.SENDS_P2P, "send_p2p")
    return client.send_p2p


def _options(given: SendOptions, call: Callable[..., Any]) -> dict[str, Any]:
    """The options of the call; ``InvalidRequest`` for one that this provider's does not take."""
    return accepted_options(call, {"sender": given.sender, **given.options})


def _show_only(connection: Connection, given: SendOptions, plan: Plan) -> int:
    states = _earlier(connection, given, plan)
    words = dry_run_words(plan, states, _cost_hint(connection.provider))
    connection.output.record("plan", dry_run_fields(plan, states), words)
    return exit_codes.DONE if _problem(given, plan) is None else exit_codes.USAGE


def _earlier(connection: Connection, given: SendOptions, plan: Plan) -> States | None:
    """What an earlier run left, which stays as it is."""
    if not given.resuming or given.out is None:
        return None
    with resumed_queue(given.out, plan, header_of(plan, connection.provider)) as queue:
        if given.rejected_too:
            queue.states.reopen_rejected()
        return queue.states


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
    job = _job(connection, given, plan, template)
    if not given.resuming:
        if given.out is not None:
            check_free(given.out)
        confirm(given, plan.messages)
    stop = Stop(output, _FIRST_WORDS, _last_words(given))
    with (
        SIGNALS.listening(stop.on_signal, *STOP_SIGNALS),
        _queue(connection, given, plan, job) as queue,
    ):
        if not queue.is_new:
            _resume(output, given, plan, queue, job)
        sink = _printer(output) if given.out is None and output.json else None
        with progress(queue.states.count_open(), quiet=output.json) as advance:
            sending = Sending(queue, connection.provider, advance, sink)
            if sink is not None:
                sink(skipped_rows(plan, connection.provider))
            asyncio.run(stop.guard(sending.stop, job.run(sending)))
        return sum_up(sending, plan, given, output)


def _show(output: Output, plan: Plan) -> None:
    if output.json:
        output.record("plan", plan_fields(plan, None), "")
    else:
        output.note(plan_words(plan, None))


@frozen(repr=False)
class _Job:
    """What is sent and by whom, checked before anything is written."""

    client: Any
    sender: AttendedSender
    slots: int
    campaign: NewCampaign
    used: dict[str, object]
    """The options, with the line that is really used, in the provider's form."""

    @property
    def size(self) -> int:
        """How many recipients a batch has."""
        return self.sender.limit(self.campaign.kind)

    async def run(self, sending: Sending) -> None:
        async with self.client:
            await sending.run(self.campaign.account, self.sender, self.slots)


def _job(connection: Connection, given: SendOptions, plan: Plan, template: Template | None) -> _Job:
    client = connect(connection, **given.settings)
    client.check()
    options = _options(given, _call(client, template))
    line = options.pop("sender", None)
    sender = AttendedSender(client)
    campaign = NewCampaign(
        connection.provider,
        TEXT if template is None else P2P,
        text=plan.text,
        sender=sender.line(line),
        options=pack_options(options),
    )
    # The line that the client reads from the environment counts too, however it is written.
    own = check_sender(line or from_environment(connection.provider, "sender"), client.provider, needed=False)
    slots = client._settings.max_concurrency
    # To another account a repeat would be a new request, whose id it does not know.
    used: dict[str, object] = {**options, "sender": own, "account": client._resolve_account().mark}
    return _Job(client, sender, min(slots, plan.messages), campaign, used)


@contextmanager
def _queue(connection: Connection, given: SendOptions, plan: Plan, job: _Job) -> Generator[QueueFile]:
    header = header_of(plan, connection.provider, job.used, given.to_remember)
    if given.resuming and given.out is not None:
        with resumed_queue(given.out, plan, header) as queue:
            yield queue
    else:
        with new_queue(given.out, plan, header, job.campaign, job.size) as queue:
            yield queue


def _resume(output: Output, given: SendOptions, plan: Plan, queue: QueueFile, job: _Job) -> None:
    """Ask before a resume, and let what is to be sent wait in the queue."""
    if given.rejected_too:
        queue.states.reopen_rejected()
    if queue.changed:
        queue.states.give_up_repeats()
    to_send = queue.states.count_open()
    note_resumed(output, given, queue, to_send)
    with SIGNALS.raising():
        ask_about_changes(output, given, queue.changed, to_send)
        confirm(given, to_send)
    again = {*queue.states.tried}
    queue.recover(job.campaign.account)
    if queue.changed:
        queue.change(job.campaign, header_of(plan, queue.header.provider, job.used).options)
    if again:
        queue.load((one for one in plan if one.row in again), job.campaign, job.size)


def _printer(output: Output) -> Callable[[Iterator[Cells]], None]:
    """Prints results as they come, where there is no file for them."""
    names = COLUMNS[:-1]

    def show(rows: Iterator[Cells]) -> None:
        for row in rows:
            output.record("result", dict(zip(names, row, strict=True)), "")

    return show


_FIRST_WORDS: Final = (
    "Stopping after the requests in progress. Press Ctrl-C again to abandon them: they may have been sent."
)


def _last_words(given: SendOptions) -> str:
    words = "Stopped immediately, without a summary."
    if given.out is None:
        return f"{words} Requests in progress may have been sent."
    name = given.out.name
    return f"{words} {name}.queue records every row; --resume {name} goes on, and writes {name}."
