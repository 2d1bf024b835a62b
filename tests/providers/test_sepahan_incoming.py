"""Sepahan's inbound messages as a listing: nothing is lost wherever it stops and whatever comes in meanwhile."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from sepahan_sms import AsyncSepahan, Sepahan, Wire
from sepahan_sms.inbound import Handed, looked_at_first
from smscore import InboundMessage, InvalidRequest, ResponseLost, RetryPolicy
from smscore.sandbox import Sandbox

LINE = "50003300"
DAY = dt.date(2026, 11, 26)


def message(text: str, day: dt.date = DAY) -> InboundMessage:
    return InboundMessage(LINE, "09121234567", text, day, {})


@define
class Provider:
    """Receive, played in memory: it hands each message out once."""

    unread: list[InboundMessage] = field(factory=list[InboundMessage])
    newest_first: bool = False
    before_marking: Callable[[], object] = lambda: None
    looks: int = 0

    async def receive(self, limit: int, marks: bool) -> list[InboundMessage]:
        if marks:
            self.before_marking()
        else:
            self.looks += 1
        listed = self.unread[::-1] if self.newest_first else self.unread
        found = listed[:limit]
        if marks:
            self.unread = [one for one in self.unread if all(one is not other for other in found)]
        return found


async def taken(provider: Provider, handed: Handed, most: int | None = None) -> list[str]:
    """The texts of a listing that is stopped after so many messages."""
    found: list[str] = []
    async with aclosing(looked_at_first(provider.receive, handed)) as pages:
        async for page in pages:
            for one in page:
                if len(found) == most:
                    return found
                found.append(one.text)
            if len(found) == most:  # nobody asks for the next one
                return found
    return found


@given(
    st.lists(st.tuples(st.integers(0, 250), st.integers(0, 3), st.integers(0, 150)), max_size=4),
    st.booleans(),
    st.booleans(),
)
def test_no_message_is_lost_wherever_it_stops_and_whatever_comes_in(
    rounds: list[tuple[int, int, int]], newest_first: bool, same_texts: bool
) -> None:
    sent: list[str] = []

    def come_in(count: int) -> None:
        for _ in range(count):
            sent.append("same" if same_texts else str(len(sent)))
            provider.unread.append(message(sent[-1]))

    async def run() -> list[str]:
        handed, found = Handed(), list[str]()
        for arrivals, meanwhile, most in rounds:
            come_in(arrivals)
            provider.before_marking = lambda count=meanwhile: come_in(count)
            found += await taken(provider, handed, most)
        provider.before_marking = lambda: None
        while provider.unread or handed.waiting:
            found += await taken(provider, handed)
        return found

    provider = Provider(newest_first=newest_first)
    found = asyncio.run(run())
    assert Counter(sent) - Counter(found) == Counter()
    if not rounds or all(most == 0 for _, _, most in rounds):
        assert sorted(found) == sorted(sent)


def test_a_listing_that_is_not_stopped_yields_each_message_once_and_the_oldest_first() -> None:
    provider = Provider([message(str(place)) for place in range(250)])
    arriving = iter(range(250, 252))
    provider.before_marking = lambda: provider.unread.extend(message(str(place)) for place in arriving)
    found = asyncio.run(taken(provider, Handed()))
    assert found == [str(place) for place in range(252)]


def test_what_a_marking_call_hands_out_besides_is_yielded_also_by_the_next_listing() -> None:
    provider = Provider([message("old")], newest_first=True)
    come_in: Iterator[Any] = iter([lambda: provider.unread.extend([message("new"), message("newest")])])
    provider.before_marking = lambda: next(come_in, lambda: None)()
    handed = Handed()

    async def run() -> tuple[list[str], list[str]]:
        return await taken(provider, handed, 2), await taken(provider, handed)

    stopped, rest = asyncio.run(run())
    assert (stopped, set(rest)) == (["old", "newest"], {"new", "old"})  # the old one was not marked, and repeats


def test_pages_that_list_the_newest_first_are_turned_round() -> None:
    days = [message("b", dt.date(2026, 11, 25)), message("a", dt.date(2026, 11, 24))]
    assert asyncio.run(taken(Provider(days), Handed())) == ["a", "b"]


def test_a_provider_that_does_not_mark_makes_no_endless_listing() -> None:
    async def receive(limit: int, marks: bool) -> list[InboundMessage]:
        return [message("a"), message("b")]

    async def run() -> list[str]:
        return [one.text async for page in looked_at_first(receive, Handed()) for one in page]

    assert asyncio.run(run()) == ["a", "b"]


# On the sandbox, through both faces


def feed(box: Sandbox, *texts: str) -> None:
    for text in texts:
        box.feed("sepahan", sender="+989121234567", number=LINE, text=text)


def unread(box: Sandbox) -> list[str]:
    with Sepahan("token", base_url=box.url("sepahan")) as client:
        return [one.text for one in client.receive(mark_as_read=False)]


@pytest.mark.parametrize(
    ("most", "left"), [(0, ["a", "b", "c"]), (1, ["a", "b", "c"]), (3, ["a", "b", "c"]), (4, ["d"]), (None, [])]
)
def test_a_page_is_marked_when_the_next_is_asked_for(most: int | None, left: list[str]) -> None:
    with Sandbox() as box, Sepahan("token", base_url=box.url("sepahan")) as client:
        feed(box, "a", "b", "c")
        found: list[str] = []
        with closing(client.incoming()) as messages:
            while most is None or len(found) < most:
                one = next(messages, None)
                if one is None:
                    break
                assert (one.message_id, one.received_at) == (None, None)
                found.append(one.text)
                if len(found) == 3 and most == 4:
                    feed(box, "d")
        assert found == ["a", "b", "c", "d"][: most if most is not None else 3]
        assert unread(box) == left


async def test_the_async_face_yields_what_comes_in_while_it_is_read() -> None:
    async with Sandbox() as box, AsyncSepahan("token", base_url=box.url("sepahan")) as client:
        feed(box, "a")
        found: list[str] = []
        async with aclosing(client.incoming()) as messages:
            async for one in messages:
                found.append(one.text)
                if one.text < "d":
                    feed(box, chr(ord(one.text) + 1))
        assert found == ["a", "b", "c", "d"]


async def test_what_waited_for_days_is_not_lost() -> None:
    async with Sandbox() as box, AsyncSepahan("token", base_url=box.url("sepahan")) as client:
        feed(box, "a")
        box.advance(60 * 24 * 3600)
        assert [one.text async for one in client.incoming()] == ["a"]


async def test_a_lost_answer_to_the_marking_call_loses_nothing_that_was_looked_at() -> None:
    once = RetryPolicy.none()
    async with Sandbox() as box, AsyncSepahan("token", base_url=box.url("sepahan"), retry=once) as client:
        feed(box, "a", "b")
        async with aclosing(client.incoming()) as messages:
            assert [(await anext(messages)).text, (await anext(messages)).text] == ["a", "b"]
            box.fail("drop_after", provider="sepahan", call="Receive", times=1)
            with pytest.raises(ResponseLost) as caught:
                await anext(messages)
        assert caught.value.outcome is None


@pytest.mark.parametrize("after", [0, 5, "5"])
def test_after_is_refused_where_messages_have_no_ids(after: Any) -> None:
    for client in (AsyncSepahan("token"), Sepahan("token")):
        with pytest.raises(InvalidRequest, match="after=") as caught:
            client.incoming(after=after)
        assert caught.value.outcome is None


@pytest.mark.parametrize("since", ["jalali", "gregorian"])
async def test_the_date_is_in_the_calendar_that_is_set(since: Any) -> None:
    wire = Wire(since=since)
    async with (
        Sandbox(strict={"sepahan": wire}) as box,
        AsyncSepahan("token", base_url=box.url("sepahan"), wire=wire) as client,
    ):
        feed(box, "a")
        assert [one.text async for one in client.incoming()] == ["a"]
