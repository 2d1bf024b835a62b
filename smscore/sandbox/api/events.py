"""Live events for the page and for other watchers: server-sent events, one batch at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec
from aiohttp import web
from anyio import CancelScope
from attrs import define

from smscore import clock
from smscore.sandbox.api.errors import RestError
from smscore.sandbox.api.message_views import MessageView, change_view, message_view
from smscore.sandbox.memory.changes import MAX_RECENT
from smscore.sandbox.memory.state import State

__all__ = ["EventStream"]

PAUSE: Final = 0.1  # seconds between two batches
KEEP_ALIVE: Final = 15.0  # seconds of silence after which a comment shows proxies that the connection is in use
MAX_READERS: Final = 100
MAX_MESSAGES: Final = 50  # of one batch
MAX_CHARACTERS: Final = 200_000  # of the messages of one batch


@define
class Cursor:
    """What a reader knows already: only numbers, so that a slow reader costs no memory."""

    seq: int
    changes: int
    notices: dict[str, int]

    @classmethod
    def at_end(cls, state: State) -> Cursor:
        """A cursor that is up to date."""
        return cls(state.timeline.last, state.changes.count, dict(state.notices))


def news(state: State, cursor: Cursor) -> Iterator[tuple[str, object]]:
    """The events since a cursor, which is moved up to now. The state's lock is held."""
    for name, count in state.notices.items():
        if cursor.notices[name] != count:
            cursor.notices[name] = count
            yield name, {}
    timeline = state.timeline
    if timeline.last > cursor.seq:
        messages = list(newest(state, cursor.seq))
        yield "messages", {"messages": messages, "count": timeline.last - cursor.seq, "total": len(timeline)}
        cursor.seq = timeline.last
    changes = state.changes
    if changes.count > cursor.changes:
        changed = [change_view(state, message) for message in changes.since(cursor.changes)]
        yield "statuses", {"changed": changed, "more": changes.count - cursor.changes > MAX_RECENT}
        cursor.changes = changes.count


def newest(state: State, after: int) -> Iterator[MessageView]:
    """The newest messages after a place, as many as fit into a batch."""
    room = MAX_CHARACTERS
    for entry in islice(state.timeline.newest_first(after=after), MAX_MESSAGES):
        room -= len(entry.text)
        if room < 0:
            return
        yield message_view(state, entry)


class EventStream:
    """The events of a state, for any number of readers until the server ends."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._readers: set[CancelScope] = set()

    def end(self) -> None:
        """Release every reader, also one whose connection is full because it reads nothing."""
        for reader in self._readers:
            reader.cancel()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send events until the reader goes or the server ends."""
        if len(self._readers) >= MAX_READERS:
            raise RestError(503, f"{MAX_READERS} clients read /events already: close one of them.")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with CancelScope() as reader:
            self._readers.add(reader)
            try:
                await self._feed(request, response)
            finally:
                self._readers.discard(reader)
        return response

    async def _feed(self, request: web.Request, response: web.StreamResponse) -> None:
        cursor, silence = Cursor.at_end(self._state), 0.0
        with contextlib.suppress(ConnectionError):  # the reader went away
            await response.write(b": hello\n\n")  # makes browsers fire `open` at once
            while request.transport is not None and not request.transport.is_closing():
                await clock.sleep(PAUSE)
                batch = self._batch(cursor)
                silence = 0.0 if batch else silence + PAUSE
                if silence >= KEEP_ALIVE:
                    batch, silence = b": alive\n\n", 0.0
                if batch:
                    await response.write(batch)

    def _batch(self, cursor: Cursor) -> bytes:
        with self._state.lock:
            self._state.tick()
            return b"".join(
                b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))
                for name, data in news(self._state, cursor)
            )
