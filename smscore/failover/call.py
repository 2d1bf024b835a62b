"""One sending call through several providers: who is tried with which recipients, until all have their results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from attrs import define, field, frozen

from smscore import clock
from smscore.calls.stop import not_attempted
from smscore.client import AsyncClient
from smscore.columns import Positions
from smscore.config import DEAD_BATCHES
from smscore.errors import SMSError
from smscore.failover.decision import may_go_on
from smscore.failover.health import Choice, Health, choose
from smscore.failover.journal import Journal, on_batch_of
from smscore.failover.members import CallMember
from smscore.failover.merged import Merged, moved, sorted_out
from smscore.results import SendReport
from smscore.sending.batching import Outgoing, take
from smscore.sending.report_builder import add_result, empty_report
from smscore.sending.send_call import OnBatch
from smscore.wire.batch import Batch, failed

__all__ = ["FailoverCall", "Routing", "Send", "report_in"]

Send: TypeAlias = Callable[[AsyncClient, Outgoing, OnBatch | None], Awaitable[SendReport]]
"""Sends messages that have been checked through one client."""


@frozen
class _Part:
    """Some of a call's recipients, by their positions, and which members were not tried for them."""

    positions: Positions
    candidates: Sequence[int]


@define(eq=False)
class FailoverCall:
    """One call: its clients, and how one of them sends some of its messages."""

    members: Sequence[CallMember]
    send: Send
    journal: Journal | None
    deadline: float | None
    has_tried: bool = False
    """Whether any provider has been tried."""

    def choose(self, candidates: Sequence[int]) -> Choice | None:
        """The member to try next; None where no one is left, or no time."""
        now = clock.monotonic()
        members = ((place, self.members[place]) for place in candidates)
        return choose([(place, member.shared.health) for place, member in members if member.may_be_tried(now)], now)

    def is_over(self) -> bool:
        """Whether its time is up."""
        return self.deadline is not None and clock.monotonic() >= self.deadline

    def may_go_on(self, candidates: Sequence[int]) -> bool:
        """Whether another provider may be tried."""
        return not self.is_over() and self.choose(candidates) is not None

    async def report_of(self, member: CallMember, choice: Choice, outgoing: Outgoing) -> SendReport:
        """What one client reports of these messages. Raises where nothing was sent, since what was given is wrong."""
        client = member.client(is_trial=choice.is_trial, is_last=choice.is_last)
        try:
            report = await self.send(client, outgoing, on_batch_of(self.journal))
        except SMSError as error:
            if error.report is None and not self.has_tried:
                raise
            report = report_in(error) or _unsent(outgoing, error, member.provider)
        self.has_tried = True
        return report


@define(eq=False)
class Routing:
    """The messages of a call, or of a stream's next report, on their way through the providers."""

    call: FailoverCall
    outgoing: Outgoing
    merged: Merged
    _waiting: list[_Part] = field(factory=list[_Part], init=False)
    _on_trial: Health | None = field(default=None, init=False)

    async def run(self, positions: Positions) -> SendReport:
        """The report, with the results of the recipients at these positions."""
        if not positions:
            return self.merged.report()
        return await self._go_through(_Part(positions, range(len(self.call.members))))

    async def continue_from(self, report: SendReport) -> SendReport | None:
        """The same after the first provider's report of all; None if nobody goes on from there."""
        others = range(1, len(self.call.members))
        if not self.call.may_go_on(others):
            return None
        stay, go = await sorted_out(report, may_go_on)
        if not go:
            return None
        await self.merged.add(report, range(len(report)), stay, go)
        return await self._go_through(_Part(go, others))

    async def _go_through(self, part: _Part) -> SendReport:
        self._waiting.append(part)
        try:
            while self._waiting:
                await self._try(self._waiting.pop(0))
        finally:
            self._end_trial()
        return self.merged.report()

    async def _try(self, part: _Part) -> None:
        call, choice = self.call, self.call.choose(part.candidates)
        if choice is None:
            self._refuse(part)
            return
        member = call.members[choice.place]
        positions = self._begin_trial(member, part) if choice.is_trial else part.positions
        report = await call.report_of(member, choice, _taken(self.outgoing, positions))
        self._end_trial()
        others = [place for place in part.candidates if place != choice.place]
        stay: Positions = range(len(report))
        go: Positions = range(0)
        if call.may_go_on(others):
            stay, go = await sorted_out(report, may_go_on)
        await self.merged.add(report, positions, stay, go)
        if go:
            self._waiting.insert(0, _Part(moved(positions, go), others))

    def _begin_trial(self, member: CallMember, part: _Part) -> Positions:
        """The positions of one batch; the others wait for how it ends."""
        self._on_trial = member.shared.health
        self._on_trial.on_trial = True
        size = member.batch_size or len(part.positions)
        if size < len(part.positions):
            self._waiting.append(_Part(part.positions[size:], part.candidates))
        return part.positions[:size]

    def _end_trial(self) -> None:
        if self._on_trial is not None:
            self._on_trial.on_trial = False
            self._on_trial = None

    def _refuse(self, part: _Part) -> None:
        last = self.call.members[part.candidates[-1]]
        reason = f"every provider has stopped the call, or rests after {DEAD_BATCHES} failures in a row"
        self.merged.refuse(part.positions, not_attempted(reason, last.provider, by_provider=True))


def report_in(error: SMSError) -> SendReport | None:
    """The report of one client's part, taken off its error: the whole call has another."""
    report, error.report = error.report, None
    return report


def _taken(outgoing: Outgoing, positions: Positions) -> Outgoing:
    """The messages at these positions."""
    if len(positions) == len(outgoing):
        return outgoing
    texts = outgoing.texts
    return Outgoing(
        take(outgoing.recipients, positions),
        texts if len(texts) < len(outgoing) else take(texts, positions),
        [None],
        extra=outgoing.extra,
    )


def _unsent(outgoing: Outgoing, error: SMSError, provider: str) -> SendReport:
    """The report of messages that a client refused before it sent any."""
    batch = Batch(0, range(len(outgoing)), outgoing.recipients, outgoing.texts, outgoing.senders)
    report = empty_report(outgoing, provider=provider)
    add_result(report, batch, failed(batch, error))
    return report
