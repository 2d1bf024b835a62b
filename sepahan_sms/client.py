"""The async client of Sepahan Gostar."""

from __future__ import annotations

import datetime as dt
import inspect
import re
import ssl as ssl_module
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final, Self

from sepahan_sms import wire as calls
from sepahan_sms.envelope import SEPAHAN
from sepahan_sms.inbound import Handed, looked_at_first
from sepahan_sms.profile import PROFILE
from sepahan_sms.wire_options import Wire, checked_wire, wire_of_environment
from smscore import (
    ConfigurationError,
    InboundMessage,
    InvalidRequest,
    MessageStatus,
    Outcome,
    RetryPolicy,
    SendReport,
    Timeouts,
)
from smscore.profile import Profile
from smscore.wire import (
    DEFAULT_RETRY,
    DEFAULT_TIMEOUTS,
    MAX_CONCURRENCY,
    MAX_CONNECTIONS,
    AnyMessage,
    AsyncTrackingClient,
    IdLookup,
    Lookups,
    Messages,
    OnBatch,
    Provider,
    Recipient,
    Recipients,
    SendEndpoint,
    ServiceHours,
    Text,
    check_sender,
    checked_whole,
    one_by_one,
    sends_nothing,
)

if TYPE_CHECKING:
    import aiohttp

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,55}", re.ASCII)
_SENT_ID: Final = re.compile(rf"{_REQUEST_ID.pattern}(-[0-9]+)?", re.ASCII)
_RECEIVE_LIMIT: Final = 100
_EVER: Final = dt.date(2021, 3, 21)  # 1400/01/01, before anything that is still unread


class AsyncSepahan(AsyncTrackingClient):
    """Send and receive through Sepahan Gostar, from asyncio.

    Settings left out are read from ``SEPAHAN_TOKEN``, ``SEPAHAN_SENDER`` and ``SEPAHAN_BASE_URL``. The customers of
    resellers give ``base_url=sepahan_sms.RESELLERS_BASE_URL``.
    """

    provider: ClassVar[Provider] = SEPAHAN
    profile: ClassVar[Profile] = PROFILE
    sends: ClassVar[Mapping[str, SendEndpoint]] = {"send": calls.SEND, "send_p2p": calls.SEND_P2P}
    lookups: ClassVar[Lookups] = (
        # status knows the past 24 hours; oldStatus knows the past weeks without the current day, from 01:00 to 05:00.
        IdLookup(calls.STATUS, max_age=24 * 3600.0),
        IdLookup(calls.OLD_STATUS, hours=ServiceHours(dt.time(1), dt.time(5))),
    )

    def __init__(
        self,
        token: str | None = None,
        *,
        sender: str | None = None,
        base_url: str | None = None,
        timeout: Timeouts | float = DEFAULT_TIMEOUTS,
        retry: RetryPolicy = DEFAULT_RETRY,
        max_concurrency: int = MAX_CONCURRENCY,
        max_connections: int = MAX_CONNECTIONS,
        batch_size: int | None = None,
        rate_limit: float | None = None,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | None = None,
        wire: Wire | None = None,
        session: aiohttp.ClientSession | None = None,
        observers: Iterable[object] = (),
    ) -> None:
        super().__init__(
            token,
            sender=sender,
            base_url=base_url,
            timeout=timeout,
            retry=retry,
            max_concurrency=max_concurrency,
            max_connections=max_connections,
            batch_size=batch_size,
            rate_limit=rate_limit,
            proxy=proxy,
            ssl=ssl,
            session=session,
            observers=observers,
        )
        self._wire = checked_wire(wire)
        self._handed = Handed()

    __init__.__doc__ = f"""{inspect.getdoc(AsyncTrackingClient.__init__)}

- ``wire``: a ``sepahan_sms.Wire``, how requests are written where the document says two things. Where left out, it is
  read from ``SEPAHAN_WIRE`` at each call, such as ``send=strings,since=gregorian``.
"""

    def _check_settings(self) -> None:
        super()._check_settings()
        self._wire_now()

    def _sends(self) -> calls.Sends:
        return calls.sends(self._wire_now())

    def _with_wire(self, wire: Wire) -> Self:
        """The same client that writes its requests so, on the same connections."""
        copy = self.with_options()
        copy._wire = wire
        return copy

    def _wire_now(self) -> Wire:
        """How requests of a call that begins now are written."""
        try:
            return self._wire or wire_of_environment()
        except ConfigurationError as error:
            error.outcome = Outcome.NOT_SENT  # sends_nothing clears it
            raise

    async def send(
        self,
        to: Recipients,
        text: Text,
        *,
        sender: str | None = None,
        request_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send one text to one recipient or many, 100 a request, and report each outcome.

        ``request_id`` is your own id for the call: a letter or digit, then at most 55 more of ``A-Z a-z 0-9 . _ -``.
        If the call needs several batches, batch n (from 1) goes out as ``<request_id>-<n>``. Costs are in Rials.

        Raises ``InvalidNumber`` or ``InvalidRequest`` before anything is sent, and by the report's outcomes
        ``ProviderError``, ``ConnectionFailed``, ``OutcomeUnknown``, ``NotAttempted`` or ``PartialSendError``, each
        with the whole report.

        Document: Sepahan Gostar, method send.
        """
        request_id = _checked_request_id(request_id)
        return await self._send(self._sends().one_text, to, text, sender, on_batch, request_id=request_id)

    async def send_p2p(
        self,
        messages: Messages,
        *,
        sender: str | None = None,
        request_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send each recipient their own text, 100 a request, and report each outcome.

        ``messages`` are ``smscore.Message`` or (recipient, text) pairs; the rest is as in :meth:`send`.

        Document: Sepahan Gostar, method sendP2P.
        """
        request_id = _checked_request_id(request_id)
        return await self._send_p2p(self._sends().each, messages, sender, on_batch, request_id=request_id)

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
        return self._send_stream(self._sends().one_text, to, text, sender, on_batch)

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
        return self._send_p2p_stream(self._sends().each, messages, sender, on_batch)

    @sends_nothing
    async def check_request_id(self, request_id: str) -> bool:
        """Whether the provider received a request with this id in the past 4 hours.

        False says nothing about an older request. ``request_id`` is the id that went out, ``result.request_id``; of a
        call with several batches each batch has its own. Raises ``InvalidRequest`` for anything else.

        Document: Sepahan Gostar, method checkRequestId.
        """
        return await self._call(calls.CHECK_REQUEST_ID, _checked_sent_id(request_id))

    @sends_nothing
    async def status(self, message_ids: Iterable[int]) -> list[MessageStatus]:
        """The delivery statuses of messages sent in the past 24 hours, in the order asked, 100 ids a request.

        Raises ``InvalidRequest`` for an id that is not a whole number of 64 bits.

        Document: Sepahan Gostar, method status.
        """
        return await self._statuses(calls.STATUS, message_ids)

    @sends_nothing
    async def old_status(self, message_ids: Iterable[int]) -> list[MessageStatus]:
        """The delivery statuses of messages sent before today, in the order asked, 100 ids a request.

        The provider answers only between 01:00 and 05:00 Tehran time; at other times ``OutsideServiceHours`` is raised.

        Document: Sepahan Gostar, method oldStatus.
        """
        return await self._statuses(calls.OLD_STATUS, message_ids)

    @sends_nothing
    async def credit(self) -> int:
        """The remaining credit, probably in Rials: the document names no currency.

        Document: Sepahan Gostar, method credit.
        """
        return await self._call(calls.CREDIT, None)

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
        body = calls.SepahanReceiveBody(
            privateNumber=check_sender(number, SEPAHAN, needed=False),
            startDate=None if since is None else calls.start_date(since, self._wire_now()),
            numberOfMessages=checked_whole("limit", limit, 1, _RECEIVE_LIMIT),
            markAsRead=mark_as_read,
        )
        return await self._call(calls.RECEIVE if mark_as_read else calls.PEEK, body)

    def incoming(self, *, after: int | None = None) -> AsyncGenerator[InboundMessage, None]:
        """The messages that people sent to your lines and that were not handed out yet, oldest first.

        A page of 100 is looked at, yielded, and marked as read when you ask for the next message: what you have not
        come to when you stop comes again, and nothing is lost but what arrives while the answer to a marking call is
        lost. Sepahan's messages have no ids, so that ``after`` is ``InvalidRequest``.

        ``Timeouts.call`` limits the looks and the marking calls together, each on its own; the time that you spend
        between them does not count.

        Document: Sepahan Gostar, method Receive.
        """
        return one_by_one(self._incoming_pages(after=after))

    @sends_nothing
    def _incoming_pages(self, *, after: int | None) -> AsyncGenerator[list[InboundMessage], None]:
        if after is not None:
            raise InvalidRequest("after= is not supported: Sepahan's messages have no ids. Omit it.")
        body = calls.SepahanReceiveBody(startDate=calls.start_date(_EVER, self._wire_now()))
        look, mark = self._reader(calls.PEEK), self._reader(calls.RECEIVE)

        async def receive(limit: int, marks: bool) -> list[InboundMessage]:
            return await (mark if marks else look)(calls.of_page(body, limit, marks=marks))

        return looked_at_first(receive, self._handed)


def _checked_request_id(request_id: str | None) -> str | None:
    if request_id is None or (isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id)):
        return request_id
    raise InvalidRequest("Invalid request_id=. It must be a letter or digit, then at most 55 more of A-Z a-z 0-9 . _ -")


def _checked_sent_id(request_id: str) -> str:
    # A batch's id is the call's with "-<n>" behind it, and so may be longer.
    if not isinstance(request_id, str) or not _SENT_ID.fullmatch(request_id):
        raise InvalidRequest("Invalid request_id=. Give the .request_id of a result.")
    return request_id
