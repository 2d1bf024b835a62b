"""The calls that make the recorded requests of IPPanel's document."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from ippanel_sms import CountrySegment, Gender, PostalCodeSegment, Slice

BULK_ID = 1123594301
OTHERS = ["+989120000000", "+989350000000"]


def moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def postal_segment(code: int) -> PostalCodeSegment:
    return PostalCodeSegment(code, age_from=1330, age_to=1402, mci=Slice(0, 1))


CALLS: Final[dict[str, Any]] = {
    "send": lambda client: client.send(
        OTHERS, "متن پیام", sender="+983000505", send_time=dt.datetime(2025, 3, 12, 21, 20, 2, tzinfo=dt.UTC)
    ),
    "send_country": lambda client: client.send_country(
        CountrySegment(
            938,
            89,
            212,
            82,
            age_to=1401,
            gender=Gender.ALL,
            mci=Slice(10, 100),
            irancell=Slice(1, 2),
            other=Slice(2, 3),
        ),
        "تست",
        sender="+98BANK",
        other_recipients=["+989121111111", "+989351111111"],
    ),
    "send_postal_code": lambda client: client.send_postal_code(
        [postal_segment(131), postal_segment(141)],
        "متن پیام",
        sender="+98BANK",
        other_recipients=OTHERS,
        send_time=dt.datetime(2025, 2, 28, 10, 52, 2, tzinfo=dt.UTC),
    ),
    "send_p2p": lambda client: client.send_p2p(
        [(OTHERS[0], "پیام یک"), ("+989360000000", "پیام دو"), (OTHERS[1], "پیام یک")],
        sender="+983000505",
        send_time=dt.datetime(2025, 3, 12, 21, 20, 2, tzinfo=dt.UTC),
    ),
    "send_pattern": lambda client: client.send_pattern(OTHERS[0], "a1b2c3", {"code": "45852"}),
    "send_votp": lambda client: client.send_votp(OTHERS[0], "45852"),
    "cancel": lambda client: client.cancel(BULK_ID),
    "price": lambda client: client.price("تست"),
    "credit": lambda client: client.credit(),
    "outbox": lambda client: client.outbox(
        message_id=BULK_ID,
        sender="+983000505",
        text="پیام",
        state=6,
        created_since=moment(1744102007),
        created_until=moment(1744188407),
        send_since=moment(1744102008),
        send_until=moment(1744188408),
    ),
    "outbox_message": lambda client: client.outbox_message(BULK_ID),
    "recipients": lambda client: client.recipients(BULK_ID),
    "stats": lambda client: client.stats(BULK_ID),
    "inbox": lambda client: client.inbox(after_id=121),
    "provinces": lambda client: client.provinces(),
    "counties": lambda client: client.counties(89),
    "cities": lambda client: client.cities(212),
    "count": lambda client: client.count(
        CountrySegment(938, 89, 212, 82, age_to=1401, gender=Gender.MALE, mci=Slice(0, 1))
    ),
    "lines": lambda client: client.lines(),
    "account": lambda client: client.account(),
}
