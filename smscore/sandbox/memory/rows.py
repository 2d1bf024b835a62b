"""Messages and exchanges as rows of the store's tables, and back."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Final

from smscore.sandbox.fault_kinds import ActiveFault
from smscore.sandbox.memory.exchanges import Exchange
from smscore.sandbox.memory.messages import Inbound, Outbound, TokenAccount

__all__ = ["exchange_of", "exchange_row", "inbound_of", "inbound_row", "outbound_of", "outbound_row"]

Row = tuple[Any, ...]

# Attributes in the order of their columns. Of `messages`, the columns before and after these name other rows.
_OUTBOUND: Final = (
    "message_id",
    "recipient",
    "sender",
    "text",
    "cost",
    "received_at",
    "starts_at",
    "settled",
    "cancelled",
)
_EXCHANGE: Final = (
    *("first", "last", "provider", "call", "method", "path", "headers", "body", "body_cut", "status", "answer"),
    "answer_cut",
)
_outbound_values: Final = attrgetter(*_OUTBOUND)
_exchange_values: Final = attrgetter(*_EXCHANGE)


def outbound_row(message: Outbound) -> Row:
    """A row of the table ``messages``."""
    exchange = message.exchange.first if message.exchange else 0
    return message.seq, message.provider, message.account.key[1], *_outbound_values(message), exchange


def outbound_of(row: Row, account: TokenAccount, exchanges: Mapping[int, Exchange]) -> Outbound:
    """The message of a row; its account is given, as the row has only the hash of the token."""
    seq, provider, _, *own, exchange = row
    values = dict(zip(_OUTBOUND, own, strict=True))
    values["cancelled"] = bool(values["cancelled"])  # SQLite has no type for it
    return Outbound(provider=provider, account=account, exchange=exchanges.get(exchange), seq=seq, **values)


def inbound_row(inbound: Inbound) -> Row:
    """A row of the table ``inbound``."""
    return inbound.seq, inbound.provider, inbound.sender, inbound.number, inbound.text, inbound.received_at


def inbound_of(row: Row) -> Inbound:
    """The message of a row."""
    seq, provider, sender, number, text, received_at = row
    return Inbound(provider, sender, number, text, received_at, seq)


def exchange_row(exchange: Exchange) -> Row:
    """A row of the table ``exchanges``; of its fault only the kind is kept."""
    return *_exchange_values(exchange), exchange.fault and exchange.fault.kind


def exchange_of(row: Row) -> Exchange:
    """The exchange of a row."""
    *own, fault = row
    values = dict(zip(_EXCHANGE, own, strict=True))
    for name in ("body_cut", "answer_cut"):
        values[name] = bool(values[name])
    return Exchange(**values, fault=None if fault is None else ActiveFault(id=0, kind=fault))
