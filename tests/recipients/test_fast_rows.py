"""Rows that are read without a parser are what the parser makes of them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pytest
import workbooks as wb
from hypothesis import given, settings
from hypothesis import strategies as st

from smscore import InvalidRequest
from smscore.recipients.cells import Shown
from smscore.recipients.fast_ods import OdsRows
from smscore.recipients.fast_rows import FastRows
from smscore.recipients.file import rows_of

CELLS = [
    "",
    ' s="1"/>',
    "><v>5</v></c>",
    ' s="1"><v>4521.5</v></c>',
    ' s="2"><v>45371</v></c>',
    ' t="s"><v>0</v></c>',
    ' s="3" t="s"><v>1</v></c>',
    ' t="s"><v>9</v></c>',
    ' t="n"><v>1E+3</v></c>',
    ' t="b"><v>1</v></c>',
    ' t="e"><v>#N/A</v></c>',
    ' t="str"><f>A1&amp;B1</f><v>x</v></c>',
    ' t="str"><f>A1</f><v></v></c>',
    ' t="str"><f>A1</f><v/></c>',
    "><f>A1</f></c>",
    '><f t="shared" si="0"/><v>0</v></c>',
    ' t="inlineStr"><is><t xml:space="preserve"> علی </t></is></c>',
    ' t="inlineStr"><is><t></t></is></c>',
    ' t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>',
    ' t="str"><v>a&amp;b_x000D_</v></c>',
    "><v>x</v></c>",
    ' t="inlineStr"/>',
    ' t="inlineStr"><v>5</v></c>',
    "><is><t>5</t></is></c>",
    ' t="str"><f>A1</f></c>',
    "><v>1e999</v></c>",
    ' foreign="1"><v>5</v></c>',
    "><v/></c>",
    ' s="1"><v></v></c>',
    ' t="s"><v/></c>',
]
ROWS = [
    "",
    ' hidden="1"',
    ' spans="1:3" ht="0"',
    ' spans="1:3" x14ac:dyDescent="0.25"',
    ' hidden="0" s="1" customFormat="1"',
    ' hidden="true"',
    ' hidden="on"',
]


def row(number: int, cells: list[str], attributes: str) -> str:
    inner = "".join(f'<c r="{chr(65 + n)}{number}"{cell}' for n, cell in enumerate(cells) if cell)
    return f'<row r="{number}"{attributes}>{inner}</row>'


def read(path: Path, data: str, before: str = "") -> object:
    strings = "<si><t>a</t></si><si><t>b</t></si>"
    formats = ["00000", "yyyy/mm/dd", '0;0;0;"x"@']
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n{wb.sheet_xml(data, before=before)}'
    parts = wb.xlsx_parts(("a", "visible", xml), formats=formats, strings=strings)
    try:
        with rows_of(str(wb.zipped(path / "r.xlsx", parts))) as found:
            return list(found), found.origin
    except InvalidRequest as error:
        return str(error).partition(":")[0]


table = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.sampled_from(CELLS), max_size=4), st.sampled_from(ROWS)), max_size=6
)


@settings(deadline=None)
@given(table)
def test_a_parser_makes_the_same_of_them(rows: list[tuple[int, list[str], str]]):
    number, data = 0, ""
    for step, cells, attributes in rows:
        number += step
        data += row(number, cells, attributes)
    with tempfile.TemporaryDirectory() as folder:
        assert read(Path(folder), data) == read(Path(folder), data, before="<!-- the parser reads all -->")


@pytest.mark.parametrize("attributes", ROWS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_parser_makes_the_same_of_each_kind_of_cell_and_row(tmp_path: Path, cell: str, attributes: str):
    data = row(1, [CELLS[2], cell], attributes) + row(2, [CELLS[2], cell], attributes)
    assert read(tmp_path, data) == read(tmp_path, data, before="<!-- the parser reads all -->")


# ODS

ODS_CELLS = [
    "<table:table-cell/>",
    '<table:table-cell table:number-columns-repeated="3"/>',
    '<table:table-cell table:number-columns-repeated="16384"/>',
    '<table:table-cell table:number-columns-repeated="0"/>',
    '<table:table-cell table:style-name="ce1"></table:table-cell>',
    wb.ods_cell("علی", 'office:value-type="string"'),
    wb.ods_cell("a", 'office:value-type="string" table:number-columns-repeated="2"'),
    wb.ods_cell("a &amp; b", 'office:value-type="string"'),
    wb.ods_cell('a<text:s text:c="2"/>b', 'office:value-type="string"'),
    wb.ods_cell("a</text:p><text:p>b", 'office:value-type="string"'),
    wb.ods_cell("a\r\nb", 'office:value-type="string"'),
    wb.ods_cell("a]]>b", 'office:value-type="string"'),
    wb.ods_cell("a\x01", 'office:value-type="string"'),
    '<table:table-cell office:value-type="string" office:string-value="z"/>',
    '<table:table-cell office:value-type="string" office:string-value="z"><text:p/></table:table-cell>',
    wb.ods_cell("04521", 'office:value-type="float" office:value="4521"'),
    wb.ods_cell("0", 'office:value-type="float" office:value="-1.5E-5"'),
    wb.ods_cell("0", 'office:value-type="float" office:value="1E999"'),
    wb.ods_cell("0", 'office:value-type="float" office:value="x"'),
    '<table:table-cell office:value-type="float" office:value="7"/>',
    wb.ods_cell("7", 'office:value-type="float"'),
    wb.ods_cell("50%", 'office:value-type="percentage" office:value="0.5" calcext:value-type="percentage"'),
    wb.ods_cell("#N/A", 'office:value-type="string" calcext:value-type="error"'),
    wb.ods_cell("1403/01/01", 'office:value-type="date" office:date-value="2024-03-20"'),
    wb.ods_cell("TRUE", 'office:value-type="boolean" office:boolean-value="true"'),
    '<table:table-cell office:value-type="boolean" office:boolean-value="true"/>',
    '<table:table-cell table:formula="of:=A1"/>',
    wb.ods_cell("5", 'table:formula="of:=A1" office:value-type="float" office:value="5"'),
    wb.ods_cell("a", 'a="1" a="1" office:value-type="string"'),
    "<table:table-cell><text:p>plain</text:p></table:table-cell>",
    "<table:covered-table-cell/>",
    '<table:covered-table-cell office:value-type="string"><text:p>under</text:p></table:covered-table-cell>',
    wb.ods_cell("n</text:p></office:annotation><text:p>a", "><office:annotation"),
]
ODS_ROWS = [
    "",
    ' table:style-name="ro1"',
    ' table:visibility="filter"',
    ' table:visibility="collapse" table:style-name="ro1"',
    ' table:number-rows-repeated="3"',
    ' table:number-rows-repeated="0"',
    ' table:number-rows-repeated="1048576"',
    ' table:style-name="ro1" table:style-name="ro1"',
]


def read_ods(path: Path, rows: str, before: str = "") -> object:
    hidden = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
    tables = [
        wb.ods_table("first", wb.ods_row(ODS_CELLS[5]), style="ta2"),
        wb.ods_table("second", before, rows, columns='<table:table-column table:number-columns-repeated="3"/>'),
        wb.ods_table("third", wb.ods_row(ODS_CELLS[5])),
    ]
    try:
        with rows_of(str(wb.zipped(path / "r.ods", wb.ods_parts(*tables, styles=hidden)))) as found:
            # A sheet beyond the first 3,000 rows says nothing that they do not.
            return list(islice(found, 3000)), found.origin
    except InvalidRequest as error:
        return str(error).partition(":")[0]


def ods_rows(rows: list[tuple[list[str], str]]) -> str:
    return "".join(wb.ods_row(*cells, attributes=attributes) for cells, attributes in rows)


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.sampled_from(ODS_CELLS), max_size=4), st.sampled_from(ODS_ROWS)), max_size=6))
def test_a_parser_makes_the_same_of_an_open_document(rows: list[tuple[list[str], str]]):
    with tempfile.TemporaryDirectory() as folder:
        by_parser = read_ods(Path(folder), ods_rows(rows), before="<!-- the parser reads all -->")
        assert read_ods(Path(folder), ods_rows(rows)) == by_parser


@pytest.mark.parametrize("attributes", ODS_ROWS)
@pytest.mark.parametrize("cell", ODS_CELLS)
def test_a_parser_makes_the_same_of_each_kind_of_ods_cell_and_row(tmp_path: Path, cell: str, attributes: str):
    data = ods_rows([([ODS_CELLS[15], cell, ODS_CELLS[5]], attributes)] * 2)
    assert read_ods(tmp_path, data) == read_ods(tmp_path, data, before="<!-- the parser reads all -->")


class Table:
    """Remembers the rows."""

    def __init__(self) -> None:
        self.rows: list[tuple[object, object]] = []

    def add_row(self, attributes: object, cells: object) -> None:
        self.rows.append((attributes, cells))


# As LibreOffice writes them.
WRITTEN = (
    '<table:table-row table:style-name="ro1"><table:table-cell office:value-type="float" office:value="{0}" '
    'calcext:value-type="float"><text:p>{0}</text:p></table:table-cell><table:table-cell office:value-type="string" '
    'calcext:value-type="string"><text:p>علی {0}</text:p></table:table-cell><table:table-cell/><table:table-cell '
    'table:style-name="ce2" table:formula="of:=[.A{0}]*2" office:value-type="percentage" office:value="{0}.5" '
    'calcext:value-type="percentage"><text:p>{0}50%</text:p></table:table-cell><table:table-cell '
    'table:style-name="ce3" office:value-type="date" office:date-value="2024-03-0{0}" '
    'calcext:value-type="date"><text:p>1403/01/0{0}</text:p>'
    '</table:table-cell><table:table-cell table:number-columns-repeated="16379"/></table:table-row>'
)


def test_the_rows_that_libreoffice_writes_need_no_parser():
    text, table, at = "".join(map(WRITTEN.format, range(1, 9))), Table(), 0
    reader = OdsRows(table)
    while (end := reader.read_row(text, at)) > at:
        at = end
    assert at == len(text)
    assert table.rows == [
        (
            {"table:style-name": "ro1"},
            [Shown(float(n), f"{n}"), f"علی {n}", "", Shown(n + 0.5, f"{n}50%"), f"1403/01/0{n}"],
        )
        for n in range(1, 9)
    ]


# What is taken, and what is left


class Reader:
    """Reads ``<row>5</row>``, and knows where it is as a parser does."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.parsed = b""

    @property
    def is_between_rows(self) -> bool:
        inside = self.parsed.count(b"<row") > self.parsed.count(b"</row>")
        return b"<data>" in self.parsed and b"</data>" not in self.parsed and not inside

    def read_row(self, text: str, at: int) -> int:
        found = re.compile("<row>([0-9])</row>").match(text, at)
        if found is None:
            return at
        self.rows.append(found[1])
        return found.end()

    def parse(self, pieces: Iterable[bytes], *, behind: bool = False) -> None:
        for piece in FastRows(self, "<row", "</row>").divert(pieces, lambda: not behind):
            self.parsed += piece


ROWS_XML = b"<a><data><row>1</row> <row>2</row><row>three</row><row>4</row></data></a>"


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), max_size=20))
def test_pieces_may_be_cut_anywhere(cuts: list[int]):
    reader, pieces, at = Reader(), list[bytes](), 0
    for cut in [*cuts, len(ROWS_XML)]:
        pieces.append(ROWS_XML[at : at + cut])
        at += cut
    reader.parse(pieces)
    assert reader.rows == ["1", "2", "4"]
    assert reader.parsed == b"<a><data> <row>three</row></data></a>"


@pytest.mark.parametrize(
    "data",
    [
        b"<!-- a -->" + ROWS_XML,
        ROWS_XML.replace(b"<data>", b"<data><!-- ") + b" -->",
        ROWS_XML.replace(b"<data>", b"<data><![CDATA["),
        ROWS_XML.replace(b"<data>", b"<data><?p "),
        b'<?xml version="1.0" encoding="iso-8859-1"?>' + ROWS_XML,
        ROWS_XML.decode().encode("utf-16"),
        ROWS_XML.replace(b"data>", b"other>"),
        ROWS_XML.replace(b"<data>", b"<data>\xff"),
    ],
)
def test_what_is_not_as_expected_is_left_to_the_parser(data: bytes):
    reader = Reader()
    reader.parse([data])
    assert (reader.rows, reader.parsed) == ([], data)


def test_a_parser_that_is_behind_is_not_asked_where_it_is():
    reader = Reader()
    reader.parse([ROWS_XML], behind=True)
    assert (reader.rows, reader.parsed) == ([], ROWS_XML)


@pytest.mark.parametrize("declaration", ['<?xml version="1.0"?>', '\ufeff<?xml version="1.0" encoding="UTF-8" ?>\r\n'])
def test_a_declaration_of_utf_8_is_usual(declaration: str):
    reader = Reader()
    reader.parse([declaration.encode() + ROWS_XML])
    assert reader.rows == ["1", "2", "4"]


def test_rows_that_are_mostly_unusual_are_left_to_the_parser():
    reader = Reader()
    reader.parse([b"<data>", *[b"<row>x</row>" * 100] * 12, b"<row>1</row>", b"</data>"])
    assert reader.rows == []
    assert reader.parsed.count(b"<row>") == 1201
