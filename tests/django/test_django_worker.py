"""``manage.py sms_worker`` at work, in a process of its own; what the sandbox accepted is the truth."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django_project import PROJECT, SENDS, Project, command, on_postgresql
from services import Postgres

from najva_sms import AsyncNajva, DeliveryReport
from smscore.queue import AsyncSendQueue
from smscore.queue.databases.base import Transaction
from smscore.sandbox import Sandbox
from smscore.statuses import DeliveryStatus

TOKEN = "of-the-project"


def queue_of(project: Project) -> AsyncSendQueue:
    return AsyncSendQueue(project.url, {}, schema=project.schema)


def told(folder: Path, line: str) -> bool:
    file = folder / "signals"
    return file.exists() and line in file.read_text(encoding="utf-8").splitlines()


def shell(project: Project, code: str, **here: str) -> str:
    return project.manage("shell", "-v0", "-c", code, **here)


async def rows(project: Project, sql: str) -> list[tuple[Any, ...]]:
    async with queue_of(project) as queue:
        return await queue._calls.read(lambda own: own.rows(sql))


async def under_way(project: Project) -> None:
    async with asyncio.timeout(100):
        while not await rows(project, "SELECT 1 FROM payamak_batch WHERE tries > 0"):  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.05)


async def test_a_worker_sends_what_was_committed_and_tells_the_project(
    project: Project, box: Sandbox, here: dict[str, str], tmp_path: Path
):
    project.manage("migrate", "-v0", **here)
    shell(project, SENDS, **here)
    # From nobody of the campaign: the worker receives while it sends, and who opts out in time is sent nothing.
    box.feed("sepahan", sender="09130000001", number="50003300", text="لغو ۱۱")
    assert not box.messages
    with project.worker(tmp_path / "log", "--receive-every=1", **here) as worker:
        worker.until(lambda: len(box.messages) == 251)
        first = next(one for one in box.messages if one.recipient == "+989120000000")
        async with queue_of(project) as queue:
            await queue.record("default", DeliveryReport(first.message_id, 10, DeliveryStatus.DELIVERED))
        worker.until(lambda: told(tmp_path, "delivery many +989120000000 delivered najva"))
        worker.until(lambda: told(tmp_path, "received inbox لغو ۱۱"))
        assert worker.end() == 0
    assert len(box.messages) == len({message.recipient for message in box.messages}) == 251
    assert "+989130000001 done" in shell(project, SUPPRESSED)


SUPPRESSED = """
from smscore.contrib.django.models import Campaign, Suppression
print(Suppression.objects.get().recipient, *{one.state for one in Campaign.objects.all()})
"""

KINDS = """
from smscore import Approved, Pattern
from smscore.contrib.django import sms
sms["codes"].enqueue_pattern("09120000001", "login", {"code": "04521"}, expires=600)
sms.enqueue_p2p([("09120000002", "یک"), ("09120000003", "دو")])
sms["both"].enqueue("09120000004", "سلام")
login = Pattern(ippanel=Approved("login", {"code": "code"}), najva="کد {code}")
sms["both"].enqueue_pattern("09120000005", login, {"code": "7"})
"""


@pytest.mark.exhaustive
async def test_every_kind_of_send_reaches_its_provider(
    sqlite_project: Project, box: Sandbox, here: dict[str, str], tmp_path: Path
):
    box.set_pattern("ippanel", "login", "کد شما %code% است.")
    sqlite_project.manage("migrate", "-v0", **here)
    shell(sqlite_project, KINDS, **here)
    with sqlite_project.worker(tmp_path / "log", "--track-every=1", **here) as worker:
        worker.until(lambda: len(box.messages) == 5)
        worker.until(lambda: told(tmp_path, "delivery None +989120000001 delivered ippanel"))  # by polling
        assert worker.end() == 0
    assert {(one.provider, one.recipient[-1], one.text) for one in box.messages} == {
        ("ippanel", "1", "کد شما 04521 است."),
        ("najva", "2", "یک"),
        ("najva", "3", "دو"),
        ("ippanel", "4", "سلام"),
        ("ippanel", "5", "کد شما 7 است."),
    }


@pytest.mark.exhaustive
async def test_a_worker_sends_what_another_program_enqueued(
    project: Project, box: Sandbox, here: dict[str, str], tmp_path: Path
):
    project.manage("migrate", "-v0", **here)
    najva = AsyncNajva(TOKEN, sender="90000123", base_url=box.url("najva"))
    async with AsyncSendQueue(project.url, {"default": najva}, schema=project.schema) as queue:
        campaign = await queue.enqueue("default", ["09120000001", "09120000002"], "سلام", key="theirs")
        assert "theirs queued" in shell(project, THEIRS, **here)
        with project.worker(tmp_path / "log", **here) as worker:
            await queue.wait(campaign, timeout=100)
            assert worker.end() == 0
    assert sorted(one.recipient for one in box.messages) == ["+989120000001", "+989120000002"]


THEIRS = """
from smscore.contrib.django.models import Campaign
print(Campaign.objects.get().key, Campaign.objects.get().state)
"""


OPTS_OUT = """
from smscore.contrib.django import sms
sms.enqueue(["09120000001", "09120000002"], "سلام")
"""


@pytest.mark.exhaustive
async def test_who_opts_out_before_the_send_is_sent_nothing(
    project: Project, box: Sandbox, here: dict[str, str], tmp_path: Path
):
    project.manage("migrate", "-v0", **here)
    box.feed("sepahan", sender="09120000001", number="50003300", text=" لغو ١١ ")
    box.feed("sepahan", sender="09120000002", number="50003300", text="لغو نکنید")
    with project.worker(tmp_path / "log", "--receive-every=1", **here) as worker:
        worker.until(lambda: told(tmp_path, "received inbox لغو نکنید"))
        shell(project, OPTS_OUT, **here)
        worker.until(lambda: bool(box.messages))
        assert worker.end() == 0
    assert [one.recipient for one in box.messages] == ["+989120000002"]
    assert await rows(project, "SELECT accepted, not_sent FROM payamak_batch") == [(1, 1)]


HELD = """
from smscore.contrib.django import sms
sms["codes"].enqueue("09120000001", "سلام")
"""


def _old_report(own: Transaction) -> None:
    own.run(
        "INSERT INTO payamak_report (account, message_id, status, received_at) VALUES (%s, %s, %s, %s)",
        *("default", 424242, "delivered", own.now - 8 * 24 * 3600),
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize("raises", ["", "yes"])
async def test_signals_are_sent_and_a_receiver_that_raises_is_logged_once_and_stops_nothing(
    raises: str, sqlite_project: Project, box: Sandbox, here: dict[str, str], tmp_path: Path
):
    project = sqlite_project
    here |= {"PROJECT_LOW_CREDIT": "1000", "PROJECT_RAISES": raises}
    box.set_credit("ippanel", TOKEN, 0)
    project.manage("migrate", "-v0", **here)
    async with queue_of(project) as queue:
        await queue._calls.write(_old_report)
    shell(project, HELD, **here)
    with project.worker(tmp_path / "log", "--receive-every=1", **here) as worker:
        worker.until(lambda: told(tmp_path, "delivery None 424242 delivered najva"))
        worker.until(lambda: told(tmp_path, "held codes InsufficientCredit"))
        worker.until(lambda: told(tmp_path, "credit codes 0.0"))
        assert worker.end() == 0
    assert worker.text.count("Error calling") == (3 if raises else 0)
    assert worker.text.count("Account codes is held, and sends nothing: InsufficientCredit") == 1


DRAIN = """
from smscore.contrib import engines
from smscore.contrib.django import drain, queue
from smscore.loops import background
drain(seconds=0.1)
background.run(lambda: queue._calls.write(lambda own: own.run("UPDATE payamak_batch SET track_at = 0")))
background.run(lambda: engines.track(queue, "default"))
"""


async def test_a_drain_and_a_round_of_tracking_send_signals_too(
    project: Project, box: Sandbox, here: dict[str, str], tmp_path: Path
):
    project.manage("migrate", "-v0", **here)
    code = "from smscore.contrib.django import drain, sms; sms.enqueue(['09120000001', '09120000002'], 'x', key='k')"
    shell(project, f"{code}; drain(seconds=10)", **here)
    first, second = (message.message_id for message in box.messages)
    async with queue_of(project) as queue:
        await queue.record("default", DeliveryReport(first, 10, DeliveryStatus.DELIVERED))
    box.settle("najva", second, 10)
    shell(project, DRAIN, **here)
    for number in ("+989120000001", "+989120000002"):
        assert told(tmp_path, f"delivery k {number} delivered najva")


SLOW = """
from smscore.contrib.django import sms
sms.enqueue([f"0912{n:07}" for n in range(60)], "سلام", key="slow")
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("signals", [["SIGTERM"], ["SIGHUP", "SIGHUP"]])  # a terminal's end may come twice
async def test_a_stop_ends_what_is_under_way_and_claims_nothing_more(
    signals: list[str], project: Project, box: Sandbox, here: dict[str, str], tmp_path: Path
):
    here |= {"PROJECT_BATCH": "10"}
    box.fail("delay", provider="najva", seconds=3)
    project.manage("migrate", "-v0", **here)
    shell(project, SLOW, **here)
    health = tmp_path / "health"
    with project.worker(tmp_path / "log", "--slots=2", f"--health={health}", **here) as worker:
        async with queue_of(project) as queue:
            campaign = await queue.campaign("slow")
            assert campaign is not None
            await under_way(project)
            assert worker.end(*(signal.Signals[name] for name in signals)) == 0
            counts = await queue.counts(campaign)
            states = {row[0] for row in await rows(project, "SELECT state FROM payamak_batch")}
    assert counts.unknown == 0
    assert counts.accepted == len(box.messages) > 0
    assert counts.waiting == 60 - counts.accepted > 0
    assert states == {"new", "done"}
    assert health.exists()
    box.clear_faults()
    with project.worker(tmp_path / "log2", "--slots=2", **here) as worker:
        worker.until(lambda: len(box.messages) >= 60)
        assert worker.end() == 0
    assert len({one.recipient for one in box.messages}) == len(box.messages) == 60


@pytest.mark.exhaustive
async def test_a_second_signal_ends_it_at_once_and_says_what_that_means(
    sqlite_project: Project, box: Sandbox, here: dict[str, str], tmp_path: Path
):
    box.fail("delay", provider="najva", seconds=20)
    sqlite_project.manage("migrate", "-v0", **here)
    shell(sqlite_project, SLOW, **here)
    with sqlite_project.worker(tmp_path / "log", **here) as worker:
        await under_way(sqlite_project)
        worker.process.terminate()
        await asyncio.sleep(1)
        worker.process.terminate()
        assert worker.process.wait(100) == 1
    assert "Ended at once" in worker.text
    assert "Traceback" not in worker.text


@pytest.mark.exhaustive
def test_a_worker_without_tables_or_with_older_ones_says_to_migrate(project: Project):
    assert "The queue's tables are missing. Run manage.py migrate." in refusal_of_a_worker(project)
    project.manage("migrate", "payamak", "0001", "-v0")
    assert "have version 1" in refusal_of_a_worker(project)
    project.manage("migrate", "-v0")
    project.manage("sms_worker", "--seconds", "0")


def test_a_worker_that_starts_while_its_database_is_away_waits_for_it(tmp_path: Path):
    nowhere = on_postgresql(Postgres("postgresql://postgres@127.0.0.1:1/test", "public"))
    with nowhere.worker(tmp_path / "log", NAJVA_TOKEN=TOKEN) as worker:
        worker.until(lambda: "database cannot be used (OperationalError); retrying" in worker.text)
    assert "Traceback" not in worker.text


def refusal_of_a_worker(project: Project) -> str:
    done = subprocess.run(
        command("sms_worker"),
        cwd=PROJECT,
        env=project.environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 1
    assert "Run manage.py migrate" in done.stderr
    assert "queue.create()" not in done.stderr
    return done.stderr
