"""Work on the items of a source, several at once, and hand on each result as it comes."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from itertools import islice
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def as_finished(
    source: AsyncIterator[T], work: Callable[[T], Awaitable[R]], limit: int
) -> AsyncGenerator[R, None]:
    """The results of at most ``limit`` pieces of work at a time, in the order they end.

    The source is asked for its next item only when there is room for it. If it fails, what is under way still
    ends and is handed on first. Closing the generator, or a cancel, cancels what is under way.
    """
    running: set[asyncio.Task[R]] = set()
    pull: asyncio.Task[tuple[T] | None] | None = None
    failure: Exception | None = None
    exhausted = False
    try:
        while True:
            if pull is None and not exhausted and len(running) < limit:
                pull = asyncio.create_task(_next(source))
            waited = [*running] if pull is None else [*running, pull]
            if not waited:
                break
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task.done()]:
                running.discard(task)
                yield task.result()
            if pull is not None and pull.done():
                try:
                    item = pull.result()
                except Exception as error:
                    item, failure = None, error
                pull = None
                if item is None:
                    exhausted = True
                else:
                    running.add(asyncio.ensure_future(work(item[0])))
        if failure is not None:
            raise failure
    finally:
        await _cancelled([*running] if pull is None else [*running, pull])


async def _next(source: AsyncIterator[T]) -> tuple[T] | None:
    async for item in source:
        return (item,)
    return None


async def _cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def each(items: Iterable[T]) -> AsyncGenerator[T, None]:
    """A plain iterable as an async one."""
    for item in items:
        yield item


class SliceSource(ABC, Generic[T]):
    """A source that hands out its items in lists."""

    @abstractmethod
    async def take(self, size: int) -> list[T]:
        """The next items, at most so many; none at the end."""


async def slices(items: Iterable[T] | AsyncIterable[T] | SliceSource[T], size: int) -> AsyncGenerator[list[T], None]:
    """Any source in lists of ``size``; the last may be shorter."""
    if isinstance(items, SliceSource):
        while piece := await items.take(size):
            yield piece
        return
    if not isinstance(items, AsyncIterable):
        source = iter(items)
        while piece := list(islice(source, size)):
            yield piece
        return
    gathered: list[T] = []
    async for item in items:
        gathered.append(item)
        if len(gathered) == size:
            yield gathered
            gathered = []
    if gathered:
        yield gathered
