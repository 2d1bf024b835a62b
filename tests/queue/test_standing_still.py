"""A process that stands still for hours in the middle of a batch, as on a machine that is suspended: nobody twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recipients import numbers

from sepahan_sms import AsyncSepahan
from smscore.queue import AsyncSendQueue, CampaignState, Counts
from smscore.queue import sending as sending_module
from smscore.queue.databases.sqlite import SQLiteDatabase
from smscore.queue.sending import BatchSend
from smscore.sandbox import Sandbox

from .conftest import TEXT, sent_to

HOURS = 5 * 3600.0


class Clock:
    """The time of the database, the worker and the provider, from its start on."""

    def __init__(self, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self._box, self._later = box, 0.0
        now = sending_module.clock.time
        monkeypatch.setattr(sending_module.clock, "time", lambda: now() + self._later)

    def pass_hours(self) -> None:
        self._later += HOURS
        self._box.advance(HOURS)

    def __call__(self) -> float:
        return sending_module.clock.time()


@pytest.fixture
async def queue(
    tmp_path: Path, box: Sandbox, client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[AsyncSendQueue, Clock]:
    time = Clock(box, monkeypatch)
    made = AsyncSendQueue(SQLiteDatabase(tmp_path / "queue.db", now=time), {"codes": client(AsyncSepahan)})
    await made.create()
    return made, time


async def test_a_repeat_is_not_made_once_the_provider_may_have_forgotten_its_id(
    queue: tuple[AsyncSendQueue, Clock], box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, time = queue
    send = BatchSend.run

    async def stand_still(self: BatchSend) -> Any:
        if self.claimed.may_have_arrived:
            time.pass_hours()  # after it was claimed for a repeat, and before it is dispatched
        return await send(self)

    monkeypatch.setattr(BatchSend, "run", stand_still)
    box.fail("drop_after", times=1)
    async with made, made.worker(slots=1):
        campaign = await made.enqueue("codes", numbers(3), TEXT)
        assert (await made.wait(campaign, timeout=60)).state is CampaignState.DONE
        assert await made.counts(campaign) == Counts(unknown=3)
    assert set(sent_to(box).values()) == {1}


async def test_a_batch_that_stood_still_after_it_was_dispatched_goes_back_and_is_sent_once(
    queue: tuple[AsyncSendQueue, Clock], box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, time = queue
    write, dispatches = type(made._calls).write, []

    async def stand_still(self: Any, work: Any, *args: Any, **kwargs: Any) -> Any:
        result = await write(self, work, *args, **kwargs)
        if work is sending_module.dispatch.dispatch:
            dispatches.append(result)
            if len(dispatches) == 1:
                time.pass_hours()  # after the commit, and before the request
        return result

    monkeypatch.setattr(type(made._calls), "write", stand_still)
    async with made, made.worker(slots=1):
        campaign = await made.enqueue("codes", numbers(3), TEXT)
        assert (await made.wait(campaign, timeout=60)).state is CampaignState.DONE
        assert await made.counts(campaign) == Counts(accepted=3)
    assert set(sent_to(box).values()) == {1}
