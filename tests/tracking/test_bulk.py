"""The rows of a bulk message, which have no ids, and the messages that they are of."""

from array import array

import pytest
from attrs import frozen
from status_servers import result

from ippanel_sms import AsyncIPPanel
from smscore import DeliveryStatus
from smscore.tracking.bulk import BulkMatch
from smscore.tracking.given import parts_of
from smscore.tracking.states import State, States

A, B = "+989121234567", "+989121234568"
SENT, DELIVERED, UNDELIVERED, BLOCKED = (
    DeliveryStatus.SENT,
    DeliveryStatus.DELIVERED,
    DeliveryStatus.UNDELIVERED,
    DeliveryStatus.BLOCKED,
)


@frozen
class Row:
    recipient: str
    status: DeliveryStatus
    code: int | None = 1


def followed(numbers: list[str]):
    results = [result("ippanel", 5, number) for number in numbers]
    (part,) = parts_of(results, {"ippanel": AsyncIPPanel.lookups}, States())
    return part.followed


def look(messages, *pages: list[Row]) -> list[DeliveryStatus | None]:
    match = BulkMatch(messages)
    match.expect([*messages.open_rows()])
    for page in pages:
        match.take(page)
    match.end()
    return [messages.delivery(row).status for row in range(len(messages))]


@pytest.mark.parametrize(
    ("numbers", "rows", "statuses"),
    [
        ([A, B], [Row(B, SENT), Row(A, DELIVERED)], [DELIVERED, SENT]),
        ([A, B], [Row(A, DELIVERED)], [DELIVERED, None]),
        ([A], [], [None]),
        ([A], [Row(B, SENT)], [None]),
        ([A], [Row(A, SENT), Row(A, DELIVERED)], [SENT]),
        ([A, A], [Row(A, SENT), Row(A, DELIVERED)], [SENT, DELIVERED]),
        ([A, B, A], [Row(A, SENT), Row(B, BLOCKED), Row(A, DELIVERED)], [SENT, BLOCKED, DELIVERED]),
        ([A, A], [Row(A, DELIVERED)], [DELIVERED, DELIVERED]),
        ([A, A, A], [Row(A, SENT), Row(A, DELIVERED)], [SENT, DELIVERED, DELIVERED]),
        ([A, A], [Row(A, SENT), Row(A, DELIVERED), Row(A, BLOCKED)], [SENT, DELIVERED]),
        ([A, A], [], [None, None]),
        ([A], [Row("", SENT), Row(A, DELIVERED)], [DELIVERED]),
    ],
)
def test_the_kth_message_to_a_number_takes_its_kth_row_or_else_its_last(
    numbers: list[str], rows: list[Row], statuses: list[DeliveryStatus | None]
):
    assert look(followed(numbers), rows) == statuses
    assert look(followed(numbers), *[[row] for row in rows]) == statuses  # a page each


def test_a_message_keeps_its_row_when_the_one_before_it_is_final():
    messages = followed([A, A])
    assert look(messages, [Row(A, DELIVERED), Row(A, SENT)]) == [DELIVERED, SENT]
    assert [*messages.open_rows()] == [1]
    assert look(messages, [Row(A, DELIVERED), Row(A, UNDELIVERED)]) == [DELIVERED, UNDELIVERED]


def test_the_same_number_in_several_bulk_messages_is_the_first_in_each():
    results = [result("ippanel", bulk, A) for bulk in (5, 6, 5)]
    (part,) = parts_of(results, {"ippanel": AsyncIPPanel.lookups}, States())
    assert part.followed.repeats == {2: 1}


def test_rows_are_matched_also_after_a_tracker_has_joined_what_it_follows():
    whole, more = followed([A]), followed([B, A, A])
    more.see([1], [State(DELIVERED, 2)])
    whole.absorb(more)
    assert [whole.number(row) for row in range(len(whole))] == [A, B, A]
    assert whole.repeats == {2: 1}
    assert look(whole, [Row(A, SENT), Row(B, SENT), Row(A, BLOCKED)]) == [SENT, SENT, BLOCKED]


def test_local_forms_of_a_report_are_matched_as_e164():
    messages = followed([A])
    messages.numbers, messages.are_local = ["09121234567"], True
    assert look(messages, [Row(A, DELIVERED)]) == [DELIVERED]
    assert array("I", messages.open_rows()) == array("I")
