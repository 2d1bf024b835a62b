"""XLSX, XLSB and ODS files: values, what they are shown as, and what is hidden."""

from __future__ import annotations

import io
import struct
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import workbooks as wb
from hypothesis import given, settings
from hypothesis import strategies as st
from workbooks import number_xml, row_xml, text_xml

from smscore import InvalidRequest
from smscore.recipients.cells import shown, value_of
from smscore.recipients.file import ReadOptions, rows_of
from smscore.recipients.format_tokens import NotShown
from smscore.recipients.plan import Plan, make_plan
from smscore.recipients.sheet import Origin
from smscore.recipients.template import parse_template

HEADER = row_xml(1, text_xml("موبایل"), text_xml("x"))
MOBILE = number_xml(9121234567)


def read(path: Path, **options: Any) -> tuple[dict[int, list[object]], Origin]:
    """The rows that hold anything, by number, and where they came from."""
    with rows_of(str(path), ReadOptions(**options)) as found:
        return {number: list(cells) for number, cells in found if cells}, found.origin


def texts(path: Path, template: str = "{x}", **options: Any) -> list[str | None]:
    """What is sent, or the problem of a bad row."""
    with closing(plan_of(path, template, **options)) as plan:
        return [one.problem or one.text for one in plan]


def plan_of(path: Path, template: str = "{x}", **options: Any) -> Plan:
    with rows_of(str(path), ReadOptions(**options)) as rows:
        return make_plan(rows, column=None, template=parse_template(template), origin=rows.origin)


def xlsx(path: Path, *rows: str, **more: Any) -> Path:
    return wb.write_sheet(path / "r.xlsx", "".join(rows), **more)


# What is shown is what is sent


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("00000", 4521, "04521"),
        ("#,##0", 1500000, "1,500,000"),
        ("0.0%", 0.125, "12.5%"),
        ('#,##0\\ "ریال"', 1500, "1,500 ریال"),
        ("[$-fa-IR,16]yyyy/mm/dd;@", 45371, "1403/01/01"),
        ("[h]:mm", 1.0625, "25:30"),
        ("h:mm", 0.5, "12:00"),
        ("[$-3000429]0", 123, "۱۲۳"),
        ("General", "99.899999999999991", "99.9"),
        ("_-* #,##0_-", 5, "5"),
        (3, 1234.5, "1,235"),
        (14, 45371, "3/20/2024"),
        (46, 1.0625, "25:30:00"),
        (49, 12, "12"),
    ],
)
def test_a_merge_field_is_what_the_sheet_shows(code: str | int, value: float | str, text: str, tmp_path: Path):
    path = xlsx(tmp_path, HEADER, row_xml(2, MOBILE, number_xml(value, 1)), formats=[code])
    assert texts(path) == [text]


def test_a_recipient_is_taken_by_value(tmp_path: Path):
    path = xlsx(tmp_path, HEADER, row_xml(2, number_xml("9.12123456700000e9", 1), text_xml("a")), formats=["0.00E+00"])
    with closing(plan_of(path)) as plan:
        assert [one.recipient for one in plan] == ["09121234567"]


def test_days_may_be_counted_from_1904(tmp_path: Path):
    path = xlsx(
        tmp_path,
        HEADER,
        row_xml(2, MOBILE, number_xml(45371 - 1462, 1)),
        formats=["yyyy/mm/dd"],
        workbook='<workbookPr date1904="1"/>',
    )
    assert texts(path) == ["2024/03/20"]


def test_what_shows_no_value_is_a_bad_row(tmp_path: Path):
    cells = [
        ' t="e"><v>#N/A</v>',
        "><f>A1+1</f>",
        "><f>A1+1</f><v></v>",
        ' t="e"><f>1/0</f><v>#DIV/0!</v>',
        number_xml(-5, 1),
        number_xml(5, 2),
        number_xml(5, 3),
        text_xml("a_x0000_b"),
    ]
    rows = [row_xml(n, number_xml(9121234567 + n), cell) for n, cell in enumerate(cells, 2)]
    assert texts(xlsx(tmp_path, HEADER, *rows, formats=["yyyy", ";;;", "[DBNum1]0"])) == [
        "its 'x' is a spreadsheet error (#N/A)",
        "its 'x' is a formula without a result: open the file in Excel or LibreOffice and save it",
        "its 'x' is a formula without a result: open the file in Excel or LibreOffice and save it",
        "its 'x' is a spreadsheet error (#DIV/0!)",
        "its 'x' shows ####: it has a date format, and its value is negative",
        "its 'x' is empty",
        "its 'x' has a number format with something unknown in brackets",
        "its 'x' contains the control character U+0000",
    ]


def test_a_zero_that_was_never_worked_out_is_not_a_result(tmp_path: Path):
    rows = (HEADER, row_xml(2, MOBILE, "><f>A1</f><v>0</v>"), row_xml(3, number_xml(9121234568), "><f>A1</f><v>7</v>"))
    never = xlsx(tmp_path, *rows, workbook='<calcPr fullCalcOnLoad="1"/>')
    assert "formula without a result" in str(texts(never)[0])
    assert texts(never)[1:] == ["7"]
    assert texts(xlsx(tmp_path, *rows)) == ["0", "7"]


def test_a_bad_recipient_cell_says_what_it_is(tmp_path: Path):
    path = xlsx(tmp_path, HEADER, row_xml(2, ' t="e"><v>#REF!</v>', text_xml("a")), row_xml(3, MOBILE, text_xml("b")))
    assert texts(path) == ["its number is a spreadsheet error (#REF!)", "b"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (' t="str"><f>"a"</f><v>a&amp;b</v>', "a&b"),
        (' t="b"><v>1</v>', "TRUE"),
        (' t="s"><v>0</v>', "علی رضا"),
        (' t="s"><v>1</v>', "line\nbreak"),
        (' t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r><rPh sb="0" eb="1"><t>no</t></rPh></is>', "ab"),
        (' t="d"><v>2024-03-20T12:00:00</v>', "45371.5"),
        (' t="s" s="1"><v>0</v>', "آقای علی رضا"),
        (text_xml("a\tb"), "a b"),
        (text_xml("a_x000D_\nb"), "a\nb"),
        (text_xml("_x005F_x0041_"), "_x0041_"),
    ],
)
def test_the_kinds_of_texts(cell: str, text: str, tmp_path: Path):
    strings = (
        '<si><r><t>علی</t></r><r><rPr><b/></rPr><t xml:space="preserve"> رضا</t></r>'
        '<rPh sb="0" eb="2"><t>ALI</t></rPh><phoneticPr fontId="1"/></si><si><t>line&#10;break</t></si>'
    )
    path = xlsx(tmp_path, HEADER, row_xml(2, MOBILE, cell), strings=strings, formats=['0;0;0;"آقای "@'])
    assert texts(path) == [text]


def test_a_date_in_the_computers_own_format_is_reported(tmp_path: Path):
    path = xlsx(tmp_path, HEADER, row_xml(2, MOBILE, number_xml(45371, 1)), formats=[14])
    with closing(plan_of(path)) as plan:
        assert any("month/day/year" in note for note in plan.notes)
    with closing(plan_of(path, "no date")) as plan:
        assert plan.notes == []


def test_names_with_a_prefix_and_parts_elsewhere(tmp_path: Path):
    parts = wb.xlsx_parts(("a", "visible", ""), formats=["0000"])
    cell = '<x:row><x:c t="inlineStr"><x:is><x:t>موبایل</x:t></x:is></x:c></x:row>'
    cell += '<x:row><x:c s="1"><x:v>5</x:v></x:c></x:row>'
    parts["xl/worksheets/sheet1.xml"] = (
        f'<x:worksheet xmlns:x="{wb.MAIN}"><x:sheetData>{cell}</x:sheetData></x:worksheet>'
    )
    rows, _ = read(wb.zipped(tmp_path / "r.xlsx", parts))
    assert {number: list(map(shown, cells)) for number, cells in rows.items()} == {1: ["موبایل"], 2: ["0005"]}


# Sheets


def three_sheets(path: Path) -> Path:
    data = wb.sheet_xml(HEADER + row_xml(2, MOBILE, text_xml("a")))
    return wb.zipped(
        path / "r.xlsx",
        wb.xlsx_parts(
            ("Hidden", "hidden", wb.sheet_xml(HEADER + row_xml(2, MOBILE, text_xml("h")))),
            ("VeryHidden", "veryHidden", data),
            ("Seen", "visible", data),
            ("Other", "visible", wb.sheet_xml("")),
        ),
    )


def test_the_first_sheet_that_can_be_seen_is_read(tmp_path: Path):
    path = three_sheets(tmp_path)
    assert texts(path) == ["a"]
    assert texts(path, sheet="Hidden") == ["h"]
    with closing(plan_of(path)) as plan:
        assert (plan.origin.sheet, plan.notes) == ("Seen", [])


def test_the_other_sheets_are_named_where_this_one_looks_empty(tmp_path: Path):
    path = three_sheets(tmp_path)
    with pytest.raises(InvalidRequest, match=r"'Other'.*has no rows.*Other sheets: Seen.*Hidden sheets: Hidden, Very"):
        plan_of(path, sheet="Other")
    bad = wb.sheet_xml(HEADER + row_xml(2, text_xml("junk"), text_xml("a")))
    path = wb.zipped(tmp_path / "s.xlsx", wb.xlsx_parts(("a", "visible", bad), ("b", "visible", bad)))
    with closing(plan_of(path)) as plan:
        assert plan.notes == ["Other sheets: b. Choose one with --sheet."]


def test_what_is_left_out_is_told_once_where_no_row_is_good(tmp_path: Path):
    bad = HEADER + row_xml(2, text_xml("junk")) + row_xml(3, MOBILE, attributes=' hidden="1"')
    sheets = ("a", "visible", wb.sheet_xml(bad)), ("b", "visible", wb.sheet_xml(HEADER))
    with closing(plan_of(wb.zipped(tmp_path / "r.xlsx", wb.xlsx_parts(*sheets)))) as plan:
        assert plan.notes == [
            "1 hidden row is skipped; --hidden-too reads it.",
            "Other sheets: b. Choose one with --sheet.",
        ]


def test_a_workbook_with_nothing_to_be_seen(tmp_path: Path):
    path = wb.zipped(tmp_path / "r.xlsx", wb.xlsx_parts(("a", "hidden", wb.sheet_xml(HEADER))))
    with pytest.raises(InvalidRequest, match="no visible sheet"):
        read(path)
    with pytest.raises(InvalidRequest, match="no sheet with this name"):
        read(path, sheet="b")


def test_a_message_names_no_more_than_can_be_read(tmp_path: Path):
    sheets = [(f"{n} {'x' * 5000}", "visible", wb.sheet_xml(HEADER)) for n in range(30)]
    path = wb.zipped(tmp_path / "r.xlsx", wb.xlsx_parts(*sheets))
    with pytest.raises(InvalidRequest, match=r"no sheet with this name\. It has: 0 x") as caught:
        read(path, sheet="b")
    assert len(str(caught.value)) < 1500
    with pytest.raises(InvalidRequest, match="Its columns: موبایل, x") as caught:
        plan_of(xlsx(tmp_path, row_xml(1, text_xml("موبایل"), *(text_xml("x" * 5000) for _ in range(20)))))
    assert len(str(caught.value)) < 1500


# Hidden rows and columns


def test_hidden_rows_are_left_out_and_reported(tmp_path: Path):
    rows = [
        row_xml(n, number_xml(9121234567 + n), text_xml(str(n)), attributes=' hidden="1"' * (n > 2)) for n in (2, 3, 4)
    ]
    path = xlsx(tmp_path, HEADER, *rows, row_xml(9, attributes=' hidden="1"'))
    with closing(plan_of(path)) as plan:
        assert [one.text for one in plan] == ["2"]
        assert plan.notes == ["2 hidden rows are skipped; --hidden-too reads them."]
    with closing(plan_of(path, hidden_too=True)) as plan:
        assert [(one.row, one.text) for one in plan] == [(2, "2"), (3, "3"), (4, "4")]
        assert plan.notes == []


FILTERS = [
    {"before": '<sheetPr filterMode="1"/>'},
    {"after": '<autoFilter ref="A1:B4"><filterColumn colId="0"><filters/></filterColumn></autoFilter>'},
]


@pytest.mark.parametrize("how", FILTERS)
def test_rows_that_a_filter_hides_are_reported_as_such(how: dict[str, str], tmp_path: Path):
    hidden = [row_xml(n, number_xml(9121234567 + n), text_xml("a"), attributes=' hidden="1"') for n in range(3, 1207)]
    path = xlsx(tmp_path, HEADER, row_xml(2, MOBILE, text_xml("a")), *hidden, **how)
    with closing(plan_of(path)) as plan:
        assert plan.notes == ["1,204 rows hidden by a filter are skipped; --hidden-too reads them."]


def test_a_table_may_have_the_filter(tmp_path: Path):
    data = HEADER + row_xml(2, MOBILE, text_xml("a")) + row_xml(3, MOBILE, text_xml("b"), attributes=' hidden="1"')
    parts = wb.xlsx_parts(("a", "visible", wb.sheet_xml(data)))
    parts["xl/worksheets/_rels/sheet1.xml.rels"] = wb.relations([("table", "../tables/table1.xml")])
    parts["xl/tables/table1.xml"] = (
        f'<table xmlns="{wb.MAIN}"><autoFilter ref="A1"><filterColumn colId="0"/></autoFilter></table>'
    )
    with closing(plan_of(wb.zipped(tmp_path / "r.xlsx", parts))) as plan:
        assert plan.notes == ["1 row hidden by a filter is skipped; --hidden-too reads it."]


def test_hidden_columns_are_left_out_and_reported(tmp_path: Path):
    header = row_xml(1, text_xml("موبایل"), text_xml("x"), text_xml("تلفن همراه"))
    path = xlsx(
        tmp_path,
        header,
        row_xml(2, MOBILE, text_xml("a"), number_xml(9350000000)),
        before='<cols><col min="1" max="1" hidden="1"/><col min="26" max="16384" hidden="1"/></cols>',
    )
    with closing(plan_of(path)) as plan:
        assert [one.recipient for one in plan] == ["09350000000"]
        assert plan.notes == ["Hidden columns are skipped (A); --hidden-too reads them."]
    with closing(plan_of(path, hidden_too=True)) as plan:
        assert [one.recipient for one in plan] == ["09121234567"]


def test_a_field_in_a_hidden_column_is_reported(tmp_path: Path):
    path = xlsx(
        tmp_path, HEADER, row_xml(2, MOBILE, text_xml("a")), before='<cols><col min="2" max="2" width="0"/></cols>'
    )
    with pytest.raises(InvalidRequest, match=r"no column 'x'. Its columns: موبایل. Hidden columns are skipped \(B\)"):
        plan_of(path)


# XLSB


def xlsb(path: Path, *rows: bytes, before: bytes = b"", after: bytes = b"", **more: Any) -> Path:
    parts = wb.xlsb_parts(("Sheet1", 0, wb.xlsb_sheet(*rows, before=before, after=after)), **more)
    return wb.zipped(path / "r.xlsb", parts)


def real(value: float, column: int = 1, style: int = 0, kind: int = 5) -> bytes:
    return wb.xlsb_cell(kind, column, struct.pack("<d", value), style)


XLSB_HEADER = wb.xlsb_row(1, wb.xlsb_cell(6, 0, wb.wide("موبایل")), wb.xlsb_cell(6, 1, wb.wide("x")))


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (real(4521, style=1), "04521"),
        (real(45371, style=2), "1403/01/01"),
        (real(99.89999999999999), "99.9"),
        (real(0.5, style=3), "50%"),
        (real(7, kind=9), "7"),
        (wb.xlsb_cell(2, 1, struct.pack("<i", 1234 << 2 | 3)), "12.34"),
        (wb.xlsb_cell(2, 1, struct.pack("<i", -5 << 2 | 2)), "-5"),
        (wb.xlsb_cell(2, 1, struct.pack("<d", 1.5)[4:]), "1.5"),
        (wb.xlsb_cell(7, 1, struct.pack("<I", 0)), "علی"),
        (wb.xlsb_cell(8, 1, wb.wide("فرمول") + bytes(8)), "فرمول"),
        (wb.xlsb_cell(62, 1, b"\1" + wb.wide("رنگی") + bytes(8)), "رنگی"),
        (wb.xlsb_cell(4, 1, b"\1"), "TRUE"),
        (wb.xlsb_cell(3, 1, b"\x2a"), "its 'x' is a spreadsheet error (#N/A)"),
        (wb.xlsb_cell(11, 1, b"\x07" + bytes(4)), "its 'x' is a spreadsheet error (#DIV/0!)"),
        (wb.xlsb_cell(1, 1), "its 'x' is empty"),
    ],
)
def test_the_cells_of_a_binary_workbook(cell: bytes, text: str, tmp_path: Path):
    path = xlsb(
        tmp_path,
        XLSB_HEADER,
        wb.xlsb_row(2, real(9121234567, 0), cell),
        formats=["00000", "[$-fa-IR,16]yyyy/mm/dd;@", 9],
        strings=["علی"],
    )
    assert texts(path) == [text]


def test_a_binary_workbook_hides_rows_columns_and_sheets(tmp_path: Path):
    rows = [wb.xlsb_row(n, real(9121234560 + n, 0), real(n), hidden=n == 3) for n in (2, 3, 4)]
    column = wb.record(60, struct.pack("<IIIIH", 2, 2, 0, 0, 1))
    sheet = wb.xlsb_sheet(XLSB_HEADER, *rows, before=column, after=wb.record(161) + wb.record(163))
    parts = wb.xlsb_parts(("Hidden", 1, b""), ("Seen", 0, sheet))
    path = wb.zipped(tmp_path / "r.xlsb", parts)
    with closing(plan_of(path)) as plan:
        assert [one.text for one in plan] == ["2", "4"]
        assert plan.origin.sheet == "Seen"
        assert plan.notes == ["1 row hidden by a filter is skipped; --hidden-too reads it."]
    assert texts(path, hidden_too=True) == ["2", "3", "4"]


def test_a_binary_workbook_may_count_its_days_from_1904(tmp_path: Path):
    row = wb.xlsb_row(2, real(9121234567, 0), real(45371 - 1462, style=1))
    assert texts(xlsb(tmp_path, XLSB_HEADER, row, formats=["yyyy/mm/dd"], date1904=True)) == ["2024/03/20"]


# ODS


def ods(path: Path, *tables: str, styles: str = "") -> Path:
    return wb.zipped(path / "r.ods", wb.ods_parts(*tables, styles=styles))


ODS_HEADER = wb.ods_row(wb.ods_text("موبایل"), wb.ods_text("x"))
ODS_MOBILE = wb.ods_number(9121234567, "9.12E+09")


NO_RESULT = "its 'x' is a formula without a result: open the file in Excel or LibreOffice and save it"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (wb.ods_number(4521, "04521"), "04521"),
        (wb.ods_number(0.125, "12.5%", "percentage"), "12.5%"),
        (wb.ods_number(1500, "1,500 ریال", "currency"), "1,500 ریال"),
        (wb.ods_cell("1403/01/01", 'office:value-type="date" office:date-value="2024-03-20"'), "1403/01/01"),
        (wb.ods_cell("TRUE", 'office:value-type="boolean" office:boolean-value="true"'), "TRUE"),
        (wb.ods_text("a<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d"), "a  b c\nd"),
        (wb.ods_text("a</text:p><text:p><text:span>b</text:span>"), "a\nb"),
        (wb.ods_text("<office:annotation><text:p>note</text:p></office:annotation>a"), "a"),
        (wb.ods_text("#N/A", ' calcext:value-type="error"'), "its 'x' is a spreadsheet error (#N/A)"),
        ('<table:table-cell table:formula="of:=A1"/>', NO_RESULT),
        ("<table:table-cell/>", "its 'x' is empty"),
    ],
)
def test_the_cells_of_an_open_document(cell: str, text: str, tmp_path: Path):
    path = ods(tmp_path, wb.ods_table("a", ODS_HEADER, wb.ods_row(ODS_MOBILE, cell)))
    assert texts(path) == [text]


def test_an_open_document_hides_rows_columns_and_sheets(tmp_path: Path):
    style = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
    columns = '<table:table-column table:number-columns-repeated="2"/><table:table-column table:visibility="collapse"/>'
    rows = [
        wb.ods_row(wb.ods_number(9121234560 + n, "x"), wb.ods_text(str(n)), attributes=f' table:visibility="{seen}"')
        for n, seen in enumerate(("visible", "filter", "collapse"))
    ]
    gap = wb.ods_row("<table:table-cell/>", attributes=' table:number-rows-repeated="2"')
    wide = "<table:table-cell table:number-columns-repeated='16384'/>"
    end = wb.ods_row(wide, attributes=" table:number-rows-repeated='1048000'")
    path = ods(
        tmp_path,
        wb.ods_table("Hidden", ODS_HEADER, style="ta2"),
        wb.ods_table("Seen", ODS_HEADER, gap, *rows, end, columns=columns),
        styles=style,
    )
    with closing(plan_of(path)) as plan:
        assert [(one.row, one.text) for one in plan] == [(4, "0")]
        assert (plan.origin.sheet, plan.origin.hidden_sheets) == ("Seen", ["Hidden"])
        assert plan.notes == ["2 rows hidden by a filter are skipped; --hidden-too reads them."]
    assert texts(path, hidden_too=True) == ["0", "1", "2"]


def test_repeated_rows_and_cells_of_an_open_document(tmp_path: Path):
    row = wb.ods_row(
        ODS_MOBILE, wb.ods_text("a", " table:number-columns-repeated='3'"), attributes=" table:number-rows-repeated='2'"
    )
    rows, _ = read(ods(tmp_path, wb.ods_table("a", ODS_HEADER, row)))
    assert [list(map(shown, cells[1:])) for cells in rows.values()] == [["x"], ["a"] * 3, ["a"] * 3]
    assert [value_of(rows[number][0]) for number in (2, 3)] == [9121234567.0] * 2


def test_an_encrypted_open_document_is_reported(tmp_path: Path):
    parts = wb.ods_parts(wb.ods_table("a", ODS_HEADER))
    parts["META-INF/manifest.xml"] = "<m><file-entry><encryption-data/></file-entry></m>"
    with pytest.raises(InvalidRequest, match="password"):
        read(wb.zipped(tmp_path / "r.ods", parts))


# Hostile files


def test_a_claim_of_a_huge_sheet_costs_nothing(tmp_path: Path):
    path = xlsx(tmp_path, HEADER, row_xml(1048576, MOBILE, text_xml("a")), before='<dimension ref="A1:XFD1048576"/>')
    assert texts(path) == ["a"]
    far = xlsx(
        tmp_path, '<row r="1"><c r="XFD1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    )
    rows, _ = read(far)
    assert [len(cells) for cells in rows.values()] == [16384, 16384]


@pytest.mark.parametrize(
    "data",
    [
        '<row r="1048577"/>',
        '<row r="2"/><row r="1"/>',
        '<row r="0"/>',
        '<row r="x"/>',
        '<row r="1"><c r="XFE1"><v>1</v></c></row>',
        '<row r="1"><c r="1"><v>1</v></c></row>',
        '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>7</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>x</v></c></row>',
        '<row r="1"><c r="A1"><v>x</v></c></row>',
        '<row r="1"><c r="A1"><v>nan</v></c></row>',
        '<row r="1"><c r="A1"><v>1e999</v></c></row>',
        '<row r="1"><c r="A1" t="d"><v>yesterday</v></c></row>',
        '<row r="1">',
    ],
)
def test_an_impossible_sheet_is_reported_as_damaged(data: str, tmp_path: Path):
    with pytest.raises(InvalidRequest, match="damaged"):
        read(xlsx(tmp_path, data))


def test_entities_are_not_expanded(tmp_path: Path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    parts = wb.xlsx_parts(("a", "visible", bomb + wb.sheet_xml(row_xml(1, text_xml("&b;")))))
    with pytest.raises(InvalidRequest, match="DOCTYPE"):
        read(wb.zipped(tmp_path / "r.xlsx", parts))


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"])
def test_a_bomb_is_stopped_early(part: str, tmp_path: Path):
    parts = wb.xlsx_parts(("a", "visible", wb.sheet_xml(HEADER)))
    root, end, rest = str(parts[part]).partition(">")
    parts[part] = root + end + " " * 80_000_000 + rest
    with pytest.raises(InvalidRequest, match="far more than a spreadsheet contains"):
        read(wb.zipped(tmp_path / "r.xlsx", parts))


@pytest.mark.parametrize("missing", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "_rels/.rels"])
def test_a_part_that_is_missing_is_reported(missing: str, tmp_path: Path):
    parts = wb.xlsx_parts(("a", "visible", wb.sheet_xml(HEADER)))
    del parts[missing]
    with pytest.raises(InvalidRequest, match="damaged"):
        read(wb.zipped(tmp_path / "r.xlsx", parts))


def test_an_error_quotes_no_bytes_of_the_archive(tmp_path: Path):
    path = xlsx(tmp_path, HEADER, row_xml(2, MOBILE, text_xml("a")))
    name = b"xl/workbook.xml"
    path.write_bytes(path.read_bytes().replace(name, b"09121234567.xml", 1))
    with pytest.raises(InvalidRequest, match="cannot be unpacked") as caught:
        read(path)
    assert "0912" not in str(caught.value)


def small(kind: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        if kind == "xlsx":
            path = xlsx(path, HEADER, row_xml(2, MOBILE, number_xml(5, 1)), formats=["00"], strings="<si><t>a</t></si>")
        elif kind == "xlsb":
            path = xlsb(
                path, XLSB_HEADER, wb.xlsb_row(2, real(9121234567, 0), real(5, style=1)), formats=["00"], strings=["a"]
            )
        else:
            path = ods(path, wb.ods_table("a", ODS_HEADER, wb.ods_row(ODS_MOBILE, wb.ods_number(5, "05"))))
        return path.read_bytes()


SMALL = {kind: small(kind) for kind in ("xlsx", "xlsb", "ods")}


@settings(deadline=None)
@given(st.sampled_from(sorted(SMALL)), st.data())
def test_no_odd_file_is_more_than_a_typed_error(kind: str, data: st.DataObject):
    """One part with some bytes changed: the file is read, or it is said what is wrong."""
    with zipfile.ZipFile(io.BytesIO(SMALL[kind])) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    name = data.draw(st.sampled_from(sorted(parts)))
    changed = bytearray(parts[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(changed) - 1))
        changed[place : place + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"<", b'"', b"9" * 9])
        )
        if not changed:
            break
    parts[name] = bytes(changed)
    with tempfile.TemporaryDirectory() as folder:
        read_all(wb.zipped(Path(folder) / f"r.{kind}", parts, zipfile.ZIP_STORED))


@settings(deadline=None)
@given(st.sampled_from(sorted(SMALL)), st.data())
def test_no_cut_or_scratched_archive_is_more_than_a_typed_error(kind: str, data: st.DataObject):
    whole = bytearray(SMALL[kind])
    place = data.draw(st.integers(4, len(whole) - 1))
    if data.draw(st.booleans()):
        del whole[place:]
    else:
        whole[place] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"r.{kind}"
        path.write_bytes(whole)
        read_all(path)


def read_all(path: Path) -> None:
    try:
        rows, _ = read(path)
        for cells in rows.values():
            for cell in cells:
                try:
                    shown(cell)
                except NotShown:
                    continue
    except InvalidRequest:
        return
