"""XLS files: ``customers.xls`` has a hidden sheet, then one with a date, a number and an error."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import pytest

from smscore import InvalidRequest
from smscore.recipients.cells import Row
from smscore.recipients.file import ReadOptions, rows_of
from smscore.recipients.plan import make_plan
from smscore.recipients.template import parse_template

CUSTOMERS = Path(__file__).with_name("customers.xls")


def read(path: Path, sheet: str | None = None) -> list[Row]:
    with rows_of(str(path), ReadOptions(sheet)) as found:
        return list(found)


def test_the_values_are_read_and_it_is_told_what_cannot_be():
    with rows_of(str(CUSTOMERS)) as rows:
        plan = make_plan(rows, column=None, template=parse_template("{x}"), origin=rows.origin)
    with closing(plan):
        assert [one.text or one.problem for one in plan] == ["2024-03-20", "99.9", "its 'x' is empty"]
        assert plan.origin.sheet == "seen"
        assert [note.partition(":")[0] for note in plan.notes] == ["Only the values of an XLS file can be read"]


def test_a_sheet_is_taken_by_its_name():
    assert read(CUSTOMERS, "hid") == [(1, ["h"])]
    with pytest.raises(InvalidRequest, match="It has: hid, seen"):
        read(CUSTOMERS, "other")


def test_an_xls_file_may_have_another_name(tmp_path: Path):
    path = tmp_path / "r.xlsx"
    path.write_bytes(CUSTOMERS.read_bytes())
    assert len(read(path)) == 4


def test_it_can_be_left_before_its_end():
    with rows_of(str(CUSTOMERS)) as rows:
        assert next(iter(rows))[0] == 1


# Where the sector sizes, the counts of sectors and the first sectors are told, and within the workbook.
@pytest.mark.parametrize("place", [26, 30, 44, 48, 56, 60, 64, 68, 72, 76, 77, 512, 520, 700, 1025, 5000])
@pytest.mark.parametrize("byte", [0x7F, 0xFF])
def test_a_damaged_file_takes_nothing_down_with_it(place: int, byte: int, tmp_path: Path):
    data = bytearray(CUSTOMERS.read_bytes())
    data[place] = byte
    path = tmp_path / "r.xls"
    path.write_bytes(data)
    with suppress(InvalidRequest):
        assert all(number for number, _ in read(path))


def test_a_workbook_with_a_password_is_reported(tmp_path: Path):
    path = tmp_path / "r.xlsx"
    path.write_bytes(CUSTOMERS.read_bytes()[:512] + bytes(1 << 20) + "EncryptedPackage".encode("utf-16-le") + bytes(99))
    with pytest.raises(InvalidRequest, match="has a password"):
        read(path)
