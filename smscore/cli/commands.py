"""The command ``payamak`` and its commands; the work of each is imported when it runs."""

from __future__ import annotations

from typing import Final

import click

from smscore.cli.ask.commands import cancel, check_request, credit, price, receive, status, upload
from smscore.cli.demo.command import demo
from smscore.cli.doctor.command import doctor
from smscore.cli.group import Commands
from smscore.cli.pattern import pattern
from smscore.cli.queue.commands import queue
from smscore.cli.sandbox import sandbox
from smscore.cli.send.commands import p2p, send

_SHELLS: Final = ("bash", "zsh", "fish")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="payamak", prog_name="payamak")
def payamak() -> None:
    """Send SMS to the recipients in a file, and try everything without sending any.

    Set PAYAMAK_PROVIDER to the name of your provider, or give it to each command with -p. Its token and line are read
    from <NAME>_TOKEN and <NAME>_SENDER.

    Exit codes: 0 all accepted, 1 some not accepted, 2 invalid usage or input, 3 refused by the provider, 4 no
    connection or no usable answer, 130 Ctrl-C.
    """


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of this command for your shell.

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


_COMMANDS: Final = (
    *(send, p2p, pattern, status, credit, price, cancel, receive, check_request, upload),
    *(doctor, queue, sandbox, demo, completion),
)
for _command in _COMMANDS:
    payamak.add_command(_command)
