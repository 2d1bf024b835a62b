"""The blocking face: threads, callbacks and iterables of the caller's, and how a process ends, forks and is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from recipients import numbers
from scripts import ended, started

from ippanel_sms import IPPanel
from najva_sms import Najva
from sepahan_sms import Sepahan
from smscore import (
    BatchEvent,
    ClientClosed,
    ConfigurationError,
    InvalidNumber,
    InvalidRequest,
    Message,
    NotAttempted,
    Outcome,
    RetryPolicy,
    SendReport,
    Timeouts,
)
from smscore.sandbox import Sandbox

LINE = "50003300"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


@pytest.fixture
def sepahan(box: Sandbox) -> Iterator[Sepahan]:
    with Sepahan("token", sender=LINE, base_url=box.url("sepahan"), batch_size=10) as client:
        yield client


class SilentServer:
    """A server that takes requests and never answers; ``heard`` is set when one came."""

    def __init__(self) -> None:
        self.heard = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
                self._taken.append(taken)
                if taken.recv(65536):
                    self.heard.set()
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for taken in self._taken:
            taken.close()


@pytest.fixture
def silent() -> Iterator[SilentServer]:
    server = SilentServer()
    yield server
    server.close()


# In this process


def test_a_client_sends_and_closes(box: Sandbox) -> None:
    with Sepahan("token", sender=LINE, base_url=box.url("sepahan")) as client:
        report = client.send(["09123456789", 9123456780], "سلام")
    assert report.ok
    assert [message.message_id for message in box.messages] == report.message_ids


def test_closing_twice_is_fine_and_a_closed_client_says_so(sepahan: Sepahan) -> None:
    assert sepahan.send("09123456789", "سلام").ok
    sepahan.close()
    sepahan.close()
    with pytest.raises(ClientClosed) as caught:
        sepahan.send("09123456789", "سلام")
    assert caught.value.outcome is Outcome.NOT_SENT
    with pytest.raises(ClientClosed):
        sepahan.credit()


def test_a_client_closed_before_its_first_use_says_so(box: Sandbox) -> None:
    client = Sepahan("token", sender=LINE, base_url=box.url("sepahan"))
    client.close()
    client.close()
    with pytest.raises(ClientClosed):
        client.send("09123456789", "سلام")


def test_options_make_another_client_on_the_same_connections(sepahan: Sepahan, box: Sandbox) -> None:
    other = sepahan.with_options(sender="5000777")
    assert other.send("09123456789", "سلام").ok
    assert sepahan.send("09123456789", "سلام").ok
    assert [message.sender for message in box.messages] == ["5000777", LINE]
    other.close()
    with pytest.raises(ClientClosed):
        sepahan.send("09123456789", "سلام")


@pytest.mark.parametrize("kind", [Sepahan, Najva, IPPanel])
def test_the_repr_tells_the_base_url_and_the_sender_and_no_token(kind: type) -> None:
    shown = repr(kind("secret-token", sender=LINE, base_url="https://sms.example.ir"))
    assert (
        shown
        == f"{kind.__name__}(base_url='https://sms.example.ir', sender='{'+98' if kind is IPPanel else ''}{LINE}')"
    )


def test_errors_come_out_as_they_are(sepahan: Sepahan, box: Sandbox) -> None:
    with pytest.raises(InvalidNumber) as caught:
        sepahan.send(["09123456789", "021"], "سلام")
    assert caught.value.numbers == [(1, "021")]
    with pytest.raises(InvalidRequest):
        sepahan.send("09123456789", "")
    for nothing in (None, object(), b"09123456789"):
        with pytest.raises(InvalidRequest):
            sepahan.send(nothing, "سلام")
        with pytest.raises(InvalidRequest):
            next(sepahan.send_stream(nothing, "سلام"))
    assert box.messages == []


def test_iterables_are_gone_through_in_the_callers_thread(sepahan: Sepahan) -> None:
    threads: set[int] = set()

    def source() -> Iterator[str]:
        for number in numbers(25):
            threads.add(threading.get_ident())
            yield number

    assert len(sepahan.send(source(), "سلام")) == 25
    assert len(sepahan.send_p2p((number, "سلام") for number in source())) == 25
    assert sum(len(report) for report in sepahan.send_stream(source(), "سلام")) == 25
    assert sum(len(r) for r in sepahan.send_p2p_stream(Message(number, "سلام") for number in source())) == 25
    assert len(sepahan.status(place for place, _ in enumerate(source()))) == 25
    assert threads == {threading.get_ident()}


def test_a_journal_is_called_in_the_callers_thread(sepahan: Sepahan) -> None:
    heard: list[tuple[str, int, int]] = []

    def note(event: BatchEvent) -> None:
        heard.append((event.state, event.index, threading.get_ident()))

    sepahan.send(numbers(20), "سلام", on_batch=note)
    list(sepahan.send_stream(numbers(20), "سلام", on_batch=note))
    assert sorted(heard) == sorted(
        (state, index, threading.get_ident()) for state in ("sending", "done") for index in (0, 1) for _ in range(2)
    )


def test_a_journal_may_be_a_coroutine_and_may_use_a_client_itself(sepahan: Sepahan) -> None:
    heard: list[object] = []

    async def later(event: BatchEvent) -> None:
        await asyncio.sleep(0)
        heard.append(event.state)

    sepahan.send("09123456789", "سلام", on_batch=later)
    sepahan.send("09123456789", "سلام", on_batch=lambda _: heard.append(sepahan.credit()))
    assert heard[:2] == ["sending", "done"]
    assert all(isinstance(credit, int) for credit in heard[2:])


def test_a_journal_that_raises_stops_the_send(sepahan: Sepahan, box: Sandbox) -> None:
    def full(_: BatchEvent) -> None:
        raise OSError("disk full")

    with pytest.raises(NotAttempted):
        sepahan.send(numbers(20), "سلام", on_batch=full)
    assert box.messages == []


def test_a_blocking_call_in_the_clients_own_thread_is_refused_and_hangs_not(sepahan: Sepahan) -> None:
    found: list[type[Exception]] = []

    async def wrong(_: BatchEvent) -> None:
        try:
            sepahan.credit()
        except (ConfigurationError, RuntimeWarning) as error:
            found.append(type(error))

    assert sepahan.send("09123456789", "سلام", on_batch=wrong).ok
    assert found != []


# Streams


def test_a_stream_gives_a_report_a_batch(sepahan: Sepahan, box: Sandbox) -> None:
    reports = sorted(sepahan.send_stream(numbers(25), "سلام"), key=lambda report: report.offset)
    assert [(report.offset, len(report)) for report in reports] == [(0, 10), (10, 10), (20, 5)]
    assert len(box.messages) == 25
    assert list(sepahan.send_stream([], "سلام")) == []
    assert len(next(sepahan.send_stream("09123456789", "سلام"))) == 1


def test_a_stream_left_early_reads_no_further(sepahan: Sepahan) -> None:
    taken: list[str] = []

    def source() -> Iterator[str]:
        for number in numbers(1000):
            taken.append(number)
            yield number

    stream = sepahan.send_stream(source(), "سلام")
    assert next(stream).ok
    stream.close()
    read = len(taken)
    assert read < 1000
    assert sepahan.send("09123456789", "سلام").ok
    assert len(taken) == read


def test_the_error_of_a_source_comes_out_after_the_reports(sepahan: Sepahan) -> None:
    def source() -> Iterator[str]:
        yield from numbers(25)
        raise LookupError("the cursor is gone")

    reports: list[SendReport] = []
    with pytest.raises(LookupError, match="cursor"):  # noqa: PT012 (the loop is what raises)
        for report in sepahan.send_stream(source(), "سلام"):
            reports.append(report)  # noqa: PERF402 (an error must not lose them)
    assert sorted(report.offset for report in reports) == [0, 10]


def test_a_bad_text_of_a_stream_raises_and_sends_nothing(sepahan: Sepahan, box: Sandbox) -> None:
    with pytest.raises(InvalidRequest):
        next(sepahan.send_stream(numbers(3), ""))
    with pytest.raises(InvalidRequest):
        next(sepahan.send_p2p_stream([("09123456789", None)]))
    assert box.messages == []


# Threads and loops


def functions_in(frame: types.FrameType | None) -> list[str]:
    return [] if frame is None else [frame.f_code.co_qualname, *functions_in(frame.f_back)]


def test_many_threads_share_one_client(sepahan: Sepahan, box: Sandbox) -> None:
    def send(place: int) -> bool:
        return all(sepahan.send(f"0935{place:03}{turn:04}", f"متن {place}").ok for turn in range(4))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(send, range(16)))
    assert len({message.recipient for message in box.messages}) == 64
    # By the stacks: which of the threads that were started at once runs the loop, and so under what name, is chance.
    stacks = map(functions_in, sys._current_frames().values())
    assert [function for stack in stacks for function in stack].count("BackgroundLoop._run") == 1


async def test_a_call_inside_a_running_loop_works_and_warns_where_it_stands(sepahan: Sepahan) -> None:
    with pytest.warns(RuntimeWarning) as caught:
        assert sepahan.send("09123456789", "سلام").ok
    assert [warning.filename for warning in caught] == [__file__]


async def test_a_stream_inside_a_running_loop_works_and_warns_where_it_stands(sepahan: Sepahan) -> None:
    with pytest.warns(RuntimeWarning) as caught:
        assert [report.ok for report in sepahan.send_stream("09123456789", "سلام")] == [True]
    assert {warning.filename for warning in caught} == {__file__}


async def test_a_call_inside_ipython_is_silent(sepahan: Sepahan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    assert sepahan.send("09123456789", "سلام").ok


def test_gevents_threads_are_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkey = types.ModuleType("gevent.monkey")
    monkey.is_module_patched = lambda name: name == "threading"
    monkeypatch.setitem(sys.modules, "gevent.monkey", monkey)
    with pytest.raises(ConfigurationError):
        Sepahan("token")


def test_the_calls_time_ends_a_blocking_send_too(silent: SilentServer) -> None:
    options = {"timeout": Timeouts(call=1), "retry": RetryPolicy.none()}
    with Sepahan("token", sender=LINE, base_url=silent.url, **options) as client:
        start = time.monotonic()
        with pytest.raises(Exception, match="no usable answer") as caught:
            client.send("09123456789", "سلام")
    assert time.monotonic() - start < 30
    assert caught.value.outcome is Outcome.UNKNOWN


# Processes of their own


def test_importing_and_making_a_client_start_no_thread() -> None:
    script = """
        import threading, ippanel_sms, najva_sms, smscore.sandbox
        client = Sepahan()
        with ippanel_sms.IPPanel("t"), najva_sms.Najva("t"):
            print([thread.name for thread in threading.enumerate()])
    """
    assert ended(started(script, "https://sms.example.ir")) == (0, "['MainThread']", "")


@pytest.mark.parametrize("end", ["", "client.close()"])
def test_a_script_that_looked_up_a_host_name_ends_quietly(box: Sandbox, end: str) -> None:
    script = f"""
        client = Sepahan()
        print(client.send("09123456789", "سلام").ok)
        {end}
    """
    url = box.url("sepahan").replace("127.0.0.1", "localhost")
    assert ended(started(script, url)) == (0, "True", "")


def test_clients_that_are_dropped_close_quietly_in_both_faces(box: Sandbox) -> None:
    script = """
        import asyncio, gc, time
        from sepahan_sms import AsyncSepahan

        async def dropped():
            for _ in range(3):
                await AsyncSepahan().send("09123456789", "سلام")

        for _ in range(3):
            Sepahan().send("09123456789", "سلام")
        asyncio.run(dropped())
        gc.collect()
        time.sleep(0.2)
        Sepahan().credit()
    """
    assert ended(started(script, box.url("sepahan"))) == (0, "", "")


def test_a_script_that_forgets_to_close_ends_at_once_and_quietly(box: Sandbox) -> None:
    script = """
        from smscore.loops import background
        background._GRACE = 120
        client = Sepahan()
        print(client.send("09123456789", "سلام").ok)
    """
    assert ended(started(script, box.url("sepahan"))) == (0, "True", "")


def test_a_script_that_ends_in_the_middle_of_a_stream_ends_too(box: Sandbox) -> None:
    script = """
        stream = Sepahan().send_stream(["09123456789"] * 500, "سلام")
        print(next(stream).ok)
    """
    assert ended(started(script, box.url("sepahan"))) == (0, "True", "")


def test_a_client_may_be_closed_at_the_exit_of_the_process(box: Sandbox) -> None:
    script = """
        import atexit
        client = Sepahan()
        atexit.register(client.close)
        print(client.send("09123456789", "سلام").ok)
    """
    assert ended(started(script, box.url("sepahan"))) == (0, "True", "")


def test_a_daemon_thread_in_the_middle_of_a_request_does_not_hold_up_the_exit(silent: SilentServer) -> None:
    script = """
        import threading
        client = Sepahan(timeout=120)
        threading.Thread(target=lambda: client.send("09123456789", "سلام"), daemon=True).start()
        sys.stdin.read()
    """
    process = started(script, silent.url)
    assert silent.heard.wait(30)
    assert ended(process)[0] == 0


def test_a_journal_that_raises_stop_iteration_does_not_hang(box: Sandbox) -> None:
    script = """
        from smscore import NotAttempted
        try:
            Sepahan().send("09123456789", "سلام", on_batch=lambda event: next(iter([])))
        except NotAttempted:
            print("not attempted")
    """
    code, out, _ = ended(started(script, box.url("sepahan")))
    assert (code, out) == (0, "not attempted")


INTERRUPTED = {
    "send": 'client.send("09123456789", "سلام")',
    "a send with a journal": 'client.send("09123456789", "سلام", on_batch=lambda event: None)',
    "several batches": 'client.send(["09123456789"] * 300, "سلام")',
    "a stream": 'list(client.send_stream(["09123456789"] * 300, "سلام"))',
    "a read": "client.credit()",
}


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to one process is of POSIX")
@pytest.mark.parametrize("call", INTERRUPTED.values(), ids=INTERRUPTED.keys())
def test_ctrl_c_ends_a_slow_request_at_once(silent: SilentServer, call: str) -> None:
    script = f"""
        client = Sepahan(timeout=120)
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted")
    """
    process = started(script, silent.url)
    assert silent.heard.wait(30)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (0, "interrupted", "")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to one process is of POSIX")
def test_a_client_works_on_after_ctrl_c(silent: SilentServer, box: Sandbox) -> None:
    script = f"""
        slow, quick = Sepahan(), Sepahan(base_url={box.url("sepahan")!r})
        try:
            slow.send("09123456789", "سلام")
        except KeyboardInterrupt:
            print(quick.send("09123456789", "سلام").ok)
    """
    process = started(script, silent.url)
    assert silent.heard.wait(30)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (0, "True", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are of POSIX")
@pytest.mark.parametrize("leave", ["os._exit", "sys.exit"])
def test_a_client_works_in_parent_and_child_after_a_fork(box: Sandbox, leave: str) -> None:
    script = f"""
        import os
        client = Sepahan()
        sent = client.send("09120000000", "پیش").ok
        child = os.fork()
        if child == 0:
            sent = client.send("09120000001", "فرزند").ok
            client.close()
            {leave}(0 if sent else 1)
        _, status = os.waitpid(child, 0)
        print(sent, os.waitstatus_to_exitcode(status), client.send("09120000002", "پدر").ok)
    """
    process = started(script, box.url("sepahan"), "-W", "ignore::DeprecationWarning")
    assert ended(process) == (0, "True 0 True", "")
    assert [message.text for message in box.messages] == ["پیش", "فرزند", "پدر"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are of POSIX")
def test_closing_in_a_child_leaves_the_parents_request_alone(silent: SilentServer) -> None:
    script = """
        import os, threading
        from smscore import RetryPolicy, SMSError
        client = Sepahan(timeout=1.2, retry=RetryPolicy.none())
        def send():
            try:
                client.send("09123456789", "سلام")
            except SMSError as error:
                print(type(error).__name__, round(time.monotonic() - start, 1) >= 1.1)
        start = time.monotonic()
        thread = threading.Thread(target=send)
        thread.start()
        time.sleep(0.3)
        child = os.fork()
        if child == 0:
            client.close()
            os._exit(0)
        os.waitpid(child, 0)
        thread.join()
    """
    process = started(script, silent.url, "-W", "ignore::DeprecationWarning")
    assert ended(process) == (0, "ResponseLost True", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are of POSIX")
def test_a_child_that_was_forked_while_a_thread_imported_does_not_wait_for_that_thread(
    box: Sandbox, tmp_path: Path
) -> None:
    slow = "import asyncio, time; time.sleep(1); new_event_loop = asyncio.new_event_loop"
    (tmp_path / "uvloop.py").write_text(slow, encoding="utf-8")
    script = """
        import os, signal, sys, threading
        thread = threading.Thread(target=Sepahan().send, args=("09120000000", "پدر"))
        thread.start()
        while "uvloop" not in sys.modules:
            time.sleep(0.001)
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            os._exit(0 if Sepahan().send("09120000001", "فرزند").ok else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        thread.join()
    """
    process = started(script, box.url("sepahan"), "-W", "ignore::DeprecationWarning", PYTHONPATH=str(tmp_path))
    assert ended(process)[:2] == (0, "0")
    assert {message.text for message in box.messages} == {"پدر", "فرزند"}


def test_a_script_whose_exit_makes_a_call_ends_though_a_stream_was_left_in_the_middle(box: Sandbox) -> None:
    script = """
        import atexit
        client = Sepahan()
        atexit.register(client.credit)
        stream = client.send_stream(["09123456789"] * 500, "سلام")
        print(next(stream).ok)
    """
    assert ended(started(script, box.url("sepahan")))[:2] == (0, "True")


@pytest.mark.parametrize(
    "call", ["send(numbers, 'x', on_batch=journal)", "send_stream(numbers, 'x', on_batch=journal)"]
)
@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()", "asyncio.CancelledError()"])
def test_whatever_an_async_journal_raises_reaches_the_caller_and_the_client_goes_on(
    box: Sandbox, call: str, error: str
) -> None:
    script = f"""
        import asyncio
        numbers = [f"0912{{place:07}}" for place in range(500)]

        async def journal(event):
            if event.index == 2:
                raise {error}

        with Sepahan() as client:
            try:
                list(client.{call})
            except BaseException as error:
                print(type(error).__name__)
            client.credit()
    """
    code, out, _ = ended(started(script, box.url("sepahan")))
    assert (code, out) == (0, error.partition("(")[0].rpartition(".")[2])


def test_a_stream_taken_on_in_a_forked_child_is_refused_there(box: Sandbox) -> None:
    script = """
        import os, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        stream = Sepahan(max_concurrency=1).send_stream(["09123456789"] * 500, "سلام")
        next(stream)
        child = os.fork()
        if not child:
            try:
                next(stream)
            except Exception as error:
                print(type(error).__name__, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print(sum(len(report) for report in stream))
    """
    assert ended(started(script, box.url("sepahan")))[:2] == (0, "ClientClosed\n400")
