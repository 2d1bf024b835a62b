"""The async client of Kabutar."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from typing import ClassVar

from kabutar_sms import wire
from kabutar_sms.profile import PROFILE
from smscore import MessageStatus, SendReport
from smscore.profile import Profile
from smscore.wire import (
    AsyncTrackingClient,
    IdLookup,
    Lookups,
    OnBatch,
    Provider,
    Recipient,
    Recipients,
    Text,
    sends_nothing,
)


class AsyncKabutar(AsyncTrackingClient):
    """Send through Kabutar, from asyncio.

    Settings left out are read from ``KABUTAR_TOKEN``, ``KABUTAR_SENDER`` and ``KABUTAR_BASE_URL``.
    """

    provider: ClassVar[Provider] = wire.KABUTAR
    profile: ClassVar[Profile] = PROFILE
    lookups: ClassVar[Lookups] = (IdLookup(wire.STATES_OF),)

    async def send(
        self, to: Recipients, text: Text, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> SendReport:
        """Send one text to one recipient or many, 200 a request, and report each outcome.

        Raises ``InvalidNumber`` or ``InvalidRequest`` before anything is sent, and by the report's outcomes
        ``ProviderError``, ``ConnectionFailed``, ``OutcomeUnknown``, ``NotAttempted`` or ``PartialSendError``, each
        with the whole report. Costs are in Rials.

        Document: send.
        """
        return await self._send(wire.SEND, to, text, sender, on_batch)

    def send_stream(
        self,
        to: Recipients | AsyncIterable[Recipient],
        text: Text,
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> AsyncGenerator[SendReport, None]:
        """A report for every 200 recipients of an iterable of any length, as batches finish.

        A bad number becomes a ``NOT_SENT`` result, and a batch's failure is in its report.

        Document: send.
        """
        return self._send_stream(wire.SEND, to, text, sender, on_batch)

    @sends_nothing
    async def status(self, message_ids: Iterable[int]) -> list[MessageStatus]:
        """The delivery statuses of messages, in the order asked, 500 a request.

        Document: states.
        """
        return await self._statuses(wire.STATES_OF, message_ids)

    @sends_nothing
    async def credit(self) -> int:
        """The credit left, in Rials.

        Document: balance.
        """
        return await self._call(wire.BALANCE, None)
