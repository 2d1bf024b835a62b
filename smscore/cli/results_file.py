"""The results of a send, one row for each row of its source, as CSV, JSON lines or a spreadsheet."""

from __future__ import annotations

import codecs
import csv
import os
import re
import stat
import zipfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, cast

import attrs
import msgspec
from attrs import field, frozen

from smscore.cli.tables import ROWS_AT_A_TIME, Cells, Table, check_suffix
from smscore.errors import InvalidRequest
from smscore.outcomes import Outcome
from smscore.private_files import private_opener

RowNumber = Annotated[int, msgspec.Meta(ge=1)]
SKIPPED: Final = "skipped"
"""The outcome of an invalid row or a duplicate."""
OUTCOMES: Final = (*(outcome.value for outcome in Outcome), SKIPPED)


@frozen
class ResultRow:
    """The result of one row of the source; the names are those of the file's columns."""

    row: RowNumber
    recipient: str = field(repr=False)
    outcome: str
    message_id: int | None = None
    request_id: str | None = None
    code: int | str | None = None
    error: str | None = None
    words: str | None = None
    provider: str | None = None
    mark: str | None = None
    """Which queue it was exported from, and when."""


COLUMNS: Final = tuple(attribute.name for attribute in attrs.fields(ResultRow))


@frozen
class ResultsMark:
    """Which send results are of, and how many batches it had dispatched when they were exported."""

    run: str
    dispatched: int

    def __str__(self) -> str:
        return f"{self.run}:{self.dispatched}"


_MARK: Final = re.compile(r"([0-9a-f]{32}):(\d{1,18})", re.ASCII)


def check_results_suffix(path: Path) -> None:
    """Raise ``InvalidRequest`` for a name that no results file can have."""
    check_suffix(path.suffix, "A results file")


# Writing


def open_private(path: Path, mode: str) -> BinaryIO:
    """Open a file; a new one is readable by its owner only, since it contains numbers.

    It is buffered: without that, what a full disk takes only a part of would raise nothing.
    """
    return cast("BinaryIO", open(path, mode, opener=private_opener))


def write_results(path: Path, rows: Iterable[Cells], mark: ResultsMark) -> None:
    """Write these rows, each with the columns but ``mark``, in place of the file's, all at once or not at all."""
    rows, cell = iter(rows), str(mark)
    with _replacing(path) as file, Table(COLUMNS, note=cell).writing(file, path.suffix) as take:
        while piece := [(*row, cell) for row in islice(rows, ROWS_AT_A_TIME)]:
            take(piece)


@contextmanager
def _replacing(path: Path) -> Generator[BinaryIO, None, None]:
    """A new file, which takes the place of this one at the end of the block."""
    draft = path.with_name(path.name + ".draft")
    try:
        with open_private(draft, "wb") as file:
            if path.exists():
                draft.chmod(stat.S_IMODE(path.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open folders, and need not sync them
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# Reading


@frozen
class _Format:
    """A format that can be read back: its first line, and how a line is read."""

    head: bytes
    load: Callable[[str], Mapping[str, Any]]


def _from_csv(line: str) -> dict[str, Any]:
    (cells,) = csv.reader([line], strict=True)
    found = dict(zip(COLUMNS, cells, strict=True))
    return {name: value for name, value in found.items() if value or name == "recipient"}


READABLE: Final[Mapping[str, _Format]] = {
    ".csv": _Format(",".join(COLUMNS).encode() + b"\n", _from_csv),
    ".jsonl": _Format(b"", msgspec.json.decode),
}


def read_results(path: Path) -> Iterator[ResultRow]:
    """The rows of a results file. Raises ``InvalidRequest`` for any other file."""
    form = READABLE.get(path.suffix.lower())
    if form is None:
        raise InvalidRequest(f"It must be a results file that ends in {' or '.join(READABLE)}.")
    with path.open("rb") as file:
        head = file.readline() if form.head else b""
        if head != form.head:
            raise InvalidRequest(_wrong_head(path.name, form, head))
        for number, line in enumerate(file, 2 if form.head else 1):
            yield _read_row(form, line, f"Line {number} of {path.name}")


def read_mark(path: Path) -> ResultsMark | None:
    """The mark of a results file. Raises ``InvalidRequest`` for a file that is not as Payamak wrote it."""
    try:
        text = _note_of(path) if path.suffix.lower() == ".xlsx" else next(read_results(path)).mark
    except (OSError, StopIteration):
        text = None
    match = _MARK.fullmatch(text or "")
    if match is None:
        raise InvalidRequest(f"{path.name} {_CHANGED}")
    return ResultsMark(match[1], int(match[2]))


_CHANGED: Final = (
    "is not a results file as Payamak wrote it: a spreadsheet or an editor may have saved it. Move it away, and resume "
    "again: what was sent is in its queue file, and --resume writes the results anew."
)


def _note_of(path: Path) -> str | None:
    """The note in a spreadsheet's properties."""
    try:
        with zipfile.ZipFile(path) as book, book.open("docProps/core.xml") as properties:
            match = re.search(rb"<dc:description>([^<]*)<", properties.read(100_000))
    except (KeyError, zipfile.BadZipFile):
        return None
    return None if match is None else match[1].decode("ascii", "replace")


def _wrong_head(name: str, form: _Format, head: bytes) -> str:
    if head.removeprefix(codecs.BOM_UTF8).translate(_DELIMITERS, b'\r"') == form.head:
        return f"{name} {_CHANGED}"
    return f"{name} is not a results file of Payamak."


_DELIMITERS: Final = bytes.maketrans(b";\t", b",,")


def _read_row(form: _Format, line: bytes, place: str) -> ResultRow:
    try:
        row = msgspec.convert(form.load(line.decode()), ResultRow, strict=False)
    except (ValueError, csv.Error):  # msgspec's errors are ValueErrors
        raise InvalidRequest(f"{place} is damaged. Restore the original file.") from None
    if row.outcome not in OUTCOMES:
        raise InvalidRequest(f"{place} has an unknown outcome. Restore the original file.")
    return row
