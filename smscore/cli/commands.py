"""What the command line understands; the work is elsewhere, and is imported when it is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING

import click

from smscore.cli.group import Commands
from smscore.cli.send_commands import p2p, send

if TYPE_CHECKING:
    from smscore.sandbox import Sandbox

_PORT = 8025


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="payamak", prog_name="payamak")
def payamak() -> None:
    """Send SMS through Sepahan, IPPanel and Najva, and try it without sending any."""


for command in (send, p2p):
    payamak.add_command(command)


@payamak.command()
def demo() -> None:
    """Start a sandbox, send 26,250 messages to it through all three providers, and show what became of each.

    Nothing leaves this machine. The exit code is 0 only if every number adds up with what the sandbox received.
    """
    from smscore.cli.demo import run_demo
    from smscore.cli.display import Display

    adds_up = asyncio.run(run_demo(Display()))
    sys.exit(0 if adds_up else 1)


@payamak.command()
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
def sandbox(port: int) -> None:
    r"""Run the sandbox until Ctrl-C, and print where each provider's client finds it.

    \b
    Example:
      payamak sandbox --port 8025
      export SEPAHAN_BASE_URL=http://127.0.0.1:8025/sepahan
      export SEPAHAN_TOKEN=any SEPAHAN_SENDER=50003300
      python3 your_script.py
    """
    from smscore.sandbox import Sandbox

    try:
        asyncio.run(_serve(Sandbox(port)))
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be used: {error.strerror}. Try another --port.") from None


async def _serve(box: Sandbox) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers, and ends by KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    async with box:
        for provider in box.providers:
            click.echo(f"{provider.upper()}_BASE_URL={box.url(provider)}")
        click.echo(
            "Any token that is not empty is good, and any sender of the right form. Nothing is sent. Ctrl-C ends it."
        )
        await stopped.wait()
    click.echo(f"The sandbox took {len(box.messages)} messages.")
