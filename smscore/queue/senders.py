"""One claimed batch as one call of a client, or of a failover, whose every request the queue dispatches."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec
from attrs import evolve, frozen

from smscore.client import AsyncClient
from smscore.config import STREAM_BATCH_SIZE, RetryPolicy
from smscore.errors import InvalidRequest, OutcomeUnknown, SMSError
from smscore.failover import AsyncFailover
from smscore.messages import Message
from smscore.outcomes import Outcome
from smscore.profile import Capability
from smscore.queue.patterns import packed_pattern, unpacked_pattern
from smscore.queue.payloads import Payload, unpack_options
from smscore.queue.store.batches import MAX_BATCH, ClaimedBatch, Hop
from smscore.results import OUTCOME_BYTES, SendReport
from smscore.senders import check_sender
from smscore.sending.send_call import BatchEvent
from smscore.wire.batch import SendEndpoint
from smscore.wire.endpoint import Provider

Dispatch: TypeAlias = Callable[[BatchEvent], Awaitable[None]]
AnyClient: TypeAlias = AsyncClient | AsyncFailover

TEXT: Final = "text"
P2P: Final = "p2p"
PATTERN: Final = "pattern"
METHODS: Final[Mapping[str, str]] = {TEXT: "send", P2P: "send_p2p", PATTERN: "send_pattern"}
_NOT_SENT: Final = OUTCOME_BYTES[Outcome.NOT_SENT][0]
_CAPABILITIES: Final = {
    TEXT: Capability.SENDS,
    P2P: Capability.SENDS_P2P,
    PATTERN: Capability.SENDS_PATTERNS,
}


@frozen
class Answered:
    """What came of a call: its report, or the error without one, which came before anything was sent."""

    report: SendReport | None
    error: SMSError | None

    @property
    def may_have_arrived(self) -> bool:
        """Whether anybody may have been sent to, by what the report says."""
        return self.report is not None and any(code != _NOT_SENT for code in {*self.report._outcomes})

    @property
    def failure(self) -> SMSError | None:
        """The error of the batch as a whole; None for a usable answer."""
        if self.report is None:
            return self.error
        is_whole = self.report._failures and len({*self.report._outcomes}) == 1
        return self.report._failures[-1] if is_whole else None


class Sender(ABC):
    """An account as the queue sends by it: each request is tried once, and the rate is left to the queue."""

    client: AnyClient
    provider: Provider
    """By whose rules senders and messages are checked."""
    rate: float | None
    """Batches a second."""
    total: float
    """The longest that one request may take, in seconds."""

    @abstractmethod
    def can(self, kind: str) -> bool:
        """Whether it has this kind of send."""

    @abstractmethod
    def limit(self, kind: str) -> int:
        """The most recipients in one request."""

    @abstractmethod
    def line(self, given: object) -> str | None:
        """The sender of a campaign, checked. Raises ``InvalidRequest``."""

    @abstractmethod
    def pattern(self, given: object) -> str:
        """A pattern as it is stored. Raises ``InvalidRequest`` for one that this account cannot send."""

    @abstractmethod
    def own_line(self, provider: str | None) -> str | None:
        """The line that its client of this provider sends from where nothing names one."""

    @abstractmethod
    def mark(self, provider: str | None) -> str | None:
        """What tells the account of its client of this provider from others; None: it cannot be told which it is."""

    @abstractmethod
    def lifetime(self, kind: str, provider: str | None) -> float | None:
        """The seconds for which a request to this provider may be repeated with its id; None: it knows no ids."""

    @abstractmethod
    async def send(self, claimed: ClaimedBatch, payload: Payload, dispatch: Dispatch) -> SendReport:
        """Send a batch for the first time."""

    @abstractmethod
    async def repeat(self, claimed: ClaimedBatch, payload: Payload, dispatch: Dispatch, hop: Hop) -> SendReport:
        """Send a batch as it was sent by this hop, with the same request id."""

    @abstractmethod
    async def is_alive(self) -> bool | None:
        """Whether the provider answers a read; None where there is none. Raises what it answered otherwise."""

    @property
    @abstractmethod
    def clients(self) -> Sequence[AsyncClient]:
        """Its clients, for reads."""

    def client_of(self, provider: str | None) -> AsyncClient | None:
        """The only client of this provider, or of all where none is named; None where it cannot be told which it is."""
        own = [client for client in self.clients if provider in (None, client.provider.name)]
        return own[0] if len(own) == 1 else None

    @property
    def can_read(self) -> bool:
        """Whether there is a read that shows if the provider answers."""
        return False

    def check(self) -> None:
        """Raise ``ConfigurationError`` if a call would find no token or an invalid setting."""
        self.client.check()

    async def answered(self, claimed: ClaimedBatch, payload: Payload, dispatch: Dispatch) -> Answered:
        """Send or repeat a batch, and return what came of it."""
        hop = claimed.hop if claimed.may_have_arrived else None
        try:
            if hop is None:
                return Answered(await self.send(claimed, payload, dispatch), None)
            return Answered(await self.repeat(claimed, payload, dispatch, hop), None)
        except SMSError as error:
            return Answered(error.report, error)


class ClientSender(Sender):
    """A client of one provider."""

    def __init__(self, client: AsyncClient) -> None:
        self.client: AnyClient = client
        self.provider: Provider = client.provider
        self.once: AsyncClient = once(client)
        limit = client._caller.limit
        self.rate: float | None = None if limit is None else limit.rate
        self.total: float = client._settings.timeout.total
        self._client = client

    @property
    def clients(self) -> Sequence[AsyncClient]:
        return [self._client]

    def can(self, kind: str) -> bool:
        return _CAPABILITIES[kind] in self._client.capabilities

    def limit(self, kind: str) -> int:
        if kind == PATTERN:
            return 1
        endpoint = self._endpoint(kind)
        given = [self._client._settings.batch_size, endpoint.limit if endpoint else None, self.provider.send_limit]
        return min((limit for limit in given if limit is not None), default=min(STREAM_BATCH_SIZE, MAX_BATCH))

    def line(self, given: object) -> str | None:
        return check_sender(given, self.provider, needed=False)

    def pattern(self, given: object) -> str:
        if not isinstance(given, str) or not given.strip():
            raise InvalidRequest("code must be the code or the name of a pattern that the provider has approved.")
        return packed_pattern(given)

    def own_line(self, provider: str | None) -> str | None:
        return self._client._resolve_account().sender

    def mark(self, provider: str | None) -> str | None:
        return self._client._resolve_account().mark

    def lifetime(self, kind: str, provider: str | None) -> float | None:
        endpoint = self._endpoint(kind)
        ids = None if endpoint is None else endpoint.request_ids
        return None if ids is None or ids.each or not self._takes_id(kind) else ids.lifetime

    def _endpoint(self, kind: str) -> SendEndpoint | None:
        return self._client.sends.get(METHODS[kind])

    def _takes_id(self, kind: str) -> bool:
        return "request_id" in _parameters(getattr(type(self._client), METHODS[kind]))

    async def send(self, claimed: ClaimedBatch, payload: Payload, dispatch: Dispatch) -> SendReport:
        options = unpack_options(claimed.options)
        arguments = arguments_of(claimed, payload)
        return await self._call(claimed.kind, arguments, dispatch, self.once, sender=claimed.sender, **options)

    async def repeat(self, claimed: ClaimedBatch, payload: Payload, dispatch: Dispatch, hop: Hop) -> SendReport:
        if hop.provider not in (None, self.provider.name):
            raise OutcomeUnknown("It was sent by a client of another provider, which had this account's name.")
        arguments, options = arguments_of(claimed, payload), unpack_options(claimed.options)
        return await self.repeat_call(claimed.kind, arguments, dispatch, hop, **options)

    async def repeat_call(
        self, kind: str, arguments: Sequence[Any], dispatch: Dispatch, hop: Hop, **options: Any
    ) -> SendReport:
        """The same call again, with the request id and the sender of this hop."""
        client = _whole(self.once)
        again = {"sender": hop.sender, "request_id": hop.request_id}
        return await self._call(kind, arguments, dispatch, client, **again, **options)

    async def _call(
        self, kind: str, arguments: Sequence[Any], dispatch: Dispatch, client: AsyncClient, **options: Any
    ) -> SendReport:
        given = {name: value for name, value in options.items() if value is not None}
        report: SendReport = await getattr(client, METHODS[kind])(*arguments, on_batch=on_sending(dispatch), **given)
        return report

    @property
    def can_read(self) -> bool:
        return Capability.TELLS_CREDIT in self._client.capabilities

    async def is_alive(self) -> bool | None:
        if not self.can_read:
            return None
        read: Any = self.once
        await read.credit()
        return True


def once(client: AsyncClient) -> AsyncClient:
    """The same client, which tries once and leaves the rate to the queue."""
    return client.with_options(retry=RetryPolicy.none(), rate_limit=None)


def _whole(client: AsyncClient) -> AsyncClient:
    """The same client, with batches as large as the provider allows: in two parts a repeat would have other ids."""
    settings = evolve(client._settings, batch_size=None)
    return client._with_caller(evolve(client._caller, settings=settings))


@lru_cache(128)
def _parameters(method: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(method).parameters)


def on_sending(dispatch: Dispatch) -> Dispatch:
    """An ``on_batch`` that dispatches each request before it leaves."""

    async def on_batch(event: BatchEvent) -> None:
        if event.state == "sending":
            await dispatch(event)

    return on_batch


def arguments_of(claimed: ClaimedBatch, payload: Payload) -> Sequence[Any]:
    """The positional arguments of the client's call for a batch."""
    if claimed.kind == P2P:
        return [[*map(Message, payload.numbers, payload.texts or ())]]
    if claimed.kind == PATTERN:
        params = msgspec.json.decode(claimed.params or "{}", type=dict[str, str])
        return payload.numbers[0], unpacked_pattern(claimed.pattern or ""), params
    return payload.numbers, claimed.text


def without(payload: Payload, places: Sequence[int]) -> Payload:
    """The recipients of a batch but those at these places."""
    if not places:
        return payload
    out = set(places)
    kept = [place for place in range(len(payload)) if place not in out]
    return Payload(
        [payload.numbers[place] for place in kept],
        None if payload.texts is None else [payload.texts[place] for place in kept],
        None if payload.refs is None else [payload.refs[place] for place in kept],
    )
