"""What the sandbox keeps: messages out and in, and the accounts that they belong to."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import TypeAlias, TypeVar, cast

from attrs import define, field, frozen

from smscore.sandbox.memory.exchanges import Exchange

__all__ = ["Inbound", "Outbound", "SandboxMessage", "StoredMessage", "TokenAccount"]

T = TypeVar("T")


def last_digits(number: str) -> str:
    """``…6789``: at most four digits of a number, and at most a third of it, since a line may have only a few."""
    shown = min(4, len(number) // 3)
    return f"…{number[len(number) - shown :]}"


@frozen
class SandboxMessage:
    """A message that the sandbox accepted, as it was when ``Sandbox.messages`` was read.

    ``recipient`` is E.164, ``sender`` is as the client wrote it, ``code`` is the provider's own status code at that
    moment, and ``received_at`` is aware (UTC). The repr shows neither the text nor a full number.
    """

    provider: str
    recipient: str = field(repr=last_digits)
    sender: str = field(repr=last_digits)
    text: str = field(repr=False)
    message_id: int
    code: int
    received_at: datetime


@define(repr=False, eq=False)
class Outbound:
    """A message that a client sent. ``cost`` is in Rials; times are seconds since the epoch on the sandbox's clock."""

    provider: str
    account: TokenAccount
    message_id: int
    recipient: str
    sender: str
    text: str
    cost: int
    received_at: float
    starts_at: float
    settled: int | None = None  # a code set by hand, which replaces the one that follows from the clock
    cancelled: bool = False  # before it was due
    exchange: Exchange | None = None
    seq: int = 0


@define(repr=False, eq=False)
class Inbound:
    """A message that came in on a line of a provider: ``number`` is the line, ``sender`` is whoever wrote it."""

    provider: str
    sender: str
    number: str
    text: str
    received_at: float
    seq: int = 0


StoredMessage: TypeAlias = Outbound | Inbound


@define(repr=False, eq=False)
class TokenAccount:
    """What belongs to one token of one provider. ``credit`` is in Rials."""

    credit: int
    messages: deque[Outbound] = field(factory=deque[Outbound])
    by_id: dict[int, Outbound] = field(factory=dict[int, Outbound])
    owned: dict[type, object] = field(factory=dict[type, object])
    key: tuple[str, str] = ("", "")  # the provider, and the hash of the token

    def own(self, kind: type[T]) -> T:
        """What a provider remembers of this account: its instance of ``kind``, created at first use."""
        if kind not in self.owned:
            self.owned[kind] = kind()
        return cast("T", self.owned[kind])

    def accept(self, messages: list[Outbound]) -> bool:
        """Charge and keep all of ``messages``, or none; False if the credit is too low."""
        cost = sum(message.cost for message in messages)
        if cost > self.credit:
            return False
        self.credit -= cost
        for message in messages:
            self.hold(message)
        return True

    def hold(self, message: Outbound) -> None:
        """Keep a message that is already charged."""
        self.messages.append(message)
        self.by_id[message.message_id] = message

    def forget_oldest(self, message: Outbound) -> None:
        """Forget a message that is the oldest of this account, if the account still has it."""
        if self.messages and self.messages[0] is message:
            self.messages.popleft()
        if self.by_id.get(message.message_id) is message:
            del self.by_id[message.message_id]
