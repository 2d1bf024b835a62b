"""``payamak send`` and ``payamak p2p``: from a file of recipients to a result for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from smscore.cli.options import Connection, connection_options, one_text, with_options
from smscore.cli.send.options import SendOptions

R = TypeVar("R")


def _sending_options(command: Callable[..., R]) -> Callable[..., R]:
    return with_options(_OPTIONS, command)


def _no_number(ctx: click.Context, param: click.Parameter, value: str) -> str:
    from smscore.numbers import local_form

    if value != "-" and local_form(value) is not None and not Path(value).exists():
        raise click.BadParameter(
            "it must be a file, and this looks like a number. For a few numbers, give - and write them to standard "
            f"input, one per line: echo NUMBER | payamak {ctx.info_name} … -",
            ctx,
            param,
        )
    return value


class _SendTime(click.DateTime):
    """A date and time with an offset; its error gives an example rather than the formats of ``strptime``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            raise click.BadParameter(
                "it must be a date and a time with an offset from UTC, e.g. 2026-03-21T09:30+03:30.", ctx, param
            ) from None


_OPTIONS: Final = (
    click.argument("recipients", type=click.Path(allow_dash=True), callback=_no_number),
    click.option("--from", "sender", help="Your line.  [default: <NAME>_SENDER]"),
    click.option("--column", help="The column of the numbers: its name, or its position counted from 1."),
    click.option("--sheet", help="The sheet of a spreadsheet.  [default: the first visible one]"),
    click.option("--hidden-too", is_flag=True, help="Read hidden rows and columns of a spreadsheet too."),
    click.option("--encoding", help="The encoding of a text file, e.g. windows-1256.  [default: detected]"),
    click.option("--skip-bad", is_flag=True, help="Skip invalid rows and send to the others."),
    click.option("--dry-run", is_flag=True, help="Show what would be sent, without sending."),
    click.option("--yes", "-y", is_flag=True, help="Do not ask before sending more than 100 messages."),
    click.option(
        "--out", type=click.Path(path_type=Path), help="Write the results to this new file, .csv, .jsonl or .xlsx."
    ),
    click.option("--resume", type=click.Path(path_type=Path), help="Resume the send of this results file."),
    click.option("--rejected-too", is_flag=True, help="With --resume: send rejected rows again, except duplicates."),
    click.option("--file-id", help="Attach an uploaded file: the id printed by `payamak upload`."),
    click.option(
        "--send-time",
        type=_SendTime(["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"]),
        metavar="TIME",
        help="Send at, e.g. 2026-03-21T09:30+03:30.",
    ),
    click.option(
        "--batch-size", type=click.IntRange(1), help="Recipients per request.  [default: the provider's limit]"
    ),
    click.option("--rate-limit", type=click.FloatRange(0, min_open=True), help="Limit requests per second."),
    click.option("--concurrency", "max_concurrency", type=click.IntRange(1), help="Concurrent requests.  [default: 8]"),
)


def _send_options(
    *,
    out: Path | None,
    resume: Path | None,
    file_id: str | None,
    send_time: dt.datetime | None,
    batch_size: int | None,
    rate_limit: float | None,
    max_concurrency: int | None,
    **rest: Any,
) -> SendOptions:
    if out is not None and resume is not None:
        raise click.UsageError("Give either --out, which begins a results file, or --resume, which continues one.")
    if rest["rejected_too"] and resume is None:
        raise click.UsageError("--rejected-too requires --resume.")
    return SendOptions(
        out=out or resume,
        resuming=resume is not None,
        options={"file_id": file_id, "send_time": send_time},
        settings={"batch_size": batch_size, "rate_limit": rate_limit, "max_concurrency": max_concurrency},
        **rest,
    )


@click.command()
@click.option("--text", help="The text.")
@click.option("--text-file", type=click.Path(), help="A UTF-8 file with the text. Line breaks at its end are removed.")
@_sending_options
@connection_options
def send(connection: Connection, text: str | None, text_file: str | None, **given: Any) -> int:
    """Send one text to the recipients in a file.

    RECIPIENTS is a CSV file, a spreadsheet (XLSX, XLSB, ODS, XLS), a TXT file with one number per line, or - for
    standard input. The column of the numbers is found by its name (mobile, phone, موبایل, …) or by its content.

    \b
    Example:
      payamak send --text-file t.txt --out results.csv customers.xlsx
      payamak send --text-file t.txt --resume results.csv customers.xlsx
      echo 09123456789 | payamak send --text 'سلام' -
    """
    from smscore.cli.send.run import run

    return run(connection, _send_options(**given), one_text("--text", text, "--text-file", text_file), None)


@click.command()
@click.option("--template", help="The text, with column names in braces: 'سلام {name}'. {{ and }} are braces.")
@click.option("--template-file", type=click.Path(), help="A UTF-8 file with the template.")
@_sending_options
@connection_options
def p2p(connection: Connection, template: str | None, template_file: str | None, **given: Any) -> int:
    """Send each recipient in a file a text of their own.

    RECIPIENTS is a CSV file or a spreadsheet with a header. A row without a value that the template needs is invalid.

    \b
    Example:
      payamak p2p --template 'سلام {name}' --out r.csv customers.xlsx
    """
    from smscore.cli.send.run import run
    from smscore.recipients.template import parse_template

    text = one_text("--template", template, "--template-file", template_file)
    return run(connection, _send_options(**given), None, parse_template(text))
