"""What Najva tells of messages that were sent: a page of the outbox, and a delivery report."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from attrs import field, frozen

from smscore import DeliveryStatus
from smscore.wire import masked_number, masked_text


@frozen
class OutboxMessage:
    """A message of the outbox: ``recipient`` E.164, ``sent_at`` aware, ``cost`` in Rials.

    What of it cannot be read is None, or an empty text.
    """

    message_id: int | None
    text: str = field(repr=masked_text)
    sender: str
    recipient: str = field(repr=masked_number)
    code: int | None
    status: DeliveryStatus
    sent_at: dt.datetime | None
    cost: int | Decimal | None


@frozen
class OutboxPage:
    """A page of the outbox: ``total`` counts the messages of all pages, ``page`` counts from 0."""

    total: int
    page: int
    messages: list[OutboxMessage]


@frozen
class DeliveryReport:
    """One call of Najva to your webhook: a message's delivery status has changed."""

    message_id: int
    code: int
    status: DeliveryStatus
