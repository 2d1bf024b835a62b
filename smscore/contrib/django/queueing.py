"""``enqueue`` inside the caller's transaction: a campaign is there if that commits, and never was if it does not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, Final, cast

import msgspec
from asgiref.sync import async_to_sync
from django.db import transaction

from smscore.contrib.django import accounts, conf, recording
from smscore.contrib.django.database import DjangoDatabase, DjangoTransaction
from smscore.contrib.django.recording import Call, Collecting, SentMessage, outbox
from smscore.errors import InvalidRequest
from smscore.numbers import e164
from smscore.queue import AsyncSendQueue, Campaign
from smscore.queue.databases.base import Transaction
from smscore.queue.enqueueing import Enqueued
from smscore.queue.payloads import unpack
from smscore.queue.senders import METHODS, Sender
from smscore.queue.store import loading, suppression
from smscore.queue.store.loading import Existing, NewCampaign

__all__ = ["enqueue", "in_parts"]

_METHODS: Final = {kind: method.replace("send", "enqueue") for kind, method in METHODS.items()}
_PART: Final = 1_000  # items of an async iterable that are read at a time


def enqueue(account: str, method: str, items: Any, *args: Any, **options: Any) -> Campaign:
    """The campaign that ``AsyncSendQueue``'s method of this name loads, here in the caller's transaction and thread."""
    if isinstance(items, Iterable) and isinstance(items, AsyncIterable):
        items = iter(cast("Iterable[Any]", items))  # a QuerySet is both
    queue = _Loading(account)
    return _done(getattr(queue, method)(account, items, *args, **options))


def in_parts(items: Any) -> Any:
    """What the thread of ``sync_to_async`` can iterate: an async iterable is read in its event loop."""
    if isinstance(items, Iterable):
        return cast("Any", items)
    return _parts(items) if isinstance(items, AsyncIterable) else items


def _parts(items: Any) -> Iterator[Any]:
    source: Any = aiter(items)
    take = async_to_sync(_take)
    try:
        while part := take(source):
            yield from part
    finally:
        async_to_sync(_close)(source)


async def _take(source: AsyncIterator[Any]) -> list[Any]:
    part: list[Any] = []
    async for item in source:
        part.append(item)
        if len(part) >= _PART:
            break
    return part


async def _close(source: Any) -> None:
    if isinstance(source, AsyncGenerator):
        await source.aclose()


def _done(coroutine: Coroutine[Any, Any, Campaign]) -> Campaign:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        found: Campaign = end.value
        return found
    coroutine.close()
    raise InvalidRequest("enqueue cannot read an async iterable. Use aenqueue, or give it a list.")


class _Loading(AsyncSendQueue):
    """A queue that checks what it is given as every queue does, and loads it over Django's connection."""

    def __init__(self, account: str) -> None:
        call = Call(account, "enqueue") if recording.is_collecting() else None
        client = accounts.async_client(account) if call is None else accounts.new_async_client(account, call)
        super().__init__(DjangoDatabase(), {account: client})

    async def _load(self, given: Enqueued) -> Campaign:
        if isinstance(given.items, AsyncIterable):
            raise InvalidRequest("enqueue cannot read an async iterable. Use aenqueue, or give it a list.")
        with self._database.writing() as own:
            campaign, is_new = _loaded(own, given, self._lease)
        if is_new and recording.is_collecting():
            sender = self._senders[given.new.account]
            collecting = Collecting(partial(_collect, campaign, given.new, sender))
            transaction.on_commit(collecting, using=conf.database_alias())
        return campaign


def _loaded(own: Transaction, given: Enqueued, lease: float) -> tuple[Campaign, bool]:
    """The campaign, and whether it is new; its recipients are read and written a part at a time."""
    begun, batcher = loading.begin(own, given.new, lease), given.batcher
    source = iter(cast("Iterable[Any]", given.items))
    while piece := [*islice(source, batcher.part_size)]:
        batches = batcher.batches(piece)
        if not isinstance(begun, Existing) and batches:
            loading.add_batches(own, begun, batches, lease)
    batcher.check()
    digest = None if batcher.hash is None else batcher.hash.digest()
    if isinstance(begun, Existing):
        if begun.is_loading:
            raise InvalidRequest("Another process is loading a campaign with this key. Try again when that has ended.")
        return begun.checked(digest), False
    campaign = loading.finish(own, begun, digest)
    assert campaign is not None  # noqa: S101  # it was made in this transaction
    return campaign, True


def _collect(campaign: Campaign, new: NewCampaign, sender: Sender) -> None:
    """Put the messages of a campaign into the outbox of a test run; the rows stay as they are."""
    own = DjangoTransaction(transaction.get_connection(conf.database_alias()))
    for payload, line in own.rows(
        "SELECT payload, sender FROM payamak_batch WHERE campaign_id = %s AND state = 'new' ORDER BY id", campaign.id
    ):
        batch = unpack(payload)
        texts = batch.texts or [new.text or _code(new.pattern)] * len(batch)
        params: Mapping[str, str] | None = msgspec.json.decode(new.params) if new.params else None
        dropped = {*suppression.places_of(own, batch.numbers)[0]}
        outbox.extend(
            SentMessage(
                new.account,
                e164(number),
                text,
                line or new.sender or sender.own_line(None),
                _METHODS[new.kind],
                params,
                new.key,
            )
            for place, (number, text) in enumerate(zip(batch.numbers, texts, strict=True))
            if place not in dropped
        )


def _code(packed: str | None) -> str:
    from smscore.queue.patterns import unpacked_pattern

    pattern = unpacked_pattern(packed or "")
    return pattern if isinstance(pattern, str) else repr(pattern)
