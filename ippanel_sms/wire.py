"""IPPanel's sends: what each call sends, and how its answer is read. Names are spelled as in the document."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import attrs
from attrs import evolve, frozen

from ippanel_sms.account import Price
from ippanel_sms.envelope import data, wrong
from ippanel_sms.segments import Segment
from smscore import count_parts
from smscore.wire import (
    Answer,
    Batch,
    BatchResult,
    Body,
    Content,
    Endpoint,
    Repeat,
    Row,
    SendEndpoint,
    all_accepted,
    codec,
    e164_forms,
    in_bulk,
)


class Recipients(Body, frozen=True):
    """The ``params`` of a webservice send."""

    recipients: list[str]


class TextRecipients(Body, frozen=True):
    """One of the ``params`` of a peer-to-peer send: a text and all its recipients."""

    recipients: list[str]
    message: str


class IPPanelSendBody(Body, frozen=True):
    """The body of /api/send for every sending type. Fields that are None are omitted."""

    sending_type: str
    from_number: str | None = None
    code: str | None = None
    message: str | None = None
    recipients: list[str] | None = None
    params: Any = None
    other_recipients: list[str] | None = None
    send_time: str | None = None


class SendData(Row, frozen=True):
    """The data of a send: one id for each bulk message."""

    message_outbox_ids: list[int]


class PriceBody(Body, frozen=True):
    """The body of calculate-price."""

    number: str | None
    message: str


@frozen
class PriceData:
    """The data of calculate-price."""

    mci_price: Decimal
    other_price: Decimal
    parts: int | None = None


def _build_send(batch: Batch) -> Content:
    (sender,), (text,) = batch.senders, batch.texts
    params = Recipients(e164_forms(batch.recipients))
    return _content(IPPanelSendBody("webservice", sender, message=text, params=params, **batch.extra))


def _build_send_p2p(batch: Batch) -> Content:
    params = [TextRecipients(e164_forms(recipients), text) for text, recipients in _by_text(batch).items()]
    return _content(IPPanelSendBody("peer_to_peer", batch.senders[0], params=params, **batch.extra))


def _build_pattern(batch: Batch) -> Content:
    recipients = e164_forms(batch.recipients)
    return _content(IPPanelSendBody("pattern", batch.senders[0], recipients=recipients, **batch.extra))


def _build_votp(batch: Batch) -> Content:
    (text,) = batch.texts
    return _content(IPPanelSendBody("votp", message=text, params=Recipients(e164_forms(batch.recipients))))


def _build_bulk(batch: Batch) -> Content:
    (sender,), (text,) = batch.senders, batch.texts
    segments: Sequence[Segment] = batch.extra["segments"]
    return _content(
        IPPanelSendBody(
            batch.extra["sending_type"],
            sender,
            message=text,
            params=[attrs.asdict(segment, filter=lambda _, value: value is not None) for segment in segments],
            other_recipients=e164_forms(batch.recipients) or None,
            send_time=batch.extra.get("send_time"),
        )
    )


def _content(body: IPPanelSendBody) -> Content:
    return Content(codec.encode(body))


def _by_text(batch: Batch) -> dict[str, list[str]]:
    """The recipients of each text, in the order in which the texts first occur."""
    found: dict[str, list[str]] = {}
    for text, recipient in zip(_texts(batch), batch.recipients, strict=True):
        found.setdefault(text, []).append(recipient)
    return found


def _texts(batch: Batch) -> list[str]:
    """The text of each recipient."""
    return batch.texts * len(batch) if len(batch.texts) == 1 else batch.texts


def _read_send(answer: Answer, batch: Batch) -> BatchResult:
    return in_bulk(batch, _read_ids(answer, batch))


def _read_send_p2p(answer: Answer, batch: Batch) -> BatchResult:
    ids, texts = _read_ids(answer, batch), dict.fromkeys(batch.texts)
    if len(ids) != len(texts):
        raise wrong(answer, f"{len(ids)} ids for {len(texts)} texts")
    id_of = dict(zip(texts, ids, strict=True))
    return all_accepted(batch, [id_of[text] for text in _texts(batch)])


def _read_ids(answer: Answer, _: object) -> list[int]:
    ids = data(answer, SendData).message_outbox_ids
    if not ids or min(ids) <= 0:  # an id is positive
        raise wrong(answer, "no id of a bulk message" if not ids else "an id that is not positive")
    return ids


def _read_price(answer: Answer, body: PriceBody) -> Price:
    price = data(answer, PriceData)
    if not (price.mci_price.is_finite() and price.other_price.is_finite()):
        raise wrong(answer, "a price that is not a number")
    parts = count_parts(body.message).parts if price.parts is None else price.parts
    return Price(price.mci_price, price.other_price, parts)


def _nothing(answer: Answer, _: int) -> None:
    data(answer, object)


SEND: Final = SendEndpoint("send", "POST", "/api/send", _build_send, _read_send, Repeat.NEVER)
SEND_P2P: Final = SendEndpoint(
    "send_p2p", "POST", "/api/send", _build_send_p2p, _read_send_p2p, Repeat.NEVER, one_sender=True
)
SEND_PATTERN: Final = SendEndpoint("send_pattern", "POST", "/api/send", _build_pattern, _read_send, Repeat.NEVER)
SEND_VOTP: Final = SendEndpoint(
    "send_votp", "POST", "/api/send", _build_votp, _read_send, Repeat.NEVER, needs_sender=False
)
SEND_COUNTRY: Final = SendEndpoint("send_country", "POST", "/api/send", _build_bulk, _read_send, Repeat.NEVER)
SEND_POSTAL_CODE: Final = evolve(SEND_COUNTRY, name="send_postal_code")
CANCEL: Final = Endpoint[int, None](
    "cancel",
    "POST",
    "/api/send/cancel",
    lambda message_id: Content(codec.encode({"message_outbox_id": message_id})),
    _nothing,
    Repeat.AT_MOST_ONCE,  # the id names the message: a repeat cancels nothing else
)
PRICE: Final = Endpoint[PriceBody, Price](
    "price", "POST", "/api/send/calculate-price", lambda body: Content(codec.encode(body)), _read_price
)
