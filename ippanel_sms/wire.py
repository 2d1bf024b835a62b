"""IPPanel's endpoints: what each call puts on the wire, and how its answer is read, in the provider's spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
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
from smscore.merging import BatchResult, all_accepted, in_bulk
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
class Entry:
    """One of the ``params`` of a peer-to-peer send: a text, and all who get it."""

    recipients: list[str]
    message: str


@frozen(kw_only=True)
class SendBody:
    """The body of /api/send, whatever the sending type: what is None is left out."""

    sending_type: str
    from_number: str | None = None
    code: str | None = None
    message: str | None = None
    recipients: list[str] | None = None
    params: Any = None
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
class CreditData:
    """What is left of the account's money."""

    credit: Decimal


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
    params = Recipients(e164_forms(batch.recipients))
    return _content(sending_type="webservice", from_number=sender, message=text, params=params, **batch.extra)


def _build_send_p2p(batch: Batch) -> Content:
    params = [Entry(e164_forms(recipients), text) for text, recipients in _by_text(batch).items()]
    return _content(sending_type="peer_to_peer", from_number=batch.senders[0], params=params, **batch.extra)


def _build_votp(batch: Batch) -> Content:
    (text,) = batch.texts
    return _content(sending_type="votp", message=text, params=Recipients(e164_forms(batch.recipients)))


def _build_bulk(bulk: BulkSend) -> Content:
    return _content(
        sending_type=bulk.sending_type,
        from_number=bulk.sender,
        message=bulk.text,
        params=[attrs.asdict(segment, filter=lambda _, value: value is not None) for segment in bulk.segments],
        other_recipients=e164_forms(bulk.other_recipients) or None,
        send_time=bulk.send_time,
    )


def _content(**body: Any) -> Content:
    return Content(codec.encode(SendBody(**body)))


def _by_text(batch: Batch) -> dict[str, list[str]]:
    """The recipients of each text, in the order that the texts first come in."""
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
        raise malformed(answer, f"{len(ids)} ids for {len(texts)} texts", provider=IPPANEL.name)
    id_of = dict(zip(texts, ids, strict=True))
    return all_accepted(batch, [id_of[text] for text in _texts(batch)])


def _read_ids(answer: Answer, _: object) -> list[int]:
    ids = _data(answer, SendData).message_outbox_ids
    if not ids:
        raise malformed(answer, "no id of a bulk message", provider=IPPANEL.name)
    return ids


def _read_credit(answer: Answer, _: None) -> Decimal:
    credit = _data(answer, CreditData).credit
    if not credit.is_finite():
        raise malformed(answer, "a credit that is no number", provider=IPPANEL.name)
    return credit


SEND: Final = SendEndpoint("webservice", "POST", "/api/send", _build_send, _read_send, Repeat.NEVER)
SEND_P2P: Final = SendEndpoint(
    "peer_to_peer", "POST", "/api/send", _build_send_p2p, _read_send_p2p, Repeat.NEVER, one_sender=True
)
SEND_VOTP: Final = SendEndpoint("votp", "POST", "/api/send", _build_votp, _read_send, Repeat.NEVER, needs_sender=False)
SEND_BULK: Final = Endpoint[BulkSend, list[int]]("bulk", "POST", "/api/send", _build_bulk, _read_ids, Repeat.NEVER)
CREDIT: Final = Endpoint[None, Decimal]("credit", "GET", "/api/payment/credit/mine", lambda _: Content(), _read_credit)
