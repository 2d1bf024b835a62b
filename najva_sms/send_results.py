"""The answers to Najva's sends: what became of each message."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Final, TypeAlias, TypeVar, cast

from msgspec.structs import replace

from najva_sms.codes import REFUSED, SEND_ERRORS
from najva_sms.entries import LookupEntry, P2PEntry, SendEntry, StatusEntry, TakenEntry
from najva_sms.envelope import NAJVA, Decode, entries_of, recurring_texts, usual_entries
from smscore import SMSError
from smscore.wire import (
    Answer,
    Batch,
    BatchResult,
    DecodeError,
    RefusalDetails,
    all_accepted,
    codec,
    malformed,
    match_entries,
    missing_entries,
    refusal,
    with_errors,
)

T = TypeVar("T")
Entry = TypeVar("Entry", SendEntry, P2PEntry, LookupEntry)
AnyEntry: TypeAlias = SendEntry | TakenEntry[str] | P2PEntry | LookupEntry

_TAKEN: Final = recurring_texts(TakenEntry[str], "sender")
_REFUSED_STATUSES: Final = frozenset(REFUSED.codes)
_YEAR_2100: Final = 4_102_444_800  # a later date is not a unix time in seconds, but perhaps in milliseconds


def read_send(answer: Answer, batch: Batch, *, usual: Decode[Entry], model: type[Entry]) -> BatchResult:
    """The result of a send or send-p2p; ``usual`` decodes an answer as documented, ``model`` is any entry."""
    taken = _all_taken(answer, batch)
    if taken is not None:
        return taken
    entries = usual_entries(answer, usual) or _readable_entries(answer, model)
    text: Callable[[Entry], str] | None = attrgetter("message") if model is P2PEntry else None
    matched = match_entries(batch, entries, number=attrgetter("receptor"), text=text, refused=_is_refused)
    return _result(answer, batch, list(map(_with_an_id, matched)) if _lack_ids(entries) else matched)


def _all_taken(answer: Answer, batch: Batch) -> BatchResult | None:
    """The result where everybody was taken, in order, by one line and at one moment; None for any other answer.

    Of 10,000 entries, each column that is made and compared takes some hundredths of the time of all: so msgspec stops
    at the first that was not taken, and the rest is one pass.
    """
    if len(batch.texts) > 1 and len(set(batch.recipients)) < len(batch):
        return None  # the texts tell the entries of one number apart, and not their order
    entries = usual_entries(answer, _TAKEN.decode)
    if len(entries) != len(batch):
        return None
    first = entries[0]
    sender, date = first.sender, first.date
    ids: list[int | None] = [
        entry.messageid
        for entry, recipient in zip(entries, batch.recipients, strict=True)
        if entry.receptor == recipient and entry.sender == sender and entry.date == date
    ]
    if len(ids) < len(batch):
        return None
    return replace(all_accepted(batch, ids, _cost(entries)), senders=[sender] if sender else [], sent_at=_date(first))


def read_lookup(answer: Answer, batch: Batch) -> BatchResult:
    """The result of a send by a template."""
    entries = _readable_entries(answer, LookupEntry)
    (asked,) = batch.recipients
    # One message was asked for, so that an entry which names nobody is of that one.
    matched = match_entries(batch, entries, number=lambda entry: entry.receptor or asked, refused=_is_refused)
    return _result(answer, batch, [_with_an_id(entry) for entry in matched])


def _is_refused(entry: AnyEntry) -> bool:
    return entry.status in _REFUSED_STATUSES


def _lack_ids(entries: Sequence[AnyEntry]) -> bool:
    return min([entry.messageid for entry in entries], default=1) <= 0


def _with_an_id(entry: Entry | None) -> Entry | None:
    """The entry; None where it has no id, which is positive, and no status that says no."""
    has_one = entry is not None and (entry.messageid > 0 or _is_refused(entry))
    return entry if has_one else None


def _readable_entries(answer: Answer, model: type[Entry]) -> list[Entry]:
    """The entries that can be read, of an answer in any form. Raises the error that a refusal stands for."""
    raw = entries_of(answer, SEND_ERRORS)
    try:
        return [entry for entry in codec.rows(raw, model) if not isinstance(entry, DecodeError)]
    except DecodeError as error:
        raise malformed(answer, str(error), provider=NAJVA.name) from None


def _result(answer: Answer, batch: Batch, matched: Sequence[AnyEntry | None]) -> BatchResult:
    missing = missing_entries(answer, matched, provider=NAJVA.name)
    came: Sequence[AnyEntry]
    ids: list[int | None]
    if missing:
        came = [entry for entry in matched if entry is not None]
        ids = [None if entry is None else entry.messageid for entry in matched]
    else:  # the usual answer, of 10,000 entries perhaps
        came = cast("Sequence[AnyEntry]", matched)
        ids = [entry.messageid for entry in came]
    one_date = len(_distinct([entry.date for entry in came])) == 1
    said = replace(
        all_accepted(batch, ids, _cost(came)),
        senders=[sender for sender in _distinct([entry.sender for entry in came]) if sender],
        sent_at=_date(came[0]) if one_date else None,
        dates=None if one_date else [_date(entry) for entry in matched],
    )
    statuses = _distinct([entry.status for entry in came])
    refused = {} if _REFUSED_STATUSES.isdisjoint(statuses) else _refused_entries(answer, matched)
    return with_errors(said, missing | refused) if missing or refused else said


def _distinct(values: list[T]) -> Collection[T]:
    """The distinct values in order. All of an answer's are mostly one, which is compared faster than hashed."""
    first = values[:1]
    return first if first * len(values) == values else dict.fromkeys(values)


def _date(entry: AnyEntry | None) -> int | None:
    return entry.date if entry is not None and entry.date is not None and 0 < entry.date < _YEAR_2100 else None


def _cost(entries: Sequence[AnyEntry]) -> int | Decimal | None:
    costs = [entry.cost for entry in entries]
    try:
        total = sum(cast("list[int]", costs))  # of thousands of whole numbers, as they usually are
    except (TypeError, ArithmeticError):
        return _odd_cost(costs)
    return total if type(total) is int else _odd_cost(costs)


def _odd_cost(costs: Sequence[int | Decimal | None]) -> int | Decimal | None:
    said = [amount for cost in costs if (amount := codec.amount(cost)) is not None]
    return codec.amount(sum(said)) if said else None


def _refused_entries(answer: Answer, matched: Sequence[AnyEntry | None]) -> dict[int, SMSError]:
    """The error of each recipient whose entry has a status that says no, by its place in the batch."""
    words = _words_of_entries(answer)
    errors: dict[int, SMSError] = {}
    shared: dict[tuple[int, str | None], SMSError] = {}
    for place, entry in enumerate(matched):
        if entry is None or entry.status not in _REFUSED_STATUSES:
            continue
        key = entry.status, words.get(entry.messageid)
        if key not in shared:
            shared[key] = refusal(answer, REFUSED, RefusalDetails(code=key[0], message=key[1]), provider=NAJVA.name)
        errors[place] = shared[key]
    return errors


def _words_of_entries(answer: Answer) -> dict[int, str | None]:
    """Najva's words for each message. Only read if one was refused, since it doubles the time of reading."""
    rows = codec.rows(entries_of(answer, SEND_ERRORS), StatusEntry[str])
    return {row.messageid: row.statustext for row in rows if not isinstance(row, DecodeError)}
