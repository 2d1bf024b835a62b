"""``manage.py sms_worker``."""

from __future__ import annotations

import asyncio
import logging
import math
from argparse import ArgumentParser, ArgumentTypeError
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from smscore.contrib.django import conf, recording
from smscore.contrib.django.database import DjangoDatabase
from smscore.contrib.django.work import Work, close_connections, new_queue
from smscore.errors import ConfigurationError
from smscore.queue import QueueUnavailable, schema
from smscore.stop_signals import HANGUP, STOP_SIGNALS, without_ignored_hangup

_MIN_SECONDS: Final = 1.0  # between two rounds: less only burdens the provider


class Command(BaseCommand):
    """Sends what is enqueued, asks for deliveries, receives messages, and sends the signals of the app."""

    help = (
        "Send what is enqueued, ask for deliveries and fetch inbound messages, until SIGTERM or Ctrl-C; what is under "
        "way then ends first. Start as many as you like, on any machine that reaches the database."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("--slots", type=int, default=8, help="batches sent at a time (default: 8)")
        parser.add_argument("--seconds", type=_seconds, help="end after so many seconds")
        parser.add_argument("--track-every", type=_interval, default=30.0, help="seconds between delivery checks")
        parser.add_argument("--receive-every", type=_interval, default=60.0, help="seconds between inbox checks")
        parser.add_argument("--health", type=Path, help="a file that is touched every 5 seconds while all is well")

    def handle(self, *_: Any, **options: Any) -> None:
        """Run the worker."""
        if recording.is_collecting():
            raise CommandError(
                "In a test run nothing is sent, so there is nothing for a worker to do. Messages reach the outbox when "
                'the transaction commits; PAYAMAK_TEST_BACKEND = "sandbox" sends them to a sandbox.'
            )
        _show_errors_of_receivers()
        try:
            _check_tables()
            ended = asyncio.run(self._work(options))
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        except asyncio.CancelledError:
            raise CommandError(
                "Ended at once. What was under way may have been sent: another worker finds out, or calls it unknown."
            ) from None
        if options["verbosity"]:
            self.stdout.write(f"Ended after {ended} batches.")

    async def _work(self, options: dict[str, Any]) -> int:
        async with new_queue() as queue:
            work = Work(
                queue,
                options["slots"],
                track_every=options["track_every"],
                receive_every=options["receive_every"],
                health=options["health"],
            )
            _stop_by_signals(work)
            if options["verbosity"]:
                names = ", ".join(conf.accounts())
                self.stdout.write(f"Sending for {names}. SIGTERM or Ctrl-C ends it after the batches under way.")
                self.stdout.flush()
            try:
                return await work.run(options["seconds"])
            finally:
                await close_connections()


def _seconds(value: str) -> float:
    seconds = float(value)
    if not 0 <= seconds < math.inf:
        raise ArgumentTypeError("must be a number of seconds ≥ 0")
    return seconds


def _interval(value: str) -> float:
    seconds = _seconds(value)
    if seconds < _MIN_SECONDS:
        raise ArgumentTypeError(f"must be a number of seconds ≥ {_MIN_SECONDS:g}")
    return seconds


def _stop_by_signals(work: Work) -> None:
    """End in order at the first signal; at the second one at once, unless that only says that the terminal closed."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    seen: list[int] = []

    def stop(number: int) -> None:
        if number != HANGUP:
            if seen and task is not None:
                task.cancel()
            seen.append(number)
        work.stop()

    for number in without_ignored_hangup(STOP_SIGNALS):
        try:
            loop.add_signal_handler(number, stop, number)
        except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            break


def _show_errors_of_receivers() -> None:
    """Let them be seen where the project configures no logging: Django's own shows errors only while it debugs."""
    log = logging.getLogger("django.dispatch")
    if not settings.LOGGING and not settings.DEBUG and not log.handlers:
        log.addHandler(logging.StreamHandler())


def _check_tables() -> None:
    database = DjangoDatabase()
    try:
        database.read(partial(schema.check, remedy=database.remedy))
    except QueueUnavailable:
        return  # it is away: the worker waits for it
    except ConfigurationError as error:
        raise ConfigurationError(f"DATABASES['{conf.database_alias()}']: {error}") from error
    except DatabaseError as error:
        raise ConfigurationError(
            f"The queue's tables in DATABASES['{conf.database_alias()}'] cannot be used. Run manage.py migrate. "
            f"({error})"
        ) from error
    finally:
        connections.close_all()  # the worker has connections of its own
