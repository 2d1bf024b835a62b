"""One account's refusal or outage, while the failover's other accounts know where their messages are."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import attrs
import pytest
from status_servers import LOST, StatusServer, client_of, result
from virtual_time import Clock, virtual

from ippanel_sms import IPPanel
from najva_sms import Najva
from sepahan_sms import Sepahan
from smscore import (
    AsyncFailover,
    AuthenticationError,
    Delivery,
    DeliveryStatus,
    Failover,
    Polling,
    RetryPolicy,
)
from smscore.wire.endpoint import Answer, NoAnswer

A, B = "+989121234567", "+989121234568"
DELIVERED, SENT, QUEUED = DeliveryStatus.DELIVERED, DeliveryStatus.SENT, DeliveryStatus.QUEUED
SLOW = Polling(first=10, factor=2, longest=60)
SOON = Polling(first=0.01)
REFUSED = Answer(
    401,
    b'{"isSuccess": false, "value": null, "error": {"code": -1, "message": "", "details": []}, '
    b'"return": {"status": 401, "message": ""}, "meta": {"status": false}}',
)
FAILURES = [REFUSED, LOST, Answer(500, b""), Answer(429, b"", 0.0)]
KINDS = {"sepahan": Sepahan, "najva": Najva, "ippanel": IPPanel}
CODES = {"sepahan": 1, "najva": 10, "ippanel": 2}  # what stands for delivered
UNKNOWN_CODES = {"sepahan": -1, "najva": 100}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("smscore.clock.monotonic", lambda: clock.now)
    monkeypatch.setattr("smscore.clock.callers_time", lambda: clock.moment().timestamp())
    return clock


def failing(answer: Answer | NoAnswer = REFUSED) -> StatusServer:
    return StatusServer(lambda _: 1, fail=lambda asked: answer)


def knowing(provider: str, *known: int) -> StatusServer:
    """An account to which these messages belong, all delivered."""
    if provider == "ippanel":
        server = StatusServer(lambda _: 0, lambda bulk: [(A, 2), (B, 2)])
        server.fail = lambda asked: None if asked.ids[0] in known else Answer(404, b'{"meta": {"status": false}}')
        return server
    return StatusServer(lambda id_: CODES[provider] if id_ in known else UNKNOWN_CODES[provider])


def failover(*accounts: tuple[str, StatusServer]) -> AsyncFailover:
    return AsyncFailover(*(client_of(provider, server) for provider, server in accounts))


def blocking(*accounts: tuple[str, StatusServer]) -> Failover:
    clients = [KINDS[provider]("any token", retry=RetryPolicy.none()) for provider, _ in accounts]
    for client, (_, server) in zip(clients, accounts, strict=True):
        client._client._caller = attrs.evolve(client._client._caller, transport=server)  # type: ignore[attr-defined]
    return Failover(*clients)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


async def add_all(seen: list[Delivery], changes: AsyncIterator[Delivery]) -> None:
    async for one in changes:
        seen.append(one)  # noqa: PERF401  # what was seen before an error stays


# One look


@pytest.mark.parametrize("is_first", [True, False], ids=["the first fails", "the last fails"])
@pytest.mark.parametrize("answer", FAILURES, ids=str)
@pytest.mark.parametrize("provider", KINDS)
async def test_an_account_that_fails_costs_no_status_that_another_one_knows(
    provider: str, answer: Answer | NoAnswer, is_first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = [(provider, failing(answer)), (provider, knowing(provider, 1, 2))]
    found = await failover(*(accounts if is_first else accounts[::-1])).deliveries(
        [result(provider, 1, A), result(provider, 3, A), result(provider, 2, B)]
    )
    # Nobody can say whether the third is unknown: whoever fails may know it.
    assert [one.status for one in found] == [DELIVERED, None, DELIVERED]
    assert len(warnings(caplog)) == 1


async def test_a_provider_that_refuses_costs_no_status_of_another_provider(caplog: pytest.LogCaptureFixture) -> None:
    asked = failover(("najva", failing()), ("sepahan", knowing("sepahan", 2)))
    found = await asked.deliveries([result("najva", 1), result("sepahan", 2), result("sepahan", 3)])
    assert [one.status for one in found] == [None, DELIVERED, DeliveryStatus.NOT_FOUND]
    assert warnings(caplog) == [
        "najva: an account cannot be asked for delivery statuses (AuthenticationError); what only it knows has none"
    ]


@pytest.mark.parametrize("provider", KINDS)
async def test_a_refusal_is_raised_if_no_account_says_anything(provider: str) -> None:
    asked = failover((provider, failing()), (provider, knowing(provider)))
    with pytest.raises(AuthenticationError):
        await asked.deliveries([result(provider, 1, A)])


async def test_an_account_that_refused_is_not_asked_again_in_the_same_look() -> None:
    first, second = failing(), knowing("sepahan", *range(1, 2_001))
    found = await failover(("sepahan", first), ("sepahan", second)).deliveries(
        [result("sepahan", n) for n in range(1, 2_001)]
    )
    assert {one.status for one in found} == {DELIVERED}
    assert len(second.asked) == 20
    assert len(first.asked) <= 8  # those that are under way together


def test_the_blocking_face_keeps_what_the_other_account_knows() -> None:
    accounts = [("najva", failing()), ("najva", knowing("najva", 1))]
    with blocking(*accounts) as asked:
        found = asked.deliveries([result("najva", 1), result("najva", 2)])
        assert [one.status for one in found] == [DELIVERED, None]


# Following


@pytest.mark.parametrize("provider", KINDS)
def test_what_another_account_knows_is_followed_to_its_end_and_then_the_refusal_raised(provider: str, clock: Clock):
    @virtual
    async def run(clock: Clock) -> None:
        asked = failover((provider, failing()), (provider, knowing(provider, 1)))
        seen = list[Delivery]()
        with pytest.raises(AuthenticationError):
            await add_all(seen, asked.track([result(provider, 2, A), result(provider, 1, A)], polling=SLOW))
        assert [(one.message_id, one.status) for one in seen] == [(1, DELIVERED)]

    run(clock=clock)


@virtual
async def test_a_refusal_waits_until_the_other_providers_messages_are_final(clock: Clock) -> None:
    server = StatusServer(lambda _: 1 if clock.passed > 100 else 8)  # on its way for 100 seconds
    asked = failover(("najva", failing()), ("sepahan", server))
    seen = list[Delivery]()
    with pytest.raises(AuthenticationError):
        await add_all(seen, asked.track([result("najva", 1), result("sepahan", 2)], polling=SLOW))
    assert [one.status for one in seen] == [SENT, DELIVERED]
    assert clock.passed > 100


@virtual
async def test_waiting_gives_what_the_others_know(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    asked = failover(("najva", failing()), ("sepahan", knowing("sepahan", 2)))
    found = await asked.wait_delivered([result("najva", 1), result("sepahan", 2)], polling=SLOW)
    assert [one.status for one in found] == [None, DELIVERED]
    assert len(warnings(caplog)) == 1
    with pytest.raises(AuthenticationError):
        await asked.wait_delivered([result("najva", 1)], polling=SLOW)


@virtual
async def test_a_tracker_goes_on_while_an_account_answers(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    server = StatusServer(lambda id_: 100 if id_ == 1 else 10 if clock.passed > 2_000 else 1)
    asked = failover(("najva", failing()), ("najva", server))
    async with asked.tracker(polling=SLOW) as tracker:
        tracker.follow([result("najva", 1), result("najva", 2)])
        assert (await anext(tracker)).status is QUEUED
        tracker.follow([result("najva", 3)])
        assert [(await anext(tracker)).status for _ in range(3)] == [QUEUED, DELIVERED, DELIVERED]
    assert clock.passed > 2_000
    assert len(warnings(caplog)) == 1


@virtual
async def test_an_account_that_answers_again_is_believed_again(clock: Clock) -> None:
    first = StatusServer(lambda id_: 10 if id_ == 1 else 100)
    first.fail = lambda asked: LOST if asked.at < 200 else None
    asked = failover(("najva", first), ("najva", knowing("najva", 2)))
    found = await asked.wait_delivered([result("najva", 1), result("najva", 2), result("najva", 3)], polling=SLOW)
    assert [one.status for one in found] == [DELIVERED, DELIVERED, DeliveryStatus.NOT_FOUND]


def test_the_blocking_face_follows_what_the_other_account_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    accounts = [("najva", failing()), ("najva", knowing("najva", 1))]
    results = [result("najva", 2), result("najva", 1)]
    with blocking(*accounts) as asked:
        changes = asked.track(results, polling=SOON)
        assert next(changes).message_id == 1
        with pytest.raises(AuthenticationError):
            next(changes)
        assert [one.status for one in asked.wait_delivered(results, polling=SOON)] == [None, DELIVERED]
