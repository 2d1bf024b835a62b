"""IPPanel's inbox, oldest first: nothing lost and nothing twice, while new messages come in and push the pages on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Container, Iterator, Mapping
from functools import partial
from itertools import chain, repeat
from typing import Any

import pytest
from aioresponses import CallbackResult
from hypothesis import example, given
from hypothesis import strategies as st

from ippanel_sms import AsyncIPPanel, InboxMessage, IPPanel
from ippanel_sms.inbox import oldest_first
from smscore import (
    AuthenticationError,
    InboundMessage,
    InvalidRequest,
    MalformedResponse,
    NotAttempted,
    Timeouts,
    clock,
)
from smscore.sandbox import Sandbox
from smscore.wire.paging import Page

INBOX = "https://edge.ippanel.com/v1/api/report/messages-inbox"


class GrowingInbox:
    """The provider's inbox: before each answer but the first, so many new messages come in."""

    def __init__(
        self,
        ids: list[int],
        growth: Iterator[int],
        *,
        size: int,
        newest_first: bool = True,
        tells_last: bool = True,
        without_id: Container[int] = (),
    ) -> None:
        self.ids = sorted(ids)
        self.growth = chain([0], growth)
        self.size = size
        self.newest_first = newest_first
        self.tells_last = tells_last
        self.without_id = without_id
        self.requests: list[tuple[int | None, int]] = []

    def answer(self, after: int | None, number: int) -> tuple[list[int], int]:
        """The ids of a page, and the number of the last page."""
        self.requests.append((after, number))
        assert len(self.requests) < 500, "it does not end"
        for _ in range(next(self.growth)):
            self.ids.append((self.ids[-1] if self.ids else 0) + 1 + len(self.ids) % 3)  # some ids are another account's
        listed = [id_ for id_ in self.ids if after is None or id_ > after]
        listed.sort(reverse=self.newest_first)
        return listed[(number - 1) * self.size : number * self.size], -(-len(listed) // self.size)

    async def read(self, after: int | None, number: int) -> Page[InboxMessage]:
        ids, last = self.answer(after, number)
        return Page([self.message(id_) for id_ in ids], number, max(last, 1) if self.tells_last else None)

    def message(self, id_: int) -> InboxMessage:
        """The message; its ``raw`` says which it is, also without an id."""
        return message(None if id_ in self.without_id else id_, {"nth": id_}, f"متن {id_}")

    def http(self, *_: Any, **options: Any) -> CallbackResult:
        """The same over HTTP, in the provider's words."""
        body = options["json_body"]
        ids, last = self.answer(body.get("filters", {}).get("from_id"), body["page"])
        meta = {"status": True, "current_page": body["page"], "last_page": last, "total": len(self.ids)}
        return CallbackResult(payload={"data": [row(id_) for id_ in ids], "meta": meta})


def message(id_: int | None, raw: Mapping[str, Any] | None = None, text: str = "سلام") -> InboxMessage:
    return InboxMessage("+983000505", "+989121234567", text, None, raw or {}, id_, None)


def row(id_: int, **other: Any) -> dict[str, Any]:
    return {
        "messages_inbox_id": id_,
        "from": "+989121234567",
        "number": "+983000505",
        "message": f"متن {id_}",
        "type": "normal",
        "time": 1747808125,
        "seen": "0",
        **other,
    }


def serve(http: Any, inbox: GrowingInbox) -> None:
    def answer(*_: Any, **__: Any) -> CallbackResult:
        return inbox.http(json_body=http.sent[-1].json)

    http.post(INBOX, callback=answer, repeat=True)


async def read_all(inbox: GrowingInbox, after: int | None = None) -> list[int]:
    return [one.raw["nth"] async for part in oldest_first(inbox.read, after) for one in part]


# Nothing lost, nothing twice


@given(
    held=st.integers(0, 40),
    size=st.integers(1, 7),
    growth=st.lists(st.integers(0, 16), max_size=30),
    newest_first=st.booleans(),
    after=st.none() | st.integers(0, 45),
)
@example(held=4, size=2, growth=[2, 2, 2, 2], newest_first=True, after=None)  # a page's worth at a time
@example(held=6, size=2, growth=[1, 1, 1, 1, 1, 1], newest_first=True, after=None)
async def test_every_message_is_given_once_and_in_order(
    held: int, size: int, growth: list[int], newest_first: bool, after: int | None
) -> None:
    inbox = GrowingInbox(list(range(1, held + 1)), chain(growth, repeat(0)), size=size, newest_first=newest_first)
    given_ = await read_all(inbox, after)
    assert given_ == sorted(set(given_))
    at_first = [id_ for id_ in range(1, held + 1) if id_ > (after or 0)]
    assert given_[: len(at_first)] == at_first
    # Of those that came in meanwhile there may be some, but none has been passed over.
    upto = given_[-1] if given_ else 0
    assert given_ == [id_ for id_ in inbox.ids if (after or 0) < id_ <= upto]


@given(
    held=st.integers(0, 40),
    size=st.integers(2, 7),
    growth=st.lists(st.integers(0, 16), max_size=30),
    newest_first=st.booleans(),
)
@example(held=8, size=2, growth=[0, 2], newest_first=True)  # page 2 repeats page 1
@example(held=8, size=2, growth=[0, 0, 2], newest_first=True)
@example(held=8, size=2, growth=[0, 2, 0, 2, 2, 2], newest_first=True)
async def test_an_inbox_that_does_not_tell_its_last_page_is_read_whole_too(
    held: int, size: int, growth: list[int], newest_first: bool
) -> None:
    ids = list(range(1, held + 1))
    inbox = GrowingInbox(ids, chain(growth, repeat(0)), size=size, newest_first=newest_first, tells_last=False)
    given_ = await read_all(inbox)
    assert given_ == sorted(set(given_))
    assert given_[:held] == ids
    if newest_first:  # as IPPanel's is
        assert given_ == inbox.ids[: len(given_)]


@given(
    held=st.integers(0, 40),
    size=st.integers(2, 7),
    growth=st.lists(st.integers(0, 1), max_size=30),
    newest_first=st.booleans(),
    tells_last=st.booleans(),
    without_id=st.sets(st.integers(1, 60)),
)
@example(held=9, size=3, growth=[], newest_first=True, tells_last=True, without_id={1, 5, 9})
@example(held=9, size=3, growth=[], newest_first=True, tells_last=True, without_id=set(range(60)))
@example(held=9, size=3, growth=[1], newest_first=True, tells_last=True, without_id={7, 8, 9})
async def test_messages_without_an_id_are_given_in_their_places_and_hold_up_no_other(
    held: int, size: int, growth: list[int], newest_first: bool, tells_last: bool, without_id: set[int]
) -> None:
    inbox = GrowingInbox(
        list(range(1, held + 1)),
        chain(growth, repeat(0)),
        size=size,
        newest_first=newest_first,
        tells_last=tells_last,
        without_id=without_id,
    )
    given_ = await read_all(inbox)
    if newest_first:
        assert given_[:held] == list(range(1, held + 1))
        assert given_ == inbox.ids[: len(given_)]
    assert len(given_) == len(set(given_))
    assert set(given_) >= set(range(1, held + 1))


async def test_a_message_without_an_id_comes_again_until_one_with_an_id_follows() -> None:
    inbox = GrowingInbox([1, 2, 3], repeat(0), size=10, without_id={3})
    assert await read_all(inbox) == [1, 2, 3]
    assert await read_all(inbox, 2) == [3]
    inbox.ids.append(4)
    assert await read_all(inbox, 2) == [3, 4]
    assert await read_all(inbox, 4) == []


async def test_what_an_id_that_is_given_again_lies_behind_is_left_out_with_it() -> None:
    async def read(after: int | None, number: int) -> Page[InboxMessage]:
        return Page([message(8), message(None, {"nth": 7.5}), message(7), message(None, {"nth": 6.5})], number, 1)

    found = [one async for part in oldest_first(read, 7) for one in part]
    assert [one.message_id for one in found] == [None, 8]
    assert found[0].raw == {"nth": 7.5}


async def test_an_inbox_that_never_stops_growing_is_still_read_to_an_end() -> None:
    inbox = GrowingInbox(list(range(1, 101)), repeat(1), size=10)
    given_ = await read_all(inbox)
    assert given_[:100] == list(range(1, 101))
    assert len(inbox.requests) < 30


async def test_messages_that_are_deleted_meanwhile_lose_no_other() -> None:
    inbox = GrowingInbox(list(range(1, 31)), repeat(0), size=5)
    found: list[int] = []
    async for part in oldest_first(inbox.read, None):
        found += [one.raw["nth"] for one in part]
        inbox.ids = [id_ for id_ in inbox.ids if id_ not in (found[-1], 29)]
    assert found == [*range(1, 29), 30]


async def test_a_last_page_that_is_not_there_costs_nothing_but_requests() -> None:
    inbox = GrowingInbox(list(range(1, 8)), repeat(0), size=3)

    async def read(after: int | None, number: int) -> Page[InboxMessage]:
        page = await inbox.read(after, number)
        return Page(page.items, number, 4066539)

    found = [one.message_id async for part in oldest_first(read, None) for one in part]
    assert found == list(range(1, 8))
    assert len(inbox.requests) < 12


async def test_a_page_that_is_always_the_same_ends() -> None:
    asked: list[int] = []

    async def read(after: int | None, number: int) -> Page[InboxMessage]:
        asked.append(number)
        return Page([message(3), message(2)], 1, 9)

    assert [one.message_id async for part in oldest_first(read, None) for one in part] == [2, 3]
    assert len(asked) < 10


# What goes out and comes in


async def test_the_inbox_is_asked_for_and_read(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    serve(provider_http, GrowingInbox([122, 123], repeat(0), size=10))
    first, second = [one async for one in ippanel.inbox()]
    assert provider_http.sent[0].method == "POST"
    assert provider_http.sent[0].json == {"page": 1, "per_page": 100}
    assert len(provider_http.sent) == 1
    assert (first.message_id, second.message_id) == (122, 123)
    assert (first.number, first.sender, first.text) == ("+983000505", "+989121234567", "متن 122")
    assert first.received_at == dt.datetime(2025, 5, 21, 6, 15, 25, tzinfo=dt.UTC)
    assert first.date == dt.date(2025, 5, 21)
    assert first.raw == row(122)
    assert isinstance(first, InboundMessage)


async def test_only_what_came_after_an_id_is_asked_for(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    serve(provider_http, GrowingInbox(list(range(1, 10)), repeat(0), size=10))
    assert [one.message_id async for one in ippanel.inbox(after_id=7)] == [8, 9]
    assert provider_http.sent[0].json["filters"] == {"from_id": 7}


async def test_an_id_that_the_answer_gives_again_is_left_out(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(INBOX, payload={"data": [row(8), row(7)], "meta": {"status": True, "last_page": 1}})
    assert [one.message_id async for one in ippanel.inbox(after_id=7)] == [8]


async def test_an_empty_inbox_has_no_message(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(INBOX, payload={"data": [], "meta": {"status": True, "current_page": 1, "last_page": 1}})
    assert [one async for one in ippanel.inbox()] == []


async def test_many_pages_are_read_while_the_inbox_grows(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    serve(provider_http, GrowingInbox(list(range(1, 21)), repeat(1), size=4))
    found = [one.message_id async for one in ippanel.inbox()]
    assert found[:20] == list(range(1, 21))
    assert found == sorted(set(found))


def test_the_blocking_client_reads_the_same(provider_http: Any) -> None:
    serve(provider_http, GrowingInbox(list(range(1, 21)), chain([1, 2, 0, 3], repeat(0)), size=4))
    with IPPanel("token-of-the-tests") as client:
        found = [one.message_id for one in client.inbox(after_id=3)]
    assert found[:17] == list(range(4, 21))


@pytest.mark.parametrize(
    ("time", "received_at"),
    [
        ("1747808125", dt.datetime(2025, 5, 21, 6, 15, 25, tzinfo=dt.UTC)),
        (0, dt.datetime(1970, 1, 1, tzinfo=dt.UTC)),
        (None, None),
        ("", None),
        ("yesterday", None),
        (10**18, None),
        ({"at": 1}, None),
    ],
)
async def test_a_moment_is_read_where_it_can_be(
    time: Any, received_at: Any, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    provider_http.post(INBOX, payload={"data": [row(1, time=time)], "meta": {"status": True, "last_page": 1}})
    (one,) = [one async for one in ippanel.inbox()]
    assert one.received_at == received_at
    assert (one.date is None) is (received_at is None)


async def test_the_day_is_that_of_tehran(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    evening = dt.datetime(2025, 5, 21, 20, 45, tzinfo=dt.UTC)
    late = row(1, time=int(evening.timestamp()))
    provider_http.post(INBOX, payload={"data": [late], "meta": {"status": True, "last_page": 1}})
    (one,) = [one async for one in ippanel.inbox()]
    assert (one.received_at, one.date) == (evening, dt.date(2025, 5, 22))


async def test_strings_for_numbers_and_missing_keys_are_read(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    rows = [{"messages_inbox_id": "639027944154527201"}, row(2, **{"from": 989121234567, "number": "50001"})]
    provider_http.post(INBOX, payload={"data": rows, "meta": {"status": True, "last_page": "1"}})
    second, first = [one async for one in ippanel.inbox()]
    assert (first.message_id, first.number, first.sender, first.text) == (639027944154527201, "", "", "")
    assert (second.sender, second.number) == ("+989121234567", "50001")


@pytest.mark.parametrize("odd", ["a", None, [], 1.5])
async def test_a_message_without_an_id_is_read(odd: Any, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    rows = [row(3), row(0, messages_inbox_id=odd), {"from": "x"}, row(2)]
    provider_http.post(INBOX, payload={"data": rows, "meta": {"status": True, "last_page": 1}})
    found = [one async for one in ippanel.inbox()]
    assert [(one.message_id, one.text) for one in found] == [(2, "متن 2"), (None, ""), (None, "متن 0"), (3, "متن 3")]


@pytest.mark.parametrize("data", ["{}", '"x"', "5"])
async def test_a_page_that_cannot_be_read_is_malformed(data: str, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    provider_http.post(INBOX, body=f'{{"data": {data}, "meta": {{"status": true}}}}')
    with pytest.raises(MalformedResponse) as caught:
        await anext(ippanel.inbox())
    assert caught.value.outcome is None


async def test_a_failure_between_pages_comes_after_what_was_read(ippanel: AsyncIPPanel, provider_http: Any) -> None:
    inbox = GrowingInbox(list(range(1, 9)), repeat(0), size=4)

    def answer(*_: Any, **__: Any) -> CallbackResult:
        if len(provider_http.sent) == 3:
            return CallbackResult(status=401, payload={"data": None, "meta": {"status": False}})
        return inbox.http(json_body=provider_http.sent[-1].json)

    provider_http.post(INBOX, callback=answer, repeat=True)
    messages = ippanel.inbox()
    assert [(await anext(messages)).message_id for _ in range(4)] == [1, 2, 3, 4]
    with pytest.raises(AuthenticationError) as caught:
        await anext(messages)
    assert caught.value.outcome is None


@pytest.mark.parametrize("after_id", ["7", 7.0, True, 2**63])
def test_an_invalid_id_is_refused_at_once(after_id: Any, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ippanel.inbox(after_id=after_id)
    assert caught.value.outcome is None
    with IPPanel("token-of-the-tests") as client, pytest.raises(InvalidRequest):
        client.inbox(after_id=after_id)
    assert provider_http.sent == []


async def test_the_time_of_a_call_bounds_all_its_pages(new_ippanel: Any, provider_http: Any) -> None:
    serve(provider_http, GrowingInbox(list(range(1, 1000)), repeat(0), size=1))
    client = new_ippanel(timeout=Timeouts(call=0.2))
    with pytest.raises(NotAttempted, match=re.escape("time for the whole call")) as caught:
        async for _ in client.inbox():
            pass
    assert caught.value.outcome is None
    assert caught.value.reason == "the time for the whole call ran out"
    assert "not read to its end" in str(caught.value)
    assert "sent" not in str(caught.value)


@pytest.fixture
def minute_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function that moves Payamak's clock a minute on."""
    real, passed = clock.monotonic, [0]
    monkeypatch.setattr(clock, "monotonic", lambda: real() + sum(passed))
    return partial(passed.append, 60)


async def test_the_time_between_pages_is_not_of_the_call(
    new_ippanel: Any, provider_http: Any, minute_passes: Callable[[], None]
) -> None:
    serve(provider_http, GrowingInbox([1, 2, 3, 4, 5, 6], repeat(0), size=2))
    found: list[int | None] = []
    async for one in new_ippanel(timeout=Timeouts(call=100)).inbox():
        minute_passes()
        found.append(one.message_id)
    assert found == [1, 2, 3, 4, 5, 6]


def test_a_blocking_listing_counts_its_reading_alone_too(provider_http: Any, minute_passes: Callable[[], None]) -> None:
    serve(provider_http, GrowingInbox([1, 2, 3, 4, 5, 6], repeat(0), size=2))
    with IPPanel("token-of-the-tests", timeout=Timeouts(call=100)) as client:
        found = [(minute_passes(), one.message_id)[1] for one in client.inbox()]
    assert found == [1, 2, 3, 4, 5, 6]


def test_a_message_shows_neither_its_text_nor_a_whole_number() -> None:
    shown = repr(InboxMessage("+989121234567", "+989351234567", "رمز 482177", None, {"message": "482177"}, 5, None))
    assert not [needle for needle in ("482177", "9121234567", "9351234567") if needle in shown]
    assert "message_id=5" in shown


# Under the name that all providers share


def test_incoming_is_the_inbox_after_an_id() -> None:
    with Sandbox() as box, IPPanel("token", base_url=box.url("ippanel")) as client:
        for text in ("a", "b", "c"):
            box.feed("ippanel", sender="+989121234567", number="+983000505", text=text)
        found = [*client.incoming()]
        assert [(one.text, one.received_at is not None) for one in found] == [("a", True), ("b", True), ("c", True)]
        assert [one.text for one in client.incoming(after=found[0].message_id)] == ["b", "c"]
        assert [*client.incoming()] == found  # they stay where they are


async def test_incoming_asks_for_what_follows_an_id() -> None:
    async with Sandbox() as box, AsyncIPPanel("token", base_url=box.url("ippanel")) as client:
        for text in ("a", "b"):
            box.feed("ippanel", sender="+989121234567", number="+983000505", text=text)
        first = await anext(client.incoming())
        assert [one.text async for one in client.incoming(after=first.message_id)] == ["b"]


@pytest.mark.parametrize("after", ["x", 1.5, 2**64])
def test_incoming_refuses_what_is_no_id(after: Any) -> None:
    with pytest.raises(InvalidRequest, match="after="):
        IPPanel("token").incoming(after=after)
