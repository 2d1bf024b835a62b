"""A network in memory: it takes the place of a client's transport, in front of an honest provider.

It gives what the real one gives, an ``Answer`` with a status, a body and ``Retry-After``, or a ``NoAnswer`` that says
whether the request may have left. What the provider does with a request is decided apart from what the client learns
of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final, TypeVar

import attrs
from attrs import define, field, frozen
from faultserver import Books, Received, as_json
from hypothesis import strategies as st

from smscore.config import Timeouts
from smscore.wire.endpoint import Answer, NoAnswer, Request

T = TypeVar("T")


@frozen
class Event:
    """What happens to one request: whether it arrives, and what comes back.

    ``turns`` are turns of the loop until then, so that requests overtake one another. ``late_ones_first``: what is
    still on its way arrives before it.
    """

    arrives: str  # "now", "late" (after the client has given up on it) or "never"
    back: str
    turns: int = 0
    late_ones_first: bool = False


GOOD: Final = Event("now", "the answer")
HTML: Final = b"<html><body>busy</body></html>"

# What may come back, by when the request arrives. A refusal is of a request that the provider did not take.
BACK: Final = {
    "now": ["the answer", "nothing", "500", "503 with Retry-After", "HTML", "half of the answer", "999", "nobody"],
    "late": ["nothing", "500", "HTML"],
    "never": ["nothing", "no connection", "429", "429 with Retry-After", "500", "301", "400", "401"],
}
events = st.sampled_from(sorted(BACK)).flatmap(
    lambda arrives: st.builds(Event, st.just(arrives), st.sampled_from(BACK[arrives]), st.integers(0, 4), st.booleans())
)


def of_any_length(of: st.SearchStrategy[T], least: int, most: int) -> st.SearchStrategy[list[T]]:
    """Lists that are as often long as short, where hypothesis' own are mostly short."""
    return st.integers(least, most).flatmap(lambda size: st.lists(of, min_size=size, max_size=size))


scripts = of_any_length(st.just(GOOD) | events, 0, 15) | of_any_length(events, 0, 4)


@define
class Network:
    """In the place of a transport: an honest provider at the end of a bad line.

    Each request takes the next event of the script, and with none left all goes well.
    """

    books: Books
    script: list[Event] = field(factory=list)
    late: list[Received] = field(factory=list)
    """Requests that the client has given up on, and that still are on their way."""
    begun: int = 0
    cancel_at: int | None = None
    """The request at whose time the call is cancelled."""
    caller: asyncio.Task[Any] | None = None

    is_closed: ClassVar[bool] = False

    def check_open(self) -> None:
        """Nothing is ever closed here."""

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        yield

    async def send(self, request: Request, _: Timeouts, __: object) -> Answer | NoAnswer:
        event = self.script.pop(0) if self.script else GOOD
        self.begun += 1
        if event.late_ones_first:
            self.deliver_late()
        self._cancel_if_it_is_time()
        received = _received(request)
        for _turn in range(event.turns):
            await asyncio.sleep(0)
        reply = None
        if event.arrives == "now":
            reply = self.books.answer(received)
        elif event.arrives == "late":
            self.late.append(received)
        # A client that is cancelled now never learns of it.
        await asyncio.sleep(0)
        return _what_comes_back(event, reply)

    def deliver_late(self) -> None:
        """What was still on its way arrives."""
        for request in self.late:
            self.books.answer(request)
        self.late.clear()

    def _cancel_if_it_is_time(self) -> None:
        if self.begun == self.cancel_at and self.caller is not None:
            self.caller.cancel()


def _received(request: Request) -> Received:
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert isinstance(request.body, bytes)
    return Received(request.method, request.url, headers, request.body)


def _what_comes_back(event: Event, reply: tuple[int, Any] | None) -> Answer | NoAnswer:
    match event.back:
        case "no connection":
            return NoAnswer(left=False, reason="the connection was refused or could not be opened")
        case "nothing":
            return NoAnswer(left=True, reason="the connection was closed without an answer")
        case "HTML":
            return Answer(200, HTML)
        case "503 with Retry-After":
            return Answer(503, HTML, 0.0)
        case "429 with Retry-After":
            return Answer(429, b"", 0.0)
        case "the answer" | "half of the answer" | "nobody":
            assert reply is not None
            status, value = reply
            if event.back == "the answer":
                return Answer(status, as_json(value))
            return Answer(200, as_json(value)[:-5]) if event.back == "half of the answer" else Answer(200, b"{}")
        case status:
            return Answer(int(status), HTML)


def through(client: Any, network: Network) -> Any:
    """The client, with this network in the place of its connections."""
    client._caller = attrs.evolve(client._caller, transport=network)
    return client
