"""IPPanel's reports: the outbox, recipients of bulk messages, their counts, and the inbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator
from typing import ClassVar

from ippanel_sms import wire_reports
from ippanel_sms.arguments import checked_id, checked_state, unix_or_none
from ippanel_sms.codes import BulkState
from ippanel_sms.envelope import IPPANEL
from ippanel_sms.inbox import oldest_first
from ippanel_sms.messages import BulkStats, InboxMessage, OutboxMessage, OutboxPage, RecipientStatus
from smscore.wire import (
    AsyncTrackingClient,
    BulkLookup,
    Lookups,
    Provider,
    Text,
    check_sender,
    check_text,
    checked_whole,
    one_by_one,
    pages,
    sends_nothing,
)

__all__ = ["ReportCalls"]


class ReportCalls(AsyncTrackingClient):
    """The part of the client that reads reports and the inbox."""

    provider: ClassVar[Provider] = IPPANEL
    lookups: ClassVar[Lookups] = (BulkLookup(wire_reports.RECIPIENTS, wire_reports.BulkPage),)

    @sends_nothing
    async def outbox(
        self,
        *,
        page: int = 1,
        page_size: int = 10,
        message_id: int | None = None,
        sender: str | None = None,
        text: Text | None = None,
        state: BulkState | int | None = None,
        created_since: dt.datetime | None = None,
        created_until: dt.datetime | None = None,
        send_since: dt.datetime | None = None,
        send_until: dt.datetime | None = None,
    ) -> OutboxPage:
        """A page of your bulk messages, sent and scheduled. ``page`` and ``page_size`` are whole numbers from 1.

        The rest are filters: the id, the line, a part of the text, the state, and aware datetimes of creation and of
        sending. Omitted filters match everything. Raises ``InvalidRequest`` for an invalid one.

        Document: IPPanel Edge, Get Outbox Report.
        """
        filters = wire_reports.OutboxFilters(
            number=check_sender(sender, IPPANEL, needed=False),
            messages_outbox_id=None if message_id is None else str(checked_id("message_id", message_id)),
            create_from_date=unix_or_none("created_since", created_since),
            create_to_date=unix_or_none("created_until", created_until),
            send_from_date=unix_or_none("send_since", send_since),
            send_to_date=unix_or_none("send_until", send_until),
            message=None if text is None else check_text(text),
            state_id=None if state is None else checked_state(state),
        )
        body = wire_reports.OutboxBody(
            checked_whole("page", page, 1),
            checked_whole("page_size", page_size, 1),
            None if filters == wire_reports.OutboxFilters() else filters,
        )
        return await self._call(wire_reports.OUTBOX, body)

    @sends_nothing
    async def outbox_message(self, message_id: int) -> OutboxMessage:
        """One bulk message with its state. Raises ``NotFound`` for an unknown id.

        Document: IPPanel Edge, Get Outbox Report By ID.
        """
        return await self._call(wire_reports.OUTBOX_MESSAGE, checked_id("message_id", message_id))

    def recipients(self, message_id: int) -> AsyncGenerator[RecipientStatus, None]:
        """The delivery status of every recipient of a bulk message. Pages of 100 are requested as you iterate.

        Raises ``NotAttempted`` if requesting the pages takes longer, in total, than ``Timeouts.call``; the time
        that you spend between pages does not count.

        Document: IPPanel Edge, Get Bulk Recipients.
        """
        return one_by_one(self._recipient_pages(message_id))

    @sends_nothing
    async def stats(self, message_id: int) -> BulkStats:
        """The messages of a bulk message counted by status, operator and language.

        Document: IPPanel Edge, Get Bulk Stats.
        """
        return await self._call(wire_reports.STATS, checked_id("message_id", message_id))

    def inbox(self, *, after_id: int | None = None) -> AsyncGenerator[InboxMessage, None]:
        """Every message to your lines, oldest first. Pages of 100 are requested as you iterate.

        ``after_id`` is the ``message_id`` of the last message that you have: only later ones are returned, each once,
        even while new ones come in. If IPPanel omits an id, ``message_id`` is None; such a message comes before the
        next one that has an id, or at the end, and is then repeated by each call until one with an id follows it.

        ``Timeouts.call`` limits the reading as in :meth:`recipients`; after ``NotAttempted``, continue from the last
        ``message_id`` that you have.

        Document: IPPanel Edge, Get Inbox Report.
        """
        return one_by_one(self._inbox_pages(after_id=after_id))

    def incoming(self, *, after: int | None = None) -> AsyncGenerator[InboxMessage, None]:
        """The messages that people sent to your lines, oldest first; those after an id, or all.

        ``after`` is the ``message_id`` of the last one that you have. The same as :meth:`inbox`, under the name that
        all providers share.

        Document: IPPanel Edge, Get Inbox Report.
        """
        return one_by_one(self._inbox_pages(after_id=after, name="after"))

    @sends_nothing
    def _recipient_pages(self, message_id: int) -> AsyncGenerator[list[RecipientStatus], None]:
        bulk_id = checked_id("message_id", message_id)
        read = self._reader(wire_reports.RECIPIENTS)
        return pages(lambda number: read(wire_reports.BulkPage(bulk_id, number)))

    @sends_nothing
    def _inbox_pages(self, *, after_id: int | None, name: str = "after_id") -> AsyncGenerator[list[InboxMessage], None]:
        after = None if after_id is None else checked_id(name, after_id)
        read = self._reader(wire_reports.INBOX)
        return oldest_first(lambda after, number: read(wire_reports.inbox_page(after, number)), after)
