"""What the sandbox shows of what it remembers: the models of its REST interface and of its events."""

from datetime import UTC, datetime
from typing import Literal

import attrs

from smscore.inputs import count_parts
from smscore.sandbox.emulation import Emulation
from smscore.sandbox.faults import FaultKind
from smscore.sandbox.memory.exchanges import Exchange
from smscore.sandbox.memory.messages import Inbound, Outbound
from smscore.sandbox.memory.stages import Stage, stage_of
from smscore.sandbox.spelling import normal
from smscore.statuses import DeliveryStatus

__all__ = [
    "AnswerView",
    "Change",
    "Choice",
    "FailedRequest",
    "MessageDetail",
    "MessageView",
    "RequestView",
    "StoredMessage",
    "change_of",
    "detail_of",
    "failed_view",
    "status_of",
    "utc",
    "view_of",
]

StoredMessage = Outbound | Inbound


@attrs.frozen(kw_only=True, repr=False)
class MessageView:
    """One message, out or in. `scheduled_for` is null where it was to go out at once.

    `fault` is what its request met: with `drop_after` it was accepted, and its client has no answer.
    `recipient` is E.164, or the line that a message came in on; `sender` is the line, or whoever wrote.
    """

    seq: int
    direction: Literal["out", "in"]
    provider: str
    recipient: str
    sender: str
    text: str
    message_id: str | None
    code: int | None
    status: str | None
    status_words: str | None
    is_final: bool
    parts: int
    characters: int
    cost: int | None
    received_at: datetime
    scheduled_for: datetime | None
    call: str
    fault: FaultKind | None


@attrs.frozen(kw_only=True, repr=False)
class Choice:
    """A status that may be set by hand."""

    code: int
    status: str | None
    status_words: str


@attrs.frozen(kw_only=True, repr=False)
class RequestView:
    """A request to a provider, without the headers that could hold a secret."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    cut: bool


@attrs.frozen(kw_only=True, repr=False)
class AnswerView:
    """The answer; `status` is null where none went out: the connection closed. `fault` is what the request met."""

    status: int | None
    body: str
    cut: bool
    fault: FaultKind | None


@attrs.frozen(kw_only=True, repr=False)
class FailedRequest:
    """A request that was refused or met a fault, and how many messages it sent all the same."""

    number: int
    at: datetime
    provider: str
    call: str
    messages: int
    request: RequestView
    answer: AnswerView


@attrs.frozen(kw_only=True, repr=False)
class MessageDetail(MessageView):
    """One message with its request, the answer, and the statuses that may be set by hand."""

    request: RequestView | None
    answer: AnswerView | None
    statuses: list[Choice]


@attrs.frozen(kw_only=True, repr=False)
class Change:
    """What changed with a message's status."""

    seq: int
    code: int
    status: str | None
    status_words: str | None
    is_final: bool


@attrs.frozen
class Status:
    """A message's status: the provider's code, what it means, and words for it."""

    code: int
    meaning: DeliveryStatus | None
    words: str | None

    @property
    def value(self) -> str | None:
        return self.meaning and self.meaning.value

    @property
    def is_final(self) -> bool:
        return self.meaning is not None and self.meaning.is_final


def status_of(message: Outbound, emulation: Emulation, now: float) -> Status:
    """A message's status at ``now``: scheduled or cancelled also where its provider has no code for that."""
    code = emulation.code(message, now)
    status = Status(code, emulation.statuses.get(code), emulation.codes.get(code))
    waits = _waits(message, now)
    if waits is None or status.is_final or status.meaning is waits:
        return status
    return Status(code, waits, f"{waits.value}; the provider's own report says {status.words!r}")


def _waits(message: Outbound, now: float) -> DeliveryStatus | None:
    """Why a message has not gone out, if it has not."""
    if message.cancelled:
        return DeliveryStatus.CANCELLED
    is_due = message.settled is not None or stage_of(message.starts_at, now) is not Stage.SCHEDULED
    return None if is_due else DeliveryStatus.SCHEDULED


def view_of(entry: StoredMessage, emulation: Emulation, now: float) -> MessageView:
    """A message as it is at ``now``."""
    return sent_view(entry, emulation, now) if isinstance(entry, Outbound) else inbound_view(entry)


def sent_view(message: Outbound, emulation: Emulation, now: float) -> MessageView:
    status = status_of(message, emulation, now)
    return MessageView(
        seq=message.seq,
        direction="out",
        provider=message.provider,
        recipient=message.recipient,
        sender=message.sender,
        text=message.text,
        message_id=str(message.message_id),
        code=status.code,
        status=status.value,
        status_words=status.words,
        is_final=status.is_final,
        parts=count_parts(message.text).parts,
        characters=len(message.text),
        cost=message.cost,
        received_at=utc(message.received_at),
        scheduled_for=utc(message.starts_at) if message.starts_at > message.received_at else None,
        call=message.exchange.call if message.exchange else "",
        fault=fault_of(message.exchange),
    )


def inbound_view(inbound: Inbound) -> MessageView:
    return MessageView(
        seq=inbound.seq,
        direction="in",
        provider=inbound.provider,
        recipient=inbound.number,
        sender=normal(inbound.sender),
        text=inbound.text,
        message_id=None,
        code=None,
        status=None,
        status_words=None,
        is_final=True,
        parts=count_parts(inbound.text).parts,
        characters=len(inbound.text),
        cost=None,
        received_at=utc(inbound.received_at),
        scheduled_for=None,
        call="",
        fault=None,
    )


def detail_of(entry: StoredMessage, emulation: Emulation, now: float) -> MessageDetail:
    """A message with all that is known of it."""
    exchange = entry.exchange if isinstance(entry, Outbound) else None
    return MessageDetail(
        **attrs.asdict(view_of(entry, emulation, now), recurse=False),
        request=None if exchange is None else request_view(exchange),
        answer=None if exchange is None else answer_view(exchange),
        statuses=choices(emulation) if isinstance(entry, Outbound) else [],
    )


def request_view(exchange: Exchange) -> RequestView:
    return RequestView(
        method=exchange.method,
        path=exchange.path,
        headers={name: value for name, _, value in (line.partition(": ") for line in exchange.headers.splitlines())},
        body=exchange.body.decode("utf-8", "replace"),
        cut=exchange.body_cut,
    )


def answer_view(exchange: Exchange) -> AnswerView:
    return AnswerView(
        status=exchange.status,
        body=exchange.answer.decode("utf-8", "replace"),
        cut=exchange.answer_cut,
        fault=fault_of(exchange),
    )


def fault_of(exchange: Exchange | None) -> FaultKind | None:
    return exchange.fault.kind if exchange and exchange.fault else None


def failed_view(exchange: Exchange) -> FailedRequest:
    """A request that failed, with its answer."""
    return FailedRequest(
        number=exchange.number,
        at=utc(exchange.at),
        provider=exchange.provider,
        call=exchange.call,
        messages=exchange.last - exchange.first + 1 if exchange.first else 0,
        request=request_view(exchange),
        answer=answer_view(exchange),
    )


def choices(emulation: Emulation) -> list[Choice]:
    """Every status of a provider."""
    return [
        Choice(code=code, status=status_value(emulation, code), status_words=words)
        for code, words in emulation.codes.items()
    ]


def status_value(emulation: Emulation, code: int) -> str | None:
    status = emulation.statuses.get(code)
    return status and status.value


def change_of(message: Outbound, emulation: Emulation, now: float) -> Change:
    """A message's status at ``now``, without the rest."""
    status = status_of(message, emulation, now)
    return Change(
        seq=message.seq,
        code=status.code,
        status=status.value,
        status_words=status.words,
        is_final=status.is_final,
    )


def utc(seconds: float) -> datetime:
    """A moment, given in seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)
