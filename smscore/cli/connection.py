"""The providers that are installed, and what their clients can do, found by their names alone."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from smscore import registry
from smscore.cli.credentials import token_of
from smscore.cli.options import Connection
from smscore.cli.signals import run_to_the_end
from smscore.errors import InvalidRequest

R = TypeVar("R")


def client_class(provider: str) -> Any:
    """The async client of a provider."""
    return registry.load(provider, "async_client")


def connect(connection: Connection, **settings: Any) -> Any:
    """A client for this connection; what is not given is read from the environment."""
    given = {name: value for name, value in settings.items() if value is not None}
    token = token_of(connection.provider, connection.token_file)
    return client_class(connection.provider)(token, base_url=connection.base_url, proxy=connection.proxy, **given)


def call_of(client: Any, *names: str) -> Any:
    """The first of these calls that the client has; ``InvalidRequest`` where it has none."""
    for name in names:
        if hasattr(client, name):
            return getattr(client, name)
    provider = client.provider.name
    clients = registry.load_all("async_client")
    able = [other for other, kind in clients.items() if any(hasattr(kind, name) for name in names)]
    raise InvalidRequest(
        f"{provider} has no call {names[0]}." + (f" These have: {', '.join(able)}." if able else ""),
        provider=provider,
    )


def ask(connection: Connection, names: Sequence[str], use: Callable[[Any], Awaitable[R]]) -> R:
    """What ``use`` makes of the first of these calls that the provider's client has."""
    client = connect(connection)
    call = call_of(client, *names)

    async def run() -> R:
        async with client:
            return await use(call)

    return run_to_the_end(run())


def accepted_options(call: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given; ``InvalidRequest`` for one that this provider's call does not take."""
    given = {name: value for name, value in options.items() if value is not None}
    unknown = [name for name in given if name not in inspect.signature(call).parameters]
    if unknown:
        flags = " and ".join("--" + name.replace("_", "-") for name in unknown)
        raise InvalidRequest(f"This provider's {call.__name__.removesuffix('_stream')} takes no {flags}.")
    return given
