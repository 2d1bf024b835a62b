"""How the providers of a failover are asked about deliveries, also one with several accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import attrs
from attrs import frozen

from smscore.account import ResolvedAccount
from smscore.calls.caller import Caller
from smscore.calls.stop import StopRule
from smscore.client import AsyncClient
from smscore.errors import InvalidRequest, NotFound
from smscore.statuses import DeliveryStatus, MessageStatus
from smscore.tracking.asking import DeliverySource
from smscore.tracking.calls import AsyncDeliveryCalls
from smscore.wire.endpoint import Endpoint

__all__ = ["delivery_sources"]

P = TypeVar("P")
R = TypeVar("R")


def delivery_sources(clients: Iterable[AsyncClient]) -> Mapping[str, DeliverySource]:
    """By its name, how each provider is asked. Raises ``InvalidRequest`` if none can be."""
    found: dict[str, list[DeliverySource]] = {}
    for client in clients:
        if isinstance(client, AsyncDeliveryCalls):
            for name, source in client._delivery_sources.items():
                found.setdefault(name, []).append(source)
    if not found:
        raise InvalidRequest("None of the failover's providers reports deliveries.")
    return {name: sources[0] if len(sources) == 1 else _joined(sources) for name, sources in found.items()}


def _joined(sources: Sequence[DeliverySource]) -> DeliverySource:
    """Several accounts of one provider as one: a result does not say whose it is."""
    first, *others = sources
    caller = first.caller
    shared: dict[str, Any] = {field.name: getattr(caller, field.name) for field in attrs.fields(Caller)}
    return attrs.evolve(first, caller=_CallerOfAccounts(**shared, others=tuple(others)))


@frozen
class _CallerOfAccounts(Caller):
    """Asks an account, and the others about what that one does not know."""

    others: tuple[DeliverySource, ...] = ()

    async def call(
        self, endpoint: Endpoint[P, R], params: P, rule: StopRule, account: ResolvedAccount, **options: Any
    ) -> R:
        """What the first account says that knows it."""
        try:
            found = await Caller.call(self, endpoint, params, rule, account, **options)
        except NotFound:
            return await self._ask_others(endpoint, params, rule, options)
        rows: Any = found
        if isinstance(rows, list) and rows and isinstance(rows[0], MessageStatus):
            await self._complete(endpoint, cast("list[MessageStatus]", rows), rule, options)
        return found

    async def _ask_others(self, endpoint: Endpoint[P, R], params: P, rule: StopRule, options: Mapping[str, Any]) -> R:
        *others, last = self.others
        for source in others:
            try:
                return await source.caller.call(endpoint, params, rule, source.account(), **options)
            except NotFound:
                continue
        return await last.caller.call(endpoint, params, rule, last.account(), **options)

    async def _complete(
        self, endpoint: Any, found: list[MessageStatus], rule: StopRule, options: Mapping[str, Any]
    ) -> None:
        """Fill in what the other accounts know of the messages that this one does not."""
        for source in self.others:
            places = [place for place, one in enumerate(found) if one.status is DeliveryStatus.NOT_FOUND]
            if not places:
                break
            ids = [found[place].message_id for place in places]
            more = await source.caller.call(endpoint, ids, rule, source.account(), **options)
            for place, one in zip(places, more, strict=True):
                found[place] = one
