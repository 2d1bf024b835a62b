"""Campaigns, counts and accounts as fields for scripts, and in words."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from attrs import asdict

from smscore.cli.output import counted
from smscore.cli.queue.connection import name_of
from smscore.queue.model import Account, Campaign, CampaignState, Counts, StoredMessage

MOVING: Final = frozenset({CampaignState.LOADING, CampaignState.QUEUED, CampaignState.RUNNING})
"""The states in which a campaign goes on by itself, unless its account is held."""


def campaign_fields(campaign: Campaign) -> dict[str, Any]:
    """A campaign for scripts."""
    return asdict(campaign, value_serializer=_plain)


def counts_fields(counts: Counts) -> dict[str, Any]:
    """Its counts for scripts."""
    outcomes = asdict(counts, recurse=False)
    return outcomes | {"deliveries": {status.value: count for status, count in counts.deliveries.items()}}


def account_fields(account: Account) -> dict[str, Any]:
    """An account for scripts."""
    return asdict(account, value_serializer=_plain)


def inbound_fields(message: StoredMessage) -> dict[str, Any]:
    """A stored inbound message for scripts."""
    return asdict(message, recurse=False, value_serializer=_plain)


def campaign_words(campaign: Campaign, account: Account) -> str:
    """A campaign on one line, with why its account is held if that is what stops it."""
    why = f": {campaign.reason}" if campaign.reason else ""
    if account.held and campaign.state in MOVING:
        why += f", account {_held_words(account)}" + (f": {account.reason}" if account.reason else "")
    return f"{name_of(campaign)}  {campaign.account}  {campaign.state}{why}  {counted(campaign.size, 'message')}"


def account_words(account: Account) -> str:
    """An account on one line."""
    if not account.held:
        return f"{account.name}: not held."
    return f"{account.name}: {_held_words(account)}. {account.reason or ''}".rstrip()


def release_words(account: Account) -> str:
    """How an account that is held until it is released sends again."""
    return f"Once the cause is removed: payamak queue release {account.name}"


def _held_words(account: Account) -> str:
    until = "it is released" if account.until is None else local_time(account.until)
    return f"held until {until}"


def local_time(moment: dt.datetime) -> str:
    """A time on this machine's clock, with its offset."""
    return moment.astimezone().isoformat(" ", "seconds")


def _plain(_: object, __: object, value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value
