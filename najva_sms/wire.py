"""Najva's endpoints: what each call sends, and how its answer is read. Names are spelled as in the document."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import repeat
from operator import attrgetter
from typing import Annotated, ClassVar, Final, Generic, Literal, TypeAlias, TypeVar, cast

from attrs import evolve, field, frozen
from msgspec import Meta
from msgspec.structs import replace

from najva_sms.codes import (
    OUTBOX_ERRORS,
    REFUSED,
    SEND_ERRORS,
    STATUS_ERRORS,
    STATUSES,
    SUCCESS,
    UPLOAD_ERRORS,
    delivery_status,
)
from najva_sms.messages import OutboxMessage, OutboxPage
from smscore import DeliveryStatus, MessageStatus, SMSError
from smscore.wire import (
    Answer,
    Batch,
    BatchResult,
    Body,
    Content,
    DecodeError,
    Endpoint,
    FileContent,
    HeaderToken,
    PathToken,
    Provider,
    Raw,
    RefusalDetails,
    RefusalTable,
    Repeat,
    Row,
    SendEndpoint,
    all_accepted,
    codec,
    details_in,
    e164,
    from_unix,
    http_error,
    is_outage,
    local_form,
    malformed,
    masked_number,
    masked_text,
    match_entries,
    match_ids,
    missing_entries,
    refusal,
    with_errors,
)

T = TypeVar("T")

NAJVA: Final = Provider(
    name="najva",
    base_url="https://sms.najva.com",
    credentials=HeaderToken(scheme="Bearer"),
    send_limit=10_000,
)


class NajvaSendBody(Body, frozen=True):
    """The body of send."""

    message: str
    sender: str | None
    receivers: list[str]
    file_id: str | None = None


class NajvaP2PMessage(Body, frozen=True):
    """One of the messages of send-p2p."""

    message: str
    receiver: str


class SendP2PBody(Body, frozen=True):
    """The body of send-p2p; without a sender the account's default line is used."""

    messages: list[NajvaP2PMessage]
    sender: str | None = None
    file_id: str | None = None


@frozen
class Return:
    """The ``return`` of every answer."""

    status: int


# The document has receptor; answers with receiver have been seen.
_ALSO: Final = {"receptor": "receiver"}


# Fields are in the order in which answers have them: where msgspec finds the next one at once, it reads faster.


class SendEntry(Row, frozen=True, kw_only=True):
    """One message in the answer to a send. Only what tells whether it was taken is required."""

    also_called: ClassVar[Mapping[str, str]] = _ALSO

    messageid: int
    status: int
    sender: str | None = None
    receptor: str | int
    date: int | None = None
    cost: int | Decimal | None = None


class TakenEntry(Row, frozen=True, kw_only=True):
    """One message in the answer to a send or to send-p2p, as it is when the message was taken."""

    messageid: Annotated[int, Meta(gt=0)]
    status: Literal[1, 2, 4, 10, 11]  # those of STATUSES that are not in REFUSED
    sender: str | None = None
    receptor: str
    date: int | None = None
    cost: int | Decimal | None = None


class P2PEntry(Row, frozen=True, kw_only=True):
    """One message in the answer to send-p2p: with its text, which tells two messages to one number apart."""

    also_called: ClassVar[Mapping[str, str]] = _ALSO

    messageid: int
    message: str
    status: int
    sender: str | None = None
    receptor: str | int
    date: int | None = None
    cost: int | Decimal | None = None


class LookupEntry(Row, frozen=True, kw_only=True):
    """The message in the answer to a send by a template, which no document describes: only its id is required."""

    also_called: ClassVar[Mapping[str, str]] = _ALSO

    messageid: int
    status: int = 1
    sender: str | None = None
    receptor: str | int | None = None
    date: int | None = None
    cost: int | Decimal | None = None


class StatusEntry(Row, frozen=True):
    """One message in the answer to status."""

    messageid: int
    status: int
    statustext: str | None = None


@frozen
class UploadEntry:
    """The answer to an upload."""

    also_called: ClassVar[Mapping[str, str]] = {"file_id": "fild_id"}  # as some answers spell it

    file_id: str


@frozen
class OutboxHead:
    """The first entry of an outbox page."""

    totalMessages: int
    page: int | None = None


@frozen
class OutboxEntry:
    """Any other entry of an outbox page. No field is required, so that a malformed entry does not cost the others."""

    also_called: ClassVar[Mapping[str, str]] = _ALSO

    messageid: int | None = None
    message: str | None = field(default=None, repr=masked_text)
    status: int | None = None
    sender: str | None = None
    receptor: str | None = field(default=None, repr=masked_number)
    date: int | None = None
    cost: int | Decimal | None = None


Entry = TypeVar("Entry", SendEntry, P2PEntry, LookupEntry)
AnyEntry: TypeAlias = SendEntry | TakenEntry | P2PEntry | LookupEntry


class NajvaAnswer(Row, Generic[T], frozen=True, rename={"said": "return"}):
    """A whole answer with many entries, as documented: decoded in one pass."""

    said: Return
    entries: list[T]


class NajvaEnvelope(Row, frozen=True, rename={"said": "return"}):
    """The envelope of every answer, its entries not decoded yet."""

    said: Return
    entries: Raw = codec.NULL


def _entries(answer: Answer, table: RefusalTable) -> Raw:
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


def _decoded(answer: Answer, raw: Raw, model: type[T]) -> T:
    try:
        return codec.read(raw, model)
    except DecodeError as error:
        raise malformed(answer, str(error), provider=NAJVA.name) from None


def _build_send(batch: Batch) -> Content:
    (sender,), (text,) = batch.senders, batch.texts
    return Content(codec.encode(NajvaSendBody(text, sender, batch.recipients, **batch.extra)))


def _build_send_p2p(batch: Batch) -> Content:
    messages = list(map(NajvaP2PMessage, batch.texts, batch.recipients))
    return Content(codec.encode(SendP2PBody(messages, batch.senders[0], **batch.extra)))


def _read_send(answer: Answer, batch: Batch, *, usual: type[NajvaAnswer[Entry]], model: type[Entry]) -> BatchResult:
    taken = _all_taken(answer, batch)
    if taken is not None:
        return taken
    entries = _usual_entries(answer, usual) or _readable_entries(answer, model)
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
    entries = _usual_entries(answer, NajvaAnswer[TakenEntry])
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


def _build_lookup(batch: Batch) -> Content:
    (receptor,), (sender,) = batch.recipients, batch.senders
    return Content(query={"receptor": receptor, **batch.extra, **({"sender": sender} if sender else {})})


def _read_lookup(answer: Answer, batch: Batch) -> BatchResult:
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


def _usual_entries(answer: Answer, usual: type[NajvaAnswer[T]]) -> list[T]:
    """The entries of an answer that is as documented, in one pass; an empty list for any other answer."""
    try:  # codec.decode_fast would go through all characters once more, and here they are millions
        whole = codec.decode(answer.body, usual)
    except DecodeError:
        return []
    return whole.entries if whole.said.status == SUCCESS and answer.is_success else []


def _readable_entries(answer: Answer, model: type[Entry]) -> list[Entry]:
    """The entries that can be read, of an answer in any form. Raises the error that a refusal stands for."""
    raw = _entries(answer, SEND_ERRORS)
    try:
        return [entry for entry in codec.rows(raw, model) if not isinstance(entry, DecodeError)]
    except DecodeError as error:
        raise malformed(answer, str(error), provider=NAJVA.name) from None


_REFUSED_STATUSES: Final = frozenset(REFUSED.codes)
_YEAR_2100: Final = 4_102_444_800  # a later date is not a unix time in seconds, but perhaps in milliseconds


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
    rows = codec.rows(_entries(answer, SEND_ERRORS), StatusEntry)
    return {row.messageid: row.statustext for row in rows if not isinstance(row, DecodeError)}


def _read_file_id(answer: Answer, _: FileContent) -> str:
    return _decoded(answer, _entries(answer, UPLOAD_ERRORS), UploadEntry).file_id


def _read_statuses(answer: Answer, ids: Sequence[int]) -> list[MessageStatus]:
    entries = _usual_entries(answer, NajvaAnswer[StatusEntry]) or _decoded(
        answer, _entries(answer, STATUS_ERRORS), list[StatusEntry]
    )
    if [entry.messageid for entry in entries] != ids:
        entries = _in_the_order_of(ids, entries, answer)
    codes = [entry.status for entry in entries]
    meanings = map(STATUSES.get, codes, repeat(DeliveryStatus.UNRECOGNIZED))
    return list(map(MessageStatus, ids, codes, meanings, [entry.statustext or None for entry in entries]))


def _in_the_order_of(ids: Sequence[int], entries: list[StatusEntry], answer: Answer) -> list[StatusEntry]:
    matched = match_ids(ids, entries, id_of=attrgetter("messageid"))
    found = [entry for entry in matched if entry is not None]
    if len(found) < len(ids):
        raise malformed(answer, f"no entry for {len(ids) - len(found)} of {len(ids)} ids", provider=NAJVA.name)
    return found


def _read_outbox(answer: Answer, asked: tuple[int, int]) -> OutboxPage:
    answer = replace(answer, body=codec.readable(answer.body))
    entries = _decoded(answer, _entries(answer, OUTBOX_ERRORS), list[Raw])
    if not entries:
        raise malformed(answer, "no entry with the totals", provider=NAJVA.name)
    head = _decoded(answer, entries[0], OutboxHead)
    number = asked[0] if head.page is None else head.page
    rows = [codec.row(raw, OutboxEntry) for raw in entries[1:]]
    return OutboxPage(head.totalMessages, number, list(map(_outbox_message, rows)))


def _outbox_message(row: OutboxEntry) -> OutboxMessage:
    recipient = local_form(row.receptor)
    return OutboxMessage(
        message_id=row.messageid,
        text=row.message or "",
        sender=row.sender or "",
        recipient=e164(recipient) if recipient else row.receptor or "",
        code=row.status,
        status=delivery_status(row.status),
        sent_at=from_unix(row.date),
        cost=codec.amount(row.cost),
    )


SEND: Final = SendEndpoint(
    "send",
    "POST",
    "/v2/sms/send",
    _build_send,
    partial(_read_send, usual=NajvaAnswer[SendEntry], model=SendEntry),
    Repeat.NEVER,
)
SEND_P2P: Final = SendEndpoint(
    "send_p2p",
    "POST",
    "/v2/sms/send-p2p",
    _build_send_p2p,
    partial(_read_send, usual=NajvaAnswer[P2PEntry], model=P2PEntry),
    Repeat.NEVER,
    needs_sender=False,
    one_sender=True,
)
# A GET that sends, and the one call with the token in its path: both as public clients have it.
LOOKUP: Final = SendEndpoint(
    "send_pattern",
    "GET",
    "/v1/{token}/verify/lookup.json",
    _build_lookup,
    _read_lookup,
    Repeat.NEVER,
    needs_sender=False,
    credentials=PathToken(),
)
UPLOAD: Final = Endpoint[FileContent, str]("upload_file", "POST", "/upload-file/bale", Content, _read_file_id)
UPLOAD_ONCE: Final = evolve(UPLOAD, repeat=Repeat.NEVER)  # for a file that cannot be rewound
STATUS: Final = Endpoint[Sequence[int], list[MessageStatus]](
    "status",
    "POST",
    "/v2/sms/status",
    lambda ids: Content(codec.encode({"messageids": list(ids)})),
    _read_statuses,
    limit=1_000,
)
OUTBOX: Final = Endpoint[tuple[int, int], OutboxPage](
    "outbox",
    "GET",
    "/v2/sms/outbox",
    lambda page: Content(query={"page": str(page[0]), "pageSize": str(page[1])}),
    _read_outbox,
)
