"""``/api/send`` in its six forms, and the two calls that go with it: cancel and price."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

from attrs import frozen

from ippanel_sms.sandbox.envelope import Json, Problem, check, done
from ippanel_sms.sandbox.fields import (
    LINE,
    RECIPIENT,
    RECIPIENTS,
    TEXT,
    Field,
    Fields,
    each_problem,
    is_list,
    is_natural,
    is_object,
    is_time,
    items,
    matching,
    members,
    problem,
    problems,
    read_object,
    seconds_of,
)
from ippanel_sms.sandbox.outbox import AT_THE_OPERATOR, QUEUED, Draft, accept, find, price, state_of
from ippanel_sms.sandbox.patterns import one_recipient, pattern_drafts, pattern_problems
from ippanel_sms.sandbox.segments import COUNTRY, POSTAL_CODE, country_drafts, postal_code_drafts, segment_problems
from smscore import count_parts
from smscore.sandbox import Call, Reply

__all__ = ["calculate_price", "cancel", "send"]

VOTP_LINE: Final = "+98votp"  # what a voice call comes from, in by_bulk's sample
NOTICE: Final = 5 * 60.0  # seconds before its time that a message can still be cancelled
TOO_LATE: Final = "لغو پیام تنها تا ۵ دقیقه پیش از زمان ارسال ممکن است"  # not in the documents

ANYTHING: Final = Field("پارامترها", lambda _: True)
ENTRY: Final = Field("پارامتر", is_object)

TO_ALL: Final[Fields] = {
    "sending_type": Field("نوع ارسال", matching("webservice|country|postal_code|peer_to_peer|pattern|votp")),
    "from_number": LINE,
    "message": TEXT,
    "send_time": Field("زمان ارسال", is_time, required=False),
}
WEBSERVICE: Final[Fields] = TO_ALL | {"params": Field("پارامترها", is_object)}
SEGMENTS: Final[Fields] = TO_ALL | {"params": Field("پارامترها", is_list)}
PEER_TO_PEER: Final[Fields] = {name: field for name, field in SEGMENTS.items() if name != "message"}
PEER: Final[Fields] = {"recipients": RECIPIENTS, "message": TEXT}
VOTP: Final[Fields] = {
    "message": Field("پیام", matching("[0-9]+")),
    "params": Field("پارامترها", is_object),
}


@frozen
class SendingType:
    """How one ``sending_type`` is checked, which bulk messages it makes, and its ``type`` in the reports.

    ``waits`` says whether it has a ``send_time``; the other types go at once, whatever the body holds.
    """

    problems: Callable[[Call, Json], Iterator[Problem]]
    drafts: Callable[[Call, Json], Iterator[Draft]]
    kind: str
    waits: bool = True


def send(call: Call) -> Reply:
    """The bulk messages that the body names: one, or with ``peer_to_peer`` one an entry, in order."""
    body = read_object(call)
    name = body.get("sending_type")
    sending_type = SENDING_TYPES.get(name, UNKNOWN) if isinstance(name, str) else UNKNOWN
    check(sending_type.problems(call, body))
    wanted = seconds_of(str(body.get("send_time"))) if sending_type.waits else None
    starts_at = max(call.now, wanted or 0.0)
    ids = accept(call, sending_type.kind, sending_type.drafts(call, body), starts_at)
    return done({"message_outbox_ids": ids})


# Its forms


def webservice_problems(_: Call, body: Json) -> Iterator[Problem]:
    yield from problems(body, WEBSERVICE)
    yield from recipients_problems(members(body.get("params")).get("recipients"), "params.recipients")


def recipients_problems(recipients: object, path: str) -> Iterator[Problem]:
    yield from problem(path, RECIPIENTS, recipients)
    yield from each_problem(recipients, RECIPIENT, path)


def webservice_drafts(_: Call, body: Json) -> Iterator[Draft]:
    yield Draft(str(body["from_number"]), str(body["message"]), recipients_of(body["params"]))


def recipients_of(entry: object) -> list[str]:
    return cast("list[str]", members(entry)["recipients"])


def peer_to_peer_problems(_: Call, body: Json) -> Iterator[Problem]:
    yield from problems(body, PEER_TO_PEER)
    yield from each_problem(body.get("params"), ENTRY, "params")
    for index, entry in enumerate(map(members, items(body.get("params")))):
        yield from problems(entry, PEER, f"params.{index}.")
        yield from each_problem(entry.get("recipients"), RECIPIENT, f"params.{index}.recipients")


def peer_to_peer_drafts(_: Call, body: Json) -> Iterator[Draft]:
    for entry in map(members, items(body["params"])):
        yield Draft(str(body["from_number"]), str(entry["message"]), recipients_of(entry))


def votp_problems(_: Call, body: Json) -> Iterator[Problem]:
    yield from problems(body, VOTP)
    recipients = members(body.get("params")).get("recipients")
    yield from problem("params.recipients", RECIPIENTS, recipients)
    yield from one_recipient(recipients, "params.recipients")


def votp_drafts(_: Call, body: Json) -> Iterator[Draft]:
    yield Draft(VOTP_LINE, str(body["message"]), recipients_of(body["params"]))


def country_problems(_: Call, body: Json) -> Iterator[Problem]:
    yield from problems(body, SEGMENTS)
    yield from segment_problems(body, COUNTRY)


def postal_code_problems(_: Call, body: Json) -> Iterator[Problem]:
    yield from problems(body, SEGMENTS)
    yield from segment_problems(body, POSTAL_CODE)


SENDING_TYPES: Final[Mapping[str, SendingType]] = {
    "webservice": SendingType(webservice_problems, webservice_drafts, "webservice"),
    "country": SendingType(country_problems, lambda _, body: country_drafts(body), "country"),
    "postal_code": SendingType(postal_code_problems, lambda _, body: postal_code_drafts(body), "postal_code"),
    "peer_to_peer": SendingType(peer_to_peer_problems, peer_to_peer_drafts, "peer_to_peer"),
    "pattern": SendingType(pattern_problems, pattern_drafts, "pattern", waits=False),
    "votp": SendingType(votp_problems, votp_drafts, "sendvoice", waits=False),
}

# What the first forms need is all that can be said of a body of no known type.
UNKNOWN: Final = SendingType(
    lambda _, body: problems(body, TO_ALL | {"params": ANYTHING}), lambda _, __: iter(()), "unknown"
)

# Cancel, price

OUTBOX_ID: Final[Fields] = {"message_outbox_id": Field("message_outbox_id", is_natural)}
PRICED: Final[Fields] = {"number": LINE, "message": TEXT}


def cancel(call: Call) -> Reply:
    """Stop a scheduled bulk message and give its cost back, up to 5 minutes before its time (Cancel Scheduled)."""
    body = read_object(call)
    check(problems(body, OUTBOX_ID))
    bulk = find(call, cast("int", body["message_outbox_id"]))
    if state_of(call, bulk) != QUEUED or bulk.starts_at - call.now < NOTICE:
        check([("message_outbox_id", TOO_LATE)])
    bulk.cancelled_at = call.now
    call.account.credit += bulk.cost
    call.cancel(bulk.messages, AT_THE_OPERATOR)
    return done(None)


def calculate_price(call: Call) -> Reply:
    """What a text costs for one recipient, in Rials (Calculate SMS Price)."""
    body = read_object(call)
    check(problems(body, PRICED))
    text = str(body["message"])
    return done({"mci_price": price(text), "other_price": price(text), "parts": count_parts(text).parts})
