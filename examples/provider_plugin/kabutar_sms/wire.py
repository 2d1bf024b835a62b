"""Kabutar's endpoints: what each call puts on the wire, and how its answer is read, in the provider's spelling."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from operator import attrgetter
from typing import Final, TypeVar

from attrs import evolve, frozen

from kabutar_sms.codes import ERRORS, STATES
from smscore import DeliveryStatus, MessageStatus
from smscore.wire import (
    Answer,
    Batch,
    BatchResult,
    Content,
    DecodeError,
    Endpoint,
    FormContent,
    PathToken,
    Provider,
    Raw,
    Repeat,
    RequestIds,
    SendEndpoint,
    all_accepted,
    codec,
    details_in,
    malformed,
    match_entries,
    match_ids,
    missing_entries,
    refusal,
    with_errors,
)

T = TypeVar("T")

KABUTAR: Final = Provider(name="kabutar", base_url="https://api.kabutar.example", credentials=PathToken("key"))


def _local_number() -> str:
    return str(secrets.randbelow(9 * 10**17) + 10**17)


# Document, send: a local number is remembered for 24 hours.
LOCAL_NUMBERS: Final = RequestIds(lifetime=23 * 3600.0, each=True, make=_local_number)


@frozen
class Envelope:
    """What every answer is wrapped in; each call has one of the last three."""

    result: int
    messages: Raw = codec.NULL
    states: Raw = codec.NULL
    balance: Raw = codec.NULL


@frozen
class SentMessage:
    """One of the ``messages`` in the answer to a send; an odd price must not cost the id."""

    id: int
    receptor: str
    price: int | None = None


@frozen
class StateRow:
    """One of the ``states``."""

    id: int
    state: int


def _value(answer: Answer, key: str, model: type[T]) -> T:
    """What a successful answer holds under ``key``; what the envelope refuses is raised."""
    try:
        envelope = codec.read(answer.body, Envelope)
        if envelope.result != 0:
            words = evolve(details_in(answer.body), code=envelope.result)
            raise refusal(answer, ERRORS, words, provider=KABUTAR.name)
        return codec.read(getattr(envelope, key), model)
    except DecodeError as error:
        raise malformed(answer, str(error), provider=KABUTAR.name, table=ERRORS) from None


def _build_send(batch: Batch) -> Content:
    (line,), (text,) = batch.senders, batch.texts
    return Content(
        FormContent(
            {
                "line": line or "",
                "text": text,
                "receptors": ",".join(batch.recipients),
                "locals": ",".join(batch.request_ids or []),
            }
        )
    )


def _read_send(answer: Answer, batch: Batch) -> BatchResult:
    messages = _value(answer, "messages", list[SentMessage])
    matched = match_entries(batch, messages, number=attrgetter("receptor"))
    missing = missing_entries(answer, matched, provider=KABUTAR.name)
    ids = [None if message is None else message.id for message in matched]
    return with_errors(all_accepted(batch, ids, sum(message.price or 0 for message in messages)), missing)


def _build_ids(ids: Sequence[int]) -> Content:
    return Content(FormContent({"ids": ",".join(map(str, ids))}))


def _read_states(answer: Answer, ids: Sequence[int]) -> list[MessageStatus]:
    rows = match_ids(ids, _value(answer, "states", list[StateRow]), id_of=attrgetter("id"))
    found = [row for row in rows if row is not None]
    if len(found) < len(ids):
        raise malformed(answer, f"{len(found)} states for {len(ids)} ids", provider=KABUTAR.name)
    return [MessageStatus(row.id, row.state, STATES.get(row.state, DeliveryStatus.UNRECOGNIZED)) for row in found]


SEND: Final = SendEndpoint(
    "send", "POST", "/v1/{key}/send", _build_send, _read_send, Repeat.SAME_ID, limit=200, request_ids=LOCAL_NUMBERS
)
STATES_OF: Final = Endpoint[Sequence[int], list[MessageStatus]](
    "status", "POST", "/v1/{key}/states", _build_ids, _read_states, limit=500
)
BALANCE: Final = Endpoint[None, int](
    "credit", "GET", "/v1/{key}/balance", lambda _: Content(), lambda answer, _: _value(answer, "balance", int)
)
