"""The async client of IPPanel Edge."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from ippanel_sms import wire
from ippanel_sms.one_time import checked_code, one_recipient
from ippanel_sms.segments import CountrySegment, PostalCodeSegment, S, checked_segments
from smscore.client import AsyncClient, sends_nothing
from smscore.dates import utc_text
from smscore.delivery import OnBatch
from smscore.endpoint import Provider
from smscore.outgoing import AnyMessage, Messages, Recipient, Recipients, checked_numbers
from smscore.reports import SendReport
from smscore.text import check_text


@frozen
class BulkReceipt:
    """What IPPanel gives for a send to segments: the ids of its bulk messages."""

    message_ids: list[int]


class AsyncIPPanel(AsyncClient):
    """Send through IPPanel Edge, from asyncio.

    Settings left out are read from ``IPPANEL_TOKEN``, ``IPPANEL_SENDER`` and ``IPPANEL_BASE_URL``; a base URL is
    taken with and without ``/api`` at its end. Senders are E.164, such as ``+983000505``, or a line such as
    ``+98BANK``.
    """

    provider: ClassVar[Provider] = wire.IPPANEL

    async def send(
        self,
        to: Recipients,
        text: str,
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
        text: str,
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

    async def send_votp(self, to: Recipient, code: str, *, on_batch: OnBatch | None = None) -> SendReport:
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
        text: str,
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
        text: str,
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
    async def credit(self) -> Decimal:
        """The credit left, in Rials as is usual in this trade; the document names no currency.

        Document: IPPanel Edge, My Credit.
        """
        return await self._call(wire.CREDIT, None)

    async def _send_bulk(
        self,
        sending_type: str,
        segments: list[S],
        text: str,
        sender: str | None,
        other_recipients: Recipients,
        send_time: dt.datetime | None,
        on_batch: OnBatch | None,
    ) -> BulkReceipt:
        others = checked_numbers(other_recipients)
        bulk = wire.BulkSend(
            sending_type,
            segments,
            check_text(text),
            self._sender(sender, needed=True),
            others,
            _send_time(send_time).get("send_time"),
        )
        return BulkReceipt(await self._send_bulk_once(wire.SEND_BULK, bulk, others, on_batch))

    @staticmethod
    def _adjusted_base_url(url: str) -> str:
        return url.removesuffix("/api")


def _send_time(send_time: dt.datetime | None) -> Mapping[str, str]:
    return {} if send_time is None else {"send_time": utc_text(send_time, "send_time")}
