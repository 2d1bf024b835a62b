"""The async face of the queue."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Final, Self, Unpack

from smscore.config import checked_limit
from smscore.errors import InvalidRequest
from smscore.failover import Pattern
from smscore.loops.threads import in_thread
from smscore.numbers import Recipient
from smscore.queue import arguments, schema
from smscore.queue.accounts import checked_lease, senders_of
from smscore.queue.calls import StoreCalls
from smscore.queue.campaigns import CampaignCalls
from smscore.queue.databases.base import Database, Transaction
from smscore.queue.databases.urls import database_of
from smscore.queue.enqueueing import Enqueued, Enqueuing
from smscore.queue.loading import Loading
from smscore.queue.model import Account, Campaign, StoredMessage
from smscore.queue.options import CampaignOptions, EnqueueOptions, shows_options
from smscore.queue.senders import AnyClient, Sender
from smscore.queue.store import accounts as account_store
from smscore.queue.store import inbound, pruning, reports, suppression
from smscore.queue.store.reports import Report
from smscore.queue.tracking import Tracking
from smscore.queue.worker import RunningWorker, Worker
from smscore.sending.one_recipient import PatternValue
from smscore.sending.outgoing import AnyMessage, Messages, Recipients, checked_numbers
from smscore.statuses import is_id
from smscore.text import Text
from smscore.tracking.tracker import WebhookReport

__all__ = ["AsyncSendQueue"]

_PAGE: Final = 100


class AsyncSendQueue(CampaignCalls):
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
        return Enqueuing(account, self._sender(account), CampaignOptions(**options))

    def _sender(self, account: str) -> Sender:
        try:
            return self._senders[account]
        except (KeyError, TypeError):
            raise InvalidRequest(
                f"Unknown account. This queue has {', '.join(self._senders) or 'none'}; give it the account's client."
            ) from None

    async def _load(self, given: Enqueued) -> Campaign:
        campaign = await Loading(self._calls, self._lease, given.new, given.batcher).run(given.items)
        self._wake()
        return campaign

    # Accounts and people

    async def hold(self, account: str, until: object = None, reason: str = "held manually") -> Account:
        """The account, whose sends stand still: ``until`` seconds from now or an aware datetime, or a release."""
        wanted = arguments.moment(until, "until")
        await self._calls.write(_hold, account, wanted, reason)
        return await self.account(account)

    async def release(self, account: str) -> Account:
        """The account, which sends again."""
        await self._calls.write(account_store.release, account)
        self._wake()
        return await self.account(account)

    async def account(self, name: str) -> Account:
        """Whether an account's sends stand still, until when, and why."""
        return await self._calls.read(account_store.read, name)

    async def suppress(self, numbers: Recipients) -> None:
        """Send nothing to these numbers from now on. Raises ``InvalidNumber``."""
        await self._calls.write(suppression.add, checked_numbers(numbers))

    async def unsuppress(self, numbers: Recipients) -> None:
        """Send to these numbers again. Raises ``InvalidNumber``."""
        await self._calls.write(suppression.remove, checked_numbers(numbers))

    async def suppressed(self, number: Recipient) -> bool:
        """Whether nothing is sent to this number. Raises ``InvalidNumber``."""
        return bool((await self._calls.read(suppression.places_of, checked_numbers(number)))[0])

    # Afterwards

    async def record(self, account: str, report: WebhookReport) -> None:
        """Store what a provider reported to your webhook, as ``parse_webhook`` gives it: one insert, at any time.

        A worker brings it to its message, also one that comes before the send's own answer, late or twice. Raises
        ``InvalidRequest`` for a report without a message id.
        """
        if not is_id(report.message_id):
            raise InvalidRequest("The report has no message id, and cannot be matched to a message.")
        await self._calls.write(reports.add, [Report(account, report.message_id, report.status)])

    async def track(self, account: str) -> int:
        """Ask once for the deliveries of this account's messages that are due, and return how many have changed.

        Call it every few seconds, or every few minutes: a message is asked about after 5 seconds, and then less and
        less often, up to 7 days.
        """
        return len(await self._tracking(account).round())

    async def receive(self, account: str) -> int:
        """Store what people sent to this account's lines, and return how many messages were new.

        Each is stored before it is marked as read, so that none is lost. Raises what the provider answers.
        """
        return await self._tracking(account).receive()

    async def inbound(self, account: str, *, after: int | None = None) -> AsyncIterator[StoredMessage]:
        """The stored inbound messages of an account, oldest first; those after the ``id`` of one, or all."""
        async with aclosing(self._inbound_pages(account, after)) as pages:
            async for page in pages:
                for message in page:
                    yield message

    async def _inbound_pages(self, account: str, after: int | None) -> AsyncGenerator[list[StoredMessage], None]:
        last = 0 if after is None else after
        while page := await self._calls.read(inbound.page, account, last, _PAGE):
            yield page
            last = page[-1].id

    async def prune(self, older_than: dt.timedelta) -> int:
        """Remove the numbers and texts of campaigns that ended so long ago, and return of how many campaigns.

        Counts and keys stay, so that a key that is given again still sends nothing; so does the list of suppressed
        numbers. Inbound messages of that age are removed.
        """
        if not isinstance(older_than, dt.timedelta) or older_than < dt.timedelta(0):
            raise InvalidRequest("older_than must be a datetime.timedelta ≥ 0, such as timedelta(days=90).")
        seconds = older_than.total_seconds()
        ids = await self._calls.write(_ended_before, seconds)
        for id_ in ids:
            while await self._calls.write(pruning.prune_batches, id_):
                pass
            await self._calls.write(pruning.prune_campaign, id_)
        return len(ids)

    def _tracking(self, account: str) -> Tracking:
        return Tracking(self._calls, account, self._sender(account), self._lease)

    # Sending

    @asynccontextmanager
    async def worker(self, slots: int = 8) -> AsyncGenerator[RunningWorker, None]:
        """A worker beside the block, with ``slots`` batches in flight; at the block's end it ends what is under way."""
        running = await self._started(slots)
        try:
            yield running
        finally:
            await running.stop()

    async def _started(self, slots: int, *, ahead: int = 0) -> RunningWorker:
        worker = self._worker(slots)
        worker.ahead = ahead
        return RunningWorker(worker, asyncio.create_task(self._run(worker, None)))

    async def run(self, slots: int = 8) -> None:
        """Send until cancelled, or with the blocking queue until Ctrl-C; then end what is under way, and no more."""
        await self._run(self._worker(slots), None)

    async def drain(self, seconds: float, *, slots: int = 8) -> int:
        """Send for so many seconds, end what is under way, and return how many batches ended."""
        return await self._run(self._worker(slots), arguments.checked_seconds(seconds, "seconds"))

    def _worker(self, slots: int) -> Worker:
        return Worker(self._calls, self._senders, self._lease, checked_limit("slots", slots))

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


def _ended_before(transaction: Transaction, seconds: float) -> list[int]:
    moment = transaction.now - seconds
    pruning.prune_inbound(transaction, moment)
    return pruning.ended_before(transaction, moment)


def _hold(transaction: Transaction, name: str, until: arguments.Moment, reason: str) -> None:
    account_store.hold(transaction, name, until.resolve(transaction.now), reason)
