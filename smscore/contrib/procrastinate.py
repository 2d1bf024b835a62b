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
_DRAIN: Final = "payamak.drain"


def add_tasks(
    app: App, queue: str, *, every: int = 5, seconds: float = 30.0, slots: int = 8, task_queue: str = "payamak"
) -> None:
    """Add the task ``payamak.drain`` to an app, begun each ``every`` seconds.

    ``queue`` is the import string of an ``AsyncSendQueue``, imported when it is first used. ``every`` must divide a
    minute, or be whole minutes that divide an hour. A drain works for ``seconds`` with ``slots`` batches at a time;
    at most one waits to be begun. ``task_queue`` is the procrastinate queue of the task.

    Raises:
        ConfigurationError: ``every`` cannot be kept.
    """
    setting = "add_tasks(queue=…)"

    async def drain(timestamp: int) -> None:
        """Send from the queue; where there is nothing to send, or the worker stops, this ends early."""
        found = engines.load_queue(queue, setting)
        if not isinstance(found, AsyncSendQueue):
            raise ConfigurationError(f"{setting} must name an AsyncSendQueue: procrastinate's workers are async.")
        await engines.drain(found, seconds, slots, anyio.sleep_forever)

    task: Any = app.task(name=_DRAIN, queue=task_queue, queueing_lock=_DRAIN)(drain)
    app.periodic(cron=_cron(every), periodic_id=_DRAIN)(task)


def _cron(every: int) -> str:
    """The times of a task that is begun each so many seconds; a sixth field has the seconds."""
    if 0 < every < _MINUTE and _MINUTE % every == 0:
        return f"* * * * * */{every}"
    minutes, rest = divmod(every, _MINUTE)
    if not rest and 0 < minutes <= _MINUTE and _MINUTE % minutes == 0:
        return f"*/{minutes} * * * *"
    raise ConfigurationError("every must be seconds that divide a minute, or whole minutes that divide an hour.")
