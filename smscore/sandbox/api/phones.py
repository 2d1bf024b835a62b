"""REST calls for the people at the other end: their conversations, their codes, and what they write."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Final

from attrs import frozen
from msgspec import Meta

from smscore.loops.threads import in_thread
from smscore.sandbox.api.errors import RestError
from smscore.sandbox.api.message_views import MessageView, message_view
from smscore.sandbox.api.routing import Nothing, Number, ProviderName, RestCall, RestRoute, emulation_of
from smscore.sandbox.memory.messages import Inbound
from smscore.sandbox.memory.search import conversations, is_of, last_code

__all__ = ["PHONES", "InboundBody"]

MAX_CONVERSATION: Final = 1000  # messages


@frozen
class LimitQuery:
    """How many at most."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


@frozen(repr=False)
class NumberPath:
    """Whose."""

    number: Number


@frozen(kw_only=True, repr=False)
class Conversation:
    """A person's number with its last message, and how many of its messages are kept."""

    number: str
    provider: str
    last: MessageView
    count: int


def list_conversations(call: RestCall[Nothing, LimitQuery, Nothing]) -> list[Conversation]:
    return [
        Conversation(number=number, provider=last.provider, last=message_view(call.state, last), count=count)
        for number, last, count in conversations(call.state, call.query.limit)
    ]


def get_conversation(call: RestCall[NumberPath, Nothing, Nothing]) -> list[MessageView]:
    entries = filter(is_of(call.path.number), call.state.timeline.newest_first())
    return [message_view(call.state, entry) for entry in reversed(list(islice(entries, MAX_CONVERSATION)))]


@frozen(repr=False)
class Code:
    """A one-time code in ASCII digits, and the message that contains it."""

    code: str
    message: MessageView


async def get_code(call: RestCall[NumberPath, Nothing, Nothing]) -> Code:
    found = await in_thread(last_code, call.state, call.path.number)
    if found is None:
        raise RestError(404, "No code was sent to this number: GET /api/messages/wait waits for a message to it.")
    with call.state.lock:
        call.state.tick()
        return Code(found[0], message_view(call.state, found[1]))


@frozen(kw_only=True, repr=False)
class InboundBody:
    """A message that `sender` writes to the line `number` of a provider."""

    provider: ProviderName
    sender: Number
    number: Number
    text: Annotated[str, Meta(max_length=10_000)]


def add_inbound(call: RestCall[Nothing, Nothing, InboundBody]) -> MessageView:
    state, body = call.state, call.body
    provider = emulation_of(state, body.provider).name
    inbound = Inbound(provider, body.sender, body.number, body.text, state.now())
    state.add_inbound(inbound)
    return message_view(state, inbound)


PHONES: Final = (
    RestRoute(
        "GET",
        "/api/conversations",
        list_conversations,
        "List the numbers with the latest messages",
        list[Conversation],
        query=LimitQuery,
    ),
    RestRoute(
        "GET",
        "/api/conversations/{number}",
        get_conversation,
        "Get the last 1,000 messages to and from a number, oldest first",
        list[MessageView],
        path=NumberPath,
    ),
    RestRoute(
        "GET",
        "/api/codes/{number}",
        get_code,
        "Get the last one-time code sent to a number",
        Code,
        path=NumberPath,
        errors=(404,),
    ),
    RestRoute("POST", "/api/inbound", add_inbound, "Let a message come in on a line", MessageView, body=InboundBody),
)
