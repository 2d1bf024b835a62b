"""A worker that is killed at each point of a batch's life: nobody twice, nobody lost, what may have gone unknown."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crash_matrix import MATRIX, End
from recipients import numbers

from smscore.sandbox import Sandbox

from .conftest import PROVIDERS, TEXT, Place, sent_to
from .crash_child import TIMEOUT

CHILD = Path(__file__).with_name("crash_child.py")
CASES = [(point, kind) for point in MATRIX for kind in PROVIDERS]


async def test_a_worker_that_dies_loses_nobody_and_sends_to_nobody_twice(
    place: Place, box: Sandbox, client: Callable[..., Any], new_queue: Callable[..., Any]
):
    accounts = {f"{point}, {PROVIDERS[kind]}": client(kind, timeout=TIMEOUT) for point, kind in CASES}
    queue = await new_queue(place, lease=TIMEOUT, **accounts)
    campaigns = {
        name: await queue.enqueue(name, numbers(5, start=place * 5), TEXT) for place, name in enumerate(accounts)
    }
    jobs = [
        (point, name, PROVIDERS[kind], box.url(PROVIDERS[kind]), place.url, place.schema or "")
        for name, (point, kind) in zip(accounts, CASES, strict=True)
    ]
    assert await killed(jobs) == [-signal.SIGKILL] * len(jobs)
    async with queue.worker(slots=4):
        for campaign in campaigns.values():
            await queue.wait(campaign, timeout=60)
    found = {name: await what_became_of(queue, campaign, box) for name, campaign in campaigns.items()}
    assert found == {f"{point}, {PROVIDERS[kind]}": {MATRIX[point][PROVIDERS[kind]]} for point, kind in CASES}


async def killed(jobs: list[Any]) -> list[int]:
    """The exit codes of workers that do these jobs."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, CHILD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await child.communicate(json.dumps(jobs).encode())
    return json.loads(output)


async def what_became_of(queue: Any, campaign: Any, box: Sandbox) -> set[End]:
    times = sent_to(box)
    results = [result async for result in queue.results(campaign)]
    assert len(results) == 5
    return {End(one.outcome, one.message_id is not None, times[one.recipient]) for one in results}
