"""An async client whose provider reports deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from smscore.client import AsyncClient
from smscore.tracking.accounts import DeliveryAccount, DeliverySource
from smscore.tracking.calls import AsyncDeliveryCalls
from smscore.tracking.lookups import Lookups


class AsyncTrackingClient(AsyncDeliveryCalls, AsyncClient):
    """An async client whose provider reports deliveries; ``lookups`` says by which calls."""

    lookups: ClassVar[Lookups]

    @property
    def _delivery_sources(self) -> Mapping[str, DeliverySource]:
        return {
            self.provider.name: DeliverySource((DeliveryAccount(self._caller, self._resolve_account),), self.lookups)
        }
