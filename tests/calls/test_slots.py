"""The slots for connections: first come, first served, and none is lost with whoever stops to wait for one."""

from __future__ import annotations

import asyncio

import pytest

from smscore.calls.slots import Slots


def free(slots: Slots) -> int:
    """How many slots are free; they are taken."""
    count = 0
    while slots.take():
        count += 1
    return count


def test_as_many_are_taken_as_there_are():
    assert free(Slots(3)) == 3


def test_without_a_limit_there_is_always_one():
    slots = Slots()
    assert all(slots.take() for _ in range(1_000))
    slots.give_back()
    assert slots.take()


async def test_who_came_first_is_served_first_and_nobody_else_takes_what_was_given():
    slots = Slots(1)
    assert slots.take()
    first, second = slots.ask(), slots.ask()
    slots.give_back()
    assert (first.done(), second.done(), slots.take()) == (True, False, False)
    slots.give_back()
    assert second.done()
    slots.give_back()
    assert free(slots) == 1


async def test_who_stops_to_wait_is_passed_over():
    slots = Slots(1)
    assert slots.take()
    first, second, third = slots.ask(), slots.ask(), slots.ask()
    slots.withdraw(second)
    slots.give_back()
    slots.give_back()
    assert first.done()
    assert third.done()


@pytest.mark.parametrize("has_next", [False, True])
async def test_a_slot_that_was_given_to_a_cancelled_wait_is_given_back(has_next: bool):
    slots = Slots(1)
    assert slots.take()

    async def wait() -> None:
        slot = slots.ask()
        try:
            await slot
        except asyncio.CancelledError:
            slots.withdraw(slot)
            raise

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    after = slots.ask() if has_next else None
    slots.give_back()
    task.cancel()  # it has the slot, and does not know it yet
    await asyncio.wait([task])
    assert task.cancelled()
    assert after is None or after.done()
    assert free(slots) == (0 if has_next else 1)


async def test_waits_that_were_given_up_are_not_kept():
    slots = Slots(1)
    assert slots.take()
    for slot in [slots.ask() for _ in range(100)]:
        slots.withdraw(slot)
    assert not slots._waiting
