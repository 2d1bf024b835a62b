"""The accounts that are asked for deliveries: one of a client, several of a failover."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any, Final

from attrs import define, field, frozen

from smscore.account import ResolvedAccount
from smscore.calls.caller import Caller
from smscore.calls.stop import StopRule
from smscore.errors import (
    AccountError,
    AuthenticationError,
    InsufficientCredit,
    NotFound,
    OutsideServiceHours,
    SMSError,
)
from smscore.tracking.lookups import Lookups

REFUSALS: Final = (AccountError, AuthenticationError, InsufficientCredit)
"""What an account's next question would meet too; any other failure may pass."""

NOT_KNOWN: Final = (NotFound, OutsideServiceHours)
"""Answers that say nothing of a message yet, and are no failures."""


@frozen
class DeliveryAccount:
    """An account of a provider, with the settings and connections of its client."""

    caller: Caller
    resolve: Callable[[], ResolvedAccount] = field(repr=False)

    def check(self) -> None:
        """Raise ``ClientClosed`` or ``ConfigurationError`` if it cannot be asked."""
        self.caller.transport.check_open()
        self.resolve()


@frozen
class DeliverySource:
    """How a provider is asked: by which calls, and at which accounts. A result does not say whose it is."""

    accounts: tuple[DeliveryAccount, ...]
    lookups: Lookups

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.accounts[0].caller.provider.name


def accounts_of(sources: Mapping[str, DeliverySource]) -> list[DeliveryAccount]:
    """All accounts of these providers."""
    return [account for source in sources.values() for account in source.accounts]


def most_at_once(sources: Mapping[str, DeliverySource]) -> int:
    """How many requests may be under way."""
    return max(account.caller.settings.max_concurrency for account in accounts_of(sources))


@define
class AskedAccount:
    """An account during one poll: what stops its questions, and whether it has refused one."""

    caller: Caller
    rule: StopRule
    account: ResolvedAccount = field(repr=False)
    refusal: SMSError | None = field(default=None, init=False)

    @classmethod
    def begin(cls, asked: DeliveryAccount, deadline: float | None) -> AskedAccount:
        """A poll that begins now; ``deadline`` bounds it besides ``Timeouts.call``.

        Raises ``ClientClosed`` or ``ConfigurationError``.
        """
        asked.caller.transport.check_open()
        rule = asked.caller.stop_rule()
        rule.deadline = min((one for one in (rule.deadline, deadline) if one is not None), default=None)
        return cls(asked.caller, rule, asked.resolve())

    async def call(self, endpoint: Any, params: Any) -> Any:
        """Ask one question. After a refusal, or a few failures in an outage, the rest are ``NotAttempted``."""
        watch = self.caller.watch(endpoint.name)
        try:
            with watch or nullcontext():
                answer = await self.caller.call(endpoint, params, self.rule, self.account, watch=watch)
        except NOT_KNOWN:
            self.rule.note(None)
            raise
        except SMSError as error:
            self.rule.note(error)
            if self.refusal is None and isinstance(error, REFUSALS):
                self.refusal = error
            raise
        self.rule.note(None)
        return answer


def refused_by_all(accounts: Iterable[AskedAccount]) -> SMSError | None:
    """The first refusal if every account has refused, else None."""
    refusals = [account.refusal for account in accounts]
    return refusals[0] if all(refusals) else None
