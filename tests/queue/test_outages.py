"""A database that cannot be used for a moment: workers wait for it, and nothing stands still afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from recipients import numbers

from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore.queue import CampaignState, Counts, QueueUnavailable
from smscore.queue import sending as sending_module
from smscore.sandbox import Sandbox

from .conftest import TEXT, Place, sent_to


@pytest.mark.parametrize("is_committed", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("kind", [AsyncSepahan, AsyncNajva])
async def test_a_batch_that_meets_an_outage_as_it_is_dispatched_is_sent_once_afterwards(
    kind: type[Any],
    is_committed: bool,
    place: Place,
    box: Sandbox,
    client: Callable[..., Any],
    new_queue: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
):
    queue = await new_queue(place, shop=client(kind))
    write, failures = queue._calls.write, [QueueUnavailable()]

    async def fails_once(work: Any, *args: Any) -> Any:
        if work is not sending_module.dispatch.dispatch or not failures:
            return await write(work, *args)
        if is_committed:
            await write(work, *args)
        raise failures.pop()

    monkeypatch.setattr(type(queue._calls), "write", lambda self, *args: fails_once(*args))
    async with queue.worker(slots=2):
        campaign = await queue.enqueue("shop", numbers(5), TEXT)
        done = await queue.wait(campaign, timeout=60)
    assert not failures
    assert done.state is CampaignState.DONE
    assert await queue.counts(campaign) == Counts(accepted=5)
    assert not (await queue.account("shop")).held
    assert set(sent_to(box).values()) == {1}
