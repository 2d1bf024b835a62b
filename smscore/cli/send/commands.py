"""``payamak send`` and ``payamak p2p``: from a file of recipients to a result for each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from smscore.cli.options import Connection, connection_options, one_text
from smscore.cli.send.options import Order

F = TypeVar("F", bound=Callable[..., Any])


def _sending_options(command: F) -> F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _no_number(ctx: click.Context, param: click.Parameter, value: str) -> str:
    from smscore.numbers import local_form

    if value != "-" and local_form(value) is not None and not Path(value).exists():
        raise click.BadParameter(
            "it is a file, and what was given looks like a number. For a few numbers give - and write them to the "
            f"standard input, one a line: echo NUMBER | payamak {ctx.info_name} … -",
            ctx,
            param,
        )
    return value


_OPTIONS: Final = (
    click.argument("recipients", type=click.Path(allow_dash=True), callback=_no_number),
    click.option("--from", "sender", help="Your line; else <PROVIDER>_SENDER."),
    click.option("--column", help="The column with the numbers: its name, or its place counted from 1."),
    click.option("--sheet", help="The sheet of a spreadsheet; else the first one that is not hidden."),
    click.option("--hidden-too", is_flag=True, help="Read hidden rows and columns of a spreadsheet too."),
    click.option("--encoding", help="The encoding of a text file, e.g. windows-1256; else it is detected."),
    click.option("--skip-bad", is_flag=True, help="Send to the good rows, and leave the bad ones out."),
    click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing."),
    click.option("--yes", "-y", is_flag=True, help="Do not ask before more than 100 messages."),
    click.option("--out", type=click.Path(path_type=Path), help="A new results file, .csv or .jsonl."),
    click.option("--resume", type=click.Path(path_type=Path), help="Go on with the results file of an earlier run."),
    click.option("--rejected-too", is_flag=True, help="With --resume: send again what was rejected, duplicates apart."),
    click.option("--file-id", help="Najva: a file for Bale, as upload printed its id."),
    click.option(
        "--send-time",
        type=click.DateTime(["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"]),
        metavar="TIME",
        help="IPPanel: send then, as 2026-03-21T09:30+03:30.",
    ),
    click.option("--batch-size", type=click.IntRange(1), help="Recipients a request, at most the provider's limit."),
    click.option("--rate-limit", type=click.FloatRange(0, min_open=True), help="Requests a second."),
    click.option("--concurrency", "max_concurrency", type=click.IntRange(1), help="Requests at a time; else 8."),
)


def _order(
    *,
    out: Path | None,
    resume: Path | None,
    file_id: str | None,
    send_time: dt.datetime | None,
    batch_size: int | None,
    rate_limit: float | None,
    max_concurrency: int | None,
    **rest: Any,
) -> Order:
    if out is not None and resume is not None:
        raise click.UsageError("--out begins a new results file, and --resume goes on with one. Give one of them.")
    if rest["rejected_too"] and resume is None:
        raise click.UsageError("--rejected-too goes with --resume.")
    return Order(
        out=out or resume,
        resuming=resume is not None,
        options={"file_id": file_id, "send_time": send_time},
        settings={"batch_size": batch_size, "rate_limit": rate_limit, "max_concurrency": max_concurrency},
        **rest,
    )


@click.command()
@click.option("--text", help="The text.")
@click.option(
    "--text-file", type=click.Path(), help="A file with the text, UTF-8; line breaks at its end are left out."
)
@_sending_options
@connection_options
def send(connection: Connection, text: str | None, text_file: str | None, **given: Any) -> int:
    """Send one text to the recipients of a file.

    RECIPIENTS is CSV, XLSX, TXT with one number a line, or - for the standard input. The column is found by its name
    (mobile, phone, موبایل, …) or by what it holds.

    \b
    Example:
      payamak send -p najva --text-file t.txt --out results.csv customers.xlsx
      payamak send -p najva --text-file t.txt --resume results.csv customers.xlsx
      echo 09123456789 | payamak send -p najva --text 'سلام' -
    """
    from smscore.cli.send.run import run

    return run(connection, _order(**given), one_text("--text", text, "--text-file", text_file), None)


@click.command()
@click.option("--template", help="The text, with columns in braces: 'سلام {name}'. {{ and }} are braces.")
@click.option("--template-file", type=click.Path(), help="A file with the template, UTF-8.")
@_sending_options
@connection_options
def p2p(connection: Connection, template: str | None, template_file: str | None, **given: Any) -> int:
    """Send each recipient of a file a text of their own.

    RECIPIENTS is CSV or XLSX with a header. A row that lacks a value which the template needs is a bad one.

    \b
    Example:
      payamak p2p -p sepahan --template 'سلام {name}' --out r.csv customers.xlsx
    """
    from smscore.cli.send.run import run
    from smscore.recipients.template import parse_template

    text = one_text("--template", template, "--template-file", template_file)
    return run(connection, _order(**given), None, parse_template(text))
