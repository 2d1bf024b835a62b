"""The async client of Najva SMS."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from typing import ClassVar, Final

from najva_sms import wire
from najva_sms.envelope import NAJVA
from najva_sms.messages import OutboxPage
from najva_sms.profile import PROFILE
from najva_sms.templates import template_fields
from najva_sms.uploads import UploadFile, opened
from smscore import InvalidRequest, MessageStatus, SendReport
from smscore.profile import Profile
from smscore.wire import (
    AnyMessage,
    AsyncTrackingClient,
    IdLookup,
    Lookups,
    Messages,
    OnBatch,
    PatternValue,
    Provider,
    Recipient,
    Recipients,
    SendEndpoint,
    Text,
    can_be_encoded,
    checked_whole,
    outgoing_to_one,
    read_in_thread,
    sends_nothing,
)

_PAGE_SIZE: Final = 200


class AsyncNajva(AsyncTrackingClient):
    """Send through Najva SMS v2, from asyncio.

    Settings left out are read from ``NAJVA_TOKEN``, ``NAJVA_SENDER`` and ``NAJVA_BASE_URL``.
    """

    provider: ClassVar[Provider] = NAJVA
    profile: ClassVar[Profile] = PROFILE
    sends: ClassVar[Mapping[str, SendEndpoint]] = {
        "send": wire.SEND,
        "send_p2p": wire.SEND_P2P,
        "send_pattern": wire.LOOKUP,
    }
    lookups: ClassVar[Lookups] = (IdLookup(wire.STATUS),)

    async def send(
        self,
        to: Recipients,
        text: Text,
        *,
        sender: str | None = None,
        file_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send one text to one recipient or many, 10,000 a request, and report each outcome.

        ``file_id`` is what :meth:`upload_file` returned, for messages that go out through Bale. Costs are in Rials.

        Raises ``InvalidNumber`` or ``InvalidRequest`` before anything is sent, and by the report's outcomes
        ``ProviderError``, ``ConnectionFailed``, ``OutcomeUnknown``, ``NotAttempted`` or ``PartialSendError``, each
        with the whole report.

        Document: Najva SMS v2.0.0, send.
        """
        return await self._send(wire.SEND, to, text, sender, on_batch, extra=_file_id(file_id))

    async def send_p2p(
        self,
        messages: Messages,
        *,
        sender: str | None = None,
        file_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send each recipient their own text, 10,000 a request, and report each outcome.

        ``messages`` are ``smscore.Message`` or (recipient, text) pairs; those with different senders go in different
        requests, and those without one from the account's default line. The rest is as in :meth:`send`.

        Document: Najva SMS v2.0.0, send-p2p.
        """
        return await self._send_p2p(wire.SEND_P2P, messages, sender, on_batch, extra=_file_id(file_id))

    def send_stream(
        self,
        to: Recipients | AsyncIterable[Recipient],
        text: Text,
        *,
        sender: str | None = None,
        file_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """A report for every 10,000 recipients of an iterable of any length, as batches finish.

        A bad number becomes a ``NOT_SENT`` result, and a batch's failure is in its report; a bad text or sender
        raises. Closing the generator cancels what is in flight.

        Document: Najva SMS v2.0.0, send.
        """
        return self._send_stream(wire.SEND, to, text, sender, on_batch, extra=_file_id(file_id))

    def send_p2p_stream(
        self,
        messages: Messages | AsyncIterable[AnyMessage],
        *,
        sender: str | None = None,
        file_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """A report for every 10,000 messages of an iterable of any length, as batches finish.

        A report covers consecutive messages, also where their senders differ. The rest is as in
        :meth:`send_stream`.

        Document: Najva SMS v2.0.0, send-p2p.
        """
        return self._send_p2p_stream(wire.SEND_P2P, messages, sender, on_batch, extra=_file_id(file_id))

    async def send_pattern(
        self,
        to: Recipient,
        template: str,
        params: Mapping[str, PatternValue],
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        """Send an approved template to one recipient, as for one-time codes; the report has that one result.

        ``template`` is its name, ``params`` the values of ``token``, ``token2`` and ``token3``, those that it has: a
        ``str``, or an ``int`` or a ``Decimal`` of at most 1,000 digits, which goes as text. An empty value, another
        key and any other value are ``InvalidRequest``. Without a sender the account's default line is used. Raises as
        :meth:`send` does; once it may have left it is never repeated: where the outcome is ``UNKNOWN``, offer a new
        code.

        Not in the document: seen in public clients of Najva.
        """
        extra, account = template_fields(template, params), self._resolve_account()
        outgoing = outgoing_to_one(to, account.line(sender, needed=False), extra)
        return await self._send_outgoing(wire.LOOKUP, outgoing, account, on_batch, None)

    @sends_nothing
    async def upload_file(self, file: UploadFile, *, filename: str | None = None) -> str:
        """The id of a file uploaded for Bale, to pass as ``file_id`` to a send.

        ``file`` is a path, which is streamed, or bytes or a binary file object, which also need ``filename``. A file
        object is read from its current position and stays open. The limit is 15 MB (15 x 1024 x 1024 bytes).

        Raises ``InvalidRequest``, before anything is sent, for a larger file and for a name that does not end in jpeg,
        jpg, png, gif, opus, ogg or mp4.

        Document: Najva SMS v2.0.0, upload for Bale.
        """
        content = await read_in_thread(opened, file, filename)
        try:
            return await self._call(wire.UPLOAD if content.can_be_rewound else wire.UPLOAD_ONCE, content)
        finally:
            if content.file is not file:
                content.file.close()

    @sends_nothing
    async def status(self, message_ids: Iterable[int]) -> list[MessageStatus]:
        """The delivery statuses of messages, in the order asked, 1,000 ids a request.

        Raises ``InvalidRequest`` for an id that is not a whole number of 64 bits.

        Document: Najva SMS v2.0.0, status.
        """
        return await self._statuses(wire.STATUS, message_ids)

    @sends_nothing
    async def outbox(self, *, page: int = 0, page_size: int = 200) -> OutboxPage:
        """A page of the recently sent messages. ``page`` counts from 0; ``page_size`` is 1 to 200.

        According to the document the provider has not enabled this call yet.

        Document: Najva SMS v2.0.0, outbox.
        """
        wanted = checked_whole("page", page, 0), checked_whole("page_size", page_size, 1, _PAGE_SIZE)
        return await self._call(wire.OUTBOX, wanted)


def _file_id(file_id: str | None) -> Mapping[str, str]:
    if file_id is not None and (not isinstance(file_id, str) or not file_id.strip() or not can_be_encoded(file_id)):
        raise InvalidRequest("Invalid file_id=. Give the id that upload_file returned.")
    return {} if file_id is None else {"file_id": file_id}
