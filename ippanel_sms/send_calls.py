"""IPPanel's sends, and what belongs to a send: its price, and cancelling it."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from typing import ClassVar

from ippanel_sms import wire
from ippanel_sms.account import Price
from ippanel_sms.arguments import checked_id, send_time_field
from ippanel_sms.envelope import IPPANEL
from ippanel_sms.messages import BulkReceipt
from ippanel_sms.one_time import checked_code, checked_pattern
from ippanel_sms.segments import (
    CountrySegment,
    PostalCodeSegment,
    S,
    checked_segments,
)
from smscore import SendReport
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
    SendEndpoint,
    Text,
    check_text,
    checked_numbers,
    one_recipient,
    outgoing_to_one,
    pattern_texts,
    sends_nothing,
)

__all__ = ["SendCalls"]


class SendCalls(AsyncClient):
    """The part of the client that sends."""

    provider: ClassVar[Provider] = IPPANEL
    sends: ClassVar[Mapping[str, SendEndpoint]] = {
        "send": wire.SEND,
        "send_p2p": wire.SEND_P2P,
        "send_pattern": wire.SEND_PATTERN,
    }

    async def send(
        self,
        to: Recipients,
        text: Text,
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send one text to one recipient or many, and report each outcome; a request has one bulk id.

        IPPanel sets no limit, so that one request takes all unless the client's ``batch_size`` is set. ``send_time``
        is an aware datetime to send at; a naive one is ``InvalidRequest``.

        Raises ``InvalidNumber`` or ``InvalidRequest`` before anything is sent, and by the report's outcomes
        ``ProviderError``, ``ConnectionFailed``, ``OutcomeUnknown``, ``NotAttempted`` or ``PartialSendError``, each
        with the whole report.

        Document: IPPanel Edge, Send Webservice SMS.
        """
        return await self._send(wire.SEND, to, text, sender, on_batch, extra=send_time_field(send_time))

    async def send_p2p(
        self,
        messages: Messages,
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send each recipient their own text, and report each outcome; a text has one bulk id a request.

        ``messages`` are ``smscore.Message`` or (recipient, text) pairs; those with different senders go in different
        requests, and the client's ``batch_size`` counts recipients. The rest is as in :meth:`send`.

        Document: IPPanel Edge, Send Peer to Peer SMS.
        """
        return await self._send_p2p(wire.SEND_P2P, messages, sender, on_batch, extra=send_time_field(send_time))

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
        return self._send_stream(wire.SEND, to, text, sender, on_batch, extra=send_time_field(send_time))

    def send_p2p_stream(
        self,
        messages: Messages | AsyncIterable[AnyMessage],
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """A report for every batch of messages of an iterable of any length, as batches finish.

        A report covers consecutive messages, also where their senders differ. The rest is as in
        :meth:`send_stream`.

        Document: IPPanel Edge, Send Peer to Peer SMS.
        """
        return self._send_p2p_stream(wire.SEND_P2P, messages, sender, on_batch, extra=send_time_field(send_time))

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
        return await self._send_outgoing(wire.SEND_PATTERN, outgoing, account, on_batch, None)

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
        return await self._send_bulk(
            wire.SEND_COUNTRY, "country", checked, text, sender, other_recipients, send_time, on_batch
        )

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
        return await self._send_bulk(
            wire.SEND_POSTAL_CODE, "postal_code", checked, text, sender, other_recipients, send_time, on_batch
        )

    @sends_nothing
    async def cancel(self, message_id: int) -> None:
        """Cancel a scheduled bulk message, at least 5 minutes before its time.

        Raises ``NotFound`` for an unknown id. After ``OutcomeUnknown``, see :meth:`outbox_message` for whether it was
        cancelled.

        Document: IPPanel Edge, Cancel Scheduled Message.
        """
        await self._call(wire.CANCEL, checked_id("message_id", message_id))

    @sends_nothing
    async def price(self, text: Text, *, sender: str | None = None) -> Price:
        """The price of a text from one of your lines: Rials per recipient and operator, and the number of SMS parts.

        Document: IPPanel Edge, Calculate SMS Price.
        """
        line = self._resolve_account().line(sender, needed=True)
        return await self._call(wire.PRICE, wire.PriceBody(line, check_text(text)))

    async def _send_bulk(
        self,
        endpoint: SendEndpoint,
        sending_type: str,
        segments: list[S],
        text: Text,
        sender: str | None,
        other_recipients: Recipients,
        send_time: dt.datetime | None,
        on_batch: OnBatch | None,
    ) -> BulkReceipt:
        others, account = checked_numbers(other_recipients), self._resolve_account()
        extra = {"sending_type": sending_type, "segments": segments, **send_time_field(send_time)}
        line = account.line(sender, needed=True)
        # The batch holds only other_recipients, perhaps none: it is not known here whom the segments reach.
        batch = Batch(0, range(len(others)), others, [check_text(text)], [line], extra=extra)
        result = await self._send_batch(endpoint, batch, account, on_batch)
        return BulkReceipt(list(result.bulk_ids))
