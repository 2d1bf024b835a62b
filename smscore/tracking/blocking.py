"""The delivery calls of a blocking client, for providers that report deliveries."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Generator, Iterator
from typing import ClassVar, Self, TypeVar

from smscore.blocking import BlockingCalls, BlockingClient, Items, Stream, materialised
from smscore.client import AsyncClient
from smscore.config import DEFAULT_POLLING, Polling
from smscore.loops import background
from smscore.loops.caller_thread import CallerThread
from smscore.results import SendReport
from smscore.statuses import Delivery
from smscore.tracking.calls import AsyncDeliveryCalls
from smscore.tracking.client import AsyncTrackingClient
from smscore.tracking.given import Results
from smscore.tracking.tracker import AsyncTracker, WebhookReport

A = TypeVar("A", bound=AsyncTrackingClient)


class Tracker(Iterator[Delivery]):
    """Follows any number of sends, and iterates over their delivery statuses.

    ::

        with client.tracker() as tracker:
            tracker.follow(client.send(numbers, text))
            for delivery in tracker:
                print(delivery.recipient, delivery.status)

    It asks while somebody iterates. Other threads may follow, record and close meanwhile. Each change is given once;
    the first status seen counts as one.
    """

    def __init__(self, tracker: AsyncTracker) -> None:
        self._tracker = tracker
        self._items = Items(Stream(tracker.lists(), CallerThread()))

    def follow(self, results: Results) -> None:
        kept = _kept(results)

        async def follow() -> None:
            await self._tracker.follow_in_turns(kept)

        background.run(follow)

    def record(self, report: WebhookReport) -> None:
        async def record() -> None:
            self._tracker.record(report)

        background.run(record)

    def __next__(self) -> Delivery:
        """The next change; waits for it."""
        return next(self._items)

    def close(self) -> None:
        """Stop, and cancel what is under way; a thread that waits for a change is told. Closing twice is fine."""
        if background.running() is not None:
            background.run(self._tracker.aclose)
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class DeliveryCalls(BlockingCalls):
    """The blocking face of :class:`AsyncDeliveryCalls`."""

    @property
    @abstractmethod
    def _delivery_calls(self) -> AsyncDeliveryCalls:
        """The async object whose calls these are."""

    def deliveries(self, results: Results) -> list[Delivery]:
        return self._run(self._delivery_calls.deliveries, _kept(results))

    def track(
        self, results: Results, *, timeout: float | None = None, polling: Polling = DEFAULT_POLLING
    ) -> Generator[Delivery, None, None]:
        return self._list(self._delivery_calls._track_lists, _kept(results), timeout=timeout, polling=polling)

    def wait_delivered(
        self, results: Results, *, timeout: float | None = None, polling: Polling = DEFAULT_POLLING
    ) -> list[Delivery]:
        return self._run(self._delivery_calls.wait_delivered, _kept(results), timeout=timeout, polling=polling)

    def tracker(self, *, polling: Polling = DEFAULT_POLLING) -> Tracker:
        return Tracker(self._delivery_calls.tracker(polling=polling))


class TrackingClient(DeliveryCalls, BlockingClient[A]):
    """A blocking client whose provider reports deliveries."""

    _async_class: ClassVar[type[AsyncClient]] = AsyncTrackingClient

    @property
    def _delivery_calls(self) -> AsyncDeliveryCalls:
        return self._client


def _kept(results: Results) -> Results:
    """The results, iterated over in the caller's thread; a report never changes."""
    kept: Results = results if isinstance(results, SendReport) else materialised(results)
    return kept


# The docstrings are those of the async face.
for _face, _async_face in ((Tracker, AsyncTracker), (DeliveryCalls, AsyncDeliveryCalls)):
    for _name, _method in vars(_face).items():
        if not _name.startswith("_") and not _method.__doc__:
            _method.__doc__ = inspect.getdoc(getattr(_async_face, _name))
