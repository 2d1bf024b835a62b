"""One claimed batch as one call of a client, whose only request is let go by the queue."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec
from attrs import frozen

from smscore.client import AsyncClient
from smscore.config import STREAM_BATCH_SIZE, RetryPolicy
from smscore.errors import SMSError
from smscore.messages import Message
from smscore.queue.payloads import Payload
from smscore.queue.store.batches import Claimed
from smscore.results import SendReport
from smscore.sending.send_call import BatchEvent
from smscore.wire.batch import SendEndpoint

LetGo: TypeAlias = Callable[[BatchEvent], Awaitable[None]]

TEXT: Final = "text"
P2P: Final = "p2p"
PATTERN: Final = "pattern"
METHODS: Final[Mapping[str, str]] = {TEXT: "send", P2P: "send_p2p", PATTERN: "send_pattern"}


@frozen
class Answered:
    """What came of a call: its report, or the error without one, which came before anything was sent."""

    report: SendReport | None
    error: SMSError | None

    @property
    def failure(self) -> SMSError | None:
        """The error of the batch as a whole; None for a usable answer."""
        if self.report is None:
            return self.error
        return self.report._failures[0] if self.report._failures else None


class Sender:
    """An account's client as the queue uses it: one try a call, and the rate left to the queue."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self._once = client.with_options(retry=RetryPolicy.none(), rate_limit=None)

    @property
    def rate(self) -> float | None:
        """The batches a second that the client was given."""
        limit = self.client._caller.limit
        return None if limit is None else limit.rate

    @property
    def total(self) -> float:
        """The longest that one request may take, in seconds."""
        return self.client._settings.timeout.total

    def can(self, kind: str) -> bool:
        """Whether the provider has this kind of send."""
        return hasattr(self.client, METHODS[kind])

    def endpoint(self, kind: str) -> SendEndpoint | None:
        """What the provider declares of this kind of send."""
        return self.client.sends.get(METHODS[kind])

    def limit(self, kind: str) -> int:
        """The most recipients in one request."""
        if kind == PATTERN:
            return 1
        endpoint = self.endpoint(kind)
        given = [
            self.client._settings.batch_size,
            endpoint.limit if endpoint else None,
            self.client.provider.send_limit,
        ]
        return min((limit for limit in given if limit is not None), default=STREAM_BATCH_SIZE)

    def one_sender(self, kind: str) -> bool:
        """Whether a request can hold messages of one sender only."""
        endpoint = self.endpoint(kind)
        return endpoint is None or endpoint.one_sender

    def lifetime(self, kind: str) -> float | None:
        """How long a request may be repeated with its id, in seconds; None where the provider knows no ids."""
        endpoint = self.endpoint(kind)
        ids = None if endpoint is None or endpoint.request_ids is None else endpoint.request_ids
        return None if ids is None or ids.each or not self._takes_id(kind) else ids.lifetime

    def line(self) -> str | None:
        """The line that the client sends from where a batch names none."""
        return self.client._resolve_account().sender

    def _takes_id(self, kind: str) -> bool:
        return "request_id" in _parameters(getattr(type(self.client), METHODS[kind]))

    async def send(
        self, claimed: Claimed, payload: Payload, let_go: LetGo, *, request_id: str | None, sender: str | None
    ) -> Answered:
        """Send a batch and return what came of it; ``request_id`` and ``sender`` are those of a try to be repeated."""
        options: dict[str, Any] = {"sender": sender, "on_batch": _sending_only(let_go)}
        if request_id is not None:
            options["request_id"] = request_id
        method = getattr(self._once, METHODS[claimed.kind])
        try:
            return Answered(await method(*_arguments(claimed, payload), **options), None)
        except SMSError as error:
            return Answered(error.report, error)


@lru_cache(128)
def _parameters(method: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(method).parameters)


def _sending_only(let_go: LetGo) -> LetGo:
    async def on_batch(event: BatchEvent) -> None:
        if event.state == "sending":
            await let_go(event)

    return on_batch


def _arguments(claimed: Claimed, payload: Payload) -> Sequence[Any]:
    match claimed.kind:
        case "p2p":
            return [[*map(Message, payload.numbers, payload.texts or ())]]
        case "pattern":
            code = msgspec.json.decode(claimed.pattern or "null")
            return payload.numbers[0], code, msgspec.json.decode(claimed.params or "{}")
        case _:
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
