"""REST calls for messages: list them, show one, wait for one, set a status, clear them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Annotated, Final, Literal

from attrs import frozen
from msgspec import Meta

from smscore.clock import monotonic, timeout
from smscore.sandbox.api.errors import RestError
from smscore.sandbox.api.message_views import MessageDetail, MessageView, detail_view, message_view
from smscore.sandbox.api.routing import (
    Cleared,
    Nothing,
    Number,
    Place,
    ProviderName,
    RestCall,
    RestRoute,
    TextPart,
    emulation_of,
)
from smscore.sandbox.memory.messages import Outbound, StoredMessage
from smscore.sandbox.memory.search import MessageFilter, next_message, search
from smscore.sandbox.memory.state import State
from smscore.statuses import DeliveryStatus

__all__ = ["MAX_WAITING", "MESSAGES"]

MAX_WAITING: Final = 1000  # calls that wait for a message


@frozen(kw_only=True, repr=False)
class MessagesQuery:
    """Which messages are listed; `number` and `text` may be a part of one. Omitted filters match everything."""

    provider: ProviderName | None = None
    status: DeliveryStatus | None = None
    number: Number | None = None
    text: TextPart | None = None
    direction: Literal["out", "in"] | None = None
    before: Place | None = None
    after: Place = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50


@frozen
class Messages:
    """A page of messages, newest first; `total` are kept in all, and `matching` satisfy the filters."""

    messages: list[MessageView]
    total: int
    matching: int | None


@frozen
class SeqPath:
    """Which message."""

    seq: Place


def list_messages(call: RestCall[Nothing, MessagesQuery, Nothing]) -> Messages:
    state, query = call.state, call.query
    wanted = MessageFilter(
        provider=query.provider,
        status=query.status,
        number=query.number,
        text=query.text,
        direction=query.direction,
    )
    entries = state.timeline.newest_first(before=query.before, after=query.after)
    page, matching = search(state, wanted, entries, query.limit)
    return Messages([message_view(state, entry) for entry in page], len(state.timeline), matching)


def get_message(call: RestCall[SeqPath, Nothing, Nothing]) -> MessageDetail:
    return detail_view(call.state, _find(call.state, call.path.seq))


def _find(state: State, seq: int) -> StoredMessage:
    entry = state.timeline.get(seq)
    if entry is None:
        raise RestError(404, "No message has this seq, or it is no longer kept: GET /api/messages lists them.")
    return entry


@frozen
class SetStatusBody:
    """A status to be set: one of the provider's own codes, as in /api/choices."""

    code: int


def set_message_status(call: RestCall[SeqPath, Nothing, SetStatusBody]) -> MessageView:
    message = _find(call.state, call.path.seq)
    if not isinstance(message, Outbound):
        raise RestError(409, "This message came in and has no status: set the status of one that was sent.")
    codes = call.state.emulations[message.provider].codes
    if call.body.code not in codes:
        raise RestError(422, f"{message.provider} has no such status; it has {sorted(codes)}.")
    call.state.settle([message], call.body.code)
    return message_view(call.state, message)


@frozen
class ProviderQuery:
    """Of one provider, or of all."""

    provider: ProviderName | None = None


def clear_messages(call: RestCall[Nothing, ProviderQuery, Nothing]) -> Cleared:
    state = call.state
    before = len(state.timeline)
    if call.query.provider is None:
        state.clear()
    else:
        state.clear_provider(emulation_of(state, call.query.provider).name)
    return Cleared(before - len(state.timeline))


# Waiting


@frozen(kw_only=True, repr=False)
class WaitQuery:
    """What to wait for: a sent message to `number` that contains `text`.

    Without `after` it is the newest such message, or the first that comes if there is none yet; with `after`, the
    first one after that place.
    """

    number: Number | None = None
    text: TextPart | None = None
    after: Place | None = None
    timeout: Annotated[float, Meta(ge=0, le=60, description="Seconds.")] = 10.0


@frozen
class Waited:
    """The message, or null if none came in time."""

    message: MessageView | None


async def wait_for_message(call: RestCall[Nothing, WaitQuery, Nothing]) -> Waited:
    """Answer as soon as there is such a message."""
    state, query = call.state, call.query
    if state.listener_count >= MAX_WAITING:
        raise RestError(503, f"{MAX_WAITING} calls wait for messages already: try again when some have ended.")
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    with state.listening(partial(loop.call_soon_threadsafe, heard.set)):
        until, after = monotonic() + query.timeout, query.after
        while True:
            heard.clear()  # before the search: a message that comes during it is heard, and found in the next turn
            with state.lock:
                found = next_message(state, query.number, query.text, after)
                after = state.timeline.last if after is None else max(after, state.timeline.last)
                if found is not None or monotonic() >= until or call.over.is_set():
                    return Waited(None if found is None else message_view(state, found))
            await _first_of(heard, call.over, seconds=until - monotonic())


async def _first_of(*events: asyncio.Event, seconds: float) -> None:
    """Return once one of the events is set, or after this many seconds."""
    # By our clock: anyio's deadlines are the loop's, which stands still while a test has frozen the time.
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        with suppress(TimeoutError):
            async with timeout(max(0.0, seconds)):
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


MESSAGES: Final = (
    RestRoute("GET", "/api/messages", list_messages, "List messages, newest first", Messages, query=MessagesQuery),
    RestRoute(
        "DELETE",
        "/api/messages",
        clear_messages,
        "Forget all messages and accounts, of one provider or of all",
        Cleared,
        query=ProviderQuery,
    ),
    RestRoute(
        "GET",
        "/api/messages/wait",
        wait_for_message,
        "Wait for a message to a number",
        Waited,
        query=WaitQuery,
        errors=(503,),
    ),
    RestRoute(
        "GET",
        "/api/messages/{seq}",
        get_message,
        "Get a message with its request and response",
        MessageDetail,
        path=SeqPath,
        errors=(404,),
    ),
    RestRoute(
        "PUT",
        "/api/messages/{seq}/status",
        set_message_status,
        "Set a message's status for good",
        MessageView,
        path=SeqPath,
        body=SetStatusBody,
        errors=(404, 409),
    ),
)
