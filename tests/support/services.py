"""PostgreSQL, Redis and RabbitMQ for the tests: each test in a schema, a database number or a vhost of its own.

They are looked for on this machine at their default ports, or where ``PAYAMAK_TEST_POSTGRES``, ``PAYAMAK_TEST_REDIS``
and ``PAYAMAK_TEST_RABBITMQ`` (URLs) say. A test that needs one that is not there is skipped and says so in one line;
with ``PAYAMAK_REQUIRE_SERVICES=1`` it fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from typing import Final, NoReturn
from urllib.parse import urlsplit, urlunsplit

import attrs
import pytest

POSTGRES: Final = "PAYAMAK_TEST_POSTGRES"
REDIS: Final = "PAYAMAK_TEST_REDIS"
RABBITMQ: Final = "PAYAMAK_TEST_RABBITMQ"
REQUIRED: Final = "PAYAMAK_REQUIRE_SERVICES"

_DEFAULTS: Final = {
    POSTGRES: "postgresql://postgres@127.0.0.1:5432/test",
    REDIS: "redis://127.0.0.1:6379",
    RABBITMQ: "amqp://guest:guest@127.0.0.1:5672",
}
_CONNECT_SECONDS: Final = 5
_REDIS_LEASE_SECONDS: Final = 900  # longer than any test; a run that was killed gives its number back
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}


@attrs.frozen
class Postgres:
    """A database, and the schema in it that is the test's own (made, and dropped afterwards)."""

    url: str
    schema: str


@attrs.frozen
class RabbitMQ:
    """A broker. ``prefix`` begins the name of every queue: the vhost is the test's own only where one could be made.

    ``shared`` says why there is no vhost of its own; None where there is.
    """

    url: str
    prefix: str
    shared: str | None = None


def address(variable: str) -> str:
    return os.environ.get(variable) or _DEFAULTS[variable]


def is_required() -> bool:
    return os.environ.get(REQUIRED, "") not in ("", "0")


def leave(what: str, variable: str, reason: object) -> NoReturn:
    """Skip the test, or fail it where services are required; in one line."""
    said = str(reason).strip().splitlines() or [type(reason).__name__]
    parts = urlsplit(address(variable))
    line = f"no {what} at {parts.hostname}:{parts.port} ({said[0]}); start one, or set {variable} to its URL"
    if is_required():
        pytest.fail(f"{line} ({REQUIRED} is set)", pytrace=False)
    pytest.skip(line)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL database with an empty schema of the test's own."""
    import psycopg

    url = address(POSTGRES)
    schema = _own_name()
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.execute(f'CREATE SCHEMA "{schema}"')
    except psycopg.OperationalError as error:
        leave("PostgreSQL", POSTGRES, error)
    yield Postgres(url, schema)
    with psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
        # A worker that a test left behind must not keep the schema locked.
        connection.execute("SET lock_timeout = '30s'")
        connection.execute(f'DROP SCHEMA "{schema}" CASCADE')


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The URL of an empty Redis database that no other test uses."""
    import redis

    root = address(REDIS).rstrip("/")
    with redis.Redis.from_url(f"{root}/0", socket_connect_timeout=_CONNECT_SECONDS) as registry:
        try:
            number = _claim_database(registry)
        except redis.RedisError as error:
            leave("Redis", REDIS, error)
        url = f"{root}/{number}"
        with redis.Redis.from_url(url) as own:
            own.flushdb()
            yield url
            own.flushdb()
        registry.delete(_claim_key(number))


@pytest.fixture
def rabbitmq() -> Iterator[RabbitMQ]:
    """A RabbitMQ vhost of the test's own, or queue names of its own on the shared one."""
    import kombu
    from kombu.exceptions import OperationalError

    url = address(RABBITMQ)
    name = _own_name()
    try:
        with kombu.Connection(url, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, timeout=_CONNECT_SECONDS, reraise_as_library_errors=True)
    except OperationalError as error:
        leave("RabbitMQ", RABBITMQ, error)
    reason = _add_vhost(url, name)
    if reason is not None:
        yield RabbitMQ(url, f"{name}.", reason)
        return
    yield RabbitMQ(urlunsplit(urlsplit(url)._replace(path=f"/{name}")), f"{name}.")
    _control("delete_vhost", name)


def _own_name() -> str:
    return f"payamak_{uuid.uuid4().hex[:16]}"


def _claim_key(number: int) -> str:
    return f"payamak-tests:database:{number}"


def _claim_database(registry: object) -> int:
    """A number from 1 on, claimed in database 0 for this test; waits while other tests hold all."""
    import redis

    assert isinstance(registry, redis.Redis)
    count = int(registry.config_get("databases")["databases"])
    deadline = time.monotonic() + _REDIS_LEASE_SECONDS
    while time.monotonic() < deadline:
        for number in range(1, count):
            if registry.set(_claim_key(number), os.getpid(), nx=True, ex=_REDIS_LEASE_SECONDS):
                return number
        time.sleep(0.2)
    raise redis.RedisError(f"all of its {count - 1} databases are claimed by other tests")


def _add_vhost(url: str, name: str) -> str | None:
    """None if the vhost was made; else why not."""
    parts = urlsplit(url)
    if parts.hostname not in _LOOPBACK:
        return "rabbitmqctl reaches only a broker on this machine"
    if shutil.which("rabbitmqctl") is None:
        return "there is no rabbitmqctl here"
    user = parts.username or "guest"
    for command in (("add_vhost", name), ("set_permissions", "-p", name, user, ".*", ".*", ".*")):
        done = _control(*command)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["rabbitmqctl failed"])[-1]
    return None


def _control(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["rabbitmqctl", "-q", *command], capture_output=True, encoding="utf-8", timeout=60)
