"""A queue for a command: its clients, made from the accounts' environment variables, and its campaigns by key."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from smscore import registry
from smscore.account import from_environment, variable
from smscore.cli.queue.options import AccountOption, QueueConnection
from smscore.cli.signals import run_to_the_end
from smscore.errors import ConfigurationError, InvalidRequest
from smscore.queue.model import Campaign
from smscore.queue.queue import AsyncSendQueue

R = TypeVar("R")

_ID: Final = re.compile(r"#(\d{1,18})", re.ASCII)


@asynccontextmanager
async def opened(connection: QueueConnection, *, creates: bool = False) -> AsyncGenerator[AsyncSendQueue, None]:
    """The queue that is there; ``creates``: with its tables made or upgraded."""
    clients = {account.name: _client(account) for account in _distinct(connection.accounts)}
    async with AsyncSendQueue(connection.database, clients, schema=connection.schema) as queue:
        await (queue.create() if creates else queue._require())
        yield queue


def with_queue(
    connection: QueueConnection, use: Callable[[AsyncSendQueue], Awaitable[R]], *, creates: bool = False
) -> R:
    """What ``use`` makes of the queue; Ctrl-C ends it."""

    async def run() -> R:
        async with opened(connection, creates=creates) as queue:
            return await use(queue)

    return run_to_the_end(run())


async def campaign_of(queue: AsyncSendQueue, key: str) -> Campaign:
    """The campaign with this key, or with this id as ``#17``. Raises ``InvalidRequest``."""
    found = await queue.campaign(key)
    id_ = _ID.fullmatch(key)
    if found is None and id_:
        found = await queue._get(int(id_[1]))
    if found is None:
        raise InvalidRequest("No campaign has this key. `payamak queue list` shows them all.")
    return found


def name_of(campaign: Campaign) -> str:
    """A campaign's key, or its id where it has none."""
    return campaign.key or f"#{campaign.id}"


def _distinct(accounts: Sequence[AccountOption]) -> Sequence[AccountOption]:
    names = [account.name for account in accounts]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidRequest(f"The account {twice} is given twice. Give each account once.")
    return accounts


def _client(account: AccountOption) -> Any:
    """The account's client; without a token where none is set, since only a worker needs one."""
    client = registry.load(account.provider, "async_client")
    return client(
        _setting(account, "token"), sender=_setting(account, "sender"), base_url=_setting(account, "base_url")
    )


def check_tokens(accounts: Sequence[AccountOption]) -> None:
    """Raise ``ConfigurationError`` for an account without a token."""
    for account in accounts:
        if _setting(account, "token") is None:
            own, common = variable(_prefix(account), "token"), variable(account.provider, "token")
            names = own if own == common else f"{own} or {common}"
            raise ConfigurationError(
                f"Missing token of the account {account.name}. Set {names}.", provider=account.provider
            )


def _setting(account: AccountOption, name: str) -> str | None:
    return from_environment(_prefix(account), name) or from_environment(account.provider, name)


def _prefix(account: AccountOption) -> str:
    return re.sub(r"[.-]", "_", account.name)
