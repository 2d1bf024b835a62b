"""The ways in which a queue is worked on in tests: a database, the nodes, and what there is between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs
from instances import PostgresServer, RabbitServer, RedisServer, Server
from ledger import Ledger
from queue_kills import Watch
from queue_nodes import Nodes
from services import Postgres

from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore.queue import AsyncSendQueue

__all__ = ["ENGINES", "LEASE", "Engine", "Setup", "make_queue", "running"]

LEASE: Final = 4.0


@attrs.frozen
class Engine:
    """How a queue is worked on; ``victims`` says what may be killed, and how often of all."""

    nodes: str
    broker: type[Server] | None = None
    has_postgres: bool = True
    victims: Mapping[str, int] = attrs.field(factory=dict)
    slots: int = 4  # of each drain; a Celery node has two
    busy: int = 5  # batches in hand that show that more than one drain works


ENGINES: Final[Mapping[str, Engine]] = {
    "sqlite": Engine("embedded", has_postgres=False, victims={"node": 1}),
    "postgres": Engine("embedded", victims={"node": 8, "database": 2}),
    "django": Engine("django", victims={"node": 8, "database": 2}),
    "celery-rabbitmq": Engine(
        "celery", RabbitServer, victims={"node": 10, "child": 6, "database": 3, "broker": 1}, slots=3, busy=7
    ),
    "celery-redis": Engine(
        "celery", RedisServer, victims={"node": 9, "child": 5, "database": 3, "broker": 3}, slots=3, busy=7
    ),
    "procrastinate": Engine("procrastinate", victims={"node": 8, "database": 2}),
}


@attrs.frozen
class Setup:
    """A queue under test: the test's own queue object, the nodes' environment, and the servers that may die."""

    queue: AsyncSendQueue
    url: str
    schema: str | None
    environment: Mapping[str, str]
    engine: Engine
    folder: Path
    database: Server | None = None
    broker: Server | None = None

    @property
    def lease(self) -> float:
        return float(self.environment["SHOP_LEASE"])

    def watch(self) -> Watch:
        return Watch(self.url, self.schema)

    def nodes(self, count: int, **more: str) -> Nodes:
        return Nodes(self.engine.nodes, count, self.folder, {**self.environment, **more})


@asynccontextmanager
async def running(
    name: str,
    ledger: Ledger,
    folder: Path,
    *,
    postgres: Postgres | None = None,
    broker: str | None = None,
    settings: Mapping[str, str] | None = None,
    **environment: str,
) -> AsyncIterator[Setup]:
    """An engine with servers of its own, or with the machine's where ``postgres`` and ``broker`` (its URL) are given.

    ``settings`` are those of a PostgreSQL of its own, ``environment`` the nodes'.
    """
    engine = ENGINES[name]
    async with AsyncExitStack() as stack:
        database = messenger = None
        if engine.has_postgres and postgres is None:
            database = stack.enter_context(PostgresServer(**settings or {}))
            postgres = Postgres(database.url, "public")
        if engine.broker is not None and broker is None:
            messenger = stack.enter_context(engine.broker())
            broker = messenger.url
        url, schema = (postgres.url, postgres.schema) if postgres else (f"sqlite:///{folder}/queue.db", None)
        every = {
            **ledger.environment,
            "SHOP_DB": url,
            "SHOP_SCHEMA": schema or "",
            "SHOP_LEASE": str(LEASE),
            "SHOP_TOTAL": "2",
            "SHOP_SLOTS": str(engine.slots),
            "SHOP_BROKER": broker or "",
            **environment,
        }
        queue = await stack.enter_async_context(make_queue(url, schema, every))
        await queue.create()
        if engine.nodes == "procrastinate":
            await _create_procrastinate(url, schema or "public")
        yield Setup(queue, url, schema, every, engine, folder, database, messenger)


def make_queue(url: str, schema: str | None, environment: Mapping[str, str]) -> AsyncSendQueue:
    """The test's own queue object, which enqueues and reads."""

    def settings(name: str) -> dict[str, Any]:
        keys = ("token", "sender", "base_url")
        return {key: environment[f"{name.upper()}_{key.upper()}"] for key in keys} | {
            "timeout": float(environment["SHOP_TOTAL"]),
            "batch_size": int(environment.get("SHOP_BATCH", "100")),
        }

    accounts = {"sepahan": AsyncSepahan(**settings("sepahan")), "najva": AsyncNajva(**settings("najva"))}
    return AsyncSendQueue(url, accounts, schema=schema, lease=float(environment["SHOP_LEASE"]))


async def _create_procrastinate(url: str, schema: str) -> None:
    from procrastinate import App, PsycopgConnector

    connector = PsycopgConnector(conninfo=url, kwargs={"options": f"-c search_path={schema}"})
    async with App(connector=connector).open_async() as app:
        await app.schema_manager.apply_schema_async()
