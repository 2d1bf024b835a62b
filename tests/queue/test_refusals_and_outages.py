"""What stands still, goes back, goes on or is repeated when a provider refuses or does not answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from recipients import numbers

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import InsufficientCredit, InvalidParameters, OutcomeUnknown, clock
from smscore.failover import Approved, AsyncFailover, Pattern
from smscore.outcomes import Outcome
from smscore.queue import CampaignState, Counts, limits
from smscore.sandbox import Sandbox

from .conftest import TEXT, Place, done, sent_to

New = Callable[..., Any]


async def test_an_empty_account_is_held_with_the_reason_and_a_release_sends_all_once(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncSepahan))
    box.fail("no_credit", provider="sepahan")
    async with queue.worker(slots=2):
        campaign = await queue.enqueue("shop", numbers(300), TEXT)
        assert (await queue.wait(campaign, timeout=60)).state is CampaignState.RUNNING
        account = await queue.account("shop")
        assert account.held
        assert "InsufficientCredit" in (account.reason or "")
        assert account.until is None
        box.clear_faults()
        await queue.release("shop")
        assert (await queue.wait(campaign, timeout=60)).state is CampaignState.DONE
    assert await queue.counts(campaign) == Counts(accepted=300)
    assert set(sent_to(box).values()) == {1}


async def test_a_wrong_sender_pauses_its_campaign_and_no_other(place: Place, box: Sandbox, client: New, new_queue: New):
    queue = await new_queue(place, shop=client(AsyncSepahan))
    box.fail("refuse", provider="sepahan", code=-12, times=1)
    campaign = await queue.enqueue("shop", numbers(10), TEXT, sender="50009999")
    async with queue.worker(slots=1):
        paused = await queue.wait(campaign, timeout=60)
        other = await queue.enqueue("shop", numbers(10, start=10), TEXT)
        assert (await queue.wait(other, timeout=60)).state is CampaignState.DONE
        assert paused.state is CampaignState.PAUSED
        assert "InvalidParameters" in paused.reason
        await queue.resume(campaign)
        assert (await queue.wait(campaign, timeout=60)).state is CampaignState.DONE
    assert set(sent_to(box).values()) == {1}


async def test_a_refusal_of_the_batch_alone_is_its_outcome(
    sqlite_place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(sqlite_place, shop=client(AsyncSepahan))
    box.fail("refuse", provider="sepahan", code=-5, times=1)
    async with queue.worker(slots=1):
        campaign = await queue.enqueue("shop", numbers(150), TEXT)
        await queue.wait(campaign, timeout=60)
    assert await queue.counts(campaign) == Counts(accepted=50, rejected=100)
    (first, *_) = [result async for result in queue.results(campaign, outcome=Outcome.REJECTED)]
    assert isinstance(first.error, InvalidParameters)
    assert first.code == -5


async def test_a_lost_answer_is_found_out_with_the_same_request_id(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncSepahan))
    box.fail("drop_after", provider="sepahan", times=1)
    async with queue.worker(slots=1):
        campaign = await queue.enqueue("shop", numbers(5), TEXT)
        await queue.wait(campaign, timeout=60)
    results = [result async for result in queue.results(campaign)]
    assert {(result.outcome, result.message_id) for result in results} == {(Outcome.ACCEPTED, None)}
    assert set(sent_to(box).values()) == {1}


async def test_a_lost_answer_of_a_provider_without_request_ids_is_unknown(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncNajva))
    box.fail("drop_after", provider="najva", times=1)
    async with queue.worker(slots=1):
        campaign = await queue.enqueue("shop", numbers(5), TEXT)
        await queue.wait(campaign, timeout=60)
    results = [result async for result in queue.results(campaign)]
    assert {(result.outcome, type(result.error).__mro__[1]) for result in results} == {
        (Outcome.UNKNOWN, OutcomeUnknown)
    }
    assert set(sent_to(box).values()) == {1}


async def test_an_outage_costs_the_batches_in_flight_and_a_probe_ends_it(
    place: Place, box: Sandbox, client: New, new_queue: New, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "FIRST_REST", 1.0)
    monkeypatch.setattr(limits, "FIRST_DELAY", 0.01)
    queue = await new_queue(place, shop=client(AsyncNajva, batch_size=10))
    box.fail("server_error", provider="najva")
    campaign = await queue.enqueue("shop", numbers(400), TEXT)
    async with queue.worker(slots=2):
        await queue.wait(campaign, timeout=60)
        assert "no usable answer" in ((await queue.account("shop")).reason or "")
        box.clear_faults()
        await done(queue, campaign)
    counts = await queue.counts(campaign)
    assert counts.unknown <= (3 + 2 + 1) * 10
    assert counts.accepted == 400 - counts.unknown


async def test_a_provider_that_tells_its_credit_is_probed_by_that(
    sqlite_place: Place, box: Sandbox, client: New, new_queue: New, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(limits, "FIRST_REST", 0.2)
    monkeypatch.setattr(limits, "FIRST_DELAY", 0.01)
    queue = await new_queue(sqlite_place, shop=client(AsyncIPPanel, batch_size=10))
    box.fail("server_error", provider="ippanel", times=3)
    campaign = await queue.enqueue("shop", numbers(200), TEXT)
    async with queue.worker(slots=1):
        await done(queue, campaign)
    assert await queue.counts(campaign) == Counts(accepted=170, unknown=30)


async def test_a_worker_whose_clients_limit_is_lower_splits_batches(
    sqlite_place: Place, box: Sandbox, client: New, new_queue: New
):
    writer = await new_queue(sqlite_place, shop=client(AsyncNajva))
    campaign = await writer.enqueue("shop", numbers(250), TEXT)
    reader = await new_queue(sqlite_place, shop=client(AsyncNajva, batch_size=100))
    async with reader.worker(slots=3):
        await reader.wait(campaign, timeout=60)
    results = [result async for result in reader.results(campaign)]
    assert [result.recipient for result in results] == [f"+98{number[1:]}" for number in numbers(250)]
    assert await reader.counts(campaign) == Counts(accepted=250)
    assert set(sent_to(box).values()) == {1}


# Failover


async def test_each_hop_of_a_failover_is_recorded(place: Place, box: Sandbox, client: New, new_queue: New):
    queue = await new_queue(place, both=AsyncFailover(client(AsyncNajva), client(AsyncSepahan)))
    box.fail("no_credit", provider="najva", times=1)
    async with queue.worker(slots=1):
        campaign = await queue.enqueue("both", numbers(150), TEXT)
        await queue.wait(campaign, timeout=60)
    results = [result async for result in queue.results(campaign)]
    assert [result.provider for result in results] == ["sepahan"] * 100 + ["najva"] * 50
    assert {type(error) for result in results for error in result.earlier} == {InsufficientCredit}
    assert all(result.request_id for result in results[:100])
    assert set(sent_to(box).values()) == {1}


async def test_a_hop_with_a_request_id_is_repeated_at_its_provider(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, both=AsyncFailover(client(AsyncNajva), client(AsyncSepahan)))
    box.fail("no_credit", provider="najva", times=1)
    box.fail("drop_after", provider="sepahan", times=1)
    async with queue.worker(slots=1):
        campaign = await queue.enqueue("both", numbers(5), TEXT)
        await queue.wait(campaign, timeout=60)
    results = [result async for result in queue.results(campaign)]
    assert {(result.outcome, result.provider) for result in results} == {(Outcome.ACCEPTED, "sepahan")}
    assert set(sent_to(box).values()) == {1}
    assert {message.provider for message in box.messages} == {"sepahan"}


async def test_what_went_to_one_of_two_accounts_of_a_provider_is_never_repeated_by_the_other(
    sqlite_place: Place, box: Sandbox, client: New, new_queue: New
):
    accounts = [client(AsyncSepahan), client(AsyncSepahan, sender="50003301")]
    queue = await new_queue(sqlite_place, both=AsyncFailover(*accounts))
    box.fail("drop_after", provider="sepahan", times=1)
    async with queue.worker(slots=1):
        campaign = await queue.enqueue("both", numbers(5), TEXT)
        await done(queue, campaign)
    assert await queue.counts(campaign) == Counts(unknown=5)
    assert set(sent_to(box).values()) == {1}


async def test_the_queue_shares_what_a_failover_knows_of_its_providers(
    sqlite_place: Place, box: Sandbox, client: New, new_queue: New
):
    both = AsyncFailover(client(AsyncNajva), client(AsyncSepahan), rest=3600)
    queue = await new_queue(sqlite_place, both=both)
    both._members[0].health.rests_until = clock.monotonic() + 3600
    async with queue.worker(slots=1):
        campaign = await queue.enqueue("both", numbers(5), TEXT)
        await queue.wait(campaign, timeout=60)
    assert {message.provider for message in box.messages} == {"sepahan"}
    assert await queue.counts(campaign) == Counts(accepted=5)


async def test_a_pattern_is_sent_by_the_account_s_own_way(
    sqlite_place: Place, box: Sandbox, client: New, new_queue: New
):
    both = AsyncFailover(client(AsyncSepahan), client(AsyncIPPanel))
    queue = await new_queue(sqlite_place, codes=client(AsyncIPPanel), both=both)
    login = Pattern(sepahan="کد شما {code}", ippanel=Approved("otp"))
    async with queue.worker(slots=2):
        one = await queue.enqueue_pattern("codes", "09120000001", "otp", {"code": "04521"}, key="a")
        two = await queue.enqueue_pattern("both", ["09120000002", "09120000003"], login, {"code": "04521"})
        for campaign in (one, two):
            assert (await queue.wait(campaign, timeout=60)).state is CampaignState.DONE
    assert await queue.counts(one) == Counts(accepted=1)
    assert [result.provider async for result in queue.results(two)] == ["sepahan", "sepahan"]
    assert [message.text for message in box.messages if message.provider == "sepahan"] == ["کد شما 04521"] * 2
