"""Pauses, cancels, holds and suppressions at odd moments, and what is said of those that cannot be meant."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from recipients import numbers

from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import ConfigurationError, InvalidRequest, NotAttempted
from smscore.failover import AsyncFailover
from smscore.queue import CampaignState, Counts, QueueUnavailable
from smscore.queue.batcher import PART_SIZE
from smscore.queue.sending import BatchCall
from smscore.queue.store import claims, dispatch, splitting
from smscore.queue.store.claims import Lane
from smscore.sandbox import Sandbox

from .conftest import TEXT, Place, sent_to

New = Callable[..., Any]


class Source:
    """Recipients that stop coming after the first part, until they are told to go on."""

    def __init__(self) -> None:
        self.is_waiting, self.goes_on = asyncio.Event(), asyncio.Event()
        self.numbers = numbers(PART_SIZE + 5)

    async def __aiter__(self) -> AsyncIterator[str]:
        for place, number in enumerate(self.numbers):
            if place == PART_SIZE + 1:
                self.is_waiting.set()
                await self.goes_on.wait()
            yield number


# While it is loaded


async def test_a_campaign_that_is_cancelled_while_it_is_loaded_is_loaded_no_further(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue, source = await new_queue(place, shop=client(AsyncNajva)), Source()
    enqueueing = asyncio.create_task(queue.enqueue("shop", source, TEXT, key="k"))
    await source.is_waiting.wait()
    loading = await queue.campaign("k")
    assert loading.state is CampaignState.LOADING
    assert (await queue.cancel(loading)).state is CampaignState.CANCELLED
    source.goes_on.set()
    campaign = await enqueueing
    assert (campaign.id, campaign.state) == (loading.id, CampaignState.CANCELLED)
    assert await queue.drain(0.5) == 0
    assert not box.messages
    assert await queue.counts(campaign) == Counts(not_sent=PART_SIZE)
    again = await queue.enqueue("shop", ["09120000001"], TEXT, key="k")
    assert again.id == campaign.id  # nobody knows what else it was to have; it sends nothing


async def test_a_campaign_that_is_paused_while_it_is_loaded_is_paused_once_it_is(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue, source = await new_queue(place, shop=client(AsyncNajva)), Source()
    enqueueing = asyncio.create_task(queue.enqueue("shop", source, TEXT, key="k"))
    await source.is_waiting.wait()
    paused = await queue.pause(await queue.campaign("k"), "wrong text")
    assert (paused.state, paused.reason) == (CampaignState.LOADING, "wrong text")
    source.goes_on.set()
    campaign = await enqueueing
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, "wrong text")
    assert await queue.drain(0.5) == 0
    assert not box.messages
    assert (await queue.resume(campaign)).state is CampaignState.QUEUED  # nothing of it has begun


async def test_a_campaign_that_had_begun_is_running_once_it_is_resumed(place: Place, client: New, new_queue: New):
    queue = await new_queue(place, shop=client(AsyncNajva, batch_size=5))
    campaign = await queue.enqueue("shop", numbers(10), TEXT)
    (batch,) = (await queue._calls.write(claims.claim, [Lane("shop")], 1, 60.0)).batches
    await queue.pause(campaign)
    assert (await queue.resume(campaign)).state is CampaignState.RUNNING
    await queue._calls.write(dispatch.requeue, batch)
    await queue.pause(campaign)
    assert (await queue.resume(campaign)).state is CampaignState.QUEUED
    async with queue.worker(slots=1):
        assert (await queue.wait(campaign, timeout=60)).state is CampaignState.DONE


async def test_a_pause_is_taken_back_while_it_is_loaded(place: Place, client: New, new_queue: New):
    queue, source = await new_queue(place, shop=client(AsyncNajva)), Source()
    enqueueing = asyncio.create_task(queue.enqueue("shop", source, TEXT, key="k"))
    await source.is_waiting.wait()
    await queue.pause(await queue.campaign("k"))
    assert (await queue.resume(await queue.campaign("k"))).reason is None
    source.goes_on.set()
    assert (await enqueueing).state is CampaignState.QUEUED


# Between two hops


async def test_who_is_suppressed_between_two_hops_is_not_sent_to(
    place: Place, box: Sandbox, client: New, new_queue: New, monkeypatch: pytest.MonkeyPatch
):
    queue = await new_queue(place, both=AsyncFailover(client(AsyncNajva), client(AsyncSepahan)))
    everybody, dispatch = numbers(5), BatchCall.dispatch

    async def suppress_before_the_second(self: BatchCall, event: Any) -> None:
        if self.claimed.hops:
            await queue.suppress(everybody[0])
        await dispatch(self, event)

    monkeypatch.setattr(BatchCall, "dispatch", suppress_before_the_second)
    box.fail("no_credit", provider="najva")
    async with queue.worker(slots=1):
        campaign = await queue.enqueue("both", everybody, TEXT)
        await queue.wait(campaign, timeout=60)
    assert await queue.counts(campaign) == Counts(accepted=4, not_sent=1)
    (left_out,) = [result async for result in queue.results(campaign) if result.error is not None]
    assert isinstance(left_out.error, NotAttempted)
    assert left_out.error.reason == "suppressed"
    assert {message.provider for message in box.messages} == {"sepahan"}
    assert f"+98{everybody[0][1:]}" not in sent_to(box)


async def test_the_rate_keeps_no_second_hop_back_for_ever(
    sqlite_place: Place, box: Sandbox, client: New, new_queue: New
):
    members = client(AsyncNajva, rate_limit=5), client(AsyncSepahan, rate_limit=5)
    queue = await new_queue(sqlite_place, both=AsyncFailover(*members))
    box.fail("no_credit", provider="najva")
    async with queue.worker(slots=1):
        campaign = await queue.enqueue("both", numbers(3), TEXT)
        assert (await queue.wait(campaign, timeout=60)).state is CampaignState.DONE
    assert await queue.counts(campaign) == Counts(accepted=3)
    assert set(sent_to(box).values()) == {1}


# In an outage


@pytest.mark.parametrize("is_committed", [False, True], ids=["before the commit", "after the commit"])
async def test_nobody_is_lost_where_a_batch_is_split_in_an_outage(
    is_committed: bool,
    place: Place,
    box: Sandbox,
    client: New,
    new_queue: New,
    monkeypatch: pytest.MonkeyPatch,
):
    loads = await new_queue(place, shop=client(AsyncNajva))
    campaign = await loads.enqueue("shop", numbers(7), TEXT)
    queue = await new_queue(place, shop=client(AsyncNajva, batch_size=3))
    failures = [QueueUnavailable()]
    write = type(queue._calls).write

    def broken(work: Any) -> Any:
        def run(transaction: Any, *args: Any) -> None:
            work(transaction, *args)
            raise failures.pop()

        return run

    async def breaks_once(self: Any, work: Any, *args: Any) -> Any:
        if work is not splitting.split or not failures:
            return await write(self, work, *args)
        if is_committed:
            await write(self, work, *args)
            raise failures.pop()
        return await write(self, broken(work), *args)

    monkeypatch.setattr(type(queue._calls), "write", breaks_once)
    async with queue.worker(slots=1):
        await queue.wait(campaign, timeout=60)
    assert not failures
    assert await queue.counts(campaign) == Counts(accepted=7)
    assert len([result async for result in queue.results(campaign)]) == 7
    assert set(sent_to(box).values()) == {1}
    assert len(sent_to(box)) == 7


# What cannot be meant


@pytest.mark.parametrize("call", ["hold", "release", "account"])
async def test_an_account_that_nobody_knows_is_refused(call: str, place: Place, client: New, new_queue: New):
    queue = await new_queue(place, shop=client(AsyncNajva))
    with pytest.raises(InvalidRequest, match=r"Unknown account\. This queue has shop"):
        await getattr(queue, call)("shpo")
    assert not (await queue.account("shop")).held
    assert (await queue.hold("shop")).held


async def test_an_account_that_only_the_database_knows_can_be_held(place: Place, client: New, new_queue: New):
    await (await new_queue(place, shop=client(AsyncNajva))).enqueue("shop", "09120000001", TEXT)
    console = await new_queue(place)
    assert (await console.hold("shop")).held
    assert not (await console.release("shop")).held


NOW = dt.datetime.now(dt.UTC)


@pytest.mark.parametrize(
    ("not_before", "expires"),
    [(3600, 60), (60, 60), (NOW + dt.timedelta(days=2), NOW + dt.timedelta(days=1)), (3600, NOW)],
)
async def test_an_end_before_the_start_is_refused(
    not_before: Any, expires: Any, place: Place, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncNajva))
    with pytest.raises(InvalidRequest, match="expires= must be after not_before="):
        await queue.enqueue("shop", "09120000001", TEXT, key="k", not_before=not_before, expires=expires)
    assert await queue.campaign("k") is None


async def test_a_worker_that_can_send_by_no_account_says_so_at_once(
    sqlite_place: Place, new_queue: New, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("NAJVA_TOKEN", raising=False)
    queue = await new_queue(sqlite_place, shop=AsyncNajva(sender="90000123"))
    with pytest.raises(ConfigurationError, match="token"):
        async with queue.worker():
            pytest.fail("it has begun")


async def test_waiting_ends_with_the_worker_that_failed(
    sqlite_place: Place, client: New, new_queue: New, monkeypatch: pytest.MonkeyPatch
):
    queue = await new_queue(sqlite_place, shop=client(AsyncNajva))
    campaign = await queue.enqueue("shop", "09120000001", TEXT)

    def fail(*_: object) -> None:
        raise ConfigurationError("the tables are gone")

    monkeypatch.setattr("smscore.queue.worker.claims.claim", fail)
    running = await queue._started(1)
    with pytest.raises(ConfigurationError, match="the tables are gone"):
        await queue.wait(campaign, timeout=60)
    with pytest.raises(ConfigurationError):
        await queue._stopped(running)
