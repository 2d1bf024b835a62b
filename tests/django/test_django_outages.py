"""``manage.py sms_worker`` whose database is restarted, and behind PgBouncer; the sandbox's books are the truth."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django_project import Project, on_postgresql
from instances import PgBouncer, PostgresServer
from services import Postgres

from najva_sms import DeliveryReport
from smscore.queue import AsyncSendQueue
from smscore.sandbox import Sandbox
from smscore.statuses import DeliveryStatus

pytestmark = pytest.mark.exhaustive

AWAY = float(os.environ.get("PAYAMAK_TEST_AWAY", "4"))  # seconds


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    try:
        server = PostgresServer()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    with server:
        yield server


def project_at(url: str, **settings: object) -> Project:
    project = on_postgresql(Postgres(url, "public"))
    project.database.pop("OPTIONS")  # PgBouncer takes none at the start of a connection
    project.database.update(settings)
    return project


def enqueue(project: Project, key: str, first: int, size: int, **here: str) -> None:
    numbers = f"[f'0912{{n:07}}' for n in range({first}, {first + size})]"
    code = f"from smscore.contrib.django import sms; sms.enqueue({numbers}, 'سلام', key={key!r})"
    project.manage("shell", "-v0", "-c", code, **here)


async def test_a_worker_outlives_its_database_and_its_signals_come_by_stale_connections(
    server: PostgresServer, box: Sandbox, here: dict[str, str], tmp_path: Path
):
    project = project_at(server.url, CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=False)
    signals = tmp_path / "signals"
    project.manage("migrate", "-v0", **here)
    with project.worker(tmp_path / "log", f"--health={tmp_path / 'health'}", **here) as worker:
        for round_ in range(2):
            enqueue(project, f"round-{round_}", round_ * 100, 100, **here)
            worker.until(lambda count=(round_ + 1) * 100: len(box.messages) == count)
            last = box.messages[-1]
            async with AsyncSendQueue(project.url, {}) as queue:
                await queue.record("default", DeliveryReport(last.message_id, 10, DeliveryStatus.DELIVERED))
            line = f"delivery round-{round_} {last.recipient} delivered najva"
            worker.until(lambda line=line: signals.exists() and line in signals.read_text(encoding="utf-8"))
            if not round_:
                (tmp_path / "health").unlink()
                await asyncio.to_thread(server.kill)
                await asyncio.sleep(AWAY)
                assert not (tmp_path / "health").exists()
                await asyncio.to_thread(server.start)
        worker.until((tmp_path / "health").exists)
        assert worker.end() == 0
        async with AsyncSendQueue(project.url, {}) as queue:
            campaigns = [one async for one in queue.campaigns()]
            counts = [await queue.counts(one) for one in campaigns]
    assert [(one.accepted, one.unknown, one.waiting) for one in counts] == [(100, 0, 0)] * 2
    assert len(box.messages) == len({one.recipient for one in box.messages}) == 200


@pytest.mark.skipif(shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") is None, reason="no PgBouncer")
async def test_workers_and_site_behind_pgbouncer_with_transaction_pooling(
    server: PostgresServer, box: Sandbox, here: dict[str, str], tmp_path: Path
):
    here |= {"PROJECT_BATCH": "10"}
    with PgBouncer(server, size=3) as pool:
        project = project_at(pool.url, DISABLE_SERVER_SIDE_CURSORS=True)
        project.manage("migrate", "-v0", **here)
        with (
            project.worker(tmp_path / "log0", **here) as first,
            project.worker(tmp_path / "log1", **here) as second,
        ):
            for round_ in range(3):
                enqueue(project, f"round-{round_}", round_ * 200, 200, **here)
            first.until(lambda: len(box.messages) >= 600)
            assert (first.end(), second.end()) == (0, 0)
    assert len(box.messages) == len({one.recipient for one in box.messages}) == 600
    for worker in (first, second):
        assert "WARNING" not in worker.text
        assert "Traceback" not in worker.text, worker.text
