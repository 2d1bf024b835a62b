"""Texts: their parts and what cannot be sent. Dates: Jalali and back, Tehran and UTC, Retry-After."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscore import InvalidRequest, Parts, count_parts
from smscore.dates import TEHRAN, from_unix, read_day, read_retry_after
from smscore.inputs import check_text, jalali_text, unix_text, utc_text
from smscore.text import text_problem

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)

# Parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("س" * 70, 1),
        ("س" * 71, 2),
        ("س" * 134, 2),
        ("س" * 135, 3),
        ("a" * 70 + "س", 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("[]{}|~^\\\f" + "a" * 142, 1),
        ("[]{}|~^\\\f" + "a" * 143, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("می\u200cروم" * 11 + "سلام", 1),
        ("می\u200cروم" * 11 + "سلام!", 2),
        ("é" * 160, 1),
        ("ê" * 71, 2),
        ("\n" * 160, 1),
        ("@£$¥" * 40, 1),
        ("`" * 71, 2),
        ("۰" * 71, 2),
    ],
    ids=lambda value: repr(value)[:20] if isinstance(value, str) else None,
)
def test_parts_are_counted_as_the_operators_do(text: str, parts: int) -> None:
    assert count_parts(text).parts == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", Parts("GSM-7", 1, 1, 159)),
        ("a" * 160, Parts("GSM-7", 160, 1, 0)),
        ("a" * 161, Parts("GSM-7", 161, 2, 145)),
        ("a" * 306, Parts("GSM-7", 306, 2, 0)),
        ("a" * 159 + "€", Parts("GSM-7", 161, 2, 145)),
        ("a" * 152 + "€" + "a" * 7, Parts("GSM-7", 161, 2, 144)),
        ("a" * 152 + "€" + "a" * 151, Parts("GSM-7", 305, 2, 0)),
        ("a" * 152 + "€" + "a" * 152, Parts("GSM-7", 306, 3, 152)),
        ("€" * 153, Parts("GSM-7", 306, 3, 151)),
        ("س" * 70, Parts("UCS-2", 70, 1, 0)),
        ("س" * 71, Parts("UCS-2", 71, 2, 63)),
        ("س" * 66 + "😀" + "س" * 3, Parts("UCS-2", 71, 2, 62)),
        ("س" * 66 + "😀" + "س" * 65, Parts("UCS-2", 133, 2, 0)),
        ("س" * 66 + "😀" + "س" * 66, Parts("UCS-2", 134, 3, 66)),
        ("😀" * 36, Parts("UCS-2", 72, 2, 61)),
        ("😀" * 67, Parts("UCS-2", 134, 3, 65)),
        ("", Parts("GSM-7", 0, 1, 160)),
    ],
    ids=lambda value: repr(value)[:20] if isinstance(value, str) else None,
)
def test_a_part_ends_before_what_does_not_fit_it_whole(text: str, parts: Parts) -> None:
    assert count_parts(text) == parts


def test_a_joined_emoji_may_be_cut_between_its_code_points() -> None:
    family = "👨\u200d👩\u200d👧"  # 2 + 1 + 2 + 1 + 2 units
    assert count_parts("س" * 61 + family + "س" * 3) == Parts("UCS-2", 72, 2, 62)


BASIC = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = set("^{}\\[~]|€\f")


def packed(text: str) -> Parts:
    """As a handset packs a text, character by character."""
    gsm = set(text) <= BASIC | EXTENDED
    single, several = (160, 153) if gsm else (70, 67)
    sizes = [
        (2 if character in EXTENDED else 1) if gsm else (2 if ord(character) > 0xFFFF else 1) for character in text
    ]
    encoding, units = "GSM-7" if gsm else "UCS-2", sum(sizes)
    if units <= single:
        return Parts(encoding, units, 1, single - units)
    filled = [0]
    for size in sizes:
        if filled[-1] + size > several:
            filled.append(0)
        filled[-1] += size
    return Parts(encoding, units, len(filled), several - filled[-1])


long_texts = st.one_of(
    st.text("a€[é ", max_size=700),
    st.text("سa😀👍🏽\u200d€", max_size=400),
    st.text(max_size=400).filter(lambda text: not any("\ud800" <= character <= "\udfff" for character in text)),
)


@given(long_texts)
def test_parts_are_those_that_a_handset_makes(text: str) -> None:
    assert count_parts(text) == packed(text)


@given(st.integers(60, 160), st.sampled_from(["€", "😀", "a", "س"]), st.integers(1, 100))
def test_parts_of_one_repeated_sign_behind_a_beginning_are_those_that_a_handset_makes(
    before: int, sign: str, count: int
) -> None:
    text = "a" * before + sign * count
    assert count_parts(text) == packed(text)


@pytest.mark.parametrize("text", [None, 5, b"x", ["x"]])
def test_the_parts_of_an_invalid_text_are_an_invalid_request(text: Any) -> None:
    with pytest.raises(InvalidRequest):
        count_parts(text)


# Whether a text can be sent


@pytest.mark.parametrize("text", ["سلام", "a", "😀", " x ", "\u200cا", "0", "خط\nخط"])
def test_a_text_that_can_be_sent_has_no_problem_and_stays_as_it_is(text: str) -> None:
    assert text_problem(text) is None
    assert check_text(text) is text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\t",
        "\u00a0",
        "\u061c",
        "\u3164\ufe0f",
        "\x00",
        "\u2062",
        "\ud800",
        "سلام\udfff",
        None,
        5,
        b"x",
        ["x"],
    ],
)
def test_a_text_that_cannot_be_sent_is_an_invalid_request_that_quotes_nothing(text: object) -> None:
    assert text_problem(text)
    with pytest.raises(InvalidRequest) as caught:
        check_text(text)
    assert "سلام" not in str(caught.value)


# Days

days = st.dates(dt.date(700, 1, 1), dt.date(2320, 1, 1))  # from 2321 on the Jalali year is above 1700


@given(days)
def test_a_jalali_day_goes_there_and_back(day: dt.date) -> None:
    text = jalali_text(day, "since")
    assert read_day(text) == day
    assert len(text) == 10


@given(st.dates(dt.date(1700, 1, 1)))
def test_a_year_from_1700_on_is_gregorian(day: dt.date) -> None:
    assert read_day(f"{day.year:04}/{day.month:02}/{day.day:02}") == day
    assert read_day(day.isoformat()) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1404/10/10", dt.date(2025, 12, 31)),
        ("1403/12/30", dt.date(2025, 3, 20)),
        ("1404/01/01", dt.date(2025, 3, 21)),
        ("1404-1-1", dt.date(2025, 3, 21)),
        ("۱۴۰۴/۰۱/۰۱", dt.date(2025, 3, 21)),
        ("١٤٠٤/٠١/٠١", dt.date(2025, 3, 21)),
        (" 1404/01/01 ", dt.date(2025, 3, 21)),
        ("1404/01/01 12:30:05", dt.date(2025, 3, 21)),
        ("1404/01/01T12:30", dt.date(2025, 3, 21)),
        ("2025/07/02", dt.date(2025, 7, 2)),
        ("2025-07-02T10:00:00Z", dt.date(2025, 7, 2)),
        ("1699/01/01", dt.date(2320, 3, 21)),
        ("1700/01/01", dt.date(1700, 1, 1)),
    ],
)
def test_days_are_read_in_either_calendar(text: str, day: dt.date) -> None:
    assert read_day(text) == day


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1404",
        "1404/10",
        "1404/13/01",
        "1404/12/30",
        "1404/00/10",
        "1404/07/31",
        "2025/02/29",
        "2025/13/01",
        "0000/01/01",
        "404/10/10",
        "11404/10/10",
        "1404/10/100",
        "10/10/1404",
        "1404.10.10",
        "(1404/10/10)",
        None,
        5,
        14041010,
        b"1404/10/10",
        dt.date(2025, 1, 1),
    ],
)
def test_an_invalid_day_is_none(text: object) -> None:
    assert read_day(text) is None


@given(
    st.one_of(st.text(max_size=15), st.text("0123456789/-۰۹ ", max_size=15), st.from_regex(r"\d{4}/\d{1,2}/\d{1,2}"))
)
def test_no_text_breaks_the_reading_of_days(text: str) -> None:
    day = read_day(text)
    assert day is None or isinstance(day, dt.date)


# Moments


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (dt.datetime(2025, 3, 20, 20, 29, 59, tzinfo=dt.UTC), "1403/12/30"),
        (dt.datetime(2025, 3, 20, 20, 30, tzinfo=dt.UTC), "1404/01/01"),
        (dt.datetime(2025, 3, 21, 0, 0, tzinfo=TEHRAN), "1404/01/01"),
        (dt.datetime(2025, 3, 20, 23, 59, 59, tzinfo=TEHRAN), "1403/12/30"),
        (dt.datetime(2025, 7, 1, 20, 30, tzinfo=dt.UTC), "1404/04/11"),
        (dt.datetime(2025, 7, 1, 20, 29, tzinfo=dt.UTC), "1404/04/10"),
        (dt.date(2025, 3, 21), "1404/01/01"),
    ],
)
def test_the_day_of_a_moment_is_the_one_in_tehran(moment: dt.date, text: str) -> None:
    assert jalali_text(moment, "since") == text


def test_a_moment_is_written_in_utc() -> None:
    assert utc_text(dt.datetime(2025, 3, 13, 0, 50, 2, 999_999, tzinfo=TEHRAN), "send_time") == "2025-03-12 21:20:02"


@pytest.mark.parametrize("write", [jalali_text, utc_text])
@pytest.mark.parametrize("moment", [dt.datetime(2025, 1, 1), "1404/10/10", 5, None, 17e8])
def test_a_naive_moment_or_none_at_all_is_refused_by_name(write: object, moment: object) -> None:
    with pytest.raises(InvalidRequest, match="my_setting="):
        write(moment, "my_setting")


def test_a_day_alone_is_not_a_moment() -> None:
    with pytest.raises(InvalidRequest, match="send_time="):
        utc_text(dt.date(2025, 1, 1), "send_time")


@pytest.mark.parametrize("day", [dt.date.min, dt.date.max, dt.datetime.min.replace(tzinfo=TEHRAN)])
def test_a_day_out_of_the_jalali_calendar_is_refused(day: dt.date) -> None:
    with pytest.raises(InvalidRequest):
        jalali_text(day, "since")


def test_a_moment_that_has_no_utc_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        utc_text(dt.datetime.min.replace(tzinfo=TEHRAN), "send_time")


# Retry-After


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 15:30:30 +0330", 30.0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e5", None),
        ("nan", None),
        ("inf", None),
        ("۵", None),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
        ("Mon, 01 Jan 2030 00:00:00 +99999999999999999999", None),
        ("Mon, 01 Jan 99999999999999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header, NOW) == seconds


@given(st.integers(0, 10**7))
def test_retry_after_of_any_date_ahead_is_the_seconds_to_it(seconds: int) -> None:
    assert read_retry_after(format_datetime(NOW + dt.timedelta(seconds=seconds), usegmt=True), NOW) == seconds


@given(st.one_of(st.text(), st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [+-]?\w+")))
def test_no_header_breaks_the_reading_of_retry_after(header: str) -> None:
    seconds = read_retry_after(header, NOW)
    assert seconds is None or seconds >= 0


@given(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(TEHRAN)))
def test_unix_seconds_go_there_and_back(moment: dt.datetime) -> None:
    assert from_unix(int(unix_text(moment, "since"))) == moment.replace(microsecond=0)


@pytest.mark.parametrize("seconds", [None, 10**12, -(10**18), 10**30])
def test_a_moment_out_of_range_is_none(seconds: int | None) -> None:
    assert from_unix(seconds) is None


@pytest.mark.parametrize("moment", [dt.datetime(2025, 3, 12), dt.date(2025, 3, 12), "1744121368", 1744121368, None])
def test_a_moment_for_unix_seconds_has_a_time_zone(moment: Any) -> None:
    with pytest.raises(InvalidRequest, match="since="):
        unix_text(moment, "since")
