"""The sandbox's own REST interface, as a table of routes: for tests in any language, and for its page."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import attrs
from msgspec import Meta

from smscore.sandbox.refusal import RestError
from smscore.sandbox.search import Wanted, search
from smscore.sandbox.state import State
from smscore.sandbox.views import Entry, MessageDetail, MessageView, detail_of, view_of

__all__ = ["ROUTES", "Ask", "Nothing", "RestRoute"]

Q = TypeVar("Q")
B = TypeVar("B")

Seq = Annotated[int, Meta(ge=0, description="A place in the order the messages came.")]
Number = Annotated[str, Meta(min_length=1, max_length=100, description="A number in any usual spelling.")]


@attrs.frozen
class Nothing:
    """No query, or no body."""


@attrs.frozen(repr=False)
class Ask(Generic[Q, B]):
    """One call: the sandbox's memory, and what the path, the query and the body say."""

    state: State
    path: Any
    query: Q
    body: B


@attrs.frozen(repr=False)
class RestRoute:
    """One call of the interface. ``path``, ``query`` and ``body`` are the shapes of what it takes, ``gives`` of its answer."""

    method: str
    url: str
    answer: Callable[[Any], Awaitable[object] | object]
    summary: str
    gives: Any
    path: type = Nothing
    query: type = Nothing
    body: type = Nothing
    errors: tuple[int, ...] = ()


# Messages


@attrs.frozen(kw_only=True)
class MessagesQuery:
    """Which messages are listed."""

    provider: str | None = None
    status: str | None = None
    number: Number | None = None
    text: str | None = None
    direction: Literal["out", "in"] | None = None
    before: Seq | None = None
    after: Seq = 0
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50


@attrs.frozen
class Messages:
    """A page of messages, newest first; `total` are kept at all, `matching` are those that were asked for."""

    messages: list[MessageView]
    total: int
    matching: int | None


@attrs.frozen
class SeqPath:
    """Which message."""

    seq: Seq


def view(state: State, entry: Entry) -> MessageView:
    return view_of(entry, state.emulations[entry.provider], state.now())


def list_messages(ask: Ask[MessagesQuery, Nothing]) -> Messages:
    state, query = ask.state, ask.query
    wanted = Wanted(
        provider=query.provider,
        status=query.status,
        number=query.number,
        text=query.text,
        direction=query.direction,
    )
    entries = state.timeline.newest_first(before=query.before, after=query.after)
    page, matching = search(state, wanted, entries, query.limit)
    return Messages([view(state, entry) for entry in page], len(state.timeline), matching)


def find(state: State, seq: int) -> Entry:
    entry = state.timeline.get(seq)
    if entry is None:
        raise RestError(404, "No message has this seq, or it is not kept any more: GET /api/messages lists them.")
    return entry


def one_message(ask: Ask[Nothing, Nothing]) -> MessageDetail:
    entry = find(ask.state, ask.path.seq)
    return detail_of(entry, ask.state.emulations[entry.provider], ask.state.now())


ROUTES: Final = (
    RestRoute("GET", "/api/messages", list_messages, "The messages kept, newest first", Messages, query=MessagesQuery),
    RestRoute(
        "GET",
        "/api/messages/{seq}",
        one_message,
        "One message with its request and answer",
        MessageDetail,
        path=SeqPath,
        errors=(404,),
    ),
)
