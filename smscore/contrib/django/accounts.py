"""The clients behind the accounts of ``PAYAMAK``: made when first used, one for the process."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from django.core.signals import setting_changed

from smscore import registry
from smscore.blocking import BlockingClient
from smscore.client import AsyncClient
from smscore.contrib.django import conf, recording
from smscore.contrib.django.conf import Account
from smscore.errors import ConfigurationError
from smscore.failover import AsyncFailover, Failover

__all__ = ["async_client", "client", "new_async_client", "new_client"]

AnyBlocking: TypeAlias = BlockingClient[Any] | Failover
AnyAsync: TypeAlias = AsyncClient | AsyncFailover

# A client opens nothing until it is used, and may be used after a fork. Two threads may both make one: the first that
# is put here is the one that all use, so no lock is needed, which a fork could leave locked.
_clients: Final[dict[str, AnyBlocking]] = {}
_async_clients: Final[dict[str, AnyAsync]] = {}


def client(name: str) -> AnyBlocking:
    """The blocking client of an account. Raises ``ConfigurationError``."""
    return _clients.get(name) or _clients.setdefault(name, new_client(name))


def async_client(name: str) -> AnyAsync:
    """The async client of an account. Raises ``ConfigurationError``."""
    return _async_clients.get(name) or _async_clients.setdefault(name, new_async_client(name))


def new_client(name: str, call: recording.Call | None = None) -> AnyBlocking:
    """A new client of an account; what it sends for ``call`` is collected. Raises ``ConfigurationError``."""
    account = conf.account(name)
    if account.failover:
        failover: Failover = _built(Failover, account, [new_client(one, call) for one in account.failover])
        return failover
    made: BlockingClient[Any] = _built(registry.load(account.provider, "client"), account, (), is_test=call is not None)
    if call is not None:
        made._client = recording.recording(made._client, call)
    return made


def new_async_client(name: str, call: recording.Call | None = None) -> AnyAsync:
    """The same, async."""
    account = conf.account(name)
    if account.failover:
        failover: AsyncFailover = _built(
            AsyncFailover, account, [new_async_client(one, call) for one in account.failover]
        )
        return failover
    kind = registry.load(account.provider, "async_client")
    made: AsyncClient = _built(kind, account, (), is_test=call is not None)
    return made if call is None else recording.recording(made, call)


def _built(kind: Any, account: Account, members: Any, *, is_test: bool = False) -> Any:
    options = account.options
    if is_test:
        options = recording.test_options(options)
    elif not account.failover and recording.is_test_run() and not recording.is_collecting():
        options = _at_the_sandbox(account.provider, options)
    try:
        return kind(*members, **options)
    except (TypeError, ConfigurationError) as error:
        raise ConfigurationError(f"PAYAMAK['{account.name}']: {error}") from error


def _at_the_sandbox(provider: str, options: dict[str, Any]) -> dict[str, Any]:
    from smscore.contrib.django import testing

    return options if "base_url" in options else {**options, **testing.sandbox_options(provider)}


def _forget(*, setting: str, **_more: Any) -> None:
    """Drop the clients when a test overrides a setting: the next use makes new ones."""
    if not setting.startswith("PAYAMAK"):
        return
    _async_clients.clear()  # each closes its connections by itself when its event loop ends
    while _clients:
        _clients.popitem()[1].close()


setting_changed.connect(_forget, dispatch_uid="payamak.accounts")
