"""A model of the providers' money: whatever goes wrong, what is said of each recipient fits what was charged.

``HYPOTHESIS_PROFILE=thorough`` runs 2,000 examples.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

from faultserver import Books, international, told_by
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from network import Event, Network, of_any_length, scripts, through

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import (
    AsyncFailover,
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

T = TypeVar("T")

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome

EXAMPLES: Final = {"default": 200, "thorough": 2_000}
PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "default")

NUMBERS: Final = [f"0912000{n:04}" for n in range(40)]
REFUSED: Final = frozenset(map(international, NUMBERS[:4]))  # the provider refuses these one by one

recipients = of_any_length(st.sampled_from(NUMBERS), 1, 20)
# The model


CLIENTS: Final = {AsyncSepahan: "50003300", AsyncIPPanel: "+983000505", AsyncNajva: "90000123"}


class Money(RuleBasedStateMachine):
    """One client and its provider, or a failover and its two, and call after call between them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.told: list[Any] = []
        self.may_go_again: list[str] = []
        self.calls: list[tuple[str, list[str]]] = []
        self.count = 0

    def teardown(self) -> None:
        self.loop.close()
        if hasattr(self, "networks"):
            self.wait_until_all_has_arrived()
            self.what_was_told_fits_the_money()

    @initialize(
        kinds=st.sampled_from([*itertools.permutations(CLIENTS, 1), *itertools.permutations(CLIENTS, 2)]),
        batch_size=st.integers(1, 6),
        concurrency=st.integers(1, 4),
        attempts=st.sampled_from([1, 2, 3, 4]),
        credits_=st.tuples(*[st.none() | st.integers(0, 60)] * 2),
        rest=st.sampled_from([1e-6, 30]),
    )
    def open_accounts(
        self,
        kinds: tuple[type[Any], ...],
        batch_size: int,
        concurrency: int,
        attempts: int,
        credits_: tuple[int | None, int | None],
        rest: float,
    ) -> None:
        self.kinds = kinds
        self.networks: dict[str, Network] = {}
        clients: list[Any] = []
        for kind, credit in zip(kinds, credits_, strict=False):
            # IPPanel answers for a request as a whole, and refuses nobody alone.
            books = Books(refused=frozenset() if kind is AsyncIPPanel else REFUSED, credit=credit)
            network = self.networks[kind.provider.name] = Network(books)
            client = kind(
                "token",
                sender=CLIENTS[kind],
                batch_size=batch_size,
                max_concurrency=concurrency,
                retry=RetryPolicy(attempts=attempts, wait_initial=0, wait_max=0),
            )
            clients.append(through(client, network))
        self.client: Any = clients[0] if len(clients) == 1 else AsyncFailover(*clients, rest=rest)
        self.takes_ids = kinds == (AsyncSepahan,)

    # What a caller does

    @rule(numbers=recipients, script=scripts)
    def send(self, numbers: list[str], script: list[Event]) -> None:
        self.sent(numbers, script, self.fresh_id())

    @rule(numbers=recipients, script=scripts)
    def send_texts_of_their_own(self, numbers: list[str], script: list[Event]) -> None:
        if AsyncIPPanel not in self.kinds:
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
        if self.takes_ids:
            request_id, numbers = self.calls[place % len(self.calls)]
            report = self.run(self.client.send(numbers, "سلام", **self.options(request_id)), script)
            self.note(numbers, report)

    @rule(numbers=recipients, script=scripts, at=st.integers(1, 8))
    def send_and_cancel(self, numbers: list[str], script: list[Event], at: int) -> None:
        journal: list[BatchEvent] = []

        async def use() -> Any:
            for network in self.networks.values():
                network.caller, network.cancel_at = asyncio.current_task(), network.begun + at
            try:
                options = self.options(self.fresh_id())
                return await report_of(self.client.send(numbers, "سلام", on_batch=journal.append, **options))
            finally:
                for network in self.networks.values():
                    network.cancel_at = None

        try:
            report = self.run(use(), script)
        except asyncio.CancelledError:
            known = list(told_by(journal))
            assert len(known) <= len(numbers) * len(self.kinds)
            self.told += known
        else:
            self.note(numbers, report)
            # Whoever was not told of as being sent was not tried.
            assert {row.recipient for row in told_by(journal)} >= {row.recipient for row in report} - {
                row.recipient for row in report.not_sent
            }

    @rule()
    def wait_until_all_has_arrived(self) -> None:
        for network in self.networks.values():
            network.deliver_late()

    # What must hold

    @invariant()
    def what_was_told_fits_the_money(self) -> None:
        for provider, network in getattr(self, "networks", {}).items():
            told = [row for row in self.told if row.provider == provider]
            assert network.books.contradictions(told) == []

    # Means

    def fresh_id(self) -> str | None:
        self.count += 1
        return f"call-{self.count}" if self.takes_ids and self.count % 2 else None

    def options(self, request_id: str | None) -> dict[str, str]:
        return {} if request_id is None else {"request_id": request_id}

    def run(self, call: Coroutine[Any, Any, T], script: Sequence[Event]) -> T:
        for place, network in enumerate(self.networks.values()):
            network.script = [*script[place :: len(self.networks)]]
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
                assert row.request_id in self.networks[row.provider].books.seen
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
