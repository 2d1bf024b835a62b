"""What the sandbox remembers: its clock, its accounts, what was sent and what came in."""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from smscore.sandbox.emulation import Emulation, Route
from smscore.sandbox.fault_kinds import ActiveFault
from smscore.sandbox.faults import Faults
from smscore.sandbox.memory.changes import Changes
from smscore.sandbox.memory.database import Saved
from smscore.sandbox.memory.exchanges import BodyBudget, Exchange
from smscore.sandbox.memory.messages import Inbound, Outbound, StoredMessage, TokenAccount
from smscore.sandbox.memory.numbering import Numbering
from smscore.sandbox.memory.rows import exchange_of, inbound_of, outbound_of
from smscore.sandbox.memory.schedule import Schedule
from smscore.sandbox.memory.stages import STAGES, Stage
from smscore.sandbox.memory.store import AccountKey, Store
from smscore.sandbox.memory.timeline import Timeline
from smscore.sandbox.webhook import Report, Webhook

__all__ = ["State"]

MAX_ACCOUNTS: Final = 1000
MAX_AHEAD: Final = 100 * 366 * 86400.0  # seconds
MAX_FAILURES: Final = 200  # requests, each with up to 64 KiB of its body and as much of its response


class State:
    """All of the sandbox's memory.

    Whoever uses it holds its ``lock``: requests run in the server's thread, the methods of ``Sandbox`` in any.
    """

    def __init__(
        self, emulations: Mapping[str, Emulation], *, credit: int, clock: Callable[[], float], keep: int, store: Store
    ) -> None:
        self.lock: AbstractContextManager[bool] = threading.RLock()
        self.emulations: Mapping[str, Emulation] = emulations
        self.store: Store = store
        self.timeline: Timeline[StoredMessage] = Timeline(keep)
        self.changes: Changes = Changes()
        self.faults: Faults = Faults(emulations)
        self.webhook: Webhook = Webhook()
        self.numbering: Numbering = Numbering({name: of.first_id for name, of in emulations.items()}, store)
        self._cleared = self._advanced = self._failed = 0
        self.ahead: float = 0.0
        self._opening_credit = credit
        self._clock = clock
        self.ticked_at: float = clock()
        self._listeners: set[Callable[[], object]] = set()
        self._forget_all()

    def _forget_all(self) -> None:
        self.accounts: OrderedDict[AccountKey, TokenAccount] = OrderedDict()
        self.schedule: Schedule = Schedule()
        self._bodies = BodyBudget()
        self.inbox: deque[Inbound] = deque()
        self.failures: deque[Exchange] = deque(maxlen=MAX_FAILURES)

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
        """The time on the sandbox's clock, in seconds since the epoch."""
        return self._clock() + self.ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Raises:
            ValueError: not a finite number of 0 or more, or the clock would be over 100 years ahead.
        """
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError("The sandbox's clock only goes forward: give a finite number of seconds, 0 or more.")
        if self.ahead + seconds > MAX_AHEAD:
            raise ValueError("The sandbox's clock goes at most 100 years ahead: move it by less.")
        try:
            datetime.fromtimestamp(self.now() + seconds, UTC)
        except (ValueError, OverflowError, OSError):
            raise ValueError("The calendar ends in the year 9999: move the clock by less.") from None
        self.ahead += seconds
        self._advanced += 1
        self.tick()

    def tick(self) -> None:
        """Let every message take the steps that are due, in the order of their times."""
        now = self.ticked_at = self.now()
        for step in self.schedule.take_due(now):
            for message in self._unsettled(step.first, step.last):
                self._take_step(message, step.number)

    def _unsettled(self, first: int, last: int) -> Iterator[Outbound]:
        for message in self.timeline.between(first, last):
            if isinstance(message, Outbound) and message.settled is None:
                yield message

    def _take_step(self, message: Outbound, number: int) -> None:
        emulation = self.emulations[message.provider]
        old, new = (emulation.code_at(message, stage) for stage in STAGES[number : number + 2])
        if old == new and STAGES[number] is Stage.SCHEDULED:
            self.changes.add(message)  # the provider has one code for both stages, but the page tells them apart
        self._change_code(message, old, new)

    def _change_code(self, message: Outbound, old: int, new: int) -> None:
        if old == new:
            return
        emulation = self.emulations[message.provider]
        refund = (new in emulation.paid_back) - (old in emulation.paid_back)  # -1 takes a refund back
        if refund:
            message.account.credit += message.cost * refund
            self.store.used(message.account)
        self.changes.add(message)
        report = emulation.report(message, new)
        if report is not None:
            self.webhook.add(Report(message.message_id, new, report))

    # Accounts and ids

    def account(self, provider: str, token: str) -> TokenAccount:
        """The account of a token, opened at its first use; beyond ``MAX_ACCOUNTS``, evicts the least recently used."""
        key = (provider, hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest())
        account = self.accounts.get(key)
        if account is None:
            account = self.accounts[key] = TokenAccount(self._opening_credit, key=key)
            if len(self.accounts) > MAX_ACCOUNTS:
                self.store.closed(self.accounts.popitem(last=False)[1])
        self.accounts.move_to_end(key)
        self.store.used(account)
        return account

    def set_credit(self, provider: str, token: str, rials: int) -> None:
        """Set the credit of a token's account, in Rials."""
        self.account(provider, token).credit = rials

    def next_id(self, provider: str) -> int:
        """The next id of a provider, counted from its first one."""
        return self.numbering.next_id(provider)

    def release(self) -> None:
        """Store the numbers that were really given, as at a start and at an orderly end."""
        self.numbering.release(self.timeline.last)

    # Messages

    @property
    def messages(self) -> list[Outbound]:
        """Every sent message that is kept, oldest first."""
        return [entry for entry in self.timeline if isinstance(entry, Outbound)]

    def accept(self, account: TokenAccount, messages: list[Outbound]) -> bool:
        """Charge and keep all of ``messages``, or none; False if the credit is too low."""
        accepted = account.accept(messages)
        if accepted and messages:
            self.numbering.reserve("seq", self.timeline.last + len(messages))
            for message in messages:
                self.timeline.add(message)
            self._plan(messages, self.now())
            self.store.added(messages)
            self._drop_oldest()
            self._tell_listeners()
        return accepted

    def _plan(self, messages: Iterable[Outbound], now: float) -> None:
        self.schedule.add(messages, now)
        self.schedule.forget_before(self.timeline.first, len(self.timeline))

    def recipient_fault(self, emulation: Emulation, route: Route, recipients: Collection[str]) -> ActiveFault | None:
        """The fault that a request meets because of one of its recipients."""
        return self.faults.of_recipients(emulation, route, recipients)

    def add_inbound(self, inbound: Inbound) -> None:
        """Keep a message that came in on a line."""
        self.numbering.reserve("seq", self.timeline.last + 1)
        self.timeline.add(inbound)
        self.inbox.append(inbound)
        self.store.added([inbound])
        self._drop_oldest()
        self._tell_listeners()

    def _drop_oldest(self) -> None:
        for entry in self.timeline.overflow():
            if isinstance(entry, Outbound):
                entry.account.forget_oldest(entry)
            elif self.inbox and self.inbox[0] is entry:
                self.inbox.popleft()

    def answered(self, exchange: Exchange) -> None:
        """Keep an answered request, if it failed or sent messages that are still kept."""
        exchange.at = self.ticked_at
        if exchange.failed:
            self._failed += 1
            exchange.number = self._failed
            self.failures.append(exchange)
        if exchange.last >= self.timeline.first:
            self._bodies.add(exchange, self.timeline.first)
            self.store.answered(exchange)

    def settle(self, messages: Iterable[Outbound], code: int) -> None:
        """Set the status code of messages by hand, for good."""
        self.tick()
        for message in messages:
            old = self.emulations[message.provider].code(message, self.ticked_at)
            message.settled = code
            self.store.settled(message)
            self._change_code(message, old, code)

    def cancel(self, messages: list[Outbound], code: int) -> None:
        """Keep messages that are not due yet from being sent."""
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
        """Reset everything except the ids."""
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
        self.failures = deque(kept, maxlen=MAX_FAILURES)
        self.store.cleared(provider)
        self._cleared += 1

    def restore(self, saved: Saved) -> None:
        """Take over what a file holds. Whatever fell due since it was written happens at the next tick."""
        facts = saved.facts
        self.ahead = min(float(facts.get("ahead", 0.0)), MAX_AHEAD)
        self.numbering.restore(facts)
        for provider, token_hash, credit in saved.accounts:
            self.accounts[provider, token_hash] = TokenAccount(int(credit), key=(provider, token_hash))
        exchanges = {row[0]: exchange_of(row) for row in saved.exchanges}
        # A row's second column is its provider, which may not be installed any more.
        sent = [self._restored(row, exchanges) for row in saved.messages if row[1] in self.emulations]
        came_in = [inbound_of(row) for row in saved.inbound if row[1] in self.emulations]
        entries: list[StoredMessage] = [*sent, *came_in]
        self.timeline.restore(sorted(entries, key=lambda entry: entry.seq), last=int(facts.get("seq", 0)))
        self.inbox.extend(came_in)
        self._plan(sent, float(facts.get("now", self.now())))
        self._drop_oldest()
        for exchange in exchanges.values():
            if exchange.last >= self.timeline.first:
                self._bodies.add(exchange, self.timeline.first)

    def _restored(self, row: tuple[Any, ...], exchanges: Mapping[int, Exchange]) -> Outbound:
        key = (row[1], row[2])
        account = self.accounts.setdefault(key, TokenAccount(self._opening_credit, key=key))
        message = outbound_of(row, account, exchanges)
        account.hold(message)
        return message

    # Those who wait for messages

    @contextmanager
    def listening(self, listener: Callable[[], object]) -> Generator[None]:
        """Call ``listener`` after every message that is kept, in the thread that keeps it."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    @property
    def listener_count(self) -> int:
        """How many listeners there are."""
        return len(self._listeners)

    def _tell_listeners(self) -> None:
        for listener in tuple(self._listeners):
            listener()
