"""Sepahan's endpoints: what each call puts on the wire, and how its answer is read, in the provider's spelling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar, cast

import attrs
from attrs import frozen

from sepahan_sms.codes import ERRORS, OLD_STATUS_ERRORS, RECEIVE_ERRORS, STATUSES
from smscore.dates import read_day
from smscore.errors import MalformedResponse, ProviderError, SMSError
from smscore.messages import InboundMessage
from smscore.outcomes import Outcome
from smscore.results import OUTCOME_BYTES
from smscore.sending.batching import Batch
from smscore.sending.delivery import SendEndpoint
from smscore.sending.merging import BatchResult, all_accepted
from smscore.statuses import DeliveryStatus, MessageStatus
from smscore.wire import codec
from smscore.wire.codec import Body, DecodeError, Raw, Row
from smscore.wire.endpoint import Answer, Content, Endpoint, Provider, Repeat, RequestIds
from smscore.wire.error_mapping import Codes, Words, contradictory, malformed, refusal

T = TypeVar("T")

SEPAHAN: Final = Provider(
    name="sepahan",
    base_url="https://api.sepahansms.com",
    send_limit=100,
)
REQUEST_IDS: Final = RequestIds(lifetime=3.5 * 3600)  # of the 4 hours that the document names

RESELLERS_BASE_URL: Final = "https://api.flashsms.ir"
"""Where the customers of Sepahan's resellers send to: give it as ``base_url=``."""


class SendBody(Body, frozen=True):
    """The body of Send and SendP2P; the misspelling is the provider's."""

    senderNumbers: list[str | None]
    reciverNumbers: list[str]
    smsTexts: list[str]


class ReceiveBody(Body, frozen=True):
    """The body of Receive: what is None is left out, and the provider's default holds."""

    privateNumber: str | None = None
    startDate: str | None = None
    numberOfMessages: int | None = None
    markAsRead: bool | None = None


@frozen
class SendValue:
    """What Send and SendP2P give back, apart from the count; an odd price must not cost the ids."""

    ids: list[int]
    totalPrice: Any = None


class UsualSend(Row, frozen=True):
    """The whole answer to Send and SendP2P, if it is what the document says."""

    isSuccess: bool
    value: SendValue


@frozen
class RequestIdValue:
    """What checkRequestId gives back."""

    isDuplicate: bool


@frozen
class ErrorValue:
    """The error inside the envelope; odd words must not hide its code."""

    code: Any = None
    message: Any = None
    details: Any = None


def _value(answer: Answer, model: type[T], *, codes: Codes = ERRORS, second_shape: str | None = None) -> T:
    """The value of a successful answer; what the envelope refuses is raised.

    ``second_shape`` is the key that holds the value where the answer is not the usual envelope.
    """
    name = SEPAHAN.name
    try:
        parts = codec.pieces(answer.body)
        if "isSuccess" not in parts and second_shape is not None and second_shape in parts and answer.is_success:
            return codec.decode(parts[second_shape], model)
        if not codec.decode(parts.get("isSuccess", codec.NULL), bool):
            raise refusal(answer, codes, _words(parts, answer, codes), provider=name)
        if not answer.is_success:
            raise contradictory(answer, provider=name)
        if "value" not in parts:
            raise malformed(answer, "it has no value", provider=name)
        return codec.decode(parts["value"], model)
    except DecodeError as error:
        # Receive's own codes may stand in the HTTP status alone.
        if answer.status in codes:
            raise refusal(answer, codes, Words(code=answer.status), provider=name) from None
        raise malformed(answer, str(error), provider=name) from None


# The envelope's sample shows an object, Send's table of outputs a plain string.
_ERROR: Final[Any] = dict[str, Any] | str | None


def _words(parts: dict[str, Raw], answer: Answer, codes: Codes) -> Words:
    said = codec.decode(parts.get("error", codec.NULL), _ERROR)
    error = codec.decode(parts["error"], ErrorValue) if isinstance(said, dict) else ErrorValue(message=said)
    code = codec.whole(error.code)
    return Words(
        code=_code_in_status(answer, codes) if code is None else code,
        message=codec.text(error.message),
        details=codec.texts(error.details),
    )


def _code_in_status(answer: Answer, codes: Codes) -> int | None:
    return answer.status if answer.status in codes else None


def _build_send(batch: Batch) -> Content:
    # The document names the header both ways; with the wrong one alone the id would protect nothing.
    request_id = batch.request_id or ""
    return Content(
        codec.encode(SendBody(batch.senders, batch.recipients, batch.texts)),
        headers={"requestId": request_id, "Request-Id": request_id},
    )


def _build_send_p2p(batch: Batch) -> Content:
    # All three arrays have one entry a message, also where one sender serves all.
    senders = batch.senders * len(batch) if len(batch.senders) == 1 else batch.senders
    return _build_send(attrs.evolve(batch, senders=senders))


def _read_send(answer: Answer, batch: Batch) -> BatchResult:
    usual = codec.usual(answer.body, UsualSend)
    value = usual.value if usual and usual.isSuccess and answer.is_success else _value(answer, SendValue)
    if len(value.ids) != len(batch):
        raise malformed(answer, f"{len(value.ids)} ids for {len(batch)} recipients", provider=SEPAHAN.name)
    ids: list[int | None] = [*value.ids]
    if min(value.ids) > 0:
        return all_accepted(batch, ids, codec.whole(value.totalPrice))
    return _with_refused(answer, ids, codec.whole(value.totalPrice))


def _with_refused(answer: Answer, ids: list[int | None], cost: int | None) -> BatchResult:
    # A negative id is that recipient's own error code; a zero is neither an id nor a code.
    errors: dict[int, SMSError] = {}
    shared: dict[int, SMSError] = {}
    outcomes = bytearray(OUTCOME_BYTES[Outcome.ACCEPTED] * len(ids))
    for place, id_ in enumerate(ids):
        if id_ is None or id_ > 0:
            continue
        if id_ not in shared:
            shared[id_] = _refused_alone(answer, id_)
        error = errors[place] = shared[id_]
        outcomes[place : place + 1] = OUTCOME_BYTES[error.outcome or Outcome.UNKNOWN]
        ids[place] = None
    return BatchResult(bytes(outcomes), ids, errors, cost)


def _refused_alone(answer: Answer, code: int) -> SMSError:
    if code == 0:
        return malformed(answer, "an id of 0", provider=SEPAHAN.name)
    error = refusal(answer, ERRORS, Words(code=code), provider=SEPAHAN.name)
    if isinstance(error, ProviderError):
        error.meets_every_batch = False
    return error


def _build_ids(ids: Sequence[int]) -> Content:
    return Content(codec.encode(list(ids)))


def _read_statuses(
    answer: Answer, ids: Sequence[int], *, codes: Codes, second_shape: str | None = None
) -> list[MessageStatus]:
    found = _value(answer, list[int], codes=codes, second_shape=second_shape)
    if len(found) != len(ids):
        raise malformed(answer, f"{len(found)} statuses for {len(ids)} ids", provider=SEPAHAN.name)
    return [
        MessageStatus(id_, code, STATUSES.get(code, DeliveryStatus.UNRECOGNIZED))
        for id_, code in zip(ids, found, strict=True)
    ]


def _read_messages(answer: Answer, _: ReceiveBody) -> list[InboundMessage]:
    try:
        rows = _value(answer, _ROWS, codes=RECEIVE_ERRORS, second_shape="result")
    except MalformedResponse as error:
        # The messages are marked as read: what can be read of them must be.
        rows = _salvaged_rows(answer.body)
        if rows is None:
            error.details = [answer.body.decode("utf-8", "replace")]
            raise
    return [_inbound(row) for row in rows or []]


_ROWS: Final[Any] = list[Any] | None


def _salvaged_rows(body: bytes) -> Sequence[Any] | None:
    try:
        answer: Any = codec.salvaged(body)
    except DecodeError:
        return None
    parts = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
    rows: object = None if parts.get("isSuccess") is False else parts.get("value", parts.get("result"))
    return cast("Sequence[Any]", rows) if isinstance(rows, list) else None


def _inbound(row: object) -> InboundMessage:
    # A message is handed out once, so an odd row must still reach the caller: `raw` has all of it.
    raw = cast("dict[str, Any]", row) if isinstance(row, dict) else {"": row}
    return InboundMessage(
        number=_text(raw.get("privateNumber")),
        sender=_text(raw.get("sendNumber")),
        text=_text(raw.get("messageText")),
        date=read_day(raw.get("date")),
        raw=raw,
    )


def _text(value: object) -> str:
    # Half of a surrogate pair, of an emoji cut in two, could not be stored or printed.
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def _arrived(batch: Batch) -> BatchResult:
    # The ids, and any refusals of single recipients, were lost with the answer; no call gives them back.
    return all_accepted(batch, None)


def _send(name: str, build: Callable[[Batch], Content]) -> SendEndpoint:
    return SendEndpoint(
        name,
        "POST",
        f"/api/Sms/{name}",
        build,
        _read_send,
        Repeat.SAME_ID,
        arrived=_arrived,
        request_ids=REQUEST_IDS,
    )


SEND: Final = _send("Send", _build_send)
SEND_P2P: Final = _send("SendP2P", _build_send_p2p)
CHECK_REQUEST_ID: Final = Endpoint[str, bool](
    "checkRequestId",
    "GET",
    "/api/Requests/checkRequestId/{requestId}",
    lambda request_id: Content(path={"requestId": request_id}),
    lambda answer, _: _value(answer, RequestIdValue).isDuplicate,
)
STATUS: Final = Endpoint[Sequence[int], list[MessageStatus]](
    "status",
    "POST",
    "/api/SmsReport/status",
    _build_ids,
    partial(_read_statuses, codes=ERRORS),
    limit=100,
)
OLD_STATUS: Final = Endpoint[Sequence[int], list[MessageStatus]](
    "oldStatus",
    "POST",
    "/api/SmsReport/oldStatus",
    _build_ids,
    partial(_read_statuses, codes=OLD_STATUS_ERRORS, second_shape="result"),
    limit=100,
)
CREDIT: Final = Endpoint[None, int](
    "credit", "GET", "/api/SmsReport/credit", lambda _: Content(), lambda answer, _: _value(answer, int)
)


def _receive(repeat: Repeat) -> Endpoint[ReceiveBody, list[InboundMessage]]:
    return Endpoint(
        "Receive",
        "POST",
        "/api/SmsReport/Receive",
        lambda body: Content(codec.encode(body)),
        _read_messages,
        repeat,
    )


RECEIVE: Final = _receive(Repeat.NEVER)
PEEK: Final = _receive(Repeat.FREELY)  # Receive with markAsRead false: it hands nothing out for good
