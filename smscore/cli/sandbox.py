"""``payamak sandbox``: stands in for the providers on this machine until Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import logging
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import click
from anyio import CancelScope, sleep_forever

from smscore.cli import exit_codes
from smscore.cli.options import output_options
from smscore.cli.output import Output, counted, wrapped
from smscore.cli.signals import SIGNALS

if TYPE_CHECKING:
    from smscore.sandbox import Sandbox

_PORT = 8025


def _host(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value.strip() or not _is_encodable(value):
        raise click.BadParameter(
            "must be a host name or an IP address, e.g. 127.0.0.1, or 0.0.0.0 to let others in.", ctx, param
        )
    return value


def _is_encodable(host: str) -> bool:
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _allowed(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    from smscore.sandbox.callers import host_names

    try:
        host_names(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None
    return value


def _readings(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, dict[str, str]]:
    from smscore.sandbox import Sandbox

    found: dict[str, dict[str, str]] = {}
    for text in given:
        provider, _, rest = text.partition(":")
        name, _, value = rest.partition("=")
        found.setdefault(provider, {})[name] = value
    try:
        if found:
            Sandbox(strict=found)  # opens nothing
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None
    return found


@click.command()
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 for a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, callback=_host, help="Address to listen on.")
@click.option("--keep", type=click.IntRange(1), help="Maximum number of messages to keep.")
@click.option("--store", type=click.Path(path_type=Path), help="Keep the messages in this file between runs.")
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    callback=_allowed,
    help="Also accept requests to this host name, e.g. of a compose service. May be repeated.",
)
@click.option(
    "--strict",
    multiple=True,
    metavar="PROVIDER:NAME=VALUE",
    callback=_readings,
    help="Accept only this form where the provider's document is ambiguous. May be repeated.",
)
@output_options
def sandbox(
    output: Output,
    port: int,
    host: str,
    keep: int | None,
    store: Path | None,
    allow_hosts: tuple[str, ...],
    strict: dict[str, dict[str, str]],
) -> None:
    """Run the sandbox until Ctrl-C, and print its page and lines to paste into another shell.

    Those lines set the base URL, token and sender of each provider's client (<NAME>_BASE_URL and so on). The sandbox
    accepts requests to localhost, to IP addresses, and to the names given with --allow-host.

    \b
    Example:
      payamak sandbox --port 8025
      payamak sandbox --host 0.0.0.0 --allow-host sms-sandbox
    """
    from smscore.base_url import is_loopback
    from smscore.sandbox import StoreError

    if not is_loopback(host):
        output.note(
            f"WARNING: the sandbox listens on {host}. Everybody who can reach this machine can read its messages, with "
            "numbers and texts."
        )
    options = {"keep": keep, "store": store, "allow_hosts": allow_hosts or None, "strict": strict or None}
    try:
        with _logged(output):
            box = _sandbox(port, host, options)
            asyncio.run(_serve(box, allow_hosts, output, lambda error: _not_listening(error, host, port)))
    except StoreError as error:
        raise _Unusable(str(error)) from None


class _Unusable(click.ClickException):
    """An option is unusable."""

    exit_code = exit_codes.USAGE


def _not_listening(error: OSError, host: str, port: int) -> click.ClickException:
    if isinstance(error, socket.gaierror):
        return _Unusable(f"--host {host} cannot be resolved. Try 127.0.0.1.")
    if error.errno in (None, errno.EADDRNOTAVAIL):  # None where asyncio tried several addresses
        return _Unusable(f"--host {host} is not an address of this machine. Try 127.0.0.1.")
    return click.ClickException(f"Port {port} cannot be used: {error.strerror}. Try another --port.")


class _Notes(logging.Handler):
    """Prints log records as notes."""

    def __init__(self, output: Output) -> None:
        super().__init__(logging.WARNING)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        self._output.note(self.format(record))


@contextmanager
def _logged(output: Output) -> Generator[None]:
    """Print what the sandbox logs: no caller of ours meets its errors."""
    logger, notes = logging.getLogger("smscore"), _Notes(output)
    logger.addHandler(notes)
    try:
        yield
    finally:
        logger.removeHandler(notes)


def _sandbox(port: int, host: str, options: dict[str, Any]) -> Sandbox:
    from smscore.sandbox import Sandbox

    return Sandbox(port, host=host, **{name: value for name, value in options.items() if value is not None})


def exports(environment: Mapping[str, str]) -> list[str]:
    """Lines for a shell that point every client at the sandbox."""
    return [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]


async def _serve(box: Sandbox, names: Sequence[str], output: Output, named: Callable[[OSError], Exception]) -> None:
    serving, loop = CancelScope(), asyncio.get_running_loop()

    def stop(_: int) -> str | None:
        loop.call_soon_threadsafe(serving.cancel)
        return None if SIGNALS.count < 3 else SIGNALS.last_words

    with SIGNALS.listening(stop, signal.SIGINT, signal.SIGTERM):
        async with AsyncExitStack() as started:
            try:
                await started.enter_async_context(box)
            except OSError as error:
                raise named(error) from None
            _announce(box, names, output)
            with serving:
                await sleep_forever()
        count = len(box.messages)
        output.record("end", {"messages": count}, f"The sandbox held {counted(count, 'message')} when it stopped.")


def _announce(box: Sandbox, names: Sequence[str], output: Output) -> None:
    from smscore.account import variable

    urls = {variable(provider, "base_url"): box.url(provider) for provider in box.providers}
    page = urljoin(next(iter(urls.values())), "/")
    here = urlsplit(page)
    elsewhere = [
        f"Clients that reach this machine as {name}: use http://{name}:{here.port}, not {here.scheme}://{here.netloc}."
        for name in names
    ]
    lines = [*exports(box.environment), f"The page: {page}"]
    hint = "Any token that is not empty works, and any sender of the right form. No SMS is sent. Stop it with Ctrl-C."
    words = [*lines, wrapped(hint, sys.stdout), *elsewhere]
    fields = {"urls": urls, "page": page, "environment": box.environment}
    output.record_unwrapped("sandbox", fields, "\n".join(words))
