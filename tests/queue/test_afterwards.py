"""After a send: webhooks and polling in any order, what people answer, and forgetting."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, ClassVar

import pytest
from attrs import frozen
from recipients import numbers

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva, DeliveryReport
from sepahan_sms import AsyncSepahan
from smscore import AsyncFailover, Delivery, DeliveryStatus, InboundMessage, InvalidRequest, RecipientResult
from smscore.queue import Counts
from smscore.queue.store import reports
from smscore.queue.tracking import Tracking, fold
from smscore.sandbox import Sandbox

from .conftest import SENDERS, TEXT, Place, sent_to

New = Callable[..., Any]
SENT, DELIVERED, FAILED = DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.FAILED


async def sent(queue: Any, account: str = "shop", count: int = 5) -> Any:
    campaign = await queue.enqueue(account, numbers(count), TEXT)
    async with queue.worker(slots=1):
        await queue.wait(campaign, timeout=60)
    return campaign


def report(message_id: int, status: DeliveryStatus) -> DeliveryReport:
    return DeliveryReport(message_id, 1, status)


async def test_webhooks_come_to_their_messages_and_the_first_final_status_stays(
    place: Place, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncNajva))
    campaign = await sent(queue)
    ids = [result.message_id async for result in queue.results(campaign)]
    for message_id, status in [(ids[0], SENT), (ids[0], DELIVERED), (ids[0], FAILED), (ids[1], FAILED), (ids[2], SENT)]:
        await queue.record("shop", report(message_id, status))
    changes = await fold(queue._calls)
    assert [(change.message_id, change.status) for change in changes] == [
        (ids[0], DELIVERED),
        (ids[1], FAILED),
        (ids[2], SENT),
    ]
    found = [result.delivery async for result in queue.results(campaign)]
    assert found == [DELIVERED, FAILED, SENT, None, None]
    await queue.record("shop", report(ids[2], DELIVERED))
    await fold(queue._calls)
    counts = await queue.counts(campaign)
    assert (counts.delivered, counts.failed, counts.sent) == (2, 1, 0)


async def test_a_webhook_that_comes_before_the_answer_waits_for_it(place: Place, client: New, new_queue: New):
    queue = await new_queue(place, shop=client(AsyncNajva))
    first = await sent(queue)
    last = max([result.message_id async for result in queue.results(first)])
    await queue.record("shop", report(last + 1, DELIVERED))
    assert await fold(queue._calls) == []
    second = await sent(queue)
    await fold(queue._calls)
    assert [result.delivery async for result in queue.results(second)].count(DELIVERED) == 1


async def test_a_webhook_of_another_account_changes_nothing(sqlite_place: Place, client: New, new_queue: New):
    queue = await new_queue(sqlite_place, shop=client(AsyncNajva))
    campaign = await sent(queue)
    (first, *_) = [result.message_id async for result in queue.results(campaign)]
    await queue.record("codes", report(first, DELIVERED))
    assert await fold(queue._calls) == []
    with pytest.raises(InvalidRequest, match="no message id"):
        await queue.record("shop", report(None, DELIVERED))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [AsyncSepahan, AsyncNajva, AsyncIPPanel])
async def test_a_round_of_tracking_asks_for_what_is_due(
    kind: type[Any], place: Place, box: Sandbox, client: New, new_queue: New, monkeypatch: pytest.MonkeyPatch
):
    queue = await new_queue(place, shop=client(kind))
    campaign = await sent(queue)
    assert await queue.track("shop") == 0  # the first look is five seconds after the send
    await queue._calls.write(lambda store: store.run("UPDATE payamak_batch SET track_at = 0"))
    box.advance(3600)
    assert await queue.track("shop") == 5
    assert (await queue.counts(campaign)).delivered == 5
    await queue._calls.write(lambda store: store.run("UPDATE payamak_batch SET track_at = 0"))
    assert await queue.track("shop") == 0
    row = await queue._calls.read(lambda store: store.row("SELECT track_at FROM payamak_batch"))
    assert row == (None,)


async def test_that_there_is_no_such_message_is_believed_of_the_account_that_sent_it_alone(
    place: Place, new_queue: New, box: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NAJVA_TOKEN", "of-the-shop")
    queue = await new_queue(place, shop=AsyncNajva(sender=SENDERS[AsyncNajva], base_url=box.url("najva")))
    campaign = await sent(queue)

    async def deliveries(self: AsyncNajva, results: Sequence[RecipientResult]) -> list[Delivery]:
        return [Delivery(one.recipient, one.message_id, DeliveryStatus.NOT_FOUND) for one in results]

    monkeypatch.setattr(AsyncNajva, "deliveries", deliveries)
    for token, found in [("of-another-account", None), ("of-the-shop", DeliveryStatus.NOT_FOUND)]:
        monkeypatch.setenv("NAJVA_TOKEN", token)
        await queue._calls.write(lambda store: store.run("UPDATE payamak_batch SET track_at = 0"))
        await queue.track("shop")
        assert [result.delivery async for result in queue.results(campaign)] == [found] * 5


async def test_a_batch_that_could_not_be_asked_about_is_asked_about_later(
    sqlite_place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(sqlite_place, shop=client(AsyncSepahan))
    await sent(queue)
    await queue._calls.write(lambda store: store.run("UPDATE payamak_batch SET track_at = 0"))
    box.fail("refuse", provider="sepahan", code=-1, times=1)
    assert await queue.track("shop") == 0
    row = await queue._calls.read(lambda store: store.row("SELECT track_at FROM payamak_batch"))
    assert row[0] > 0


async def test_reports_of_unknown_ids_are_given_up_after_a_week(place: Place, client: New, new_queue: New):
    queue = await new_queue(place, shop=client(AsyncNajva))
    await queue.record("shop", report(1, DELIVERED))
    await fold(queue._calls)
    assert await queue._calls.write(reports.tidy) == []
    await queue._calls.write(lambda store: store.run("UPDATE payamak_report SET received_at = received_at - 604801"))
    (given_up,) = await queue._calls.write(reports.tidy)
    assert (given_up.key, given_up.account, given_up.message_id, given_up.status) == (None, "shop", 1, DELIVERED)
    assert await queue._calls.read(lambda store: store.rows("SELECT id FROM payamak_report")) == []


# Of several providers


async def sent_by_each(queue: Any, box: Sandbox) -> tuple[Any, Any]:
    """A campaign that Sepahan took and one that Najva took, to the same numbers and with the same message ids."""
    box.fail("no_credit", provider="najva", times=1)
    of_sepahan, of_najva = await sent(queue, "both"), await sent(queue, "both")
    assert [result.provider async for result in queue.results(of_sepahan)] == ["sepahan"] * 5
    assert [result.provider async for result in queue.results(of_najva)] == ["najva"] * 5
    await number_anew(queue)
    return of_sepahan, of_najva


async def number_anew(queue: Any) -> None:
    """Let each campaign's messages have the ids 1 to 5, as if its provider had just begun to count."""
    change = "UPDATE payamak_message SET message_id = id - batch_id * 1048576 + 1"
    await queue._calls.write(lambda store: store.run(change))


async def delivered(queue: Any, campaign: Any) -> list[DeliveryStatus | None]:
    return [result.delivery async for result in queue.results(campaign)]


async def test_a_webhook_means_the_messages_of_its_own_provider_alone(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, both=AsyncFailover(client(AsyncNajva), client(AsyncSepahan)))
    of_sepahan, of_najva = await sent_by_each(queue, box)
    await queue.record("both", report(5, DELIVERED))
    (change,) = await fold(queue._calls)
    assert (change.message_id, change.status, change.provider) == (5, DELIVERED, "najva")
    assert await delivered(queue, of_najva) == [None] * 4 + [DELIVERED]
    assert await delivered(queue, of_sepahan) == [None] * 5


@frozen
class Renamed:
    """A report by Najva's parser as a plugin makes it its own."""

    provider: ClassVar[str] = "sepahan"
    message_id: int
    code: int
    status: DeliveryStatus


async def test_a_report_of_a_plugin_that_uses_the_parser_of_another_provider_is_its_own(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, both=AsyncFailover(client(AsyncNajva), client(AsyncSepahan)))
    of_sepahan, of_najva = await sent_by_each(queue, box)
    found = report(5, DELIVERED)
    await queue.record("both", Renamed(found.message_id, found.code, found.status))
    await fold(queue._calls)
    assert await delivered(queue, of_najva) == [None] * 5
    assert await delivered(queue, of_sepahan) == [None] * 4 + [DELIVERED]


async def test_a_webhook_whose_id_only_another_provider_has_waits_for_its_own(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, both=AsyncFailover(client(AsyncNajva), client(AsyncSepahan)))
    box.fail("no_credit", provider="najva", times=1)
    of_sepahan = await sent(queue, "both")
    await number_anew(queue)
    await queue.record("both", report(5, FAILED))
    assert await fold(queue._calls) == []
    of_najva = await sent(queue, "both")
    await number_anew(queue)
    await queue._calls.write(reports.tidy)
    assert [change.provider for change in await fold(queue._calls)] == ["najva"]
    assert await delivered(queue, of_sepahan) == [None] * 5
    assert await delivered(queue, of_najva) == [None] * 4 + [FAILED]


@frozen
class Unnamed:
    """The report of a plugin's webhook that does not say whose it is."""

    message_id: int
    code: int
    status: DeliveryStatus


async def test_a_report_that_does_not_name_its_provider_may_be_of_any(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncNajva))
    campaign = await sent(queue)
    (first, *_) = [result.message_id async for result in queue.results(campaign)]
    await queue.record("shop", Unnamed(first, 1, DELIVERED))
    (change,) = await fold(queue._calls)
    assert (change.message_id, change.provider) == (first, "najva")


async def test_a_round_of_tracking_believes_each_provider_of_its_own_messages(
    place: Place, box: Sandbox, client: New, new_queue: New, monkeypatch: pytest.MonkeyPatch
):
    queue = await new_queue(place, both=AsyncFailover(client(AsyncNajva), client(AsyncSepahan)))
    of_sepahan, of_najva = await sent_by_each(queue, box)

    def all_are(status: DeliveryStatus) -> Callable[..., Any]:
        async def deliveries(_: Any, results: Sequence[RecipientResult]) -> list[Delivery]:
            return [Delivery(one.recipient, one.message_id, status) for one in results]

        return deliveries

    monkeypatch.setattr(AsyncNajva, "deliveries", all_are(FAILED))
    monkeypatch.setattr(AsyncSepahan, "deliveries", all_are(DELIVERED))
    await queue._calls.write(lambda store: store.run("UPDATE payamak_batch SET track_at = 0"))
    assert await queue.track("both") == 10
    assert await delivered(queue, of_sepahan) == [DELIVERED] * 5
    assert await delivered(queue, of_najva) == [FAILED] * 5


# Inbound


@pytest.mark.parametrize("kind", [AsyncSepahan, AsyncIPPanel])
async def test_what_people_send_is_stored_once_and_iterated(
    kind: type[Any], place: Place, box: Sandbox, client: New, new_queue: New
):
    provider = {AsyncSepahan: "sepahan", AsyncIPPanel: "ippanel"}[kind]
    queue = await new_queue(place, shop=client(kind))
    for text in ("لغو", "لغو", "سلام"):
        box.feed(provider, sender="09121234567", number=SENDERS[kind], text=text)
    assert await queue.receive("shop") == 3
    assert await queue.receive("shop") == 0
    box.feed(provider, sender="09121234567", number=SENDERS[kind], text="لغو")
    assert await queue.receive("shop") == 1
    found = [message async for message in queue.inbound("shop")]
    assert sorted(message.text for message in found) == ["سلام", "لغو", "لغو", "لغو"]
    assert [message.id async for message in queue.inbound("shop", after=found[2].id)] == [found[3].id]


@frozen
class Lines:
    """A client without message ids, whose next page marks the one before; it stops at a page, as a crash does."""

    pages: list[list[InboundMessage]]
    marked: list[int]
    stops_at: int | None = None
    capabilities: Any = frozenset({"ReceivesMessages"})

    async def _incoming_pages(self, *, after: int | None) -> AsyncGenerator[list[InboundMessage], None]:
        for number, page in enumerate(self.pages):
            if number in self.marked:
                continue
            yield page
            if number == self.stops_at:
                raise RuntimeError
            self.marked.append(number)


@pytest.mark.parametrize("stops_at", [0, 1, 2])
async def test_a_stop_between_two_pages_loses_and_repeats_nothing(
    stops_at: int, sqlite_place: Place, client: New, new_queue: New
):
    queue = await new_queue(sqlite_place, shop=client(AsyncSepahan))
    same = InboundMessage("50003300", "+989121234567", "1", dt.date(2026, 11, 26), {})
    pages, marked = [[same, same], [same], [same]], list[int]()
    with pytest.raises(RuntimeError):
        await receive(queue, Lines(pages, marked, stops_at))
    await receive(queue, Lines(pages, marked))
    assert len([message async for message in queue.inbound("shop")]) == 4


async def receive(queue: Any, lines: Lines) -> int:
    tracking: Any = Tracking(queue._calls, "shop", queue._senders["shop"], 1.0)
    return await tracking._receive(lines)


# Forgetting


async def test_pruning_forgets_people_and_keeps_counts_and_keys(
    place: Place, box: Sandbox, client: New, new_queue: New
):
    queue = await new_queue(place, shop=client(AsyncNajva, batch_size=2))
    campaign = await queue.enqueue("shop", [*numbers(5), "bad"], TEXT, key="one", skip_bad=True)
    async with queue.worker(slots=1):
        await queue.wait(campaign, timeout=60)
    assert await queue.prune(dt.timedelta(days=1)) == 0
    assert await queue.prune(dt.timedelta(0)) == 1
    assert await queue.prune(dt.timedelta(0)) == 0
    assert await queue.counts(campaign) == Counts(accepted=5, not_sent=1)
    assert [result async for result in queue.results(campaign)] == []
    for table, columns in [("message", "recipient"), ("batch", "payload, errors, hops"), ("campaign", "text, params")]:
        rows = await queue._calls.read(lambda store, t=table, c=columns: store.rows(f"SELECT {c} FROM payamak_{t}"))
        assert {value for row in rows for value in row} <= {None}
    again = await queue.enqueue("shop", [*numbers(5), "bad"], TEXT, key="one", skip_bad=True)
    assert again.id == campaign.id
    await queue.drain(0.2)
    assert set(sent_to(box).values()) == {1}


@pytest.mark.parametrize("older_than", [30, "90d", dt.timedelta(days=-1)])
async def test_an_age_that_is_no_timedelta_is_refused(
    older_than: object, sqlite_place: Place, client: New, new_queue: New
):
    queue = await new_queue(sqlite_place, shop=client(AsyncNajva))
    with pytest.raises(InvalidRequest, match="older_than must be"):
        await queue.prune(older_than)
