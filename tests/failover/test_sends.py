"""Sends through a failover: who goes on, what the report of the whole says, and what it raises."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Coroutine
from typing import Any, Final

import pytest
from attrs import evolve
from failovers import GOOD, LOST, NO_CONNECTION, NO_TOKEN, TOO_MANY, Saying, new_line
from faultserver import sepahan_refusal, sepahan_value
from network import Event
from virtual_time import skip_waits

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore import (
    AsyncFailover,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    InsufficientCredit,
    InvalidNumber,
    InvalidParameters,
    InvalidRequest,
    Message,
    NotAttempted,
    Outcome,
    OutcomeUnknown,
    PartialSendError,
    ProviderError,
    RetryPolicy,
    SendReport,
    SMSError,
    Timeouts,
)

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Outcome
TO: Final = [f"0912000{n:04}" for n in range(10)]
E164: Final = ["+98" + number[1:] for number in TO]


async def report_of(sending: Coroutine[Any, Any, SendReport]) -> SendReport:
    """The report of a send that raises."""
    with pytest.raises(SMSError) as caught:
        await sending
    assert caught.value.report is not None
    return caught.value.report


def providers(report: SendReport) -> list[str | None]:
    return [result.provider for result in report]


def outcomes(report: SendReport) -> list[Outcome]:
    return [result.outcome for result in report]


def earlier(report: SendReport) -> list[list[type[SMSError]]]:
    return [[type(error) for error in result.earlier] for result in report]


# Who is asked


async def test_while_the_first_takes_everybody_the_others_are_not_asked() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    report = await line.failover.send(TO, "سلام")
    assert report.ok
    assert (line.taken, {*providers(report)}, earlier(report)) == ([10, 0], {"najva"}, [[]] * 10)


@pytest.mark.parametrize("event", [NO_CONNECTION, NO_TOKEN, TOO_MANY])
async def test_what_one_provably_did_not_send_the_next_one_sends(event: Event) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([event])
    report = await line.failover.send(TO[0], "سلام")
    (result,) = report
    assert (line.taken, result.provider, result.outcome, result.error) == ([0, 1], "sepahan", ACCEPTED, None)
    assert [(type(error).__name__, error.provider, error.report) for error in result.earlier] == [
        (type(result.earlier[0]).__name__, "najva", None)
    ]
    assert result.message_id == report.message_ids[0]


async def test_the_errors_of_all_that_were_tried_are_kept_in_order() -> None:
    line = new_line(AsyncNajva, AsyncSepahan, AsyncIPPanel)
    line.script([NO_CONNECTION], [NO_TOKEN])
    report = await line.failover.send(TO[0], "سلام")
    assert earlier(report) == [[ConnectionFailed, AuthenticationError]]
    assert [error.provider for error in report[0].earlier] == ["najva", "sepahan"]
    assert providers(report) == ["ippanel"]


@pytest.mark.parametrize("back", ["nothing", "500", "HTML"])
async def test_who_may_have_been_sent_to_does_not_go_on(back: str) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([Event("now", back)])
    with pytest.raises(OutcomeUnknown) as caught:
        await line.failover.send(TO[0], "سلام")
    assert (line.taken, caught.value.provider) == ([1, 0], "najva")


@pytest.mark.parametrize("status", ["400", "301"])
async def test_a_refusal_that_another_may_share_does_not_go_on(status: str) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([Event("never", status)])
    with pytest.raises(ProviderError):
        await line.failover.send(TO[0], "سلام")
    assert line.taken == [0, 0]


async def test_a_refused_sender_goes_on_to_a_provider_with_a_line_of_its_own() -> None:
    line = new_line(AsyncSepahan, AsyncNajva)
    line.networks[0].books = Saying(say=lambda _: sepahan_refusal(-12))
    report = await line.failover.send(TO[0], "سلام")
    assert (line.taken, earlier(report)) == ([0, 1], [[InvalidParameters]])


async def test_a_single_refusal_in_an_answer_that_took_others_does_not_go_on() -> None:
    line = new_line(AsyncSepahan, AsyncNajva, batch_size=3)
    line.networks[0].books = Saying(say=lambda _: sepahan_value({"ids": [7, -14, 8]}))
    report = await line.failover.send(TO[:3], "سلام")
    assert (outcomes(report), line.taken[1]) == ([ACCEPTED, REJECTED, ACCEPTED], 0)
    assert isinstance(report[1].error, InsufficientCredit)


async def test_single_refusals_in_an_answer_that_took_nobody_go_on_by_their_classes() -> None:
    line = new_line(AsyncSepahan, AsyncNajva, batch_size=3)
    line.networks[0].books = Saying(say=lambda _: sepahan_value({"ids": [-14, -4, -14]}))
    report = await line.failover.send(TO[:3], "سلام")
    assert (outcomes(report), providers(report)) == ([ACCEPTED, REJECTED, ACCEPTED], ["najva", "sepahan", "najva"])
    assert line.taken[1] == 2


async def test_what_a_provider_stopped_goes_on_and_what_it_may_have_taken_does_not() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([LOST] * 3)
    with pytest.raises(PartialSendError) as caught:
        await line.failover.send(TO, "سلام")
    report = caught.value.report
    assert outcomes(report) == [UNKNOWN] * 6 + [ACCEPTED] * 4
    assert earlier(report) == [[]] * 6 + [[NotAttempted]] * 4
    assert (line.taken, caught.value.outcome) == ([6, 4], UNKNOWN)


async def test_no_credit_in_the_middle_of_a_list_sends_the_rest_through_the_next() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.networks[0].books.credit = 4
    report = await line.failover.send(TO, "سلام")
    assert (report.ok, line.taken) == (True, [4, 6])
    assert providers(report) == ["najva"] * 4 + ["sepahan"] * 6
    assert earlier(report) == [[]] * 4 + [[InsufficientCredit]] * 2 + [[NotAttempted]] * 4


async def test_a_provider_that_stopped_for_the_callers_sake_passes_nobody_on() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)

    def stop(event: Any) -> None:
        if (event.state, event.index) == ("sending", 1):
            raise OSError("the disk is full")

    report = await report_of(line.failover.send(TO, "سلام", on_batch=stop))
    assert outcomes(report) == [ACCEPTED] * 2 + [NOT_SENT] * 8
    assert line.taken == [2, 0]
    assert all(isinstance(result.error, NotAttempted) and result.error.__cause__ for result in report.not_sent)


async def test_a_closed_client_passes_nobody_on() -> None:
    first, second = AsyncNajva("token", sender="90000123"), AsyncSepahan("token", sender="50003300")
    await first.aclose()
    with pytest.raises(SMSError) as caught:
        await AsyncFailover(first, second).send(TO[0], "سلام")
    assert type(caught.value).__name__ == "ClientClosed"


async def test_two_accounts_of_one_provider_follow_one_another() -> None:
    line = new_line(AsyncNajva, AsyncNajva)
    line.networks[0].books.credit = 4
    report = await line.failover.send(TO, "سلام")
    assert (report.ok, line.taken, {*providers(report)}) == (True, [4, 6], {"najva"})


# The report of the whole


async def test_the_report_keeps_the_order_and_everything_that_the_providers_said() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.networks[0].books.credit = 4
    report = await line.failover.send(TO, "سلام")
    assert [result.recipient for result in report] == E164
    assert [result.message_id for result in report] == [*range(1001, 1005), *range(1001, 1007)]
    assert report.message_ids == [*range(1001, 1007)]
    assert (report.cost, report.parts, report.offset) == (4 * 10 + 3 * 10, 6, 0)
    assert [result.request_id is None for result in report] == [True] * 4 + [False] * 6
    assert len({result.request_id for result in report[4:]}) == 3
    assert all(result.sent_at is not None for result in report)
    assert len(report.accepted) == 10
    assert report.as_dicts()[9]["earlier"][0]["type"] == "NotAttempted"


async def test_what_belongs_to_a_message_comes_back_with_it() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.networks[0].books.credit = 4
    messages = [Message(number, f"متن {place}", ref=place) for place, number in enumerate(TO)]
    report = await line.failover.send_p2p(messages)
    assert ([result.ref for result in report], line.taken) == ([*range(10)], [4, 6])


async def test_a_report_of_several_providers_crosses_to_another_process() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.networks[0].books.credit = 4
    report = pickle.loads(pickle.dumps(await line.failover.send(TO, "سلام")))
    assert providers(report) == ["najva"] * 4 + ["sepahan"] * 6
    assert earlier(report) == [[]] * 4 + [[InsufficientCredit]] * 2 + [[NotAttempted]] * 4


async def test_an_iterator_is_used_up_once() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.networks[0].books.credit = 4
    assert (await line.failover.send(iter(TO), "سلام")).ok
    line.networks[0].books.credit = 4
    assert (await line.failover.send_p2p((number, "سلام") for number in TO)).ok


async def test_the_report_of_many_stays_small() -> None:
    count = 20_000
    line = new_line(AsyncNajva, AsyncSepahan, batch_size=None, options=[{"batch_size": 1_000}])
    line.networks[0].books.credit = 5_000
    numbers = [f"0912{n:07}" for n in range(count)]
    line.networks[1].books = Saying(
        say=lambda request: sepahan_value({"ids": [7] * len(request.json["reciverNumbers"])})
    )
    await line.failover.send(numbers[:10], "سلام")
    tracemalloc.start()
    try:
        report = await line.failover.send(numbers, "سلام")
        line.networks[0].books.charged.clear()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (len(report.accepted), report[-1].provider) == (count, "sepahan")
    assert kept / count < 120


# What it raises


async def test_everybody_refused_is_the_last_error_of_the_first_with_the_whole_report() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([NO_CONNECTION], [NO_TOKEN])
    with pytest.raises(AuthenticationError) as caught:
        await line.failover.send(TO[:2], "سلام")
    report = caught.value.report
    assert report is not None
    assert caught.value is report[0].error
    assert (outcomes(report), providers(report)) == ([REJECTED] * 2, ["sepahan"] * 2)
    assert earlier(report) == [[ConnectionFailed]] * 2


async def test_a_batch_that_fails_at_all_of_them_beside_one_that_goes_well_is_a_partial_error() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([GOOD, NO_CONNECTION], [NO_CONNECTION])
    with pytest.raises(PartialSendError) as caught:
        await line.failover.send(TO[:4], "سلام")
    assert outcomes(caught.value.report) == [ACCEPTED] * 2 + [NOT_SENT] * 2
    assert [type(error) for error in caught.value.errors] == [ConnectionFailed]
    assert caught.value.outcome is None


async def test_a_failure_that_the_next_provider_made_good_is_none() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([GOOD, NO_CONNECTION])
    report = await line.failover.send(TO[:4], "سلام")
    assert (report.ok, line.taken) == (True, [2, 2])


async def test_refusals_one_by_one_at_the_next_provider_raise_nothing() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.script([NO_CONNECTION])
    line.networks[1].books.refused = frozenset(E164[:1])
    report = await line.failover.send(TO[:2], "سلام")
    assert (report.ok, outcomes(report)) == (False, [REJECTED, ACCEPTED])


@pytest.mark.parametrize("given", [(["0912"], "سلام"), (TO, ""), ([], "سلام"), (5.5, "سلام")])
async def test_what_is_wrong_is_refused_before_anything_leaves(given: tuple[Any, Any]) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    for state in ("well", "resting"):
        with pytest.raises(InvalidRequest):
            await line.failover.send(*given)
        assert line.requests == [0, 0], state
        line.failover._members[0].health.rests_until = float("inf")


@pytest.mark.parametrize("state", ["well", "resting"])
async def test_bad_numbers_are_named_by_their_positions(state: str) -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    if state == "resting":
        line.failover._members[0].health.rests_until = float("inf")
    with pytest.raises(InvalidNumber) as caught:
        await line.failover.send([TO[0], "0912", TO[1], "x"], "سلام")
    assert (caught.value.numbers, line.requests) == ([(1, "0912"), (3, "x")], [0, 0])
    with pytest.raises(InvalidNumber):
        await line.failover.send_p2p([(TO[0], "سلام"), ("0912", "سلام")])
    assert line.requests == [0, 0]


# Settings


async def test_all_settings_are_checked_before_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    line = new_line(AsyncNajva, AsyncSepahan, options=[{}, {"sender": None}])
    monkeypatch.delenv("SEPAHAN_SENDER", raising=False)
    for send in (lambda: line.failover.send(TO, "سلام"), lambda: line.failover.send_p2p([(TO[0], "سلام")])):
        with pytest.raises(InvalidRequest, match="SEPAHAN_SENDER"):
            await send()
    with pytest.raises(InvalidRequest, match="SEPAHAN_SENDER"):
        await anext(line.failover.send_stream(TO, "سلام"))
    assert line.requests == [0, 0]
    monkeypatch.setenv("SEPAHAN_SENDER", "50003300")
    assert (await line.failover.send(TO, "سلام")).ok


async def test_a_missing_token_of_any_client_means_that_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEPAHAN_TOKEN", raising=False)
    line = new_line(AsyncNajva, AsyncNajva)
    without = AsyncSepahan(sender="50003300")
    failover = AsyncFailover(line.failover._members[0].client, without)
    with pytest.raises(ConfigurationError, match="SEPAHAN_TOKEN") as caught:
        await failover.send(TO[0], "سلام")
    assert (caught.value.outcome, line.requests) == (NOT_SENT, [0, 0])
    with pytest.raises(ConfigurationError, match="SEPAHAN_TOKEN"):
        failover.check()
    monkeypatch.setenv("SEPAHAN_TOKEN", "token")
    failover.check()


@pytest.mark.parametrize("clients", [(), (5,), (AsyncNajva,)])
def test_a_failover_is_made_of_clients(clients: tuple[Any, ...]) -> None:
    with pytest.raises(ConfigurationError, match="one or more"):
        AsyncFailover(*clients)


@pytest.mark.parametrize("rest", [0, -1, "30", float("nan"), True])
def test_a_rest_is_a_number_of_seconds(rest: Any) -> None:
    with pytest.raises(ConfigurationError, match="rest="):
        AsyncFailover(AsyncNajva("token"), rest=rest)


async def test_senders_are_each_clients_own() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    with pytest.raises(InvalidRequest, match="own line"):
        await line.failover.send(TO, "سلام", sender="5000")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="message 1"):
        await line.failover.send_p2p([(TO[0], "x"), Message(TO[1], "x", sender="5000")])
    assert line.requests == [0, 0]


async def test_closing_a_failover_closes_its_clients() -> None:
    async with AsyncFailover(AsyncNajva("token", sender="9"), AsyncSepahan("token", sender="5")) as failover:
        pass
    await failover.aclose()
    with pytest.raises(SMSError, match="closed"):
        await failover.send(TO[0], "سلام")


def test_a_failovers_repr_shows_no_token() -> None:
    shown = repr(AsyncFailover(AsyncNajva("a-secret"), AsyncSepahan("a-secret")))
    assert shown.startswith("AsyncFailover(AsyncNajva(")
    assert "a-secret" not in shown


# 429 and time


@pytest.mark.parametrize(("kinds", "asked"), [([AsyncNajva], [2]), ([AsyncNajva, AsyncSepahan], [1, 2])])
async def test_only_the_last_provider_waits_for_a_429(
    kinds: list[type[Any]], asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_waits(monkeypatch)
    line = new_line(*kinds, retry=evolve(new_line(AsyncNajva).failover._members[0].client._settings.retry, attempts=2))
    line.script(*[[TOO_MANY]] * len(kinds))
    assert (await line.failover.send(TO[0], "سلام")).ok
    assert line.requests == asked


async def test_a_429_is_waited_for_after_a_try_that_may_have_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    skip_waits(monkeypatch)
    line = new_line(AsyncSepahan, AsyncNajva, retry=RetryPolicy(attempts=3))
    line.script([LOST, TOO_MANY])
    report = await line.failover.send(TO[0], "سلام")
    assert (report.ok, line.taken, line.requests) == (True, [1, 0], [3, 0])


async def test_the_first_clients_time_bounds_the_whole_call(moments: Any) -> None:
    line = new_line(
        AsyncNajva, AsyncSepahan, options=[{"timeout": Timeouts(call=10)}, {"timeout": Timeouts(call=1000)}]
    )
    line.script([NO_CONNECTION])

    def late(event: Any) -> None:
        if event.state == "done":
            moments.now += 11

    with pytest.raises(ConnectionFailed) as caught:
        await line.failover.send(TO[0], "سلام", on_batch=late)
    assert (line.requests, caught.value.report and providers(caught.value.report)) == ([1, 0], ["najva"])


async def test_time_that_runs_out_at_the_second_provider_passes_nobody_on(moments: Any) -> None:
    line = new_line(AsyncNajva, AsyncSepahan, AsyncIPPanel, options=[{"timeout": Timeouts(call=10)}])
    line.script([NO_TOKEN])

    def late(event: Any) -> None:
        if event.provider == "sepahan" and event.state == "done":
            moments.now += 11

    report = await report_of(line.failover.send(TO, "سلام", on_batch=late))
    assert (outcomes(report), line.requests) == ([ACCEPTED] * 2 + [NOT_SENT] * 8, [1, 1, 0])
    assert providers(report) == ["sepahan"] * 10


# Record before send


async def test_on_batch_counts_over_all_providers_and_names_each() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    line.networks[0].books.credit = 4
    events: list[Any] = []

    async def note(event: Any) -> None:
        events.append(event)

    report = await line.failover.send(TO, "سلام", on_batch=note)
    assert [(event.state, event.index, event.provider) for event in events] == [
        *((state, index, "najva") for index in range(3) for state in ("sending", "done")),
        *((state, index, "sepahan") for index in range(3, 6) for state in ("sending", "done")),
    ]
    hops = [event for event in events if event.provider == "sepahan" and event.state == "sending"]
    assert [event.request_id for event in hops] == [report[place].request_id for place in (4, 6, 8)]
    assert [event.recipients for event in hops] == [tuple(E164[place : place + 2]) for place in (4, 6, 8)]


async def test_on_batch_that_raises_before_the_second_provider_stops_there() -> None:
    line = new_line(AsyncNajva, AsyncSepahan, AsyncIPPanel)
    line.script([NO_CONNECTION])

    def stop(event: Any) -> None:
        if event.provider == "sepahan":
            raise OSError("the disk is full")

    with pytest.raises(NotAttempted) as caught:
        await line.failover.send(TO[:2], "سلام", on_batch=stop)
    assert (line.requests, caught.value.report and earlier(caught.value.report)) == (
        [1, 0, 0],
        [[ConnectionFailed]] * 2,
    )


async def test_on_batch_must_be_a_function() -> None:
    line = new_line(AsyncNajva, AsyncSepahan)
    with pytest.raises(InvalidRequest, match="on_batch="):
        await line.failover.send(TO, "سلام", on_batch=5)  # type: ignore[arg-type]
    assert line.requests == [0, 0]
