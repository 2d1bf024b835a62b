"""Whole campaigns through the sandbox, with both faces and on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from recipients import numbers

from ippanel_sms import AsyncIPPanel, IPPanel
from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore.outcomes import Outcome
from smscore.queue import CampaignState, Counts, SendQueue
from smscore.queue.store import reading
from smscore.sandbox import Sandbox

from .conftest import PROVIDERS, SENDERS, TEXT, Place, sent_to

BLOCKING = {AsyncSepahan: Sepahan, AsyncIPPanel: IPPanel, AsyncNajva: Najva}


@pytest.mark.parametrize("kind", list(SENDERS))
async def test_everybody_is_sent_to_once_and_has_a_result_in_order(
    kind: type[Any], place: Place, box: Sandbox, client: Callable[..., Any], new_queue: Callable[..., Any]
):
    queue = await new_queue(place, shop=client(kind, batch_size=50))
    wanted = numbers(220)
    async with queue.worker(slots=4):
        campaign = await queue.enqueue("shop", wanted, TEXT)
        done = await queue.wait(campaign, timeout=60)
    assert done.state is CampaignState.DONE
    assert await queue.counts(campaign) == Counts(accepted=220)
    results = [result async for result in queue.results(campaign)]
    assert [result.recipient for result in results] == [f"+98{number[1:]}" for number in wanted]
    assert all(result.message_id and result.provider == PROVIDERS[kind] and result.sent_at for result in results)
    assert set(sent_to(box).values()) == {1}
    assert len(sent_to(box)) == 220
    cost = await queue._calls.read(reading.cost, campaign.id)
    assert (cost is not None and cost > 0) is (kind is not AsyncIPPanel)  # which tells no cost


@pytest.mark.parametrize("kind", list(SENDERS))
def test_the_blocking_face_does_the_same(kind: type[Any], place: Place):
    with Sandbox(port=0) as box:
        account = BLOCKING[kind]("token", sender=SENDERS[kind], base_url=box.url(PROVIDERS[kind]))
        with SendQueue(place.url, {"shop": account}, schema=place.schema) as queue:
            queue.create()
            with queue.worker(slots=2):
                campaign = queue.enqueue("shop", (number for number in numbers(120)), TEXT, key="one")
                assert queue.wait(campaign, timeout=60).state is CampaignState.DONE
            assert queue.campaign("one") == queue.wait(campaign)
            assert [one.id for one in queue.campaigns()] == [campaign.id]
            assert [result.outcome for result in queue.results(campaign)] == [Outcome.ACCEPTED] * 120
        assert len(sent_to(box)) == 120


async def test_a_drain_sends_for_so_long_and_says_how_many_batches_ended(
    place: Place, client: Callable[..., Any], new_queue: Callable[..., Any]
):
    queue = await new_queue(place, shop=client(AsyncSepahan))
    await queue.enqueue("shop", numbers(300), TEXT)
    assert await queue.drain(1.5) == 3
    assert await queue.drain(0) == 0


async def test_a_run_that_is_cancelled_ends_what_is_under_way(
    place: Place, box: Sandbox, client: Callable[..., Any], new_queue: Callable[..., Any]
):
    queue = await new_queue(place, shop=client(AsyncNajva))
    campaign = await queue.enqueue("shop", numbers(20), TEXT)
    box.fail("delay", seconds=0.5, times=1)
    task = asyncio.create_task(queue.run(slots=1))
    await until_one_is_sending(queue)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await queue.counts(campaign) == Counts(accepted=20)


async def until_one_is_sending(queue: Any) -> None:
    async with asyncio.timeout(60):
        while True:
            if await queue._calls.read(lambda store: store.row("SELECT 1 FROM payamak_batch WHERE tries > 0")):
                return
            await asyncio.sleep(0.02)
