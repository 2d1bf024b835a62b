"""The results of a send on disk, one row a recipient, as CSV or JSON lines."""

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
"""The outcome of a row that is bad or a duplicate: nothing of it was to be sent."""
OUTCOMES: Final = (*(outcome.value for outcome in Outcome), SKIPPED)


@frozen
class ResultRow:
    """What became of one row of the source; the names are those of the file's columns."""

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
    """The seal of the journal's line after which it was written."""


COLUMNS: Final = tuple(attribute.name for attribute in attrs.fields(ResultRow))


def result_row(row: int, result: RecipientResult, provider: str) -> ResultRow:
    """The row for a result of a client."""
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
    """The row for a recipient who was not tried because of this error."""
    return ResultRow(planned.row, planned.e164, Outcome.NOT_SENT.value, **_error_cells(error), provider=provider)


def skipped_row(planned: Planned, provider: str) -> ResultRow:
    """The row for a recipient who was left out on purpose."""
    return ResultRow(planned.row, planned.e164, SKIPPED, words=planned.problem, provider=provider)


def interrupted_row(planned: Planned, request_id: str | None, provider: str) -> ResultRow:
    """The row for a recipient whose batch was begun, and of which no result is known."""
    words = "It was being sent when the command ended: it may have gone. It is never sent again by itself."
    return ResultRow(
        planned.row, planned.e164, Outcome.UNKNOWN.value, request_id=request_id, words=words, provider=provider
    )


def _error_cells(error: SMSError) -> dict[str, Any]:
    code = " ".join(error.code.split()) if isinstance(error.code, str) else error.code
    return {"code": code, "error": type(error).__name__, "words": on_one_line(error)}


# Formats


@frozen
class Format:
    """A kind of results file: its first line, and how rows become lines and lines rows."""

    head: bytes
    dump: Callable[[Iterable[ResultRow], str | None], bytes]
    """Rows as lines; those without a mark get this one."""
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

_PIECE: Final = 10_000  # rows that are rewritten at a time

FORMATS: Final[Mapping[str, Format]] = {
    ".csv": Format(",".join(COLUMNS).encode() + b"\n", _as_csv, _from_csv),
    ".jsonl": Format(b"", _as_json_lines, msgspec.json.decode),
}


def format_of(path: Path) -> Format:
    """The format that a file's ending asks for; ``InvalidRequest`` for another one."""
    if path.suffix.lower() not in FORMATS:
        raise InvalidRequest(f"A results file ends in {' or '.join(FORMATS)}.")
    return FORMATS[path.suffix.lower()]


@frozen
class JsonLines:
    """Prints rows as JSON lines, where there is no results file."""

    output: Output

    def write(self, rows: Sequence[ResultRow], mark: str | None = None) -> None:
        """Print these rows."""
        for row in rows:
            self.output.record("result", attrs.asdict(row, recurse=False, filter=_is_no_mark), "")


def _is_no_mark(attribute: attrs.Attribute[Any], value: object) -> bool:
    return attribute.name != "mark"


# Reading and writing


def read_results(path: Path) -> Iterator[ResultRow]:
    """The rows of a results file; a last line that was cut off is left out.

    Raises ``InvalidRequest`` for a file that is no results file.
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


def _wrong_head(name: str, form: Format, head: bytes) -> str:
    if head.removeprefix(codecs.BOM_UTF8).translate(_DELIMITERS, b'\r"') != form.head:
        return f"{name} is no results file of Payamak."
    return (
        f"{name} was saved by a spreadsheet or an editor, which may have changed its rows. Restore the file as Payamak "
        "wrote it, and look at a copy of it instead."
    )


_DELIMITERS: Final = bytes.maketrans(b";\t", b",,")


def _read_row(form: Format, line: bytes, place: str) -> ResultRow:
    try:
        row = msgspec.convert(form.load(line.decode()), ResultRow, strict=False)
    except (ValueError, csv.Error):  # msgspec's errors are among the former
        raise InvalidRequest(f"{place} is damaged. Restore the file as it was.") from None
    if row.outcome not in OUTCOMES:
        raise InvalidRequest(f"{place} has an outcome that Payamak does not know.")
    return row


@define
class ResultsWriter:
    """Appends rows to a results file, and returns when they are on the disk."""

    _file: BinaryIO
    _form: Format

    @classmethod
    def append(cls, path: Path) -> ResultsWriter:
        """The end of a file that is there."""
        return cls(path.open("ab", buffering=0), format_of(path))

    def write(self, rows: Sequence[ResultRow], mark: str | None = None) -> None:
        """Append these rows. If they do not all fit (``OSError``), none of them is in the file."""
        put_on_disk(self._file, self._form.dump(rows, mark))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_private(path: Path, mode: str) -> BinaryIO:
    """Open a file, unbuffered; one that is new can be read by its owner alone, since it holds numbers."""
    return cast("BinaryIO", open(path, mode, buffering=0, opener=private_opener))


def put_on_disk(file: BinaryIO, data: bytes, *, wait: bool = True) -> None:
    """Append these bytes and ``wait`` for the disk; on an ``OSError`` the file is as it was."""
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
    """Put these rows in place of what the file holds, all at once; it may be read for them."""
    form, draft = format_of(path), path.with_name(path.name + ".draft")
    rows = iter(rows)
    try:
        with open_private(draft, "wb") as file:
            if path.exists():
                draft.chmod(stat.S_IMODE(path.stat().st_mode))
            put_on_disk(file, form.head)
            while piece := list(islice(rows, _PIECE)):
                put_on_disk(file, form.dump(piece, mark))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # there a folder cannot be opened, and needs no sync
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
