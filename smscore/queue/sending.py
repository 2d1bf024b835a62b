"""One claimed batch: its requests are dispatched and sent, and its outcome is written."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import partial
from typing import Final

from attrs import define

from smscore import clock
from smscore.errors import ClientClosed, ConfigurationError, OutcomeUnknown
from smscore.loops.logs import logger_for_callers
from smscore.queue import limits
from smscore.queue.calls import StoreCalls
from smscore.queue.decisions import Action, decide
from smscore.queue.errors import QueueUnavailable
from smscore.queue.finishing import finish
from smscore.queue.payloads import Payload, unpack
from smscore.queue.senders import Answered, Sender, without
from smscore.queue.store import campaigns, claims, dispatch, endings, splitting
from smscore.queue.store.batches import ClaimedBatch, Hop
from smscore.queue.store.dispatch import Attempt, Refusal, Refused
from smscore.sending.send_call import BatchEvent

PROBE_SIZE: Final = 100  # recipients at most of a batch that finds out whether the provider is back
_ENDS: Final = (Action.FINISH, Action.UNKNOWN, Action.ACCEPTED)

_log: Final = logger_for_callers(__name__)


class Ending(Enum):
    """How the handling of a batch ended."""

    ENDED = "its outcomes are written"
    NOT_ENDED = "it waits in the queue, or it is another worker's"
    CLIENT_CLOSED = "it waits in the queue, and its client can send no more"


@define(eq=False)
class BatchSend:
    """Sends one claimed batch, once its recipients fit one request and none of them is suppressed."""

    calls: StoreCalls
    sender: Sender
    claimed: ClaimedBatch
    lease: float

    async def run(self) -> Ending:
        """Send the batch, and write what came of it."""
        claimed = self.claimed
        whole = await self._fitting()
        while whole is not None:
            payload = without(whole, claimed.dropped)
            if not len(payload):
                await self.calls.persist(endings.end_unsent, claimed, "suppressed")
                break
            if claimed.wait > 0:
                await clock.sleep(claimed.wait)
            call = BatchCall(self.calls, self.sender, claimed, self.lease)
            answered = await call.send(payload)
            if call.refused is None or answered.may_have_arrived:
                return await self._end(whole, answered, call)
            if not await self._after_refusal(call.refused):
                break
        return Ending.NOT_ENDED

    async def _fitting(self) -> Payload | None:
        """The recipients that fit one request, the rest split off into a new batch; None if the batch was lost."""
        claimed, limit = self.claimed, self.sender.limit(self.claimed.kind)
        most = min(limit, PROBE_SIZE) if claimed.is_probe else limit
        if claimed.size > most and not claimed.hops:
            first = await self.calls.persist(splitting.split, claimed, most)
            if first is None:
                return None
            claimed.keep(first)
        return unpack(claimed.stored)

    async def _after_refusal(self, refused: Refused) -> bool:
        """What becomes of a batch that was not dispatched; whether it is tried again now."""
        claimed = self.claimed
        match refused.why:
            case Refusal.LOST:
                return False
            case why if why in dispatch.UNREPEATABLE:
                await self.calls.persist(endings.end_unknown, claimed.id)
            case Refusal.SUPPRESSED if not claimed.hops:
                await self.calls.persist(claims.leave_out_suppressed, claimed)
                return True
            case Refusal.EXPIRED | Refusal.CANCELLED if claimed.may_have_arrived:
                await self.calls.persist(endings.end_unknown, claimed.id)
            case Refusal.EXPIRED:
                await self.calls.persist(endings.end_unsent, claimed, "expired")
            case _:  # nothing has left by this claim, and if it still is this worker's, it goes back
                await self.calls.persist(dispatch.requeue, claimed)
        return False

    async def _end(self, whole: Payload, answered: Answered, call: BatchCall) -> Ending:
        claimed = self.claimed
        decision = decide(
            answered.failure,
            may_have_arrived=claimed.may_have_arrived,
            can_repeat=call.repeat_until is not None,
        )
        is_done = await self.calls.persist(
            partial(finish, claimed=claimed, whole=whole, answered=answered, decision=decision, hops=call.hops)
        )
        if decision.action in _ENDS:
            if not is_done and not self.calls.database.shares_commits:
                # Two that end a campaign's last batches at the same time do not see each other's.
                await self.calls.persist(campaigns.settle, claimed.campaign_id, flushed=False)
            return Ending.ENDED
        return Ending.CLIENT_CLOSED if isinstance(answered.failure, ClientClosed) else Ending.NOT_ENDED


@define(eq=False)
class BatchCall:
    """One call of a client for a batch: each of its requests is dispatched before it leaves."""

    calls: StoreCalls
    sender: Sender
    claimed: ClaimedBatch
    lease: float
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
            self.sender.lifetime(kind, event.provider) if self._is_whole(event) else None,
            self.claimed.sender or self.sender.own_line(event.provider),
            limits.interval(self.sender.rate),
            self.lease,
            is_probe=self.claimed.is_probe,
            account=self.sender.mark(event.provider),
        )
        while True:
            try:
                hop = await self._dispatch(attempt)
                break
            except Refused as refused:
                if refused.why is not Refusal.EARLY:
                    self.refused = refused
                    raise
                await clock.sleep(refused.wait)
        self.claimed.note_dispatch(hop)

    def _is_whole(self, event: BatchEvent) -> bool:
        """Whether a request is to the whole batch, as a repeat would be, and not to those that a failover moved on."""
        return len(event.recipients) == self.claimed.size - len(self.claimed.dropped)

    async def _dispatch(self, attempt: Attempt) -> Hop:
        began = clock.monotonic(), clock.time()  # the first of them may stand still on a machine that is suspended
        try:
            hop = await self.calls.write(dispatch.dispatch, self.claimed, attempt)
        except QueueUnavailable as error:
            # Whether it was committed or not, nothing has left: requeuing says so once the database answers.
            raise Refused(Refusal.OUTAGE) from error
        if max(clock.monotonic() - began[0], clock.time() - began[1]) > self.lease:
            # The batch may be another's by now, and its id forgotten.
            raise Refused(Refusal.STALLED)
        return hop
