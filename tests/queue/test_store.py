"""Batches between two workers, step by step on both databases: late answers, lost ids, and stops in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from smscore import (
    ConnectionFailed,
    DuplicateRequest,
    InvalidParameters,
    OutsideServiceHours,
    ProviderError,
    ResponseLost,
    SMSError,
)
from smscore.columns import IdColumn, SpanColumn, SparseColumn
from smscore.outcomes import Outcome
from smscore.queue import Counts, schema
from smscore.queue.databases.postgresql import PostgreSQLDatabase
from smscore.queue.databases.sqlite import SQLiteDatabase
from smscore.queue.decisions import decide
from smscore.queue.finishing import finish
from smscore.queue.outcomes import Columns
from smscore.queue.payloads import Payload, unpack
from smscore.queue.senders import Answered
from smscore.queue.store import accounts, campaigns, claims, dispatch, endings, loading, reading
from smscore.queue.store.batches import ClaimedBatch
from smscore.queue.store.claims import Lane
from smscore.queue.store.dispatch import Attempt, Refusal, Refused
from smscore.queue.stored_errors import stored
from smscore.results import OUTCOME_BYTES, SendReport

from .conftest import Place

LEASE = 60.0
NUMBERS = ["09120000000", "09120000001"]
IDS = [101, 102]


@define
class Bench:
    """A database with a clock of the test's, and one campaign of one batch."""

    place: Place
    now: float = 1_800_000_000.0
    database: Any = field(init=False)
    campaign_id: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.place.schema is None:
            self.database = SQLiteDatabase(Path(self.place.url.removeprefix("sqlite:///")), now=self.time)
        else:
            self.database = PostgreSQLDatabase(self.place.url, schema=self.place.schema, now=self.time)
        schema.create(self.database)
        self(accounts.register, ["shop"])
        new = loading.NewCampaign("shop", "text", text="text")
        self.campaign_id = self(loading.load, new, [loading.NewBatch(0, 0, Payload(NUMBERS))], None, LEASE).id

    def time(self) -> float:
        return self.now

    def __call__(self, work: Any, *args: Any, **kwargs: Any) -> Any:
        return self.database.write(lambda transaction: work(transaction, *args, **kwargs))

    def claimed(self) -> ClaimedBatch:
        (batch,) = self(claims.claim, [Lane("shop")], 1, LEASE).batches
        return batch

    def nothing_to_claim(self) -> bool:
        return not self(claims.claim, [Lane("shop")], 1, LEASE).batches

    def dispatch(self, batch: ClaimedBatch, *, request_id: str | None = "one") -> None:
        attempt = Attempt("p", request_id, 3600.0, None, 0.0, LEASE)
        batch.note_dispatch(self(dispatch.dispatch, batch, attempt))

    def end(self, batch: ClaimedBatch, came: SMSError | list[int]) -> None:
        answered = Answered(None, came) if isinstance(came, SMSError) else Answered(accepted(came), None)
        can_repeat = batch.hops[-1].repeat_until is not None
        decision = decide(answered.failure, may_have_arrived=batch.may_have_arrived, can_repeat=can_repeat)
        self(finish, claimed=batch, whole=unpack(batch.stored), answered=answered, decision=decision, hops={"p": 0})

    @property
    def counts(self) -> Counts:
        return self(reading.counts, self.campaign_id)

    @property
    def results(self) -> list[tuple[Outcome, int | None]]:
        page = self(reading.results, self.campaign_id, -1, None)
        return [(result.outcome, result.message_id) for result in page.results]


def accepted(message_ids: list[int]) -> SendReport:
    ids = IdColumn(2)
    ids.put(range(2), message_ids)
    outcomes = OUTCOME_BYTES[Outcome.ACCEPTED] * 2
    return SendReport(
        recipients=NUMBERS, outcomes=outcomes, message_ids=ids, errors=SparseColumn(2), request_ids=SpanColumn()
    )


@pytest.fixture
def bench(place: Place) -> Iterator[Bench]:
    made = Bench(place)
    yield made
    made.database.close()


KNOWN = [(Outcome.ACCEPTED, 101), (Outcome.ACCEPTED, 102)]
UNKNOWN = [(Outcome.UNKNOWN, None)] * 2
LOST = [(Outcome.ACCEPTED, None)] * 2


def test_a_late_answer_replaces_unknown(bench: Bench):
    batch = bench.claimed()
    bench.dispatch(batch, request_id=None)
    bench.now += LEASE + 1
    assert bench.nothing_to_claim()
    assert bench.results == UNKNOWN
    bench.end(batch, IDS)
    assert bench.results == KNOWN
    assert bench.counts == Counts(accepted=2)


def test_a_late_loss_does_not_replace_what_is_known(bench: Bench):
    first = bench.claimed()
    bench.dispatch(first)
    bench.now += LEASE + 1
    second = bench.claimed()
    bench.dispatch(second)
    bench.end(second, IDS)
    bench.end(first, ResponseLost(""))
    assert bench.results == KNOWN


@pytest.mark.parametrize("order", ["the repeat ends first", "the first ends first"])
def test_ids_are_not_lost_by_a_repeat_that_is_refused_as_a_duplicate(order: str, bench: Bench):
    first = bench.claimed()
    bench.dispatch(first)
    bench.now += LEASE + 1
    second = bench.claimed()
    bench.dispatch(second)
    assert second.may_have_arrived
    ends: list[tuple[ClaimedBatch, SMSError | list[int]]] = [(second, DuplicateRequest("")), (first, IDS)]
    for batch, came in ends if order == "the repeat ends first" else reversed(ends):
        bench.end(batch, came)
    assert bench.results == KNOWN
    assert bench.counts == Counts(accepted=2)


@pytest.mark.parametrize("order", ["the repeat ends first", "the first ends first"])
def test_who_was_refused_alone_is_told_so_also_by_a_late_answer(order: str, bench: Bench):
    first = bench.claimed()
    bench.dispatch(first)
    bench.now += LEASE + 1
    second = bench.claimed()
    bench.dispatch(second)
    answer = Columns(["accepted", "rejected"], [101, None], [None, 0], [stored(InvalidParameters("malformed"))])
    ends = [
        lambda: bench.end(second, DuplicateRequest("")),
        lambda: bench(endings.finish, first, unpack(first.stored), answer),
    ]
    for end in ends if order == "the repeat ends first" else reversed(ends):
        end()
    assert bench.results == [(Outcome.ACCEPTED, 101), (Outcome.REJECTED, None)]
    assert bench.counts == Counts(accepted=1, rejected=1)


@pytest.mark.parametrize("order", ["the repeat ends first", "the first ends first"])
@pytest.mark.parametrize("repeated", [IDS, ResponseLost("")])
def test_a_late_refusal_says_nothing_of_the_repeat(repeated: SMSError | list[int], order: str, bench: Bench):
    first = bench.claimed()
    bench.dispatch(first)
    bench.now += LEASE + 1
    second = bench.claimed()
    bench.dispatch(second)
    ends: list[tuple[ClaimedBatch, SMSError | list[int]]] = [(second, repeated), (first, ProviderError("no"))]
    for batch, came in ends if order == "the repeat ends first" else reversed(ends):
        bench.end(batch, came)
    bench.now += 3600
    assert bench.nothing_to_claim()
    assert bench.results == (KNOWN if repeated is IDS else UNKNOWN)


def test_a_refusal_for_the_hour_cuts_no_hold_short(bench: Bench):
    batch = bench.claimed()
    bench.dispatch(batch)
    bench(accounts.hold, "shop", None, "by hand")
    bench.end(batch, OutsideServiceHours(""))
    account = bench(accounts.read, "shop")
    assert (account.held, account.until, account.reason) == (True, None, "by hand")


def test_a_worker_whose_lease_ran_out_before_it_dispatched_may_not_send(bench: Bench):
    late = bench.claimed()
    bench.now += LEASE + 1
    bench.claimed()
    with pytest.raises(Refused) as caught:
        bench.dispatch(late)
    assert caught.value.why is Refusal.LOST


def test_a_batch_is_repeated_with_its_id_until_that_is_forgotten(bench: Bench):
    batch = bench.claimed()
    bench.dispatch(batch)
    bench.end(batch, ResponseLost(""))
    assert bench.nothing_to_claim()
    bench.now += 5
    again = bench.claimed()
    assert (again.hop.request_id, again.may_have_arrived) == ("one", True)  # type: ignore[union-attr]
    bench.dispatch(again)
    bench.end(again, ConnectionFailed(""))
    bench.now += 3600
    assert bench.nothing_to_claim()
    assert bench.results == UNKNOWN


@pytest.mark.parametrize("came", [ConnectionFailed(""), ResponseLost("")])
def test_a_campaign_that_is_cancelled_while_a_batch_is_under_way_comes_to_an_end(came: SMSError, bench: Bench):
    batch = bench.claimed()
    bench.dispatch(batch)
    bench(campaigns.cancel, bench.campaign_id)
    bench.end(batch, came)
    bench.now += LEASE + 1
    assert bench.nothing_to_claim()
    expected = Counts(not_sent=2) if isinstance(came, ConnectionFailed) else Counts(unknown=2)
    assert bench.counts == expected


def test_a_claimed_batch_of_a_cancelled_campaign_is_not_dispatched(bench: Bench):
    batch = bench.claimed()
    bench(campaigns.cancel, bench.campaign_id)
    with pytest.raises(Refused):
        bench.dispatch(batch)
    assert bench.counts == Counts(not_sent=2)


@pytest.mark.parametrize("stop", ["hold", "pause"])
def test_a_batch_that_was_claimed_before_a_stop_is_not_dispatched_and_is_sent_after_it(stop: str, bench: Bench):
    batch = bench.claimed()
    if stop == "hold":
        bench(accounts.hold, "shop", bench.now + 10, "a test")
    else:
        bench(campaigns.pause, bench.campaign_id, "a test")
    with pytest.raises(Refused) as caught:
        bench.dispatch(batch)
    assert caught.value.why is Refusal.STOPPED
    bench(dispatch.requeue, batch)
    assert bench.nothing_to_claim()
    bench.now += 10  # a hold until a time ends by itself
    if stop == "pause":
        bench(campaigns.resume, bench.campaign_id)
    assert bench.claimed().id == batch.id


def test_a_message_id_of_more_than_64_bits_comes_back_whole(bench: Bench):
    batch = bench.claimed()
    bench.dispatch(batch)
    bench.end(batch, [2**70, 102])
    assert bench.results == [(Outcome.ACCEPTED, 2**70), (Outcome.ACCEPTED, 102)]


def test_a_message_id_of_more_than_64_bits_comes_also_by_a_late_answer(bench: Bench):
    batch = bench.claimed()
    bench.dispatch(batch, request_id=None)
    bench.now += LEASE + 1
    assert bench.nothing_to_claim()
    bench.end(batch, [2**70, 102])
    assert bench.results == [(Outcome.ACCEPTED, 2**70), (Outcome.ACCEPTED, 102)]


def test_a_message_id_of_more_than_64_bits_stays_when_a_late_answer_says_otherwise(bench: Bench):
    first = bench.claimed()
    bench.dispatch(first)
    bench.now += LEASE + 1
    second = bench.claimed()
    bench.dispatch(second)
    known = Columns(["accepted", "rejected"], [2**70, None], [None, 0], [stored(InvalidParameters("malformed"))])
    bench(endings.finish, second, unpack(second.stored), known)
    bench.end(first, [2**71, 2**71 + 1])
    assert bench.results == [(Outcome.ACCEPTED, 2**70), (Outcome.REJECTED, None)]
