"""One request's worth of a send: what goes in, what came of it, and the endpoint that it goes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from attrs import frozen
from msgspec.structs import replace

from smscore.auth import NOTHING
from smscore.columns import Positions
from smscore.errors import SMSError
from smscore.masking import Masked
from smscore.outcomes import Outcome
from smscore.results import OUTCOME_BYTES
from smscore.wire.endpoint import Endpoint

__all__ = ["Batch", "BatchResult", "SendEndpoint", "all_accepted", "failed", "in_bulk", "may_have_left", "with_errors"]


class Batch(Masked, frozen=True):
    """One request's worth of a call; ``positions`` are those of its recipients in the call.

    ``recipients`` are local forms (``09123456789``); ``texts`` and ``senders`` have one entry for all, or one each.
    """

    index: int
    positions: Positions
    recipients: list[str]
    texts: list[str]
    senders: list[str | None]
    refs: list[Any] | None = None
    request_id: str | None = None
    """The id of the whole batch."""
    request_ids: list[str] | None = None
    """The id of each message, where the provider knows messages by theirs."""
    extra: Mapping[str, Any] = NOTHING

    def __len__(self) -> int:
        return len(self.recipients)


_NO_ERRORS: Final[Mapping[int, SMSError]] = {}


class BatchResult(Masked, frozen=True):
    """What became of one batch: a column of outcomes and one of ids, and the errors by place in the batch."""

    outcomes: bytes
    message_ids: Sequence[int | None] | None = None
    errors: Mapping[int, SMSError] = _NO_ERRORS
    cost: int | Decimal | None = None
    failure: SMSError | None = None
    """The error of the batch as a whole."""
    bulk_ids: Sequence[int] = ()
    """Ids that belong to the whole request rather than to one recipient."""
    parts: int | None = None
    """What the provider counted as parts."""
    senders: Sequence[str] = ()
    """The lines that the provider says it used."""
    sent_at: float | None = None
    """When it went out, in seconds since 1970."""
    dates: list[int | None] | None = None
    """The same for each recipient, where the provider gives one for each."""


_ACCEPTED: Final = OUTCOME_BYTES[Outcome.ACCEPTED]  # an enum's hash is a Python function


def all_accepted(
    batch: Batch,
    message_ids: Sequence[int | None] | None,
    cost: int | Decimal | None = None,
    *,
    parts: int | None = None,
) -> BatchResult:
    """The result of a batch that the provider accepted as a whole."""
    return BatchResult(_ACCEPTED * len(batch), message_ids, cost=cost, parts=parts)


def in_bulk(batch: Batch, bulk_ids: list[int]) -> BatchResult:
    """The result of a batch that the provider accepted as a whole, under ids for all of it."""
    size = len(batch)
    ids: list[int | None] = [bulk_ids[0]]
    return BatchResult(_ACCEPTED * size, ids * size, bulk_ids=bulk_ids)


def with_errors(result: BatchResult, errors: Mapping[int, SMSError]) -> BatchResult:
    """The same result, where single recipients met errors of their own.

    ``errors`` are by place in the batch, counted from 0. Each decides its recipient's outcome by its own ``.outcome``,
    ``UNKNOWN`` where it has none. Ids, cost and the rest stay as they are.
    """
    outcomes = bytearray(result.outcomes)
    for place, error in errors.items():
        outcomes[place : place + 1] = OUTCOME_BYTES[error.outcome or Outcome.UNKNOWN]
    if any(outcomes.count(OUTCOME_BYTES[outcome]) for outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)):
        for error in errors.values():
            error.of_one = True
    return replace(result, outcomes=bytes(outcomes), errors=errors)


def failed(batch: Batch, error: SMSError) -> BatchResult:
    """The result of a batch that failed as a whole."""
    return BatchResult(OUTCOME_BYTES[error.outcome or Outcome.UNKNOWN] * len(batch), failure=error)


def may_have_left(result: BatchResult) -> bool:
    """Whether any of a batch may have left this machine."""
    return result.failure is None or result.failure.outcome is not Outcome.NOT_SENT


@frozen
class SendEndpoint(Endpoint[Batch, BatchResult]):
    """An endpoint that sends messages, one batch per request."""

    needs_sender: bool = True
    one_sender: bool = False
    """Whether a request can hold messages of one sender only."""
