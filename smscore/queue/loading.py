"""Loading a campaign: in one transaction if it is short, and else in parts, which nobody claims before the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

from attrs import frozen

from smscore import clock
from smscore.errors import InvalidRequest
from smscore.given import resolved_items
from smscore.loops.concurrency import let_others_run, slices
from smscore.queue.batcher import Batcher
from smscore.queue.calls import StoreCalls
from smscore.queue.model import Campaign
from smscore.queue.store import campaigns, loading
from smscore.queue.store.loading import Existing, NewBatch, NewCampaign

_LOOK_AGAIN: Final = 0.5  # seconds


@frozen
class Loading:
    """Loads a campaign from items of any length, in the memory of two parts."""

    calls: StoreCalls
    lease: float
    new: NewCampaign
    batcher: Batcher

    async def run(self, items: Any) -> Campaign:
        """The campaign that was loaded, or the one that has its key and the same content."""
        async with aclosing(slices(items, self.batcher.part_size)) as pieces:
            piece = await _next(pieces)
            batches = self.batcher.batches(piece)
            if len(piece) < self.batcher.part_size:
                self.batcher.check()
                return await self._at_once(batches)
            return await self._in_parts(batches, pieces)

    @property
    def _hash(self) -> bytes | None:
        return None if self.batcher.hash is None else self.batcher.hash.digest()

    async def _at_once(self, batches: list[NewBatch]) -> Campaign:
        while True:
            found = await self.calls.write(loading.load, self.new, batches, self._hash, self.lease)
            if not isinstance(found, Existing):
                return found
            if not found.is_loading:
                return found.checked(self._hash)
            await clock.sleep(_LOOK_AGAIN)

    async def _in_parts(self, batches: list[NewBatch], pieces: AsyncGenerator[list[Any], None]) -> Campaign:
        begun = await self._begun()
        if isinstance(begun, Existing):
            while piece := await _next(pieces):
                self.batcher.batches(piece)
                await let_others_run()
            self.batcher.check()
            return begun.checked(self._hash)
        try:
            while await self._add(begun, batches):
                piece = await _next(pieces)
                if not piece:
                    break
                batches = self.batcher.batches(piece)
            else:
                return _there(await self.calls.read(campaigns.get, begun))
            self.batcher.check()
            return _there(await self.calls.write(loading.finish, begun, self._hash))
        except BaseException:
            # A process that dies here leaves it to the lease.
            await self.calls.write(loading.remove, begun)
            raise

    async def _begun(self) -> int | Existing:
        while True:
            begun = await self.calls.write(loading.begin, self.new, self.lease)
            if not isinstance(begun, Existing) or not begun.is_loading:
                return begun
            await clock.sleep(_LOOK_AGAIN)

    async def _add(self, campaign_id: int, batches: list[NewBatch]) -> bool:
        """Whether the campaign is still loading; it may have been cancelled."""
        return not batches or await self.calls.write(loading.add_batches, campaign_id, batches, self.lease)


async def _next(pieces: AsyncGenerator[list[Any], None]) -> list[Any]:
    nothing: list[Any] = []
    return resolved_items(await anext(pieces, nothing))


def _there(campaign: Campaign | None) -> Campaign:
    if campaign is None:
        raise _too_slow()
    return campaign


def _too_slow() -> InvalidRequest:
    return InvalidRequest(
        "The recipients came too slowly: the queue's lease expired between two parts of them, and loading was "
        "abandoned. Nothing is sent. Enqueue again from a faster source, or with a longer lease=."
    )
