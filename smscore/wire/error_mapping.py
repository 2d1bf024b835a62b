"""From a refusal, a malformed answer or no answer at all to the error that describes it. Tables, and no network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from smscore.errors import (
    AuthenticationError,
    ClientClosed,
    ConnectionFailed,
    InsufficientCredit,
    InvalidParameters,
    MalformedResponse,
    NotFound,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    ResponseLost,
    ServerError,
    SMSError,
)
from smscore.wire.endpoint import Answer, NoAnswer
from smscore.wire.error_body import RefusalDetails, body_text, details_in, fingerprint_of, folded, shown_names


@frozen
class Refusal:
    """A documented code: its error class, what it means in English, and the provider's Persian words."""

    error: type[ProviderError]
    meaning: str
    persian: str = ""
    meets_every_batch: bool | None = None
    """Whether every other batch would meet it too; None leaves it to the class."""
    of_sender: bool = False
    """Whether it is an ``InvalidParameters`` of the sender; a send through another line may go well."""


Codes = Mapping[int | str, Refusal]


@frozen
class RefusalTable:
    """Everything that a provider's document says of refusals; the first match decides, from the top."""

    codes: Codes
    whatever_the_code: Mapping[int, Refusal] = field(factory=dict[int, Refusal], kw_only=True)
    """By HTTP status: what it means whatever code comes with it."""
    fields: Mapping[str, Refusal] = field(factory=dict[str, Refusal], kw_only=True)
    """By the name of a field that is found wrong: what that means, more exactly than wrong parameters."""
    statuses: Codes = field(factory=dict[int | str, Refusal], kw_only=True)
    """By HTTP status: what it means without a code."""
    leaves_unknown_to_status: bool = field(default=False, kw_only=True)
    """Whether the HTTP status decides the error class for an unlisted code."""


_BY_HTTP_STATUS: Final[Mapping[int, type[ProviderError]]] = {
    400: InvalidParameters,
    401: AuthenticationError,
    402: InsufficientCredit,
    403: AuthenticationError,
    404: NotFound,
    413: InvalidParameters,
    415: InvalidParameters,
    422: InvalidParameters,
    429: RateLimited,
}

_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = range(500, 600)
_ANSWERS: Final = range(200, 600)

_PLAIN_CODE: Final = re.compile(r"-?[0-9]{1,5}(-[0-9]{1,5})?", re.ASCII)

# What to do next, where a code's own meaning does not say it.
_ADVICE: Final[Mapping[type[ProviderError], str]] = {
    AuthenticationError: "Check the token, and the IPs that it allows, in the provider's panel.",
    InsufficientCredit: "Top up the account.",
    InvalidParameters: "Correct the request.",
    RateLimited: "Wait for the seconds in retry_after, or set rate_limit=.",
    NotFound: "Check the id and the base URL.",
}
# For classes that say little, the error's text says where the provider's own words are.
_READ_ON: Final = frozenset({InvalidParameters, ProviderError})


def refusal(answer: Answer, table: RefusalTable, words: RefusalDetails, *, provider: str) -> SMSError:
    """The error for a refusal: the document decides; an undocumented code is kept on a plain ``ProviderError``.

    Without any code, and with a 429 or 5xx beside an unknown one, the HTTP status decides.
    """
    code = words.code if words.code is not None else _code_of(words, table.codes)
    documented = _documented(answer, table, code, words)
    if documented is None and (code is None or is_outage(answer.status) or table.leaves_unknown_to_status):
        return http_error(answer, words, provider=provider)
    if code is None and answer.status in table.codes:
        code = answer.status  # the HTTP status itself is the code
    words = evolve(words, code=code)
    if documented is None:
        why = f"code {_shown(words.code)}, which its document does not list"
        return _error(ProviderError, _clues([why], words), answer, words, provider)
    clues = _clues([f"code {_shown(code)}"] if code is not None else [], words, documented.persian)
    words = evolve(words, message=words.message or documented.persian or None)
    why = f"{documented.meaning} ({clues})" if clues else documented.meaning
    error = _error(documented.error, why, answer, words, provider)
    if documented.meets_every_batch is not None:
        error.meets_every_batch = documented.meets_every_batch
    if documented.of_sender and isinstance(error, InvalidParameters):
        by_code = code is not None and documented is table.codes.get(code)
        error.of_sender = by_code or _all_of_sender(table.fields, words)
    return error


def _all_of_sender(fields: Mapping[str, Refusal], words: RefusalDetails) -> bool:
    of_sender = {name.casefold() for name, found in fields.items() if found.of_sender}
    return {name.casefold() for name in words.fields} <= of_sender


def _documented(answer: Answer, table: RefusalTable, code: int | str | None, words: RefusalDetails) -> Refusal | None:
    """What the provider's document says of it, or None."""
    if answer.status in table.whatever_the_code:
        return table.whatever_the_code[answer.status]
    by_code = table.codes.get(code) if code is not None else table.statuses.get(answer.status)
    if by_code is None and is_outage(answer.status):
        return None
    if by_code is not None and by_code.error is not InvalidParameters:
        return by_code
    return _by_field(table.fields, words) or by_code


def _by_field(fields: Mapping[str, Refusal], words: RefusalDetails) -> Refusal | None:
    named = {name.casefold() for name in words.fields}
    return next((found for name, found in fields.items() if name.casefold() in named), None)


def _code_of(words: RefusalDetails, codes: Codes) -> int | str | None:
    """The code whose sentence in the document is all that the answer says; None if there is none."""
    said = folded(words.message or "")
    return next((code for code, known in codes.items() if said and folded(known.persian) == said), None)


def http_error(
    answer: Answer, words: RefusalDetails | None = None, *, provider: str, status: int | None = None
) -> SMSError:
    """The error that an HTTP status stands for; ``status`` is one that the body carries in its place.

    Without ``words`` it keeps what can be read of the answer.
    """
    words = details_in(answer.body) if words is None else words
    status = answer.status if status is None else status
    if status in _SERVER_ERRORS:
        return ServerError(
            f"{provider} failed with {_clues([f'HTTP {status}'], words)}. "
            "It may or may not have carried out the request.",
            retry_after=answer.retry_after,
            **_common(answer, words, provider),
        )
    if answer.status not in _ANSWERS:
        return _unreadable(answer, f"HTTP {answer.status}", words, provider)
    code = [] if words.code is None else [f"code {_shown(words.code)}"]
    why = _clues([f"HTTP {answer.status}", *code], words)
    return _error(_BY_HTTP_STATUS.get(status, ProviderError), why, answer, words, provider)


def malformed(
    answer: Answer, what: str, *, provider: str, table: RefusalTable | None = None, of_one: bool = False
) -> SMSError:
    """The error for a whole answer that is not the documented one; an error status still decides.

    ``of_one``: it is of one recipient alone, and the answer as a whole says nothing of it.
    """
    words = RefusalDetails() if of_one else details_in(answer.body)
    if not answer.is_success:
        return refusal(answer, table or RefusalTable({}), words, provider=provider)
    return _unreadable(answer, what, words, provider)


def contradictory(answer: Answer, *, provider: str) -> SMSError:
    """The error for a body that says yes under an HTTP status that says no."""
    words = details_in(answer.body)
    if answer.status in _SERVER_ERRORS:
        return http_error(answer, words, provider=provider)
    return _unreadable(answer, "its body says success, and its status does not", words, provider)


def is_outage(status: int) -> bool:
    """Whether an HTTP status tells of an overload or a failure, and so nothing of the request."""
    return status == _TOO_MANY or status in _SERVER_ERRORS


def no_answer_error(failure: NoAnswer, *, provider: str) -> SMSError:
    """The error for a request that got no answer."""
    if failure.closed and not failure.left:
        return ClientClosed(f"{provider} was not reached: {failure.reason}. Nothing was sent.", provider=provider)
    if not failure.left:
        return ConnectionFailed(
            f"{provider} was not reached: {failure.reason}. Nothing was sent, and it may be tried again.",
            provider=provider,
        )
    kind: type[OutcomeUnknown] = MalformedResponse if failure.too_large else ResponseLost
    return kind(f"{provider} gave no usable answer: {failure.reason}. The request may have arrived.", provider=provider)


def is_dead(error: SMSError) -> bool:
    """Whether an error means that the provider is unreachable, gives no usable answer, or is overloaded."""
    return isinstance(error, (ConnectionFailed, OutcomeUnknown, RateLimited))


def _error(kind: type[ProviderError], why: str, answer: Answer, words: RefusalDetails, provider: str) -> ProviderError:
    common = _common(answer, words, provider)
    special: dict[str, Any] = {"retry_after": answer.retry_after} if issubclass(kind, RateLimited) else {}
    advice = [_ADVICE.get(kind, ""), _where_to_read(common) if kind in _READ_ON else ""]
    return kind(
        " ".join([f"{provider} refused the request: {why}.", *filter(None, advice)]),
        **common,
        **special,
    )


def _unreadable(answer: Answer, what: str, words: RefusalDetails, provider: str) -> MalformedResponse:
    return MalformedResponse(
        f"{provider} answered HTTP {answer.status} with something other than its document says: "
        f"{_clues([what], words)}. It may or may not have carried out the request.",
        **_common(answer, words, provider),
    )


def _clues(parts: list[str], words: RefusalDetails, documented: str = "") -> str:
    """What an error's text says of an answer: two causes never give the same sentence, and none is quoted."""
    names, fingerprint = shown_names(words.fields), fingerprint_of(words, documented)
    return ", ".join(
        [*parts, *([f"fields: {names}"] if names else []), *([f"words {fingerprint}"] if fingerprint else [])]
    )


def _where_to_read(common: Mapping[str, Any]) -> str:
    places = [name for name in ("message", "details", "fields") if common[name]] or ["body"] * bool(common["body"])
    return f"The provider's own words are in the error's {' and '.join(places)}." if places else ""


def _common(answer: Answer, words: RefusalDetails, provider: str) -> dict[str, Any]:
    return {
        "provider": provider,
        "code": words.code,
        "http_status": answer.status,
        "message": words.message,
        "details": words.details,
        "fields": words.fields,
        "body": body_text(answer.body),
    }


def shown_code(code: int | str | None) -> int | str | None:
    """The code, unless it could be a number or a token: a code is what the provider makes it."""
    return code if _PLAIN_CODE.fullmatch(str(code)) else None


def _shown(code: int | str | None) -> str:
    shown = shown_code(code)
    return "kept in .code" if shown is None else str(shown)
