"""Long lists leave the event loop its turns, and cost no more than they must."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections import Counter, UserList, deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import BatchEvent, InvalidNumber, InvalidRequest, Message, NotAttempted, RetryPolicy
from smscore.calls.stop import StopRule
from smscore.calls.transport import Transport
from smscore.config import ITEMS_PER_TURN, LARGE_ANSWER_BYTES
from smscore.sandbox import Sandbox
from smscore.wire.endpoint import Answer, Content, Endpoint

COUNT = 20 * ITEMS_PER_TURN
GOOD = [f"0912{place:07}" for place in range(COUNT)]
LANDLINE = "02112345678"


class Turns:
    """How many turns the event loop has had."""

    def __init__(self) -> None:
        self.count = 0

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.count += 1


async def turns_of(call: Callable[[], Any], error: type[Exception]) -> int:
    """The turns that other tasks had before the call was refused."""
    turns = Turns()
    ticking = asyncio.create_task(turns.run())
    await asyncio.sleep(0)
    before = turns.count
    with pytest.raises(error):
        await call()
    ticking.cancel()
    return turns.count - before


async def test_other_tasks_have_their_turns_while_a_long_list_is_checked():
    async with AsyncSepahan("t", sender="5000") as client:
        assert await turns_of(lambda: client.send([*GOOD, LANDLINE], "سلام"), InvalidNumber) >= 19


async def test_other_tasks_have_their_turns_while_many_messages_are_checked():
    messages = [*((number, "سلام") for number in GOOD), (GOOD[0], "")]
    async with AsyncNajva("t") as client:
        assert await turns_of(lambda: client.send_p2p(messages), InvalidRequest) >= 19


async def test_other_tasks_have_their_turns_while_many_messages_are_told_apart_by_their_senders():
    messages = [Message(number, "سلام", sender=str(place % 3)) for place, number in enumerate(GOOD)]

    def stop(_: BatchEvent) -> None:
        raise ValueError("no further")

    async with AsyncNajva("t") as client:
        assert await turns_of(lambda: client.send_p2p(messages, on_batch=stop), NotAttempted) >= 19 + 19


async def test_every_bad_number_of_a_long_list_is_named_with_its_position():
    numbers = GOOD.copy()
    places = [0, ITEMS_PER_TURN - 1, ITEMS_PER_TURN, COUNT - 1]
    for place in places:
        numbers[place] = LANDLINE
    async with AsyncSepahan("t", sender="5000") as client:
        with pytest.raises(InvalidNumber) as caught:
            await client.send(numbers, "سلام")
    assert caught.value.numbers == [(place, LANDLINE) for place in places]


async def test_a_bad_message_of_a_long_list_is_named_with_its_position():
    messages = [(number, "سلام") for number in GOOD]
    messages[ITEMS_PER_TURN + 5] = (GOOD[0], " ")
    async with AsyncNajva("t") as client:
        with pytest.raises(InvalidRequest, match=f"message {ITEMS_PER_TURN + 5} is empty"):
            await client.send_p2p(messages)


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def najva(box: Sandbox) -> AsyncIterator[AsyncNajva]:
    async with AsyncNajva("t", sender="90000123", base_url=box.url("najva")) as client:
        yield client


@pytest.mark.parametrize("kind", [list, set, deque, dict.fromkeys, UserList])
async def test_a_collection_changed_during_the_call_is_sent_as_it_was_given(
    najva: AsyncNajva, box: Sandbox, kind: Callable[[list[str]], Any]
):
    numbers = kind(GOOD[: 2 * ITEMS_PER_TURN])
    sending = asyncio.create_task(najva.send(numbers, "سلام"))
    await asyncio.sleep(0)
    numbers.clear()
    assert len((await sending).accepted) == len(box.messages) == 2 * ITEMS_PER_TURN


async def test_a_generator_is_taken_as_it_comes(najva: AsyncNajva, box: Sandbox):
    events: list[BatchEvent] = []
    report = await najva.send((number for number in GOOD), "سلام", on_batch=events.append)
    assert [len(event.recipients) for event in events if event.state == "sending"] == [10_000] * (COUNT // 10_000)
    assert [result.recipient for result in report] == ["+98" + number[1:] for number in GOOD]
    assert Counter(message.recipient for message in box.messages) == Counter(result.recipient for result in report)


async def test_messages_keep_their_own_text_sender_and_mark_across_the_slices(najva: AsyncNajva, box: Sandbox):
    places = range(2 * ITEMS_PER_TURN)
    senders = ["1" if place == ITEMS_PER_TURN else "90000123" for place in places]
    messages = [
        Message(
            GOOD[place], f"متن {place}", None if senders[place] == "90000123" else "1", place if place % 2 else None
        )
        for place in places
    ]
    report = await najva.send_p2p(messages)
    assert {(one.recipient, one.text, one.sender) for one in box.messages} == {
        ("+98" + GOOD[place][1:], f"متن {place}", senders[place]) for place in places
    }
    assert [result.ref for result in report] == [place if place % 2 else None for place in places]


async def test_large_answers_that_came_at_once_are_read_one_in_a_turn_of_the_loop(monkeypatch: pytest.MonkeyPatch):
    turns = Turns()
    read_at: list[int] = []
    answer = Answer(200, b" " * LARGE_ANSWER_BYTES)
    endpoint = Endpoint[int, None]("read", "GET", "/", lambda _: Content(), lambda *_: read_at.append(turns.count))

    async def at_once(*_: object) -> Answer:
        return answer

    monkeypatch.setattr(Transport, "send", at_once)
    async with AsyncSepahan("t") as client:
        ticking = asyncio.create_task(turns.run())
        rule, account = StopRule(), client._resolve_account()
        await asyncio.gather(*(client._caller.call(endpoint, number, rule, account) for number in range(5)))
        ticking.cancel()
    assert len(read_at) == len(set(read_at)) == 5


def answer_to(numbers: list[str]) -> Answer:
    entries = [
        {"messageid": place + 1, "receptor": number, "status": 1, "message": "سلام", "cost": 5}
        for place, number in enumerate(numbers)
    ]
    return Answer(200, json.dumps({"return": {"status": 200, "message": ""}, "entries": entries}).encode())


@pytest.mark.parametrize("name", ["send_stream", "send_p2p_stream"])
async def test_the_memory_of_a_stream_is_flat_in_its_length(monkeypatch: pytest.MonkeyPatch, name: str):
    batch = GOOD[:500]
    answer = answer_to(batch)
    items = batch if name == "send_stream" else [(number, "سلام") for number in batch]

    async def answered(*_: object) -> Answer:
        return answer

    async def peak_of(batches: int) -> int:
        text = ["سلام"] if name == "send_stream" else []
        source = (item for _ in range(batches) for item in items)
        tracemalloc.reset_peak()
        async with AsyncNajva("t", sender="9000", batch_size=500, retry=RetryPolicy.none()) as client:
            accepted = sum([len(report.accepted) async for report in getattr(client, name)(source, *text)])
        assert accepted == batches * 500
        return tracemalloc.get_traced_memory()[1]

    monkeypatch.setattr(Transport, "send", answered)
    tracemalloc.start()
    try:
        await peak_of(20)
        short, long = await peak_of(20), await peak_of(200)
    finally:
        tracemalloc.stop()
    assert long <= 1.15 * short


async def test_ids_changed_during_the_call_are_asked_for_as_they_were_given(najva: AsyncNajva):
    ids = list(range(1, 3 * ITEMS_PER_TURN))
    asking = asyncio.create_task(najva.status(ids))
    await asyncio.sleep(0)
    ids.clear()
    assert [status.message_id for status in await asking] == list(range(1, 3 * ITEMS_PER_TURN))
