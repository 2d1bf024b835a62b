"""What a spreadsheet shows for a number, format by format."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smscore.recipients.cells import Format, Formatted, shown
from smscore.recipients.format_digits import NumberSection, general, to_decimal
from smscore.recipients.format_tokens import NotShown
from smscore.recipients.number_format import parse_format

NUMBERS = [
    # Zeros in front, thousands, decimals
    ("00000", 4521, "04521"),
    ("0", 0.4, "0"),
    ("0", 2.5, "3"),
    ("0", 3.5, "4"),
    ("0", -2.5, "-3"),
    ("#", 0, ""),
    ("#,##0", 0, "0"),
    ("#,##0", 999, "999"),
    ("#,##0", 1234567.5, "1,234,568"),
    ("#,##0", -1234567, "-1,234,567"),
    ("0,000", 12, "0,012"),
    ("0.00", 1.005, "1.01"),
    ("0.00", 99.9, "99.90"),
    ("0.00", 99.89999999999999, "99.90"),
    ("0.0", 0.05, "0.1"),
    ("#.##", 5, "5."),
    ("#.##", 0.5, ".5"),
    (".00", 12.5, "12.50"),
    ("0.0#", 1.5, "1.5"),
    ("0.0?", 1.5, "1.5 "),
    ("???0", 12, "  12"),
    ("#,##0,", 1499999, "1,500"),
    ('0.0,,"M"', 1234567, "1.2M"),
    ("0,.0", 12345, "12.3"),
    ("#,##0", 1e21, "1,000,000,000,000,000,000,000"),
    # Percent
    ("0%", 0.125, "13%"),
    ("0.0%", 0.1255, "12.6%"),
    ("%0", 0.5, "%50"),
    # Money
    ('#,##0\\ "ریال"', 1500000, "1,500,000 ریال"),
    ("#,##0\\ [$ریال-429]", 1500000, "1,500,000 ریال"),
    ("[$ریال-fa-IR]\\ #,##0", 1500, "ریال 1,500"),
    ("[$€-2]\\ #,##0.00", 3.5, "€ 3.50"),
    ("[$$-409]#,##0.00;[Red]-[$$-409]#,##0.00", -3, "-$3.00"),
    ('"$"#,##0_);[Red]\\("$"#,##0\\)', -1234, "($1,234)"),
    ('_-* #,##0\\ "ریال"_-;-* #,##0_-;_-* "-"??_-;_-@_-', 1234, " 1,234 ریال "),
    ('_(* #,##0_);_(* \\(#,##0\\);_(* "-"_);_(@_)', 0, " - "),
    # Literals
    ("0000\\-000\\-0000", 9121234567, "0912-123-4567"),
    ("(###) ###-####", 9121234567, "(912) 123-4567"),
    ("(###) ###-####", 12.3, "() -12"),
    ('"کد "0', 7, "کد 7"),
    ("0 تومان", 7, "7 تومان"),
    ('"a;b"0', 7, "a;b7"),
    ('"n/a"', 7, "n/a"),
    ("00\\:00", 930, "09:30"),
    # Sections and conditions
    ("0;(0)", -5, "(5)"),
    ('0;-0;"هیچ"', 0, "هیچ"),
    ("0;-0", 0, "0"),
    (";;;", 5, ""),
    ('0;;"z"', -5, ""),
    ("[Red]0;[Blue]-0", 5, "5"),
    ("[Color 12]0", 5, "5"),
    ('[<100]0;"many"', 99, "99"),
    ('[<100]0;"many"', 100, "many"),
    ('[>=1000000]0.0,,"M";[>=1000]0.0,"K";0', 1500000, "1.5M"),
    ('[>=1000000]0.0,,"M";[>=1000]0.0,"K";0', 1500, "1.5K"),
    ('[>=1000000]0.0,,"M";[>=1000]0.0,"K";0', 15, "15"),
    ('[=1]"one";[=2]"two";0', 2, "two"),
    ("[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", -12.3, "--12"),
    ("[Red][<=-25]General;[Blue][>=25]General;[Green]General;[Yellow]General", -25, "25"),
    # A minus sign before nothing but zeros
    ("0.0", -0.01, "0.0"),
    ("0.0;-0.0", -0.01, "-0.0"),
    ("0.0;@", -0.01, "-0.0"),
    ("-0.0", -1, "--1.0"),
    ('"n"', -1, "-n"),
    ('"$"0.00', -5, "-$5.00"),
    # Exponents
    ("0.00E+00", 12345, "1.23E+04"),
    ("0.00E-00", 12345, "1.23E04"),
    ("0.00E+00", 0.00012, "1.20E-04"),
    ("0E+0", 9.5, "1E+1"),
    ("##0.0E+0", 12345, "12.3E+3"),
    ("0.00E+00", 0, "0.00E+00"),
    ("0.00E+00", -1500, "-1.50E+03"),
    # Fractions
    ("# ?/?", 1.5, "1 1/2"),
    ("# ?/?", 0.5, " 1/2"),
    ("# ?/?", 3.14159, "3 1/7"),
    ("# ??/??", 0.3333, "  1/3"),
    ("# ?/8", 0.3, " 2/8"),
    ("?/?", 1.25, "5/4"),
    ("# ?/?", 0.999, "1 "),
    ("# ?/100", 2.25, "2 25/100"),
    # General
    ("General", 99.9, "99.9"),
    ("General", 0.1 + 0.2, "0.3"),
    ("General", 1 / 3, "0.333333333"),
    ("General", -1 / 3, "-0.333333333"),
    ("General", 2 / 3, "0.666666667"),
    ("General", 12345678901, "12345678901"),
    ("General", 1234567.891234, "1234567.891"),
    ("General", 123456789012, "123456789012"),
    ("General", 1e15, "1E+15"),
    ("General", 6.0379912345678e15, "6.03799E+15"),
    ("General", 1e-10, "1E-10"),
    ("General", 0.0000123, "0.0000123"),
    ("General", 0.0000123456789, "1.23457E-05"),
    ("General", 99999999999.9, "100000000000"),
    ('General" ریال"', 2.5, "2.5 ریال"),
    ("@", 4521, "4521"),
    # Digits of other shapes
    ("[$-3000429]#,##0.0", 1234.5, "۱,۲۳۴.۵"),
    ("[$-fa-IR,300]#,##0", 1234, "۱,۲۳۴"),
    ("[$-2000401]0", 123, "١٢٣"),
    ("[$-1000429]0", 123, "123"),
    ("[$-429]#,##0", 1234, "1,234"),
]


@pytest.mark.parametrize(("code", "value", "text"), NUMBERS)
def test_a_number_is_written_as_excel_shows_it(code: str, value: float, text: str):
    assert parse_format(code).show(value) == text


DAY = 45371  # 20 March 2024, the first of Farvardin 1403

DATES = [
    ("yyyy/mm/dd", DAY, "2024/03/20"),
    ("yyyy\\-mm\\-dd;@", DAY, "2024-03-20"),
    ("m/d/yy", DAY, "3/20/24"),
    ("d-mmm-yy", DAY, "20-Mar-24"),
    ("dddd, mmmm d, yyyy", DAY, "Wednesday, March 20, 2024"),
    ("ddd mmmmm", DAY, "Wed M"),
    ("[$-429]dddd d mmmm yyyy", DAY, "چهارشنبه 20 مارس 2024"),
    ("[$-fa-IR,16]yyyy/mm/dd;@", DAY, "1403/01/01"),
    ("[$-fa-IR,16]yyyy/mm/dd;@", DAY - 1, "1402/12/29"),
    ("[$-fa-IR,16]yyyy/mm/dd", 44275, "1399/12/30"),
    ("[$-fa-IR,16]d mmmm yyyy;@", DAY, "1 فروردین 1403"),
    ("[$-fa-IR,316]yyyy/mm/dd", DAY, "۱۴۰۳/۰۱/۰۱"),
    ("[$-160429]yy/m/d", DAY, "03/1/1"),
    ("[$-fa-IR,96]yyyy/mm/dd;@", 46257, "1405/06/01"),
    ("[$-960429]yyyy/mm/dd;@", DAY, "1403/01/01"),
    ("[$-3960429]d mmmm yyyy", DAY, "۱ فروردین ۱۴۰۳"),
    ("[$-3160429]dddd d mmmm yyyy", DAY, "چهارشنبه ۱ فروردین ۱۴۰۳"),
    ("[$-160000]mmmm", DAY, "فروردین"),
    ("[$-3020429]yyyy/mm/dd", DAY, "۲۰۲۴/۰۳/۲۰"),
    ("yyyy-mm-dd", 0, "1900-01-00"),
    ("yyyy-mm-dd", 1, "1900-01-01"),
    ("yyyy-mm-dd", 59, "1900-02-28"),
    ("yyyy-mm-dd", 60, "1900-02-29"),
    ("yyyy-mm-dd", 61, "1900-03-01"),
    ("yyyy-mm-dd", DAY + 0.999999, "2024-03-20"),
    # Times
    ("h:mm", 0.5, "12:00"),
    ("hh:mm:ss", 0.2604166667, "06:15:00"),
    ("h:mm AM/PM", 0.75, "6:00 PM"),
    ("h:mm a/p", 0.25, "6:00 a"),
    ("h AM/PM", 0, "12 AM"),
    ("[$-1000429]h:mm AM/PM", 0.75, "6:00 ب.ظ"),
    ("mm:ss.0", 0.0007, "01:00.5"),
    ("ss.000", 0.00001, "00.864"),
    ("yyyy-mm-dd hh:mm:ss", DAY + 0.999999999, "2024-03-21 00:00:00"),
    ("m/d/yyyy h:mm", DAY + 0.5, "3/20/2024 12:00"),
    ("hh:mm dd/mm", DAY + 0.25, "06:00 20/03"),
    # Durations
    ("[h]:mm", 1.0625, "25:30"),
    ("[hh]:mm:ss", 0.0625, "01:30:00"),
    ("[m]", 1, "1440"),
    ("[mm]:ss", 0.0625, "90:00"),
    ("[s]", 0.0625, "5400"),
    ("[h]:mm", 41.6666666666667, "1000:00"),
]


@pytest.mark.parametrize(("code", "value", "text"), DATES)
def test_a_date_is_written_as_excel_shows_it(code: str, value: float, text: str):
    assert parse_format(code).show(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "1904-01-01"), (1, "1904-01-02"), (DAY - 1462, "2024-03-20")])
def test_a_workbook_may_count_its_days_from_1904(value: float, text: str):
    assert parse_format("yyyy-mm-dd").show(value, date1904=True) == text
    assert parse_format("dddd").show(value, date1904=True) == {"1904-01-01": "Friday", "1904-01-02": "Saturday"}.get(
        text, "Wednesday"
    )


@pytest.mark.parametrize(
    ("code", "value", "words"),
    [
        ("yyyy-mm-dd", -1, "####"),
        ("yyyy-mm-dd", 2958466, "####"),
        ("[<100]0;[<200]0", 300, "####"),
        ("[$-407]mmmm", DAY, "language"),
        ("[$-60401]yyyy", DAY, "calendar"),
        ("B2yyyy", DAY, "calendar"),
        ("[$-1F000000]0", 5, "digits"),
        ("[DBNum1]0", 5, "brackets"),
        ("0;0;0;0;0", 5, "four sections"),
        ("0E+", 5, "exponent"),
        ("?/", 0.5, "fraction"),
        ("0" * 2000, 5, "too long"),
    ],
)
def test_what_is_not_known_is_not_shown(code: str, value: float, words: str):
    with pytest.raises(NotShown, match=words):
        parse_format(code).show(value)


@pytest.mark.parametrize(
    ("code", "text"),
    [('"آقای "@', "آقای علی"), ('0;0;0;"آقای "@', "آقای علی"), ("0;0;0;", ""), ("0.00", "علی"), ("@", "علی")],
)
def test_a_text_is_written_as_its_section_says(code: str, text: str):
    assert parse_format(code).show_text("علی") == text


PIECES = ["0", "#", "?", ".", ",", "%", "/", "@", ";", "E+", "E-", "General", "yyyy", "mm", "d", "h", "ss", "AM/PM"]
PIECES += [
    "[h]",
    "[Red]",
    "[<5]",
    "[>=-1]",
    "[$-429]",
    "[$ریال-fa-IR,16]",
    "[$-3160429]",
    '"',
    "\\",
    "_",
    "*",
    "a",
    "ش",
    " ",
]
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**6), 10**6).map(float)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=20), numbers)
@example("0.0/0", 9.999999999999995e27)
@example(f"ss.{'0' * 30}", 0.5)
def test_no_format_is_more_than_a_text_or_a_typed_error(code: str, value: float):
    try:
        assert isinstance(shown(Formatted(value, Format(code))), str)
    except NotShown:
        return


PLAIN = ["0", "00000", "#", "#,##0", "#,###.0", "0.00", "#.00", '"a"0.0" b"', '#,##0 "ریال"', "#0.0", "0.00_)"]


@settings(deadline=None)
@given(st.sampled_from(PLAIN), st.floats(0, 1e18, exclude_min=True) | st.integers(1, 10**17).map(float))
def test_the_shorter_way_to_a_plain_number_is_the_same(code: str, value: float):
    section = parse_format(code).numbers[0].filled
    assert isinstance(section, NumberSection)
    assert section.plain is not None
    assert section.plain.show(value) == section.show(to_decimal(value), date1904=False)[0]


@settings(deadline=None)
@given(st.integers(-(10**14), 10**14), st.integers(0, 4))
def test_a_whole_number_keeps_its_digits(number: int, places: int):
    value = number / 10**places
    if abs(number) < 10**9:
        assert general(value) in (f"{value:.{places}f}", f"{value:.15g}", f"{value:.9f}".rstrip("0"))
    assert parse_format("#,##0").show(float(number)) == f"{number:,}"
    assert parse_format("0" * 12).show(float(abs(number))) == f"{abs(number):012}"
