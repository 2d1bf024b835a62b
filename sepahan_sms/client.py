"""The async client of Sepahan Gostar."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from typing import ClassVar, Final

from sepahan_sms import wire
from sepahan_sms.profile import PROFILE
from smscore import InboundMessage, InvalidRequest, MessageStatus, SendReport
from smscore.profile import Profile
from smscore.wire import (
    AnyMessage,
    AsyncTrackingClient,
    IdLookup,
    Lookups,
    Messages,
    OnBatch,
    Provider,
    Recipient,
    Recipients,
    ServiceHours,
    Text,
    check_sender,
    checked_whole,
    jalali_text,
    sends_nothing,
)

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,55}", re.ASCII)
_SENT_ID: Final = re.compile(rf"{_REQUEST_ID.pattern}(-[0-9]+)?", re.ASCII)
_RECEIVE_LIMIT: Final = 100


class AsyncSepahan(AsyncTrackingClient):
    """Send and receive through Sepahan Gostar, from asyncio.

    Settings left out are read from ``SEPAHAN_TOKEN``, ``SEPAHAN_SENDER`` and ``SEPAHAN_BASE_URL``. The customers of
    resellers give ``base_url=sepahan_sms.RESELLERS_BASE_URL``.
    """

    provider: ClassVar[Provider] = wire.SEPAHAN
    profile: ClassVar[Profile] = PROFILE
    lookups: ClassVar[Lookups] = (
        # status knows the past 24 hours; oldStatus knows the past weeks without the current day, from 01:00 to 05:00.
        IdLookup(wire.STATUS, max_age=24 * 3600.0),
        IdLookup(wire.OLD_STATUS, hours=ServiceHours(dt.time(1), dt.time(5))),
    )

    async def send(
        self,
        to: Recipients,
        text: Text,
        *,
        sender: str | None = None,
        request_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send one text to one recipient or many, 100 a request, and report what became of each.

        ``request_id`` is your own id for the call: a letter or digit, then at most 55 more of ``A-Z a-z 0-9 . _ -``.
        If the call needs several batches, batch n (from 1) goes out as ``<request_id>-<n>``. Costs are in Rials.

        Raises ``InvalidNumber`` or ``InvalidRequest`` before anything is sent, and by the report's outcomes
        ``ProviderError``, ``ConnectionFailed``, ``OutcomeUnknown``, ``NotAttempted`` or ``PartialSendError``, each
        with the whole report.

        Document: Sepahan Gostar, method send.
        """
        request_id = _checked_request_id(request_id)
        return await self._send(wire.SEND, to, text, sender, on_batch, request_id=request_id)

    async def send_p2p(
        self,
        messages: Messages,
        *,
        sender: str | None = None,
        request_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send each recipient their own text, 100 a request, and report what became of each.

        ``messages`` are ``smscore.Message`` or (recipient, text) pairs; the rest is as in :meth:`send`.

        Document: Sepahan Gostar, method sendP2P.
        """
        request_id = _checked_request_id(request_id)
        return await self._send_p2p(wire.SEND_P2P, messages, sender, on_batch, request_id=request_id)

    def send_stream(
        self,
        to: Recipients | AsyncIterable[Recipient],
        text: Text,
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """A report for every 100 recipients of an iterable of any length, as batches finish.

        A bad number becomes a ``NOT_SENT`` result, and a batch's failure is in its report; a bad text or sender
        raises. Closing the generator cancels what is in flight.

        Document: Sepahan Gostar, method send.
        """
        return self._send_stream(wire.SEND, to, text, sender, on_batch)

    def send_p2p_stream(
        self,
        messages: Messages | AsyncIterable[AnyMessage],
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """A report for every 100 messages of an iterable of any length, as batches finish; see :meth:`send_stream`.

        Document: Sepahan Gostar, method sendP2P.
        """
        return self._send_p2p_stream(wire.SEND_P2P, messages, sender, on_batch)

    @sends_nothing
    async def check_request_id(self, request_id: str) -> bool:
        """Whether the provider received a request with this id in the past 4 hours.

        False says nothing about an older request. ``request_id`` is the id that went out, ``result.request_id``; of a
        call with several batches each batch has its own. Raises ``InvalidRequest`` for anything else.

        Document: Sepahan Gostar, method checkRequestId.
        """
        return await self._call(wire.CHECK_REQUEST_ID, _checked_sent_id(request_id))

    @sends_nothing
    async def status(self, message_ids: Iterable[int]) -> list[MessageStatus]:
        """The delivery statuses of messages sent in the past 24 hours, in the order asked, 100 ids a request.

        Raises ``InvalidRequest`` for an id that is not a whole number of 64 bits.

        Document: Sepahan Gostar, method status.
        """
        return await self._statuses(wire.STATUS, message_ids)

    @sends_nothing
    async def old_status(self, message_ids: Iterable[int]) -> list[MessageStatus]:
        """The delivery statuses of messages sent before today, in the order asked, 100 ids a request.

        The provider answers only between 01:00 and 05:00 Tehran time; at other times ``OutsideServiceHours`` is raised.

        Document: Sepahan Gostar, method oldStatus.
        """
        return await self._statuses(wire.OLD_STATUS, message_ids)

    @sends_nothing
    async def credit(self) -> int:
        """The remaining credit, probably in Rials: the document names no currency.

        Document: Sepahan Gostar, method credit.
        """
        return await self._call(wire.CREDIT, None)

    @sends_nothing
    async def receive(
        self,
        *,
        number: str | None = None,
        since: dt.date | dt.datetime | None = None,
        limit: int = 100,
        mark_as_read: bool = True,
    ) -> list[InboundMessage]:
        """Messages that people sent to your lines, at most ``limit`` of them (1 to 100).

        ``number`` is one of your lines, by default all. ``since`` is a date or an aware datetime, by default 24 hours
        ago; the provider is asked for whole days. The provider hands out each message once, unless ``mark_as_read`` is
        False. A call that marks is never repeated: if its answer is lost (``ResponseLost``), so are its messages.

        Document: Sepahan Gostar, method Receive.
        """
        if not isinstance(mark_as_read, bool):
            raise InvalidRequest("mark_as_read= must be True or False.")
        body = wire.SepahanReceiveBody(
            privateNumber=check_sender(number, wire.SEPAHAN, needed=False),
            startDate=None if since is None else jalali_text(since, "since"),
            numberOfMessages=checked_whole("limit", limit, 1, _RECEIVE_LIMIT),
            markAsRead=mark_as_read,
        )
        return await self._call(wire.RECEIVE if mark_as_read else wire.PEEK, body)


def _checked_request_id(request_id: str | None) -> str | None:
    if request_id is None or (isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id)):
        return request_id
    raise InvalidRequest("Invalid request_id=. It must be a letter or digit, then at most 55 more of A-Z a-z 0-9 . _ -")


def _checked_sent_id(request_id: str) -> str:
    # A batch's id is the call's with "-<n>" behind it, and so may be longer.
    if not isinstance(request_id, str) or not _SENT_ID.fullmatch(request_id):
        raise InvalidRequest("Invalid request_id=. Give the .request_id of a result.")
    return request_id
