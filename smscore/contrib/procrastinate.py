"""procrastinate sends from a queue: its workers lend the processes, and the queue's database holds every promise.

::

    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo="postgresql://…"))
    add_tasks(app, "shop.sms:queue")                              # an AsyncSendQueue

    # procrastinate --app shop.jobs.app worker -q payamak --shutdown-graceful-timeout 1

The timeout lets a worker that is told to stop end its drain early; what is under way ends first. Run workers under a
supervisor: procrastinate's own give up after some seconds without their database.
"""

from __future__ import annotations

from typing import Any, Final

import anyio
from procrastinate import App

from smscore.contrib import engines
from smscore.errors import ConfigurationError
from smscore.queue import AsyncSendQueue

__all__ = ["add_tasks"]

_MINUTE: Final = 60


def add_tasks(
    app: App,
    queue: str,
    *,
    every: int = 5,
    seconds: float = 30.0,
    slots: int = 8,
    track_every: int | None = 30,
    receive_every: int | None = 60,
    task_queue: str = "payamak",
) -> None:
    """Add the tasks ``payamak.drain``, ``payamak.track`` and ``payamak.receive`` to an app.

    ``queue`` is the import string of an ``AsyncSendQueue``, imported when it is first used. A drain is begun each
    ``every`` seconds, and works for ``seconds`` with ``slots`` batches at a time. Deliveries are asked for and inbound
    messages fetched each ``track_every`` and ``receive_every`` seconds; None leaves that out. Each of the times must
    divide a minute, or be whole minutes that divide an hour. Of each task at most one waits to be begun.
    ``task_queue`` is the procrastinate queue of the tasks.

    Raises:
        ConfigurationError: a time cannot be kept.
    """

    def found() -> AsyncSendQueue:
        given = engines.load_queue(queue, "add_tasks(queue=…)")
        if not isinstance(given, AsyncSendQueue):
            raise ConfigurationError(
                "add_tasks(queue=…) must name an AsyncSendQueue: procrastinate's workers are async."
            )
        return given

    async def drain(timestamp: int) -> None:
        """Send from the queue; where there is nothing to send, or the worker stops, this ends early."""
        await engines.drain(found(), seconds, slots, anyio.sleep_forever)

    async def track(timestamp: int) -> None:
        """One round of asking for deliveries, of all accounts whose provider reports them."""
        await engines.track(found(), None)

    async def receive(timestamp: int) -> None:
        """One round of storing inbound messages, of all accounts whose provider receives them."""
        await engines.receive(found(), None)

    times = {
        "every": ("payamak.drain", every, drain),
        "track_every": ("payamak.track", track_every, track),
        "receive_every": ("payamak.receive", receive_every, receive),
    }
    for parameter, (name, each, work) in times.items():
        task: Any = app.task(name=name, queue=task_queue, queueing_lock=name)(work)
        if each is not None:
            app.periodic(cron=_cron(parameter, each), periodic_id=name)(task)


def _cron(parameter: str, every: int) -> str:
    """The times of a task that is begun each so many seconds; a sixth field has the seconds."""
    if 0 < every < _MINUTE and _MINUTE % every == 0:
        return f"* * * * * */{every}"
    minutes, rest = divmod(every, _MINUTE)
    if not rest and 0 < minutes <= _MINUTE and _MINUTE % minutes == 0:
        return f"*/{minutes} * * * *"
    raise ConfigurationError(f"{parameter} must be seconds that divide a minute, or whole minutes that divide an hour.")
