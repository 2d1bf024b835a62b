"""Live events for whoever watches: server-sent events, a batch at a time."""

import asyncio
import contextlib
from collections.abc import Iterator
from itertools import islice
from typing import Final

import attrs
import msgspec
from aiohttp import web

from smscore import clock
from smscore.sandbox.api.errors import RestError
from smscore.sandbox.api.views import MessageView, change_of, view_of
from smscore.sandbox.memory.state import State

__all__ = ["EventStream"]

PAUSE: Final = 0.1  # seconds between two batches
ALIVE: Final = 15.0  # seconds of silence after which a comment shows that the line is alive
MOST_READERS: Final = 100
MOST_MESSAGES: Final = 50
MOST_CHARACTERS: Final = 200_000  # of the messages of one batch


@attrs.define
class Cursor:
    """What a reader knows already: numbers alone, so that a slow reader costs no memory."""

    seq: int
    changes: int
    notices: dict[str, int]

    @classmethod
    def at_end(cls, state: State) -> "Cursor":
        return cls(state.timeline.last, state.changes.count, dict(state.notices))


def news(state: State, cursor: Cursor) -> Iterator[tuple[str, object]]:
    """The events since a cursor, which is moved to now. Whoever asks holds the state's lock."""
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
        changed = [change_of(m, state.emulations[m.provider], state.now()) for m in changes.since(cursor.changes)]
        yield "statuses", {"changed": changed, "more": changes.count - cursor.changes > changes.MOST}
        cursor.changes = changes.count


def newest(state: State, after: int) -> Iterator[MessageView]:
    room = MOST_CHARACTERS
    for entry in islice(state.timeline.newest_first(after=after), MOST_MESSAGES):
        room -= len(entry.text)
        if room < 0:
            return
        yield view_of(entry, state.emulations[entry.provider], state.now())


class EventStream:
    """The events of a state, to any number of readers until the server ends."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._readers: set[asyncio.Task[None]] = set()

    def end(self) -> None:
        """Let every reader go, also one that reads nothing."""
        for reader in self._readers:
            reader.cancel()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send events until the reader goes or the server ends."""
        if len(self._readers) >= MOST_READERS:
            raise RestError(503, "Too many read /events: close one of them.")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        feeding = asyncio.create_task(self._feed(request, response))
        self._readers.add(feeding)
        try:
            await asyncio.wait({feeding})
        finally:
            feeding.cancel()
            self._readers.discard(feeding)
        return response

    async def _feed(self, request: web.Request, response: web.StreamResponse) -> None:
        cursor, silence = Cursor.at_end(self._state), 0.0
        with contextlib.suppress(ConnectionError):  # the reader went away
            await response.write(b": hello\n\n")
            while request.transport is not None and not request.transport.is_closing():
                await clock.sleep(PAUSE)
                batch = self._batch(cursor)
                silence = 0.0 if batch else silence + PAUSE
                if silence >= ALIVE:
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
