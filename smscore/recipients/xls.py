"""XLS: the values alone, by python-calamine. Formats, and what is hidden, are not told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Final

from attrs import define, field

from smscore.errors import InvalidRequest
from smscore.recipients.sheet import Sheet, SheetRow, choose_sheet

_REMARK: Final = (
    "Of an XLS file only the values can be read: hidden rows and columns are sent to too, and a number, a date or a "
    "percentage is not written as the sheet shows it. Save it as XLSX for that."
)


@define
class XlsBook:
    """An XLS file that is open."""

    _file: IO[bytes]
    sheets: dict[str, bool] = field(factory=dict[str, bool], init=False)
    remarks: tuple[str, ...] = field(default=(_REMARK,), init=False)
    name: str | None = field(default=None, init=False)

    def rows(self, name: str | None, about: Sheet) -> Iterator[SheetRow]:
        """The rows of this sheet, or of the first one that can be seen."""
        try:
            from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum
        except ModuleNotFoundError:
            raise InvalidRequest("XLS files need python-calamine: python3 -m pip install 'payamak[cli]'.") from None
        try:
            with CalamineWorkbook.from_filelike(self._file) as book:
                self.sheets = {
                    sheet.name: sheet.visible == SheetVisibleEnum.Visible
                    for sheet in book.sheets_metadata
                    if sheet.typ == SheetTypeEnum.WorkSheet
                }
                self.name = choose_sheet(self.sheets, name)
                for number, cells in enumerate(book.get_sheet_by_name(self.name).iter_rows(), 1):
                    yield SheetRow(number, cells)
        except PasswordError:
            raise InvalidRequest("The spreadsheet has a password. Save it without one.") from None
        except CalamineError as error:
            raise InvalidRequest(f"The file is no spreadsheet that can be read: {error}.") from None
