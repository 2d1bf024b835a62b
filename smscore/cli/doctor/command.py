"""The command ``payamak doctor``."""

from __future__ import annotations

import click

from smscore.cli.options import Connection, connection_options


@click.command()
@click.option("--to", help="Your own mobile number: send up to three test messages to it, after confirmation.")
@click.option("--from", "sender", help="Your line.  [default: <NAME>_SENDER]")
@click.option("--yes", "-y", is_flag=True, help="Send the test messages without confirmation.")
@connection_options
def doctor(connection: Connection, to: str | None, sender: str | None, yes: bool) -> int:
    """Find out what keeps you from sending: host, certificate, token, IP, credit, line.

    Without --to nothing is sent. Inbound messages are looked at and not marked as read. With --to it also shows how the
    provider reads what its document leaves open, and prints what to set.

    Exit code 0 if no problem was found, 1 otherwise.

    \b
    Example:
      payamak doctor
      payamak doctor --to 09123456789
    """
    from smscore.cli.doctor.run import diagnose

    return diagnose(connection, sender, to, yes)
