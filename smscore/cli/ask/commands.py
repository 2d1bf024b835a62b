"""The commands that send nothing: statuses, credit, inbound messages, a request id, an upload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from smscore.cli.options import Connection, connection_options, one_text


@click.command()
@click.argument("message_ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--results", type=click.Path(path_type=Path), help="Show every row of this results file, and how many have which."
)
@click.option("--out", type=click.Path(path_type=Path), help="Write them to this new file, .csv or .jsonl.")
@click.option("--old", is_flag=True, help="Sepahan: messages of past weeks (01:00 to 05:00, Tehran time).")
@connection_options
def status(connection: Connection, message_ids: tuple[str, ...], **wanted: Any) -> None:
    """Show the delivery statuses of messages, by their ids.

    ID is - for ids on the standard input, one a line. With IPPanel, a bulk id shows every recipient.

    \b
    Example:
      payamak status -p najva 123456789 123456790
      payamak status -p najva --results results.csv
      payamak status -p najva --results results.csv --out statuses.csv
    """
    from smscore.cli.ask.statuses import show_statuses

    show_statuses(connection, message_ids, **wanted)


@click.command()
@connection_options
def credit(connection: Connection) -> None:
    """Show the credit left, in Rials.

    \b
    Example:
      payamak credit -p sepahan
    """
    from smscore.cli.ask.answers import show_credit

    show_credit(connection)


@click.command()
@click.option("--number", help="Sepahan: only what came to this line of yours.")
@click.option("--since", help="Sepahan: from this day on: 2026-03-21 or 1405/01/01; else the past 24 hours.")
@click.option("--limit", type=click.IntRange(1), help="Sepahan: how many at most; else 100.")
@click.option("--peek", is_flag=True, help="Sepahan: leave the messages unread, so that they come again.")
@click.option("--after-id", type=int, help="IPPanel: only messages after this id, the last one that you have.")
@connection_options
def receive(connection: Connection, **wanted: Any) -> None:
    """Show the messages that people sent to your lines.

    Sepahan hands each message out once: what this prints is gone from there. --peek leaves it. IPPanel keeps them:
    --after-id goes on where you were.

    \b
    Example:
      payamak receive -p sepahan --json >> inbound.jsonl
      payamak receive -p sepahan --number 50003300 --since 1405/01/01 --peek
      payamak receive -p ippanel --after-id 21504 --json
    """
    from smscore.cli.ask.answers import show_received

    show_received(connection, **wanted)


@click.command()
@click.option("--text", help="The text that you would send.")
@click.option("--text-file", type=click.Path(), help="A file with the text, UTF-8.")
@click.option("--from", "sender", help="Your line; else the one of the environment.")
@connection_options
def price(connection: Connection, text: str | None, text_file: str | None, sender: str | None) -> None:
    """Show what a text costs, in Rials, and how many parts it has.

    \b
    Example:
      payamak price -p ippanel --text 'سلام'
      payamak price -p ippanel --text-file t.txt
    """
    from smscore.cli.ask.answers import show_price

    show_price(connection, one_text("--text", text, "--text-file", text_file), sender)


@click.command()
@click.argument("message_id", type=int)
@connection_options
def cancel(connection: Connection, message_id: int) -> None:
    """Cancel a bulk message that is to go later.

    \b
    Example:
      payamak cancel -p ippanel 1123544244
    """
    from smscore.cli.ask.answers import cancel_message

    cancel_message(connection, message_id)


@click.command("check-request")
@click.argument("request_id")
@connection_options
def check_request(connection: Connection, request_id: str) -> int:
    """Tell whether a request with this id arrived in the past 4 hours; the exit code is 0 if it did, 1 if not.

    The ids are in the column request_id of a results file. After 4 hours the answer is always no, and says nothing.

    \b
    Example:
      payamak check-request -p sepahan ff688fd7f9e34e87bbc11222ec259abb
    """
    from smscore.cli.ask.answers import show_request

    return show_request(connection, request_id)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@connection_options
def upload(connection: Connection, file: Path) -> None:
    """Upload a file for Bale, and print its id for --file-id.

    \b
    Example:
      card=$(payamak upload -p najva card.png)
      payamak send -p najva --file-id "$card" --text 'سلام' customers.csv
    """
    from smscore.cli.ask.answers import show_upload

    show_upload(connection, file)
