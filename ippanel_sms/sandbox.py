"""IPPanel Edge as the sandbox plays it, written from the provider's documents alone."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import ClassVar, Final, cast

import attrs

from smscore.sandbox import Call, Emulation, ErrorCode, Refusal, Refused, Reply, Route, Stage, read_json
from smscore.statuses import DeliveryStatus
from smscore.text import count_parts

__all__ = ["IPPanelSandbox"]

PRICE: Final = 1064  # Rials a part; the documents name no price
BANK: Final = range(1000)  # the synthetic numbers that each operator has for one prefix or postal code
BULK_LIMIT: Final = 100_000  # synthetic numbers of one request, however many segments it has
ERROR_LIMIT: Final = 100  # field errors of one answer

DONE: Final = "انجام شد"
UNAUTHORIZED: Final = "اطلاعات وارد شده صحیح نمی باشد"
NO_ROUTE: Final = "آدرس یافت نشد"  # the documents have no words for this one and the next three
NO_CREDIT: Final = "اعتبار حساب شما کافی نیست"
WRONG_BODY: Final = "بدنه درخواست خوانده نشد"
TOO_LARGE: Final = "حجم درخواست بیش از حد مجاز است"

# Of a recipient. None of them says "queued" or "scheduled": until the operator has it, it is 0.
STATUSES: Final[Mapping[int, str]] = {
    0: "sent to the operator",
    1: "received by the operator",
    2: "delivered",
    3: "not delivered",
    4: "blacklisted",
}

MEANINGS: Final[Mapping[int, DeliveryStatus]] = {
    0: DeliveryStatus.SENT,
    1: DeliveryStatus.SENT,
    2: DeliveryStatus.DELIVERED,
    3: DeliveryStatus.UNDELIVERED,
    4: DeliveryStatus.BLOCKED,
}

Json = dict[str, object]
Problem = tuple[str, str]  # a field and what is wrong with it
Check = Callable[[object], bool]

# The envelope


def done(data: object) -> Reply:
    meta: Json = {"status": True, "message": DONE, "message_parameters": [], "message_code": "200-1"}
    return Reply(200, {"data": data, "meta": meta})


def error(http_status: int, code: str, words: str, errors: Mapping[str, list[str]] | None = None) -> Reply:
    meta: Json = {
        "status": False,
        "message": words,
        "message_parameters": [],
        "message_code": code,
        "errors": errors or {},
    }
    return Reply(http_status, {"data": None, "meta": meta})


def invalid(problems: Mapping[str, str]) -> Reply:
    """HTTP 422: the words of every wrong field, those of the first as the answer's message."""
    fields = {field: [words] for field, words in problems.items()}
    return error(422, "400-2", next(iter(problems.values())), fields)


# What a field may be


def matching(pattern: str) -> Check:
    form = re.compile(pattern)
    return lambda value: isinstance(value, str) and form.fullmatch(value) is not None


def between(least: int, most: int) -> Check:
    return lambda value: type(value) is int and least <= value <= most


def is_natural(value: object) -> bool:
    return type(value) is int and value >= 0


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_object(value: object) -> bool:
    return isinstance(value, dict)


def is_list(value: object) -> bool:
    return isinstance(value, list)


def is_time(value: object) -> bool:
    return looks_like_time(value) and seconds_of(str(value)) is not None


def seconds_of(time: str) -> float | None:
    """Seconds since the epoch of a ``send_time``, which is in UTC; None where the calendar has no such time."""
    try:
        return datetime.strptime(time, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


looks_like_time: Final = matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
is_recipient: Final = matching(r"\+989[0-9]{9}")
is_line: Final = matching(r"\+[1-9][0-9]{3,14}|\+98[A-Z]{1,20}")


@attrs.frozen
class Field:
    """A field's Persian name, what it may be, and whether it may be left out."""

    label: str
    fits: Check
    required: bool = True


Fields = dict[str, Field]

EVERY_SEND: Final[Fields] = {
    "sending_type": Field("نوع ارسال", matching("webservice|country|postal_code")),
    "from_number": Field("شماره فرستنده", is_line),
    "message": Field("پیام", is_text),
    "send_time": Field("زمان ارسال", is_time, required=False),
}
WEBSERVICE: Final[Fields] = EVERY_SEND | {"params": Field("پارامترها", is_object)}
SEGMENTS: Final[Fields] = EVERY_SEND | {
    "params": Field("پارامترها", is_list),
    "other_recipients": Field("سایر گیرندگان", is_list, required=False),
}
RECIPIENTS: Final = Field("گیرندگان", is_list)
RECIPIENT: Final = Field("شماره گیرنده", is_recipient)
SEGMENT: Final = Field("پارامتر", is_object)
SLICE: Final[Fields] = {"start": Field("شروع", is_natural), "size": Field("تعداد", is_natural)}

EVERY_SEGMENT: Final[Fields] = {
    "bank": Field("بانک", matching("all|white")),
    "gender": Field("جنسیت", between(0, 2)),
    "age_from": Field("سال تولد از", between(1300, 1410)),
    "age_to": Field("سال تولد تا", between(1300, 1410)),
    "mci": Field("همراه اول", is_object),
    "irancell": Field("ایرانسل", is_object),
    "other": Field("سایر اپراتورها", is_object),
}
COUNTRY: Final[Fields] = EVERY_SEGMENT | {
    "pre": Field("پیش شماره", between(10, 999_999)),
    "province_id": Field("استان", is_natural),
    "county_id": Field("شهرستان", is_natural, required=False),
    "city_id": Field("شهر", is_natural, required=False),
}
POSTAL_CODE: Final[Fields] = EVERY_SEGMENT | {"postal_code": Field("کد پستی", between(10, 99_999))}

# What is wrong with a body


def problem(path: str, field: Field, value: object) -> Iterator[Problem]:
    """What is wrong with one value. An empty text, list or object is as good as none."""
    if value is None or value in ("", [], {}):
        if field.required:
            yield path, f"تکمیل گزینه {field.label} الزامی است"
    elif not field.fits(value):
        yield path, f"گزینه {field.label} معتبر نیست"


def problems(given: Json, fields: Fields, path: str = "") -> Iterator[Problem]:
    for name, field in fields.items():
        yield from problem(path + name, field, given.get(name))


def each_problem(values: object, field: Field, path: str) -> Iterator[Problem]:
    for index, value in enumerate(items(values)):
        yield from problem(f"{path}.{index}", field, value)


def webservice_problems(body: Json) -> Iterator[Problem]:
    yield from problems(body, WEBSERVICE)
    recipients = members(body.get("params")).get("recipients")
    yield from problem("params.recipients", RECIPIENTS, recipients)
    yield from each_problem(recipients, RECIPIENT, "params.recipients")


def segment_problems(body: Json, fields: Fields) -> Iterator[Problem]:
    yield from problems(body, SEGMENTS)
    yield from each_problem(body.get("other_recipients"), RECIPIENT, "other_recipients")
    yield from each_problem(body.get("params"), SEGMENT, "params")
    for index, segment in enumerate(map(members, items(body.get("params")))):
        yield from problems(segment, fields, f"params.{index}.")
        for operator in OPERATORS:
            yield from problems(members(segment.get(operator)), SLICE, f"params.{index}.{operator}.")


def members(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


# Whom a body reaches

# The digit that stands for an operator in its synthetic numbers.
OPERATORS: Final[Mapping[str, int]] = {"mci": 1, "irancell": 3, "other": 2}


def country_number(segment: Json, operator: int, index: int) -> str:
    head = f"{segment['pre']}{operator}"
    return f"+98{head}{index:0{10 - len(head)}}"


def postal_code_number(segment: Json, operator: int, index: int) -> str:
    return f"+989{operator}{segment['postal_code']:05}{index:03}"


def of_slice(segment: Json, operator: str) -> range:
    """The places in the bank that a slice covers: at most all of it, whatever its size."""
    wanted = members(segment[operator])
    start = cast("int", wanted["start"])
    return BANK[start : start + cast("int", wanted["size"])]


@attrs.frozen
class SendingType:
    """How one ``sending_type`` is checked, and whom it reaches."""

    problems: Callable[[Json], Iterator[Problem]]
    recipients: Callable[[Json], Iterator[str]]


def webservice_recipients(body: Json) -> Iterator[str]:
    yield from cast("list[str]", members(body["params"])["recipients"])


def segment_recipients(body: Json, number: Callable[[Json, int, int], str]) -> Iterator[str]:
    """The synthetic numbers of the segments, then the other recipients."""
    bank = (
        number(segment, digit, index)
        for segment in map(members, items(body["params"]))
        for operator, digit in OPERATORS.items()
        for index in of_slice(segment, operator)
    )
    yield from islice(bank, BULK_LIMIT)
    yield from cast("list[str]", body.get("other_recipients") or [])


SENDING_TYPES: Final[Mapping[str, SendingType]] = {
    "webservice": SendingType(webservice_problems, webservice_recipients),
    "country": SendingType(
        lambda body: segment_problems(body, COUNTRY),
        lambda body: segment_recipients(body, country_number),
    ),
    "postal_code": SendingType(
        lambda body: segment_problems(body, POSTAL_CODE),
        lambda body: segment_recipients(body, postal_code_number),
    ),
}


# What every send needs is all that can be said of a body of no known type.
UNKNOWN_TYPE: Final = SendingType(
    lambda body: problems(body, EVERY_SEND | {"params": Field("پارامترها", lambda _: True)}),
    lambda _: iter(()),
)


# The call


def send(call: Call) -> Reply:
    """One bulk message to all whom the body names (documents: Send Webservice, Country, Postal code SMS).

    A body that is no JSON object is an empty one: every field is missing. All recipients share the bulk's id.
    """
    body = members(read_json(call.body or b"{}", object, invalid({"sending_type": WRONG_BODY})))
    name = body.get("sending_type")
    kind = SENDING_TYPES.get(name, UNKNOWN_TYPE) if isinstance(name, str) else UNKNOWN_TYPE
    found = dict(islice(kind.problems(body), ERROR_LIMIT))
    if found:
        raise Refused(invalid(found))
    return accept(call, body, kind.recipients(body))


def accept(call: Call, body: Json, recipients: Iterator[str]) -> Reply:
    text, sender = str(body["message"]), str(body["from_number"])
    starts_at = max(call.now, seconds_of(str(body.get("send_time"))) or 0.0)
    bulk_id, cost = call.next_id(), PRICE * count_parts(text)
    messages = [call.message(to, sender, text, cost, message_id=bulk_id, starts_at=starts_at) for to in recipients]
    if not call.accept(messages):
        raise Refused(invalid({"credit": NO_CREDIT}))
    return done({"message_outbox_ids": [bulk_id]})


STAGES: Final = {Stage.SCHEDULED: 0, Stage.QUEUED: 0, Stage.SENT: 1, Stage.DELIVERED: 2}
REFUSALS: Final = {
    Refusal.UNAUTHORIZED: error(401, "400-1", UNAUTHORIZED),
    Refusal.ROUTE: error(404, "400-1", NO_ROUTE),
    Refusal.BODY: error(422, "400-2", WRONG_BODY),
    Refusal.SIZE: error(413, "400-2", TOO_LARGE),
}
# By their HTTP status: the codes of two of them are the same.
ERROR_CODES: Final = {
    401: ErrorCode(UNAUTHORIZED, REFUSALS[Refusal.UNAUTHORIZED]),
    404: ErrorCode(NO_ROUTE, REFUSALS[Refusal.ROUTE]),
    422: ErrorCode(WRONG_BODY, REFUSALS[Refusal.BODY]),
}


class IPPanelSandbox(Emulation):
    """IPPanel's send, in the three forms that its documents have."""

    name: ClassVar[str] = "ippanel"
    first_id: ClassVar[int] = 1123544245
    token_form: ClassVar[re.Pattern[str]] = re.compile(r"(?!(?:AccessKey|Basic|Bearer) )(\S(?:.*\S)?)")
    codes: ClassVar[Mapping[int, str]] = STATUSES
    statuses: ClassVar[Mapping[int, DeliveryStatus]] = MEANINGS
    stages: ClassVar[Mapping[Stage, int]] = STAGES
    refusals: ClassVar[Mapping[Refusal, Reply]] = REFUSALS
    errors: ClassVar[Mapping[int, ErrorCode]] = ERROR_CODES
    lines: ClassVar[tuple[str, ...]] = ("+983000505",)
    routes: ClassVar[tuple[Route, ...]] = (Route("POST", "/api/send", send),)
