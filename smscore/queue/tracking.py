"""What becomes of messages after they were accepted, and what people answer: one round at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

from attrs import frozen

from smscore.calls.retry import asked_wait
from smscore.client import AsyncClient
from smscore.config import DEFAULT_POLLING
from smscore.dates import from_unix
from smscore.errors import SMSError
from smscore.loops.logs import logger_for_callers
from smscore.messages import InboundMessage
from smscore.outcomes import Outcome
from smscore.profile import Capability
from smscore.queue.calls import StoreCalls
from smscore.queue.databases.base import Row, Transaction
from smscore.queue.senders import Sender
from smscore.queue.store import inbound, reports
from smscore.queue.store.batches import PLACE_BITS, Hop, hop_at, unpack_hops
from smscore.queue.store.reports import Change, Report
from smscore.results import RecipientResult
from smscore.statuses import Delivery, DeliveryStatus
from smscore.tracking.schedule import wait_after

BATCHES: Final = 20  # that one round asks about at a time
MAX_AGE: Final = 7 * 24 * 3600.0  # seconds for which a message's delivery is asked for
_TOGETHER: Final = 100

_log: Final = logger_for_callers(__name__)


@frozen
class Tracking:
    """One account's messages after their sends."""

    calls: StoreCalls
    account: str
    sender: Sender
    lease: float

    async def round(self) -> list[Change]:
        """Ask once for the deliveries of all batches that are due, and return what has changed."""
        changes: list[Change] = []
        while ids := await self.calls.write(reports.due, self.account, BATCHES, self.lease):
            for batch_id in ids:
                changes += await self._ask(batch_id)
            if len(ids) < BATCHES:
                break
        return changes

    async def _ask(self, batch_id: int) -> list[Change]:
        low, high = batch_id << PLACE_BITS, (batch_id + 1) << PLACE_BITS
        rows, hops = await self.calls.read(reports.open_messages, batch_id, low, high)
        messages = _messages(rows, hops)
        if not messages:
            await self.calls.write(reports.note_poll, batch_id, None)
            return []
        try:
            found = await self._reports(messages)
        except SMSError as error:
            _log.warning(
                "%s: deliveries cannot be read (%s) and are asked for later", self.account, type(error).__name__
            )
            await self.calls.write(_note_poll, batch_id, asked_wait(error) or 0.0)
            return []
        await self.calls.write(reports.add, found)
        changes = await fold(self.calls)
        await self.calls.write(_note_poll, batch_id, 0.0)
        return changes

    async def _reports(self, messages: Sequence[_Message]) -> list[Report]:
        """What each provider says of the messages that went to it."""
        by_provider: defaultdict[str | None, list[_Message]] = defaultdict(list)
        for message in messages:
            by_provider[message.result.provider].append(message)
        found: list[Report] = []
        for provider, own in by_provider.items():
            client: Any = self.sender.client_of(provider)
            if client is not None and Capability.REPORTS_DELIVERIES in client.capabilities:
                deliveries = await client.deliveries([message.result for message in own])
                believed = self._believed(deliveries, own)
                found += _reports(self.account, client.provider.name, believed)
        return found

    def _believed(self, found: Sequence[Delivery], messages: Sequence[_Message]) -> list[Delivery]:
        """Without what only the account that sent a message can say: that there is no such message."""
        went_to = {message.result.message_id: message.hop for message in messages}
        return [
            one
            for one in found
            if one.status is not DeliveryStatus.NOT_FOUND or self._is_of_this_account(went_to.get(one.message_id))
        ]

    def _is_of_this_account(self, hop: Hop | None) -> bool:
        return hop is None or hop.account in (None, self.sender.mark(hop.provider))

    # Inbound

    async def receive(self) -> int:
        """Store what people sent to the account's lines since the last round, and return how many messages were new."""
        count = 0
        for client in self.sender.clients:
            if Capability.RECEIVES_MESSAGES in client.capabilities:
                count += await self._receive(client)
        return count

    async def _receive(self, client: AsyncClient) -> int:
        count = pages = 0
        async for page in _pages(client, await self.calls.read(inbound.last_id, self.account)):
            # The page before is not handed out again, now that this one was asked for. The first page may be one that
            # an earlier round stored and could not mark.
            if pages:
                await self.calls.write(inbound.mark, self.account)
            count += await self.calls.write(inbound.add, self.account, page)
            pages += 1
        await self.calls.write(inbound.mark, self.account)
        return count


async def fold(calls: StoreCalls) -> list[Change]:
    """Bring all reports of the inbox to their messages, and return what has changed."""
    changes: list[Change] = []
    while await calls.read(_has_reports):
        changes += await calls.write(reports.fold)
    return changes


def _has_reports(transaction: Transaction) -> bool:
    return transaction.row("SELECT 1 FROM payamak_report WHERE tried = 0 LIMIT 1") is not None


@frozen(repr=False)
class _Message:
    """A message that is asked about, and the dispatch that sent it, where that is known."""

    result: RecipientResult
    hop: Hop | None


def _messages(rows: Sequence[Row], hops: str | None) -> list[_Message]:
    known = unpack_hops(hops)
    found: list[_Message] = []
    for recipient, message_id, hop, sent_at in rows:
        by = hop_at(known, hop)
        result = RecipientResult(
            recipient or "",
            Outcome.ACCEPTED,
            message_id,
            provider=by.provider if by else None,
            sent_at=from_unix(sent_at if sent_at is not None else by.at if by else None),
        )
        found.append(_Message(result, by))
    return found


def _reports(account: str, provider: str, found: Sequence[Delivery]) -> list[Report]:
    return [
        Report(account, one.message_id, one.status, one.recipient, provider)
        for one in found
        if one.status is not None and one.message_id is not None
    ]


def _note_poll(transaction: Transaction, batch_id: int, least: float) -> None:
    """Note a poll, and when the next is due: none once the messages are too old."""
    row = transaction.row("SELECT polls, ended_at FROM payamak_batch WHERE id = %s", batch_id)
    polls, ended_at = row or (0, None)
    is_old = ended_at is not None and transaction.now - ended_at > MAX_AGE
    reports.note_poll(transaction, batch_id, None if is_old else wait_after(DEFAULT_POLLING, polls + 1, asked=least))


async def _pages(client: Any, after: int | None) -> AsyncGenerator[list[InboundMessage], None]:
    """Inbound messages in lists, each of which is marked as read when the next is asked for."""
    pages = getattr(client, "_incoming_pages", None)
    if pages is not None:
        async for page in pages(after=after):
            yield page
        return
    # Those with ids are known again by them, and so may be stored together.
    together: list[InboundMessage] = []
    async for message in client.incoming(after=after):
        together.append(message)
        if message.message_id is None or len(together) >= _TOGETHER:
            yield together
            together = []
    if together:
        yield together
