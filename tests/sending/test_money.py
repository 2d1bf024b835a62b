"""A model of the provider's money: whatever goes wrong, what the client says of each recipient fits what was charged.

The network is in memory: it takes the place of the client's transport, and gives what the real one gives, an
``Answer`` with a status, a body and ``Retry-After``, or a ``NoAnswer`` that says whether the request may have left.
What the provider does with a request is decided apart from what the client learns of it.

``HYPOTHESIS_PROFILE=thorough`` runs 2,000 examples.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final, TypeVar

import attrs
from attrs import define, field, frozen
from faultserver import Books, Received, as_json, international, told_by
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import (
    BatchEvent,
    DuplicateRequest,
    InvalidRequest,
    NotAttempted,
    Outcome,
    PartialSendError,
    RetryPolicy,
    SendReport,
    SMSError,
)
from smscore.config import Timeouts
from smscore.wire.endpoint import Answer, NoAnswer, Request

T = TypeVar("T")

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome

EXAMPLES: Final = {"default": 200, "thorough": 2_000}
PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "default")

NUMBERS: Final = [f"0912000{n:04}" for n in range(40)]
REFUSED: Final = frozenset(map(international, NUMBERS[:4]))  # the provider refuses these one by one

# The network


@frozen
class Event:
    """What happens to one request: whether it arrives, and what comes back.

    ``turns`` are turns of the loop until then, so that requests overtake one another. ``late_ones_first``: what is
    still on its way arrives before it.
    """

    arrives: str  # "now", "late" (after the client has given up on it) or "never"
    back: str
    turns: int = 0
    late_ones_first: bool = False


GOOD: Final = Event("now", "the answer")
HTML: Final = b"<html><body>busy</body></html>"

# What may come back, by when the request arrives. A refusal is of a request that the provider did not take.
BACK: Final = {
    "now": ["the answer", "nothing", "500", "503 with Retry-After", "HTML", "half of the answer", "999", "nobody"],
    "late": ["nothing", "500", "HTML"],
    "never": ["nothing", "no connection", "429", "429 with Retry-After", "500", "301", "400", "401"],
}
events = st.sampled_from(sorted(BACK)).flatmap(
    lambda arrives: st.builds(Event, st.just(arrives), st.sampled_from(BACK[arrives]), st.integers(0, 4), st.booleans())
)


def of_any_length(of: st.SearchStrategy[T], least: int, most: int) -> st.SearchStrategy[list[T]]:
    """Lists that are as often long as short, where hypothesis' own are mostly short."""
    return st.integers(least, most).flatmap(lambda size: st.lists(of, min_size=size, max_size=size))


scripts = of_any_length(st.just(GOOD) | events, 0, 15) | of_any_length(events, 0, 4)
recipients = of_any_length(st.sampled_from(NUMBERS), 1, 20)


@define
class Network:
    """In the place of a transport: an honest provider at the end of a bad line.

    Each request takes the next event of the script, and with none left all goes well.
    """

    books: Books
    script: list[Event] = field(factory=list)
    late: list[Received] = field(factory=list)
    """Requests that the client has given up on, and that still are on their way."""
    begun: int = 0
    cancel_at: int | None = None
    """The request at whose time the call is cancelled."""
    caller: asyncio.Task[Any] | None = None

    is_closed: ClassVar[bool] = False

    def check_open(self) -> None:
        """Nothing is ever closed here."""

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        yield

    async def send(self, request: Request, _: Timeouts) -> Answer | NoAnswer:
        event = self.script.pop(0) if self.script else GOOD
        self.begun += 1
        if event.late_ones_first:
            self.deliver_late()
        self._cancel_if_it_is_time()
        received = _received(request)
        for _turn in range(event.turns):
            await asyncio.sleep(0)
        reply = None
        if event.arrives == "now":
            reply = self.books.answer(received)
        elif event.arrives == "late":
            self.late.append(received)
        # A client that is cancelled now never learns of it.
        await asyncio.sleep(0)
        return _what_comes_back(event, reply)

    def deliver_late(self) -> None:
        """What was still on its way arrives."""
        for request in self.late:
            self.books.answer(request)
        self.late.clear()

    def _cancel_if_it_is_time(self) -> None:
        if self.begun == self.cancel_at and self.caller is not None:
            self.caller.cancel()


def _received(request: Request) -> Received:
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert isinstance(request.body, bytes)
    return Received(request.method, request.url, headers, request.body)


def _what_comes_back(event: Event, reply: tuple[int, Any] | None) -> Answer | NoAnswer:
    match event.back:
        case "no connection":
            return NoAnswer(left=False, reason="the connection was refused or could not be opened")
        case "nothing":
            return NoAnswer(left=True, reason="the connection was closed without an answer")
        case "HTML":
            return Answer(200, HTML)
        case "503 with Retry-After":
            return Answer(503, HTML, 0.0)
        case "429 with Retry-After":
            return Answer(429, b"", 0.0)
        case "the answer" | "half of the answer" | "nobody":
            assert reply is not None
            status, value = reply
            if event.back == "the answer":
                return Answer(status, as_json(value))
            return Answer(200, as_json(value)[:-5]) if event.back == "half of the answer" else Answer(200, b"{}")
        case status:
            return Answer(int(status), HTML)


# The model


CLIENTS: Final = {AsyncSepahan: "50003300", AsyncIPPanel: "+983000505", AsyncNajva: "90000123"}


class Money(RuleBasedStateMachine):
    """One client and one provider, and call after call between them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.told: list[Any] = []
        self.may_go_again: list[str] = []
        self.calls: list[tuple[str, list[str]]] = []
        self.count = 0

    def teardown(self) -> None:
        self.loop.close()
        if hasattr(self, "network"):
            self.network.deliver_late()
            self.what_was_told_fits_the_money()

    @initialize(
        kind=st.sampled_from(list(CLIENTS)),
        batch_size=st.integers(1, 6),
        concurrency=st.integers(1, 4),
        attempts=st.sampled_from([1, 2, 3, 4]),
        credit=st.none() | st.integers(0, 60),
    )
    def open_an_account(
        self, kind: type[Any], batch_size: int, concurrency: int, attempts: int, credit: int | None
    ) -> None:
        self.kind = kind
        # IPPanel answers for a request as a whole, and refuses nobody alone.
        books = Books(refused=frozenset() if kind is AsyncIPPanel else REFUSED, credit=credit)
        self.network = Network(books)
        self.client = kind(
            "token",
            sender=CLIENTS[kind],
            batch_size=batch_size,
            max_concurrency=concurrency,
            retry=RetryPolicy(attempts=attempts, wait_initial=0, wait_max=0),
        )
        self.client._caller = attrs.evolve(self.client._caller, transport=self.network)

    # What a caller does

    @rule(numbers=recipients, script=scripts)
    def send(self, numbers: list[str], script: list[Event]) -> None:
        self.sent(numbers, script, self.fresh_id())

    @rule(numbers=recipients, script=scripts)
    def send_texts_of_their_own(self, numbers: list[str], script: list[Event]) -> None:
        if self.kind is not AsyncIPPanel:
            messages = [(number, f"text {place}") for place, number in enumerate(numbers)]
            self.finished(numbers, self.run(self.client.send_p2p(messages, **self.options(self.fresh_id())), script))

    @rule(numbers=recipients, script=scripts)
    def stream(self, numbers: list[str], script: list[Event]) -> None:
        async def use() -> list[SendReport]:
            return [report async for report in self.client.send_stream(numbers, "سلام")]

        reports = sorted(self.run(use(), script), key=lambda report: report.offset)
        rows = [row for report in reports for row in report]
        assert [report.offset for report in reports] == [
            sum(map(len, reports[:place])) for place in range(len(reports))
        ]
        self.note(numbers, rows)

    @precondition(lambda self: self.may_go_again)
    @rule(script=scripts)
    def send_again_what_was_not_sent(self, script: list[Event]) -> None:
        numbers, self.may_go_again = self.may_go_again, []
        self.sent(numbers, script, self.fresh_id())

    @precondition(lambda self: self.calls)
    @rule(script=scripts, place=st.integers(0, 50))
    def send_a_whole_call_again_with_its_own_id(self, script: list[Event], place: int) -> None:
        """As a task queue does that runs a job again."""
        if self.kind is AsyncSepahan:
            request_id, numbers = self.calls[place % len(self.calls)]
            report = self.run(self.client.send(numbers, "سلام", **self.options(request_id)), script)
            self.note(numbers, report)

    @rule(numbers=recipients, script=scripts, at=st.integers(1, 8))
    def send_and_cancel(self, numbers: list[str], script: list[Event], at: int) -> None:
        journal: list[BatchEvent] = []
        before = self.network.begun

        async def use() -> Any:
            self.network.caller = asyncio.current_task()
            self.network.cancel_at = before + at
            try:
                options = self.options(self.fresh_id())
                return await report_of(self.client.send(numbers, "سلام", on_batch=journal.append, **options))
            finally:
                self.network.cancel_at = None

        try:
            report = self.run(use(), script)
        except asyncio.CancelledError:
            known = list(told_by(journal))
            assert len(known) <= len(numbers)
            self.told += known
        else:
            self.note(numbers, report)
            # Whoever was not told of as being sent was not tried.
            assert {row.recipient for row in told_by(journal)} >= {row.recipient for row in report} - {
                row.recipient for row in report.not_sent
            }

    @rule()
    def wait_until_all_has_arrived(self) -> None:
        self.network.deliver_late()

    # What must hold

    @invariant()
    def what_was_told_fits_the_money(self) -> None:
        if hasattr(self, "network"):
            assert self.network.books.contradictions(self.told) == []

    # Means

    def fresh_id(self) -> str | None:
        self.count += 1
        return f"call-{self.count}" if self.kind is AsyncSepahan and self.count % 2 else None

    def options(self, request_id: str | None) -> dict[str, str]:
        return {} if request_id is None else {"request_id": request_id}

    def run(self, call: Coroutine[Any, Any, T], script: Sequence[Event]) -> T:
        self.network.script = list(script)
        return self.loop.run(asyncio.wait_for(report_of(call), 10))

    def sent(self, numbers: list[str], script: list[Event], request_id: str | None) -> None:
        self.finished(numbers, self.run(self.client.send(numbers, "سلام", **self.options(request_id)), script))
        if request_id is not None:
            self.calls.append((request_id, numbers))

    def finished(self, numbers: list[str], report: SendReport) -> None:
        self.note(numbers, report)
        self.may_go_again += ["0" + row.recipient[3:] for row in report.not_sent]

    def note(self, numbers: list[str], rows: Sequence[Any]) -> None:
        """Exactly one outcome for each recipient, in the order given, with an error that goes with it."""
        assert [row.recipient for row in rows] == list(map(international, numbers))
        for row in rows:
            assert isinstance(row.outcome, Outcome)
            assert (row.error is None) == (row.outcome is ACCEPTED)
            assert row.error is None or row.error.default_outcome is row.outcome
            assert row.outcome is not NOT_SENT or not isinstance(row.error, InvalidRequest)
            # An id that the caller used before was charged then, under that call.
            if isinstance(row.error, DuplicateRequest):
                assert row.request_id in self.network.books.seen
        self.told += rows


async def report_of(call: Coroutine[Any, Any, T]) -> T:
    """What a call gives, or the whole report that came with its error."""
    try:
        return await call
    except SMSError as error:
        check_the_error(error)
        return error.report


def check_the_error(error: SMSError) -> None:
    """The error that a send raises is the one that its report calls for."""
    report = error.report
    assert report is not None
    found = {row.outcome for row in report}
    if isinstance(error, PartialSendError):
        assert error.outcome is (UNKNOWN if UNKNOWN in found else None)
        assert UNKNOWN in found or ACCEPTED in found
    else:
        assert error is report[0].error
        assert found == {UNKNOWN} or not found & {UNKNOWN, ACCEPTED}
    assert not isinstance(error, NotAttempted) or error.reason


TestMoney = Money.TestCase
TestMoney.settings = settings(
    max_examples=EXAMPLES.get(PROFILE, EXAMPLES["default"]),
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
