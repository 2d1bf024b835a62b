"""Every fault of a network and a server at a provider of a failover, judged by what the servers were asked to send.

Nobody is sent to twice, and nobody is left out whom a working provider could have served, unless that one's outcome is
unknown.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from typing import Any, Final

import faultserver as fs
import pytest
from attrs import frozen
from failovers import GOOD, LOST, NO_CONNECTION, NO_TOKEN, TOO_MANY, new_line
from faultserver import Books, Fault, FaultServer, Place
from network import Event

from ippanel_sms import AsyncIPPanel, IPPanel
from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import AsyncFailover, Failover, Outcome, RetryPolicy, SendReport, SMSError, Timeouts
from smscore.failover.decision import may_go_on

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome

TO: Final = ["09123456789", "09123456780"]
LARGE_BODIES: Final = (fs.EARLY_413, fs.EARLY_401, fs.EARLY_SUCCESS, fs.CONTINUE_EARLY)  # others here are small
FAULTS: Final = [
    fault
    for fault in [*vars(fs).values(), *fs.REDIRECTS, fs.hang_up_after(10), fs.reset_after(10)]
    if isinstance(fault, Fault) and fault not in LARGE_BODIES
]
LINES: Final = {
    "najva": (AsyncNajva, Najva, "90000123"),
    "sepahan": (AsyncSepahan, Sepahan, "50003300"),
    "ippanel": (AsyncIPPanel, IPPanel, "+983000505"),
}


async def through(
    places: Sequence[tuple[str, FaultServer | Place]], *, read: float = 60, blocking: bool = False
) -> SendReport:
    """The report of a send through these providers at these places."""
    options = {"retry": RetryPolicy.none(), "timeout": Timeouts(connect=60, read=read, total=120)}
    clients = [
        LINES[name][blocking]("token", sender=LINES[name][2], base_url=place.url, **options) for name, place in places
    ]

    def send_and_wait() -> SendReport:
        with Failover(*clients) as failover:
            return failover.send(TO, "سلام")

    if blocking:
        return await report_of(asyncio.to_thread(send_and_wait))
    async with AsyncFailover(*clients) as failover:
        return await report_of(failover.send(TO, "سلام"))


async def report_of(sending: Coroutine[Any, Any, SendReport]) -> SendReport:
    """The report of a send, also of one that raised."""
    try:
        return await sending
    except SMSError as error:
        report = error.report
    assert report is not None
    return report


def check(report: SendReport, books: dict[str, Books]) -> None:
    """What was said fits what every provider was asked to send."""
    sent = Counter(number for one in books.values() for _, number in one.charged.elements())
    assert all(count == 1 for count in sent.values())
    for name, one in books.items():
        assert one.contradictions(row for row in report if row.provider == name) == []


def check_nobody_was_left_out(report: SendReport) -> None:
    """Everybody was brought to the working provider at the end who could be."""
    assert not any(may_go_on(row.outcome, row.error) for row in report)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_fault_at_the_first_provider_before_a_good_one(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smscore.calls.transport.MAX_ANSWER_BYTES", 1_000_000)
    with ExitStack() as servers:
        runs = []
        for first, second in (("najva", "sepahan"), ("sepahan", "najva")):
            broken, good = servers.enter_context(FaultServer(fault)), servers.enter_context(FaultServer())
            read = 0.3 if fault.stalls else 60  # a busy machine is no failure
            runs.append(({first: broken, second: good}, through([(first, broken), (second, good)], read=read)))
        reports = await asyncio.gather(*(run for _, run in runs))
        for (places, _), report in zip(runs, reports, strict=True):
            broken, good = places.values()
            await broken.settled(1)
            check(report, {name: place.books for name, place in places.items()})
            check_nobody_was_left_out(report)
            if fault.retry_after is not None:
                assert {row.outcome for row in report} == {ACCEPTED}
                assert good.books.taken == len(TO)


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("fault", [fs.TOO_MANY, fs.FIN, fs.HTML_200, fs.ERROR_502, fs.REDIRECTS[0]], ids=str)
async def test_a_fault_between_a_provider_that_is_not_there_and_a_good_one(fault: Fault, blocking: bool) -> None:
    with fs.refusing_port() as nowhere, FaultServer(fault) as broken, FaultServer() as good:
        report = await through([("ippanel", nowhere), ("najva", broken), ("sepahan", good)], blocking=blocking)
        await broken.settled(1)
        check(report, {"najva": broken.books, "sepahan": good.books})
        check_nobody_was_left_out(report)
        assert all(row.earlier[0].provider == "ippanel" for row in report)


@pytest.mark.parametrize("place", [fs.no_such_host, fs.full_backlog, fs.silent_tls], ids=lambda place: place.__name__)
async def test_a_place_that_no_request_reaches_before_a_good_one(place: Any) -> None:
    with place() as nowhere, FaultServer() as good:
        client = AsyncNajva(
            "token", sender="9", base_url=nowhere.url, retry=RetryPolicy.none(), timeout=Timeouts(connect=0.2)
        )
        async with AsyncFailover(client, AsyncSepahan("token", sender="5000", base_url=good.url)) as failover:
            report = await failover.send(TO, "سلام")
        check(report, {"sepahan": good.books})
        assert (report.ok, good.books.taken) == (True, 2)


# All combinations, in memory


@frozen
class Way:
    """What happens to a provider's requests, and whether those whom they were for go on."""

    name: str
    event: Event
    goes_on: bool


WAYS: Final = [
    Way("good", GOOD, goes_on=False),
    Way("no connection", NO_CONNECTION, goes_on=True),
    Way("429", TOO_MANY, goes_on=True),
    Way("401", NO_TOKEN, goes_on=True),
    Way("no answer", LOST, goes_on=False),
    Way("400", Event("never", "400"), goes_on=False),
]
KINDS: Final = (AsyncNajva, AsyncSepahan, AsyncIPPanel)


@pytest.mark.parametrize("first", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize("streams", [False, True], ids=["send", "stream"])
async def test_three_providers_in_every_combination_of_ends(first: Way, streams: bool) -> None:
    for second, third in itertools.product(WAYS, repeat=2):
        ways = (first, second, third)
        line = new_line(*KINDS)
        line.script(*([way.event] * 10 for way in ways))
        numbers = [f"0912000{n:04}" for n in range(8)]
        if streams:
            rows = [row async for report in line.failover.send_stream(numbers, "سلام") for row in report]
        else:
            rows = [*await report_of(line.failover.send(numbers, "سلام"))]
        for network in line.networks:
            network.deliver_late()
        sent = Counter(number for network in line.networks for _, number in network.books.charged.elements())
        assert max(sent.values(), default=1) == 1, ways
        for kind, network in zip(KINDS, line.networks, strict=True):
            own = [row for row in rows if row.provider == kind.provider.name]
            assert network.books.contradictions(own) == [], ways
        # The first recipient meets each provider until one of them does not pass it on.
        last = next((way for way in ways if not way.goes_on), third)
        assert (rows[0].outcome is ACCEPTED) == (last.name == "good"), ways
        if last.name == "good":
            assert {row.outcome for row in rows} == {ACCEPTED}, ways
        # Three batches may be lost at a provider before its rest is for the next one; nobody else is lost.
        if third.name == "good":
            assert not any(may_go_on(row.outcome, row.error) for row in rows), ways
