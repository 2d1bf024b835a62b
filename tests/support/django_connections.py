"""How many connections to PostgreSQL a site holds, while something runs and after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

_COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"


def connections(conninfo: str, name: str) -> int:
    """How many connections of this application there are now."""
    with psycopg.connect(conninfo, autocommit=True) as own:
        row = own.execute(_COUNT, [name]).fetchone()
    assert row is not None
    return int(row[0])


@asynccontextmanager
async def sampled(conninfo: str, name: str) -> AsyncIterator[list[int]]:
    """A list of how many connections of this application there were, at each look while the block runs."""
    seen: list[int] = []

    async def look() -> None:
        async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as own:
            while True:
                row = await (await own.execute(_COUNT, [name])).fetchone()
                assert row is not None
                seen.append(int(row[0]))
                await asyncio.sleep(0.05)

    task = asyncio.create_task(look())
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
