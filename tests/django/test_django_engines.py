"""Celery and ``django.tasks`` send from a project's queue."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from celery import Celery
from django_project import Project
from ledger import Ledger
from queue_engines import make_queue
from queue_nodes import Node

from smscore.sandbox import Sandbox

pytestmark = pytest.mark.exhaustive


async def test_celery_workers_drain_the_queue_of_a_project(redis_url: str, tmp_path: Path):
    with Ledger() as ledger:
        environment = {
            **ledger.environment,
            "SHOP_DB": f"sqlite:///{tmp_path}/queue.db",
            "SHOP_LEASE": "40",
            "SHOP_TOTAL": "10",
            "SHOP_BROKER": redis_url,
        }
        async with make_queue(environment["SHOP_DB"], None, environment) as queue:
            await queue.create()
            campaign = await queue.enqueue("najva", [f"0912{n:07}" for n in range(250)], "سلام")
            node = Node("django-celery", "node", tmp_path, environment)
            node.start()
            try:
                async with asyncio.timeout(120):
                    while not node.is_ready():
                        assert node.is_alive(), node.log
                        await asyncio.sleep(0.2)
                    for _ in range(3):  # tasks that come together, or twice, send nothing twice
                        Celery(broker=redis_url).send_task("payamak.drain", kwargs={"seconds": 5})
                    found = await queue.wait(campaign)
            finally:
                node.kill()
            counts = await queue.counts(found)
        assert counts.accepted == 250, node.log
        assert sorted(ledger.times().values()) == [1] * 250


TASK = """
from smscore.contrib.django import drain, sms
from smscore.contrib.django.models import Campaign
sms.enqueue([f"0912{n:07}" for n in range(250)], "سلام")
try:
    from django.tasks import task
except ImportError:  # before Django 6
    drain(seconds=5)
else:
    @task
    def send_sms():
        drain(seconds=5)
    result = send_sms.enqueue()  # Django's own backend runs it at once
    assert result.status == "SUCCESSFUL", result.errors
drain(seconds=60)  # there is nothing left: it returns at once
print(Campaign.objects.get().state)
"""


def test_a_task_drains_the_queue_of_a_project(sqlite_project: Project, tmp_path: Path):
    with Sandbox(port=0) as box:
        here = {
            "PROJECT_SANDBOX": box.url("najva").removesuffix("/najva"),
            "PROJECT_SIGNALS": os.fspath(tmp_path / "signals"),
        }
        sqlite_project.manage("migrate", "-v0", **here)
        assert "done" in sqlite_project.manage("shell", "-v0", "-c", TASK, **here)
        assert len(box.messages) == 250
