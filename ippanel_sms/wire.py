"""IPPanel's endpoints: what each call puts on the wire, and how its answer is read, in the provider's spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import attrs
from attrs import frozen

from ippanel_sms.codes import ERRORS, SENDER_FIELD
from ippanel_sms.segments import Segment
from smscore import codec
from smscore.batching import Batch
from smscore.codec import DecodeError, Raw
from smscore.delivery import SendEndpoint
from smscore.endpoint import Answer, Content, Endpoint, Provider, Repeat
from smscore.errors import SMSError
from smscore.merging import BatchResult, in_bulk
from smscore.numbers import e164_forms
from smscore.refusals import Words, contradictory, http_error, malformed, refusal

T = TypeVar("T")

IPPANEL: Final = Provider(
    name="ippanel",
    base_url="https://edge.ippanel.com/v1",
    authorization=lambda token: token,
)


@frozen
class Recipients:
    """The ``params`` of a webservice send."""

    recipients: list[str]


@frozen
class SendBody:
    """The body of /api/send, whatever the sending type."""

    sending_type: str
    from_number: str | None
    message: str
    params: Any
    other_recipients: list[str] | None = None
    send_time: str | None = None


@frozen
class Meta:
    """What every answer says of itself; some answers lack some of it."""

    status: bool
    message: Any = None
    message_code: Any = None
    errors: Any = None


@frozen
class SendData:
    """What a send gives back: an id for each bulk message."""

    message_outbox_ids: list[int]


@frozen
class BulkSend:
    """A send to segments, checked and ready."""

    sending_type: str
    segments: Sequence[Segment]
    text: str
    sender: str | None
    other_recipients: list[str]
    send_time: str | None


def _data(answer: Answer, model: type[T]) -> T:
    """The data of a successful answer; what the envelope refuses is raised."""
    try:
        parts = codec.pieces(answer.body)
        meta = codec.decode(parts.get("meta", _NULL), Meta)
        if not meta.status:
            raise _refused(answer, meta)
        if not answer.is_success:
            raise contradictory(answer, provider=IPPANEL.name)
        return codec.decode(parts.get("data", _NULL), model)
    except DecodeError as error:
        raise malformed(answer, str(error), provider=IPPANEL.name) from None


_NULL: Final = Raw(b"null")


def _refused(answer: Answer, meta: Meta) -> SMSError:
    fields = _fields(meta.errors)
    words = Words(
        code=codec.text(meta.message_code),
        message=codec.text(meta.message),
        fields=fields,
        meets_every_batch=True if SENDER_FIELD in fields else None,
    )
    if answer.is_success:
        return refusal(answer, ERRORS, words, provider=IPPANEL.name)
    return http_error(answer, words, provider=IPPANEL.name)


def _fields(errors: object) -> dict[str, list[str]]:
    # No errors come as {}, as [] or not at all, and a field's as a list or as one text.
    if not isinstance(errors, dict):
        return {}
    return {str(name): codec.texts(words) for name, words in cast("Mapping[object, object]", errors).items()}


def _build_send(batch: Batch) -> Content:
    (sender,), (text,) = batch.senders, batch.texts
    body = SendBody(
        "webservice", sender, text, Recipients(e164_forms(batch.recipients)), send_time=batch.extra.get("send_time")
    )
    return Content(codec.encode(body))


def _build_bulk(bulk: BulkSend) -> Content:
    body = SendBody(
        bulk.sending_type,
        bulk.sender,
        bulk.text,
        [attrs.asdict(segment, filter=lambda _, value: value is not None) for segment in bulk.segments],
        e164_forms(bulk.other_recipients) or None,
        bulk.send_time,
    )
    return Content(codec.encode(body))


def _read_send(answer: Answer, batch: Batch) -> BatchResult:
    return in_bulk(batch, _read_ids(answer, batch))


def _read_ids(answer: Answer, _: object) -> list[int]:
    ids = _data(answer, SendData).message_outbox_ids
    if not ids:
        raise malformed(answer, "no id of a bulk message", provider=IPPANEL.name)
    return ids


SEND: Final = SendEndpoint("webservice", "POST", "/api/send", _build_send, _read_send, Repeat.NEVER)
SEND_BULK: Final = Endpoint[BulkSend, list[int]]("bulk", "POST", "/api/send", _build_bulk, _read_ids, Repeat.NEVER)
