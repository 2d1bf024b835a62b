"""The blocking face of the queue, for scripts and Django views."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ParamSpec, Self, TypeVar, Unpack, cast

from smscore.blocking import BlockingClient, DroppableGenerator, Items, Stream
from smscore.client import AsyncClient
from smscore.errors import ConfigurationError
from smscore.failover import Failover, Pattern
from smscore.given import resolved, resolved_items
from smscore.loops import background
from smscore.loops.caller_thread import CallersIterable, CallerThread
from smscore.numbers import Recipient, is_one_recipient
from smscore.outcomes import Outcome
from smscore.queue.accounts import checked_accounts
from smscore.queue.databases.base import Database
from smscore.queue.model import Account, Campaign, CampaignState, Counts, QueueResult, StoredMessage
from smscore.queue.options import EnqueueOptions, shows_options
from smscore.queue.queue import AsyncSendQueue
from smscore.queue.senders import AnyClient
from smscore.queue.worker import RunningWorker
from smscore.sending.one_recipient import PatternValue
from smscore.sending.outgoing import Messages, Recipients, iterable
from smscore.text import Text
from smscore.tracking.tracker import WebhookReport

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["SendQueue"]


class SendQueue:
    """Sends that outlive the process: every method is the async queue's, and waits for it.

    ``accounts`` maps names of yours to blocking clients or ``Failover``. The rest is as in ``AsyncSendQueue``. One
    queue may be used by many threads, and after a fork.
    """

    def __init_subclass__(cls) -> None:
        raise TypeError("SendQueue cannot be subclassed. Wrap it instead.")

    def __init__(
        self,
        database: str | Database,
        accounts: Mapping[str, BlockingClient[Any] | Failover],
        *,
        schema: str | None = None,
        lease: float | None = None,
    ) -> None:
        background.refuse_gevent()
        given = checked_accounts(accounts)
        clients = {name: _async_client(name, client) for name, client in given.items()}
        self._queue = AsyncSendQueue(database, clients, schema=schema, lease=lease)

    def create(self) -> None:
        self._run(self._queue.create)

    def close(self) -> None:
        """Close the clients and the database's connections. Closing twice is fine."""
        self._run(self._queue.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._queue).removeprefix("Async")

    # Enqueueing

    @shows_options
    def enqueue(self, account: str, to: Recipients, text: Text, **options: Unpack[EnqueueOptions]) -> Campaign:
        return self._load(self._queue.enqueue, account, to, "to", text, **options)

    @shows_options
    def enqueue_p2p(self, account: str, messages: Messages, **options: Unpack[EnqueueOptions]) -> Campaign:
        return self._load(self._queue.enqueue_p2p, account, messages, "messages", **options)

    @shows_options
    def enqueue_pattern(
        self,
        account: str,
        to: Recipients,
        code: str | Pattern,
        params: Mapping[str, PatternValue],
        **options: Unpack[EnqueueOptions],
    ) -> Campaign:
        return self._load(self._queue.enqueue_pattern, account, to, "to", code, params, **options)

    # Reading

    def campaign(self, key: str) -> Campaign | None:
        return self._run(self._queue.campaign, key)

    def campaigns(self, *, state: CampaignState | str | None = None) -> Iterator[Campaign]:
        return Stream(self._queue._campaigns(state), CallerThread())

    def counts(self, campaign: Campaign | int) -> Counts:
        return self._run(self._queue.counts, campaign)

    def results(self, campaign: Campaign | int, *, outcome: Outcome | None = None) -> DroppableGenerator[QueueResult]:
        return Items(Stream(self._queue._result_pages(campaign, outcome), CallerThread()))

    def wait(self, campaign: Campaign | int, timeout: float | None = None) -> Campaign:
        return self._run(self._queue.wait, campaign, timeout)

    # Stopping and going on

    def pause(self, campaign: Campaign | int, reason: str = "paused manually") -> Campaign:
        return self._run(self._queue.pause, campaign, reason)

    def resume(self, campaign: Campaign | int) -> Campaign:
        return self._run(self._queue.resume, campaign)

    def cancel(self, campaign: Campaign | int) -> Campaign:
        return self._run(self._queue.cancel, campaign)

    def hold(self, account: str, until: object = None, reason: str = "held manually") -> Account:
        return self._run(self._queue.hold, account, until, reason)

    def release(self, account: str) -> Account:
        return self._run(self._queue.release, account)

    def account(self, name: str) -> Account:
        return self._run(self._queue.account, name)

    def suppress(self, numbers: Recipients) -> None:
        self._run(self._queue.suppress, numbers)

    def unsuppress(self, numbers: Recipients) -> None:
        self._run(self._queue.unsuppress, numbers)

    def suppressed(self, number: Recipient) -> bool:
        return self._run(self._queue.suppressed, number)

    # Afterwards

    def record(self, account: str, report: WebhookReport) -> None:
        self._run(self._queue.record, account, report)

    def track(self, account: str) -> int:
        return self._run(self._queue.track, account)

    def receive(self, account: str) -> int:
        return self._run(self._queue.receive, account)

    def inbound(self, account: str, *, after: int | None = None) -> Iterator[StoredMessage]:
        return Items(Stream(self._queue._inbound_pages(account, after), CallerThread()))

    def prune(self, older_than: dt.timedelta) -> int:
        return self._run(self._queue.prune, older_than)

    # Sending

    @contextmanager
    def worker(self, slots: int = 8) -> Generator[RunningWorker, None, None]:
        """A worker beside the block, with ``slots`` batches in flight; at the block's end it ends what is under way."""
        running = self._run(self._queue._started, slots)
        try:
            yield running
        finally:
            self._run(self._queue._stopped, running)

    def run(self, slots: int = 8) -> None:
        with self.worker(slots) as running:
            self._run(running.ended)

    def drain(self, seconds: float, *, slots: int = 8) -> int:
        return self._run(self._queue.drain, seconds, slots=slots)

    # How

    def _run(self, method: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R:
        given: Any = map(resolved, args)
        return background.run(partial(method, *given, **kwargs))

    def _load(
        self,
        method: Callable[..., Coroutine[Any, Any, R]],
        account: str,
        items: Any,
        name: str,
        *args: Any,
        **kwargs: Any,
    ) -> R:
        """Load, where this thread iterates over the items."""
        caller_thread = CallerThread()
        given = iterable([items] if is_one_recipient(items) else items, name)
        source: CallersIterable[Any] = CallersIterable(given, caller_thread, resolved_items)
        return background.run(partial(method, account, source, *map(resolved, args), **kwargs), caller_thread)


def _async_client(name: str, client: object) -> AnyClient:
    if isinstance(client, Failover):
        return client._failover
    if not isinstance(client, BlockingClient):
        raise ConfigurationError(
            f"The account {name} has a {type(client).__name__}. Give SendQueue blocking clients, and AsyncSendQueue "
            "async ones."
        )
    inner: AsyncClient = cast("BlockingClient[AsyncClient]", client)._client
    return inner


# The docstrings are the async queue's.
for _name, _method in vars(SendQueue).items():
    if inspect.isfunction(_method) and not _method.__doc__ and not _name.startswith("_"):
        _method.__doc__ = inspect.getdoc(getattr(AsyncSendQueue, _name))
