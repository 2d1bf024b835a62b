"""Messages as the REST interface and the live events show them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import asdict, frozen

from smscore.sandbox.api.request_views import AnswerView, RequestView, answer_view, fault_of, request_view, utc
from smscore.sandbox.emulation import Emulation
from smscore.sandbox.fault_kinds import FaultKind
from smscore.sandbox.memory.messages import Inbound, Outbound, StoredMessage
from smscore.sandbox.memory.state import State
from smscore.sandbox.memory.status import status_of
from smscore.sandbox.spelling import normalized
from smscore.text import parts_of

__all__ = [
    "MessageDetail",
    "MessageView",
    "StatusChange",
    "StatusChoice",
    "change_view",
    "detail_view",
    "message_view",
    "status_choices",
]


@frozen(kw_only=True, repr=False)
class MessageView:
    """A message, out or in. `scheduled_for` is null if it was to be sent at once.

    `recipient` is E.164, or the line that a message came in on; `sender` is the line, or the person who wrote it.
    `fault` is what its request met: with `drop_after`, the message was accepted but its client got no response.
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


@frozen(kw_only=True, repr=False)
class StatusChoice:
    """A status that may be set by hand."""

    code: int
    status: str | None
    status_words: str


@frozen(kw_only=True, repr=False)
class MessageDetail(MessageView):
    """A message with its request, the response, and the statuses that may be set by hand."""

    request: RequestView | None
    answer: AnswerView | None
    statuses: list[StatusChoice]


@frozen(kw_only=True, repr=False)
class StatusChange:
    """What changed with a message's status."""

    seq: int
    code: int
    status: str | None
    status_words: str | None
    is_final: bool


def message_view(state: State, entry: StoredMessage) -> MessageView:
    """A message as it is now."""
    return _outbound_view(state, entry) if isinstance(entry, Outbound) else _inbound_view(entry)


def _outbound_view(state: State, message: Outbound) -> MessageView:
    status = status_of(message, state.emulations[message.provider], state.now())
    return MessageView(
        seq=message.seq,
        direction="out",
        provider=message.provider,
        recipient=message.recipient,
        sender=message.sender,
        text=message.text,
        message_id=str(message.message_id),  # a text: beyond 2**53 JavaScript would round it
        code=status.code,
        status=status.value,
        status_words=status.description,
        is_final=status.is_final,
        parts=parts_of(message.text).parts,
        characters=len(message.text),
        cost=message.cost,
        received_at=utc(message.received_at),
        scheduled_for=utc(message.starts_at) if message.starts_at > message.received_at else None,
        call=message.exchange.call if message.exchange else "",
        fault=fault_of(message.exchange),
    )


def _inbound_view(inbound: Inbound) -> MessageView:
    return MessageView(
        seq=inbound.seq,
        direction="in",
        provider=inbound.provider,
        recipient=inbound.number,
        sender=normalized(inbound.sender),
        text=inbound.text,
        message_id=None,
        code=None,
        status=None,
        status_words=None,
        is_final=True,
        parts=parts_of(inbound.text).parts,
        characters=len(inbound.text),
        cost=None,
        received_at=utc(inbound.received_at),
        scheduled_for=None,
        call="",
        fault=None,
    )


def detail_view(state: State, entry: StoredMessage) -> MessageDetail:
    """A message as it is now, with its request and response."""
    exchange = entry.exchange if isinstance(entry, Outbound) else None
    return MessageDetail(
        **asdict(message_view(state, entry), recurse=False),
        request=None if exchange is None else request_view(exchange),
        answer=None if exchange is None else answer_view(exchange),
        statuses=status_choices(state.emulations[entry.provider]) if isinstance(entry, Outbound) else [],
    )


def status_choices(emulation: Emulation) -> list[StatusChoice]:
    """Every status of a provider."""
    return [
        StatusChoice(code=code, status=_meaning(emulation, code), status_words=description)
        for code, description in emulation.codes.items()
    ]


def _meaning(emulation: Emulation, code: int) -> str | None:
    status = emulation.statuses.get(code)
    return status and status.value


def change_view(state: State, message: Outbound) -> StatusChange:
    """A message's status as it is now, without the rest."""
    status = status_of(message, state.emulations[message.provider], state.now())
    return StatusChange(
        seq=message.seq,
        code=status.code,
        status=status.value,
        status_words=status.description,
        is_final=status.is_final,
    )
