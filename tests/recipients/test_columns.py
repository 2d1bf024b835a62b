"""Columns read at once are what their cells are one by one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from smscore.recipients.cells import Cells, Fault, Format, Formatted, Shown, heading, shown_or_empty
from smscore.recipients.number_column import find_layout, mobile_numbers, mobile_of
from smscore.recipients.number_format import parse_format
from smscore.recipients.template import Filler, Unfilled, bind, parse_template

TEXTS = st.text(max_size=6) | st.sampled_from(["", " ", "a\r\nb", "\x00", "\u2028", "09121234567", "+98 912 123 4567"])
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([9121234567.0, -9121234567.0, 9.5, 1e15])
FORMATS = st.sampled_from(["#,##0.00", "00000", "[$-fa-IR,16]yyyy/mm/dd;@", "0;[Red]-0;;@", "[unknown]0"]).map(Format)
CELLS = st.one_of(
    TEXTS,
    NUMBERS,
    st.none(),
    st.booleans(),
    st.builds(Shown, NUMBERS | TEXTS, TEXTS),
    st.builds(Formatted, NUMBERS | TEXTS, FORMATS),
    st.just(Fault("is a spreadsheet error")),
)
COLUMN = st.lists(CELLS, max_size=8) | st.lists(NUMBERS, max_size=8) | st.lists(TEXTS, max_size=8)


@settings(deadline=None)
@given(COLUMN)
def test_a_column_shows_what_its_cells_show(cells: list[object]):
    assert shown_or_empty(cells) == list(map(heading, cells))


@settings(deadline=None)
@given(COLUMN)
def test_a_column_has_the_numbers_of_its_cells(cells: list[object]):
    assert mobile_numbers(cells) == list(map(mobile_of, cells))


def filled(filler: Filler, cells: Cells) -> str:
    try:
        return filler.fill(cells)
    except Unfilled as error:
        return f"not filled: {error}"


@settings(deadline=None)
@given(st.lists(st.lists(CELLS, max_size=4), max_size=6), st.booleans())
def test_rows_are_filled_as_one_by_one(table: list[list[object]], delimited: bool):
    layout = find_layout([(1, ["mobile", "a", "b"])])
    filler = bind(parse_template("x {a} y {b} {a}"), layout, delimited=delimited)
    texts = [f"not filled: {one}" if isinstance(one, Unfilled) else one for one in filler.fill_all(table)]
    assert texts == [filled(filler, cells) for cells in table]


@settings(deadline=None)
@given(
    st.floats(1e-6, 1e18) | st.integers(1, 10**16).map(float) | st.integers(1, 10**9).map(lambda n: n / 1000),
    st.sampled_from(["0", "0.0", "#,##0.00", "#,##0", "000.000", "#.##0", "#.00"]),
)
def test_a_plain_format_shows_what_its_long_form_shows(value: float, code: str):
    # An empty text between the places makes it a format that is filled in place by place.
    long = code[:-1] + '""' + code[-1]
    assert parse_format(code).show(value) == parse_format(long).show(value)
