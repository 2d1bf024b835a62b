"""What the tests of the command line share: the command in a process of its own, a sandbox for it, and spreadsheets."""

from __future__ import annotations

import csv
import html
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from smscore import registry
from smscore.account import variable
from smscore.sandbox import Sandbox

PAYAMAK: Final = [sys.executable, "-c", "from smscore.cli import main; main()"]
TOKEN: Final = "t0ken-of-the-command"


def environment(box: Sandbox | None = None, **more: str) -> dict[str, str]:
    """The process's environment, with a token and a sender for each provider, and the sandbox's base URLs."""
    found = {**os.environ, "COLUMNS": "100"}
    for name, profile in registry.profiles().items():
        found |= {variable(name, "token"): TOKEN, variable(name, "sender"): profile.senders[0]}
        if box is not None:
            found[variable(name, "base_url")] = box.url(name)
    return found | more


def start(*arguments: str | Path, env: Mapping[str, str], **options: Any) -> subprocess.Popen[str]:
    """The command, running."""
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [*PAYAMAK, *map(str, arguments)]
    return subprocess.Popen(command, env=env, encoding="utf-8", **{**pipes, **options})


def run(
    *arguments: str | Path, env: Mapping[str, str], given: str = "", **options: Any
) -> subprocess.CompletedProcess[str]:
    """The command, ended; ``given`` is its standard input."""
    process = start(*arguments, env=env, **options)
    out, err = process.communicate(given, timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def mobiles(count: int, first: int = 0) -> list[str]:
    return [f"0912{number:07}" for number in range(first, first + count)]


def write_csv(path: Path, rows: Iterable[Sequence[object]], delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def write_mobiles(path: Path, count: int) -> Path:
    return write_csv(path, [("name", "mobile"), *((f"n{n}", number) for n, number in enumerate(mobiles(count)))])


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a results file, with their numbers as such."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    with path.open(newline="", encoding="utf-8") as file:
        found: list[dict[str, Any]] = [
            {key: value or None for key, value in row.items()} for row in csv.DictReader(file)
        ]
    for row in found:
        row["row"] = int(row["row"])
        row["message_id"] = row["message_id"] and int(row["message_id"])
    return found


def json_lines(text: str, kind: str | None = None) -> list[dict[str, Any]]:
    """The records that the command printed, all or those of one type."""
    found = [json.loads(line) for line in text.splitlines()]
    return [record for record in found if kind in (None, record["type"])]


# Spreadsheets, as small as Excel's format allows

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-"
_KINDS: Final = f"{_TYPE}officedocument.spreadsheetml"


def write_xlsx(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    """A workbook with these sheets; None leaves a cell out, a number becomes a number, anything else a text."""
    names = dict(enumerate(sheets, 1))
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", "".join(_content_types(names)))
        book.writestr("_rels/.rels", _relations({"rId1": (f"{_OFFICE}/officeDocument", "xl/workbook.xml")}))
        listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in names.items())
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
        )
        targets = {f"rId{n}": (f"{_OFFICE}/worksheet", f"worksheets/sheet{n}.xml") for n in names}
        book.writestr("xl/_rels/workbook.xml.rels", _relations(targets))
        for n, name in names.items():
            rows = "".join(_row(number, cells) for number, cells in enumerate(sheets[name], 1))
            book.writestr(
                f"xl/worksheets/sheet{n}.xml", f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'
            )
    return path


def _content_types(names: Mapping[int, str]) -> Iterator[str]:
    yield f'<Types xmlns="{_PACKAGE}/content-types">'
    yield f'<Default Extension="rels" ContentType="{_TYPE}package.relationships+xml"/>'
    yield f'<Override PartName="/xl/workbook.xml" ContentType="{_KINDS}.sheet.main+xml"/>'
    for n in names:
        yield f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KINDS}.worksheet+xml"/>'
    yield "</Types>"


def _relations(targets: Mapping[str, tuple[str, str]]) -> str:
    inner = "".join(f'<Relationship Id="{id_}" Type="{kind}" Target="{to}"/>' for id_, (kind, to) in targets.items())
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _row(number: int, cells: Sequence[object]) -> str:
    inner = "".join(_cell(f"{chr(65 + column)}{number}", value) for column, value in enumerate(cells))
    return f'<row r="{number}">{inner}</row>' if inner else ""


def _cell(place: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return f'<c r="{place}"><v>{value!r}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{html.escape(str(value))}</t></is></c>'
