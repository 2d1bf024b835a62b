"""``payamak status``: delivery statuses by message ids, or of every row of a results file."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import msgspec
from attrs import define, evolve, field
from click import UsageError, get_current_context
from click.core import ParameterSource

from smscore.cli.connection import ask_for, call_of
from smscore.cli.options import Connection
from smscore.cli.output import Output, counted
from smscore.cli.results_file import READABLE, ResultRow, open_private, read_results
from smscore.errors import InvalidRequest
from smscore.numbers import with_ascii_digits
from smscore.outcomes import Outcome
from smscore.profile import Capability
from smscore.recipients.file import STDIN
from smscore.results import RecipientResult

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
    if results is None:
        if not connection.provider:
            raise UsageError("Missing option '--provider' / '-p'. A results file (--results) has it, an id has not.")
        _show(connection, Asked(_ids(given)), out, old=old, with_totals=out is not None)
    else:
        asked, provider = _asked_of(results, connection.provider)
        _show(evolve(connection, provider=provider), asked, out, old=old, with_totals=True)


def _show(connection: Connection, asked: Asked, out: Path | None, *, old: bool, with_totals: bool) -> None:
    async def use(client: Any) -> None:
        read = call_of(client, "old_status") if old else None
        with _sink(connection.output, out) as take:
            async for fields in _found_by(client, asked, read):
                asked.count(fields)
                take(fields)

    ask_for(connection, Capability.REPORTS_DELIVERIES, "deliveries", use)
    if with_totals:
        connection.output.note(asked.totals())


@define
class Asked:
    """The ids to ask for, or the rows of a results file that have one, and what has been answered."""

    ids: Sequence[int]
    rows: Sequence[ResultRow] = ()
    without_id: Counter[str] = field(factory=Counter[str])
    """How many rows have no message id, by outcome."""
    statuses: Counter[str] = field(factory=Counter[str])
    answered: set[int] = field(factory=set[int])

    def count(self, fields: Fields) -> None:
        """Count a status that is shown."""
        self.answered.add(fields["message_id"])
        self.statuses[fields["status"]] += 1

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


def _asked_of(results: Path, provider: str) -> tuple[Asked, str]:
    """What a results file asks about, and through whom it was sent; ``provider`` is who was named, if anybody."""
    try:
        latest = {row.row: row for row in read_results(results)}.values()
    except OSError as error:
        raise InvalidRequest(f"The results file cannot be read: {error.strerror}.") from None
    senders = sorted({row.provider for row in latest if row.provider})
    if len(senders) == 1 and not _is_named():
        provider = senders[0]
    if provider not in senders:
        raise InvalidRequest(
            f"{results.name} was sent through {' and '.join(senders) or 'nobody'}. Give --provider {'|'.join(senders)}."
        )
    rows = [row for row in latest if row.provider == provider]
    with_id = [row for row in rows if row.message_id is not None]
    without = Counter(row.outcome for row in rows if row.message_id is None)
    return Asked([row.message_id for row in with_id if row.message_id is not None], with_id, without), provider


def _is_named() -> bool:
    """Whether the provider was named on the command line; one of the environment gives way to a results file's."""
    return get_current_context().get_parameter_source("provider") is ParameterSource.COMMANDLINE


def _ids(given: Sequence[str]) -> list[int]:
    lines: Iterable[str] = sys.stdin if list(given) == [STDIN] else given
    return [_id(text, place) for place, text in enumerate(map(str.strip, lines), 1) if text]


def _id(text: str, place: int) -> int:
    digits = with_ascii_digits(text)
    if not _ID.fullmatch(digits):
        raise InvalidRequest(f"Invalid message id at position {place}: it must be an integer.")
    return int(digits)


# What the clients say


async def _found_by(client: Any, asked: Asked, read_old: Any) -> AsyncIterator[Fields]:
    if read_old is not None:
        statuses = {one.message_id: one for one in await read_old(dict.fromkeys(asked.ids))}
        for row, id_ in zip_longest(asked.rows, asked.ids):
            yield _fields(statuses[id_], id_, row)
    elif asked.rows:
        for row, found in zip(asked.rows, await client.deliveries(map(_result, asked.rows)), strict=True):
            if found.status is not None:
                yield _fields(found, row.message_id, row)
    elif "recipients" in client.profile.own_calls:  # an id is that of a whole bulk message
        for message_id in asked.ids:
            async for found in client.recipients(message_id):
                yield {**_fields(found, message_id), "recipient": found.recipient, "parts": found.parts}
    else:
        for place in range(0, len(asked.ids), _IDS_AT_A_TIME):
            for found in await client.deliveries(asked.ids[place : place + _IDS_AT_A_TIME]):
                if found.status is not None:
                    yield _fields(found, found.message_id)


def _result(row: ResultRow) -> RecipientResult:
    return RecipientResult(row.recipient, Outcome(row.outcome), row.message_id, provider=row.provider)


def _fields(found: Any, message_id: int | None, row: ResultRow | None = None) -> Fields:
    fields = {
        "message_id": message_id,
        "status": found.status.value,
        "code": found.code,
        "is_final": found.status.is_final,
    }
    return fields if row is None else {"row": row.row, **fields, "recipient": row.recipient}


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


_DUMPS: Final = dict(zip(READABLE, (_as_csv, _as_json_line), strict=True))
