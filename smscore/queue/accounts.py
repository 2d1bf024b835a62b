"""The accounts of a queue: how it sends by each, and for how long a batch of theirs is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from smscore.client import AsyncClient
from smscore.errors import ConfigurationError, InvalidRequest
from smscore.failover import AsyncFailover
from smscore.queue.arguments import checked_seconds
from smscore.queue.failover_sender import FailoverSender
from smscore.queue.senders import AnyClient, ClientSender, Sender
from smscore.text import can_be_encoded

LEASE_MARGIN: Final = 30.0
"""Seconds that a lease is longer than the longest total timeout of the accounts' clients, where none is given."""


def checked_accounts(accounts: object) -> dict[str, Any]:
    """The accounts by name. Raises ``ConfigurationError``."""
    if not isinstance(accounts, Mapping):
        raise ConfigurationError("accounts must be a mapping of account names to clients.")
    given: dict[Any, Any] = {**accounts}
    if not all(isinstance(name, str) and name.strip() and can_be_encoded(name) for name in given):
        raise ConfigurationError("Account names must be non-blank texts.")
    return given


def senders_of(accounts: object) -> dict[str, Sender]:
    """How the queue sends by each of these accounts. Raises ``ConfigurationError``."""
    return {name: _checked_sender(name, client) for name, client in checked_accounts(accounts).items()}


def _checked_sender(name: str, client: object) -> Sender:
    if not isinstance(client, (AsyncClient, AsyncFailover)):
        raise ConfigurationError(
            f"The account {name} has a {type(client).__name__}. Give AsyncSendQueue async clients, and SendQueue "
            "blocking ones."
        )
    return sender_of(client)


def sender_of(client: AnyClient) -> Sender:
    """How the queue sends by a client."""
    return ClientSender(client) if isinstance(client, AsyncClient) else FailoverSender(client)


def checked_lease(lease: float | None, senders: Mapping[str, Sender]) -> float:
    """The lease in seconds, or that which fits these accounts. Raises ``ConfigurationError``."""
    longest = max((sender.total for sender in senders.values()), default=0.0)
    if lease is None:
        return longest + LEASE_MARGIN
    try:
        seconds = checked_seconds(lease, "lease=")
    except InvalidRequest as error:
        raise ConfigurationError(str(error)) from None
    if seconds < longest or not seconds:
        raise ConfigurationError(
            f"lease= must be at least the longest total timeout of the accounts' clients, {longest:g} seconds: a batch "
            "in flight would else be taken for lost."
        )
    return seconds
