"""What Najva reports about sent messages: a page of the outbox, and a delivery report."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import ClassVar

from attrs import field, frozen

from smscore import DeliveryStatus
from smscore.wire import masked_number, masked_text


@frozen
class OutboxMessage:
    """A message of the outbox: ``recipient`` in E.164, ``sent_at`` aware (UTC), ``cost`` in Rials.

    What the answer lacks, or has in a form that cannot be read, is None or an empty text.
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
    """A page of the outbox. ``total`` is the number of messages on all pages; ``page`` counts from 0."""

    total: int
    page: int
    messages: list[OutboxMessage]


@frozen
class DeliveryReport:
    """One call of Najva to your webhook: the delivery status of a message has changed."""

    provider: ClassVar[str] = "najva"
    message_id: int
    code: int
    status: DeliveryStatus
