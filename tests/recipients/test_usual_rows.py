"""Rows that are read without a parser are what the parser makes of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import workbooks as wb
from hypothesis import given, settings
from hypothesis import strategies as st

from smscore import InvalidRequest
from smscore.recipients.file import rows_of
from smscore.recipients.usual_rows import UsualRows

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


class Taker:
    """Takes every row, and remembers its values."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, list[object]]] = []

    def add_row(self, number: int, attributes: str, columns: object, values: list[object]) -> None:
        self.rows.append((number, values))

    def converter(self, cell: object) -> tuple[int, object]:
        return 0, str


def sheet(*rows: str, start: str = "") -> bytes:
    return f"{start}{wb.sheet_xml(''.join(rows))}".encode()


@settings(deadline=None)
@given(st.lists(st.integers(1, 400), max_size=20))
def test_pieces_may_be_cut_anywhere(cuts: list[int]):
    data = sheet(*(row(n, ["><v>5</v></c>"], "") for n in range(1, 9)))
    taker = Taker()
    lane = UsualRows(taker)  # type: ignore[arg-type]
    left, at = b"", 0
    for cut in [*cuts, len(data)]:
        if data[at : at + cut]:
            left += lane.divert(data[at : at + cut])
        at += cut
    left += lane.divert(b"")
    assert taker.rows == [(n, ["5"]) for n in range(1, 9)]
    assert left == sheet()


@pytest.mark.parametrize(
    "data",
    [
        sheet(row(1, ["><v>5</v></c>"], ""), start="<!-- a -->"),
        sheet(row(1, ["><v>5</v></c>"], ""), start='<?xml version="1.0" encoding="iso-8859-1"?>'),
        wb.sheet_xml(row(1, ["><v>5</v></c>"], "")).encode("utf-16"),
        wb.sheet_xml("<!-- " + row(1, ["><v>5</v></c>"], "") + " -->").encode(),
        wb.sheet_xml(row(1, ["><v>5</v></c>"], "")).replace("sheetData", "x:sheetData").encode(),
        sheet(row(1, [' t="inlineStr"><is><t>\xff</t></is></c>'], "")).replace("\xff".encode(), b"\xff"),
        sheet(row(1, ['><v>5</v></c><c r="A1"><v>5</v></c>'], "")),
    ],
)
def test_what_is_not_as_expected_is_left_to_the_parser(data: bytes):
    taker = Taker()
    lane = UsualRows(taker)  # type: ignore[arg-type]
    assert lane.divert(data) + lane.divert(b"") == data
    assert taker.rows == []
