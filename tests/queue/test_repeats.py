"""A batch that may have gone is repeated as the same request to the same account, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from recipients import numbers

from najva_sms import AsyncNajva
from najva_sms import wire as najva_wire
from sepahan_sms import AsyncSepahan
from smscore import InsufficientCredit, InvalidParameters, RetryPolicy
from smscore.failover import AsyncFailover
from smscore.queue import CampaignState, Counts
from smscore.queue.failover_sender import FailoverSender
from smscore.queue.sending import BatchSend
from smscore.sandbox import Sandbox
from smscore.wire.batch import all_accepted, with_errors

from .conftest import TEXT, Place, sent_to


@pytest.mark.parametrize(
    ("token", "counts"),
    [("of-another-account", Counts(unknown=3)), ("of-the-shop", Counts(accepted=3))],
    ids=["another account", "the same account"],
)
async def test_a_repeat_goes_to_the_account_that_knows_its_request_id(
    token: str,
    counts: Counts,
    place: Place,
    new_queue: Callable[..., Any],
    box: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = BatchSend.run

    async def change_token(self: BatchSend) -> Any:
        if self.claimed.may_have_arrived:
            monkeypatch.setenv("SEPAHAN_TOKEN", token)
        return await send(self)

    monkeypatch.setattr(BatchSend, "run", change_token)
    monkeypatch.setenv("SEPAHAN_TOKEN", "of-the-shop")
    shop = AsyncSepahan(sender="50003300", base_url=box.url("sepahan"), retry=RetryPolicy.none())
    queue = await new_queue(place, shop=shop)
    box.fail("drop_after", times=1)
    async with queue, queue.worker(slots=1):
        campaign = await queue.enqueue("shop", numbers(3), TEXT)
        assert (await queue.wait(campaign, timeout=60)).state is CampaignState.DONE
        assert await queue.counts(campaign) == counts
    assert set(sent_to(box).values()) == {1}


async def test_a_hop_that_took_only_some_of_a_batch_is_not_repeated_with_all(
    place: Place,
    new_queue: Callable[..., Any],
    box: Sandbox,
    client: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused_one_by_one(answer: Any, batch: Any) -> Any:
        malformed = InvalidParameters("a malformed number")
        return with_errors(all_accepted(batch, [None] * 2), {0: malformed, 1: InsufficientCredit("no credit")})

    async def send_and_fail(self: FailoverSender, *args: Any) -> Any:
        await send(self, *args)
        raise RuntimeError("its answer is lost")

    send = FailoverSender.send
    monkeypatch.setattr(FailoverSender, "send", send_and_fail)
    first, second = client(AsyncNajva), client(AsyncSepahan)
    monkeypatch.setattr(najva_wire, "SEND", evolve(najva_wire.SEND, read=refused_one_by_one))
    queue = await new_queue(place, both=AsyncFailover(first, second))
    async with queue.worker(slots=1):
        campaign = await queue.enqueue("both", numbers(2), TEXT)
        assert (await queue.wait(campaign, timeout=60)).state is CampaignState.DONE
    assert [message.recipient for message in box.messages if message.provider == "sepahan"] == [
        "+98" + numbers(2)[1][1:]
    ]
    assert await queue.counts(campaign) == Counts(unknown=2)
