"""Following the messages of one call until they are final, or its time is over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from smscore.config import Polling, checked_polling, checked_wait
from smscore.statuses import Delivery
from smscore.tracking.accounts import REFUSALS, DeliverySource, accounts_of
from smscore.tracking.asking import listed
from smscore.tracking.given import Results
from smscore.tracking.tracker import AsyncTracker


def new_tracker(sources: Mapping[str, DeliverySource], polling: Polling) -> AsyncTracker:
    """A tracker of these providers. Raises ``ConfigurationError`` or ``ClientClosed`` for what no poll could use."""
    _check(sources)
    return AsyncTracker(sources, checked_polling(polling))


def track_lists(
    sources: Mapping[str, DeliverySource], results: Results, timeout: float | None, polling: Polling
) -> AsyncGenerator[list[Delivery], None]:
    """Each change, in lists of those that are known at once."""
    tracker = _ending_tracker(sources, timeout, polling)
    return _lists(tracker, results)


async def wait_for_all(
    sources: Mapping[str, DeliverySource], results: Results, seconds: float | None, polling: Polling
) -> list[Delivery]:
    """Where all messages are at the end, in the order given."""
    async with _ending_tracker(sources, seconds, polling) as tracker:
        parts = await tracker.follow_in_turns(results)
        try:
            while await tracker.next_ones():
                pass
        except REFUSALS:
            # What the other accounts said is not lost.
            if len(accounts_of(sources)) == 1 or not any(any(part.followed.seen) for part in parts):
                raise
        return await listed(parts)


def _ending_tracker(sources: Mapping[str, DeliverySource], timeout: float | None, polling: Polling) -> AsyncTracker:
    _check(sources)
    return AsyncTracker(sources, checked_polling(polling), timeout=checked_wait("timeout", timeout), ends=True)


def _check(sources: Mapping[str, DeliverySource]) -> None:
    for account in accounts_of(sources):
        account.check()


async def _lists(tracker: AsyncTracker, results: Results) -> AsyncGenerator[list[Delivery], None]:
    async with tracker:
        await tracker.follow_in_turns(results)
        async with aclosing(tracker.lists()) as lists:
            async for found in lists:
                yield found
