"""The bulk messages of an account: how they are accepted, and what state they are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, field, frozen

from ippanel_sms.sandbox.envelope import error, invalid
from smscore import count_parts
from smscore.sandbox import Call, CallRefused, Outbound

__all__ = ["PRICE", "STATES", "Bulk", "Draft", "Outbox", "accept", "find", "price", "state_of"]

PRICE: Final = 1064  # Rials a part; the documents name no price
KEPT: Final = 100_000  # messages whose bulks an account can still ask for

NO_CREDIT: Final = "اعتبار حساب شما کافی نیست"  # the documents have no words for this one
NOT_FOUND: Final = "پیام مورد نظر یافت نشد"

QUEUED: Final = 5
SENDING: Final = 2
FINISHED: Final = 6
CANCELLED: Final = 7

# ``state`` and ``status`` of a bulk message. The documents have them only for 6.
STATES: Final[Mapping[int, tuple[str, str]]] = {
    0: ("create", "در حال ایجاد"),
    1: ("monitoring", "در صف بررسی"),
    2: ("sending", "در حال ارسال"),
    3: ("reject", "رد شده در بررسی"),
    4: ("invalid", "گیرندگان نامعتبر"),
    5: ("queue", "در صف ارسال"),
    6: ("finish", "پایان یافته"),
    7: ("cancel", "لغو شده"),
    8: ("credit", "اعتبار ناکافی"),
    9: ("error", "خطای سیستم"),
}

AT_THE_OPERATOR: Final = 0  # a recipient's status until the operator has the message


@frozen(repr=False)
class Draft:
    """A bulk message not accepted yet."""

    sender: str
    text: str
    recipients: Iterable[str]


@define(repr=False, eq=False)
class Bulk:
    """One bulk message. ``kind`` is its type in the reports, times are seconds since the epoch."""

    bulk_id: int
    kind: str
    sender: str
    text: str
    created_at: float
    starts_at: float
    messages: list[Outbound]
    cancelled_at: float | None = None

    @property
    def cost(self) -> int:
        """What all of it costs, in Rials."""
        return price(self.text) * len(self.messages)


@define(repr=False)
class Outbox:
    """What an account sent, oldest first. The oldest bulks go when there are too many messages."""

    bulks: dict[int, Bulk] = field(factory=dict[int, Bulk])
    size: int = 0

    def keep(self, bulk: Bulk) -> None:
        """Remember a bulk message as the newest."""
        self.bulks[bulk.bulk_id] = bulk
        self.size += max(1, len(bulk.messages))
        while self.size > KEPT and len(self.bulks) > 1:
            oldest = self.bulks.pop(next(iter(self.bulks)))
            self.size -= max(1, len(oldest.messages))


def price(text: str) -> int:
    """What a text costs for one recipient, in Rials."""
    return PRICE * count_parts(text).parts


def accept(call: Call, kind: str, drafts: Iterable[Draft], starts_at: float) -> list[int]:
    """Send every draft, or refuse them all where the credit is too low; the ids, in order."""
    bulks = [bulk_of(call, kind, draft, starts_at) for draft in drafts]
    if not call.accept([message for bulk in bulks for message in bulk.messages]):
        raise CallRefused(invalid({"credit": NO_CREDIT}))
    for bulk in bulks:
        call.own(Outbox).keep(bulk)
    return [bulk.bulk_id for bulk in bulks]


def bulk_of(call: Call, kind: str, draft: Draft, starts_at: float) -> Bulk:
    bulk_id, cost = call.next_id(), price(draft.text)
    messages = [
        call.message(to, draft.sender, draft.text, cost, message_id=bulk_id, starts_at=starts_at)
        for to in draft.recipients
    ]
    return Bulk(bulk_id, kind, draft.sender, draft.text, call.now, starts_at, messages)


def find(call: Call, bulk_id: int) -> Bulk:
    """The account's bulk message of this id, or HTTP 404."""
    bulk = call.own(Outbox).bulks.get(bulk_id)
    if bulk is None:
        raise CallRefused(error(404, "400-1", NOT_FOUND))
    return bulk


def state_of(call: Call, bulk: Bulk) -> int:
    """The ``state_id`` of a bulk message at the time of this call. Its review takes no time here."""
    if bulk.cancelled_at is not None:
        return CANCELLED
    if call.now < bulk.starts_at:
        return QUEUED
    # All of a bulk's recipients move together: one id, one status.
    waiting = any(call.code(message) == AT_THE_OPERATOR for message in bulk.messages[:1])
    return SENDING if waiting else FINISHED
