"""The slots for connections: first come, first served, and none is lost when a wait for one ends."""

from __future__ import annotations

import asyncio

import pytest

from smscore.calls.slots import Slots


def take_all(slots: Slots) -> int:
    """Take all free slots, and return how many there were."""
    count = 0
    while slots.take():
        count += 1
    return count


def test_no_more_slots_are_taken_than_there_are():
    assert take_all(Slots(3)) == 3


def test_without_a_limit_a_slot_is_always_free():
    slots = Slots()
    assert all(slots.take() for _ in range(1_000))
    slots.give_back()
    assert slots.take()


async def test_slots_are_given_in_turn_and_a_given_slot_is_not_free():
    slots = Slots(1)
    assert slots.take()
    first, second = slots.ask(), slots.ask()
    slots.give_back()
    assert (first.done(), second.done(), slots.take()) == (True, False, False)
    slots.give_back()
    assert second.done()
    slots.give_back()
    assert take_all(slots) == 1


async def test_a_withdrawn_wait_is_passed_over():
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
    assert take_all(slots) == (0 if has_next else 1)


async def test_withdrawn_waits_are_not_kept():
    slots = Slots(1)
    assert slots.take()
    for slot in [slots.ask() for _ in range(100)]:
        slots.withdraw(slot)
    assert not slots._waiting
