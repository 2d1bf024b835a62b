"""The project's own tests under Django's test runner and pytest-django, and its worker at work."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve
from django_project import PROJECT, SENDS, Project

from smscore.queue import AsyncSendQueue
from smscore.sandbox import Sandbox


def test_the_projects_tests_pass_under_djangos_runner(project: Project):
    if project.schema is not None:  # the runner makes a database of its own, which has no such schema
        project.database.pop("OPTIONS")
    assert "OK" in project.manage("test", "--noinput")


def test_the_projects_tests_pass_in_parallel(sqlite_project: Project):
    assert "OK" in sqlite_project.manage("test", "--parallel", "2")


PYTEST = """
import pytest
from smscore.contrib.django import outbox, sms

@pytest.mark.parametrize("_", range(2))
def test_without_any_fixture(_):
    assert outbox == []
    assert len(sms.send("09123456789", "سلام").accepted) == 1
    assert [message.recipient for message in outbox] == ["+989123456789"]

def test_with_the_fixture(sms_outbox):
    assert sms_outbox == []
    sms.send(["09123456789", "09123456780"], "سلام")
    assert len(sms_outbox.find("0912 345 6789", text="سلا", account="default")) == 1
    assert sms_outbox.find(account="codes") == []

async def code():
    await sms.aio["codes"].send_pattern("09123456789", "login", {"code": "1"})

def test_async_code(sms_outbox):
    import asyncio
    asyncio.run(code())
    assert [one.params for one in sms_outbox] == [{"code": "1"}]
"""

PYTEST_DJANGO = (
    PYTEST
    + """
def test_on_commit(db, django_capture_on_commit_callbacks, sms_outbox):
    with django_capture_on_commit_callbacks(execute=True):
        sms.enqueue("09123456789", "سلام", key="k")
        assert sms_outbox == []
    assert [message.key for message in sms_outbox] == ["k"]

@pytest.mark.django_db(transaction=True)
def test_a_commit(sms_outbox):
    sms.enqueue("09123456789", "سلام", key="k")
    assert [message.key for message in sms_outbox] == ["k"]

def test_settings_are_overridden(settings):
    settings.PAYAMAK = {"default": {"PROVIDER": "najva", "SENDER": "90000777"}}
    sms.send("09123456789", "سلام")
    assert outbox[0].sender == "90000777"
"""
)

WITHOUT = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()
"""


def test_a_pytest_run_sends_nothing_and_begins_each_test_with_an_empty_outbox(sqlite_project: Project, tmp_path: Path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = settings\n", encoding="utf-8")
    assert "7 passed" in _pytest(sqlite_project, tmp_path, PYTEST_DJANGO)


def test_so_does_one_without_pytest_django(sqlite_project: Project, tmp_path: Path):
    (tmp_path / "conftest.py").write_text(WITHOUT, encoding="utf-8")
    assert "4 passed" in _pytest(sqlite_project, tmp_path, PYTEST, "-p", "no:django")


def _pytest(project: Project, folder: Path, tests: str, *options: str) -> str:
    (folder / "test_shop.py").write_text(tests, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    done = subprocess.run(
        [*command, "--rootdir", os.fspath(folder), "."],
        cwd=folder,
        env=project.environment(PYTHONPATH=os.fspath(PROJECT)),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    return done.stdout + done.stderr


async def test_a_queue_made_by_another_program_is_the_projects_queue(project: Project):
    queue = AsyncSendQueue(project.url, {}, schema=project.schema)
    await queue.create()
    async with queue:
        project.manage("migrate", "-v0")
        project.manage("shell", "-v0", "-c", SENDS)
        assert [one.key async for one in queue.campaigns()] == ["many", "code"]
        found = await queue.campaign("many")
        assert found is not None
        assert (await queue.counts(found)).waiting == 250


REPORTED = """
from django.test import Client
answer = Client().get("/sms/default/a-secret-of-these-tests/", {"messageid": "123456", "status": "10"})
print("answered", answer.status_code)
"""


def away(project: Project) -> Project:
    """The project, whose database cannot be reached."""
    if project.schema is None:
        return evolve(project, database={**project.database, "NAME": "/no/such/folder/project.db"})
    return evolve(project, database={**project.database, "HOST": "127.0.0.1", "PORT": 1})


def test_a_report_is_refused_for_now_where_the_database_is_away(project: Project):
    printed = away(project).manage("shell", "-v0", "-c", REPORTED)
    assert "answered 503" in printed
    assert "A delivery report for account default was not stored" in printed


@pytest.mark.exhaustive
def test_migrating_to_zero_drops_the_tables(project: Project):
    project.manage("migrate", "-v0")
    project.manage("migrate", "payamak", "zero", "-v0")
    project.manage("migrate", "-v0")


def test_the_commands_send_and_ask_for_credit(sqlite_project: Project):
    with Sandbox(port=0) as box:
        here = {"PROJECT_SANDBOX": box.url("najva").removesuffix("/najva")}
        assert "Accepted 1 of 1." in sqlite_project.manage("sms_send", "09123456789", "--text", "سلام", **here)
        assert len(box.messages) == 1
        assert "codes: " in sqlite_project.manage("sms_credit", "codes", **here)
