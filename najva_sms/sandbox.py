"""Najva as the sandbox plays it, written from the provider's document alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import PurePath
from typing import Annotated, ClassVar, Final
from uuid import uuid4

import msgspec
from attrs import define, field, frozen

from smscore import DeliveryStatus, count_parts
from smscore.sandbox import (
    Call,
    CallRefused,
    Credentials,
    Emulation,
    ErrorCode,
    HeaderToken,
    Outbound,
    PathToken,
    Recent,
    RefusalReason,
    Reply,
    Route,
    Stage,
    read_json,
)

__all__ = ["NajvaSandbox"]

PRICE: Final = 1000  # Rials a part, as in send's sample
SEND_LIMIT: Final = 10_000
STATUS_LIMIT: Final = 1000
PAGE_LIMIT: Final = 200
FILE_LIMIT: Final = 15 * 1024 * 1024
MAX_FILES: Final = 10_000
FILE_TYPES: Final = ("jpeg", "jpg", "png", "gif", "opus", "ogg", "mp4")
DEFAULT_LINE: Final = "90000123"

WRONG: Final = "پارامترهای ورودی صحیح نیستند."
WRONG_FILE_TYPE: Final = f"پسوند مجاز نیست. پسوندهای مجاز: {', '.join(FILE_TYPES)}"
TOO_LARGE: Final = "حجم فایل بیش از حد مجاز است. بیشینه مقدار مجاز: ۱۵ مگابایت"
TOO_MANY_RECIPIENTS: Final = "تعداد دریافت کننده‌ها بیش از 10000 عدد است."
TOO_MANY_IDS: Final = "تعداد messageidها بیش از 1000 عدد است."
NO_CREDIT: Final = "اعتبار حساب شما کافی نیست."
UNAUTHORIZED: Final = "توکن نامعتبر است."  # the document has no words for this one and the next
NO_ROUTE: Final = "آدرس یافت نشد."

# The words of the samples, and of the table for what no sample shows.
STATUSES: Final[Mapping[int, str]] = {
    1: "در صف ارسال",
    2: "زمانبندی شده",
    4: "رسیده به مخابرات",
    6: "خطا در ارسال پیام به سرشماره مشخص شده",
    10: "رسیده به گیرنده",
    11: "در تحویل پیامک مشکلی رخ داده است",
    13: "ارسال پیامک لغو شده است.",
    14: "گیرنده دریافت این پیامک را بلاک کرده است.",
    100: "شناسه پیامک نامعتبر است",
}
MEANINGS: Final[Mapping[int, DeliveryStatus]] = {
    1: DeliveryStatus.QUEUED,
    2: DeliveryStatus.SCHEDULED,
    4: DeliveryStatus.SENT,
    6: DeliveryStatus.FAILED,
    10: DeliveryStatus.DELIVERED,
    11: DeliveryStatus.UNDELIVERED,
    13: DeliveryStatus.CANCELLED,
    14: DeliveryStatus.BLOCKED,
    100: DeliveryStatus.NOT_FOUND,
}
NO_SUCH_ID: Final = 100
BLOCKED: Final = 14

_RECIPIENT: Final = re.compile(r"09[0-9]{9}")
_LINE: Final = re.compile(r"[0-9]+")
_NATURAL: Final = re.compile(r"[0-9]{1,9}")

# The envelope


def entries(of: object) -> Reply:
    return Reply(200, {"return": {"status": 200, "message": "تایید شد"}, "entries": of})


def error(code: int, words: str = WRONG) -> Reply:
    """A refusal. The document leaves open where the code stands: it is in both places."""
    return Reply(code, {"return": {"status": code, "message": words}, "entries": None})


def need(fact: bool, code: int = 400, words: str = WRONG) -> None:
    if not fact:
        raise CallRefused(error(code, words))


# send, send-p2p


@frozen(repr=False)
class BulkBody:
    """send's body. Its table calls the list ``receptor``, its sample ``receivers``."""

    message: str
    sender: str
    receivers: list[str] | None = None
    receptor: list[str] | None = None
    file_id: str | None = None


@define(repr=False)
class Files:
    """The ids of an account's uploaded files."""

    ids: Recent[str, None] = field(factory=lambda: Recent[str, None](MAX_FILES))


@frozen(repr=False)
class PairEntry:
    message: str
    receiver: str


@frozen(repr=False)
class PairsBody:
    messages: list[PairEntry]
    sender: str | None = None
    file_id: str | None = None


def send(call: Call) -> Reply:
    """One text to up to 10,000 recipients (document: ارسال پیامک دسته‌ای)."""
    body = read_json(call.body, BulkBody, error(400))
    recipients = body.receivers or body.receptor or []
    check_send(call, body.sender, body.file_id, recipients, [body.message])
    cost = PRICE * count_parts(body.message).parts
    return accept(call, [call.message(to_e164(to), body.sender, body.message, cost) for to in recipients])


def send_p2p(call: Call) -> Reply:
    """Up to 10,000 recipients, each with their own text (document: ارسال پیامک نظیر به نظیر)."""
    body = read_json(call.body, PairsBody, error(400))
    sender = body.sender or DEFAULT_LINE
    pairs = [(message.receiver, message.message) for message in body.messages]
    check_send(call, sender, body.file_id, [to for to, _ in pairs], [text for _, text in pairs])
    priced = ((to_e164(to), sender, text, PRICE * count_parts(text).parts) for to, text in pairs)
    return accept(call, [call.message(*entry) for entry in priced])


def check_send(call: Call, sender: str, file_id: str | None, recipients: list[str], texts: list[str]) -> None:
    need(len(recipients) <= SEND_LIMIT, 414, TOO_MANY_RECIPIENTS)
    need(bool(recipients) and all(map(_RECIPIENT.fullmatch, recipients)))
    need(all(texts))
    need(_LINE.fullmatch(sender) is not None)
    need(file_id is None or file_id in call.own(Files).ids)


def accept(call: Call, messages: list[Outbound]) -> Reply:
    need(call.accept(messages), 418, NO_CREDIT)
    return entries(list(rows(call, messages)))


def rows(call: Call, messages: Iterable[Outbound]) -> Iterable[dict[str, object]]:
    for message in messages:
        code = call.code(message)
        yield {
            "messageid": message.message_id,
            "message": message.text,
            "status": code,
            "statustext": STATUSES[code],
            "sender": message.sender,
            "receptor": "0" + message.recipient.removeprefix("+98"),
            "date": int(message.received_at),
            "cost": message.cost,
        }


def to_e164(recipient: str) -> str:
    return "+98" + recipient[1:]


# Sends by a template, which the document does not have: as public clients make them

PLACEHOLDERS: Final = ("token", "token2", "token3")
PLACEHOLDER: Final = re.compile("%({})%".format("|".join(PLACEHOLDERS)))
TEMPLATES: Final[Mapping[str, str]] = {
    "login": "کد ورود شما: %token%",
    "order": "%token2% عزیز، سفارش %token% ثبت شد.",
}


def lookup(call: Call) -> Reply:
    """A text that the panel knows by name, to one recipient, with its values filled in."""
    to, sender = call.query.get("receptor", ""), call.query.get("sender") or DEFAULT_LINE
    text = call.emulation.patterns.get(call.query.get("template", ""), "")
    values = {name: value for name in PLACEHOLDERS if (value := call.query.get(name))}
    need(bool(text) and {*PLACEHOLDER.findall(text)} == {*values})
    filled = PLACEHOLDER.sub(lambda match: values[match[1]], text)
    check_send(call, sender, None, [to], [filled])
    return accept(call, [call.message(to_e164(to), sender, filled, PRICE * count_parts(filled).parts)])


# The other calls

Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


@frozen(repr=False)
class StatusBody:
    messageids: list[Id]


def upload(call: Call) -> Reply:
    """A file for Bale, to be named in a later send (document: بارگذاری فایل برای بله)."""
    if call.upload is None:
        return error(400)
    need(PurePath(call.upload.filename).suffix.lower()[1:] in FILE_TYPES, 400, WRONG_FILE_TYPE)
    need(call.upload.size <= FILE_LIMIT, 413, TOO_LARGE)
    file_id = str(uuid4())
    call.own(Files).ids[file_id] = None
    return entries({"file_id": file_id})


def status(call: Call) -> Reply:
    """The statuses of up to 1,000 ids; an unknown one has 100 (document: دریافت وضعیت ارسال)."""
    ids = read_json(call.body, StatusBody, error(400)).messageids
    need(len(ids) <= STATUS_LIMIT, 414, TOO_MANY_IDS)
    return entries([status_row(call, message_id) for message_id in ids])


def status_row(call: Call, message_id: int) -> dict[str, object]:
    message = call.account.by_id.get(message_id)
    code = NO_SUCH_ID if message is None else call.code(message)
    return {"messageid": message_id, "status": code, "statustext": STATUSES[code]}


def outbox(call: Call) -> Reply:
    """What was sent, newest first, by pages of up to 200 (document: دریافت لیست پیامک‌های ارسالی اخیر)."""
    page, size = natural(call, "page"), natural(call, "pageSize")
    need(1 <= size <= PAGE_LIMIT)
    sent = call.account.messages
    head: dict[str, object] = {"totalMessages": len(sent), "page": page}
    return entries([head, *rows(call, islice(reversed(sent), page * size, (page + 1) * size))])


def natural(call: Call, name: str) -> int:
    given = call.query.get(name, "")
    need(_NATURAL.fullmatch(given) is not None)
    return int(given)


STAGES: Final = {Stage.SCHEDULED: 2, Stage.QUEUED: 1, Stage.SENT: 4, Stage.DELIVERED: 10}
REFUSALS: Final = {
    RefusalReason.UNAUTHORIZED: error(401, UNAUTHORIZED),
    RefusalReason.ROUTE: error(404, NO_ROUTE),
    RefusalReason.BODY: error(400),
    RefusalReason.SIZE: error(413),
}
ERROR_CODES: Final = {
    code: ErrorCode(words, error(code, words))
    for code, words in {400: WRONG, 413: TOO_LARGE, 414: TOO_MANY_RECIPIENTS, 418: NO_CREDIT}.items()
}


class NajvaSandbox(Emulation):
    """Najva's five calls and its send by a template. An error's code is the HTTP status and ``return.status``."""

    name: ClassVar[str] = "najva"
    first_id: ClassVar[int] = 2**53 + 1
    credentials: ClassVar[Credentials] = HeaderToken(scheme="Bearer")
    codes: ClassVar[Mapping[int, str]] = STATUSES
    statuses: ClassVar[Mapping[int, DeliveryStatus]] = MEANINGS
    stages: ClassVar[Mapping[Stage, int]] = STAGES
    refusals: ClassVar[Mapping[RefusalReason, Reply]] = REFUSALS
    paid_back: ClassVar[frozenset[int]] = frozenset({BLOCKED})
    errors: ClassVar[Mapping[int, ErrorCode]] = ERROR_CODES
    lines: ClassVar[tuple[str, ...]] = (DEFAULT_LINE,)
    built_in_patterns: ClassVar[Mapping[str, str]] = TEMPLATES
    calls_webhook: ClassVar[bool] = True
    routes: ClassVar[tuple[Route, ...]] = (
        Route("POST", "/v2/sms/send", send, sends=True),
        Route("POST", "/v2/sms/send-p2p", send_p2p, sends=True),
        Route("GET", "/v1/{token}/verify/lookup.json", lookup, sends=True, credentials=PathToken()),
        Route("POST", "/upload-file/bale", upload, upload_limit=FILE_LIMIT),
        Route("POST", "/v2/sms/status", status),
        Route("GET", "/v2/sms/outbox", outbox),
    )

    def report(self, message: Outbound, code: int) -> Mapping[str, int] | None:
        """The two parameters of Najva's webhook (document: وب‌هوک)."""
        return {"messageid": message.message_id, "status": code}
