"""What the sandbox remembers: its clock, its accounts, what was sent and what came in."""

import enum
import itertools
import math
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final, TypeVar, cast

import attrs

__all__ = ["Account", "Inbound", "Message", "SandboxMessage", "Stage", "State", "stage_of"]

T = TypeVar("T")

# Seconds a message waits before each step, so that a demonstration can watch it move.
QUEUED_FOR: Final = 1.0
AT_OPERATOR_FOR: Final = 1.0


class Stage(enum.Enum):
    """How far a message has come; each provider has a code of its own for it."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENT = "sent to the operator"
    DELIVERED = "delivered"


_STAGES: Final = (Stage.SCHEDULED, Stage.QUEUED, Stage.SENT, Stage.DELIVERED)
_STARTS: Final = (0.0, QUEUED_FOR, QUEUED_FOR + AT_OPERATOR_FOR)


def stage_of(starts_at: float, now: float) -> Stage:
    """The stage at ``now`` of a message whose sending starts at ``starts_at`` (seconds since the epoch)."""
    return _STAGES[bisect_right(_STARTS, now - starts_at)]


def masked(number: str) -> str:
    """At most the last four characters of a number, and at most a third of it."""
    shown = min(4, len(number) // 3)
    return f"…{number[len(number) - shown :]}"


@attrs.frozen
class SandboxMessage:
    """One message the sandbox accepted, as it was when ``Sandbox.messages`` was read.

    ``recipient`` is E.164, ``sender`` as the client wrote it, ``code`` the provider's own status code at that
    moment, ``received_at`` aware (UTC). The repr shows neither the text nor a full number.
    """

    provider: str
    recipient: str = attrs.field(repr=masked)
    sender: str = attrs.field(repr=masked)
    text: str = attrs.field(repr=False)
    message_id: int
    code: int
    received_at: datetime


@attrs.define(repr=False, eq=False)
class Message:
    """One accepted message. ``cost`` is in Rials, times are seconds since the epoch on the sandbox's clock."""

    provider: str
    account: "Account"
    message_id: int
    recipient: str
    sender: str
    text: str
    cost: int
    received_at: float
    starts_at: float
    settled: int | None = None  # a code set by hand, in place of the one the clock gives


@attrs.frozen(repr=False, eq=False)
class Inbound:
    """One message that came in on a line of a provider."""

    provider: str
    sender: str
    number: str
    text: str
    received_at: float


@attrs.define(repr=False, eq=False)
class Account:
    """What belongs to one token of one provider. ``credit`` is in Rials."""

    credit: int
    messages: list[Message] = attrs.field(factory=list[Message])
    by_id: dict[int, Message] = attrs.field(factory=dict[int, Message])
    owned: dict[type, object] = attrs.field(factory=dict[type, object])

    def own(self, kind: type[T]) -> T:
        """What a provider remembers of this account: its instance of ``kind``, made at the first use."""
        if kind not in self.owned:
            self.owned[kind] = kind()
        return cast("T", self.owned[kind])

    def accept(self, messages: list[Message]) -> bool:
        """Charge and keep all of ``messages``, or none where the credit is too low for all of them."""
        cost = sum(message.cost for message in messages)
        if cost > self.credit:
            return False
        self.credit -= cost
        self.messages.extend(messages)
        self.by_id.update((message.message_id, message) for message in messages)
        return True


class State:
    """All of the sandbox's memory. Whoever uses it holds its ``lock``: requests and the user's thread alike."""

    def __init__(self, *, credit: int, clock: Callable[[], float], first_ids: Mapping[str, int]) -> None:
        self.lock: AbstractContextManager[bool] = threading.RLock()
        self._opening_credit = credit
        self._clock = clock
        self._ahead = 0.0
        self._ids: dict[str, Iterator[int]] = {
            provider: itertools.count(first) for provider, first in first_ids.items()
        }
        self.clear()

    def clear(self) -> None:
        """Forget every account and message. Clock and ids go on, so that no id is given twice."""
        self._accounts: dict[tuple[str, str], Account] = {}
        self.messages: list[Message] = []
        self.inbox: list[Inbound] = []

    def now(self) -> float:
        """Seconds since the epoch on the sandbox's clock."""
        return self._clock() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward; ``ValueError`` for any other step."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError("The sandbox's clock only goes forward, by a finite number of seconds.")
        datetime.fromtimestamp(self.now() + seconds, UTC)  # raises where the calendar ends
        self._ahead += seconds

    def account(self, provider: str, token: str) -> Account:
        """The account of a token, opened at its first use."""
        key = (provider, token)
        if key not in self._accounts:
            self._accounts[key] = Account(self._opening_credit)
        return self._accounts[key]

    def next_id(self, provider: str) -> int:
        """The next id of a provider, counted from its first one."""
        return next(self._ids[provider])

    def accept(self, account: Account, messages: list[Message]) -> bool:
        """Charge and keep all of ``messages``, or none; False where the credit is too low."""
        accepted = account.accept(messages)
        if accepted:
            self.messages.extend(messages)
        return accepted

    def settle(self, messages: Iterable[Message], code: int, paid_back: frozenset[int]) -> None:
        """Set the code of messages by hand; one in ``paid_back`` gives their cost back, once."""
        for message in messages:
            back = (code in paid_back) - (message.settled in paid_back)
            message.account.credit += message.cost * back
            message.settled = code
