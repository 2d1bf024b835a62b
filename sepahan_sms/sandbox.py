"""Sepahan Gostar as the sandbox plays it, written from the provider's document alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from typing import Annotated, ClassVar, Final
from weakref import WeakSet

import msgspec
from attrs import define, field, frozen
from persiantools.jdatetime import JalaliDateTime

from smscore import DeliveryStatus, count_parts
from smscore.sandbox import (
    Call,
    CallRefused,
    Credentials,
    Emulation,
    ErrorCode,
    HeaderToken,
    Inbound,
    Outbound,
    Recent,
    RefusalReason,
    Reply,
    Route,
    Stage,
    read_json,
)

__all__ = ["SepahanSandbox"]

PRICE: Final = 2837  # Rials a part, as in Send's sample
LIMIT: Final = 100  # entries of every array, and messages of one Receive
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
REMEMBERED: Final = 4 * HOUR  # how long a request id is
MAX_REQUEST_IDS: Final = 100_000
OLD_DAYS: Final = 30
OLD_HOURS: Final = range(1, 5)
TEHRAN: Final = timezone(timedelta(hours=3, minutes=30))

ERRORS: Final[Mapping[int, str]] = {
    -1: "توکن نامعتبر است.",
    -2: "توکن تایید نشده است.",
    -3: "آی پی درخواست دهنده نامعتبر است.",
    -4: "فرمت شماره گیرنده نامعتبر است",
    -5: "حداقل یکی از نودهای آرایه ارسالی، متن پیام آن خالی است",
    -6: "عدم تطابق تعداد آرایه‌های ارسالی",
    -7: "تعداد آرایه‌های ارسالی بیش از 100 نود است",
    -8: "ارسال پیامک سرویس‌دهنده غیر فعال است.",
    -9: "کاربر در وضعیت تایید نشده قرار دارد",
    -10: "کاربر منقضی شده است",
    -11: "وب‌سرویس کاربر غیر فعال است",
    -12: "شماره فرستنده نامعتبر است",
    -13: "رنج قیمت برای کاربر تعریف نشده است",
    -14: "موجودی کاربر کافی نیست",
    -15: "مدیر در وضعیت تایید نشده قرار دارد.",
    -16: "مدیر منقضی شده است",
    -17: "وب‌سرویس مدیر غیر فعال است",
    -18: "رنج قیمت برای مدیر تعریف نشده است",
    -19: "موجودی مدیر کافی نیست",
    -20: "شناسه درخواست ارسالی تکراری است",
    -21: "مقادیر ورودی نامعتبر است",
    404: "آدرس درخواست یافت نشد",  # not in the document
    406: "شماره دریافت کننده نامعتبر",
    410: "شماره دریافت کننده منقضی شده",
    416: "تعداد پیام درخواستی نامعتبر",
    423: "شماره دریافت کننده فعال نمی باشد",
}
ONLY_AT_NIGHT: Final = "این سرویس فقط بین ساعت ۱ تا ۵ بامداد قابل استفاده است."

STATUSES: Final[Mapping[int, str]] = {
    -1: "وجود ندارد",
    0: "در انتظار ارسال",
    1: "رسیده به گوشی",
    2: "نرسیده به گوشی",
    3: "کنسل شده",
    5: "لیست سیاه",
    7: "رسیده به گوشی جزئی",
    8: "ارسال به مخابرات",
    16: "نرسیده به مخابرات",
}
MEANINGS: Final[Mapping[int, DeliveryStatus]] = {
    -1: DeliveryStatus.NOT_FOUND,
    0: DeliveryStatus.QUEUED,
    1: DeliveryStatus.DELIVERED,
    2: DeliveryStatus.UNDELIVERED,
    3: DeliveryStatus.CANCELLED,
    5: DeliveryStatus.BLOCKED,
    7: DeliveryStatus.PARTIALLY_DELIVERED,
    8: DeliveryStatus.SENT,
    16: DeliveryStatus.FAILED,
}
NO_SUCH_ID: Final = -1

_RECIPIENT: Final = re.compile(r"09[0-9]{9}")
_SENDER: Final = re.compile(r"[0-9]+")
_NUMBER: Final = re.compile(r"[0-9]+")
_DATE: Final = re.compile(r"[0-9]{4}[/-][0-9]{1,2}[/-][0-9]{1,2}([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?")

# The envelope


def value(of: object) -> Reply:
    return Reply(200, {"isSuccess": True, "value": of, "error": None})


def error(code: int, *details: str) -> Reply:
    """The refusal of a code: HTTP 401, or the code itself where the document gives an HTTP status for it."""
    words = {"code": code, "message": ERRORS[code], "details": list(details)}
    return Reply(401 if code < 0 else code, {"isSuccess": False, "value": None, "error": words})


def need(fact: bool, code: int, *details: str) -> None:
    if not fact:
        raise CallRefused(error(code, *details))


@define(repr=False)
class Seen:
    """What an account does not get twice: request ids with their times, and messages that it has read."""

    request_ids: Recent[str, float] = field(factory=lambda: Recent[str, float](MAX_REQUEST_IDS))
    inbound: WeakSet[Inbound] = field(factory=WeakSet[Inbound])  # as long as the sandbox keeps them


# Send, SendP2P


@frozen(repr=False)
class SendArrays:
    """Send's body. Its table calls text and sender plain strings, its sample shows arrays of one."""

    senderNumbers: str | list[str]
    reciverNumbers: list[str]
    smsTexts: str | list[str]


@frozen(repr=False)
class P2PArrays:
    senderNumbers: list[str]
    reciverNumbers: list[str]
    smsTexts: list[str]


@frozen(repr=False)
class SendLists:
    """What is to be sent: three lists, to be of equal length."""

    senders: list[str]
    recipients: list[str]
    texts: list[str]


def only(given: str | list[str]) -> str:
    values = [given] if isinstance(given, str) else given
    need(len(values) == 1, -6)
    return values[0]


# In this order: the first that does not fit names the error.
CHECKS: Final[tuple[tuple[int, Callable[[SendLists], bool]], ...]] = (
    (-21, lambda batch: bool(batch.recipients)),
    (-7, lambda batch: max(map(len, (batch.senders, batch.recipients, batch.texts))) <= LIMIT),
    (-6, lambda batch: len(batch.senders) == len(batch.recipients) == len(batch.texts)),
    (-5, lambda batch: all(batch.texts)),
    (-12, lambda batch: all(map(_SENDER.fullmatch, batch.senders))),
    (-4, lambda batch: any(map(_RECIPIENT.fullmatch, batch.recipients))),
)


FORMS: Final[Mapping[str, type]] = {"arrays": list, "strings": str}


def send(call: Call) -> Reply:
    """One text from one line to up to 100 recipients (document: send)."""
    need_new_request(call)
    body = read_json(call.body, SendArrays, error(-21))
    form = FORMS.get(call.emulation.reading.get("send", ""), object)
    need(isinstance(body.senderNumbers, form) and isinstance(body.smsTexts, form), -21)
    sender, text, count = only(body.senderNumbers), only(body.smsTexts), len(body.reciverNumbers)
    return accept(call, SendLists([sender] * count, body.reciverNumbers, [text] * count))


def send_p2p(call: Call) -> Reply:
    """Three arrays of equal length, entry i being one message (document: sendP2P)."""
    need_new_request(call)
    body = read_json(call.body, P2PArrays, error(-21))
    return accept(call, SendLists(body.senderNumbers, body.reciverNumbers, body.smsTexts))


def accept(call: Call, batch: SendLists) -> Reply:
    """Send a batch, or refuse all of it.

    The document calls the ids "positive and negative, as many as numbers": a malformed recipient among
    well-formed ones gets -4 in its place and is not charged. Where none is well formed there is nothing
    to accept, and -4 refuses the request.
    """
    for code, fits in CHECKS:
        need(fits(batch), code)
    drafts = [draft(call, *entry) for entry in zip(batch.recipients, batch.senders, batch.texts, strict=True)]
    messages = [message for message in drafts if message is not None]
    need(call.accept(messages), -14)
    call.own(Seen).request_ids.update(dict.fromkeys(request_ids(call), call.now))
    ids = [-4 if message is None else message.message_id for message in drafts]
    cost = sum(message.cost for message in messages)
    return value({"ids": ids, "smsCount": len(messages), "totalPrice": cost})


def draft(call: Call, recipient: str, sender: str, text: str) -> Outbound | None:
    number = "+98" + recipient[1:]
    if not _RECIPIENT.fullmatch(recipient) or call.refuses(number):
        return None
    return call.message(number, sender, text, PRICE * count_parts(text).parts)


# Request ids

HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "both": ("requestId", "Request-Id"),
    "requestId": ("requestId",),
    "Request-Id": ("Request-Id",),
    "none": (),  # they are ignored
}


def request_ids(call: Call) -> list[str]:
    """The document names the header ``requestId`` in one place and ``Request-Id`` in two: either counts."""
    names = HEADERS[call.emulation.reading.get("request_id", "both")]
    return [given for name in names if (given := call.headers.get(name))]


def seen(call: Call, request_id: str) -> bool:
    at = call.own(Seen).request_ids.get(request_id)
    return at is not None and call.now - at <= REMEMBERED


def need_new_request(call: Call) -> None:
    """Refuse a repeat before anything else, so that a repeat never gets another answer than -20."""
    need(not any(seen(call, given) for given in request_ids(call)), -20)


def check_request_id(call: Call) -> Reply:
    """Whether a request with this id was delivered "successfully" in the past 4 hours (checkRequestId).

    A refused request is not remembered: it sent nothing, and the same id may be used to try it again.
    """
    return value({"isDuplicate": seen(call, call.path["request_id"])})


# Reports

Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


def status(call: Call) -> Reply:
    """The statuses of up to 100 ids, of the past 24 hours (document: status)."""
    return value(codes(call, lambda message: call.now - message.received_at <= DAY))


def old_status(call: Call) -> Reply:
    """The statuses of up to 100 ids of the past 30 days but today, from 1 to 5 in the night (oldStatus)."""
    now = in_tehran(call.now)
    need(now.hour in OLD_HOURS, -8, ONLY_AT_NIGHT)
    days = range(1, OLD_DAYS + 1)
    found = codes(call, lambda message: (now.date() - in_tehran(message.received_at).date()).days in days)
    return Reply(200, {"message": "عملیات موفق", "result": found})


def codes(call: Call, covered: Callable[[Outbound], bool]) -> list[int]:
    ids = read_json(call.body, list[Id], error(-21))
    need(len(ids) <= LIMIT, -7)
    messages = map(call.account.by_id.get, ids)
    return [call.code(message) if message and covered(message) else NO_SUCH_ID for message in messages]


def credit(call: Call) -> Reply:
    """What is left, an integer (document: credit)."""
    return value(call.account.credit)


# Receive


@frozen(repr=False)
class ReceiveFilter:
    privateNumber: str | None = None
    startDate: str | None = None
    numberOfMessages: int | None = None
    markAsRead: bool | None = None


def receive(call: Call) -> Reply:
    """Up to 100 messages that came in, oldest first; each once unless ``markAsRead`` is false (Receive)."""
    body = read_json(call.body or b"{}", ReceiveFilter, error(-21))
    count = LIMIT if body.numberOfMessages is None else body.numberOfMessages
    need(1 <= count <= LIMIT, 416)
    lines = {inbound.number for inbound in call.inbox} | {message.sender for message in call.account.messages}
    need(body.privateNumber is None or body.privateNumber in lines, 406)
    since = call.now - DAY if body.startDate is None else start_of(body.startDate, call.emulation.reading.get("since"))
    wanted = (
        inbound
        for inbound in call.inbox
        if inbound not in call.own(Seen).inbound
        and inbound.received_at >= since
        and body.privateNumber in (None, inbound.number)
    )
    found = list(islice(wanted, count))
    if body.markAsRead is not False:
        call.own(Seen).inbound.update(found)
    return value([row(inbound) for inbound in found])


def row(inbound: Inbound) -> dict[str, str]:
    return {
        "privateNumber": inbound.number,
        "date": f"{in_tehran(inbound.received_at):%Y/%m/%d}",  # Gregorian, as in the sample
        "sendNumber": inbound.sender,
        "messageText": inbound.text,
    }


def start_of(given: str, calendar_taken: str | None) -> float:
    """Seconds since the epoch of a ``startDate``: Jalali as in the sample or Gregorian, perhaps with a time."""
    need(_DATE.fullmatch(given) is not None, -21)
    year, month, day, *time = map(int, _NUMBER.findall(given))
    need(calendar_taken in (None, "jalali" if year < 1700 else "gregorian"), -21)
    hour, minute, second = (*time, 0, 0, 0)[:3]
    calendar = JalaliDateTime if year < 1700 else datetime
    try:
        return calendar(year, month, day, hour, minute, second, tzinfo=TEHRAN).timestamp()
    except (ValueError, OverflowError):
        raise CallRefused(error(-21)) from None


def in_tehran(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone(TEHRAN)


STAGES: Final = {Stage.SCHEDULED: 0, Stage.QUEUED: 0, Stage.SENT: 8, Stage.DELIVERED: 1}
REFUSALS: Final = {
    RefusalReason.UNAUTHORIZED: error(-1),
    RefusalReason.ROUTE: error(404),
    RefusalReason.BODY: error(-21),
    RefusalReason.SIZE: error(-21),
}
ERROR_CODES: Final = {code: ErrorCode(words, error(code)) for code, words in ERRORS.items() if code != 404}


# What the document says in two ways; "none" is in neither, for a server that ignores request ids.
READINGS: Final = {"send": tuple(FORMS), "request_id": tuple(HEADERS), "since": ("jalali", "gregorian")}


class SepahanSandbox(Emulation):
    """Sepahan's seven calls. An error is HTTP 401 whatever its cause, but for Receive's and unknown paths."""

    name: ClassVar[str] = "sepahan"
    first_id: ClassVar[int] = 639027944154527201  # past 2**53 and odd, as close to the sample's as a float cannot tell
    credentials: ClassVar[Credentials] = HeaderToken()
    codes: ClassVar[Mapping[int, str]] = STATUSES
    statuses: ClassVar[Mapping[int, DeliveryStatus]] = MEANINGS
    stages: ClassVar[Mapping[Stage, int]] = STAGES
    refusals: ClassVar[Mapping[RefusalReason, Reply]] = REFUSALS
    errors: ClassVar[Mapping[int, ErrorCode]] = ERROR_CODES
    lines: ClassVar[tuple[str, ...]] = ("50003300",)
    readings: ClassVar[Mapping[str, tuple[str, ...]]] = READINGS
    routes: ClassVar[tuple[Route, ...]] = (
        Route("POST", "/api/Sms/Send", send, sends=True),
        Route("POST", "/api/Sms/SendP2P", send_p2p, sends=True),
        Route("GET", "/api/Requests/checkRequestId/{request_id}", check_request_id),
        Route("POST", "/api/SmsReport/status", status),
        Route("POST", "/api/SmsReport/oldStatus", old_status),
        Route("GET", "/api/SmsReport/credit", credit),
        Route("POST", "/api/SmsReport/Receive", receive),
    )
