"""A provider that fails three times in a row is passed over for a while, by all calls of the failover."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest
from failovers import GOOD, LOST, NO_CONNECTION, NO_TOKEN, TOO_MANY, Line, new_line
from network import Event

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import ClientClosed, ConfigurationError, ConnectionFailed, NotAttempted, Outcome, OutcomeUnknown, SMSError

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome
TO: Final = [f"0912000{n:04}" for n in range(10)]


async def codes(line: Line, count: int) -> None:
    """One-time codes, whatever becomes of them."""
    for _ in range(count):
        try:
            await line.failover.send(TO[0], "سلام")
        except OutcomeUnknown:
            continue


@pytest.mark.parametrize("failure", [NO_CONNECTION, TOO_MANY, LOST])
async def test_after_three_failures_in_a_row_the_next_calls_pass_it_over(failure: Event, moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([failure] * 10)
    await codes(line, 5)
    assert line.requests[0] == 3
    report = await line.failover.send(TO[0], "سلام")
    assert (report[0].provider, report[0].earlier) == ("sepahan", ())


@pytest.mark.parametrize("between", [GOOD, NO_TOKEN, Event("never", "400")])
async def test_any_answer_starts_the_count_anew(between: Event, moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([NO_CONNECTION, NO_CONNECTION, between, NO_CONNECTION, NO_CONNECTION])
    for _ in range(5):
        await asyncio.gather(line.failover.send(TO[0], "سلام"), return_exceptions=True)
    assert line.requests[0] == 5


async def test_after_its_rest_one_batch_finds_out_whether_it_works_again(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan, rest=30)
    line.script([NO_CONNECTION] * 4)
    await codes(line, 4)
    moments.now += 30
    report = await line.failover.send(TO, "سلام")  # in batches of two: one of them at the first provider
    assert (report.ok, line.requests[0], line.taken) == (True, 4, [0, 14])
    assert [len(result.earlier) for result in report] == [1] * 2 + [0] * 8
    moments.now += 29
    await codes(line, 1)
    assert line.requests[0] == 4
    moments.now += 1
    assert (await line.failover.send(TO, "سلام")).ok
    assert (line.requests[0], line.taken[0]) == (9, 10)


async def test_while_a_batch_is_on_trial_other_calls_pass_the_provider_over(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([NO_CONNECTION] * 3)
    await codes(line, 3)
    moments.now += 30
    line.script([Event("now", "the answer", turns=20)])
    reports = await asyncio.gather(*(line.failover.send(number, "سلام") for number in TO))
    assert sorted(report[0].provider for report in reports) == ["najva"] + ["sepahan"] * 9
    assert (await line.failover.send(TO[0], "سلام"))[0].provider == "najva"


async def test_a_cancelled_trial_lets_another_one_begin(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([NO_CONNECTION] * 3)
    await codes(line, 3)
    moments.now += 30
    line.script([Event("now", "the answer", turns=1_000)])
    trial = asyncio.create_task(line.failover.send(TO[0], "سلام"))
    while line.requests[0] < 4:  # noqa: ASYNC110  # the network only counts
        await asyncio.sleep(0)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    assert (await line.failover.send(TO[0], "سلام"))[0].provider == "najva"


async def test_where_all_rest_the_one_whose_rest_ends_first_is_tried(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([NO_CONNECTION] * 3, [NO_CONNECTION] * 3)
    line.failover._members[1].health.note(failed=True, now=990)
    line.failover._members[1].health.note(failed=True, now=990)
    line.failover._members[1].health.note(failed=True, now=990)
    for _ in range(3):
        with pytest.raises(ConnectionFailed):
            await line.failover.send(TO[0], "سلام")
    line.script([], [])
    before = line.requests
    assert (await line.failover.send(TO[0], "سلام"))[0].provider == "sepahan"
    assert line.requests == [before[0], before[1] + 1]


async def test_nobody_is_left_out_whom_a_resting_provider_could_have_served(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([NO_CONNECTION] * 3)
    await codes(line, 3)
    line.script([], [NO_TOKEN])
    report = await line.failover.send(TO[0], "سلام")
    assert (report.ok, report[0].provider, [error.provider for error in report[0].earlier]) == (
        True,
        "najva",
        ["sepahan"],
    )


async def test_a_list_during_an_outage_of_all_ends_after_a_few_requests(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([NO_CONNECTION] * 100, [NO_CONNECTION] * 100)
    numbers = [f"0912{n:07}" for n in range(200)]
    with pytest.raises(SMSError) as caught:
        await line.failover.send(numbers, "سلام")
    assert caught.value.report is not None
    assert len(caught.value.report.not_sent) == 200
    assert line.requests == [3, 3]


async def test_a_list_during_an_outage_is_unknown_for_three_batches_a_provider_at_most(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncIPPanel)
    line.script([LOST] * 100, [LOST] * 100)
    numbers = [f"0912{n:07}" for n in range(200)]
    for _ in range(2):
        with pytest.raises(SMSError) as caught:
            await line.failover.send(numbers, "سلام")
        assert caught.value.report is not None
        assert len(caught.value.report.unknown) == 12
        assert all(isinstance(result.error, NotAttempted) for result in caught.value.report.not_sent)


async def test_a_provider_that_rests_meanwhile_starts_no_further_batch_of_another_call(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan, options=[{"batch_size": 1}])
    line.script([*[Event("now", "the answer", turns=8)] * 2, *[NO_CONNECTION] * 6])
    long, *_ = await asyncio.gather(
        line.failover.send(TO, "سلام"), *(line.failover.send(number, "سلام") for number in TO[:4])
    )
    assert long.ok
    assert line.requests[0] <= 6


async def test_what_a_closed_client_says_is_no_sign_of_its_provider(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    member = line.failover._members[0]
    for error in (ClientClosed("x"), ConfigurationError("x"), ClientClosed("x")):
        member.note(error)
    line.script([NO_CONNECTION] * 2)
    await codes(line, 2)
    member.note(ClientClosed("x"))
    line.script([NO_CONNECTION])
    await codes(line, 2)
    assert line.requests[0] == 3
