"""Reading a file of recipients: every kind of file, which column, and what a cell says."""

from __future__ import annotations

import csv
import io
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from commandline import write_csv, write_xlsx
from hypothesis import given
from hypothesis import strategies as st

from smscore import InvalidRequest
from smscore.numbers import local_form
from smscore.recipients.file import ReadOptions, rows_of
from smscore.recipients.number_column import find_layout, folded, mobile_of, number_problem
from smscore.recipients.text_file import sniffed_delimiter


def rows(path: Path | str, sheet: str | None = None, encoding: str | None = None) -> list[tuple[int, list[object]]]:
    with rows_of(os.fspath(path), ReadOptions(sheet, encoding)) as found:
        return [(number, list(cells)) for number, cells in found]


def written(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


# CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_csv_with_any_delimiter_line_end_and_bom(delimiter: str, bom: str, ending: str, tmp_path: Path):
    lines = [f"نام{delimiter}موبایل", f"علی{delimiter}09121234567", ""]
    path = written(tmp_path / "r.csv", bom + ending.join(lines))
    assert rows(path) == [(1, ["نام", "موبایل"]), (2, ["علی", "09121234567"])]


def test_a_formula_that_is_a_text_is_that_text(tmp_path: Path):
    data = '="mobile",code,other\n="09121234567","=""04521""",="a""b"\n09121234568,=1+1,="a"&"b"\n'
    path = written(tmp_path / "r.csv", data)
    assert rows(path) == [
        (1, ["mobile", "code", "other"]),
        (2, ["09121234567", "04521", 'a"b']),
        (3, ["09121234568", "=1+1", '="a"&"b"']),
    ]


def test_a_row_is_counted_as_a_spreadsheet_counts_it(tmp_path: Path):
    path = written(tmp_path / "r.csv", 'note,mobile\n"two\nlines",09121234567\n\n"a ""b""",0912\n')
    assert rows(path) == [(1, ["note", "mobile"]), (2, ["two\nlines", "09121234567"]), (3, []), (4, ['a "b"', "0912"])]


def test_a_delimiter_inside_the_texts_does_not_mislead(tmp_path: Path):
    path = written(tmp_path / "r.csv", "mobile;text\n09121234567;سلام, خوبی, چطوری\n09351234567;سلام\n")
    assert rows(path)[1] == (2, ["09121234567", "سلام, خوبی, چطوری"])


def test_excels_own_hint_of_the_delimiter_is_obeyed(tmp_path: Path):
    path = written(tmp_path / "r.csv", "sep=;\r\nmobile;name\r\n09121234567;a,b\r\n")
    assert rows(path) == [(1, []), (2, ["mobile", "name"]), (3, ["09121234567", "a,b"])]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(texts, texts), min_size=2, max_size=8), st.sampled_from(",;\t"))
def test_what_csv_writes_is_read_again(cells: list[tuple[str, str]], delimiter: str):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(cells)
    sample = text.getvalue().splitlines(keepends=True)
    assert sniffed_delimiter(sample) in ",;\t"
    read = csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=delimiter, strict=True)
    assert [tuple(row) for row in read] == cells


@given(st.integers(2, 5), st.integers(1, 20), st.sampled_from(",;\t"), st.data())
def test_the_delimiter_is_found_where_cells_are_plain(width: int, height: int, delimiter: str, data: st.DataObject):
    cell = st.text("abcابپ019 ", min_size=1, max_size=6)
    table = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=height, max_size=height))
    assert sniffed_delimiter([delimiter.join(row) + "\n" for row in table]) == delimiter


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("mobile\n" * 5000 + "é", None),
        (b"mobile\n" * 5000 + b"\xe9", r"not UTF-8 \(line 5001, byte 1: 0xE9\)"),
        (b'mobile,name\n09121234567,"Ali\n09121234568,Reza\n', "Row 2 of the file is not valid CSV"),
        (b'mobile,name\n09121234567,"Ali" R\n', "Row 2 of the file is not valid CSV"),
        (b'mobile\n"' + b"x" * 200_000, "Row 2 of the file is not valid CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported_with_its_place(data: bytes | str, words: str | None, tmp_path: Path):
    path = written(tmp_path / "r.csv", data)
    if words is None:
        assert len(rows(path)) == 5001
        return
    with pytest.raises(InvalidRequest, match=words):
        rows(path)


@pytest.mark.parametrize("name", ["nowhere.csv", "."])
def test_a_file_that_cannot_be_opened(name: str, tmp_path: Path):
    with pytest.raises(InvalidRequest, match="cannot be opened"):
        rows(tmp_path / name)


# Encodings

TABLE = "نام,موبایل\nعلی,09121234567\nپژمان گچکار,09351234567\n"
READ = [(1, ["نام", "موبایل"]), (2, ["علی", "09121234567"]), (3, ["پژمان گچکار", "09351234567"])]


def origin(path: Path, **options: str) -> str | None:
    with rows_of(str(path), ReadOptions(**options)) as found:  # type: ignore[arg-type]
        assert list(found) == READ
        return found.origin.encoding


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TABLE.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + TABLE.encode("utf-16-be"), "utf-16"),
        (TABLE.encode("utf-16-le"), "utf-16-le"),
        (TABLE.encode("utf-16-be"), "utf-16-be"),
        (TABLE.replace("ی", "ي").encode("cp1256"), "windows-1256"),
        (TABLE.encode("utf-32"), "utf-32"),
        (TABLE.encode(), None),
        (TABLE.encode("utf-8-sig"), None),
    ],
)
def test_the_encoding_is_found_and_told(data: bytes, encoding: str | None, tmp_path: Path):
    with rows_of(str(written(tmp_path / "r.csv", data))) as found:
        cells = [(number, [str(cell).replace("ي", "ی") for cell in row]) for number, row in found]
        assert cells == READ
        assert found.origin.encoding == encoding
        assert found.origin.notes() == (
            [] if encoding is None else [f"The file is read as {encoding}; --encoding reads it as another."]
        )


def test_the_encoding_can_be_said(tmp_path: Path):
    path = written(tmp_path / "r.csv", TABLE.encode("utf-16-be"))
    assert origin(path, encoding="UTF-16BE") == "utf-16-be"
    assert rows(written(path, b"caf\xe9\n"), encoding="latin-1") == [(1, ["café"])]
    with pytest.raises(InvalidRequest, match="not utf-8"):
        rows(written(path, b"\xff"), encoding="utf-8")
    with pytest.raises(InvalidRequest, match="--encoding must be a text encoding"):
        rows(path, encoding="base64")
    with pytest.raises(InvalidRequest, match="--encoding is for text files"):
        rows(write_xlsx(tmp_path / "r.xlsx", a=[["mobile"]]), encoding="utf-8")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (TABLE.encode() + "پژمان".encode() + b"\xe9\n", "line 4, byte 11: 0xE9"),
        (TABLE.encode() + b"\xc7,0912\n", r"line 4, byte 1: 0xC7"),
        (b"mobile\n" * 300_000 + b"09\x8112\n", "line 300001, byte 3: 0x81"),
        (TABLE.encode()[:-1] + b"\xd8", "line 3"),
        (b"caf\xe9,09121234567\n" * 3, "line 1, byte 4: 0xE9"),
    ],
)
def test_one_stray_byte_is_not_another_encoding(data: bytes, place: str, tmp_path: Path):
    with pytest.raises(InvalidRequest, match=place):
        rows(written(tmp_path / "r.csv", data))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path):
    with pytest.raises(InvalidRequest, match="not text"):
        rows(written(tmp_path / "r.csv", bytes(range(256)) + bytes(3000)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<html><body><table><tr><td>0912</td></tr></table>", "a web page"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html>\n<table>", "a web page"),
        (b'<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "XML spreadsheet"),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "web archive"),
    ],
)
def test_a_web_page_with_a_spreadsheets_name_is_named_for_what_it_is(data: bytes, words: str, tmp_path: Path):
    with pytest.raises(InvalidRequest, match=words):
        rows(written(tmp_path / "r.xls", data))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1256"])
def test_tabs_with_a_spreadsheets_name_are_read(encoding: str, tmp_path: Path):
    path = written(tmp_path / "r.xls", "نام\tموبایل\nعلی رضا\t09121234567\n".replace("ی", "ي").encode(encoding))
    with rows_of(str(path)) as found:
        assert [cells for _, cells in found] == [["نام", "موبايل"], ["علي رضا", "09121234567"]]
        assert "named .xls but is text" in found.origin.notes()[0]


def test_excels_unicode_text_is_a_table(tmp_path: Path):
    path = written(tmp_path / "r.txt", "نام\tموبایل\nعلی\t09121234567\n".encode("utf-16"))
    assert rows(path) == READ[:2]


# Text and the standard input


def test_text_has_one_number_a_line(tmp_path: Path):
    path = written(tmp_path / "r.txt", "09121234567\n\n 0935 123 4567 \n")
    assert rows(path) == [(1, ["09121234567"]), (2, []), (3, ["0935 123 4567"])]


class Input:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_the_standard_input_is_csv_or_a_spreadsheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", Input(b"mobile;a\n09121234567;1\n"))
    assert rows("-") == [(1, ["mobile", "a"]), (2, ["09121234567", "1"])]
    monkeypatch.setattr(sys, "stdin", Input(write_xlsx(tmp_path / "r.xlsx", a=[["mobile"]]).read_bytes()))
    assert rows("-") == [(1, ["mobile"])]


@pytest.mark.skipif(os.name == "nt", reason="no named pipes there")
def test_a_pipe_in_place_of_a_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("09121234567\n",))
    writer.start()
    assert rows(tmp_path / "pipe") == [(1, ["09121234567"])]
    writer.join()


# Spreadsheets


def test_a_spreadsheets_rows_keep_their_numbers(tmp_path: Path):
    path = write_xlsx(tmp_path / "r.xlsx", a=[[], ["نام", "موبایل"], [], ["علی", 9121234567]])
    assert rows(path) == [(1, []), (2, ["نام", "موبایل"]), (3, []), (4, ["علی", 9121234567.0])]


def test_a_sheet_is_taken_by_its_name(tmp_path: Path):
    path = write_xlsx(tmp_path / "r.xlsx", first=[["a"]], دوم=[["b"]])
    assert rows(path) == [(1, ["a"])]
    assert rows(path, "دوم") == [(1, ["b"])]
    with pytest.raises(InvalidRequest, match="first, دوم"):
        rows(path, "third")
    with pytest.raises(InvalidRequest, match="--sheet is for spreadsheets"):
        rows(write_csv(tmp_path / "r.csv", [["mobile"]]), "first")


@pytest.mark.parametrize("data", [b"PK\x03\x04 and junk", b"junk", b""])
def test_a_file_that_is_not_a_spreadsheet_is_refused(data: bytes, tmp_path: Path):
    with pytest.raises(InvalidRequest, match="not a readable spreadsheet"):
        rows(written(tmp_path / "r.xlsx", data))


# Columns


def layout(table: Sequence[Sequence[object]], wanted: str | None = None) -> tuple[int, int]:
    found = find_layout(enumerate(table, 1), wanted)
    return found.column, found.header


TITLES = (
    *(
        "mobile",
        "Mobile Number",
        "PHONE",
        "phone_number",
        "Mobile:",
        "recipient",
        "number",
        "شماره",
        "موبایل",
        "موبايل",
    ),
    *("شماره\u200c موبایل", "شماره همراه", "تلفن همراه", "گیرنده", "شماره تماس"),
)


@pytest.mark.parametrize("title", TITLES)
def test_a_column_is_found_by_its_name(title: str):
    assert layout([["نام", title], ["علی", "junk"]]) == (1, 1)


def test_a_row_is_read_only_as_far_as_the_header_goes():
    class Far:
        def __str__(self) -> str:
            raise AssertionError("a sheet may have 16,384 columns")

    layout = find_layout([(1, ["name", "mobile"]), (2, ["Ali", "09121234567"])])
    assert layout.is_heading(["name", "mobile", Far()])
    assert not layout.is_heading(["Ali", "", Far()])


def test_the_surest_name_wins():
    assert layout([["شماره", "تلفن", "موبایل"], ["1", "02188776655", "09121234567"]]) == (2, 1)


@pytest.mark.parametrize(
    "title", ["Mobile Phone", "Phone 1 - Value", "موبایل ۱", "موبایل 2", "Cell Number", "شماره تلفن موبایل", "Phone2"]
)
def test_a_known_name_may_have_a_number_behind_it(title: str):
    assert layout([["نام", title, "تاریخ"], ["علی", "09121234567", "x"]]) == (1, 1)


COUNTED = [[str(n), f"مشتری {n}", f"0912123456{n}"] for n in range(1, 6)]


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (["شماره", "نام", "تماس با مشتری"], 2),
        (["تلفن", "نام", "تماس با مشتری"], 2),
        (["ردیف", "شماره", "x"], 2),
        (["شماره", "نام", "شماره"], 2),
        (["x", "y", "شماره"], 2),
        (["number", "name", "mobile"], 2),
    ],
)
def test_a_name_counts_together_with_what_its_column_holds(header: list[str], column: int):
    assert layout([header, *COUNTED]) == (column, 1)


def test_a_sure_name_wins_over_a_fuller_column():
    body = [["09351234567", "09121234567"], ["09351234568", ""], ["09351234569", ""]]
    assert layout([["معرف", "موبایل"], *body]) == (1, 1)
    with pytest.raises(InvalidRequest, match="Several columns have mobile numbers"):
        layout([["معرف", "تلفن"], *body])


def test_the_first_of_several_numbered_columns_is_taken():
    table = [["Phone 2 - Value", "Phone 1 - Value"], ["09351234567", "09121234567"]]
    assert layout(table) == (1, 1)
    assert layout([["موبایل ۲", "موبایل ۱"], table[1]]) == (1, 1)


def test_of_two_heading_rows_the_lower_one_counts():
    assert layout([["تماس", "مشتری"], ["نام", "موبایل"], ["علی", "09121234567"]]) == (1, 2)
    assert layout([["name", "name"], ["x", "name"], ["a", "09121234567"]], "name") == (1, 2)


def test_a_title_above_unknown_headings_is_not_a_heading():
    table = [["گزارش ماه", ""], ["مشتری", "تماس مشتری"], ["علی", "09121234567"]]
    assert layout(table) == (1, 2)


def test_a_wrong_name_lists_the_headings_as_they_stand():
    table = [["نام مشتری", "", "موبایل", "Debt (Rials)"], ["a", "", "09121234567", "5"]]
    with pytest.raises(InvalidRequest, match=r"Its columns: نام مشتری, موبایل, Debt \(Rials\)\."):
        find_layout(enumerate(table, 1)).position("debt")
    with pytest.raises(InvalidRequest, match=r"Its columns: نام مشتری, موبایل, Debt \(Rials\)\. Give one"):
        layout(table, "phones")


def test_titles_above_the_header_are_passed_over():
    assert layout([["گزارش مشتریان"], [], ["نام", "موبایل"], ["علی", "09121234567"]]) == (1, 3)


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ([["علی", "09121234567"], ["رضا", "09351234567"]], (1, 0)),
        ([["مشتری", "تماس مشتری"], ["رضا", "09351234567"]], (1, 1)),
        ([["0912", ""], ["09351234567", ""]], (0, 0)),
        ([["junk1"], ["junk2"]], (0, 0)),
    ],
)
def test_without_a_known_name_the_column_with_mobile_numbers_is_taken(table: list[list[str]], found: tuple[int, int]):
    assert layout(table) == found


@pytest.mark.parametrize(
    ("wanted", "found"), [("2", (1, 1)), ("۲", (1, 1)), ("Second", (1, 1)), ("first", (0, 1)), ("1", (0, 1))]
)
def test_a_column_is_taken_as_asked(wanted: str, found: tuple[int, int]):
    assert layout([["first", "second"], ["09121234567", "09351234567"]], wanted) == found


@pytest.mark.parametrize(
    ("table", "wanted", "words"),
    [
        ([], None, "has no rows"),
        ([[], ["", None]], None, "has no rows"),
        ([["09121234567", "09351234567"]], None, "Several columns have mobile numbers: 1, 2"),
        ([["mobile", "x", "Mobile"]], None, "Several columns have numbers: 1, 3"),
        ([["a", "b"], ["c", "d"]], None, "No column contains mobile numbers"),
        ([["a"], ["09121234567"]], "b", "no column 'b'"),
        ([["a"], ["09121234567"]], "2", "has 1 column"),
        ([["a"], ["09121234567"]], "0", "has 1 column"),
        ([["a", "a"], ["09121234567"]], "a", "Several columns"),
        ([["a", ""], ["09121234567"]], "-", "no column '-'"),
    ],
)
def test_a_column_that_is_not_clear_is_asked_for(table: list[list[object]], wanted: str | None, words: str):
    with pytest.raises(InvalidRequest, match=words):
        layout(table, wanted)


def test_names_are_compared_as_people_read_them():
    assert folded(" Mobile_Number: ") == folded("MOBILE NUMBER") == "mobilenumber"
    assert folded("شماره\u200cي  همراه") == folded("شماره‌ی همراه")


# Cells


WAYS = (
    *("09121234567", 9121234567, 9121234567.0, 989121234567.0, 9.121234567e9, "9121234567.0", "9.121234567E+09"),
    *('="09121234567"', "'09121234567", " ۰۹۱۲ ۱۲۳ ۴۵۶۷ ", "0098-912-123-4567", "9.89121234567e11"),
)


@pytest.mark.parametrize("cell", WAYS)
def test_a_spreadsheets_ways_to_write_a_number(cell: object):
    assert mobile_of(cell) == "09121234567"


@pytest.mark.parametrize("cell", ["9.12E+09", "9,12E+09", "9.12123E+09", "02188776655", "", None, 0.5, True, -1, "abc"])
def test_what_holds_no_number(cell: object):
    assert mobile_of(cell) is None


def test_a_number_that_lost_its_digits_says_so():
    assert "shortened" in number_problem("9.12E+09")
    assert number_problem("") == "it has no number"
    assert number_problem("02188776655") == "not an Iranian mobile number"


@given(st.integers(9_000_000_000, 9_999_999_999))
def test_a_float_keeps_every_digit(number: int):
    assert mobile_of(float(number)) == mobile_of(f"{number:.9e}") == local_form(number)
