"""Workers that kill themselves with SIGKILL, each at one point; the jobs come as JSON on the standard input."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any, NoReturn

from ippanel_sms import AsyncIPPanel
from najva_sms import AsyncNajva
from sepahan_sms import AsyncSepahan
from smscore.queue import AsyncSendQueue
from smscore.queue import sending as sending_module
from smscore.queue.sending import BatchCall, BatchSend

TIMEOUT = 1.0
CLIENTS = {
    "sepahan": (AsyncSepahan, "50003300"),
    "ippanel": (AsyncIPPanel, "+983000505"),
    "najva": (AsyncNajva, "90000123"),
}


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def after(kind: type[Any], name: str) -> None:
    original = getattr(kind, name)

    async def wrapped(self: Any, *args: Any) -> Any:
        await original(self, *args)
        die()

    setattr(kind, name, wrapped)


def before(kind: type[Any], name: str) -> None:
    async def wrapped(self: Any, *args: Any) -> Any:
        die()

    setattr(kind, name, wrapped)


def in_the_middle_of_dispatch() -> None:
    original = sending_module.dispatch.dispatch

    def dispatch(*args: Any) -> Any:
        original(*args)
        die()  # before the commit

    sending_module.dispatch.dispatch = dispatch


def in_the_middle_of_the_end() -> None:
    original = sending_module.finish

    def finish(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        die()  # before the commit

    sending_module.finish = finish


POINTS = {
    "after the claim": lambda: before(BatchSend, "run"),
    "before the dispatch is committed": in_the_middle_of_dispatch,
    "after the dispatch": lambda: after(BatchCall, "dispatch"),
    "after the answer": lambda: before(BatchSend, "_end"),
    "before the end is committed": in_the_middle_of_the_end,
    "after the end": lambda: after(BatchSend, "_end"),
}


async def work(point: str, account: str, provider: str, url: str, database: str, schema: str) -> None:
    POINTS[point]()
    kind, sender = CLIENTS[provider]
    client = kind("token", sender=sender, base_url=url, timeout=TIMEOUT)
    async with AsyncSendQueue(database, {account: client}, schema=schema or None, lease=TIMEOUT) as queue:
        await queue.drain(60, slots=1)


def main() -> None:
    """Fork a worker for each job, and wait until all have died: importing it all once is most of the work."""
    children = []
    for job in json.load(sys.stdin):
        child = os.fork()
        if not child:
            asyncio.run(work(*job))
            os._exit(0)
        children.append(child)
    json.dump([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children], sys.stdout)


if __name__ == "__main__":
    main()
