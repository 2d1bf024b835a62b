"""Work on the items of a source, several at once, and hand on each result as it comes."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable
from itertools import islice
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class AsFinished(Generic[T, R]):
    """The results of at most ``limit`` pieces of work at a time, in the order they end.

    The source is asked for its next item only when there is room for it. If it fails, what is under way still
    ends and is handed on first. ``aclose`` cancels what is under way. It is no async generator, since an event
    loop that ends closes all of those at once, and one inside another cannot be closed twice.
    """

    def __init__(self, source: AsyncIterator[T], work: Callable[[T], Coroutine[Any, Any, R]], limit: int) -> None:
        self._source = source
        self._work = work
        self._limit = limit
        self._running: set[asyncio.Task[R]] = set()
        self._ended: deque[asyncio.Task[R]] = deque()
        self._pull: asyncio.Task[tuple[T] | None] | None = None
        self._exhausted = False
        self._failure: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        while not self._ended:
            if self._pull is None and not self._exhausted and len(self._running) < self._limit:
                self._pull = asyncio.create_task(_next(self._source))
            if not self._under_way():
                failure, self._failure = self._failure, None
                raise failure or StopAsyncIteration
            await asyncio.wait(self._under_way(), return_when=asyncio.FIRST_COMPLETED)
            self._take_ended()
            self._take_pulled()
        return self._ended.popleft().result()

    async def aclose(self) -> None:
        """Cancel what is under way, and return when it has ended."""
        self._exhausted = True
        tasks = self._under_way()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._ended, return_exceptions=True)

    def _under_way(self) -> list[asyncio.Task[Any]]:
        return [*self._running] if self._pull is None else [*self._running, self._pull]

    def _take_ended(self) -> None:
        ended = [task for task in self._running if task.done()]
        self._running.difference_update(ended)
        self._ended.extend(ended)

    def _take_pulled(self) -> None:
        if self._pull is None or not self._pull.done():
            return
        pull, self._pull = self._pull, None
        try:
            item = pull.result()
        except Exception as error:
            item, self._failure = None, error
        if item is None:
            self._exhausted = True
        else:
            self._running.add(asyncio.create_task(self._work(item[0])))


async def _next(source: AsyncIterator[T]) -> tuple[T] | None:
    async for item in source:
        return (item,)
    return None


class Each(AsyncIterator[T]):
    """A plain iterable as an async one; no async generator, since one left in the middle would have to be closed."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)

    async def __anext__(self) -> T:
        for item in self._items:
            return item
        raise StopAsyncIteration


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
