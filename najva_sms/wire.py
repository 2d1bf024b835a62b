"""Najva's endpoints: what each call sends, and how its answer is read. Names are spelled as in the document."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import Final

from attrs import evolve
from msgspec.structs import replace

from najva_sms.codes import OUTBOX_ERRORS, STATUS_ERRORS, STATUSES, UPLOAD_ERRORS
from najva_sms.entries import OutboxEntry, OutboxHead, P2PEntry, SendEntry, StatusEntry, UploadEntry
from najva_sms.envelope import NAJVA, NajvaAnswer, decoded, entries_of, recurring_texts, usual_entries
from najva_sms.messages import OutboxMessage, OutboxPage
from najva_sms.send_results import read_lookup, read_send
from smscore import MessageStatus
from smscore.wire import (
    Answer,
    Batch,
    Body,
    Content,
    Endpoint,
    FileContent,
    PathToken,
    Raw,
    Repeat,
    SendEndpoint,
    codec,
    e164,
    from_unix,
    local_form,
    malformed,
    match_ids,
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


def _build_send(batch: Batch) -> Content:
    (sender,), (text,) = batch.senders, batch.texts
    return Content(codec.encode(NajvaSendBody(text, sender, batch.recipients, **batch.extra)))


def _build_send_p2p(batch: Batch) -> Content:
    messages = list(map(NajvaP2PMessage, batch.texts, batch.recipients))
    return Content(codec.encode(SendP2PBody(messages, batch.senders[0], **batch.extra)))


def _build_lookup(batch: Batch) -> Content:
    (receptor,), (sender,) = batch.recipients, batch.senders
    return Content(query={"receptor": receptor, **batch.extra, **({"sender": sender} if sender else {})})


def _read_file_id(answer: Answer, _: FileContent) -> str:
    return decoded(answer, entries_of(answer, UPLOAD_ERRORS), UploadEntry).file_id


_STATUS_ANSWER: Final = recurring_texts(StatusEntry[str], "statustext")


def _read_statuses(answer: Answer, ids: Sequence[int]) -> list[MessageStatus]:
    entries = usual_entries(answer, _STATUS_ANSWER.decode) or decoded(
        answer, entries_of(answer, STATUS_ERRORS), list[StatusEntry[str]]
    )
    statuses = _statuses(ids, entries)
    if len(statuses) == len(ids) == len(entries):  # the usual order: that of the ids
        return statuses
    return _statuses(ids, _in_the_order_of(ids, entries, answer))


def _statuses(ids: Sequence[int], entries: Sequence[StatusEntry[str]]) -> list[MessageStatus]:
    """The statuses of the entries whose id is the one at the same position. One pass, since there are thousands."""
    return [
        MessageStatus(id_, entry.status, STATUSES[entry.status], entry.statustext or None)
        for id_, entry in zip(ids, entries, strict=False)
        if entry.messageid == id_
    ]


def _in_the_order_of(ids: Sequence[int], entries: list[StatusEntry[str]], answer: Answer) -> list[StatusEntry[str]]:
    matched = match_ids(ids, entries, id_of=attrgetter("messageid"))
    found = [entry for entry in matched if entry is not None]
    if len(found) < len(ids):
        raise malformed(answer, f"no entry for {len(ids) - len(found)} of {len(ids)} ids", provider=NAJVA.name)
    return found


def _read_outbox(answer: Answer, asked: tuple[int, int]) -> OutboxPage:
    answer = replace(answer, body=codec.readable(answer.body))
    entries = decoded(answer, entries_of(answer, OUTBOX_ERRORS), list[Raw])
    if not entries:
        raise malformed(answer, "no entry with the totals", provider=NAJVA.name)
    head = decoded(answer, entries[0], OutboxHead)
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
        status=STATUSES[row.status],
        sent_at=from_unix(row.date),
        cost=codec.amount(row.cost),
    )


SEND: Final = SendEndpoint(
    "send",
    "POST",
    "/v2/sms/send",
    _build_send,
    partial(read_send, usual=partial(codec.decode, model=NajvaAnswer[SendEntry]), model=SendEntry),
    Repeat.NEVER,
)
SEND_P2P: Final = SendEndpoint(
    "send_p2p",
    "POST",
    "/v2/sms/send-p2p",
    _build_send_p2p,
    partial(read_send, usual=partial(codec.decode, model=NajvaAnswer[P2PEntry]), model=P2PEntry),
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
    read_lookup,
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
