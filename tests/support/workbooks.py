"""Spreadsheets made by hand, part by part, so that each test says what is in its file."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"


def zipped(path: Path, parts: Mapping[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def relations(targets: Iterable[tuple[str, str]]) -> str:
    found = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_RELATIONS}">{found}</Relationships>'


# XLSX


def sheet_xml(data: str, *, before: str = "", after: str = "") -> str:
    """A sheet with these rows as XML, and what stands before and after them."""
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{data}</sheetData>{after}</worksheet>'


def xlsx_parts(
    *sheets: tuple[str, str, str],
    formats: Sequence[str | int] = (),
    strings: str = "",
    workbook: str = "",
) -> dict[str, str | bytes]:
    """The parts of a workbook: each sheet a name, a state and its XML; each format a code or a built-in number.

    Style 0 is General, and style n the nth format.
    """
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" state="{state}" r:id="rId{n}"/>'
        for n, (name, state, _) in enumerate(sheets, 1)
    )
    own = {n: code for n, code in enumerate(formats, 164) if isinstance(code, str)}
    ids = [0, *(n if isinstance(code, str) else code for n, code in enumerate(formats, 164))]
    codes = "".join(f'<numFmt numFmtId="{n}" formatCode="{_attribute(code)}"/>' for n, code in own.items())
    styles = "".join(f'<xf numFmtId="{n}"/>' for n in ids)
    targets = [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)]
    return {
        "_rels/.rels": relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{workbook}<sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": relations(
            [*targets, ("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")]
        ),
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts><cellStyleXfs><xf numFmtId="9"/>'
        f"</cellStyleXfs><cellXfs>{styles}</cellXfs></styleSheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>',
        **{f"xl/worksheets/sheet{n}.xml": xml for n, (_, _, xml) in enumerate(sheets, 1)},
    }


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def write_sheet(path: Path, data: str, *, before: str = "", after: str = "", **more: object) -> Path:
    """A workbook of one sheet."""
    xml = sheet_xml(data, before=before, after=after)
    return zipped(path, xlsx_parts(("Sheet1", "visible", xml), **more))  # type: ignore[arg-type]


def row_xml(number: int, *cells: str, attributes: str = "") -> str:
    """A row of cells; each is the inside of ``<c r="A1" …>``, from its attributes on: ``s="1"><v>5</v>``."""
    inner = "".join(f'<c r="{chr(65 + n)}{number}"{cell}</c>' for n, cell in enumerate(cells) if cell)
    return f'<row r="{number}"{attributes}>{inner}</row>'


def text_xml(text: str) -> str:
    return f' t="inlineStr"><is><t>{text}</t></is>'


def number_xml(value: float | str, style: int = 0) -> str:
    return f' s="{style}"><v>{value}</v>'


# XLSB


def record(kind: int, data: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, length = b"", len(data)
    while True:
        size += bytes([length & 0x7F | (0x80 if length > 0x7F else 0)])
        length >>= 7
        if not length:
            return head + size + data


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text.encode("utf-16-le")) // 2) + text.encode("utf-16-le")


def xlsb_row(number: int, *cells: bytes, hidden: bool = False) -> bytes:
    """A row; each cell is a record, made by ``xlsb_cell``."""
    head = struct.pack("<IIHBBB", number - 1, 0, 300, 0, 0x10 if hidden else 0, 0)
    return record(0, head + struct.pack("<I", 0)) + b"".join(cells)


def xlsb_cell(kind: int, column: int, data: bytes = b"", style: int = 0) -> bytes:
    return record(kind, struct.pack("<II", column, style) + data)


def xlsb_parts(
    *sheets: tuple[str, int, bytes],
    formats: Sequence[str | int] = (),
    strings: Sequence[str] = (),
    date1904: bool = False,
) -> dict[str, str | bytes]:
    """The parts of a workbook: each sheet a name, a state (0 visible, 1 hidden) and its records."""
    listed = b"".join(
        record(156, struct.pack("<II", state, n) + wide(f"rId{n}") + wide(name))
        for n, (name, state, _) in enumerate(sheets, 1)
    )
    own = {n: code for n, code in enumerate(formats, 164) if isinstance(code, str)}
    ids = [0, *(n if isinstance(code, str) else code for n, code in enumerate(formats, 164))]
    styles = b"".join(record(44, struct.pack("<H", n) + wide(code)) for n, code in own.items())
    styles += record(626) + record(47, struct.pack("<HH", 0xFFFF, 9) + bytes(12)) + record(627) + record(617)
    styles += b"".join(record(47, struct.pack("<HH", 0, n) + bytes(12)) for n in ids) + record(618)
    targets = [("worksheet", f"worksheets/sheet{n}.bin") for n in range(1, len(sheets) + 1)]
    return {
        "_rels/.rels": relations([("officeDocument", "xl/workbook.bin")]),
        "xl/workbook.bin": record(153, struct.pack("<II", int(date1904), 0) + wide("")) + listed,
        "xl/_rels/workbook.bin.rels": relations(
            [*targets, ("styles", "styles.bin"), ("sharedStrings", "sharedStrings.bin")]
        ),
        "xl/styles.bin": styles,
        "xl/sharedStrings.bin": b"".join(record(19, b"\0" + wide(text)) for text in strings),
        **{f"xl/worksheets/sheet{n}.bin": data for n, (_, _, data) in enumerate(sheets, 1)},
    }


def xlsb_sheet(*rows: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    return before + record(145) + b"".join(rows) + record(146) + after


# ODS

_ODF: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_ODS_NAMES: Final = (
    f'xmlns:office="{_ODF}office:1.0" xmlns:table="{_ODF}table:1.0" xmlns:text="{_ODF}text:1.0" '
    f'xmlns:style="{_ODF}style:1.0" '
    'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
)


def ods_parts(*tables: str, styles: str = "") -> dict[str, str | bytes]:
    """The parts of a document with these tables as XML."""
    return {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": f"<office:document-content {_ODS_NAMES}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:spreadsheet>{''.join(tables)}</office:spreadsheet></office:body>"
        "</office:document-content>",
    }


def ods_table(name: str, *rows: str, style: str = "", columns: str = "") -> str:
    return f'<table:table table:name="{name}" table:style-name="{style}">{columns}{"".join(rows)}</table:table>'


def ods_row(*cells: str, attributes: str = "") -> str:
    return f"<table:table-row{attributes}>{''.join(cells)}</table:table-row>"


def ods_text(text: str, attributes: str = "") -> str:
    return f'<table:table-cell office:value-type="string"{attributes}><text:p>{text}</text:p></table:table-cell>'


def ods_number(value: float, shown: str, kind: str = "float") -> str:
    attributes = f'office:value-type="{kind}" office:value="{value}"'
    return f"<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>"


def ods_cell(shown: str, attributes: str) -> str:
    return f"<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>"
