"""``payamak queue export``: the results of a campaign as CSV, JSON lines or a spreadsheet."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import click
import msgspec
from attrs import define

from smscore.cli.output import Output, counted, on_one_line
from smscore.cli.queue.connection import campaign_of, with_queue
from smscore.cli.queue.options import QueueConnection
from smscore.cli.results_file import open_private
from smscore.errors import InvalidRequest
from smscore.outcomes import Outcome
from smscore.queue.model import QueueResult
from smscore.queue.queue import AsyncSendQueue

Fields: TypeAlias = Mapping[str, Any]
Sink: TypeAlias = Callable[[Sequence[Fields]], object]

COLUMNS: Final = (
    *("recipient", "outcome", "message_id", "delivery", "provider", "request_id", "sent_at"),
    *("code", "error", "words", "ref"),
)
_ROWS_AT_A_TIME: Final = 1_000
_SHEET_ROWS: Final = 1_000_000  # a sheet of XLSX has room for 1,048,576
_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)


def export(connection: QueueConnection, key: str, out: Path | None, outcome: str | None) -> None:
    """Write the results that a campaign has so far to ``out``, or print them."""
    wanted = None if outcome is None else Outcome(outcome)
    if out is not None and out.suffix.lower() not in _FORMATS:
        raise InvalidRequest(f"The file must end in {', '.join(_FORMATS)}.")
    if out is not None and out.exists():
        raise InvalidRequest(f"{out.name} exists. Give a new file, or remove that one.")

    async def use(queue: AsyncSendQueue) -> int:
        campaign = await campaign_of(queue, key)
        with _sink(connection, out) as take:
            return await _export(queue, campaign.id, wanted, take)

    count = with_queue(connection, use)
    if out is not None:
        fields = {"results": str(out), "rows": count}
        connection.output.record("export", fields, f"{out.name}: {counted(count, 'result')}.")


async def _export(queue: AsyncSendQueue, campaign: int, outcome: Outcome | None, take: Sink) -> int:
    count, rows = 0, list[Fields]()
    async for result in queue.results(campaign, outcome=outcome):
        rows.append(_row(result))
        count += 1
        if len(rows) == _ROWS_AT_A_TIME:
            take(rows)
            rows = []
    take(rows)
    return count


def _row(result: QueueResult) -> Fields:
    error = result.error
    return {
        "recipient": result.recipient,
        "outcome": result.outcome.value,
        "message_id": result.message_id,
        "delivery": None if result.delivery is None else result.delivery.value,
        "provider": result.provider,
        "request_id": result.request_id,
        "sent_at": None if result.sent_at is None else result.sent_at.isoformat(),
        "code": result.code,
        "error": None if error is None else type(error).__name__,
        "words": None if error is None else on_one_line(error),
        "ref": result.ref,
    }


@contextmanager
def _sink(connection: QueueConnection, out: Path | None) -> Generator[Sink]:
    """Where rows go: a file, or standard output as JSON lines or CSV."""
    if out is not None:
        with open_private(out, "xb") as file, _FORMATS[out.suffix.lower()](file) as take:
            yield take
    elif connection.output.json:
        yield lambda rows: _record(connection.output, rows)
    else:
        click.echo(_csv([COLUMNS]), nl=False)
        yield lambda rows: click.echo(_csv(map(_cells, rows)), nl=False)


def _record(output: Output, rows: Sequence[Fields]) -> None:
    for row in rows:
        output.record("result", row, "")


@contextmanager
def _as_csv(file: BinaryIO) -> Generator[Sink]:
    file.write(codecs.BOM_UTF8 + _csv([COLUMNS]).encode())
    yield lambda rows: file.write(_csv(map(_cells, rows)).encode())


@contextmanager
def _as_json_lines(file: BinaryIO) -> Generator[Sink]:
    yield lambda rows: file.write(_ENCODER.encode_lines(rows))


@contextmanager
def _as_spreadsheet(file: BinaryIO) -> Generator[Sink]:
    # It streams: a row is written out once the next one begins, so that a million take no memory.
    from xlsxwriter import Workbook  # pyright: ignore[reportMissingTypeStubs]  # it has none

    with Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        yield _Sheets(book).take


@define
class _Sheets:
    """The sheets of a workbook; a full one is followed by another."""

    _book: Any
    _sheet: Any = None
    _row: int = 0

    def take(self, rows: Sequence[Fields]) -> None:
        for row in rows:
            if self._sheet is None or self._row == _SHEET_ROWS:
                self._sheet, self._row = self._book.add_worksheet(), 0
                self._write(COLUMNS)
            self._write(_cells(row))

    def _write(self, cells: Sequence[object]) -> None:
        for column, cell in enumerate(cells):
            # Numbers as texts: a spreadsheet would round an id of more than 15 digits.
            self._sheet.write_string(self._row, column, "" if cell is None else str(cell))
        self._row += 1


_FORMATS: Final[Mapping[str, Callable[[BinaryIO], AbstractContextManager[Sink]]]] = {
    ".csv": _as_csv,
    ".jsonl": _as_json_lines,
    ".xlsx": _as_spreadsheet,
}


def _cells(row: Fields) -> list[object]:
    return [value if value is None or isinstance(value, _PLAIN) else _text(value) for value in row.values()]


_PLAIN: Final = (str, int, float)


def _text(ref: object) -> str:
    return _ENCODER.encode(ref).decode()


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
