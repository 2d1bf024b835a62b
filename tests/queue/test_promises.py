"""A model of the promises: whatever happens to workers, requests and answers, what the store says fits what was sent.

Workers, a provider and the clock are in memory; the store is real. Each worker does what ``worker.Worker`` does with a
batch, a step at a time, so that crashes, late answers, lost claims, holds and pauses come between any two steps.

``HYPOTHESIS_PROFILE=thorough`` runs 2,000 examples.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import uuid
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, field
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smscore import AccountError, ConnectionFailed, DuplicateRequest, RateLimited, ResponseLost, SMSError
from smscore.columns import IdColumn, SpanColumn, SparseColumn
from smscore.outcomes import Outcome
from smscore.queue import schema
from smscore.queue.arguments import Moment
from smscore.queue.databases.sqlite import SQLiteDatabase
from smscore.queue.decisions import decide
from smscore.queue.finishing import finish
from smscore.queue.model import Campaign, QueueResult
from smscore.queue.payloads import Payload, unpack
from smscore.queue.senders import Answered, without
from smscore.queue.store import (
    accounts,
    campaigns,
    claims,
    dispatch,
    endings,
    loading,
    reading,
    reports,
    suppression,
    sweeping,
)
from smscore.queue.store.batches import ClaimedBatch
from smscore.queue.store.claims import Lane
from smscore.queue.store.dispatch import Attempt, Refusal, Refused
from smscore.results import OUTCOME_BYTES, SendReport
from smscore.statuses import DeliveryStatus

EXAMPLES: Final = {"default": 60, "thorough": 2_000}
PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "default")

LEASE: Final = 60.0
LIFETIME: Final = 3.5 * 3600  # of a request id; the provider remembers it for half an hour more
MEMORY: Final = 4 * 3600
ACCOUNTS: Final = {"ids": LIFETIME, "plain": None}
LANES: Final = [Lane(name) for name in ACCOUNTS]


class Store(SQLiteDatabase):
    """One that never waits for the disk."""

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        connection.execute("PRAGMA synchronous = OFF")
        self._pool.mode = "FULL"
        return connection


@define(eq=False)
class Request:
    """A request that was dispatched."""

    account: str
    request_id: str | None
    numbers: list[str]
    arrived: bool = False
    refusal: SMSError | None = None
    ids: list[int] | None = None


@define(eq=False)
class InHand:
    """A worker with a batch, and the request that it has dispatched."""

    batch: ClaimedBatch
    request: Request | None = None

    @property
    def whole(self) -> Payload:
        return unpack(self.batch.stored)


@define
class Provider:
    """What the providers have taken."""

    sent: Counter[str] = field(factory=Counter)
    seen: dict[str, float] = field(factory=dict)
    next_id: int = 1

    def take(self, request: Request, now: float) -> SMSError | None:
        """A request arrives: None if it is taken, else the refusal."""
        if not request.arrived:
            request.arrived = True
            request.refusal = self._decide(request, now)
        return request.refusal

    def _decide(self, request: Request, now: float) -> SMSError | None:
        id_ = request.request_id
        if id_ is not None:
            if id_ in self.seen and now - self.seen[id_] < MEMORY:
                return DuplicateRequest("")
            self.seen[id_] = now
        self.sent.update(request.numbers)
        request.ids = [*range(self.next_id, self.next_id + len(request.numbers))]
        self.next_id += len(request.numbers)
        return None


def report_of(request: Request) -> SendReport:
    """What a client says of a request that was accepted."""
    size = len(request.numbers)
    ids = IdColumn(size)
    ids.put(range(size), request.ids or [])
    return SendReport(
        recipients=request.numbers,
        outcomes=OUTCOME_BYTES[Outcome.ACCEPTED] * size,
        message_ids=ids,
        errors=SparseColumn(size),
        request_ids=SpanColumn(),
        provider="provider",
    )


REFUSALS: Final = {"no connection": ConnectionFailed, "429": RateLimited, "account": AccountError}

few = st.integers(0, 7)
fates = st.sampled_from(
    [
        *("yes", "yes", "left", "left", "left before it goes", "lost", "lost before", "late", *REFUSALS),
        *("dies", "dies, and it is on its way", "dies, and it arrives"),
    ]
)


pytestmark = pytest.mark.exhaustive


class Promises(RuleBasedStateMachine):
    """One store, two accounts, and any number of workers."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="payamak-promises-"))
        self.now = 1_800_000_000.0
        self.store = Store(self.folder / "queue.db", now=lambda: self.now)
        self.write(schema.upgrade)
        self.write(accounts.register, [*ACCOUNTS])
        self.provider = Provider()
        self.campaigns: list[Campaign] = []
        self.numbers: dict[int, list[str]] = {}
        self.hands: list[InHand] = []
        self.in_transit: list[Request] = []
        self.suppressed: set[str] = set()
        self.once_suppressed: set[str] = set()  # who may have been left out of a batch that went
        self.left: set[str] = set()  # whose request may have left
        self.known: dict[str, QueueResult] = {}
        self.count = 0
        self.enqueue("ids", 4, None, False, 0)
        self.enqueue("plain", 4, None, False, 0)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.everything_ends_when_the_faults_do()
            self.store.close()
            shutil.rmtree(self.folder)

    def write(self, work: Any, *args: Any, **kwargs: Any) -> Any:
        return self.store.write(lambda transaction: work(transaction, *args, **kwargs))

    def read(self, work: Any, *args: Any) -> Any:
        return self.store.read(lambda transaction: work(transaction, *args))

    # Users

    @rule(
        account=st.sampled_from([*ACCOUNTS]),
        size=st.integers(1, 5),
        expires=st.none() | st.sampled_from([30.0, 7200.0]),
        later=st.booleans(),
        priority=st.integers(0, 1),
    )
    def enqueue(self, account: str, size: int, expires: float | None, later: bool, priority: int) -> None:
        numbers = [f"0912{self.count + place:07}" for place in range(size)]
        self.count += size
        batches = [
            loading.NewBatch(start // 2, start, Payload(numbers[start : start + 2])) for start in range(0, size, 2)
        ]
        new = loading.NewCampaign(
            account,
            "text",
            text="text",
            priority=priority,
            expires=Moment(seconds=expires),
            not_before=Moment(seconds=10.0 if later else None),
        )
        campaign = self.write(loading.load, new, batches, None, LEASE)
        self.campaigns.append(campaign)
        self.numbers[campaign.id] = numbers

    @rule(
        what=st.sampled_from(["pause", "resume", "cancel", "hold", "release", "suppress", "unsuppress"]),
        which=few,
        until=st.none() | st.just(120.0),
    )
    def a_user_interferes(self, what: str, which: int, until: float | None) -> None:
        account = [*ACCOUNTS][which % 2]
        if what in ("pause", "resume", "cancel"):
            self.change(which, what)
        elif what == "hold":
            self.write(accounts.hold, account, None if until is None else self.now + until, "a test")
        elif what == "release":
            self.write(accounts.release, account)
        else:
            self.suppress(which, what)

    def change(self, which: int, what: str) -> None:
        id_ = self.campaigns[which % len(self.campaigns)].id
        if what == "pause":
            self.write(campaigns.pause, id_, "a test")
        elif what == "resume":
            self.write(campaigns.resume, id_)
        else:
            self.write(campaigns.cancel, id_)
            self.what_has_not_begun_has_ended(self.campaigns[which % len(self.campaigns)])

    def what_has_not_begun_has_ended(self, campaign: Campaign) -> None:
        """After a cancel only those wait whose batch has been dispatched, whoever holds the others."""
        ended = {"0" + result.recipient[3:] for result in self.results(campaign)}
        dispatched = self.left.union(*(hand.request.numbers for hand in self.hands if hand.request is not None))
        assert not {*self.numbers[campaign.id]} - ended - dispatched - self.once_suppressed

    def suppress(self, which: int, how: str) -> None:
        number = f"0912{which % self.count:07}"
        if how == "suppress":
            self.write(suppression.add, [number])
            self.suppressed.add(number)
            self.once_suppressed.add(number)
        else:
            self.write(suppression.remove, [number])
            self.suppressed.discard(number)

    # Time

    @rule(seconds=st.sampled_from([1.0, 11.0, LEASE + 1, LEASE + 1, 600.0, 4 * 3600.0]))
    def time_passes(self, seconds: float) -> None:
        if seconds > LEASE:
            # A request takes less time than a lease, and a network holds nothing back for longer.
            self.what_is_on_its_way_arrives()
            for hand in self.hands:
                if hand.request is not None:
                    self.provider.take(hand.request, self.now)
        self.now += seconds

    # Workers

    @rule(what=fates)
    def a_batch_is_worked_on(self, what: str) -> None:
        """A worker claims a batch and dispatches it; then it is left in its hands, or something becomes of it."""
        before = len(self.hands)
        self.claim(1)
        if len(self.hands) > before and what != "left before it goes":
            hand = self.hands[-1]
            self.dispatch(hand)
            if hand in self.hands and what != "left":
                self.comes_to(hand, what)

    @rule(what=st.sampled_from(["pause", "cancel", "hold", "suppress"]))
    def somebody_interferes_between_claim_and_dispatch(self, what: str) -> None:
        before = len(self.hands)
        self.claim(1)
        if len(self.hands) == before:
            return
        batch = self.hands[-1].batch
        if what == "hold":
            self.write(accounts.hold, batch.account, self.now + 120.0, "a test")
        elif what == "suppress":
            self.suppress(int(unpack(batch.stored).numbers[0][4:]), what)
        else:
            self.change([campaign.id for campaign in self.campaigns].index(batch.campaign_id), what)

    @precondition(lambda self: self.hands)
    @rule(which=few, what=fates)
    def a_worker_goes_on(self, which: int, what: str) -> None:
        hand = self.hands[which % len(self.hands)]
        if hand.request is None:
            self.dispatch(hand)
        if hand in self.hands and what not in ("left", "left before it goes"):
            self.comes_to(hand, what)

    def comes_to(self, hand: InHand, what: str) -> None:
        if what.startswith("dies"):
            self.dies(hand, what)
        elif hand.request is not None:
            self.answered(hand, what)

    def claim(self, most: int) -> None:
        taken = self.write(claims.claim, LANES, most, LEASE)
        self.hands += [InHand(batch) for batch in taken.batches]

    def dispatch(self, hand: InHand) -> None:
        batch = hand.batch
        payload = without(hand.whole, batch.dropped)
        if not len(payload):
            self.write(endings.end_unsent, batch, "suppressed")
            self.hands.remove(hand)
            return
        hop = batch.hop if batch.may_have_arrived else None
        lifetime = ACCOUNTS[batch.account]
        request_id = (hop.request_id if hop else uuid.uuid4().hex) if lifetime else None
        attempt = Attempt("provider", request_id, lifetime, None, 0.0, LEASE, is_probe=batch.is_probe)
        try:
            made = self.write(dispatch.dispatch, batch, attempt)
        except Refused as refused:
            self.after_refusal(hand, refused)
            return
        self.nothing_forbids(batch, payload)
        batch.note_dispatch(made)
        hand.request = Request(batch.account, request_id, payload.numbers)

    def after_refusal(self, hand: InHand, refused: Refused) -> None:
        batch, why = hand.batch, refused.why
        if why is Refusal.SUPPRESSED:
            self.write(claims.leave_out_suppressed, batch)
            return
        self.hands.remove(hand)
        if why is Refusal.LOST:
            return
        if why in (Refusal.EXPIRED, Refusal.CANCELLED) and batch.may_have_arrived:
            self.write(endings.end_unknown, batch.id)
        elif why is Refusal.EXPIRED:
            self.write(endings.end_unsent, batch, "expired")
        else:
            self.write(dispatch.requeue, batch)

    def nothing_forbids(self, batch: ClaimedBatch, payload: Payload) -> None:
        """What was dispatched at this moment may go at this moment."""
        campaign = self.read(campaigns.get, batch.campaign_id)
        assert campaign.state in ("queued", "running")
        assert campaign.expires is None or campaign.expires.timestamp() > self.now
        account = self.read(accounts.state, batch.account)
        assert account.hold != "hold" or account.hold_until <= self.now
        if not batch.may_have_arrived:
            assert not self.suppressed & {*payload.numbers}

    def answered(self, hand: InHand, says: str) -> None:
        request = hand.request
        assert request is not None
        self.hands.remove(hand)
        error: SMSError | None
        if request.arrived and says != "yes":
            says = "lost"
        if says in REFUSALS:
            error = REFUSALS[says]("")
        else:
            self.left.update(request.numbers)
            if says == "late":
                self.in_transit.append(request)
            refusal = self.provider.take(request, self.now) if says in ("yes", "lost") else None
            error = ResponseLost("") if says != "yes" else refusal
        self.end(hand, Answered(report_of(request), None) if error is None else Answered(None, error))

    def end(self, hand: InHand, answered: Answered) -> None:
        batch = hand.batch
        hop = batch.hop
        decision = decide(
            answered.failure,
            may_have_arrived=batch.may_have_arrived,
            can_repeat=hop is not None and hop.repeat_until is not None,
        )
        self.write(
            finish,
            claimed=batch,
            whole=hand.whole,
            answered=answered,
            decision=decision,
            hops={"provider": len(batch.hops) - 1},
        )

    def dies(self, hand: InHand, what: str) -> None:
        self.hands.remove(hand)
        if hand.request is None:
            return
        self.left.update(hand.request.numbers)
        if what == "dies, and it is on its way":
            self.in_transit.append(hand.request)
        elif what == "dies, and it arrives":
            self.provider.take(hand.request, self.now)

    def what_is_on_its_way_arrives(self) -> None:
        for request in self.in_transit:
            self.provider.take(request, self.now)
        self.in_transit.clear()

    # Reports

    @rule(
        what=st.sampled_from(["webhook", "webhook", "fold", "sweep"]),
        message_id=st.integers(1, 12),
        status=st.sampled_from([DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.FAILED]),
        account=st.sampled_from([*ACCOUNTS]),
    )
    def a_report_comes(self, what: str, message_id: int, status: DeliveryStatus, account: str) -> None:
        if what == "webhook":
            self.write(reports.add, [reports.Report(account, message_id, status)])
        elif what == "fold":
            self.write(reports.fold)
        else:
            self.write(sweeping.sweep, [*ACCOUNTS])

    # What must hold

    @invariant()
    def nobody_is_sent_to_twice(self) -> None:
        if hasattr(self, "provider"):
            assert not [number for number, times in self.provider.sent.items() if times > 1]

    @invariant()
    def what_is_known_is_true_and_is_never_forgotten(self) -> None:
        if not hasattr(self, "campaigns"):
            return
        for campaign in self.campaigns:
            results = self.results(campaign)
            counts = self.read(reading.counts, campaign.id)
            assert counts.total == len(self.numbers[campaign.id])
            assert counts.total - counts.waiting == len(results)
            assert Counter(result.outcome for result in results) == Counter(
                {
                    Outcome.ACCEPTED: counts.accepted,
                    Outcome.REJECTED: counts.rejected,
                    Outcome.NOT_SENT: counts.not_sent,
                    Outcome.UNKNOWN: counts.unknown,
                }
            )
            assert sum(counts.deliveries.values()) == sum(result.delivery is not None for result in results)
            for result in results:
                self.fits(result)

    def results(self, campaign: Campaign) -> list[QueueResult]:
        found = self.read(reading.results, campaign.id, -1, None).results
        numbers = [result.recipient for result in found]
        assert numbers == sorted({*numbers})
        return found

    def fits(self, result: QueueResult) -> None:
        number = "0" + result.recipient[3:]
        times = self.provider.sent[number]
        match result.outcome:
            case Outcome.ACCEPTED:
                assert times == 1
            case Outcome.REJECTED | Outcome.NOT_SENT:
                assert times == 0
                assert not any(number in request.numbers for request in self.in_transit)
            case Outcome.UNKNOWN:
                flying = [request for hand in self.hands if (request := hand.request) is not None]
                assert number in self.left.union(*(request.numbers for request in flying))
        before = self.known.get(number)
        if before is not None:
            assert before.outcome in (result.outcome, Outcome.UNKNOWN)
            assert before.message_id in (None, result.message_id)
            assert before.delivery is None or not before.delivery.is_final or before.delivery is result.delivery
        self.known[number] = result

    def everything_ends_when_the_faults_do(self) -> None:
        """Nobody is lost: with workers that do their work, every recipient gets an outcome."""
        self.what_is_on_its_way_arrives()
        for account in ACCOUNTS:
            self.write(accounts.release, account)
        for campaign in self.campaigns:
            self.write(campaigns.resume, campaign.id)
        for _ in range(200):
            self.claim(3)
            while self.hands:
                hand = self.hands[0]
                if hand.request is None:
                    self.dispatch(hand)
                else:
                    self.answered(hand, "yes")
            self.what_is_known_is_true_and_is_never_forgotten()
            self.nobody_is_sent_to_twice()
            waiting = sum(self.read(reading.counts, campaign.id).waiting for campaign in self.campaigns)
            if not waiting:
                break
            self.now += 31
            for account in ACCOUNTS:
                self.write(accounts.release, account)
            self.write(sweeping.sweep, [*ACCOUNTS])
        assert not waiting if self.campaigns else True
        for campaign in self.campaigns:
            assert self.read(campaigns.get, campaign.id).state.has_ended


TestPromises = Promises.TestCase
TestPromises.settings = settings(
    max_examples=EXAMPLES.get(PROFILE, EXAMPLES["default"]),
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[*HealthCheck],
)
