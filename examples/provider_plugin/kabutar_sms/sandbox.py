"""Kabutar as the sandbox plays it, written from the document alone: it shares nothing with ``wire.py``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Final
from urllib.parse import parse_qsl

from attrs import define, field

from smscore import DeliveryStatus, count_parts
from smscore.sandbox import (
    Call,
    CallRefused,
    Credentials,
    Emulation,
    ErrorCode,
    Outbound,
    PathToken,
    Recent,
    RefusalReason,
    Reply,
    Route,
    Stage,
)

PRICE: Final = 900  # Rials a part
SEND_LIMIT: Final = 200
STATE_LIMIT: Final = 500
REMEMBERED: Final = 1_000_000

WORDS: Final[Mapping[int, str]] = {
    1: "invalid key",
    2: "account suspended",
    3: "not enough credit",
    4: "missing or invalid field",
    5: "too many",
    6: "not your line",
    7: "busy",
}
STATES: Final[Mapping[int, str]] = {
    0: "no such id",
    1: "queued",
    2: "sent",
    3: "delivered",
    4: "not delivered",
    5: "blocked",
}
MEANINGS: Final[Mapping[int, DeliveryStatus]] = {
    0: DeliveryStatus.NOT_FOUND,
    1: DeliveryStatus.QUEUED,
    2: DeliveryStatus.SENT,
    3: DeliveryStatus.DELIVERED,
    4: DeliveryStatus.UNDELIVERED,
    5: DeliveryStatus.BLOCKED,
}

_RECEPTOR: Final = re.compile(r"09[0-9]{9}")
_LINE: Final = re.compile(r"[0-9]{4,14}")
_LOCAL: Final = re.compile(r"[0-9]{1,18}")
_ID: Final = re.compile(r"[0-9]{1,18}")


def done(**more: object) -> Reply:
    return Reply(200, {"result": 0, "text": "ok", **more})


def error(code: int) -> Reply:
    return Reply(200, {"result": code, "text": WORDS[code]})


def need(fact: bool, code: int = 4) -> None:
    if not fact:
        raise CallRefused(error(code))


def form(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))


@define(repr=False)
class Locals:
    """The messages of an account by their local numbers."""

    sent: Recent[str, Outbound] = field(factory=lambda: Recent[str, Outbound](REMEMBERED))


def send(call: Call) -> Reply:
    """One text to up to 200 receptors; one with a local number that is known is not sent again (document: send)."""
    fields = form(call)
    receptors = [number for number in fields.get("receptors", "").split(",") if number]
    local_numbers = [number for number in fields.get("locals", "").split(",") if number]
    need(len(receptors) <= SEND_LIMIT, 5)
    need(bool(receptors) and all(map(_RECEPTOR.fullmatch, receptors)))
    need(bool(fields.get("text")) and _LINE.fullmatch(fields.get("line", "")) is not None)
    need(not local_numbers or len(local_numbers) == len(receptors))
    need(all(map(_LOCAL.fullmatch, local_numbers)) and len(set(local_numbers)) == len(local_numbers))
    return Reply(*_sent(call, fields, receptors, local_numbers))


def _sent(call: Call, fields: Mapping[str, str], receptors: list[str], local_numbers: list[str]) -> tuple[int, object]:
    known = call.own(Locals).sent
    earlier = [known.get(number) for number in local_numbers] or [None] * len(receptors)
    text, cost = fields["text"], PRICE * count_parts(fields["text"]).parts
    messages = [
        before or call.message("+98" + receptor[1:], fields["line"], text, cost)
        for receptor, before in zip(receptors, earlier, strict=True)
    ]
    new = [message for message, before in zip(messages, earlier, strict=True) if before is None]
    need(call.accept(new), 3)
    known.update(zip(local_numbers, messages, strict=False))
    rows = [
        {
            "id": message.message_id,
            "receptor": "0" + message.recipient.removeprefix("+98"),
            "state": call.code(message),
            "price": message.cost,
        }
        for message in messages
    ]
    answer = done(messages=rows)
    return answer.status, answer.body


def states(call: Call) -> Reply:
    """The states of up to 500 ids (document: states)."""
    ids = [id_ for id_ in form(call).get("ids", "").split(",") if id_]
    need(len(ids) <= STATE_LIMIT, 5)
    need(bool(ids) and all(map(_ID.fullmatch, ids)))
    return done(states=[{"id": int(id_), "state": _state(call, int(id_))} for id_ in ids])


def _state(call: Call, message_id: int) -> int:
    message = call.account.by_id.get(message_id)
    return 0 if message is None else call.code(message)


def balance(call: Call) -> Reply:
    """The credit left (document: balance)."""
    return done(balance=call.account.credit)


class KabutarSandbox(Emulation):
    """Kabutar's three calls. Every answer is HTTP 200; the key is in the path."""

    name: ClassVar[str] = "kabutar"
    first_id: ClassVar[int] = 700_000_001
    credentials: ClassVar[Credentials] = PathToken("key")
    codes: ClassVar[Mapping[int, str]] = STATES
    statuses: ClassVar[Mapping[int, DeliveryStatus]] = MEANINGS
    stages: ClassVar[Mapping[Stage, int]] = {Stage.SCHEDULED: 1, Stage.QUEUED: 1, Stage.SENT: 2, Stage.DELIVERED: 3}
    refusals: ClassVar[Mapping[RefusalReason, Reply]] = {
        RefusalReason.UNAUTHORIZED: error(1),
        RefusalReason.ROUTE: Reply(404, {"result": 4, "text": "no such call"}),
        RefusalReason.BODY: error(4),
        RefusalReason.SIZE: error(5),
    }
    errors: ClassVar[Mapping[int, ErrorCode]] = {code: ErrorCode(words, error(code)) for code, words in WORDS.items()}
    lines: ClassVar[tuple[str, ...]] = ("3000222",)
    routes: ClassVar[tuple[Route, ...]] = (
        Route("POST", "/v1/{key}/send", send, sends=True),
        Route("POST", "/v1/{key}/states", states),
        Route("GET", "/v1/{key}/balance", balance),
    )
