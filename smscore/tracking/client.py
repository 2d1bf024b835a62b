"""The part of an async client that tells what became of messages, for providers that report deliveries."""

from __future__ import annotations

from typing import ClassVar

from smscore.client import AsyncClient, sends_nothing
from smscore.statuses import Delivery
from smscore.tracking.asking import DeliverySource, look_once
from smscore.tracking.given import Results
from smscore.tracking.lookups import Lookups


class AsyncTrackingClient(AsyncClient):
    """An async client whose provider reports deliveries; ``lookups`` says by which calls."""

    lookups: ClassVar[Lookups]

    @sends_nothing
    async def deliveries(self, results: Results) -> list[Delivery]:
        """Where each of these messages is now, in the order given, in as few requests as the provider allows.

        ``results`` is a ``SendReport``, any of its results, or message ids that you have stored. ``status`` is None
        for a result without a message id, for a recipient that the provider does not list, and where the provider does
        not answer for such a message at this hour.

        Raises ``InvalidRequest`` for a result of another provider, and for message ids if the provider's are those of
        whole bulk messages.
        """
        return await look_once(self._delivery_sources, results)

    @property
    def _delivery_sources(self) -> dict[str, DeliverySource]:
        return {self.provider.name: DeliverySource(self._caller, self._resolve_account, self.lookups)}
