"""What all blocking clients share: an async client, run in the background loop."""

from __future__ import annotations

import asyncio
import inspect
import ssl as ssl_module
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable
from contextlib import closing
from functools import partial
from typing import Any, ClassVar, Generic, ParamSpec, Self, TypeVar

from smscore.client import AsyncClient
from smscore.config import DEFAULT_RETRY, DEFAULT_TIMEOUTS, MAX_CONCURRENCY, UNSET, RetryPolicy, Timeouts, Unset
from smscore.errors import ClientClosed
from smscore.loops import background
from smscore.loops.background import CallersIterable, Desk
from smscore.results import SendReport
from smscore.sending.delivery import OnBatch
from smscore.sending.outgoing import iterable

A = TypeVar("A", bound=AsyncClient)
P = ParamSpec("P")
R = TypeVar("R")


class BlockingClient(Generic[A]):
    """The blocking face of a provider: every method is the async client's, and waits for it.

    One client may be used by many threads, and after a fork. All blocking clients of a process share one thread,
    which the first call starts.
    """

    _kind: ClassVar[type[AsyncClient]]

    def __init_subclass__(cls) -> None:
        # A blocking method says what its async one says; one place keeps them alike.
        for name, method in vars(cls).items():
            if inspect.isfunction(method) and not method.__doc__:
                method.__doc__ = inspect.getdoc(getattr(cls._kind, name))

    def __init__(
        self,
        token: str | None = None,
        *,
        sender: str | None = None,
        base_url: str | None = None,
        timeout: Timeouts | float = DEFAULT_TIMEOUTS,
        retry: RetryPolicy = DEFAULT_RETRY,
        max_concurrency: int = MAX_CONCURRENCY,
        batch_size: int | None = None,
        rate_limit: float | None = None,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        background.refuse_gevent()
        self._client: A = self._kind(  # type: ignore[assignment]  # a subclass sets _kind to its own A
            token,
            sender=sender,
            base_url=base_url,
            timeout=timeout,
            retry=retry,
            max_concurrency=max_concurrency,
            batch_size=batch_size,
            rate_limit=rate_limit,
            proxy=proxy,
            ssl=ssl,
        )

    def with_options(
        self,
        *,
        timeout: Timeouts | float | Unset = UNSET,
        retry: RetryPolicy | Unset = UNSET,
        sender: str | Unset | None = UNSET,
        rate_limit: float | Unset | None = UNSET,
    ) -> Self:
        twin = object.__new__(type(self))
        twin._client = self._client.with_options(timeout=timeout, retry=retry, sender=sender, rate_limit=rate_limit)
        return twin

    def check(self) -> None:
        self._client.check()

    def connect(self) -> None:
        self._run(self._client.connect)

    def close(self) -> None:
        """Close the client's connections. Closing twice is fine."""
        if background.running() is not None:
            background.run(self._client.aclose)
        else:
            self._client._exchanger.transport.close_unused()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __reduce__(self) -> str:
        return self._client.__reduce__()

    def __repr__(self) -> str:
        client: A | None = getattr(self, "_client", None)
        return repr(client).removeprefix("Async") if client else f"{type(self).__name__}()"

    def _run(self, method: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """The async client's method, waited for; its ``on_batch`` is called in this thread."""
        if kwargs.get("on_batch") is None:
            return background.run(partial(method, *args, **kwargs))
        desk = Desk()
        kwargs["on_batch"] = desk.callback(kwargs["on_batch"])  # type: ignore[arg-type]  # ParamSpec has no keys
        return background.run(partial(method, *args, **kwargs), desk)

    def _iterate(
        self,
        method: Callable[..., AsyncGenerator[SendReport, None]],
        items: Any,
        name: str,
        *args: Any,
        on_batch: OnBatch | None,
        **kwargs: Any,
    ) -> Generator[SendReport, None, None]:
        """The async client's stream; the items are gone through, and ``on_batch`` is called, in this thread."""
        desk = Desk()
        source: CallersIterable[Any] = CallersIterable(
            iterable([items] if isinstance(items, (str, int)) else items, name), desk
        )
        return _each(method(source, *args, on_batch=desk.callback(on_batch), **kwargs), desk)

    def _list(
        self, pages: Callable[P, AsyncGenerator[list[R], None]], *args: P.args, **kwargs: P.kwargs
    ) -> Generator[R, None, None]:
        """The items of the async client's pages; the loop is asked for a whole page at a time."""
        return _items(_each(pages(*args, **kwargs), Desk()))


# What the faces share is told in one place, as are the methods of the subclasses.
for _name in ("__init__", "with_options", "check", "connect"):
    getattr(BlockingClient, _name).__doc__ = inspect.getdoc(getattr(AsyncClient, _name))


def _items(pages: Generator[list[R], None, None]) -> Generator[R, None, None]:
    with closing(pages):
        for items in pages:
            yield from items


def _each(stream: AsyncGenerator[R, None], desk: Desk) -> Generator[R, None, None]:
    # After Ctrl-C the stream may still be at work when it is to be closed: one after the other.
    one_at_a_time = asyncio.Lock()
    home: background.BackgroundLoop | None = None

    async def following() -> R | None:
        nonlocal home
        home = home or background.running()
        async with one_at_a_time:
            return await anext(stream, None)

    async def close() -> None:
        async with one_at_a_time:
            await stream.aclose()

    try:
        while (item := background.run(following, desk)) is not None:
            yield item
            if home is not background.running():
                raise ClientClosed("The stream belongs to the process that began it, and ended there.")
    finally:
        # At the end of the process the stream has ended with its loop, and in a forked child it is the parent's.
        if home is not None and home is background.running():
            background.finish(home, close)


def materialised(items: Any) -> Any:
    """What an iterable yields, as a list made in the caller's thread, where its database connection is."""
    return items if isinstance(items, (str, bytes, bytearray)) or not isinstance(items, Iterable) else [*items]
