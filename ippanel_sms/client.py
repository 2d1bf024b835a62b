"""The async client of IPPanel Edge."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import aclosing
from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from ippanel_sms import wire, wire_account, wire_reports
from ippanel_sms.account import Account, Line, Price
from ippanel_sms.codes import BulkState
from ippanel_sms.envelope import IPPANEL
from ippanel_sms.inbox import oldest_first
from ippanel_sms.messages import BulkStats, InboxMessage, OutboxMessage, OutboxPage, RecipientStatus
from ippanel_sms.one_time import checked_code, checked_pattern
from ippanel_sms.segments import (
    CountrySegment,
    Place,
    PostalCodeSegment,
    S,
    SegmentCount,
    checked_segments,
    counted_segment,
)
from smscore import InvalidRequest, SendReport
from smscore.wire import (
    AnyMessage,
    AsyncClient,
    Batch,
    Messages,
    OnBatch,
    PatternValue,
    Provider,
    Recipient,
    Recipients,
    Text,
    as_int,
    check_sender,
    check_text,
    checked_numbers,
    checked_whole,
    is_id,
    one_by_one,
    one_recipient,
    outgoing_to_one,
    pages,
    pattern_texts,
    sends_nothing,
    unix_text,
    utc_text,
)


@frozen
class BulkReceipt:
    """What IPPanel gives for a send to segments: the ids of its bulk messages."""

    message_ids: list[int]


class AsyncIPPanel(AsyncClient):
    """Send through IPPanel Edge, from asyncio.

    Settings left out are read from ``IPPANEL_TOKEN``, ``IPPANEL_SENDER`` and ``IPPANEL_BASE_URL``; a base URL is
    taken with and without ``/api`` at its end. Senders go out as E.164, such as ``+983000505``, from any
    spelling; a line such as ``+98BANK`` goes as it stands.
    """

    provider: ClassVar[Provider] = IPPANEL

    async def send(
        self,
        to: Recipients,
        text: Text,
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send one text to one recipient or many, and report what became of each; a request has one bulk id.

        IPPanel sets no limit, so that one request takes all unless the client's ``batch_size`` is set. ``send_time``
        is an aware datetime to send at; a naive one is ``InvalidRequest``.

        Raises ``InvalidNumber`` or ``InvalidRequest`` before anything is sent, and by the report's outcomes
        ``ProviderError``, ``ConnectionFailed``, ``OutcomeUnknown``, ``NotAttempted`` or ``PartialSendError``, each
        with the whole report.

        Document: IPPanel Edge, Send Webservice SMS.
        """
        return await self._send(wire.SEND, to, text, sender, on_batch, extra=_send_time(send_time))

    async def send_p2p(
        self,
        messages: Messages,
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send a text of its own to each recipient, and report what became of each; a text has one bulk id a request.

        ``messages`` are ``smscore.Message`` or (recipient, text) pairs; those with different senders go in different
        requests, and the client's ``batch_size`` counts recipients. The rest is as in :meth:`send`.

        Document: IPPanel Edge, Send Peer to Peer SMS.
        """
        return await self._send_p2p(wire.SEND_P2P, messages, sender, on_batch, extra=_send_time(send_time))

    def send_stream(
        self,
        to: Recipients | AsyncIterable[Recipient],
        text: Text,
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """A report for every batch of an iterable of any length, as batches finish.

        A batch is ``batch_size`` recipients, 10,000 where it is not set. A bad number becomes a ``NOT_SENT`` result,
        and a batch's failure is in its report; a bad text or sender raises. Closing the generator cancels what is in
        flight.

        Document: IPPanel Edge, Send Webservice SMS.
        """
        return self._send_stream(wire.SEND, to, text, sender, on_batch, extra=_send_time(send_time))

    def send_p2p_stream(
        self,
        messages: Messages | AsyncIterable[AnyMessage],
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """A report for every batch of messages of an iterable of any length, as batches finish.

        A report covers messages that stand next to one another, also where their senders differ. The rest is as in
        :meth:`send_stream`.

        Document: IPPanel Edge, Send Peer to Peer SMS.
        """
        return self._send_p2p_stream(wire.SEND_P2P, messages, sender, on_batch, extra=_send_time(send_time))

    async def send_pattern(
        self,
        to: Recipient,
        code: str,
        params: Mapping[str, PatternValue],
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send an approved pattern to one recipient, as for one-time codes; the report has that one result.

        ``code`` is the pattern's, ``params`` the value of each of its variables: a ``str``, or an ``int`` or a
        ``Decimal`` of at most 1,000 digits, which goes as text; anything else is ``InvalidRequest``. Raises as
        :meth:`send` does; where the pattern or a variable is wrong, ``InvalidParameters`` whose ``fields`` names it.

        Document: IPPanel Edge, Send Pattern SMS.
        """
        extra = {"code": checked_pattern(code), "params": pattern_texts(params)}
        account = self._resolve_account()
        outgoing = outgoing_to_one(to, account.line(sender, needed=True), extra)
        return await self._deliver(wire.SEND_PATTERN, outgoing, account, on_batch, None)

    async def send_votp(self, to: Recipient, code: Text, *, on_batch: OnBatch | None = None) -> SendReport:
        """Call one recipient and read a code out; the report has that one result.

        ``code`` is a ``str`` of digits, Persian ones too, so that zeros at its start stay. No sender is needed. A
        call is never repeated once it may have left: where the outcome is ``UNKNOWN``, offer your user a new code.

        Raises as :meth:`send` does.

        Document: IPPanel Edge, Send VOTP.
        """
        return await self._send(wire.SEND_VOTP, one_recipient(to), checked_code(code), None, on_batch)

    async def send_country(
        self,
        segments: CountrySegment | Iterable[CountrySegment],
        text: Text,
        *,
        sender: str | None = None,
        other_recipients: Recipients = (),
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> BulkReceipt:
        """The ids of a text sent to people by place, and to ``other_recipients``.

        Raises ``InvalidRequest`` for a segment out of range, or one that reaches nobody, before anything is sent.

        Document: IPPanel Edge, Send Country SMS.
        """
        checked = checked_segments(segments, CountrySegment)
        return await self._send_bulk("country", checked, text, sender, other_recipients, send_time, on_batch)

    async def send_postal_code(
        self,
        segments: PostalCodeSegment | Iterable[PostalCodeSegment],
        text: Text,
        *,
        sender: str | None = None,
        other_recipients: Recipients = (),
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> BulkReceipt:
        """The ids of a text sent to people by postal code, and to ``other_recipients``.

        Raises ``InvalidRequest`` for a segment out of range, or one that reaches nobody, before anything is sent.

        Document: IPPanel Edge, Send Postal code SMS.
        """
        checked = checked_segments(segments, PostalCodeSegment)
        return await self._send_bulk("postal_code", checked, text, sender, other_recipients, send_time, on_batch)

    @sends_nothing
    async def cancel(self, message_id: int) -> None:
        """Cancel a bulk message that is to be sent at a later time, at least 5 minutes before it.

        Raises ``NotFound`` for an id that IPPanel does not know. After ``OutcomeUnknown``, :meth:`outbox_message`
        tells whether it is cancelled.

        Document: IPPanel Edge, Cancel Scheduled Message.
        """
        await self._call(wire.CANCEL, _id("message_id", message_id))

    @sends_nothing
    async def price(self, text: Text, *, sender: str | None = None) -> Price:
        """What a text costs from a line of yours, for each recipient, and how many parts it takes.

        Document: IPPanel Edge, Calculate SMS Price.
        """
        line = self._resolve_account().line(sender, needed=True)
        return await self._call(wire.PRICE, wire.PriceBody(line, check_text(text)))

    @sends_nothing
    async def credit(self) -> Decimal:
        """The credit left, in Rials as is usual in this trade; the document names no currency.

        Document: IPPanel Edge, My Credit.
        """
        return await self._call(wire_account.CREDIT, None)

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
        """A page of the bulk messages that you sent or that are to be sent; ``page`` counts from 1.

        The rest narrows them: the id, the line, a part of the text, the state, and aware datetimes of when they were
        made and of when they are sent.

        Document: IPPanel Edge, Get Outbox Report.
        """
        filters = wire_reports.OutboxFilters(
            number=check_sender(sender, IPPANEL, needed=False),
            messages_outbox_id=None if message_id is None else str(_id("message_id", message_id)),
            create_from_date=_unix("created_since", created_since),
            create_to_date=_unix("created_until", created_until),
            send_from_date=_unix("send_since", send_since),
            send_to_date=_unix("send_until", send_until),
            message=None if text is None else check_text(text),
            state_id=None if state is None else _state(state),
        )
        body = wire_reports.OutboxBody(
            checked_whole("page", page, 1),
            checked_whole("page_size", page_size, 1),
            None if filters == wire_reports.OutboxFilters() else filters,
        )
        return await self._call(wire_reports.OUTBOX, body)

    @sends_nothing
    async def outbox_message(self, message_id: int) -> OutboxMessage:
        """One bulk message, and how far it is; raises ``NotFound`` for an id that IPPanel does not know.

        Document: IPPanel Edge, Get Outbox Report By ID.
        """
        return await self._call(wire_reports.OUTBOX_MESSAGE, _id("message_id", message_id))

    def recipients(self, message_id: int) -> AsyncGenerator[RecipientStatus, None]:
        """Every recipient of a bulk message, and what became of it; page after page is read as you go on.

        Raises ``NotAttempted`` where reading its pages takes longer, all together, than ``Timeouts.call``; the time
        that you take between them does not count.

        Document: IPPanel Edge, Get Bulk Recipients.
        """
        return one_by_one(self._recipient_pages(message_id))

    @sends_nothing
    async def stats(self, message_id: int) -> BulkStats:
        """How many messages of a bulk message have come how far, by operator and by language.

        Document: IPPanel Edge, Get Bulk Stats.
        """
        return await self._call(wire_reports.STATS, _id("message_id", message_id))

    def inbox(self, *, after_id: int | None = None) -> AsyncGenerator[InboxMessage, None]:
        """Every message to your lines, the oldest first; page after page is read as you go on.

        ``after_id`` is the ``message_id`` of the last one that you have: those after it are given, each once, also
        while new ones come in. Where IPPanel leaves out an id, ``message_id`` is None: such a message is given before
        the next one that has an id, or at the end, and there in each call until one with an id has come in after it.

        ``Timeouts.call`` bounds the reading as in :meth:`recipients`; after ``NotAttempted``, go on from the last
        ``message_id`` that you have.

        Document: IPPanel Edge, Get Inbox Report.
        """
        return one_by_one(self._inbox_pages(after_id=after_id))

    @sends_nothing
    async def provinces(self) -> list[Place]:
        """The provinces, with the ids that :class:`CountrySegment` takes.

        Document: IPPanel Edge, Get Provinces.
        """
        return await self._call(wire_account.PROVINCES, None)

    @sends_nothing
    async def counties(self, province_id: int) -> list[Place]:
        """The counties of a province.

        Document: IPPanel Edge, Get Counties.
        """
        return await self._call(wire_account.COUNTIES, checked_whole("province_id", province_id, 1))

    @sends_nothing
    async def cities(self, county_id: int) -> list[Place]:
        """The cities of a county.

        Document: IPPanel Edge, Get Cities.
        """
        return await self._call(wire_account.CITIES, checked_whole("county_id", county_id, 1))

    @sends_nothing
    async def count(self, segment: CountrySegment) -> SegmentCount:
        """How many numbers a segment has, by operator; its own sizes, and its ``bank``, count for nothing here.

        Document: IPPanel Edge, Get Recipients Count.
        """
        return await self._call(wire_account.COUNT, counted_segment(segment))

    @sends_nothing
    async def lines(self) -> list[Line]:
        """All lines that you may send from.

        Document: IPPanel Edge, List Numbers.
        """
        async with aclosing(pages(self._reader(wire_account.LINES))) as found:
            return [line async for lines in found for line in lines]

    @sends_nothing
    async def account(self) -> Account:
        """Whose token it is, and whether it may send; raises ``AuthenticationError`` for a token that is none.

        Document: IPPanel Edge, Check Token.
        """
        return await self._call(wire_account.ACCOUNT, None)

    @sends_nothing
    def _recipient_pages(self, message_id: int) -> AsyncGenerator[list[RecipientStatus], None]:
        bulk_id = _id("message_id", message_id)
        read = self._reader(wire_reports.RECIPIENTS)
        return pages(lambda number: read(wire_reports.BulkPage(bulk_id, number)))

    @sends_nothing
    def _inbox_pages(self, *, after_id: int | None) -> AsyncGenerator[list[InboxMessage], None]:
        after = None if after_id is None else _id("after_id", after_id)
        read = self._reader(wire_reports.INBOX)
        return oldest_first(lambda after, number: read(wire_reports.inbox_page(after, number)), after)

    async def _send_bulk(
        self,
        sending_type: str,
        segments: list[S],
        text: Text,
        sender: str | None,
        other_recipients: Recipients,
        send_time: dt.datetime | None,
        on_batch: OnBatch | None,
    ) -> BulkReceipt:
        others, account = checked_numbers(other_recipients), self._resolve_account()
        extra = {"sending_type": sending_type, "segments": segments, **_send_time(send_time)}
        line = account.line(sender, needed=True)
        # It reaches more people than those whom it names, who may be none.
        batch = Batch(0, range(len(others)), others, [check_text(text)], [line], extra=extra)
        return BulkReceipt((await self._send_batch(wire.SEND_BULK, batch, account, on_batch)).bulk_ids)


def _send_time(send_time: dt.datetime | None) -> Mapping[str, str]:
    return {} if send_time is None else {"send_time": utc_text(send_time, "send_time")}


def _id(name: str, value: int) -> int:
    number = as_int(value)
    if not is_id(number):
        raise InvalidRequest(f"{name}= takes IPPanel's own number, a whole one of 64 bits.")
    return number


def _state(state: BulkState | int) -> str:
    number = as_int(state)
    if not is_id(number):
        raise InvalidRequest("state= is an ippanel_sms.BulkState or its number.")
    return str(number)


def _unix(name: str, moment: dt.datetime | None) -> str | None:
    return None if moment is None else unix_text(moment, name)
