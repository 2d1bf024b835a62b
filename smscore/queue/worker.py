"""A worker: claims batches for its free slots, dispatches and sends them, and writes their outcomes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from attrs import define, field

from smscore import clock
from smscore.calls.retry import asked_wait
from smscore.errors import ClientClosed, ConfigurationError, OutcomeUnknown, SMSError
from smscore.loops.concurrency import cancel_all
from smscore.loops.logs import logger_for_callers
from smscore.outcomes import Outcome
from smscore.queue import limits
from smscore.queue.calls import StoreCalls
from smscore.queue.databases.base import Transaction
from smscore.queue.decisions import Action, Decision, Stop, decide
from smscore.queue.outcomes import Columns, columns_of, same
from smscore.queue.payloads import Payload, unpack
from smscore.queue.sends import Answered, Sender, without
from smscore.queue.store import accounts, campaigns, claims, dispatch, endings, splitting, sweeping
from smscore.queue.store.batches import Claimed
from smscore.queue.store.claims import Lane
from smscore.queue.store.dispatch import Attempt, Refusal, Refused
from smscore.queue.store.reports import Change
from smscore.queue.tracking import fold
from smscore.sending.send_call import BatchEvent
from smscore.wire.error_mapping import is_dead

P = ParamSpec("P")
R = TypeVar("R")

POLL: Final = 1.0  # seconds between two claims from a queue with nothing to claim
SWEEP: Final = 5.0
PROBE_SIZE: Final = 100  # recipients at most of a batch that finds out whether the provider is back
_OUTAGE_WAITS: Final = (0.1, 0.5, 1.0, 2.0)
_REPEAT_FIRST: Final = 1.0
_REPEAT_MOST: Final = 300.0

_log: Final = logger_for_callers(__name__)


@define(eq=False)
class Worker:
    """Sends from a queue until it is told to stop; then it claims nothing more, and ends what is under way."""

    calls: StoreCalls
    senders: Mapping[str, Sender]
    lease: float
    slots: int
    wake: asyncio.Event = field(factory=asyncio.Event)
    """Set when there may be something new to claim."""
    ahead: int = 0
    """How many batches more it claims, so that a slot need not wait for the next: where nobody else has to wait."""
    on_changes: Callable[[list[Change]], None] | None = None
    """Called with the deliveries that have changed, once that is committed."""
    ended: int = 0
    """How many batches it has ended."""
    _stopping: bool = False
    _under_way: dict[asyncio.Task[None], str] = field(factory=dict["asyncio.Task[None]", str])
    _swept_at: float = float("-inf")
    _folded_at: float = float("-inf")
    _loop: asyncio.AbstractEventLoop | None = None
    _turn: asyncio.Semaphore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._turn = asyncio.Semaphore(self.slots)

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self.wake.set()

    def notify(self) -> None:
        """Say, from any thread, that there may be something new to claim."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(self.wake.set)

    async def run(self, seconds: float | None = None) -> None:
        """Send until stopped, or for so long, and return when all that is under way has ended.

        A first cancel stops it in the same way; a second one ends it at once, and what is under way may be unknown.
        """
        self._loop = asyncio.get_running_loop()
        deadline = None if seconds is None else clock.monotonic() + seconds
        try:
            self.senders = _usable(self.senders)
            await self._keep(accounts.register, [*self.senders])
            while not self._stopping and (deadline is None or clock.monotonic() < deadline):
                seconds = await self._claim()
                await self._rest(seconds, deadline)
        finally:
            self._stopping = True
            try:
                while self._under_way:
                    await asyncio.wait([*self._under_way])
            finally:
                await cancel_all(self._under_way)

    async def _claim(self) -> float:
        """Claim for the free slots and start sending; the seconds until there may be more."""
        free = self.slots + self.ahead - len(self._under_way)
        if free <= 0:
            return POLL
        await self._sweep()
        taken = await self._keep(claims.claim, self._lanes(), free, self.lease, self._readers, flushed=False)
        for batch in taken.batches:
            self._start(self._send(batch), batch.account)
        for account in taken.probes:
            self._start(self._probe(account), account)
        return POLL if taken.wait is None else min(POLL, taken.wait)

    def _lanes(self) -> list[Lane]:
        """The accounts, those with the fewest batches under way first: none waits for another's campaign to end."""
        busy = Counter(self._under_way.values())
        names = sorted(self.senders, key=lambda name: (busy[name], name))
        return [Lane(name, limits.interval(self.senders[name].rate)) for name in names]

    @property
    def _readers(self) -> frozenset[str]:
        """The accounts whose providers are probed by a read."""
        return frozenset(name for name, sender in self.senders.items() if sender.can_read)

    async def _probe(self, account: str) -> None:
        """Find out by a read whether the provider of a resting account is back."""
        try:
            await self.senders[account].is_alive()
        except SMSError as error:
            if is_dead(error):
                await self._keep(accounts.note_failure, account, asked_wait(error))
                return
        await self._keep(accounts.note_success, account)

    async def _sweep(self) -> None:
        if clock.monotonic() - self._swept_at >= SWEEP:
            await self._keep(sweeping.sweep, [*self.senders])
            self._swept_at = clock.monotonic()
        if clock.monotonic() - self._folded_at >= POLL:
            await self._fold()
            self._folded_at = clock.monotonic()

    async def _fold(self) -> None:
        """Bring reports of deliveries to their messages; what cannot be done now is done by the next."""
        try:
            changes = await fold(self.calls)
        except Exception as error:
            if not self.calls.database.is_outage(error):
                raise
            return
        if changes and self.on_changes is not None:
            self.on_changes(changes)

    async def _rest(self, seconds: float, deadline: float | None) -> None:
        """Wait until something may have changed."""
        if deadline is not None:
            seconds = min(seconds, max(0.0, deadline - clock.monotonic()))
        if self._stopping:
            return
        try:
            async with clock.timeout(seconds):
                await self.wake.wait()
        except TimeoutError:
            return
        self.wake.clear()

    def _start(self, work: Awaitable[None], account: str) -> None:
        async def run() -> None:
            try:
                await work
            finally:
                del self._under_way[task]
                self.wake.set()

        task = asyncio.create_task(run())
        self._under_way[task] = account

    async def _keep(self, work: Callable[..., R], *args: Any, flushed: bool = True) -> R:
        """Write, and where the database is away, wait for it: what a batch came to must not be lost."""
        tries = 0
        while True:
            try:
                write = self.calls.write if flushed else self.calls.write_soon
                return await write(work, *args)
            except Exception as error:
                if not self.calls.database.is_outage(error):
                    raise
                _log.warning("The queue's database cannot be used (%s); retrying", type(error).__name__)
                await clock.sleep(_OUTAGE_WAITS[min(tries, len(_OUTAGE_WAITS) - 1)])
                tries += 1

    # One batch

    async def _send(self, claimed: Claimed) -> None:
        async with self._turn:
            if self._stopping and self.ahead:
                await self._keep(dispatch.requeue, claimed)
            else:
                await self._send_now(claimed)

    async def _send_now(self, claimed: Claimed) -> None:
        sender = self.senders[claimed.account]
        try:
            whole = await self._fitting(claimed, sender.limit(claimed.kind))
            while whole is not None:
                payload = without(whole, claimed.dropped)
                if not len(payload):
                    await self._keep(endings.end_unsent, claimed, "suppressed")
                    break
                if claimed.wait > 0:
                    await clock.sleep(claimed.wait)
                delivery = _Delivery(self, sender, claimed)
                answered = await delivery.send(payload)
                if delivery.refused is None:
                    await self._end(claimed, whole, answered, delivery)
                    break
                if not await self._after_refusal(claimed, delivery.refused):
                    break
        except Exception as error:
            # A fault of ours: the batch is left to its lease, and the worker goes on with others.
            _log.exception("A batch of the queue could not be handled: %s", type(error).__name__)

    async def _fitting(self, claimed: Claimed, limit: int) -> Payload | None:
        """The recipients of a batch, the rest put back if they are too many at once; None if it was lost."""
        most = min(limit, PROBE_SIZE) if claimed.is_probe else limit
        if claimed.size > most and not claimed.hops and not await self._keep(splitting.split, claimed, most):
            return None
        return unpack(claimed.stored)

    async def _after_refusal(self, claimed: Claimed, refused: Refused) -> bool:
        """What becomes of a batch that was not dispatched; whether it is tried again now."""
        match refused.why:
            case Refusal.LOST:
                return False
            case Refusal.EARLY:
                claimed.wait = refused.wait
                return True
            case Refusal.SUPPRESSED:
                await self._keep(claims.leave_out_suppressed, claimed)
                return True
            case Refusal.EXPIRED | Refusal.CANCELLED | Refusal.TOO_LATE if claimed.may_have_arrived:
                await self._keep(endings.end_unknown, claimed.id)
            case Refusal.EXPIRED:
                await self._keep(endings.end_unsent, claimed, "expired")
            case _:  # nothing has left by this claim, and if it still is this worker's, it goes back
                await self._keep(dispatch.requeue, claimed)
        return False

    async def _end(self, claimed: Claimed, whole: Payload, answered: Answered, delivery: _Delivery) -> None:
        decision = decide(
            answered.failure,
            may_have_arrived=claimed.may_have_arrived,
            can_repeat=delivery.repeat_until is not None,
        )
        if isinstance(answered.failure, ClientClosed):
            self.stop()
        await self._keep(
            partial(_write_end, claimed=claimed, whole=whole, answered=answered, decision=decision, hops=delivery.hops)
        )
        if decision.action in (Action.FINISH, Action.UNKNOWN, Action.ACCEPTED):
            self.ended += 1
            if not self.calls.database.shares_commits:
                # Two that end a campaign's last batches at the same time do not see each other's.
                await self._keep(campaigns.settle, claimed.campaign_id, flushed=False)


@define(eq=False)
class RunningWorker:
    """A worker that runs beside other code."""

    _worker: Worker
    _task: asyncio.Task[int]

    async def stop(self) -> None:
        """Let it end what is under way, and wait for that. Raises what ended it, if that was an error."""
        self._worker.stop()
        await self._task

    async def ended(self) -> None:
        """Wait until it ends. Raises what ended it, if that was an error."""
        await asyncio.wait([self._task])
        self._task.result()


@define(eq=False)
class _Delivery:
    """One call for a batch: dispatches each of its requests."""

    worker: Worker
    sender: Sender
    claimed: Claimed
    refused: Refused | None = None

    @property
    def repeat_until(self) -> float | None:
        """When the lifetime of the last request's id ends."""
        hop = self.claimed.hop
        return None if hop is None else hop.repeat_until

    @property
    def hops(self) -> Mapping[str | None, int]:
        """The last dispatch to each provider."""
        return {hop.provider: index for index, hop in enumerate(self.claimed.hops)}

    async def send(self, payload: Payload) -> Answered:
        """Send, and return what came of it."""
        try:
            return await self.sender.answered(self.claimed, payload, self.dispatch)
        except Exception as error:
            # Whatever went wrong in a client, a request that was dispatched may have left.
            _log.exception("A client of the queue raised %s", type(error).__name__)
            if self.claimed.hops:
                return Answered(None, OutcomeUnknown(f"A fault: {type(error).__name__}. It may have been sent."))
            return Answered(None, ConfigurationError(f"The client raised {type(error).__name__} before it sent."))

    async def dispatch(self, event: BatchEvent) -> None:
        """Write that this request is about to leave, or raise: then it provably does not."""
        kind = self.claimed.kind
        attempt = Attempt(
            event.provider,
            event.request_id,
            self.sender.lifetime(kind, event.provider),
            self.claimed.sender or self.sender.own_line(event.provider),
            limits.interval(self.sender.rate),
            self.worker.lease,
            is_probe=self.claimed.is_probe,
        )
        began = clock.monotonic(), clock.time()  # the first of them may stand still on a machine that is suspended
        try:
            hop = await self.worker.calls.write(dispatch.dispatch, self.claimed, attempt)
            if max(clock.monotonic() - began[0], clock.time() - began[1]) > self.worker.lease:
                # The batch may be another's by now, and its id forgotten.
                raise Refused(Refusal.STALLED)
        except Refused as refused:
            self.refused = refused
            raise
        except Exception as error:
            if not self.worker.calls.database.is_outage(error):
                raise
            # Whether it was committed or not, nothing has left: taking it back says so once the database answers.
            self.refused = Refused(Refusal.OUTAGE)
            raise self.refused from error
        if hop is not self.claimed.hop:
            self.claimed.hops.append(hop)


def _usable(senders: Mapping[str, Sender]) -> Mapping[str, Sender]:
    """The accounts that can send from this process; the others are left to workers that have their settings."""
    problems: dict[str, ConfigurationError] = {}
    for name, sender in senders.items():
        try:
            sender.check()
        except ConfigurationError as error:
            problems[name] = error
            _log.warning("This worker does not send for account %s: %s", name, error)
    if problems and len(problems) == len(senders):
        raise next(iter(problems.values()))
    return {name: sender for name, sender in senders.items() if name not in problems}


def _write_end(
    transaction: Transaction,
    *,
    claimed: Claimed,
    whole: Payload,
    answered: Answered,
    decision: Decision,
    hops: Mapping[str | None, int],
) -> None:
    """Write what came of a batch, and what stands still because of it."""
    failure = answered.failure
    if decision.stop is not None:
        transaction.exclude()  # first of all: who dispatches a batch holds its share before any row
    match decision.action:
        case Action.FINISH | Action.UNKNOWN | Action.ACCEPTED:
            columns = _columns(answered, decision.action, len(whole) - len(claimed.dropped), hops)
            if endings.finish(transaction, claimed, whole, columns):
                campaigns.settle(transaction, claimed.campaign_id)
        case Action.BACK:
            dispatch.requeue(transaction, claimed)
        case Action.REPEAT:
            delay = max(decision.wait or 0.0, _repeat_delay(claimed.tries))
            dispatch.repeat_later(transaction, claimed, claimed.hops, delay)
    if decision.is_dead:
        accounts.note_failure(transaction, claimed.account, decision.wait)
    elif decision.is_dead is False:
        accounts.note_success(transaction, claimed.account)
    if decision.stop is Stop.ACCOUNT:
        until = None if decision.hold_seconds is None else transaction.now + decision.hold_seconds
        accounts.hold(transaction, claimed.account, until, _reason(failure))
    elif decision.stop is Stop.CAMPAIGN:
        campaigns.pause(transaction, claimed.campaign_id, _reason(failure))


def _columns(answered: Answered, action: Action, size: int, hops: Mapping[str | None, int]) -> Columns:
    if action is Action.FINISH and answered.report is not None:
        return columns_of(answered.report, hops)
    if action is Action.ACCEPTED:
        return same(Outcome.ACCEPTED, size)
    error = answered.failure
    if action is Action.FINISH and error is not None:
        return same(error.outcome or Outcome.UNKNOWN, size, error)
    return same(Outcome.UNKNOWN, size, _unknown(error))


def _unknown(error: SMSError | None) -> SMSError:
    """The error of recipients whose outcome stays unknown: no usable answer, or a refusal of a repeat."""
    if error is None or isinstance(error, OutcomeUnknown):
        return error or OutcomeUnknown("It may have been sent.")
    return OutcomeUnknown(
        f"A repeat was refused or could not be made ({type(error).__name__}), after a try that may have arrived. The "
        "outcome of that try is unknown; the refusal is in the error's details.",
        provider=error.provider,
        code=error.code,
        http_status=error.http_status,
        message=error.message,
        details=[str(error), *error.details],
        fields=error.fields,
    )


def _reason(failure: SMSError | None) -> str:
    return f"{type(failure).__name__}: {failure}"


def _repeat_delay(tries: int) -> float:
    full = min(_REPEAT_MOST, _REPEAT_FIRST * 2.0 ** min(tries, 20))
    return full * (1 + random.random()) / 2  # noqa: S311  # it spreads requests, and hides nothing
