"""The results of a send on disk, one row per recipient, as CSV or JSON lines."""

from __future__ import annotations

import codecs
import csv
import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, cast

import attrs
import msgspec
from attrs import define, field, frozen

from smscore.cli.output import Output, on_one_line
from smscore.errors import InvalidRequest, SMSError
from smscore.outcomes import Outcome
from smscore.private_files import private_opener
from smscore.recipients.plan import Planned
from smscore.results import RecipientResult

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
    """The journal's last seal when it was written."""


COLUMNS: Final = tuple(attribute.name for attribute in attrs.fields(ResultRow))


def result_row(row: int, result: RecipientResult, provider: str) -> ResultRow:
    """The row of a client's result."""
    error = result.error
    return ResultRow(
        row,
        result.recipient,
        result.outcome.value,
        result.message_id,
        result.request_id,
        **({} if error is None else _error_cells(error)),
        provider=provider,
    )


def untried_row(planned: Planned, error: SMSError, provider: str) -> ResultRow:
    """The row of a recipient not tried because of this error."""
    return ResultRow(planned.row, planned.e164, Outcome.NOT_SENT.value, **_error_cells(error), provider=provider)


def skipped_row(planned: Planned, provider: str) -> ResultRow:
    """The row of a recipient that was skipped."""
    return ResultRow(planned.row, planned.e164, SKIPPED, words=planned.problem, provider=provider)


def interrupted_row(planned: Planned, request_id: str | None, provider: str) -> ResultRow:
    """The row of a recipient whose batch was begun and has no known result."""
    words = "In progress when the command ended: it may have been sent. It is never sent again automatically."
    return ResultRow(
        planned.row, planned.e164, Outcome.UNKNOWN.value, request_id=request_id, words=words, provider=provider
    )


def _error_cells(error: SMSError) -> dict[str, Any]:
    code = " ".join(error.code.split()) if isinstance(error.code, str) else error.code
    return {"code": code, "error": type(error).__name__, "words": on_one_line(error)}


# Formats


@frozen
class ResultsFormat:
    """A format of results files: its first line, and how rows are written and read."""

    head: bytes
    dump: Callable[[Iterable[ResultRow], str | None], bytes]
    """Rows as lines; rows without a mark get this one."""
    load: Callable[[str], Mapping[str, Any]]


def _as_csv(rows: Iterable[ResultRow], mark: str | None) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((*attrs.astuple(row, recurse=False)[:-1], row.mark or mark) for row in rows)
    return text.getvalue().encode()


def _from_csv(line: str) -> dict[str, Any]:
    (cells,) = csv.reader([line], strict=True)
    found = dict(zip(COLUMNS, cells, strict=True))
    return {name: value for name, value in found.items() if value or name == "recipient"}


def _as_json_lines(rows: Iterable[ResultRow], mark: str | None) -> bytes:
    marked = (attrs.asdict(row, recurse=False) | {"mark": row.mark or mark} for row in rows)
    return b"".join(_ENCODER.encode(fields) + b"\n" for fields in marked)


_ENCODER: Final = msgspec.json.Encoder()

_ROWS_AT_A_TIME: Final = 10_000

FORMATS: Final[Mapping[str, ResultsFormat]] = {
    ".csv": ResultsFormat(",".join(COLUMNS).encode() + b"\n", _as_csv, _from_csv),
    ".jsonl": ResultsFormat(b"", _as_json_lines, msgspec.json.decode),
}


def format_of(path: Path) -> ResultsFormat:
    """The format for a file's suffix; ``InvalidRequest`` for an unknown one."""
    if path.suffix.lower() not in FORMATS:
        raise InvalidRequest(f"A results file must end in {' or '.join(FORMATS)}.")
    return FORMATS[path.suffix.lower()]


@frozen
class JsonLines:
    """Prints rows as JSON lines where there is no results file."""

    output: Output

    def write(self, rows: Sequence[ResultRow], mark: str | None = None) -> None:
        """Print these rows."""
        for row in rows:
            self.output.record("result", attrs.asdict(row, recurse=False, filter=_is_no_mark), "")


def _is_no_mark(attribute: attrs.Attribute[Any], value: object) -> bool:
    return attribute.name != "mark"


# Reading and writing


def read_results(path: Path) -> Iterator[ResultRow]:
    """The rows of a results file, without an incomplete last line.

    Raises ``InvalidRequest`` for any other file.
    """
    form = format_of(path)
    with path.open("rb") as file:
        head = file.readline() if form.head else b""
        if head != form.head and head.endswith(b"\n"):
            raise InvalidRequest(_wrong_head(path.name, form, head))
        for number, line in enumerate(file, 2 if form.head else 1):
            if not line.endswith(b"\n"):
                return
            yield _read_row(form, line, f"Line {number} of {path.name}")


def _wrong_head(name: str, form: ResultsFormat, head: bytes) -> str:
    if head.removeprefix(codecs.BOM_UTF8).translate(_DELIMITERS, b'\r"') != form.head:
        return f"{name} is not a results file of Payamak."
    return (
        f"{name} was saved by a spreadsheet or an editor, which may have changed its rows. Restore the original file, "
        "and open a copy of it instead."
    )


_DELIMITERS: Final = bytes.maketrans(b";\t", b",,")


def _read_row(form: ResultsFormat, line: bytes, place: str) -> ResultRow:
    try:
        row = msgspec.convert(form.load(line.decode()), ResultRow, strict=False)
    except (ValueError, csv.Error):  # msgspec's errors are ValueErrors
        raise InvalidRequest(f"{place} is damaged. Restore the original file.") from None
    if row.outcome not in OUTCOMES:
        raise InvalidRequest(f"{place} has an unknown outcome. Restore the original file.")
    return row


@define
class ResultsWriter:
    """Appends rows to a results file, and returns when they are on disk."""

    _file: BinaryIO
    _form: ResultsFormat

    @classmethod
    def append(cls, path: Path) -> ResultsWriter:
        """A writer at the end of an existing file."""
        return cls(path.open("ab", buffering=0), format_of(path))

    def write(self, rows: Sequence[ResultRow], mark: str | None = None) -> None:
        """Append these rows; on an ``OSError`` none of them is in the file."""
        put_on_disk(self._file, self._form.dump(rows, mark))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_private(path: Path, mode: str) -> BinaryIO:
    """Open a file unbuffered; a new one is readable by its owner only, since it contains numbers."""
    return cast("BinaryIO", open(path, mode, buffering=0, opener=private_opener))


def put_on_disk(file: BinaryIO, data: bytes, *, wait: bool = True) -> None:
    """Append these bytes and ``wait`` for the disk; on an ``OSError`` the file is unchanged."""
    end = file.seek(0, os.SEEK_END)
    try:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        if wait:
            os.fsync(file.fileno())
    except OSError:
        file.truncate(end)
        raise


def rewrite(path: Path, rows: Iterable[ResultRow], mark: str | None = None) -> None:
    """Replace the file's rows atomically; ``rows`` may read the file."""
    form, draft = format_of(path), path.with_name(path.name + ".draft")
    rows = iter(rows)
    try:
        with open_private(draft, "wb") as file:
            if path.exists():
                draft.chmod(stat.S_IMODE(path.stat().st_mode))
            put_on_disk(file, form.head)
            while piece := list(islice(rows, _ROWS_AT_A_TIME)):
                put_on_disk(file, form.dump(piece, mark))
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
