"""The async face of the queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import asynccontextmanager
from typing import Self, Unpack

from smscore.config import checked_limit
from smscore.failover import Pattern
from smscore.loops.threads import in_thread
from smscore.numbers import Recipient
from smscore.queue import arguments, schema
from smscore.queue.account_calls import AccountCalls
from smscore.queue.accounts import checked_lease, senders_of
from smscore.queue.calls import StoreCalls
from smscore.queue.campaign_calls import CampaignCalls
from smscore.queue.databases.base import Database
from smscore.queue.databases.urls import database_of
from smscore.queue.enqueueing import Enqueued, Enqueuing
from smscore.queue.loading import Loading
from smscore.queue.model import Campaign
from smscore.queue.options import EnqueueOptions, checked_options, shows_options
from smscore.queue.senders import AnyClient
from smscore.queue.worker import RunningWorker, Worker, usable
from smscore.sending.one_recipient import PatternValue
from smscore.sending.outgoing import AnyMessage, Messages, Recipients
from smscore.text import Text

__all__ = ["AsyncSendQueue"]


class AsyncSendQueue(CampaignCalls, AccountCalls):
    """Sends that outlive the process, from asyncio: a database holds them, and any number of workers send them.

    ``database`` is ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``postgresql://…``; ``accounts`` maps names
    of yours to async clients or ``AsyncFailover``, which the queue closes. ``schema`` is that of its tables in
    PostgreSQL. ``lease`` is for how many seconds a worker's batch is left alone (None: the longest total timeout of the
    clients and a margin).

    Whatever is killed, and however often a job is delivered: nobody is sent to twice, nobody is lost, and what may have
    gone is ``UNKNOWN``. Opens nothing until it is used, and may be used after a fork. Raises ``ConfigurationError``.
    """

    def __init__(
        self,
        database: str | Database,
        accounts: Mapping[str, AnyClient],
        *,
        schema: str | None = None,
        lease: float | None = None,
    ) -> None:
        self._senders = senders_of(accounts)
        self._lease = checked_lease(lease, self._senders)
        self._calls = StoreCalls(database_of(database, schema=schema, lease=self._lease))
        self._workers: set[Worker] = set()
        self._running: set[RunningWorker] = set()

    @property
    def _database(self) -> Database:
        return self._calls.database

    async def create(self) -> None:
        """Make the queue's tables, or upgrade them; with SQLite that happens by itself.

        Raises ``ConfigurationError`` for tables of a newer Payamak.
        """
        await in_thread(schema.create, self._database)

    async def _require(self) -> None:
        """Raise ``ConfigurationError`` where there is no queue, and make none."""
        await in_thread(schema.require, self._database)

    async def aclose(self) -> None:
        """Close the clients and the database's connections. Closing twice is fine."""
        for sender in self._senders.values():
            await sender.client.aclose()
        await in_thread(self._database.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._database.dialect.name}, accounts={[*self._senders]})"

    # Enqueueing

    @shows_options
    async def enqueue(
        self,
        account: str,
        to: Recipients | AsyncIterable[Recipient],
        text: Text,
        **options: Unpack[EnqueueOptions],
    ) -> Campaign:
        """The campaign that sends one text to these recipients, once its recipients are in the database.

        ``to`` is one recipient, or an iterable or async iterable of any length, read a part at a time. ``key`` is
        yours, and unique in the database: the same key with the same content gives the campaign that is there.
        ``not_before`` and ``expires`` are seconds from now or aware datetimes: nothing begins before, or after.
        ``window`` has the hours in which it may begin. A higher ``priority`` goes first. With ``skip_bad`` a bad number
        becomes a ``NOT_SENT`` result.

        Raises ``InvalidNumber``, which names every bad number, and ``InvalidRequest``; then there is no campaign.
        """
        return await self._load(self._enqueuing(account, options).text(to, text))

    @shows_options
    async def enqueue_p2p(
        self,
        account: str,
        messages: Messages | AsyncIterable[AnyMessage],
        **options: Unpack[EnqueueOptions],
    ) -> Campaign:
        """The campaign that sends each recipient their own text.

        ``messages`` are ``smscore.Message`` or (recipient, text) pairs; a ``ref`` must be JSON, and comes back on the
        result. The rest is as in :meth:`enqueue`.
        """
        return await self._load(self._enqueuing(account, options).p2p(messages))

    @shows_options
    async def enqueue_pattern(
        self,
        account: str,
        to: Recipients | AsyncIterable[Recipient],
        code: str | Pattern,
        params: Mapping[str, PatternValue],
        **options: Unpack[EnqueueOptions],
    ) -> Campaign:
        """The campaign that sends an approved pattern, as for one-time codes, in a request of its own to each.

        ``code`` is the pattern's code or name at the provider, or for a failover a ``smscore.Pattern``; ``params`` are
        the values of its variables. The rest is as in :meth:`enqueue`. Give ``expires``: an old code helps nobody.
        """
        return await self._load(self._enqueuing(account, options).pattern(to, code, params))

    def _enqueuing(self, account: str, options: EnqueueOptions) -> Enqueuing:
        return Enqueuing(account, self._sender(account), checked_options(options))

    async def _load(self, given: Enqueued) -> Campaign:
        campaign = await Loading(self._calls, self._lease, given.new, given.batcher).run(given.items)
        self._wake()
        return campaign

    # Sending

    @asynccontextmanager
    async def worker(self, slots: int = 8) -> AsyncGenerator[RunningWorker, None]:
        """A worker beside the block, with ``slots`` batches in flight; at the block's end it ends what is under way."""
        running = await self._started(slots)
        try:
            yield running
        finally:
            await self._stopped(running)

    async def _started(self, slots: int, *, ahead: int = 0) -> RunningWorker:
        worker = self._worker(slots)
        worker.ahead = ahead
        running = RunningWorker(worker, asyncio.create_task(self._run(worker, None)))
        self._running.add(running)
        return running

    async def _stopped(self, running: RunningWorker) -> None:
        self._running.discard(running)
        await running.stop()

    def _check_workers(self) -> None:
        for running in self._running:
            running.check()

    async def run(self, slots: int = 8) -> None:
        """Send until cancelled, or with the blocking queue until Ctrl-C; then end what is under way, and no more."""
        await self._run(self._worker(slots), None)

    async def drain(self, seconds: float, *, slots: int = 8) -> int:
        """Send for so many seconds, end what is under way, and return how many batches ended."""
        return await self._run(self._worker(slots), arguments.checked_seconds(seconds, "seconds"))

    def _worker(self, slots: int) -> Worker:
        return Worker(self._calls, usable(self._senders), self._lease, checked_limit("slots", slots))

    async def _run(self, worker: Worker, seconds: float | None) -> int:
        self._workers.add(worker)
        try:
            await worker.run(seconds)
        finally:
            self._workers.discard(worker)
        return worker.ended

    def _wake(self) -> None:
        for worker in [*self._workers]:
            worker.notify()
