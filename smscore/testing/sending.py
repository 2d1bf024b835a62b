"""Conformance: what a send and a stream report, and what a journal is told."""

from __future__ import annotations

from collections import Counter

import pytest

from smscore.errors import InvalidNumber, NotAttempted, SMSError
from smscore.outcomes import Outcome
from smscore.results import SendReport
from smscore.sandbox import Sandbox
from smscore.sending.send_call import BatchEvent
from smscore.testing.runner import NUMBERS, TEXT, Runner, numbers, send, stream

__all__ = ["SendingConformance"]


class SendingConformance(Runner):
    """Sends without faults."""

    def test_a_send_arrives_and_its_report_says_so(self) -> None:
        for face in self._faces():
            with Sandbox() as box:
                report = face(box, send(NUMBERS))
                assert isinstance(report, SendReport)
                assert report.ok
                assert [result.recipient for result in report] == ["+98" + number[1:] for number in NUMBERS]
                assert self._ledger(box) == Counter(result.recipient for result in report)
                assert {message.text for message in box.messages} == {TEXT}

    def test_a_list_over_the_limit_goes_in_several_requests_and_keeps_its_order(self) -> None:
        to = numbers(25)
        with Sandbox() as box:
            report = self._call(box, send(to), batch_size=10)
            assert report.ok
            assert [result.recipient for result in report] == ["+98" + number[1:] for number in to]
            assert self._ledger(box) == Counter(result.recipient for result in report)

    def test_a_bad_number_stops_a_send_before_anything_leaves(self) -> None:
        with Sandbox() as box:
            with pytest.raises(SMSError) as caught:
                self._call(box, send([NUMBERS[0], "02188776655"]))
            assert caught.value.outcome is Outcome.NOT_SENT
            assert box.messages == []

    def test_a_stream_reports_everybody(self) -> None:
        to = numbers(25)
        with Sandbox() as box:
            report = self._call(box, stream(to), batch_size=10)
            assert sorted(result.recipient for part in report for result in part) == sorted(self._ledger(box))
            assert len(self._ledger(box)) == len(to)

    def test_a_bad_number_in_a_stream_costs_the_others_nothing(self) -> None:
        with Sandbox() as box:
            reports = self._call(box, stream([NUMBERS[0], "02188776655", NUMBERS[1]]))
            (report,) = reports
            assert [result.outcome for result in report] == [Outcome.ACCEPTED, Outcome.NOT_SENT, Outcome.ACCEPTED]
            assert isinstance(report[1].error, InvalidNumber)
            assert self._ledger(box) == Counter("+98" + number[1:] for number in NUMBERS)

    def test_a_stream_tells_where_each_report_begins(self) -> None:
        with Sandbox() as box:
            reports = self._call(box, stream(numbers(25)), batch_size=10)
        assert sorted((report.offset, len(report)) for report in reports) == [(0, 10), (10, 10), (20, 5)]

    def test_a_journal_hears_of_each_batch_before_and_after(self) -> None:
        for face in self._faces():
            events: list[BatchEvent] = []
            with Sandbox() as box:
                report = face(box, send(numbers(25), on_batch=events.append), batch_size=10, max_concurrency=1)
            assert [(event.state, event.index) for event in events] == [
                (state, index) for index in range(3) for state in ("sending", "done")
            ]
            for event in events:
                batch = report[event.index * 10 : event.index * 10 + 10]
                assert event.recipients == tuple(result.recipient for result in batch)
                ids = {result.request_id for result in batch}  # where each message has its own, the batch has none
                assert event.request_id == (ids.pop() if len(ids) == 1 else None)
                assert (event.report is None) is (event.state == "sending")
            assert all(event.report.ok for event in events if event.report is not None)

    def test_a_journal_that_raises_stops_what_it_was_told_of_and_the_rest(self) -> None:
        def journal(event: BatchEvent) -> None:
            if (event.state, event.index) == ("sending", 1):
                raise OSError("the disk is full")

        with Sandbox() as box:
            with pytest.raises(SMSError) as caught:
                self._call(box, send(numbers(25), on_batch=journal), batch_size=10, max_concurrency=1)
            report = caught.value.report
            assert report is not None
            assert (len(report.accepted), len(report.not_sent)) == (10, 15)
            assert {type(result.error) for result in report.not_sent} == {NotAttempted}
            assert self._contradictions(box, report) == []
