"""How long a request may take, and how long its answer may be silent: one timer keeps the times of all requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from virtual_time import Clock, virtual

from smscore import clock as payamaks_clock
from smscore.calls.waits import ReadTimedOut, Wait, Waits


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waits() -> Waits:
    return Waits()


async def end_of(wait: Wait, inside: Callable[[Wait], Awaitable[object]] | None = None) -> BaseException | None:
    """What a wait raises that nothing else ends."""
    try:
        with wait:
            await (asyncio.Event().wait() if inside is None else inside(wait))
    except (Exception, asyncio.CancelledError) as error:
        return error
    return None


@virtual
async def test_a_wait_ends_when_its_time_is_over(clock: Clock, waits: Waits) -> None:
    assert isinstance(await end_of(Wait(waits, 120, 60)), TimeoutError)
    assert clock.passed == pytest.approx(120, abs=0.02)


@virtual
async def test_of_several_each_ends_at_its_own_time(clock: Clock, waits: Waits) -> None:
    ended: dict[float, float] = {}

    async def run(total: float) -> None:
        assert type(await end_of(Wait(waits, total))) is TimeoutError
        ended[total] = clock.passed

    await asyncio.gather(*map(run, (50, 3, 7, 7.001, 0.5)))
    assert ended == {total: pytest.approx(total, abs=0.02) for total in (50, 3, 7, 7.001, 0.5)}


@virtual
async def test_silence_after_the_request_was_written_ends_it_earlier(clock: Clock, waits: Waits) -> None:
    async def write(wait: Wait) -> None:
        await asyncio.sleep(30)
        wait.note_progress()
        await asyncio.Event().wait()

    assert isinstance(await end_of(Wait(waits, 120, 20), write), ReadTimedOut)
    assert clock.passed == pytest.approx(50, abs=0.02)


@virtual
async def test_silence_from_the_first_moment_of_a_clock_ends_it_too(clock: Clock, waits: Waits) -> None:
    clock.exact = 0.0  # as some event loops of tests begin

    async def write(wait: Wait) -> None:
        wait.note_progress()
        await asyncio.Event().wait()

    assert isinstance(await end_of(Wait(waits, 120, 20), write), ReadTimedOut)
    assert clock.exact == pytest.approx(20, abs=0.02)


@virtual
async def test_an_answer_that_comes_piece_by_piece_has_the_whole_time(clock: Clock, waits: Waits) -> None:
    async def read(wait: Wait) -> None:
        while True:
            wait.note_progress()
            await asyncio.sleep(19)

    assert type(await end_of(Wait(waits, 120, 20), read)) is TimeoutError
    assert clock.passed == pytest.approx(120, abs=0.02)


@virtual
async def test_the_callers_own_cancel_is_no_time_that_is_over(clock: Clock, waits: Waits) -> None:
    task = asyncio.create_task(end_of(Wait(waits, 120)))
    await asyncio.sleep(1)
    task.cancel()
    assert isinstance(await task, asyncio.CancelledError)


@virtual
async def test_a_wait_that_ended_in_time_is_left_alone(clock: Clock, waits: Waits) -> None:
    assert await end_of(Wait(waits, 2), lambda _: asyncio.sleep(1)) is None
    await asyncio.sleep(10)


@virtual
async def test_requests_one_after_another_set_one_timer(
    clock: Clock, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    call_at = loop.call_at

    def kept(when: float, callback: Callable[..., object], *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        timers.append(call_at(when, callback, *args, **kwargs))
        return timers[-1]

    monkeypatch.setattr(loop, "call_at", kept)
    for _ in range(100):
        assert await end_of(Wait(waits, 120, 60), lambda _: asyncio.sleep(0)) is None
    assert len(timers) == 1
    waits.end_all()
    assert timers[0].cancelled()


async def test_a_wait_without_its_backstop_never_begins(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(payamaks_clock, "is_frozen", lambda _: True)
    monkeypatch.setattr(payamaks_clock, "backstop", no_thread)
    with pytest.raises(RuntimeError):
        Wait(waits, 120).__enter__()
    asyncio.get_running_loop().call_soon(waits.end_all)
    for _ in range(3):  # a wait that is still noted would cancel this task
        await asyncio.sleep(0)
