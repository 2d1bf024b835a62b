"""The blocking client of Sepahan Gostar, for scripts and Django views."""

from __future__ import annotations

import datetime as dt
import ssl as ssl_module
from collections.abc import Generator, Iterable
from typing import ClassVar

from sepahan_sms.client import AsyncSepahan
from sepahan_sms.profile import PROFILE
from sepahan_sms.wire_options import Wire, checked_wire
from smscore import InboundMessage, MessageStatus, RetryPolicy, SendReport, Timeouts
from smscore.profile import Profile
from smscore.wire import (
    DEFAULT_RETRY,
    DEFAULT_TIMEOUTS,
    MAX_CONCURRENCY,
    MAX_CONNECTIONS,
    AsyncClient,
    Messages,
    OnBatch,
    Recipients,
    Text,
    TrackingClient,
    materialised,
)


class Sepahan(TrackingClient[AsyncSepahan]):
    """Send and receive through Sepahan Gostar, and wait for it."""

    profile: ClassVar[Profile] = PROFILE
    _async_class: ClassVar[type[AsyncClient]] = AsyncSepahan

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
            observers=observers,
        )
        self._client._wire = checked_wire(wire)

    def send(
        self,
        to: Recipients,
        text: Text,
        *,
        sender: str | None = None,
        request_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        return self._run(
            self._client.send, materialised(to), text, sender=sender, request_id=request_id, on_batch=on_batch
        )

    def send_p2p(
        self,
        messages: Messages,
        *,
        sender: str | None = None,
        request_id: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        return self._run(
            self._client.send_p2p, materialised(messages), sender=sender, request_id=request_id, on_batch=on_batch
        )

    def send_stream(
        self, to: Recipients, text: Text, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> Generator[SendReport, None, None]:
        return self._iterate(self._client.send_stream, to, "to", text, sender=sender, on_batch=on_batch)

    def send_p2p_stream(
        self, messages: Messages, *, sender: str | None = None, on_batch: OnBatch | None = None
    ) -> Generator[SendReport, None, None]:
        return self._iterate(self._client.send_p2p_stream, messages, "messages", sender=sender, on_batch=on_batch)

    def check_request_id(self, request_id: str) -> bool:
        return self._run(self._client.check_request_id, request_id)

    def status(self, message_ids: Iterable[int]) -> list[MessageStatus]:
        return self._run(self._client.status, materialised(message_ids))

    def old_status(self, message_ids: Iterable[int]) -> list[MessageStatus]:
        return self._run(self._client.old_status, materialised(message_ids))

    def credit(self) -> int:
        return self._run(self._client.credit)

    def receive(
        self,
        *,
        number: str | None = None,
        since: dt.date | dt.datetime | None = None,
        limit: int = 100,
        mark_as_read: bool = True,
    ) -> list[InboundMessage]:
        return self._run(self._client.receive, number=number, since=since, limit=limit, mark_as_read=mark_as_read)

    def incoming(self, *, after: int | None = None) -> Generator[InboundMessage, None, None]:
        return self._list(self._client._incoming_pages, after=after)
