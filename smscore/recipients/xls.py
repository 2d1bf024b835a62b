"""XLS: the values only, by python-calamine, which reports neither formats nor what is hidden."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import msgspec
from attrs import define, field

from smscore.errors import InvalidRequest
from smscore.recipients.sheet import Sheet, SheetRow, choose_sheet, damaged

_READER: Final = Path(__file__).with_name("xls_process.py")
_PIECE: Final = 1 << 20
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")  # in an XLSX with a password

_REMARK: Final = (
    "Only the values of an XLS file can be read: hidden rows and columns are included, and a number, a date or a "
    "percentage is not written as the sheet shows it. To change that, save it as XLSX."
)
_LOCKED: Final = "The spreadsheet has a password. Save it without one."
_MISSING: Final = "XLS files need python-calamine: python3 -m pip install 'payamak[cli]'."
_PROBLEMS: Final = {"password": _LOCKED, "missing": _MISSING}


class _About(msgspec.Struct):
    """What the other process reports about the file, rather than a row."""

    sheets: dict[str, bool] = {}
    problem: str | None = None


_LINE: Final = msgspec.json.Decoder(list[object] | _About)


@define
class XlsBook:
    """An open XLS file."""

    _file: IO[bytes]
    sheets: dict[str, bool] = field(factory=dict[str, bool], init=False)
    remarks: tuple[str, ...] = field(default=(_REMARK,), init=False)
    name: str | None = field(default=None, init=False)

    def rows(self, name: str | None, about: Sheet) -> Iterator[SheetRow]:
        """The rows of this sheet, or of the first visible one."""
        if self._is_encrypted():
            raise InvalidRequest(_LOCKED)
        with _lines(self._file, name) as lines:
            for number, line in enumerate(lines):
                found = _LINE.decode(line)
                if not isinstance(found, _About):
                    yield SheetRow(number, found)
                elif found.problem is not None:
                    words = f"The file is not a readable spreadsheet: {found.problem}."
                    raise InvalidRequest(_PROBLEMS.get(found.problem, words))
                else:
                    self.sheets = found.sheets
                    self.name = choose_sheet(self.sheets, name)

    def _is_encrypted(self) -> bool:
        before, found = b"", False
        while not found and (piece := self._file.read(_PIECE)):
            found = _ENCRYPTED in before + piece
            before = piece[-len(_ENCRYPTED) :]
        self._file.seek(0)
        return found


@contextmanager
def _lines(file: IO[bytes], name: str | None) -> Generator[Iterator[str]]:
    command = [sys.executable, str(_READER), *([] if name is None else [name])]
    # It reads the file itself, from the beginning.
    pipes: dict[str, Any] = {"stdin": file, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, encoding="utf-8", **pipes) as process:  # noqa: S603 (a program of ours)
        try:
            yield iter(process.stdout or ())
            if process.wait():
                raise damaged("it cannot be read to the end")
        finally:
            process.kill()
