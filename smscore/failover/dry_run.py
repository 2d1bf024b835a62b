"""Finds out before the first request whether a client would refuse a send, such as for want of a sender."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Final

from attrs import define, evolve, field

from smscore.account import ResolvedAccount
from smscore.calls.stop import StopRule
from smscore.client import AsyncClient
from smscore.errors import NotAttempted

__all__ = ["DryRun", "copy_of"]

_MAX_KINDS: Final = 100  # kinds of sends; a program has a few


def _stopped(_: float | None) -> StopRule:
    return StopRule(reason="it is a dry run")


@define(eq=False)
class DryRun:
    """A client's sends, each kind checked once an account by a dry run: nothing can leave."""

    client: AsyncClient
    _passed: dict[Hashable, ResolvedAccount] = field(factory=dict[Hashable, ResolvedAccount], init=False)

    def has_passed(self, kind: Hashable) -> bool:
        """Whether a send of this kind has passed. Raises ``ConfigurationError`` for an invalid setting."""
        return self._passed.get(kind) is self.client._resolve_account()

    async def run(self, kind: Hashable, send: Callable[[AsyncClient], Awaitable[object]]) -> None:
        """Check a send of this kind. Raises what the client says to what it is given."""
        account = self.client._resolve_account()
        try:
            await send(copy_of(self.client, _stopped))
        except NotAttempted:
            if len(self._passed) >= _MAX_KINDS:
                self._passed.clear()
            self._passed[kind] = account


def copy_of(
    client: AsyncClient,
    new_rule: Callable[[float | None], StopRule],
    *,
    waits_when_limited: bool = True,
    max_concurrency: int | None = None,
) -> AsyncClient:
    """The same client on the same connections, whose calls ``new_rule`` may stop, with these settings changed."""
    caller = client._caller
    settings = evolve(
        caller.settings,
        waits_when_limited=waits_when_limited,
        max_concurrency=max_concurrency or caller.settings.max_concurrency,
    )
    return client._with_caller(evolve(caller, settings=settings, new_rule=new_rule))
