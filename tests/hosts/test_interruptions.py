"""Calls in the middle of others: by signal handlers, logging handlers and finalizers, which come at any moment.

Each test is a process of its own, since what fails here hangs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from faultserver import STALL, FaultServer
from scripts import ended, started

from smscore.sandbox import Sandbox

posix = pytest.mark.skipif(os.name != "posix", reason="SIGALRM is of POSIX")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@posix
def test_a_signal_handler_sends_at_any_line_of_the_first_call(box: Sandbox) -> None:
    script = """
        import signal
        from smscore.loops import background

        sms, heard = Sepahan(), []
        signal.signal(signal.SIGALRM, lambda *_: heard.append(sms.credit()))

        def interrupted(line):
            left = line

            def trace(frame, event, _):
                nonlocal left
                if not frame.f_globals["__name__"].startswith(("smscore.", "sepahan_sms.", "threading")):
                    return None
                left -= event == "line"
                if event == "line" and left == 0:
                    signal.raise_signal(signal.SIGALRM)
                return trace

            background._process.reset()  # as in a forked child
            sys.settrace(trace)
            try:
                sms.credit()
            finally:
                sys.settrace(None)
                background.running().stop()
            return left <= 0

        line = 1
        while interrupted(line):
            line += 1
        print(line > 100, len(heard) == line - 1)
    """
    assert ended(started(script, box.url("sepahan"))) == (0, "True True", "")


AT_EACH_LINE = """
    import signal
    from smscore import RetryPolicy
    from smscore.sandbox import Sandbox

    def interrupted(line, calls, modules):
        left = line

        def trace(frame, event, _):
            nonlocal left
            if not frame.f_globals["__name__"].startswith(modules):
                return None
            left -= event == "line"
            if event == "line" and left == 0:
                signal.raise_signal(signal.SIGALRM)
            return trace

        sys.settrace(trace)
        try:
            calls()
        finally:
            sys.settrace(None)
        return left <= 0
"""


@posix
def test_a_signal_handler_sends_to_a_sandbox_at_any_line_of_the_sandboxs_methods(tmp_path: Path) -> None:
    script = (
        AT_EACH_LINE
        + """
    def calls():
        box.feed("sepahan", sender="09120000000", number="50003300", text="hi")
        box.messages, box.last_code("09123456789"), box.credit("sepahan", "token")
        box.advance(1)

    heard = []
    with Sandbox(store="file") as box, Sepahan(
        base_url=box.url("sepahan"), timeout=5.0, retry=RetryPolicy.none()
    ) as sms:
        signal.signal(signal.SIGALRM, lambda *_: heard.append(sms.send("09123456789", "code: 12345").ok))
        line = 1
        while interrupted(line, calls, ("smscore.sandbox.", "threading")):
            line += 1
        print(line > 50, len(heard) == line - 1, all(heard), len(box.messages) == len(heard))
    """
    ).replace('store="file"', f"store={os.fspath(tmp_path / 'store')!r}")
    assert ended(started(script, "unused")) == (0, "True True True True", "")


@posix
def test_a_signal_handler_uses_a_sandbox_in_its_own_loop_at_any_line_of_the_store(tmp_path: Path) -> None:
    script = (
        AT_EACH_LINE
        + """
    import asyncio

    async def main():
        async with Sandbox(store="file") as box:
            feed = lambda: box.feed("sepahan", sender="09120000000", number="50003300", text="hi")

            def calls():
                box._state.numbering._reserved.clear()  # as where a thousand numbers have been given
                feed()

            signal.signal(signal.SIGALRM, lambda *_: calls())
            line = 1
            while interrupted(line, calls, ("smscore.sandbox.memory.file_store", "smscore.sandbox.memory.database")):
                line += 1
            print(line > 10, len(box._state.inbox) == 2 * line - 1)

    asyncio.run(main())
    """
    ).replace('store="file"', f"store={os.fspath(tmp_path / 'store')!r}")
    assert ended(started(script, "unused")) == (0, "True True", "")


@posix
def test_a_signal_handler_sends_while_a_call_of_its_thread_waits(box: Sandbox) -> None:
    script = """
        import signal, threading
        from smscore import RetryPolicy, SMSError

        def handler(*_):
            print(Sepahan(base_url=sys.argv[1]).send("09123456789", "سلام").ok)

        signal.signal(signal.SIGALRM, handler)
        slow = Sepahan(retry=RetryPolicy.none(), timeout=1.0)
        main = threading.main_thread().ident
        threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGALRM)).start()
        try:
            slow.credit()
        except SMSError as error:
            print(type(error).__name__)
    """
    with FaultServer(STALL) as server:
        process = started(script.replace("sys.argv[1]", repr(box.url("sepahan"))), server.url)
        assert ended(process) == (0, "True\nResponseLost", "")


@posix
@pytest.mark.parametrize(
    "call", ["sms.send('09123456789', 'سلام').ok", "next(sms.send_stream(['09123456789'], 'سلام')).ok"]
)
def test_a_signal_handler_sends_in_the_middle_of_a_logging_handler(box: Sandbox, call: str) -> None:
    script = f"""
        import logging, signal

        class Interrupted(logging.Handler):
            def emit(self, record):
                if record.name == "app":
                    signal.raise_signal(signal.SIGALRM)

        sms = Sepahan()
        signal.signal(signal.SIGALRM, lambda *_: print({call}))
        logging.basicConfig(level=logging.DEBUG, handlers=[Interrupted()])
        logging.getLogger("app").error("it ends")
    """
    assert ended(started(script, box.url("sepahan"))) == (0, "True", "")


def test_a_logging_handler_that_sends_what_it_hears_of_the_client_too(box: Sandbox) -> None:
    script = """
        import logging

        class Sending(logging.Handler):
            heard = []

            def emit(self, record):
                self.heard.append(record.getMessage())
                if record.name == "app":
                    print(sms.send("09123456789", record.getMessage()).ok)

        sms = Sepahan()
        logging.basicConfig(level=logging.DEBUG, handlers=[Sending()])
        logging.getLogger("app").error("it burns")
        print(any("HTTP 200" in message for message in Sending.heard))
    """
    assert ended(started(script, box.url("sepahan"))) == (0, "True\nTrue", "")


IN_A_HANDLER = """
    import logging
    from smscore.loops import background

    class Sending(logging.Handler):
        def emit(self, record):
            heard.append(record.getMessage())
            if record.name == "app":
                {noise}
                print(sms.send("09123456789", "سلام").ok)

    async def noisy():
        logging.getLogger("smscore.calls.caller").warning("of no call")

    sms, heard, loop = Sepahan(), [], background.runner()
    logging.basicConfig(level=logging.DEBUG, handlers=[Sending()])
    logging.getLogger("app").error("it ends")
    until = time.monotonic() + 30
    while not any({word!r} in one for one in heard) and time.monotonic() < until:
        time.sleep(0.01)
    print(any({word!r} in one for one in heard))
"""


@pytest.mark.parametrize(
    ("noise", "word"), [("loop._loop.slow_callback_duration = 0.0", "Executing"), ("loop.begin(noisy)", "of no call")]
)
def test_what_the_loop_logs_of_no_waiting_call_holds_up_no_call(box: Sandbox, noise: str, word: str) -> None:
    process = started(IN_A_HANDLER.format(noise=noise, word=word), box.url("sepahan"))
    assert ended(process) == (0, "True\nTrue", "")


def test_what_a_sandbox_logs_holds_up_no_call_to_it_either() -> None:
    script = """
        import asyncio, logging
        from smscore.sandbox import Sandbox

        asyncio.base_events.BaseEventLoop.slow_callback_duration = property(lambda _: 0.0, lambda *_: None)

        class Sending(logging.Handler):
            def emit(self, record):
                if record.name == "app":
                    print(Sepahan(base_url=box.url("sepahan")).send("09123456789", "سلام").ok)

        with Sandbox() as box:
            logging.basicConfig(level=logging.DEBUG, handlers=[Sending()])
            logging.getLogger("app").error("it ends")
    """
    assert ended(started(script, "unused")) == (0, "True", "")


@pytest.mark.parametrize("breaks", ["emit", "filter"])
@pytest.mark.parametrize("call", ["Sepahan().send(TO, 'سلام')", "asyncio.run(AsyncSepahan().send(TO, 'سلام'))"])
def test_a_logging_handler_that_raises_costs_no_report(box: Sandbox, call: str, breaks: str) -> None:
    script = f"""
        import asyncio, logging
        from sepahan_sms import AsyncSepahan

        class Broken(logging.Handler):
            def {breaks}(self, record):
                raise LookupError("the handler is broken")

        TO = "09123456789"
        ours = logging.getLogger("smscore")
        ours.setLevel(logging.DEBUG)
        ours.addHandler(Broken())
        print({call}.ok)
    """
    code, out, err = ended(started(script, box.url("sepahan")))
    assert (code, out) == (0, "True")
    assert "LookupError: the handler is broken" in err  # told of as logging tells of its own


def test_a_filter_sees_each_record_of_a_waiting_call_once(box: Sandbox) -> None:
    script = """
        import logging

        class Seen(logging.Filter):
            seen = []

            def filter(self, record):
                self.seen.append(record)
                return True

        logging.basicConfig(level=logging.DEBUG, handlers=[logging.NullHandler()])
        logging.getLogger("smscore.calls.caller").filters.insert(0, Seen())
        print(Sepahan().send("09123456789", "سلام").ok, len(Seen.seen) == len(set(map(id, Seen.seen))) > 0)
    """
    assert ended(started(script, box.url("sepahan"))) == (0, "True True", "")


def test_the_records_of_a_call_name_the_place_that_they_come_from(box: Sandbox) -> None:
    script = """
        import logging
        logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(name)s %(module)s %(funcName)s")
        logging.getLogger("asyncio").disabled = True
        Sepahan().credit()
    """
    assert ended(started(script, box.url("sepahan"))) == (0, "smscore.calls.caller caller _result_of", "")


BLOCKED = """
    import gc, logging, smscore.blocking, threading

    at_work, held = threading.Event(), threading.Lock()

    async def journal(event):
        at_work.set()
        with held:  # a lock that this thread holds, in the middle of whatever it was doing
            pass

    def cycle(stream):
        ring = [stream]
        ring.append(ring)

    sms = Sepahan(batch_size=1)
    stream = sms.{stream}
    next(stream)
    held.acquire()
    other = threading.Thread(target=lambda: sms.send("09123456789", "سلام", on_batch=journal))
    other.start()
    at_work.wait()
"""
STREAMS = {
    "reports": "send_stream(['09123456789'] * 50, 'سلام')",
    "messages": "send_p2p_stream([('09123456789', 'سلام')] * 50)",
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_a_dropped_stream_waits_for_nothing_in_the_garbage_collector(box: Sandbox, stream: str) -> None:
    script = (
        BLOCKED.format(stream=stream)
        + """
    class Collecting(logging.Handler):
        def emit(self, record):
            gc.collect()

    logging.getLogger().addHandler(Collecting())
    cycle(stream)
    del stream
    logging.getLogger("app").error("it goes on")
    print("it did")
    held.release()
    other.join()
    print(sms.credit() > 0)
    """
    )
    assert ended(started(script, box.url("sepahan"))) == (0, "it did\nTrue", "")


def test_dropped_items_of_pages_wait_for_nothing_either(box: Sandbox) -> None:
    pages = STREAMS["reports"] + "; items = smscore.blocking.Items(stream)"
    script = (
        BLOCKED.format(stream=pages)
        + """
    cycle(items)
    del items, stream
    gc.collect()
    print("it did")
    held.release()
    other.join()
    """
    )
    assert ended(started(script, box.url("sepahan"))) == (0, "it did", "")


def test_a_dropped_client_waits_for_nothing(box: Sandbox) -> None:
    script = (
        BLOCKED.format(stream=STREAMS["reports"])
        + """
    dropped = Sepahan()
    cycle(dropped)
    del dropped, stream
    gc.collect()
    print("it did")
    held.release()
    other.join()
    """
    )
    assert ended(started(script, box.url("sepahan"))) == (0, "it did", "")


def test_a_closed_stream_has_cancelled_what_was_in_flight() -> None:
    script = """
        stream = Sepahan(batch_size=1, max_concurrency=1).send_stream(iter(["09123456789"] * 3), "سلام")
        next(stream)
        stream.close()
        stream.close()
        print(list(stream))
    """
    with FaultServer() as server:
        assert ended(started(script, server.url)) == (0, "[]", "")


def test_a_stream_that_is_being_read_is_read_by_nobody_else(box: Sandbox) -> None:
    script = """
        from smscore import InvalidRequest

        def again():
            yield "09123456789"
            try:
                next(stream)
            except InvalidRequest:
                print("refused")

        stream = Sepahan().send_stream(again(), "سلام")
        print(next(stream).ok)
    """
    assert ended(started(script, box.url("sepahan"))) == (0, "refused\nTrue", "")
