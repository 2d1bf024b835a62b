"""The commands that send nothing: statuses, credit, inbound messages, a request id, an upload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from smscore.cli.options import Connection, connection_options, connection_options_or_results, one_text


@click.command()
@click.argument("message_ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--results", type=click.Path(path_type=Path), help="Show every row of this results file, and a count per status."
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the statuses to this new file, .csv or .jsonl.")
@click.option("--old", is_flag=True, help="Ask for messages of past weeks, if the provider keeps those apart.")
@connection_options_or_results
def status(connection: Connection, message_ids: tuple[str, ...], **wanted: Any) -> None:
    """Show the delivery statuses of messages, by their ids.

    ID - reads ids from standard input, one per line. The id of a bulk message shows each of its recipients. A results
    file names its provider.

    \b
    Example:
      payamak status 123456789 123456790
      payamak status --results results.csv
      payamak status --results results.csv --out statuses.csv
    """
    from smscore.cli.ask.statuses import show_statuses

    show_statuses(connection, message_ids, **wanted)


@click.command()
@connection_options
def credit(connection: Connection) -> None:
    """Show the remaining credit, in Rials.

    \b
    Example:
      payamak credit
    """
    from smscore.cli.ask.answers import show_credit

    show_credit(connection)


@click.command()
@click.option("--number", help="Only messages sent to this line of yours.")
@click.option(
    "--since", help="Only messages from this date on, e.g. 2026-03-21 or 1405/01/01.  [default: the past 24 hours]"
)
@click.option("--limit", type=click.IntRange(1), help="Maximum number of messages.  [default: 100]")
@click.option("--peek", is_flag=True, help="Leave the messages unread, so that they are returned again.")
@click.option("--after-id", type=int, help="Only messages after this id, e.g. the last one that you have.")
@connection_options
def receive(connection: Connection, **wanted: Any) -> None:
    """Show the messages that people sent to your lines.

    A provider takes --peek if it returns each message only once: what is printed without it is not returned again. A
    provider takes --after-id if it keeps all messages.

    \b
    Example:
      payamak receive --json >> inbound.jsonl
      payamak receive --number 50003300 --since 1405/01/01 --peek
      payamak receive --after-id 21504 --json
    """
    from smscore.cli.ask.answers import show_received

    show_received(connection, **wanted)


@click.command()
@click.option("--text", help="The text to price.")
@click.option("--text-file", type=click.Path(), help="A UTF-8 file with the text.")
@click.option("--from", "sender", help="Your line.  [default: <NAME>_SENDER]")
@connection_options
def price(connection: Connection, text: str | None, text_file: str | None, sender: str | None) -> None:
    """Show what a text costs, in Rials, and how many parts it has.

    \b
    Example:
      payamak price --text 'سلام'
      payamak price --text-file t.txt
    """
    from smscore.cli.ask.answers import show_price

    show_price(connection, one_text("--text", text, "--text-file", text_file), sender)


@click.command()
@click.argument("message_id", type=int)
@connection_options
def cancel(connection: Connection, message_id: int) -> None:
    """Cancel a scheduled bulk message.

    \b
    Example:
      payamak cancel 1123544244
    """
    from smscore.cli.ask.answers import cancel_message

    cancel_message(connection, message_id)


@click.command("check-request")
@click.argument("request_id")
@connection_options
def check_request(connection: Connection, request_id: str) -> int:
    """Check whether a request with this id arrived in the past 4 hours; exit with 0 if it did, 1 if not.

    A results file has the ids in its column request_id. After 4 hours the answer is always no, which proves nothing.

    \b
    Example:
      payamak check-request ff688fd7f9e34e87bbc11222ec259abb
    """
    from smscore.cli.ask.answers import show_request

    return show_request(connection, request_id)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@connection_options
def upload(connection: Connection, file: Path) -> None:
    """Upload a file to attach to messages, and print its id for `payamak send --file-id`.

    \b
    Example:
      card=$(payamak upload card.png)
      payamak send --file-id "$card" --text 'سلام' customers.csv
    """
    from smscore.cli.ask.answers import show_upload

    show_upload(connection, file)
