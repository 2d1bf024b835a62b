"""More keyword arguments of a campaign's calls, such as a time or an attached file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from attrs import evolve

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from smscore import InvalidRequest, Message
from smscore.queue.payloads import pack_options, unpack_options

from .conftest import TEXT, Place, done

AT_NINE = dt.datetime(2030, 1, 1, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=3, minutes=30)))


def test_options_come_back_as_they_were_given():
    given = {"file_id": "7", "send_time": AT_NINE}
    assert unpack_options(pack_options(given)) == given
    assert pack_options({}) is None
    assert unpack_options(None) == {}


async def test_a_misspelt_option_is_named_with_those_that_there_are(
    place: Place, new_queue: Callable[..., Any], client: Callable[..., Any]
):
    queue = await new_queue(place, shop=client(AsyncIPPanel))
    with pytest.raises(TypeError, match=r"Unknown options: 'ky'\. The options of enqueue are key, sender, "):
        await queue.enqueue("shop", "09123456789", TEXT, ky="order-17")


async def test_what_cannot_be_stored_is_refused_in_words_that_do_not_show_it(
    place: Place, new_queue: Callable[..., Any], client: Callable[..., Any]
):
    queue = await new_queue(place, shop=client(AsyncNajva))
    half = "\ud83d"
    for call in (
        partial(queue.hold, "shop", reason=half),
        partial(queue.campaign, half),
        partial(queue.account, half),
        partial(queue.enqueue_p2p, "shop", [Message("09123456789", TEXT, ref=half)]),
    ):
        with pytest.raises(InvalidRequest) as caught:
            await call()
        assert half not in f"{caught.value!r} {caught.value.__cause__!r}"


async def test_each_call_of_a_campaign_gets_its_options(
    place: Place, new_queue: Callable[..., Any], client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    times: list[dt.datetime | None] = []
    real = AsyncIPPanel.send

    async def send(self: AsyncIPPanel, *numbers: Any, send_time: dt.datetime | None = None, **more: Any) -> Any:
        times.append(send_time)
        return await real(self, *numbers, send_time=send_time, **more)

    monkeypatch.setattr(AsyncIPPanel, "send", send)
    queue = await new_queue(place, shop=client(AsyncIPPanel))
    given = queue._enqueuing("shop", {}).text([f"0912000000{n}" for n in range(3)], TEXT)
    campaign = await queue._load(
        evolve(
            given,
            new=evolve(given.new, options=pack_options({"send_time": AT_NINE})),
            batcher=evolve(given.batcher, size=2),
        )
    )
    async with queue.worker():
        await done(queue, campaign)
    assert times == [AT_NINE, AT_NINE]
