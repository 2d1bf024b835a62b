"""What the sandbox remembers: its clock, its accounts, what was sent and what came in."""

import hashlib
import heapq
import itertools
import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from smscore.sandbox.faults import Faults
from smscore.sandbox.memory.exchanges import Exchange, RawMemory
from smscore.sandbox.memory.messages import Inbound, Outbound, TokenAccount
from smscore.sandbox.memory.stages import STAGES, STARTS, Stage, steps_taken
from smscore.sandbox.memory.store import Saved, Store, StoreError, exchange_of, inbound_of, message_of
from smscore.sandbox.memory.timeline import Timeline
from smscore.sandbox.webhook import Report, Webhook

if TYPE_CHECKING:
    from smscore.sandbox.emulation import Emulation

__all__ = ["State"]

MOST_ACCOUNTS: Final = 1000
FURTHEST_AHEAD: Final = 100 * 366 * 86400.0  # seconds
MOST_FAILURES: Final = 200  # requests, of 64 KiB and an answer as long each
RESERVED_AHEAD: Final = 1000  # numbers that the file is told of at once


class Changes:
    """The messages whose status changed, lately: how many in all, and which ones of late."""

    MOST: Final = 200

    def __init__(self) -> None:
        self.count: int = 0
        self._recent: deque[Outbound] = deque(maxlen=self.MOST)

    def add(self, message: Outbound) -> None:
        self.count += 1
        self._recent.append(message)

    def since(self, count: int) -> list[Outbound]:
        """The messages that changed after the first ``count`` changes, each once; at most the last 200."""
        new = min(self.count - count, len(self._recent))
        recent = list(self._recent)[len(self._recent) - new :]
        return list({message.seq: message for message in recent}.values())


class State:
    """All of the sandbox's memory. Whoever uses it holds its ``lock``: requests and the user's thread alike."""

    def __init__(
        self, emulations: "Mapping[str, Emulation]", *, credit: int, clock: Callable[[], float], keep: int, store: Store
    ) -> None:
        self.lock: AbstractContextManager[bool] = threading.RLock()
        self.emulations: Mapping[str, Emulation] = emulations
        self.store: Store = store
        self.timeline: Timeline[Outbound | Inbound] = Timeline(keep)
        self.changes: Changes = Changes()
        self.faults: Faults = Faults(emulations)
        self.webhook: Webhook = Webhook()
        self._cleared = self._advanced = self._failed = 0
        self.ids: dict[str, int] = {name: emulation.first_id for name, emulation in emulations.items()}
        self._reserved: dict[str, int] = {}
        self.ahead: float = 0.0
        self._opening_credit = credit
        self._clock = clock
        self.ticked_at: float = clock()
        self._listeners: set[Callable[[], object]] = set()
        self._forget_all()

    def _forget_all(self) -> None:
        self.accounts: OrderedDict[tuple[str, str], TokenAccount] = OrderedDict()
        self._steps: list[_Step] = []
        self._raw = RawMemory()
        self.inbox: deque[Inbound] = deque()
        self.failures: deque[Exchange] = deque(maxlen=MOST_FAILURES)

    @property
    def notices(self) -> dict[str, int]:
        """How often each of these happened, for those who watch."""
        return {
            "cleared": self._cleared,
            "faults": self.faults.version,
            "clock": self._advanced,
            "requests": self._failed,
        }

    # The clock

    def now(self) -> float:
        """Seconds since the epoch on the sandbox's clock."""
        return self._clock() + self.ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward, up to 100 years ahead; ``ValueError`` for any other step."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError("The sandbox's clock only goes forward, by a finite number of seconds.")
        if self.ahead + seconds > FURTHEST_AHEAD:
            raise ValueError("The sandbox's clock goes at most 100 years ahead: move it by less.")
        try:
            datetime.fromtimestamp(self.now() + seconds, UTC)
        except (ValueError, OverflowError, OSError):
            raise ValueError("The calendar ends at the year 9999: move the clock by less.") from None
        self.ahead += seconds
        self._advanced += 1
        self.tick()

    def tick(self) -> None:
        """Let every message take the steps that are due, each at its own time."""
        now = self.ticked_at = self.now()
        while self._steps and self._steps[0][0] <= now:
            due, step, first, last = heapq.heappop(self._steps)
            for message in self._between(first, last):
                self._step(message, step)
            if step + 1 < len(STARTS):
                heapq.heappush(self._steps, (due + STARTS[step + 1] - STARTS[step], step + 1, first, last))

    def _between(self, first: int, last: int) -> Iterator[Outbound]:
        for message in self.timeline.between(first, last):
            if isinstance(message, Outbound) and message.settled is None:
                yield message

    def _step(self, message: Outbound, step: int) -> None:
        emulation = self.emulations[message.provider]
        old, new = (emulation.code_at(message, stage) for stage in STAGES[step : step + 2])
        if old == new and STAGES[step] is Stage.SCHEDULED:
            self.changes.add(message)  # the provider has one code for both; the page shows which it is
        self._change(message, old, new)

    def _change(self, message: Outbound, old: int, new: int) -> None:
        if old == new:
            return
        emulation = self.emulations[message.provider]
        back = (new in emulation.paid_back) - (old in emulation.paid_back)
        if back:
            message.account.credit += message.cost * back
            self.store.used(message.account)
        self.changes.add(message)
        report = emulation.report(message, new)
        if report is not None:
            self.webhook.add(Report(message.message_id, new, report))

    # Accounts and ids

    def account(self, provider: str, token: str) -> TokenAccount:
        """The account of a token, opened at its first use. Of very many, the one longest not used is closed."""
        key = (provider, hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest())
        account = self.accounts.get(key)
        if account is None:
            account = self.accounts[key] = TokenAccount(self._opening_credit, key=key)
            if len(self.accounts) > MOST_ACCOUNTS:
                self.store.closed(self.accounts.popitem(last=False)[1])
        self.accounts.move_to_end(key)
        self.store.used(account)
        return account

    def set_credit(self, provider: str, token: str, rials: int) -> None:
        """Set the credit of a token's account, in Rials."""
        self.account(provider, token).credit = rials

    def next_id(self, provider: str) -> int:
        """The next id of a provider, counted from its first one."""
        given = self.ids[provider]
        self._reserve(f"id:{provider}", given)
        self.ids[provider] = given + 1
        return given

    def _reserve(self, name: str, number: int) -> None:
        """See to it that a number may be given: the file knows that it, and many after it, may have been."""
        if number >= self._reserved.get(name, number):
            upto = number + RESERVED_AHEAD
            with suppress(StoreError):  # the next save fails as well, and says so; the next number tries again
                self.store.reserved({name: upto})
                self._reserved[name] = upto

    def release(self) -> None:
        """Let the file know the very numbers that were given, none reserved: as at a start and at an end in order."""
        self._reserved.clear()
        self.store.reserved({"seq": self.timeline.last, **{f"id:{name}": number for name, number in self.ids.items()}})

    # Messages

    @property
    def messages(self) -> list[Outbound]:
        """Every message sent that is kept, oldest first."""
        return [entry for entry in self.timeline if isinstance(entry, Outbound)]

    def accept(self, account: TokenAccount, messages: list[Outbound]) -> bool:
        """Charge and keep all of ``messages``, or none; False where the credit is too low."""
        accepted = account.accept(messages)
        if accepted and messages:
            self._reserve("seq", self.timeline.last + len(messages))
            for message in messages:
                self.timeline.add(message)
            self._plan(messages, self.now())
            self.store.added(messages)
            self._overflow()
            self._heard()
        return accepted

    def _plan(self, messages: Iterable[Outbound], now: float) -> None:
        """Note when the messages take their steps after ``now``, those that start together as one."""
        for starts_at, group in itertools.groupby(messages, key=lambda message: message.starts_at):
            seqs = [message.seq for message in group]
            step = steps_taken(starts_at, now)
            if step < len(STARTS):
                heapq.heappush(self._steps, (starts_at + STARTS[step], step, seqs[0], seqs[-1]))
        if len(self._steps) > 1000 + 2 * len(self.timeline):
            self._steps = [entry for entry in self._steps if entry[3] >= self.timeline.first]
            heapq.heapify(self._steps)

    def add_inbound(self, inbound: Inbound) -> None:
        """Keep a message that came in on a line."""
        self._reserve("seq", self.timeline.last + 1)
        self.timeline.add(inbound)
        self.inbox.append(inbound)
        self.store.added([inbound])
        self._overflow()
        self._heard()

    def _overflow(self) -> None:
        for entry in self.timeline.overflow():
            if isinstance(entry, Outbound):
                entry.account.forget_oldest(entry)
            elif self.inbox and self.inbox[0] is entry:
                self.inbox.popleft()

    def answered(self, exchange: Exchange) -> None:
        """Keep what was asked and answered, where it sent messages that are still kept, or failed of late."""
        exchange.at = self.ticked_at
        if exchange.failed:
            self._failed += 1
            exchange.number = self._failed
            self.failures.append(exchange)
        if exchange.last >= self.timeline.first:
            self._raw.add(exchange, self.timeline.first)
            self.store.answered(exchange)

    def settle(self, messages: Iterable[Outbound], code: int) -> None:
        """Set the code of messages by hand, in place of what the clock gives."""
        self.tick()
        for message in messages:
            old = self.emulations[message.provider].code(message, self.ticked_at)
            message.settled = code
            self.store.settled(message)
            self._change(message, old, code)

    def cancel(self, messages: list[Outbound], code: int) -> None:
        """Let messages that are not due never go out."""
        for message in messages:
            message.cancelled = True
            self.changes.add(message)
        self.settle(messages, code)

    def clear(self) -> None:
        """Forget every account and message. Clock and ids go on, so that no id is given twice."""
        self.timeline.drop(list(self.timeline))
        self._forget_all()
        self.store.cleared(None)
        self._cleared += 1

    def reset(self) -> None:
        """Forget everything but the ids."""
        self.clear()
        self.faults.clear()
        self.webhook.set(None, "POST")
        for emulation in self.emulations.values():
            emulation.reset()
        self.ahead = 0.0
        self._advanced += 1

    def clear_provider(self, provider: str) -> None:
        """Forget one provider's accounts and messages."""
        self.timeline.drop([entry for entry in self.timeline if entry.provider == provider])
        for key in [key for key in self.accounts if key[0] == provider]:
            del self.accounts[key]
        self.inbox = deque(inbound for inbound in self.inbox if inbound.provider != provider)
        kept = [exchange for exchange in self.failures if exchange.provider != provider]
        self.failures = deque(kept, maxlen=MOST_FAILURES)
        self.store.cleared(provider)
        self._cleared += 1

    def restore(self, saved: Saved) -> None:
        """Remember what a file holds. Whatever fell due since it was written happens at the next tick."""
        facts = saved.facts
        self.ahead = min(float(facts.get("ahead", 0.0)), FURTHEST_AHEAD)
        for provider, number in self.ids.items():
            self.ids[provider] = max(number, int(facts.get(f"id:{provider}", number)))
        for provider, token_hash, credit in saved.accounts:
            self.accounts[provider, token_hash] = TokenAccount(int(credit), key=(provider, token_hash))
        exchanges = {row[0]: exchange_of(row) for row in saved.exchanges}
        restored = [self._message(row, exchanges) for row in saved.messages if row[1] in self.emulations]
        came_in = [inbound_of(row) for row in saved.inbound if row[1] in self.emulations]
        entries: list[Outbound | Inbound] = [*restored, *came_in]
        self.timeline.restore(sorted(entries, key=lambda entry: entry.seq), last=int(facts.get("seq", 0)))
        self.inbox.extend(came_in)
        self._plan(restored, float(facts.get("now", self.now())))
        self._overflow()
        for exchange in exchanges.values():
            if exchange.last >= self.timeline.first:
                self._raw.add(exchange, self.timeline.first)

    def _message(self, row: tuple[Any, ...], exchanges: Mapping[int, Exchange]) -> Outbound:
        key = (row[1], row[2])
        account = self.accounts.setdefault(key, TokenAccount(self._opening_credit, key=key))
        message = message_of(row, account, exchanges)
        account.hold(message)
        return message

    # Who waits for messages

    @contextmanager
    def listening(self, listener: Callable[[], object]) -> Generator[None]:
        """Call ``listener`` after every message that is kept, in whatever thread that is."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    @property
    def listener_count(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def _heard(self) -> None:
        for listener in tuple(self._listeners):
            listener()


# When it is due, which of the steps it is, and the first and last place of the messages that take it.
_Step = tuple[float, int, int, int]
