"""What the event loop tells the thread that waits for a call is run there, and none of it is lost."""

from __future__ import annotations

import logging
import threading

import pytest

from sepahan_sms import Sepahan
from smscore.loops import background
from smscore.loops.caller_thread import CallerThread
from smscore.sandbox import Sandbox


def test_what_is_told_just_before_a_call_ends_is_run_before_it_returns() -> None:
    for _ in range(200):
        told: list[int] = []
        caller_thread = CallerThread()

        async def work(caller_thread: CallerThread = caller_thread, told: list[int] = told) -> None:
            for number in range(5):
                caller_thread.tell(lambda number=number: told.append(number))

        background.run(work, caller_thread)
        assert told == [0, 1, 2, 3, 4]


def test_what_is_told_after_the_thread_has_left_is_run_where_it_is_told() -> None:
    caller_thread = CallerThread()
    told: list[int] = []
    caller_thread.leave()
    teller = threading.Thread(target=caller_thread.tell, args=(lambda: told.append(threading.get_ident()),))
    teller.start()
    teller.join()
    assert told == [teller.ident]


def test_a_thread_that_leaves_runs_what_it_was_told() -> None:
    caller_thread = CallerThread()
    told: list[int] = []
    caller_thread.tell(lambda: told.append(1))
    assert told == []
    caller_thread.leave()
    assert told == [1]


def test_each_is_run_once_while_a_thread_leaves() -> None:
    for _ in range(200):
        caller_thread = CallerThread()
        told: list[int] = []

        def tell(caller_thread: CallerThread = caller_thread, told: list[int] = told) -> None:
            for number in range(20):
                caller_thread.tell(lambda number=number: told.append(number))

        teller = threading.Thread(target=tell)
        teller.start()
        caller_thread.leave()
        teller.join()
        assert sorted(told) == list(range(20))


def test_a_blocking_call_loses_no_log_record(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "smscore")
    with Sandbox() as box, Sepahan("any", sender="3000505", base_url=box.url("sepahan"), batch_size=1) as client:
        for _ in range(20):
            caplog.clear()
            client.send(["09121234567", "09121234568", "09121234569"], "متن")
            answers = [one for one in caplog.records if "HTTP 200" in one.getMessage()]
            assert len(answers) == 3
