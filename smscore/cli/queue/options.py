"""The options that the commands of a queue share, and the forms of their values."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import click
from attrs import field, frozen

from smscore import registry
from smscore.cli.options import output_options, with_options
from smscore.cli.output import Output

if TYPE_CHECKING:
    from smscore.queue.windows import Window

R = TypeVar("R")

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_DURATION: Final = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)


@frozen
class AccountOption:
    """An account of the queue: a name of the user's, and the provider that it sends through."""

    name: str
    provider: str


@frozen
class QueueConnection:
    """The database of a queue, its accounts, and how results are printed."""

    database: str = field(repr=False)  # it may hold a password
    schema: str | None
    output: Output
    accounts: Sequence[AccountOption] = ()


def parsed(parse: Callable[[str], object]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """The callback of an option whose value is parsed so; a ``ValueError`` says in words what is wrong."""

    def callback(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        try:
            if isinstance(value, tuple):
                return tuple(map(parse, cast("tuple[str, ...]", value)))
            return None if value is None else parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return callback


def duration(text: str) -> dt.timedelta:
    """A time span such as ``90d``, ``12h``, ``30m`` or ``45s``."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("it must be a number and a unit (s, m, h, d or w), e.g. 90d or 12h.")
    try:
        return dt.timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        raise ValueError("it is too long.") from None


def seconds(text: str) -> float:
    """A time span of at least a second, in seconds."""
    return max(1.0, duration(text).total_seconds())


def moment(text: str) -> float | dt.datetime:
    """A time span from now in seconds, or a date and time with an offset; as ``enqueue`` takes it."""
    if _DURATION.fullmatch(text):
        return duration(text).total_seconds()
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        found = dt.datetime.min
    if found.tzinfo is None:
        raise ValueError(
            "it must be a time from now, e.g. 12h, or a date and a time with an offset from UTC, e.g. "
            "2026-03-21T09:30+03:30."
        )
    return found


def window(text: str) -> Window:
    """Hours of the day in Tehran, such as ``08:00-22:00``."""
    from smscore.queue.windows import Window

    try:
        start, end = map(dt.time.fromisoformat, text.split("-"))
    except ValueError:
        raise ValueError("it must be two times of the day, e.g. 08:00-22:00.") from None
    return Window(start, end)


def account(text: str) -> AccountOption:
    """An account as ``name=provider``, or a provider's name alone."""
    name, separator, provider = text.partition("=")
    found = AccountOption(name.strip(), (provider or name).strip().lower())
    if not _NAME.fullmatch(found.name):
        raise ValueError("it must be NAME=PROVIDER; a name has A-Z a-z 0-9 . _ - alone.")
    if not separator and found.provider not in registry.names():
        raise ValueError(f"it must be NAME=PROVIDER, with one of these providers: {', '.join(registry.names())}.")
    if found.provider not in registry.names():
        raise ValueError(f"unknown provider. The installed ones: {', '.join(registry.names())}.")
    return found


_DATABASE_OPTIONS: Final = (
    click.option(
        "--db",
        metavar="URL",
        envvar="PAYAMAK_DB",
        required=True,
        show_envvar=True,
        help="The queue's database: sqlite:///sms.db or postgresql://user@host/name.",
    ),
    click.option("--schema", help="The schema of its tables in PostgreSQL."),
)


def queue_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options for the database and for the output, and pass the command a ``QueueConnection``."""

    def run(output: Output, db: str, schema: str | None, **rest: Any) -> R:
        return command(QueueConnection(db, schema, output), **rest)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return with_options(_DATABASE_OPTIONS, output_options(run))


ACCOUNT_HELP: Final = (
    "A name of yours and a provider; its token is read from NAME_TOKEN, or else PROVIDER_TOKEN. May be repeated."
)
