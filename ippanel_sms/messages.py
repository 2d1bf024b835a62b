"""What IPPanel tells of messages: bulk messages and their recipients, and what people wrote to your lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from ippanel_sms.codes import BulkState
from smscore import DeliveryStatus, InboundMessage
from smscore.wire import masked_number, masked_text


@frozen
class OutboxMessage:
    """A bulk message that you sent; whatever IPPanel does not say is None, in a listing even its ``message_id``.

    ``exit_count`` is how many of its ``recipient_count`` recipients it went out to, ``type`` IPPanel's own word for
    its kind, ``parts`` how many parts its text takes, ``cost`` in Rials. ``created_at`` and ``send_at`` are aware.
    """

    message_id: int | None
    text: str | None = field(repr=masked_text)
    sender: str | None = field(repr=masked_number)
    type: str | None
    state: BulkState | None
    recipient_count: int | None
    exit_count: int | None
    parts: int | None
    cost: Decimal | None
    created_at: dt.datetime | None
    send_at: dt.datetime | None


@frozen
class OutboxPage:
    """A page of the outbox: ``total`` counts the messages of all pages, ``page`` counts from 1 to ``last_page``.

    ``total`` and ``last_page`` are None where IPPanel does not say them.
    """

    total: int | None
    page: int
    last_page: int | None
    messages: list[OutboxMessage]


@frozen
class RecipientStatus:
    """What became of one recipient of a bulk message: ``recipient`` is E.164, ``code`` IPPanel's own number.

    ``code`` is None and ``status`` UNRECOGNIZED where IPPanel does not say it, as of a message under way; ``parts``
    is how many parts the message took.
    """

    recipient: str = field(repr=masked_number)
    code: int | None
    status: DeliveryStatus
    parts: int | None


@frozen
class TextCounts:
    """How many messages: ``fa`` Persian ones, ``en`` Latin ones."""

    fa: int = 0
    en: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.fa + self.en


@frozen
class BulkStats:
    """How many messages of a bulk message have come how far, by IPPanel's name of the operator (``"mci"``)."""

    sent: Mapping[str, TextCounts]
    pending: Mapping[str, TextCounts]
    failed: Mapping[str, TextCounts]
    blacklisted: Mapping[str, TextCounts]
    delivered: Mapping[str, TextCounts]


@frozen
class InboxMessage(InboundMessage):
    """A message to one of your lines: a ``smscore.InboundMessage`` with its id and its moment.

    ``number`` and ``sender`` are E.164 where they are mobile numbers; ``date`` is the day in Tehran of
    ``received_at``, which is aware, and both are None where the moment cannot be read. ``message_id`` is None where
    IPPanel does not say it.
    """

    message_id: int | None
    received_at: dt.datetime | None
