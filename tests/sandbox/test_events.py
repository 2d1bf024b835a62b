"""The live events: what they tell, how often, and what a reader that does not read costs."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from sandbox.bodies import E164, NUMBER, ippanel_send, najva_send

from smscore.sandbox import Sandbox, server
from smscore.sandbox.api import events


@pytest.fixture
async def reader(rest: Any) -> AsyncIterator[aiohttp.StreamReader]:
    async with rest.session.get(rest.origin + "/events") as response:
        assert response.content_type == "text/event-stream"
        assert (await response.content.readuntil(b"\n\n")).startswith(b":")
        yield response.content


async def event(reader: aiohttp.StreamReader) -> tuple[str, Any]:
    head, data = (await asyncio.wait_for(reader.readuntil(b"\n\n"), 30)).decode().strip().split("\n")
    return head.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_a_message_is_told_of(reader: aiohttp.StreamReader, najva: Any) -> None:
    await najva(*najva_send())
    name, data = await event(reader)
    assert (name, data["count"], data["total"]) == ("messages", 1, 1)
    assert data["messages"][0]["recipient"] == E164


async def test_many_messages_are_told_of_in_one_batch_of_the_newest(reader: aiohttp.StreamReader, najva: Any) -> None:
    await najva(*najva_send(*[NUMBER] * 1000))
    _, data = await event(reader)
    assert (data["count"], data["total"]) == (1000, 1000)
    assert [message["seq"] for message in data["messages"]] == list(range(1000, 950, -1))


async def test_batches_come_ten_times_a_second_at_most(reader: aiohttp.StreamReader, najva: Any) -> None:
    loop = asyncio.get_running_loop()
    start, told, batches = loop.time(), 0, 0
    while told < 300:
        await najva(*najva_send())
        if reader.total_bytes > 0 and reader._buffer:
            _, data = await event(reader)
            told, batches = told + data["count"], batches + 1
    assert batches <= (loop.time() - start) / events.PAUSE + 1


async def test_a_scheduled_message_that_falls_due_is_told_of_though_its_code_stays(
    reader: aiohttp.StreamReader, ippanel: Any, box: Sandbox
) -> None:
    method, path, body = ippanel_send()
    await ippanel(method, path, body | {"send_time": "2025-10-09 09:03:20"})
    assert (await event(reader))[1]["messages"][0]["status"] == "scheduled"
    box.advance(600)
    kinds = [await event(reader) for _ in range(2)]
    [change] = dict(kinds)["statuses"]["changed"]
    assert (change["code"], change["status"]) == (0, "sent")


async def test_statuses_are_told_of_by_clock_and_by_hand(
    reader: aiohttp.StreamReader, najva: Any, box: Sandbox
) -> None:
    await najva(*najva_send())
    await event(reader)
    box.advance(1)
    assert (await event(reader))[0] == "clock"
    name, data = await event(reader)
    assert (name, data["more"]) == ("statuses", False)
    assert data["changed"] == [
        {"seq": 1, "code": 4, "status": "sent", "status_words": "رسیده به مخابرات", "is_final": False}
    ]
    box.settle("najva", box.messages[0].message_id, 11)
    assert (await event(reader))[1]["changed"][0]["code"] == 11


async def test_at_most_200_changes_are_told_of_one_by_one(
    reader: aiohttp.StreamReader, najva: Any, box: Sandbox
) -> None:
    await najva(*najva_send(*[NUMBER] * 300))
    await event(reader)
    box.advance(5)
    await event(reader)
    _, data = await event(reader)
    assert (len(data["changed"]), data["more"]) == (200, True)
    assert {change["code"] for change in data["changed"]} == {10}


async def test_what_else_changes_is_told_of_by_name(reader: aiohttp.StreamReader, box: Sandbox) -> None:
    for change, name in (
        (box.clear, "cleared"),
        (lambda: box.fail("html"), "faults"),
        (lambda: box.advance(1), "clock"),
    ):
        change()
        assert await event(reader) == (name, {})


async def test_a_quiet_line_is_kept_alive(monkeypatch: pytest.MonkeyPatch, rest: Any) -> None:
    monkeypatch.setattr(events, "KEEP_ALIVE", 0.2)
    async with rest.session.get(rest.origin + "/events") as response:
        await response.content.readuntil(b"\n\n")
        assert await asyncio.wait_for(response.content.readuntil(b"\n\n"), 10) == b": alive\n\n"


@pytest.fixture
def a_minute_of_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE", 60)


@pytest.mark.usefixtures("a_minute_of_grace")
async def test_a_reader_that_reads_nothing_holds_neither_messages_nor_the_end(box: Sandbox, najva: Any) -> None:
    where = urlsplit(box.url("najva"))
    _, writer = await asyncio.open_connection(where.hostname, where.port, limit=1)
    writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for _ in range(30):
        await najva(*najva_send(*[NUMBER] * 50, text="a" * 4000))
        await asyncio.sleep(0.02)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await box.stop()
    assert loop.time() - start < 30  # of the minute that requests in flight would have
    writer.close()


async def test_messages_too_long_for_a_batch_are_counted_alone(reader: aiohttp.StreamReader, najva: Any) -> None:
    await najva(*najva_send(text="a" * 300_000))
    _, data = await event(reader)
    assert (data["messages"], data["count"]) == ([], 1)


async def test_a_reader_that_hung_up_makes_room_at_once(rest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_READERS", 1)
    for _ in range(3):
        assert await reads(rest)
        await asyncio.sleep(4 * events.PAUSE)


async def reads(rest: Any) -> bool:
    """Read the first words of the events, and hang up."""
    async with rest.session.get(rest.origin + "/events") as response:
        if response.status == 200:
            await response.content.readuntil(b"\n\n")
            response.close()
        return response.status == 200


async def test_readers_are_not_without_number(rest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_READERS", 1)
    async with rest.session.get(rest.origin + "/events") as response:
        await response.content.readuntil(b"\n\n")
        assert (await rest("GET", "/events")).status == 503
