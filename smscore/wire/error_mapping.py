"""From a provider's no, or from no answer at all, to the error that tells of it. Tables, and no network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from smscore.errors import (
    AuthenticationError,
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
from smscore.wire.endpoint import Answer, Fault


@frozen
class Refusal:
    """A documented code: its error class, what it means in English, and the provider's Persian words."""

    error: type[ProviderError]
    meaning: str
    persian: str = ""
    meets_every_batch: bool | None = None
    """Whether every other batch would meet it too; None leaves it to the class."""


Codes = Mapping[int | str, Refusal]

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
    InsufficientCredit: "Charge the account.",
    InvalidParameters: "Correct the request: the error's message, details and fields hold what the provider says.",
    RateLimited: "Wait as many seconds as retry_after says, or set a rate limit.",
    NotFound: "Check the id and the base URL.",
    ProviderError: "The error's message has the provider's own words.",
}


@frozen(kw_only=True)
class Words:
    """What an answer says of its own refusal."""

    code: int | str | None = None
    message: str | None = None
    details: Sequence[str] = ()
    fields: Mapping[str, Sequence[str]] = field(factory=dict[str, Sequence[str]])
    meets_every_batch: bool | None = None


def refusal(answer: Answer, codes: Codes, words: Words, *, provider: str) -> SMSError:
    """The error for an answer that says no: a documented code decides; an unknown one is kept on a plain error.

    Without any code, and with a 429 or 5xx beside an unknown one, the HTTP status decides.
    """
    documented = codes.get(words.code) if words.code is not None else None
    if documented is not None:
        meets_every_batch = documented.meets_every_batch
        words = evolve(words, message=words.message or documented.persian or None)
        error = _error(documented.error, f"{documented.meaning} (code {words.code})", answer, words, provider)
    elif words.code is not None and not is_outage(answer.status):
        meets_every_batch = words.meets_every_batch
        error = _error(
            ProviderError, f"code {_shown(words.code)}, which its document does not list", answer, words, provider
        )
    else:
        return http_error(answer, words, provider=provider)
    if meets_every_batch is not None:
        error.meets_every_batch = meets_every_batch
    return error


def http_error(answer: Answer, words: Words, *, provider: str, status: int | None = None) -> SMSError:
    """The error that an HTTP status stands for; ``status`` is one that the body carries in its place."""
    status = answer.status if status is None else status
    if status in _SERVER_ERRORS:
        return ServerError(
            f"{provider} failed with HTTP {status}. Whether it did what was asked is not known.",
            retry_after=answer.retry_after,
            **_common(answer, words, provider),
        )
    if answer.status not in _ANSWERS:
        return _unreadable(answer, f"HTTP {answer.status}", provider)
    code = f", code {_shown(words.code)}" if words.code is not None else ""
    error = _error(_BY_HTTP_STATUS.get(status, ProviderError), f"HTTP {answer.status}{code}", answer, words, provider)
    if words.meets_every_batch is not None:
        error.meets_every_batch = words.meets_every_batch
    return error


def malformed(answer: Answer, what: str, *, provider: str) -> SMSError:
    """The error for a whole answer that is not the documented one; an error status still decides."""
    if not answer.is_success:
        return http_error(answer, Words(), provider=provider)
    return _unreadable(answer, what, provider)


def contradictory(answer: Answer, *, provider: str) -> SMSError:
    """The error for a body that says yes under an HTTP status that says no."""
    if answer.status in _SERVER_ERRORS:
        return http_error(answer, Words(), provider=provider)
    return _unreadable(answer, "its body says success, and its status does not", provider)


def is_outage(status: int) -> bool:
    """Whether an HTTP status tells of an overload or a failure, and so nothing of the request."""
    return status == _TOO_MANY or status in _SERVER_ERRORS


def fault_error(fault: Fault, *, provider: str) -> SMSError:
    """The error for a request that got no answer."""
    if not fault.left:
        return ConnectionFailed(
            f"{provider} was not reached: {fault.reason}. Nothing was sent, and it may be tried again.",
            provider=provider,
        )
    kind: type[OutcomeUnknown] = MalformedResponse if fault.too_large else ResponseLost
    return kind(f"{provider} gave no usable answer: {fault.reason}. The request may have arrived.", provider=provider)


def is_dead(error: SMSError) -> bool:
    """Whether an error means that the provider cannot be reached, does not answer usably, or has had too much."""
    return isinstance(error, (ConnectionFailed, OutcomeUnknown, RateLimited))


def _error(kind: type[ProviderError], why: str, answer: Answer, words: Words, provider: str) -> ProviderError:
    advice = _ADVICE.get(kind, "")
    return kind(
        f"{provider} refused the request: {why}. {advice}".rstrip(),
        **_special(kind, answer, words),
        **_common(answer, words, provider),
    )


def _unreadable(answer: Answer, what: str, provider: str) -> MalformedResponse:
    return MalformedResponse(
        f"{provider} answered HTTP {answer.status} with something else than its document says: {what}. "
        "Whether it did what was asked is not known.",
        provider=provider,
        http_status=answer.status,
    )


def _common(answer: Answer, words: Words, provider: str) -> dict[str, Any]:
    return {
        "provider": provider,
        "code": words.code,
        "http_status": answer.status,
        "message": words.message,
        "details": words.details,
    }


def _special(kind: type[ProviderError], answer: Answer, words: Words) -> dict[str, Any]:
    if issubclass(kind, InvalidParameters):
        return {"fields": words.fields}
    if issubclass(kind, RateLimited):
        return {"retry_after": answer.retry_after}
    return {}


def _shown(code: int | str) -> str:
    # A code is what the provider makes it: one that could be a number or a token does not belong in a message.
    text = str(code)
    return text if _PLAIN_CODE.fullmatch(text) else "kept in .code"
