"""The blocking client of IPPanel Edge, for scripts and Django views."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Iterable
from decimal import Decimal
from typing import ClassVar

from ippanel_sms.client import AsyncIPPanel, BulkReceipt
from ippanel_sms.segments import CountrySegment, PostalCodeSegment
from smscore.blocking import BlockingClient, materialised
from smscore.client import AsyncClient
from smscore.delivery import OnBatch
from smscore.outgoing import Messages, Recipient, Recipients
from smscore.reports import SendReport


class IPPanel(BlockingClient[AsyncIPPanel]):
    """Send through IPPanel Edge, and wait for it; :class:`AsyncIPPanel` tells of settings."""

    _kind: ClassVar[type[AsyncClient]] = AsyncIPPanel

    def send(
        self,
        to: Recipients,
        text: str,
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        return self._run(
            self._client.send, materialised(to), text, sender=sender, send_time=send_time, on_batch=on_batch
        )

    def send_p2p(
        self,
        messages: Messages,
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        return self._run(
            self._client.send_p2p, materialised(messages), sender=sender, send_time=send_time, on_batch=on_batch
        )

    def send_stream(
        self,
        to: Recipients,
        text: str,
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> Generator[SendReport, None, None]:
        return self._iterate(
            self._client.send_stream, to, "to", text, sender=sender, send_time=send_time, on_batch=on_batch
        )

    def send_p2p_stream(
        self,
        messages: Messages,
        *,
        sender: str | None = None,
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> Generator[SendReport, None, None]:
        return self._iterate(
            self._client.send_p2p_stream, messages, "messages", sender=sender, send_time=send_time, on_batch=on_batch
        )

    def send_votp(self, to: Recipient, code: str, *, on_batch: OnBatch | None = None) -> SendReport:
        return self._run(self._client.send_votp, materialised(to), code, on_batch=on_batch)

    def send_country(
        self,
        segments: CountrySegment | Iterable[CountrySegment],
        text: str,
        *,
        sender: str | None = None,
        other_recipients: Recipients = (),
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> BulkReceipt:
        return self._run(
            self._client.send_country,
            materialised(segments),
            text,
            sender=sender,
            other_recipients=materialised(other_recipients),
            send_time=send_time,
            on_batch=on_batch,
        )

    def send_postal_code(
        self,
        segments: PostalCodeSegment | Iterable[PostalCodeSegment],
        text: str,
        *,
        sender: str | None = None,
        other_recipients: Recipients = (),
        send_time: dt.datetime | None = None,
        on_batch: OnBatch | None = None,
    ) -> BulkReceipt:
        return self._run(
            self._client.send_postal_code,
            materialised(segments),
            text,
            sender=sender,
            other_recipients=materialised(other_recipients),
            send_time=send_time,
            on_batch=on_batch,
        )

    def credit(self) -> Decimal:
        return self._run(self._client.credit)
