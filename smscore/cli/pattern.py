"""``payamak pattern``: one message by a pattern that the provider has approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from smscore.cli.options import Connection, connection_options
from smscore.profile import Capability

_PAIRS: Final = "Give the pattern's values as NAME=VALUE, each name once, e.g. code=04521."


@click.command()
@click.argument("recipient", metavar="TO")
@click.argument("code", metavar="PATTERN")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--from", "sender", help="Your line.  [default: <NAME>_SENDER]")
@connection_options
def pattern(connection: Connection, recipient: str, code: str, values: tuple[str, ...], sender: str | None) -> None:
    """Send one message by an approved pattern, such as a one-time code.

    PATTERN is the code or the name that the pattern has in the provider's panel.

    \b
    Example:
      payamak pattern 09123456789 login code=04521
    """
    _send(connection, recipient, code, _pairs(values), sender)


def _pairs(values: Sequence[str]) -> Mapping[str, str]:
    pairs = [value.partition("=") for value in values]
    found = {name: value for name, sign, value in pairs if name and sign}
    if len(found) < len(values):
        raise click.UsageError(_PAIRS)
    return found


def _send(connection: Connection, to: str, code: str, values: Mapping[str, str], sender: str | None) -> None:
    from smscore.cli.connection import ask_for

    async def use(client: Any) -> Any:
        return await client.send_pattern(to, code, values, sender=sender)

    (result,) = ask_for(connection, Capability.SENDS_PATTERNS, "send_pattern", use)
    fields = {
        "recipient": result.recipient,
        "outcome": result.outcome.value,
        "message_id": result.message_id,
        "request_id": result.request_id,
        "provider": result.provider,
    }
    connection.output.record_once("result", fields, f"{result.outcome.value}  {result.message_id}")
