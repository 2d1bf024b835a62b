"""A few kills on each engine, with the machine's own services; ``nox -s chaos`` has the whole table.

The sandbox's books are the truth: nobody is sent to twice or lost, no outcome is false, and UNKNOWN stands only where
an interrupted batch may have gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger import Ledger
from queue_engines import running
from queue_kills import Kills
from services import Postgres, RabbitMQ

pytestmark = pytest.mark.exhaustive

# Short times: a worker that dies is missed after two seconds.
QUICK = {"SHOP_LEASE": "2", "SHOP_TOTAL": "1"}


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as books:
        books.fail("delay", seconds=0.3)
        yield books


async def killed(
    name: str,
    count: int,
    victims: dict[str, int],
    ledger: Ledger,
    folder: Path,
    postgres: Postgres | None = None,
    broker: RabbitMQ | None = None,
) -> None:
    prefix = "" if broker is None else broker.prefix
    url = None if broker is None else broker.url
    async with running(name, ledger, folder, postgres=postgres, broker=url, SHOP_PREFIX=prefix, **QUICK) as setup:
        with setup.nodes(2) as nodes:
            kills = Kills(setup.queue, ledger, nodes, setup.watch(), victims, seed=1, lease=setup.lease, backlog=16)
            report = await kills.run(count, within=60)
    assert report.kills.total() == count
    assert report.verdict.is_right, report.verdict.examples
    assert report.verdict.recipients > 0


async def test_nodes_on_sqlite(ledger: Ledger, tmp_path: Path) -> None:
    await killed("sqlite", 2, {"node": 1}, ledger, tmp_path)


async def test_celery_nodes_and_their_children(
    ledger: Ledger, tmp_path: Path, postgres: Postgres, rabbitmq: RabbitMQ
) -> None:
    await killed("celery-rabbitmq", 2, {"node": 1, "child": 1}, ledger, tmp_path, postgres, rabbitmq)


async def test_procrastinate_nodes(ledger: Ledger, tmp_path: Path, postgres: Postgres) -> None:
    await killed("procrastinate", 2, {"node": 1}, ledger, tmp_path, postgres)


async def test_django_workers(ledger: Ledger, tmp_path: Path, postgres: Postgres) -> None:
    await killed("django", 2, {"node": 1}, ledger, tmp_path, postgres)
