"""What IPPanel reports about messages: bulk messages, their recipients, and messages to your lines."""

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
    """A bulk message that you sent. What the answer lacks is None; in a listing that may even be ``message_id``.

    ``exit_count`` is to how many of its ``recipient_count`` recipients it went out, ``type`` IPPanel's own word for
    its kind, ``parts`` the SMS parts of its text, ``cost`` in Rials. ``created_at`` and ``send_at`` are aware (UTC).
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
    """A page of the outbox. ``total`` is the number of messages on all pages; ``page`` counts from 1 to ``last_page``.

    ``total`` and ``last_page`` are None if the answer lacks them.
    """

    total: int | None
    page: int
    last_page: int | None
    messages: list[OutboxMessage]


@frozen
class RecipientStatus:
    """The delivery status of one recipient of a bulk message. ``recipient`` is E.164, ``code`` IPPanel's own number.

    If the answer has no code, as for a message that is still being sent, ``code`` is None and ``status``
    ``UNRECOGNIZED``. ``parts`` is the number of SMS parts.
    """

    recipient: str = field(repr=masked_number)
    code: int | None
    status: DeliveryStatus
    parts: int | None


@frozen
class TextCounts:
    """Numbers of messages: ``fa`` in Persian, ``en`` in Latin letters."""

    fa: int = 0
    en: int = 0

    @property
    def total(self) -> int:
        """The sum of both."""
        return self.fa + self.en


@frozen
class BulkStats:
    """The messages of a bulk message counted by status, and in each by IPPanel's name of the operator (``"mci"``)."""

    sent: Mapping[str, TextCounts]
    pending: Mapping[str, TextCounts]
    failed: Mapping[str, TextCounts]
    blacklisted: Mapping[str, TextCounts]
    delivered: Mapping[str, TextCounts]


@frozen
class InboxMessage(InboundMessage):
    """A message to one of your lines: a ``smscore.InboundMessage`` with its id and the time it was received.

    ``number`` and ``sender`` are E.164 if they are mobile numbers. ``received_at`` is aware (UTC), and ``date`` its day
    in Tehran; both are None if the time cannot be read. ``message_id`` is None if the answer lacks it.
    """

    message_id: int | None  # pyright: ignore[reportIncompatibleMethodOverride]  # a value, where others give None
    received_at: dt.datetime | None  # pyright: ignore[reportIncompatibleMethodOverride]  # likewise


@frozen
class BulkReceipt:
    """The result of a send to segments: the ids of its bulk messages."""

    message_ids: list[int]
