"""Keys, what a campaign's content is, loading that is abandoned, bad numbers, senders of one's own, and refs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from recipients import numbers

from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import InvalidNumber, InvalidRequest, Message, NotAttempted
from smscore.outcomes import Outcome
from smscore.queue import CampaignState, Counts, Window
from smscore.sandbox import Sandbox

from .conftest import TEXT, Place, sent_to

New = Callable[..., Any]


async def test_the_same_key_with_the_same_content_gives_the_campaign_that_is_there(
    place: Place, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncNajva), other=client(AsyncNajva))
    first = await queue.enqueue("shop", numbers(50), TEXT, key="one")
    again = await queue.enqueue("shop", reversed(numbers(50)), TEXT, key="one", priority=5, expires=60)
    assert again.id == first.id
    for account, to, text in [
        ("shop", numbers(49), TEXT),
        ("shop", numbers(50, start=1), TEXT),
        ("shop", [*numbers(50), *numbers(1)], TEXT),
        ("shop", numbers(50), "another"),
        ("other", numbers(50), TEXT),
    ]:
        with pytest.raises(InvalidRequest, match="other content"):
            await queue.enqueue(account, to, text, key="one")
    with pytest.raises(InvalidRequest, match="other content"):
        await queue.enqueue_p2p("shop", [(number, TEXT) for number in numbers(50)], key="one")
    assert [campaign.size async for campaign in queue.campaigns()] == [50]


async def test_the_texts_belong_to_their_numbers_in_a_content(sqlite_place: Place, client: New, new_queue: New):
    queue = await new_queue(sqlite_place, shop=client(AsyncNajva))
    one, two = numbers(2)
    first = await queue.enqueue_p2p("shop", [(one, "a"), (two, "b")], key="one")
    assert (await queue.enqueue_p2p("shop", [(two, "b"), (one, "a")], key="one")).id == first.id
    with pytest.raises(InvalidRequest, match="other content"):
        await queue.enqueue_p2p("shop", [(one, "b"), (two, "a")], key="one")


async def test_a_long_load_has_the_same_content_as_a_short_one_and_is_claimed_once_it_is_whole(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncNajva))
    states = []

    async def source():
        for number in numbers(45_000):
            yield number
        states.extend([campaign.state async for campaign in queue.campaigns()])
        states.append(await queue.drain(0.2))

    campaign = await queue.enqueue("shop", source(), TEXT, key="one")
    assert states == [CampaignState.LOADING, 0]
    assert (campaign.state, campaign.size) == (CampaignState.QUEUED, 45_000)
    assert (await queue.enqueue("shop", iter(numbers(45_000)), TEXT, key="one")).id == campaign.id


async def test_a_load_that_died_is_taken_away_after_its_lease_and_its_key_is_free(
    place: Place, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncNajva))
    await queue.enqueue("shop", numbers(5), TEXT, key="one")
    await queue._calls.write(
        lambda store: store.run("UPDATE payamak_campaign SET state = 'loading', loading_until = %s", store.now - 1)
    )
    campaign = await queue.enqueue("shop", numbers(6), TEXT, key="one")
    assert [(one.id, one.size) async for one in queue.campaigns()] == [(campaign.id, 6)]


async def test_bad_numbers_that_are_skipped_have_results_in_their_places(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncSepahan))
    given = numbers(250)
    given[3], given[120] = "bad", "12"
    campaign = await queue.enqueue("shop", given, TEXT, skip_bad=True)
    async with queue.worker(slots=2):
        await queue.wait(campaign, timeout=60)
    results = [result async for result in queue.results(campaign)]
    assert [place for place, result in enumerate(results) if result.outcome is Outcome.NOT_SENT] == [3, 120]
    assert isinstance(results[120].error, InvalidNumber)
    assert results[120].error.numbers == [(120, "12")]
    assert await queue.counts(campaign) == Counts(accepted=248, not_sent=2)


async def test_messages_keep_their_senders_texts_and_refs(place: Place, box: Sandbox, client: New, new_queue: New):
    queue = await new_queue(place, shop=client(AsyncNajva))
    lines = ["90000123", "90000456", None]
    messages = [
        Message(number, f"text {place}", sender=lines[place % 3], ref={"row": place})
        for place, number in enumerate(numbers(30))
    ]
    campaign = await queue.enqueue_p2p("shop", messages)
    async with queue.worker(slots=2):
        await queue.wait(campaign, timeout=60)
    assert [result.ref async for result in queue.results(campaign)] == [{"row": place} for place in range(30)]
    found = {message.recipient: (message.text, message.sender) for message in box.messages}
    assert [found[f"+98{number[1:]}"] for number in numbers(30)] == [
        (f"text {place}", lines[place % 3] or "90000123") for place in range(30)
    ]


async def test_a_ref_that_is_not_json_is_refused(sqlite_place: Place, client: New, new_queue: New):
    queue = await new_queue(sqlite_place, shop=client(AsyncNajva))
    with pytest.raises(InvalidRequest, match="ref of message 1"):
        await queue.enqueue_p2p("shop", [("09120000001", "a"), Message("09120000002", "b", ref=object())])


# What keeps a campaign back


async def test_what_never_began_says_why(place: Place, box: Sandbox, client: New, new_queue: New):
    queue = await new_queue(place, shop=client(AsyncSepahan))
    await queue.suppress(numbers(2))
    await queue.hold("shop", reason="holiday")
    expired = await queue.enqueue("shop", numbers(3), TEXT, expires=0)
    cancelled = await queue.enqueue("shop", numbers(3, start=3), TEXT)
    suppressed = await queue.enqueue("shop", numbers(3), TEXT)
    assert (await queue.cancel(cancelled)).state is CampaignState.CANCELLED
    await queue.release("shop")
    async with queue.worker(slots=1):
        for campaign in (expired, suppressed):
            assert (await queue.wait(campaign, timeout=60)).state is CampaignState.DONE
    reasons = {
        campaign.id: [
            result.error.reason if isinstance(result.error, NotAttempted) else None
            async for result in queue.results(campaign)
        ]
        for campaign in (expired, cancelled, suppressed)
    }
    assert reasons == {
        expired.id: ["expired"] * 3,
        cancelled.id: ["cancelled"] * 3,
        suppressed.id: ["suppressed", "suppressed", None],
    }
    assert dict(sent_to(box)) == {"+989120000002": 1}
    assert [await queue.suppressed(number) for number in numbers(3)] == [True, True, False]
    await queue.unsuppress(numbers(1))
    assert not await queue.suppressed(numbers(1)[0])


async def test_nothing_begins_before_its_time_outside_its_hours_or_while_it_is_paused(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncSepahan))
    now = dt.datetime.now(dt.timezone(dt.timedelta(hours=3, minutes=30)))
    start = (now + dt.timedelta(hours=2)).time()
    shut = Window(start, (now + dt.timedelta(hours=3)).time())
    await queue.enqueue("shop", numbers(1), TEXT, not_before=3600)
    await queue.enqueue("shop", numbers(1, start=1), TEXT, window=shut)
    paused = await queue.enqueue("shop", numbers(1, start=2), TEXT)
    await queue.pause(paused, reason="first ask the boss")
    await queue.enqueue("shop", numbers(1, start=3), TEXT)
    assert await queue.drain(0.5) == 1
    assert [message.recipient for message in box.messages] == ["+989120000003"]
    assert [campaign.reason async for campaign in queue.campaigns(state="paused")] == ["first ask the boss"]


async def test_a_higher_priority_goes_first(place: Place, box: Sandbox, client: New, new_queue: New):
    queue = await new_queue(place, shop=client(AsyncSepahan))
    await queue.enqueue("shop", numbers(1), TEXT)
    await queue.enqueue("shop", numbers(1, start=1), TEXT, priority=9)
    assert await queue.drain(0.5, slots=1) == 2
    assert [message.recipient for message in box.messages] == ["+989120000001", "+989120000000"]


async def test_nothing_changes_a_campaign_that_has_ended(sqlite_place: Place, client: New, new_queue: New):
    queue = await new_queue(sqlite_place, shop=client(AsyncSepahan))
    campaign = await queue.enqueue("shop", numbers(1), TEXT)
    await queue.drain(0.3)
    for change in (queue.pause, queue.resume, queue.cancel):
        assert (await change(campaign)).state is CampaignState.DONE
    with pytest.raises(TimeoutError, match="still"):
        await queue.wait(await queue.enqueue("shop", numbers(1), TEXT), timeout=0)


async def test_a_rate_is_kept_over_all_workers(place: Place, client: New, new_queue: New):
    one, two = [await new_queue(place, shop=client(AsyncSepahan, batch_size=1, rate_limit=20)) for _ in range(2)]
    campaign = await one.enqueue("shop", numbers(30), TEXT)
    async with one.worker(slots=4), two.worker(slots=4):
        await one.wait(campaign, timeout=60)
    times = sorted([result.sent_at.timestamp() async for result in one.results(campaign)])
    assert all(later - earlier >= 0.0499 for earlier, later in pairwise(times))


async def test_a_campaign_that_is_resumed_still_waits_for_its_time(
    place: Place, client: New, new_queue: New, box: Sandbox
):
    queue = await new_queue(place, shop=client(AsyncNajva))
    campaign = await queue.enqueue("shop", numbers(3), TEXT, not_before=3600)
    await queue.pause(campaign, "stock")
    assert (await queue.resume(campaign)).state == "queued"
    assert (await queue.drain(0.5), box.messages) == (0, [])
    at_once = await queue.enqueue("shop", numbers(2), TEXT)
    await queue.pause(at_once, "stock")
    await queue.resume(at_once)
    assert await queue.drain(1) == 1
