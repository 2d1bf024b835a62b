"""The blocking client of Najva SMS, for scripts and Django views."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import ClassVar

from najva_sms.client import AsyncNajva
from najva_sms.messages import OutboxPage
from najva_sms.profile import PROFILE
from najva_sms.uploads import UploadFile
from smscore import MessageStatus, SendReport
from smscore.profile import Profile
from smscore.wire import (
    AsyncClient,
    Messages,
    OnBatch,
    PatternValue,
    Recipient,
    Recipients,
    Text,
    TrackingClient,
    materialised,
)


class Najva(TrackingClient[AsyncNajva]):
    """Send through Najva SMS v2, and wait for it."""

    profile: ClassVar[Profile] = PROFILE
    _async_class: ClassVar[type[AsyncClient]] = AsyncNajva

    def send(
        self,
        to: Recipients,
        text: Text,
        *,
        sender: str | None = None,
        file_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        return self._run(self._client.send, materialised(to), text, sender=sender, file_id=file_id, on_batch=on_batch)

    def send_p2p(
        self,
        messages: Messages,
        *,
        sender: str | None = None,
        file_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        return self._run(
            self._client.send_p2p, materialised(messages), sender=sender, file_id=file_id, on_batch=on_batch
        )

    def send_stream(
        self,
        to: Recipients,
        text: Text,
        *,
        sender: str | None = None,
        file_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> Generator[SendReport, None, None]:
        return self._iterate(
            self._client.send_stream, to, "to", text, sender=sender, file_id=file_id, on_batch=on_batch
        )

    def send_p2p_stream(
        self,
        messages: Messages,
        *,
        sender: str | None = None,
        file_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> Generator[SendReport, None, None]:
        return self._iterate(
            self._client.send_p2p_stream, messages, "messages", sender=sender, file_id=file_id, on_batch=on_batch
        )

    def send_pattern(
        self,
        to: Recipient,
        template: str,
        params: Mapping[str, PatternValue],
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        return self._run(
            self._client.send_pattern, materialised(to), template, params, sender=sender, on_batch=on_batch
        )

    def upload_file(self, file: UploadFile, *, filename: str | None = None) -> str:
        return self._run(self._client.upload_file, file, filename=filename)

    def status(self, message_ids: Iterable[int]) -> list[MessageStatus]:
        return self._run(self._client.status, materialised(message_ids))

    def outbox(self, *, page: int = 0, page_size: int = 200) -> OutboxPage:
        return self._run(self._client.outbox, page=page, page_size=page_size)
