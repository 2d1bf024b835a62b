"""What threads hand to a loop is run, whatever comes between at any instruction: no wake-up is lost."""

from __future__ import annotations

import contextvars
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from smscore.errors import ClientClosed
from smscore.loops import background, caller_thread, handover
from smscore.loops.background import BackgroundLoop
from smscore.loops.caller_thread import CallerThread
from smscore.loops.handover import Handover

OURS = {module.__file__ for module in (background, caller_thread, handover)}


class SteppedLoop:
    """A loop that runs when told to. Only what it was woken for counts: it sleeps for ever otherwise."""

    def __init__(self) -> None:
        self.wake_ups: list[Callable[[], object]] = []
        self.woken = 0
        self.is_closed = False

    def call_soon_threadsafe(self, function: Callable[[], object]) -> None:
        if self.is_closed:
            raise RuntimeError("Event loop is closed")
        self.woken += 1
        self.wake_ups.append(function)

    call_soon = call_soon_threadsafe

    def turn(self) -> None:
        """What a loop does once: run what was scheduled before."""
        for _ in range(len(self.wake_ups)):
            self.wake_ups.pop(0)()

    def sleep(self) -> None:
        """Turn until there is nothing to do."""
        while self.wake_ups:
            self.turn()


class Stepped:
    """A handover with a stepped loop, and what of all that was put has been run or refused."""

    def __init__(self) -> None:
        self.loop = SteppedLoop()
        self.handover = Handover(self.loop)  # type: ignore[arg-type]  # of a loop, all that it calls
        self.put_in: list[int] = []
        self.run: list[int] = []
        self.refused: list[int] = []

    def put(self) -> None:
        number = len(self.put_in)
        self.put_in.append(number)
        try:
            self.handover.put(lambda: self.run.append(number))
        except RuntimeError:
            self.refused.append(number)

    def turn(self) -> None:
        self.loop.turn()

    def close(self) -> None:
        self.loop.is_closed = True
        self.loop.wake_ups.clear()
        self.handover.closed()


def at_each_step(work: Callable[[], object], between: Callable[[], object], step: int, files: set[Any] = OURS) -> bool:
    """Do the work, and at this instruction of our modules' what comes between; whether the work has so many."""
    left = step

    def trace(frame: types.FrameType, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in files:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left == 0:
                sys.settrace(None)
                between()
        return trace

    traced = sys.gettrace()
    # From 3.12 on, settrace asks for instructions only if some frame of the process already does.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(traced)
    return left <= 0


def steps(work: Callable[[int], bool]) -> int:
    step = 1
    while work(step):
        step += 1
    return step


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_loop_is_woken_once_for_what_comes_until_it_takes_it() -> None:
    stepped = Stepped()
    for _ in range(5):
        stepped.put()
    assert (stepped.loop.woken, stepped.run) == (1, [])
    stepped.turn()
    assert stepped.run == [0, 1, 2, 3, 4]
    stepped.put()
    assert stepped.loop.woken == 2


BETWEEN = {
    "another put": ("put",),
    "a turn of the loop": ("turn",),
    "a put and a turn": ("put", "turn"),
    "a turn and a put": ("turn", "put"),
    "two turns with a put": ("turn", "put", "turn"),
}


# A loop has one thread: nothing but puts comes into a turn.
@pytest.mark.parametrize(
    ("outer", "between"), [*(("put", between) for between in BETWEEN.values()), ("turn", BETWEEN["another put"])]
)
@pytest.mark.parametrize("before", [(), ("put",), ("put", "turn"), ("put", "turn", "put")], ids="-".join)
def test_nothing_is_lost_whatever_comes_between_at_any_instruction(
    before: tuple[str, ...], outer: str, between: tuple[str, ...]
) -> None:
    def meet(step: int) -> bool:
        stepped = Stepped()
        for name in before:
            getattr(stepped, name)()
        has_met = at_each_step(
            getattr(stepped, outer), lambda: [getattr(stepped, name)() for name in between], step, {handover.__file__}
        )
        stepped.loop.sleep()
        assert sorted(stepped.run) == stepped.put_in
        stepped.put()
        stepped.loop.sleep()
        assert sorted(stepped.run) == stepped.put_in
        return has_met

    assert steps(meet) > (10 if outer == "put" or before[-1:] == ("put",) else 0)


@pytest.mark.parametrize("before", [(), ("put",), ("put", "turn")], ids="-".join)
def test_a_put_that_is_interrupted_at_any_instruction_hangs_no_later_one(before: tuple[str, ...]) -> None:
    def meet(step: int) -> bool:
        stepped = Stepped()
        for name in before:
            getattr(stepped, name)()
        try:
            has_met = at_each_step(stepped.put, interrupt, step, {handover.__file__})
        except KeyboardInterrupt:
            has_met = True
        stepped.put()
        stepped.loop.sleep()
        assert stepped.put_in[-1] in stepped.run
        return has_met

    assert steps(meet) > 10


def test_a_wake_up_that_fails_hangs_no_later_one() -> None:
    stepped = Stepped()
    stepped.loop.is_closed = True
    stepped.put()
    assert stepped.refused == [0]
    stepped.loop.is_closed = False
    stepped.put()
    stepped.turn()
    assert stepped.run == [0, 1]


@pytest.mark.parametrize("before", [(), ("put",), ("put", "turn")], ids="-".join)
def test_whoever_puts_something_after_the_close_is_refused(before: tuple[str, ...]) -> None:
    def meet(step: int) -> bool:
        stepped = Stepped()
        for name in before:
            getattr(stepped, name)()
        has_met = at_each_step(stepped.put, stepped.close, step, {handover.__file__})
        if not has_met:
            stepped.close()
        stepped.put()
        assert stepped.put_in[-1] in stepped.refused
        return has_met

    assert steps(meet) > 10


def test_one_that_raises_costs_the_others_nothing() -> None:
    stepped = Stepped()
    stepped.put()
    stepped.handover.put(lambda: 1 / 0)
    stepped.put()
    with pytest.raises(ZeroDivisionError):
        stepped.turn()
    stepped.loop.sleep()
    assert stepped.run == [0, 1]


# With a loop in its thread


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    loop = BackgroundLoop()
    loop.start()
    yield loop
    loop.stop()


def ended(work: Callable[[], object], within: float = 60) -> None:
    """The work, in a thread that may hang without holding up the tests."""
    failures: list[BaseException] = []

    def watched() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=watched, daemon=True)
    thread.start()
    thread.join(within)
    assert not thread.is_alive(), "it hangs"
    for failure in failures:
        raise failure


async def nothing() -> None:
    pass


def test_threads_lose_nothing_and_keep_their_order(loop: BackgroundLoop) -> None:
    taken: list[tuple[int, int]] = []

    def hand_over(thread: int) -> None:
        for number in range(2_000):
            loop._handover.put(lambda number=number: taken.append((thread, number)))
            if number % 50 == 0:
                loop.run(nothing, CallerThread())

    threads = [threading.Thread(target=hand_over, args=(one,)) for one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        ended(thread.join)
    ended(lambda: loop.run(nothing, CallerThread()))
    assert sorted(taken) == [(thread, number) for thread in range(8) for number in range(2_000)]
    assert all([n for t, n in taken if t == thread] == [*range(2_000)] for thread in range(8))


def test_each_call_sees_the_context_of_its_own_thread_though_one_woke_the_loop_for_all(loop: BackgroundLoop) -> None:
    mine: contextvars.ContextVar[int] = contextvars.ContextVar("mine")
    held, found = threading.Event(), dict[int, int]()
    loop._handover.put(held.wait)  # the calls below are taken together

    async def seen() -> int:
        return mine.get()

    def call(number: int) -> None:
        mine.set(number)
        found[number] = loop.run(seen, CallerThread())

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while len(loop._awaited) < len(threads):
        held.wait(0.001)
    held.set()
    for thread in threads:
        ended(thread.join)
    assert found == {number: number for number in range(8)}


def test_a_call_that_ctrl_c_ends_at_any_instruction_hangs_no_later_one(loop: BackgroundLoop) -> None:
    def meet(step: int) -> bool:
        try:
            has_met = at_each_step(lambda: loop.run(nothing, CallerThread()), interrupt, step)
        except KeyboardInterrupt:
            has_met = True
        loop.run(nothing, CallerThread())
        return has_met

    ended(lambda: steps(meet))


def test_a_loop_that_ends_at_any_instruction_of_a_call_hangs_none() -> None:
    def meet(step: int) -> bool:
        loop = BackgroundLoop()
        loop.start()

        def end() -> None:
            loop._soon(loop._loop.stop)
            loop._ended.wait()

        has_met = True
        with suppress(ClientClosed):
            has_met = at_each_step(lambda: loop.run(nothing, CallerThread()), end, step)
        loop.stop()
        with pytest.raises(ClientClosed):
            loop.run(nothing, CallerThread())
        return has_met

    ended(lambda: steps(meet))


def test_a_call_that_was_given_up_before_the_loop_took_it_never_begins(loop: BackgroundLoop) -> None:
    held, begun = threading.Event(), list[int]()
    loop._handover.put(held.wait)

    async def begin() -> None:
        begun.append(1)

    class Impatient(CallerThread):
        def serve(self, call: Any) -> None:
            loop._soon = interrupted  # type: ignore[method-assign]  # the second Ctrl-C, where the first one cancels
            raise KeyboardInterrupt

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    soon = loop._soon
    with pytest.raises(KeyboardInterrupt):
        loop.run(begin, Impatient())
    loop._soon = soon  # type: ignore[method-assign]
    held.set()
    loop.run(nothing, CallerThread())
    assert begun == []


def test_a_loop_that_has_ended_keeps_nothing_of_what_was_put() -> None:
    stepped = Stepped()
    stepped.put()
    stepped.close()
    assert not stepped.handover._waiting
