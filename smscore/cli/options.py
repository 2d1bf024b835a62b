"""The options that commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from attrs import field, frozen
from click.shell_completion import CompletionItem

from smscore import registry
from smscore.cli.output import Output

R = TypeVar("R")


@frozen
class Connection:
    """Where a command's client connects to, as whom, and how its results are printed."""

    provider: str
    token_file: str | None
    base_url: str | None
    proxy: str | None = field(repr=False)
    """Its URL, which may contain a user and a password."""
    output: Output


def _provider(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    if value.lower() not in registry.names():
        raise click.BadParameter(f"unknown provider. The installed ones: {', '.join(registry.names())}.", ctx, param)
    return value.lower()


def _complete_provider(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in registry.names() if name.startswith(incomplete)]


class _ProviderOption(click.Option):
    """An option whose help lists the installed providers by name; none of them is imported for it."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        self.help = f"The provider, one of: {', '.join(registry.names())}."
        return super().get_help_record(ctx)


def _refuse_token(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        from smscore.account import variable

        names = " or ".join(variable(name, "token") for name in registry.names())
        raise click.UsageError(
            "There is no option --token: ps would show it to everybody on this machine, and the shell would keep it in "
            f"its history. Set {names}, or put the token in a file and give --token-file.",
            ctx,
        )


def _provider_option(*, required: bool) -> Callable[[Callable[..., R]], Callable[..., R]]:
    return click.option(
        "--provider",
        "-p",
        cls=_ProviderOption,
        callback=_provider,
        shell_complete=_complete_provider,
        metavar="NAME",
        envvar="PAYAMAK_PROVIDER",
        required=required,
        show_envvar=True,
    )


_CONNECTION_OPTIONS: Final = (
    click.option("--token-file", type=click.Path(), help="A file that contains the token.  [default: <NAME>_TOKEN]"),
    click.option(
        "--base-url", help="Base URL of the provider's API.  [default: <NAME>_BASE_URL, or the provider's own]"
    ),
    click.option(
        "--proxy",
        metavar="URL",
        envvar="PAYAMAK_PROXY",
        show_envvar=True,
        help="HTTP proxy, e.g. http://proxy.example.ir:3128. HTTP_PROXY and the like are ignored.",
    ),
    click.option(
        "--token", hidden=True, is_eager=True, expose_value=False, is_flag=False, flag_value="", callback=_refuse_token
    ),
)
_OUTPUT_OPTIONS: Final = (
    click.option("--json", is_flag=True, help="Print JSON, one object per line."),
    click.option("--debug", is_flag=True, help="Show the traceback of an error."),
)


def output_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add ``--json`` and ``--debug``, and pass the command an ``Output``. The group shows the tracebacks."""

    @wraps(command)
    def run(*, json: bool, debug: bool, **rest: Any) -> R:
        return command(Output(json=json), **rest)

    return with_options(_OUTPUT_OPTIONS, run)


def connection_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options for the provider and for the output, and pass the command a ``Connection``."""
    return _with_connection(command, provider_required=True)


def connection_options_or_results(command: Callable[..., R]) -> Callable[..., R]:
    """The same for a command that a results file may name the provider of; without either it is an empty name."""
    return _with_connection(command, provider_required=False)


def _with_connection(command: Callable[..., R], *, provider_required: bool) -> Callable[..., R]:
    @wraps(command)
    def run(
        *,
        provider: str | None,
        token_file: str | None,
        base_url: str | None,
        proxy: str | None,
        json: bool,
        debug: bool,
        **rest: Any,
    ) -> R:
        return command(Connection(provider or "", token_file, base_url, proxy or None, Output(json=json)), **rest)

    options = (_provider_option(required=provider_required), *_CONNECTION_OPTIONS, *_OUTPUT_OPTIONS)
    return with_options(options, run)


def one_text(flag: str, value: str | None, file_flag: str, path: str | None) -> str:
    """The text that was given, or that of the file; ``UsageError`` unless exactly one of them was given."""
    if (value is None) == (path is None):
        raise click.UsageError(f"Give either {flag} or {file_flag}.")
    return _read_text(Path(path)) if path is not None else value or ""


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.UsageError("The text file is not UTF-8. Save it as UTF-8.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in its name
        raise click.UsageError(f"The text file cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def with_options(options: Sequence[Callable[[Any], Any]], command: Callable[..., R]) -> Callable[..., R]:
    """The command with these options, in the order in which help shows them."""
    for option in reversed(options):
        command = option(command)
    return command
