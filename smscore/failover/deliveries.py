"""How the providers of a failover are asked about deliveries, also one with several accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from smscore.client import AsyncClient
from smscore.errors import InvalidRequest
from smscore.tracking.accounts import DeliverySource
from smscore.tracking.calls import AsyncDeliveryCalls

__all__ = ["delivery_sources"]


def delivery_sources(clients: Iterable[AsyncClient]) -> Mapping[str, DeliverySource]:
    """By its name, how each provider is asked. Raises ``InvalidRequest`` if none can be."""
    found: dict[str, DeliverySource] = {}
    for client in clients:
        if isinstance(client, AsyncDeliveryCalls):
            for name, source in client._delivery_sources.items():
                known = found.get(name)
                found[name] = source if known is None else evolve(source, accounts=known.accounts + source.accounts)
    if not found:
        raise InvalidRequest("None of the failover's providers reports deliveries.")
    return found
