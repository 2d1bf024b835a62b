"""A worker that somebody watches: it sends what a database of its own holds, and ends at the first reason to stop.

Nobody else works on the database, so nothing waits: for a lease, for a rest of the provider's, or for a database that
is away. The client repeats and keeps to its rate as it was set up to. What came of a batch is written together with the
next dispatch; a crash in between leaves the batch as one that may have gone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from attrs import define, field, frozen

from smscore.calls.stop import StopRule
from smscore.client import AsyncClient
from smscore.loops.concurrency import cancel_all
from smscore.queue.calls import StoreCalls
from smscore.queue.databases.base import Transaction
from smscore.queue.decisions import Action, decide
from smscore.queue.finishing import outcomes_of
from smscore.queue.outcomes import Columns
from smscore.queue.payloads import Payload, unpack
from smscore.queue.senders import Answered, ClientSender
from smscore.queue.store import claims, dispatch, endings, splitting, sweeping
from smscore.queue.store.batches import ClaimedBatch
from smscore.queue.store.claims import Lane
from smscore.queue.store.dispatch import Attempt, Refusal, Refused
from smscore.sending.send_call import BatchEvent

FOREVER: Final = 100 * 365 * 24 * 3600.0
"""A lease that does not run out: whoever opens the database next knows that its worker has ended."""
_AT_ONCE: Final = 64  # batches that are claimed in one transaction
_LONGEST: Final = 0.2  # seconds for which an outcome waits for the next dispatch


class AttendedSender(ClientSender):
    """An account whose client repeats by itself and keeps its own rate, since nobody else sends by it."""

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(client)
        self.once = client
        self.rate: float | None = None


@frozen(repr=False)
class EndedBatch:
    """A batch that has ended, and what came of it."""

    claimed: ClaimedBatch
    payload: Payload
    columns: Columns


@define(eq=False)
class AttendedWorker:
    """Sends all batches of one account, at most ``slots`` at a time."""

    calls: StoreCalls
    account: str
    sender: AttendedSender
    slots: int
    rule: StopRule
    """Why no further batch begins, once there is a reason."""
    on_dispatch: Callable[[ClaimedBatch, Payload], None]
    """Called when it is on disk that a batch is about to leave, before it does."""
    on_end: Callable[[EndedBatch], None]
    failure: Exception | None = None
    """What ended it: an error of the client's before it sent anything, the database's, or a defect."""
    unwritten: list[EndedBatch] = field(factory=list[EndedBatch])
    """Batches whose outcomes could not be written."""
    _claimed: deque[ClaimedBatch] = field(factory=deque[ClaimedBatch])
    _back: list[ClaimedBatch] = field(factory=list[ClaimedBatch])
    """Batches that were claimed, and provably did not leave."""
    _writing: set[asyncio.Future[Callable[[], object]]] = field(factory=set["asyncio.Future[Callable[[], object]]"])
    _flush: asyncio.TimerHandle | None = None
    _flushing: set[asyncio.Task[None]] = field(factory=set["asyncio.Task[None]"])
    _claiming: asyncio.Lock = field(factory=asyncio.Lock)
    _is_empty: bool = False

    def stop(self, reason: str) -> None:
        """Let no further batch begin; what is under way ends."""
        self.rule.stop(reason)

    async def run(self) -> None:
        """Send until nothing is left, or until something stops it: then ``rule.reason`` or ``failure`` says why.

        A cancel ends what is under way at once; the outcomes of that are unknown.
        """
        tasks = [asyncio.create_task(self._slot()) for _ in range(self.slots)]
        try:
            await asyncio.wait(tasks)
        finally:
            await cancel_all(tasks)
            await self._settle()

    async def _slot(self) -> None:
        try:
            while (claimed := await self._next()) is not None:
                await self._send(claimed)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.failure = self.failure or error
        self.stop(f"{type(error).__name__} ended the send")

    async def _next(self) -> ClaimedBatch | None:
        async with self._claiming:
            if not self._claimed and not self._is_empty and self.rule.reason is None:
                taken = await self.calls.write(claims.claim, [Lane(self.account)], _AT_ONCE, FOREVER)
                self._claimed.extend(taken.batches)
                self._is_empty = len(taken.batches) < _AT_ONCE
            return self._claimed.popleft() if self._claimed and self.rule.reason is None else None

    async def _send(self, claimed: ClaimedBatch) -> None:
        limit = self.sender.limit(claimed.kind)
        if claimed.size > limit and not claimed.hops:
            first = await self.calls.write(splitting.split, claimed, limit)
            assert first is not None  # noqa: S101  # nobody else works on the database
            claimed.keep(first)  # the others are in a batch of their own now
            self._is_empty = False
        payload = unpack(claimed.stored)
        dispatcher = _Dispatcher(self, claimed, payload)
        try:
            answered = await self.sender.answered(claimed, payload, dispatcher)
        finally:
            if not dispatcher.is_written:
                self._back.append(claimed)
        if dispatcher.is_written:
            self._end(claimed, payload, answered)
        elif dispatcher.refused in dispatch.UNREPEATABLE:
            self._back.remove(claimed)
            await self.calls.write(endings.end_unknown, claimed.id)
        elif answered.error is not None and self.rule.reason is None:
            self._fail(answered.error)

    def _end(self, claimed: ClaimedBatch, payload: Payload, answered: Answered) -> None:
        action, failure = Action.FINISH, answered.failure
        hop = claimed.hop
        if claimed.may_have_arrived and hop is not None:
            action = decide(failure, may_have_arrived=True, can_repeat=hop.repeat_until is not None).action
        self.rule.note(failure)
        if action is Action.REPEAT:
            self._write_with_next(partial(dispatch.repeat_later, claimed=claimed, hops=claimed.hops, delay=FOREVER))
            return
        hops = {one.provider: index for index, one in enumerate(claimed.hops)}
        ended = EndedBatch(claimed, payload, outcomes_of(answered, action, len(payload), hops))
        self._write_with_next(partial(_finish, ended=ended), ended)
        self.on_end(ended)

    # Writing

    def _write_with_next(self, work: Callable[[Transaction], object], ended: EndedBatch | None = None) -> None:
        answer = self.calls.write_with_next(work)
        self._writing.add(answer)
        answer.add_done_callback(partial(self._is_written, ended))
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(_LONGEST, self._begin_flush)

    def _begin_flush(self) -> None:
        self._flush = None
        if self._writing:
            task = asyncio.ensure_future(self._write_all())
            self._flushing.add(task)
            task.add_done_callback(self._flushing.discard)

    async def _write_all(self) -> None:
        try:
            await self.calls.write(_nothing)
        except Exception as error:
            self._fail(error)

    def _is_written(self, ended: EndedBatch | None, answer: asyncio.Future[Callable[[], object]]) -> None:
        self._writing.discard(answer)
        if answer.cancelled():
            return
        try:
            answer.result()()
        except Exception as error:
            if ended is not None:
                self.unwritten.append(ended)
            self._fail(error)

    async def _settle(self) -> None:
        """Write what is left to be: outcomes, also those that could not be written before, and what did not leave."""
        if self._flush is not None:
            self._flush.cancel()
        await self._write_all()
        if self._writing:
            await asyncio.wait([*self._writing])
        unwritten, self.unwritten = self.unwritten, []
        for ended in unwritten:
            self._write_with_next(partial(_finish, ended=ended), ended)
        back, self._back = [*self._back, *self._claimed], []
        try:
            await self.calls.write(_requeue, back, self.account)
        except Exception as error:  # whoever opens the database next finds them claimed, and takes them back
            self._fail(error)
        if self._writing:
            await asyncio.wait([*self._writing])
        if self._flush is not None:
            self._flush.cancel()


def _nothing(transaction: Transaction) -> None:
    """What is written with the next piece of work is written with this."""


def _finish(transaction: Transaction, *, ended: EndedBatch) -> None:
    endings.finish(transaction, ended.claimed, ended.payload, ended.columns)


def _requeue(transaction: Transaction, batches: Sequence[ClaimedBatch], account: str) -> None:
    for claimed in batches:
        dispatch.requeue(transaction, claimed)
    sweeping.sweep(transaction, [account])


@define(eq=False)
class _Dispatcher:
    """Writes that a batch is about to leave, when the client says so."""

    worker: AttendedWorker
    claimed: ClaimedBatch
    payload: Payload
    is_written: bool = False
    refused: Refusal | None = None

    async def __call__(self, event: BatchEvent) -> None:
        worker, claimed = self.worker, self.claimed
        if worker.rule.reason is not None:
            raise Refused(Refusal.STOPPED)
        sender = worker.sender
        attempt = Attempt(
            event.provider,
            event.request_id,
            sender.lifetime(claimed.kind, event.provider),
            claimed.sender or sender.own_line(event.provider),
            0.0,
            FOREVER,
            account=sender.mark(event.provider),
        )
        try:
            hop = await worker.calls.write(dispatch.dispatch, claimed, attempt)
        except Refused as refused:
            self.refused = refused.why
            raise
        except Exception as error:
            # Whether it was committed or not, nothing has left.
            worker._fail(error)
            raise Refused(Refusal.OUTAGE) from error
        if hop is not claimed.hop:
            claimed.hops.append(hop)
        worker.on_dispatch(claimed, self.payload)
        self.is_written = True
