"""The account: its credit, its lines, and whose token it is (documents: My Credit, List Numbers, Check Token)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from attrs import define

from ippanel_sms.sandbox.envelope import Json, check, done, plain
from ippanel_sms.sandbox.fields import problems, query_of
from ippanel_sms.sandbox.outbox import Bulk, Outbox
from ippanel_sms.sandbox.paging import PAGED_QUERY, page, page_of
from smscore.sandbox import Call, Reply

__all__ = ["NUMBERS", "check_token", "credit", "numbers"]

NUMBERS: Final = "/api/number/numbers"
LINES: Final = ("+983000505", "+981000123", "+98BANK")  # those of the documents' samples; any other line sends too
FIRST_LINE_ID: Final = 10001


@define(repr=False)
class User:
    """The id of the account's user, given when it is first asked for."""

    user_id: int | None = None


def credit(call: Call) -> Reply:
    """What is left, in Rials, and what was left at the last midnight (UTC)."""
    today = day_of(call.now)
    change = sum(change_on(today, bulk) for bulk in call.own(Outbox).bulks.values())
    return plain(
        {
            "credit": float(call.account.credit),
            "yesterday_credit": float(call.account.credit - change),
            "gift": 0,
            "gift_expires_at": None,
            "updated_at": f"{datetime.fromtimestamp(call.now, UTC):%Y-%m-%d %H:%M:%S}",
        }
    )


def change_on(day: date, bulk: Bulk) -> int:
    """What a bulk message took from the credit on a day, or gave back to it."""
    charged = day_of(bulk.created_at) == day
    paid_back = bulk.cancelled_at is not None and day_of(bulk.cancelled_at) == day
    return bulk.cost * (paid_back - charged)


def day_of(seconds: float) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def numbers(call: Call) -> Reply:
    """The account's lines, by pages."""
    query = query_of(call)
    check(problems(query, PAGED_QUERY))
    return page(NUMBERS, list(enumerate(LINES, 1)), line_row, *page_of(query))


def line_row(row: tuple[int, str]) -> Json:
    place, line = row
    return {"id": FIRST_LINE_ID + place - 1, "number": line, "operator_id": place}


def check_token(call: Call) -> Reply:
    """Whose token it is: each token has an account, and each account a user."""
    user = call.own(User)
    if user.user_id is None:
        user.user_id = call.next_id()
    return done({"user_name": f"sandbox{user.user_id}", "user_id": user.user_id, "send_block": False})
