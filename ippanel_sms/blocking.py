"""The blocking client of IPPanel Edge, for scripts and Django views."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Iterable, Mapping
from decimal import Decimal
from typing import ClassVar

from ippanel_sms.account import Account, Line, Price
from ippanel_sms.client import AsyncIPPanel
from ippanel_sms.codes import BulkState
from ippanel_sms.messages import BulkReceipt, BulkStats, InboxMessage, OutboxMessage, OutboxPage, RecipientStatus
from ippanel_sms.profile import PROFILE
from ippanel_sms.segments import CountrySegment, Place, PostalCodeSegment, SegmentCount
from smscore import SendReport
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


class IPPanel(TrackingClient[AsyncIPPanel]):
    """Send through IPPanel Edge, and wait for it."""

    profile: ClassVar[Profile] = PROFILE
    _async_class: ClassVar[type[AsyncClient]] = AsyncIPPanel

    def send(
        self,
        to: Recipients,
        text: Text,
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
        text: Text,
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

    def send_pattern(
        self,
        to: Recipient,
        code: str,
        params: Mapping[str, PatternValue],
        *,
        sender: str | None = None,
        on_batch: OnBatch | None = None,
    ) -> SendReport:
        return self._run(self._client.send_pattern, materialised(to), code, params, sender=sender, on_batch=on_batch)

    def send_votp(self, to: Recipient, code: Text, *, on_batch: OnBatch | None = None) -> SendReport:
        return self._run(self._client.send_votp, materialised(to), code, on_batch=on_batch)

    def send_country(
        self,
        segments: CountrySegment | Iterable[CountrySegment],
        text: Text,
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
        text: Text,
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

    def cancel(self, message_id: int) -> None:
        self._run(self._client.cancel, message_id)

    def price(self, text: Text, *, sender: str | None = None) -> Price:
        return self._run(self._client.price, text, sender=sender)

    def credit(self) -> Decimal:
        return self._run(self._client.credit)

    def outbox(
        self,
        *,
        page: int = 1,
        page_size: int = 10,
        message_id: int | None = None,
        sender: str | None = None,
        text: Text | None = None,
        state: BulkState | int | None = None,
        created_since: dt.datetime | None = None,
        created_until: dt.datetime | None = None,
        send_since: dt.datetime | None = None,
        send_until: dt.datetime | None = None,
    ) -> OutboxPage:
        return self._run(
            self._client.outbox,
            page=page,
            page_size=page_size,
            message_id=message_id,
            sender=sender,
            text=text,
            state=state,
            created_since=created_since,
            created_until=created_until,
            send_since=send_since,
            send_until=send_until,
        )

    def outbox_message(self, message_id: int) -> OutboxMessage:
        return self._run(self._client.outbox_message, message_id)

    def recipients(self, message_id: int) -> Generator[RecipientStatus, None, None]:
        return self._list(self._client._recipient_pages, message_id)

    def stats(self, message_id: int) -> BulkStats:
        return self._run(self._client.stats, message_id)

    def inbox(self, *, after_id: int | None = None) -> Generator[InboxMessage, None, None]:
        return self._list(self._client._inbox_pages, after_id=after_id)

    def incoming(self, *, after: int | None = None) -> Generator[InboxMessage, None, None]:
        return self._list(self._client._inbox_pages, after_id=after, name="after")

    def provinces(self) -> list[Place]:
        return self._run(self._client.provinces)

    def counties(self, province_id: int) -> list[Place]:
        return self._run(self._client.counties, province_id)

    def cities(self, county_id: int) -> list[Place]:
        return self._run(self._client.cities, county_id)

    def count(self, segment: CountrySegment) -> SegmentCount:
        return self._run(self._client.count, segment)

    def lines(self) -> list[Line]:
        return self._run(self._client.lines)

    def account(self) -> Account:
        return self._run(self._client.account)
