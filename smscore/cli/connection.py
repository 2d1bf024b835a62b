"""A provider's client for a command: its token, and the calls and options that it has."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from smscore import registry
from smscore.account import cleaned_token, from_environment, variable
from smscore.base_url import checked_base_url
from smscore.cli.options import Connection
from smscore.cli.signals import run_to_the_end
from smscore.config import checked_proxy
from smscore.errors import ConfigurationError, InvalidRequest
from smscore.profile import Capability, Profile

R = TypeVar("R")

_MAX_TOKEN: Final = 4096  # characters


def client_class(provider: str) -> Any:
    """The async client of a provider."""
    return registry.load(provider, "async_client")


def connect(connection: Connection, **settings: Any) -> Any:
    """A client for this connection; omitted settings are read from the environment."""
    given = {name: value for name, value in settings.items() if value is not None}
    token = token_of(connection.provider, connection.token_file)
    _check_urls(connection)
    return client_class(connection.provider)(token, base_url=connection.base_url, proxy=connection.proxy, **given)


def _check_urls(connection: Connection) -> None:
    """Raise ``ConfigurationError`` for an invalid URL, under the name of its option."""
    checked_proxy(connection.proxy, "--proxy (PAYAMAK_PROXY)")
    if connection.base_url is not None:
        checked_base_url(connection.base_url, connection.provider, "--base-url")


def token_of(provider: str, token_file: str | None) -> str:
    """The token in this file, or in the provider's environment variable.

    Raises ``ConfigurationError`` where there is none, or the file does not contain one token.
    """
    # Never an argument: ps shows those to everybody on the machine.
    if token_file is not None:
        return _read_token(token_file)
    token = from_environment(provider, "token")
    if token is None:
        raise ConfigurationError(
            f"Missing token. Set {variable(provider, 'token')}, or put the token in a file and give --token-file.",
            provider=provider,
        )
    return token


def _read_token(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            token = cleaned_token(file.read(_MAX_TOKEN))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(f"The token file cannot be read: {why}.") from None
    if not token or len(token.split()) > 1:
        raise ConfigurationError("The token file must contain one token and nothing else.")
    return token


def check_can(client: Any, capability: Capability, call: str) -> None:
    """Raise ``InvalidRequest`` unless the client's provider declares the capability that this call is of."""
    if capability not in client.profile.capabilities:
        raise _no_call(client, call, lambda profile: capability in profile.capabilities)


def call_of(client: Any, *names: str) -> Any:
    """The first of these calls that the client's provider declares; ``InvalidRequest`` where there is none."""
    for name in names:
        if name in client.profile.own_calls:
            return getattr(client, name)
    raise _no_call(client, names[0], lambda profile: not profile.own_calls.isdisjoint(names))


def _no_call(client: Any, call: str, is_able: Callable[[Profile], bool]) -> InvalidRequest:
    provider = client.profile.name
    able = [name for name, profile in registry.profiles().items() if is_able(profile)]
    return InvalidRequest(
        f"{provider} has no call {call}." + (f" These have: {', '.join(able)}." if able else ""), provider=provider
    )


def ask(connection: Connection, names: Sequence[str], use: Callable[[Any], Awaitable[R]]) -> R:
    """What ``use`` makes of the first of these calls that the provider's client has."""
    client = connect(connection)
    call = call_of(client, *names)
    return _run(client, lambda: use(call))


def ask_for(connection: Connection, capability: Capability, call: str, use: Callable[[Any], Awaitable[R]]) -> R:
    """What ``use`` makes of a client of a provider that has this capability, which the call is of."""
    client = connect(connection)
    check_can(client, capability, call)
    return _run(client, lambda: use(client))


def _run(client: Any, use: Callable[[], Awaitable[R]]) -> R:
    async def run() -> R:
        async with client:
            return await use()

    return run_to_the_end(run())


def accepted_options(call: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given; ``InvalidRequest`` for one that this provider's call does not take."""
    given = {name: value for name, value in options.items() if value is not None}
    unknown = [name for name in given if name not in inspect.signature(call).parameters]
    if unknown:
        flags = " and ".join("--" + name.replace("_", "-") for name in unknown)
        raise InvalidRequest(f"This provider's {call.__name__.removesuffix('_stream')} takes no {flags}.")
    return given
