"""The blocking client of Kabutar, for scripts and Django views."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import ClassVar

from kabutar_sms.client import AsyncKabutar
from kabutar_sms.profile import PROFILE
from smscore import MessageStatus, SendReport
from smscore.profile import Profile
from smscore.wire import AsyncClient, OnBatch, Recipients, Text, TrackingClient, materialised


class Kabutar(TrackingClient[AsyncKabutar]):
    """Send through Kabutar, and wait for it."""

    profile: ClassVar[Profile] = PROFILE
    _async_class: ClassVar[type[AsyncClient]] = AsyncKabutar

    def send(
        self, to: Recipients, text: Text, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> SendReport:
        return self._run(self._client.send, materialised(to), text, sender=sender, on_batch=on_batch)

    def send_stream(
        self, to: Recipients, text: Text, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> Generator[SendReport, None, None]:
        return self._iterate(self._client.send_stream, to, "to", text, sender=sender, on_batch=on_batch)

    def status(self, message_ids: Iterable[int]) -> list[MessageStatus]:
        return self._run(self._client.status, materialised(message_ids))

    def credit(self) -> int:
        return self._run(self._client.credit)
