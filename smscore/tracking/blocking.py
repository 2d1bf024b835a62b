"""The part of a blocking client that tells what became of messages, for providers that report deliveries."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from smscore.blocking import BlockingClient, materialised
from smscore.client import AsyncClient
from smscore.results import SendReport
from smscore.statuses import Delivery
from smscore.tracking.client import AsyncTrackingClient
from smscore.tracking.given import Results

A = TypeVar("A", bound=AsyncTrackingClient)


class TrackingClient(BlockingClient[A]):
    """A blocking client whose provider reports deliveries."""

    _async_class: ClassVar[type[AsyncClient]] = AsyncTrackingClient

    def deliveries(self, results: Results) -> list[Delivery]:
        return self._run(self._client.deliveries, _kept(results))


def _kept(results: Results) -> Results:
    """The results, iterated over in the caller's thread; a report never changes."""
    kept: Results = results if isinstance(results, SendReport) else materialised(results)
    return kept
