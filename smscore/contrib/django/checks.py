"""``manage.py check``: what is wrong with the settings of Payamak, with an id and a hint for each."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from smscore import registry
from smscore.contrib.django import accounts, conf, recording
from smscore.contrib.django.database import DjangoDatabase
from smscore.errors import ConfigurationError
from smscore.profile import Capability
from smscore.queue import schema

__all__ = ["check_database", "check_deployment", "check_settings", "check_tables"]

_SECRET_LENGTH: Final = 16  # characters
_SQLITE: Final = (
    '"OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE", "timeout": 20}'
)


_VENDORS: Final = {"mysql": "MySQL or MariaDB", "oracle": "Oracle"}


def _error(number: int, text: str, hint: str) -> CheckMessage:
    return Error(text, hint=hint, id=f"payamak.E{number:03}")


def _warning(number: int, text: str, hint: str) -> CheckMessage:
    return checks.Warning(text, hint=hint, id=f"payamak.W{number:03}")


@register(Tags.security)
def check_settings(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """What is wrong with ``PAYAMAK`` and the settings beside it."""
    found = [_error(problem.number, problem.text, problem.hint) for problem in conf.problems()]
    return [*found, *_clients(), *_without_effect(), *_secret(), *_backend()]


def _usable() -> Iterator[conf.Account]:
    every = conf.accounts()
    return (one for one in every.values() if not [*one.problems({name: one.given for name, one in every.items()})])


def _clients() -> Iterator[CheckMessage]:
    for one in _usable():
        try:
            client = accounts.new_client(one.name)
        except ConfigurationError as error:
            yield _error(5, str(error), "Correct its OPTIONS: they are the arguments of the client.")
            continue
        if one.failover:
            continue
        try:
            client.check()
        except ConfigurationError as error:
            yield _warning(1, f"PAYAMAK['{one.name}'] cannot send: {error}", "Set its TOKEN, from the environment.")


_NEEDS: Final = {"LOW_CREDIT": Capability.TELLS_CREDIT, "OPT_OUT": Capability.RECEIVES_MESSAGES}


def _without_effect() -> Iterator[CheckMessage]:
    """What an account asks for, and its provider has no call for."""
    for one in _usable():
        able: set[Capability] = set()
        for name in one.failover or [one.name]:
            able |= registry.profile(conf.account(name).provider).capabilities
        for key, needed in _NEEDS.items():
            if one.given.get(key) and needed not in able:
                text = f"PAYAMAK['{one.name}']['{key}'] has no effect: its provider has no call for that."
                yield _warning(6, text, f"Remove {key}, or give it to an account whose provider has one.")


def _secret() -> Iterator[CheckMessage]:
    secret = conf.setting("PAYAMAK_WEBHOOK_SECRET")
    if secret is not None and (not isinstance(secret, str) or not secret or "/" in secret):
        yield _error(
            8,
            "PAYAMAK_WEBHOOK_SECRET must be a str without a slash: it is a part of the webhook's path.",
            'Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"',
        )


def _backend() -> Iterator[CheckMessage]:
    if conf.setting("PAYAMAK_TEST_BACKEND", recording.BACKENDS[0]) not in recording.BACKENDS:
        yield _error(9, "PAYAMAK_TEST_BACKEND is unknown.", f"It is one of {', '.join(recording.BACKENDS)}.")


@register(Tags.models)
def check_database(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Whether ``PAYAMAK_DATABASE`` is a database that can hold a queue."""
    alias = conf.database_alias()
    if alias not in settings.DATABASES:
        hint = f"The aliases are {', '.join(settings.DATABASES)}."
        return [_error(6, "PAYAMAK_DATABASE is no alias of DATABASES.", hint)]
    vendor = connections[alias].vendor
    if vendor not in ("postgresql", "sqlite"):
        return [
            _error(
                7,
                f"DATABASES['{alias}'] is {_VENDORS.get(vendor, vendor)}, which cannot hold a queue.",
                "Set PAYAMAK_DATABASE to the alias of a PostgreSQL or SQLite database.",
            )
        ]
    return [*_sqlite(alias)] if vendor == "sqlite" else []


@register(Tags.database)
def check_tables(app_configs: Any = None, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Whether the queue's tables are of a newer Payamak; older ones are what ``migrate`` is for."""
    alias = conf.database_alias()
    if alias not in (databases or ()) or any(found.is_serious() for found in check_database()):
        return []
    try:
        DjangoDatabase(alias).read(schema.refuse_newer)
    except ConfigurationError as error:
        return [_error(10, f"DATABASES['{alias}']: {error}", "Several programs share this queue: upgrade them all.")]
    return []


def _sqlite(alias: str) -> Iterator[CheckMessage]:
    options = connections[alias].settings_dict["OPTIONS"]
    missing = [
        name
        for name, is_there in (
            ("WAL", "wal" in str(options.get("init_command", "")).lower()),
            ("transaction_mode IMMEDIATE", str(options.get("transaction_mode", "")).upper() == "IMMEDIATE"),
            ("a timeout", "timeout" in options),
        )
        if not is_there
    ]
    if missing:
        text = (
            f"DATABASES['{alias}'] is SQLite without {', '.join(missing)}: requests and workers would lock each other."
        )
        yield _warning(2, text, f"Set {_SQLITE}.")


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """What must not go into production: http, a short secret, tokens in a settings file, accounts without a token."""
    return [*_deployed_accounts(), *_short_secret()]


def _deployed_accounts() -> Iterator[CheckMessage]:
    sources = _settings_sources()
    for one in _usable():
        token, url = one.options.get("token"), str(one.options.get("base_url") or "")
        if url.lower().startswith("http:"):
            text = f"PAYAMAK['{one.name}'] sends by http: anybody on the way can read its token and texts."
            yield _warning(3, text, "Use https in its base_url.")
        if isinstance(token, str) and token and any(token in source for source in sources):
            text = f"The token of PAYAMAK['{one.name}'] is written in a settings file."
            yield _warning(5, text, "Read it from the environment, and replace it at the provider if it was committed.")
        if not one.failover and _is_without_token(one.name):
            text = f"PAYAMAK['{one.name}'] cannot send: it has no token or an invalid setting."
            yield _error(11, text, "Set its TOKEN, from the environment.")


def _is_without_token(name: str) -> bool:
    try:
        accounts.new_client(name).check()
    except ConfigurationError:
        return True
    return False


def _short_secret() -> Iterator[CheckMessage]:
    secret = conf.setting("PAYAMAK_WEBHOOK_SECRET")
    if isinstance(secret, str) and 0 < len(secret) < _SECRET_LENGTH:
        text = f"PAYAMAK_WEBHOOK_SECRET has fewer than {_SECRET_LENGTH} characters: it can be guessed."
        yield _warning(4, text, 'Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"')


def _settings_sources() -> list[str]:
    """The text of the settings module, and of those beside it that it is made of."""
    name = os.environ.get(ENVIRONMENT_VARIABLE, "")
    folder = name.rpartition(".")[0]
    found: list[str] = []
    for module_name, module in [*sys.modules.items()]:
        if module_name == name or (folder and module_name.startswith(f"{folder}.") and "settings" in module_name):
            try:
                found.append(inspect.getsource(module))
            except (OSError, TypeError):  # it has no source file
                continue
    return found
