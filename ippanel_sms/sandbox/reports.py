"""What became of the bulk messages, and what came in (documents: Report)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define, field, frozen

from ippanel_sms.sandbox.envelope import Json, check, done, error, plain
from ippanel_sms.sandbox.fields import (
    Check,
    Field,
    Fields,
    is_natural,
    is_numeral,
    is_text,
    members,
    problems,
    query_of,
    read_object,
)
from ippanel_sms.sandbox.outbox import FINISHED, STATES, Bulk, Outbox, find, state_of
from ippanel_sms.sandbox.paging import PAGED_QUERY, page, page_of, paged_body
from smscore import count_parts
from smscore.sandbox import Call, CallRefused, Inbound, Outbound, Reply

__all__ = [
    "INBOX",
    "LIST",
    "ONE",
    "RECIPIENTS",
    "STATISTICS",
    "bulk_stats",
    "by_bulk",
    "inbox",
    "new_list",
    "recipients",
]

ONE: Final = "/api/report/by_bulk"
LIST: Final = "/api/report/new_list"
RECIPIENTS: Final = "/api/report/recipients"
STATISTICS: Final = "/api/report/bulk_stats"
INBOX: Final = "/api/report/messages-inbox"

NO_SUCH_STATE: Final = error(422, "400-31", "invalid state")

OUTBOX_ID: Final[Fields] = {"messages_outbox_id": Field("messages_outbox_id", is_numeral)}
BULK_ID: Final[Fields] = {"bulk_id": Field("bulk_id", is_numeral)}

# Bulk messages


def by_bulk(call: Call) -> Reply:
    """One bulk message of the account (Get Outbox Report By ID)."""
    check(problems(query_of(call), OUTBOX_ID))
    return plain(bulk_row(call, find(call, int(call.query["messages_outbox_id"]))))


def bulk_row(call: Call, bulk: Bulk) -> Json:
    state_id = state_of(call, bulk)
    state, status = STATES[state_id]
    return {
        "number": bulk.sender,
        "messages_outbox_id": str(bulk.bulk_id),
        "state": state,
        "type": bulk.kind,
        "time_send": str(int(bulk.starts_at)),
        "time": str(int(bulk.created_at)),
        "rcpts_count": str(len(bulk.messages)),
        "exit_count": str(exit_count(call, bulk)),
        "status": status,
        "message": bulk.text,
        "part": str(count_parts(bulk.text).parts),
        "cost": bulk.cost,
        "state_id": state_id,
    }


def exit_count(call: Call, bulk: Bulk) -> int:
    return len(bulk.messages) if state_of(call, bulk) == FINISHED else 0


def created(_: Call, bulk: Bulk) -> int:
    return int(bulk.created_at)


def starts(_: Call, bulk: Bulk) -> int:
    return int(bulk.starts_at)


@frozen
class Filter:
    """A member of ``filters``: its type, how it is read, and how it is compared with a bulk's value."""

    fits: Check
    read: Callable[[Any], Any]
    own: Callable[[Call, Bulk], Any]
    relation: Callable[[Any, Any], bool]


FILTERS: Final[Mapping[str, Filter]] = {
    "number": Filter(is_text, str, lambda _, bulk: bulk.sender, operator.eq),
    "messages_outbox_id": Filter(is_numeral, int, lambda _, bulk: bulk.bulk_id, operator.eq),
    "create_from_date": Filter(is_numeral, int, created, operator.ge),
    "create_to_date": Filter(is_numeral, int, created, operator.le),
    "send_from_date": Filter(is_numeral, int, starts, operator.ge),
    "send_to_date": Filter(is_numeral, int, starts, operator.le),
    "from_exit_count": Filter(is_natural, int, exit_count, operator.ge),
    "to_exit_count": Filter(is_natural, int, exit_count, operator.le),
    "message": Filter(is_text, str, lambda _, bulk: bulk.text, operator.contains),
    "state_id": Filter(is_numeral, int, state_of, operator.eq),
}
FILTER_FIELDS: Final[Fields] = {name: Field(name, one.fits, required=False) for name, one in FILTERS.items()}


def new_list(call: Call) -> Reply:
    """The account's bulk messages, newest first, by pages and filters; dates are unix seconds (Get Outbox Report)."""
    body = read_object(call)
    filters = members(body.get("filters"))
    check([*problems(body, paged_body("limit")), *problems(filters, FILTER_FIELDS, "filters.")])
    wanted = [(one, one.read(filters[name])) for name, one in FILTERS.items() if name in filters]
    if int(str(filters.get("state_id") or 0)) not in STATES:
        raise CallRefused(NO_SUCH_STATE)
    found = [
        bulk
        for bulk in reversed(call.own(Outbox).bulks.values())
        if all(one.relation(one.own(call, bulk), value) for one, value in wanted)
    ]
    return page(LIST, found, lambda bulk: bulk_row(call, bulk), *page_of(body, "limit"))


# One bulk message's recipients


def recipients(call: Call) -> Reply:
    """The recipients of a bulk message with the status of each, in the order they were given (Bulk Recipients)."""
    query = query_of(call)
    check(problems(query, BULK_ID | PAGED_QUERY))
    bulk = find(call, int(call.query["bulk_id"]))
    return page(RECIPIENTS, bulk.messages, lambda message: recipient_row(call, message), *page_of(query))


def recipient_row(call: Call, message: Outbound) -> Json:
    return {
        "recipient": message.recipient,
        "message": message.text,
        "is_readable": True,
        "msg_parts": str(count_parts(message.text).parts),
        "message_status": str(call.code(message)),
    }


# Whose numbers begin so. Numbers of other operators are in no statistic: the documents have none for them.
OPERATORS: Final[Mapping[str, re.Pattern[str]]] = {
    "irancell": re.compile(r"\+98(?:90[0-5]|93[03,5-9]|941)"),
    "mci": re.compile(r"\+98(?:91|99[0-6])"),
}
STATISTIC_OF: Final[Mapping[int, str]] = {
    0: "operators_pending",
    1: "operators_sent",
    2: "operators_delivered",
    3: "operators_failed",
    4: "operators_blacklist",
}


def bulk_stats(call: Call) -> Reply:
    """The recipients of a bulk message counted by status, operator and language (Get Bulk Stats)."""
    check(problems(query_of(call), BULK_ID))
    bulk = find(call, int(call.query["bulk_id"]))
    language = "en" if bulk.text.isascii() else "fa"
    counts = {name: {operator: {"en": 0, "fa": 0} for operator in OPERATORS} for name in STATISTIC_OF.values()}
    for message in bulk.messages:
        for name, begins in OPERATORS.items():
            if begins.match(message.recipient):
                counts[STATISTIC_OF[call.code(message)]][name][language] += 1
    return done({name: {each: in_sample(of) for each, of in counts[name].items()} for name in counts})


def in_sample(counts: Mapping[str, int]) -> Json:
    """As in the document's sample: a nought is a number, any other count a text."""
    return {language: str(count) if count else 0 for language, count in counts.items()}


# Inbox


@define(repr=False)
class Inbox:
    """The ids that an account knows the incoming messages by, oldest first."""

    ids: dict[Inbound, int] = field(factory=dict[Inbound, int])


FROM_ID: Final[Fields] = {"from_id": Field("from_id", is_natural, required=False)}
LOCAL: Final = re.compile(r"0?([1-9][0-9]*)")


def inbox(call: Call) -> Reply:
    """What came in, newest first, by pages; with ``from_id`` only what came after it (Get Inbox Report)."""
    body = read_object(call)
    filters = members(body.get("filters"))
    check([*problems(body, paged_body("per_page")), *problems(filters, FROM_ID, "filters.")])
    after = int(str(filters.get("from_id") or 0))
    found = [(given, inbound) for inbound, given in inbox_ids(call).items() if given > after]
    return page(INBOX, found[::-1], inbound_row, *page_of(body))


def inbox_ids(call: Call) -> dict[Inbound, int]:
    """The id of everything that has come in, as this account knows it."""
    memory = call.own(Inbox)
    memory.ids = {inbound: memory.ids.get(inbound) or call.next_id() for inbound in call.inbox}
    return memory.ids


def inbound_row(row: tuple[int, Inbound]) -> Json:
    given, inbound = row
    return {
        "messages_inbox_id": given,
        "from": in_e164(inbound.sender),
        "number": in_e164(inbound.number),
        "message": inbound.text,
        "type": "normal",
        "time": int(inbound.received_at),
        "seen": "0",
    }


def in_e164(number: str) -> str:
    """A number as IPPanel writes it, however ``Sandbox.feed`` was given it."""
    match = LOCAL.fullmatch(number)
    return f"+98{match[1]}" if match else number
