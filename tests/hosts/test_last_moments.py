"""Sends in the last moments of a process: by a thread that outlives the main one, and at the exit.

Python then refuses new work to its pools of threads, and from 3.12 on every new thread.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import pytest
from scripts import ended, started

from smscore.sandbox import Sandbox

MOMENTS = {
    "a thread outlives main": "threading.Thread(target=lambda: (threading.main_thread().join(), last())).start()",
    "at the exit": "atexit.register(last)",
}
CALLS = {
    "a send": "sepahan.send('09123456789', 'سلام').ok",
    "a send with a journal that asks": "sepahan.send(TWO, 'سلام', on_batch=lambda event: sepahan.credit()).ok",
    "a stream": "all(report.ok for report in sepahan.send_stream(iter(TWO), 'سلام'))",
    "a stream that is left": "next(sepahan.send_stream(TWO * 20, 'سلام')).ok",
    "an async send": "asyncio.run(send()).ok",
    "an async stream": "asyncio.run(stream())",
}
BEFORE = "sepahan.send('09123456789', 'سلام')"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


def script(last: str, *then: str) -> str:
    """A script with a function ``last``, which does this and says whether it went well."""
    return textwrap.dedent(f"""
        import asyncio, atexit, threading
        from sepahan_sms import AsyncSepahan
        from smscore import ClientClosed

        TWO = ["09123456789", "09123456780"]
        sepahan = Sepahan(batch_size=1)

        async def send():
            async with AsyncSepahan() as sepahan:
                return await sepahan.send("09123456789", "سلام")

        async def stream():
            async with AsyncSepahan(batch_size=1) as sepahan:
                return all([report.ok async for report in sepahan.send_stream(TWO, "سلام")])

        def last():
            print({last})
    """) + "\n".join(then)


@pytest.mark.parametrize("before", ["", BEFORE], ids=["as the first call", "after another"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_last_alert_goes_out(box: Sandbox, moment: str, host: str, before: str) -> None:
    url = box.url("sepahan").replace("127.0.0.1", host)
    assert ended(started(script(CALLS["a send"], before, MOMENTS[moment]), url)) == (0, "True", "")
    assert len(box.messages) == 1 + bool(before)


@pytest.mark.parametrize("call", [name for name in CALLS if name != "a send"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_every_way_to_send_works_in_the_last_moments(box: Sandbox, moment: str, call: str) -> None:
    url = box.url("sepahan").replace("127.0.0.1", "localhost")
    assert ended(started(script(CALLS[call], MOMENTS[moment]), url)) == (0, "True", "")
    assert box.messages


def test_a_handler_that_was_registered_before_the_import_still_sends(box: Sandbox) -> None:
    first = "import atexit\natexit.register(lambda: last())\n"
    process = started(script(CALLS["a send"], BEFORE), box.url("sepahan"), first=first)
    assert ended(process) == (0, "True", "")
    assert len(box.messages) == 2


def test_a_stream_that_began_before_goes_on_at_the_exit(box: Sandbox) -> None:
    begun = "stream = sepahan.send_stream(TWO * 3, 'سلام')\nprint(next(stream).ok)"
    text = script("all(report.ok for report in stream)", begun, "atexit.register(last)")
    assert ended(started(text, box.url("sepahan"))) == (0, "True\nTrue", "")
    assert len(box.messages) == 6


def test_ten_threads_that_outlive_the_main_one_all_send(box: Sandbox) -> None:
    threads = "for _ in range(10): " + MOMENTS["a thread outlives main"]
    url = box.url("sepahan").replace("127.0.0.1", "localhost")
    assert ended(started(script(CALLS["a send"], threads), url)) == (0, "\n".join(["True"] * 10), "")
    assert len(box.messages) == 10


def test_a_file_is_uploaded_at_the_exit(box: Sandbox) -> None:
    text = """
        import atexit, io, najva_sms
        atexit.register(lambda: print(bool(najva_sms.Najva().upload_file(io.BytesIO(b"x" * 1000), filename="a.png"))))
    """
    process = started(text, box.url("sepahan"), NAJVA_TOKEN="token", NAJVA_BASE_URL=box.url("najva"))
    assert ended(process) == (0, "True", "")


def test_a_blocking_call_in_a_loop_of_the_last_moments_works_or_says_that_it_cannot(box: Sandbox) -> None:
    text = script("asyncio.run(inside())", "atexit.register(last)") + textwrap.dedent("""
        import warnings
        warnings.simplefilter("ignore", RuntimeWarning)

        async def inside():
            try:
                return sepahan.send("09123456789", "سلام").ok
            except ClientClosed:
                return True
    """)
    assert ended(started(text, box.url("sepahan"))) == (0, "True", "")
