"""Sepahan's endpoints: what each call sends, and how its answer is read. Names are spelled as in the document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from itertools import repeat
from typing import Annotated, Any, Final

from attrs import frozen
from msgspec import Meta

from sepahan_sms.codes import ERRORS, OLD_STATUS_ERRORS, RECEIVE_ERRORS, STATUS_ERRORS, STATUSES
from sepahan_sms.envelope import SEPAHAN, value_of
from sepahan_sms.wire_options import Wire
from smscore import DeliveryStatus, InboundMessage, MalformedResponse, MessageStatus, ProviderError, SMSError
from smscore.wire import (
    Answer,
    Batch,
    BatchResult,
    Body,
    Content,
    DecodeError,
    Endpoint,
    Raw,
    RefusalDetails,
    RefusalTable,
    Repeat,
    RequestIds,
    Row,
    SendEndpoint,
    all_accepted,
    codec,
    gregorian_text,
    jalali_text,
    malformed,
    read_day,
    refusal,
    with_errors,
)

# Send: an id is remembered for 4 hours. Half an hour less leaves room for clocks that differ and for slow tries.
REQUEST_IDS: Final = RequestIds(lifetime=3.5 * 3600)

RESELLERS_BASE_URL: Final = "https://api.flashsms.ir"
"""The base URL for customers of Sepahan's resellers: pass it as ``base_url=``."""


class SepahanSendBody(Body, frozen=True):
    """The body of Send and SendP2P; the misspelling is the provider's."""

    senderNumbers: list[str | None] | str | None
    reciverNumbers: list[str]
    smsTexts: list[str] | str


class SepahanReceiveBody(Body, frozen=True):
    """The body of Receive. Fields that are None are omitted, and the provider's defaults apply."""

    privateNumber: str | None = None
    startDate: str | None = None
    numberOfMessages: int | None = None
    markAsRead: bool | None = None


class SendValue(Row, frozen=True):
    """The value of Send and SendP2P. Price and count are optional, so that an odd one does not cost the ids."""

    ids: list[int]
    smsCount: int | None = None
    totalPrice: int | Decimal | None = None


class AllTaken(SendValue, frozen=True):
    """The value where every recipient was accepted: each id is a message's, and none an error code."""

    ids: list[Annotated[int, Meta(gt=0)]]


class SepahanSendAnswer(Row, frozen=True):
    """The whole answer to Send and SendP2P where every recipient was accepted: decoded in one pass."""

    isSuccess: bool
    value: AllTaken


_send_answer: Final = codec.fast_decoder(SepahanSendAnswer)


@frozen
class RequestIdValue:
    """The value of checkRequestId."""

    isDuplicate: bool


def _build_send(batch: Batch, *, wire: Wire) -> Content:
    if wire.send == "arrays":
        return _content(SepahanSendBody(batch.senders, batch.recipients, batch.texts), batch, wire)
    (sender,), (text,) = batch.senders, batch.texts
    return _content(SepahanSendBody(sender, batch.recipients, text), batch, wire)


def _build_send_p2p(batch: Batch, *, wire: Wire) -> Content:
    # SendP2P: all three arrays must be of one length, even if every message has the same sender (code -6).
    senders = batch.senders * len(batch) if len(batch.senders) == 1 else batch.senders
    return _content(SepahanSendBody(senders, batch.recipients, batch.texts), batch, wire)


def _content(body: SepahanSendBody, batch: Batch, wire: Wire) -> Content:
    # Send: the document spells the header both ways. With only the wrong one, a repeat would send twice.
    names = ("requestId", "Request-Id") if wire.request_id == "both" else (wire.request_id,)
    return Content(codec.encode(body), headers=dict.fromkeys(names, batch.request_id or ""))


def start_date(day: dt.date | dt.datetime, wire: Wire) -> str:
    """The date of Receive. Raises ``InvalidRequest`` for a naive datetime."""
    return (jalali_text if wire.since == "jalali" else gregorian_text)(day, "since")


def of_page(body: SepahanReceiveBody, limit: int, *, marks: bool) -> SepahanReceiveBody:
    """The body of Receive for a page, looked at or handed out."""
    return SepahanReceiveBody(body.privateNumber, body.startDate, limit, marks)


def _read_send(answer: Answer, batch: Batch) -> BatchResult:
    usual = _send_answer(answer.body)
    value = usual.value if usual and usual.isSuccess and answer.is_success else value_of(answer, SendValue)
    if len(value.ids) != len(batch):
        raise malformed(answer, f"{len(value.ids)} ids for {len(batch)} recipients", provider=SEPAHAN.name)
    cost = codec.amount(value.totalPrice)
    if isinstance(value, AllTaken):
        return all_accepted(batch, value.ids, cost, parts=value.smsCount)
    # Send: a negative id is that recipient's own error code. A zero is neither an id nor a code.
    codes = {place: id_ for place, id_ in enumerate(value.ids) if id_ <= 0}
    error_of = {code: _refused_alone(answer, code) for code in {*codes.values()}}
    ids = [None if place in codes else id_ for place, id_ in enumerate(value.ids)]
    accepted = all_accepted(batch, ids, cost, parts=value.smsCount)
    return with_errors(accepted, {place: error_of[code] for place, code in codes.items()})


def _refused_alone(answer: Answer, code: int) -> SMSError:
    if code == 0:
        return malformed(answer, "an id of 0", provider=SEPAHAN.name, of_one=True)
    error = refusal(answer, ERRORS, RefusalDetails(code=code), provider=SEPAHAN.name)
    if isinstance(error, ProviderError):
        error.meets_every_batch = False
    return error


def _build_ids(ids: Sequence[int]) -> Content:
    return Content(codec.encode(list(ids)))


def _read_statuses(
    answer: Answer, ids: Sequence[int], *, table: RefusalTable, second_shape: bool = False
) -> list[MessageStatus]:
    found = value_of(answer, list[int], table=table, second_shape=second_shape)
    if len(found) != len(ids):
        raise malformed(answer, f"{len(found)} statuses for {len(ids)} ids", provider=SEPAHAN.name)
    meanings = map(STATUSES.get, found, repeat(DeliveryStatus.UNRECOGNIZED))
    return list(map(MessageStatus, ids, found, meanings))


def _read_messages(answer: Answer, _: SepahanReceiveBody) -> list[InboundMessage]:
    try:
        rows = value_of(answer, _ROWS, table=RECEIVE_ERRORS, second_shape=True)
    except MalformedResponse as error:
        # Receive hands each message out once: whatever can be read of them must reach the caller now.
        rows = _salvaged_rows(answer.body)
        if rows is None:
            error.details = [answer.body.decode("utf-8", "replace")]
            raise
    return list(map(_inbound, rows or []))


_ROWS: Final[Any] = list[Raw] | None


@frozen
class Salvage:
    """Where the messages of a malformed answer may be."""

    isSuccess: bool | None = None
    value: list[Raw] | None = None
    result: list[Raw] | None = None


def _salvaged_rows(body: bytes) -> list[Raw] | None:
    try:
        found = codec.read_loosely(codec.salvaged(body), Salvage)
    except DecodeError:
        return None
    return None if found.isSuccess is False else found.value or found.result


@frozen(repr=False)
class ReceiveRow:
    """One received message."""

    privateNumber: str | None = None
    date: str | None = None
    sendNumber: str | None = None
    messageText: str | None = None


def _inbound(raw: Raw) -> InboundMessage:
    # Each message is handed out once, so even a malformed row must reach the caller: `raw` has all of it.
    row = codec.row(raw, ReceiveRow)
    return InboundMessage(
        number=row.privateNumber or "",
        sender=row.sendNumber or "",
        text=row.messageText or "",
        date=read_day(row.date),
        raw=codec.fields(raw),
    )


def _arrived(batch: Batch) -> BatchResult:
    # The ids were lost with the answer, as were refusals of single recipients. No call gives them back.
    return all_accepted(batch, None)


def _send(name: str, path: str, build: Callable[[Batch], Content]) -> SendEndpoint:
    return SendEndpoint(
        name,
        "POST",
        path,
        build,
        _read_send,
        Repeat.SAME_ID,
        arrived=_arrived,
        request_ids=REQUEST_IDS,
    )


@frozen
class Sends:
    """The two calls that send: one text to all, and each recipient their own."""

    one_text: SendEndpoint
    each: SendEndpoint


@lru_cache
def sends(wire: Wire) -> Sends:
    """The calls that send, as this reading of the document has them."""
    return Sends(
        _send("send", "/api/Sms/Send", partial(_build_send, wire=wire)),
        _send("send_p2p", "/api/Sms/SendP2P", partial(_build_send_p2p, wire=wire)),
    )


SEND: Final = sends(Wire()).one_text
SEND_P2P: Final = sends(Wire()).each
CHECK_REQUEST_ID: Final = Endpoint[str, bool](
    "check_request_id",
    "GET",
    "/api/Requests/checkRequestId/{requestId}",
    lambda request_id: Content(path={"requestId": request_id}),
    lambda answer, _: value_of(answer, RequestIdValue).isDuplicate,
)
STATUS: Final = Endpoint[Sequence[int], list[MessageStatus]](
    "status",
    "POST",
    "/api/SmsReport/status",
    _build_ids,
    partial(_read_statuses, table=STATUS_ERRORS),
    limit=100,
)
OLD_STATUS: Final = Endpoint[Sequence[int], list[MessageStatus]](
    "old_status",
    "POST",
    "/api/SmsReport/oldStatus",
    _build_ids,
    partial(_read_statuses, table=OLD_STATUS_ERRORS, second_shape=True),
    limit=100,
)
CREDIT: Final = Endpoint[None, int](
    "credit", "GET", "/api/SmsReport/credit", lambda _: Content(), lambda answer, _: value_of(answer, int)
)


def _receive(repeat: Repeat) -> Endpoint[SepahanReceiveBody, list[InboundMessage]]:
    return Endpoint(
        "receive",
        "POST",
        "/api/SmsReport/Receive",
        lambda body: Content(codec.encode(body)),
        _read_messages,
        repeat,
    )


RECEIVE: Final = _receive(Repeat.NEVER)
PEEK: Final = _receive(Repeat.FREELY)  # with markAsRead false nothing is handed out, so a repeat loses nothing
