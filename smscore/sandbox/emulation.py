"""What a provider's emulation is made of: routes, tables, and plain functions from a call to a reply."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, TypeVar

import attrs
import msgspec

from smscore import registry
from smscore.auth import Credentials, HeaderToken, Received
from smscore.sandbox.faults import FAULT_RULES, StoppedByFault
from smscore.sandbox.memory.exchanges import Exchange
from smscore.sandbox.memory.messages import Outbound, TokenAccount
from smscore.sandbox.memory.stages import STAGES, Stage, stage_of
from smscore.sandbox.memory.state import State
from smscore.sandbox.replies import CallRefused, ErrorCode, RefusalReason, Reply
from smscore.sandbox.special_recipients import SPECIAL_RECIPIENTS, Scenario
from smscore.statuses import DeliveryStatus

__all__ = ["Call", "Emulation", "Route", "Upload", "emulations", "read_json"]

T = TypeVar("T")

MAX_PATTERNS: Final = 1000


@attrs.frozen(repr=False)
class Upload:
    """A file that came in and was counted, not kept. ``size`` is at most one byte above the route's limit."""

    filename: str
    size: int


@attrs.frozen(repr=False)
class Route:
    """One call of a provider: ``path`` is aiohttp's (``/a/{name}``), ``upload_limit`` makes it a multipart one.

    One that ``sends`` accepts messages, and meets the faults of their recipients. ``credentials`` says where its
    token is, if not where the provider's other calls have it.
    """

    method: str
    path: str
    answer: "Callable[[Call], Reply]"
    upload_limit: int | None = None
    sends: bool = False
    credentials: Credentials | None = None

    @property
    def name(self) -> str:
        """The provider's own name for the call: the last word of its path."""
        return [part for part in self.path.split("/") if not part.startswith("{")][-1]


class Emulation:
    """One provider, as tables: subclass it and name the class in the provider's profile.

    ``credentials`` says where a request has its token. ``codes`` names the
    statuses, ``statuses`` says what each means, ``stages`` picks one for each stage of a message, ``paid_back``
    lists those that give a message's cost back. ``refusals`` holds the replies, in the provider's envelope, to
    what the shell itself refuses; ``errors`` has every documented error code with its reply. ``lines`` are
    sender lines of the right form. ``patterns`` are texts with placeholders that a send may name by their codes:
    those of ``built_in_patterns`` and those that were set.
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

    def __init__(self) -> None:
        self.patterns: dict[str, str] = dict(self.built_in_patterns)

    def reset(self) -> None:
        """Be as new."""
        self.patterns = dict(self.built_in_patterns)

    def set_pattern(self, code: str, text: str) -> None:
        """Know a pattern; a ``ValueError`` where the provider has none."""
        if not self.built_in_patterns:
            raise ValueError(f"{self.name} has no patterns.")
        if len(self.patterns) >= MAX_PATTERNS and code not in self.patterns:
            raise ValueError(f"There are {MAX_PATTERNS} patterns already: reset the sandbox.")
        self.patterns[code] = text

    def token(self, request: Received, route: Route) -> str | None:
        """The token of a request, or None where it has none in the place that the route or the provider names."""
        return (route.credentials or self.credentials).find(request)

    def code(self, message: Outbound, now: float) -> int:
        """The status code of a message at ``now``."""
        if message.settled is not None:
            return message.settled
        return self.code_at(message, stage_of(message.starts_at, now))

    def code_at(self, message: Outbound, stage: Stage) -> int:
        """The status code that a message has at a stage by itself, its recipient's scenario included."""
        scenario = SPECIAL_RECIPIENTS.get(message.recipient)
        return self.stages[stage] if scenario is None else self._scenario_code(scenario, stage)

    def report(self, message: Outbound, code: int) -> Mapping[str, int] | None:
        """What the provider's webhook is called with when a message's status becomes ``code``; None: no such call."""
        return None

    def _scenario_code(self, scenario: Scenario, stage: Stage) -> int:
        reached = min(stage, scenario.last, key=STAGES.index)
        if reached is not Stage.DELIVERED and not scenario.at_once:
            return self.stages[reached]
        return next(code for end in scenario.ends for code, status in self.statuses.items() if status is end)


@attrs.frozen(repr=False)
class Call:
    """One authenticated request, with what the provider's function needs to answer it."""

    emulation: Emulation
    route: Route
    state: State
    account: TokenAccount
    body: bytes
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    upload: Upload | None
    now: float
    exchange: Exchange

    def own(self, kind: type[T]) -> T:
        """What the provider itself remembers of the account: an instance of its class ``kind``, made at first use."""
        return self.account.own(kind)

    def next_id(self) -> int:
        """An id that the provider has not given before, a 64-bit int."""
        return self.state.next_id(self.emulation.name)

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
        """A message of this call, not accepted yet; its id is a new one unless given."""
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
        """Charge and keep all of ``messages``; False, and nothing done, where the credit is too low."""
        if self._apply_recipient_fault(messages):
            return False
        accepted = self.state.accept(self.account, messages)
        if accepted and messages:
            self.exchange.first = self.exchange.first or messages[0].seq
            self.exchange.last = messages[-1].seq
        return accepted

    def _apply_recipient_fault(self, messages: list[Outbound]) -> bool:
        """Let a fault of one of the recipients strike, unless the request has met one already."""
        if self.exchange.fault is not None:
            return False
        recipients = [message.recipient for message in messages]
        fault = self.exchange.fault = self.state.faults.meet_at(self.emulation, self.route, recipients)
        if fault is not None and not FAULT_RULES[fault.kind].is_accepted:
            raise StoppedByFault
        return fault is not None and FAULT_RULES[fault.kind].empties_account

    def refuses(self, recipient: str) -> bool:
        """Whether a recipient (E.164) is one that a provider refuses alone, if it refuses any."""
        scenario = SPECIAL_RECIPIENTS.get(recipient)
        return scenario is not None and scenario.is_refused

    def cancel(self, messages: list[Outbound], code: int) -> None:
        """Cancel messages that are not due yet; the provider's reports have this code for them."""
        self.state.cancel(messages, code)

    def code(self, message: Outbound) -> int:
        """The status code of a message at the time of this call."""
        return self.emulation.code(message, self.now)


def read_json(body: bytes, shape: type[T], otherwise: Reply) -> T:
    """The body as ``shape``, or ``CallRefused`` with ``otherwise`` where it is anything else."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (ValueError, RecursionError):  # bad JSON, UTF-8 or types; 200,000 brackets
        raise CallRefused(otherwise) from None


def emulations() -> dict[str, Emulation]:
    """Every installed provider's emulation, by name; one that cannot be used is left out, with a warning."""
    found: dict[str, Emulation] = {}
    for name, kind in registry.load_all("sandbox").items():
        try:
            problem = what_is_wrong(name, kind)
            if not problem:
                found[name] = kind()
        except Exception as error:
            problem = f"making its sandbox raised {type(error).__name__}"
        if problem:
            registry.warn_unusable(name, problem)
    return found


def what_is_wrong(name: str, kind: Any) -> str | None:
    """Why a class is no emulation of the provider of this name, or None."""
    if not (isinstance(kind, type) and issubclass(kind, Emulation)):
        return "its sandbox is not a subclass of Emulation"
    missing = [attribute for attribute in Emulation.__annotations__ if not hasattr(kind, attribute)]
    if missing:
        return f"its sandbox has no {', '.join(missing)}"
    return None if kind.name == name else f"its sandbox calls itself {kind.name}"
