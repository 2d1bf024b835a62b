"""The envelope of Najva's answers: ``return``, ``entries``, and how a refusal is read."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, Generic, TypeAlias, TypeVar, get_origin

from attrs import evolve, frozen

from najva_sms.codes import SUCCESS
from smscore import SMSError
from smscore.wire import (
    Answer,
    DecodeError,
    HeaderToken,
    Provider,
    Raw,
    RefusalTable,
    Row,
    codec,
    details_in,
    http_error,
    is_outage,
    malformed,
    refusal,
)

T = TypeVar("T")

NAJVA: Final = Provider(
    name="najva",
    base_url="https://sms.najva.com",
    credentials=HeaderToken(scheme="Bearer"),
    send_limit=10_000,
)


@frozen
class Return:
    """The ``return`` of every answer."""

    status: int


class NajvaAnswer(Row, Generic[T], frozen=True, rename={"said": "return"}):
    """A whole answer with many entries, as documented: decoded in one pass."""

    said: Return
    entries: list[T]


Decode: TypeAlias = Callable[[bytes], NajvaAnswer[T]]


def recurring_texts(entry: type[T], field: str) -> codec.RecurringTexts[NajvaAnswer[T]]:
    """A decoder of answers with many such entries; the entry's one type parameter is the type of ``field``."""
    any_entry: Any = get_origin(entry)
    any_answer: Any = NajvaAnswer
    return codec.RecurringTexts(field, lambda texts: any_answer[any_entry[texts]], attrgetter("entries"))


class NajvaEnvelope(Row, frozen=True, rename={"said": "return"}):
    """The envelope of every answer, its entries not decoded yet."""

    said: Return
    entries: Raw = codec.NULL


def entries_of(answer: Answer, table: RefusalTable) -> Raw:
    """The entries of a successful answer, not decoded yet. Raises the error that a refusal stands for."""
    try:
        envelope = codec.read(answer.body, NajvaEnvelope)
    except DecodeError as error:
        raise malformed(answer, str(error), provider=NAJVA.name, table=table) from None
    if envelope.said.status != SUCCESS or not answer.is_success:
        raise _refused(answer, envelope.said, table)
    return envelope.entries


def _refused(answer: Answer, said: Return, table: RefusalTable) -> SMSError:
    # The document does not say where an error's code is: return.status and the HTTP status both count.
    documented = next((code for code in (said.status, answer.status) if code in table.codes), None)
    code = said.status if documented is None and said.status != SUCCESS else documented
    words = evolve(details_in(answer.body), code=code)
    if documented is not None:
        return refusal(answer, table, words, provider=NAJVA.name)
    # 429 and 5xx tell of an overload or a failure, whatever code is in the body.
    decides = answer.status if said.status == SUCCESS or is_outage(answer.status) else said.status
    return http_error(answer, words, provider=NAJVA.name, status=decides)


def decoded(answer: Answer, raw: Raw, model: type[T]) -> T:
    """What was not decoded yet, as the model. Raises ``MalformedResponse``."""
    try:
        return codec.read(raw, model)
    except DecodeError as error:
        raise malformed(answer, str(error), provider=NAJVA.name) from None


def usual_entries(answer: Answer, decode: Decode[T]) -> list[T]:
    """The entries of an answer that ``decode`` takes, in one pass; an empty list for any other answer."""
    try:  # codec.decode_fast would go through all characters once more, and here they are millions
        whole = decode(answer.body)
    except DecodeError:
        return []
    return whole.entries if whole.said.status == SUCCESS and answer.is_success else []
