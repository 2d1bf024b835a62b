"""What Celery and procrastinate do with a queue, without brokers: drains, schedules, errors that say what to set."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import celery
import procrastinate
import pytest
from procrastinate import testing
from recipients import numbers

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva, Najva
from smscore import ConfigurationError, clock
from smscore.contrib import celery as on_celery
from smscore.contrib import engines
from smscore.contrib.procrastinate import add_tasks
from smscore.loops import background
from smscore.queue import AsyncSendQueue, CampaignState, SendQueue
from smscore.sandbox import Sandbox

from .conftest import SENDERS, TEXT, Place, sent_to

# Tasks belong to every application of a process: the pages of the documentation, which run here too, have some.
pytestmark = pytest.mark.filterwarnings("ignore:Task name ")


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module ``queue_of_the_test`` for import strings."""
    module = ModuleType("queue_of_the_test")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


# The queue that an import string names


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (None, "must be the import string of a queue"),
        ("queue_of_the_test", "must be the import string of a queue"),
        (":queue", "must be the import string of a queue"),
        ("no_such_module:queue", "No module named 'no_such_module'"),
        ("queue_of_the_test:other", "has no attribute 'other'"),
        ("queue_of_the_test:number", "must name an AsyncSendQueue or a SendQueue"),
    ],
)
def test_a_path_that_names_no_queue_is_refused_with_what_to_set(path: object, problem: str, shop: Any) -> None:
    shop.number = 1
    with pytest.raises(ConfigurationError, match=problem) as caught:
        engines.load_queue(path, "app.conf.payamak_queue")
    assert str(caught.value).startswith("app.conf.payamak_queue")


# Drains


async def test_a_drain_of_an_empty_queue_ends_at_once(
    sqlite_place: Place, client: Callable[..., Any], new_queue: Callable[..., Any]
) -> None:
    queue = await new_queue(sqlite_place, shop=client(AsyncNajva))
    async with asyncio.timeout(60):
        await engines.drain(queue, 3600, 2, asyncio.Event().wait)


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["stopped", "cancelled"])
async def test_a_drain_that_is_stopped_ends_what_is_under_way_first(
    is_cancelled: bool, sqlite_place: Place, box: Sandbox, client: Callable[..., Any], new_queue: Callable[..., Any]
) -> None:
    queue = await new_queue(sqlite_place, shop=client(AsyncNajva, batch_size=10))
    box.fail("delay", seconds=0.3)
    campaign = await queue.enqueue("shop", numbers(100), TEXT)
    stop = asyncio.Event()
    draining = asyncio.create_task(engines.drain(queue, 3600, 2, stop.wait))
    while not box.messages:
        await clock.sleep(0.01)
    if is_cancelled:
        draining.cancel()
    else:
        stop.set()
    await asyncio.wait([draining])
    assert draining.cancelled() == is_cancelled
    counts = await queue.counts(campaign)
    assert (counts.unknown, counts.accepted) == (0, len(box.messages))
    assert counts.waiting > 0


FORKS = """
import asyncio, os
from smscore.contrib.engines import StopFlag

flag = StopFlag()
flag.clear()
child = os.fork()
if not child:
    asyncio.run(flag.wait())
    os._exit(7)
flag.set()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_the_flag_of_a_worker_reaches_a_process_that_it_forked() -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, encoding="utf-8", timeout=60)
    assert (done.stdout, done.stderr) == ("7\n", "")


async def test_a_flag_is_set_until_it_is_cleared() -> None:
    flag = engines.StopFlag()
    flag.clear()
    flag.set()
    await flag.wait()
    flag.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await flag.wait()


# Deliveries and inbound messages


async def test_a_round_asks_every_account_whose_provider_can(
    sqlite_place: Place, box: Sandbox, client: Callable[..., Any], new_queue: Callable[..., Any]
) -> None:
    queue = await new_queue(sqlite_place, codes=client(AsyncIPPanel), shop=client(AsyncNajva))
    box.feed("ippanel", sender="09121111111", number=SENDERS[AsyncIPPanel], text="لغو")
    await engines.receive(queue, None)
    await engines.track(queue, None)
    stored = [message async for message in queue.inbound("codes")]
    assert [message.text for message in stored] == ["لغو"]


# Celery


@pytest.fixture
def celery_app() -> celery.Celery:
    app = celery.Celery("shop", broker="memory://", set_as_current=False)
    app.autodiscover_tasks(["smscore.contrib"], related_name="celery", force=True)
    return app


@pytest.mark.parametrize("face", [AsyncSendQueue, SendQueue])
def test_celerys_task_sends_from_either_face(face: type[Any], celery_app: Any, shop: Any, sqlite_place: Place) -> None:
    celery_app.conf.payamak_queue = "queue_of_the_test:queue"
    kind = AsyncNajva if face is AsyncSendQueue else Najva
    with Sandbox() as box:
        settings = {"sender": SENDERS[AsyncNajva], "base_url": box.url("najva")}
        shop.queue = face(sqlite_place.url, {"shop": kind("token", **settings)})
        with SendQueue(sqlite_place.url, {"shop": Najva("token", **settings)}) as queue:
            campaign = queue.enqueue("shop", numbers(20), TEXT)
            celery_app.tasks["payamak.drain"].apply(kwargs={"seconds": 0.5, "slots": 2}).get()
            assert queue.wait(campaign, timeout=0).state is CampaignState.DONE
        assert len(sent_to(box)) == 20
        background.run(engines.async_queue(shop.queue).aclose)


def test_celerys_task_says_what_to_set(celery_app: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"app\.conf\.payamak_queue must be the import string"):
        celery_app.tasks["payamak.drain"].apply(throw=True)


def test_the_schedule_of_celery_names_its_tasks_and_lets_late_ones_expire(celery_app: Any) -> None:
    entries = on_celery.beat_schedule(every=2, seconds=10, slots=3)
    assert {entry["task"] for entry in entries.values()} <= set(celery_app.tasks)
    assert [*entries] == ["payamak.drain", "payamak.track", "payamak.receive"]
    drain = entries["payamak.drain"]
    assert (drain["schedule"], drain["options"]) == (2, {"expires": 2})
    assert drain["kwargs"] == {"seconds": 10, "slots": 3}


# procrastinate


async def test_procrastinates_task_sends(
    shop: Any, sqlite_place: Place, box: Sandbox, client: Callable[..., Any], new_queue: Callable[..., Any]
) -> None:
    shop.queue = queue = await new_queue(sqlite_place, shop=client(AsyncNajva))
    app = procrastinate.App(connector=testing.InMemoryConnector())
    add_tasks(app, "queue_of_the_test:queue", seconds=0.5)
    campaign = await queue.enqueue("shop", numbers(20), TEXT)
    async with app.open_async():
        await app.configure_task("payamak.drain").defer_async(timestamp=0)
        await app.run_worker_async(queues=["payamak"], wait=False, install_signal_handlers=False)
    assert (await queue.wait(campaign, timeout=0)).state is CampaignState.DONE
    assert len(sent_to(box)) == 20


@pytest.mark.parametrize(
    ("every", "cron"), [(1, "* * * * * */1"), (15, "* * * * * */15"), (60, "*/1 * * * *"), (600, "*/10 * * * *")]
)
def test_procrastinate_begins_a_drain_each_so_many_seconds(every: int, cron: str) -> None:
    app = procrastinate.App(connector=testing.InMemoryConnector())
    add_tasks(app, "queue_of_the_test:queue", every=every)
    tasks = {name: task.cron for (name, _), task in app.periodic_registry.periodic_tasks.items()}
    assert tasks == {"payamak.drain": cron, "payamak.track": "* * * * * */30", "payamak.receive": "*/1 * * * *"}


@pytest.mark.parametrize("every", [0, -1, 7, 90, 5400])
@pytest.mark.parametrize("parameter", ["every", "track_every", "receive_every"])
def test_times_that_procrastinate_cannot_keep_are_refused(parameter: str, every: int) -> None:
    app = procrastinate.App(connector=testing.InMemoryConnector())
    with pytest.raises(ConfigurationError, match=f"^{parameter} must be seconds that divide a minute"):
        add_tasks(app, "queue_of_the_test:queue", **{parameter: every})


def test_what_has_no_time_is_no_periodic_task() -> None:
    app = procrastinate.App(connector=testing.InMemoryConnector())
    add_tasks(app, "queue_of_the_test:queue", track_every=None, receive_every=None)
    assert [name for name, _ in app.periodic_registry.periodic_tasks] == ["payamak.drain"]
    assert [*on_celery.beat_schedule(track_every=None, receive_every=None)] == ["payamak.drain"]


async def test_procrastinate_refuses_a_blocking_queue(shop: Any, tmp_path: Path) -> None:
    shop.queue = SendQueue(f"sqlite:///{tmp_path}/queue.db", {"shop": Najva("token", sender="90000123")})
    app = procrastinate.App(connector=testing.InMemoryConnector())
    add_tasks(app, "queue_of_the_test:queue")
    with pytest.raises(ConfigurationError, match="must name an AsyncSendQueue"):
        await app.tasks["payamak.drain"](timestamp=0)
