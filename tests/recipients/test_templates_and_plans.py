"""Templates, and what a file comes to before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscore import InvalidRequest
from smscore.inputs import count_parts
from smscore.recipients.plan import Plan, make_plan
from smscore.recipients.template import parse_template

HEADER = ["نام", "موبایل", "debt"]


def plan_of(table: Sequence[Sequence[object]], template: str | None = None, text: str | None = None) -> Plan:
    parsed = None if template is None else parse_template(template)
    return make_plan(iter(enumerate(table, 1)), column=None, text=text, template=parsed)


def texts(template: str, *rows: Sequence[object]) -> list[str | None]:
    with closing(plan_of([HEADER, *rows], template)) as plan:
        return [one.text for one in plan]


# Templates


def test_a_template_is_filled_by_column_names():
    assert texts("سلام {نام}، {Debt} ریال", ["علی", "09121234567", 1500000.0]) == ["سلام علی، 1500000 ریال"]


def test_a_true_or_false_of_a_spreadsheet_is_written_as_the_sheet_shows_it():
    rows = [["علی", "09121234567", True], ["علی", "09121234568", False]]
    assert texts("{debt}", *rows) == ["TRUE", "FALSE"]


@pytest.mark.parametrize(
    ("template", "text"), [("{{{نام}}}", "{علی}"), ("{{}}", "{}"), ("a", "a"), ("{ نام }{نام}", "علیعلی")]
)
def test_doubled_braces_are_braces(template: str, text: str):
    assert texts(template, ["علی", "09121234567"]) == [text]


@pytest.mark.parametrize("text", ["سلام {نام}", "{ DEBT } ریال"])
def test_a_plain_text_that_names_a_column_in_braces_is_refused(text: str):
    with pytest.raises(InvalidRequest, match=r"is a column of the file\..*--template"):
        plan_of([HEADER, ["علی", "09121234567", 1]], text=text)


@pytest.mark.parametrize("text", ["سلام {کد}", "{", "{}", "{{نام}}", "نام: علی"])
def test_a_plain_text_may_have_other_braces(text: str):
    with closing(plan_of([HEADER, ["علی", "09121234567", 1]], text=text)) as plan:
        assert plan.text == text


@pytest.mark.parametrize("template", ["{", "}", "a{نام", "{نام}}", "{{نام}", "{}", "{ }"])
def test_a_brace_that_means_nothing_is_refused(template: str):
    with pytest.raises(InvalidRequest, match="brace"):
        parse_template(template)


@pytest.mark.parametrize("template", ["{نام.__class__}", "{نام[0]}", "{نام!r}", "{نام:>10}", "{0.real}"])
def test_nothing_but_names_is_looked_up(template: str):
    with pytest.raises(InvalidRequest, match="not a column's name"):
        parse_template(template)


@pytest.mark.parametrize("template", ["{family}", "{0}"])
def test_an_unknown_field_is_refused(template: str):
    with pytest.raises(InvalidRequest, match="no column"):
        plan_of([HEADER, ["علی", "09121234567", 1]], template)


def test_a_field_that_two_columns_have_is_refused():
    with pytest.raises(InvalidRequest, match="Several columns are named"):
        plan_of([["name", "Name", "mobile"], ["a", "b", "09121234567"]], "{name}")


def test_a_template_needs_a_header():
    with pytest.raises(InvalidRequest, match="no header"):
        plan_of([["علی", "09121234567"]], "{name}")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_escaped_text_comes_out_as_it_was(text: str):
    template = parse_template(text.replace("{", "{{").replace("}", "}}"))
    assert "".join(before for before, _ in template.pieces) == text
    assert template.fields == []


# Plans


def test_bad_rows_are_named_with_their_problem():
    rows = [
        ["علی", "09121234567", 1],
        [],
        ["", "09121234568", 1],
        ["x", "junk", 1],
        ["x", None, 1],
        ["x", "09121234569"],
    ]
    extra = ["x, y", "09121234560", 1, "more"]
    with closing(plan_of([HEADER, *rows, extra], "{نام} {debt}")) as plan:
        assert [(bad.row, bad.problem) for bad in plan.bad] == [
            (4, "its 'نام' is empty"),
            (5, "not an Iranian mobile number"),
            (6, "it has no number"),
            (7, "its 'debt' is empty"),
            (8, "it has more cells than the header: quote the cell that contains a delimiter"),
        ]
        assert (plan.rows, plan.messages, plan.empty, plan.bad_count) == (6, 1, 1, 5)


def test_a_repeated_heading_makes_no_row_bad():
    table = [["نام", "موبایل", "debt", "نام"], ["علی", "09121234567", 5, "علی"], ["رضا", "09121234568", 6, "رضا"]]
    with closing(plan_of(table, "{debt}")) as plan:
        assert (plan.messages, plan.bad) == (2, [])


def test_a_repeated_header_is_left_out_and_reported():
    table = [HEADER, ["علی", "09121234567", 5], HEADER, ["رضا", "09121234568", 6], [*HEADER, ""]]
    with closing(plan_of(table, "{debt}")) as plan:
        assert (plan.messages, plan.bad, plan.rows) == (2, [], 2)
        assert plan.notes == ["Skipped: 2 rows that repeat the header."]


@pytest.mark.parametrize("mark", ["\0", "\x1b", "\x7f", "\x9f", "\x08"])
def test_a_control_character_makes_a_bad_row(mark: str):
    assert texts("{نام}", [f"a{mark}b", "09121234567"]) == [None]
    with closing(plan_of([HEADER, [f"a{mark}b", "09121234567"]], "{نام}")) as plan:
        assert plan.bad[0].problem == f"its 'نام' contains the control character U+{ord(mark):04X}"


@pytest.mark.parametrize(
    ("text", "sent"),
    [("a\r\nb", "a\nb"), ("a\rb", "a\nb"), ("a\x0bb", "a\nb"), ("a\tb", "a b"), ("a\u2028b\x85c\x0cd", "a\nb\nc\nd")],
)
def test_layout_in_a_cell_becomes_line_breaks_and_spaces(text: str, sent: str):
    assert texts("{نام}", [text, "09121234567"]) == [sent]


def test_the_same_number_is_sent_to_once_however_it_is_written():
    with closing(plan_of([["mobile"], ["09121234567"], [9121234567.0], ["+98 912 123 4567"]], text="a")) as plan:
        assert (plan.messages, plan.duplicate_count, plan.duplicates) == (1, 2, [3, 4])


def test_another_text_to_the_same_number_is_not_a_duplicate():
    rows = [["a", "09121234567"], ["b", "09121234567"], ["a", "09121234567"]]
    with closing(plan_of([HEADER, *rows], "{نام}")) as plan:
        assert (plan.messages, plan.duplicates) == (2, [4])


def test_parts_are_counted_for_each_text():
    with closing(plan_of([HEADER, ["ا" * 10, "09121234567"], ["ا" * 71, "09121234568"]], "{نام}")) as plan:
        assert (plan.least_parts, plan.most_parts, plan.total_parts) == (1, 2, 3)
    with closing(plan_of([["mobile"], ["09121234567"], ["09121234568"]], text="ا" * 71)) as plan:
        assert (plan.least_parts, plan.most_parts, plan.total_parts) == (2, 2, 4)


def test_a_plan_counts_the_parts_that_a_handset_makes():
    with closing(plan_of([["mobile"], ["09121234567"]], text="س" * 66 + "😀" + "س" * 66)) as plan:
        assert plan.total_parts == 3


@pytest.mark.parametrize("text", ["", " \u200c\n"])
def test_an_empty_text_is_refused(text: str):
    with pytest.raises(InvalidRequest, match="empty"):
        plan_of([["mobile"], ["09121234567"]], text=text)


numbers = st.sampled_from(["09121234567", "09121234568", "+989121234567", "junk", "", 9121234569.0, None])
names = st.sampled_from(["علی", "مریم", "", "x" * 200])


@given(st.lists(st.tuples(names, numbers), min_size=1, max_size=30))
def test_every_row_is_in_exactly_one_place(body: list[tuple[str, object]]):
    table: list[Sequence[object]] = [["نام", "موبایل"], *body]
    with closing(plan_of(table, "{نام}!")) as plan:
        listed = list(plan)
        filled = [number for number, cells in enumerate(table, 1) if number > 1 and any(cells)]
        assert [one.row for one in listed] == filled
        good = [one for one in listed if one.problem is None]
        assert (len(good), len(filled) - len(good)) == (plan.messages, plan.bad_count + plan.duplicate_count)
        assert len({(one.recipient, one.text) for one in good}) == len(good)
        assert plan.total_parts == sum(count_parts(one.text or "").parts for one in good)
        assert plan.empty == len(body) - len(filled)


def digests(table: Sequence[Sequence[object]], text: str) -> tuple[str, str]:
    with closing(plan_of(table, text=text)) as plan:
        return plan.recipients_digest, plan.texts_digest


def test_the_digests_tell_recipients_and_texts_apart():
    table = [["mobile"], ["09121234567"], ["09121234568"]]
    assert digests(table, "a") == digests([["mobile"], ["+989121234567"], [9121234568.0]], "a")
    assert digests(table, "a")[0] == digests(table, "b")[0]
    assert digests(table, "a")[1] != digests(table, "b")[1]
    assert digests(table, "a")[1] == digests(table[:2], "a")[1]
    for other in (table[:2], [*table, ["09121234569"]], [["mobile"], [], *table[1:]], [table[0], table[2], table[1]]):
        assert digests(other, "a")[0] != digests(table, "a")[0]


def endless() -> Iterator[tuple[int, list[object]]]:
    yield 1, ["mobile"]
    for number in range(300_000):
        yield number + 2, [f"0912{number % 1_000_000:07}"]


def test_a_long_file_is_planned_in_little_memory():
    import tracemalloc

    tracemalloc.start()
    with closing(make_plan(endless(), column=None, text="a")) as plan:
        assert sum(1 for _ in plan) == 300_000
        peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000  # the numbers seen, to find duplicates; the rows themselves would be three times that
