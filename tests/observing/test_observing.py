"""Observers are told of calls, batches and tries, in both faces, whatever becomes of them; and they harm no send."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import re
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest
from observing.conftest import Seen, counted

import ippanel_sms.wire
import ippanel_sms.wire_account
import ippanel_sms.wire_reports
import najva_sms.wire
import sepahan_sms.wire
import smscore
from ippanel_sms import AsyncIPPanel, IPPanel
from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import ConfigurationError, InvalidNumber, Outcome, PartialSendError, RetryPolicy, SMSError, Timeouts
from smscore.observing import Observer
from smscore.sandbox import Sandbox
from smscore.wire import Endpoint

SEND = "https://api.sepahansms.com/api/Sms/Send"
CREDIT = "https://api.sepahansms.com/api/SmsReport/credit"
TO = ["09121234567", "09121234568", "09121234569"]
QUICK = RetryPolicy(attempts=3, wait_initial=0, wait_max=0)


def accepted(*ids: int) -> dict[str, Any]:
    return {"isSuccess": True, "value": {"ids": ids}, "error": None}


def refused(code: int) -> dict[str, Any]:
    return {"isSuccess": False, "value": None, "error": {"code": code, "message": "نشد"}}


@pytest.fixture
def observed(seen: Seen) -> Iterator[Seen]:
    """Told of every client's calls."""
    end = smscore.observe(seen)
    yield seen
    end()


# What is told


async def test_a_send_is_told_as_its_start_its_try_its_batch_and_its_end(
    observed: Seen, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=accepted(1, 2))
    await sepahan.send(TO[:2], "متن")
    assert observed.kinds == ["start", "request", "batch", "call"]
    for event in (event for _, event in observed.events):
        assert (event.provider, event.call, event.recipients) == ("sepahan", "send", 2)
    assert len({event.call_id for _, event in observed.events}) == 1
    request, batch, call = (observed.one(kind) for kind in ("request", "batch", "call"))
    assert (request.tries, batch.tries, call.tries) == (1, 1, 1)
    assert (request.http_status, request.error, request.code) == (200, None, None)
    assert (counted(request), counted(batch), counted(call)) == ({}, {"accepted": 2}, {"accepted": 2})
    assert 0 <= request.duration <= batch.duration <= call.duration
    assert observed.one("start").began == call.began <= batch.began <= request.began


async def test_each_try_is_told(observed: Seen, new_sepahan: Callable[..., Any], provider_http: Any) -> None:
    provider_http.post(SEND, status=429)
    provider_http.post(SEND, exception=ConnectionResetError())
    provider_http.post(SEND, payload=accepted(1))
    await new_sepahan(retry=QUICK).send(TO[:1], "متن")
    tries = observed.of("request")
    assert [(one.tries, one.error, one.http_status) for one in tries] == [
        (1, "RateLimited", 429),
        (2, "ResponseLost", None),
        (3, None, 200),
    ]
    assert (observed.one("batch").tries, observed.one("call").tries) == (3, 3)
    assert observed.one("call").error is None


async def test_every_batch_is_told_and_what_was_not_tried_has_no_tries(
    observed: Seen, new_sepahan: Callable[..., Any], provider_http: Any
) -> None:
    provider_http.post(SEND, payload=accepted(1))
    provider_http.post(SEND, status=401)
    with pytest.raises(PartialSendError):
        await new_sepahan(batch_size=1, max_concurrency=1).send(TO, "متن")
    assert [(one.tries, one.error, counted(one)) for one in observed.of("batch")] == [
        (1, None, {"accepted": 1}),
        (1, "AuthenticationError", {"rejected": 1}),
        (0, "NotAttempted", {"not_sent": 1}),
    ]
    call = observed.one("call")
    assert (call.tries, call.recipients, call.error) == (2, 3, "PartialSendError")
    assert counted(call) == {"accepted": 1, "rejected": 1, "not_sent": 1}


async def test_a_refusal_is_told_by_its_class_and_the_providers_code(
    observed: Seen, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=refused(-1))
    with pytest.raises(SMSError) as caught:
        await sepahan.send(TO[:1], "متن")
    for kind in ("request", "batch", "call"):
        assert (observed.one(kind).error, observed.one(kind).code) == (type(caught.value).__name__, -1)


@pytest.mark.parametrize("code", [9121234567, -123456, 10**30])
async def test_a_code_that_could_be_a_number_or_a_token_is_not_told(
    code: int, observed: Seen, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    provider_http.post(SEND, payload=refused(code))
    with pytest.raises(SMSError) as caught:
        await sepahan.send(TO[:1], "متن")
    assert caught.value.code == code
    assert [event.code for kind, event in observed.events if kind != "start"] == [None] * 3


async def test_a_read_counts_nobody(observed: Seen, sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.get(CREDIT, payload={"isSuccess": True, "value": 5, "error": None})
    await sepahan.credit()
    assert observed.kinds == ["start", "request", "call"]
    call = observed.one("call")
    assert (call.call, call.recipients, counted(call), call.tries) == ("credit", 0, {}, 1)


async def test_statuses_in_several_requests_are_one_call(
    observed: Seen, sepahan: AsyncSepahan, provider_http: Any
) -> None:
    url = "https://api.sepahansms.com/api/SmsReport/status"
    provider_http.post(url, payload={"isSuccess": True, "value": [2] * 100, "error": None}, repeat=True)
    await sepahan.status(range(1, 201))
    assert observed.kinds == ["start", "request", "request", "call"]
    assert (observed.one("call").call, observed.one("call").tries) == ("status", 2)


async def test_each_page_of_a_listing_is_a_call(observed: Seen, ippanel: AsyncIPPanel, provider_http: Any) -> None:
    row = {"recipient": "+989121234567", "message_status": "2"}
    for page in (1, 2):
        url = f"https://edge.ippanel.com/v1/api/report/recipients?bulk_id=7&page={page}&per_page=100"
        provider_http.get(url, payload={"data": [row], "meta": {"status": True, "last_page": 2, "current_page": page}})
    assert len([one async for one in ippanel.recipients(7)]) == 2
    assert [one.call for one in observed.of("call")] == ["recipients"] * 2


async def test_an_upload_is_told(observed: Seen, najva: AsyncNajva, provider_http: Any) -> None:
    provider_http.add(re.compile(".*upload-file"), "POST", status=500)
    with pytest.raises(SMSError):
        await najva.upload_file(b"x", filename="a.png")
    call = observed.one("call")
    assert (call.call, call.error) == ("upload_file", "ServerError")


async def test_a_send_to_nobody_known_counts_its_other_recipients(
    observed: Seen, ippanel: AsyncIPPanel, provider_http: Any
) -> None:
    url = "https://edge.ippanel.com/v1/api/send"
    provider_http.post(url, payload={"data": {"message_outbox_ids": [1]}, "meta": {"status": True}})
    segment = ippanel_sms.CountrySegment(938, 89, mci=ippanel_sms.Slice(0, 5))
    await ippanel.send_country(segment, "متن", other_recipients=TO[0])
    call = observed.one("call")
    assert (call.call, counted(call)) == ("send_country", {"accepted": 1})


async def test_a_stream_is_one_call_that_counts_bad_numbers_too(
    observed: Seen, new_sepahan: Callable[..., Any], provider_http: Any
) -> None:
    provider_http.post(SEND, payload=accepted(1), repeat=True)
    client = new_sepahan(batch_size=1)
    assert len([report async for report in client.send_stream([*TO, "021"], "متن")]) == 4
    assert observed.kinds.count("batch") == 3
    call = observed.one("call")
    assert (call.call, call.recipients, call.error) == ("send_stream", 4, None)
    assert counted(call) == {"accepted": 3, "not_sent": 1}


async def test_a_stream_that_is_closed_early_is_told_with_what_is_known(
    observed: Seen, new_sepahan: Callable[..., Any], provider_http: Any
) -> None:
    provider_http.post(SEND, payload=accepted(1), repeat=True)
    stream = new_sepahan(batch_size=1, max_concurrency=1).send_stream(TO, "متن")
    await anext(stream)
    await stream.aclose()
    call = observed.one("call")
    assert call.error == "GeneratorExit"
    assert call.counts[Outcome.ACCEPTED] >= 1
    assert sum(call.counts.values()) == call.recipients <= 3


async def test_bad_input_begins_no_call(observed: Seen, sepahan: AsyncSepahan) -> None:
    with pytest.raises(InvalidNumber):
        await sepahan.send("021", "متن")
    assert observed.events == []


# Calls that are cancelled


async def reached(moment: asyncio.Event) -> None:
    """Wait for a moment that comes at once, unless something is wrong."""
    await asyncio.wait_for(moment.wait(), 60)


class Hanging:
    """A server that reads requests and answers none; ``asked`` is set by the first."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1")
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        self.asked.set()
        await reader.read()
        writer.close()


async def test_a_cancelled_send_is_told_with_what_was_in_flight_as_unknown(
    observed: Seen, new_sepahan: Callable[..., Any]
) -> None:
    async with Hanging() as server:
        client = new_sepahan(base_url=server.url, batch_size=1, max_concurrency=1)
        sending = asyncio.create_task(client.send(TO, "متن"))
        await reached(server.asked)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert observed.one("request").error == "CancelledError"
    assert counted(observed.one("batch")) == {"unknown": 1}
    call = observed.one("call")
    assert (call.error, call.recipients, counted(call)) == ("CancelledError", 3, {"unknown": 1, "not_sent": 2})


async def test_a_batch_that_is_cancelled_before_its_request_is_told_as_not_sent(
    observed: Seen, new_sepahan: Callable[..., Any]
) -> None:
    began = asyncio.Event()

    async def journal(_: object) -> None:
        began.set()
        await asyncio.Event().wait()

    sending = asyncio.create_task(new_sepahan().send(TO, "متن", on_batch=journal))
    await reached(began)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert observed.kinds == ["start", "batch", "call"]
    assert (observed.one("batch").tries, counted(observed.one("batch"))) == (0, {"not_sent": 3})


async def test_a_call_out_of_time_and_one_whose_client_is_closed_are_told(
    observed: Seen, new_sepahan: Callable[..., Any]
) -> None:
    async with Hanging() as server:
        client = new_sepahan(base_url=server.url)
        with pytest.raises(SMSError):
            await client.with_options(timeout=Timeouts(call=0.1)).send(TO[:1], "متن")
        server.asked.clear()
        sending = asyncio.create_task(client.send(TO[:1], "متن"))
        await reached(server.asked)
        await client.aclose()
        with pytest.raises(SMSError):
            await sending
    assert [(one.error, counted(one)) for one in observed.of("call")] == [("ResponseLost", {"unknown": 1})] * 2


# Who is told


async def test_an_observer_that_was_ended_is_not_told(seen: Seen, sepahan: AsyncSepahan, provider_http: Any) -> None:
    provider_http.get(CREDIT, payload={"isSuccess": True, "value": 5, "error": None}, repeat=True)
    end = smscore.observe(seen)
    await sepahan.credit()
    end()
    end()
    await sepahan.credit()
    assert len(seen.of("call")) == 1


async def test_a_clients_own_observers_are_told_of_its_copies_and_of_no_other_client(
    seen: Seen, new_sepahan: Callable[..., Any], provider_http: Any
) -> None:
    provider_http.get(CREDIT, payload={"isSuccess": True, "value": 5, "error": None}, repeat=True)
    client = new_sepahan(observers=[seen])
    await client.with_options(sender="3000").credit()
    await new_sepahan().credit()
    assert len(seen.of("call")) == 1


async def test_an_observer_of_a_client_and_of_all_is_told_once(
    observed: Seen, new_sepahan: Callable[..., Any], provider_http: Any
) -> None:
    provider_http.get(CREDIT, payload={"isSuccess": True, "value": 5, "error": None})
    end = smscore.observe(observed)
    await new_sepahan(observers=(one for one in [observed])).credit()
    end()
    assert len(observed.of("call")) == 1


async def test_an_observer_may_have_some_of_the_methods(new_sepahan: Callable[..., Any], provider_http: Any) -> None:
    told: list[Any] = []

    class OnlyCalls:
        def call(self, event: Any) -> None:
            told.append(event)

    class Subclass(Observer):
        def batch(self, event: Any) -> None:
            told.append(event)

    provider_http.post(SEND, payload=accepted(1))
    await new_sepahan(observers=[OnlyCalls(), Subclass()]).send(TO[:1], "متن")
    assert [type(event).__name__ for event in told] == ["BatchEnded", "CallEnded"]


class _Async:
    async def call(self, event: object) -> None: ...


class _NotCallable:
    call = 1


@pytest.mark.parametrize("wrong", [None, object(), Seen, print, Observer(), _Async(), _NotCallable()])
def test_what_cannot_observe_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match="observer"):
        smscore.observe(wrong)
    for face in (AsyncSepahan, Sepahan):
        with pytest.raises(ConfigurationError, match="observer"):
            face("token", observers=[wrong])


@pytest.mark.parametrize("wrong", [None, 1, "text"])
def test_observers_that_are_no_iterable_are_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="observers="):
        AsyncSepahan("token", observers=wrong)


# Observers that raise


class Raising(Seen):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def start(self, event: Any) -> None:
        super().start(event)
        raise self.error

    request = batch = call = start


@pytest.mark.parametrize("error", [ValueError("رمز"), asyncio.CancelledError(), GeneratorExit(), StopIteration()])
async def test_an_observer_that_raises_is_logged_once_and_harms_no_send(
    error: BaseException,
    seen: Seen,
    new_sepahan: Callable[..., Any],
    provider_http: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider_http.post(SEND, payload=accepted(1), repeat=True)
    raising = Raising(error)
    client = new_sepahan(observers=[raising, seen], batch_size=1)
    for _ in range(2):
        assert (await client.send(TO, "متن")).ok
    assert len(raising.events) == len(seen.events) == 2 * (1 + 3 + 3 + 1)
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(logged) == 1
    assert all(word in logged[0] for word in ("Raising", "start", type(error).__name__))
    assert "رمز" not in caplog.text


# An observer that acts


class Alarm:
    """Sends to the one who is on duty for each call that fails."""

    def __init__(self, send: Callable[[], object]) -> None:
        self.send, self.calls = send, 0

    def call(self, event: Any) -> None:
        self.calls += 1
        if event.error is not None and self.calls < 10:
            self.send()


def test_an_observer_that_sends_while_sends_fail_ends(opened: Any, box: Sandbox) -> None:
    box.fail("expired_token", provider="sepahan")
    alarm = Alarm(lambda: sepahan.send(TO[1], "هشدار"))
    sepahan = opened(Sepahan, observers=[alarm])
    with pytest.raises(SMSError):
        sepahan.send(TO[0], "متن")
    assert alarm.calls == 1


async def test_an_observer_is_not_told_of_tasks_that_it_starts(
    new_sepahan: Callable[..., Any], provider_http: Any
) -> None:
    provider_http.post(SEND, status=401, repeat=True)
    started: list[asyncio.Task[Any]] = []
    alarm = Alarm(lambda: started.append(asyncio.create_task(sepahan.send(TO[1], "هشدار"))))
    sepahan = new_sepahan(observers=[alarm])
    for count in (1, 2):  # the next call is told again
        with pytest.raises(SMSError):
            await sepahan.send(TO[0], "متن")
        await asyncio.gather(*started, return_exceptions=True)
        assert (alarm.calls, len(started)) == (count, count)


@pytest.mark.parametrize("method", ["start", "request", "batch", "call"])
def test_an_observer_may_close_the_client_and_gets_the_truth(method: str, opened: Any, box: Sandbox) -> None:
    observer: Any = types.SimpleNamespace(**{method: lambda _: sepahan.close()})
    sepahan = opened(Sepahan, observers=[observer])
    try:
        report = sepahan.send(TO[0], "متن")
    except SMSError as error:
        report = error.report
    assert report is not None
    # A close that comes while the request is in flight leaves it unknown, whether it arrived or not.
    assert not report.not_sent or box.messages == []
    assert not report.accepted or len(box.messages) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("method", ["start", "request", "batch", "call"])
def test_ctrl_c_in_an_observer_is_the_users(error: type[BaseException], method: str, opened: Any) -> None:
    def interrupt(_: object) -> None:
        raise error

    observer = type("Interrupted", (), {method: staticmethod(interrupt)})()
    client = opened(Sepahan, observers=[observer])
    with pytest.raises(error):
        client.send(TO, "متن")
    assert client.with_options().check() is None
    other = opened(Sepahan)
    assert other.send(TO, "متن").ok  # the thread of all clients goes on


# Blocking clients


@pytest.mark.parametrize("face", [Sepahan, IPPanel, Najva])
def test_a_blocking_client_tells_the_same_in_the_thread_that_waits(face: type[Any], seen: Seen, opened: Any) -> None:
    threads: set[int] = set()

    class Here(Seen):
        def call(self, event: Any) -> None:
            threads.add(threading.get_ident())

    assert opened(face, observers=[seen, Here()]).send(TO, "متن").ok
    assert seen.kinds[0] == "start"
    assert seen.kinds[-1] == "call"
    assert counted(seen.one("call")) == {"accepted": 3}
    assert threads == {threading.get_ident()}


def test_everything_is_told_before_a_blocking_call_returns(seen: Seen, opened: Any) -> None:
    client = opened(Sepahan, observers=[seen], batch_size=1)
    for _ in range(20):
        seen.events.clear()
        client.send(TO, "متن")
        assert sorted(seen.kinds) == sorted(["start", *["request", "batch"] * 3, "call"])


def test_a_blocking_stream_is_told_to_its_end(seen: Seen, opened: Any) -> None:
    client = opened(Sepahan, observers=[seen], batch_size=1)
    assert len(list(client.send_stream([*TO, "021"], "متن"))) == 4
    call = seen.one("call")
    assert (call.call, counted(call)) == ("send_stream", {"accepted": 3, "not_sent": 1})


def test_a_blocking_stream_that_is_closed_early_is_told(seen: Seen, opened: Any) -> None:
    stream = opened(Sepahan, observers=[seen], batch_size=1, max_concurrency=1).send_stream(TO, "متن")
    next(stream)
    stream.close()
    assert seen.one("call").error == "GeneratorExit"
    assert sum(event.recipients for event in seen.of("batch")) == seen.one("call").recipients


def test_a_blocking_stream_that_is_dropped_is_told(opened: Any) -> None:
    ended = threading.Event()

    class Ended:
        def call(self, _: object) -> None:
            ended.set()

    stream = opened(Sepahan, observers=[Ended()], batch_size=1, max_concurrency=1).send_stream(TO, "متن")
    next(stream)
    del stream
    gc.collect()
    assert ended.wait(30)


def test_a_blocking_call_that_ctrl_c_ends_is_told(opened: Any, box: Sandbox) -> None:
    box.fail("delay", provider="sepahan", seconds=60)
    ended: list[Any] = []
    is_over = threading.Event()

    class Ended:
        def start(self, _: object) -> None:
            raise KeyboardInterrupt

        def call(self, event: Any) -> None:
            ended.append(event)
            is_over.set()

    with pytest.raises(KeyboardInterrupt):
        opened(Sepahan, observers=[Ended()]).send(TO, "متن")
    assert is_over.wait(30)
    assert ended[0].error == "CancelledError"


def test_an_observer_may_log_where_the_caller_holds_a_handlers_lock(opened: Any) -> None:
    """A logging handler that sends, and an observer that logs: in another thread it would wait for the lock."""

    reports: list[Any] = []

    class Texting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno == logging.ERROR:
                reports.append(client.send(TO, "متن"))

    class Logging:
        def call(self, _: object) -> None:
            log.warning("a call has ended")

    log = logging.getLogger("tests.observing")
    handler = Texting()
    log.addHandler(handler)
    client = opened(Sepahan, observers=[Logging()])
    log.error("a fault")
    log.removeHandler(handler)
    assert reports[0].ok


# Names, and what it costs


def test_every_endpoint_is_named_as_the_method_that_calls_it() -> None:
    modules = {
        AsyncSepahan: [sepahan_sms.wire],
        AsyncNajva: [najva_sms.wire],
        AsyncIPPanel: [ippanel_sms.wire, ippanel_sms.wire_account, ippanel_sms.wire_reports],
    }
    for client, places in modules.items():
        names = [one.name for place in places for one in vars(place).values() if isinstance(one, Endpoint)]
        assert names
        assert [name for name in names if not inspect.isfunction(getattr(client, name, None))] == []


def test_nobody_is_watched_where_nobody_observes(opened: Any) -> None:
    client = opened(Sepahan)
    assert client._client._caller.stop_rule("send").watch is None


def test_observe_is_a_function_also_after_its_module_was_imported() -> None:
    script = "import smscore.observing, smscore; print(callable(smscore.observe), smscore.observing.__name__)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True", "smscore.observing"]
