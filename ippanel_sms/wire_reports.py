"""IPPanel's reports: what each call sends, and how its answer is read. Names are spelled as in the document.

Numbers come as numbers or as texts, and keys may be missing. So no field of a row is required, and the reader converts
each by its declared type.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, TypeAlias, cast

from attrs import field, frozen

from ippanel_sms.codes import STATUSES, BulkState
from ippanel_sms.envelope import data, page
from ippanel_sms.messages import BulkStats, InboxMessage, OutboxMessage, OutboxPage, RecipientStatus, TextCounts
from smscore import DeliveryStatus
from smscore.wire import (
    Answer,
    Body,
    Content,
    Endpoint,
    Page,
    Raw,
    Row,
    codec,
    e164,
    from_unix,
    local_form,
    masked_number,
    masked_text,
    tehran_day,
)

PAGE_SIZE: Final = 100  # of listings that are read to their end; the document names no limit


class OutboxFilters(Body, frozen=True):
    """What narrows the outbox; moments are unix seconds as text (Get Outbox Report)."""

    number: str | None = None
    messages_outbox_id: str | None = None
    create_from_date: str | None = None
    create_to_date: str | None = None
    send_from_date: str | None = None
    send_to_date: str | None = None
    message: str | None = None
    state_id: str | None = None


class OutboxBody(Body, frozen=True):
    """The body of new_list: page n (from 1) of ``limit`` bulk messages each; without filters, of all of them."""

    page: int
    limit: int
    filters: OutboxFilters | None = None


class InboxFilters(Body, frozen=True):
    """What narrows the inbox: messages after this id."""

    from_id: int


class InboxBody(Body, frozen=True):
    """The body of messages-inbox; without filters it asks for all messages."""

    page: int
    per_page: int
    filters: InboxFilters | None = None


@frozen
class BulkPage:
    """A page of what belongs to one bulk message."""

    bulk_id: int
    page: int


@frozen
class OutboxRow:
    """One bulk message."""

    messages_outbox_id: int | None = None
    number: str | None = field(default=None, repr=masked_number)
    message: str | None = field(default=None, repr=masked_text)
    type: str | None = None
    state_id: int | None = None
    rcpts_count: int | None = None
    exit_count: int | None = None
    part: int | None = None
    cost: Decimal | None = None
    time: int | None = None
    time_send: int | None = None


@frozen
class RecipientRow:
    """One recipient of a bulk message. Its text is not decoded, since it may contain a one-time code."""

    recipient: str | None = field(default=None, repr=masked_number)
    message_status: int | None = None
    msg_parts: int | None = None


class InboxRow(Row, frozen=True, rename={"sender": "from"}):
    """One received message."""

    messages_inbox_id: int | None = None
    sender: str | None = None
    number: str | None = None
    message: str | None = None
    time: int | None = None


@frozen
class Languages:
    """Numbers of texts by language."""

    fa: int | None = None
    en: int | None = None


Operators: TypeAlias = dict[str, Languages | tuple[()] | None]


@frozen
class StatsData:
    """The data of Get Bulk Stats: numbers of messages by status and operator."""

    operators_sent: Operators | None = None
    operators_pending: Operators | None = None
    operators_failed: Operators | None = None
    operators_blacklist: Operators | None = None
    operators_delivered: Operators | None = None


# Some servers send an empty object as [].
_STATS_OR_NOTHING: Final = cast("type[StatsData | tuple[()]]", StatsData | tuple[()])


def inbox_page(after: int | None, number: int) -> InboxBody:
    """The body that asks for page n (from 1) of the messages after an id; None asks for all."""
    return InboxBody(number, PAGE_SIZE, None if after is None else InboxFilters(after))


def _read_outbox(answer: Answer, body: OutboxBody) -> OutboxPage:
    found = page(answer, OutboxRow)
    messages = [_outbox_message(row, row.messages_outbox_id) for row in found.items]
    return OutboxPage(found.total, found.number or body.page, found.last, messages)


def _read_outbox_message(answer: Answer, message_id: int) -> OutboxMessage:
    row = data(answer, OutboxRow)
    its_id = row.messages_outbox_id
    return _outbox_message(row, message_id if its_id is None else its_id)


def _outbox_message(row: OutboxRow, message_id: int | None) -> OutboxMessage:
    return OutboxMessage(
        message_id=message_id,
        text=row.message,
        sender=row.number,
        type=row.type,
        state=None if row.state_id is None else BulkState(row.state_id),
        recipient_count=row.rcpts_count,
        exit_count=row.exit_count,
        parts=row.part,
        cost=row.cost if row.cost is not None and row.cost.is_finite() else None,
        created_at=from_unix(row.time),
        send_at=from_unix(row.time_send),
    )


def _read_recipients(answer: Answer, _: BulkPage) -> Page[RecipientStatus]:
    return page(answer, RecipientRow).of(_recipient)


def _recipient(row: RecipientRow) -> RecipientStatus:
    code = row.message_status
    return RecipientStatus(
        recipient=_number(row.recipient),
        code=code,
        status=DeliveryStatus.UNRECOGNIZED if code is None else STATUSES.get(code, DeliveryStatus.UNRECOGNIZED),
        parts=row.msg_parts,
    )


def _read_stats(answer: Answer, _: int) -> BulkStats:
    stats = data(answer, _STATS_OR_NOTHING) or StatsData()
    return BulkStats(
        sent=_counts(stats.operators_sent),
        pending=_counts(stats.operators_pending),
        failed=_counts(stats.operators_failed),
        blacklisted=_counts(stats.operators_blacklist),
        delivered=_counts(stats.operators_delivered),
    )


def _counts(operators: Operators | None) -> dict[str, TextCounts]:
    return {
        name: TextCounts(of.fa or 0, of.en or 0) if isinstance(of, Languages) else TextCounts()
        for name, of in (operators or {}).items()
    }


def _read_inbox(answer: Answer, _: InboxBody) -> Page[InboxMessage]:
    return page(answer, Raw).of(_inbox_message)


def _inbox_message(raw: Raw) -> InboxMessage:
    row = codec.row(raw, InboxRow)
    moment = from_unix(row.time)
    return InboxMessage(
        number=_number(row.number),
        sender=_number(row.sender),
        text=row.message or "",
        date=tehran_day(moment),
        raw=codec.fields(raw),
        message_id=row.messages_inbox_id,
        received_at=moment,
    )


def _number(value: str | None) -> str:
    local = local_form(value)
    return e164(local) if local else value or ""


OUTBOX: Final = Endpoint[OutboxBody, OutboxPage](
    "outbox", "POST", "/api/report/new_list", lambda body: Content(codec.encode(body)), _read_outbox
)
OUTBOX_MESSAGE: Final = Endpoint[int, OutboxMessage](
    "outbox_message",
    "GET",
    "/api/report/by_bulk",
    lambda message_id: Content(query={"messages_outbox_id": str(message_id)}),
    _read_outbox_message,
)
RECIPIENTS: Final = Endpoint[BulkPage, Page[RecipientStatus]](
    "recipients",
    "GET",
    "/api/report/recipients",
    lambda of: Content(query={"bulk_id": str(of.bulk_id), "page": str(of.page), "per_page": str(PAGE_SIZE)}),
    _read_recipients,
)
STATS: Final = Endpoint[int, BulkStats](
    "stats",
    "GET",
    "/api/report/bulk_stats",
    lambda message_id: Content(query={"bulk_id": str(message_id)}),
    _read_stats,
)
INBOX: Final = Endpoint[InboxBody, Page[InboxMessage]](
    "inbox", "POST", "/api/report/messages-inbox", lambda body: Content(codec.encode(body)), _read_inbox
)
