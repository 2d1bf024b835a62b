"""The group of commands: every error is printed as words or JSON, and becomes an exit code."""

from __future__ import annotations

import io
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from smscore import registry
from smscore.cli.exit_codes import DEFECT, INTERRUPTED, OUTPUT_CLOSED, SIGNALLED, exit_code
from smscore.cli.output import Output, as_json, error_fields, error_words, tell, wrapped
from smscore.cli.signals import INTERRUPTED_WORDS, SIGNALS
from smscore.cli.streams import OutputClosed
from smscore.errors import SMSError

_EXTRA_ARGUMENTS: Final = "Too many arguments. Put a text that contains spaces in quotation marks."


_NO_LIMIT: Final = 1_000  # characters


class Subcommands(click.Group):
    """A group that lists each command with its whole summary."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, each with its whole summary, however narrow the terminal is."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, one.get_short_help_str(_NO_LIMIT)) for name, one in commands.items() if one and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class Commands(Subcommands):
    """A group whose commands return an exit code, or None for 0."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command and exit."""
        given = sys.argv[1:] if args is None else list(args)

        def run() -> object:
            return click.Group.main(self, given, prog_name, complete_var, standalone_mode=False, **extra)

        output = Output(json="--json" in given)
        with SIGNALS.handling(_interrupted(output)):
            try:
                code = _guarded(run, output, debug="--debug" in given)
            except KeyboardInterrupt:  # while an error was printed
                code = INTERRUPTED
        sys.exit(code)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the installed providers by name; none of them is imported for it."""
        with formatter.section("Providers"):
            formatter.write_text(", ".join(registry.names()))


def _guarded(run: Callable[[], object], output: Output, *, debug: bool) -> int:
    def note(message: Warning | str, *_: object, **__: object) -> None:
        output.note(f"WARNING: {message}")

    try:
        with warnings.catch_warnings():
            warnings.showwarning = note
            code = run()
    except KeyboardInterrupt:
        return _show(click.Abort(), output)
    except SystemExit as error:  # of click's completion
        return _as_int(error.code)
    except OutputClosed:
        return OUTPUT_CLOSED if SIGNALS.number is None else SIGNALLED + SIGNALS.number
    except Exception as error:
        if debug:
            tell(traceback.format_exc())
        return _show(error, output)
    return _as_int(code)


def _as_int(code: object) -> int:
    return code if isinstance(code, int) else 0


def _interrupted(output: Output) -> str:
    fields = error_fields(click.Abort(), INTERRUPTED_WORDS) | {"exit_code": INTERRUPTED}
    return as_json("error", fields) if output.json else INTERRUPTED_WORDS


def _show(error: Exception, output: Output) -> int:
    if isinstance(error, click.Abort):
        output.error(error_fields(error, INTERRUPTED_WORDS) | {"exit_code": INTERRUPTED}, INTERRUPTED_WORDS)
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        return _show_usage(error, output)
    if isinstance(error, SMSError):
        output.error(error_fields(error, str(error)), error_words(error))
    elif isinstance(error, OSError):
        text = f"{error.strerror or type(error).__name__}{_named(error)}."
        output.error(error_fields(error, text), f"Error: {text}")
    else:
        text = (
            f"Unexpected error: {type(error).__name__}. Please report it with the output of --debug, after removing "
            "numbers and texts from that. Resume a send only with --resume."
        )
        output.error(error_fields(error, text) | {"exit_code": DEFECT}, f"Error: {text}")
    return exit_code(error)


def _named(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""


def _show_usage(error: click.ClickException, output: Output) -> int:
    if isinstance(error, click.UsageError) and error.message.startswith("Got unexpected extra"):
        # click's own message quotes the argument, which may be a text or a number.
        error = click.UsageError(_EXTRA_ARGUMENTS, error.ctx)
    if output.json:
        output.error(error_fields(error, error.format_message()) | {"exit_code": error.exit_code}, "")
    else:
        shown = io.StringIO()
        error.show(shown)
        tell(wrapped(shown.getvalue().rstrip("\n"), sys.stderr))
    return error.exit_code
