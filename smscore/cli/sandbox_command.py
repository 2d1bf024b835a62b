"""``payamak sandbox``: the providers on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smscore.cli.options import output_options
from smscore.cli.output import Output

if TYPE_CHECKING:
    from smscore.sandbox import Sandbox

_PORT = 8025


@click.command()
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen here; another host lets others in.")
@click.option("--keep", type=click.IntRange(1), help="How many messages it remembers at most.")
@click.option("--store", type=click.Path(path_type=Path), help="A file that keeps the messages from run to run.")
@output_options
def sandbox(output: Output, port: int, host: str, keep: int | None, store: Path | None) -> None:
    """Run the sandbox until Ctrl-C, and print where each provider's client finds it.

    \b
    Example:
      payamak sandbox --port 8025
      export SEPAHAN_BASE_URL=http://127.0.0.1:8025/sepahan
      export SEPAHAN_TOKEN=any SEPAHAN_SENDER=50003300
      python3 your_script.py
    """
    box = _sandbox(port, host, {"keep": keep, "store": store})
    if not _is_loopback(host):
        output.note(
            f"WARNING: the sandbox listens on {host}. Whoever reaches this machine can read every message in it, with "
            "its number and text."
        )
    try:
        asyncio.run(_serve(box, output))
    except OSError as error:
        raise click.ClickException(f"Port {port} cannot be used: {error.strerror}. Try another --port.") from None


def _sandbox(port: int, host: str, options: dict[str, Any]) -> Sandbox:
    from smscore.sandbox import Sandbox

    return Sandbox(port, host=host, **{name: value for name, value in options.items() if value is not None})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(box: Sandbox, output: Output) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers, and ends by KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    async with box:
        urls = {f"{provider.upper()}_BASE_URL": box.url(provider) for provider in box.providers}
        hint = "Any token that is not empty is good, and any sender of the right form. Nothing is sent. Ctrl-C ends it."
        output.record("sandbox", {"urls": urls}, "\n".join([*(f"{name}={url}" for name, url in urls.items()), hint]))
        await stopped.wait()
    count = len(box.messages)
    output.record("end", {"messages": count}, f"The sandbox took {count} messages.")
