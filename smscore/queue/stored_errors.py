"""Errors as the database keeps them: JSON on the way in, the same class with the same words on the way out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from smscore import errors as known
from smscore.errors import NotAttempted, RateLimited, ServerError, SMSError
from smscore.masking import MaskedState
from smscore.outcomes import Outcome

_CLASSES: Final[dict[str, type[SMSError]]] = {name: getattr(known, name) for name in known.__all__}


class StoredError(MaskedState, omit_defaults=True, eq=True):
    """An error, without its report and the answer's body."""

    kind: str
    text: str
    outcome: str | None = None
    provider: str | None = None
    code: int | str | None = None
    http_status: int | None = None
    message: str | None = None
    details: list[str] = msgspec.field(default_factory=list)
    fields: dict[str, list[str]] = msgspec.field(default_factory=dict)
    meets_every_batch: bool = False
    reason: str | None = None
    retry_after: float | None = None
    earlier: list[StoredError] = msgspec.field(default_factory=list)

    def __repr__(self) -> str:
        return f"<StoredError {self.kind}>"  # the provider's words are in it


_decoder: Final = msgspec.json.Decoder(list[StoredError])  # made before there are threads, as those of payloads


def stored(error: SMSError | None, earlier: Sequence[SMSError] = ()) -> StoredError:
    """An error as it is stored (None: there was none in the end), and those of the providers that were tried before."""
    if error is None:
        return StoredError("", "", earlier=[stored(one) for one in earlier])
    return StoredError(
        next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _CLASSES),
        str(error),
        None if error.outcome is None else error.outcome.value,
        error.provider,
        error.code,
        error.http_status,
        error.message,
        error.details,
        error.fields,
        error.meets_every_batch,
        error.reason if isinstance(error, NotAttempted) else None,
        error.retry_after if isinstance(error, (RateLimited, ServerError)) else None,
        [stored(one) for one in earlier],
    )


def restored_or_none(one: StoredError) -> SMSError | None:
    """The error that was stored, or None if there was none in the end."""
    return restored(one) if one.kind else None


def restored(one: StoredError) -> SMSError:
    """The error that was stored."""
    kind = _CLASSES.get(one.kind, SMSError)
    more: dict[str, Any] = {}
    if issubclass(kind, NotAttempted):
        more["reason"] = one.reason or ""
    if issubclass(kind, (RateLimited, ServerError)):
        more["retry_after"] = one.retry_after
    error = kind(
        one.text,
        provider=one.provider,
        code=one.code,
        http_status=one.http_status,
        message=one.message,
        details=one.details,
        fields=one.fields,
        **more,
    )
    error.outcome = None if one.outcome is None else Outcome(one.outcome)
    error.meets_every_batch = one.meets_every_batch
    return error


def pack_errors(errors: Sequence[StoredError]) -> str | None:
    """The distinct errors of a batch as its column; None if there are none."""
    return msgspec.json.encode(errors).decode() if errors else None


def unpack_errors(column: str | None) -> list[StoredError]:
    """The errors of a batch's column."""
    return [] if column is None else _decoder.decode(column)
