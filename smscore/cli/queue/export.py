"""``payamak queue export``: the results of a campaign as CSV, JSON lines or a spreadsheet."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from smscore.cli.output import counted
from smscore.cli.queue.connection import campaign_of, with_queue
from smscore.cli.queue.options import QueueConnection
from smscore.cli.results_file import open_private
from smscore.cli.tables import Cells, Sink, Table, check_suffix, csv_text
from smscore.errors import InvalidRequest
from smscore.outcomes import Outcome
from smscore.queue.queue import AsyncSendQueue
from smscore.queue.store.rows import EXPORT_COLUMNS, RowReader, export_cells


def export(connection: QueueConnection, key: str, out: Path | None, outcome: str | None) -> None:
    """Write the results that a campaign has so far to ``out``, or print them."""
    if out is not None:
        check_suffix(out.suffix, "The file")
    if out is not None and out.exists():
        raise InvalidRequest(f"{out.name} exists. Give a new file, or remove that one.")
    reader = RowReader(None if outcome is None else Outcome(outcome))

    async def use(queue: AsyncSendQueue) -> int:
        campaign = await campaign_of(queue, key)
        with _sink(connection, out) as take:
            return await _export(queue, campaign.id, reader, take)

    count = with_queue(connection, use)
    if out is not None:
        fields = {"results": str(out), "rows": count}
        connection.output.record("export", fields, f"{out.name}: {counted(count, 'result')}.")


async def _export(queue: AsyncSendQueue, campaign: int, reader: RowReader, take: Sink) -> int:
    count = 0
    after: int | None = -1
    while after is not None:
        page = await queue._calls.read(reader.page, campaign, after)
        take([*map(export_cells, page.rows)])
        count, after = count + len(page.rows), page.after
    return count


@contextmanager
def _sink(connection: QueueConnection, out: Path | None) -> Generator[Sink]:
    """Where rows go: a file, or standard output as JSON lines or CSV."""
    if out is not None:
        with open_private(out, "xb") as file, Table(EXPORT_COLUMNS, has_bom=True).writing(file, out.suffix) as take:
            yield take
    elif connection.output.json:
        yield lambda rows: _record(connection, rows)
    else:
        click.echo(csv_text([EXPORT_COLUMNS]), nl=False)
        yield lambda rows: click.echo(csv_text(rows), nl=False)


def _record(connection: QueueConnection, rows: Sequence[Cells]) -> None:
    for row in rows:
        connection.output.record("result", dict(zip(EXPORT_COLUMNS, row, strict=True)), "")
