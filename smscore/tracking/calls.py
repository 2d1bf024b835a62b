"""The async calls that report deliveries, of one provider or of several."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping

from smscore.client import sends_nothing
from smscore.config import DEFAULT_POLLING, Polling
from smscore.statuses import Delivery
from smscore.tracking.accounts import DeliverySource
from smscore.tracking.asking import look_once
from smscore.tracking.following import new_tracker, track_lists, wait_for_all
from smscore.tracking.given import Results
from smscore.tracking.tracker import AsyncTracker
from smscore.wire.paging import one_by_one


class AsyncDeliveryCalls(ABC):
    """What a client whose provider reports deliveries has, and so has what stands for several such clients."""

    @property
    @abstractmethod
    def _delivery_sources(self) -> Mapping[str, DeliverySource]:
        """By its name, how each provider is asked."""

    @sends_nothing
    async def deliveries(self, results: Results) -> list[Delivery]:
        """Where each of these messages is now, in the order given, in as few requests as the provider allows.

        ``results`` is a ``SendReport``, any of its results, or message ids that you have stored. ``status`` is None
        for a result without a message id, for a recipient that the provider does not list, and where the provider does
        not answer for such a message at this hour.

        An account that cannot be asked costs the messages of a failover's other accounts nothing: what only it knows
        has ``status`` None, and a warning is logged. Its error is raised if no account says anything.

        Raises ``InvalidRequest`` for a result of another provider, and for message ids if the provider's are those of
        whole bulk messages.
        """
        return await look_once(self._delivery_sources, results)

    def track(
        self, results: Results, *, timeout: float | None = None, polling: Polling = DEFAULT_POLLING
    ) -> AsyncGenerator[Delivery, None]:
        """Each change of these messages, as it is seen, until all are final or ``timeout`` seconds are over.

        The first status seen counts as a change. ``polling`` sets the pace; when the time is over a last poll is made.
        Only messages without a final status are asked about, and those without an id never. While the provider cannot
        be reached, it is asked more slowly. Closing the generator cancels what is under way.

        Raises ``AuthenticationError``, ``AccountError`` or ``InsufficientCredit`` if the provider refuses the account,
        in a failover of several once only messages of those that refuse are left, and ``InvalidRequest`` as
        :meth:`deliveries` does.
        """
        return one_by_one(self._track_lists(results, timeout=timeout, polling=polling))

    @sends_nothing
    async def wait_delivered(
        self,
        results: Results,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # it is no error, but the time of the last poll
        polling: Polling = DEFAULT_POLLING,
    ) -> list[Delivery]:
        """Where these messages are when all are final, or after ``timeout`` seconds: in the order given.

        What is not final by then is as it was last seen; ``status`` is None where nothing was, such as for a result
        without a message id. A refusal by one of a failover's accounts is raised only if none of the others said
        anything. The rest is as in :meth:`track`.
        """
        return await wait_for_all(self._delivery_sources, results, timeout, polling)

    @sends_nothing
    def tracker(self, *, polling: Polling = DEFAULT_POLLING) -> AsyncTracker:
        """What follows any number of sends until it is closed, and takes the reports of webhooks too."""
        return new_tracker(self._delivery_sources, polling)

    @sends_nothing
    def _track_lists(
        self, results: Results, *, timeout: float | None, polling: Polling
    ) -> AsyncGenerator[list[Delivery], None]:
        return track_lists(self._delivery_sources, results, timeout, polling)
