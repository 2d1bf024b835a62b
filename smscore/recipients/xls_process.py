"""Reads an XLS file from standard input and writes its rows to standard output, a line of JSON each.

A separate process: python-calamine panics on some damaged files and allocates all memory on others, which would end
the command too. It runs as a script and imports nothing from this package.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

MEMORY = 1 << 31
"""Limit in bytes; 65,536 rows of 256 columns need less."""


def main(wanted: str | None) -> dict[str, Any] | None:
    """Write the sheets, then the rows of the chosen one; return the problem if that fails."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum
    except ModuleNotFoundError:
        return {"problem": "missing"}
    sys.stdin.buffer.seek(0)  # whoever opened the file has read its beginning
    try:
        with CalamineWorkbook.from_filelike(sys.stdin.buffer) as book:
            sheets = {
                sheet.name: sheet.visible == SheetVisibleEnum.Visible
                for sheet in book.sheets_metadata
                if sheet.typ == SheetTypeEnum.WorkSheet
            }
            name = next((name for name, seen in sheets.items() if (seen if wanted is None else name == wanted)), None)
            _write({"sheets": sheets, "name": name})
            for cells in book.get_sheet_by_name(name).iter_rows() if name is not None else ():
                _write(cells)
    except PasswordError:
        return {"problem": "password"}
    except CalamineError as error:
        return {"problem": str(error)}
    return None


def _write(value: object) -> None:
    sys.stdout.write(json.dumps(value, default=str) + "\n")


if __name__ == "__main__":
    if (_ended := main(sys.argv[1] if len(sys.argv) > 1 else None)) is not None:
        _write(_ended)
