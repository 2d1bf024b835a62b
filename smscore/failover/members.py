"""The clients of a failover: what is known of each provider, over all calls and in one of them."""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import define, field

from smscore import clock
from smscore.calls.stop import Gate, StopRule
from smscore.client import AsyncClient
from smscore.config import DEAD_BATCHES
from smscore.errors import ClientClosed, ConfigurationError, SMSError
from smscore.failover.dry_run import DryRun, copy_of
from smscore.failover.health import Condition, Health
from smscore.failover.journal import Journal
from smscore.wire.error_mapping import is_dead

__all__ = ["CallMember", "Member", "batch_size"]

_LOCAL_ERRORS: Final = (
    ClientClosed,
    ConfigurationError,
)  # they say nothing of the provider


@define(eq=False)
class Member:
    """A client of a failover and its provider's health, which all calls share. It is a gate of the calls."""

    client: AsyncClient
    health: Health
    is_alone: bool
    first: AsyncClient = field(init=False)
    """The client as a call's first part uses it while all providers work."""
    dry_run: DryRun = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.first = copy_of(self.client, partial(StopRule, gate=self), waits_when_limited=self.is_alone)
        self.dry_run = DryRun(self.client)

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.client.provider.name

    def check(self, rule: StopRule) -> None:
        """Stop a call while the provider rests."""
        if self.health.rests_until is not None:
            rule.stop(f"{self.provider} rests after {DEAD_BATCHES} failures in a row", by_provider=True)

    def note(self, failure: SMSError | None) -> None:
        """Record how a batch ended, unless that says nothing of the provider."""
        if failure is None and self.health.is_clear:
            return  # as almost always
        if not isinstance(failure, _LOCAL_ERRORS):
            self.health.note(failed=failure is not None and is_dead(failure), now=clock.monotonic())


@define(eq=False)
class CallMember:
    """A member in one call: a refusal that every batch would meet stops all of the call's batches to it."""

    shared: Member
    deadline: float | None
    journal: Journal | None
    concurrency: int | None
    """Requests at a time, where they are fewer than the client's own."""
    _refusal: SMSError | None = field(default=None, init=False)
    """What every further batch of the call would meet."""
    _dead_in_a_row: int = field(default=0, init=False)
    _copies: dict[bool, AsyncClient] = field(factory=dict[bool, AsyncClient], init=False)

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.shared.provider

    @property
    def batch_size(self) -> int | None:
        """The most recipients in one request of the client, or None if there is no limit."""
        return batch_size(self.shared.client)

    def may_be_tried(self, now: float) -> bool:
        """Whether the call may try it; resting or not is for the caller to choose."""
        if self._refusal is not None:
            return False
        return self._dead_in_a_row < DEAD_BATCHES or self.shared.health.condition(now) is not Condition.RESTING

    def client(self, *, is_trial: bool, is_last: bool) -> AsyncClient:
        """The client for a part of the call; a trial is one batch, and the last provider waits for a 429."""
        if is_trial:
            return self._copy(_Trial(self), 1, is_last=is_last)
        if is_last not in self._copies:
            self._copies[is_last] = self._copy(self, self.concurrency, is_last=is_last)
        return self._copies[is_last]

    def _copy(self, gate: Gate, concurrency: int | None, *, is_last: bool) -> AsyncClient:
        def new_rule(_: float | None) -> StopRule:
            return StopRule(self.deadline, gate=gate)

        return copy_of(self.shared.client, new_rule, waits_when_limited=is_last, max_concurrency=concurrency)

    def check(self, rule: StopRule) -> None:
        """Stop a part of the call where the whole has been stopped, or while the provider rests."""
        self.check_call(rule)
        self.shared.check(rule)

    def check_call(self, rule: StopRule) -> None:
        """Stop a part of the call where the whole has been stopped."""
        if self.journal is not None:
            self.journal.check(rule)
        if self._refusal is not None:
            rule.stop_for(self._refusal)

    def note(self, failure: SMSError | None) -> None:
        """Record how a batch ended."""
        self.shared.note(failure)
        self._dead_in_a_row = self._dead_in_a_row + 1 if failure is not None and is_dead(failure) else 0
        if failure is not None and failure.meets_every_batch:
            self._refusal = failure


@define(eq=False)
class _Trial:
    """The gate of a part that is to be one batch: a provider that rests may be tried, until that has ended."""

    member: CallMember
    _has_ended: bool = field(default=False, init=False)

    def check(self, rule: StopRule) -> None:
        self.member.check_call(rule)
        if self._has_ended:
            self.member.shared.check(rule)

    def note(self, failure: SMSError | None) -> None:
        self._has_ended = True
        self.member.note(failure)


def batch_size(client: AsyncClient) -> int | None:
    """The most recipients in one request of a client, or None if there is no limit."""
    return client._settings.batch_size or client.provider.send_limit
