"""Several queue objects on one database, as in several processes: each batch is sent by one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from recipients import numbers

from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore.queue import CampaignState, Counts
from smscore.sandbox import Sandbox

from .conftest import TEXT, Place, sent_to


async def test_a_job_that_is_delivered_five_times_at_once_sends_nothing_twice(
    place: Place, box: Sandbox, client: Callable[..., Any], new_queue: Callable[..., Any]
) -> None:
    accounts = [
        {"codes": client(AsyncSepahan, batch_size=5), "shop": client(AsyncNajva, batch_size=5)} for _ in range(5)
    ]
    queues = [await new_queue(place, **each) for each in accounts]
    campaigns = [
        await queues[0].enqueue(name, numbers(100, start=place_), TEXT)
        for name, place_ in (("codes", 0), ("shop", 100))
    ]
    drains = [asyncio.create_task(queue.drain(600, slots=4)) for queue in queues]
    for campaign in campaigns:
        assert (await queues[0].wait(campaign, timeout=60)).state is CampaignState.DONE
        assert await queues[0].counts(campaign) == Counts(accepted=100)
    for drain in drains:
        drain.cancel()
    await asyncio.wait(drains)
    assert (len(sent_to(box)), set(sent_to(box).values())) == (200, {1})


async def test_two_queues_in_one_database_leave_each_others_accounts_alone(
    place: Place, box: Sandbox, client: Callable[..., Any], new_queue: Callable[..., Any]
) -> None:
    codes = await new_queue(place, codes=client(AsyncSepahan))
    shop = await new_queue(place, shop=client(AsyncNajva))
    mine = await codes.enqueue("codes", numbers(10), TEXT)
    other = await shop.enqueue("shop", numbers(10, start=10), TEXT)
    async with codes.worker(slots=2):
        assert (await codes.wait(mine, timeout=60)).state is CampaignState.DONE
        assert (await shop.counts(other)).waiting == 10
        async with shop.worker(slots=2):
            assert (await shop.wait(other, timeout=60)).state is CampaignState.DONE
    assert {message.provider for message in box.messages} == {"sepahan", "najva"}
    assert (len(sent_to(box)), set(sent_to(box).values())) == (20, {1})
