"""Accounts and what becomes of their messages, as the async queue tells of them and changes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from smscore.errors import InvalidRequest
from smscore.numbers import Recipient
from smscore.queue import arguments
from smscore.queue.calls import StoreCalls
from smscore.queue.databases.base import Transaction
from smscore.queue.model import Account, StoredMessage
from smscore.queue.senders import Sender
from smscore.queue.store import accounts, inbound, pruning, reports, suppression
from smscore.queue.store.reports import Report
from smscore.queue.tracking import Tracking
from smscore.sending.outgoing import Recipients, checked_numbers
from smscore.statuses import is_id
from smscore.tracking.tracker import WebhookReport

__all__ = ["AccountCalls"]

_PAGE: Final = 100


class AccountCalls:
    """What a queue can be asked of its accounts, and what can be done with them and their recipients."""

    _calls: StoreCalls
    _senders: Mapping[str, Sender]
    _lease: float

    def _sender(self, account: str) -> Sender:
        """How the queue sends by this account. Raises ``InvalidRequest`` for one that it was not given."""
        try:
            return self._senders[account]
        except (KeyError, TypeError):
            raise InvalidRequest(
                f"Unknown account. This queue has {', '.join(self._senders) or 'none'}; give it the account's client."
            ) from None

    def _wake(self) -> None:
        """Tell this queue's workers that there may be something new to claim."""
        raise NotImplementedError

    async def hold(self, account: str, until: object = None, reason: str = "held manually") -> Account:
        """The account, whose sends stand still: ``until`` seconds from now or an aware datetime, or a release.

        Raises ``InvalidRequest`` for an account that neither this queue nor its database knows.
        """
        wanted = arguments.moment(until, "until")
        return await self._calls.write(_hold, account, wanted, reason, [*self._senders])

    async def release(self, account: str) -> Account:
        """The account, which sends again."""
        released = await self._calls.write(_release, account, [*self._senders])
        self._wake()
        return released

    async def account(self, name: str) -> Account:
        """Whether an account's sends stand still, until when, and why."""
        return await self._calls.read(accounts.read_known, name, [*self._senders])

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

        A worker brings it to its message, also one that comes before the send's own answer, late or twice. Of a
        failover's messages with the same id it means that provider's. Raises ``InvalidRequest`` for a report without a
        message id.
        """
        if not is_id(report.message_id):
            raise InvalidRequest("The report has no message id, and cannot be matched to a message.")
        new = Report(account, report.message_id, report.status, provider=_provider(report))
        await self._calls.write_joined(reports.add, new)

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
        ids = await self._calls.write(_begin_pruning, seconds)
        for id_ in ids:
            while await self._calls.write(pruning.prune_batches, id_):
                pass
            await self._calls.write(pruning.prune_campaign, id_)
        return len(ids)

    def _tracking(self, account: str) -> Tracking:
        return Tracking(self._calls, account, self._sender(account), self._lease)


def _provider(report: object) -> str | None:
    """Who made a report, by the name that its sends have; None for one of a plugin that does not say."""
    name: object = getattr(report, "provider", None)
    return name if isinstance(name, str) and name else None


def _begin_pruning(transaction: Transaction, seconds: float) -> list[int]:
    """Remove inbound messages of this age, and return the campaigns that are to be pruned."""
    moment = transaction.now - seconds
    pruning.prune_inbound(transaction, moment)
    return pruning.ended_before(transaction, moment)


def _hold(transaction: Transaction, name: str, until: arguments.Moment, reason: str, known: Sequence[str]) -> Account:
    accounts.read_known(transaction, name, known)
    accounts.hold(transaction, name, until.resolve(transaction.now), reason)
    return accounts.read(transaction, name)


def _release(transaction: Transaction, name: str, known: Sequence[str]) -> Account:
    accounts.read_known(transaction, name, known)
    accounts.release(transaction, name)
    return accounts.read(transaction, name)
