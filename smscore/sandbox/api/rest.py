"""The sandbox's own REST interface, as a table of routes: for tests in any language, and for its page."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import attrs
from msgspec import Meta

from smscore.clock import monotonic, timeout
from smscore.loops.threads import in_thread
from smscore.sandbox.api.errors import RestError
from smscore.sandbox.api.views import (
    Choice,
    FailedRequest,
    MessageDetail,
    MessageView,
    StoredMessage,
    choices,
    detail_of,
    failed_view,
    utc,
    view_of,
)
from smscore.sandbox.faults import FAULT_RULES, ActiveFault, FaultKind
from smscore.sandbox.memory.messages import Inbound, Outbound
from smscore.sandbox.memory.search import Wanted, conversations, is_of, last_code, next_message, search
from smscore.sandbox.memory.state import State
from smscore.sandbox.special_recipients import SPECIAL_RECIPIENTS
from smscore.sandbox.webhook import LastReport, Method, Webhook
from smscore.statuses import DeliveryStatus

__all__ = ["ROUTES", "Ask", "Nothing", "RestRoute"]

P = TypeVar("P")
Q = TypeVar("Q")
B = TypeVar("B")

Place = Annotated[int, Meta(ge=0, description="A place in the order the messages came.")]
Text = Annotated[str, Meta(max_length=10_000)]
Piece = Annotated[str, Meta(max_length=200, description="A piece of a text, in letters of either case.")]
Number = Annotated[str, Meta(min_length=1, max_length=100, description="A number in any usual spelling.")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Provider = Annotated[str, Meta(min_length=1, max_length=100, description="A provider's name, as in /api/choices.")]
Token = Annotated[str, Meta(min_length=1, max_length=1000, description="A token, without its scheme.")]


@attrs.frozen
class Nothing:
    """Nothing is taken."""


@attrs.frozen(repr=False)
class Ask(Generic[P, Q, B]):
    """One call: the sandbox's memory, where it was reached, and what the path, the query and the body say.

    ``over`` is set when the server ends.
    """

    state: State
    over: asyncio.Event
    origin: str
    path: P
    query: Q
    body: B


@attrs.frozen(repr=False)
class RestRoute:
    """One call: ``path``, ``query`` and ``body`` are the shapes of what it takes, ``gives`` of what it answers."""

    method: str
    url: str
    answer: Callable[[Any], Awaitable[object] | object]
    summary: str
    gives: Any
    path: type[Any] = Nothing
    query: type[Any] = Nothing
    body: type[Any] = Nothing
    errors: tuple[int, ...] = ()


# Messages


@attrs.frozen(kw_only=True)
class MessagesQuery:
    """Which messages are listed; `number` and `text` may be a piece."""

    provider: Provider | None = None
    status: DeliveryStatus | None = None
    number: Number | None = None
    text: Piece | None = None
    direction: Literal["out", "in"] | None = None
    before: Place | None = None
    after: Place = 0
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

    seq: Place


def view(state: State, entry: StoredMessage) -> MessageView:
    return view_of(entry, state.emulations[entry.provider], state.now())


def list_messages(ask: Ask[Nothing, MessagesQuery, Nothing]) -> Messages:
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


def find(state: State, seq: int) -> StoredMessage:
    entry = state.timeline.get(seq)
    if entry is None:
        raise RestError(404, "No message has this seq, or it is not kept any more: GET /api/messages lists them.")
    return entry


def get_message(ask: Ask[SeqPath, Nothing, Nothing]) -> MessageDetail:
    entry = find(ask.state, ask.path.seq)
    return detail_of(entry, ask.state.emulations[entry.provider], ask.state.now())


@attrs.frozen
class SetStatusBody:
    """A status to be set: one of the provider's own codes, as in /api/choices."""

    code: int


def set_message_status(ask: Ask[SeqPath, Nothing, SetStatusBody]) -> MessageView:
    message = find(ask.state, ask.path.seq)
    if not isinstance(message, Outbound):
        raise RestError(409, "This message came in, and has no status: set the status of one that went out.")
    codes = ask.state.emulations[message.provider].codes
    if ask.body.code not in codes:
        raise RestError(422, f"{message.provider} has no such status; it has {sorted(codes)}.")
    ask.state.settle([message], ask.body.code)
    return view(ask.state, message)


@attrs.frozen
class ProviderQuery:
    """Of one provider, or of all."""

    provider: Provider | None = None


@attrs.frozen
class Cleared:
    """How many were cleared."""

    cleared: int


def known(state: State, provider: str) -> str:
    if provider not in state.emulations:
        raise RestError(422, f"No provider of this name; the sandbox has {sorted(state.emulations)}.")
    return provider


def clear_messages(ask: Ask[Nothing, ProviderQuery, Nothing]) -> Cleared:
    state = ask.state
    before = len(state.timeline)
    if ask.query.provider is None:
        state.clear()
    else:
        state.clear_provider(known(state, ask.query.provider))
    return Cleared(before - len(state.timeline))


@attrs.frozen(kw_only=True)
class WaitQuery:
    """What to wait for: a message out to `number` with `text` in it.

    Without `after` it is the newest that is there, else the first that comes; with `after`, the first one after
    that place.
    """

    number: Number | None = None
    text: Piece | None = None
    after: Place | None = None
    timeout: Annotated[float, Meta(ge=0, le=60, description="Seconds.")] = 10.0


@attrs.frozen
class Waited:
    """The message that came, or null where none did."""

    message: MessageView | None


MAX_WAITING: Final = 1000


async def wait_for_message(ask: Ask[Nothing, WaitQuery, Nothing]) -> Waited:
    """Answer as soon as there is such a message, at once where there is one already."""
    state, query = ask.state, ask.query
    if state.listener_count >= MAX_WAITING:
        raise RestError(503, f"{MAX_WAITING} calls wait for messages already: let some of them end.")
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    with state.listening(partial(loop.call_soon_threadsafe, heard.set)):
        until, after = monotonic() + query.timeout, query.after
        while True:
            heard.clear()
            with state.lock:
                found = next_message(state, query.number, query.text, after)
                after = state.timeline.last if after is None else max(after, state.timeline.last)
                if found is not None or monotonic() >= until or ask.over.is_set():
                    return Waited(None if found is None else view(state, found))
            await first_of(heard, ask.over, seconds=until - monotonic())


async def first_of(*events: asyncio.Event, seconds: float) -> None:
    """Return once one of the events is set, or after so many seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        with suppress(TimeoutError):
            async with timeout(max(0.0, seconds)):
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


# Requests that failed


@attrs.frozen
class FailuresQuery:
    """How many at most, of which provider."""

    provider: Provider | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


def list_failures(ask: Ask[Nothing, FailuresQuery, Nothing]) -> list[FailedRequest]:
    wanted = ask.query.provider
    failures = (one for one in reversed(ask.state.failures) if wanted in (None, one.provider))
    return [failed_view(exchange) for exchange in islice(failures, ask.query.limit)]


# Conversations and codes


@attrs.frozen
class LimitQuery:
    """How many at most."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


@attrs.frozen
class NumberPath:
    """Whose."""

    number: Number


@attrs.frozen(kw_only=True)
class Conversation:
    """A number that was written to or that wrote: its last message, and how many are kept."""

    number: str
    provider: str
    last: MessageView
    count: int


def list_conversations(ask: Ask[Nothing, LimitQuery, Nothing]) -> list[Conversation]:
    return [
        Conversation(number=number, provider=last.provider, last=view(ask.state, last), count=count)
        for number, last, count in conversations(ask.state, ask.query.limit)
    ]


MOST_OF_ONE: Final = 1000


def get_conversation(ask: Ask[NumberPath, Nothing, Nothing]) -> list[MessageView]:
    entries = filter(is_of(ask.path.number), ask.state.timeline.newest_first())
    return [view(ask.state, entry) for entry in reversed(list(islice(entries, MOST_OF_ONE)))]


@attrs.frozen
class Code:
    """A one-time code in ASCII digits, and the message that it came with."""

    code: str
    message: MessageView


async def get_code(ask: Ask[NumberPath, Nothing, Nothing]) -> Code:
    found = await in_thread(last_code, ask.state, ask.path.number)
    if found is None:
        raise RestError(404, "No code was sent to this number; GET /api/messages/wait waits for a message to it.")
    with ask.state.lock:
        ask.state.tick()
        return Code(found[0], view(ask.state, found[1]))


@attrs.frozen(kw_only=True, repr=False)
class InboundBody:
    """A message that comes in on the line `number` of a provider, written by `sender`."""

    provider: Provider
    sender: Number
    number: Number
    text: Text


def add_inbound(ask: Ask[Nothing, Nothing, InboundBody]) -> MessageView:
    state, body = ask.state, ask.body
    inbound = Inbound(known(state, body.provider), body.sender, body.number, body.text, state.now())
    state.add_inbound(inbound)
    return view(state, inbound)


# Faults


@attrs.frozen(kw_only=True)
class FaultBody:
    """A fault: of a provider, a call, a number or any of them, for the next so many requests or until cleared."""

    kind: FaultKind
    provider: Provider | None = None
    call: Name | None = None
    number: Number | None = None
    times: Annotated[int, Meta(ge=1)] | None = None
    code: int | None = None
    seconds: Annotated[float, Meta(ge=0, le=600)] | None = None


@attrs.frozen
class IdPath:
    """Which fault."""

    id: Annotated[int, Meta(ge=1)]


def list_faults(ask: Ask[Nothing, Nothing, Nothing]) -> list[ActiveFault]:
    return list(ask.state.faults)


def add_fault(ask: Ask[Nothing, Nothing, FaultBody]) -> ActiveFault:
    try:
        return ask.state.faults.add(**attrs.asdict(ask.body))
    except ValueError as error:
        raise RestError(422, str(error)) from None


def clear_faults(ask: Ask[Nothing, Nothing, Nothing]) -> Cleared:
    before = len(list(ask.state.faults))
    ask.state.faults.clear()
    return Cleared(before)


def clear_fault(ask: Ask[IdPath, Nothing, Nothing]) -> Cleared:
    if not ask.state.faults.remove(ask.path.id):
        raise RestError(404, "No fault has this id, or it was used up: GET /api/faults lists them.")
    return Cleared(1)


# What there is to choose from


@attrs.frozen(kw_only=True)
class ErrorChoice:
    """A documented error code of a provider."""

    code: int
    words: str


@attrs.frozen
class PatternChoice:
    """A pattern, which a send may name by its `code`; `%name%` in its `text` is a placeholder."""

    code: str
    text: str


@attrs.frozen(kw_only=True)
class ProviderChoice:
    """A provider: where its client finds it, its calls, its codes, lines of the right form, and its patterns."""

    name: str
    base_url: str
    calls: list[str]
    statuses: list[Choice]
    error_codes: list[ErrorChoice]
    lines: list[str]
    patterns: list[PatternChoice]


@attrs.frozen(kw_only=True)
class KindChoice:
    """A kind of fault, and what must be said of it."""

    kind: FaultKind
    words: str
    needs: list[str]


@attrs.frozen(kw_only=True)
class SpecialRecipientChoice:
    """A recipient that always ends the same way."""

    recipient: str
    words: str


@attrs.frozen(kw_only=True)
class Choices:
    """What there is to choose from."""

    providers: list[ProviderChoice]
    fault_kinds: list[KindChoice]
    special_recipients: list[SpecialRecipientChoice]


def list_choices(ask: Ask[Nothing, Nothing, Nothing]) -> Choices:
    return Choices(
        providers=[
            ProviderChoice(
                name=name,
                base_url=f"{ask.origin}/{name}",
                calls=list(dict.fromkeys(route.name for route in emulation.routes)),
                statuses=choices(emulation),
                error_codes=[ErrorChoice(code=code, words=of.words) for code, of in emulation.errors.items()],
                lines=list(emulation.lines),
                patterns=[PatternChoice(code, text) for code, text in emulation.patterns.items()],
            )
            for name, emulation in ask.state.emulations.items()
        ],
        fault_kinds=[
            KindChoice(kind=name, words=kind.words, needs=list(kind.needs)) for name, kind in FAULT_RULES.items()
        ],
        special_recipients=[
            SpecialRecipientChoice(recipient=number, words=scenario.words)
            for number, scenario in SPECIAL_RECIPIENTS.items()
        ],
    )


@attrs.frozen(kw_only=True, repr=False)
class PatternBody:
    """A pattern that a provider is to know: `%name%` in its `text` is a placeholder."""

    provider: Provider
    code: Annotated[str, Meta(min_length=1, max_length=100)]
    text: Text


def set_pattern(ask: Ask[Nothing, Nothing, PatternBody]) -> PatternChoice:
    body = ask.body
    emulation = ask.state.emulations[known(ask.state, body.provider)]
    try:
        emulation.set_pattern(body.code, body.text)
    except ValueError as error:
        raise RestError(422, str(error)) from None
    return PatternChoice(body.code, body.text)


# Clock, webhook, credit


@attrs.frozen(kw_only=True)
class Clock:
    """The sandbox's time, and how far it is ahead of the machine's."""

    now: datetime
    ahead: float


@attrs.frozen
class ClockBody:
    """How many seconds the clock is moved on by."""

    advance: Annotated[float, Meta(ge=0)]


def clock(state: State) -> Clock:
    return Clock(now=utc(state.now()), ahead=state.ahead)


def get_clock(ask: Ask[Nothing, Nothing, Nothing]) -> Clock:
    return clock(ask.state)


def advance_clock(ask: Ask[Nothing, Nothing, ClockBody]) -> Clock:
    try:
        ask.state.advance(ask.body.advance)
    except ValueError as error:
        raise RestError(422, str(error)) from None
    return clock(ask.state)


@attrs.frozen(kw_only=True)
class WebhookView:
    """Where delivery reports go, and how the last one went; `missed` were too many to wait for their call."""

    url: str | None
    method: Method
    last: LastReport | None
    called: int
    failed: int
    missed: int


@attrs.frozen(kw_only=True)
class WebhookBody:
    """Where delivery reports are to go; null: nowhere."""

    url: Annotated[str, Meta(max_length=2000)] | None
    method: Method = "POST"


def webhook(of: Webhook) -> WebhookView:
    return WebhookView(url=of.url, method=of.method, last=of.last, called=of.called, failed=of.failed, missed=of.missed)


def get_webhook(ask: Ask[Nothing, Nothing, Nothing]) -> WebhookView:
    return webhook(ask.state.webhook)


def set_webhook(ask: Ask[Nothing, Nothing, WebhookBody]) -> WebhookView:
    try:
        ask.state.webhook.set(ask.body.url, ask.body.method)
    except ValueError as error:
        raise RestError(422, str(error)) from None
    return webhook(ask.state.webhook)


@attrs.frozen(kw_only=True, repr=False)
class AccountBody:
    """An account: a provider and a token."""

    provider: Provider
    token: Token


@attrs.frozen(kw_only=True, repr=False)
class CreditBody(AccountBody):
    """An account, and the credit in Rials that it is to have."""

    credit: Annotated[int, Meta(ge=0, le=2**53)]


@attrs.frozen(kw_only=True)
class Credit:
    """An account's credit in Rials."""

    credit: int


def get_credit(ask: Ask[Nothing, Nothing, AccountBody]) -> Credit:
    body = ask.body
    return Credit(credit=ask.state.account(known(ask.state, body.provider), body.token).credit)


def set_credit(ask: Ask[Nothing, Nothing, CreditBody]) -> Credit:
    body = ask.body
    ask.state.set_credit(known(ask.state, body.provider), body.token, body.credit)
    return Credit(credit=body.credit)


ROUTES: Final = (
    RestRoute("GET", "/api/messages", list_messages, "The messages kept, newest first", Messages, query=MessagesQuery),
    RestRoute(
        "DELETE",
        "/api/messages",
        clear_messages,
        "Forget every message and account, of one provider or of all",
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
        "One message with its request and answer",
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
    RestRoute(
        "GET",
        "/api/requests",
        list_failures,
        "The last 200 requests that were refused or met a fault, newest first",
        list[FailedRequest],
        query=FailuresQuery,
    ),
    RestRoute(
        "GET",
        "/api/conversations",
        list_conversations,
        "The numbers heard of lately",
        list[Conversation],
        query=LimitQuery,
    ),
    RestRoute(
        "GET",
        "/api/conversations/{number}",
        get_conversation,
        "The last 1,000 messages to and from a number, oldest first",
        list[MessageView],
        path=NumberPath,
    ),
    RestRoute(
        "GET",
        "/api/codes/{number}",
        get_code,
        "The last one-time code sent to a number",
        Code,
        path=NumberPath,
        errors=(404,),
    ),
    RestRoute("POST", "/api/inbound", add_inbound, "Let a message come in on a line", MessageView, body=InboundBody),
    RestRoute("GET", "/api/faults", list_faults, "The faults that are set", list[ActiveFault]),
    RestRoute("POST", "/api/faults", add_fault, "Set a fault", ActiveFault, body=FaultBody),
    RestRoute("DELETE", "/api/faults", clear_faults, "Clear every fault", Cleared),
    RestRoute("DELETE", "/api/faults/{id}", clear_fault, "Clear one fault", Cleared, path=IdPath, errors=(404,)),
    RestRoute("GET", "/api/choices", list_choices, "Providers, their codes, faults, magic recipients", Choices),
    RestRoute("PUT", "/api/patterns", set_pattern, "Know a pattern", PatternChoice, body=PatternBody),
    RestRoute("GET", "/api/clock", get_clock, "The sandbox's time", Clock),
    RestRoute("PUT", "/api/clock", advance_clock, "Move the clock forward", Clock, body=ClockBody),
    RestRoute("GET", "/api/webhook", get_webhook, "Where delivery reports go", WebhookView),
    RestRoute("PUT", "/api/webhook", set_webhook, "Set where delivery reports go", WebhookView, body=WebhookBody),
    RestRoute("POST", "/api/credit", get_credit, "The credit of a token's account", Credit, body=AccountBody),
    RestRoute("PUT", "/api/credit", set_credit, "Set the credit of a token's account", Credit, body=CreditBody),
)
