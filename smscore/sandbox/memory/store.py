"""Where the sandbox's memory is kept after its end: nowhere, unless a subclass of ``Store`` keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from smscore.sandbox.memory.exchanges import Exchange
from smscore.sandbox.memory.messages import Outbound, StoredMessage, TokenAccount
from smscore.sandbox.memory.timeline import Timeline

__all__ = ["AccountKey", "Contents", "Store", "StoreError"]

AccountKey = tuple[str, str]
"""A provider, and the hash of a token."""


class StoreError(Exception):
    """The file cannot keep the sandbox's memory; the text says why, and what to do next."""


class Contents(Protocol):
    """What a store reads of the memory that it keeps, while it holds the memory's lock."""

    @property
    def lock(self) -> AbstractContextManager[bool]:
        """Held by whoever uses the memory."""
        ...

    @property
    def timeline(self) -> Timeline[StoredMessage]:
        """The messages that are kept."""
        ...

    @property
    def accounts(self) -> Mapping[AccountKey, TokenAccount]:
        """The accounts that are open."""
        ...

    @property
    def ahead(self) -> float:
        """How many seconds the sandbox's clock is ahead."""
        ...

    @property
    def ticked_at(self) -> float:
        """Up to when every message has taken its steps, in seconds since the epoch."""
        ...

    def tick(self) -> None:
        """Let every message take the steps that are due."""
        ...


class Store:
    """Notified of every change, and keeps nothing: the memory ends with the sandbox.

    The memory's lock is held in all calls except ``open``, ``save`` and ``close``.
    """

    def added(self, entries: Iterable[StoredMessage]) -> None:
        """These messages were kept."""

    def settled(self, message: Outbound) -> None:
        """This message's status was set by hand."""

    def answered(self, exchange: Exchange) -> None:
        """This request, which sent messages, was answered."""

    def used(self, account: TokenAccount) -> None:
        """This account may have changed."""

    def closed(self, account: TokenAccount) -> None:
        """This account was forgotten."""

    def cleared(self, provider: str | None) -> None:
        """Everything of a provider was forgotten; None means every provider."""

    def reserved(self, numbers: Mapping[str, int]) -> None:
        """All numbers below these may have been given; called before the first of them is, and kept at once."""

    def open(self) -> None:
        """Get ready to save."""

    def save(self, contents: Contents) -> None:
        """Keep what changed since the last time."""

    def close(self) -> None:
        """Close the file; calling this twice is fine."""
