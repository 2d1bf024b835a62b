"""The report of a send, with one result per recipient, and the two error classes that hold one.

Reports hold errors and errors hold reports, so both are defined here; the other errors are in ``smscore.errors``.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final, overload

import msgspec
from attrs import define, field, frozen

from smscore.columns import IdColumn, NameColumn, SpanColumn, SparseColumn, TimeColumn
from smscore.masking import masked_number
from smscore.numbers import e164
from smscore.outcomes import OUTCOME_WORDS, Outcome

__all__ = ["OUTCOMES", "OUTCOME_BYTES", "PartialSendError", "RecipientResult", "SMSError", "SendReport"]

OUTCOMES: Final = tuple(Outcome)
OUTCOME_BYTES: Final = {outcome: bytes([index]) for index, outcome in enumerate(OUTCOMES)}
_ACCEPTED: Final = OUTCOME_BYTES[Outcome.ACCEPTED]


class SMSError(Exception):
    """The base of every error that Payamak raises.

    ``str()`` says in English what happened and what to do next; it never holds a token, a text or a full
    number. All else is in the attributes:

    - ``outcome``: the outcome of the messages; None for a call that sends nothing.
    - ``provider``: the provider's name, or None where none is involved.
    - ``report``: the whole :class:`SendReport`, or None if the call made none.
    - ``code``, ``http_status``, ``message`` (the provider's own words), ``details``: where there was an answer.
    - ``fields``: maps a field that the answer names to what it says of it.
    - ``body``: the first 2 KiB of the answer as text. Numbers and texts may be in it, so it is in no ``repr``, ``str``,
      log, copy or pickle.

    In the text, ``words #3fa2c1`` replaces the provider's own words: equal marks mean equal words, numbers aside.
    """

    __module__ = "smscore.errors"  # where callers import it from

    default_outcome: ClassVar[Outcome | None] = None
    meets_every_batch: bool = False
    """Whether every other batch of the same call would fail in the same way."""
    of_one: bool = False
    """Whether it refused a single recipient, in an answer that took others."""

    __slots__ = ("_body",)  # apart from the other attributes, and so in no pickle

    def __init__(
        self,
        text: str = "",
        *,
        provider: str | None = None,
        code: int | str | None = None,
        http_status: int | None = None,
        message: str | None = None,
        details: Sequence[str] = (),
        fields: Mapping[str, Sequence[str]] | None = None,
        body: str | None = None,
    ) -> None:
        super().__init__(text)
        self.outcome: Outcome | None = self.default_outcome
        self.provider = provider
        self.report: SendReport | None = None
        self.code = code
        self.http_status = http_status
        self.message = message
        self.details: list[str] = list(details)
        self.fields: dict[str, list[str]] = {name: list(words) for name, words in (fields or {}).items()}
        self._body = body

    @property
    def body(self) -> str | None:
        """The first 2 KiB of the answer as text, or None where there was none."""
        return getattr(self, "_body", None)


@frozen
class RecipientResult:
    """The result of one recipient's message.

    ``recipient`` is E.164 (a bad number of a stream stays as it was given), ``message_id`` the provider's id or
    None, ``error`` why it was not accepted or None, ``request_id`` the id that its batch was sent with, ``ref``
    the caller's own value from :class:`Message`. ``provider`` is the provider's name, ``code`` its own code for a
    refusal, ``sent_at`` when the batch was sent (the provider's time where it gives one; None if it was not sent),
    ``earlier`` the errors of providers tried before this one.
    """

    recipient: str = field(repr=masked_number)
    outcome: Outcome
    message_id: int | None = None
    error: SMSError | None = None
    request_id: str | None = None
    ref: Any = field(default=None, repr=False)
    provider: str | None = None
    code: int | str | None = field(default=None, repr=False)  # the error's text has it, where it may be shown
    sent_at: dt.datetime | None = None
    earlier: tuple[SMSError, ...] = ()


@define(eq=False, repr=False)
class SendReport(Sequence[RecipientResult]):
    """Every recipient's result, in the order given; ``offset`` is the first one's position in a stream.

    It stores columns and makes each :class:`RecipientResult` on access: a report of a million takes at most 120 bytes
    a recipient.
    """

    _recipients: Sequence[str] = field(alias="recipients")  # local forms; E.164 is made on access
    _outcomes: bytearray = field(alias="outcomes")
    _message_ids: IdColumn = field(alias="message_ids")
    _errors: SparseColumn[SMSError] = field(alias="errors")
    _request_ids: SpanColumn[str] = field(alias="request_ids")
    _refs: list[Any] | None = field(default=None, alias="refs")
    _failures: list[SMSError] = field(factory=list, alias="failures")  # of batches as a whole
    _bulk_ids: list[int] = field(factory=list, alias="bulk_ids")
    _places: dict[Outcome, array[int]] = field(factory=dict, init=False)  # a cache
    cost: int | Decimal | None = None
    """The sum of the costs that the provider reported, in its own unit (Rials); None if it reported none."""
    offset: int = 0
    parts: int | None = None
    """The sum of the parts that the provider counted; None if it reported none."""
    senders: list[str] = field(factory=list)
    """The lines that the provider reports to have used."""
    _provider: str | None = field(default=None, alias="provider")
    _sent_at: TimeColumn | None = field(default=None, alias="sent_at")
    _bad: Mapping[int, object] = field(factory=dict[int, object], alias="bad")  # bad numbers as given, by position
    # Of a call that several providers had a part in, in place of _provider.
    _providers: NameColumn | None = field(default=None, alias="providers")
    _earlier: SparseColumn[tuple[SMSError, ...]] | None = field(default=None, alias="earlier")

    def __len__(self) -> int:
        return len(self._recipients)

    @overload
    def __getitem__(self, index: int) -> RecipientResult: ...
    @overload
    def __getitem__(self, index: slice) -> list[RecipientResult]: ...
    def __getitem__(self, index: int | slice) -> RecipientResult | list[RecipientResult]:
        if isinstance(index, slice):
            return [self._result(position) for position in range(*index.indices(len(self)))]
        return self._result(range(len(self))[index])

    def __iter__(self) -> Iterator[RecipientResult]:
        return map(self._result, range(len(self)))

    def _result(self, position: int) -> RecipientResult:
        error = self._errors[position]
        return RecipientResult(
            str(self._bad[position]) if position in self._bad else e164(self._recipients[position]),
            OUTCOMES[self._outcomes[position]],
            self._message_ids[position],
            error,
            self._request_ids[position],
            self._refs[position] if self._refs is not None else None,
            self._provider if self._providers is None else self._providers[position],
            None if error is None else error.code,
            None if self._sent_at is None else self._sent_at[position],
            () if self._earlier is None else self._earlier[position] or (),
        )

    @property
    def accepted(self) -> Sequence[RecipientResult]:
        """The results of the recipients that the provider accepted."""
        return _Selection(self, Outcome.ACCEPTED)

    @property
    def rejected(self) -> Sequence[RecipientResult]:
        """The results of the recipients that the provider refused."""
        return _Selection(self, Outcome.REJECTED)

    @property
    def not_sent(self) -> Sequence[RecipientResult]:
        """The results of the recipients that provably never reached the provider: only these are safe to send again.

        In a stream's report, bad numbers are among them; their ``error`` is an ``InvalidNumber``.
        """
        return _Selection(self, Outcome.NOT_SENT)

    @property
    def unknown(self) -> Sequence[RecipientResult]:
        """The results of the recipients that may have reached the provider. Sending these again may send twice."""
        return _Selection(self, Outcome.UNKNOWN)

    @property
    def ok(self) -> bool:
        """Whether the provider accepted every recipient."""
        return self._outcomes.count(_ACCEPTED) == len(self._recipients) and not self._failures

    @property
    def message_ids(self) -> list[int]:
        """The distinct message ids of the accepted recipients, in order."""
        accepted = OUTCOMES.index(Outcome.ACCEPTED)
        pairs = zip(self._message_ids, self._outcomes, strict=True)
        own = (id_ for id_, code in pairs if id_ is not None and code == accepted)
        return list(dict.fromkeys([*self._bulk_ids, *own]))

    def as_dicts(self) -> list[dict[str, Any]]:
        """Every result as a dict that ``json.dumps`` accepts; an error becomes ``{"type", "code", "text"}``.

        The keys are those of :class:`RecipientResult`; ``sent_at`` is ISO 8601.
        """
        return [_as_dict(result) for result in self]

    def raise_for_failures(self) -> None:
        """Raise an error with this report unless every recipient was accepted.

        Raises the first recipient's error if none was accepted and none is unknown, or if all are unknown;
        ``PartialSendError`` otherwise.
        """
        error = self.failure()
        if error is not None:
            raise error

    def failure(self) -> SMSError | None:
        """The error that :meth:`raise_for_failures` raises, or None if every recipient was accepted."""
        if self.ok:
            return None
        accepted, unknown = self._count(Outcome.ACCEPTED), self._count(Outcome.UNKNOWN)
        first = self._errors[0] if len(self) else self._failures[0]
        if first is not None and ((not accepted and not unknown) or unknown == len(self)):
            first.report = self
            return first
        return self._partial_failure()

    @property
    def refused_one_by_one(self) -> bool:
        """Whether some were accepted and every other one was refused on its own, in an answer that arrived."""
        only_refused = self._count(Outcome.ACCEPTED) + self._count(Outcome.REJECTED) == len(self)
        return only_refused and not self._failures and self._count(Outcome.ACCEPTED) > 0

    def _partial_failure(self) -> PartialSendError:
        counts = ", ".join(f"{self._count(outcome)} {OUTCOME_WORDS[outcome]}" for outcome in OUTCOMES)
        error = PartialSendError(
            f"Of {len(self)} recipients: {counts}. Look at error.report: .not_sent may be sent again, "
            ".unknown may have been sent, and must not be sent again.",
            errors=list({id(error): error for error in self._errors if error is not None}.values()),
        )
        error.provider = next((cause.provider for cause in error.errors if cause.provider), None)
        error.outcome = Outcome.UNKNOWN if self._count(Outcome.UNKNOWN) else None
        error.report = self
        return error

    def _count(self, outcome: Outcome) -> int:
        return self._outcomes.count(OUTCOME_BYTES[outcome])

    def _positions(self, outcome: Outcome) -> Iterator[int]:
        wanted = OUTCOMES.index(outcome)
        return (position for position, code in enumerate(self._outcomes) if code == wanted)

    def _places_of(self, outcome: Outcome) -> array[int]:
        # Cached, so that report.accepted[0], report.accepted[1], … does not search each time.
        if outcome not in self._places:
            self._places[outcome] = array("q", self._positions(outcome))
        return self._places[outcome]

    def __repr__(self) -> str:
        counts = ", ".join(f"{self._count(o)} {OUTCOME_WORDS[o]}" for o in OUTCOMES if self._count(o))
        return f"<SendReport of {len(self)}: {counts or 'nobody'}>"


class PartialSendError(SMSError):
    """Some recipients were accepted and some were not, or may not have been: ``report`` has each one's result.

    ``errors`` holds every distinct error once, in the order of the recipients.
    """

    __module__ = "smscore.errors"

    if TYPE_CHECKING:
        report: SendReport  # pyright: ignore[reportIncompatibleVariableOverride]  # it is never without one

    def __init__(self, text: str = "", *, errors: Sequence[SMSError] = (), **answer: Any) -> None:
        super().__init__(text, **answer)
        self.errors: list[SMSError] = list(errors)


class _Selection(Sequence[RecipientResult]):
    """The results with one outcome, looked up on access."""

    def __init__(self, report: SendReport, outcome: Outcome) -> None:
        self._report = report
        self._outcome = outcome

    def __len__(self) -> int:
        return self._report._count(self._outcome)

    @overload
    def __getitem__(self, index: int) -> RecipientResult: ...
    @overload
    def __getitem__(self, index: slice) -> list[RecipientResult]: ...
    def __getitem__(self, index: int | slice) -> RecipientResult | list[RecipientResult]:
        places = self._report._places_of(self._outcome)
        if isinstance(index, slice):
            return [self._report[position] for position in places[index]]
        return self._report[places[index]]

    def __iter__(self) -> Iterator[RecipientResult]:
        return map(self._report._result, self._report._positions(self._outcome))

    def __repr__(self) -> str:
        return f"<{len(self)} {OUTCOME_WORDS[self._outcome]} of {len(self._report)}>"


def _json_ready(ref: object) -> Any:
    try:
        return msgspec.json.decode(msgspec.json.encode(ref, enc_hook=str))
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return str(ref)


def _as_dict(result: RecipientResult) -> dict[str, Any]:
    error = result.error
    return {
        "recipient": result.recipient,
        "outcome": result.outcome.value,
        "message_id": result.message_id,
        "error": None if error is None else _error_as_dict(error),
        "request_id": result.request_id,
        "ref": _json_ready(result.ref),
        "provider": result.provider,
        "code": result.code,
        "sent_at": None if result.sent_at is None else result.sent_at.isoformat(),
        "earlier": [_error_as_dict(one) for one in result.earlier],
    }


def _error_as_dict(error: SMSError) -> dict[str, Any]:
    return {"type": type(error).__name__, "code": error.code, "text": str(error)}
