"""Conformance: whatever goes wrong, no outcome is false, nobody is sent to twice, and an outage stops a call."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, Final

import pytest

from smscore import registry
from smscore.errors import NotAttempted, OutcomeUnknown, RateLimited, SMSError
from smscore.outcomes import Outcome
from smscore.profile import Profile
from smscore.sandbox import Sandbox
from smscore.sandbox.fault_kinds import FAULT_RULES
from smscore.testing.recorder import Canned, Recorded, Recorder
from smscore.testing.runner import NUMBERS, ONCE, TEXT, TOKEN, TWICE, Runner, numbers, other_sends, report_of, send

__all__ = ["FaultsConformance", "faults_of"]

RUNS_OF_MONEY: Final = 60
BATCHES_OF_AN_OUTAGE: Final = 3  # after so many in a row without an answer no further one starts


def faults_of(profile: Profile) -> list[tuple[str, dict[str, Any]]]:
    """Every fault of the sandbox, with what it needs."""
    codes = sorted(registry.load(profile.name, "sandbox").errors)
    needs = {"code": codes[0], "seconds": 0.01}
    return [(kind, {name: needs[name] for name in fault.needs}) for kind, fault in FAULT_RULES.items()]


class FaultsConformance(Runner):
    """Sends through faults, compared with what the sandbox took."""

    def test_no_fault_makes_a_false_outcome_or_sends_twice(self) -> None:
        for kind, needs in faults_of(self.profile):
            for retry in (ONCE, TWICE):
                for times in (1, None):
                    for face in self._faces():
                        with Sandbox() as box:
                            box.fail(kind, provider=self.profile.name, times=times, **needs)  # type: ignore[arg-type]  # a key of FAULT_RULES
                            report = report_of(face, box, retry=retry)
                            assert self._contradictions(box, report) == [], (kind, retry, times)

    def test_no_fault_makes_a_false_outcome_of_any_other_send_or_sends_it_twice(self) -> None:
        for kind, needs in faults_of(self.profile):
            for name, call in other_sends(self.profile).items():
                with Sandbox() as box:
                    box.fail(kind, provider=self.profile.name, times=1, **needs)  # type: ignore[arg-type]  # a key of FAULT_RULES
                    report = report_of(self._call, box, call=call, retry=TWICE)
                    assert self._contradictions(box, report) == [], (kind, name)

    def test_the_money_adds_up_under_random_faults(self) -> None:
        chance = random.Random(self.profile.name)  # noqa: S311  # the same faults at every run
        kinds = faults_of(self.profile)
        for _ in range(RUNS_OF_MONEY):
            with Sandbox() as box:
                for kind, needs in chance.choices(kinds, k=chance.randint(0, 3)):
                    box.fail(kind, provider=self.profile.name, times=chance.randint(1, 3), **needs)  # type: ignore[arg-type]  # a key of FAULT_RULES
                to = numbers(chance.randint(1, 30))
                report = report_of(self._call, box, to, retry=TWICE, batch_size=chance.randint(1, 10))
                assert self._contradictions(box, report) == []

    def test_a_429_is_waited_out_and_sent_once(self) -> None:
        with Sandbox() as box:
            box.fail("rate_limit", provider=self.profile.name, times=1, seconds=1)
            began = time.monotonic()
            report = self._call(box, send(NUMBERS), retry=TWICE)
            assert time.monotonic() - began >= 1  # the whole seconds of its Retry-After
            assert report.ok
            assert self._contradictions(box, report) == []

    def test_a_429_that_stays_is_a_refusal_that_says_how_long_to_wait(self) -> None:
        with Sandbox() as box:
            box.fail("rate_limit", provider=self.profile.name, seconds=7)
            with pytest.raises(RateLimited) as caught:
                self._call(box, send(NUMBERS))
            assert caught.value.retry_after == 7
            assert caught.value.outcome is Outcome.REJECTED
            assert box.messages == []

    @pytest.mark.parametrize("fault", ["server_error", "html", "drop_after"])
    def test_an_outage_stops_a_call_after_three_batches(self, fault: Any) -> None:
        with Sandbox() as box:
            box.fail(fault, provider=self.profile.name)
            report = report_of(self._call, box, numbers(60), batch_size=10, max_concurrency=1)
            assert (len(report.unknown), len(report.not_sent)) == (10 * BATCHES_OF_AN_OUTAGE, 30)
            assert {type(result.error) for result in report.not_sent} == {NotAttempted}
            assert self._contradictions(box, report) == []

    def test_a_repeated_send_is_the_same_to_the_byte_and_another_send_is_not(self) -> None:
        with Recorder(Canned(500)) as server:
            first, second = (self._tries(server) for _ in range(2))
        assert len({_whole(request) for request in first}) == 1
        if len(first) > 1:  # it repeats, and so must tell a repeat from another send
            assert _whole(first[0]) != _whole(second[0])

    def test_a_send_is_repeated_only_with_an_id_that_the_provider_knows(self) -> None:
        with Sandbox() as box:
            box.fail("drop_after", provider=self.profile.name, times=1)
            report = report_of(self._call, box, retry=TWICE)
            assert max(self._ledger(box).values()) == 1
            repeats = report.ok
        with Recorder(Canned(500)) as server:
            assert len(self._tries(server)) == (2 if repeats else 1)

    def test_batches_of_a_call_have_different_request_ids(self) -> None:
        with Sandbox() as box:
            report = self._call(box, send(numbers(25)), batch_size=10)
        ids = [report[place].request_id for place in (0, 10, 20)]
        assert None not in ids or ids == [None] * 3
        assert len({*ids}) == (1 if None in ids else 3)

    def test_a_cancel_is_passed_on_and_leaves_the_client_usable(self) -> None:
        async def run(server: Recorder) -> None:
            kind: Any = self._async()
            async with kind(TOKEN, **self._options(server.url, {})) as client:
                server.released.clear()
                task = asyncio.create_task(client.send([*NUMBERS], TEXT))
                await asyncio.to_thread(server.arrived.wait)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                server.released.set()
                with pytest.raises(OutcomeUnknown):
                    await client.send([*NUMBERS], TEXT)

        with Recorder(Canned(500)) as server:
            asyncio.run(run(server))
            assert len(server.received) == 2

    def _tries(self, server: Recorder) -> list[Recorded]:
        """The requests of one send that gets no usable answer."""
        server.received.clear()
        with pytest.raises(SMSError):
            self._run(server.url, send(NUMBERS), retry=TWICE)
        return [*server.received]


def _whole(request: Recorded) -> tuple[Any, ...]:
    """All that is of the send in a request: method, path, query, headers and body."""
    return request.method, request.path, *request.query.items(), *sorted(request.headers.items()), request.body
