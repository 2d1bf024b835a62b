"""The group of commands; the work of each is elsewhere, and is imported when it is asked for."""

from __future__ import annotations

from typing import Final

import click

from smscore.cli.ask.commands import cancel, check_request, credit, price, receive, status, upload
from smscore.cli.group import Commands
from smscore.cli.options import output_options
from smscore.cli.output import Output
from smscore.cli.sandbox import sandbox
from smscore.cli.send.commands import p2p, send
from smscore.cli.signals import run_to_the_end

_SHELLS: Final = ("bash", "zsh", "fish")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="payamak", prog_name="payamak")
def payamak() -> None:
    """Send SMS through Sepahan, IPPanel and Najva, and try it without sending any.

    Tokens are read from SEPAHAN_TOKEN, IPPANEL_TOKEN and NAJVA_TOKEN. Exit codes: 0 all accepted, 1 some not,
    2 wrong use or input, 3 refused by the provider, 4 no connection or no usable answer, 130 Ctrl-C.
    """


@click.command()
@output_options
def demo(output: Output) -> int:
    """Start a sandbox, send 26,253 messages to it through all three providers, and show what became of each.

    Nothing leaves this machine. The exit code is 0 only if every number adds up with what the sandbox received.

    \b
    Example:
      payamak demo
    """
    from smscore.cli.demo.display import Display, Records
    from smscore.cli.demo.run import run_demo

    adds_up = run_to_the_end(run_demo(Records(output) if output.json else Display()))
    return 0 if adds_up else 1


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the script that completes this command in your shell.

    \b
    Example:
      payamak completion bash >> ~/.bashrc
      payamak completion zsh >> ~/.zshrc
      payamak completion fish > ~/.config/fish/completions/payamak.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click has no completion for {shell}.")
    click.echo(kind(payamak, {}, "payamak", "_PAYAMAK_COMPLETE").source())


for _command in (send, p2p, status, credit, price, cancel, receive, check_request, upload, sandbox, demo, completion):
    payamak.add_command(_command)
