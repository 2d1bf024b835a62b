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
from typing import TYPE_CHECKING, Any, Final

from celery import shared_task
from celery.signals import worker_init, worker_shutting_down

from smscore.contrib import engines
from smscore.loops import background
from smscore.queue import AsyncSendQueue

if TYPE_CHECKING:
    from celery import Task

__all__ = ["beat_schedule", "drain", "receive", "track"]

# To ask a task for its name would finalize the application, which is only being set up where a schedule is made.
_DRAIN: Final = "payamak.drain"
_TRACK: Final = "payamak.track"
_RECEIVE: Final = "payamak.receive"

_stop = engines.StopFlag()


def beat_schedule(
    *,
    every: float = 5.0,
    seconds: float = 30.0,
    slots: int = 8,
    track_every: float | None = 30.0,
    receive_every: float | None = 60.0,
) -> dict[str, dict[str, Any]]:
    """Entries for ``app.conf.beat_schedule``; times are in seconds.

    A drain is begun each ``every`` seconds, and works for ``seconds`` with ``slots`` batches at a time: while there is
    something to send, ``seconds / every`` processes of the pool do so, as far as it has them. Deliveries are asked for
    and inbound messages fetched each ``track_every`` and ``receive_every``; None leaves that out. A task that is not
    begun before the next one is due expires.
    """
    entries = {
        _DRAIN: _entry(_DRAIN, every, seconds=seconds, slots=slots),
        _TRACK: _entry(_TRACK, track_every),
        _RECEIVE: _entry(_RECEIVE, receive_every),
    }
    return {name: entry for name, entry in entries.items() if entry["schedule"] is not None}


def _entry(task: str, every: float | None, **kwargs: float) -> dict[str, Any]:
    return {"task": task, "schedule": every, "kwargs": kwargs, "options": {"expires": every}}


@shared_task(name=_DRAIN, bind=True, ignore_result=True)
def drain(self: Task[Any, Any], seconds: float = 30.0, slots: int = 8) -> None:
    """Send from the queue for so many seconds, ``slots`` batches at a time.

    Where the worker is told to stop, or there is nothing to send, it ends early; what is under way ends first.
    """
    background.run(partial(engines.drain, _queue(self), seconds, slots, _stop.wait))


@shared_task(name=_TRACK, bind=True, ignore_result=True)
def track(self: Task[Any, Any], account: str | None = None) -> None:
    """One round of asking for deliveries, of one account or of all whose provider reports them."""
    background.run(partial(engines.track, _queue(self), account))


@shared_task(name=_RECEIVE, bind=True, ignore_result=True)
def receive(self: Task[Any, Any], account: str | None = None) -> None:
    """One round of storing inbound messages, of one account or of all whose provider receives them."""
    background.run(partial(engines.receive, _queue(self), account))


def _queue(task: Task[Any, Any]) -> AsyncSendQueue:
    return engines.async_queue(engines.load_queue(task.app.conf.get("payamak_queue"), "app.conf.payamak_queue"))


@worker_init.connect
def _begin(**_: object) -> None:
    _stop.clear()  # before the pool forks its processes, which share the flag


@worker_shutting_down.connect
def _end(**_: object) -> None:
    _stop.set()
