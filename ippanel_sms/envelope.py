"""What IPPanel wraps every answer in: its data, what it says of itself, and its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar, cast

from attrs import frozen

from ippanel_sms.codes import ERRORS, SENDER_FIELD
from smscore.errors import SMSError
from smscore.wire import codec
from smscore.wire.codec import DecodeError, Row
from smscore.wire.endpoint import Answer, Provider
from smscore.wire.error_mapping import Words, contradictory, http_error, malformed, refusal
from smscore.wire.paging import Page

T = TypeVar("T")

IPPANEL: Final = Provider(
    name="ippanel",
    base_url="https://edge.ippanel.com/v1",
    line_prefix="+98",
    base_url_suffix="/api",  # IPPanel's own client has it there, its document in the paths
)


@frozen
class Meta:
    """What every answer says of itself; some answers lack some of it, and only a listing's tells of pages."""

    status: bool
    message: Any = None
    message_code: Any = None
    errors: Any = None
    current_page: Any = None
    last_page: Any = None
    total: Any = None


class Usual(Row, Generic[T], frozen=True):
    """A whole answer, if it is what the document says."""

    meta: Meta
    data: T


def data(answer: Answer, model: type[T]) -> T:
    """The data of a successful answer; what the envelope refuses is raised."""
    return _opened(answer, model)[0]


def page(answer: Answer, model: type[T]) -> Page[T]:
    """The rows of a successful listing, and which page they are; what the envelope refuses is raised."""
    items, meta = _opened(answer, cast("type[list[T] | None]", list[model] | None))  # type: ignore[valid-type]  # a runtime alias
    return Page(items or [], codec.whole(meta.current_page), codec.whole(meta.last_page), codec.whole(meta.total))


def wrong(answer: Answer, what: str) -> SMSError:
    """The error for a whole answer that is not the documented one."""
    return malformed(answer, what, provider=IPPANEL.name)


def _opened(answer: Answer, model: type[T]) -> tuple[T, Meta]:
    usual = codec.usual(answer.body, Usual[model])  # type: ignore[valid-type]  # a runtime alias
    if usual and usual.meta.status and answer.is_success:
        return usual.data, usual.meta
    try:
        parts = codec.pieces(answer.body)
        meta = codec.decode(parts.get("meta", codec.NULL), Meta)
        if not meta.status:
            raise _refused(answer, meta)
        if not answer.is_success:
            raise contradictory(answer, provider=IPPANEL.name)
        return codec.decode(parts.get("data", codec.NULL), model), meta
    except DecodeError as error:
        raise wrong(answer, str(error)) from None


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
