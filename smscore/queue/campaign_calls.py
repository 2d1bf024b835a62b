"""Campaigns, as the async queue tells of them and changes them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from smscore import clock
from smscore.errors import InvalidRequest
from smscore.outcomes import Outcome
from smscore.queue import arguments
from smscore.queue.calls import StoreCalls
from smscore.queue.model import Campaign, CampaignState, Counts, QueueResult
from smscore.queue.store import accounts, campaigns, reading

__all__ = ["CampaignCalls"]

_WAIT_FIRST: Final = 0.05
_WAIT_MOST: Final = 0.5
_PAGE: Final = 100


class CampaignCalls:
    """What a queue can be asked of its campaigns, and what can be done with them."""

    _calls: StoreCalls

    def _wake(self) -> None:
        """Tell this queue's workers that there may be something new to claim."""
        raise NotImplementedError

    def _check_workers(self) -> None:
        """Raise what has ended a worker that runs beside this code."""
        raise NotImplementedError

    async def campaign(self, key: str) -> Campaign | None:
        """The campaign with this key, or None."""
        return await self._calls.read(campaigns.by_key, key)

    async def campaigns(self, *, state: CampaignState | str | None = None) -> AsyncIterator[Campaign]:
        """All campaigns, or those in this state, oldest first."""
        async with aclosing(self._campaigns(state)) as found:
            async for campaign in found:
                yield campaign

    async def _campaigns(self, state: CampaignState | str | None) -> AsyncGenerator[Campaign, None]:
        wanted = None if state is None else CampaignState(state)
        after = 0
        while found := await self._calls.read(campaigns.page, wanted, after, _PAGE):
            for campaign in found:
                yield campaign
            after = found[-1].id

    async def counts(self, campaign: Campaign | int) -> Counts:
        """How many recipients of a campaign have which outcome, and how many wait."""
        return await self._calls.read(reading.counts, arguments.campaign_id(campaign))

    async def results(
        self, campaign: Campaign | int, *, outcome: Outcome | None = None
    ) -> AsyncGenerator[QueueResult, None]:
        """The results of those recipients of a campaign that have one, in order, or those with this outcome."""
        async with aclosing(self._result_pages(campaign, outcome)) as pages:
            async for page in pages:
                for result in page:
                    yield result

    async def _result_pages(
        self, campaign: Campaign | int, outcome: Outcome | None
    ) -> AsyncGenerator[list[QueueResult], None]:
        wanted = None if outcome is None else Outcome(outcome).value
        after: int | None = -1
        id_ = arguments.campaign_id(campaign)
        while after is not None:
            page = await self._calls.read(reading.results, id_, after, wanted)
            after = page.after
            if page.results:
                yield page.results

    async def wait(self, campaign: Campaign | int, timeout: float | None = None) -> Campaign:  # noqa: ASYNC109  # it is the public face
        """The campaign, once it is done, cancelled or paused, or its account is held.

        Raises ``TimeoutError`` if that takes longer than ``timeout`` seconds, and what has ended a ``worker()`` of this
        queue, if one failed.
        """
        seconds = None if timeout is None else arguments.checked_seconds(timeout, "timeout=")
        deadline = None if seconds is None else clock.monotonic() + seconds
        pause = _WAIT_FIRST
        while True:
            found = await self._get(campaign)
            if found.state.has_ended or found.state is CampaignState.PAUSED:
                return found
            if (await self._calls.read(accounts.read, found.account)).held:
                return found
            self._check_workers()
            if deadline is not None and clock.monotonic() >= deadline:
                raise TimeoutError(f"The campaign is still {found.state} after {timeout} seconds.")
            await clock.sleep(pause if deadline is None else min(pause, max(0.0, deadline - clock.monotonic())))
            pause = min(pause * 1.5, _WAIT_MOST)

    async def _get(self, campaign: Campaign | int) -> Campaign:
        found = await self._calls.read(campaigns.get, arguments.campaign_id(campaign))
        if found is None:
            raise InvalidRequest("No such campaign in this database. Give what enqueue() or campaign(key) returned.")
        return found

    # Stopping and going on

    async def pause(self, campaign: Campaign | int, reason: str = "paused manually") -> Campaign:
        """The campaign, of which no batch begins until it is resumed; what is under way ends.

        One that is still ``loading`` has the reason from now on, and is paused once it is loaded.
        """
        return await self._change(campaign, partial(campaigns.pause, reason=reason))

    async def resume(self, campaign: Campaign | int) -> Campaign:
        """The campaign, which goes on."""
        return await self._change(campaign, campaigns.resume)

    async def cancel(self, campaign: Campaign | int) -> Campaign:
        """The campaign, of which nothing begins any more; what is under way ends.

        One that is still ``loading`` is loaded no further, and ``enqueue`` returns it as it is.
        """
        return await self._change(campaign, campaigns.cancel)

    async def _change(self, campaign: Campaign | int, change: Any) -> Campaign:
        await self._calls.write(change, campaign_id=arguments.campaign_id(campaign))
        self._wake()
        return await self._get(campaign)
