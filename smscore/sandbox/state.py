"""What the sandbox remembers: its clock, its accounts, what was sent and what came in."""

import hashlib
import heapq
import itertools
import math
import threading
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import attrs

from smscore.sandbox.exchange import Exchange, RawMemory
from smscore.sandbox.faults import Faults
from smscore.sandbox.stages import STAGES, STARTS
from smscore.sandbox.timeline import Timeline
from smscore.sandbox.webhook import Report, Webhook

if TYPE_CHECKING:
    from smscore.sandbox.emulation import Emulation

__all__ = ["Account", "Inbound", "Message", "SandboxMessage", "State"]

MOST_ACCOUNTS: Final = 10_000


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
    exchange: Exchange | None = None
    seq: int = 0


@attrs.define(repr=False, eq=False)
class Inbound:
    """One message that came in on a line of a provider."""

    provider: str
    sender: str
    number: str
    text: str
    received_at: float
    seq: int = 0


@attrs.define(repr=False, eq=False)
class Account:
    """What belongs to one token of one provider. ``credit`` is in Rials."""

    credit: int
    messages: deque[Message] = attrs.field(factory=deque[Message])
    by_id: dict[int, Message] = attrs.field(factory=dict[int, Message])
    request_ids: dict[str, float] = attrs.field(factory=dict[str, float])
    file_ids: set[str] = attrs.field(factory=set[str])
    read: set[Inbound] = attrs.field(factory=set[Inbound])
    key: tuple[str, str] = ("", "")

    def accept(self, messages: list[Message]) -> bool:
        """Charge and keep all of ``messages``, or none where the credit is too low for all of them."""
        cost = sum(message.cost for message in messages)
        if cost > self.credit:
            return False
        self.credit -= cost
        for message in messages:
            self.hold(message)
        return True

    def hold(self, message: Message) -> None:
        """Keep a message that is paid for."""
        self.messages.append(message)
        self.by_id[message.message_id] = message

    def forget_oldest(self, message: Message) -> None:
        """Forget a message that is the oldest of this account, if it still has it."""
        if self.messages and self.messages[0] is message:
            self.messages.popleft()
        if self.by_id.get(message.message_id) is message:
            del self.by_id[message.message_id]


class Changes:
    """The messages whose status changed, lately: how many in all, and which ones of late."""

    MOST: Final = 200

    def __init__(self) -> None:
        self.count = 0
        self._recent: deque[Message] = deque(maxlen=self.MOST)

    def add(self, message: Message) -> None:
        self.count += 1
        self._recent.append(message)

    def since(self, count: int) -> list[Message]:
        """The messages that changed after the first ``count`` changes, each once; at most the last 200."""
        new = min(self.count - count, len(self._recent))
        recent = list(self._recent)[len(self._recent) - new :]
        return list({message.seq: message for message in recent}.values())


class State:
    """All of the sandbox's memory. Whoever uses it holds its ``lock``: requests and the user's thread alike."""

    def __init__(
        self, emulations: "Mapping[str, Emulation]", *, credit: int, clock: Callable[[], float], keep: int
    ) -> None:
        self.lock: AbstractContextManager[bool] = threading.RLock()
        self.emulations = emulations
        self.timeline: Timeline[Message | Inbound] = Timeline(keep)
        self.changes = Changes()
        self.faults = Faults(emulations)
        self.webhook = Webhook()
        self._cleared = self._advanced = 0
        self.ids = {name: emulation.first_id for name, emulation in emulations.items()}
        self.ahead = 0.0
        self._opening_credit = credit
        self._clock = clock
        self._listeners: set[Callable[[], None]] = set()
        self._forget_all()

    def _forget_all(self) -> None:
        self._accounts: OrderedDict[tuple[str, str], Account] = OrderedDict()
        self._steps: list[_Step] = []
        self._raw = RawMemory()
        self.inbox: deque[Inbound] = deque()

    @property
    def notices(self) -> dict[str, int]:
        """How often each of these happened, for those who watch."""
        return {"cleared": self._cleared, "faults": self.faults.version, "clock": self._advanced}

    # The clock

    def now(self) -> float:
        """Seconds since the epoch on the sandbox's clock."""
        return self._clock() + self.ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward; ``ValueError`` for any other step."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError("The sandbox's clock only goes forward, by a finite number of seconds.")
        try:
            datetime.fromtimestamp(self.now() + seconds, UTC)
        except (ValueError, OverflowError, OSError):
            raise ValueError("The calendar ends at the year 9999: move the clock by less.") from None
        self.ahead += seconds
        self._advanced += 1
        self.tick()

    def tick(self) -> None:
        """Let every message take the steps that are due, each at its own time."""
        now = self.now()
        while self._steps and self._steps[0][0] <= now:
            due, step, first, last = heapq.heappop(self._steps)
            for message in self._between(first, last):
                self._step(message, step)
            if step + 1 < len(STARTS):
                heapq.heappush(self._steps, (due + STARTS[step + 1] - STARTS[step], step + 1, first, last))

    def _between(self, first: int, last: int) -> Iterator[Message]:
        for seq in range(max(first, self.timeline.first), last + 1):
            message = self.timeline.get(seq)
            if isinstance(message, Message) and message.settled is None:
                yield message

    def _step(self, message: Message, step: int) -> None:
        emulation = self.emulations[message.provider]
        old, new = (emulation.code_at(message, stage) for stage in STAGES[step : step + 2])
        self._change(message, old, new)

    def _change(self, message: Message, old: int, new: int) -> None:
        if old == new:
            return
        paid_back = self.emulations[message.provider].paid_back
        message.account.credit += message.cost * ((new in paid_back) - (old in paid_back))
        self.changes.add(message)
        report = self.emulations[message.provider].report(message, new)
        if report is not None:
            self.webhook.add(Report(message.message_id, new, report))

    # Accounts and ids

    def account(self, provider: str, token: str) -> Account:
        """The account of a token, opened at its first use. Of very many, the one longest not used is closed."""
        key = (provider, hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest())
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = Account(self._opening_credit, key=key)
            if len(self._accounts) > MOST_ACCOUNTS:
                self._accounts.popitem(last=False)
        self._accounts.move_to_end(key)
        return account

    def set_credit(self, provider: str, token: str, rials: int) -> None:
        """Set the credit of a token's account, in Rials."""
        self.account(provider, token).credit = rials

    def next_id(self, provider: str) -> int:
        """The next id of a provider, counted from its first one."""
        given = self.ids[provider]
        self.ids[provider] = given + 1
        return given

    # Messages

    @property
    def messages(self) -> list[Message]:
        """Every message sent that is kept, oldest first."""
        return [entry for entry in self.timeline if isinstance(entry, Message)]

    def accept(self, account: Account, messages: list[Message]) -> bool:
        """Charge and keep all of ``messages``, or none; False where the credit is too low."""
        accepted = account.accept(messages)
        if accepted and messages:
            for message in messages:
                self.timeline.add(message)
            self._plan(messages)
            self._overflow()
            self._heard()
        return accepted

    def _plan(self, messages: list[Message]) -> None:
        """Note when the messages take their next steps, those that start together as one."""
        now = self.now()
        for starts_at, group in itertools.groupby(messages, key=lambda message: message.starts_at):
            seqs = [message.seq for message in group]
            step = bisect_right(STARTS, now - starts_at)
            if step < len(STARTS):
                heapq.heappush(self._steps, (starts_at + STARTS[step], step, seqs[0], seqs[-1]))
        if len(self._steps) > 1000 + 2 * len(self.timeline):
            self._steps = [entry for entry in self._steps if entry[3] >= self.timeline.first]
            heapq.heapify(self._steps)

    def come_in(self, inbound: Inbound) -> None:
        """Keep a message that came in on a line."""
        self.timeline.add(inbound)
        self.inbox.append(inbound)
        self._overflow()
        self._heard()

    def _overflow(self) -> None:
        for entry in self.timeline.overflow():
            if isinstance(entry, Message):
                entry.account.forget_oldest(entry)
            elif self.inbox and self.inbox[0] is entry:
                self.inbox.popleft()

    def answered(self, exchange: Exchange) -> None:
        """Keep what was asked and answered, where it sent messages that are still kept."""
        if exchange.last >= self.timeline.first:
            self._raw.add(exchange, self.timeline.first)

    def settle(self, messages: Iterable[Message], code: int) -> None:
        """Set the code of messages by hand, in place of what the clock gives."""
        self.tick()
        for message in messages:
            old = self.emulations[message.provider].code(message, self.now())
            message.settled = code
            self._change(message, old, code)

    def clear(self) -> None:
        """Forget every account and message. Clock and ids go on, so that no id is given twice."""
        self.timeline.drop(list(self.timeline))
        self._forget_all()
        self._cleared += 1

    def reset(self) -> None:
        """Forget everything but the ids."""
        self.clear()
        self.faults.clear()
        self.webhook.set(None, "POST")
        self.ahead = 0.0
        self._advanced += 1

    def clear_provider(self, provider: str) -> None:
        """Forget one provider's accounts and messages."""
        self.timeline.drop([entry for entry in self.timeline if entry.provider == provider])
        for key in [key for key in self._accounts if key[0] == provider]:
            del self._accounts[key]
        self.inbox = deque(inbound for inbound in self.inbox if inbound.provider != provider)
        self._cleared += 1

    # Who waits for messages

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call ``listener`` after every message that is kept, in whatever thread that is."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    def _heard(self) -> None:
        for listener in tuple(self._listeners):
            listener()


# When it is due, which of the steps it is, and the first and last place of the messages that take it.
_Step = tuple[float, int, int, int]
