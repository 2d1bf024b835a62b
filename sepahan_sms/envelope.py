"""The envelope of Sepahan's answers: ``isSuccess``, ``value``, and how a refusal is read."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from attrs import evolve, frozen

from sepahan_sms.codes import ERRORS
from smscore.wire import (
    Answer,
    DecodeError,
    Provider,
    Raw,
    RefusalDetails,
    RefusalTable,
    codec,
    contradictory,
    details_in,
    malformed,
    refusal,
)

T = TypeVar("T")

SEPAHAN: Final = Provider(
    name="sepahan",
    base_url="https://api.sepahansms.com",
    send_limit=100,
)


@frozen
class SepahanEnvelope:
    """The envelope of every answer."""

    isSuccess: bool
    value: Raw = codec.NULL


@frozen
class SecondShape:
    """The other envelope, in the samples of oldStatus and Receive: ``{"message": …, "result": …}``."""

    result: Raw


@frozen(repr=False)
class SepahanRefused:
    """Where a refusal has its code: in ``error``, or beside it."""

    error: Any = None
    code: int | None = None


@frozen
class ErrorValue:
    """The ``error`` of the envelope; only its code is required to be read."""

    code: int | None = None


def value_of(answer: Answer, model: type[T], *, table: RefusalTable = ERRORS, second_shape: bool = False) -> T:
    """The value of a successful answer. Raises the error that a refusal or a malformed answer stands for.

    ``second_shape``: the answer may have the envelope :class:`SecondShape` instead.
    """
    name = SEPAHAN.name
    try:
        envelope = codec.read(answer.body, SepahanEnvelope)
    except DecodeError as error:
        if second_shape and answer.is_success and (found := _second_shape(answer.body)) is not None:
            return _read(answer, found, model)
        words = _words(answer)
        if words.code in table.codes:
            raise refusal(answer, table, words, provider=name) from None
        raise malformed(answer, str(error), provider=name, table=table) from None
    if not envelope.isSuccess:
        raise refusal(answer, table, _words(answer), provider=name)
    if not answer.is_success:
        raise contradictory(answer, provider=name)
    if envelope.value is codec.NULL:
        raise malformed(answer, "it has no value", provider=name)
    return _read(answer, envelope.value, model)


def _second_shape(body: bytes) -> Raw | None:
    try:
        return codec.read(body, SecondShape).result
    except DecodeError:
        return None


def _read(answer: Answer, value: Raw, model: type[T]) -> T:
    try:
        return codec.read(value, model)
    except DecodeError as error:
        raise malformed(answer, str(error), provider=SEPAHAN.name) from None


def _words(answer: Answer) -> RefusalDetails:
    words = details_in(answer.body)
    try:
        refused = codec.read_loosely(answer.body, SepahanRefused)
        code = _code(refused.error)
    except DecodeError:
        return words
    return evolve(words, code=refused.code if code is None else code)


def _code(error: object) -> int | None:
    # The envelope's sample has an object here, and Send's table of outputs a plain string.
    if not codec.is_object(error):
        return codec.whole(error)
    return codec.read_loosely(codec.encode(error), ErrorValue).code
