"""Every fault of a network and a server, met by every kind of call: how often the request arrives, and what is said.

What to expect comes from one table, and the count of complete requests from the server itself. The waits before
repeats are noted and not waited for.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import itertools
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractContextManager, ExitStack, suppress
from contextvars import ContextVar
from enum import Enum
from typing import Any, Final

import aiohttp
import attrs
import faultserver as fs
import pytest
import trustme
from attrs import frozen
from faultserver import Fault, FaultServer, Place
from virtual_time import replace_waits
from wide import one_of_each

from ippanel_sms import AsyncIPPanel, CountrySegment, IPPanel, Slice
from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import (
    ConnectionFailed,
    DuplicateRequest,
    InsufficientCredit,
    MalformedResponse,
    NotAttempted,
    Outcome,
    OutcomeUnknown,
    PartialSendError,
    ProviderError,
    RateLimited,
    ResponseLost,
    RetryPolicy,
    SendReport,
    ServerError,
    SMSError,
    Timeouts,
)

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome

NUMBERS: Final = ["09123456789", "09123456780"]
TEXT: Final = "سلام"
LARGE: Final = TEXT * 1_000_000  # 8 MB: more than the buffers between client and server take
SEGMENT: Final = CountrySegment(pre=912, province_id=8, mci=Slice(0, 10))

TWICE: Final = RetryPolicy(attempts=2, wait_initial=0, wait_max=0)
ONCE: Final = RetryPolicy.none()
PATIENT: Final = Timeouts(connect=60, read=60, total=120)  # a busy machine is no failure
# Where a server stalls; one that answers the next try may take its time on a busy machine.
PATIENCE: Final = {False: Timeouts(connect=5, read=0.15, total=10), True: Timeouts(connect=5, read=1.5, total=10)}

# What is repeated


class Kind(Enum):
    """What a call is, as far as repeating it goes."""

    READ = "changes nothing, or nothing more when repeated"
    MARKING = "hands messages out once"
    KEYLESS = "a send that the provider cannot tell from its repeat"
    KEYED = "a send with a request id"


class End(Enum):
    """How one try ends, with the error and the outcome that a send then has."""

    NEVER_LEFT = (ConnectionFailed, NOT_SENT)
    TOO_MANY = (RateLimited, REJECTED)
    LOST = (ResponseLost, UNKNOWN)
    MALFORMED = (MalformedResponse, UNKNOWN)
    UNUSABLE = (OutcomeUnknown, UNKNOWN)  # where no document says which kind of it
    FAILED = (ServerError, UNKNOWN)
    REFUSED = (ProviderError, REJECTED)
    GOOD = (None, ACCEPTED)

    @property
    def error(self) -> type[SMSError] | None:
        return self.value[0]

    @property
    def outcome(self) -> Outcome:
        return self.value[1]


NO_USABLE_ANSWER: Final = (End.LOST, End.MALFORMED, End.UNUSABLE)

AGAIN, NEVER = True, False
COLUMNS: Final = ((End.NEVER_LEFT,), (End.TOO_MANY,), NO_USABLE_ANSWER, (End.FAILED,))
TABLE: Final = {
    #             never left  429  no usable answer  5xx
    Kind.READ: (AGAIN, AGAIN, AGAIN, AGAIN),
    Kind.MARKING: (AGAIN, AGAIN, NEVER, NEVER),
    Kind.KEYLESS: (AGAIN, AGAIN, NEVER, NEVER),
    Kind.KEYED: (AGAIN, AGAIN, AGAIN, AGAIN),
}


def is_repeated(kind: Kind, end: End) -> bool:
    return any(again for again, ends in zip(TABLE[kind], COLUMNS, strict=True) if end in ends)


# The calls


@frozen
class Call:
    """A call of one request, made alike on the async and the blocking face."""

    name: str
    faces: tuple[type, type]
    kind: Kind
    make: Callable[[Any], Any]
    make_large: Callable[[Any], Any] | None = None
    to: tuple[str, ...] = tuple(NUMBERS)

    @property
    def sends(self) -> bool:
        return self.kind in (Kind.KEYLESS, Kind.KEYED)

    def __str__(self) -> str:
        return f"{self.faces[1].__name__}.{self.name}"


SEPAHAN, IPPANEL, NAJVA = (AsyncSepahan, Sepahan), (AsyncIPPanel, IPPanel), (AsyncNajva, Najva)
SENDERS: Final = {SEPAHAN: "50003300", IPPANEL: "+983000505", NAJVA: "90000123"}

CALLS: Final = [
    Call("send", SEPAHAN, Kind.KEYED, lambda c: c.send(NUMBERS, TEXT), lambda c: c.send(NUMBERS, LARGE)),
    Call(
        "send_p2p",
        SEPAHAN,
        Kind.KEYED,
        lambda c: c.send_p2p([(number, TEXT) for number in NUMBERS]),
        lambda c: c.send_p2p([(number, LARGE) for number in NUMBERS]),
    ),
    Call("credit", SEPAHAN, Kind.READ, lambda c: c.credit()),
    Call("status", SEPAHAN, Kind.READ, lambda c: c.status([1, 2])),
    Call("check_request_id", SEPAHAN, Kind.READ, lambda c: c.check_request_id("order-7")),
    Call("receive", SEPAHAN, Kind.MARKING, lambda c: c.receive()),
    Call("receive(mark_as_read=False)", SEPAHAN, Kind.READ, lambda c: c.receive(mark_as_read=False)),
    Call("send", IPPANEL, Kind.KEYLESS, lambda c: c.send(NUMBERS, TEXT), lambda c: c.send(NUMBERS, LARGE)),
    Call(
        "send_country",
        IPPANEL,
        Kind.KEYLESS,
        lambda c: c.send_country(SEGMENT, TEXT),
        lambda c: c.send_country(SEGMENT, LARGE),
    ),
    Call(
        "send_pattern",
        IPPANEL,
        Kind.KEYLESS,
        lambda c: c.send_pattern(NUMBERS[0], "otp", {"code": "04521"}),
        to=(NUMBERS[0],),
    ),
    Call("send", NAJVA, Kind.KEYLESS, lambda c: c.send(NUMBERS, TEXT), lambda c: c.send(NUMBERS, LARGE)),
    Call(
        "send_p2p",
        NAJVA,
        Kind.KEYLESS,
        lambda c: c.send_p2p([(number, TEXT) for number in NUMBERS]),
        lambda c: c.send_p2p([(number, LARGE) for number in NUMBERS]),
    ),
    Call(
        "send_pattern",
        NAJVA,
        Kind.KEYLESS,
        lambda c: c.send_pattern(NUMBERS[0], "login", {"token": "04521"}),
        to=(NUMBERS[0],),
    ),
    Call("status", NAJVA, Kind.READ, lambda c: c.status([1, 2])),
    Call(
        "upload_file",
        NAJVA,
        Kind.READ,
        lambda c: c.upload_file(b"x" * 1000, filename="a.png"),
        lambda c: c.upload_file(b"x" * 8_000_000, filename="a.png"),
    ),
    Call("outbox", NAJVA, Kind.READ, lambda c: c.outbox()),
]
RECEIVE: Final = tuple(call.name for call in CALLS if call.name.startswith("receive"))
LARGE_CALLS: Final = [call for call in CALLS if call.make_large is not None]


def distinct(call: Call) -> tuple[Kind, bool]:
    """What two calls must share to meet a fault alike: what may be repeated, and whether the body is a form."""
    return call.kind, call.name == "upload_file"


every_call = pytest.mark.parametrize("call", one_of_each(CALLS, distinct), ids=str)
every_large_call = pytest.mark.parametrize("call", one_of_each(LARGE_CALLS, distinct), ids=str)

# One run: a call on one face, and what came of it


@frozen
class Verdict:
    """What came of a call, by the server's count and by what the caller was told."""

    complete: int
    tries: int
    error: type[SMSError] | None
    outcome: Outcome | None
    """Of all recipients alike; None for a call that sends nothing."""
    has_ids: bool | None = None
    """Whether the recipients of a send that was accepted have message ids."""
    waited: tuple[int, ...] = ()
    """Before each repeat, in whole tens of seconds rounded up."""


_waits: ContextVar[list[float]] = ContextVar("_waits")
_on_wait: ContextVar[Callable[[], object]] = ContextVar("_on_wait", default=lambda: None)


@pytest.fixture(autouse=True)
def noted_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits before repeats are noted, each for its own call, and take no time."""

    async def wait(seconds: float) -> None:
        _waits.get().append(seconds)
        _on_wait.get()()
        await asyncio.sleep(0)

    replace_waits(monkeypatch, wait)
    monkeypatch.setattr("smscore.calls.transport.MAX_ANSWER_BYTES", 1_000_000)
    _waits.set([])


Face = Callable[[Call, Callable[[Any], Any], dict[str, Any]], Awaitable[Any]]


async def on_the_async_face(call: Call, make: Callable[[Any], Any], options: dict[str, Any]) -> Any:
    async with call.faces[0]("token", sender=SENDERS[call.faces], **options) as client:
        return await make(client)


async def on_the_blocking_face(call: Call, make: Callable[[Any], Any], options: dict[str, Any]) -> Any:
    def use() -> Any:
        with call.faces[1]("token", sender=SENDERS[call.faces], **options) as client:
            return make(client)

    return await asyncio.to_thread(use)


async def on_a_borrowed_session(call: Call, make: Callable[[Any], Any], options: dict[str, Any]) -> Any:
    async with aiohttp.ClientSession() as session:
        return await on_the_async_face(call, make, {**options, "session": session})


FACES: Final[dict[str, Face]] = {
    "async": on_the_async_face,
    "blocking": on_the_blocking_face,
    "borrowed session": on_a_borrowed_session,
}


def in_tens(seconds: float) -> int:
    return -int(-seconds // 10)


async def verdict(
    face: Face,
    call: Call,
    place: FaultServer | Place,
    *,
    retry: RetryPolicy,
    timeouts: Timeouts = PATIENT,
    make: Callable[[Any], Any] | None = None,
    **options: Any,
) -> Verdict:
    """What comes of a call there; what every answer must keep to is checked on the way."""
    waits: list[float] = []
    _waits.set(waits)
    options = {"base_url": place.url, "retry": retry, "timeout": timeouts, **options}
    result, error = None, None
    try:
        result = await face(call, make or call.make, options)
    except SMSError as raised:
        error = raised
    waited = tuple(map(in_tens, waits))
    tries = 1 + len(waits)
    if isinstance(place, FaultServer):
        await place.settled(tries)
        assert place.begun == tries
        bodies = {request.body for request in place.requests}
        # A form takes a new boundary each time.
        assert all(b"x" * 1000 in body for body in bodies) if call.name == "upload_file" else len(bodies) <= 1
    if not call.sends:
        assert error is None or error.outcome is None
        return Verdict(place.count(), tries, type(error) if error else None, None, waited=waited)
    report = error.report if error else result
    if not isinstance(report, SendReport):
        outcome = error.outcome if error else ACCEPTED
        return Verdict(place.count(), tries, type(error) if error else None, outcome, error is None or None, waited)
    (outcome,) = {row.outcome for row in report}
    assert [row.recipient for row in report] == ["+98" + number[1:] for number in call.to]
    assert error is None or error.outcome is outcome
    ids = [row.message_id for row in report]
    if isinstance(place, FaultServer):
        assert place.books.contradictions(report) == []
    has_ids = None not in ids if outcome is ACCEPTED else None
    return Verdict(place.count(), tries, type(error) if error else None, outcome, has_ids, waited)


# What to expect


@frozen
class Case:
    """A fault and how it ends a try; ``odd`` are calls to which it is no fault."""

    fault: Fault
    end: End
    odd: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.fault.name


def expected(call: Call, case: Case, *, attempts: int, then_good: bool) -> Verdict:
    """What the table makes of a fault that meets every try, or the first one only."""
    fault, end = case.fault, case.end
    tries = attempts if is_repeated(call.kind, end) else 1
    waited = (in_tens(fault.retry_after or 0),) * (tries - 1)
    complete = tries * fault.reads
    if then_good and tries > 1:
        # A send that was taken before is known by its id, and its repeat is refused as a duplicate.
        has_ids = not (call.kind is Kind.KEYED and fault.takes) if call.sends else None
        return Verdict(tries - 1 + fault.reads, tries, None, ACCEPTED if call.sends else None, has_ids, waited)
    has_ids = True if call.sends and end is End.GOOD else None
    return Verdict(complete, tries, end.error, end.outcome if call.sends else None, has_ids, waited)


def each_scenario() -> Iterable[tuple[str, Face, RetryPolicy, bool]]:
    for name, face in FACES.items():
        yield f"{name}, no repeats", face, ONCE, False
        yield f"{name}, at every try", face, TWICE, False
        yield f"{name}, at the first try", face, TWICE, True


async def in_every_scenario(call: Call, case: Case, *, make: Callable[[Any], Any] | None = None) -> None:
    """All faces at once, each with a server of its own."""
    runs: dict[str, Coroutine[Any, Any, Verdict]] = {}
    wanted: dict[str, Verdict] = {}
    with ExitStack() as servers:
        for name, face, retry, then_good in each_scenario():
            server = servers.enter_context(FaultServer([case.fault] if then_good else case.fault))
            timeouts = PATIENCE[then_good] if case.fault.stalls else PATIENT
            runs[name] = verdict(face, call, server, retry=retry, timeouts=timeouts, make=make)
            wanted[name] = expected(call, case, attempts=retry.attempts, then_good=then_good)
        found = dict(zip(runs, await asyncio.gather(*runs.values()), strict=True))
    assert found == {name: of_the_kind_found(one, found[name].error) for name, one in wanted.items()}


def of_the_kind_found(wanted: Verdict, found: type[SMSError] | None) -> Verdict:
    """Any kind of OutcomeUnknown does where no document names one."""
    fits = wanted.error is OutcomeUnknown and found is not None and issubclass(found, OutcomeUnknown)
    return attrs.evolve(wanted, error=found) if fits else wanted


CASES: Final = [
    Case(fs.GOOD, End.GOOD),
    Case(fs.TRICKLE, End.GOOD),
    Case(fs.CONTINUE, End.GOOD),
    Case(fs.LONG_HEADER, End.GOOD),
    Case(fs.MANY_HEADERS, End.GOOD),
    Case(fs.STALL_UNREAD, End.LOST),
    Case(fs.STALL, End.LOST),
    Case(fs.FIN_UNREAD, End.LOST),
    Case(fs.RST_UNREAD, End.LOST),
    Case(fs.hang_up_after(10), End.LOST),
    Case(fs.reset_after(10), End.LOST),
    Case(fs.FIN, End.LOST),
    Case(fs.RST, End.LOST),
    Case(fs.CUT_STATUS_LINE, End.LOST),
    Case(fs.CUT_HEADERS, End.LOST),
    Case(fs.CUT_BODY, End.LOST),
    Case(fs.CUT_CHUNKS, End.LOST),
    Case(fs.CONTINUE_THEN_FIN, End.LOST),
    Case(fs.GARBAGE, End.UNUSABLE),
    Case(fs.TOO_LONG_HEADER, End.MALFORMED),
    Case(fs.TOO_MANY_HEADERS, End.MALFORMED),
    Case(fs.NO_GZIP, End.UNUSABLE),
    Case(fs.SWITCHING, End.UNUSABLE),
    Case(fs.STATUS_999, End.UNUSABLE),
    Case(fs.HTML_200, End.MALFORMED),
    Case(fs.NOT_JSON, End.MALFORMED),
    Case(fs.EMPTY_200, End.MALFORMED),
    Case(fs.NO_CONTENT, End.MALFORMED),
    Case(fs.WRONG_PAYLOAD, End.MALFORMED),
    # What Receive hands out it hands out once: an odd row still reaches the caller, and no list is no messages.
    Case(fs.WRONG_SCALARS, End.MALFORMED, odd=RECEIVE),
    Case(fs.ENTRY_MISSING, End.MALFORMED, odd=RECEIVE),
    Case(fs.NO_PAYLOAD, End.MALFORMED),
    Case(fs.NESTED, End.MALFORMED),
    Case(fs.OVER_THE_CAP, End.MALFORMED),
    Case(fs.GZIP_BOMB, End.MALFORMED),
    *(Case(fault, End.REFUSED) for fault in fs.REDIRECTS),
    Case(fs.TOO_MANY_SECONDS, End.TOO_MANY),
    Case(fs.TOO_MANY_DATE, End.TOO_MANY),
    Case(fs.TOO_MANY, End.TOO_MANY),
    Case(fs.ERROR_500, End.FAILED),
    Case(fs.ERROR_500_EMPTY, End.FAILED),
    Case(fs.ERROR_500_UNDONE, End.FAILED),
    Case(fs.ERROR_502, End.FAILED),
    Case(fs.ERROR_503, End.FAILED),
]


@every_call
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_fault_ends_as_the_table_says(case: Case, call: Call) -> None:
    if call.name in case.odd:
        case = Case(case.fault, End.GOOD)
    await in_every_scenario(call, case)


@every_large_call
@pytest.mark.parametrize("fault", [fs.hang_up_after(100_000), fs.reset_after(100_000)], ids=str)
async def test_a_connection_that_breaks_in_the_middle_of_a_large_body_may_have_carried_it(
    fault: Fault, call: Call
) -> None:
    await in_every_scenario(call, Case(fault, End.LOST), make=call.make_large)


class SlowOnce(io.BytesIO):
    """A file whose first read ends when it is told to, and before any other one begins."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.go_on = threading.Event()
        self._first_is_over = threading.Event()
        self._reads = itertools.count(1)

    def read(self, size: int | None = -1, /) -> bytes:
        if not size:
            return b""
        if next(self._reads) > 1:
            self._first_is_over.wait(30)
            return super().read(size)
        self.go_on.wait(30)
        try:
            return super().read(size)
        finally:
            self._first_is_over.set()


async def test_a_read_of_an_upload_that_was_given_up_moves_nothing_of_the_next() -> None:
    content = bytes(range(256)) * 4
    file = SlowOnce(content)
    with FaultServer([fs.reset_after(100)]) as server:
        async with AsyncNajva("token", base_url=server.url, retry=TWICE, timeout=PATIENT) as client:
            uploading = asyncio.create_task(client.upload_file(file, filename="a.png"))
            while server.begun < 2:  # noqa: ASYNC110  # the server tells by its count alone
                await asyncio.sleep(0.005)
            file.go_on.set()
            assert await uploading == "f-1"
        assert content in server.requests[0].body


@pytest.mark.parametrize("fault", [fs.STALL_UNREAD, fs.FIN_UNREAD], ids=str)
async def test_a_large_body_that_nobody_reads_ends_with_the_time_for_the_request(fault: Fault) -> None:
    with ExitStack() as servers:
        runs = {
            str(call): verdict(
                on_the_async_face,
                call,
                servers.enter_context(FaultServer(fault)),
                retry=ONCE,
                timeouts=Timeouts(total=2),
                make=call.make_large,
            )
            for call in LARGE_CALLS
        }
        found = dict(zip(runs, await asyncio.gather(*runs.values()), strict=True))
    assert found == {str(call): Verdict(0, 1, ResponseLost, UNKNOWN if call.sends else None) for call in LARGE_CALLS}


@every_large_call
async def test_a_large_body_arrives_whole(call: Call) -> None:
    await in_every_scenario(call, Case(fs.GOOD, End.GOOD), make=call.make_large)


@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
@pytest.mark.parametrize("fault", [fs.TOO_LONG_HEADER, fs.TOO_MANY_HEADERS], ids=str)
async def test_headers_beyond_64_kib_are_named_as_the_reason(fault: Fault, face: Face) -> None:
    call = CALLS[0]
    with FaultServer(fault) as server:
        options = {"base_url": server.url, "retry": ONCE, "timeout": PATIENT}
        with pytest.raises(MalformedResponse, match="the headers of the answer are larger than 64 KiB"):
            await face(call, call.make, options)


@every_call
@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
@pytest.mark.parametrize("fault", fs.REDIRECTS, ids=str)
async def test_a_redirect_is_not_followed(fault: Fault, face: Face, call: Call) -> None:
    with FaultServer(fault) as server:
        await verdict(face, call, server, retry=TWICE)
        assert server.count(fs.ELSEWHERE) == 0
        assert server.count() == 1


# Connections used before


def twice(
    call: Call,
    between: Callable[[], object],
    *,
    turns: int = 0,
    then: Callable[[Any], Any] | None = None,
    first_may_fail: bool = False,
) -> Callable[[Any], Any]:
    """The call made once and then again, on either face; what comes of the second is what counts.

    ``turns``: how often the event loop runs between the two.
    """
    ignored = (ResponseLost,) if first_may_fail else ()
    again = then or call.make

    def make(client: Any) -> Any:
        first = None
        with suppress(*ignored):
            first = call.make(client)
        if not inspect.isawaitable(first):
            between()
            return again(client)
        return finish(client, first)

    async def finish(client: Any, first: Awaitable[Any]) -> Any:
        with suppress(*ignored):
            await first
        between()
        for _ in range(turns):
            await asyncio.sleep(0)
        return await again(client)

    return make


@every_call
@pytest.mark.parametrize("retry", [ONCE, TWICE], ids=["no repeats", "one repeat"])
@pytest.mark.parametrize("fault", [fs.FIN, fs.RST, fs.FIN_UNREAD, fs.RST_UNREAD, fs.CUT_BODY], ids=str)
async def test_a_kept_connection_that_breaks_at_the_next_request_is_the_same_fault(
    fault: Fault, retry: RetryPolicy, call: Call
) -> None:
    alone = expected(call, Case(fault, End.LOST), attempts=retry.attempts, then_good=False)
    for face in FACES.values():
        with FaultServer([fs.GOOD, fault, fault]) as server:
            options = {"base_url": server.url, "retry": retry, "timeout": PATIENT}
            with pytest.raises(ResponseLost) as caught:
                await face(call, twice(call, lambda: None), options)
            assert caught.value.outcome is alone.outcome
            assert server.count() == 1 + alone.complete
            assert server.begun == 1 + alone.tries


@every_call
@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
async def test_a_connection_closed_while_idle_costs_no_try(face: Face, call: Call) -> None:
    with FaultServer() as server:
        options = {"base_url": server.url, "retry": ONCE, "timeout": PATIENT}
        await face(call, twice(call, server.close_idle), options)
        assert server.count() == server.begun == 2


@every_call
@pytest.mark.parametrize("words", fs.UNASKED.values(), ids=fs.UNASKED)
async def test_what_lies_on_an_idle_connection_is_not_an_answer(
    words: Callable[[fs.Connection], bytes], call: Call
) -> None:
    for (name, face), is_seen in itertools.product(FACES.items(), (False, True)):
        with FaultServer() as server:
            first = twice(call, lambda: server.speak_unasked(words), turns=5 * is_seen)
            found = await verdict(face, call, Place(server.url, server.count), retry=ONCE, make=first)
            assert (found.error, found.outcome) == (None, ACCEPTED if call.sends else None), name
            assert (server.count(), server.begun) == (2, 2), name
            assert server.connections == 2


@every_call
@pytest.mark.parametrize("fault", [fs.TWICE_AT_ONCE, fs.AND_A_HALF, fs.AND_GARBAGE, fs.TRAILERS], ids=str)
async def test_what_comes_with_an_answer_is_not_part_of_the_next(fault: Fault, call: Call) -> None:
    for name, face in FACES.items():
        with FaultServer([fault]) as server:
            options = {"base_url": server.url, "retry": ONCE, "timeout": PATIENT}
            may_fail = fault is fs.AND_GARBAGE  # it may cost the answer that it came with
            await face(call, twice(call, lambda: None, first_may_fail=may_fail), options)
            assert server.count() == 2, name


@pytest.mark.parametrize("call", one_of_each([call for call in LARGE_CALLS if call.sends], distinct), ids=str)
async def test_a_success_before_the_request_was_written_does_not_answer_it(call: Call) -> None:
    for face in FACES.values():
        with FaultServer([fs.GOOD, fs.EARLY_SUCCESS]) as server:
            options = {"base_url": server.url, "retry": ONCE, "timeout": PATIENT}
            with pytest.raises(ResponseLost) as caught:
                await face(call, twice(call, lambda: None, then=call.make_large), options)
            assert caught.value.outcome is UNKNOWN
            assert server.count() == 1


@every_large_call
@pytest.mark.parametrize("fault", [fs.EARLY_413, fs.EARLY_401], ids=str)
async def test_a_refusal_before_the_request_was_written_is_believed(fault: Fault, call: Call) -> None:
    for face in FACES.values():
        with FaultServer(fault) as server:
            options = {"base_url": server.url, "retry": TWICE, "timeout": PATIENT}
            with pytest.raises(ProviderError) as caught:
                await face(call, call.make_large, options)
            assert caught.value.http_status in (401, 413)
            assert caught.value.outcome is (REJECTED if call.sends else None)
            assert (server.begun, server.count()) == (1, 0)


@every_large_call
async def test_a_100_in_the_middle_of_a_request_is_not_an_answer(call: Call) -> None:
    await in_every_scenario(call, Case(fs.CONTINUE_EARLY, End.GOOD), make=call.make_large)


@every_call
async def test_a_server_that_speaks_first_was_not_asked(call: Call) -> None:
    for face in FACES.values():
        with fs.talkative(fs.http(503, b"")) as place:
            found = await verdict(face, call, place, retry=ONCE)
        # Whether its words or the request come first is for the network to say.
        assert found.error in (ConnectionFailed, ServerError)
        assert found.outcome is (found.error.default_outcome if call.sends else None)


# Places that no request reaches


def untrusted_tls() -> AbstractContextManager[Place]:
    return fs.tls_server(trustme.CA())


UNREACHED: Final = {
    "a refused connection": (fs.refusing_port, PATIENT),
    "a name that does not resolve": (fs.no_such_host, PATIENT),
    "an untrusted certificate": (untrusted_tls, PATIENT),
    "a TLS handshake that never ends": (fs.silent_tls, Timeouts(connect=0.15)),
    "a connect that gets no answer": (fs.full_backlog, Timeouts(connect=0.15)),
}


@pytest.mark.parametrize(("reach", "timeouts"), UNREACHED.values(), ids=UNREACHED)
async def test_a_request_that_never_left_is_tried_again_and_was_not_sent(
    reach: Callable[[], AbstractContextManager[Place]], timeouts: Timeouts
) -> None:
    runs: dict[str, Coroutine[Any, Any, Verdict]] = {}
    wanted: dict[str, Verdict] = {}
    with reach() as place:
        for call, (name, face), retry in itertools.product(CALLS, FACES.items(), (ONCE, TWICE)):
            run = f"{call}, {name}, {retry.attempts} tries"
            runs[run] = verdict(face, call, place, retry=retry, timeouts=timeouts)
            wanted[run] = expected(call, UNSENT, attempts=retry.attempts, then_good=False)
        found = dict(zip(runs, await asyncio.gather(*runs.values()), strict=True))
    assert found == wanted


async def nothing(_: fs.Connection) -> None: ...


UNSENT: Final = Case(Fault("never left", nothing, reads=False), End.NEVER_LEFT)


@every_call
@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
async def test_a_refused_connection_that_opens_later_carries_the_request_once(face: Face, call: Call) -> None:
    with FaultServer(listening=False) as server:
        _on_wait.set(server.listen)
        _waits.set(waits := [])
        await face(call, call.make, {"base_url": server.url, "retry": TWICE, "timeout": PATIENT})
        assert len(waits) == 1
        assert server.count() == server.begun == 1


@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
async def test_a_server_whose_certificate_the_caller_trusts_is_reached(face: Face) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with fs.tls_server(authority) as place:
        found = await verdict(face, CALLS[0], place, retry=ONCE, ssl=context)
    assert found == Verdict(1, 1, None, ACCEPTED, has_ids=True)


@every_call
@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
async def test_a_connection_closed_as_soon_as_it_opens_is_never_told_of_as_arrived(face: Face, call: Call) -> None:
    with FaultServer(greets=False) as server:
        found = await verdict(face, call, Place(server.url, server.count), retry=ONCE)
    assert found.complete == 0
    assert found.error in (ConnectionFailed, ResponseLost)
    assert found.outcome is (found.error.default_outcome if call.sends else None)


# Sepahan, whose sends carry an id

REFUSES: Final = {code: fs.replies(f"refused with {code}", fs.sepahan_refusal(code)) for code in (-1, -4, -14, -20)}
LOST: Final = [fs.FIN, fs.RST, fs.CUT_BODY, fs.HTML_200, fs.ERROR_500, fs.FIN_UNREAD]


async def sent(server: FaultServer, *, numbers: Iterable[str] = NUMBERS, attempts: int = 2, **options: Any) -> Any:
    """The report of a Sepahan send and the error that came with it, None if none did."""
    settings = {"sender": "50003300", "base_url": server.url, "timeout": PATIENT, "max_concurrency": 1}
    retry = RetryPolicy(attempts=attempts, wait_initial=0, wait_max=0)
    async with AsyncSepahan("token", **settings, retry=retry, **options) as client:
        try:
            return await client.send(numbers, TEXT), None
        except SMSError as error:
            return error.report, error


def ids_and_bodies(server: FaultServer) -> list[tuple[str | None, bytes]]:
    return [(request.request_id, request.body) for request in server.requests]


def outcomes(report: SendReport) -> list[Outcome]:
    return [row.outcome for row in report]


@pytest.mark.parametrize("lost", [fault for fault in LOST if fault.reads], ids=str)
async def test_a_duplicate_after_a_lost_answer_means_that_the_first_try_arrived(lost: Fault) -> None:
    with FaultServer([lost, REFUSES[-20]]) as server:
        report, error = await sent(server)
        first, second = ids_and_bodies(server)
    assert error is None
    assert report.ok
    assert [row.message_id for row in report] == [None, None]
    assert {row.request_id for row in report} == {first[0]}
    assert first == second


@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
async def test_both_names_of_the_id_are_the_same_at_every_try(face: Face) -> None:
    with FaultServer([fs.RST, fs.ERROR_500_UNDONE, fs.FIN]) as server:
        retry = RetryPolicy(attempts=4, wait_initial=0, wait_max=0)
        await face(CALLS[0], CALLS[0].make, {"base_url": server.url, "retry": retry, "timeout": PATIENT})
        ids = [(request.headers["requestid"], request.headers["request-id"]) for request in server.requests]
    assert len(ids) == 4
    assert len({name for pair in ids for name in pair}) == 1


async def test_a_duplicate_after_a_refused_connection_is_the_callers_own() -> None:
    with FaultServer(REFUSES[-20], listening=False) as server:
        _on_wait.set(server.listen)
        report, error = await sent(server)
        assert server.count() == 1
    assert type(error) is DuplicateRequest
    assert outcomes(report) == [REJECTED, REJECTED]


@pytest.mark.parametrize("fault", [fs.TOO_MANY, fs.TOO_MANY_SECONDS, fs.TOO_MANY_DATE], ids=str)
async def test_a_duplicate_after_a_429_is_the_callers_own(fault: Fault) -> None:
    with FaultServer([fault, REFUSES[-20]]) as server:
        report, error = await sent(server)
        assert server.count() == 2
    assert type(error) is DuplicateRequest
    assert outcomes(report) == [REJECTED, REJECTED]


async def test_a_duplicate_at_the_first_try_is_the_callers_own() -> None:
    with FaultServer([REFUSES[-20]]) as server:
        _, error = await sent(server)
        assert server.count() == 1
    assert type(error) is DuplicateRequest


@pytest.mark.parametrize("between", [[fs.TOO_MANY], [fs.FIN_UNREAD], [fs.TOO_MANY, fs.TOO_MANY]], ids=str)
async def test_a_duplicate_after_a_lost_answer_and_more_is_still_our_own(between: list[Fault]) -> None:
    with FaultServer([fs.RST, *between, REFUSES[-20]]) as server:
        report, error = await sent(server, attempts=2 + len(between))
        assert server.begun == 2 + len(between)
    assert error is None
    assert outcomes(report) == [ACCEPTED, ACCEPTED]


@pytest.mark.parametrize("lost", LOST, ids=str)
@pytest.mark.parametrize(
    ("refusal", "words", "fatal"),
    [
        (REFUSES[-1], "code -1", True),
        (REFUSES[-14], "code -14", True),
        (REFUSES[-4], "code -4", False),
        (fs.TOO_MANY, "429", False),
        (fs.REDIRECTS[0], "301", False),
    ],
    ids=["-1", "-14", "-4", "429", "301"],
)
async def test_a_refusal_of_a_repeat_leaves_unknown_what_became_of_the_first_try(
    lost: Fault, refusal: Fault, words: str, fatal: bool
) -> None:
    with FaultServer([lost, refusal]) as server:
        report, error = await sent(server, batch_size=1)
        assert server.count() == lost.reads + 1 + (not fatal)
        assert server.books.contradictions(report) == []
    assert isinstance(error, PartialSendError)
    assert type(report[0].error) is OutcomeUnknown
    assert any(words in detail for detail in report[0].error.details)
    assert outcomes(report) == [UNKNOWN, NOT_SENT if fatal else ACCEPTED]
    assert isinstance(report[1].error, NotAttempted if fatal else type(None))


async def test_a_repeat_that_is_refused_a_connection_leaves_the_first_try_unknown() -> None:
    with FaultServer([fs.RST]) as server:
        _on_wait.set(server.refuse)
        report, error = await sent(server)
        assert server.count() == 1
    assert isinstance(error, OutcomeUnknown)
    assert outcomes(report) == [UNKNOWN, UNKNOWN]


async def test_a_500_and_then_a_success_is_accepted_with_ids() -> None:
    with FaultServer([fs.ERROR_500_UNDONE]) as server:
        report, error = await sent(server)
        first, second = ids_and_bodies(server)
        assert server.books.taken == 2
    assert error is None
    assert report.ok
    assert len(report.message_ids) == 2
    assert first == second


@every_call
@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
async def test_a_success_is_never_repeated(face: Face, call: Call) -> None:
    with FaultServer([fs.GOOD, fs.ERROR_500]) as server:
        assert (await verdict(face, call, server, retry=RetryPolicy())).complete == 1


@pytest.mark.parametrize("code", [-1, -4, -14])
async def test_a_refusal_is_never_repeated(code: int) -> None:
    with FaultServer(REFUSES[code]) as server:
        report, error = await sent(server)
        assert server.count() == 1
    assert type(error) is not PartialSendError
    assert outcomes(report) == [REJECTED, REJECTED]


async def test_a_fatal_refusal_stops_the_batches_that_have_not_started() -> None:
    with FaultServer(books=fs.Books(credit=2)) as server:
        report, error = await sent(server, numbers=[f"0912000000{n}" for n in range(6)], batch_size=1)
        assert server.count() == 3
        assert server.books.contradictions(report) == []
    assert isinstance(error, PartialSendError)
    assert outcomes(report) == [ACCEPTED, ACCEPTED, REJECTED, NOT_SENT, NOT_SENT, NOT_SENT]
    assert type(report[2].error) is InsufficientCredit


async def test_a_token_refused_after_a_lost_answer_reaches_the_server_no_more() -> None:
    with FaultServer([fs.RST, *[REFUSES[-1]] * 10]) as server:
        report, _ = await sent(server, numbers=[f"0912000000{n}" for n in range(5)], batch_size=1)
        assert server.count() == 2
    assert outcomes(report) == [UNKNOWN] + [NOT_SENT] * 4


# Singly refused, and answers that leave somebody out


async def test_the_refusals_of_single_recipients_are_lost_with_the_answer() -> None:
    with FaultServer([fs.RST], books=fs.Books(refused=frozenset({"+989123456780"}))) as server:
        report, error = await sent(server)
        assert server.books.contradictions(report) == []
        assert server.books.taken == 1
    assert error is None
    assert [row.message_id for row in report] == [None, None]


async def test_an_entry_missing_for_one_recipient_leaves_that_one_unknown() -> None:
    last_left_out = fs.spoils("the last entry missing", lambda entries: entries[:-1])
    with FaultServer(last_left_out) as server:
        async with AsyncNajva("token", sender="90000123", base_url=server.url, retry=TWICE) as client:
            with pytest.raises(PartialSendError) as caught:
                await client.send(NUMBERS, TEXT)
        assert server.count() == 1
        assert server.books.contradictions(caught.value.report) == []
    assert outcomes(caught.value.report) == [ACCEPTED, UNKNOWN]
    assert type(caught.value.report[1].error) is MalformedResponse


# An outage


@pytest.mark.parametrize("face", FACES.values(), ids=FACES)
async def test_a_server_that_takes_and_never_answers_gets_three_batches_of_a_long_list(face: Face) -> None:
    numbers = [f"0912000{n:04}" for n in range(50)]
    options = {"retry": ONCE, "timeout": PATIENT, "batch_size": 5, "max_concurrency": 1}
    for call in (CALLS[0], CALLS[7], CALLS[9]):
        with FaultServer(fs.RST) as server:
            with pytest.raises(PartialSendError) as caught:
                await face(call, lambda client: client.send(numbers, TEXT), {"base_url": server.url, **options})
            assert server.count() == 3
            assert server.books.contradictions(caught.value.report) == []
        assert outcomes(caught.value.report) == [UNKNOWN] * 15 + [NOT_SENT] * 35
