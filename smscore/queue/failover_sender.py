"""A failover as an account of the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from smscore.client import AsyncClient
from smscore.errors import InvalidRequest, OutcomeUnknown
from smscore.failover import AsyncFailover
from smscore.queue.patterns import packed_pattern, unpacked_pattern
from smscore.queue.payloads import Payload
from smscore.queue.senders import (
    METHODS,
    PATTERN,
    TEXT,
    AnyClient,
    ClientSender,
    Dispatch,
    Sender,
    arguments_of,
    on_sending,
    once,
)
from smscore.queue.store.batches import ClaimedBatch, Hop
from smscore.results import SendReport
from smscore.wire.endpoint import Provider


class FailoverSender(Sender):
    """Several providers in turn: each hop is dispatched by itself, and repeated by the client that it went to.

    Of two accounts at one provider a hop does not say which it went to. A request id is known to its own account alone,
    so nothing that went to such a provider is repeated.
    """

    def __init__(self, failover: AsyncFailover) -> None:
        self.client: AnyClient = failover
        self._own = own = [ClientSender(member.client) for member in failover._members]
        names = Counter(sender.provider.name for sender in own)
        self._by_name = {sender.provider.name: sender for sender in own if names[sender.provider.name] == 1}
        self._names = frozenset(names)
        self.provider: Provider = own[0].provider
        rates = [sender.rate for sender in own if sender.rate is not None]
        self.rate: float | None = min(rates, default=None)
        self.total: float = max(sender.total for sender in own)
        self._once = failover._with_clients(once)

    @property
    def clients(self) -> Sequence[AsyncClient]:
        return [client for sender in self._own for client in sender.clients]

    def can(self, kind: str) -> bool:
        return kind == PATTERN or any(sender.can(kind) for sender in self._own)

    def limit(self, kind: str) -> int:
        return min(sender.limit(kind) for sender in self._own if kind == PATTERN or sender.can(kind))

    def line(self, given: object) -> str | None:
        if given is not None:
            raise InvalidRequest("sender= is not allowed: in a failover each client sends from its own line. Omit it.")
        return None

    def pattern(self, given: object) -> str:
        packed = packed_pattern(given)
        if self._names.isdisjoint(_named(packed)):
            raise InvalidRequest("code must be a smscore.Pattern that names one of the failover's providers.")
        return packed

    def own_line(self, provider: str | None) -> str | None:
        sender = self._by_name.get(provider or "")
        return None if sender is None else sender.own_line(provider)

    def mark(self, provider: str | None) -> str | None:
        sender = self._by_name.get(provider or "")
        return None if sender is None else sender.mark(provider)

    def lifetime(self, kind: str, provider: str | None) -> float | None:
        sender = self._by_name.get(provider or "")
        return None if sender is None else sender.lifetime(kind, provider)

    async def send(self, claimed: ClaimedBatch, payload: Payload, dispatch: Dispatch) -> SendReport:
        report: SendReport = await getattr(self._once, METHODS[claimed.kind])(
            *arguments_of(claimed, payload), on_batch=on_sending(dispatch)
        )
        return report

    async def repeat(self, claimed: ClaimedBatch, payload: Payload, dispatch: Dispatch, hop: Hop) -> SendReport:
        sender = self._by_name.get(hop.provider or "")
        if sender is None:
            raise OutcomeUnknown("It went to a provider at which this account has no client, or several of them now.")
        if claimed.kind != PATTERN:
            return await sender.repeat(claimed, payload, dispatch, hop)
        number, pattern, params = arguments_of(claimed, payload)
        prepared = pattern.prepared(sender.provider.name, params)
        if isinstance(prepared, str):
            return await sender.repeat_call(TEXT, ([number], prepared), dispatch, hop)
        return await sender.repeat_call(PATTERN, (number, *prepared), dispatch, hop)

    async def is_alive(self) -> bool | None:
        return None


def _named(packed: str) -> Sequence[str]:
    pattern = unpacked_pattern(packed)
    return [] if isinstance(pattern, str) else [*pattern._providers]
