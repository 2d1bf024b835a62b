"""A batch that may have gone is repeated as the same request to the same account, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from recipients import numbers

from sepahan_sms import AsyncSepahan
from smscore import RetryPolicy
from smscore.queue import CampaignState, Counts
from smscore.queue.sending import BatchSend
from smscore.sandbox import Sandbox

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
