"""What all blocking clients share: an async client, run in the background loop."""

from __future__ import annotations

import asyncio
import inspect
import ssl as ssl_module
from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, Generic, ParamSpec, Self, TypeVar

from smscore.client import AsyncClient
from smscore.config import (
    DEFAULT_RETRY,
    DEFAULT_TIMEOUTS,
    MAX_CONCURRENCY,
    MAX_CONNECTIONS,
    UNSET,
    RetryPolicy,
    Timeouts,
    Unset,
)
from smscore.errors import ClientClosed, InvalidRequest
from smscore.given import is_iterable, resolved, resolved_items
from smscore.loops import background
from smscore.loops.caller_thread import CallersIterable, CallerThread
from smscore.numbers import is_one_recipient
from smscore.profile import Capability, Capable, Profile
from smscore.results import SendReport
from smscore.sending.outgoing import iterable
from smscore.sending.send_call import OnBatch

A = TypeVar("A", bound=AsyncClient)
P = ParamSpec("P")
R = TypeVar("R")


class BlockingCalls:
    """Runs an async object's methods in the background loop, for a blocking object with the same methods."""

    def _run(self, method: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the async client's method and wait; this thread evaluates lazy texts and calls ``on_batch``."""
        given: Any = map(resolved, args)
        options: Any = {name: resolved(value) for name, value in kwargs.items()}
        if options.get("on_batch") is None:
            return background.run(partial(method, *given, **options))
        caller_thread = CallerThread()
        options["on_batch"] = caller_thread.callback(options["on_batch"])
        return background.run(partial(method, *given, **options), caller_thread)

    def _iterate(
        self,
        method: Callable[..., AsyncGenerator[SendReport, None]],
        items: Any,
        name: str,
        *args: Any,
        on_batch: OnBatch | None,
        **kwargs: Any,
    ) -> Generator[SendReport, None, None]:
        """Iterate over the async client's stream; this thread iterates over the items and calls ``on_batch``."""
        caller_thread = CallerThread()
        given = iterable([items] if is_one_recipient(items) else items, name)
        source: CallersIterable[Any] = CallersIterable(given, caller_thread, resolved_items)
        return Stream(method(source, *args, on_batch=caller_thread.callback(on_batch), **kwargs), caller_thread)

    def _list(
        self, pages: Callable[P, AsyncGenerator[list[R], None]], *args: P.args, **kwargs: P.kwargs
    ) -> Generator[R, None, None]:
        """Iterate over the items of the async client's pages; each wait for the loop brings a whole page."""
        return Items(Stream(pages(*args, **kwargs), CallerThread()))


class BlockingClient(BlockingCalls, Capable, Generic[A]):
    """The blocking face of a provider: every method is the async client's, and waits for it.

    One client may be used by many threads, and after a fork. All blocking clients of a process share one thread,
    which the first call starts.
    """

    profile: ClassVar[Profile]
    _async_class: ClassVar[type[AsyncClient]]

    def __init_subclass__(cls) -> None:
        # A blocking method takes the docstring of its async counterpart, so that they never differ.
        for name, method in vars(cls).items():
            if inspect.isfunction(method) and not method.__doc__:
                method.__doc__ = inspect.getdoc(getattr(cls._async_class, name))

    def __init__(
        self,
        token: str | None = None,
        *,
        sender: str | None = None,
        base_url: str | None = None,
        timeout: Timeouts | float = DEFAULT_TIMEOUTS,
        retry: RetryPolicy = DEFAULT_RETRY,
        max_concurrency: int = MAX_CONCURRENCY,
        max_connections: int = MAX_CONNECTIONS,
        batch_size: int | None = None,
        rate_limit: float | None = None,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | None = None,
        observers: Iterable[object] = (),
    ) -> None:
        background.refuse_gevent()
        self._client: A = self._async_class(  # type: ignore[assignment]  # a subclass sets _async_class to its own A
            token,
            sender=sender,
            base_url=base_url,
            timeout=timeout,
            retry=retry,
            max_concurrency=max_concurrency,
            max_connections=max_connections,
            batch_size=batch_size,
            rate_limit=rate_limit,
            proxy=proxy,
            ssl=ssl,
            observers=observers,
        )

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self.profile.capabilities

    def with_options(
        self,
        *,
        timeout: Timeouts | float | Unset = UNSET,
        retry: RetryPolicy | Unset = UNSET,
        sender: str | Unset | None = UNSET,
        rate_limit: float | Unset | None = UNSET,
    ) -> Self:
        copy = object.__new__(type(self))
        copy._client = self._client.with_options(timeout=timeout, retry=retry, sender=sender, rate_limit=rate_limit)
        return copy

    def check(self) -> None:
        self._client.check()

    def connect(self) -> None:
        self._run(self._client.connect)

    def close(self) -> None:
        """Close the client's connections. Closing twice is fine.

        Calls of other threads end at once, each with its report: what was in flight is ``UNKNOWN``, the rest
        ``NOT_SENT``.
        """
        if background.running() is not None:
            background.run(self._client.aclose)
        else:
            self._client._caller.transport.close_unused()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __reduce__(self) -> str:
        return self._client.__reduce__()

    def __repr__(self) -> str:
        client: A | None = getattr(self, "_client", None)
        return repr(client).removeprefix("Async") if client else f"{type(self).__name__}()"


# The docstrings of these too are the async client's.
for _name in ("__init__", "capabilities", "with_options", "check", "connect"):
    getattr(BlockingClient, _name).__doc__ = inspect.getdoc(getattr(AsyncClient, _name))


class DroppableGenerator(Generator[R, None, None]):
    """A generator that can be dropped anywhere.

    Python would close one of a generator function wherever the garbage collector happens to run, even in the middle of
    a logging handler, where it must not wait.
    """

    @abstractmethod
    def __next__(self) -> R: ...

    def send(self, value: None, /) -> R:
        """The next item; nothing can be sent."""
        return next(self)

    def throw(self, kind: Any, error: Any = None, _: TracebackType | None = None, /) -> R:
        """Close, and raise this error."""
        self.close()
        raise kind if error is None else error


class Stream(DroppableGenerator[R]):
    """The items of an async stream, one at a time. ``close``, or leaving it, cancels what is in flight."""

    def __init__(self, stream: AsyncGenerator[R, None], caller_thread: CallerThread) -> None:
        self._stream = _OneAtATime(stream)
        self._caller_thread = caller_thread
        self._runner: background.LoopRunner | None = None
        self._is_reading = self._is_over = False

    def __next__(self) -> R:
        if self._is_over:
            raise StopIteration
        if self._is_reading:
            raise InvalidRequest("Another thread is reading this stream. Read it from one thread at a time.")
        self._is_reading = True
        try:
            item = background.run_at(self._open_runner(), self._stream.next_or_none, self._caller_thread)
        except BaseException:
            self._is_reading = False
            self.close()
            raise
        self._is_reading = False
        if item is None:
            self.close()
            raise StopIteration
        return item

    def _open_runner(self) -> background.LoopRunner:
        if self._runner is None:
            self._runner = background.runner()
        elif not self._runner.is_open():
            raise ClientClosed("The stream belongs to the parent process. Begin a new one after the fork.")
        return self._runner

    def close(self) -> None:
        """Cancel what is in flight, and wait for its end. Closing twice is fine."""
        self._is_over = True
        runner, self._runner = self._runner, None
        # At exit the stream has ended with its loop; in a forked child it belongs to the parent.
        if runner is None or not runner.is_open():
            return
        try:
            if self._is_reading or runner.is_here():
                runner.begin(self._stream.aclose)
            else:
                runner.run(self._stream.aclose, CallerThread())
        finally:
            self._caller_thread.leave()
            runner.close()

    def __del__(self) -> None:
        # The loop closes the dropped stream itself: asyncio finalizes async generators that nobody references.
        if self._runner is not None:
            if self._runner.is_open():
                self._runner.begin(self._caller_thread.leave_in_loop)
            self._runner.close()


class Items(DroppableGenerator[R]):
    """The items of a stream of lists, one at a time. ``close`` closes the stream."""

    def __init__(self, pages: Stream[list[R]]) -> None:
        self._pages = pages
        self._page: Iterator[R] = iter(())

    def __next__(self) -> R:
        while True:
            for item in self._page:
                return item
            self._page = iter(next(self._pages))

    def close(self) -> None:
        """Request no further page. Closing twice is fine."""
        self._page = iter(())
        self._pages.close()


class _OneAtATime(Generic[R]):
    """An async generator whose ``aclose`` waits for an item in progress, which Ctrl-C may have left behind."""

    def __init__(self, stream: AsyncGenerator[R, None]) -> None:
        self._stream = stream
        self._turn = asyncio.Lock()

    async def next_or_none(self) -> R | None:
        async with self._turn:
            return await anext(self._stream, None)

    async def aclose(self) -> None:
        async with self._turn:
            await self._stream.aclose()


def materialised(items: Any) -> Any:
    """An iterable as a list, made in the caller's thread, where its database connection is; anything else as it is."""
    if is_one_recipient(items) or not is_iterable(items):
        return items
    return resolved_items([*items])
