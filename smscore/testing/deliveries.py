"""Conformance: where messages are, for providers that report deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Final

import pytest
from attrs import evolve

from smscore.config import Polling
from smscore.errors import InvalidRequest
from smscore.profile import Capability
from smscore.results import RecipientResult
from smscore.sandbox import Sandbox
from smscore.statuses import Delivery
from smscore.testing.runner import NUMBERS, Runner, SampleCall, numbers, report_of

__all__ = ["DeliveriesConformance"]

LATER: Final = 3600.0  # seconds, after which the sandbox has delivered everything
QUICK: Final = Polling(first=0.01, factor=1, longest=0.01)


class DeliveriesConformance(Runner):
    """One look at messages, and following them; nothing where the provider does not report deliveries."""

    @pytest.fixture(autouse=True)
    def only_where_deliveries_are_reported(self, request: pytest.FixtureRequest) -> None:
        """Skip these tests for a provider that does not declare it."""
        is_here = request.function.__qualname__.startswith(DeliveriesConformance.__name__)
        if is_here and Capability.REPORTS_DELIVERIES not in self.profile.capabilities:
            pytest.skip("it reports no deliveries")

    def test_deliveries_come_in_the_order_of_the_results(self) -> None:
        to = [*numbers(25), numbers(1)[0]]
        for face in self._faces():
            with Sandbox() as box:
                report = report_of(face, box, to)
                found: list[Delivery] = face(box, _deliveries(report))
                assert [one.recipient for one in found] == [result.recipient for result in report]
                assert [one.message_id for one in found] == [result.message_id for result in report]
                assert {one.provider for one in found} == {self.profile.name}
                assert all(one.status is not None and not one.status.is_final for one in found)
                box.advance(LATER)
                assert all(self._is_delivered(one) for one in face(box, _deliveries([*report])))

    def test_a_result_without_an_id_has_no_status_and_costs_the_others_nothing(self) -> None:
        with Sandbox() as box:
            first, second = report_of(self._call, box)
            box.advance(LATER)
            asked = [evolve(first, message_id=None), evolve(second, ref="ours")]
            found: list[Delivery] = self._call(box, _deliveries(asked))
            assert [(one.status is None, one.ref) for one in found] == [(True, None), (False, "ours")]

    def test_the_result_of_another_provider_is_refused(self) -> None:
        with Sandbox() as box:
            asked = [evolve(result, provider="nobody") for result in report_of(self._call, box)]
            for face in self._faces():
                with pytest.raises(InvalidRequest):
                    face(box, _deliveries(asked))

    def test_messages_are_followed_until_they_are_final(self) -> None:
        for face in self._faces():
            with Sandbox() as box:
                report = report_of(face, box)
                box.advance(LATER)
                found: list[Delivery] = face(box, _final(report))
                assert [one.recipient for one in found] == [result.recipient for result in report]
                assert all(map(self._is_delivered, found))

    def test_each_change_is_told_once(self) -> None:
        with Sandbox() as box:
            report = report_of(self._call, box)

            async def follow(client: Any) -> list[Delivery]:
                changes: list[Delivery] = []
                async with aclosing(client.track(report, timeout=30, polling=QUICK)) as seen:
                    async for delivery in seen:
                        changes.append(delivery)  # the clock is moved on in between
                        if len(changes) == len(NUMBERS):
                            box.advance(LATER)
                return changes

            changes = self._call(box, follow)
            assert [*map(self._is_delivered, changes[-len(NUMBERS) :])] == [True] * len(NUMBERS)
            assert len({(one.recipient, one.status) for one in changes}) == len(changes)

    def _is_delivered(self, delivery: Delivery) -> bool:
        return delivery.status is not None and delivery.status.value == "delivered"


def _deliveries(results: Sequence[RecipientResult]) -> SampleCall:
    return lambda client: client.deliveries(results)


def _final(results: Sequence[RecipientResult]) -> SampleCall:
    return lambda client: client.wait_delivered(results, timeout=30, polling=QUICK)
