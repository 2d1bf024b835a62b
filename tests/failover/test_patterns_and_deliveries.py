"""A failover in front of the sandbox: patterns at each provider, and what becomes of the messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva, DeliveryReport
from sepahan_sms import AsyncSepahan
from smscore import (
    Approved,
    AsyncFailover,
    DeliveryStatus,
    InvalidRequest,
    Outcome,
    Pattern,
    Polling,
    RecipientResult,
    RetryPolicy,
)
from smscore.sandbox import Sandbox

TO: Final = [f"0912000{n:04}" for n in range(3)]
SOON: Final = Polling(first=0.01)
LOGIN: Final = Pattern(ippanel=Approved("otp"), najva=Approved("login", {"code": "token"}), sepahan="کد شما {code}")


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


def client(box: Sandbox, kind: Any, sender: str, token: str = "token") -> Any:
    return kind(token, sender=sender, base_url=box.url(kind.provider.name), retry=RetryPolicy.none())


@pytest.fixture
async def failover(box: Sandbox) -> AsyncIterator[AsyncFailover]:
    async with AsyncFailover(
        client(box, AsyncNajva, "90000123"),
        client(box, AsyncSepahan, "50003300"),
        client(box, AsyncIPPanel, "+983000505"),
    ) as made:
        yield made


async def test_each_provider_sends_its_own_form_of_a_pattern(box: Sandbox, failover: AsyncFailover) -> None:
    for gone in ([], ["najva"], ["najva", "sepahan"]):
        for provider in gone:
            box.fail("no_credit", provider=provider, times=1)
        assert (await failover.send_pattern(TO[0], LOGIN, {"code": "04521"})).ok
    assert [message.provider for message in box.messages] == ["najva", "sepahan", "ippanel"]
    assert box.messages[1].text == "کد شما 04521"
    assert all("04521" in message.text for message in box.messages)


async def test_a_provider_that_a_pattern_does_not_name_is_passed_over(box: Sandbox, failover: AsyncFailover) -> None:
    report = await failover.send_pattern(TO[0], Pattern(ippanel=Approved("otp")), {"code": "04521"})
    assert (report[0].provider, report[0].earlier) == ("ippanel", ())
    assert [message.provider for message in box.messages] == ["ippanel"]


async def test_deliveries_are_asked_of_whoever_took_each_message(box: Sandbox, failover: AsyncFailover) -> None:
    reports = []
    for gone in ([], ["najva"], ["najva", "sepahan"]):
        for provider in gone:
            box.fail("no_credit", provider=provider, times=1)
        reports.append(await failover.send(TO, "سلام"))
    box.advance(60)
    results = [report[place] for place in range(3) for report in reports]
    found = await failover.deliveries(results)
    assert [one.provider for one in found] == ["najva", "sepahan", "ippanel"] * 3
    assert [one.recipient for one in found] == [result.recipient for result in results]
    assert {one.status for one in found} == {DeliveryStatus.DELIVERED}
    assert [one.status for one in await failover.deliveries(reports[1])] == [DeliveryStatus.DELIVERED] * 3
    assert [one.status async for one in failover.track(reports[2], timeout=5, polling=SOON)] == [
        DeliveryStatus.DELIVERED
    ] * 3
    assert len(await failover.wait_delivered(results, timeout=5, polling=SOON)) == 9
    async with failover.tracker(polling=SOON) as tracker:
        tracker.follow(results)
        assert {(await anext(tracker)).status for _ in range(9)} == {DeliveryStatus.DELIVERED}


async def test_a_tracker_takes_a_webhook_for_messages_of_its_own_provider_alone(failover: AsyncFailover) -> None:
    same_id = {"sepahan": "+989120000000", "najva": "+989120000001"}
    results = [RecipientResult(to, Outcome.ACCEPTED, 5, provider=name) for name, to in same_id.items()]
    async with failover.tracker(polling=Polling(first=3600, longest=3600)) as tracker:
        tracker.record(DeliveryReport(5, 10, DeliveryStatus.DELIVERED))
        tracker.follow(results)
        tracker.record(DeliveryReport(5, 10, DeliveryStatus.DELIVERED))
        assert [(one.provider, one.recipient) for one in await tracker.next_ones(10)] == [("najva", "+989120000001")]


async def test_results_of_others_and_bare_ids_cannot_be_asked_about(box: Sandbox, failover: AsyncFailover) -> None:
    report = await failover.send(TO, "سلام")
    async with AsyncFailover(client(box, AsyncSepahan, "50003300")) as other:
        with pytest.raises(InvalidRequest, match="is of najva"):
            await other.deliveries(report)
    with pytest.raises(InvalidRequest, match="several providers"):
        await failover.deliveries(report.message_ids)


async def test_a_message_of_the_second_account_of_a_provider_is_found_there(box: Sandbox) -> None:
    for kind, sender in ((AsyncNajva, "90000123"), (AsyncSepahan, "50003300"), (AsyncIPPanel, "+983000505")):
        first, second = (client(box, kind, sender, token) for token in ("token", "another"))
        async with AsyncFailover(first, second) as failover:
            here = await failover.send(TO[:2], "سلام")
            box.fail("no_credit", provider=kind.provider.name, times=1)
            there = await failover.send(TO[2], "سلام")
            assert len(there[0].earlier) == 1
            box.advance(60)
            found = await failover.deliveries([*here, *there])
            assert [one.status for one in found] == [DeliveryStatus.DELIVERED] * 3, kind
