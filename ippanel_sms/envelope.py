"""The envelope of IPPanel's answers: ``data``, ``meta``, and how a refusal is read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, Generic, TypeVar, cast

from attrs import evolve, frozen
from msgspec.structs import replace

from ippanel_sms.codes import ERRORS
from smscore import SMSError
from smscore.wire import (
    Answer,
    DecodeError,
    Page,
    Provider,
    Raw,
    RefusalDetails,
    Row,
    codec,
    contradictory,
    details_in,
    malformed,
    refusal,
)

T = TypeVar("T")

IPPANEL: Final = Provider(
    name="ippanel",
    base_url="https://edge.ippanel.com/v1",
    line_prefix="+98",
    base_url_suffix="/api",  # IPPanel's own client has it there, its document in the paths
)


class Meta(Row, frozen=True):
    """The ``meta`` of every answer. Only ``status`` is always there; only listings have pages."""

    status: bool
    message_code: str | None = None
    current_page: int | None = None
    last_page: int | None = None
    total: int | None = None


@frozen
class IPPanelEnvelope:
    """The envelope of every answer, its data not decoded yet."""

    meta: Meta
    data: Raw = codec.NULL


class IPPanelAnswer(Row, Generic[T], frozen=True):
    """A whole answer, as documented: decoded in one pass."""

    meta: Meta
    data: T


def data(answer: Answer, model: type[T]) -> T:
    """The data of a successful answer. Raises the error that a refusal or a malformed answer stands for."""
    found = _usual(answer, model)
    if found is not None:
        return found[0]
    raw, _ = _opened(answer)
    try:
        return codec.read(raw, model)
    except DecodeError as error:
        raise wrong(answer, str(error)) from None


def page(answer: Answer, model: type[T]) -> Page[T]:
    """The rows of a successful listing, and which page they are. Raises as :func:`data` does.

    A row that cannot be read becomes a model without any of its fields, so that it does not cost the other rows.
    """
    answer = replace(answer, body=codec.readable(answer.body))
    rows_model = cast("type[list[T] | None]", list[model] | None)  # type: ignore[valid-type]  # a runtime alias
    found = _usual(answer, rows_model)
    if found is None:
        raw, meta = _opened(answer)
        found = _rows(answer, raw, model), meta
    items, meta = found
    return Page(items or [], meta.current_page, meta.last_page, meta.total)


def _rows(answer: Answer, raw: Raw, model: type[T]) -> list[T]:
    try:
        if codec.decode(raw, object) is None:
            return []
        return [model() if isinstance(row, DecodeError) else row for row in codec.rows(raw, model)]
    except DecodeError as error:
        raise wrong(answer, str(error)) from None


def wrong(answer: Answer, what: str) -> SMSError:
    """The error for a complete answer that is not as documented."""
    return malformed(answer, what, provider=IPPANEL.name)


def _usual(answer: Answer, model: type[T]) -> tuple[T, Meta] | None:
    """The data of an answer that is as documented, in one pass; None for any other answer."""
    any_model: Any = model  # not by typing.cast, which would be one more call for each answer
    usual = _decoder(any_model)(answer.body)
    return (usual.data, usual.meta) if usual and usual.meta.status and answer.is_success else None


@cache
def _decoder(model: Any) -> Callable[[bytes], IPPanelAnswer[Any] | None]:
    return codec.fast_decoder(IPPanelAnswer[model])


def _opened(answer: Answer) -> tuple[Raw, Meta]:
    """The data of a successful answer, not decoded yet. Raises as :func:`data` does."""
    try:
        envelope = codec.read(answer.body, IPPanelEnvelope)
    except DecodeError as error:
        words = _words(answer)
        if words.code in ERRORS.codes:
            raise refusal(answer, ERRORS, words, provider=IPPANEL.name) from None
        raise malformed(answer, str(error), provider=IPPANEL.name, table=ERRORS) from None
    if not envelope.meta.status:
        raise refusal(answer, ERRORS, _words(answer), provider=IPPANEL.name)
    if not answer.is_success:
        raise contradictory(answer, provider=IPPANEL.name)
    return envelope.data, envelope.meta


@frozen
class IPPanelRefusedMeta:
    """Where a refusal has its code."""

    message_code: str | None = None


@frozen
class IPPanelRefused(IPPanelRefusedMeta):
    """A refusal: its code is in ``meta``, or at the top level."""

    meta: IPPanelRefusedMeta | None = None


def _words(answer: Answer) -> RefusalDetails:
    words = details_in(answer.body)
    try:
        refused = codec.read_loosely(answer.body, IPPanelRefused)
    except DecodeError:
        return words
    return evolve(words, code=(refused.meta and refused.meta.message_code) or refused.message_code)
