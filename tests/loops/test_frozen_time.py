"""Time frozen or shifted by a user's tests, with freezegun and time-machine: every wait of both faces ends.

Each test is a process of its own, since what fails here hangs.
"""

from __future__ import annotations

import textwrap

import pytest
from faultserver import ERROR_503, GOOD, STALL, FaultServer, http, says
from scripts import ended, started

FREEZERS = {
    "freezegun": "from freezegun import freeze_time as frozen",
    "time-machine": "import time_machine; frozen = lambda when: time_machine.travel(when, tick=False)",
}
PAST_AND_FUTURE = ["2012-01-14", "2046-05-01"]
WAITS = {  # the timeouts leave a busy machine the time to connect
    "a repeat": ("retry=RetryPolicy(wait_initial=0.05)", "send()", [ERROR_503], 2),
    "Retry-After": ("", "send()", [says("429", http(429, b"", "Retry-After: 0.6"), takes=False)], 2),
    "a rate limit": ("rate_limit=20, batch_size=1", "send(THREE)", [], 3),
    "the time of a request": ("timeout=2, retry=RetryPolicy.none()", "unanswered(send)", STALL, 1),
    "the time of a call": ("timeout=Timeouts(call=2)", "unanswered(send)", STALL, 1),
}
COMMON = """
    import asyncio
    from smscore import OutcomeUnknown, RetryPolicy, Timeouts

    THREE = ["09123456789", "09123456780", "09123456781"]
"""
BLOCKING = """
    def send(to="09123456789"):
        return sms.send(to, "سلام").ok

    def unanswered(send):
        try:
            return not send()
        except OutcomeUnknown:
            return True
"""
ASYNC = """
    from sepahan_sms import AsyncSepahan

    async def send(to="09123456789"):
        return (await sms.send(to, "سلام")).ok

    async def unanswered(send):
        try:
            return not await send()
        except OutcomeUnknown:
            return True
"""


def run(server: FaultServer, *parts: str, first: str = "") -> tuple[int, str, str]:
    return ended(started("\n".join(textwrap.dedent(part) for part in parts), server.url, first=first))


@pytest.mark.parametrize("freezer", FREEZERS)
def test_a_result_says_that_it_was_sent_at_the_frozen_time(freezer: str) -> None:
    use = f"""
        {FREEZERS[freezer]}
        sms = Sepahan()
        with frozen("2012-01-14"):
            print(sms.send("09123456789", "سلام")[0].sent_at)
    """
    with FaultServer() as server:
        assert run(server, use) == (0, "2012-01-14 00:00:00+00:00", "")


@pytest.mark.parametrize("when", PAST_AND_FUTURE)
@pytest.mark.parametrize("freezer", FREEZERS)
@pytest.mark.parametrize("wait", WAITS)
def test_a_blocking_wait_ends(wait: str, freezer: str, when: str) -> None:
    options, call, faults, count = WAITS[wait]
    with FaultServer(faults) as server:
        use = f"{FREEZERS[freezer]}\nsms = Sepahan({options})\nwith frozen({when!r}): print({call})"
        assert run(server, COMMON, BLOCKING, use) == (0, "True", "")
    assert server.begun == count


@pytest.mark.parametrize("freezer", FREEZERS)
@pytest.mark.parametrize("wait", WAITS)
def test_a_blocking_wait_ends_where_everything_is_imported_in_the_frozen_time(wait: str, freezer: str) -> None:
    options, call, faults, count = WAITS[wait]
    first = (
        f"{FREEZERS[freezer]}\nfrozen('2012-01-14').__enter__()\n"
        if freezer == "time-machine"
        else (f"{FREEZERS[freezer]}\nfrozen('2012-01-14').start()\n")
    )
    with FaultServer(faults) as server:
        assert run(server, COMMON, BLOCKING, f"sms = Sepahan({options})\nprint({call})", first=first) == (0, "True", "")
    assert server.begun == count


@pytest.mark.parametrize("freezer", FREEZERS)
@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_in_a_frozen_event_loop_of_the_callers_ends(wait: str, freezer: str) -> None:
    options, call, faults, count = WAITS[wait]
    main = f"""
        {FREEZERS[freezer]}

        async def main():
            global sms
            async with AsyncSepahan({options}) as sms:
                with frozen("2012-01-14"):
                    print(await {call})

        asyncio.run(main())
    """
    with FaultServer(faults) as server:
        assert run(server, COMMON, ASYNC, main) == (0, "True", "")
    assert server.begun == count


def test_a_client_that_was_used_before_and_after_a_frozen_test_works_on() -> None:
    use = """
        from freezegun import freeze_time

        @freeze_time("2046-05-01")
        def test():
            return send()

        sms = Sepahan(retry=RetryPolicy(wait_initial=0.05), rate_limit=20)
        print(send(), test(), send(), test())
    """
    with FaultServer([ERROR_503, GOOD] * 4) as server:
        assert run(server, COMMON, BLOCKING, use) == (0, "True True True True", "")
    assert server.begun == 8


def test_a_wait_that_began_before_the_freezing_ends() -> None:
    use = """
        import threading
        from freezegun import freeze_time

        sms = Sepahan(rate_limit=2)
        send()
        sent = threading.Thread(target=lambda: print(send()))
        sent.start()
        with freeze_time("1970-01-02"):
            sent.join()
    """
    with FaultServer() as server:
        assert run(server, COMMON, BLOCKING, use) == (0, "True", "")


def test_a_django_view_under_a_frozen_test_repeats() -> None:
    pytest.importorskip("django")
    use = """
        import django
        from django.conf import settings
        from django.http import HttpResponse
        from django.test import RequestFactory, SimpleTestCase
        from freezegun import freeze_time
        import unittest

        settings.configure(DEFAULT_CHARSET="utf-8")
        django.setup()
        sms = Sepahan(retry=RetryPolicy(wait_initial=0.05))

        def view(request):
            return HttpResponse(str(sms.send("09123456789", "سلام").ok))

        @freeze_time("2012-01-14")
        class Test(SimpleTestCase):
            def test_view(self):
                self.assertEqual(view(RequestFactory().get("/")).content, b"True")

        suite = unittest.defaultTestLoader.loadTestsFromTestCase(Test)
        outcome = unittest.TestResult()
        suite.run(outcome)
        print(outcome.testsRun, outcome.wasSuccessful())
    """
    with FaultServer([ERROR_503]) as server:
        assert run(server, COMMON, BLOCKING, use) == (0, "1 True", "")


@pytest.mark.parametrize("freezer", FREEZERS)
def test_a_sandbox_in_a_thread_lives_on_in_the_frozen_time(freezer: str) -> None:
    use = f"""
        {FREEZERS[freezer]}
        from smscore.sandbox import Sandbox

        with frozen("2012-01-14"), Sandbox() as box:
            box.fail("delay", provider="sepahan", times=1, seconds=0.05)
            sms = Sepahan(base_url=box.url("sepahan"), timeout=20)
            print(send(), box.wait_for("09123456789").text)
    """
    with FaultServer() as server:
        assert run(server, COMMON, BLOCKING, use) == (0, "True سلام", "")
