"""What a provider's emulation is made of: routes, tables, and plain functions from a call to a reply.

The memory and the faults know this module; it knows of them only the few functions of ``Memory``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any, ClassVar, Final, Protocol, TypeVar, cast

import msgspec
from attrs import frozen

from smscore.auth import Credentials, HeaderToken, Received
from smscore.loops.forks import MAKING
from smscore.sandbox.fault_kinds import FAULT_RULES, ActiveFault
from smscore.sandbox.memory.exchanges import Exchange
from smscore.sandbox.memory.messages import Inbound, Outbound, TokenAccount
from smscore.sandbox.memory.stages import STAGES, Stage, stage_of
from smscore.sandbox.replies import CallRefused, ErrorCode, RefusalReason, Reply
from smscore.sandbox.special_recipients import SPECIAL_RECIPIENTS, Scenario
from smscore.statuses import DeliveryStatus

__all__ = ["Call", "Emulation", "Memory", "Route", "StoppedByFault", "Upload", "read_json"]

T = TypeVar("T")

MAX_PATTERNS: Final = 1000


@frozen(repr=False)
class Upload:
    """An uploaded file, which was counted and not kept. ``size`` is at most one byte above the route's limit."""

    filename: str
    size: int


@frozen(repr=False)
class Route:
    """One call of a provider.

    ``path`` is written as aiohttp's routes are (``/a/{name}``). ``upload_limit``, in bytes, makes it a multipart
    upload. A route that ``sends`` accepts messages, and so meets the faults of their recipients. ``credentials`` says
    where its token is, if not where the provider's other calls have it.
    """

    method: str
    path: str
    answer: Callable[[Call], Reply]
    upload_limit: int | None = None
    sends: bool = False
    credentials: Credentials | None = None

    @property
    def name(self) -> str:
        """The provider's own name for the call: the last word of its path, without an extension."""
        return [part for part in self.path.split("/") if not part.startswith("{")][-1].partition(".")[0]


class Emulation:
    """One provider, as tables: subclass it, and name the subclass in the provider's profile.

    ``credentials`` says where a request carries its token. ``codes`` describes the provider's status codes,
    ``statuses`` says what each means, ``stages`` picks one for each stage of a message, and ``paid_back`` lists those
    that refund a message. ``refusals`` has the replies, in the provider's envelope, to requests that the server itself
    refuses; ``errors`` has every documented error code with its reply. ``lines`` are valid sender lines. ``patterns``
    are texts with placeholders that a send may name by code: ``built_in_patterns`` and those that were added.
    ``calls_webhook`` says that the provider reports status changes to its customer, as ``report`` has it. ``readings``
    names what its document leaves open, each with its possible readings; a call takes any of them, unless ``reading``
    has the one that ``take_only`` chose.
    """

    name: ClassVar[str]
    first_id: ClassVar[int]
    credentials: ClassVar[Credentials] = HeaderToken()
    routes: ClassVar[tuple[Route, ...]]
    codes: ClassVar[Mapping[int, str]]
    statuses: ClassVar[Mapping[int, DeliveryStatus]]
    stages: ClassVar[Mapping[Stage, int]]
    paid_back: ClassVar[frozenset[int]] = frozenset()
    refusals: ClassVar[Mapping[RefusalReason, Reply]]
    errors: ClassVar[Mapping[int, ErrorCode]]
    lines: ClassVar[tuple[str, ...]]
    built_in_patterns: ClassVar[Mapping[str, str]] = {}
    calls_webhook: ClassVar[bool] = False
    readings: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(self) -> None:
        self.patterns: dict[str, str] = dict(self.built_in_patterns)
        self.reading: Mapping[str, str] = {}

    def take_only(self, reading: object) -> None:
        """Take one reading of the document alone: a mapping, or the client's own option with these attributes.

        Raises:
            ValueError: the document leaves no such thing open, or has no such reading.
        """
        given = _given(reading, self.readings)
        for name, value in given.items():
            if name not in self.readings:
                raise ValueError(f"{self.name} has no reading {name}; it has {sorted(self.readings)}.")
            if value not in self.readings[name]:
                raise ValueError(f"{name} of {self.name} must be {' or '.join(self.readings[name])}.")
        self.reading = dict(given)

    def reset(self) -> None:
        """Reset what was set by hand."""
        self.patterns = dict(self.built_in_patterns)

    def set_pattern(self, code: str, text: str) -> None:
        """Add or replace a pattern.

        Raises:
            ValueError: the provider has no patterns, or ``MAX_PATTERNS`` of them already.
        """
        if not self.built_in_patterns:
            raise ValueError(f"{self.name} has no patterns.")
        if len(self.patterns) >= MAX_PATTERNS and code not in self.patterns:
            raise ValueError(f"{MAX_PATTERNS} patterns are set already: reset the sandbox.")
        self.patterns[code] = text

    def token(self, request: Received, route: Route) -> str | None:
        """The token of a request, or None if it is not where the route or the provider has it."""
        return (route.credentials or self.credentials).find(request)

    def code(self, message: Outbound, now: float) -> int:
        """The status code of a message at ``now``, in seconds since the epoch."""
        if message.settled is not None:
            return message.settled
        return self.code_at(message, stage_of(message.starts_at, now))

    def code_at(self, message: Outbound, stage: Stage) -> int:
        """The status code that a message reaches by itself at a stage; a special recipient has one of its own."""
        scenario = SPECIAL_RECIPIENTS.get(message.recipient)
        return self.stages[stage] if scenario is None else self._scenario_code(scenario, stage)

    def report(self, message: Outbound, code: int) -> Mapping[str, int] | None:
        """The JSON body of the webhook call that reports a message's new status ``code``; None if there is no call."""
        return None

    def _scenario_code(self, scenario: Scenario, stage: Stage) -> int:
        reached = min(stage, scenario.last, key=STAGES.index)
        if reached is not Stage.DELIVERED and not scenario.at_once:
            return self.stages[reached]
        return next(code for end in scenario.ends for code, status in self.statuses.items() if status is end)


def _given(reading: object, names: Iterable[str]) -> Mapping[str, str]:
    if isinstance(reading, Mapping):
        return cast("Mapping[str, str]", reading)
    found = {name: getattr(reading, name) for name in names if hasattr(reading, name)}
    if not found:
        raise ValueError(f"A reading must be the client's option or a mapping, not {type(reading).__name__}.")
    return found


class Memory(Protocol):
    """What a call needs of the sandbox's memory."""

    @property
    def inbox(self) -> Collection[Inbound]:
        """The messages that came in, of all providers, oldest first."""
        ...

    def next_id(self, provider: str) -> int:
        """An id that the provider has not given before."""
        ...

    def accept(self, account: TokenAccount, messages: list[Outbound]) -> bool:
        """Charge and keep all of ``messages``, or none; False if the credit is too low."""
        ...

    def cancel(self, messages: list[Outbound], code: int) -> None:
        """Keep messages that are not due yet from being sent."""
        ...

    def recipient_fault(self, emulation: Emulation, route: Route, recipients: Collection[str]) -> ActiveFault | None:
        """The fault that a request meets because of one of its recipients."""
        ...


class StoppedByFault(Exception):
    """Raised instead of accepting messages, where a recipient's fault keeps the request from being accepted."""


@frozen(repr=False)
class Call:
    """One authenticated request, with what the provider's function needs to answer it."""

    emulation: Emulation
    route: Route
    memory: Memory
    account: TokenAccount
    body: bytes
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    upload: Upload | None
    now: float
    exchange: Exchange

    def own(self, kind: type[T]) -> T:
        """What the provider itself remembers of the account: its instance of ``kind``, created at first use."""
        return self.account.own(kind)

    @property
    def inbox(self) -> list[Inbound]:
        """The messages that came in for this provider, oldest first."""
        return [inbound for inbound in self.memory.inbox if inbound.provider == self.emulation.name]

    def next_id(self) -> int:
        """An id that the provider has not given before, a 64-bit integer."""
        return self.memory.next_id(self.emulation.name)

    def message(
        self,
        recipient: str,
        sender: str,
        text: str,
        cost: int,
        *,
        message_id: int | None = None,
        starts_at: float | None = None,
    ) -> Outbound:
        """A message of this call, still to be accepted, to ``recipient`` (E.164) for ``cost`` Rials.

        Its id is a new one unless given. ``starts_at``, in seconds since the epoch, is when it is to be sent.
        """
        return Outbound(
            provider=self.emulation.name,
            account=self.account,
            message_id=self.next_id() if message_id is None else message_id,
            recipient=recipient,
            sender=sender,
            text=text,
            cost=cost,
            received_at=self.now,
            starts_at=self.now if starts_at is None else starts_at,
            exchange=self.exchange,
        )

    def accept(self, messages: list[Outbound]) -> bool:
        """Charge and keep all of ``messages``; False, and nothing is done, if the credit is too low."""
        if self._apply_recipient_fault(messages):
            return False
        accepted = self.memory.accept(self.account, messages)
        if accepted and messages:
            self.exchange.first = self.exchange.first or messages[0].seq
            self.exchange.last = messages[-1].seq
        return accepted

    def _apply_recipient_fault(self, messages: list[Outbound]) -> bool:
        """Note the fault of one of the recipients; True if it empties the account.

        A request meets one fault at most: the first that is found, be it of the request or of a recipient.

        Raises:
            StoppedByFault: the fault keeps the request from being accepted.
        """
        if self.exchange.fault is not None:
            return False
        recipients = [message.recipient for message in messages]
        fault = self.exchange.fault = self.memory.recipient_fault(self.emulation, self.route, recipients)
        if fault is not None and not FAULT_RULES[fault.kind].is_accepted:
            raise StoppedByFault
        return fault is not None and FAULT_RULES[fault.kind].empties_account

    def refuses(self, recipient: str) -> bool:
        """Whether to refuse this recipient (E.164) only, for providers that refuse single recipients."""
        scenario = SPECIAL_RECIPIENTS.get(recipient)
        return scenario is not None and scenario.is_refused

    def cancel(self, messages: list[Outbound], code: int) -> None:
        """Cancel messages that are not due yet; the provider's reports have this code for them."""
        self.memory.cancel(messages, code)

    def code(self, message: Outbound) -> int:
        """The status code of a message at the time of this call."""
        return self.emulation.code(message, self.now)


@cache
def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    with MAKING:  # two sandboxes that make one at once would crash the process, in msgspec
        return msgspec.json.Decoder(shape)


def read_json(body: bytes, shape: type[T], otherwise: Reply) -> T:
    """The body as ``shape``.

    Raises:
        CallRefused: with ``otherwise``, if the body is anything else.
    """
    try:
        return cast("T", _decoder(cast("Any", shape)).decode(body))
    except (ValueError, RecursionError):  # invalid JSON, UTF-8 or types; RecursionError from 200,000 brackets
        raise CallRefused(otherwise) from None
