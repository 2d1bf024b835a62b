"""The commands of ``payamak queue``; the work of each is imported when it runs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

import click

from smscore.cli.group import Subcommands
from smscore.cli.options import one_text
from smscore.cli.queue.options import (
    ACCOUNT_HELP,
    AccountOption,
    QueueConnection,
    account,
    duration,
    moment,
    parsed,
    queue_options,
    seconds,
    window,
)

_STATES: Final = ("loading", "queued", "running", "paused", "done", "cancelled")
_OUTCOMES: Final = ("accepted", "rejected", "not_sent", "unknown")


@click.group(cls=Subcommands)
def queue() -> None:
    """Queue sends in a database, for workers that may be killed at any moment.

    One database, an SQLite file or PostgreSQL, records every recipient's outcome; any number of workers on any
    number of machines send from it. No message is sent twice. KEY is a campaign's key, or its id as '#17'.

    \b
    Example:
      payamak queue add nowruz c.xlsx --account shop=NAME --text-file t.txt
      payamak queue work --account shop=NAME
      payamak queue show nowruz
    """


@queue.command()
@click.argument("key")
@click.argument("recipients", type=click.Path(allow_dash=True))
@click.option(
    "--account", callback=parsed(account), required=True, metavar="NAME=PROVIDER", help="The sending account."
)
@click.option("--text", help="The text for all.")
@click.option("--text-file", type=click.Path(), help="A UTF-8 file with the text.")
@click.option("--template", help="A text with column names in braces: 'سلام {name}'.")
@click.option("--template-file", type=click.Path(), help="A UTF-8 file with the template.")
@click.option("--from", "sender", help="Your line.  [default: the account's]")
@click.option("--column", help="The column of the numbers: its name, or its position counted from 1.")
@click.option("--sheet", help="The sheet of a spreadsheet.  [default: the first visible one]")
@click.option("--hidden-too", is_flag=True, help="Read hidden rows and columns of a spreadsheet too.")
@click.option("--encoding", help="The encoding of a text file, e.g. windows-1256.  [default: detected]")
@click.option("--skip-bad", is_flag=True, help="Skip invalid rows and send to the others.")
@click.option(
    "--not-before", metavar="TIME", callback=parsed(moment), help="Start then: 12h from now, or 2026-03-21T09:30+03:30."
)
@click.option(
    "--expires", metavar="TIME", callback=parsed(moment), help="Start no batch after this time, e.g. 24h from now."
)
@click.option(
    "--window", callback=parsed(window), help="Start batches only in these hours, Tehran time, e.g. 08:00-22:00."
)
@click.option("--priority", type=int, default=0, help="Campaigns with a higher priority go first.  [default: 0]")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before adding more than 100 messages.")
@queue_options
def add(
    connection: QueueConnection,
    account: AccountOption,
    text: str | None,
    text_file: str | None,
    template: str | None,
    template_file: str | None,
    sheet: str | None,
    encoding: str | None,
    hidden_too: bool,
    **given: Any,
) -> None:
    """Add a campaign: a text, or a template, to the recipients in a file.

    RECIPIENTS is read as by `payamak send`. KEY is a name of yours: adding the same campaign again under its key adds
    nothing.

    \b
    Example:
      payamak queue add nowruz c.xlsx --account shop=NAME --text-file t.txt
    """
    from attrs import evolve

    from smscore.cli.queue.add import Addition, add
    from smscore.recipients.file import ReadOptions
    from smscore.recipients.template import parse_template

    words, filled = _text_or_template(text, text_file, template, template_file)
    add(
        evolve(connection, accounts=(account,)),
        Addition(
            read=ReadOptions(sheet, encoding, hidden_too),
            text=words,
            template=None if filled is None else parse_template(filled),
            **given,
        ),
    )


def _text_or_template(
    text: str | None, text_file: str | None, template: str | None, template_file: str | None
) -> tuple[str | None, str | None]:
    if (text is None and text_file is None) == (template is None and template_file is None):
        raise click.UsageError("Give either --text or --text-file, or --template or --template-file.")
    if text is None and text_file is None:
        return None, one_text("--template", template, "--template-file", template_file)
    return one_text("--text", text, "--text-file", text_file), None


@queue.command()
@click.option(
    "--account",
    "accounts",
    callback=parsed(account),
    multiple=True,
    required=True,
    metavar="NAME=PROVIDER",
    help=ACCOUNT_HELP,
)
@click.option("--slots", type=click.IntRange(1), default=8, help="Batches in progress at a time.  [default: 8]")
@click.option("--health", type=click.Path(path_type=Path), help="Touch this file every 5 seconds while it is healthy.")
@click.option("--track", callback=parsed(seconds), help="Ask for delivery statuses this often, e.g. 5m.")
@click.option("--receive", callback=parsed(seconds), help="Fetch inbound messages this often, e.g. 1m.")
@queue_options
def work(
    connection: QueueConnection,
    accounts: tuple[AccountOption, ...],
    slots: int,
    health: Path | None,
    track: float | None,
    receive: float | None,
) -> int:
    """Send from the queue, until Ctrl-C, SIGTERM or the terminal is closed.

    Batches in progress finish first; a second Ctrl-C abandons them. Campaigns of other accounts are not touched.

    \b
    Example:
      payamak queue work --account shop=NAME
    """
    from attrs import evolve

    from smscore.cli.queue.work import Duties, work

    duties = Duties(slots, health, track, receive)
    return work(evolve(connection, accounts=accounts), duties)


@queue.command()
@click.argument("key")
@click.option("--once", is_flag=True, help="Print it once, even on a terminal.")
@queue_options
def show(connection: QueueConnection, key: str, once: bool) -> None:
    """Show a campaign's progress; on a terminal live, with its rate and the time left.

    \b
    Example:
      payamak queue show nowruz-1406
    """
    from smscore.cli.queue.show import show

    show(connection, key, once=once)


@queue.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only campaigns in this state.")
@queue_options
def list_(connection: QueueConnection, state: str | None) -> None:
    """List the campaigns, oldest first.

    \b
    Example:
      payamak queue list --state paused
    """
    from smscore.cli.queue.control import list_campaigns

    list_campaigns(connection, state)


@queue.command()
@click.argument("key")
@click.option("--reason", default="paused manually", help="The reason, shown by `show` and `list`.")
@queue_options
def pause(connection: QueueConnection, key: str, reason: str) -> int:
    """Pause a campaign: no further batch starts until it is resumed."""
    from smscore.cli.queue.control import change_campaign

    return change_campaign(connection, key, lambda queue, campaign: queue.pause(campaign, reason))


@queue.command()
@click.argument("key")
@queue_options
def resume(connection: QueueConnection, key: str) -> int:
    """Continue a paused campaign."""
    from smscore.cli.queue.control import change_campaign

    return change_campaign(connection, key, lambda queue, campaign: queue.resume(campaign))


@queue.command()
@click.argument("key")
@queue_options
def cancel(connection: QueueConnection, key: str) -> int:
    """Cancel a campaign: batches that have not started are never sent."""
    from smscore.cli.queue.control import change_campaign

    return change_campaign(connection, key, lambda queue, campaign: queue.cancel(campaign), is_cancel=True)


@queue.command()
@click.argument("account")
@click.option(
    "--until", callback=parsed(moment), help="12h from now, or 2026-03-21T09:30+03:30.  [default: until released]"
)
@click.option("--reason", default="held manually", help="The reason, shown by `show`.")
@queue_options
def hold(connection: QueueConnection, account: str, until: Any, reason: str) -> None:
    """Hold an account: none of its batches starts until it is released."""
    from smscore.cli.queue.control import change_account

    change_account(connection, lambda queue: queue.hold(account, until, reason))


@queue.command()
@click.argument("account")
@queue_options
def release(connection: QueueConnection, account: str) -> None:
    """Release an account, so that it sends again."""
    from smscore.cli.queue.control import change_account

    change_account(connection, lambda queue: queue.release(account))


@queue.command()
@click.argument("recipients", type=click.Path(allow_dash=True))
@click.option("--column", help="The column of the numbers: its name, or its position counted from 1.")
@click.option("--undo", is_flag=True, help="Remove these numbers from the list.")
@queue_options
def suppress(connection: QueueConnection, recipients: str, column: str | None, undo: bool) -> None:
    """Add the numbers in a file to the suppression list: no campaign sends to them.

    RECIPIENTS is read as by `payamak send`; - is standard input.

    \b
    Example:
      echo 09123456789 | payamak queue suppress -
    """
    from smscore.cli.queue.control import suppress
    from smscore.recipients.file import ReadOptions

    suppress(connection, recipients, ReadOptions(), column, undo=undo)


@queue.command()
@click.argument("account")
@click.option("--after", type=int, help="Only messages after this id, e.g. the last one that you have.")
@queue_options
def inbound(connection: QueueConnection, account: str, after: int | None) -> None:
    """Print the messages that `work --receive` has stored for an account.

    \b
    Example:
      payamak queue inbound shop --json
    """
    from smscore.cli.queue.control import show_inbound

    show_inbound(connection, account, after)


@queue.command()
@click.argument("key")
@click.option(
    "--out", type=click.Path(path_type=Path), help="A new file, .csv, .jsonl or .xlsx.  [default: CSV printed]"
)
@click.option("--outcome", type=click.Choice(_OUTCOMES), help="Only recipients with this outcome.")
@queue_options
def export(connection: QueueConnection, key: str, out: Path | None, outcome: str | None) -> None:
    """Write the results of a campaign, one row per recipient that has one.

    \b
    Example:
      payamak queue export nowruz-1406 --out results.xlsx
    """
    from smscore.cli.queue.export import export

    export(connection, key, out, outcome)


@queue.command()
@click.option(
    "--older-than", callback=parsed(duration), required=True, help="The age of the ended campaigns to prune, e.g. 90d."
)
@queue_options
def prune(connection: QueueConnection, older_than: dt.timedelta) -> None:
    """Remove the numbers and texts of old campaigns; their counts and keys stay.

    \b
    Example:
      payamak queue prune --older-than 90d
    """
    from smscore.cli.queue.control import prune

    prune(connection, older_than)
