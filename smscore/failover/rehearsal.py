"""Finds out before the first request whether a client would refuse a send, such as for want of a sender."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Final

from attrs import define, evolve, field

from smscore.account import ResolvedAccount
from smscore.calls.stop import StopRule
from smscore.client import AsyncClient
from smscore.errors import NotAttempted

__all__ = ["Rehearsal", "copy_of"]

_MAX_KNOWN: Final = 100  # kinds of sends; a program has a few


def _stopped(_: float | None) -> StopRule:
    return StopRule(reason="it is a rehearsal")


@define(eq=False)
class Rehearsal:
    """A client's sends, rehearsed once a kind and account; nothing can leave."""

    client: AsyncClient
    _known: dict[Hashable, ResolvedAccount] = field(factory=dict[Hashable, ResolvedAccount], init=False)

    def is_known(self, kind: Hashable) -> bool:
        """Whether a send of this kind has been rehearsed. Raises ``ConfigurationError`` for an invalid setting."""
        return self._known.get(kind) is self.client._resolve_account()

    async def run(self, kind: Hashable, send: Callable[[AsyncClient], Awaitable[object]]) -> None:
        """Rehearse a send of this kind. Raises what the client says to what it is given."""
        account = self.client._resolve_account()
        try:
            await send(copy_of(self.client, _stopped))
        except NotAttempted:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[kind] = account


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
