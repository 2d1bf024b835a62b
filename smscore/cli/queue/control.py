"""``payamak queue pause``, ``resume``, ``cancel``, ``hold``, ``release``, ``suppress``, ``list`` and ``prune``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Final, TypeAlias

from smscore.cli.exit_codes import DONE, SOME_NOT
from smscore.cli.output import counted
from smscore.cli.queue.connection import campaign_of, name_of, with_queue
from smscore.cli.queue.fields import account_fields, account_words, campaign_fields, campaign_words, inbound_fields
from smscore.cli.queue.options import QueueConnection
from smscore.errors import InvalidRequest
from smscore.queue.model import Account, Campaign, CampaignState
from smscore.queue.queue import AsyncSendQueue
from smscore.recipients.file import ReadOptions, rows_of
from smscore.recipients.plan import make_plan

CampaignChange: TypeAlias = "Callable[[AsyncSendQueue, Campaign], Awaitable[Campaign]]"
AccountChange: TypeAlias = "Callable[[AsyncSendQueue], Awaitable[Account]]"

_NUMBERS_AT_A_TIME: Final = 10_000


def change_campaign(connection: QueueConnection, key: str, change: CampaignChange, *, is_cancel: bool = False) -> int:
    """Change a campaign, print its state after that, and return the exit code: 1 if it had finished before.

    ``is_cancel``: the change is a cancel, so a campaign that is already cancelled is no failure.
    """

    async def use(queue: AsyncSendQueue) -> tuple[Campaign, Account]:
        campaign = await change(queue, await campaign_of(queue, key))
        return campaign, await queue.account(campaign.account)

    campaign, account = with_queue(connection, use)
    _print(connection, campaign, account)
    if not campaign.state.has_ended or (is_cancel and campaign.state is CampaignState.CANCELLED):
        return DONE
    connection.output.note(f"{name_of(campaign)} has already finished: it is {campaign.state}. Nothing was changed.")
    return SOME_NOT


def change_account(connection: QueueConnection, change: AccountChange) -> None:
    """Hold or release an account, and print how it then stands."""
    account = with_queue(connection, change)
    connection.output.record("account", account_fields(account), account_words(account))


def list_campaigns(connection: QueueConnection, state: str | None) -> None:
    """Print all campaigns, or those in one state, oldest first."""

    async def use(queue: AsyncSendQueue) -> dict[str, Account]:
        accounts: dict[str, Account] = {}  # of the campaigns printed: none if there was no campaign
        async for campaign in queue.campaigns(state=state):
            name = campaign.account
            accounts[name] = accounts.get(name) or await queue.account(name)
            _print(connection, campaign, accounts[name])
        return accounts

    if not with_queue(connection, use):
        connection.output.note("No campaigns.")


def show_inbound(connection: QueueConnection, account: str, after: int | None) -> None:
    """Print the inbound messages that workers have stored for an account, oldest first."""

    async def use(queue: AsyncSendQueue) -> None:
        async for message in queue.inbound(account, after=after):
            fields = inbound_fields(message)
            connection.output.record("inbound", fields, f"{message.id}  {message.sender}  {message.text}")

    with_queue(connection, use)


def suppress(
    connection: QueueConnection, recipients: str, read: ReadOptions, column: str | None, *, undo: bool
) -> None:
    """Send nothing more to the numbers in a file, or send to them again."""
    with rows_of(recipients, read) as rows:
        plan = make_plan(rows, column=column, text=".", origin=rows.origin)
    with closing(plan):
        if plan.bad_count:
            listed = ", ".join(str(bad.row) for bad in plan.bad[:_LISTED])
            raise InvalidRequest(
                f"Nothing was changed: {counted(plan.bad_count, 'invalid row')} ({listed}). Correct the file."
            )
        numbers = [one.recipient for one in plan if one.problem is None]

    async def use(queue: AsyncSendQueue) -> None:
        call = queue.unsuppress if undo else queue.suppress
        for start in range(0, len(numbers), _NUMBERS_AT_A_TIME):
            await call(numbers[start : start + _NUMBERS_AT_A_TIME])

    with_queue(connection, use)
    words = "sent to again" if undo else "sent nothing from now on"
    connection.output.record(
        "suppression", {"numbers": len(numbers), "undone": undo}, f"{counted(len(numbers), 'number')}: {words}."
    )


_LISTED: Final = 20  # rows


def prune(connection: QueueConnection, older_than: dt.timedelta) -> None:
    """Remove the numbers and texts of campaigns that ended so long ago; counts and keys stay."""
    count = with_queue(connection, lambda queue: queue.prune(older_than))
    connection.output.record(
        "pruned",
        {"older_than": older_than.total_seconds(), "campaigns": count},
        f"{counted(count, 'campaign')} pruned: numbers and texts were removed; counts and keys are kept.",
    )


def _print(connection: QueueConnection, campaign: Campaign, account: Account) -> None:
    fields = {**campaign_fields(campaign), "account_state": account_fields(account)}
    connection.output.record("campaign", fields, campaign_words(campaign, account))
