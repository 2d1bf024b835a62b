"""Celery sends from a queue: its workers lend the processes, and the queue's database holds every promise.

::

    app = Celery("shop", broker="amqp://…")
    app.autodiscover_tasks(["smscore.contrib"], related_name="celery")
    app.conf.payamak_queue = "shop.sms:queue"                     # an AsyncSendQueue or a SendQueue
    app.conf.beat_schedule = beat_schedule()

Any broker will do, with Celery's default settings. A process that runs ``payamak.drain`` is busy for as long as there
is something to send. So that other tasks need not wait, give it workers of its own:
``app.conf.task_routes = {"payamak.*": {"queue": "sms"}}``, and ``celery -A shop worker -Q sms``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from celery import shared_task
from celery.signals import worker_init, worker_shutting_down

from smscore.contrib import engines
from smscore.loops import background
from smscore.queue import AsyncSendQueue

if TYPE_CHECKING:
    from celery import Task

__all__ = ["beat_schedule", "drain"]

_stop = engines.StopFlag()


def beat_schedule(*, every: float = 5.0, seconds: float = 30.0, slots: int = 8) -> dict[str, dict[str, Any]]:
    """Entries for ``app.conf.beat_schedule``.

    A drain is begun each ``every`` seconds, and works for ``seconds`` with ``slots`` batches at a time: while there is
    something to send, ``seconds / every`` processes of the pool do so, as far as it has them. One that is not begun in
    time expires.
    """
    return {
        "payamak.drain": {
            "task": drain.name,
            "schedule": every,
            "kwargs": {"seconds": seconds, "slots": slots},
            "options": {"expires": every},
        }
    }


@shared_task(name="payamak.drain", bind=True, ignore_result=True)
def drain(self: Task[Any, Any], seconds: float = 30.0, slots: int = 8) -> None:
    """Send from the queue for so many seconds, ``slots`` batches at a time.

    Where the worker is told to stop, or there is nothing to send, it ends early; what is under way ends first.
    """
    background.run(partial(engines.drain, _queue(self), seconds, slots, _stop.wait))


def _queue(task: Task[Any, Any]) -> AsyncSendQueue:
    return engines.async_queue(engines.load_queue(task.app.conf.get("payamak_queue"), "app.conf.payamak_queue"))


@worker_init.connect
def _begin(**_: object) -> None:
    _stop.clear()  # before the pool forks its processes, which share the flag


@worker_shutting_down.connect
def _end(**_: object) -> None:
    _stop.set()
