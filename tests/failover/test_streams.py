"""Streams through a failover: a report a window, in bounded memory, from any source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, Final

import pytest
from failovers import GOOD, LOST, NO_CONNECTION, NO_TOKEN, new_line
from network import Event

from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import (
    InsufficientCredit,
    InvalidNumber,
    InvalidRequest,
    Message,
    NotAttempted,
    Outcome,
    SendReport,
    Timeouts,
)

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome
TO: Final = [f"0912000{n:04}" for n in range(10)]


async def all_of(stream: Any) -> list[SendReport]:
    return [report async for report in stream]


def rows(reports: list[SendReport]) -> list[Any]:
    """All results in the order of the source; the reports leave nobody out."""
    ordered = sorted(reports, key=lambda report: report.offset)
    assert [report.offset for report in ordered] == [sum(map(len, ordered[:n])) for n in range(len(ordered))]
    return [row for report in ordered for row in report]


@pytest.mark.parametrize("source", [list, iter, tuple])
async def test_a_stream_goes_through_the_first_in_its_batches(source: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan, options=[{"batch_size": 3}])
    reports = await all_of(line.failover.send_stream(source(TO), "سلام"))
    assert [(report.offset, len(report), report.ok) for report in reports] == [
        (0, 3, True),
        (3, 3, True),
        (6, 3, True),
        (9, 1, True),
    ]
    assert line.taken == [10, 0]


async def test_an_async_source_is_a_source() -> None:
    async def numbers() -> AsyncIterator[str]:
        for number in TO:
            yield number

    line = new_line(AsyncNajva, AsyncSepahan)
    assert len(rows(await all_of(line.failover.send_stream(numbers(), "سلام")))) == 10


async def test_what_one_does_not_take_of_a_stream_the_next_one_sends() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.networks[0].books.credit = 4
    found = rows(await all_of(line.failover.send_stream(TO, "سلام")))
    assert [row.provider for row in found] == ["najva"] * 4 + ["sepahan"] * 6
    assert [[type(error) for error in row.earlier] for row in found[4:]] == [[InsufficientCredit]] * 2 + [[]] * 4
    assert line.requests == [3, 3]  # a refusal that the rest would meet too is met once


async def test_a_window_of_a_large_first_provider_goes_in_the_seconds_batches() -> None:
    line = new_line(AsyncNajva, AsyncSepahan, options=[{"batch_size": 10}])
    line.script([NO_CONNECTION])
    (report,) = await all_of(line.failover.send_stream(TO, "سلام"))
    assert (report.ok, line.requests) == (True, [1, 5])
    assert len({row.request_id for row in report}) == 5


async def test_a_bad_number_costs_the_others_nothing() -> None:
    line = new_line(AsyncNajva, AsyncSepahan, batch_size=3)
    line.script([NO_CONNECTION])
    found = rows(await all_of(line.failover.send_stream(["0912", *TO[:3], "x"], "سلام")))
    assert [row.outcome for row in found] == [NOT_SENT, ACCEPTED, ACCEPTED, ACCEPTED, NOT_SENT]
    assert [row.error.numbers for row in found if isinstance(row.error, InvalidNumber)] == [[(0, "0912")], [(4, "x")]]
    assert [row.provider for row in found[1:4]] == ["sepahan", "sepahan", "najva"]


async def test_messages_keep_what_belongs_to_them() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([NO_CONNECTION, GOOD, NO_CONNECTION])
    messages = [Message(number, f"متن {place}", ref=place) for place, number in enumerate([*TO, "x"])]
    found = rows(await all_of(line.failover.send_p2p_stream(iter(messages))))
    assert [row.ref for row in found] == [*range(11)]
    assert line.taken == [6, 4]


async def test_a_stream_takes_no_more_of_its_source_than_it_has_room_for() -> None:
    taken = 0

    def numbers() -> Iterator[str]:
        nonlocal taken
        for n in range(10_000):
            taken = n + 1
            yield f"0912{n:07}"

    line = new_line(AsyncNajva, AsyncSepahan)
    async with aclosing(line.failover.send_stream(numbers(), "سلام")) as reports:
        await anext(reports)
    assert taken <= 10
    assert line.failover._members[0].health.rests_until is None


async def test_a_stream_that_is_left_early_sends_no_more() -> None:
    line = new_line(AsyncNajva, AsyncSepahan, max_concurrency=4)
    line.script([Event("now", "the answer"), *[Event("never", "no connection", turns=1_000)] * 10])
    async with aclosing(line.failover.send_stream(TO, "سلام")) as reports:
        await anext(reports)
    before = line.requests
    await asyncio.sleep(0)
    assert (line.requests, line.taken) == (before, [2, 0])


async def test_a_stream_during_an_outage_of_all_ends_after_a_few_requests(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan, max_concurrency=2)
    line.script([NO_CONNECTION] * 100, [NO_CONNECTION] * 100)
    found = rows(await all_of(line.failover.send_stream([f"0912{n:07}" for n in range(100)], "سلام")))
    assert {row.outcome for row in found} == {NOT_SENT}
    assert max(line.requests) <= 4
    assert all(row.error is not None for row in found)


async def test_a_lost_answer_makes_three_windows_unknown_and_the_next_provider_takes_the_rest(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([LOST] * 100)
    found = rows(await all_of(line.failover.send_stream(TO, "سلام")))
    assert [row.outcome for row in found] == [UNKNOWN] * 6 + [ACCEPTED] * 4


async def test_a_provider_comes_back_in_the_middle_of_a_stream(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan, batch_size=1)
    line.script([NO_CONNECTION] * 3)
    seen: list[str | None] = []
    async with aclosing(line.failover.send_stream(TO, "سلام")) as reports:
        async for report in reports:
            seen.append(report[0].provider)
            if len(seen) == 5:
                moments.now += 30
    assert seen[:5] == ["sepahan"] * 5
    assert seen[-2:] == ["najva"] * 2


async def test_the_first_clients_time_bounds_a_stream(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan, options=[{"timeout": Timeouts(call=10)}])
    line.script([NO_TOKEN])
    found: list[SendReport] = []
    async for report in line.failover.send_stream(TO, "سلام"):
        found.append(report)
        moments.now += 6
    assert [row.outcome for row in rows(found)].count(ACCEPTED) >= 2
    assert isinstance(rows(found)[-1].error, NotAttempted)
    assert line.requests[0] == 1


async def test_on_batch_that_raises_ends_a_stream_at_all_providers() -> None:
    events: list[Any] = []

    def stop(event: Any) -> None:
        events.append((event.state, event.index, event.provider))
        if event.index == 2:
            raise OSError("the disk is full")

    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([NO_CONNECTION])
    found = rows(await all_of(line.failover.send_stream(TO, "سلام", on_batch=stop)))
    assert events == [
        ("sending", 0, "najva"),
        ("done", 0, "najva"),
        ("sending", 1, "sepahan"),
        ("done", 1, "sepahan"),
        ("sending", 2, "najva"),
    ]
    assert [row.outcome for row in found] == [ACCEPTED] * 2 + [NOT_SENT] * 8
    assert {type(row.error) for row in found[2:]} == {NotAttempted}


@pytest.mark.parametrize(
    "begin",
    [
        lambda failover: failover.send_stream(TO, ""),
        lambda failover: failover.send_stream(object(), "سلام"),
        lambda failover: failover.send_stream(TO, "سلام", sender="5000"),
        lambda failover: failover.send_p2p_stream(object()),
    ],
)
def test_what_is_wrong_with_a_stream_is_told_when_it_is_made(begin: Any) -> None:
    with pytest.raises(InvalidRequest):
        begin(new_line(AsyncNajva, AsyncSepahan).failover)


async def test_a_stream_of_bad_numbers_alone_asks_nobody() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    found = rows(await all_of(line.failover.send_stream(["x", "y"], "سلام")))
    assert ([row.outcome for row in found], line.requests) == ([NOT_SENT] * 2, [0, 0])
    assert await all_of(line.failover.send_stream([], "سلام")) == []
