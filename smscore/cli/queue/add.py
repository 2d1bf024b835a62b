"""``payamak queue add``: from a file of recipients to a campaign."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator
from contextlib import closing
from typing import Any

from attrs import field, frozen

from smscore.cli.output import counted
from smscore.cli.queue.connection import name_of, with_queue
from smscore.cli.queue.fields import campaign_fields
from smscore.cli.queue.options import QueueConnection
from smscore.cli.send.questions import ask_before
from smscore.cli.send.summary import plan_fields, plan_words
from smscore.errors import InvalidRequest
from smscore.loops.concurrency import let_others_run
from smscore.queue.model import Campaign
from smscore.queue.queue import AsyncSendQueue
from smscore.recipients.file import ReadOptions, rows_of
from smscore.recipients.plan import Plan, make_plan
from smscore.recipients.template import Template

_ROWS_PER_TURN = 1_000


@frozen(kw_only=True)
class Addition:
    """A campaign as the command line has it."""

    key: str
    recipients: str
    read: ReadOptions
    column: str | None
    text: str | None = field(repr=False)
    template: Template | None = field(repr=False)
    skip_bad: bool
    yes: bool
    sender: str | None
    not_before: float | dt.datetime | None
    expires: float | dt.datetime | None
    window: Any
    priority: int

    @property
    def options(self) -> dict[str, Any]:
        """For ``enqueue`` and ``enqueue_p2p``."""
        return {
            "key": self.key,
            "sender": self.sender,
            "not_before": self.not_before,
            "expires": self.expires,
            "window": self.window,
            "priority": self.priority,
        }


def add(connection: QueueConnection, given: Addition) -> None:
    """Put a campaign into the queue, and print it."""
    with rows_of(given.recipients, given.read) as rows:
        plan = make_plan(rows, column=given.column, text=given.text, template=given.template, origin=rows.origin)
    with closing(plan):
        _show(connection, plan)
        _check(plan, skip_bad=given.skip_bad)
        ask_before(plan.messages, yes=given.yes)
        account = connection.accounts[0].name
        is_new, campaign = with_queue(connection, lambda queue: _added(queue, account, plan, given), creates=True)
    what = f"{counted(campaign.size, 'message')} for {campaign.account}, {campaign.state}"
    words = f"{name_of(campaign)}: {what}." if is_new else f"{name_of(campaign)} was added before: {what}. Nothing new."
    connection.output.record("campaign", {**campaign_fields(campaign), "is_new": is_new}, words)


def _show(connection: QueueConnection, plan: Plan) -> None:
    if connection.output.json:
        connection.output.record("plan", plan_fields(plan, None), "")
    else:
        connection.output.note(plan_words(plan, None))


def _check(plan: Plan, *, skip_bad: bool) -> None:
    if plan.bad_count and not skip_bad:
        raise InvalidRequest(
            f"Nothing was added: {counted(plan.bad_count, 'invalid row')}. Correct the file, or give --skip-bad."
        )
    if not plan.messages:
        raise InvalidRequest("Nothing to add: the file has no valid row.")


async def _added(queue: AsyncSendQueue, account: str, plan: Plan, given: Addition) -> tuple[bool, Campaign]:
    """Whether the campaign is new, and the campaign."""
    before = await queue.campaign(given.key)
    campaign = await _enqueue(queue, account, plan, given)
    return before is None or before.id != campaign.id, campaign


async def _enqueue(queue: AsyncSendQueue, account: str, plan: Plan, given: Addition) -> Campaign:
    if plan.text is None:
        return await queue.enqueue_p2p(account, _messages(plan), **given.options)
    return await queue.enqueue(account, _recipients(plan), plan.text, **given.options)


async def _recipients(plan: Plan) -> AsyncGenerator[str, None]:
    for place, one in enumerate(plan):
        if one.problem is None:
            yield one.recipient
        if place % _ROWS_PER_TURN == 0:
            await let_others_run()


async def _messages(plan: Plan) -> AsyncGenerator[tuple[str, str], None]:
    for place, one in enumerate(plan):
        if one.problem is None:
            yield one.recipient, one.text or ""
        if place % _ROWS_PER_TURN == 0:
            await let_others_run()
