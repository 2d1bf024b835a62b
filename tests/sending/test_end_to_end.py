"""Whole calls through the sandbox, with both faces of all three providers."""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest
from attrs import frozen
from recipients import numbers

from ippanel_sms import AsyncIPPanel, CountrySegment, Gender, IPPanel, PostalCodeSegment, Slice
from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import (
    DeliveryStatus,
    DuplicateRequest,
    InsufficientCredit,
    InvalidNumber,
    InvalidRequest,
    Message,
    Outcome,
    OutsideServiceHours,
    SMSError,
)
from smscore.sandbox import Sandbox, SandboxMessage

TOKEN = "token"
SENDERS = {"sepahan": "50003300", "ippanel": "+983000505", "najva": "90000123"}
KINDS = {"sepahan": (AsyncSepahan, Sepahan), "ippanel": (AsyncIPPanel, IPPanel), "najva": (AsyncNajva, Najva)}
FACES = [(name, kind) for name, kinds in KINDS.items() for kind in kinds]
TEXT = "سلام دوست من، بستهٔ شما فرستاده شد"
LONG = "س" * 71  # two parts


@frozen
class Line:
    """A client of either face at a sandbox, called alike."""

    box: Sandbox
    name: str
    client: Any

    async def __call__(self, method: str, *args: Any, **options: Any) -> Any:
        function = getattr(self.client, method)
        if isinstance(self.client, KINDS[self.name][0]):
            return await function(*args, **options)
        return await asyncio.to_thread(function, *args, **options)

    async def collected(self, method: str, *args: Any, **options: Any) -> list[Any]:
        """All reports of a stream, in the order of its source."""
        stream = getattr(self.client, method)(*args, **options)
        if inspect.isasyncgen(stream):
            reports = [report async for report in stream]
        else:
            reports = await asyncio.to_thread(list, stream)
        return sorted(reports, key=lambda report: report.offset)

    @property
    def credit(self) -> int:
        return self.box.credit(self.name, TOKEN)


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox() as box:
        yield box


@pytest.fixture
async def line(request: pytest.FixtureRequest, box: Sandbox) -> AsyncIterator[Line]:
    """A line of any provider, unless a test names which."""
    name, kind = request.param
    client = kind(TOKEN, sender=SENDERS[name], base_url=box.url(name))
    yield Line(box, name, client)
    await (client.aclose() if hasattr(client, "aclose") else asyncio.to_thread(client.close))


def lines_of(*names: str) -> pytest.MarkDecorator:
    chosen = [(name, kind) for name, kind in FACES if name in names]
    return pytest.mark.parametrize("line", chosen, indirect=True, ids=[kind.__name__ for _, kind in chosen])


every_line = lines_of(*KINDS)


def as_reported(report: Any, texts: list[str]) -> list[tuple[str, str, int]]:
    return sorted(
        (result.recipient, text, result.message_id)
        for result, text in zip(report, texts, strict=True)
        if result.outcome is Outcome.ACCEPTED
    )


def as_kept(messages: list[SandboxMessage]) -> list[tuple[str, str, int]]:
    return sorted((message.recipient, message.text, message.message_id) for message in messages)


# What is sent


@every_line
async def test_what_the_provider_holds_is_what_the_report_says(line: Line) -> None:
    before = line.credit
    report = await line("send", ["0912 345 6789", 9123456780, "+98-912-345-6781", "۰۹۱۲۳۴۵۶۷۸۲"], TEXT)
    assert report.ok
    assert [result.recipient for result in report] == [f"+9891234567{last}" for last in ("89", "80", "81", "82")]
    assert as_kept(line.box.messages) == as_reported(report, [TEXT] * 4)
    assert {message.sender for message in line.box.messages} == {SENDERS[line.name]}
    spent = before - line.credit
    assert spent > 0
    assert report.cost == (None if line.name == "ippanel" else spent)


@every_line
async def test_one_recipient_needs_no_list(line: Line) -> None:
    report = await line("send", "09123456789", TEXT)
    assert [result.recipient for result in report] == ["+989123456789"]
    assert report.message_ids == [line.box.messages[0].message_id]


@lines_of("sepahan", "najva")
async def test_large_lists_go_in_several_requests_and_the_cost_is_summed(line: Line) -> None:
    before = line.credit
    report = await line("send", numbers(250), LONG)
    assert report.ok
    assert report.cost == before - line.credit
    assert as_kept(line.box.messages) == as_reported(report, [LONG] * 250)
    assert len(set(report.message_ids)) == 250


@lines_of("sepahan", "najva")
async def test_each_recipient_gets_a_text_of_its_own(line: Line) -> None:
    before = line.credit
    texts = [f"کد شما {place}" for place in range(150)]
    messages = [Message(number, text, ref=text) for number, text in zip(numbers(150), texts, strict=True)]
    report = await line("send_p2p", messages)
    assert report.ok
    assert [result.ref for result in report] == texts
    assert as_kept(line.box.messages) == as_reported(report, texts)
    assert report.cost == before - line.credit


@lines_of("sepahan", "najva")
async def test_messages_of_several_senders_go_from_their_own(line: Line) -> None:
    senders = ["9001", "9002", "9001", None, "9003"]
    messages = [Message(number, TEXT, sender=sender) for number, sender in zip(numbers(5), senders, strict=True)]
    report = await line("send_p2p", messages)
    kept = {message.message_id: message.sender for message in line.box.messages}
    assert [kept[result.message_id] for result in report] == [sender or SENDERS[line.name] for sender in senders]


@lines_of("sepahan", "najva")
async def test_two_messages_to_one_number_keep_their_own_ids(line: Line) -> None:
    report = await line("send_p2p", [("09123456789", "یک"), ("09123456789", "دو"), ("09123456789", "یک")])
    kept = {message.message_id: message.text for message in line.box.messages}
    assert [kept[result.message_id] for result in report] == ["یک", "دو", "یک"]
    assert len(report.message_ids) == 3


@lines_of("ippanel")
async def test_all_of_a_bulk_message_carry_its_id(line: Line) -> None:
    report = await line("send", numbers(300), TEXT)
    assert len(report.message_ids) == 1
    assert {message.message_id for message in line.box.messages} == set(report.message_ids)


@every_line
async def test_a_stream_sends_all_of_its_source(line: Line) -> None:
    reports = await line.collected("send_stream", (number for number in numbers(230)), TEXT)
    results = [result for report in reports for result in report]
    assert [result.recipient for result in results] == ["+98" + number[1:] for number in numbers(230)]
    assert as_kept(line.box.messages) == as_reported(results, [TEXT] * 230)


@lines_of("sepahan", "najva")
async def test_a_stream_of_messages_sends_each_its_own(line: Line) -> None:
    texts = [f"متن {place}" for place in range(130)]
    reports = await line.collected("send_p2p_stream", zip(numbers(130), texts, strict=True))
    assert as_kept(line.box.messages) == as_reported([result for report in reports for result in report], texts)


@every_line
async def test_texts_arrive_as_they_were_given(line: Line) -> None:
    text = 'نیم\u200cفاصله، "گیومه" \\ \n خط دوم 😀 ي ك'
    await line("send", "09123456789", text)
    assert line.box.messages[0].text == text


# What became of it


@lines_of("sepahan", "najva")
async def test_statuses_come_in_the_order_asked(line: Line) -> None:
    report = await line("send", numbers(120), TEXT)
    line.box.advance(60)
    unknown = 7
    ids = [report[119].message_id, unknown, *report.message_ids[:3], report[119].message_id]
    found = await line("status", ids)
    assert [status.message_id for status in found] == ids
    delivered, missing = DeliveryStatus.DELIVERED, DeliveryStatus.NOT_FOUND
    assert [status.status for status in found] == [delivered, missing, delivered, delivered, delivered, delivered]
    assert {status.status for status in await line("status", iter(report.message_ids))} == {delivered}
    assert await line("status", []) == []


@lines_of("sepahan")
async def test_the_credit_goes_down_by_the_reports_cost(line: Line) -> None:
    before = await line("credit")
    report = await line("send", numbers(3), LONG)
    assert before - await line("credit") == report.cost > 0


@every_line
async def test_an_empty_account_sends_nothing(line: Line) -> None:
    line.box.set_credit(line.name, TOKEN, 10)
    with pytest.raises(SMSError if line.name == "ippanel" else InsufficientCredit) as caught:
        await line("send", numbers(3), TEXT)
    assert {result.outcome for result in caught.value.report} == {Outcome.REJECTED}
    assert line.box.messages == []
    assert line.credit == 10


@lines_of("sepahan")
async def test_a_request_id_is_known_afterwards_and_sends_only_once(line: Line) -> None:
    assert await line("check_request_id", "order-7") is False
    report = await line("send", "09123456789", TEXT, request_id="order-7")
    assert report[0].request_id == "order-7"
    assert await line("check_request_id", report[0].request_id) is True
    with pytest.raises(DuplicateRequest):
        await line("send", "09123456789", TEXT, request_id="order-7")
    assert len(line.box.messages) == 1


@lines_of("sepahan")
async def test_incoming_messages_are_handed_out_once(line: Line) -> None:
    line.box.feed("sepahan", sender="09123456789", number="50003300", text="سلام")
    (peeked,) = await line("receive", mark_as_read=False)
    (taken,) = await line("receive", limit=5)
    assert taken == peeked
    assert (taken.number, taken.sender, taken.text) == ("50003300", "09123456789", "سلام")
    assert isinstance(taken.date, dt.date)
    assert await line("receive") == []


@lines_of("sepahan")
async def test_old_statuses_are_of_the_night(line: Line, box: Sandbox) -> None:
    clock = dt.datetime.now(dt.timezone(dt.timedelta(hours=3, minutes=30)))
    box.advance((clock.replace(hour=12, minute=0) + dt.timedelta(days=1) - clock).total_seconds())
    report = await line("send", "09123456789", TEXT)
    with pytest.raises(OutsideServiceHours):
        await line("old_status", report.message_ids)
    box.advance(14.5 * 3600)
    (status,) = await line("old_status", report.message_ids)
    assert status.status is DeliveryStatus.DELIVERED


@lines_of("najva")
async def test_a_file_is_uploaded_and_goes_along(line: Line) -> None:
    file_id = await line("upload_file", b"\x89PNG" * 10, filename="cat.png")
    assert (await line("send", "09123456789", TEXT, file_id=file_id)).ok
    assert (await line("send_p2p", [("09123456789", TEXT)], file_id=file_id)).ok


@lines_of("najva")
async def test_the_outbox_shows_what_was_sent(line: Line) -> None:
    report = await line("send", numbers(3), TEXT)
    page = await line("outbox", page=0, page_size=2)
    assert (page.total, page.page, len(page.messages)) == (3, 0, 2)
    assert {message.message_id for message in page.messages} < set(report.message_ids)
    assert {message.text for message in page.messages} == {TEXT}


# Bad input reaches nobody


@every_line
async def test_every_bad_number_is_named_with_its_position(line: Line) -> None:
    bad = {1: "0211234567", 3: None, 4: "+9809123456789", 6: 5.5, 7: "", 8: True}
    to = [bad.get(place, number) for place, number in enumerate(numbers(10))]
    with pytest.raises(InvalidNumber) as caught:
        await line("send", to, TEXT)
    assert caught.value.numbers == list(bad.items())
    assert caught.value.outcome is Outcome.NOT_SENT
    assert "021123" not in str(caught.value) + repr(caught.value)
    assert line.box.messages == []


@lines_of("sepahan", "najva")
async def test_every_bad_number_of_messages_is_named_with_its_position(line: Line) -> None:
    with pytest.raises(InvalidNumber) as caught:
        await line("send_p2p", [("1", TEXT), ("09123456789", TEXT), Message("2", TEXT)])
    assert caught.value.numbers == [(0, "1"), (2, "2")]
    assert line.box.messages == []


@every_line
@pytest.mark.parametrize("text", ["", " \n", None, 5, b"x", "\ud800"])
async def test_a_text_that_cannot_be_sent_reaches_nobody(line: Line, text: object) -> None:
    with pytest.raises(InvalidRequest):
        await line("send", numbers(2), text)
    if line.name != "ippanel":
        with pytest.raises(InvalidRequest):
            await line("send_p2p", [("09123456789", TEXT), ("09123456780", text)])
    assert line.box.messages == []


@every_line
@pytest.mark.parametrize("to", [[], (), iter(()), None, 5.5, b"09123456789", {}])
async def test_an_empty_list_and_an_invalid_list_are_refused(line: Line, to: object) -> None:
    with pytest.raises(InvalidRequest):
        await line("send", to, TEXT)
    if line.name != "ippanel":
        with pytest.raises(InvalidRequest):
            await line("send_p2p", to)
    assert line.box.messages == []


@lines_of("sepahan", "najva")
@pytest.mark.parametrize("entry", ["09123456789", None, 5, ("09123456789",), ("09123456789", "سلام", "5000"), {}])
async def test_an_invalid_message_is_refused(line: Line, entry: object) -> None:
    with pytest.raises(InvalidRequest):
        await line("send_p2p", [("09123456789", TEXT), entry])
    assert line.box.messages == []


@every_line
async def test_without_a_sender_nothing_is_sent(line: Line) -> None:
    nobody = Line(line.box, line.name, line.client.with_options(sender=None))
    with pytest.raises(InvalidRequest, match="sender"):
        await nobody("send", "09123456789", TEXT)
    assert line.box.messages == []


@every_line
@pytest.mark.parametrize("sender", [5.5, b"5000", ["5000"], "\ud800", True])
async def test_an_invalid_sender_is_refused(line: Line, sender: object) -> None:
    with pytest.raises(InvalidRequest, match="sender"):
        await line("send", "09123456789", TEXT, sender=sender)
    if line.name != "ippanel":
        with pytest.raises(InvalidRequest, match="sender"):
            await line("send_p2p", [("09123456789", TEXT)], sender=sender)
        with pytest.raises(InvalidRequest, match="sender"):
            await line("send_p2p", [Message("09123456789", TEXT, sender=sender)])
    assert line.box.messages == []


@lines_of("sepahan")
@pytest.mark.parametrize(
    "request_id", ["", " ", "-a", ".a", "_a", "a b", "a/b", "a" * 57, "سفارش", "a\n", "۱", "a\r\nX: 1", "..", 5, b"a"]
)
async def test_a_request_id_of_the_wrong_form_is_refused(line: Line, request_id: object) -> None:
    with pytest.raises(InvalidRequest):
        await line("send", "09123456789", TEXT, request_id=request_id)
    with pytest.raises(InvalidRequest):
        await line("send_p2p", [("09123456789", TEXT)], request_id=request_id)
    with pytest.raises(InvalidRequest):
        await line("check_request_id", request_id)
    assert line.box.messages == []


@lines_of("sepahan")
@pytest.mark.parametrize("request_id", ["a", "7", "A-b_c.9", "a" * 56])
async def test_a_request_id_of_the_right_form_is_taken(line: Line, request_id: str) -> None:
    assert (await line("send", numbers(101), TEXT, request_id=request_id))[100].request_id == f"{request_id}-2"
    assert await line("check_request_id", f"{request_id}-2") is True


@lines_of("sepahan", "najva")
@pytest.mark.parametrize("ids", [["1"], [1.0], [None], [True], "12", b"12", [2**70], None, 5])
async def test_an_invalid_message_id_is_refused(line: Line, ids: object) -> None:
    with pytest.raises(InvalidRequest):
        await line("status", ids)


NOON = dt.datetime(2030, 1, 1, 12, 0)
COUNTRY = CountrySegment(pre=912, province_id=8, mci=Slice(0, 100))
POSTAL = PostalCodeSegment(postal_code=1234, irancell=Slice(5, 10))


@lines_of("ippanel")
@pytest.mark.parametrize("send_time", [NOON, "2030-01-01 12:00:00", 1893499200, NOON.date()])
async def test_a_naive_time_or_none_at_all_is_refused(line: Line, send_time: object) -> None:
    for method, to in (("send", "09123456789"), ("send_country", COUNTRY), ("send_postal_code", POSTAL)):
        with pytest.raises(InvalidRequest, match="send_time="):
            await line(method, to, TEXT, send_time=send_time)
    with pytest.raises(InvalidRequest, match="send_time="):
        await line.collected("send_stream", "09123456789", TEXT, send_time=send_time)
    assert line.box.messages == []


@lines_of("ippanel")
async def test_an_aware_time_is_taken(line: Line) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert (await line("send", "09123456789", TEXT, send_time=later)).ok
    assert (await line("send_country", COUNTRY, TEXT, send_time=later)).message_ids


@lines_of("ippanel")
async def test_segments_are_sent_to_with_other_recipients(line: Line) -> None:
    receipt = await line("send_country", [COUNTRY], TEXT, other_recipients=["09123456789"])
    other = await line("send_postal_code", POSTAL, TEXT)
    assert receipt.message_ids
    assert other.message_ids
    assert set(receipt.message_ids).isdisjoint(other.message_ids)
    assert "+989123456789" in {message.recipient for message in line.box.messages}


@lines_of("ippanel")
@pytest.mark.parametrize(
    "change",
    [
        {"pre": 9},
        {"pre": 1_000_000},
        {"pre": "912"},
        {"province_id": 0},
        {"county_id": -1},
        {"city_id": 1.0},
        {"bank": "black"},
        {"gender": 3},
        {"gender": True},
        {"age_from": 1299},
        {"age_to": 1411},
        {"age_from": 1400, "age_to": 1399},
        {"mci": Slice(0, 0)},
        {"mci": Slice(-1, 5)},
        {"mci": Slice(0, -5)},
        {"mci": (0, 5)},
        {"irancell": None},
    ],
    ids=str,
)
async def test_a_country_segment_out_of_range_is_refused_by_its_place(line: Line, change: dict[str, Any]) -> None:
    fields = {"pre": 912, "province_id": 8, "mci": Slice(0, 100)}
    wrong = CountrySegment(**(fields | change))
    with pytest.raises(InvalidRequest, match="segment 1"):
        await line("send_country", [COUNTRY, wrong], TEXT)
    assert line.box.messages == []


@lines_of("ippanel")
@pytest.mark.parametrize(
    "change", [{"postal_code": 1}, {"postal_code": 100_000}, {"gender": -1}, {"irancell": Slice(0, 0)}]
)
async def test_a_postal_segment_out_of_range_is_refused(line: Line, change: dict[str, Any]) -> None:
    wrong = PostalCodeSegment(**({"postal_code": 1234, "irancell": Slice(0, 10), "gender": Gender.MALE} | change))
    with pytest.raises(InvalidRequest, match="segment 0"):
        await line("send_postal_code", wrong, TEXT)
    assert line.box.messages == []


@lines_of("ippanel")
@pytest.mark.parametrize("segments", [[], None, POSTAL, [POSTAL], "912"])
async def test_an_invalid_country_segment_is_refused(line: Line, segments: object) -> None:
    with pytest.raises(InvalidRequest):
        await line("send_country", segments, TEXT)
    assert line.box.messages == []


@lines_of("ippanel")
async def test_other_bad_input_of_a_segment_send_reaches_nobody(line: Line) -> None:
    with pytest.raises(InvalidNumber) as caught:
        await line("send_country", COUNTRY, TEXT, other_recipients=["09123456789", "021"])
    assert caught.value.numbers == [(1, "021")]
    with pytest.raises(InvalidRequest):
        await line("send_country", COUNTRY, "")
    nobody = Line(line.box, line.name, line.client.with_options(sender=None))
    with pytest.raises(InvalidRequest):
        await nobody("send_country", COUNTRY, TEXT)
    assert line.box.messages == []


@lines_of("najva")
@pytest.mark.parametrize("file_id", ["", " ", 5, b"x", "\ud800"])
async def test_an_invalid_file_id_is_refused(line: Line, file_id: object) -> None:
    with pytest.raises(InvalidRequest):
        await line("send", "09123456789", TEXT, file_id=file_id)
    assert line.box.messages == []


@lines_of("sepahan")
@pytest.mark.parametrize(
    "options",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": True},
        {"limit": 5.0},
        {"since": NOON},
        {"since": "1404/10/10"},
        {"number": 5.5},
        {"number": "\ud800"},
    ],
    ids=str,
)
async def test_a_receive_out_of_range_takes_nothing(line: Line, options: dict[str, Any]) -> None:
    line.box.feed("sepahan", sender="09123456789", number="50003300", text="سلام")
    with pytest.raises(InvalidRequest):
        await line("receive", **options)
    assert len(await line("receive")) == 1
