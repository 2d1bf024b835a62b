"""One look at where messages are: what is asked, what comes back in which order, and what is refused."""

import datetime as dt
from typing import Any

import attrs
import pytest
from status_servers import LOST, StatusServer, client_of, result
from virtual_time import Clock

from najva_sms import Najva
from smscore import (
    AuthenticationError,
    ClientClosed,
    ConfigurationError,
    Delivery,
    DeliveryStatus,
    InvalidRequest,
    ResponseLost,
    SMSError,
)
from smscore.sandbox import Sandbox
from smscore.wire.endpoint import Answer

A, B = "+989121234567", "+989121234568"
NIGHT = dt.datetime(2025, 10, 9, 2, 0, tzinfo=dt.timezone(dt.timedelta(hours=3, minutes=30)))
DELIVERED, SENT = DeliveryStatus.DELIVERED, DeliveryStatus.SENT


def statuses(found: list[Delivery]) -> list[DeliveryStatus | None]:
    return [delivery.status for delivery in found]


@pytest.fixture
def night(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> dt.datetime:
    monkeypatch.setattr("smscore.clock.callers_time", NIGHT.timestamp)
    return NIGHT


async def test_a_delivery_has_all_that_is_known_of_a_message_in_the_order_given(clock: Clock):
    server = StatusServer(lambda id_: 10 if id_ == 2 else 4)
    results = [result("najva", 3, A, ref="x"), result("najva", None, B), result("najva", 2, B)]
    assert await client_of("najva", server).deliveries(results) == [
        Delivery(A, 3, SENT, 4, "words of 4", "x", "najva"),
        Delivery(B, None, None, None, None, None, "najva"),
        Delivery(B, 2, DELIVERED, 10, "words of 10", None, "najva"),
    ]


@pytest.mark.parametrize(("provider", "limit"), [("najva", 1_000), ("sepahan", 100)])
async def test_a_request_asks_about_as_many_as_the_provider_takes(provider: str, limit: int, clock: Clock):
    server = StatusServer(lambda id_: id_ % 2)
    count = 2 * limit + 1
    found = await client_of(provider, server).deliveries([result(provider, n) for n in range(1, count + 1)])
    assert sorted(len(asked.ids) for asked in server.asked) == [1, limit, limit]
    assert [(delivery.message_id, delivery.code) for delivery in found] == [(n, n % 2) for n in range(1, count + 1)]


@pytest.mark.parametrize("provider", ["najva", "sepahan"])
async def test_message_ids_alone_are_asked_about_too(provider: str, clock: Clock):
    server = StatusServer(lambda id_: 1)
    found = await client_of(provider, server).deliveries([5, 6])
    assert [(delivery.recipient, delivery.message_id, delivery.code) for delivery in found] == [
        (None, 5, 1),
        (None, 6, 1),
    ]
    assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["status"]


async def test_sepahan_is_asked_by_the_call_that_knows_a_message(night: dt.datetime):
    server = StatusServer(lambda id_: 1)
    results = [result("sepahan", 1, sent_at=night), result("sepahan", 2, sent_at=night - dt.timedelta(hours=24))]
    assert statuses(await client_of("sepahan", server).deliveries(results)) == [DELIVERED, DELIVERED]
    assert sorted((asked.path.rpartition("/")[2], asked.ids) for asked in server.asked) == [
        ("oldStatus", [2]),
        ("status", [1]),
    ]


async def test_a_message_of_before_yesterday_has_no_status_by_day_and_nobody_is_asked(clock: Clock):
    server = StatusServer(lambda id_: 1)
    old = result("sepahan", 2, sent_at=clock.moment() - dt.timedelta(hours=25))
    assert statuses(await client_of("sepahan", server).deliveries([old])) == [None]
    assert server.asked == []


async def test_a_provider_that_says_it_is_closed_at_this_hour_is_no_error(night: dt.datetime):
    refusal = b'{"isSuccess": false, "value": null, "error": {"code": -8, "message": "", "details": []}}'
    server = StatusServer(lambda id_: 1, fail=lambda asked: Answer(401, refusal))
    old = result("sepahan", 2, sent_at=night - dt.timedelta(hours=25))
    assert statuses(await client_of("sepahan", server).deliveries([old])) == [None]


async def test_ippanel_reads_the_pages_of_each_bulk_once_and_matches_by_number(clock: Clock):
    rows = {5: [(f"+98912000{n:04}", 1) for n in range(250)] + [(A, 2), (A, 3)], 6: [(B, 4)]}
    server = StatusServer(lambda id_: 0, rows_of=lambda bulk: rows[bulk])
    results = [
        result("ippanel", bulk, number) for bulk, number in ((5, A), (6, B), (5, B), (5, A), (5, "+989120000007"))
    ]
    found = await client_of("ippanel", server, max_concurrency=1).deliveries(results)
    assert [delivery.code for delivery in found] == [2, 4, None, 3, 1]
    assert [(asked.ids, asked.page) for asked in server.asked] == [([5], 1), ([5], 2), ([5], 3), ([6], 1)]


async def test_ippanel_has_no_rows_for_a_bulk_that_it_does_not_know(clock: Clock):
    missing = b'{"data": null, "meta": {"status": false, "message": "", "message_code": "400-1"}}'
    server = StatusServer(lambda id_: 0, fail=lambda asked: Answer(404, missing))
    assert statuses(await client_of("ippanel", server).deliveries([result("ippanel", 5)])) == [None]


@pytest.mark.parametrize(
    ("provider", "results"),
    [
        ("najva", [result("sepahan", 5)]),
        ("najva", [result("najva", 5), result("ippanel", 5)]),
        ("ippanel", [5]),
        ("najva", 5),
        ("najva", "5"),
        ("najva", [2**70]),
        ("najva", [1.5]),
        ("najva", [result("najva", 5), 6]),
        ("najva", None),
    ],
)
async def test_what_cannot_be_asked_about_is_refused_before_any_request(provider: str, results: Any, clock: Clock):
    server = StatusServer(lambda id_: 1)
    with pytest.raises(InvalidRequest) as caught:
        await client_of(provider, server).deliveries(results)
    assert server.asked == []
    assert caught.value.outcome is None
    assert "98912" not in str(caught.value)


@pytest.mark.parametrize("results", [[], (), iter([]), {}])
async def test_nothing_is_asked_about_nobody(results: Any, clock: Clock):
    server = StatusServer(lambda id_: 1)
    assert await client_of("najva", server).deliveries(results) == []
    assert server.asked == []


@pytest.mark.parametrize(("answer", "error"), [(LOST, ResponseLost), (Answer(401, b"{}"), AuthenticationError)])
async def test_a_failure_is_raised_and_has_no_outcome(answer: Any, error: type[SMSError], clock: Clock):
    server = StatusServer(lambda id_: 1, fail=lambda asked: answer)
    with pytest.raises(error) as caught:
        await client_of("najva", server).deliveries([5])
    assert caught.value.outcome is None


async def test_a_closed_client_and_a_missing_token_are_told_before_any_request(clock: Clock):
    server = StatusServer(lambda id_: 1)
    client = client_of("najva", server)
    bare = attrs.evolve(client._account, token=None)
    client._account, given = bare, client._account
    with pytest.raises(ConfigurationError):
        await client.deliveries([5])
    client._account, server.is_closed = given, True
    with pytest.raises(ClientClosed):
        await client.deliveries([5])


async def test_an_unlisted_code_is_unrecognized(clock: Clock):
    (found,) = await client_of("najva", StatusServer(lambda id_: 77)).deliveries([5])
    assert (found.status, found.code) == (DeliveryStatus.UNRECOGNIZED, 77)


def test_a_delivery_shows_no_number_no_words_and_no_ref():
    shown = repr(Delivery(A, 5, SENT, 4, "words of 09121234567", "a ref", "najva"))
    assert shown == (
        "Delivery(recipient=+98912***567, message_id=5, status=<DeliveryStatus.SENT: 'sent'>, code=4, provider='najva')"
    )


def test_a_report_and_its_results_give_the_same_as_the_blocking_client_sees_it():
    with Sandbox() as box, Najva("any", sender="90000123", base_url=box.url("najva")) as najva:
        report = najva.send([A, B, A], "سلام")
        box.advance(60)
        found = najva.deliveries(report)
        assert statuses(found) == [DELIVERED] * 3
        assert [delivery.recipient for delivery in found] == [A, B, A]
        assert najva.deliveries(list(report)) == najva.deliveries(iter(report)) == found
        assert najva.deliveries(report[1:]) == found[1:]
