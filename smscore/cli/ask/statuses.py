"""``payamak status``: delivery statuses by message ids, or of every row of a results file."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import msgspec
from attrs import define, field

from smscore.cli.connection import ask, call_of
from smscore.cli.options import Connection
from smscore.cli.output import Output, counted
from smscore.cli.results_file import FORMATS, ResultRow, open_private, read_results
from smscore.errors import InvalidRequest
from smscore.numbers import with_ascii_digits
from smscore.recipients.file import STDIN

Fields: TypeAlias = dict[str, Any]
Sink: TypeAlias = Callable[[Fields], None]

_IDS_AT_A_TIME: Final = 1_000
_ID: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_COLUMNS: Final = ("row", "recipient", "message_id", "status", "code", "is_final")


def show_statuses(
    connection: Connection, given: Sequence[str], *, results: Path | None, out: Path | None, old: bool
) -> None:
    """Print the status of each id, or write it to ``out``; the ids are ``given``, or those of a results file."""
    if bool(given) == (results is not None):
        raise InvalidRequest("Give either message ids (- for standard input) or --results.")
    asked = Asked(ids=_ids(given)) if results is None else _asked_of(results, connection.provider)
    output = connection.output

    async def use(call: Any) -> None:
        with _sink(output, out) as take:
            async for fields in _found_by(call, asked.ids):
                for one in asked.matched(fields):
                    take(one)

    ask(connection, _OLD_CALLS if old else _CALLS, use)
    if results is not None or out is not None:
        output.note(asked.totals())


def find_statuses(client: Any, ids: Iterable[int]) -> AsyncIterator[Fields]:
    """The statuses of these message ids; ``InvalidRequest`` where the client has no call that reports them."""
    return _found_by(call_of(client, *_CALLS), ids)


@define
class Asked:
    """The ids to ask for, the rows of a results file that have them, and what has been answered."""

    ids: list[int]
    rows: dict[int, list[ResultRow]] = field(factory=dict[int, list[ResultRow]])
    without_id: Counter[str] = field(factory=Counter[str])
    """How many rows have no message id, by outcome."""
    statuses: Counter[str] = field(factory=Counter[str])
    answered: set[int] = field(factory=set[int])

    def matched(self, fields: Fields) -> Iterator[Fields]:
        """A status, once for each row that has its message id."""
        message_id, recipient = fields["message_id"], fields.get("recipient")
        self.answered.add(message_id)
        rows = [row for row in self.rows.get(message_id, ()) if recipient in (None, row.recipient)]
        self.statuses[fields["status"]] += max(1, len(rows))
        if not rows:
            yield fields
        for row in rows:
            yield {"row": row.row, **fields, "recipient": row.recipient}

    def totals(self) -> str:
        """How many messages have each status, and how many have none."""
        words = f"{counted(self.statuses.total(), 'message')}{_listed(self.statuses)}."
        unanswered = len(set(self.ids) - self.answered)
        if unanswered:
            words += f" No status for {counted(unanswered, 'message id')}."
        if self.without_id:
            words += f" {counted(self.without_id.total(), 'row')} without a message id{_listed(self.without_id)}."
        return words


def _listed(counts: Counter[str]) -> str:
    said = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.most_common())
    return f": {said}" if said else ""


def _asked_of(results: Path, provider: str) -> Asked:
    try:
        latest = {row.row: row for row in _rows_of(results, provider)}
    except OSError as error:
        raise InvalidRequest(f"The results file cannot be read: {error.strerror}.") from None
    rows: defaultdict[int, list[ResultRow]] = defaultdict(list)
    for row in latest.values():
        if row.message_id is not None:
            rows[row.message_id].append(row)
    without = Counter(row.outcome for row in latest.values() if row.message_id is None)
    return Asked(list(rows), dict(rows), without)


def _rows_of(results: Path, provider: str) -> Iterator[ResultRow]:
    for row in read_results(results):
        if row.provider != provider:
            raise InvalidRequest(f"{results.name} was sent through {row.provider}. Give --provider {row.provider}.")
        yield row


def _ids(given: Sequence[str]) -> list[int]:
    lines: Iterable[str] = sys.stdin if list(given) == [STDIN] else given
    return [_id(text, place) for place, text in enumerate(map(str.strip, lines), 1) if text]


def _id(text: str, place: int) -> int:
    digits = with_ascii_digits(text)
    if not _ID.fullmatch(digits):
        raise InvalidRequest(f"Invalid message id at position {place}: it must be an integer.")
    return int(digits)


# The clients' calls


def _found_by(call: Any, ids: Iterable[int]) -> AsyncIterator[Fields]:
    return _READERS[call.__name__](call, iter(ids))


async def _by_ids(call: Any, ids: Iterator[int]) -> AsyncIterator[Fields]:
    while piece := list(islice(ids, _IDS_AT_A_TIME)):
        for found in await call(piece):
            yield _status_fields(found, found.message_id)


async def _by_recipients(call: Any, ids: Iterator[int]) -> AsyncIterator[Fields]:
    for message_id in ids:
        async for found in call(message_id):
            yield {**_status_fields(found, message_id), "recipient": found.recipient, "parts": found.parts}


def _status_fields(found: Any, message_id: int) -> Fields:
    return {
        "message_id": message_id,
        "status": found.status.value,
        "code": found.code,
        "is_final": found.status.is_final,
    }


_READERS: Final[dict[str, Callable[[Any, Iterator[int]], AsyncIterator[Fields]]]] = {
    "status": _by_ids,
    "recipients": _by_recipients,  # of a bulk message
    "old_status": _by_ids,
}
_CALLS: Final = ("status", "recipients")
_OLD_CALLS: Final = ("old_status",)


# Output


@contextmanager
def _sink(output: Output, out: Path | None) -> Generator[Sink]:
    if out is None:
        yield lambda fields: output.record("status", fields, _words(fields))
        return
    dump = _DUMPS.get(out.suffix.lower())
    if dump is None:
        raise InvalidRequest(f"The file of statuses must end in {' or '.join(_DUMPS)}.")
    if out.exists():
        raise InvalidRequest(f"{out.name} already exists. Name another file.")
    draft = out.with_name(out.name + ".draft")
    try:
        with open_private(draft, "wb") as file:
            if dump is _as_csv:
                dump(file, dict(zip(_COLUMNS, _COLUMNS, strict=True)))
            yield lambda fields: dump(file, fields)
        draft.replace(out)  # all rows or none
    finally:
        draft.unlink(missing_ok=True)


def _words(fields: Fields) -> str:
    words = " ".join(str(fields[name]) for name in ("message_id", "recipient", "status") if fields.get(name))
    return f"{words}, row {fields['row']}" if "row" in fields else words


def _as_csv(file: BinaryIO, fields: Fields) -> None:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([fields.get(name) for name in _COLUMNS])
    file.write(line.getvalue().encode())


def _as_json_line(file: BinaryIO, fields: Fields) -> None:
    file.write(msgspec.json.encode({name: fields.get(name) for name in _COLUMNS}) + b"\n")


_DUMPS: Final = dict(zip(FORMATS, (_as_csv, _as_json_line), strict=True))
